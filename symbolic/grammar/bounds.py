"""What SymPy is spared: expressions that it could not build, or not in reasonable time.

SymPy evaluates as it builds. 2**10**12 and exp(10**12*log(2)) never return; sqrt(-1), log(0) and 0/0 become
I, zoo and nan; and sqrt(cosh(log(z)**999) + 1) is taken apart into real and imaginary part. So every number
stays below 2**1024, in its numerator and in its denominator; every constant is a finite real number that can
be told from 0; and what may be complex stays small. What is refused raises Impossible.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Final

import sympy as sp

from symbolic.grammar.functions import Expr, Impossible, written_out

MAX_BITS: Final = 1024
MAX_DIGITS: Final = 308  # 10**308 < 2**1024
MAX_EFFORT: Final = 40  # SymPy takes a tenth of a second; its time grows exponentially
MAX_DEPTH: Final = 4  # likewise
LIMIT: Final = f"a number here has at most {MAX_DIGITS} digits"
_HYPERBOLIC: Final = (sp.sinh, sp.cosh, sp.tanh)
_NOT_FINITE_AND_REAL: Final = tuple(type(value) for value in (sp.zoo, sp.nan, sp.oo, -sp.oo, sp.I))


def checked(expr: Expr) -> Expr:
    """The expression itself, once it is known to hold no impossible constant."""
    if expr.atoms(*_NOT_FINITE_AND_REAL):
        raise Impossible("the value is not a finite real number")
    result = written_out(expr)
    check_constants(result)
    return result


@lru_cache(maxsize=4096)
def check_constants(expr: Expr) -> None:
    """Refuse a constant that is not real, not within the bounds or cannot be told from 0, the parts first."""
    for part in expr.args:
        check_constants(part)
    if expr.is_Rational:
        if max(abs(expr.p), expr.q).bit_length() > MAX_BITS:
            raise Impossible(f"the value is too large; {LIMIT}")
    elif expr.is_number:
        _check_irrational(expr.evalf(2))


def _check_irrational(number: Expr) -> None:
    if not number.is_Float:
        raise Impossible("the value is not a finite real number")
    _, _, scale, bits = number._mpf_
    if number._prec == 1:  # so SymPy says that every digit has cancelled
        raise Impossible("the value cannot be told from 0")
    if abs(scale + bits) > MAX_BITS:
        raise Impossible(f"the value is too {'large' if scale + bits > 0 else 'small'}; {LIMIT}")


def bound_growth(base: Expr, exponent: Expr) -> None:
    """Refuse base**exponent where evaluation, now or after a cancellation, could make a number too large."""
    if base.is_Piecewise:
        for value, _ in base.args:
            bound_growth(value, exponent)
        return
    for factor in sp.Mul.make_args(base):
        root, inner = factor.as_base_exp()
        if inner.is_number and not inner.is_Rational:
            for step in (-2, -1, 1, 2):  # SymPy compares the exponent of a power of a power with these
                check_constants(inner - step)
        bits = _bits_of_exp(inner * exponent) if root is sp.E else _times(bits_of(factor), _reach(exponent))
        if bits >= MAX_BITS:
            raise Impossible(f"this power is too large; {LIMIT}")


def bits_of(base: Expr) -> float:
    """Upper bound of log2 of the rational number in a base, such as 3 in 8*z and 1/2 in sqrt(2)."""
    if base.is_Rational:
        return math.log2(max(abs(base.p), base.q))
    if base.is_Mul:
        return sum(map(bits_of, base.args))
    if base.is_Piecewise:
        return max(bits_of(value) for value, _ in base.args)
    if base.is_Pow:
        return _times(bits_of(base.base), _reach(base.exp))
    return _bits_of_exp(base.args[0]) if isinstance(base, sp.exp) else 0.0


def _bits_of_exp(exponent: Expr) -> float:
    """The same for exp(exponent): exp(3*log(2)) is 8."""
    return sum(_times(bits_of(log.args[0]), _reach(exponent)) for log in exponent.atoms(sp.log))


def _reach(exponent: Expr) -> float:
    """log2 of an upper bound of the numbers that can be left of an exponent when its symbols cancel."""
    if exponent.is_Rational:
        return max(math.log2(abs(exponent.p)) - math.log2(exponent.q), 0.0) if exponent else 0.0
    if exponent.is_Add:
        return max(map(_reach, exponent.args)) + math.log2(len(exponent.args))
    if exponent.is_Mul:
        return sum(map(_reach, exponent.args))
    if exponent.is_Piecewise:
        return max(_reach(value) for value, _ in exponent.args)
    if exponent.is_Pow and exponent.exp.is_Integer:
        return float(abs(exponent.exp)) * _reach(exponent.base)
    return 0.0


def _times(bits: float, reach: float) -> float:
    return bits * 2.0 ** min(reach, MAX_BITS - 1) if bits else 0.0


def bound_analysis(expr: Expr) -> None:
    """Refuse what SymPy would take apart into a real and an imaginary part at exponential cost."""
    if _depth(expr) > MAX_DEPTH:
        raise Impossible(f"more than {MAX_DEPTH} hyperbolic functions inside one another")
    if _effort(expr) > MAX_EFFORT and expr.is_extended_real is not True:
        raise Impossible("this is too involved for a value that may not be real")


@lru_cache(maxsize=4096)
def _depth(expr: Expr) -> int:
    """How many hyperbolic functions stand inside one another."""
    return isinstance(expr, _HYPERBOLIC) + max(map(_depth, expr.args), default=0)


@lru_cache(maxsize=4096)
def _effort(expr: Expr) -> int:
    """The nodes of an expression; as measured, a hyperbolic function costs 13, an integer power 2n."""
    if isinstance(expr, sp.Indexed):
        return 1
    if isinstance(expr, sp.Piecewise):
        return 1 + sum(_effort(value) for value, _ in expr.args)
    own = 13 if isinstance(expr, _HYPERBOLIC) else 1
    if expr.is_Pow and expr.exp.is_Integer:
        own = 2 * int(abs(expr.exp))
    return own + sum(map(_effort, expr.args))
