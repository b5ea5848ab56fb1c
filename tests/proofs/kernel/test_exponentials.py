"""Exponentials over a basis of their exponents: the laws of exp, whatever is met first."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest
import sympy as sp
from hypothesis import example, given
from hypothesis import strategies as st

from proofs.kernel.balls import Point, order
from proofs.kernel.exponentials import Exponentials
from proofs.kernel.polynomials import Plan, Quotient, Restart, Ring
from proofs.kernel.reading import Reader

x, y, z, w = sp.symbols("x y z w", real=True)
EXPONENTS = (x, y, x * y, x / z, w / (z * y), x / (1 + z**2), sp.Integer(1))
RATIONALS = st.builds(sp.Rational, st.integers(-3, 3), st.integers(1, 4))


@st.composite
def combinations(draw: st.DrawFn) -> Any:
    chosen = draw(st.lists(st.sampled_from(EXPONENTS), min_size=1, max_size=2, unique=True))
    return sp.Add(*(draw(RATIONALS) * exponent for exponent in chosen))


def read_all(exprs: Sequence[Any]) -> list[Quotient]:
    """The expressions in one ring, from the first to the last."""
    plan = Plan()
    while True:
        read = Reader(Exponentials(Ring(plan, math.inf)))
        try:
            return [read(expr) for expr in exprs]
        except Restart:
            continue


@given(st.lists(combinations(), min_size=2, max_size=4))
@example([x, y, x / 2 - y / 3])
@example([x / y, w / z + x / y, x / y / 2])
def test_the_exponential_of_a_sum_is_the_product(exponents: list[Any]) -> None:
    exps = [sp.exp(exponent, evaluate=False) for exponent in exponents]
    whole = sp.exp(sp.Add(*exponents), evaluate=False)
    for met in ([*exps, whole], [whole, *exps]):
        read = read_all(met)
        found = dict(zip(met, read, strict=True))
        product = math.prod((found[each] for each in exps), start=read[0].ring.one)
        assert product.key == found[whole].key


@given(st.lists(combinations(), min_size=1, max_size=3))
@example([x, y, x / 2 - y / 3])
@example([x / y, w / z + x / y, x / y / 2])
def test_what_is_written_has_the_value_of_what_was_read(exponents: list[Any]) -> None:
    for exponent, quotient in zip(exponents, read_all([sp.exp(each) for each in exponents]), strict=True):
        assert order(sp.exp(exponent), quotient.ring.expression(quotient), Point(0)) == 0


@given(st.lists(combinations(), min_size=1, max_size=3))
@example([x, y, x / 2 - y / 3])
@example([x / y, w / z + x / y, x / y / 2])
def test_the_logarithm_of_an_exponential_is_its_exponent(exponents: list[Any]) -> None:
    logs = [sp.log(sp.exp(each, evaluate=False), evaluate=False) for each in exponents]
    read = read_all([*(log.args[0] for log in logs), *logs, *exponents])
    for log, exponent in zip(read[len(logs) : 2 * len(logs)], read[2 * len(logs) :], strict=True):
        assert log.key == exponent.key


@pytest.mark.parametrize(
    ("exponents", "roots"),
    [
        ((x, -2 * x, 3 * x), [1]),
        ((x, x / 2, x / 3), [6]),
        ((x / 2, x), [1]),
        ((x, y, x / 2 + y / 3, x + 2 * y), [2, 3]),
        ((x + y, x - y, x), [2, 2]),
        ((x, y, x * y), [1, 1, 1]),
        ((x / y, x / y / 2, x * y / y**2), [2]),
    ],
)
def test_there_is_one_generator_for_each_independent_exponent(
    exponents: tuple[Any, ...], roots: list[int]
) -> None:
    """With the roots that the others ask for, and no finer ones."""
    plan = Plan()
    for _ in range(4):
        exponentials = Exponentials(Ring(plan, math.inf))
        try:
            for exponent in exponents:
                exponentials.exp(Reader(exponentials)(exponent))
            break
        except Restart:
            continue
    assert plan.roots == roots
    assert len(exponentials.basis) == len(roots)
