"""What a program costs: scalar operations, counted from its equations as they would be looped over."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from math import prod

import sympy as sp
from sympy.concrete.expr_with_limits import ExprWithLimits

from symbolic.expressions import Expr
from symbolic.notation import Step


def operations(steps: Iterable[Step], sizes: Mapping[sp.Symbol, int]) -> int:
    """Additions, multiplications, comparisons and function calls of some steps; `sizes` gives m."""
    return sum(_of_step(step, sizes) for step in steps)


def _of_step(step: Step, sizes: Mapping[sp.Symbol, int]) -> int:
    def number(size: int | Expr) -> int:
        return size if isinstance(size, int) else int(size.xreplace(dict(sizes)))

    def length(end: Expr) -> int:
        return number(step.extent(end))

    loops = prod(map(number, step.ends))
    return loops * (_of_value(step.equation.value, length) + step.equation.scatters)


def _of_value(expr: Expr, length: Callable[[Expr], int]) -> int:
    """Operations of one evaluation; a sum over n terms has n bodies and n - 1 additions."""
    if isinstance(expr, sp.Indexed) or not expr.args:
        return 0
    if isinstance(expr, ExprWithLimits):
        count = prod(length(end) for _, _, end in expr.limits)
        return count * (_of_value(expr.function, length) + 1) - 1
    if isinstance(expr, sp.Pow) and expr.exp.is_Integer:
        return _of_value(expr.base, length) + min(abs(int(expr.exp)), 2)
    own = max(len(expr.args) - 1, 1)
    return own + sum(_of_value(part, length) for part in expr.args)
