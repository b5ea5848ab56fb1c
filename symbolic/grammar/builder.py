"""SymPy expressions from a parse tree, from the leaves up; what is impossible is reported at its operator."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import sympy as sp
from lark import Token, Transformer_NonRecursive

from symbolic.grammar import values
from symbolic.grammar.bounds import checked
from symbolic.grammar.functions import Condition, Expr, Impossible, undefined_written
from symbolic.grammar.indices import size_of
from symbolic.grammar.names import Names

Parts = list[Any]  # operands, built already, between their operators, which are tokens
_RELATIONS: Final = {"<": sp.Lt, "<=": sp.Le, ">": sp.Gt, ">=": sp.Ge, "==": sp.Eq, "!=": sp.Ne}


class Builder(Transformer_NonRecursive[Token, Any]):
    """One method per rule of the grammar; the names of the tree are checked already."""

    def __init__(self, names: Names) -> None:
        super().__init__()
        self.names = names

    def _at(self, token: Token, build: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return build(*arguments)
        except Impossible as error:
            raise self.names.error(str(error), token) from None

    def formula(self, parts: Parts) -> Expr:
        return parts[0]

    def equation(self, parts: Parts) -> tuple[Expr, Expr]:
        target, _, value = parts
        return target, value

    def target(self, parts: Parts) -> Expr:
        name, *indices = parts
        return self.entry(parts) if indices else sp.Symbol(str(name), real=True)

    def sum(self, parts: Parts) -> Expr:
        first = parts[0]
        number, terms = (first, []) if first.is_Rational else (sp.S.Zero, [first])
        for sign, term in _operations(parts):
            signed = -term if sign == "-" else term
            if signed.is_Rational:
                number = self._at(sign, checked, number + signed)
            else:
                terms.append(signed)
        return self._at(parts[-2], checked, sp.Add(number, *terms))

    def negative(self, parts: Parts) -> Expr:
        return -parts[1]

    def product(self, parts: Parts) -> Expr:
        """All factors at once: 2*(x + 1)*y stays three factors, whereas (2*(x + 1))*y is (2*x + 2)*y."""
        first = parts[0]
        number, factors = (first, []) if first.is_Rational else (sp.S.One, [first])
        for operator, operand in _operations(parts):
            divides = operator == "/"
            factor = self._at(operator, values.power, operand, sp.S.NegativeOne) if divides else operand
            if factor.is_Rational:
                number = self._at(operator, checked, number * factor)
            else:
                factors.append(factor)
        return self._at(parts[-2], values.product, [number, *factors])

    def power(self, parts: Parts) -> Expr:
        base, operator, exponent = parts
        return self._at(operator, values.power, base, exponent)

    def INTEGER(self, token: Token) -> Expr:
        return self._at(token, values.literal, token)

    DECIMAL = INTEGER

    def variable(self, parts: Parts) -> Expr:
        return self.names.symbol(parts[0])

    def call(self, parts: Parts) -> Expr:
        head, *arguments = parts
        undefined = undefined_written(head, len(arguments), self.names.functions)
        return undefined(*arguments) if undefined else self._at(head, values.apply, str(head), *arguments)

    def where(self, parts: Parts) -> Expr:
        """`where(p, a, q, b, c)` is a where p holds, else b where q holds, else c."""
        head, *cases, otherwise = parts
        pairs = list(zip(cases[1::2], cases[::2], strict=True))
        return self._at(head, values.chosen, pairs, otherwise)

    def either(self, parts: Parts) -> Condition:
        return sp.Or(*parts)

    def both(self, parts: Parts) -> Condition:
        return sp.And(*parts)

    def opposite(self, parts: Parts) -> Condition:
        return sp.Not(*parts)

    def comparison(self, parts: Parts) -> Condition:
        a, operator, b = parts
        return self._at(operator, values.related, _RELATIONS[operator], a, b)

    def entry(self, parts: Parts) -> Expr:
        name, *positions = parts
        return sp.IndexedBase(str(name), real=True)[tuple(positions)]

    def position(self, parts: Parts) -> Expr:
        return parts[0]

    def whole(self, parts: Parts) -> Expr:
        """A signed sum of whole numbers."""
        signed = parts if parts[0] == "-" else ["+", *parts]
        return sp.Add(
            *(-step if sign == "-" else step for sign, step in zip(signed[::2], signed[1::2], strict=True))
        )

    def multiple(self, parts: Parts) -> Expr:
        """Products, quotients and remainders of whole numbers, from the left."""
        value = parts[0]
        for operator, operand in _operations(parts):
            value = self._at(operator, values.whole, str(operator), value, operand)
        return value

    def step(self, parts: Parts) -> Expr:
        return self.names.symbol(parts[0])

    def range(self, parts: Parts) -> tuple[Expr, Expr]:
        index, *ends = parts
        symbol = self.names.symbol(index)
        named = [self.names.symbol(end) if isinstance(end, Token) else end for end in ends]
        return symbol, named[0] if named else size_of(symbol)

    def total(self, parts: Parts) -> Expr:
        head, body, *ranges = parts
        return self._at(head, values.picked, str(head), body, ranges)


def _operations(parts: Parts) -> Iterator[tuple[Token, Expr]]:
    """(operator, operand) after the first operand."""
    return zip(parts[1::2], parts[2::2], strict=True)
