"""Equations that are given, such as Σ t = 1 for labels and t² = t for one-hot labels.

An equation in which a generator occurs linearly, with a number before it, eliminates that generator,
wherever it occurs. What the others imply is decided at the end by a Gröbner basis: of the difference of two
sides only its numerator has to lie in the ideal. (That is not all that follows over the reals: t² = 0 does
not give t = 0 here.)
"""

from __future__ import annotations

import random
from contextlib import suppress
from functools import cached_property
from typing import Any

import sympy as sp
from flint import fmpq

from proofs.kernel.balls import Evaluator, Number, Point, Unclear
from proofs.kernel.polynomials import Expr, Quotient, rational
from proofs.kernel.reading import Reader


class Relations:
    """What is given, in one ring."""

    def __init__(self, read: Reader, given: tuple[Expr, ...]) -> None:
        self.ring = read.ring
        others = [equation for equation in map(read, given) if not self._eliminates(equation)]
        left = [self.ring.quotient(each.num, each.den) for each in others]  # with what has been eliminated
        self.nonlinear = [self._polynomial(each) for each in left if not each.is_zero]

    def imply(self, difference: Quotient) -> bool:
        """Whether a quotient is 0 wherever all that is given holds and its denominator is not 0."""
        if difference.is_zero or not self.nonlinear:
            return difference.is_zero
        _, rest = sp.reduced(
            self._polynomial(difference), self._basis.exprs, *self._basis.gens, order="grevlex"
        )
        return bool(rest == 0)

    def _eliminates(self, equation: Quotient) -> bool:
        """Solve an equation for the generator that was met last, of those that occur linearly and alone."""
        for place in reversed(self.ring.occurring(equation.num)):
            terms = self.ring.collected(equation.num, [place])
            slope = self.ring.whole(terms.get((1,), self.ring.zero.num))
            rest = self.ring.whole(terms.get((0,), self.ring.zero.num))
            related = self.ring.generators[place].power
            if set(terms) <= {(0,), (1,)} and slope.constant and not related:
                self.ring.relate(place, 1, -rest / slope)
                return True
        return False

    @cached_property
    def _basis(self) -> Any:
        symbols = sorted({symbol for poly in self.nonlinear for symbol in poly.free_symbols}, key=str)
        return sp.groebner(self.nonlinear, *symbols, order="grevlex")

    def _polynomial(self, quotient: Quotient) -> Expr:
        """The numerator, with a symbol for each generator."""
        terms = []
        for monomial, coefficient in quotient.num.terms():
            powers = (sp.Symbol(f"t{place}") ** int(power) for place, power in enumerate(monomial) if power)
            terms.append(sp.Mul(rational(coefficient), *powers))
        return sp.Add(*terms)


def settle(point: Point, given: tuple[Expr, ...]) -> bool:
    """Move a point to where everything given is 0, one value for each equation; False where it stays off."""
    moved: set[Expr] = set()
    for equation in sorted(given, key=lambda each: len(each.free_symbols)):  # t² = t before Σ t = 1
        with suppress(Unclear):
            if _value(equation, point) == 0:
                continue
            drawn = [name for name in point.values if equation.has(name) or isinstance(name, sp.Indexed)]
            free = (name for name in drawn if name not in moved and not name.is_integer)
            found = next((name for name in free if _solve(equation, name, point)), None)
            if found is None:
                return False
            moved.add(found)
            continue
        return False
    with suppress(Unclear):
        return all(_value(equation, point) == 0 for equation in given)
    return False


def _solve(equation: Expr, name: Expr, point: Point) -> bool:
    """Give one symbol the value at which an equation holds: 0, 1, or by what it is linear in it."""
    before = point.values[name]
    at_0, at_1, at_2 = (_value(equation, point, name, fmpq(value)) for value in (0, 1, 2))
    slope = at_1 - at_0
    tries = [fmpq(value) for value in random.Random(f"{point.seed} {name}").sample((0, 1), 2)]
    if slope != 0 and at_2 - at_1 == slope:
        tries.append(-at_0 / slope)
    for value in tries:
        if _value(equation, point, name, value) == 0:
            return True
    point.values[name] = before
    return False


def _value(equation: Expr, point: Point, name: Expr | None = None, value: Number = None) -> Number:
    if name is not None:
        point.values[name] = value
    return Evaluator(point)(equation)
