"""Networks and families as TOML: everything that can be said of one can be written down and read back.

inputs = 2                      depth = "?"              # a family of any depth
loss = "half-squared"           hidden = ["tanh"]
scale = "1/m"                   output = "softmax"
                                bias = [true]
[[layers]]                      loss = "cross-entropy"
width = 3                       scale = "1/m"
activation = "tanh"
bias = true                     [[penalties]]
                                norm = "l2"
[[layers]]                      factor = "lambda/(2*m)"
width = "?"                     biases = false
activation = "identity"
bias = true
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from typing import Any, Final

from symbolic import losses
from symbolic.activations import activation
from symbolic.errors import InvalidNetwork
from symbolic.formula import to_text
from symbolic.network import FREE, Chain, Family, Network, Objective

_ANY: Final = {"loss": str, "scale": str, "penalties": list}
_LAYERED: Final = {"inputs": (int, str), "layers": list, **_ANY}
_OPEN: Final = {"depth": str, "hidden": list, "output": str, "bias": list, **_ANY}
_LAYER: Final = {"width": (int, str), "activation": str, "bias": bool}
_PENALTY: Final = {"norm": str, "factor": str, "biases": bool}


def to_toml(chain: Chain) -> str:
    """The TOML of a network or family; `from_toml` reads it back.

    >>> from symbolic.network import mlp
    >>> from_toml(to_toml(mlp(2, 3, 1))) == mlp(2, 3, 1)
    True
    """
    family = _as_family(chain)
    if family.sizes is None:
        head = [
            f"depth = {_value(FREE)}",
            f"hidden = {_value([layer.text for layer in family.hidden])}",
            f"output = {_value(family.output.text)}",
            f"bias = {_value(list(family.bias))}",
        ]
        layers: list[str] = []
    else:
        inputs, *widths = (FREE if size is None else size for size in family.sizes)
        head = [f"inputs = {_value(inputs)}"]
        activations = [*family.hidden, family.output]
        rows = zip(widths, activations, family.bias, strict=True)
        layers = [_table("layers", width=width, activation=g.text, bias=bias) for width, g, bias in rows]
    objective = chain.objective
    head += [f"loss = {_value(objective.loss.text)}", f"scale = {_value(to_text(objective.scale))}"]
    penalties = [
        _table("penalties", norm=penalty.norm, factor=to_text(penalty.factor), biases=penalty.biases)
        for penalty in objective.penalties
    ]
    return "\n\n".join(["\n".join(head), *layers, *penalties]) + "\n"


def from_toml(text: str, *, source: str = "the TOML text") -> Chain:
    """Read a network or family. Raises InvalidNetwork, which names the key, or FormulaError."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidNetwork(f"{source} is no TOML: {error}") from None
    is_open = "depth" in data
    _check(data, _OPEN if is_open else _LAYERED, source)
    penalties = tuple(
        losses.penalty(row["norm"], row["factor"], biases=row["biases"])
        for row in _rows(data.get("penalties", []), _PENALTY, f"{source}, penalties")
    )
    objective = Objective(
        losses.loss(data.get("loss", "half-squared")), losses.scale(data.get("scale", "1/m")), penalties
    )
    if is_open:
        if data["depth"] != FREE:
            raise InvalidNetwork(f'{source}: depth is "{FREE}" or left out; layers say how many there are')
        hidden = tuple(activation(_text(name, f"{source}, hidden")) for name in data.get("hidden", ["g"]))
        return Family(
            None,
            hidden,
            activation(data.get("output", "identity")),
            objective,
            tuple(data.get("bias", [True])),
        )
    layers = _rows(data.get("layers", []), _LAYER, f"{source}, layers")
    if not layers or "inputs" not in data:
        raise InvalidNetwork(f"{source}: a network needs inputs and at least one [[layers]]")
    sizes = tuple(_size(value, source) for value in (data["inputs"], *(row["width"] for row in layers)))
    *hidden_rows, output = (activation(row["activation"]) for row in layers)
    family = Family(sizes, tuple(hidden_rows), output, objective, tuple(row["bias"] for row in layers))
    fixed = [size for size in sizes if size is not None]
    return family.network(fixed) if len(fixed) == len(sizes) else family


def _as_family(chain: Chain) -> Family:
    """A network as the family of which it is the only member; a family with one value for each layer."""
    if isinstance(chain, Network):
        *hidden, output = (layer.activation for layer in chain.layers)
        sizes = tuple(size if isinstance(size, int) else None for size in chain.sizes)
        return Family(
            sizes, tuple(hidden), output, chain.objective, tuple(layer.bias for layer in chain.layers)
        )
    return chain if chain.sizes is None else _as_family(chain.symbolic())


def _table(name: str, **values: object) -> str:
    return "\n".join([f"[[{name}]]", *(f"{key} = {_value(value)}" for key, value in values.items())])


def _value(value: object) -> str:
    """A TOML value; strings, whole numbers, booleans and lists of them look as in JSON."""
    return json.dumps(value)


def _size(value: int | str, source: str) -> int | None:
    if value == FREE:
        return None
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidNetwork(
            f'{source}: width {value!r}; widths are whole numbers from 1, or "{FREE}" for a free one'
        )
    return value


def _rows(rows: list[Any], keys: Mapping[str, Any], source: str) -> list[dict[str, Any]]:
    """Tables that have every key, or its default."""
    defaults = {"activation": "identity", "bias": True, "biases": False}
    for row in rows:
        _check(row, keys, source)
        missing = [key for key in keys if key not in row and key not in defaults]
        if missing:
            raise InvalidNetwork(f"{source}: {', '.join(missing)} missing in {row}")
    return [{key: row.get(key, defaults.get(key)) for key in keys} for row in rows]


def _check(data: Any, keys: Mapping[str, Any], source: str) -> None:
    if not isinstance(data, dict):
        raise InvalidNetwork(f"{source}: {data!r} is no table; write [[layers]] with its keys below")
    for key, value in data.items():
        if key not in keys:
            raise InvalidNetwork(f"{source}: no key '{key}'; choose from {', '.join(keys)}")
        if not isinstance(value, keys[key]) or (isinstance(value, bool) and keys[key] is not bool):
            raise InvalidNetwork(f"{source}: {key} = {value!r} has the wrong type")


def _text(value: object, source: str) -> str:
    if not isinstance(value, str):
        raise InvalidNetwork(f"{source}: {value!r} is no text")
    return value
