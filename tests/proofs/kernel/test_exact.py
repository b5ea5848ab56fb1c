"""Exact values at random points: those of equal sides agree, and the probability of an accident."""

from __future__ import annotations

from typing import Any

import pytest
import sympy as sp

from proofs.kernel import normal_form
from proofs.kernel.exact import RANGE, NotExact, agreement
from proofs.kernel.normal_form import Contradiction, decide
from symbolic.grammar.functions import absolute, undefined

x, y, z = sp.symbols("x y z", real=True)
c = sp.Symbol("c", integer=True)
m = sp.Symbol("m", integer=True, positive=True)
X = sp.IndexedBase("X", real=True)
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
    assert (
        found.chance == sp.Rational(1 + 2 * 1 + 0, RANGE) ** 2 or found.chance == sp.Rational(3, RANGE) ** 2
    )


@pytest.mark.parametrize(
    ("side", "missing"),
    [
        (sp.log(x), "log has no exact value"),
        (sp.sqrt(x), "Pow has no exact value"),
        (absolute(x), "it has cases"),
        (sp.exp(sp.exp(x)), "an exponent is no polynomial"),
        (sp.exp(1 / x), "an exponent is no polynomial"),
        (1 / (x - x**2 / x + y * 0), "divides by zero"),
        ((x + 1) ** 3001, "degrees beyond"),
    ],
)
def test_what_has_no_exact_value_is_refused(side: Any, missing: str) -> None:
    if side is sp.zoo:
        side = 1 / (sp.Mul(x, x + 1, evaluate=False) - x**2 - x)
    with pytest.raises(NotExact, match=missing):
        agreement(side, side)


def test_equal_by_the_normal_form_and_different_by_values_is_a_contradiction(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(normal_form, "agreement", lambda left, right, sizes: None)
    with pytest.raises(Contradiction, match="differ at an exact point"):
        decide(x + y, y + x)
