"""Exponentials reduced to a basis of their exponents over ℚ.

exp(z/2) = t, exp(z) = t², exp(−z) = t⁻², exp(z/2 + w) = t·u: exponents that are linear combinations of
others are written in them, so that exponentials of what is left are independent generators. A combination
with fractions needs a finer root of a basis exponential; `Restart` then asks for the same work in a ring
that has it from the beginning.
"""

from __future__ import annotations

from functools import reduce
from math import lcm
from operator import mul
from typing import Any

import sympy as sp
from flint import fmpq, fmpq_mat

from proofs.kernel.polynomials import Generator, Quotient, Restart, Ring


class Exponentials:
    """A basis of the exponents in one ring, in the order in which they appeared."""

    def __init__(self, ring: Ring) -> None:
        self.ring, self.roots = ring, ring.plan.roots
        self.basis: list[tuple[Quotient, int]] = []  # each exponent with the place of its generator
        self.logarithms: dict[int, Quotient] = {}  # what the generator at a place is the logarithm of

    def exp(self, exponent: Quotient) -> Quotient:
        """exp(exponent) as a product of powers of the basis exponentials."""
        if exponent.is_zero:
            return self.ring.one
        coordinates = self._coordinates(exponent)
        if coordinates is None:
            coordinates = [fmpq(0)] * len(self.basis) + [fmpq(1)]
            self._extend(exponent)
        factors = []
        for number, coordinate in enumerate(coordinates):
            denominator = int(coordinate.q)
            if self.roots[number] % denominator:
                self.roots[number] = lcm(self.roots[number], denominator)
                raise Restart
            factors.append(self.ring.at(self.basis[number][1]) ** int(coordinate * self.roots[number]))
        return reduce(mul, factors)

    def _extend(self, exponent: Quotient) -> None:
        number = len(self.basis)
        if number == len(self.roots):
            self.roots.append(1)
        root = self.roots[number]
        made = Generator(
            lambda: sp.exp(self.ring.expression(exponent) / root),
            exponent.within,
            positive=True,
            exponent=exponent / self.ring.constant(sp.Integer(root)),
        )
        self.ring.generator(("exp", number), lambda: made)
        self.basis.append((exponent, self.ring.places["exp", number]))

    def _coordinates(self, exponent: Quotient) -> list[Any] | None:
        """Rational rᵢ with exponent = Σ rᵢ·(basis exponent i), if there are any."""
        columns = [*(known for known, _ in self.basis), exponent]
        common = self.ring.one.num
        for column in columns:
            common = self.ring.product(common, column.den / common.gcd(column.den))
        over = [dict(self.ring.product(column.num, common / column.den).terms()) for column in columns]
        monomials = dict.fromkeys(monomial for column in over for monomial in column)
        rows = [[column.get(monomial, fmpq(0)) for column in over] for monomial in monomials]
        echelon, rank = fmpq_mat(rows).rref()
        known = len(self.basis)
        return None if rank > known else [echelon[row, known] for row in range(known)]
