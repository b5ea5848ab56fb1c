"""What an undefined function of an equation stands for, as a formula: an activation, a loss, a penalty."""

from __future__ import annotations

from functools import cache

import sympy as sp

from symbolic import losses
from symbolic.activations import Activation, Z
from symbolic.expressions import Expr
from symbolic.losses import Loss, Penalty

SLOT_ARGUMENTS: dict[type, tuple[sp.Symbol, ...]] = {
    Activation: (Z,),
    Loss: (losses.A, losses.T),
    Penalty: (losses.W,),
}


@cache
def slot_formula(source: Activation | Loss | Penalty, orders: tuple[int, ...]) -> Expr | None:
    """The formula of a slot's function, differentiated by SymPy as often as `orders` says; None where it is
    undefined.
    """
    formula = source.definition
    if formula is None:
        return None
    if isinstance(source, Activation) and orders == (1,):
        return source.slope
    for variable, order in zip(SLOT_ARGUMENTS[type(source)], orders, strict=True):
        formula = formula.diff(variable, order) if order else formula
    return formula
