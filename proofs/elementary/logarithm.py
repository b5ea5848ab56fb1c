"""Error bounds of log x = k ln 2 + log f and of log1p x = log u + (1 + x − u)/u, u the rounded 1 + x.

What the bits give, x = 2ᵏ f with f from a constant of the text to its double, is exact. The text is run piece
by piece of f, in each binade of f − 1 where k = 0, and for intervals of k. With s = l/(2 + l), l = f − 1:

    log f = 2 artanh s = 2s + s³ p(s²) = l − (l²/2 − s (l²/2 + s² p(s²))),  as l − 2s = s l.

ρ = 1 + x − u is a number (Dekker 1971, "A floating-point technique for extending the available precision"),
so x − (u − 1) is exact, but that u − 1 is off by at most 1 from 2ᵖ on; log1p x = log u + log1p(ρ/u).
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise, starmap
from typing import Final

from flint import arb, fmpq, fmpq_poly

from proofs.elementary.rounding import ZERO, Analysis, Ball, Rounded, between, distance, power
from symbolic.codegen.c.elementary import BINARY

PIECES: Final = 18  # of the range of f on either side of 1
PER_BINADE: Final = 4


@dataclass(frozen=True, slots=True)
class Piece:
    """x = 2ᵏ f with f − 1 and k in balls, and the computed logarithm."""

    less: Ball
    k: Ball
    value: Rounded


@dataclass(frozen=True)
class Logarithm(Analysis):
    """The pieces of one type."""

    @cached_property
    def least(self) -> Ball:
        """The smallest f: the word that is added to the digits of a number."""
        fraction, bias = BINARY[self.dtype].fraction, BINARY[self.dtype].bias
        *_, added = (value for name, value in self.functions["fast_log"].steps if name == "bits")
        word = int(ast.literal_eval(added.right), 16) if isinstance(added, ast.BinOp) else 0
        return (1 + arb(word % 2**fraction) / 2**fraction) * power(word // 2**fraction - bias)

    @cached_property
    def off(self) -> Ball:
        """By how much the two parts of ln 2 miss it."""
        nothing = {name: self.number(0) for name in ("half_square", "s", "square", "p", "less")}
        one = {"k": self.number(1), "x": self.number(1)}
        both = self.run("fast_log", nothing | one, only={"value"})["value"].exact
        return abs(both - arb.const_log2()).upper()

    def balls(self) -> Iterator[Ball]:
        """Pieces of f − 1 in its whole range, none of them with 0 inside."""
        for low, high in ((self.least - 1, arb(0)), (arb(0), 2 * self.least - 1)):
            ends = [low + (high - low) * i / PIECES for i in range(PIECES + 1)]
            yield from starmap(between, pairwise(ends))

    def binades(self) -> Iterator[Ball]:
        """Pieces of f − 1 between the numbers next to 0 and the ends of the range."""
        ends = (-1, -self.digits, 1 - self.least), (1, 1 - self.digits, 2 * self.least - 1)
        for sign, least, reach in ends:
            yield from (sign * units * power(least) for units in (1, 2, 3))  # there is nothing between
            for e in range(least + 2, 0):
                for i in range(PER_BINADE):
                    low, high = (power(e) * (PER_BINADE + part) / PER_BINADE for part in (i, i + 1))
                    if low < reach:
                        yield sign * between(low, high.min(reach))

    def counts(self) -> Iterator[Ball]:
        """Intervals of k but 0, each number alone while that matters."""
        most = BINARY[self.dtype].bias + self.digits
        wide = [(2**j, 2 ** (j + 1)) for j in range(2, most.bit_length())]
        for low, high in [(1, 1), (2, 2), (3, 3), *wide]:
            yield between(arb(low), arb(high))
            yield -between(arb(low), arb(high))

    def piece(self, ball: Ball, counts: list[Ball]) -> Iterator[Piece]:
        """What the text makes of f − 1 in a ball, for each k."""
        names = {"less", "s", "square", "p", "half_square"}
        values = self.run("fast_log", {"f": self.number(1 + ball)}, only=names - {"p"})
        p = self.run("fast_log", values, only={"p"})["p"]
        text = self.formally("fast_log", {"square": fmpq_poly([0, 1])}, only={"p"})["p"]
        off = distance(text, lambda n: fmpq(2, 2 * n + 3), values["square"].exact)
        values["p"] = p.meant(p.exact, off)
        for k in counts:
            values["k"] = replace(self.number(k), grid=0)
            values["x"] = self.number(1 + ball)
            value = self.run("fast_log", values, only={"value"})["value"]
            exact = k * arb.const_log2() + ball.log1p()
            yield Piece(ball, k, value.meant(exact, k.abs_upper() * self.off))

    @cached_property
    def pieces(self) -> tuple[Piece, ...]:
        near = [piece for ball in self.binades() for piece in self.piece(ball, [arb(0)])]
        counts = list(self.counts())
        return (*near, *(piece for ball in self.balls() for piece in self.piece(ball, counts)))

    def log(self) -> Ball:
        """For every positive x; a subnormal one is scaled up exactly."""
        return max(piece.value.ulps() for piece in self.pieces)

    def log1p(self) -> Ball:
        """For every x > −1; where u = 1 the result is x, at most half a unit from x − x²/2."""
        return max(arb(fmpq(1, 2)), *(self.plus(piece) for piece in self.pieces))

    def plus(self, piece: Piece) -> Ball:
        """The last line of log1p, with ρ/u in an interval."""
        # half a unit of f; where u is next to 1, x is more than that, as the middle between them rounds to 1
        unit = power(-self.digits - bool(piece.less < 0))
        most = (unit / (1 + piece.less).lower()).upper()
        lost = ZERO if piece.k <= self.digits - 2 else power(1 - self.digits)
        rest = Rounded(self.digits, arb(0, most), lost, (power(-self.digits) * most).upper())
        values = {"u": self.number(1 + piece.less), "value": piece.value, "rest": rest}
        found = self.run("fast_log1p", values, only={"return"})["return"]
        found = found.meant(piece.value.exact + arb(0, most), most**2)
        return found.ulps(unit if piece.k == 0 else ZERO)
