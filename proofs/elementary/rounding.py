"""Numbers with a bound of their rounding error, for every way a compiler may fuse a·b + c.

A Rounded encloses the exact value x of a formula by a ball, and the computed c by |c − x| ≤ carried + last,
where `last` bounds the rounding of the last operation. An operation gives fl(a ∘ b) = (a ∘ b) + d; a fused
one omits the d of its product, so a bound for every |d| up to its largest holds either way. With p digits,
rounding to the nearest and no underflow:

- The rounding of w, 2ᵉ ≤ |w| < 2ᵉ⁺¹, is at most 2ᵉ⁻ᵖ, |w| − 2ᵉ and 2ᵉ⁺¹ − |w|, as these powers are numbers.
- A number of at least 2ᵉ is a multiple of 2ᵉ⁻ᵖ⁺¹; sums and products of multiples are multiples; and a
  multiple of 2ᵍ that is at most 2ᵍ⁺ᵖ is a number, so it is not rounded.
- The rounding of a + b is at most |b| if a is a number, which the product of a fused operation is not.
- A product with a power of two is exact, and so are sums with 0.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import Any, Final

from flint import arb, fmpq, fmpq_poly

from proofs.elementary.text import Function, Run
from symbolic.codegen.c.elementary import BINARY
from symbolic.codegen.request import Dtype

Ball = Any  # an arb
ZERO: Final = arb(0)


class Unclear(Exception):
    """A comparison or a quotient that the balls leave open."""


@cache
def power(exponent: int) -> Ball:
    """2ᵏ."""
    return arb(2) ** exponent


def binade(size: Ball) -> int:
    """e for an exact positive 2ᵉ ≤ size < 2ᵉ⁺¹."""
    mantissa, exponent = size.man_exp()
    return int(exponent) + int(mantissa).bit_length() - 1


def between(low: Ball, high: Ball) -> Ball:
    """The ball of an interval with exact ends."""
    return arb((low + high) / 2, (high - low) / 2)


@dataclass(frozen=True, slots=True)
class Rounded:
    """See above. The computed value is a multiple of 2 to the `grid`, if that is known; a `fusible` one is a
    product that the next operation may take without its rounding.
    """

    digits: int
    exact: Ball
    carried: Ball = ZERO
    last: Ball = ZERO
    grid: int | None = None
    fusible: bool = False

    @classmethod
    def given(cls, digits: int, value: Ball) -> Rounded:
        """A number of the type somewhere in a ball."""
        exact = arb(value)
        if exact.is_exact() and exact != 0:
            return cls(digits, exact, grid=int(exact.man_exp()[1]))
        return cls(digits, exact, grid=_grid(digits, exact, ZERO))

    @property
    def error(self) -> Ball:
        return (self.carried + self.last).upper()

    @property
    def size(self) -> Ball:
        """The largest |c|."""
        return (self.exact.abs_upper() + self.error).upper()

    @property
    def least(self) -> Ball:
        """The smallest |c|, or 0."""
        return (self.exact.abs_lower() - self.error).lower().max(arb(0))

    def meant(self, exact: Ball, distance: Ball = ZERO) -> Rounded:
        """The same computed value as an approximation of something at most `distance` from x."""
        return replace(self, exact=exact, carried=(self.carried + arb(distance).abs_upper()).upper())

    def ulps(self, least: Ball = ZERO) -> Ball:
        """The largest error in units in the last place of the exact value, which is not below `least`."""
        high, low = self.exact.abs_upper(), self.exact.abs_lower().max(least)
        if not low > 0:
            raise Unclear(f"no relative error at {self.exact}")
        bounds = []
        for e in range(binade(low), binade(high) + 1):
            start, end = power(e).max(low), power(e + 1).min(high)
            last = nearest(self.digits, start, end, self.carried).min(self.last)
            bounds.append(((self.carried + last) * power(self.digits - 1 - e)).upper())
        return max(bounds)

    def __neg__(self) -> Rounded:
        return Rounded(self.digits, -self.exact, self.carried, self.last, self.grid, self.fusible)

    def __add__(self, other: Rounded) -> Rounded:
        if other._is_exact(0):
            return self
        if self._is_exact(0):
            return other
        grid = None if self.grid is None or other.grid is None else min(self.grid, other.grid)
        limits = [b.size for a, b in ((self, other), (other, self)) if not a.fusible]
        return self._rounded(self.exact + other.exact, self.error + other.error, grid, limits=limits)

    def __sub__(self, other: Rounded) -> Rounded:
        return self + -other

    def __mul__(self, other: Rounded) -> Rounded:
        for a, b in ((self, other), (other, self)):
            if a._is_exact(0):
                return a
            if a._is_power():
                factor, moved = a.exact, binade(a.exact.abs_upper())
                grid = None if b.grid is None else b.grid + moved
                size = abs(factor)
                return replace(
                    b, exact=b.exact * factor, carried=b.carried * size, last=b.last * size, grid=grid
                )
        carried = (
            self.exact.abs_upper() * other.error
            + other.exact.abs_upper() * self.error
            + self.error * other.error
        )
        grid = None if self.grid is None or other.grid is None else self.grid + other.grid
        return self._rounded(self.exact * other.exact, carried, grid, fusible=True)

    def __truediv__(self, other: Rounded) -> Rounded:
        if not other.least > 0:
            raise Unclear(f"a quotient by {other.exact}")
        quotient = self.exact / other.exact
        return self._rounded(quotient, (self.error + quotient.abs_upper() * other.error) / other.least, None)

    def __lt__(self, other: Rounded) -> bool:
        left, right = (each.exact + arb(0, each.error) for each in (self, other))
        if left < right:
            return True
        if left >= right:
            return False
        raise Unclear(f"{left} < {right}")

    def __gt__(self, other: Rounded) -> bool:
        return other < self

    def _rounded(
        self,
        exact: Ball,
        carried: Ball,
        grid: int | None,
        *,
        limits: Sequence[Ball] = (),
        fusible: bool = False,
    ) -> Rounded:
        carried, size = carried.upper(), exact.abs_upper()
        if grid is not None and size + carried <= power(grid + self.digits):
            return Rounded(self.digits, exact, carried, arb(0), grid)
        last = min((nearest(self.digits, exact.abs_lower(), size, carried), *limits))
        if not fusible:
            grid = _grid(self.digits, exact, carried + last)
        return Rounded(self.digits, exact, carried, last, grid, fusible)

    def _is_exact(self, number: int) -> bool:
        return bool(self.error == 0 and self.exact == number)

    def _is_power(self) -> bool:
        return bool(self.error == 0 and self.exact.is_exact()) and abs(int(self.exact.man_exp()[0])) == 1


def _grid(digits: int, exact: Ball, error: Ball) -> int | None:
    """g where every number of the type that close is a multiple of 2ᵍ."""
    least = (exact.abs_lower() - error).lower()
    return binade(least) - digits + 1 if least > 0 else None


def nearest(digits: int, least: Ball, size: Ball, carried: Ball) -> Ball:
    """The largest rounding of a value at most `carried` from one between `least` and `size`."""
    reach, low = (size + carried).upper(), (least - carried).lower()
    if not reach > 0:
        return arb(0)
    e = binade(reach)
    if low >= power(e):
        return power(e - digits).min((reach - power(e)).upper()).min((power(e + 1) - low).upper())
    below = power(e - 1 - digits)
    if low >= power(e - 1):
        below = below.min((power(e) - low).upper())
    return below.max((reach - power(e)).upper().min(power(e - digits)))


def constant(digits: int, text: str) -> fmpq:
    """The number of the type that a compiler makes of a decimal text."""
    value = float(text)
    rounded = value if digits == 53 else struct.unpack("f", struct.pack("f", value))[0]
    return fmpq(*rounded.as_integer_ratio())


@cache
def _literal(digits: int, text: str) -> Rounded:
    if text in ("INFINITY", "NAN"):
        return Rounded(digits, arb.pos_inf() if text == "INFINITY" else arb.nan())
    return Rounded.given(digits, arb(constant(digits, text)))


@dataclass(frozen=True, slots=True)
class Bounded:
    """The numbers that a text is run over: constants are rounded to p digits, a piece takes one branch."""

    digits: int

    def literal(self, text: str) -> Any:
        """A constant of the text."""
        return _literal(self.digits, text)

    def chosen(self, condition: Any, then: Rounded, otherwise: Rounded) -> Rounded:
        """The branch that all of a piece takes."""
        return then if condition else otherwise

    def copied(self, bits: Rounded) -> Rounded:
        """Bits are none of what is bounded."""
        raise Unclear(f"the bits of {bits}")


@dataclass(frozen=True, slots=True)
class Formal(Bounded):
    """The same text over polynomials, without rounding but for its constants."""

    def literal(self, text: str) -> Any:
        """A constant polynomial."""
        return fmpq_poly([constant(self.digits, text)])


def distance(polynomial: fmpq_poly, series: Callable[[int], fmpq], piece: Ball) -> Ball:
    """A bound of |polynomial − series| on a piece within (−1, 1).

    The coefficients of the series are positive and do not grow.
    """
    size, degree = piece.abs_upper(), polynomial.degree()
    near = sum((abs(arb(polynomial[k] - series(k))) * size**k for k in range(degree + 1)), arb(0))
    return (near + arb(series(degree + 1)) * size ** (degree + 1) / (1 - size)).upper()


@dataclass(frozen=True)
class Analysis:
    """The text of one type, run over its numbers with bounds or over polynomials."""

    dtype: Dtype
    functions: Mapping[str, Function]

    @property
    def digits(self) -> int:
        return BINARY[self.dtype].fraction + 1

    @cached_property
    def run(self) -> Run:
        return Run(self.functions, Bounded(self.digits))

    @cached_property
    def formally(self) -> Run:
        return Run(self.functions, Formal(self.digits))

    def number(self, value: Ball) -> Rounded:
        """A number of the type somewhere in a ball."""
        return Rounded.given(self.digits, value)
