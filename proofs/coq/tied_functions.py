"""Defined activations and losses in Coq, and the lemma that the slope of one is its derivative.

    forall z, (where g is differentiable) -> is_derive g z (g' z)

Where: off the places at which one case ends and another begins; outside of cases, with positive arguments of
logarithms and roots and denominators that are not 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import sympy as sp
from sympy.core.relational import Relational

from proofs.coq.statements import Lemma
from proofs.coq.terms import Names, term
from symbolic.activations import Activation
from symbolic.expressions import Expr
from symbolic.losses import Loss, Penalty
from symbolic.slots import SLOT_ARGUMENTS, slot_formula

Scalars = Mapping[sp.Symbol, str]


def function_term(
    source: Activation | Loss | Penalty, orders: tuple[int, ...], scalars: Scalars
) -> str | None:
    """A defined function, or a derivative of it, as `(fun z => …)`; None for an undefined one."""
    formula, arguments = slot_formula(source, orders), SLOT_ARGUMENTS[type(source)]
    if formula is None:
        return None
    body = term(sp.piecewise_fold(formula), _names(arguments, scalars))
    return f"(fun {' '.join(map(str, arguments))} => {body})"


def slope_lemma(name: str, source: Activation | Loss, scalars: Scalars) -> Lemma | None:
    """That the slope of an activation, or of a loss in its first argument, is the derivative; None where
    undefined.
    """
    arguments = SLOT_ARGUMENTS[type(source)]
    orders = (0,) * len(arguments)
    formula, variable = slot_formula(source, orders), arguments[0]
    value, slope = (function_term(source, (order, *orders[1:]), scalars) for order in (0, 1))
    if formula is None or value is None:
        return None
    names = _names(arguments, scalars)
    limits = dict.fromkeys(_limits(sp.piecewise_fold(formula), variable, names))
    premises = "".join(f"{limit} ->\n  " for limit in limits)
    others = "".join(f" {other}" for other in arguments[1:])
    along = f"(fun {variable} => {value} {variable}{others})"
    claim = f"is_derive {along} {variable}\n    ({slope} {variable}{others})"
    return Lemma(name, f"forall {variable}{others} : R,\n  {premises}{claim}", "slope")


def _names(arguments: tuple[sp.Symbol, ...], scalars: Scalars) -> Names:
    return Names(scalars={**scalars, **{symbol: str(symbol) for symbol in arguments}})


def _limits(expr: Any, variable: sp.Symbol, names: Names) -> Iterator[str]:
    """Where an expression has a derivative along a variable."""
    if not expr.has(variable):
        return
    match expr:
        case sp.Piecewise():
            every = (cut for _, condition in expr.args for cut in condition.atoms(Relational))
            if cuts := sorted((cut for cut in every if cut.has(variable)), key=str):
                yield from (_sides(cut.lhs, "<>", cut.rhs, names) for cut in cuts)
                return
        case sp.log() if not expr.args[0].is_positive:
            yield _sides(sp.S.Zero, "<", expr.args[0], names)
        case sp.Pow() if not expr.exp.is_Integer and not expr.base.is_positive:
            yield _sides(sp.S.Zero, "<", expr.base, names)
        case sp.Pow() if expr.exp.is_negative and not expr.base.is_nonzero:
            yield _sides(expr.base, "<>", sp.S.Zero, names)
    for part in expr.args:
        yield from _limits(part, variable, names)


def _sides(left: Expr, sign: str, right: Expr, names: Names) -> str:
    return f"{term(left, names)} {sign} {term(right, names)}"
