"""What terms have in common, taken out before they are written; the value stays the same.

Σ_c X[c]/m   is   (1/m) Σ_c X[c]
"""

from __future__ import annotations

import sympy as sp
from sympy.concrete.expr_with_limits import ExprWithLimits

from symbolic.expressions import Expr
from symbolic.grammar.indices import Holds
from symbolic.plain import PlainSum


def factored(value: Expr) -> Expr:
    """Common factors in front; a sum stays one sum, and what does not know its index leaves it."""
    whole: dict[Expr, Expr] = {}

    def hide(expr: Expr) -> Expr:
        if isinstance(expr, ExprWithLimits | Holds | sp.Piecewise):
            return whole.setdefault(expr, sp.Dummy(str(len(whole)), real=True))
        return expr.func(*map(hide, expr.args)) if expr.args and not isinstance(expr, sp.Indexed) else expr

    hidden = sp.factor_terms(hide(value))
    return hidden.xreplace({dummy: _inside(expr) for expr, dummy in whole.items()})


def _inside(expr: Expr) -> Expr:
    """A sum, a maximum or cases whose parts are factored."""
    if isinstance(expr, sp.Piecewise):
        return expr.func(*((factored(value), condition) for value, condition in expr.args))
    if isinstance(expr, Holds):
        return expr
    body = factored(expr.function)
    if not isinstance(expr, sp.Sum):
        return expr.func(body, *expr.limits)
    indices = {limit[0] for limit in expr.limits}
    factors = sp.Mul.make_args(body)
    outside = [f for f in factors if not f.free_symbols & indices and not isinstance(f, Holds)]
    inside = [factor for factor in factors if factor not in outside]
    return sp.Mul(*outside, PlainSum(sp.Mul(*inside), *expr.limits))
