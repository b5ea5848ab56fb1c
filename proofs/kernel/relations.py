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

import sympy as sp
from flint import fmpq

from proofs.kernel.balls import Evaluator, Number, Point, Unclear
from proofs.kernel.polynomials import Expr, Quotient, Undecided, rational
from proofs.kernel.reading import Reader


class Relations:
    """What is given, in one ring."""

    def __init__(self, read: Reader, given: tuple[Expr, ...]) -> None:
        self.ring = read.ring
        for _ in given:  # what one equation eliminates may stand in the arguments of another
            for equation in given:
                self._eliminate(Reader(read.exponentials)(equation))
        self.nonlinear = [self._polynomial(left) for left in map(read, given) if not left.is_zero]

    def imply(self, difference: Quotient) -> bool:
        """Whether a quotient is 0 wherever all that is given holds and its denominator is not 0."""
        if difference.is_zero or not self.nonlinear:
            return difference.is_zero
        _, rest = sp.reduced(self._polynomial(difference), self._basis, order="grevlex")
        return bool(rest == 0)

    def _eliminate(self, equation: Quotient) -> None:
        """Solve an equation for the generator that was met last, of those that occur linearly and alone."""
        for place in reversed(self.ring.occurring(equation.num)):
            terms = self.ring.collected(equation.num, [place])
            is_linear = max(terms) == (1,) and terms[1,].is_constant()
            if is_linear and not self.ring.generators[place].power:
                rest = self.ring.whole(terms.get((0,), self.ring.zero.num))
                self.ring.relate(place, 1, -rest / self.ring.whole(terms[1,]))
                return

    @cached_property
    def _basis(self) -> list[Expr]:
        """A Gröbner basis; Undecided where it is 1, for nothing satisfies what is given."""
        numbers = [poly for poly in self.nonlinear if poly.is_Number]
        basis = numbers or list(sp.groebner(self.nonlinear, order="grevlex").exprs)
        if basis[0].is_Number:
            raise Undecided("what is given cannot hold")
        return basis

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
