"""Kinds of numbers for `symbolic.evaluate`: floats, balls, and values with a magnitude.

The **magnitude** S of a value bounds, to first order, the same expression computed with absolute values
throughout. For what is given, S(x) = |x|, and

    S(x + y)  = S(x) + S(y),
    S(x y)    = |x| S(y) + S(x) |y| - |x y|,
    S(f(x))   = |f(x)| + |f'(x)| S(x).

An evaluation whose operations are each right to u errs by at most n·u·S and terms in u², with n the longest
chain of operations (running error analysis: Higham 2002, Accuracy and Stability of Numerical Algorithms,
§3.3). S is large against the value where terms cancel. With S(x) S(y) for a product, S would grow with every
factor that is a sum: ten thousandfold on a gradient through two layers of sigmoids, where it errs by 0.1 u S.

At a kink, two slopes are right. Where single precision may decide a comparison either way, and the two
sides differ, S is infinite, and so is that of every entry into which the value goes.
"""

from __future__ import annotations

import math
import operator as op
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Generic, NoReturn, Protocol, TypeVar

import sympy as sp
from flint import arb, fmpq

from symbolic.activations import Z
from symbolic.closures import compiled
from symbolic.errors import Unsupported
from symbolic.expressions import Expr
from symbolic.frame import Compiled, Frame, Numbers
from symbolic.grammar.functions import FUNCTIONS
from symbolic.notation import Slot

N = TypeVar("N", bound=Any)
Relation = Callable[[Any, Any], bool]
NEAR: Final = 1e3 * 2.0**-24  # the rounding that the comparison allows in single precision


class AtKink(ArithmeticError):
    """Two balls overlap where a comparison decides between two formulas."""


class Reals(Numbers[N], Protocol[N]):
    """Numbers to which a float can be turned exactly."""

    def lift(self, x: float) -> N: ...


class Floats:
    """Python floats, by `math`; out of range is ±inf and undefined is nan, nothing raises.

    >>> Floats().call("exp", 1e3), Floats().call("log", 0.0), Floats().power(-8.0, sp.Rational(1, 3))
    (inf, -inf, nan)
    """

    def lift(self, x: float) -> float:
        return x

    def constant(self, value: Expr) -> float:
        return _float(value)

    def power(self, base: float, exponent: sp.Rational) -> float:
        return _power(base, _float(exponent))

    def call(self, name: str, argument: float) -> float:
        try:
            value: float = getattr(math, name)(argument)
        except OverflowError:
            return math.copysign(math.inf, argument) if name == "sinh" else math.inf
        except ValueError:
            return -math.inf if (name, argument) in _POLES else math.nan
        return value

    def undefined(self, slot: Slot, orders: tuple[int, ...], arguments: tuple[float, ...]) -> NoReturn:
        _refuse(slot)

    def branch(
        self,
        relation: str,
        left: float,
        right: float,
        then: Callable[[], float],
        otherwise: Callable[[], float],
    ) -> float:
        return then() if _RELATIONS[relation](left, right) else otherwise()


class Balls:
    """Intervals of python-flint's `arb`, certain to hold the value; the precision is that of `flint.ctx`."""

    def lift(self, x: float) -> arb:
        return arb(x)

    def constant(self, value: Expr) -> arb:
        if value.is_Rational:
            return arb(fmpq(int(value.p), int(value.q)))
        return {sp.pi: arb.pi, sp.E: arb.const_e}[value]()

    def power(self, base: arb, exponent: sp.Rational) -> arb:
        if exponent.is_Integer:
            return base ** int(exponent)
        return base.sqrt() if exponent == sp.S.Half else base ** self.constant(exponent)

    def call(self, name: str, argument: arb) -> arb:
        value: arb = getattr(argument, name)()
        return value

    def undefined(self, slot: Slot, orders: tuple[int, ...], arguments: tuple[arb, ...]) -> NoReturn:
        _refuse(slot)

    def branch(
        self, relation: str, left: arb, right: arb, then: Callable[[], arb], otherwise: Callable[[], arb]
    ) -> arb:
        """Raises AtKink where the balls do not decide the relation."""
        if _RELATIONS[relation](left, right):
            return then()
        if not _OPPOSITES[relation](left, right):
            raise AtKink(f"{left} {relation} {right} is not decided")
        return otherwise()


@dataclass(slots=True)
class Sized(Generic[N]):
    """A value, and its magnitude S as a float."""

    value: N
    size: float

    def __add__(self, other: Sized[N]) -> Sized[N]:
        return Sized(self.value + other.value, self.size + other.size)

    def __mul__(self, other: Sized[N]) -> Sized[N]:
        x, y = abs(float(self.value)), abs(float(other.value))
        return Sized(self.value * other.value, x * other.size + self.size * y - x * y)


class Magnitudes(Generic[N]):
    """Values of another kind, each with its magnitude.

    >>> Magnitudes(Floats()).lift(2.0) + Magnitudes(Floats()).lift(-2.0)
    Sized(value=0.0, size=4.0)
    """

    def __init__(self, base: Reals[N]) -> None:
        self._base = base

    def lift(self, x: float) -> Sized[N]:
        return Sized(self._base.lift(x), abs(x))

    def constant(self, value: Expr) -> Sized[N]:
        return Sized(self._base.constant(value), abs(_float(value)))

    def power(self, base: Sized[N], exponent: sp.Rational) -> Sized[N]:
        value = self._base.power(base.value, exponent)
        order = _float(exponent)
        slope = order * _power(float(base.value), order - 1)
        return Sized(value, abs(float(value)) + abs(slope) * base.size)

    def call(self, name: str, argument: Sized[N]) -> Sized[N]:
        value = self._base.call(name, argument.value)
        slope = _slope(name)(Frame(_FLOATS, scalars={Z: float(argument.value)}))
        return Sized(value, abs(float(value)) + abs(slope) * argument.size)

    def undefined(self, slot: Slot, orders: tuple[int, ...], arguments: tuple[Sized[N], ...]) -> NoReturn:
        _refuse(slot)

    def branch(
        self,
        relation: str,
        left: Sized[N],
        right: Sized[N],
        then: Callable[[], Sized[N]],
        otherwise: Callable[[], Sized[N]],
    ) -> Sized[N]:
        holds = _RELATIONS[relation](float(left.value), float(right.value))
        if _excess(left, right) > 0:
            return then() if holds else otherwise()
        sides = then(), otherwise()
        chosen = sides[0 if holds else 1]
        return Sized(chosen.value, max(s.size for s in sides) if _excess(*sides) <= 0 else math.inf)


def _power(base: float, exponent: float) -> float:
    try:
        return math.pow(base, exponent)
    except OverflowError:
        return -math.inf if base < 0 and exponent % 2 == 1 else math.inf
    except ValueError:
        return math.inf if base == 0 else math.nan


def _excess(left: Sized[Any], right: Sized[Any]) -> float:
    """By how much two values are farther apart than single precision may bring or blur; nan if one is nan."""
    return abs(float(left.value - right.value)) - NEAR * (left.size + right.size)


def _refuse(slot: Slot) -> NoReturn:
    raise Unsupported(f"{slot.name} is undefined and has no numbers; give a formula")


@cache
def _float(value: Expr) -> float:
    return float(value)


@cache
def _slope(name: str) -> Compiled:
    return compiled(FUNCTIONS[name].build(Z).diff(Z))


_FLOATS: Final = Floats()
_POLES: Final = frozenset({("log", 0.0), ("log1p", -1.0)})
_RELATIONS: Final[dict[str, Relation]] = {"<": op.lt, "<=": op.le, "==": op.eq, "!=": op.ne}
_OPPOSITES: Final[dict[str, Relation]] = {"<": op.ge, "<=": op.gt, "==": op.ne, "!=": op.eq}
