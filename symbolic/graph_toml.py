"""Graphs, and layers of one's own, as TOML.

[inputs]                                 [layer]
x = [3, "m"]                             name = "square"
                                         equations = ["Y[i,c] = Sum(W[i,j]*X[j,c]**p, j) + b[i]"]
[nodes.h]                                inputs = ["X"]
layer = "dense"
inputs = ["x"]                           [layer.settings.units]
units = 4                                kind = "size"
arrays = {W = "shared"}                  symbol = "i"

[losses.E]                               [layer.settings.power]
loss = "half-squared"                    kind = "whole"
inputs = ["h"]                           symbol = "p"
arrays = {T = "t"}                       default = "2"

A graph's own layers stand in the same file as [layers.square], without a name of their own. `default` is a
text, as a real number is a formula.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from symbolic.errors import InvalidNetwork
from symbolic.graph import Graph, graph, node
from symbolic.layer import Layer, Setting
from symbolic.layers import LAYERS
from symbolic.losses import SAMPLES
from symbolic.placement import Node
from symbolic.toml_format import check_keys, naming, toml_value

_GRAPH: Final = {"inputs": dict, "nodes": dict, "losses": dict, "layers": dict}
_LAYER: Final = {
    "name": str,
    "note": str,
    "equations": list,
    "inputs": list,
    "constants": list,
    "stable": list,
    "shapes": dict,
    "carries": dict,
    "settings": dict,
}
_SETTING: Final = {"kind": str, "symbol": str, "default": str}
_KINDS: Final = ("size", "whole", "real", "function")
_NODE: Final = {"layer": str, "inputs": list, "arrays": dict, "axis": int}
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_ARRAY: Final = re.compile(rf"{_NAME.pattern}(\.{_NAME.pattern})?")


def graph_toml(network: Graph) -> str:
    """The TOML of a graph; `graph_from` reads it back."""
    inputs = {
        name: ["m" if size == SAMPLES else size for size in shape] for name, shape in network.inputs.items()
    }
    tables = [_table("inputs", inputs)]
    every = [*network.nodes.items(), *network.losses.items()]
    own = {each.layer.name: each.layer for _, each in every if LAYERS.get(each.layer.name) != each.layer}
    for layer in own.values():
        tables += _layer_tables(f"layers.{layer.name}", layer, named=False)
    for kind, nodes in (("nodes", network.nodes), ("losses", network.losses)):
        tables += [_table(f"{kind}.{name}", _node_values(each)) for name, each in nodes.items()]
    return "\n\n".join(tables) + "\n"


def layer_toml(layer: Layer) -> str:
    """The TOML of a layer; `layer_from` reads it back."""
    return "\n\n".join(_layer_tables("layer", layer, named=True)) + "\n"


def graph_from(data: Mapping[str, Any], source: str) -> Graph:
    """The graph of a TOML file. Raises InvalidNetwork, which names the source and the table."""
    check_keys(data, _GRAPH, source)
    own = {name: _own(name, row, f"{source}, layers.{name}") for name, row in _tables(data, "layers", source)}
    inputs = _mapping(data, "inputs", source)
    for name, shape in inputs.items():
        _name(name, f"{source}, inputs")
        if not isinstance(shape, list) or not all(isinstance(size, int | str) for size in shape):
            raise InvalidNetwork(f'{source}, inputs.{name} = {shape!r}; a shape is a list such as [3, "m"]')
    nodes, losses = (
        {name: _node(row, own, f"{source}, {kind}.{name}", kind) for name, row in _tables(data, kind, source)}
        for kind in ("nodes", "losses")
    )
    with naming(source):
        return graph(inputs=inputs, nodes=nodes, losses=losses)


def layer_from(data: Mapping[str, Any], source: str) -> Layer:
    """The layer of a TOML file with the table [layer]. Raises InvalidNetwork."""
    check_keys(data, {"layer": dict}, source)
    return _layer(data["layer"], f"{source}, layer")


def _own(name: str, row: object, place: str) -> Layer:
    """A layer that a graph's file defines."""
    if name in LAYERS:
        raise InvalidNetwork(f"{place}: there is a layer of that name already; choose another")
    check_keys(row, {key: kind for key, kind in _LAYER.items() if key != "name"}, place)
    assert isinstance(row, dict)
    return _layer({**row, "name": name}, place)


def _layer(row: object, place: str) -> Layer:
    check_keys(row, _LAYER, place)
    assert isinstance(row, dict)
    if not row.get("equations"):
        raise InvalidNetwork(f"{place}: a layer needs equations, a list of texts")
    settings = [
        _setting(name, each, f"{place}.settings.{name}") for name, each in _tables(row, "settings", place)
    ]
    shapes, carries = _mapping(row, "shapes", place), _mapping(row, "carries", place)
    texts = {key: _texts(row, key, place) for key in ("equations", "inputs", "constants", "stable")}
    for key, values in (("shapes", shapes), ("carries", carries)):
        _texts({key: list(values.values())}, key, place)
    with naming(place):
        layer = Layer.from_equations(
            *texts["equations"],
            name=row.get("name", "layer"),
            inputs=texts["inputs"] if "inputs" in row else None,
            constants=texts["constants"],
            settings=settings,
            shapes=shapes,
            stable=texts["stable"],
            carries=carries,
            note=row.get("note", ""),
        )
        layer.stable_equations()
    return layer


def _setting(name: str, row: object, place: str) -> Setting:
    check_keys(row, _SETTING, place)
    assert isinstance(row, dict)
    kind, default = row.get("kind"), row.get("default", "")
    if kind not in _KINDS:
        raise InvalidNetwork(f"{place}: kind = {kind!r}; choose from {', '.join(_KINDS)}")
    if kind == "whole" and not re.fullmatch(r"\d{1,9}", default):
        raise InvalidNetwork(f'{place}: default = {default!r}; a whole number has a default such as "1"')
    if kind == "real" and not default:
        raise InvalidNetwork(f'{place}: a real number has a default such as "0.1"')
    if name in _NODE:
        raise InvalidNetwork(f"{place}: '{name}' is a key of every node; choose another name")
    return Setting(name, _name(row.get("symbol", name), place), kind, default)


def _node(row: object, own: Mapping[str, Layer], place: str, kind: str) -> Node:
    if not isinstance(row, dict):
        raise InvalidNetwork(f"{place}: {row!r} is no table; write [{place.rpartition(' ')[2]}]")
    check_keys({key: row[key] for key in _NODE if key in row}, _NODE, place)
    settings = {key: value for key, value in row.items() if key not in _NODE}
    for key, value in settings.items():
        if not isinstance(value, int | str) or isinstance(value, bool):
            raise InvalidNetwork(f"{place}: {key} = {value!r} has the wrong type")
    name = row.get("layer", "loss" if kind == "losses" else None)
    if name is None:
        raise InvalidNetwork(f"{place}: layer is missing")
    arrays = _mapping(row, "arrays", place)
    for local, label in arrays.items():
        if not isinstance(label, str) or not _ARRAY.fullmatch(label):
            raise InvalidNetwork(f"{place}: arrays.{local} = {label!r} is no name of an array, such as h.W")
    if row.get("axis", 0) < 0:
        raise InvalidNetwork(f"{place}: axis = {row['axis']}; axes count from 0")
    with naming(place):
        return node(
            own.get(name, name),
            *_texts(row, "inputs", place),
            arrays=arrays,
            axis=row.get("axis", 0),
            **settings,
        )


def _tables(data: Mapping[str, Any], key: str, source: str) -> Iterator[tuple[str, object]]:
    for name, row in _mapping(data, key, source).items():
        yield _name(name, f"{source}, {key}"), row


def _mapping(data: Mapping[str, Any], key: str, source: str) -> dict[str, Any]:
    found = data.get(key, {})
    assert isinstance(found, dict), f"{source}: {key} is checked"
    return found


def _texts(row: Mapping[str, Any], key: str, place: str) -> list[str]:
    for each in row.get(key, []):
        if not isinstance(each, str):
            raise InvalidNetwork(f"{place}: {key} holds {each!r}, which is no text")
    return list(row.get(key, []))


def _name(name: str, place: str) -> str:
    if not _NAME.fullmatch(name):
        raise InvalidNetwork(
            f"{place}: {name!r} is no name; a name is a letter, then letters, digits, _ and -"
        )
    return name


def _layer_tables(title: str, layer: Layer, *, named: bool) -> list[str]:
    values: dict[str, object] = {"name": layer.name} if named else {}
    values |= {"equations": list(layer.texts), "inputs": list(layer.inputs)}
    for key in ("constants", "stable"):
        if given := getattr(layer, key):
            values[key] = list(given)
    if layer.note:
        values["note"] = layer.note
    for key in ("shapes", "carries"):
        if pairs := getattr(layer, key):
            values[key] = dict(pairs)
    settings = [
        _table(
            f"{title}.settings.{each.name}",
            {"kind": each.kind, "symbol": each.symbol} | ({"default": each.default} if each.default else {}),
        )
        for each in layer.settings
    ]
    return [_table(title, values), *settings]


def _node_values(each: Node) -> dict[str, object]:
    values: dict[str, object] = {"layer": each.layer.name, "inputs": list(each.inputs), **each.settings}
    if each.arrays:
        values["arrays"] = dict(each.arrays)
    if each.axis:
        values["axis"] = each.axis
    return values


def _table(title: str, values: Mapping[str, object]) -> str:
    return "\n".join([f"[{title}]", *(f"{key} = {toml_value(value)}" for key, value in values.items())])
