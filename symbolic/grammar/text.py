"""Expressions written in the grammar of formulas: parsing the text gives the same expression again.

Scope: expressions of what formulas can say, that SymPy builds again from their parts (not by evaluate=False),
and whose text stays within the limits of a formula. A `Piecewise` is where(p, a, q, b, c), a derivative of an
undefined function is g'(z) or e_12(a, t).
"""

from __future__ import annotations

from typing import Final

import sympy as sp
from sympy.core.relational import Relational

from symbolic.errors import Unsupported
from symbolic.grammar.functions import FUNCTIONS, Condition, Expr, undefined_label, undefined_parts
from symbolic.grammar.indices import Holds, Largest, Place, Quotient, Remainder, size_of
from symbolic.plain import PlainSum

_SUM, _PRODUCT, _POWER, _ATOM = range(4)
_OR, _AND, _NOT = range(3)
_PICKED: Final = {sp.Sum: "Sum", PlainSum: "Sum", Largest: "Max", Place: "ArgMax"}
_NAMES: Final = {row.build: row.name for row in FUNCTIONS.values() if isinstance(row.build, type)}


def to_text(expr: Expr) -> str:
    """The formula of an expression; Unsupported if the grammar has no words for it.

    >>> z = sp.Symbol("z", real=True)
    >>> to_text(z * (1 + sp.erf(z / sp.sqrt(2))) / 2)
    'z*(erf(sqrt(2)*z/2) + 1)/2'
    """
    return _write(expr)[0]


def _write(expr: Expr) -> tuple[str, int]:
    """The text and how tightly it binds."""
    match expr:
        case sp.Rational() if expr.q == 1 and expr.p >= 0:
            return str(expr.p), _ATOM
        case sp.Rational() | sp.Mul():
            return _product(expr), _PRODUCT
        case sp.Add():
            return _sum(expr), _SUM
        case sp.exp():
            return f"exp({to_text(expr.args[0])})", _ATOM
        case sp.Pow():
            return _power(expr)
        case sp.Symbol():
            return str(expr.name), _ATOM
        case sp.Indexed():
            return f"{expr.base.label}[{','.join(map(to_text, expr.indices))}]", _ATOM
        case sp.Sum() | Largest() | Place() if all(limit[1] == 1 for limit in expr.limits):
            picked = [to_text(expr.function), *map(_range, expr.limits)]
            return f"{_PICKED[type(expr)]}({', '.join(picked)})", _ATOM
        case Quotient() | Remainder():
            sign = "//" if isinstance(expr, Quotient) else "%"
            return sign.join(_at_least(_POWER, part) for part in expr.args), _PRODUCT
        case Holds():
            return f"where({_condition(expr.args[0])[0]}, 1, 0)", _ATOM
        case sp.Piecewise() if expr.args[-1][1] is sp.true:
            return _cases(expr), _ATOM
    if expr is sp.pi or expr is sp.E:
        return "pi" if expr is sp.pi else "exp(1)", _ATOM
    parts = undefined_parts(expr)
    name = undefined_label(*parts) if parts else _NAMES.get(expr.func)
    if name is None:
        raise Unsupported(f"a formula cannot say {expr.func.__name__}: {expr}")
    return f"{name}({', '.join(map(to_text, expr.args))})", _ATOM


def _range(limit: tuple[sp.Symbol, Expr, Expr]) -> str:
    index, _, end = limit
    return str(index) if end == size_of(index) else f"{index}: {end}"


def _at_least(level: int, expr: Expr) -> str:
    text, binding = _write(expr)
    return text if binding >= level else f"({text})"


def _sum(expr: Expr) -> str:
    first, *others = map(to_text, expr.as_ordered_terms())
    return first + "".join(f" - {term[1:]}" if term[0] == "-" else f" + {term}" for term in others)


def _product(expr: Expr) -> str:
    """A product as one quotient; over a lone sum the number stays apart, else SymPy would multiply it in."""
    number, rest = expr.as_coeff_Mul(rational=True)
    over: list[str] = []
    under: list[str] = []
    for factor in rest.as_ordered_factors() if rest != 1 else ():
        if factor.is_Pow and factor.exp.is_Rational and factor.exp < 0:
            under.append(_at_least(_POWER, sp.Pow(factor.base, -factor.exp)))
        else:
            over.append(_at_least(_POWER, factor))
    if abs(number.p) != 1 or not over:
        over.insert(0, str(abs(number.p)))
    is_lone_sum = len(under) == 1 and under[0][0] == "("
    if number.q != 1:
        under.insert(0, str(number.q))
    sign = "-" if number.p < 0 else ""
    if len(under) > 1 and not is_lone_sum:
        return f"{sign}{'*'.join(over)}/({'*'.join(under)})"
    return sign + "/".join(["*".join(over), *under])


def _power(expr: Expr) -> tuple[str, int]:
    base, exponent = expr.args
    if exponent.is_Rational and exponent < 0:
        return _product(expr), _PRODUCT
    if exponent == sp.S.Half:
        return f"sqrt({to_text(base)})", _ATOM
    return f"{_at_least(_ATOM, base)}**{_at_least(_ATOM, exponent)}", _POWER


def _cases(expr: Expr) -> str:
    *cases, (otherwise, _) = expr.args
    written = [text for value, condition in cases for text in (_condition(condition)[0], to_text(value))]
    return f"where({', '.join([*written, to_text(otherwise)])})"


def _condition(condition: Condition) -> tuple[str, int]:
    match condition:
        case Relational():
            return f"{to_text(condition.lhs)} {condition.rel_op} {to_text(condition.rhs)}", _NOT
        case sp.Not():
            return f"not {_inside(_NOT, condition.args[0])}", _NOT
        case sp.And():
            return " and ".join(_inside(_NOT, part) for part in condition.args), _AND
        case sp.Or():
            return " or ".join(_inside(_AND, part) for part in condition.args), _OR
    raise Unsupported(f"a formula cannot say {condition.func.__name__}: {condition}")


def _inside(level: int, condition: Condition) -> str:
    text, binding = _condition(condition)
    return text if binding >= level else f"({text})"
