"""The table of functions against Python's own, kinks without distributions, and undefined functions."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import sympy as sp
from hypothesis import given, reject
from hypothesis import strategies as st

from symbolic.grammar.functions import (
    FUNCTIONS,
    compare,
    undefined,
    undefined_label,
    undefined_parts,
    undefined_written,
)

X, Y = (sp.Symbol(name, real=True) for name in "xy")

PYTHON: dict[str, Callable[..., float]] = {
    **{name: getattr(math, name) for name in FUNCTIONS if hasattr(math, name)},
    "abs": abs,
    "sign": lambda x: math.copysign(1, x) if x else 0,
    "Heaviside": lambda x: x > 0,
    "max": max,
    "min": min,
    "where": lambda condition, a, b: a if condition else b,
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)),
    "softplus": lambda x: math.log(1 + math.exp(x)),
    "relu": lambda x: max(x, 0),
}
KINKED = ("abs", "sign", "Heaviside", "max", "min", "relu")


def at(expr: sp.Expr, *point: sp.Rational) -> sp.Expr:
    return expr.xreplace(dict(zip((X, Y), point, strict=False)))


def arguments(name: str) -> tuple[sp.Expr, ...]:
    return (X < Y, X, Y) if name == "where" else (X, Y)[: FUNCTIONS[name].arity]


def test_every_function_has_a_counterpart_in_python() -> None:
    assert FUNCTIONS.keys() == PYTHON.keys()


@pytest.mark.parametrize("name", FUNCTIONS)
@given(x=st.integers(-40, 40), y=st.integers(-40, 40))
def test_value_is_that_of_python(name: str, x: int, y: int) -> None:
    point = (sp.Rational(x, 10), sp.Rational(y, 10))
    inputs = [x / 10, y / 10][: FUNCTIONS[name].arity]
    try:
        expected = float(PYTHON[name](x < y, *inputs) if name == "where" else PYTHON[name](*inputs))
    except ValueError:
        reject()
    value = at(FUNCTIONS[name].build(*arguments(name)), *point)
    assert float(value) == pytest.approx(expected, rel=1e-14, abs=1e-14)


def test_comparison_with_python_rejects_a_wrong_function() -> None:
    assert float(FUNCTIONS["log1p"].build(sp.Integer(1))) != pytest.approx(math.log(1), rel=1e-14, abs=1e-14)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_slope_has_no_distribution_and_no_unfinished_derivative(name: str) -> None:
    slope = FUNCTIONS[name].build(*arguments(name)).diff(X)
    assert not slope.has(sp.DiracDelta, sp.Heaviside, sp.Derivative, sp.Subs, sp.Abs, sp.sign, sp.Max, sp.Min)


@pytest.mark.parametrize("name", KINKED)
def test_slope_at_the_kink_is_that_of_the_piece_which_holds_there(name: str) -> None:
    slope = FUNCTIONS[name].build(*arguments(name)).diff(X)
    assert at(slope, sp.Integer(0), sp.Integer(0)) == 0


@pytest.mark.parametrize("relation", [sp.Lt, sp.Le, sp.Gt, sp.Ge, sp.Eq, sp.Ne])
@given(x=st.integers(-3, 3), y=st.integers(-3, 3))
def test_comparison_of_kinked_values_holds_where_their_numbers_compare(
    relation: type, x: int, y: int
) -> None:
    left = FUNCTIONS["max"].build(FUNCTIONS["abs"].build(X), 1 - Y)
    right = FUNCTIONS["abs"].build(X + Y)
    condition = compare(relation, left, right)
    assert not condition.has(sp.Piecewise, sp.ITE)
    assert bool(at(condition, sp.Integer(x), sp.Integer(y))) == bool(relation(max(abs(x), 1 - y), abs(x + y)))


def test_comparison_with_an_absolute_value_is_two_comparisons() -> None:
    inside = FUNCTIONS["abs"].build(X - Y)
    assert compare(sp.Le, inside, sp.Integer(1)) == sp.And(X - Y <= 1, Y - X <= 1)
    assert compare(sp.Lt, sp.Integer(1), inside) == sp.Or(X - Y > 1, Y - X > 1)


def test_comparison_that_sympy_would_turn_round_for_ever_is_built() -> None:
    swapping = compare(sp.Lt, sp.erf(1 / (X + Y)), Y - X * sp.Symbol("t", real=True))
    assert sp.Piecewise((1, swapping), (0, True)).func is sp.Piecewise


def test_chain_rule_stays_among_applied_functions() -> None:
    g, slope = undefined("g"), undefined("g", 1, (1,))
    assert g(sp.sin(X)).diff(X) == slope(sp.sin(X)) * sp.cos(X)
    e = undefined("e", 2)
    assert e(X, X * Y).diff(Y) == X * undefined("e", 2, (0, 1))(X, X * Y)
    entry = sp.IndexedBase("Z", real=True)[sp.Symbol("i", integer=True)]
    assert g(entry).diff(entry) == slope(entry)


def test_mixed_derivatives_commute() -> None:
    e = undefined("e", 2)(X, Y)
    assert e.diff(X, Y, X) == e.diff(Y, X, X)
    assert str(e.diff(X, Y, X)) == "e_112(x, y)"


def test_an_undefined_function_has_a_real_unknown_value_whatever_its_name() -> None:
    value = undefined("gamma")(sp.Integer(5))
    assert value.is_real and not value.is_number and value.evalf() == value


orders = st.lists(st.integers(0, 3), min_size=1, max_size=9).map(tuple)


@given(name=st.sampled_from(["g", "e", "loss", "h2"]), orders=orders)
def test_label_gives_the_function_back(name: str, orders: tuple[int, ...]) -> None:
    function = undefined(name, len(orders), orders)
    assert function is undefined(name, len(orders), orders)
    assert undefined_parts(function) == (name, orders)
    assert undefined_written(undefined_label(name, orders), len(orders), {name}) is function


@pytest.mark.parametrize(
    ("label", "arity"), [("h", 1), ("h'", 1), ("g_1", 1), ("e_3", 2), ("e_", 2), ("e_1x", 2)]
)
def test_label_of_something_else_gives_nothing(label: str, arity: int) -> None:
    assert undefined_written(label, arity, {"g", "e"}) is None


def test_parts_of_something_defined_are_none() -> None:
    assert undefined_parts(sp.sin) is None and undefined_parts(sp.sin(X)) is None
