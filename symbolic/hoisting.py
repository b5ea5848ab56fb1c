"""Sums that stand inside loops they do not depend on, computed once and named.

    A[i,c]·(Ā[i,c] − Σ_r A[r,c]·Ā[r,c])    becomes    H[c] = Σ_r A[r,c]·Ā[r,c];   A[i,c]·(Ā[i,c] − H[c])

A program's operation count then grows with the sizes as that of a hand-written pass does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import sympy as sp
from sympy.concrete.expr_with_limits import ExprWithLimits

from symbolic.accumulation import used_of
from symbolic.expressions import Expr, entry_of
from symbolic.grammar.indices import is_index
from symbolic.notation import Array, Equation, Step, local_names


def hoisted(steps: Iterable[Step]) -> tuple[Step, ...]:
    """Steps in the same order, each after those that hold what was taken out of it."""
    return tuple(found for step in steps for found in _hoisted(step))


def _hoisted(step: Step) -> Iterator[Step]:
    number = 0
    while (picked := _inner(step.equation)) is not None:
        number += 1
        free = tuple(index for index in step.equation.indices if index in picked.free_symbols)
        free += tuple(sorted((s for s in picked.free_symbols if is_index(s) and s not in free), key=str))
        name = next(n for k in range(1, 99) if (n := f"H_{k}") not in local_names(step.equation))
        bound = _ranges(step.equation.value)
        own_sizes = dict(zip(step.equation.indices, step.ends, strict=True))
        shape = tuple(step.extent(bound[i]) if i in bound else own_sizes[i] for i in free)
        target = step.target
        own = Array(f"{target.label}.{number}", None, shape)
        equation = Equation(entry_of(name, free), picked, step.equation.rule)
        bindings = used_of(dict(step.bindings) | {name: own}, equation)
        yield Step(equation, bindings, "shared sum", step.rule)
        value = step.equation.value.xreplace({picked: entry_of(name, free)})
        rest = replace(step.equation, value=value)
        step = replace(step, equation=rest, bindings=used_of(dict(step.bindings) | {name: own}, rest))
    yield step


def _inner(equation: Equation) -> Expr | None:
    """A sum or maximum, an innermost one first, with fewer free indices than the loops around it have."""
    found = list(_within(equation.value, frozenset(equation.indices)))
    return min(found, key=lambda node: (node.count_ops(), str(node)), default=None)


def _within(expr: Expr, loops: frozenset[sp.Symbol]) -> Iterator[Expr]:
    if isinstance(expr, ExprWithLimits):
        free = {symbol for symbol in expr.free_symbols if is_index(symbol)}
        if free < loops:
            yield expr
        yield from _within(expr.function, loops | set(expr.bound_symbols))
    else:
        for part in expr.args:
            yield from _within(part, loops)


def _ranges(value: Expr) -> dict[sp.Symbol, Expr]:
    """The last value of every bound index."""
    return {index: end for total in value.atoms(ExprWithLimits) for index, _, end in total.limits}
