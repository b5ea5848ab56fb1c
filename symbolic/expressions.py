"""What one asks of an expression in index notation: its entries, its indices, its scalars, its sums."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, TypeAlias

import sympy as sp
from sympy.concrete.expr_with_limits import ExprWithLimits

from symbolic.grammar.functions import undefined_parts
from symbolic.grammar.indices import is_index
from symbolic.grammar.indices import size_of as size_of
from symbolic.plain import PlainSum

Expr: TypeAlias = sp.Expr
LETTERS: Final = "kruvqhij"


def name_of(entry: Expr) -> str:
    """The local name of an array's entry, or of a scalar."""
    return str(entry.base.label.name if isinstance(entry, sp.Indexed) else entry.name)


def entry_of(name: str, indices: Iterable[Expr]) -> Expr:
    """`name[indices]`, or the scalar `name` without indices."""
    axes = tuple(indices)
    return sp.IndexedBase(name, real=True)[axes] if axes else sp.Symbol(name, real=True)


def peeled(total: sp.Sum) -> tuple[Expr, sp.Symbol]:
    """The outermost index of a sum and what is summed over it, which may be a sum again (SymPy merges nested
    sums).
    """
    *inner, (index, *_) = total.limits
    return (PlainSum(total.function, *inner) if inner else total.function), index


def end_of(total: sp.Sum) -> Expr:
    """The last value of the outermost index."""
    return total.limits[-1][2]


def bound_indices(value: Expr) -> set[sp.Symbol]:
    """The indices that sums in a value run over."""
    return {limit[0] for total in value.atoms(ExprWithLimits) for limit in total.limits}


def all_indices(value: Expr) -> set[sp.Symbol]:
    """Every index in a value, free or bound, or named by its size."""
    symbols = value.atoms(sp.Symbol)
    sizes = {symbol.name.removeprefix("N_") for symbol in symbols if symbol.name.startswith("N_")}
    return {symbol for symbol in symbols if is_index(symbol)} | {
        sp.Symbol(name, integer=True) for name in sizes
    }


def fresh_indices(taken: Iterable[sp.Symbol]) -> Iterator[sp.Symbol]:
    """Index symbols that no formula in `taken` uses, single letters first."""
    used = {str(symbol) for symbol in taken}
    pool = [*LETTERS, *(f"{letter}{number}" for number in range(1, 100) for letter in LETTERS)]
    return (sp.Symbol(name, integer=True) for name in pool if name not in used)


def rename_indices(value: Expr, names: Mapping[sp.Symbol, Expr]) -> Expr:
    """Rename indices, bound ones included; the new names must be unused in the value."""
    return value.xreplace(dict(names))


def undefined_at(node: Expr) -> tuple[str, tuple[int, ...]]:
    """Local name and orders of the undefined function that is applied at a node."""
    parts = undefined_parts(node)
    assert parts is not None, f"{node} is no undefined function"
    return parts


def scalars_of(value: Expr) -> set[sp.Symbol]:
    """The scalar symbols of a value, sizes and options included, indices not."""
    arrays = {entry.base.label for entry in value.atoms(sp.Indexed)}
    return {symbol for symbol in value.atoms(sp.Symbol) if not is_index(symbol)} - arrays
