"""Exact values at random points: those of equal sides agree, and the probability of an accident."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sympy as sp
from flint import fmpq

from proofs.kernel import exact, normal_form
from proofs.kernel.exact import MAX_DEGREE, RANGE, NotExact, Value, agreement, below
from proofs.kernel.normal_form import Contradiction, decide
from symbolic.grammar.functions import absolute, undefined
from symbolic.plain import PlainSum

x, y, z = sp.symbols("x y z", real=True)
c, d = sp.symbols("c d", integer=True)
m = sp.Symbol("m", integer=True, positive=True)
W, X = (sp.IndexedBase(name, real=True) for name in "WX")
g, f = undefined("g"), undefined("f", 2)


def sigmoid(u: Any) -> Any:
    return 1 / (1 + sp.exp(-u))


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ((x + y) ** 2, x**2 + 2 * x * y + y**2),
        (sigmoid(2 * z), sigmoid(z) ** 2 / (sigmoid(z) ** 2 + (1 - sigmoid(z)) ** 2)),
        (sp.exp(x / 2 + y / 3) ** 6, sp.exp(3 * x) * sp.exp(2 * y)),
        (sp.tanh(x).diff(x), 1 / sp.cosh(x) ** 2),
        (sp.exp(x * (x + y)), sp.exp(x**2) * sp.exp(x * y)),
        (g((x**2 - 1) / (x - 1)), g(x + 1)),
        (f(x + y, 2), f(y + x, 2)),
        (sp.Sum(X[1, c] * x, (c, 1, m)), x * sp.Sum(X[1, c], (c, 1, m))),
        (sp.exp(x) - 1, (sp.exp(x / 2) - 1) * (sp.exp(x / 2) + 1)),
        ((sp.exp(x / 3) - 1) * (sp.exp(2 * x / 3) + sp.exp(x / 3) + 1), sp.exp(x) - 1),
        (sp.sinh(x + y), sp.sinh(x) * sp.cosh(y) + sp.cosh(x) * sp.sinh(y)),
        (PlainSum(sp.exp(X[c] - X[c]), (c, 1, m)), m),
    ],
)
def test_equal_sides_have_the_same_values(left: Any, right: Any) -> None:
    found = agreement(left, right)
    assert found is not None and 0 < found.chance < sp.Rational(1, 10**18)
    assert decide(left, right).evidence == found
    assert agreement(left, right + sp.Rational(1, 10**30)) is None


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (g(x), g(y)),
        (g(x), g(x).diff(x)),
        (sp.exp(x * y), sp.exp(x) * sp.exp(y)),
        (f(x, y), f(y, x)),
        (sp.E, sp.Integer(3)),
        (sp.exp(x), sp.exp(y)),
        (sp.exp(x), x),
        (sp.exp(x), sp.exp(x / 2)),
        (sp.exp(x / 2) + 1, sp.Integer(2)),
        (sp.cosh(x), sp.sinh(x)),
    ],
)
def test_sides_that_differ_do_not(left: Any, right: Any) -> None:
    assert agreement(left, right) is None


def test_the_probability_is_that_of_schwartz_and_zippel() -> None:
    found = agreement(x**3 * y, y * x**3)
    assert found is not None
    assert found.chance == sp.Rational(4, RANGE) ** 2
    found = agreement(1 / x + 1 / y, (x + y) / (x * y))
    assert found is not None
    assert found.chance == sp.Rational(3, RANGE) ** 2


@pytest.mark.parametrize(
    ("left", "right", "degree"),
    [
        (sp.Integer(2), sp.Integer(2), 1),
        (sp.Integer(0), x * (x + 1) - x**2 - x, 2),
        (y + x * (x + 1) - x**2 - x, (y**2 + y) / (y + 1), 3),
        (g(x**2) + g(y), g(y) + g(x**2), 1 + 2 * 2),
        (g(x**-2) + g(y), g(y) + g(x**-2), 1 + 2 * 2),
        (g(x) * g(y) * f(x, x * y), f(x, y * x) * g(y) * g(x), 3 + 3 * 2 * 2),
    ],
)
def test_degrees_are_added_up_and_those_by_which_arguments_meet(left: Any, right: Any, degree: int) -> None:
    for sides in ((left, right), (right, left)):
        found = agreement(*sides)
        assert found is not None and found.chance == sp.Rational(degree, RANGE) ** 2


def test_degrees_are_those_of_quotients_of_polynomials() -> None:
    """A sum is brought to a common denominator, and nothing is cancelled."""
    a, b = Value(fmpq(2, 3), 2, 1), Value(fmpq(-5), 3, 4)
    assert a.plus(b) == Value(fmpq(-13, 3), 6, 5) == b.plus(a)
    assert b.plus(Value(fmpq(5), 9)) == Value(fmpq(0), 13, 4) == Value(fmpq(5), 9).plus(b)
    assert a.times(b) == Value(fmpq(-10, 3), 5, 5) == b.times(a)
    assert (a.power(3), a.power(-2)) == (Value(fmpq(8, 27), 6, 3), Value(fmpq(9, 4), 2, 4))
    assert a.power(0) == Value(fmpq(0), 1, 1).power(0) == Value(fmpq(1))


def test_degrees_are_limited_before_anything_is_calculated() -> None:
    assert Value(fmpq(2), 1).power(MAX_DEGREE).number == 2**MAX_DEGREE
    half = Value(fmpq(2), MAX_DEGREE // 4, MAX_DEGREE // 4)
    assert half.times(half).above == MAX_DEGREE // 2
    swelling: tuple[Callable[[], Value], ...] = (
        lambda: Value(fmpq(2), 1).power(10**15),
        lambda: Value(fmpq(2), 0, 1).power(MAX_DEGREE + 1),
        lambda: half.times(half).times(Value(fmpq(2), 1)),
        lambda: half.plus(half).plus(Value(fmpq(2), 0, 1)),
    )
    for swells in swelling:
        with pytest.raises(NotExact, match="degrees beyond 3,000"):
            swells()


def test_numbers_are_drawn_from_all_that_they_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exact, "RANGE", 3)
    for symbol in (m, x):
        assert {exact._Evaluator(seed, 1)(symbol).number for seed in range(60)} == {1, 2, 3}


def test_what_is_drawn_is_the_same_each_time() -> None:
    first, second = exact._Evaluator(0, 1), exact._Evaluator(0, 1)
    assert first(x + X[1, 2]) == second(x + X[1, 2])
    assert first.place(c, sp.Integer(10**9)) == second.place(c, sp.Integer(10**9))


def test_free_indices_have_places_of_their_own() -> None:
    sizes = {c: sp.Integer(10**6), d: sp.Integer(10**6)}
    assert agreement(W[c, d], W[d, c], sizes) is None
    assert agreement(W[c, d] + W[d, c], W[d, c] + W[c, d], sizes) is not None
    delta = sp.KroneckerDelta(c, d)
    assert agreement(PlainSum(delta * X[c], (c, 1, m)), X[d], {d: m}) is not None
    assert agreement(PlainSum(delta * X[c], (c, 1, m)), PlainSum(X[c], (c, 1, m + 1)), {d: m}) is None


def test_a_sum_runs_from_its_first_to_its_last_place() -> None:
    triangle = PlainSum(PlainSum(x, (d, 1, c)), (c, 1, m + 2))
    assert agreement(triangle, PlainSum(c * x, (c, 1, m + 2))) is not None
    assert agreement(PlainSum(X[c], (c, 1, m - 3)), sp.Integer(0)) is not None
    assert agreement(PlainSum(X[c], (c, 2, m + 1)), PlainSum(X[c + 1], (c, 1, m))) is not None


def test_a_probability_is_below_a_power_of_ten() -> None:
    assert [below(sp.Rational(1, each)) for each in (2, 99, 101, 10**20 - 1)] == [
        "1e0",
        "1e-1",
        "1e-2",
        "1e-19",
    ]


@pytest.mark.parametrize(
    ("side", "missing"),
    [
        (sp.log(x), "log has no exact value"),
        (sp.sqrt(x), "Pow has no exact value"),
        (absolute(x), "it has cases"),
        (sp.exp(sp.exp(x)), "an exponent is no polynomial"),
        (sp.exp(1 / x), "an exponent is no polynomial"),
        (sp.exp(sp.sqrt(x)), "an exponent is no polynomial"),
        (sp.tanh(PlainSum(X[1, c], (c, 1, m))), "an exponent is no polynomial"),
        (1 / (x - x**2 / x + y * 0), "divides by zero"),
        ((x + 1) ** 3001, "degrees beyond"),
    ],
)
def test_what_has_no_exact_value_is_refused(side: Any, missing: str) -> None:
    if side is sp.zoo:
        side = 1 / (sp.Mul(x, x + 1, evaluate=False) - x**2 - x)
    with pytest.raises(NotExact, match=missing):
        agreement(side, side)


def test_more_work_than_it_may_take_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exact, "MAX_VALUES", 20)
    short, long = (sum((x + k) ** 2 for k in range(count)) for count in (5, 30))
    assert agreement(short, short) is not None
    with pytest.raises(NotExact, match="more than 20 values"):
        agreement(long, long)


def test_equal_by_the_normal_form_and_different_by_values_is_a_contradiction(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(normal_form, "agreement", lambda left, right, sizes: None)
    with pytest.raises(Contradiction, match="differ at an exact point"):
        decide(x + y, y + x)
