"""What a decision says: its reason, its point, its evidence; and sums over several ranges."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sympy as sp

from proofs.kernel import normal_form
from proofs.kernel.normal_form import decide
from symbolic.activations import Root
from symbolic.grammar.formula import parse_scalar
from symbolic.grammar.functions import absolute
from symbolic.plain import PlainSum

Expr = Any
x, y, z = sp.symbols("x y z", real=True)
c, d = sp.symbols("c d", integer=True)
m, n = sp.symbols("m n", integer=True, positive=True)
X, Y = (sp.IndexedBase(name, real=True) for name in "XY")
LOG_2 = Root("z0", "exp(z) - 2", 0.69)
ROOT = sp.Symbol("z0", real=True)
NO_POINT = "and no point was found that separates the two sides"


def where(condition: str, value: Expr) -> Expr:
    return sp.Piecewise(
        (value, parse_scalar(f"where({condition}, 1, 0)", names=("x",)).args[0][1]), (0, True)
    )


def test_answers_say_why() -> None:
    assert decide(x, x).reason == "the difference reduces to 0"
    assert decide(x, y).reason == "balls separate the two sides at a point"
    double = sp.sin(2 * z), 2 * sp.sin(z) * sp.cos(z)
    assert decide(*double).reason == f"the difference does not reduce to 0, {NO_POINT}"
    stuck = decide(*(where("x > 1", side) for side in double))
    assert stuck.reason == f"the difference does not reduce to 0 where x > 1, {NO_POINT}"


def test_what_rests_on_equations_has_no_exact_values_besides() -> None:
    for decision in (
        decide(x, y, given=(x - y,)),
        decide(sp.exp(ROOT), sp.Integer(2), roots=(LOG_2,)),
    ):
        assert decision.answer == "equal"
        assert decision.evidence == "no exact values: it rests on equations"


def test_points_of_a_case_lie_at_the_roots() -> None:
    """z₀ = log 2 is true and not known here; elsewhere it would be separated."""
    decision = decide(where("x > 0", ROOT), where("x > 0", sp.log(2)), roots=(LOG_2,))
    assert decision.answer == "undecided"
    assert decision.reason == f"the difference does not reduce to 0 where x > 0, {NO_POINT}"
    wrong = decide(where("x > 0", ROOT), where("x > 0", sp.log(2) + sp.Rational(1, 10**6)), roots=(LOG_2,))
    assert wrong.answer == "different"


def test_sums_over_several_ranges_are_compared_range_by_range() -> None:
    """Conditions on entries then depend on no index; a sum within one may bind the name of another."""

    def both(size: Callable[[Expr], Expr]) -> Expr:
        first, second = PlainSum(X[c], (c, 1, m)), PlainSum(Y[d], (d, 1, n))
        return PlainSum(size(X[c]) * second, (c, 1, m)) + PlainSum(size(Y[d]) * first, (d, 1, n))

    assert decide(both(lambda entry: absolute(entry) ** 2), both(lambda entry: entry**2)).answer == "equal"


def test_sums_over_different_ranges_are_not_mixed_up() -> None:
    assert decide(PlainSum(x, (c, 1, m)), PlainSum(x, (d, 1, n))).answer == "different"
    assert decide(PlainSum(x, (c, 1, m)) + y, PlainSum(y, (c, 1, m)) + x).answer == "different"


@pytest.mark.parametrize("points", [1, 12])
def test_the_point_beside_what_is_equal_is_one_where_both_sides_have_a_value(
    points: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(normal_form, "POINTS", points)
    nowhere = sp.log(-1 - x**2)
    assert decide(nowhere, nowhere).answer == "equal"
    assert decide(nowhere, nowhere).point is None
    point = decide(x, x).point
    assert point is not None and point.seed == min(points, 2) - 1
