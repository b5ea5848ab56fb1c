"""In which order the terms of a sum are written, and what is taken out of sums and conditions before."""

from __future__ import annotations

from typing import Any

import sympy as sp

from symbolic.expressions import Expr
from symbolic.writing.matrix_expression import ALL_ONES, ONES, Chain, Transposed


def term_key(term: Expr) -> tuple[bool, int, int, str]:
    """Numbers, sums, products, single letters and vectors that are repeated; what is negative comes last."""
    plain = term.xreplace({ALL_ONES: sp.S.One})
    is_repeated = isinstance(term, Chain) and (term.args[0] == ONES or term.args[-1] == Transposed(ONES))
    if plain.is_number:
        rank = 0
    elif is_repeated or term.is_Symbol or isinstance(term, sp.Indexed):
        rank = 3
    else:
        rank = 1 if plain.has(sp.Sum, Chain) else 2
    return is_negative(term), rank, term.count_ops(), str(term)


def content(expr: Expr) -> tuple[Expr, Expr]:
    """The number that all terms of a sum have in common, up to signs, and the sum without it.

    >>> a, t = sp.symbols("a t")
    >>> content(2 * a - 2 * t)
    (2, a - t)
    """
    numbers = {abs(term.as_coeff_Mul()[0]) for term in expr.args} if expr.is_Add else {sp.S.One}
    number = numbers.pop()
    if numbers or number == 1:
        return sp.S.One, expr
    if all(map(is_negative, expr.args)):
        number = -number
    return number, sp.Add(*(term / number for term in expr.args))


def fraction(coefficient: Expr) -> tuple[list[Expr], list[Expr]]:
    """Factors over and under the bar of a coefficient; √2/2 is 1/√2.

    >>> fraction(sp.sqrt(2) / 2)
    ([], [sqrt(2)])
    """
    over, under = sp.fraction(coefficient)
    if (1 / coefficient).count_ops() < coefficient.count_ops():
        over, under = sp.S.One, 1 / coefficient
    return _factors(over), _factors(under)


def _factors(product: Expr) -> list[Expr]:
    return [factor for factor in sp.Mul.make_args(product) if factor != 1]


def is_negative(expr: Expr) -> bool:
    """Whether a minus sign stands in front of a term."""
    return bool(expr.as_coeff_Mul()[0] < 0)


def divides(expr: Expr) -> bool:
    """Whether a factor stands under the bar."""
    return bool(expr.is_Pow and expr.exp.is_Rational and expr.exp < 0)


def band(condition: Any) -> Any | None:
    """|x| < b for the two conditions x < b and x > −b, None for any others."""
    parts = condition.args
    if len(parts) != 2 or not all(isinstance(part, sp.Lt | sp.Le | sp.Gt | sp.Ge) for part in parts):
        return None
    upper, lower = (part.gts - part.lts for part in parts)
    bound = (upper + lower) / 2
    inside = upper - bound
    is_strict = {isinstance(part, sp.Lt | sp.Gt) for part in parts}
    if not bound.is_number or inside.as_coeff_Add()[0] != 0 or len(is_strict) > 1:
        return None
    return (sp.Lt if is_strict.pop() else sp.Le)(sp.Abs(inside), bound)
