"""Reading a SymPy expression as a quotient of polynomials in generators.

    tanh u = 1 − 2/(exp(2u) + 1)      exp(u + v) = exp u · exp v         log(exp(u)·v) = u + log v   for v > 0
    exp(r log v) = vʳ                 exp(u) > 1 where u > 0
    erfc u = 1 − erf u                erf(−u) = −erf u                   sin² u = 1 − cos² u
    (ⁿ√p)ⁿ = p                        Σ_c (a f(c) + g(c)) = a Σ_c f(c) + Σ_c g(c)

Arguments are read first, so that g(a + b) and g(b + a) are one generator. What a reading takes for granted (a
denominator is not 0, the argument of a logarithm is positive) is kept in `assumptions`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial, reduce
from math import prod
from operator import add, mul
from typing import Any, Final

import sympy as sp
from flint import fmpq
from sympy.codegen.cfunctions import expm1, log1p

from proofs.kernel.exponentials import Exponentials
from proofs.kernel.polynomials import Expr, Generator, Poly, Quotient, Undecided, rational
from symbolic.grammar.functions import undefined_parts
from symbolic.plain import PlainSum

MAX_PRIME: Final = 1_000  # what is left of a number without its smaller primes stays whole


@dataclass(frozen=True, slots=True)
class Assumption:
    """`quotient` `relation` `bound`, where the relation is one of != > >=."""

    quotient: Quotient
    relation: str
    bound: sp.Rational

    def __str__(self) -> str:
        sign = {"!=": "≠", ">": ">", ">=": "≥"}[self.relation]
        return f"{self.quotient.ring.text(self.quotient)} {sign} {self.bound}"


class Reader:
    """Reads expressions into one ring, each subexpression once."""

    def __init__(self, exponentials: Exponentials) -> None:
        self.exponentials, self.ring = exponentials, exponentials.ring
        self.assumptions: list[Assumption] = []
        self.one, self.two = self.ring.one, self.ring.constant(sp.Integer(2))
        self._read: dict[Expr, Quotient] = {}

    def __call__(self, expr: Expr) -> Quotient:
        """The quotient of an expression; Undecided, with the reason, where a part of it has no rule."""
        if expr not in self._read:
            self._read[expr] = self._quotient(expr)
        return self._read[expr]

    def _quotient(self, expr: Expr) -> Quotient:
        match expr:
            case sp.Rational():
                return self.ring.constant(expr)
            case sp.Symbol() | sp.Indexed():
                return self.ring.generator(expr, lambda: Generator.of(expr))
            case sp.Add():
                return reduce(add, map(self, expr.args))
            case sp.Mul():
                return reduce(mul, map(self, expr.args))
            case sp.Pow():
                return self._power(self(expr.base), expr.exp)
            case sp.Sum():
                return self._sum(expr)
            case sp.Piecewise():
                raise Undecided("a case distinction depends on the index of a sum")
        if expr is sp.E:
            return self.exp(self.one)
        if expr is sp.pi:
            return self.ring.generator(expr, lambda: Generator(lambda: expr, frozenset(), positive=True))
        if expr.func in RULES:
            return RULES[expr.func](self, self(expr.args[0]))
        if undefined_parts(expr) is not None:
            return self.applied(expr.func, *map(self, expr.args))
        raise Undecided(f"there is no rule for {expr.func.__name__}")

    def applied(self, function: Any, *arguments: Quotient) -> Quotient:
        """A generator of its own for a function of these arguments."""
        within = frozenset[Expr]().union(*(argument.within for argument in arguments))
        made = Generator(lambda: function(*map(self.ring.expression, arguments)), within)
        return self.ring.generator((function, *(argument.key for argument in arguments)), lambda: made)

    def exp(self, exponent: Quotient) -> Quotient:
        """exp u, with exp(u + r log p) = exp(u)·pʳ for rational r."""
        powers = self.one
        for place, inside in self.exponentials.logarithms.items():
            times = self._multiple(exponent, place)
            if times != 0:
                exponent -= self.ring.at(place) * self.ring.constant(times)
                powers *= self._rational_power(inside, times)
        still = self._still(exponent)
        return powers * self.exponentials.exp(still) * self.exponentials.exp(exponent - still)

    def _still(self, quotient: Quotient) -> Quotient:
        """The terms over the denominator that do not depend on the index of a sum."""
        occurring = self.ring.occurring(quotient.num)
        moving = [p for p in occurring if any(map(_is_bound, self.ring.generators[p].within))]
        rest = self.ring.collected(quotient.num, moving).get((0,) * len(moving), self.ring.zero.num)
        return self.ring.quotient(rest, quotient.den)

    def _multiple(self, quotient: Quotient, place: int) -> sp.Rational:
        """r, where the quotient is r times the generator at a place, and terms other than its multiples."""
        if not quotient.den.is_constant():
            return sp.S.Zero
        ((generator, _),) = self.ring.context.gen(place).terms()
        return rational(dict(quotient.num.terms()).get(generator, fmpq(0)))

    def odd(self, function: Callable[[Quotient], Quotient], inside: Quotient) -> Quotient:
        """f(u) with f(−u) = −f(u)."""
        if inside.is_zero:
            return inside
        return function(inside) if inside.leads_positive else -function(-inside)

    def cos(self, inside: Quotient) -> Quotient:
        if inside.is_zero:
            return self.one
        return self.applied(sp.cos, inside if inside.leads_positive else -inside)

    def sin(self, inside: Quotient) -> Quotient:
        return self.odd(self._sin, inside)

    def _sin(self, inside: Quotient) -> Quotient:
        """sin u, with sin² u = 1 − cos² u."""
        square = self.one - self.cos(inside) ** 2
        made = Generator(lambda: sp.sin(self.ring.expression(inside)), inside.within, power=2, value=square)
        return self.ring.generator((sp.sin, inside.key), lambda: made)

    def assume(self, quotient: Quotient, relation: str, bound: sp.Rational = sp.S.Zero) -> None:
        self.assumptions.append(Assumption(quotient, relation, bound))

    def over(self, above: Quotient, below: Quotient) -> Quotient:
        if not below.nonzero:
            self.assume(below, "!=")
        return above / below

    def _power(self, base: Quotient, exponent: Expr) -> Quotient:
        if not exponent.is_Rational:
            return self.exp(self(exponent) * self.log(base))
        return self._rational_power(base, exponent)

    def _rational_power(self, base: Quotient, exponent: sp.Rational) -> Quotient:
        root = base if exponent.q == 1 else self._root(base, int(exponent.q))
        return (root if exponent.p > 0 else self.over(self.one, root)) ** abs(int(exponent.p))

    def _root(self, inside: Quotient, degree: int) -> Quotient:
        """The root of a quotient that is not negative; those of its primes are generators of their own."""
        if inside.is_zero:
            return inside
        size = abs(rational(inside.num.leading_coefficient()))
        rest = inside / self.ring.constant(size)
        if not rest.positive:
            self.assume(rest, ">=")
        roots = [self._new_root(prime, degree) ** power for prime, power in self._primes(size)]
        return reduce(mul, roots, self.one if rest.constant == 1 else self._new_root(rest, degree))

    def _new_root(self, inside: Quotient, degree: int) -> Quotient:
        def write() -> Expr:
            return self.ring.expression(inside) ** sp.Rational(1, degree)

        made = Generator(write, inside.within, inside.positive, degree, inside)
        return self.ring.generator(("root", degree, inside.key), lambda: made)

    def _primes(self, value: sp.Rational) -> list[tuple[Quotient, int]]:
        found = sp.factorrat(value, limit=MAX_PRIME)
        return [
            (self.ring.constant(sp.Integer(prime)), int(power))
            for prime, power in found.items()
            if prime != 1
        ]

    def log(self, inside: Quotient) -> Quotient:
        """The logarithms of the factors known to be positive, and that of the rest as a whole."""
        if inside.is_zero:
            raise Undecided("it takes the logarithm of 0")
        total, rest = self.ring.zero, self.one
        below = [(factor, -power) for factor, power in self._factors(inside.den)]
        for factor, power in [*self._factors(inside.num), *below]:
            if factor.positive:
                exponent = factor.exponent or self._logarithm(factor)
                total += exponent * self.ring.constant(sp.Integer(power))
            else:
                rest *= factor**power
        if rest.constant == 1:
            return total
        self.assume(rest, ">")
        return total + self._logarithm(rest)

    def _logarithm(self, inside: Quotient) -> Quotient:
        made = self.applied(sp.log, inside)
        self.exponentials.logarithms[self.ring.places[sp.log, inside.key]] = inside
        return made

    def _factors(self, poly: Poly) -> list[tuple[Quotient, int]]:
        """Powers of a sign, of primes and of irreducible polynomials, whose product is the polynomial."""
        found = [(self.ring.whole(factor), power) for factor, power in self.ring.factored(poly)]
        lead = rational(poly.leading_coefficient())
        return [*found, *self._primes(abs(lead)), *([] if lead > 0 else [(-self.one, 1)])]

    def _sum(self, total: sp.Sum) -> Quotient:
        """Σ over one index, monomial by monomial; what does not depend on the index stands outside."""
        inside, index, ends = opened(total)
        bound = _bound_index(inside)
        body, low, high = self(inside.xreplace({index: bound})), self(ends[0]), self(ends[1])
        occurring = self.ring.occurring(body.num, body.den)
        moving = [place for place in occurring if bound in self.ring.generators[place].within]
        content = reduce(lambda a, b: a.gcd(b), self.ring.collected(body.den, moving).values())
        result = self.ring.zero
        for powers, coefficient in self.ring.collected(body.num, moving).items():
            factors = (self.ring.context.gen(p) ** power for p, power in zip(moving, powers, strict=True))
            part = self.ring.quotient(prod(factors, start=self.one.num), body.den / content)
            result += self.ring.quotient(coefficient, content) * self._sum_of(part, bound, low, high)
        return result

    def _sum_of(self, part: Quotient, bound: sp.Symbol, low: Quotient, high: Quotient) -> Quotient:
        if part.constant == 1:
            return high - low + self.one
        inside, first, last = map(self.ring.expression, (part, low, high))
        if bound != (tight := _bound_index(inside)):  # a sum has been pulled out: another name is canonical
            return self(PlainSum(inside.xreplace({bound: tight}), (tight, first, last)))
        within = (part.within | low.within | high.within) - {bound}
        positive = part.positive and low.constant == 1 and high.positive
        made = Generator(lambda: PlainSum(inside, (bound, first, last)), within, positive)
        return self.ring.generator(("sum", part.key, low.key, high.key), lambda: made)

    def solve(self, equation: Expr) -> None:
        """Let the equation be 0 from now on, by solving it for a basis exponential in it."""
        left = self(equation).num
        for _, place in self.exponentials.basis:
            *_, ((power,), leading) = sorted(self.ring.collected(left, [place]).items())
            if power:
                rest = left - leading * self.ring.context.gen(place) ** power
                self.ring.relate(place, power, self.over(-self.ring.whole(rest), self.ring.whole(leading)))
                return
        raise Undecided(f"{equation} = 0 cannot be solved for an exponential")


RULES: Final[dict[Any, Callable[[Reader, Quotient], Quotient]]] = {
    sp.exp: Reader.exp,
    sp.log: Reader.log,
    sp.sin: Reader.sin,
    sp.cos: Reader.cos,
    sp.tan: lambda read, u: read.over(read.sin(u), read.cos(u)),
    sp.sinh: lambda read, u: (read.exp(u) - read.exp(-u)) / read.two,
    sp.cosh: lambda read, u: (read.exp(u) + read.exp(-u)) / read.two,
    sp.tanh: lambda read, u: read.one - read.two / (read.exp(u + u) + read.one),
    sp.atan: lambda read, u: read.odd(partial(read.applied, sp.atan), u),
    sp.erf: lambda read, u: read.odd(partial(read.applied, sp.erf), u),
    sp.erfc: lambda read, u: read.one - read.odd(partial(read.applied, sp.erf), u),
    expm1: lambda read, u: read.exp(u) - read.one,
    log1p: lambda read, u: read.log(read.one + u),
}


def opened(total: sp.Sum) -> tuple[Expr, sp.Symbol, sp.Tuple]:
    """What a sum sums, its outermost index, and from where to where that runs."""
    *inner, (index, *ends) = total.limits
    return (total.func(total.function, *inner) if inner else total.function), index, sp.Tuple(*ends)


def _bound_index(inside: Expr) -> sp.Symbol:
    """The index of a sum over `inside`: the same for sums that differ only in the names of their indices."""
    return sp.Symbol(f"_{_nesting(inside)}", integer=True)


def _is_bound(symbol: Expr) -> bool:
    return symbol.is_integer is True and symbol.name.startswith("_")


def _nesting(expr: Expr) -> int:
    """How many sums stand inside one another."""
    inside = max(map(_nesting, expr.args), default=0)
    return inside + (len(expr.limits) if isinstance(expr, sp.Sum) else 0)
