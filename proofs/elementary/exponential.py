"""Error bounds of what is made of exp x = 2ⁿ e^r: exp, expm1, tanh, and the rows of tanh and sigmoid.

The text is run piece by piece of the computed r, and for each n from −p − 7 to p + 7. Beyond, 1 + e and
2ⁿ − 1 round to a power of two or to −1, and the errors of what is left scale with 2ⁿ.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise, starmap
from math import factorial
from typing import Final

from flint import arb, fmpq, fmpq_poly

from proofs.elementary.rounding import Analysis, Ball, Rounded, Unclear, between, distance, nearest, power
from symbolic.codegen.c.elementary import BINARY

REDUCTION: Final = ("shifted", "n", "r", "p", "q")  # of x to r, and what is made of r
PIECES: Final = 16  # of [0, ½ ln 2]; a bound is loose by about the width of one
PER_BINADE: Final = 4
Exact = Callable[[Ball], Ball]


@dataclass(frozen=True, slots=True)
class Piece:
    """Computed r in a ball, for some n: q = e^r − 1 with its error, and x = n ln 2 + r itself."""

    n: int
    q: Rounded
    x: Ball


@dataclass(frozen=True)
class Exponential(Analysis):
    """The pieces of one type."""

    def __post_init__(self) -> None:
        """exponential_below must do what exponential does but for the scale, as one of them is looked at."""
        one, other = (self.functions[name].steps for name in ("exponential", "exponential_below"))
        reductions = (
            [ast.dump(value) for name, value in steps if name in REDUCTION] for steps in (one, other)
        )
        ends = (dict(steps)["less_one"] for steps in (one, other))
        first, second = (ast.dump(end.orelse if isinstance(end, ast.IfExp) else end) for end in ends)
        if operator.ne(*reductions) or first != second:
            raise Unclear("exponential and exponential_below reduce x, or come to exp x - 1, differently")

    @cached_property
    def most(self) -> int:
        """A bound of |n|."""
        return int(BINARY[self.dtype].largest / 0.69) + 1

    @cached_property
    def reach(self) -> Ball:
        """A bound of |x − n ln 2|: n is an integer because its last difference is one of multiples of 1."""
        largest = int(BINARY[self.dtype].largest)
        n = self.run("exponential", {"y": self.number(arb(0, largest))}, only={"shifted", "n"})["n"]
        if n.grid != 0 or n.last != 0:
            raise Unclear("n is not an integer")
        inverse = self.formally("exponential", {"y": fmpq_poly([0, 1])}, only={"shifted", "n"})["n"][1]
        off = n.error + largest * abs(arb(inverse) - 1 / arb.const_log2())
        return (off * arb.const_log2()).upper()

    def reduced(self, n: int) -> Ball:
        """A bound of the error of r, without its last rounding."""
        y = self.number(n * arb.const_log2() + arb(0, self.reach))
        r = self.run("exponential", {"y": y, "n": self.number(n)}, only={"r"})["r"]
        count = fmpq_poly([0, -1])
        parts = self.formally("exponential", {"y": fmpq_poly(), "n": count}, only={"r"})["r"][1]
        return (r.carried + abs(n) * abs(arb(parts) - arb.const_log2())).upper()

    @cached_property
    def all_reduced(self) -> Ball:
        """The largest of these bounds."""
        return max(self.reduced(n) for n in range(-self.most, self.most + 1))

    def q(self, ball: Ball) -> Rounded:
        """e^r − 1 for the computed r in a ball."""
        r = self.number(ball)
        p = self.run("exponential", {"r": r}, only={"p"})["p"]
        text = self.formally("exponential", {"r": fmpq_poly([0, 1])}, only={"p"})["p"]
        off = distance(text, lambda k: fmpq(1, factorial(k + 2)), ball)
        q: Rounded = self.run("exponential", {"r": r, "p": p.meant(p.exact, off)}, only={"q"})["q"]
        return q.meant(ball.expm1())

    @cached_property
    def reduced_pieces(self) -> tuple[tuple[Ball, Rounded], ...]:
        reach = (self.reach + self.all_reduced + power(-self.digits)).upper()
        ends = [reach * i / PIECES for i in range(-PIECES, PIECES + 1)]
        balls = starmap(between, pairwise(ends))
        return tuple((ball, self.q(ball)) for ball in balls)

    def pieces(self, counts: Iterable[int]) -> Iterator[Piece]:
        """All of the reduced range for some n other than 0."""
        for n in counts:
            carried = self.reduced(n) if abs(n) < self.digits + 7 else self.all_reduced
            for ball, q in self.reduced_pieces:
                error = (carried + nearest(self.digits, arb(0), ball.abs_upper(), carried)).upper()
                r = ball + arb(0, error)
                moved = q.meant(r.expm1(), error * r.exp().upper())
                yield Piece(n, moved, n * arb.const_log2() + r)

    def unreduced(self, sign: int) -> Iterator[Piece]:
        """n = 0, where r is x: pieces in every binade down to what no digit of 1 sees."""
        for e in range(-self.digits - 7, -1):
            for i in range(PER_BINADE):
                low, high = (power(e) * (PER_BINADE + part) / PER_BINADE for part in (i, i + 1))
                if low < self.reach:
                    ball = sign * between(low, high.min(self.reach))
                    yield Piece(0, self.q(ball), ball)

    def below(self) -> Iterator[Piece]:
        """x < 0, up to what scales with a power of two."""
        yield from self.unreduced(-1)
        yield from self.pieces(range(-self.digits - 7, 0))

    def exp(self) -> Ball:
        """The text for 2ⁿ = 1; others scale it."""
        one = {"some": self.number(1), "rest": self.number(1), "scale": self.number(1)}
        bounds = []
        for piece in self.pieces([self.digits + 7]):
            exact = (piece.x - piece.n * arb.const_log2()).exp()
            for name in ("exponential", "exponential_below"):
                given = one | {"q": piece.q, "x": self.number(0)}
                bounds.append(self.run(name, given, only={"value"})["value"].meant(exact).ulps())
        return max(bounds)

    def less_one(self, piece: Piece) -> Rounded:
        """expm1 x."""
        values = {"n": self.number(piece.n), "scale": self.number(power(piece.n)), "q": piece.q}
        found: Rounded = self.run("exponential_below", values, only={"less_one"})["less_one"]
        return found.meant(piece.x.expm1())

    def expm1(self) -> Ball:
        """Both signs; from 2ᵇⁱᵃˢ on it is exp x, as the text says."""
        above = [
            self.less_one(piece) for piece in (*self.unreduced(1), *self.pieces(range(1, self.digits + 8)))
        ]
        return max(found.ulps() for found in (*above, *(q for _, _, q in self.parts_below)))

    @cached_property
    def parts_below(self) -> tuple[tuple[Ball, Rounded, Rounded], ...]:
        """x, exp x and expm1 x for x < 0."""
        found = []
        for piece in self.below():
            given = {"scale": self.number(power(piece.n)), "q": piece.q, "x": self.number(piece.x)}
            e = self.run("exponential_below", given, only={"value"})["value"].meant(piece.x.exp())
            found.append((piece.x, e, self.less_one(piece)))
        return tuple(found)

    def tanh(self) -> Ball:
        """The function; it is odd."""
        bounds = []
        for x, _, q in self.parts_below:
            z = self.number(-x / 2)
            found = self.run("fast_tanh", {"x": z, "q": q}, only={"size", "return"})
            bounds.append(found["return"].meant((-x / 2).tanh()).ulps())
        return max(bounds)

    def row(self, name: str, sign: int, halves: int, exact: Mapping[str, Exact]) -> dict[str, Ball]:
        """Value and slope of a row for z = sign · |x| / halves."""
        bounds: dict[str, list[Ball]] = {part: [] for part in exact}
        for x, e, q in self.parts_below:
            z = -sign * x / halves
            found = self.run(
                f"row {name}", {"z": self.number(z), "e": e, "q": q}, only={"r", "value", "slope"}
            )
            for part, function in exact.items():
                bounds[part].append(found[part].meant(function(z)).ulps())
        return {part: max(each) for part, each in bounds.items()}

    @cached_property
    def tanh_row(self) -> dict[str, Ball]:
        return self.row("tanh", 1, 2, {"value": lambda z: z.tanh(), "slope": lambda z: z.sech() ** 2})

    @cached_property
    def sigmoid_row(self) -> dict[str, Ball]:
        exact: dict[str, Exact] = {
            "value": lambda z: 1 / (1 + (-z).exp()),
            "slope": lambda z: (z / 2).sech() ** 2 / 4,
        }
        rows = [self.row("sigmoid", sign, 1, exact) for sign in (1, -1)]
        return {part: max(row[part] for row in rows) for part in exact}
