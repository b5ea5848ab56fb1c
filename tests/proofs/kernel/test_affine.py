"""Exact elimination: what holds at a point is not excluded, and what adds up to 0 > 0 is (Farkas 1902)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce
from operator import add
from typing import Any

import pytest
import sympy as sp
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from proofs.kernel import affine
from proofs.kernel.affine import exclude_each_other
from proofs.kernel.exponentials import Exponentials
from proofs.kernel.polynomials import Plan, Quotient, Ring
from proofs.kernel.reading import Reader
from proofs.kernel.signs import Cell

x = sp.Symbol("x", real=True)
y, z = sp.symbols("y z", real=True)
p, q = sp.symbols("p q", positive=True)
MONOMIALS = (x, p, p * q)  # of these the last two are positive
READ = Reader(Exponentials(Ring(Plan(), math.inf)))
FORMS = st.tuples(*[st.integers(-3, 3)] * len(MONOMIALS))
ABOVE_0 = st.builds(sp.Rational, st.integers(1, 5), st.integers(1, 3))


def line(form: Sequence[Any]) -> Quotient:
    terms = (
        READ(monomial) * READ(sp.Rational(times)) for times, monomial in zip(form, MONOMIALS, strict=True)
    )
    return reduce(add, terms)


def at(form: Sequence[Any], point: Sequence[Any]) -> sp.Rational:
    return sp.Rational(sum(times * value for times, value in zip(form, point, strict=True)))


@st.composite
def around(draw: st.DrawFn, value: sp.Rational) -> Cell:
    """A cell in which the value lies."""
    low, high = value - draw(ABOVE_0), value + draw(ABOVE_0)
    cell: Cell = draw(st.sampled_from([(value, value), (low, high), (low, sp.oo), (-sp.oo, high)]))
    return cell


@st.composite
def met(draw: st.DrawFn) -> list[tuple[tuple[int, ...], Cell]]:
    """Conditions that hold together at some point."""
    point = (draw(st.integers(-4, 4)), *draw(st.tuples(ABOVE_0, ABOVE_0)))
    forms = draw(st.lists(FORMS.filter(any), min_size=1, max_size=2, unique=True))
    return [(form, draw(around(at(form, point)))) for form in forms]


@settings(max_examples=30)
@given(met())
def test_cells_with_a_common_point_do_not_exclude_each_other(conditions: list[Any]) -> None:
    assert not exclude_each_other([(line(form), cell) for form, cell in conditions])


@settings(max_examples=50)
@given(met(), st.data())
def test_a_sum_of_conditions_beyond_its_bound_is_excluded(conditions: list[Any], data: st.DataObject) -> None:
    """Σ λᵢ ℓᵢ + μ·p > Σ λᵢ rᵢ where ℓᵢ > rᵢ, p > 0, λᵢ > 0 and μ ≥ 0; = where all are equations."""
    total: list[Any] = [0, *(data.draw(st.integers(0, 2)) for _ in range(2))]
    bound, is_strict = sp.S.Zero, any(total)
    for form, (low, high) in conditions:
        times = data.draw(ABOVE_0)
        end, sign = (low, 1) if high == sp.oo else (high, -1)
        total = [old + sign * times * new for old, new in zip(total, form, strict=True)]
        bound += sign * times * end
        is_strict |= low != high
    assume(any(total))
    known, summed = [(line(form), cell) for form, cell in conditions], line(total)
    assert exclude_each_other([*known, (summed, (-sp.oo, bound))])
    assert exclude_each_other([*known, (summed, (bound, bound))]) == is_strict
    assert exclude_each_other([*known, (summed, (bound - 1, bound))])


def test_beyond_a_number_of_rows_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    positive, negative = (sp.S.Zero, sp.oo), (-sp.oo, sp.S.Zero)
    impossible = [(READ(y), positive), (READ(z), positive), (READ(y + z), negative)]
    monkeypatch.setattr(affine, "MAX_ROWS", 2)  # y > 0 and, without z, y < 0
    assert exclude_each_other(impossible)
    monkeypatch.setattr(affine, "MAX_ROWS", 1)
    assert not exclude_each_other(impossible)
