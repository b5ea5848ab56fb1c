"""Whole numbers in C: positions, sizes and conditions on indices, as size_t.

Indices count from 0. A position that can lie before its array wraps round to a huge number, so that one
comparison with the size says whether it lies inside.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import sympy as sp
from sympy.core.relational import Relational

from symbolic.codegen.c.scalar import ADD, ATOM, COMPARE, MUL, Source, bracket
from symbolic.errors import Unsupported
from symbolic.expressions import Expr
from symbolic.grammar.indices import Quotient, Remainder

Bounds: TypeAlias = tuple[int | None, int | None]
ANY: Final[Bounds] = (None, None)
QUOTIENT: Final = """\
/* a divided by b > 0, rounded down */
static inline ptrdiff_t {prefix}_quotient(const ptrdiff_t a, const ptrdiff_t b)
{{
    return (a / b) - (((a % b) < 0) ? 1 : 0);
}}"""


@dataclass(slots=True)
class Wholes:
    """Writes whole numbers; `names` are of indices, `sizes` how many values each takes (None: m of them), and
    `data` writes an entry of an array of whole numbers.
    """

    prefix: str
    data: Callable[[sp.Indexed], str]
    names: dict[sp.Symbol, str] = field(default_factory=dict)
    sizes: dict[sp.Symbol, int | None] = field(default_factory=dict)
    numbers: Mapping[Expr, Expr] = field(default_factory=dict)  # of sizes and options
    functions: dict[str, str] = field(default_factory=dict)

    def known(self, expr: Expr) -> Expr:
        """The expression with sizes and options put in."""
        return expr.xreplace(dict(self.numbers))

    def bounds(self, expr: Expr) -> Bounds:
        """The least and the largest value, None where there is no telling."""
        match expr:
            case sp.Integer():
                return int(expr), int(expr)
            case sp.Symbol() if expr in self.sizes:
                size = self.sizes[expr]
                return 0, None if size is None else size - 1
            case sp.Symbol():
                return 1, None  # m
            case sp.Add():
                lows, highs = zip(*map(self.bounds, expr.args), strict=True)
                return _total(lows), _total(highs)
            case sp.Mul() if expr.args[0].is_Integer:
                number = int(expr.args[0])
                low, high = self.bounds(sp.Mul(*expr.args[1:]))
                ends = [None if end is None else number * end for end in (low, high)]
                return (ends[0], ends[1]) if number > 0 else (ends[1], ends[0])
            case sp.Mul() if all((self.bounds(factor)[0] or -1) >= 0 for factor in expr.args):
                return 0, None
            case Remainder() if expr.args[1].is_Integer:
                return 0, int(expr.args[1]) - 1
            case Quotient() if expr.args[1].is_Integer:
                by = int(expr.args[1])
                low, high = self.bounds(expr.args[0])
                return None if low is None else low // by, None if high is None else high // by
        return ANY

    def write(self, expr: Expr, *, signed: bool = False) -> Source:
        """The number as size_t, or as ptrdiff_t."""
        match expr:
            case sp.Integer():
                return f"{int(expr)}{'' if signed else 'u'}", ATOM
            case sp.Symbol():
                name = self.names.get(expr, expr.name)
                return (f"(ptrdiff_t){name}", MUL + 1) if signed else (name, ATOM)
            case sp.Indexed():
                return (f"(ptrdiff_t){self.data(expr)}" if signed else f"(size_t){self.data(expr)}"), MUL + 1
            case sp.Add():
                return self._sum(expr, signed=signed)
            case sp.Mul():
                number, rest = expr.as_coeff_Mul()
                factors = [
                    bracket(self.write(each, signed=signed), MUL) for each in rest.as_ordered_factors()
                ]
                if number != 1:
                    factors.append(self.write(number, signed=signed)[0])
                return " * ".join(factors), MUL
            case Quotient() | Remainder():
                return self._divided(expr, signed=signed)
        raise Unsupported(f"C has no words for {expr} as a whole number; target numpy may have")

    def _sum(self, total: sp.Add, *, signed: bool) -> Source:
        terms = sorted(total.as_ordered_terms(), key=lambda term: term.could_extract_minus_sign())
        if terms[0].could_extract_minus_sign():  # a sum of negative terms only
            return f"0{'' if signed else 'u'} - {bracket(self.write(-total, signed=signed), MUL)}", ADD
        text = bracket(self.write(terms[0], signed=signed), ADD)
        for term in terms[1:]:
            minus = term.could_extract_minus_sign()
            part = bracket(self.write(-term if minus else term, signed=signed), MUL)
            text += f" {'-' if minus else '+'} {part}"
        return text, ADD

    def _divided(self, expr: Expr, *, signed: bool) -> Source:
        over, by = expr.args
        low, _ = self.bounds(over)
        if low is not None and low >= 0 and not signed:
            sign = "/" if isinstance(expr, Quotient) else "%"
            return f"{bracket(self.write(over), MUL + 1)} {sign} {bracket(self.write(by), MUL + 1)}", MUL
        self.functions["quotient"] = QUOTIENT.format(prefix=self.prefix)
        one, other = self.write(over, signed=True)[0], self.write(by, signed=True)
        text = f"{self.prefix}_quotient({one}, {other[0]})"
        if isinstance(expr, Remainder):
            text = f"({one}) - {bracket(other, MUL + 1)} * {text}"
            return (text, ADD) if signed else (f"(size_t)({text})", MUL + 1)
        return (text, ATOM) if signed else (f"(size_t){text}", MUL + 1)

    def decided(self, relation: Relational) -> bool | None:
        """Whether a condition on whole numbers holds, if that is the same for all values of indices."""
        low, high = self.bounds(sp.expand(self.known(relation.lhs - relation.rhs)))
        for sign, holds, fails in (
            (">=", low is not None and low >= 0, high is not None and high < 0),
            (">", low is not None and low > 0, high is not None and high <= 0),
            ("<=", high is not None and high <= 0, low is not None and low > 0),
            ("<", high is not None and high < 0, low is not None and low >= 0),
            ("==", low == high == 0, (low is not None and low > 0) or (high is not None and high < 0)),
            ("!=", (low is not None and low > 0) or (high is not None and high < 0), low == high == 0),
        ):
            if relation.rel_op == sign:
                return True if holds else False if fails else None
        return None

    def relation(self, relation: Relational) -> Source:
        """A condition on whole numbers; nothing is subtracted, as size_t has no negative numbers."""
        difference = sp.expand(self.known(relation.lhs - relation.rhs))
        terms = sp.Add.make_args(difference)
        left = sp.Add(*(term for term in terms if not term.could_extract_minus_sign()))
        right = -sp.Add(*(term for term in terms if term.could_extract_minus_sign()))
        signed = any((self.bounds(side)[0] or 0) < 0 or self.bounds(side) == ANY for side in (left, right))
        one, other = (bracket(self.write(side, signed=signed), ADD) for side in (left, right))
        return f"{one} {relation.rel_op} {other}", COMPARE


def _total(ends: tuple[int | None, ...]) -> int | None:
    return None if None in ends else sum(end for end in ends if end is not None)
