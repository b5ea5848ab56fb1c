"""Where a formula has its slope: arguments of logarithms and roots above 0, divisors not 0, and the two sides
of a comparison apart, which is off the kinks.

What holds for every value is left out: 1 + exp(z) is positive, and so is a where a is a value of a sigmoid.
SymPy says only what to leave out; that it holds, Coq has to see.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import sympy as sp
from sympy.core.relational import Relational

from proofs.coq.terms import Names, term
from symbolic.expressions import Expr

ANY_POSITIVE: Final = sp.Dummy("q", positive=True)
ANY_SHARE: Final = 1 / (1 + ANY_POSITIVE)  # any number between 0 and 1


@dataclass(frozen=True, slots=True)
class Condition:
    """left < right, or left ≠ right, as Coq writes it."""

    left: Expr
    relation: str
    right: Expr

    def text(self, names: Names) -> str:
        return f"{term(self.left, names)} {self.relation} {term(self.right, names)}"


def conditions(formula: Expr, variable: sp.Symbol, value: Expr | None = None) -> tuple[Condition, ...]:
    """What has to hold for a slope in the variable, all of whose values have the form of `value`.

    >>> z = sp.Symbol("z", real=True)
    >>> [str(each.right) for each in conditions(sp.log(z) + sp.log(1 + sp.exp(z)), z)]
    ['z']
    """
    wanted = _wanted(formula, variable, sp.true)
    left = [each for each, cell in wanted if not _holds(each, cell, variable, value or variable)]
    return tuple(dict.fromkeys(left))


def _wanted(formula: Any, variable: sp.Symbol, cell: Any) -> Iterator[tuple[Condition, Any]]:
    """Each condition, with the case in which it is needed."""
    if variable not in formula.free_symbols:
        return
    match formula:
        case sp.Piecewise():
            for value, case in formula.args:
                for each in sorted(case.atoms(Relational), key=str):
                    if variable in each.free_symbols:
                        yield Condition(each.lhs, "<>", each.rhs), cell
                yield from _wanted(value, variable, cell & case)
                cell &= ~case
            return
        case sp.log():
            yield Condition(sp.S.Zero, "<", formula.args[0]), cell
        case sp.Pow() if not formula.exp.is_Integer:
            yield Condition(sp.S.Zero, "<", formula.base), cell
        case sp.Pow() if formula.exp < 0:
            yield Condition(formula.base, "<>", sp.S.Zero), cell
    for part in formula.args:
        yield from _wanted(part, variable, cell)


def _holds(condition: Condition, cell: Any, variable: sp.Symbol, value: Expr) -> bool:
    difference = condition.right - condition.left
    if _positive(difference, cell, variable, value):
        return True
    if condition.relation == "<":
        return False
    root = _root(difference, variable)
    return (root is not None and cell.subs(variable, root) == sp.false) or _positive(
        -difference, cell, variable, value
    )


def _root(difference: Expr, variable: sp.Symbol) -> Expr | None:
    """Where a difference vanishes that is linear in the variable, with a number for its slope."""
    slope = difference.diff(variable)
    return sp.expand(variable - difference / slope) if slope.is_number and slope != 0 else None


def _positive(expr: Expr, cell: Any, variable: sp.Symbol, value: Expr) -> bool:
    """Whether SymPy sees that an expression is positive, case by case."""
    folded = sp.piecewise_fold(expr)
    pieces = folded.args if isinstance(folded, sp.Piecewise) else ((folded, sp.true),)
    values = (piece.xreplace({variable: _in_cell(cell & case, variable, value)}) for piece, case in pieces)
    return all(each.is_positive or sp.together(sp.expand(each)).is_positive for each in values)


def _in_cell(cell: Any, variable: sp.Symbol, value: Expr) -> Expr:
    """The form of the variable's values where they are above a bound, or below one."""
    for each in sp.And.make_args(cell):
        if isinstance(each, sp.StrictGreaterThan | sp.StrictLessThan):
            side = each.gts - each.lts  # which is positive
            root = _root(side, variable)
            if root is not None:
                return root + sp.sign(side.diff(variable)) * ANY_POSITIVE
    return value
