"""A TOML file is a chain of layers, a graph of nodes, or a layer of one's own: its content says which."""

from __future__ import annotations

from typing import TypeAlias

from symbolic.graph import Graph
from symbolic.graph_toml import graph_from, graph_toml, layer_from, layer_toml
from symbolic.layer import Layer
from symbolic.network import Chain
from symbolic.toml_format import chain_from, chain_toml, loaded

Described: TypeAlias = Chain | Graph | Layer


def to_toml(described: Described) -> str:
    """The TOML of a network, a family, a graph or a layer; `from_toml` reads it back.

    >>> from symbolic.layers import LAYERS
    >>> from_toml(to_toml(LAYERS["conv1d"])) == LAYERS["conv1d"]
    True
    """
    match described:
        case Graph():
            return graph_toml(described)
        case Layer():
            return layer_toml(described)
    return chain_toml(described)


def from_toml(text: str, *, source: str = "the TOML text") -> Described:
    """Read what a TOML text describes. Raises InvalidNetwork, which names the source and the key."""
    data = loaded(text, source)
    if "layer" in data:
        return layer_from(data, source)
    if "nodes" in data or isinstance(data.get("inputs"), dict):
        return graph_from(data, source)
    return chain_from(data, source)
