"""The scalar functions of formulas, one row each, and undefined functions with their derivatives.

A function with a kink is a `Piecewise`, never SymPy's own Abs, Max, sign or Heaviside: their derivatives
bring DiracDelta and Heaviside(0) = 1/2, whereas the slope of a `Piecewise` at its kink is that of the piece
which holds there.

An undefined g is a family of classes g, g', g'', … with g.fdiff = g', so that the chain rule stays among
applied functions: g(f(x)).diff(x) = g'(f(x))·f'(x), with no Subs and no Derivative. With several arguments
the label of a derivative names them: e_12 is ∂²e/∂a∂t of e(a, t).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, TypeAlias

import sympy as sp
from sympy.codegen.cfunctions import expm1, log1p
from sympy.core.function import AppliedUndef, FunctionClass
from sympy.core.relational import Relational
from sympy.logic.boolalg import Boolean

Expr: TypeAlias = sp.Expr
Condition: TypeAlias = Boolean
ZERO, ONE = sp.Integer(0), sp.Integer(1)
MAX_PIECES: Final = 16
MAX_RELATIONS: Final = 64  # their number grows exponentially with the nesting of kinks
MAX_CLAUSES: Final = 256


class Impossible(ValueError):
    """An expression that cannot be built; the message is the reason, without a position."""


@dataclass(frozen=True, slots=True)
class ScalarFunction:
    """One function of formulas; `build` makes a SymPy expression of `arity` arguments."""

    name: str
    arity: int
    build: Callable[..., Expr]


def by_cases(cases: Sequence[tuple[Expr, Condition]], otherwise: Expr) -> Expr:
    """The value of the first case whose condition holds.

    Raises Impossible for conditions that SymPy could not multiply out, as it does when two cases, or their
    slopes, have the same value.
    """
    if math.prod(_clauses(condition) for _, condition in cases) > MAX_CLAUSES:
        raise Impossible("too many conditions in one place")
    return sp.Piecewise(*cases, (otherwise, True))


def _clauses(condition: Condition) -> int:
    """How many clauses a condition has as a conjunction of disjunctions."""
    if isinstance(condition, sp.And):
        return sum(map(_clauses, condition.args))
    return math.prod(map(_clauses, condition.args)) if isinstance(condition, sp.Or) else 1


def where(condition: Condition, a: Expr, b: Expr) -> Expr:
    """The value a where the condition holds, b elsewhere."""
    return by_cases([(a, condition)], b)


def absolute(x: Expr) -> Expr:
    """|x| as a `Piecewise`, with the value and the slope 0 at 0."""
    return by_cases([(x, compare(sp.Gt, x, ZERO)), (-x, compare(sp.Lt, x, ZERO))], ZERO)


def _sign(x: Expr) -> Expr:
    return by_cases([(ONE, compare(sp.Gt, x, ZERO)), (-ONE, compare(sp.Lt, x, ZERO))], ZERO)


_ROWS: Final = (
    ScalarFunction("exp", 1, sp.exp),
    ScalarFunction("log", 1, sp.log),
    ScalarFunction("sqrt", 1, sp.sqrt),
    ScalarFunction("sin", 1, sp.sin),
    ScalarFunction("cos", 1, sp.cos),
    ScalarFunction("tan", 1, sp.tan),
    ScalarFunction("sinh", 1, sp.sinh),
    ScalarFunction("cosh", 1, sp.cosh),
    ScalarFunction("tanh", 1, sp.tanh),
    ScalarFunction("atan", 1, sp.atan),
    ScalarFunction("abs", 1, absolute),
    ScalarFunction("sign", 1, _sign),
    ScalarFunction("Heaviside", 1, lambda x: where(compare(sp.Gt, x, ZERO), ONE, ZERO)),
    ScalarFunction("erf", 1, sp.erf),
    ScalarFunction("erfc", 1, sp.erfc),
    ScalarFunction("log1p", 1, log1p),
    ScalarFunction("expm1", 1, expm1),
    ScalarFunction("max", 2, lambda a, b: where(compare(sp.Gt, a, b), a, b)),
    ScalarFunction("min", 2, lambda a, b: where(compare(sp.Lt, a, b), a, b)),
    ScalarFunction("where", 3, where),
    ScalarFunction("sigmoid", 1, lambda x: 1 / (1 + sp.exp(-x))),
    ScalarFunction("softplus", 1, lambda x: sp.log(1 + sp.exp(x))),
    ScalarFunction("relu", 1, lambda x: where(compare(sp.Gt, x, ZERO), x, ZERO)),
)

FUNCTIONS: Final = {row.name: row for row in _ROWS}


def compare(relation: type, a: Expr, b: Expr) -> Condition:
    """`relation(a, b)`, such as a < b for `sympy.Lt`, by cases where a side is a `Piecewise`.

    |x| < b is x < b and -x < b, and |x| > b is x > b or -x > b. Raises Impossible for too many cases and for
    values that are not finite.
    """
    if relation not in (sp.Eq, sp.Ne):
        inside = _argument_of_absolute(a)
        if inside is not None:
            join = sp.And if relation in (sp.Lt, sp.Le) else sp.Or
            return join(compare(relation, inside, b), compare(relation, -inside, b))
        if _argument_of_absolute(b) is not None:
            return compare(_MIRRORED[relation], b, a)
    bounded(a, b)
    pairs = [(x, y, sp.And(p, q)) for x, p in _cases(a) for y, q in _cases(b)]
    try:
        return sp.Or(*(sp.And(case, _related(relation, x, y)) for x, y, case in pairs))
    except TypeError:  # SymPy: "Invalid comparison of non-real zoo"
        raise Impossible("this compares a value that is not a finite real number") from None


_MIRRORED: Final = {sp.Lt: sp.Gt, sp.Gt: sp.Lt, sp.Le: sp.Ge, sp.Ge: sp.Le}


def _argument_of_absolute(expr: Expr) -> Expr | None:
    inside = expr.args[0][0] if isinstance(expr, sp.Piecewise) else None
    is_plain = inside is not None and not inside.has(sp.Piecewise)
    return inside if is_plain and absolute(inside) == expr else None


def _cases(expr: Expr) -> list[tuple[Expr, Condition]]:
    """The values that an expression takes, each with the condition under which it does."""
    folded = written_out(expr)
    if folded.has(sp.Piecewise):
        folded = sp.piecewise_fold(folded)
    if not isinstance(folded, sp.Piecewise):
        return [(folded, sp.true)]
    cases: list[tuple[Expr, Condition]] = []
    earlier: list[Condition] = []
    for value, case in folded.args:
        cases += ((inner, sp.And(*earlier, case, part)) for inner, part in _cases(value))
        earlier.append(sp.Not(case))
    return cases


def _related(relation: type, a: Expr, b: Expr) -> Condition:
    """`relation(a, b)`, or `relation(a - b, 0)` where SymPy's canonical form would swap sides for ever."""
    related = relation(a, b)
    if isinstance(related, Relational) and related.canonical != related.canonical.canonical:
        return relation(a - b, ZERO)
    return related


def written_out(expr: Expr) -> Expr:
    """The expression without what SymPy makes of formulas on its own: |x|, cot x and cases without an else.

    |x| is its sqrt(x**2), cot x its tan(x + pi/2); and where a `Piecewise` stands inside another, it drops
    the cases that the outer condition excludes.
    """
    made = expr.atoms(sp.Abs, sp.cot, sp.Piecewise)
    if not any(node.is_Piecewise is False or node.args[-1][1] is not sp.true for node in made):
        return expr
    expr = expr.replace(sp.Abs, absolute).replace(sp.cot, lambda x: 1 / sp.tan(x))
    return expr.replace(sp.Piecewise, lambda *cases: sp.Piecewise(*cases[:-1], (cases[-1][0], True)))


def bounded(*exprs: Expr) -> None:
    """Raise Impossible for what SymPy's `piecewise_fold` would blow up."""
    if not any(expr.has(sp.Piecewise) for expr in exprs):
        return
    nodes = (node for expr in exprs for node in sp.preorder_traversal(expr))
    relations = sum(isinstance(node, Relational) for node in nodes)
    if math.prod(map(_pieces, exprs)) > MAX_PIECES or relations > MAX_RELATIONS:
        raise Impossible("too many kinks inside one another")


def _pieces(expr: Expr) -> int:
    """How many pieces an expression has once every `Piecewise` in it is brought to the top."""
    if isinstance(expr, sp.Piecewise):
        return sum(_pieces(value) for value, _ in expr.args)
    return math.prod(_pieces(part) for part in expr.args)


class Undefined(AppliedUndef):  # type: ignore[misc]  # SymPy has no type information
    """An undefined real function applied to its arguments; one subclass per name and orders."""

    is_real = True
    name: str
    orders: tuple[int, ...]

    def fdiff(self, argindex: int = 1) -> Expr:
        """The derivative by one argument, counted from 1."""
        raised = tuple(order + (place == argindex) for place, order in enumerate(self.orders, start=1))
        return undefined(self.name, len(raised), raised)(*self.args)


def undefined(name: str, arity: int = 1, orders: tuple[int, ...] = ()) -> Any:
    """The undefined function `name`, differentiated orders[i] times by its argument i: always the same class.

    >>> x = sp.Symbol("x", real=True)
    >>> undefined("g")(sp.sin(x)).diff(x)
    cos(x)*g'(sin(x))
    """
    return _undefined(name, orders or (0,) * arity)


@cache
def _undefined(name: str, orders: tuple[int, ...]) -> Any:
    body = {"name": name, "orders": orders, "nargs": len(orders), "__module__": __name__}
    return FunctionClass(undefined_label(name, orders), (Undefined,), body)


def undefined_parts(node: Any) -> tuple[str, tuple[int, ...]] | None:
    """(name, orders) of an undefined function, the class or an application of it; None for anything else."""
    kind = node if isinstance(node, type) else type(node)
    return (kind.name, kind.orders) if issubclass(kind, Undefined) else None


def undefined_label(name: str, orders: tuple[int, ...]) -> str:
    """How a formula writes it: g, g', g'' with one argument; e, e_1, e_2, e_11, … with up to nine."""
    if len(orders) == 1:
        return name + "'" * orders[0]
    digits = "".join(str(place) * order for place, order in enumerate(orders, start=1))
    return f"{name}_{digits}" if digits else name


def undefined_written(label: str, arity: int, names: Collection[str]) -> Any | None:
    """The undefined function that a formula calls `label`, if it is one of `names` or a derivative of one."""
    if label in names:
        return undefined(label, arity)
    if arity == 1:
        name = label.rstrip("'")
        return undefined(name, 1, (len(label) - len(name),)) if name in names else None
    name, _, digits = label.rpartition("_")
    orders = tuple(digits.count(str(place)) for place in range(1, arity + 1))
    return undefined(name, arity, orders) if name in names and sum(orders) == len(digits) > 0 else None
