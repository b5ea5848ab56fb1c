"""Values of index expressions as source, and how expressions come apart into them."""

from __future__ import annotations

import string
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import sympy as sp

from symbolic.expressions import Expr
from symbolic.grammar.indices import is_index

Axes: TypeAlias = tuple[sp.Symbol, ...]
ATOM: Final = 4


@dataclass(frozen=True, slots=True)
class Value:
    """Source whose dimensions are `axes`, in this order, and how tightly it binds."""

    source: str
    axes: Axes = ()
    binds: int = ATOM
    is_number: bool = False  # of Python, not an array

    @property
    def tight(self) -> str:
        return self.source if self.binds == ATOM else f"({self.source})"


def common(values: Iterable[Value], axes: Axes) -> Axes:
    """The axes that values have together, in the order of one that has them all, best in that of `axes`."""
    every = [value.axes for value in values]
    present = {axis for own in every for axis in own}
    ordered = tuple(axis for axis in axes if axis in present)
    whole = [own for own in every if set(own) == present]
    return ordered if ordered in whole or not whole else whole[0]


def grouped(body: Expr) -> list[Expr]:
    """The factors of a product, those of the same free indices together: they are multiplied first."""
    groups: dict[frozenset[sp.Symbol], list[Expr]] = {}
    for factor in sp.Mul.make_args(body):
        groups.setdefault(frozenset(filter(is_index, factor.free_symbols)), []).append(factor)
    return [sp.Mul(*group) for group in groups.values()]


def is_number(factor: Expr) -> bool:
    """Whether there is no array in it, and no index."""
    return not factor.atoms(sp.Indexed) and not any(map(is_index, factor.free_symbols))


def rebuilt(expr: Any, names: Mapping[Expr, Expr]) -> Any:
    """The expression with variables for its parts."""
    if expr in names:
        return names[expr]
    return expr.func(*(rebuilt(part, names) for part in expr.args)) if expr.args else expr


def letters(indices: Sequence[sp.Symbol]) -> dict[sp.Symbol, str]:
    """A letter for each index, its own where that is one letter."""
    found: dict[sp.Symbol, str] = {}
    for index in dict.fromkeys(indices):
        own = [index.name] if len(index.name) == 1 else []
        found[index] = next(c for c in (*own, *string.ascii_letters) if c not in found.values())
    return found
