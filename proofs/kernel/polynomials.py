"""Quotients of polynomials over ℚ in generators: the arithmetic in which proofs are decided.

A generator stands for a real quantity: a symbol, g(z), exp(z), √2. It may satisfy one relation tⁿ = p over
earlier generators: √2² = 2, sin² = 1 − cos². A quotient is kept canonical: relations reduced, square roots
out of the denominator, lowest terms, a monic denominator. (Roots of a higher degree may stay in a
denominator; equal quotients may then have several forms, and their difference still has the form 0.)

A canonical zero proves that two sides are equal, wherever both are continuous. Of a quotient that is not zero
nothing follows: generators may satisfy relations that are not known here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias

import sympy as sp
from flint import Ordering, fmpq, fmpq_mpoly_ctx

Expr: TypeAlias = sp.Expr
Poly: TypeAlias = Any  # python-flint has no type information
Monomial = tuple[int, ...]
MAX_PRODUCTS: Final = 2_000_000  # term by term products in one multiplication: about a second
MAX_DEGREE: Final = 1_000
MAX_FACTORED: Final = 200  # terms; a larger polynomial is not factored
SHOWN: Final = 12  # terms of a quotient in a sentence


class Undecided(Exception):
    """The normal form cannot answer; the message is the reason."""


class Restart(Exception):
    """The plan has changed: do the work again in a ring built from it."""


@dataclass(slots=True)
class Plan:
    """What a ring must have from the beginning: room for generators, and roots of basis exponentials."""

    capacity: int = 32
    roots: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Generator:
    """A real quantity, made of the symbols `within`; with a relation, its `power` equals `value`.

    `write` gives it in SymPy's terms, which may be large where the quotients in it are small.
    """

    write: Callable[[], Expr]
    within: frozenset[Expr]
    positive: bool = False
    power: int = 0
    value: Quotient | None = None
    symbol: Expr | None = None
    exponent: Quotient | None = None  # u, of exp(u)

    @staticmethod
    def of(symbol: Expr) -> Generator:
        """A symbol or an entry, such as z or X[1, c]."""
        positive = symbol.is_positive is True
        return Generator(lambda: symbol, frozenset(symbol.free_symbols), positive, symbol=symbol)


@dataclass(frozen=True, slots=True, eq=False)
class Quotient:
    """num/den in one ring, canonical."""

    ring: Ring
    num: Poly
    den: Poly

    def __add__(self, other: Quotient) -> Quotient:
        if self.den == other.den:
            return self.ring.quotient(self.num + other.num, self.den)
        times = self.ring.product
        num = times(self.num, other.den) + times(other.num, self.den)
        return self.ring.quotient(num, times(self.den, other.den))

    def __sub__(self, other: Quotient) -> Quotient:
        return self + -other

    def __neg__(self) -> Quotient:
        return Quotient(self.ring, -self.num, self.den)

    def __mul__(self, other: Quotient) -> Quotient:
        times = self.ring.product
        return self.ring.quotient(times(self.num, other.num), times(self.den, other.den))

    def __truediv__(self, other: Quotient) -> Quotient:
        times = self.ring.product
        return self.ring.quotient(times(self.num, other.den), times(self.den, other.num))

    def __pow__(self, exponent: int) -> Quotient:
        if exponent < 0:
            return self.ring.one / self**-exponent
        if exponent > MAX_DEGREE:
            raise Undecided(f"a power of {exponent} is beyond {MAX_DEGREE}")
        result, square = self.ring.one, self
        for bit in bin(exponent)[:1:-1]:
            result = result * square if bit == "1" else result
            exponent >>= 1
            square = square * square if exponent else square
        return result

    @property
    def is_zero(self) -> bool:
        return bool(self.num.is_zero())

    @property
    def key(self) -> Hashable:
        """The same for no others than equal quotients of one ring, and for these where they are canonical."""
        return tuple(self.num.terms()), tuple(self.den.terms())

    @property
    def constant(self) -> sp.Rational | None:
        """The rational number that this is, if it is one."""
        if not (self.num.is_constant() and self.den.is_constant()):
            return None
        return rational(self.num.leading_coefficient()) if self.num else sp.Integer(0)

    @property
    def exponent(self) -> Quotient | None:
        """u, if this is a generator exp(u)."""
        places = self.ring.occurring(self.num)
        is_generator = len(places) == 1 and self.num == self.ring.context.gen(places[0]) and self.den.is_one()
        return self.ring.generators[places[0]].exponent if is_generator else None

    @property
    def leads_positive(self) -> bool:
        """Which of u and −u this is."""
        return bool(self.num.leading_coefficient() > 0)

    @property
    def within(self) -> frozenset[Expr]:
        """The symbols that this is made of."""
        generators = self.ring.generators
        return frozenset[Expr]().union(
            *(generators[place].within for place in self.ring.occurring(self.num, self.den))
        )

    @property
    def positive(self) -> bool:
        """Whether this is seen to be greater than 0 from signs alone."""
        return self.ring.positive(self.num) and self.ring.positive(self.den)

    @property
    def nonzero(self) -> bool:
        """Whether this is seen not to be 0: a sum of terms of one sign."""
        return any(self.ring.positive(num) for num in (self.num, -self.num)) and self.ring.positive(self.den)


class Ring:
    """Generators, in the order in which they appeared, and arithmetic on quotients of polynomials in them."""

    def __init__(self, plan: Plan, deadline: float) -> None:
        self.plan, self.deadline = plan, deadline
        self.context = fmpq_mpoly_ctx.get([("t", plan.capacity)], Ordering.lex)
        self.generators: list[Generator] = []
        self.places: dict[Hashable, int] = {}
        self._has_relations = False
        self.zero, self.one = self.constant(sp.Integer(0)), self.constant(sp.Integer(1))

    def constant(self, value: sp.Rational) -> Quotient:
        return self.whole(self.context.constant(fmpq(value.p, value.q)))

    def whole(self, poly: Poly) -> Quotient:
        """A polynomial as a quotient."""
        return Quotient(self, poly, self.context.constant(1))

    def generator(self, key: Hashable, make: Callable[[], Generator]) -> Quotient:
        """The generator with this key, made when it is first met."""
        if key not in self.places:
            made = make()
            if len(self.generators) == self.plan.capacity:
                self.plan.capacity *= 2
                raise Restart
            self.places[key] = len(self.generators)
            self.generators.append(made)
            self._has_relations |= bool(made.power)
        return self.at(self.places[key])

    def at(self, place: int) -> Quotient:
        return self.quotient(self.context.gen(place), self.one.num)

    def relate(self, place: int, power: int, value: Quotient) -> None:
        """From now on generator `place` to the `power` is `value`."""
        self.generators[place] = replace(self.generators[place], power=power, value=value)
        self._has_relations = True

    def product(self, a: Poly, b: Poly) -> Poly:
        if len(a) * len(b) > MAX_PRODUCTS:
            raise Undecided(f"a product of {len(a)} by {len(b)} terms is beyond {MAX_PRODUCTS:,}")
        if time.monotonic() > self.deadline:
            raise Undecided("the time is up")
        return a * b

    def quotient(self, num: Poly, den: Poly) -> Quotient:
        return self.reduced(num, den) if self._has_relations else self.lowest(num, den)

    def lowest(self, num: Poly, den: Poly) -> Quotient:
        """num/den in lowest terms, the denominator monic."""
        if den.is_zero():
            raise Undecided("it divides by zero")
        if max(num.total_degree(), den.total_degree()) > MAX_DEGREE:
            raise Undecided(f"a degree beyond {MAX_DEGREE}")
        if not den.is_constant():
            common = num.gcd(den)
            num, den = num / common, den / common
        lead = den.leading_coefficient()
        return Quotient(self, num / lead, den / lead)

    def reduced(self, num: Poly, den: Poly) -> Quotient:
        """num/den modulo the relations, with no square root in the denominator."""
        above, below = num.degrees(), den.degrees()
        for place, generator in enumerate(self.generators):
            power = generator.power
            if power and max(above[place], below[place]) >= power:
                return self._folded(num, place) / self._folded(den, place)
            if power == 2 and below[place] == 1:
                conjugate = self._conjugate(den, place)
                return self.quotient(self.product(num, conjugate), self.product(den, conjugate))
        return self.lowest(num, den)

    def _folded(self, poly: Poly, place: int) -> Quotient:
        """A polynomial in which tⁿ has been replaced by its value."""
        power, value = self.generators[place].power, self.generators[place].value
        assert value is not None
        parts = (
            self.whole(part * self.context.gen(place) ** (exponent % power)) * value ** (exponent // power)
            for (exponent, *_), part in self.collected(poly, [place]).items()
        )
        return sum(parts, self.zero)

    def _conjugate(self, poly: Poly, place: int) -> Poly:
        """a − b t for a + b t."""
        parts = self.collected(poly, [place])
        return parts.get((0,), self.zero.num) - parts[1,] * self.context.gen(place)

    def collected(self, poly: Poly, places: Iterable[int]) -> dict[Monomial, Poly]:
        """A polynomial as one in the generators at `places`: exponents, with coefficients in the others."""
        chosen = list(places)
        terms: dict[Monomial, dict[Monomial, Any]] = {}
        for monomial, coefficient in poly.terms():
            rest = list(monomial)
            for place in chosen:
                rest[place] = 0
            terms.setdefault(tuple(int(monomial[place]) for place in chosen), {})[tuple(rest)] = coefficient
        return {exponents: self.context.from_dict(part) for exponents, part in terms.items()}

    def factored(self, poly: Poly) -> list[tuple[Poly, int]]:
        """Powers of monic irreducible polynomials: with its leading coefficient, they are the polynomial.

        A large one is left whole.
        """
        factors = poly.factor()[1] if len(poly) <= MAX_FACTORED else [(poly, 1)]
        return [(factor / factor.leading_coefficient(), int(power)) for factor, power in factors]

    def occurring(self, *polys: Poly) -> list[int]:
        """Places of the generators that occur in any of the polynomials."""
        degrees = [poly.degrees() for poly in polys]
        return [
            place for place in range(len(self.generators)) if any(degree[place] > 0 for degree in degrees)
        ]

    def positive(self, poly: Poly) -> bool:
        """Whether it is seen to be above 0 from signs alone: 1 + z² and 1 + exp(z) are, 2 + sin(z) is not."""
        strict = False
        for monomial, coefficient in poly.terms():
            unsure = [
                power for place, power in enumerate(monomial) if power and not self.generators[place].positive
            ]
            if coefficient < 0 or any(power % 2 for power in unsure):
                return False
            strict |= not unsure
        return strict

    def expression(self, quotient: Quotient) -> Expr:
        """The quotient in SymPy's terms, for messages and for solving."""
        return self._poly_expression(quotient.num) / self._poly_expression(quotient.den)

    def text(self, quotient: Quotient) -> str:
        """The quotient for a sentence, its size in words where it is large."""
        size = len(quotient.num) + len(quotient.den)
        return str(self.expression(quotient)) if size <= SHOWN else f"a quotient of {size} terms"

    def _poly_expression(self, poly: Poly) -> Expr:
        terms = []
        for monomial, coefficient in poly.terms():
            places = [place for place, power in enumerate(monomial) if power]
            powers = (self.generators[place].write() ** int(monomial[place]) for place in places)
            terms.append(sp.Mul(rational(coefficient), *powers))
        return sp.Add(*terms)


def rational(value: fmpq) -> sp.Rational:
    """The same number in SymPy."""
    return sp.Rational(int(value.p), int(value.q))
