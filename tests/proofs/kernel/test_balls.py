"""Evaluation at a point: what is drawn, and that an expression has its value there or is refused."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
import sympy as sp
from flint import arb, ctx, fmpq
from sympy.logic.boolalg import ITE, And, Not, Or, Xor

from proofs.kernel.balls import (
    FUNCTIONS,
    MAX_EXACT_POWER,
    MAX_TERMS,
    Evaluator,
    Point,
    Unclear,
    enclosed,
    equation_of,
    order,
    symbol_of,
)
from proofs.kernel.polynomials import rational
from symbolic.activations import Root
from symbolic.grammar.functions import undefined
from symbolic.plain import PlainSum

Expr = Any
x, y, z = sp.symbols("x y z", real=True)
i, j = sp.symbols("i j", integer=True)
n = sp.Symbol("n", integer=True, positive=True)
rate = sp.Symbol("rate", positive=True)
A, W = (sp.IndexedBase(name, real=True) for name in "AW")
AT = {x: fmpq(3, 4), y: fmpq(-2), z: fmpq(0), n: fmpq(2)}


def value(expr: Expr, **options: Any) -> Any:
    return Evaluator(Point(0, AT), **options)(expr)


def test_numbers_are_drawn_from_all_that_they_may_be() -> None:
    drawn = {symbol: [Point(seed).value(symbol) for seed in range(1000)] for symbol in (n, x, rate, A[1])}
    sixteenths = {fmpq(each, 16) for each in range(1, 48)}
    assert set(drawn[n]) == {1, 2, 3}
    assert set(drawn[rate]) == sixteenths
    for each in (drawn[x], drawn[A[1]]):
        assert set(each) == sixteenths | {-size for size in sixteenths}
        assert abs(sum(number > 0 for number in each) - 500) < 50


@pytest.mark.parametrize("arity", [1, 2, 3, 4, 5])
def test_undefined_functions_are_polynomials_of_degree_3_or_if_they_have_many_arguments_2(arity: int) -> None:
    found = Point(0).coefficients("f", arity)
    powers = set(product(range(4), repeat=arity))
    assert set(found) == (powers if arity <= 3 else {power for power in powers if sum(power) <= 2})


def test_their_coefficients_are_drawn_from_all_that_they_may_be() -> None:
    drawn = {each for seed in range(100) for each in Point(seed).coefficients("g", 1).values()}
    assert drawn == {fmpq(sign * size, 4) for sign in (-1, 1) for size in range(1, 10)}


def test_what_is_drawn_is_the_same_each_time_and_what_is_fixed_stays() -> None:
    assert Point(5).value(x) == Point(5).value(x) != Point(6).value(x)
    assert Point(5).coefficients("g", 2) == Point(5).coefficients("g", 2) != Point(6).coefficients("g", 2)
    fixed = {x: fmpq(100)}
    point = Point(5, fixed)
    assert point.value(x) == 100 and point.value(y) == Point(5).value(y)
    assert fixed == {x: fmpq(100)}


@pytest.mark.parametrize("arity", [1, 2, 3, 4])
def test_an_undefined_function_and_its_slopes_are_those_of_its_polynomial(arity: int) -> None:
    arguments = sp.symbols(f"u1:{arity + 1}", real=True)
    at = {u: fmpq(number, 3) for u, number in zip(arguments, (2, -5, 0, 7), strict=False)}
    point = Point(3, at)
    polynomial = sp.Add(
        *(
            rational(c) * sp.Mul(*(u**p for u, p in zip(arguments, powers, strict=True)))
            for powers, c in point.coefficients("f", arity).items()
        )
    )
    for orders in product(range(2 if arity > 2 else 5), repeat=arity):
        slope = polynomial
        for u, times in zip(arguments, orders, strict=True):
            slope = slope.diff(u, times)
        expected = slope.xreplace({u: rational(number) for u, number in at.items()})
        assert rational(Evaluator(point)(undefined("f", arity, orders)(*arguments))) == expected


@pytest.mark.parametrize(
    ("coefficients", "text"),
    [
        ({(0,): fmpq(1, 2), (2,): fmpq(-3, 4)}, "1/2 - 3*u**2/4"),
        ({(1, 2): fmpq(1), (0, 3): fmpq(5, 4)}, "u*v**2 + 5*v**3/4"),
        ({(1, 0, 2): fmpq(7, 4)}, "7*u*w**2/4"),
        ({(1, 0, 0, 1): fmpq(7, 4), (0, 2, 0, 0): fmpq(-1)}, "7*u1*u4/4 - u2**2"),
    ],
)
def test_a_point_is_written_with_its_values_and_polynomials(coefficients: Any, text: str) -> None:
    point = Point(0, {x: fmpq(3, 16), A[1, 2]: fmpq(-1)})
    point.functions["g"] = coefficients
    assert str(point) == f"x = 3/16, A[1, 2] = -1, g = {text}"


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)
def test_a_ball_holds_the_value_of_each_function(function: Any) -> None:
    with ctx.workprec(200):
        exact = function(sp.Rational(3, 4)).evalf(50)
        assert abs(value(function(x)) - arb(str(exact))) < 1e-45


VALUES = {
    "a number": (sp.Rational(-7, 3), "-7/3"),
    "a sum": (x + y + sp.Rational(1, 3) + n, "13/12"),
    "a product": (x * y * n / 5, "-3/5"),
    "a power": (x**3 / y**2, "27/256"),
    "no power": (sp.Pow(z, 2), "0"),
    "an index sum": (PlainSum(i**2, (i, 2, 5)), "54"),
    "an index sum up to a size": (PlainSum(i * x, (i, 1, n)), "9/4"),
    "an empty sum": (PlainSum(i * x, (i, 1, n - 2)), "0"),
    "nested sums": (PlainSum(i * j, (j, 1, i), (i, 1, n + 1)), "25"),
    "a delta": (PlainSum(i * sp.KroneckerDelta(i, 2), (i, 1, 4)), "2"),
    "a piece": (sp.Piecewise((x, y > 0), (y, x > 0), (z, True)), "-2"),
    "a sum of cases": (PlainSum(sp.Piecewise((i, i > n), (-i, True)), (i, 1, 4)), "4"),
}


@pytest.mark.parametrize("name", VALUES)
def test_rational_values_are_exact(name: str) -> None:
    expr, expected = VALUES[name]
    assert rational(value(expr)) == sp.Rational(expected)


@pytest.mark.parametrize(
    ("entry", "same"), [(A[n + 1], A[3]), (A[n], A[2]), (W[n, i + 1], W[2, 5]), (A[i], A[4]), (A[j], A[j])]
)
def test_an_entry_with_computed_places_is_that_with_numbers(entry: Expr, same: Expr) -> None:
    point = Point(0, AT)
    assert Evaluator(point, {i: sp.Integer(4)})(entry) == point.value(same)
    assert set(point.values) == {*AT, same}


def test_a_place_that_is_an_index_by_itself_stays() -> None:
    point = Point(0, {i: fmpq(4), n: fmpq(2)})
    assert Evaluator(point)(W[n + i, i]) == point.value(W[6, i])


def test_an_index_has_the_value_that_it_is_given() -> None:
    assert value(i + n, at={i: sp.Integer(4)}) == 6
    assert order(A[i], A[j], Point(0), at={i: sp.Integer(1), j: sp.Integer(1)}) == 0


def test_large_powers_are_no_exact_numbers() -> None:
    exact, large = value(x**MAX_EXACT_POWER), value(x ** (MAX_EXACT_POWER + 1))
    assert isinstance(exact, fmpq) and exact == fmpq(3, 4) ** MAX_EXACT_POWER
    assert isinstance(large, arb) and large.overlaps(arb(fmpq(3, 4) ** (MAX_EXACT_POWER + 1)))
    assert isinstance(value(x**-MAX_EXACT_POWER), fmpq)


def test_constants_are_balls() -> None:
    with ctx.workprec(100):
        assert value(sp.pi).overlaps(arb.pi()) and value(sp.E).overlaps(arb(1).exp())
        assert value(sp.pi).rad() < 1e-25


@pytest.mark.parametrize(
    ("expr", "reason"),
    [
        (1 / z, "1/z has no finite value"),
        (y ** sp.Rational(1, 3), "has no finite value"),
        (sp.log(y), r"log\(y\) has no finite value"),
        (sp.gamma(x), "gamma cannot be evaluated"),
        (sp.Piecewise((x, y > 0)), "no piece of .* holds"),
        (sp.Piecewise((x, Xor(x > 0, y > 0)), (y, True)), "cannot be evaluated"),
        (
            sp.Piecewise((x, sp.sin(x) ** 2 + sp.cos(x) ** 2 <= 1), (y, True)),
            "two values cannot be told apart",
        ),
        (PlainSum(x, (i, 1, MAX_TERMS + 2)), f"a sum of {MAX_TERMS + 1} terms"),
    ],
)
def test_what_has_no_value_is_refused(expr: Expr, reason: str) -> None:
    with pytest.raises(Unclear, match=reason):
        value(expr)


def test_a_sum_of_many_terms_has_a_value() -> None:
    assert value(PlainSum(i, (i, 1, MAX_TERMS + 1))) == (MAX_TERMS + 1) * (MAX_TERMS + 2) // 2


P, Q, R = x > 0, y > 0, z > 0
CONDITIONS: dict[Any, Callable[[bool, bool, bool], bool]] = {
    And(P, Q, R): lambda p, q, r: p and q and r,
    Or(P, Q, R): lambda p, q, r: p or q or r,
    ITE(P, Q, R): lambda p, q, r: q if p else r,
    Not(ITE(P, Q, R)): lambda p, q, r: not (q if p else r),
    Or(And(P, Not(Q)), R): lambda p, q, r: (p and not q) or r,
    And(sp.true, ITE(Q, R, P)): lambda p, q, r: r if q else p,
}


@pytest.mark.parametrize("condition", CONDITIONS, ids=str)
def test_conditions_hold_as_in_logic(condition: Any) -> None:
    for truths in product((False, True), repeat=3):
        at = {name: fmpq(1 if truth else -1) for name, truth in zip((x, y, z), truths, strict=True)}
        piece = sp.Piecewise((1, condition), (0, True))
        assert Evaluator(Point(0, at))(piece) == CONDITIONS[condition](*truths)


@pytest.mark.parametrize("relation", [sp.Lt, sp.Le, sp.Gt, sp.Ge, sp.Eq, sp.Ne])
def test_comparisons_hold_as_those_of_numbers(relation: Any) -> None:
    for a, b in product((-1, 0, 2), repeat=2):
        piece = sp.Piecewise((1, relation(x, y)), (0, True))
        assert Evaluator(Point(0, {x: fmpq(a), y: fmpq(b)}))(piece) == bool(relation(a, b))


def test_the_order_of_two_sides_is_that_of_numbers() -> None:
    assert [order(left, right, Point(0, AT)) for left, right in ((x, y), (y, x), (x, x))] == [1, -1, 0]
    near = sp.exp(x) + sp.Rational(1, 2**100)
    assert order(near, sp.exp(x), Point(0, AT)) == 1
    assert order(near, sp.exp(x), Point(0, AT), precisions=(64,)) == 0


ROOTS = {
    "rising": (Root("r", "z**2 - 2", 1.41), "1.4142135623730950488016887242096980785696718753769"),
    "falling": (Root("r", "2 - z**2", 1.42), "1.4142135623730950488016887242096980785696718753769"),
    "negative": (Root("r", "exp(z) - 1/2", -0.69), "-0.69314718055994530941723212145817656807550013436026"),
    "met on the way": (Root("r", "z - 1/4", 0.25), "0.25"),
    "near enough": (Root("r", "z - 1/65", 0.0), "0.0153846153846153846153846153846153846153846153846"),
}


@pytest.mark.parametrize("name", ROOTS)
def test_a_small_ball_holds_a_root(name: str) -> None:
    root, exact = ROOTS[name]
    with ctx.workprec(200):
        assert enclosed(root).overlaps(arb(exact, 1e-45)) and enclosed(root).rad() < 2.0**-84
    assert equation_of(root).free_symbols == {symbol_of(root)} == {sp.Symbol("r", real=True)}


@pytest.mark.parametrize("equation", ["z**2", "z**2 + 1", "z - 1/64", "z + 1/64", "z - 1/63", "z + 1/63"])
def test_a_root_that_is_not_simple_or_not_near_is_refused(equation: str) -> None:
    with pytest.raises(Unclear, match=r"has no simple root near 0\.0"):
        enclosed(Root("r", equation, 0.0))
