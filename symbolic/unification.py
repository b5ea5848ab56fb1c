"""Local names of two equations brought together: one name for one array, one meaning for one name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache

import sympy as sp

from symbolic.expressions import (
    Expr,
    name_of,
    scalars_of,
    undefined_at,
)
from symbolic.grammar.functions import undefined, undefined_parts
from symbolic.grammar.indices import is_index
from symbolic.grammar.indices import size_of as size_of
from symbolic.notation import Binding, Equation, Step


@cache
def renamed(equation: Equation, names: frozenset[tuple[str, str]]) -> Equation:
    """The equation with other names for its local arrays, scalars and undefined functions."""
    table = dict(names)
    swaps: dict[Expr, Expr] = {
        entry.base: sp.IndexedBase(table.get(name_of(entry), name_of(entry)), real=True)
        for entry in equation.value.atoms(sp.Indexed) | equation.target.atoms(sp.Indexed)
    }
    swaps |= {
        symbol: sp.Symbol(table.get(str(symbol), str(symbol)), **symbol.assumptions0)
        for expr in (equation.value, equation.target, *(end for _, end in equation.loops))
        for symbol in scalars_of(expr)
    }

    def rename_function(node: Expr) -> Expr:
        name, orders = undefined_at(node)
        return undefined(table.get(name, name), len(node.args), orders)(*node.args)

    value = equation.value.xreplace(swaps).replace(
        lambda node: undefined_parts(node) is not None, rename_function
    )
    loops = tuple((index, end.xreplace(swaps)) for index, end in equation.loops)
    return replace(equation, target=equation.target.xreplace(swaps), value=value, loops=loops)


def unify(first: Step, second: Step) -> tuple[Equation, dict[str, Binding]]:
    """The second step's equation in names that fit the first's, and the bindings of both.

    One array has one name; a number keeps its name unless that means something else in the first.
    """
    names = {bound: name for name, bound in first.bindings.items() if not _is_whole(bound)}
    bindings = dict(first.bindings)
    moved: dict[str, str] = {}
    for name, bound in second.bindings.items():
        if _is_whole(bound):
            new = name if bindings.get(name, bound) == bound else _free_name(name, bindings)
        else:
            new = names.get(bound) or _free_name(name, bindings)
            names[bound] = new
        bindings[new] = bound
        moved[name] = new
    changed = frozenset((old, new) for old, new in moved.items() if old != new)
    return renamed(second.equation, changed), bindings


def sized(step: Step) -> Step:
    """The step with N_i bound to the size of its target's axis for each free index i.

    Where N_i means something else in the equation, that gets another name.
    """
    if step.equation.scatters:
        return step
    own: dict[str, Binding] = {
        size_of(index).name: sp.Integer(0) + size
        for index, size in zip(step.equation.positions, step.target.shape, strict=True)
        if is_index(index)
    }
    if all(step.bindings.get(name) == size for name, size in own.items()):
        return step
    clash = [name for name, size in own.items() if step.bindings.get(name, size) != size]
    taken = dict(step.bindings) | own
    moved = {name: _free_name(name, taken) for name in clash}
    bindings = {moved.get(name, name): bound for name, bound in step.bindings.items()} | own
    return replace(step, equation=renamed(step.equation, frozenset(moved.items())), bindings=bindings)


def _is_whole(bound: Binding) -> bool:
    return isinstance(bound, sp.Expr) and bool(bound.is_integer)


def _free_name(name: str, taken: Mapping[str, Binding]) -> str:
    return next(new for new in (name, *(f"{name}_{i}" for i in range(2, 99))) if new not in taken)
