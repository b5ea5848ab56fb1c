"""Counterexamples that can be checked by hand: the smallest sizes, small whole numbers, u or u² for an
undefined function.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from flint import arb, ctx, fmpq

from proofs.claims.formula import Claim
from proofs.claims.given import Given
from proofs.claims.judging import world_of
from proofs.claims.sides import entries
from proofs.claims.values import Misfit, Missing
from proofs.claims.world import World
from proofs.kernel.balls import Evaluator, Number, Point, Unclear, order
from symbolic.expressions import Expr

SEEDS: Final = 24  # points at an entry; that with the shortest values is shown
BITS: Final = 64
SMALL: Final = (1, 2, -1, 0)


@dataclass(frozen=True, slots=True)
class Small:
    """Sizes, layers and indices, values of symbols and functions, and what the two sides are there."""

    sizes: Mapping[str, int]
    places: Mapping[str, int]
    entry: tuple[int, int]
    point: str
    left: str
    right: str


class _SmallPoint(Point):
    """Symbols are small whole numbers; an undefined function of one number is its square, in every other
    point the number itself.
    """

    def value(self, symbol: Expr) -> Number:
        if symbol not in self.values:
            drawn = random.Random(f"{self.seed} {symbol}").choice(SMALL)
            self.values[symbol] = fmpq(abs(drawn) if symbol.is_positive else drawn)
        return self.values[symbol]

    def coefficients(self, name: str, arity: int) -> dict[tuple[int, ...], fmpq]:
        if arity == 1:
            self.functions[name] = {(1 + self.seed % 2,): fmpq(1)}
        return super().coefficients(name, arity)


def small_counterexample(
    claim: Claim, given: Given, *, seconds: float, sizes: Mapping[str, int] | None = None
) -> Small | None:
    """A small counterexample of a false claim, None where none was found in time; no size is larger than in
    `sizes`, those of the world in which claims are judged. A size that formulas name is its number here.

    >>> from proofs.claims.parsing import parse_claims
    >>> from proofs.claims.given import given
    >>> context = given(sizes={"n": False}, arrays={"x": "n", "E": ""}, definitions=["E = Sum(x[i]**2, i)/2"])
    >>> found = small_counterexample(parse_claims("D(E, x[i]) = 2*x[i]")[0], context, seconds=1)
    >>> found.sizes, found.point, found.left, found.right
    ({'n': 1}, 'x[1] = 1', '1', '2')
    """
    deadline = time.monotonic() + seconds
    usual = sizes or world_of(given).sizes
    numbers = replace(given, constants=tuple(name for name in given.constants if name not in given.sizes))
    for smaller in _smaller(usual):
        world = World(numbers, {**smaller, **given.fixed})
        try:
            for places, entry, left, right in entries(claim, world):
                found = []
                for seed in range(SEEDS):
                    if time.monotonic() > deadline:
                        return None
                    point = _SmallPoint(seed)
                    sides = _apart(left, right, point)
                    if sides is not None:
                        found.append(Small(world.sizes, places, entry, str(point), *sides))
                if found:
                    return min(found, key=lambda each: len(each.left + each.right))  # the first of those
        except (Misfit, Missing):
            continue
    return None


def _smaller(usual: Mapping[str, int]) -> Iterator[dict[str, int]]:
    """All sizes 1, one of them 2, all 2, and what is usual."""
    ones = dict.fromkeys(usual, 1)
    yield ones
    yield from ({**ones, label: 2} for label, size in usual.items() if size > 1)
    yield {label: min(size, 2) for label, size in usual.items()}
    yield dict(usual)


def _apart(left: Expr, right: Expr, point: Point) -> tuple[str, str] | None:
    """Both sides at a point, None where they are not apart."""
    try:
        if order(left, right, point) == 0:
            return None
        with ctx.workprec(BITS):
            evaluate = Evaluator(point)
            return _shown(evaluate(left)), _shown(evaluate(right))
    except (Unclear, ZeroDivisionError):
        return None


def _shown(value: Number) -> str:
    return value.str(6, radius=False) if isinstance(value, arb) else str(value)
