"""Contraction of Kronecker deltas under sums, by rules of ours.

    Σ_i δ(i,p) F(i)    = F(p)          when i and p run over the same range
    Σ_i (F + G)        = Σ_i F + Σ_i G
    Σ_i c F(i)         = c Σ_i F(i)    when c does not depend on i

Every derivation starts from fresh index names, so that nothing is captured. (SymPy's own contraction forgets
that an index is an integer and captures names; it is not used.)
"""

from __future__ import annotations

from collections.abc import Iterable

import sympy as sp

from symbolic.notation import Expr, fresh_indices, peeled, rename_indices, size_of


def contract(value: Expr, summed: Iterable[sp.Symbol], taken: set[sp.Symbol]) -> Expr:
    """Σ over `summed` of `value`, without Kronecker deltas. `taken` holds every index name in use and grows.

    A delta must tie a summed index to another one; ValueError for one that ties two free indices.
    """
    indices = tuple(summed)
    if isinstance(value, sp.Add):
        return sp.Add(*(contract(term, indices, taken) for term in value.args))
    if not value.has(sp.KroneckerDelta):
        return _summed(value, indices)
    factors = list(sp.Mul.make_args(value))
    for place, factor in enumerate(factors):
        if isinstance(factor, sp.KroneckerDelta):
            rest = sp.Mul(*factors[:place], *factors[place + 1 :])
            return _identify(factor, rest, indices, taken)
    for place, factor in enumerate(factors):
        if not factor.has(sp.KroneckerDelta):
            continue
        rest = sp.Mul(*factors[:place], *factors[place + 1 :])
        if isinstance(factor, sp.Sum):
            body, bound = _opened(factor, taken)
            return contract(body * rest, (*indices, bound), taken)
        if isinstance(factor, sp.Add):
            return sp.Add(*(contract(term * rest, indices, taken) for term in factor.args))
        raise ValueError(f"a Kronecker delta inside {factor.func.__name__} cannot be contracted: {factor}")
    raise AssertionError("unreachable: some factor has the delta")


def _identify(delta: Expr, rest: Expr, indices: tuple[sp.Symbol, ...], taken: set[sp.Symbol]) -> Expr:
    for gone, kept in (delta.args, delta.args[::-1]):
        if gone in indices:
            left = tuple(index for index in indices if index != gone)
            return contract(_freed(rest, kept, taken).xreplace({gone: kept}), left, taken)
    raise ValueError(f"{delta} ties two free indices")


def _freed(value: Expr, index: Expr, taken: set[sp.Symbol]) -> Expr:
    """The value with sums over `index` moved to another index, so that a free one of that name fits in."""

    def move(total: sp.Sum) -> Expr:
        fresh = next(fresh_indices(taken))
        taken.add(fresh)
        return rename_indices(total, {index: fresh})

    return value.replace(lambda node: isinstance(node, sp.Sum) and index in node.bound_symbols, move)


def _opened(total: sp.Sum, taken: set[sp.Symbol]) -> tuple[Expr, sp.Symbol]:
    """What a sum sums over its outermost index, which is renamed to a fresh one."""
    body, bound = peeled(total)
    fresh = next(fresh_indices(taken))
    taken.add(fresh)
    return rename_indices(body, {bound: fresh}), fresh


def _summed(value: Expr, indices: tuple[sp.Symbol, ...]) -> Expr:
    """Nested sums of a value over indices, factors that do not depend on an index kept outside its sum."""
    for index in reversed(indices):
        inside: list[Expr] = []
        outside: list[Expr] = []
        for factor in sp.Mul.make_args(value):
            (inside if index in factor.free_symbols else outside).append(factor)
        value = sp.Mul(*outside, sp.Sum(sp.Mul(*inside), (index, 1, size_of(index))))
    return value
