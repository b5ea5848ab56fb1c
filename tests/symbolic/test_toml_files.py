"""Graphs and layers as TOML: what is written reads back equal; what is neither is refused by its place."""

from __future__ import annotations

import tomllib
from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from symbolic.derivation import derive
from symbolic.errors import BackproofError, InvalidNetwork
from symbolic.graph import Graph, graph, loss, node
from symbolic.layer import Layer, Setting, function, real, size, whole
from symbolic.layers import LAYERS
from symbolic.network import mlp
from symbolic.toml_files import from_toml, to_toml
from tests.layer_cases import CASES

LAYER = """[layer]
name = "square"
equations = ["Y[i,c] = Sum(W[i,j]*X[j,c]**2, j) + b[i]"]
inputs = ["X"]

[layer.settings.units]
kind = "size"
symbol = "i"
"""
GRAPH = """[inputs]
x = [3, "m"]

[layers.square]
equations = ["Y[i,c] = Sum(W[i,j]*X[j,c]**2, j) + b[i]"]
inputs = ["X"]

[layers.square.settings.units]
kind = "size"
symbol = "i"

[nodes.h]
layer = "square"
inputs = ["x"]
units = 3

[nodes.a]
layer = "activation"
inputs = ["h"]
activation = "tanh"

[nodes.y]
layer = "dense"
inputs = ["a"]
units = 3
arrays = {W = "h.W"}

[losses.E]
layer = "loss"
inputs = ["y"]
loss = "half-squared"
scale = "1/m"
arrays = {T = "t"}
"""


def square() -> Layer:
    text = "Y[i,c] = Sum(W[i,j]*X[j,c]**2, j) + b[i]"
    return Layer.from_equations(text, name="square", settings=[size("units", "i")])


def network() -> Graph:
    return graph(
        inputs={"x": (3, "m")},
        nodes={
            "h": node(square(), "x", units=3),
            "a": node("tanh", "h"),
            "y": node("dense", "a", units=3, arrays={"W": "h.W"}),
        },
        losses={"E": loss("half-squared", "y")},
    )


def test_graph_is_written_table_by_table() -> None:
    assert to_toml(network()) == GRAPH
    assert from_toml(GRAPH) == network()


def test_layer_is_written_with_its_settings() -> None:
    assert to_toml(square()) == LAYER
    assert from_toml(LAYER) == square()


def test_graph_from_a_file_is_derived_as_the_one_from_python() -> None:
    read = from_toml(GRAPH)
    assert isinstance(read, Graph)
    assert derive(read).backward == derive(network()).backward


def test_content_tells_chains_from_graphs_and_layers() -> None:
    assert from_toml(to_toml(mlp(2, 3, 1))) == mlp(2, 3, 1)


@pytest.mark.parametrize("name", LAYERS)
def test_layer_reads_back(name: str) -> None:
    assert from_toml(to_toml(LAYERS[name])) == LAYERS[name]


@pytest.mark.parametrize("name", CASES)
def test_graph_reads_back(name: str) -> None:
    text = to_toml(CASES[name].graph)
    assert from_toml(text) == CASES[name].graph
    assert tomllib.loads(text)


SETTINGS = [
    size("units", "i"),
    whole("shift", 2, "p"),
    real("factor", "lambda/2", "f"),
    function("gate", "g", "tanh"),
]


@given(
    st.text(max_size=20), st.permutations(SETTINGS), st.from_regex(r"[a-z]{1,3}[-_][A-Z0-9]", fullmatch=True)
)
@example('"""\\u0000\n\x7f😀', SETTINGS, "a-A")
def test_drawn_layer_reads_back(note: str, chosen: list[Setting], name: str) -> None:
    text = "Y[i,c] = f*g(X[i + p,c])**2"
    layer = Layer.from_equations(text, name=name, settings=chosen, note=note)
    assert from_toml(to_toml(layer)) == layer


def test_loss_table_needs_no_layer_and_an_activation_is_one() -> None:
    short = (
        GRAPH.replace('layer = "loss"\n', "")
        .replace('scale = "1/m"\n', "")
        .replace(
            'layer = "activation"\ninputs = ["h"]\nactivation = "tanh"', 'layer = "tanh"\ninputs = ["h"]'
        )
    )
    read = from_toml(short)
    assert isinstance(read, Graph)
    assert derive(read).backward == derive(network()).backward


FAULTS = [
    ('layer = "square"', 'layer = "sqare"', "nodes.h", "no layer 'sqare'"),
    ("units = 3\n\n[nodes.a]", "width = 3\n\n[nodes.a]", "nodes.h", "no setting of square 'width'"),
    ("units = 3\n\n[nodes.a]", "units = true\n\n[nodes.a]", "nodes.h", "units = True has the wrong type"),
    ("units = 3\n\n[nodes.a]", "units = 0\n\n[nodes.a]", "h", "whole number from 1"),
    ('inputs = ["h"]', 'inputs = "h"', "nodes.a", "inputs = 'h' has the wrong type"),
    ('inputs = ["h"]', "inputs = [1]", "nodes.a", "inputs holds 1"),
    ('inputs = ["h"]', 'inputs = ["q"]', "net.toml", "no node 'q'"),
    ('inputs = ["h"]', 'inputs = ["y"]', "net.toml", "cycle"),
    ('inputs = ["h"]', "inputs = []", "nodes.a", "takes 1 input"),
    ('arrays = {W = "h.W"}', 'arrays = {W = "h W"}', "nodes.y", "arrays.W = 'h W'"),
    ('arrays = {W = "h.W"}', "axis = -1", "nodes.y", "axes count from 0"),
    ('x = [3, "m"]', "x = 3", "inputs.x", "a shape is a list"),
    ('x = [3, "m"]', 'x = [3, "n"]', "net.toml", "a size is a whole number from 1, or m"),
    ('x = [3, "m"]', 'x = [true, "m"]', "net.toml", "a size is a whole number from 1"),
    ('x = [3, "m"]', '"x y" = [3, "m"]', "inputs", "'x y' is no name"),
    ("[inputs]", "[inputz]", "net.toml", "no key 'inputz'"),
    ("[nodes.h]", '[nodes."h.W"]', "nodes", "'h.W' is no name"),
    ("[layers.square]\n", "[layers.square]\nbackward = []\n", "layers.square", "no key 'backward'"),
    ("X[j,c]**2", "X[j,c]**", "layers.square", "character"),
    ("+ b[i]", "+ b[i,q]", "layers.square", "'q'"),
    ("[layers.square", "[layers.dense", "layers.dense", "a layer of that name already"),
    ('kind = "size"', 'kind = "sizes"', "layers.square.settings.units", "choose from size"),
    ('kind = "size"', 'kind = "whole"', "layers.square.settings.units", "default such as"),
    ('kind = "size"', 'kind = "size"\nsecret = 1', "layers.square.settings.units", "no key 'secret'"),
    ('symbol = "i"', 'symbol = "__import__"', "layers.square.settings.units", "no name"),
    ('loss = "half-squared"', 'loss = "halfsquared"', "net.toml", "half-squared"),
]


@pytest.mark.parametrize(("old", "new", "place", "words"), FAULTS)
def test_fault_is_refused_by_file_and_table(old: str, new: str, place: str, words: str) -> None:
    text = GRAPH.replace(old, new)
    assert text != GRAPH
    with pytest.raises(InvalidNetwork, match=r"^net\.toml") as refusal:
        from_toml(text, source="net.toml")
    assert place in str(refusal.value)
    assert words in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("layer = 1", "layer = 1"),
        ("[layer]", "needs equations"),
        ("[layer]\nequations = [1]", "equations holds 1"),
        ('[layer]\nequations = ["Y[i] = Z[i]"]', "begins with X"),
        ('[layer]\nequations = ["Y[i] = X[i]"]\nshapes = {X = 1}', "shapes holds 1"),
        ('[layer]\nequations = ["Y[i] = X[i]"]\nstable = ["Y[i] = X["]', "character"),
        ('[layer]\nequations = ["Y[i] = X[i]"]\n[layer.settings]\nunits = 3', "is no table"),
        ('[layer]\nequations = ["Y[i] = X[i]"]\n[nodes.a]', "no key 'nodes'"),
        ("[nodes]\nh = 3", "is no table"),
        ("[nodes.h]", "layer is missing"),
        ("[nodes.h]\nlayer = 1", "layer = 1 has the wrong type"),
        ("nodes = []", "nodes = [] has the wrong type"),
    ],
)
def test_what_is_no_layer_and_no_graph_is_refused(text: str, words: str) -> None:
    with pytest.raises(InvalidNetwork, match=r"^net\.toml") as refusal:
        from_toml(text, source="net.toml")
    assert words in str(refusal.value)


@given(
    st.sampled_from([GRAPH, LAYER]),
    st.integers(0, 400),
    st.integers(0, 6),
    st.text('[]{}="\\\n.,1-é\x00 abcXmi', max_size=6),
)
def test_any_damage_is_read_or_refused(text: str, at: int, cut: int, patch: str) -> None:
    with suppress(BackproofError):
        from_toml(text[:at] + patch + text[at + cut :])
