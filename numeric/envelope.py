"""Values with two bounds on the rounding that any reasonable evaluation may commit, in some precision.

Beside a value v stand

    worst      no reasonable evaluation errs by more: every operation rounds by u, all of them the same way,
    variance   its second moment, if roundings are independent and of size u.

For sums and products (running error analysis: Higham 2002, Accuracy and Stability of Numerical Algorithms,
§3.3), e the worst error of an operand:

    x + y      e_x + e_y + u|x + y| + η
    x y        e_x(|y| + e_y) + |x|e_y + u|x y| + η
    Σ of n     Σ of the products' errors + (n + 2)u Σ|x||y| + (n + 2)η
    f(x)       e_x sup|f'| + 8u|f(x)| + η      (a library's function; 4 ulp are the worst that was measured)
    given x    |x − fl(x)|: the points are doubles, and a subject in single precision takes what is nearest

η is the smallest normal number, for what is flushed to zero. Activations have formulas of their own
(`numeric.menu`). Where nothing is known, at a kink or a pole or out of range, the worst error is infinite.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, Final

import numpy as np

from numeric import algebra
from numeric.algebra import Array, Formula, Mask
from numeric.menu import menu
from symbolic.activations import Activation

LIBRARY: Final = 8  # u: an elementary function


@dataclass(frozen=True, slots=True)
class Precision:
    """A kind of floating-point numbers: its name, unit roundoff, smallest normal and largest number."""

    name: str
    u: float
    tiny: float
    huge: float

    @property
    def bits(self) -> int:
        """Digits of the significand."""
        return round(-math.log2(self.u))

    def nearest(self, x: Array) -> Array:
        """Numbers rounded to this many digits, flushed to zero where they are too small."""
        if self.bits >= sys.float_info.mant_dig:
            return np.where(np.abs(x) < self.tiny, 0.0, x)
        digits, exponents = np.frexp(x)
        rounded = np.ldexp(np.rint(np.ldexp(digits, self.bits)), exponents - self.bits)
        return np.where(np.abs(x) < self.tiny, 0.0, rounded)


def _precision(name: str) -> Precision:
    info = np.finfo(name)
    return Precision(name, float(info.eps) / 2, float(info.tiny), float(info.max))


PRECISIONS: Final = {name: _precision(name) for name in ("float64", "float32", "float16")}
DOUBLE: Final = PRECISIONS["float64"]


@dataclass(frozen=True, slots=True)
class Envelope:
    """Values with their bounds, arrays of one shape."""

    value: Array
    worst: Array
    variance: Array
    precision: Precision

    @property
    def shape(self) -> tuple[int, ...]:
        return self.value.shape

    @property
    def ndim(self) -> int:
        return self.value.ndim

    def __add__(self, other: Envelope) -> Envelope:
        value = self.value + other.value
        return self._rounded(value, self.worst + other.worst, self.variance + other.variance)

    def __mul__(self, other: Envelope) -> Envelope:
        x, y = np.abs(self.value), np.abs(other.value)
        worst = _times(self.worst, y + other.worst) + _times(x, other.worst)
        variance = _times(self.variance, y * y) + _times(x * x, other.variance)
        return self._rounded(self.value * other.value, worst, variance)

    def _rounded(self, value: Array, worst: Array, variance: Array, *, roundings: float = 1) -> Envelope:
        """One operation's result, with its own rounding."""
        p = self.precision
        size = np.abs(value) + worst
        flushed = np.where(np.abs(value) - worst <= p.tiny, p.tiny, 0.0)
        own = roundings * p.u * size + flushed
        worst = np.where(size <= p.huge, worst + own, np.inf)
        return Envelope(value, worst, variance + own * own, p)

    def map(self, change: Callable[[Array], Array]) -> Envelope:
        return Envelope(change(self.value), change(self.worst), change(self.variance), self.precision)


def _times(x: Array, y: Array) -> Array:
    """x y for sizes, where nothing times what is unknown is nothing."""
    product = x * y
    return np.where(np.isnan(product), 0.0, product) if np.isnan(product).any() else product


class Envelopes:
    """The algebra of envelopes in one precision."""

    def __init__(self, precision: Precision) -> None:
        self.precision = precision

    def lift(self, array: Array) -> Envelope:
        """What is given in doubles, as a subject of this precision takes it: rounded once."""
        given = np.asarray(array, float)
        with np.errstate(invalid="ignore"):  # of what is infinite nothing is known
            worst = np.abs(given - self.precision.nearest(given))
        return Envelope(given, worst, worst * worst, self.precision)

    def constant(self, value: float, *, is_exact: bool) -> Envelope:
        worst = np.asarray(0.0 if is_exact else self.precision.u * abs(value))
        return Envelope(np.asarray(value), worst, worst * worst, self.precision)

    def raw(self, array: Envelope) -> Array:
        return array.value

    def spread(self, array: Envelope) -> Array:
        return array.worst

    def map(self, change: Callable[[Array], Array], array: Envelope) -> Envelope:
        return array.map(change)

    def call(self, name: str, array: Envelope) -> Envelope:
        value, slope = algebra.function(name, array.value), _SLOPES[name]
        ends = (np.abs(slope(array.value + side * array.worst)) for side in (-1, 0, 1))
        steepest = reduce(np.maximum, ends)
        variance = _times(array.variance, slope(array.value) ** 2)
        result = array._rounded(value, _times(array.worst, steepest), variance, roundings=LIBRARY)
        return self.doubt(result, ~np.isfinite(result.worst) | np.isnan(value))

    def power(self, base: Envelope, exponent: float) -> Envelope:
        value = algebra.power(base.value, exponent)
        ends = [np.abs(base.value) + side * base.worst for side in (-1, 1)]
        steepest = np.maximum(*(abs(exponent) * algebra.power(end, exponent - 1) for end in ends))
        if exponent < 1:  # no end may lie beyond the pole
            steepest = np.where(ends[0] > 0, steepest, np.where(base.worst > 0, np.inf, steepest))
        variance = base.variance * (exponent * algebra.power(base.value, exponent - 1)) ** 2
        roundings = max(abs(exponent), 2) if exponent == int(exponent) else LIBRARY
        worst = _times(base.worst, steepest)
        return base._rounded(value, worst, np.where(base.variance > 0, variance, 0.0), roundings=roundings)

    def where(self, held: Array, unsure: Mask, then: Envelope, otherwise: Envelope) -> Envelope:
        value, worst, variance = (
            np.where(held, getattr(then, name), getattr(otherwise, name))
            for name in ("value", "worst", "variance")
        )
        if unsure is not False:
            either = np.maximum(then.worst, otherwise.worst) + np.abs(then.value - otherwise.value)
            worst = np.where(unsure, either, worst)
        return Envelope(value, worst, variance, self.precision)

    def einsum(self, subscripts: str, operands: Sequence[Envelope], terms: int) -> Envelope:
        def total(factors: Sequence[Array]) -> Array:
            return algebra.contracted(subscripts, factors)

        values = [operand.value for operand in operands]
        sizes = [np.abs(value) for value in values]
        errors = [_finite(operand.worst) for operand in operands]
        rounded = [n for n, error in enumerate(errors) if error.any()]
        grown = [size + error for size, error in zip(sizes, errors, strict=True)]
        largest = total(grown)
        roundings = terms + len(operands)
        p = self.precision
        own = p.u * largest
        worst = roundings * (own + p.tiny)
        variance = own * own * (terms / 3 + len(operands))
        squares = [value * value for value in values] if rounded else []
        for n in rounded:
            worst += total([*sizes[:n], errors[n], *grown[n + 1 :]])
            variance += total([*squares[:n], operands[n].variance, *squares[n + 1 :]])
        if any(error is not operand.worst for error, operand in zip(errors, operands, strict=True)):
            unknown = [(size > 0) | np.isinf(op.worst) for size, op in zip(sizes, operands, strict=True)]
            for n, operand in enumerate(operands):
                hit = [*unknown[:n], np.isinf(operand.worst), *unknown[n + 1 :]]
                worst = np.where(total([mask.astype(float) for mask in hit]) > 0, np.inf, worst)
        return Envelope(total(values), np.where(largest <= p.huge, worst, np.inf), variance, p)

    def add_at(self, shape: Sequence[int], at: tuple[Array, ...], values: Envelope) -> Envelope:
        def summed(entries: Array) -> Array:
            result = np.zeros(shape)
            np.add.at(result, at, entries)
            return result

        count, p = summed(np.ones(values.shape)), self.precision
        own = count * (p.u * summed(np.abs(values.value) + values.worst) + p.tiny)
        worst = np.where(count > 1, summed(values.worst) + own, summed(values.worst))
        variance = summed(values.variance) + np.where(count > 1, own * own / np.maximum(count, 1), 0.0)
        return Envelope(summed(values.value), worst, variance, p)

    def doubt(self, array: Envelope, unsure: Array) -> Envelope:
        if not np.any(unsure):
            return array
        worst = np.where(unsure, np.inf, array.worst)
        return Envelope(array.value, worst, array.variance, array.precision)

    def activation(self, source: Activation, wanted: str, z: Envelope, stable: Formula) -> Envelope:
        """g(z) or g'(z), off by the worst of the formulas that people use, beside what z is off by."""
        value = np.broadcast_to(stable(wanted, z.value), z.shape)
        table = menu(source, wanted, self.precision)
        own, steepness = table.rounding(z.value), table.steepness(z.value, z.worst)
        worst = own + _times(z.worst, steepness)
        at_kink = reduce(
            np.logical_or,
            (np.abs(z.value - kink) <= z.worst for kink in table.kinks),
            np.zeros(z.shape, bool),
        )
        variance = own * own + _times(z.variance, _finite(steepness) ** 2)
        return self.doubt(Envelope(value, worst, variance, self.precision), at_kink)


def _finite(array: Array) -> Array:
    """The array with 0 for what is unknown; the same array where all is known."""
    unknown = np.isinf(array)
    return np.where(unknown, 0.0, array) if unknown.any() else array


_SLOPES: Final[Mapping[str, Callable[[Array], Any]]] = {
    "exp": np.exp,
    "log": lambda x: np.where(x > 0, 1 / x, np.inf),
    "sin": lambda x: np.ones_like(x),
    "cos": lambda x: np.ones_like(x),
    "tan": lambda x: 1 + np.tan(x) ** 2,
    "sinh": np.cosh,
    "cosh": np.sinh,
    "tanh": lambda x: np.maximum(1 - np.tanh(x) ** 2, 0.0),
    "atan": lambda x: 1 / (1 + x * x),
    "erf": lambda x: 2 / np.sqrt(np.pi) * np.exp(-x * x),
    "erfc": lambda x: 2 / np.sqrt(np.pi) * np.exp(-x * x),
    "log1p": lambda x: np.where(x > -1, 1 / (1 + x), np.inf),
    "expm1": np.exp,
}
