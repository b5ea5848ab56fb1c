"""A theorem: an identity of sums of products holds for every size if it holds for small ones.

Terms. A term is a number times Σ over some index names of a product of entries, such as Σ_j Σ_c W[i,j]
A[j,c]. Every name has a sort, and the names of a sort s run from 1 to the size N_s. In the places of an
entry stand names and nothing else: none is shifted, none is a number, none is bounded by another name. A
scalar is an entry without names; an undefined function of entries, g(Z[i,c]), counts as an entry of an
array of its own, with the names that occur in it. A power is a product. A size N_s is Σ_i 1, with a name of
its own; 1/N_s is a scalar like any other. A value remembers its sort: W[1] by a name of sort s is another
entry than W[1] by one of sort t (to make them one in the end keeps P = Q).

Theorem. Let P and Q be sums of terms with the same free names, and let no term of either have more than
r_s names of sort s, free and bound. If P = Q, as polynomials in the entries, for all sizes 0 ≤ N_s ≤ r_s and
all values of the free names, then P = Q for all sizes. If every bound name occurs in an entry of its term,
N_s = r_s alone is enough.

Proof. Fix sizes N, values of the free names, and a monomial M in the entries. Let v_s be how many values of
sort s occur in M or are taken by free names. A term contributes to the coefficient of M in P − Q once for
each assignment of values to its bound names by which its product of entries becomes M. Such an assignment
gives the names that occur in entries only values that occur in M, and all of these; so it and the free
names take at least v_s values, whence v_s ≤ r_s, and M does not occur otherwise. To the u names that occur
in no entry it gives any values, which are N_s^u possibilities. As the term has at least v_s names that take
the v_s values, u ≤ r_s − v_s. So the coefficient is a polynomial in the sizes, of degree at most r_s − v_s
in N_s: how many assignments of the other names give M does not depend on the sizes, as long as these hold
the values in M. A permutation of the values 1, …, N_s permutes the terms of each sum; so the coefficient of
M stays what it is when its values are renamed. Rename them 1, …, v_s. The renamed M then occurs for all
sizes v_s ≤ N_s ≤ r_s, and there its coefficient is 0 by hypothesis. A polynomial of degree at most r_s −
v_s in each N_s that vanishes on a grid of r_s − v_s + 1 values of each is 0. So the coefficient of M is 0
at N too. Where every bound name occurs in an entry, u = 0 and the coefficient does not depend on the sizes:
one size that holds the values, N_s = r_s, decides it. ∎

By the same renaming only one assignment of the free names has to be tried for each pattern of which of
them are equal. A delta between names of one sort is the term with the two made one, or an entry where both
are free. This theorem and its use share nothing with the names and the order of sums in `index_form`.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import reduce
from itertools import product
from math import prod
from typing import Final

import sympy as sp

from proofs.kernel.exponentials import Exponentials
from proofs.kernel.polynomials import Expr, Plan, Quotient, Restart, Ring, Undecided
from proofs.kernel.reading import Reader, opened
from symbolic.grammar.functions import undefined_parts
from symbolic.grammar.indices import is_index

MAX_SUMMANDS: Final = 20_000  # of all instances together, each a product
SECONDS: Final = 5.0

Sizes = Mapping[sp.Symbol, Expr]
Values = Mapping[Expr, Expr]
Places = Mapping[Expr, tuple[Expr, int]]  # of an index: its sort and its value


class NoWitness(Exception):
    """The theorem does not apply, or takes too long; the message is the reason."""


@dataclass(frozen=True, slots=True)
class _Count:
    """How many names of each sort the largest term has, and whether a bound name occurs in no entry."""

    names: Counter[Expr] = field(default_factory=Counter)
    idle: frozenset[Expr] = frozenset()

    def beside(self, other: _Count) -> _Count:
        """Of a sum of the two."""
        return _Count(self.names | other.names, self.idle | other.idle)

    def times(self, other: _Count) -> _Count:
        return _Count(self.names + other.names, self.idle | other.idle)


def hold_for_small_sizes(left: Expr, right: Expr, sizes: Sizes) -> str:
    """What was found, in words, if P = Q for all sizes that the theorem asks for.

    `sizes` are those of the free indices. Raises NoWitness where the two sides are no sums of terms, or
    differ while 1/N_s counts as a scalar, and AssertionError where they differ.
    """
    found = _counted(left).beside(_counted(right))
    free = {index: sizes[index] for index in sizes if left.has(index) or right.has(index)}
    most = {sort: found.names[sort] for sort in sorted({*found.names, *free.values()}, key=str)}
    for sort in free.values():
        most[sort] += 1
    if not all(isinstance(sort, sp.Symbol) for sort in most):
        raise NoWitness("a size is computed")
    ranges = {sort: range(r + 1) if sort in found.idle else range(r, r + 1) for sort, r in most.items()}
    _refuse_many(most, ranges)
    for chosen in product(*ranges.values()):
        at = dict(zip(ranges, map(sp.Integer, chosen), strict=True))
        for values in _assignments(list(free.items()), at):
            if not _is_zero(_instance(left, at, values) - _instance(right, at, values)):
                if any(map(_is_inverse_size, (left - right).atoms(sp.Pow))):
                    raise NoWitness("a size times its inverse is not known to be 1")
                raise AssertionError(f"{left} and {right} differ for the sizes {at} at {values}")
    return "and for all sizes up to " + (", ".join(f"{sort} = {r}" for sort, r in most.items()) or "any")


def _counted(value: Expr) -> _Count:
    """The names of a sum of terms; NoWitness where it is none."""
    match value:
        case sp.Rational():
            return _Count()
        case sp.Add():
            return reduce(_Count.beside, map(_counted, value.args))
        case sp.Mul():
            return reduce(_Count.times, map(_counted, value.args))
        case sp.Pow() if value.exp.is_Integer and value.exp.is_positive:
            return reduce(_Count.times, [_counted(value.base)] * int(value.exp))
        case sp.Pow() if _is_inverse_size(value):
            return _Count()
        case sp.Sum():
            inside, index, (first, last) = opened(value)
            if first != 1 or _nests(inside, index):
                raise NoWitness(f"the index {index} runs from {first} to {last}")
            idle = frozenset() if _all_terms_have(inside, index) else frozenset({last})
            return _counted(inside).times(_Count(Counter([last]), idle))
        case sp.KroneckerDelta() if all(map(is_index, value.args)):
            return _Count()
        case sp.Indexed() if all(map(is_index, value.indices)):
            return _Count()
        case sp.Symbol() if is_index(value):
            raise NoWitness(f"the index {value} stands for a number")
        case sp.Symbol():
            return _Count(Counter([value]), frozenset({value})) if value.is_integer else _Count()
    if undefined_parts(value) is not None and not value.has(sp.Sum):
        for part in value.args:
            _counted(part)
        return _Count()
    raise NoWitness(f"{value.func.__name__} is no sum of products")


def _is_inverse_size(value: Expr) -> bool:
    """1/N and its powers: scalars of their own."""
    is_power = isinstance(value, sp.Pow) and isinstance(value.base, sp.Symbol) and value.exp.is_Integer
    return is_power and bool(value.base.is_integer and value.base.is_positive and value.exp.is_negative)


def _nests(inside: Expr, index: sp.Symbol) -> bool:
    """Whether an inner sum has an end that depends on the index, or binds its name again."""
    limits = [limit for total in inside.atoms(sp.Sum) for limit in total.limits]
    return any(index in limit.free_symbols for limit in limits)


def _all_terms_have(value: Expr, index: sp.Symbol) -> bool:
    """Whether the index occurs in an entry of every term."""
    match value:
        case sp.Add():
            return all(_all_terms_have(part, index) for part in value.args)
        case sp.Mul():
            return any(_all_terms_have(part, index) for part in value.args)
        case sp.Sum():
            return _all_terms_have(value.function, index)
        case sp.Pow():
            return _all_terms_have(value.base, index)
    return bool(value.has(index)) and not isinstance(value, sp.KroneckerDelta)


def _refuse_many(most: Mapping[Expr, int], ranges: Mapping[Expr, range]) -> None:
    instances = prod(len(chosen) for chosen in ranges.values())
    summands = instances * prod(max(r, 1) ** r for r in most.values())
    if summands > MAX_SUMMANDS:
        raise NoWitness(f"instances with {summands:,} products are beyond {MAX_SUMMANDS:,}")


def _assignments(free: list[tuple[sp.Symbol, Expr]], at: Values) -> Iterator[Places]:
    """Values of free names, one assignment for each pattern of which are equal: 1, then at most one more than
    the largest value that an earlier name of the sort has.
    """
    if not free:
        yield {}
        return
    *earlier, (index, sort) = free
    for places in _assignments(earlier, at):
        used = max((place for known, place in places.values() if known == sort), default=0)
        for place in range(1, min(used + 1, int(at[sort])) + 1):
            yield {**places, index: (sort, place)}


def _instance(value: Expr, at: Values, places: Places) -> Expr:
    """The value with every sum written out, each entry a symbol."""
    match value:
        case sp.Sum():
            inside, index, (_, last) = opened(value)
            run = range(1, int(at[last]) + 1)
            return sp.Add(*(_instance(inside, at, {**places, index: (last, place)}) for place in run))
        case sp.Indexed():
            named = [f"{sort}:{place}" for sort, place in map(places.__getitem__, value.indices)]
            return sp.Symbol(f"{value.base}{named}")
        case sp.KroneckerDelta():
            (sort, first), (other, second) = map(places.__getitem__, value.args)
            if sort != other:
                raise NoWitness(f"{value} ties indices of two sizes")
            return sp.Integer(first == second)
    if _is_inverse_size(value):
        return sp.Symbol(str(value))
    if not value.args:
        return at.get(value, value)
    return value.func(*(_instance(part, at, places) for part in value.args))


def _is_zero(difference: Expr) -> bool:
    plan, deadline = Plan(), time.monotonic() + SECONDS
    while True:
        try:
            return _read(difference, plan, deadline).is_zero
        except Restart:
            continue
        except Undecided as missing:
            raise NoWitness(str(missing)) from None


def _read(value: Expr, plan: Plan, deadline: float) -> Quotient:
    return Reader(Exponentials(Ring(plan, deadline)))(value)
