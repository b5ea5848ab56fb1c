"""Signs from cells, against evaluation at points; and that cells take an interval apart."""

from __future__ import annotations

import math
from typing import Any

import pytest
import sympy as sp
from flint import arb, fmpq
from hypothesis import example, given, settings
from hypothesis import strategies as st

from proofs.kernel.balls import Evaluator, Point
from proofs.kernel.exponentials import Exponentials
from proofs.kernel.polynomials import Plan, Quotient, Restart, Ring
from proofs.kernel.reading import Reader
from proofs.kernel.signs import LINE, Cell, cell_of, cell_text, inside, sign_of, split

x, y = sp.symbols("x y", real=True)
p = sp.Symbol("p", positive=True)
FACTORS = (
    x,
    x - 1,
    2 * y - x,
    3 - x * y,
    x**2 - y**2,
    1 + x**2,
    -2 - sp.exp(y),
    sp.exp(-x) - 1,
    sp.exp(x / 2) - 1,
    1 - sp.exp(y - x * y),
    sp.exp(y) - 2,
    sp.exp(x + y) - sp.exp(x - y),
)
RATIONALS = st.builds(sp.Rational, st.integers(-6, 6), st.integers(1, 3))


def quotient_of(expr: Any) -> Quotient:
    plan = Plan()
    while True:
        try:
            return Reader(Exponentials(Ring(plan, math.inf)))(expr)
        except Restart:
            continue


def holds(cell: Cell, value: Any) -> bool:
    low, high = (end if end.is_infinite else fmpq(end.p, end.q) for end in cell)
    if low == high:
        return bool(arb(value).contains(arb(low)))
    return (low == -sp.oo or bool(value > low)) and (high == sp.oo or bool(value < high))


@settings(max_examples=50)
@given(
    st.dictionaries(st.sampled_from(FACTORS), st.sampled_from([-3, -2, -1, 1, 2, 3]), min_size=1, max_size=4),
    st.integers(0, 40),
    st.sampled_from([1, -1, sp.Rational(-2, 3)]),
)
@example({sp.exp(-x) - 1: 2, x: 1}, 0, 1)
@example({sp.exp(-x) - 1: 3, sp.exp(y) - 2: -1, 3 - x * y: -1}, 0, -1)
@example({sp.exp(-x) - 1: 2, x: 1}, 1, 1)
def test_the_sign_in_the_cells_of_a_point_is_that_at_the_point(
    powers: dict[Any, int], seed: int, constant: Any
) -> None:
    evaluate = Evaluator(Point(seed))
    values = {factor: evaluate(factor) for factor in powers}
    if any(arb(value).contains(0) for value in values.values()):
        return
    product = sp.Mul(constant, *(factor**power for factor, power in powers.items()))
    expected = (1 if constant > 0 else -1) * math.prod(
        (1 if value > 0 else -1) ** abs(powers[factor]) for factor, value in values.items()
    )
    sign, cells = sign_of(quotient_of(product)), {}
    for factor in sign.factors:
        line = factor.line
        thresholds = [each.threshold for each in sign.factors if each.line.key == line.key]
        value = evaluate(line.ring.expression(line))
        cells[line.key] = next(cell for cell in split(cell_of(line, {}), thresholds) if holds(cell, value))
    assert sign.within(cells) == expected
    assert sign.within({}) in ((expected,) if not sign.factors else (None,))


def test_the_sign_of_zero_is_zero() -> None:
    assert sign_of(quotient_of(x - x)).within({}) == 0
    factor = sign_of(quotient_of((x - 2) ** 2))
    assert factor.within({quotient_of(x).key: (sp.Integer(2), sp.Integer(2))}) == 0


def test_what_is_positive_has_that_sign_without_a_cell() -> None:
    for expr, sign in ((1 + x**2, 1), (-1 - sp.exp(x), -1), (p / (x**2 + p), 1), (-p, -1)):
        found = sign_of(quotient_of(expr))
        assert (found.factors, found.within({})) == ((), sign)


def test_what_is_positive_lies_in_the_positive_cell() -> None:
    assert cell_of(quotient_of(p), {}) == cell_of(quotient_of(sp.exp(x)), {}) == (0, sp.oo)
    assert cell_of(quotient_of(x), {}) == LINE
    known = quotient_of(p)
    assert cell_of(known, {known.key: (sp.S.One, sp.S.One)}) == (1, 1)


ENDS = st.one_of(RATIONALS, st.sampled_from([sp.oo, -sp.oo]))


@given(ENDS, ENDS, st.lists(RATIONALS, max_size=4), st.lists(RATIONALS, max_size=4))
@example(-sp.oo, sp.oo, [], [])
@example(sp.S.Zero, sp.Integer(3), [sp.Integer(end) for end in (3, 1, 0)], [])
def test_each_number_of_an_interval_lies_in_one_of_its_cells(
    one: Any, other: Any, thresholds: list[Any], others: list[Any]
) -> None:
    low, high = sorted((one, other))
    if low == high:
        return
    cells = list(split((low, high), thresholds))
    assert [cell for cell in cells if cell[0] == cell[1]] == [
        (cut, cut) for cut in sorted(set(thresholds)) if low < cut < high
    ]
    assert not any(below < cut < above for below, above in cells for cut in thresholds)
    assert all(cell == 2 * (inside(cell),) or cell[0] < inside(cell) < cell[1] for cell in cells)
    numbers = [*thresholds, *others, *map(inside, cells)]
    for number in numbers:
        meeting = [cell for cell in cells if cell == (number, number) or cell[0] < number < cell[1]]
        assert len(meeting) == bool(low < number < high)
    assert sorted({inside(cell) for cell in cells}) == [inside(cell) for cell in cells]


def test_a_point_is_its_only_cell() -> None:
    point = (sp.S.One, sp.S.One)
    assert list(split(point, [sp.S.Zero, sp.S.One])) == [point]
    assert inside(point) == 1


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (-sp.oo, sp.Integer(2), "x < 2"),
        (sp.Rational(-1, 2), sp.oo, "x > -1/2"),
        (sp.Integer(0), sp.Integer(1), "0 < x < 1"),
        (sp.Integer(3), sp.Integer(3), "x = 3"),
    ],
)
def test_a_cell_in_words(low: Any, high: Any, text: str) -> None:
    assert cell_text(quotient_of(x), (low, high)) == text
