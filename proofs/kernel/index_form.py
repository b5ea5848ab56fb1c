"""Equality of expressions in index notation, with symbolic sizes.

    Σ_i (F + G) = Σ_i F + Σ_i G        Σ_i F · Σ_j G = Σ_i Σ_j F G        Σ_{i ≤ N} F = N F   where F has no i
    Σ_j δ(i, j) F(j) = F(i)            Σ_i Σ_j F = Σ_j Σ_i F              Σ_i F(i) = Σ_j F(j)

By these a side becomes a sum of terms: a rational number times Σ over some indices of a product of atoms
(entries, scalars, functions whose arguments are in the same form, powers of what is a sum). Bound indices
are then named after the places where they occur, so that terms which differ in names alone are one. A delta
is contracted only between indices of one size: an index i runs from 1 to N_i, or to what is said of it.

Two sides with the same terms are equal for every size. For sums of products of entries the converse is true
as well; still "different" is said only with a point. Beside each "equal" go an evaluation at a point and,
where it applies, the theorem of `small_sizes`.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import reduce
from itertools import count, groupby, permutations, product
from math import factorial, prod
from typing import Any, Final

import sympy as sp
from flint import fmpq

from proofs.kernel.balls import Evaluator, Point, Unclear, order
from proofs.kernel.normal_form import Contradiction, Decision, evidence
from proofs.kernel.polynomials import Expr, Undecided
from proofs.kernel.reading import opened
from proofs.kernel.small_sizes import NoWitness, hold_for_small_sizes
from symbolic.expressions import rename_indices
from symbolic.grammar.indices import is_index, size_of
from symbolic.plain import PlainSum

MAX_TERMS: Final = 500
MAX_POWER: Final = 100
MAX_NAMINGS: Final = 720  # ways to name indices that look alike
POINTS: Final = 12
PRECISIONS: Final = (128,)  # bits

_NUMBERS: Final = count()

Sizes = Mapping[sp.Symbol, Expr]
Loops = tuple[tuple[sp.Symbol, Expr], ...]
Terms = list["Term"]


@dataclass(frozen=True, slots=True)
class Term:
    """coefficient · Σ over `loops` of the product of `powers`."""

    coefficient: sp.Rational
    loops: Loops = ()
    powers: tuple[tuple[Expr, int], ...] = ()

    @property
    def value(self) -> Expr:
        return sp.Mul(*(base**power for base, power in self.powers))

    @property
    def expression(self) -> Expr:
        body = (
            PlainSum(self.value, *((index, 1, end) for index, end in self.loops))
            if self.loops
            else self.value
        )
        return self.coefficient * body


def decide_index(left: Expr, right: Expr, *, sizes: Sizes | None = None, points: int = POINTS) -> Decision:
    """Decide left = right for all sizes and all values of the entries; `sizes` of free indices, if not N_i;
    at most so many `points` are looked at.

    >>> i, j = sp.symbols("i j", integer=True)
    >>> n, a = size_of(i), sp.IndexedBase("a", real=True)
    >>> square = PlainSum(a[i], (i, 1, n)) ** 2
    >>> decide_index(square, PlainSum(a[i] * a[j], (i, 1, n), (j, 1, n))).answer
    'equal'
    >>> decide_index(square, PlainSum(a[i] ** 2, (i, 1, n))).answer
    'different'
    """
    given = sizes or {}
    free = {index: given.get(index, size_of(index)) for index in _free_indices(left, right)}
    try:
        is_equal = terms_of(left, free) == terms_of(right, free)
        reason = "the terms of the two sides are not the same"
    except Undecided as missing:
        is_equal, reason = False, str(missing)
    point = _separating(left, right, free, points)
    if is_equal and point is not None:
        raise Contradiction(f"{left} and {right} have the same terms, but they differ at {point}")
    if point is not None:
        return Decision("different", "balls separate the two sides at a point", point=point)
    if not is_equal:
        return Decision("undecided", f"{reason}, and no point was found that separates the two sides")
    reason = f"the same terms for every size{_witnessed(left, right, free)}"
    point = _met(left, right, free, points)
    return Decision("equal", reason, _denominators(left, right), point, evidence(left, right, free))


def terms_of(value: Expr, sizes: Sizes) -> Counter[tuple[Any, ...]]:
    """The terms in canonical names, each with its coefficient."""
    found: Counter[tuple[Any, ...]] = Counter()
    for term in _Normal(sizes)(value):
        named = _named(term, sizes)
        found[named.loops, frozenset(named.powers)] += named.coefficient
    return Counter({key: coefficient for key, coefficient in found.items() if coefficient != 0})


def index_form(value: Expr, sizes: Sizes) -> Expr:
    """The canonical sum of terms as an expression."""
    terms = terms_of(value, sizes).items()
    return sp.Add(*(Term(c, loops, tuple(powers)).expression for (loops, powers), c in terms))


class _Normal:
    """Reads an expression as terms, every bound index with a name of its own."""

    def __init__(self, sizes: Sizes) -> None:
        self.sizes = dict(sizes)

    def __call__(self, value: Expr) -> Terms:
        match value:
            case sp.Add():
                return [term for part in value.args for term in self(part)]
            case sp.Mul():
                spread = sp.expand_mul(value, deep=False)  # S/S is 1 before the sum S is opened
                if not spread.is_Mul:
                    return self(spread)
                return reduce(self._times, map(self, spread.args))
            case sp.Sum():
                return [term for inner in self._body(value) for term in self._over(*inner)]
            case sp.Pow() if value.exp.is_Integer:
                return self._power(value.base, int(value.exp))
            case sp.Symbol() | sp.Indexed() | sp.KroneckerDelta():
                return [_atom(value)]
        if not value.args:
            return [_atom(value)]
        return [_atom(value.func(*(index_form(part, self.sizes) for part in value.args)))]

    def _times(self, left: Terms, right: Terms) -> Terms:
        if len(left) * len(right) > MAX_TERMS:
            raise Undecided(f"there are more than {MAX_TERMS:,} terms")
        pairs = product(left, map(self._renamed, right))
        return [
            _joined(a.coefficient * b.coefficient, a.loops + b.loops, a.powers + b.powers) for a, b in pairs
        ]

    def _renamed(self, term: Term) -> Term:
        """The same term with other bound indices, so that it can be multiplied by one that has these."""
        names = {index: _fresh() for index, _ in term.loops}
        self.sizes |= {names[index]: end for index, end in term.loops}
        powers = tuple((base.xreplace(names), power) for base, power in term.powers)
        return replace(term, loops=tuple((names[index], end) for index, end in term.loops), powers=powers)

    def _power(self, base: Expr, exponent: int) -> Terms:
        if abs(exponent) > MAX_POWER:
            raise Undecided(f"a power of {exponent} is beyond {MAX_POWER}")
        terms = self(base)
        if exponent > 0:
            return reduce(self._times, [terms] * exponent)
        if len(terms) == 1 and not terms[0].loops:
            powers = tuple((atom, power * exponent) for atom, power in terms[0].powers)
            return [Term(terms[0].coefficient ** exponent, (), powers)]
        whole = index_form(base, self.sizes)
        if whole == 0:
            raise Undecided("it divides by zero")
        return [_atom(whole, exponent)]

    def _body(self, total: sp.Sum) -> Iterator[tuple[Term, sp.Symbol, Expr]]:
        """The terms of what a sum sums, with its index under a new name, and its end."""
        inside, index, (first, last) = opened(total)
        if first != 1:
            raise Undecided(f"a sum begins at {first}, not at 1")
        fresh = _fresh()
        self.sizes[fresh] = last
        for term in self(rename_indices(inside, {index: fresh})):
            yield term, fresh, last

    def _over(self, term: Term, index: sp.Symbol, end: Expr) -> Terms:
        return self._contracted(replace(term, loops=(*term.loops, (index, end))))

    def _contracted(self, term: Term) -> Terms:
        """The term without deltas that tie a bound index to one of its own size, and without idle sums."""
        ends = dict(term.loops)
        ties = [base.args for base, _ in term.powers if isinstance(base, sp.KroneckerDelta)]
        for index, other in [pair for a, b in ties for pair in ((a, b), (b, a))]:
            if index in ends and self.sizes.get(other) == ends[index]:
                loops = tuple(loop for loop in term.loops if loop[0] != index)
                powers = tuple((base.xreplace({index: other}), power) for base, power in term.powers)
                return self._contracted(_joined(term.coefficient, loops, powers))
        for index, end in term.loops:
            if not any(base.has(index) for base, _ in term.powers):
                rest = replace(term, loops=tuple(loop for loop in term.loops if loop[0] != index))
                return self._times(self._contracted(rest), self(end))
        return [term]


def _fresh() -> sp.Symbol:
    """An index that occurs nowhere, not even in a form that is being read further out."""
    return sp.Symbol(f"_new{next(_NUMBERS)}", integer=True)


def _atom(value: Expr, power: int = 1) -> Term:
    if value.is_Rational:
        return Term(value**power)
    return Term(sp.S.One, (), ((value, power),))


def _joined(coefficient: sp.Rational, loops: Loops, powers: tuple[tuple[Expr, int], ...]) -> Term:
    """A term with each atom once; a delta is its own square, and exponents add up."""
    total: Counter[Expr] = Counter()
    exponent = sp.S.Zero
    for base, power in powers:
        if isinstance(base, sp.exp):
            exponent += power * base.args[0]
        else:
            total[base] = 1 if isinstance(base, sp.KroneckerDelta) else total[base] + power
    if exponent != 0:
        total[sp.exp(exponent)] = 1
    del total[sp.S.One]  # δ(i, i)
    return Term(coefficient, loops, tuple((base, power) for base, power in total.items() if power))


def _named(term: Term, sizes: Sizes) -> Term:
    """The term with its bound indices named by where they occur: the first in order of all namings.

    An index bound further out has a name of a greater height, so that nothing is captured.
    """
    height = _height(term.value)
    bound = [index for index, _ in term.loops]

    def look(loop: tuple[sp.Symbol, Expr]) -> str:
        masks = {index: sp.Symbol("_this" if index == loop[0] else "_other", integer=True) for index in bound}
        seen = sorted(f"{base.xreplace(masks)}^{power}" for base, power in term.powers if base.has(loop[0]))
        return f"{loop[1]} {seen}"

    alike = [list(group) for _, group in groupby(sorted(term.loops, key=look), key=look)]
    if prod(factorial(len(group)) for group in alike) > MAX_NAMINGS:
        raise Undecided("too many indices look alike")
    namings = ([loop for group in choice for loop in group] for choice in product(*map(permutations, alike)))
    return min((_with_names(term, loops, height + 1, sizes) for loops in namings), key=_text)


def _with_names(term: Term, loops: list[tuple[sp.Symbol, Expr]], height: int, sizes: Sizes) -> Term:
    names = {index: sp.Symbol(f"_{height}_{place}", integer=True) for place, (index, _) in enumerate(loops)}
    around = {**sizes, **{names[index]: end for index, end in loops}}
    powers = tuple((_inside(base.xreplace(names), around), power) for base, power in term.powers)
    return Term(term.coefficient, tuple((names[index], end) for index, end in loops), powers)


def _inside(base: Expr, sizes: Sizes) -> Expr:
    """A function of sums in canonical form again, now that the indices around it have their names."""
    if not base.has(sp.Sum):
        return base
    if isinstance(base, sp.Add | sp.Mul | sp.Sum):
        return index_form(base, sizes)
    return base.func(*(_inside(part, sizes) for part in base.args))


def _text(term: Term) -> str:
    return str(sorted(map(str, term.powers)))


def _height(value: Expr) -> int:
    """How many sums stand inside one another."""
    inside = max(map(_height, value.args), default=0)
    return inside + isinstance(value, sp.Sum)


def _free_indices(*sides: Expr) -> list[sp.Symbol]:
    symbols = {symbol for side in sides for symbol in side.free_symbols if is_index(symbol)}
    return sorted(symbols, key=str)


def _met(left: Expr, right: Expr, free: Sizes, points: int) -> Point | None:
    """A point at which both sides have a value."""
    return next((point for point, _ in _compared(left, right, free, points)), None)


def _separating(left: Expr, right: Expr, free: Sizes, points: int) -> Point | None:
    """A point at which the two sides differ."""
    return next((point for point, sign in _compared(left, right, free, points) if sign), None)


def _compared(left: Expr, right: Expr, free: Sizes, points: int) -> Iterator[tuple[Point, int]]:
    """The order of the two sides at points where both have a value, every free index within its range."""
    for seed in range(points):
        point = Point(seed)
        with suppress(Unclear):
            at = {index: _place(index, size, point) for index, size in free.items()}
            sign = order(left, right, point, precisions=PRECISIONS, at=at)
            point.values |= {index: fmpq(int(place)) for index, place in at.items()}
            yield point, sign


def _place(index: sp.Symbol, size: Expr, point: Point) -> sp.Integer:
    last = int(Evaluator(point)(size))
    return sp.Integer(random.Random(f"{point.seed} {index}").randint(1, last))


def _denominators(*sides: Expr) -> tuple[str, ...]:
    """What is taken for granted: no denominator is 0, where that is not seen."""
    powers = {power for side in sides for power in side.atoms(sp.Pow) if power.exp.could_extract_minus_sign()}
    return tuple(sorted({f"{power.base} ≠ 0" for power in powers if not power.base.is_positive}))


def _witnessed(left: Expr, right: Expr, free: Sizes) -> str:
    try:
        return f"; {hold_for_small_sizes(left, right, free)}"
    except NoWitness as missing:
        return f"; no second witness: {missing}"
