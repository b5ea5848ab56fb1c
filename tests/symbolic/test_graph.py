"""Networks as graphs: order, sharing, names, and what is refused in which words."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import sympy as sp

from symbolic.derivation import derive
from symbolic.errors import FormulaError, InvalidNetwork
from symbolic.graph import Graph, graph, loss, node
from symbolic.layer import Layer
from symbolic.losses import SAMPLES
from symbolic.notation import Array
from symbolic.placement import Node

X = {"x": (3, "m")}


def dense(source: str, units: int = 3, **arrays: str) -> Node:
    return node("dense", source, units=units, arrays=arrays)


def built(nodes: Mapping[str, Node], losses: Mapping[str, Node] | None = None, **inputs: Any) -> Graph:
    return graph(inputs=inputs or X, nodes=nodes, losses=losses)


def test_nodes_run_after_what_they_read_in_whatever_order_they_are_given() -> None:
    network = built({"c": node("add", "a", "b"), "b": dense("a"), "a": dense("x")}, {"E": loss("huber", "c")})
    assert network.order == ("a", "b", "c", "E")
    assert [step.target.name for step in network.steps] == ["a", "b", "c", "E"]


def test_arrays_have_shapes_and_names() -> None:
    network = built({"a": dense("x", 2), "n": node("layer-norm", "a")}, {"E": loss("huber", "n", "goal")})
    shapes = {name: array.shape for name, array in network.arrays.items()}
    assert shapes == {
        "x": (3, SAMPLES),
        "a": (2, SAMPLES),
        "a.W": (2, 3),
        "a.b": (2,),
        "n": (2, SAMPLES),
        "n.M": (SAMPLES,),
        "n.V": (SAMPLES,),
        "n.H": (2, SAMPLES),
        "n.gamma": (2,),
        "n.beta": (2,),
        "E": (),
        "goal": (2, SAMPLES),
    }
    assert [array.name for array in network.parameters] == ["a.W", "a.b", "n.gamma", "n.beta"]
    assert [array.name for array in network.constants] == ["goal"]


def test_shared_parameter_is_one_array_with_one_gradient() -> None:
    nodes = {
        "a": dense("x", W="W"),
        "b": dense("a", W="W"),
        "y": node("dense-transposed", "b", arrays={"W": "W"}),
    }
    network = built(nodes, {"E": loss("half-squared", "y")})
    assert [array.name for array in network.parameters] == ["W", "a.b", "b.b", "y.b"]
    targets = [step.target for step in derive(network).backward]
    assert targets.count(Array("W", None, (3, 3), cotangent=True)) == 1


def test_owner_of_a_shared_parameter_comes_first() -> None:
    network = built({"b": dense("x", W="a.W"), "a": dense("x")})
    assert network.order == ("a", "b")


def test_penalty_reads_a_parameter_that_nodes_share() -> None:
    network = built({"a": dense("x", W="W"), "b": dense("a", W="W")}, {"R": node("l2", "W")})
    assert network.order == ("a", "b", "R")


def test_output_may_be_told_to_equal_the_input() -> None:
    network = built({"code": dense("x", 2), "y": dense("code", 3)}, {"E": loss("half-squared", "y", "x")})
    assert network.constants == (network.arrays["x"],)


def test_gradient_of_what_no_loss_depends_on_is_0() -> None:
    network = built({"a": dense("x"), "b": dense("x")}, {"E": loss("half-squared", "a")})
    gradients = {step.target.name: step for step in derive(network).backward if step.role == "gradient"}
    assert gradients.keys() == {"a.W", "a.b", "b.W", "b.b"}
    assert gradients["b.W"].equation.value == 0
    assert gradients["b.W"].target.shape == (3, 3)


def test_array_of_another_network_is_no_array_to_derive_by() -> None:
    network = built({"a": dense("x")}, {"E": loss("half-squared", "a")})
    message = "no array 'b.W' (did you mean 'a.W'?); choose from E, a, a.W, a.b, t, x"
    with pytest.raises(InvalidNetwork, match=exactly(message)):
        derive(network, wrt=[Array("b.W", None, (3, 3))])


def test_scale_and_loss_know_the_number_of_outputs() -> None:
    network = built({}, {"E": loss("label-smoothing", "x", scale="1/(m*k)")})
    (step,) = network.steps
    assert step.bindings["s"] == 1 / (3 * SAMPLES)
    assert step.slot("e").source.definition.free_symbols == set(sp.symbols("a t", real=True))  # type: ignore[union-attr]


def test_graph_may_be_deeper_than_the_stack() -> None:
    nodes = {f"n{k}": node("tanh", f"n{k - 1}" if k else "x") for k in range(1100)}
    assert len(built(dict(reversed(nodes.items()))).order) == 1100


def exactly(message: str) -> str:
    return f"^{re.escape(message)}$"


LONG = {"x": (2, 5, "m")}


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda: built({"a": dense("b"), "b": dense("c"), "c": dense("a"), "d": dense("x")}),
            "the nodes form a cycle: a ← b ← c ← a",
        ),
        (lambda: built({"a": dense("a")}), "the nodes form a cycle: a ← a"),
        (
            lambda: built({"d": dense("a"), "a": dense("b"), "b": dense("a")}),
            "the nodes form a cycle: a ← b ← a",
        ),
        (
            lambda: built({"hidden": dense("x"), "y": dense("hiden")}),
            "y: no node 'hiden' (did you mean 'hidden'?); choose from hidden, x",
        ),
        (
            lambda: built({"a": dense("x")}, {"R": node("l2", "a.w")}),
            "R: no array 'a.w' (did you mean 'a.b'?); choose from a, a.W, a.b, x",
        ),
        (
            lambda: built({"y": node("add", "x", "u")}, x=(3, "m"), u=(4, "m")),
            "y: index i has two sizes: 3, and 4 along axis 1 of X2",
        ),
        (
            lambda: built({"y": node("add", "x", "u")}, x=(3, "m"), u=(3, 2, "m")),
            "y: X2 has 2 axes, but u is of shape (3, 2, m)",
        ),
        (
            lambda: built({"y": node("dense", "x")}),
            "y: the size of axis 1 of W (i) does not follow from the inputs; give units=…",
        ),
        (
            lambda: built({"y": node("conv1d", "x", channels=2)}, **LONG),
            "y: the size of axis 3 of W (k) does not follow from the inputs; give kernel=…",
        ),
        (
            lambda: built({"a": dense("x", 3, W="W"), "b": dense("a", 4, W="W")}),
            "b: index i has two sizes: 4, and 3 along axis 1 of W",
        ),
        (lambda: node("add", "x"), "add takes 2 inputs (X1, X2), not 1"),
        (
            lambda: node("conv1d", "x", strid=2),
            "no setting of conv1d 'strid' (did you mean 'stride'?); "
            "choose from channels, kernel, stride, padding, dilation",
        ),
        (lambda: node("add", "x", "x", units=2), "no setting of add 'units'; choose from none"),
        (lambda: dense("x", 3, V="W"), "no array of dense 'V'; choose from W, b"),
        (lambda: built({"y": dense("x", 0)}), "y: units is a whole number from 1, but 0 was given"),
        (
            lambda: built({"y": node("dense", "x", units="3")}),
            "y: units is a whole number from 1, but '3' was given",
        ),
        (
            lambda: built({"y": node("conv1d", "x", channels=2, kernel=2, stride=0)}, **LONG),
            "y: stride is a whole number from 1, but 0 was given",
        ),
        (
            lambda: built({"y": node("conv1d", "x", channels=2, kernel=2, padding=-1)}, **LONG),
            "y: padding is a whole number from 0, but -1 was given",
        ),
        (
            lambda: built({"y": node("conv1d", "x", channels=2, kernel=7)}, **LONG),
            "y: index q has no place to run over: the position would reach 7 of 5",
        ),
        (
            lambda: built({"y": dense("x")}, {"E": loss("half-squared", "y", scale="1/n")}),
            "no scale '1/n'; choose from 1, 1/m, 1/(m*k)",
        ),
        (lambda: built({"y": node("activation", "x")}), "y: activation needs activation, such as tanh"),
        (
            lambda: built({"y": node("activation", "x", activation="softmax")}),
            "y: activation is applied to each entry by itself; softmax is a layer",
        ),
        (
            lambda: built({"x": dense("x")}),
            "'x' names two of inputs, nodes and losses; names are given once",
        ),
        (
            lambda: built({"a": dense("x")}, {"a": loss("huber", "a")}),
            "'a' names two of inputs, nodes and losses; names are given once",
        ),
        (
            lambda: built({"a": dense("x"), "a.W": dense("x")}),
            "'a.W': a name has no dot; h.W is the array W of the node h",
        ),
        (lambda: built({}, x=(0, "m")), "x: a size is a whole number from 1, or m, but 0 was given"),
        (lambda: built({}, x=("n", "m")), "x: a size is a whole number from 1, or m, but 'n' was given"),
        (
            lambda: built({"y": node("conv1d", "x", channels=1, kernel=1)}, x=("m",)),
            "y: X of conv1d has at least 2 axes, but x is of shape (m)",
        ),
        (
            lambda: built({"y": node("batch-norm", "x")}, x=("m",)),
            "y: X of batch-norm has at least 2 axes, but x has 1",
        ),
        (
            lambda: built({"y": dense("x")}, x=("m",)),
            "y: the parameter W would be of shape (3, m), m being the samples",
        ),
        (lambda: built({"y": node("softmax", "x", axis=2)}), "y: axis is from 0 to 1, but 2 was given"),
        (lambda: built({"y": node("softmax", "x", axis=-1)}), "y: axis is from 0 to 1, but -1 was given"),
        (lambda: node("dense", "x", axis=1, units=2), "dense has no axis to choose, but axis=1 was given"),
        (
            lambda: built({"y": node("slice", "x", length=2, start=2)}),
            "y: X has 3 places along axis 1, but q*step + start goes up to 3, counted from 0; "
            "write where(..., X[...], 0) for a range",
        ),
        (
            lambda: built({"y": node("unflatten", "x", inner=2)}),
            "y: X has 3 places along axis 1, of which N_j*i + j takes 2; sizes must divide without a rest",
        ),
        (
            lambda: built({"y": node("group-norm", "x", groups=2)}),
            "y: X has 3 places along axis 1, of which N_h*g + h takes 2; sizes must divide without a rest",
        ),
    ],
)
def test_impossible_network_is_refused_by_name(build: Callable[[], object], message: str) -> None:
    with pytest.raises(InvalidNetwork, match=exactly(message)):
        build()


@pytest.mark.parametrize(
    ("build", "beginning"),
    [
        (
            lambda: node("dens", "x"),
            "no layer 'dens' (did you mean 'dense'?); choose from dense, dense-no-bias, ",
        ),
        (
            lambda: built({"y": node("activation", "x", activation="relU")}),
            "no activation 'relU' (did you mean 'relu'?); choose from ",
        ),
        (
            lambda: built({"y": dense("x")}, {"E": loss("hinges", "y")}),
            "no loss 'hinges' (did you mean 'hinge'?); choose from ",
        ),
    ],
)
def test_unknown_name_is_answered_with_the_nearest(build: Callable[[], object], beginning: str) -> None:
    with pytest.raises(InvalidNetwork, match=f"^{re.escape(beginning)}"):
        build()


def test_number_that_is_no_formula_points_at_the_character() -> None:
    with pytest.raises(FormulaError, match=r"^unknown name 'foo'; .* at character 3:\n"):
        built({"y": node("batch-norm", "x", epsilon="1/foo")})


def test_index_that_runs_along_no_array_is_refused() -> None:
    mine = Layer.from_equations("Y[i,c] = Sum(X[i,c], j)")
    with pytest.raises(InvalidNetwork, match=r"^y: no array says how far index j runs; give j=…$"):
        graph(inputs={"x": (3, "m")}, nodes={"y": node(mine, "x")})
    graph(inputs={"x": (3, "m")}, nodes={"y": node(mine, "x", j=4)})
