"""Cases: each point lies in one of them, where both sides have the values that they have there."""

from __future__ import annotations

import math
from typing import Any

import pytest
import sympy as sp
from flint import fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from proofs.kernel.balls import Evaluator, Point
from proofs.kernel.cases import Case, Cases, holds
from proofs.kernel.exponentials import Exponentials
from proofs.kernel.normal_form import decide
from proofs.kernel.polynomials import Plan, Ring
from proofs.kernel.reading import Reader
from symbolic.grammar.functions import absolute, undefined
from symbolic.plain import PlainSum

x, y, z = sp.symbols("x y z", real=True)
c, n = sp.symbols("c n", integer=True)
p = sp.Symbol("p", positive=True)
X = sp.IndexedBase("X", real=True)
g = undefined("g")
RELATIONS = (sp.Gt, sp.Ge, sp.Lt, sp.Le, sp.Eq, sp.Ne)
LINES = (x, x - 1, 2 * x + y, x - y + 2, x * y - 1, 1 - y**2, (x - 1) * (y + 2))


def taken_apart(left: Any, right: Any = sp.S.Zero, *, met: tuple[Any, ...] = ()) -> tuple[list[Case], Reader]:
    """The cases of two sides, in a ring in which some expressions have been met before."""
    read = Reader(Exponentials(Ring(Plan(), math.inf)))
    for expr in met:
        read(expr)
    return list(Cases(read).cells(Case(left, right))), read


@st.composite
def pieces(draw: st.DrawFn, *, depth: int = 2) -> Any:
    """Nested case distinctions with a value of its own in each piece."""
    if depth == 0:
        return x + draw(st.integers(0, 99))
    condition = draw(st.sampled_from(RELATIONS))(draw(st.sampled_from(LINES)), 0)
    return sp.Piecewise((draw(pieces(depth=depth - 1)), condition), (draw(pieces(depth=depth - 1)), True))


COORDINATES = st.builds(fmpq, st.integers(-4, 4), st.integers(1, 2))


@settings(max_examples=30)
@given(pieces(), COORDINATES, COORDINATES)
def test_each_point_lies_in_one_case_and_keeps_its_value(expr: Any, at_x: fmpq, at_y: fmpq) -> None:
    evaluate = Evaluator(Point(0, {x: at_x, y: at_y}))
    cases, read = taken_apart(expr, x)
    meeting = []
    for case in cases:
        assert not case.left.has(sp.Piecewise)
        for line, (low, high) in case.conditions:
            value = sp.Rational(str(evaluate(line.ring.expression(line))))
            if not (low < value < high or low == value == high):
                break
        else:
            meeting.append(case)
    left_out = any(
        evaluate(each.quotient.ring.expression(each.quotient)) == fmpq(each.bound.p, each.bound.q)
        for each in read.assumptions
    )
    assert len(meeting) == 1 or left_out
    for case in meeting:
        assert evaluate(case.left) == evaluate(expr)


def test_a_case_says_where_it_is() -> None:
    cases, _ = taken_apart(absolute(x - 1) + sp.Piecewise((1, y > 2), (0, True)))
    found = set(map(str, cases))
    assert found == {f"y {sign} 2, x {other} 1" for sign in "<=>" for other in "<=>"}


def test_values_lie_in_their_cells() -> None:
    cases, _ = taken_apart(absolute(x - 1))
    assert [case.values for case in cases] == [((x, 0),), ((x, 1),), ((x, 2),)]
    cases, _ = taken_apart(absolute(p - 1))
    assert [case.values for case in cases] == [((p, sp.S.Half),), ((p, 1),), ((p, 2),)]


@pytest.mark.parametrize("met", [(x, y, z), (z, y, x), (y, x, z), (sp.exp(z), x, y), (g(0), g(x), z, y)])
def test_a_point_is_eliminated_by_the_symbol_that_needs_no_assumption(met: tuple[Any, ...]) -> None:
    """Whatever was met first."""
    for line in (x + y * z, x + y * z**2 + sp.exp(z), x + g(0) * z, 3 * x - y**2, sp.exp(y) + x * (1 + z**2)):
        cases, read = taken_apart(absolute(line), met=met)
        (at,) = (case for case in cases if case.conditions[0][1] == (0, 0))
        assert read.assumptions == []
        ((symbol, value),) = at.values
        assert symbol == x
        assert decide(line.xreplace({x: value}), sp.S.Zero).answer == "equal"


@pytest.mark.parametrize(
    ("line", "assumed"),
    [
        (x * y + x * z, []),
        (x**2 + x, []),
        (g(x) + x, ["x + g(x) ≠ 0"]),
        (x**2 + y**2, ["x**2 + y**2 ≠ 0"]),
        (n + sp.exp(x), ["n + exp(x) ≠ 0"]),
    ],
)
def test_a_point_that_cannot_be_eliminated_is_left_out(line: Any, assumed: list[str]) -> None:
    _, read = taken_apart(absolute(line))
    assert list(map(str, read.assumptions)) == assumed


def test_what_depends_on_the_index_of_a_sum_is_left() -> None:
    two = PlainSum(absolute(X[1, c]) * absolute(y), (c, 1, 3)) + PlainSum(X[1, n], (n, 1, 2))
    cases, _ = taken_apart(two)
    assert [str(case) for case in cases] == ["y < 0", "y = 0", "y > 0"]
    assert cases[0].left.has(sp.Piecewise) and not cases[0].left.has(y >= 0, y > 0)


def test_what_is_assumed_excludes_cells() -> None:
    cases, read = taken_apart(sp.Piecewise((1, sp.log(x) > y), (2, x > 1), (3, True)))
    assert all("x < 0" not in str(case) for case in cases)
    (assumption,) = read.assumptions
    assert {holds(assumption, case) for case in cases} <= {True, None}
    low, high = Case(x, x, cells={read(x).key: (-sp.oo, sp.S.Zero)}), Case(x, x)
    assert (holds(assumption, low), holds(assumption, high)) == (False, None)


def test_a_wrong_value_on_one_cell_alone_is_seen() -> None:
    wrong = sp.Piecewise((sp.Abs(0) - p, p < sp.Rational(1, 16)), (p, True))
    decision = decide(wrong, p)
    assert decision.answer == "different" and decision.point is not None
    assert 0 < decision.point.values[p] < fmpq(1, 16)
