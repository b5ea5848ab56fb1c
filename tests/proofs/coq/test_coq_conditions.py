"""Where a slope needs a hypothesis in Coq, and where not."""

from __future__ import annotations

import pytest
import sympy as sp

from proofs.coq.conditions import ANY_POSITIVE, ANY_SHARE, conditions
from proofs.coq.terms import Names
from symbolic.expressions import Expr
from symbolic.grammar.formula import parse_scalar
from symbolic.losses import A, T

NAMES = Names(scalars={A: "a", T: "t"})


@pytest.mark.parametrize(
    ("formula", "form", "needed"),
    [
        ("a*t", None, []),
        ("log(a) + log(t)", None, ["0 < a"]),
        ("log(1 + exp(a))/(1 + exp(-a))", None, []),
        ("1/(1 - a)", None, ["(1 + ((- 1) * a)) <> 0"]),
        ("sqrt(a)", None, ["0 < a"]),
        ("t*log(a) + (1 - t)*log(1 - a)", ANY_SHARE, []),
        ("log(a) + log(1 - a)", ANY_POSITIVE, ["0 < (1 + ((- 1) * a))"]),
        ("max(a, t)", None, ["a <> t"]),
        ("relu(a)", ANY_SHARE, []),
        ("1/(1 + abs(a - t))", None, ["(a + ((- 1) * t)) <> 0"]),
        ("where(a > 0, 1/(1 + a), 1/(1 - a))", None, ["a <> 0"]),
        ("where(a > 2, log(a - 1), a)", None, ["a <> 2"]),
        ("where(abs(a) <= 1, a**2/2, abs(a) - 1/2)", None, ["a <> 1", "a <> (- 1)"]),
        ("where(t > 0, t*log(t), 0) - t*log(a)", ANY_POSITIVE, []),
    ],
)
def test_what_does_not_hold_by_itself_is_a_condition(
    formula: str, form: Expr | None, needed: list[str]
) -> None:
    found = conditions(parse_scalar(formula, names=("a", "t")), A, form)
    assert sorted(each.text(NAMES) for each in found) == sorted(needed)


def test_what_does_not_depend_on_the_variable_needs_nothing() -> None:
    assert conditions(sp.log(T) / (T - 1), A) == ()
