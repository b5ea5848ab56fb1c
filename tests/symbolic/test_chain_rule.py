"""Cotangent rules against E = Σ V̄·V written out entry by entry and differentiated by SymPy, exactly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from symbolic.chain_rule import BAR, added, cotangent_rules, inline
from symbolic.expressions import name_of
from symbolic.grammar.formula import to_text
from symbolic.layers import LAYERS
from symbolic.notation import Equation, equation
from tests.symbolic.helpers import Point, Polynomial, Symbols, entries

CHAIN = ("dense", "dense-no-bias", "activation", "softmax", "loss", "weight-penalty", "bias-penalty")
ROWS = [(row, name) for row in CHAIN for e in LAYERS[row].equations() for name in e.inputs]
NAMES = "kruvqhijc"  # those that fresh indices are taken from, and more
# in the indices 0, 1, 2, 3: arrays read twice, sums beside and inside one another, quotients
TEMPLATES = [
    "Z[{0},{1}] = Sum(W[{0},{2}]*A[{2},{1}], {2}) + b[{0}]",
    "S[{0},{1}] = Sum(Q[{0},{2}]*K[{1},{2}], {2})/3",
    "G[{0},{1}] = Sum(A[{0},{2}]*A[{1},{2}], {2})",
    "V[{0}] = Sum((X[{0},{1}] - M[{0}])**2, {1})/5",
    "Y[{0},{1}] = (X[{0},{1}] - M[{0}])/(V[{0}]**2 + 1/2)*s + B[{0}]",
    "P[{0}] = Sum(U[{0},{1}], {1})*Sum(U[{0},{1}]**2, {1})",
    "N[{0},{1}] = X[{0},{1}]/Sum(X[{2},{1}]**2, {2})",
    "N[{0},{1}] = X[{0}]/(V[{1}]**2 + 1)",
    "D = Sum(Sum(A[{0},{1}]*Sum(W[{0},{2}]*A[{2},{1}], {2}), {0}), {1})",
    "D = Sum(Sum(A[{0},{1}], {1})**2, {0})",
    "Q[{0}] = W[{0},{0}]*Sum(W[{1},{1}]*W[{0},{1}], {1})",
    "F[{0}] = Sum(A[{0},{1}]*Sum(A[{2},{1}]*Sum(B[{2},{3}], {3}), {2}), {1})",
]


@dataclass(frozen=True)
class Trial:
    """A forward equation at numbers: the entries of its arrays and of the cotangent of its result."""

    forward: Equation
    arrays: Mapping[str, np.ndarray]
    slots: Mapping[str, Any]

    def at(self, arrays: Mapping[str, np.ndarray]) -> Point:
        scalars = {"s": sp.Rational(2, 7), "f": sp.Rational(-5, 3)}
        return Point(Symbols(), arrays, scalars, self.slots)

    def accepts(self, name: str, rule: Equation) -> bool:
        """Whether the rule gives ∂E/∂(every entry of `name`)."""
        upstream = self.arrays[self.forward.name + BAR]
        known = {local: self.arrays[local] for local in self.forward.inputs}
        unknown = np.empty(known[name].shape, object)
        for place in np.ndindex(*unknown.shape):
            unknown[place] = sp.Symbol(f"{name}{place}", real=True)
        target, formula = self.forward.target, self.forward.value
        written = entries(target, formula, self.at(known | {name: unknown}), upstream.shape)
        error = sp.Add(*(weight * term for weight, term in zip(upstream.flat, written.flat, strict=True)))
        numbers = dict(zip(unknown.flat, known[name].flat, strict=True))
        result = entries(target, formula, self.at(known), upstream.shape)
        backward = known | {self.forward.name: result, self.forward.name + BAR: upstream}
        found = entries(rule.target, rule.value, self.at(backward), unknown.shape)
        return all(error.diff(x).xreplace(numbers) == found[place] for place, x in np.ndenumerate(unknown))


def trial(forward: Equation, sizes: Mapping[str, int], seed: int) -> Trial:
    """Random rationals for an equation; where it takes exp(z), z is the logarithm of one: all is exact."""
    random = np.random.default_rng(seed)
    logarithms = forward.value.has(sp.exp)

    def rational(sign: int) -> sp.Rational:
        return sp.Rational(sign * int(random.integers(1, 10)), int(random.integers(1, 10)))

    def numbers(shape: tuple[int, ...], *, logarithms: bool = False) -> np.ndarray:
        found = np.empty(shape, object)
        for place in np.ndindex(*shape):
            found[place] = sp.log(rational(1)) if logarithms else rational(int(random.choice([-1, 1])))
        return found

    shapes = shapes_of(forward, sizes)
    arrays = {name: numbers(shapes[name], logarithms=logarithms) for name in forward.inputs}
    arrays[forward.name + BAR] = numbers(shapes[forward.name]) if forward.indices else np.array(sp.S.One)
    curve = Polynomial({(n,): Fraction(int(random.integers(1, 9)), 4) for n in range(4)})
    surface = Polynomial(
        {(n, k): Fraction(int(random.integers(1, 9)), 4) for n in range(3) for k in range(3)}
    )
    return Trial(forward, arrays, {"g": curve, "p": curve, "e": surface})


def shapes_of(forward: Equation, sizes: Mapping[str, int]) -> dict[str, tuple[int, ...]]:
    """Shapes for the arrays of an equation; indices that run along one axis have one size."""
    found = [e for e in (forward.target, *forward.value.atoms(sp.Indexed)) if isinstance(e, sp.Indexed)]
    size = dict(sizes)
    for _ in found:
        for name, axis in {(name_of(e), axis) for e in found for axis in range(len(e.indices))}:
            along = [str(e.indices[axis]) for e in found if name_of(e) == name]
            size |= dict.fromkeys(along, min(size[index] for index in along))
    return {forward.name: ()} | {name_of(e): tuple(size[str(index)] for index in e.indices) for e in found}


@st.composite
def trials(draw: st.DrawFn, forward: Equation) -> Trial:
    sizes = {name: draw(st.integers(1, 3)) for name in (*NAMES, "s", "t")}
    return trial(forward, sizes, draw(st.integers(0, 2**32)))


def of_row(row: str, name: str) -> Equation:
    return next(e for e in LAYERS[row].equations() if name in e.inputs)


def lone_rule(forward: Equation, name: str) -> Equation:
    """The rule of an equation from which nothing is scattered."""
    (rule,) = cotangent_rules(forward, name)
    assert not rule.scatters
    return rule


@pytest.mark.parametrize(("row", "name"), ROWS)
@settings(max_examples=15)
@given(data=st.data())
def test_rule_of_a_row_is_the_derivative_of_its_equation(row: str, name: str, data: st.DataObject) -> None:
    forward = of_row(row, name)
    assert data.draw(trials(forward)).accepts(name, lone_rule(forward, name))


@settings(max_examples=60)
@given(st.sampled_from(TEMPLATES), st.permutations(NAMES), st.data())
def test_rule_of_any_equation_is_its_derivative_whatever_the_names_of_its_indices(
    template: str, names: list[str], data: st.DataObject
) -> None:
    forward = equation(template.format(*names), scalars=("s",))
    drawn = data.draw(trials(forward))
    for name in forward.inputs:
        rule = lone_rule(forward, name)
        assert not rule.value.has(sp.KroneckerDelta)
        assert drawn.accepts(name, rule)


@pytest.mark.parametrize(
    ("row", "name", "wrong"),
    [
        ("dense", "A", "A_bar[j,c] = Sum(W[j,i]*Z_bar[i,c], i)"),
        ("dense", "A", "A_bar[j,c] = Sum(W[i,j]*Z_bar[j,c], i)"),
        ("dense", "W", "W_bar[i,j] = -Sum(A[j,c]*Z_bar[i,c], c)"),
        ("dense", "b", "b_bar[i] = Sum(Z_bar[i,c], c)/3"),
        ("activation", "Z", "Z_bar[i,c] = A_bar[i,c]"),
        ("activation", "Z", "Z_bar[i,c] = g'(A[i,c])*A_bar[i,c]"),
        ("softmax", "Z", "Z_bar[i,c] = A[i,c]*(1 - A[i,c])*A_bar[i,c]"),
        ("softmax", "Z", "Z_bar[i,c] = A[i,c]*A_bar[i,c] - A[i,c]*Sum(A[i,r]*A_bar[i,r], r)"),
        ("loss", "A", "A_bar[i,c] = e_1(A[i,c], T[i,c])"),
        ("loss", "A", "A_bar[i,c] = s*e_2(A[i,c], T[i,c])"),
        ("weight-penalty", "W", "W_bar[i,j] = f*p(W[i,j])"),
        ("bias-penalty", "b", "b_bar[i] = f*p'(b[i])*2"),
    ],
)
def test_trial_rejects_a_wrong_rule(row: str, name: str, wrong: str) -> None:
    forward = of_row(row, name)
    square = trial(forward, dict.fromkeys((*NAMES, "s", "t"), 3), 1)
    assert square.accepts(name, lone_rule(forward, name))
    assert not square.accepts(name, equation(wrong, scalars=("s", "f"), functions=("g", "e", "p")))


def test_rule_is_derived_once_for_equal_equations() -> None:
    text = "Z[i,c] = Sum(W[i,j]*A[j,c], j) + b[i]"
    (dense,) = LAYERS["dense"].equations()
    assert cotangent_rules(equation(text), "W") is cotangent_rules(dense, "W")


def test_rule_has_the_names_of_the_forward_equation() -> None:
    (dense,) = LAYERS["dense"].equations()
    rules = [lone_rule(dense, name) for name in dense.inputs]
    assert [str(rule.target) for rule in rules] == ["A_bar[j, c]", "W_bar[i, j]", "b_bar[i]"]
    assert {rule.rule for rule in rules} == {dense.rule}


def test_quotient_that_the_forward_pass_holds_is_not_computed_again() -> None:
    (softmax,) = LAYERS["softmax"].equations()
    assert not lone_rule(softmax, "Z").value.has(sp.exp, sp.Pow)


def test_cotangent_of_a_diagonal_is_zero_beside_it() -> None:
    rule = lone_rule(equation("Y[i] = W[i,i]"), "W")
    assert to_text(rule.value) == "where(k == r, 1, 0)*Y_bar[k]"


def test_quotient_of_a_scatter_is_no_entry_of_its_target() -> None:
    scatter = equation("Y[2*q] = Z[q]/(1 + V[q]**2)")
    rule = lone_rule(scatter, "Z")
    assert "Y" not in rule.inputs


CONSUMERS = [
    "Y[{0},{1}] = Sum(V[{0},{2}]*Z[{2},{1}], {2})",
    "Y[{0},{1}] = Z[{0},{1}]*Sum(Z[{2},{1}]**2, {2})",
]
PRODUCERS = [
    "Z[{0},{1}] = Sum(W[{0},{2}]*A[{2},{1}], {2})",
    "Z[{0},{1}] = Sum(B[{1},{2}], {2})*Sum(B[{0},{2}], {2})",
]


def of_size_two(equations: list[Equation], seed: int) -> dict[str, np.ndarray]:
    """Random integers for all arrays, two entries along each axis."""
    random = np.random.default_rng(seed)
    found = {name_of(e): len(e.indices) for equation in equations for e in equation.value.atoms(sp.Indexed)}
    return {
        name: np.vectorize(sp.Integer, otypes=[object])(random.integers(-9, 10, (2,) * rank))
        for name, rank in sorted(found.items())
    }


@settings(max_examples=40)
@given(
    st.sampled_from(CONSUMERS),
    st.sampled_from(PRODUCERS),
    st.permutations("ijk"),
    st.permutations("ijk"),
    st.integers(0),
)
def test_inlined_equation_is_one_after_the_other(
    consumer: str, producer: str, names: list[str], others: list[str], seed: int
) -> None:
    first, second = equation(producer.format(*others)), equation(consumer.format(*names))
    arrays = of_size_two([first, second], seed)
    arrays["Z"] = entries(first.target, first.value, Point(Symbols(), arrays), (2, 2))
    whole = inline(second, first, "Z")
    assert "Z" not in whole.inputs
    found, expected = (entries(e.target, e.value, Point(Symbols(), arrays), (2, 2)) for e in (whole, second))
    assert (found == expected).all()


@settings(max_examples=40)
@given(st.permutations("ijk"), st.permutations("ijk"), st.integers(0))
def test_added_equation_is_the_sum_of_both(names: list[str], others: list[str], seed: int) -> None:
    first, second = (equation(PRODUCERS[n].format(*which)) for n, which in enumerate((names, others)))
    both = added(first, second)
    point = Point(Symbols(), of_size_two([first, second], seed))
    left, right, found = (entries(e.target, e.value, point, (2, 2)) for e in (first, second, both))
    assert both.indices == first.indices
    assert (found == left + right).all()
