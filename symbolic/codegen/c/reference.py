"""Numbers that carry a bound on the rounding of whoever computes with them: what a self-test expects.

A value in 50 digits stands beside its size s: computed in floating point of unit roundoff u, by these
operations in any order of additions, it is off by at most u·s to first order (running error analysis, Higham
2002, Accuracy and Stability of Numerical Algorithms, §3.3). Every operation adds its own rounding, a library
function LIBRARY times as much.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from decimal import Context, Decimal, localcontext
from functools import cache
from typing import Final, NoReturn

import sympy as sp

from symbolic.errors import Unsupported
from symbolic.expressions import Expr
from symbolic.grammar.functions import FUNCTIONS
from symbolic.notation import Slot

DIGITS: Final = 50
LIBRARY: Final = 4  # units in the last place, of functions of <math.h> in common libraries
CONTEXT: Final = Context(prec=DIGITS, Emin=-(10**9), Emax=10**9, traps=[])
STEP: Final = Decimal(10) ** -16  # of a difference quotient: 17 digits of 50 are enough for a bound
ONE, TWO = Decimal(1), Decimal(2)


def _tanh(x: Decimal) -> Decimal:
    e = CONTEXT.exp(-TWO * abs(x))
    return ((ONE - e) / (ONE + e)).copy_sign(x)


_FUNCTIONS: Final[dict[str, Callable[[Decimal], Decimal]]] = {
    "exp": CONTEXT.exp,
    "log": CONTEXT.ln,
    "tanh": _tanh,
    "expm1": lambda x: CONTEXT.exp(x) - ONE,
    "log1p": lambda x: CONTEXT.ln(ONE + x),
}
_RELATIONS: Final[dict[str, Callable[[Decimal, Decimal], bool]]] = {
    "<": lambda x, y: x < y,
    "<=": lambda x, y: x <= y,
    "==": lambda x, y: x == y,
    "!=": lambda x, y: x != y,
}


@dataclass(frozen=True, slots=True)
class Bounded:
    """A value, and its rounding in units of u."""

    value: Decimal
    size: Decimal = Decimal(0)

    def __int__(self) -> int:
        return int(self.value)

    def __add__(self, other: Bounded | int) -> Bounded:
        if isinstance(other, int):  # the place of a maximum
            other = Bounded(Decimal(other))
        value = self.value + other.value
        return Bounded(value, self.size + other.size + abs(value))

    def __mul__(self, other: Bounded | int) -> Bounded:
        if isinstance(other, int):
            other = Bounded(Decimal(other))
        value = self.value * other.value
        return Bounded(value, abs(self.value) * other.size + abs(other.value) * self.size + abs(value))

    __radd__, __rmul__ = __add__, __mul__


class Rounding:
    """The kind of number for `symbolic.evaluate`; to be used within `precise()`."""

    def constant(self, value: Expr) -> Bounded:
        return _constant(value)

    def power(self, base: Bounded, exponent: sp.Rational) -> Bounded:
        raised = Decimal(int(exponent.p)) / Decimal(int(exponent.q))
        value = base.value ** (int(exponent) if exponent.is_Integer else raised)
        slope = abs(raised * value / base.value) if base.value != 0 else abs(raised)
        return Bounded(value, slope * base.size + LIBRARY * abs(value))

    def call(self, name: str, argument: Bounded) -> Bounded:
        value = _call(name, argument.value)
        slope = (_call(name, argument.value + STEP) - _call(name, argument.value - STEP)) / (TWO * STEP)
        return Bounded(value, abs(slope) * argument.size + LIBRARY * abs(value))

    def undefined(self, slot: Slot, orders: tuple[int, ...], arguments: tuple[Bounded, ...]) -> NoReturn:
        raise Unsupported(f"{slot.name} is undefined and has no numbers; give a formula")

    def branch(
        self,
        relation: str,
        left: Bounded,
        right: Bounded,
        then: Callable[[], Bounded],
        otherwise: Callable[[], Bounded],
    ) -> Bounded:
        return then() if _RELATIONS[relation](left.value, right.value) else otherwise()


def precise() -> AbstractContextManager[Context]:
    """The context in which these numbers are computed with."""
    return localcontext(CONTEXT)


@cache
def _constant(value: Expr) -> Bounded:
    number = _decimal(value)
    return Bounded(number, abs(number) if value.is_Rational and value.q & (value.q - 1) else Decimal(0))


def _decimal(value: Expr) -> Decimal:
    if value.is_Rational:
        return Decimal(int(value.p)) / Decimal(int(value.q))
    return Decimal(str(sp.N(value, DIGITS)))


def _call(name: str, argument: Decimal) -> Decimal:
    if name in _FUNCTIONS:
        return _FUNCTIONS[name](argument)
    number = sp.Float(str(argument), DIGITS)
    return Decimal(str(sp.N(FUNCTIONS[name].build(number), DIGITS)))
