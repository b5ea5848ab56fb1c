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
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from symbolic import losses
from symbolic.activations import Activation, activation
from symbolic.errors import FormulaError, InvalidNetwork
from symbolic.grammar.formula import to_text
from symbolic.network import FREE, Chain, Dense, Family, Network, Objective, objective

_ANY: Final = {"loss": str, "scale": str, "penalties": list}
_LAYERED: Final = {"inputs": (int, str), "layers": list, **_ANY}
_OPEN: Final = {"depth": str, "hidden": list, "output": str, "bias": list, **_ANY}
_LAYER: Final = {"width": (int, str), "activation": str, "bias": bool}
_PENALTY: Final = {"norm": str, "factor": str, "biases": bool}


def chain_toml(chain: Chain) -> str:
    """The TOML of a network or family; `chain_from` reads it back.

    >>> from symbolic.network import mlp
    >>> chain_from(loaded(chain_toml(mlp(2, 3, 1)), "2-3-1"), "2-3-1") == mlp(2, 3, 1)
    True
    """
    if isinstance(chain, Family) and chain.sizes is None:
        head = [
            f"depth = {toml_value(FREE)}",
            f"hidden = {toml_value([layer.text for layer in chain.hidden])}",
            f"output = {toml_value(chain.output.text)}",
            f"bias = {toml_value(list(chain.bias))}",
        ]
        layers: list[str] = []
    else:
        network = chain.symbolic() if isinstance(chain, Family) else chain
        inputs, *widths = (size if isinstance(size, int) else FREE for size in network.sizes)
        head = [f"inputs = {toml_value(inputs)}"]
        rows = zip(widths, network.layers, strict=True)
        layers = [
            _table("layers", width=width, activation=layer.activation.text, bias=layer.bias)
            for width, layer in rows
        ]
    goal = chain.objective
    head += [f"loss = {toml_value(goal.loss.text)}", f"scale = {toml_value(to_text(goal.scale))}"]
    penalties = [
        _table("penalties", norm=penalty.norm, factor=to_text(penalty.factor), biases=penalty.biases)
        for penalty in goal.penalties
    ]
    return "\n\n".join(["\n".join(head), *layers, *penalties]) + "\n"


def loaded(text: str, source: str) -> dict[str, Any]:
    """What a TOML text says. Raises InvalidNetwork where it is none."""
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # of numbers and brackets without end, too
        raise InvalidNetwork(f"{source} is no TOML: {error}") from None


def chain_from(data: Mapping[str, Any], source: str) -> Chain:
    """The network or family of a TOML file. Raises InvalidNetwork, which names the source and the key."""
    is_open = "depth" in data
    check_keys(data, _OPEN if is_open else _LAYERED, source)
    penalties = []
    for row in _rows(data.get("penalties", []), _PENALTY, f"{source}, penalties"):
        with naming(f"{source}, norm or factor of a penalty"):
            penalties.append(losses.penalty(row["norm"], row["factor"], biases=row["biases"]))
    with naming(f"{source}, loss or scale"):
        goal = objective(data.get("loss", "half-squared"), data.get("scale"), tuple(penalties))
    with naming(source):
        return _open(data, goal, source) if is_open else _layered(data, goal, source)


def _open(data: Mapping[str, Any], goal: Objective, source: str) -> Family:
    """A family of any depth."""
    if data["depth"] != FREE:
        raise InvalidNetwork(f'depth is "{FREE}" or left out; layers say how many there are')
    hidden = tuple(
        _activation(_text(name, f"{source}, hidden"), "hidden") for name in data.get("hidden", ["g"])
    )
    output = _activation(data.get("output", "identity"), "output")
    return Family(None, hidden, output, goal, tuple(data.get("bias", [True])))


def _layered(data: Mapping[str, Any], goal: Objective, source: str) -> Chain:
    """A network, or a family of one depth."""
    layers = _rows(data.get("layers", []), _LAYER, f"{source}, layers")
    if not layers or "inputs" not in data:
        raise InvalidNetwork("a network needs inputs and at least one [[layers]]")
    sizes = tuple(_size(value) for value in (data["inputs"], *(row["width"] for row in layers)))
    *hidden, output = (_activation(row["activation"], "activation") for row in layers)
    biases = tuple(row["bias"] for row in layers)
    fixed = [size for size in sizes if size is not None]
    if len(fixed) < len(sizes):
        return Family(sizes, tuple(hidden), output, goal, biases)
    return Network(fixed[0], tuple(map(Dense, fixed[1:], [*hidden, output], biases)), goal)


def _activation(text: str, key: str) -> Activation:
    with naming(key):
        return activation(text)


@contextmanager
def naming(place: str) -> Iterator[None]:
    """Whatever is refused within says where it stands."""
    try:
        yield
    except (InvalidNetwork, FormulaError) as error:
        known = str(error).startswith(place)
        raise InvalidNetwork(str(error) if known else f"{place}: {error}") from None


def _table(name: str, **values: object) -> str:
    return "\n".join([f"[[{name}]]", *(f"{key} = {toml_value(value)}" for key, value in values.items())])


def toml_value(value: object) -> str:
    """A TOML value; strings, whole numbers, booleans and lists of them look as in JSON, tables do not."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {toml_value(each)}" for key, each in value.items()) + "}"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", r"\u007f")


def _size(value: int | str) -> int | None:
    if value == FREE:
        return None
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidNetwork(f'width {value!r}; widths are whole numbers from 1, or "{FREE}" for a free one')
    return value


def _rows(rows: list[Any], keys: Mapping[str, Any], source: str) -> list[dict[str, Any]]:
    """Tables that have every key, or its default."""
    defaults = {"activation": "identity", "bias": True, "biases": False}
    for row in rows:
        check_keys(row, keys, source)
        missing = [key for key in keys if key not in row and key not in defaults]
        if missing:
            raise InvalidNetwork(f"{source}: {', '.join(missing)} missing in {row}")
    return [{key: row.get(key, defaults.get(key)) for key in keys} for row in rows]


def check_keys(data: Any, keys: Mapping[str, Any], source: str) -> None:
    """Refuse what is no table, a key that is none of `keys`, and a value that is of another type."""
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
