"""Exact evaluation of two sides at random rational points, beside every "equal".

Symbols and entries get whole numbers from 1 to S, sizes small ones. An undefined function gets a number of
its own for each value of its arguments. An exponential is eᵘ = Π_M E_M^(N q), over the monomials q M of u,
with a number for each E_M that stands for exp(M/N); N is common to all exponents, so that all powers are
whole. What is evaluated is then a quotient of polynomials in independent numbers, with the rules of
exponents and nothing else: the reading of SymPy's expressions, the basis of exponents and cancelling are
not relied upon.

Error probability. If the two sides are not the same quotient for the sizes and the places of free indices
that are drawn, their difference has a numerator that is not 0, of a degree d that is bounded on the way, and
it vanishes at a random point with probability at most d/S (Schwartz 1980, Zippel 1979). Two applications of
an undefined function whose arguments differ meet by chance with at most the probability that the degree of
these gives. Both are added up.
"""

from __future__ import annotations

import random
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from math import comb, lcm
from typing import Any, Final

import sympy as sp
from flint import fmpq

from proofs.kernel.polynomials import Expr
from proofs.kernel.reading import opened
from symbolic.grammar.functions import undefined_parts

RANGE: Final = 2**40
POINTS: Final = 2
MAX_DEGREE: Final = 3_000  # of a side: numbers of some 100,000 bits
MAX_VALUES: Final = 20_000  # at one point
HYPERBOLIC: Final = (sp.tanh, sp.sinh, sp.cosh)


class NotExact(Exception):
    """The two sides have no exact values; the message says why."""


@dataclass(frozen=True, slots=True)
class Value:
    """A number, and bounds on the degrees of the numerator and the denominator that it is a value of."""

    number: fmpq
    above: int = 0
    below: int = 0

    def plus(self, other: Value) -> Value:
        above = max(self.above + other.below, other.above + self.below)
        degrees = _bounded(above, self.below + other.below)
        return Value(self.number + other.number, *degrees)

    def times(self, other: Value) -> Value:
        degrees = _bounded(self.above + other.above, self.below + other.below)
        return Value(self.number * other.number, *degrees)

    def inverse(self) -> Value:
        if self.number == 0:
            raise NotExact("it divides by zero")
        return Value(1 / self.number, self.below, self.above)

    def power(self, exponent: int) -> Value:
        if exponent < 0:
            return self.inverse().power(-exponent)
        degrees = _bounded(self.above * exponent, self.below * exponent)
        return Value(self.number**exponent, *degrees)


@dataclass(frozen=True, slots=True)
class Agreement:
    """The same exact values at some points; `chance` bounds the probability of an accident."""

    points: int
    chance: sp.Rational

    def __str__(self) -> str:
        points = f"exact values at {self.points} random points agree"
        return f"{points}, by chance with probability below {below(self.chance)}"


def below(chance: sp.Rational) -> str:
    """A power of ten that a probability does not reach: 1e-21."""
    return f"1e{int(sp.floor(sp.log(chance, 10))) + 1}"


def agreement(left: Expr, right: Expr, sizes: Mapping[sp.Symbol, Expr] | None = None) -> Agreement | None:
    """Compare two sides at random points; None where they differ at one. Raises NotExact.

    `sizes` are those of free indices, which then get places within them.
    """
    scale = _common_denominator(left, right)
    chance = sp.S.One
    for seed in range(POINTS):
        evaluate = _Evaluator(seed, scale)
        at = {index: evaluate.place(index, size) for index, size in (sizes or {}).items()}
        first, second = evaluate(left, at), evaluate(right, at)
        if first.number != second.number:
            return None
        chance *= sp.Rational(evaluate.degree(first, second), RANGE)
    return Agreement(POINTS, chance)


def _common_denominator(*sides: Expr) -> int:
    """N, of all coefficients in exponents; NotExact where one is no polynomial."""
    exponents = {node.args[0] for side in sides for node in side.atoms(sp.exp, *HYPERBOLIC)}
    if any(each.has(sp.Function, sp.Sum) for each in exponents):
        raise NotExact("an exponent is no polynomial")
    found = [q for each in exponents for q in sp.expand(each).as_coefficients_dict().values()]
    return lcm(*(int(q.q) for q in found if q.is_Rational))


@dataclass
class _Evaluator:
    seed: int
    scale: int
    drawn: dict[Hashable, fmpq] = field(default_factory=dict)
    arguments: list[int] = field(default_factory=list)  # degrees of those of undefined functions
    known: dict[Any, Value] = field(default_factory=dict)

    def __call__(self, expr: Expr, at: Mapping[Expr, Expr] | None = None) -> Value:
        place = at or {}
        key = (expr, tuple(place.items()))
        if key not in self.known:
            if len(self.known) > MAX_VALUES:
                raise NotExact(f"it has more than {MAX_VALUES:,} values on the way")
            self.known[key] = self._value(expr, place)
        return self.known[key]

    def place(self, index: sp.Symbol, size: Expr) -> sp.Integer:
        """A place for a free index."""
        return sp.Integer(random.Random(f"{self.seed} {index}").randint(1, int(self(size).number)))

    def degree(self, left: Value, right: Value) -> int:
        """A bound on that of the numerator of left − right, with those by which arguments might meet."""
        most = 2 * max(self.arguments, default=0)
        pairs = comb(len(self.arguments), 2)
        return max(left.above + right.below, right.above + left.below, 1) + pairs * most

    def _value(self, expr: Expr, at: Mapping[Expr, Expr]) -> Value:
        match expr:
            case sp.Rational():
                return Value(fmpq(expr.p, expr.q))
            case sp.Symbol() | sp.Indexed():
                return self._entry(expr.xreplace(dict(at)))
            case sp.Add():
                return reduce(Value.plus, (self(part, at) for part in expr.args))
            case sp.Mul():
                return reduce(Value.times, (self(part, at) for part in expr.args))
            case sp.Pow() if expr.exp.is_Integer:
                return self(expr.base, at).power(int(expr.exp))
            case sp.exp():
                return self._exponential(expr.args[0], at)
            case sp.tanh() | sp.sinh() | sp.cosh():
                return self._hyperbolic(expr, at)
            case sp.Sum():
                return self._sum(expr, at)
            case sp.KroneckerDelta():
                first, second = (self(part, at).number for part in expr.args)
                return Value(fmpq(int(first == second)))
            case sp.Piecewise():
                raise NotExact("it has cases")
        if expr is sp.E:
            return self._exponential(sp.S.One, at)
        if undefined_parts(expr) is not None:
            arguments = [self(part, at) for part in expr.args]
            self.arguments.append(max(each.above + each.below for each in arguments))
            return self._number((expr.func, *(str(each.number) for each in arguments)))
        raise NotExact(f"{expr.func.__name__} has no exact value")

    def _entry(self, entry: Expr) -> Value:
        if entry.is_Integer:
            return Value(fmpq(int(entry)))
        if entry.is_integer:
            return Value(fmpq(random.Random(f"{self.seed} {entry}").randint(1, 3)))
        return self._number(entry)

    def _number(self, key: Hashable) -> Value:
        if key not in self.drawn:
            self.drawn[key] = fmpq(random.Random(f"{self.seed} {key}").randint(1, RANGE))
        return Value(self.drawn[key], 1)

    def _hyperbolic(self, expr: Expr, at: Mapping[Expr, Expr]) -> Value:
        up = self._exponential(expr.args[0], at)
        down, two = up.inverse(), Value(fmpq(2))
        sinh, cosh = up.plus(down.times(Value(fmpq(-1)))), up.plus(down)  # twice each
        above, below = {sp.tanh: (sinh, cosh), sp.sinh: (sinh, two), sp.cosh: (cosh, two)}[expr.func]
        return above.times(below.inverse())

    def _exponential(self, exponent: Expr, at: Mapping[Expr, Expr]) -> Value:
        factors = []
        terms = sp.expand(exponent.xreplace(dict(at))).as_coefficients_dict()
        for monomial, coefficient in terms.items():
            powers = monomial.atoms(sp.Pow)
            if not all(each.exp.is_Integer and each.exp.is_positive for each in powers):
                raise NotExact("an exponent is no polynomial")
            factors.append(self._number(("exp", monomial)).power(int(coefficient * self.scale)))
        return reduce(Value.times, factors)

    def _sum(self, total: sp.Sum, at: Mapping[Expr, Expr]) -> Value:
        inside, index, ends = opened(total)
        first, last = (int(self(end, at).number) for end in ends)
        terms = (self(inside, {**at, index: sp.Integer(place)}) for place in range(first, last + 1))
        return reduce(Value.plus, terms, Value(fmpq(0)))


def _bounded(above: int, below: int) -> tuple[int, int]:
    """The degrees, before anything is calculated that has them."""
    if above + below > MAX_DEGREE:
        raise NotExact(f"degrees beyond {MAX_DEGREE:,}")
    return above, below
