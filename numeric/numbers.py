"""Kinds of numbers for `symbolic.evaluate`: floats, and balls, which are certain to hold the true value."""

from __future__ import annotations

import math
import operator as op
from collections.abc import Callable
from functools import cache
from typing import Any, Final, NoReturn

import sympy as sp
from flint import arb, fmpq

from symbolic.errors import Unsupported
from symbolic.expressions import Expr
from symbolic.notation import Slot

Relation = Callable[[Any, Any], bool]


class AtKink(ArithmeticError):
    """Two balls overlap where a comparison decides between two formulas."""


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


def _power(base: float, exponent: float) -> float:
    try:
        return math.pow(base, exponent)
    except OverflowError:
        return -math.inf if base < 0 and exponent % 2 == 1 else math.inf
    except ValueError:
        return math.inf if base == 0 else math.nan


def _refuse(slot: Slot) -> NoReturn:
    raise Unsupported(f"{slot.name} is undefined and has no numbers; give a formula")


@cache
def _float(value: Expr) -> float:
    return float(value)


_POLES: Final = frozenset({("log", 0.0), ("log1p", -1.0)})
_RELATIONS: Final[dict[str, Relation]] = {"<": op.lt, "<=": op.le, "==": op.eq, "!=": op.ne}
_OPPOSITES: Final[dict[str, Relation]] = {"<": op.ge, "<=": op.gt, "==": op.ne, "!=": op.eq}
