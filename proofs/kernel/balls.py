"""Evaluation at one rational point: exact where all is rational, elsewhere in balls that hold the true value.

A point gives every symbol and entry a rational number, every undefined function a polynomial with rational
coefficients, and every symbolic size a small whole number. These are drawn when they are asked for, and
always the same for one point.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from itertools import product
from math import prod
from typing import Any, Final, TypeAlias

import sympy as sp
from flint import arb, ctx, fmpq
from sympy.codegen.cfunctions import expm1, log1p
from sympy.core.relational import Relational
from sympy.logic.boolalg import ITE, And, BooleanAtom, Not, Or

from proofs.kernel.polynomials import Expr, rational
from proofs.kernel.reading import opened
from proofs.kernel.signs import COMPARE
from symbolic.activations import Root, Z
from symbolic.grammar.formula import parse_scalar
from symbolic.grammar.functions import Undefined

Number: TypeAlias = Any  # fmpq or arb; python-flint has no type information
PRECISIONS: Final = (64, 256, 1024)  # bits
DEGREE: Final = 3  # of the polynomials that undefined functions become, in each argument
FEW: Final = 3  # arguments; of more, a polynomial is of degree 2, so that a reader can look at it
MAX_EXACT_POWER: Final = 1_000
MAX_TERMS: Final = 64  # of a sum over an index
NEAR: Final = fmpq(1, 64)  # how far a root may be from where it is looked for
BISECTIONS: Final = 80  # a root is then known to 2**-85


class Unclear(Exception):
    """There is no finite value here, or no telling which piece holds."""


FUNCTIONS: Final[dict[Any, Callable[[arb], arb]]] = {
    sp.exp: arb.exp,
    sp.log: arb.log,
    sp.sin: arb.sin,
    sp.cos: arb.cos,
    sp.tan: arb.tan,
    sp.sinh: arb.sinh,
    sp.cosh: arb.cosh,
    sp.tanh: arb.tanh,
    sp.atan: arb.atan,
    sp.erf: arb.erf,
    sp.erfc: arb.erfc,
    log1p: arb.log1p,
    expm1: arb.expm1,
}


class Point:
    """Values by symbol or entry, and polynomials by undefined function; `fixed` values are not drawn."""

    def __init__(self, seed: int, fixed: Mapping[Expr, Number] | None = None) -> None:
        self.seed = seed
        self.values: dict[Expr, Number] = dict(fixed or {})
        self.functions: dict[str, dict[tuple[int, ...], fmpq]] = {}

    def value(self, symbol: Expr) -> Number:
        if symbol not in self.values:
            drawn = random.Random(f"{self.seed} {symbol}")
            size = fmpq(drawn.randint(1, 3)) if symbol.is_integer else fmpq(drawn.randint(1, 47), 16)
            self.values[symbol] = size if symbol.is_positive or drawn.random() < 0.5 else -size
        return self.values[symbol]

    def coefficients(self, name: str, arity: int) -> dict[tuple[int, ...], fmpq]:
        """The polynomial of an undefined function, by the powers of its arguments."""
        if name not in self.functions:
            drawn = random.Random(f"{self.seed} {name}")
            powers = product(range(DEGREE + 1), repeat=arity)
            self.functions[name] = {
                power: fmpq(drawn.choice((-1, 1)) * drawn.randint(1, 9), 4)
                for power in powers
                if arity <= FEW or sum(power) <= 2
            }
        return self.functions[name]

    def __str__(self) -> str:
        values = [f"{symbol} = {value}" for symbol, value in self.values.items()]
        return ", ".join(
            [*values, *(f"{name} = {_polynomial(found)}" for name, found in self.functions.items())]
        )


def order(
    left: Expr,
    right: Expr,
    point: Point,
    *,
    precisions: tuple[int, ...] = PRECISIONS,
    at: Mapping[Expr, Expr] | None = None,
) -> int:
    """1 where left > right at a point, −1 where left < right, 0 where no precision tells them apart; `at`
    gives free indices their values.

    Raises Unclear where a side has no value.
    """
    for precision in precisions:
        with ctx.workprec(precision):
            evaluate = Evaluator(point, at)
            gap = evaluate(left) - evaluate(right)
            if gap > 0 or gap < 0:
                return 1 if gap > 0 else -1
    return 0


def symbol_of(root: Root) -> sp.Symbol:
    """What an expression calls the root."""
    return sp.Symbol(root.name, real=True)


def equation_of(root: Root) -> Expr:
    """What vanishes at the root, in the root's own symbol."""
    return parse_scalar(root.equation, names=("z",)).xreplace({Z: symbol_of(root)})


def enclosed(root: Root) -> arb:
    """A ball that holds the root; Unclear if the equation does not change its sign near the start."""
    start = fmpq(*root.start.as_integer_ratio())
    below, above = start - NEAR, start + NEAR

    def sign(at: fmpq) -> int:
        return order(equation_of(root), sp.Integer(0), Point(0, {symbol_of(root): at}))

    if {sign(below), sign(above)} != {-1, 1}:
        raise Unclear(f"{equation_of(root)} = 0 has no simple root near {root.start}")
    for _ in range(BISECTIONS):
        middle = (below + above) / 2
        below, above = (middle, above) if sign(middle) == sign(below) else (below, middle)
    with ctx.workprec(PRECISIONS[1]):
        return arb(below).union(arb(above))


class Evaluator:
    """Evaluates at one point in one precision, each subexpression once; `at` holds the indices of sums."""

    def __init__(self, point: Point, at: Mapping[Expr, Expr] | None = None) -> None:
        self.point, self.at = point, dict(at or {})
        self._known: dict[Expr, Number] = {}

    def __call__(self, expr: Expr) -> Number:
        if expr not in self._known:
            found = self._value(expr)
            if isinstance(found, arb) and not found.is_finite():
                raise Unclear(f"{expr} has no finite value")
            self._known[expr] = found
        return self._known[expr]

    def _value(self, expr: Expr) -> Number:
        match expr:
            case sp.Rational():
                return fmpq(expr.p, expr.q)
            case sp.Symbol() | sp.Indexed():
                entry = self._placed(expr.xreplace(self.at))
                return fmpq(int(entry)) if entry.is_Integer else self.point.value(entry)
            case sp.Add():
                return sum(map(self, expr.args))
            case sp.Mul():
                return prod(map(self, expr.args))
            case sp.Pow():
                return self._power(self(expr.base), expr.exp)
            case sp.Sum():
                return self._sum(expr)
            case sp.Piecewise():
                return self._piece(expr)
            case sp.KroneckerDelta():
                return fmpq(int(self(expr.args[0]) == self(expr.args[1])))
            case Undefined():
                return self._polynomial(expr.name, expr.orders, [self(argument) for argument in expr.args])
        if expr is sp.pi:
            return arb.pi()
        if expr is sp.E:
            return arb.const_e()
        if expr.func in FUNCTIONS:
            return FUNCTIONS[expr.func](arb(self(expr.args[0])))
        raise Unclear(f"{expr.func.__name__} cannot be evaluated")

    def _placed(self, entry: Expr) -> Expr:
        """An entry with numbers for computed positions and sizes: A[n + 1] is A[3] where n = 2."""
        if not isinstance(entry, sp.Indexed):
            return entry
        drawn = {place for place in entry.indices if not place.is_Symbol or place.is_positive}
        symbols = {symbol for place in drawn for symbol in place.free_symbols}
        values = {symbol: sp.Integer(int(self(symbol))) for symbol in symbols if symbol.is_integer}
        return entry.base[
            tuple(place.xreplace(values) if place in drawn else place for place in entry.indices)
        ]

    def _piece(self, expr: sp.Piecewise) -> Number:
        for value, condition in expr.args:
            if self._holds(condition):
                return self(value)
        raise Unclear(f"no piece of {expr} holds")

    def _power(self, base: Number, exponent: Expr) -> Number:
        if exponent.is_Integer and abs(exponent) <= MAX_EXACT_POWER and (base != 0 or exponent.is_positive):
            return base ** int(exponent)
        return arb(base) ** arb(self(exponent))

    def _sum(self, total: sp.Sum) -> Number:
        inside, index, ends = opened(total)
        first, last = (int(self(end)) for end in ends)
        if last - first > MAX_TERMS:
            raise Unclear(f"a sum of {last - first} terms")
        places = (Evaluator(self.point, {**self.at, index: sp.Integer(at)}) for at in range(first, last + 1))
        return sum((evaluate(inside) for evaluate in places), fmpq(0))

    def _holds(self, condition: Any) -> bool:
        match condition:
            case BooleanAtom():
                return bool(condition)
            case And():
                return all(map(self._holds, condition.args))
            case Or():
                return any(map(self._holds, condition.args))
            case ITE():
                test, then, otherwise = condition.args
                return self._holds(then if self._holds(test) else otherwise)
            case Not():
                return not self._holds(condition.args[0])
            case Relational():
                return self._compare(condition.rel_op, self(condition.lhs) - self(condition.rhs))
        raise Unclear(f"{condition} cannot be evaluated")

    def _compare(self, relation: str, gap: Number) -> bool:
        if isinstance(gap, arb) and gap.contains(0) and not gap.is_zero():
            raise Unclear("two values cannot be told apart")
        return bool(COMPARE[relation](gap, 0))

    def _polynomial(self, name: str, orders: tuple[int, ...], arguments: list[Number]) -> Number:
        total = fmpq(0)
        for powers, coefficient in self.point.coefficients(name, len(orders)).items():
            if all(power >= order for power, order in zip(powers, orders, strict=True)):
                falling = prod(
                    power - back for power, order in zip(powers, orders, strict=True) for back in range(order)
                )
                left = (x ** (p - o) for x, p, o in zip(arguments, powers, orders, strict=True))
                total += prod(left, start=coefficient * falling)
        return total


def _polynomial(coefficients: Mapping[tuple[int, ...], fmpq]) -> str:
    arity = len(next(iter(coefficients)))
    arguments = sp.symbols("u v w")[:arity] if arity <= FEW else sp.symbols(f"u1:{arity + 1}")
    terms = (
        rational(c) * sp.Mul(*(u**p for u, p in zip(arguments, powers, strict=True)))
        for powers, c in coefficients.items()
    )
    return str(sp.Add(*terms))
