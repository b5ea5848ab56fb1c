"""Matrix forms in every layout, read by an interpreter of their nodes and held against the index form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from symbolic.chain_rule import cotangent_rules
from symbolic.conventions import Layout
from symbolic.derivation import derive
from symbolic.errors import Unsupported
from symbolic.expressions import Expr, name_of
from symbolic.matrix_form import (
    Apply,
    Axes,
    Constant,
    Hadamard,
    Leaf,
    MatrixEquation,
    Node,
    Product,
    SumOver,
    Total,
    matrix_form,
)
from symbolic.network import Network, mlp
from symbolic.notation import Array, Slot, Step, equation, placed
from symbolic.program import program
from tests.symbolic.helpers import (
    CLOSE,
    Case,
    Decimals,
    Point,
    Rationals,
    at_random,
    cases,
    entries,
    function_of,
    mp,
    networks,
    value,
)

LAYOUTS = [Layout(weights, samples) for weights in ("out-in", "in-out") for samples in ("columns", "rows")]


@dataclass(frozen=True)
class Interpreter:
    """Matrix algebra over arrays of any numbers, by local names; a node's value has the node's axes."""

    point: Point

    def value(self, node: Node) -> np.ndarray:
        match node:
            case Leaf():
                stored = self.point.arrays[node.name]
                assert stored.ndim == len(node.axes)
                return stored.T if node.transposed else stored
            case Constant():
                return np.array(value(node.value, self.point), object)
            case Product():
                (_, inner), (same, _) = node.left.axes, node.right.axes
                assert inner == same
                return self.value(node.left) @ self.value(node.right)
            case Hadamard():
                return np.prod(self.spread(node.factors, node.axes))
            case Total():
                return np.sum(self.spread(node.terms, node.axes))
            case SumOver():
                assert (*node.body.axes[: node.axis], *node.body.axes[node.axis + 1 :]) == node.axes
                return np.array(np.sum(self.value(node.body), axis=node.axis), object)
            case Apply():
                return self.applied(node)
        raise AssertionError(f"no reading of {node}")

    def spread(self, nodes: tuple[Node, ...], axes: Axes) -> np.ndarray:
        """Nodes repeated along the axes that they lack, one after the other."""
        matrices = [
            self.value(node)[tuple(slice(None) if axis in node.axes else None for axis in axes)]
            for node in nodes
        ]
        together = np.empty(len(nodes), object)
        together[:] = list(np.broadcast_arrays(*matrices))
        return together

    def applied(self, node: Apply) -> np.ndarray:
        arguments = self.spread(node.arguments, node.axes)
        found = np.empty(arguments[0].shape, object)
        for place in np.ndindex(*found.shape):
            given = {f"x{number}": argument[place] for number, argument in enumerate(arguments)}
            found[place] = value(node.function, replace(self.point, scalars={**self.point.scalars, **given}))
        return found


def stored(array: Array, found: np.ndarray, layout: Layout) -> np.ndarray:
    turned = layout.weights == "in-out" if array.name == "W" else layout.samples == "rows"
    return found.T if turned and found.ndim == 2 else found


def point_of(step: Step, case: Case, known: Mapping[Array, list[Any]], layout: Layout) -> Point:
    """What the local names of a step stand for, arrays as the layout stores them."""
    whole = {symbol.name: sp.Integer(n) for symbol, n in case.scalars.items() if isinstance(n, int)}
    sizes = {"lambda": case.lam} | {name: case.numbers.constant(n) for name, n in whole.items()}
    arrays, scalars, slots = {}, {}, {}
    for name, bound in step.bindings.items():
        if isinstance(bound, Slot):
            slots[name] = function_of(bound, case.numbers)
        elif isinstance(bound, Array) and bound in known:
            arrays[name] = stored(bound, case.array(bound, known[bound]), layout)
        elif isinstance(bound, Expr):
            scalars[name] = value(bound, Point(case.numbers, scalars=sizes))
    return Point(case.numbers, arrays, scalars, slots)


def agrees(
    form: MatrixEquation, step: Step, case: Case, known: Mapping[Array, list[Any]], layout: Layout
) -> bool:
    """Whether a matrix form gives what the step gives index by index, as the layout stores it."""
    expected = stored(step.target, case.array(step.target, known[step.target]), layout)
    try:
        found = Interpreter(point_of(step, case, known, layout)).value(form.value)
        pairs = zip(np.broadcast_to(found, expected.shape).flat, expected.flat, strict=True)
    except (AssertionError, ValueError):  # axes or shapes that do not fit
        return False
    return all(x == y if isinstance(y, Fraction) else abs(x - y) <= CLOSE * (1 + abs(y)) for x, y in pairs)


def assert_every_layout_agrees(steps: tuple[Step, ...], case: Case) -> None:
    known = case.run(steps)
    for step in steps:
        for layout in LAYOUTS:
            assert agrees(matrix_form(step, layout), step, case, known, layout), (
                step.target.label,
                str(layout),
            )


RATIONAL = [("g", "E"), ("identity", "huber"), ("relu", "half-squared"), ("z**2 - z/3", "(a - t)**4 + a*t")]


@settings(max_examples=12)
@given(networks(activations=["g", "identity", "z**2 - z/3", "softsign"], objectives=RATIONAL), st.data())
def test_matrix_form_is_exactly_the_index_form_for_rational_networks(
    network: Network, data: st.DataObject
) -> None:
    assert_every_layout_agrees(derive(network).steps, data.draw(cases(network, Rationals)))


POLES = [("softmax", "cross-entropy"), ("sigmoid", "cross-entropy"), ("sigmoid", "binary-cross-entropy")]


@settings(max_examples=8)
@given(
    networks(activations=["tanh", "softmax", "gelu"], objectives=[*POLES, ("softmax", "squared")]), st.data()
)
def test_matrix_form_is_the_index_form_to_forty_digits(network: Network, data: st.DataObject) -> None:
    case, safe = data.draw(cases(network, Decimals)), program(network)
    assert_every_layout_agrees(derive(network).steps, case)
    assert_every_layout_agrees((*safe.forward, *safe.backward), case)


def turned(node: Node) -> Node:
    """A node with each array of its first product, or else its first array, transposed."""
    match node:
        case Leaf():
            return replace(node, transposed=not node.transposed)
        case Product():
            return replace(node, left=turned(node.left))
        case Hadamard():
            return replace(node, factors=(turned(node.factors[0]), *node.factors[1:]))
        case Total():
            return replace(node, terms=(turned(node.terms[0]), *node.terms[1:]))
    raise AssertionError(f"nothing to turn in {node}")


def swapped(node: Node) -> Node:
    """A node with the factors of its first product the wrong way round, its axes made to fit."""
    match node:
        case Product(axes, left, right):
            (row, inner), (_, column) = left.axes, right.axes
            return Product(axes, replace(right, axes=(row, inner)), replace(left, axes=(inner, column)))
        case Hadamard():
            return replace(node, factors=(swapped(node.factors[0]), *node.factors[1:]))
        case Total():
            return replace(node, terms=(swapped(node.terms[0]), *node.terms[1:]))
    raise AssertionError(f"nothing to swap in {node}")


@pytest.mark.parametrize("wrong", [turned, swapped])
@pytest.mark.parametrize("label", ["Z1", "dW2", "dZ1", "dW1"])
def test_interpreter_rejects_a_wrong_matrix_form_even_where_all_shapes_fit(
    label: str, wrong: Callable[[Node], Node]
) -> None:
    network = mlp(3, 3, 3, hidden="g", loss="E")
    case, steps = at_random(network, Rationals, seed=1, samples=3), derive(network).steps
    known = case.run(steps)
    step = next(step for step in steps if step.target.label == label)
    for layout in LAYOUTS:
        form = matrix_form(step, layout)
        assert agrees(form, step, case, known, layout)
        assert not agrees(replace(form, value=wrong(form.value)), step, case, known, layout)


def lone(text: str) -> Step:
    """An equation with arrays of its own."""
    read = equation(text)
    found = sorted(read.target.atoms(sp.Indexed) | read.value.atoms(sp.Indexed), key=str)
    arrays = {
        name_of(e): Array(name_of(e), None, tuple(SIZES.get(str(i), 9) for i in e.indices)) for e in found
    }
    return placed(read, {read.name: Array(read.name), **arrays}, "definition")


SIZES = {"i": 2, "j": 3, "c": 4}


@pytest.mark.parametrize(
    "text",
    [
        "Y[i,c] = Sum(W[i,j]*A[j,c]*b[j], j)",
        "Y[i,c] = Sum(W[i,j]*(A[j,c]**2 + b[j]), j)*B[i]",
        "Y[i,c] = Sum(A[j,c], j) + B[i]",
        "Y[i] = Sum(W[i,j]*V[j,i], j)",
        "Y[j] = Sum(W[i,j]*exp(B[i]), i)",
        "Y[i,c] = U[i,c]*V[c,i] - 1/Sum(A[j,c]**2, j)",
        "Y[i,c] = B[i]",
        "D = Sum(Sum(W[i,j]*V[j,i], i), j)",
        "D = Sum(Sum(W[i,j], j)**2, i)",
    ],
)
def test_matrix_form_of_any_equation_is_its_index_form(text: str) -> None:
    step = lone(text)
    random = np.random.default_rng(0)
    inputs = {array: random.integers(1, 10, array.shape).astype(object) for array in step.inputs}
    arrays = {
        name: np.vectorize(mp.mpf, otypes=[object])(inputs[step.array(name)]) for name in step.equation.inputs
    }
    expected = entries(
        step.equation.target, step.equation.value, Point(Decimals(), arrays), step.target.shape
    )
    for layout in LAYOUTS:
        form = matrix_form(step, layout)
        point = Point(
            Decimals(), {name: stored(step.array(name), found, layout) for name, found in arrays.items()}
        )
        target = stored(step.target, expected, layout)
        node = Hadamard(form.axes, (form.value,))  # repeats what has fewer axes than the target
        found = np.broadcast_to(Interpreter(point).value(node), target.shape)
        assert all(abs(x - y) <= CLOSE * abs(y) for x, y in zip(found.flat, target.flat, strict=True))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "Y[i,c] = Sum(W[i,j]*A[j,c]*G[c,i]*b[j], j)",
            "Sum(A[j, c]*G[c, i]*W[i, j]*b[j], (j, 1, N_j)) has no matrix form: a factor has both i and c",
        ),
        (
            "Y[i,c] = Sum(exp(W[i,j] + A[j,c]), j)",
            "Sum(exp(A[j, c] + W[i, j]), (j, 1, N_j)) has no matrix form: a factor has both i and c",
        ),
        ("Y[i] = Sum(W[i,j]*A[i+j], j)", "Y[i] has no matrix form: its equation computes with indices"),
    ],
)
def test_equation_that_is_no_matrix_algebra_is_refused(text: str, message: str) -> None:
    with pytest.raises(Unsupported) as refusal:
        matrix_form(lone(text))
    assert str(refusal.value) == message


@pytest.mark.parametrize(
    "text",
    [
        "Y[i] = X[2*i - 1]",
        "Y[i] = X[ids[i]]",
        "Y[i] = X[i//2]",
        "Y[i] = b[i]*X[0]",
        "Y[i] = where(i < 2, b[i], 0)",
        "Y[i] = Max(W[i,j], j)",
        "Y[i] = ArgMax(W[i,j], j)",
        "Y[2*i] = b[i]",
        "Y[ids[i]] = b[i]",
    ],
)
def test_computed_positions_brackets_maxima_and_scatters_are_refused(text: str) -> None:
    with pytest.raises(Unsupported):
        matrix_form(lone(text))


def test_rule_with_a_bracket_is_refused() -> None:
    forward = lone("Y[i] = Sum(where(r <= i, W[i,r], 0), r)")
    (rule,) = cotangent_rules(forward.equation, "W")
    arrays = {"W_bar": Array("W", None, (2, 9)), "Y_bar": Array("Y", None, (2,))}
    with pytest.raises(Unsupported):
        matrix_form(Step(rule, arrays, "cotangent"))


def test_target_has_its_axes_in_stored_order() -> None:
    step = next(step for step in derive(mlp(2, 3, 1)).steps if step.target.label == "dW1")
    axes = {str(layout): "".join(map(str, matrix_form(step, layout).axes)) for layout in LAYOUTS}
    assert list(axes.values()) == ["ij", "ij", "ji", "ji"]


@pytest.mark.parametrize(
    "text", ["Y[i] = W[i,i]", "Z[i,c] = Sum(b[i]*A[j,c], j)", "Z[i,q,c] = Sum(W[i,k]*A[k,q,c], k)"]
)
def test_equation_without_a_matrix_form_is_refused(text):
    read = equation(text)
    arrays = {
        str(e.base.label): Array(str(e.base.label), None, (3,) * len(e.indices))
        for e in (read.target, *read.value.atoms(sp.Indexed))
    }
    with pytest.raises(Unsupported):
        matrix_form(Step(read, arrays, "definition"))
