"""Signs of polynomials in generators, from where some of their parts lie on the real line.

A polynomial is c·Π (ℓᵢ − rᵢ)^kᵢ, irreducible factor by factor, where ℓᵢ is monic and has no constant term:
its sign is known once it is known on which side of rᵢ each ℓᵢ lies. All thresholds of one ℓ cut the real
line into points and open intervals, its cells; in each of them every condition on ℓ holds or fails as a
whole.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from math import prod
from typing import Any, Final

import sympy as sp
from flint import fmpq

from proofs.kernel.polynomials import Expr, Quotient, rational

Cell = tuple[Expr, Expr]  # an open interval of the real line, or a point where both ends agree
Cells = Mapping[Hashable, Cell]  # by the key of ℓ
LINE: Final[Cell] = (-sp.oo, sp.oo)
POSITIVE: Final[Cell] = (sp.S.Zero, sp.oo)
COMPARE: Final[dict[str, Callable[[Expr, Expr], Any]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}


@dataclass(frozen=True, slots=True)
class Factor:
    """(ℓ − `threshold`) to a power, for ℓ = `line`."""

    line: Quotient
    threshold: sp.Rational
    power: int

    def sign(self, cells: Cells) -> int | None:
        """−1, 0 or 1; None where ℓ may lie on both sides of the threshold."""
        low, high = cell_of(self.line, cells)
        if low < self.threshold < high:
            return None
        return int(sp.sign(inside((low, high)) - self.threshold) ** self.power)


@dataclass(frozen=True, slots=True)
class Sign:
    """The sign of a quotient: that of a constant times those of its factors."""

    constant: int
    factors: tuple[Factor, ...]

    def within(self, cells: Cells) -> int | None:
        """−1, 0 or 1; None where the cells leave it open."""
        signs = [factor.sign(cells) for factor in self.factors]
        known = [sign for sign in signs if sign is not None]
        return self.constant * prod(known) if len(known) == len(signs) else None


def sign_of(quotient: Quotient) -> Sign:
    """The sign of a quotient whose denominator is not 0; factors seen to be positive are left out."""
    ring = quotient.ring
    if quotient.is_zero:
        return Sign(0, ())
    constant = 1 if quotient.leads_positive else -1
    factors = []
    for poly, power in (*ring.factored(quotient.num), *ring.factored(quotient.den)):
        if not ring.positive(poly):
            zeroth = dict(poly.terms()).get((0,) * len(poly.degrees()), fmpq(0))
            line, threshold = ring.whole(poly - zeroth), rational(-zeroth)
            if threshold == 1 and line.exponent is not None:  # exp(u) − 1 has the sign of u
                inner = sign_of(line.exponent)
                constant *= inner.constant**power
                factors += [replace(factor, power=factor.power * power) for factor in inner.factors]
            else:
                factors.append(Factor(line, threshold, power))
    return Sign(constant, tuple(factors))


def cell_of(line: Quotient, cells: Cells) -> Cell:
    """Where ℓ is known to lie."""
    return cells.get(line.key) or (POSITIVE if line.positive else LINE)


def split(cell: Cell, thresholds: Iterable[sp.Rational]) -> Iterator[Cell]:
    """The points and open intervals into which thresholds cut an interval, from left to right."""
    low, high = cell
    cuts = sorted({cut for cut in thresholds if low < cut < high})
    for below, above in pairwise((low, *cuts, high)):
        yield below, above
        if above != high:
            yield above, above


def inside(cell: Cell) -> sp.Rational:
    """A rational number in the cell."""
    low, high = cell
    if low == -sp.oo:
        return sp.S.Zero if high == sp.oo else high - 1
    return low + 1 if high == sp.oo else (low + high) / 2


def cell_text(line: Quotient, cell: Cell) -> str:
    """ℓ > 0, ℓ = 1, 0 < ℓ < 1 in words."""
    low, high = cell
    text = line.ring.text(line)
    if low == high:
        return f"{text} = {low}"
    if low == -sp.oo:
        return f"{text} < {high}"
    return f"{text} > {low}" if high == sp.oo else f"{low} < {text} < {high}"
