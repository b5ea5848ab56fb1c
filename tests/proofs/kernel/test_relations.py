"""Equations that are given: what follows is proved, what does not is separated where they hold."""

from __future__ import annotations

from typing import Any

import pytest
import sympy as sp

from proofs.kernel.balls import Evaluator, Point
from proofs.kernel.normal_form import decide
from proofs.kernel.relations import settle
from symbolic.grammar.formula import parse_scalar
from symbolic.grammar.functions import undefined
from symbolic.plain import PlainSum

x, y, z, *t = sp.symbols("x y z t1:4", real=True)
i, r = sp.symbols("i r", integer=True)
n = sp.Symbol("n", integer=True, positive=True)
A, T = (sp.IndexedBase(name, real=True) for name in "AT")
g = undefined("g")
SUM, ONE_HOT = sp.Add(*t) - 1, [label**2 - label for label in t]
UNITS = PlainSum(T[r], (r, 1, n))

FOLLOWS = {
    "in an argument": (g(z * sp.Add(*t)), g(z), [SUM]),
    "a power of a label": (t[0] ** 5, t[0], ONE_HOT),
    "two labels": (t[0] * t[1], sp.S.Zero, [SUM, *ONE_HOT]),
    "two labels, in another order": (t[0] * t[1], sp.S.Zero, [*ONE_HOT, SUM]),
    "entropy": (
        -((t[0] * x + t[1] * y + t[2] * z) ** 2),
        -(t[0] * x**2 + t[1] * y**2 + t[2] * z**2),
        [SUM, *ONE_HOT],
    ),
    "any number of labels": (A[i] * UNITS - T[i], A[i] - T[i], [UNITS - 1]),
    "a quotient": (1 / (x + y), 1 / z, [x + y - z]),
    "what is given twice": (x, y, [x - y, 2 * x - 2 * y]),
    "in an argument of what is given": (g(y), sp.S.One, [x - y, g(y) - 1]),
    "in two arguments of what is given": (z, sp.S.Zero, [g(y) - g(x) + z, x - y]),
    "what is 0": (x * y, sp.S.Zero, [x]),
    "multiples": (g(2 * x), g(3 * y), [2 * x - 3 * y]),
    "powers in any order": (x**4 * y, x**3 * y**2 * z, [x * y**2 * z * (z - x), y * z**2 - x**2]),
}


@pytest.mark.parametrize("name", FOLLOWS)
def test_what_follows_is_proved_and_assumed(name: str) -> None:
    left, right, given = FOLLOWS[name]
    decision = decide(left, right, given=tuple(given))
    assert decision.answer == "equal", decision
    assert decision.point is not None
    assert f"{given[0]} = 0" in decision.assumptions


@pytest.mark.parametrize(
    ("left", "right", "given"),
    [
        (y**2 + sp.cos(x) ** 2, sp.S.One, (sp.sin(x) - y,)),
        (x, sp.S.Zero, (g(x + y) - z, x + 2 * y, x + y)),
        (g(z), sp.S.One, (g(g(x)) - 1, g(y) - z, x - y)),
    ],
)
def test_what_follows_is_proved_where_no_point_is_found(
    left: Any, right: Any, given: tuple[Any, ...]
) -> None:
    """From what has a relation of its own, and from arguments in which something is eliminated."""
    decision = decide(left, right, given=given)
    assert (decision.answer, decision.point) == ("equal", None)


@pytest.mark.parametrize("name", FOLLOWS)
def test_without_what_is_given_it_is_false(name: str) -> None:
    left, right, _ = FOLLOWS[name]
    assert decide(left, right).answer == "different"


NOT = {
    "labels that are not one-hot": (t[0] * t[1], sp.S.Zero, [SUM]),
    "which label": (t[0] ** 3, t[1], ONE_HOT),
    "one of many": (A[i] * UNITS, 2 * A[i], [UNITS - 1]),
}


@pytest.mark.parametrize("name", NOT)
def test_what_does_not_follow_is_separated_where_the_given_holds(name: str) -> None:
    left, right, given = NOT[name]
    decision = decide(left, right, given=tuple(given))
    assert decision.answer == "different" and decision.point is not None
    assert all(Evaluator(decision.point)(each) == 0 for each in given)


def test_what_the_given_takes_for_granted_is_named() -> None:
    decision = decide(x * y, sp.S.One, given=(1 / x - y,))
    assert (decision.answer, decision.assumptions) == ("equal", ("-y + 1/x = 0", "x ≠ 0"))


@pytest.mark.parametrize(
    "contradiction",
    [(sp.S.One,), (x, x - 1), (2 * x - 2, 2 * x - 3), (x * y, x * y - 1), (g(x) ** 2, g(x) - 1)],
)
def test_nothing_follows_from_a_contradiction(contradiction: tuple[Any, ...]) -> None:
    decision = decide(z, 2 * z, given=contradiction)
    assert decision.answer == "undecided"
    assert decision.reason.startswith("what is given cannot hold")
    assert decide(z + z, 2 * z, given=contradiction).point is None


def test_a_point_is_moved_to_where_the_given_holds() -> None:
    """One symbol for each equation, and the others stay."""
    for given in (
        (y - x**2 - 3,),
        (3 * x - 5,),
        (4 * x - z, x + 2 * y - z),
        (x**2 - x, 2 * x**2 - 2 * x, y - x - 1),
        (x**2 - x, y**2 - y, x + y + z - 1),
    ):
        point, drawn = Point(1), Point(1)
        names = sorted({name for each in given for name in each.free_symbols}, key=str)
        for name in names:
            point.value(name), drawn.value(name)
        assert settle(point, given)
        assert all(Evaluator(point)(each) == 0 for each in given)
        assert sum(point.values[name] != drawn.values[name] for name in names) <= len(given)


def test_entries_that_do_not_occur_are_left() -> None:
    point = Point(0)
    assert settle(point, (T[1] ** 2 - T[1], y - x**2 - 3))
    assert point.values[T[1]] in (0, 1)
    assert point.values[x] == Point(0).value(x) and point.values[y] == point.values[x] ** 2 + 3


def test_a_seed_settles_at_one_point() -> None:
    labels = sp.symbols("t1:41", real=True)
    given = tuple(label**2 - label for label in labels)
    points = [Point(seed) for seed in (0, 0, 1)]
    assert all(settle(point, given) for point in points)
    first, again, other = (point.values for point in points)
    assert first == again != other
    assert set(first.values()) == {0, 1}


def test_a_point_that_cannot_be_moved_there_is_not_used() -> None:
    point = Point(0)
    assert not settle(point, (x**2 - 2,))
    assert decide(x, -x, given=(x**2 - 2,)).answer == "undecided"


@pytest.mark.parametrize(
    ("left", "right", "cells"),
    [
        ("where(x > y, where(y > z, where(x > z, 1, 2), 1), 1)", "1", "7"),
        ("max(x, max(y, z))", "max(max(x, y), z)", "9"),
        ("where(x*y > 1, where(2*x*y < 1, 7, 1), 1)", "1", "5"),
        ("where(x + y > 0, where(x > 1, where(y > 1, where(x + y < 2, 5, 1), 1), 1), 1)", "1", None),
        ("where(exp(x) > 0, 1, 2)", "1", None),
    ],
)
def test_cells_that_do_not_meet_are_left_out(left: str, right: str, cells: str | None) -> None:
    sides: list[Any] = [parse_scalar(text, names=("x", "y", "z")) for text in (left, right)]
    decision = decide(*sides)
    assert decision.answer == "equal", decision
    assert cells is None or f"in each of {cells} cases" in decision.reason


def test_cells_that_meet_are_not_left_out() -> None:
    text = "where(x + y > 0, where(x > 1, where(y > 1, where(x + y < 3, 5, 1), 1), 1), 1)"
    wrong = parse_scalar(text, names=("x", "y"))
    assert decide(wrong, sp.S.One).answer != "equal"
    closed = parse_scalar("where(x >= 1, where(x <= 1, 5, 1), 1)", names=("x",))
    assert decide(closed, sp.S.One).answer == "different"


def test_cells_that_are_not_affine_and_do_not_meet_are_left_open() -> None:
    disc = parse_scalar(
        "where(x**2 + y**2 > 2, where(x**2 < 1, where(y**2 < 1, 3, 1), 1), 1)", names=("x", "y")
    )
    decision = decide(disc, sp.S.One)
    assert decision.answer == "undecided" and "x**2 + y**2 > 2" in decision.reason
