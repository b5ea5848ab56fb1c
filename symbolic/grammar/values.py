"""The operations of formulas on SymPy expressions, each within the bounds; operands are checked already.

Raises Impossible, a reason without a position.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

import sympy as sp

from symbolic.grammar.bounds import (
    LIMIT,
    MAX_BITS,
    MAX_DIGITS,
    bits_of,
    bound_analysis,
    bound_growth,
    check_constants,
    checked,
)
from symbolic.grammar.functions import FUNCTIONS, Condition, Expr, Impossible, bounded, by_cases, compare
from symbolic.grammar.indices import Largest, Place, Quotient, Remainder
from symbolic.plain import PlainSum

MAX_ARGUMENT: Final = 2**64  # beyond, SymPy cannot evaluate erfc(x) or atan(tan(x))
MAX_DEGREE: Final = 16  # of a product in a position; of quotients inside one another
MAX_TERMS: Final = 256  # of such a product, multiplied out
_FOR_LARGE_ARGUMENTS: Final = {"log", "log1p", "sqrt", "abs", "sign", "Heaviside", "relu", "max", "min"}
_ANALYSED_AS_COMPLEX: Final = {"sinh", "cosh", "tanh"}


def literal(text: str) -> Expr:
    """The exact rational that a decimal number denotes.

    >>> literal("0.1"), literal("25e-1")
    (1/10, 5/2)
    """
    mantissa, _, exponent = text.lower().partition("e")
    whole, _, fraction = mantissa.partition(".")
    size = exponent.lstrip("+-0") or "0"
    if len(size) > 3 or len(mantissa) + int(size) > MAX_DIGITS:
        raise Impossible(f"this number is too long; {LIMIT}")
    power = int(exponent or "0") - len(fraction)
    return sp.Rational(int(whole + fraction) * 10 ** max(power, 0), 10 ** max(-power, 0))


@lru_cache(maxsize=4096)
def power(base: Expr, exponent: Expr) -> Expr:
    """base**exponent; a quotient is a product with a power of -1."""
    if base == 0 and exponent.is_negative:
        raise Impossible("division by zero")
    bound_growth(base, exponent)
    if exponent.is_integer is not True:
        for factor in sp.Mul.make_args(base):
            if factor.is_Pow:
                bound_analysis(factor)
    factors = sp.Mul.make_args(base**exponent)  # SymPy may leave 2**(1/4)*2**(3/10) apart
    return checked(sp.Mul(*factors))


def product(factors: Sequence[Expr]) -> Expr:
    """All factors at once; SymPy multiplies what stands under roots, and takes the root again."""
    if sum(bits_of(factor) for factor in factors if factor.is_number) >= 4 * MAX_BITS:
        raise Impossible(f"this product is too large; {LIMIT}")
    return checked(sp.Mul(*factors))


def apply(name: str, *arguments: Expr) -> Expr:
    """A function of the table, called with as many arguments as it takes."""
    for argument in arguments:
        bound_growth(sp.E, argument)
        if argument.is_number and name not in _FOR_LARGE_ARGUMENTS and abs(argument.evalf(2)) > MAX_ARGUMENT:
            raise Impossible(
                f"the argument of {name} is too large; a constant one is at most {MAX_ARGUMENT:,}"
            )
    if name in _ANALYSED_AS_COMPLEX:
        bound_analysis(*arguments)
    if len(arguments) == 2:
        _distinguished(*arguments)
    return power(*arguments, sp.S.Half) if name == "sqrt" else checked(FUNCTIONS[name].build(*arguments))


def chosen(cases: Sequence[tuple[Expr, Condition]], otherwise: Expr) -> Expr:
    """The value of the first case whose condition holds."""
    return checked(by_cases(cases, otherwise))


def related(relation: type, a: Expr, b: Expr) -> Condition:
    """A comparison."""
    _distinguished(a, b)
    return checked(compare(relation, a, b))


def _distinguished(a: Expr, b: Expr) -> None:
    """Refuse two different constants that cannot be told apart: they cannot be ordered."""
    if a.is_number and b.is_number:
        check_constants(a - b)


def picked(kind: str, body: Expr, ranges: Iterable[tuple[sp.Symbol, Expr]]) -> Expr:
    """Σ, Max or ArgMax over each index from 1 to its end; SymPy moves a `Piecewise` in the index of a sum to
    the top of the body.
    """
    bounded(body)
    limits = [(index, 1, end) for index, end in ranges]
    if kind == "Sum":
        return checked(PlainSum(body, *limits))
    if len(limits) > 1:
        raise Impossible(f"{kind} takes one index; write {kind}({kind}(..., {limits[1][0]}), {limits[0][0]})")
    return Largest(body, *limits) if kind == "Max" else Place(body, *limits)


def whole(operator: str, a: Expr, b: Expr) -> Expr:
    """A product, quotient or remainder of whole numbers; products are multiplied out later."""
    factors = [factor.as_base_exp() for side in (a, b) for factor in sp.Mul.make_args(side)]
    degree = sum(int(exponent) for base, exponent in factors if not base.is_number)
    terms = math.prod(len(sp.Add.make_args(base)) ** int(exponent) for base, exponent in factors)
    rounded = len(a.atoms(Quotient, Remainder)) + len(b.atoms(Quotient, Remainder))
    if degree > MAX_DEGREE or terms > MAX_TERMS or rounded > MAX_DEGREE:
        raise Impossible("this position is too involved")
    if operator == "*":
        return checked(a * b)
    if b == 0:
        raise Impossible("division by zero")
    return Quotient(a, b) if operator == "//" else Remainder(a, b)
