"""Contraction of Kronecker deltas under sums, by rules of ours.

A delta δ(u, e) ties the free index u to a position e(i, k, …) in summed indices. It is solved for a summed
index in which e is affine:

    Σ_i δ(u, i) F(i)           = F(u)
    Σ_i δ(u, s·i + r) F(i)     = [s divides u − r] [1 ≤ (u − r)/s ≤ N_i] F((u − r)/s)
    Σ_i (F + G)                = Σ_i F + Σ_i G
    Σ_i c F(i)                 = c Σ_i F(i)    when c does not depend on i

A bracket for a range is left out where an array is read there anyway: outside its axis an entry is 0. A delta
that cannot be solved (data decide the position, or it is a quotient, a remainder or a mixed radix g·N + h)
stays: its term becomes a scatter, which adds to the entry at e itself.

Every derivation starts from fresh index names, so that nothing is captured. (SymPy's own contraction forgets
that an index is an integer and captures names; it is not used.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import sympy as sp

from symbolic.expressions import Expr, end_of, fresh_indices, peeled, rename_indices
from symbolic.grammar.indices import Holds, Quotient, Remainder, is_index
from symbolic.plain import PlainSum

Loops: TypeAlias = tuple[tuple[sp.Symbol, Expr], ...]  # summed indices, each with its last value


@dataclass(frozen=True, slots=True)
class Term:
    """One contribution: `value`, to be added to the entry at `places`, one for each free index.

    With `loops` it is a scatter, added up over them; without, the places are the free indices themselves.
    """

    places: tuple[Expr, ...]
    value: Expr
    loops: Loops = ()


@dataclass(frozen=True, slots=True)
class _Product:
    """Σ over `loops` of Π factors, some of them deltas of the free indices `axes`."""

    axes: tuple[sp.Symbol, ...]
    factors: tuple[Expr, ...]
    loops: Loops


def contract(value: Expr, axes: Sequence[sp.Symbol], loops: Loops, taken: set[sp.Symbol]) -> list[Term]:
    """Σ over `loops` of `value`, without Kronecker deltas: one gathered term at most, and scatters.

    `axes` are the free indices that deltas tie; `taken` holds every index name in use and grows.
    """
    products = _products(_Product(tuple(axes), (value,), tuple(loops)), taken)
    terms = [_solved(product, taken) for product in products]
    gathered = [term.value for term in terms if not term.loops]
    scatters = [term for term in terms if term.loops]
    whole = sp.Add(*gathered)
    return [Term(tuple(axes), whole)] * (whole != 0) + scatters


def _products(product: _Product, taken: set[sp.Symbol]) -> list[_Product]:
    """The same as a sum of products whose deltas are factors of their own."""
    for place, factor in enumerate(product.factors):
        if isinstance(factor, sp.KroneckerDelta) or not factor.has(sp.KroneckerDelta):
            continue
        before, after = product.factors[:place], product.factors[place + 1 :]
        if isinstance(factor, sp.Mul):
            return _products(replace(product, factors=(*before, *factor.args, *after)), taken)
        if isinstance(factor, sp.Add):
            parts = [replace(product, factors=(*before, term, *after)) for term in factor.args]
            return [found for part in parts for found in _products(part, taken)]
        if isinstance(factor, sp.Sum):
            body, index = _opened(factor, taken)
            loops = (*product.loops, (index, end_of(factor)))
            return _products(replace(product, factors=(*before, body, *after), loops=loops), taken)
        if isinstance(factor, sp.Piecewise):
            cases = [_case(factor, n) for n, (case, _) in enumerate(factor.args) if case != 0]
            parts = [replace(product, factors=(*before, *case, *after)) for case in cases]
            return [found for part in parts for found in _products(part, taken)]
        raise ValueError(f"a Kronecker delta inside {factor.func.__name__} cannot be contracted: {factor}")
    return [product]


def _case(cases: sp.Piecewise, number: int) -> tuple[Expr, Expr]:
    """One case of a `Piecewise` as a product: its value, and a bracket for this case being the one chosen.

    (SymPy would move a `Piecewise` out of a sum whose index it names, where another sum is around that one.)
    """
    value, condition = cases.args[number]
    earlier = [before for _, before in cases.args[:number]]
    return value, Holds(sp.And(condition, *map(sp.Not, earlier)))


def _solved(product: _Product, taken: set[sp.Symbol]) -> Term:
    """The product with its deltas solved; one that cannot be makes all of them places of a scatter."""
    deltas = _deltas(product)
    if any(_is_unsolvable(tied, product.loops) for tied in deltas.values()):
        return _scattered(product, deltas, taken)
    while deltas:
        axis, tied = min(deltas.items(), key=lambda pair: not is_index(pair[1]))  # X[2*i + j, i]: i first
        product = _tied(product, axis, tied, taken)
        deltas = _deltas(product)
    return Term(product.axes, _summed(sp.Mul(*product.factors), product.loops))


def _deltas(product: _Product) -> dict[sp.Symbol, Expr]:
    """The free indices that deltas tie, each with what it is tied to."""
    found = (factor.args for factor in product.factors if isinstance(factor, sp.KroneckerDelta))
    return {(a if a in product.axes else b): (b if a in product.axes else a) for a, b in found}


def _scattered(product: _Product, deltas: dict[sp.Symbol, Expr], taken: set[sp.Symbol]) -> Term:
    """Σ over the indices that the places name is what a scatter does; others are summed within."""
    places = tuple(deltas[axis] for axis in product.axes)
    value = sp.Mul(*(factor for factor in product.factors if not isinstance(factor, sp.KroneckerDelta)))
    named = {symbol for place in places for symbol in place.atoms(sp.Symbol)}
    stay = tuple(loop for loop in product.loops if loop[0] in named)
    inner = tuple(loop for loop in product.loops if loop[0] not in named)
    once = (next(fresh_indices(taken)), sp.S.One)
    return Term(places, _summed(value, inner), stay or (once,))


def _tied(product: _Product, axis: sp.Symbol, tied: Expr, taken: set[sp.Symbol]) -> _Product:
    """The product under δ(axis, tied), solved for a summed index; a bracket where there is none."""
    delta = next(f for f in product.factors if isinstance(f, sp.KroneckerDelta) and axis in f.args)
    factors = tuple(factor for factor in product.factors if factor is not delta)
    solvable = _solvable(tied, product.loops)
    if solvable is None:
        return replace(product, factors=(*factors, Holds(sp.Eq(axis, tied))))
    index, scale, offset, end = solvable
    loops = tuple(loop for loop in product.loops if loop[0] != index)
    at, conditions = axis, []
    if (scale, offset) != (1, 0):
        is_unit = scale in (1, -1)
        at = sp.expand(scale * (axis - offset)) if is_unit else Quotient(axis - offset, scale)
        conditions = [] if is_unit else [sp.Eq(Remainder(axis - offset, scale), 0)]
        if not _is_read_at(factors, index):
            conditions += [sp.Ge(at, 1), sp.Le(at, end)]
    moved = [_freed(factor, at, taken).xreplace({index: at}) for factor in factors]
    brackets = [Holds(sp.And(*conditions))] if conditions else []
    return replace(product, factors=(*moved, *brackets), loops=loops)


def _is_unsolvable(tied: Expr, loops: Loops) -> bool:
    """Whether summed indices decide a place, but neither by an affine expression nor by one of them.

    Solving a mixed radix g·N + h for one index would search the other's whole range.
    """
    within = [index for index, _ in loops if tied.has(index)]
    if not within:
        return bool(tied.atoms(sp.Indexed))
    if tied.atoms(sp.Indexed, Quotient, Remainder):
        return True
    scales = [tied.diff(index) for index in within]
    is_radix = len(scales) > 1 and any(s.is_positive for scale in scales for s in scale.free_symbols)
    return is_radix or any(is_index(s) for scale in scales for s in scale.free_symbols)


def _solvable(tied: Expr, loops: Loops) -> tuple[sp.Symbol, Expr, Expr, Expr] | None:
    """A summed index i with tied = scale·i + offset, the first that there is; with its last value."""
    rounded = tied.atoms(Quotient, Remainder)
    for index, end in loops:
        if tied.has(index) and not any(part.has(index) for part in rounded):
            scale = tied.diff(index)
            return index, scale, sp.expand(tied - scale * index), end
    return None


def _is_read_at(factors: Sequence[Expr], index: sp.Symbol) -> bool:
    """Whether a product vanishes outside the range of an index: an entry there is a factor, and all else that
    knows the index is an entry too.
    """
    using = [factor for factor in factors if factor.has(index)]
    read = any(isinstance(factor, sp.Indexed) and index in factor.indices for factor in using)
    return read and all(isinstance(factor, sp.Indexed | sp.KroneckerDelta) for factor in using)


def _freed(value: Expr, at: Expr, taken: set[sp.Symbol]) -> Expr:
    """The value with bound indices that a place names moved to others, so that the place fits in."""
    wanted = {symbol for symbol in at.atoms(sp.Symbol) if is_index(symbol)}

    def move(total: Expr) -> Expr:
        names: dict[sp.Symbol, Expr] = {}
        for index in wanted & set(total.bound_symbols):
            names[index] = next(fresh_indices(taken))
            taken.add(names[index])
        return rename_indices(total, names)

    return value.replace(lambda node: bool(wanted & set(getattr(node, "bound_symbols", ()))), move)


def _opened(total: sp.Sum, taken: set[sp.Symbol]) -> tuple[Expr, sp.Symbol]:
    """What a sum sums over its outermost index, which is renamed to a fresh one."""
    body, bound = peeled(total)
    fresh = next(fresh_indices(taken))
    taken.add(fresh)
    return rename_indices(body, {bound: fresh}), fresh


def _summed(value: Expr, loops: Loops) -> Expr:
    """Nested sums of a value over indices, factors that do not depend on an index kept outside its sum."""
    for index, end in reversed(loops):
        inside: list[Expr] = []
        outside: list[Expr] = []
        for factor in sp.Mul.make_args(value):
            (inside if index in factor.free_symbols else outside).append(factor)
        value = sp.Mul(*outside, PlainSum(sp.Mul(*inside), (index, 1, end)))
    return value
