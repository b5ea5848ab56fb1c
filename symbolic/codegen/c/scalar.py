"""A scalar formula as C source, in float or double throughout.

Conditions become ?:, whole powers products, numbers literals of the type, so that nothing is converted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

import sympy as sp
from sympy.core.relational import Relational

from symbolic.errors import Unsupported
from symbolic.expressions import Expr
from symbolic.grammar.functions import FUNCTIONS

Number: TypeAlias = Literal["double", "float"]
COND, OR, AND, COMPARE, ADD, MUL, UNARY, ATOM = range(8)  # how tightly the outermost operation binds
Source: TypeAlias = tuple[str, int]
Leaf: TypeAlias = Callable[[Any], Source | None]  # what the caller has its own way of writing

LARGEST_FLOAT: Final = 3.4028234e38
LARGEST_EXACT: Final = 2**53
LONG: Final = 10**6  # of a denominator
FACTORS: Final = 4  # a name to a higher power is a function's work
_FUNCTIONS: Final = frozenset(
    [
        "exp",
        "log",
        "sqrt",
        "sin",
        "cos",
        "tan",
        "sinh",
        "cosh",
        "tanh",
        "atan",
        "erf",
        "erfc",
        "log1p",
        "expm1",
    ]
)
_PICKS: Final = {"max": ">", "min": "<"}


def bracket(source: Source, least: int) -> str:
    """The text, in brackets where it binds less tightly than `least`."""
    text, binding = source
    return text if binding >= least else f"({text})"


@dataclass(slots=True)
class Scalars:
    """Writes formulas with one type of number; `functions` collects what they call that C does not have."""

    number: Number
    prefix: str
    functions: dict[str, str] = field(default_factory=dict)

    @property
    def suffix(self) -> str:
        return "f" if self.number == "float" else ""

    def write(self, expr: Any, leaf: Leaf = lambda _: None) -> Source:
        """The source of a formula or a condition; `leaf` may write any part of it."""
        return _Writing(self, leaf).source(expr)

    def literal(self, value: Expr) -> Source:
        """A number: exactly where its digits are few, else as a quotient or to the last digit of a double."""
        if not value.is_Rational:
            return self._digits(float(sp.N(value, 25)))
        if value.q == 1 or value.q >= LONG or not _recurs(int(value.q)):
            return self._digits(float(value))
        over, under = (self._digits(float(part))[0] for part in (value.p, value.q))
        return f"{over} / {under}", MUL

    def _digits(self, value: float) -> Source:
        if self.number == "float":
            value = max(-LARGEST_FLOAT, min(value, LARGEST_FLOAT))
        return f"{value!r}{self.suffix}", UNARY if value < 0 else ATOM

    def call(self, name: str, *arguments: str) -> Source:
        """A call of a function of <math.h>."""
        return f"{name}{self.suffix}({', '.join(arguments)})", ATOM

    def power(self, base: Source, exponent: int) -> Source:
        """A whole power from 2 on."""
        if base[1] == ATOM and exponent <= FACTORS and not base[0].endswith(")"):
            return " * ".join([base[0]] * exponent), MUL
        name = f"{self.prefix}_square" if exponent == 2 else f"{self.prefix}_power{exponent}"
        self.functions.setdefault(name, self._power_function(name, exponent))
        return f"{name}({base[0]})", ATOM

    def _power_function(self, name: str, exponent: int) -> str:
        doc = "x²" if exponent == 2 else f"x to the power of {exponent}"
        lines = [f"/* {doc} */", f"static inline {self.number} {name}(const {self.number} x)", "{"]
        if exponent <= FACTORS:
            lines.append(f"    return {' * '.join('x' * exponent)};")
        else:
            lines += [
                f"    {self.number} product = 1.0{self.suffix};",
                f"    for (unsigned int k = 0u; k < {exponent}u; k++)",
                "    {",
                "        product *= x;",
                "    }",
                "    return product;",
            ]
        return "\n".join([*lines, "}"])


@dataclass(frozen=True, slots=True)
class _Writing:
    scalars: Scalars
    leaf: Leaf

    def source(self, expr: Any) -> Source:
        own = self.leaf(expr)
        if own is not None:
            return own
        match expr:
            case sp.Number() | sp.NumberSymbol():
                return self.scalars.literal(expr)
            case sp.Expr() if expr.is_number and not expr.is_Rational and not expr.has(sp.Piecewise):
                return self.scalars.literal(expr)
            case sp.Symbol():
                return expr.name, ATOM
            case sp.Add():
                return self._sum(expr)
            case sp.Mul():
                return self._product(expr)
            case sp.exp():
                return self.scalars.call("exp", self.text(expr.args[0]))
            case sp.Pow():
                return self._power(expr.base, expr.exp)
            case sp.Piecewise():
                return self._cases(expr)
            case Relational():
                left, right = (bracket(self.source(side), ADD) for side in expr.args)
                return f"{left} {expr.rel_op} {right}", COMPARE
            case sp.And() | sp.Or():
                sign, level = (" && ", AND) if isinstance(expr, sp.And) else (" || ", OR)
                parts = sorted((self.source(part) for part in expr.args), key=lambda part: part[0])
                return sign.join(f"({text})" for text, _ in parts), level
            case sp.Not():
                return f"!({self.text(expr.args[0])})", UNARY
            case sp.Function() if type(expr).__name__ in _FUNCTIONS:
                return self.scalars.call(type(expr).__name__, *map(self.text, expr.args))
        if expr in (sp.true, sp.false):
            return str(int(expr == sp.true)), ATOM
        raise Unsupported(f"C has no words for {type(expr).__name__}: {expr}; target numpy may have")

    def text(self, expr: Any) -> str:
        return self.source(expr)[0]

    def _sum(self, total: sp.Add) -> Source:
        ordered = _reflected(total.as_ordered_terms())
        if len(ordered) == 1:
            return self.source(ordered[0])
        terms = sorted(ordered, key=lambda term: term.could_extract_minus_sign())
        text = bracket(self.source(terms[0]), ADD)
        for term in terms[1:]:
            minus = term.could_extract_minus_sign()
            text += f" {'-' if minus else '+'} {bracket(self.source(-term if minus else term), MUL)}"
        return text, ADD

    def _product(self, product: sp.Mul) -> Source:
        if product.could_extract_minus_sign():
            return f"-{bracket(self.source(-product), MUL)}", UNARY
        number, rest = product.as_coeff_Mul()
        constants = [factor for factor in sp.Mul.make_args(rest) if factor.is_number]
        if constants:  # one literal
            number, rest = (
                sp.Mul(number, *constants),
                sp.Mul(*(f for f in sp.Mul.make_args(rest) if not f.is_number)),
            )
        over: list[Source] = []
        under: list[Source] = []
        if number.is_Rational and number.q < LONG and _recurs(int(number.q)):
            over += [self.scalars.literal(sp.Integer(number.p))] * (number.p != 1)
            under.append(self.scalars.literal(sp.Integer(number.q)))
        elif number != 1:
            over.append(self.scalars.literal(number))
        for factor in rest.as_ordered_factors():
            if isinstance(factor, sp.Pow) and factor.exp.is_number and factor.exp.could_extract_minus_sign():
                under.append(self._power(factor.base, -factor.exp))
            else:
                over.append(self.source(factor))
        text = " * ".join(bracket(each, MUL) for each in over) or self.scalars.literal(sp.S.One)[0]
        if len(under) == 1:
            return f"{text} / {bracket(under[0], UNARY)}", MUL
        return (f"{text} / ({' * '.join(bracket(each, MUL) for each in under)})" if under else text), MUL

    def _power(self, base: Expr, exponent: Expr) -> Source:
        if exponent.is_number and exponent.could_extract_minus_sign():
            one = self.scalars.literal(sp.S.One)[0]
            return f"{one} / {bracket(self._power(base, -exponent), UNARY)}", MUL
        if exponent == 1:
            return self.source(base)
        if exponent == sp.S.Half:
            return self.scalars.call("sqrt", self.text(base))
        if exponent.is_Integer:
            return self.scalars.power(self.source(base), int(exponent))
        return self.scalars.call("pow", self.text(base), self.text(exponent))

    def _cases(self, cases: sp.Piecewise) -> Source:
        """Nested ?:, or fabs, fmax and fmin, which write an argument once."""
        found = _known(cases)
        if found is not None:
            name, arguments = found
            written = [self.source(argument) for argument in arguments]
            if name == "abs":
                return self.scalars.call("fabs", written[0][0])
            if not all(binding == ATOM and not text.endswith(")") for text, binding in written):
                return self.scalars.call(f"f{name}", *(text for text, _ in written))
        (value, condition), *rest = cases.args
        if not rest or condition == sp.true:
            return self.source(value)
        otherwise = self.source(rest[0][0] if rest[0][1] == sp.true else sp.Piecewise(*rest, evaluate=False))
        return (
            f"({self.text(condition)}) ? {bracket(self.source(value), ADD)} : {bracket(otherwise, ADD)}",
            COND,
        )


class erfc(sp.Function):  # type: ignore[misc]  # SymPy has no type information
    """erfc that stays as it is written: SymPy's own makes 2 - erfc(x) of erfc(-x), which cancels."""

    is_real = True


def _reflected(terms: list[Expr]) -> list[Expr]:
    """The terms with 2c - c erfc(x) written as c erfc(-x)."""
    for constant in (term for term in terms if term.is_Number):
        for term in terms:
            number, rest = term.as_coeff_Mul()
            if isinstance(rest, sp.erfc) and constant == -2 * number:
                others = [each for each in terms if each not in (constant, term)]
                return [*others, constant / 2 * erfc(-rest.args[0])]
    return terms


def _recurs(denominator: int) -> bool:
    """Whether the decimals of 1/denominator have no end."""
    for prime in (2, 5):
        while denominator % prime == 0:
            denominator //= prime
    return denominator > 1


def _known(node: sp.Piecewise) -> tuple[str, tuple[Expr, ...]] | None:
    """The absolute value, maximum or minimum that a `Piecewise` is, with its arguments."""
    (value, condition), *rest = node.args
    if not rest or not isinstance(condition, sp.Rel):
        return None
    for name, arguments in (("abs", (value,)), ("max", (value, rest[-1][0])), ("min", (value, rest[-1][0]))):
        if FUNCTIONS[name].build(*arguments) == node:
            return name, arguments
    return None
