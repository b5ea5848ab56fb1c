"""Arithmetic of quotients against that of the rationals at points, and that they are canonical."""

from __future__ import annotations

import math
import operator
from typing import Any

import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from proofs.kernel import polynomials
from proofs.kernel.exponentials import Exponentials
from proofs.kernel.polynomials import Generator, Plan, Quotient, Restart, Ring, Undecided
from proofs.kernel.reading import Reader

x, y, z = sp.symbols("x y z", real=True)
p = sp.Symbol("p", positive=True)
POINT = {x: sp.Rational(13, 3), y: sp.Rational(5, 7), z: sp.Rational(-29, 17)}


def reader() -> Reader:
    return Reader(Exponentials(Ring(Plan(), math.inf)))


READ = reader()
LEAVES = [*map(READ, (x, y, z, sp.Integer(2), sp.Rational(-1, 3), sp.sqrt(2), sp.sqrt(x), sp.sin(y)))]
ARITHMETIC = (operator.add, operator.sub, operator.mul, operator.truediv)


def written(quotient: Quotient) -> Any:
    return quotient.ring.expression(quotient)


def value(quotient: Quotient) -> complex:
    return complex(written(quotient).xreplace(POINT).evalf(30))


@st.composite
def combined(draw: st.DrawFn, inside: st.SearchStrategy[Quotient]) -> Quotient:
    a, b, apply = draw(inside), draw(inside), draw(st.sampled_from(ARITHMETIC))
    return a * b if apply is operator.truediv and b.is_zero else apply(a, b)


CANONICAL = st.recursive(st.sampled_from(LEAVES), combined, max_leaves=4)
QUOTIENTS = st.recursive(st.sampled_from([*LEAVES, READ(sp.cbrt(3))]), combined, max_leaves=4)


@given(QUOTIENTS, QUOTIENTS, st.integers(-3, 5))
def test_quotients_have_the_values_of_their_operations(a: Quotient, b: Quotient, exponent: int) -> None:
    for apply in ARITHMETIC:
        if not (apply is operator.truediv and b.is_zero):
            assert value(apply(a, b)) == pytest.approx(apply(value(a), value(b)), rel=1e-9, abs=1e-9)
    if exponent >= 0 or not a.is_zero:
        assert value(a**exponent) == pytest.approx(value(a) ** exponent, rel=1e-9, abs=1e-9)


@given(QUOTIENTS, QUOTIENTS, QUOTIENTS)
def test_the_difference_of_equal_quotients_is_zero(a: Quotient, b: Quotient, c: Quotient) -> None:
    assert (a + b - a - b).is_zero
    assert (a * (b + c) - c * a - a * b).is_zero
    assert a.is_zero or (b / a * a - b).is_zero


@given(CANONICAL, CANONICAL, CANONICAL)
def test_equal_quotients_have_one_form(a: Quotient, b: Quotient, c: Quotient) -> None:
    assert (a + b - a).key == b.key
    assert (a * (b + c)).key == (c * a + a * b).key
    assert a.is_zero or (b / a * a).key == b.key


@given(QUOTIENTS)
def test_a_quotient_is_in_lowest_terms_without_square_roots_below(a: Quotient) -> None:
    assert a.den.leading_coefficient() == 1
    assert a.num.gcd(a.den).is_constant() or a.is_zero
    for generator, above, below in zip(READ.ring.generators, a.num.degrees(), a.den.degrees(), strict=False):
        assert not generator.power or max(above, below) < generator.power
        assert not (generator.power == 2 and below)


def test_a_power_has_a_limit() -> None:
    limit = polynomials.MAX_DEGREE
    assert (READ(x) ** limit).num.total_degree() == limit
    for beyond in (limit + 1, -limit - 1):
        with pytest.raises(Undecided, match=f"a power of {limit + 1} is beyond {limit}"):
            READ.one**beyond


def test_a_degree_has_a_limit() -> None:
    for one, other in ((READ(x), READ(y)), (READ(1 / x), READ(1 / y))):
        high = one**polynomials.MAX_DEGREE
        with pytest.raises(Undecided, match=f"a degree beyond {polynomials.MAX_DEGREE}"):
            high * other


def test_a_product_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    two, three = READ(x + y), READ(x + y + z)
    monkeypatch.setattr(polynomials, "MAX_PRODUCTS", 6)
    assert written(two * three).expand() == ((x + y) * (x + y + z)).expand()
    monkeypatch.setattr(polynomials, "MAX_PRODUCTS", 5)
    with pytest.raises(Undecided, match="a product of 2 by 3 terms is beyond 5"):
        two * three


def test_a_ring_that_is_full_restarts_in_one_with_twice_the_room() -> None:
    plan = Plan(capacity=2)
    read = Reader(Exponentials(Ring(plan, math.inf)))
    read(x + y + x)
    with pytest.raises(Restart):
        read(z)
    assert plan.capacity == 4


@given(st.lists(st.tuples(QUOTIENTS, st.integers(1, 3)), min_size=1, max_size=3))
def test_factors_are_monic_and_make_the_polynomial(factors: list[tuple[Quotient, int]]) -> None:
    poly = math.prod((factor.num**power for factor, power in factors), start=READ.one.num)
    if poly.is_zero() or len(poly) > polynomials.MAX_FACTORED:
        return
    found = READ.ring.factored(poly)
    assert all(factor.leading_coefficient() == 1 for factor, _ in found)
    again = math.prod((factor**power for factor, power in found), start=READ.one.num)
    assert again * poly.leading_coefficient() == poly


def test_a_large_polynomial_is_left_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    square = READ((2 * x + 2 * y) ** 2).num
    monkeypatch.setattr(polynomials, "MAX_FACTORED", 3)
    assert READ.ring.factored(square) == [(READ(x + y).num, 2)]
    monkeypatch.setattr(polynomials, "MAX_FACTORED", 2)
    assert READ.ring.factored(square) == [(READ((x + y) ** 2).num, 1)]


POSITIVE = (1 + z**2, z**2 + p, p, 2 * p * z**2 + p + 1, 1 / (p + x**4), p / (1 + z**2))
NOT_SEEN = (z, z**2, -p, x**2 + z**2, 1 + z**3, p - 1, 2 + sp.sin(z), 0 * z, p / z**2, 1 / z, p - z**2)


@pytest.mark.parametrize("first", [z, p])
def test_signs_alone_show_what_is_positive(first: Any) -> None:
    """In whichever order generators are met."""
    read = reader()
    read(first)
    for expr in POSITIVE:
        quotient = read(expr)
        assert quotient.positive and quotient.nonzero and (-quotient).nonzero
        assert not (-quotient).positive
    for expr in NOT_SEEN:
        quotient = read(expr)
        assert not quotient.positive
        assert quotient.nonzero == (-quotient).nonzero == (expr == -p)


def test_what_a_quotient_is_made_of() -> None:
    read = reader()
    assert read(sp.Rational(-3, 2)).constant == sp.Rational(-3, 2)
    assert read(x - x).constant == 0
    assert read(x).constant is read(1 / x).constant is read(2 / (1 + x)).constant is None
    assert read(x / (y + sp.sin(z)) - x / y).within == {x, y, z}
    assert read(x - x).within == frozenset()
    inner = read(sp.exp(x)).exponent
    assert inner is not None and inner.key == read(x).key
    for expr in (x, 2 * sp.exp(x), sp.exp(2 * x), sp.exp(x) * y, sp.exp(-x), sp.exp(x) + 1, x - x):
        assert read(expr).exponent is None
    assert read(2 * x - y).leads_positive != read(y - 2 * x).leads_positive


def test_a_generator_is_made_once() -> None:
    ring, made = Ring(Plan(), math.inf), iter([Generator.of(x)])
    first, again = (ring.generator("key", lambda: next(made)) for _ in range(2))
    assert first.key == again.key
    assert [(each.symbol, set(each.within), each.positive) for each in ring.generators] == [(x, {x}, False)]


def test_a_large_quotient_is_told_by_its_size() -> None:
    few = sp.Add(*sp.symbols("u:6", real=True)) / sp.Add(*sp.symbols("v:6", real=True))
    read = reader()
    assert "/(v0 + v1 + v2 + v3 + v4 + v5)" in read.ring.text(read(few))
    assert read.ring.text(read(few + 1)) == "a quotient of 18 terms"
