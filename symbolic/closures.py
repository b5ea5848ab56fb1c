"""Expressions as closures over any kind of number: what `evaluate` runs for every entry.

Every index is looped over and every sum is summed as written. A product with a bracket that does not hold is
0, whatever its other factors are. An expression is compiled once per process.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import cache
from typing import Any

import sympy as sp
from sympy.core.relational import Relational
from sympy.logic.boolalg import And, BooleanFalse, BooleanTrue, Not, Or

from symbolic.errors import Unsupported
from symbolic.expressions import Expr, bound_indices, end_of, name_of, peeled
from symbolic.frame import Compiled, Frame, N, Numbers, fold, place, whole
from symbolic.grammar.functions import undefined_parts
from symbolic.grammar.indices import Holds, Largest, Place, Quotient, Remainder, is_index
from symbolic.slots import SLOT_ARGUMENTS, slot_formula


@cache
def compiled(value: Expr) -> Compiled:
    """Closures that evaluate an expression in a frame."""
    match value:
        case sp.Indexed():
            return _entry(value)
        case sp.Sum():
            return _sum(value)
        case Largest():
            return _largest(value)
        case Place():
            return _place_of_largest(value)
        case Holds():
            return _condition(value.args[0], compiled(sp.S.One), compiled(sp.S.Zero))
        case sp.Symbol() | Quotient() | Remainder() if value.is_integer:
            number = whole(value)
            return lambda frame: frame.numbers.constant(sp.Integer(number(frame)))
        case sp.Add():
            return fold([compiled(term) for term in value.args], lambda x, y: x + y)
        case sp.Mul() if brackets := [factor for factor in value.args if isinstance(factor, Holds)]:
            others = (factor for factor in value.args if factor not in brackets)
            all_hold = sp.And(*(bracket.args[0] for bracket in brackets))
            return _condition(all_hold, compiled(sp.Mul(*others)), compiled(sp.S.Zero))
        case sp.Mul():
            return fold([compiled(factor) for factor in value.args], lambda x, y: x * y)
        case sp.Symbol():
            return lambda frame: frame.scalars[value]
        case sp.Number() | sp.NumberSymbol():
            return lambda frame: frame.numbers.constant(value)
        case sp.exp():
            return _call("exp", compiled(value.args[0]))
        case sp.Pow():
            base, exponent = compiled(value.base), value.exp
            if not exponent.is_Rational:
                return compiled(sp.exp(exponent * sp.log(value.base), evaluate=False))
            return lambda frame: frame.numbers.power(base(frame), exponent)
        case sp.Piecewise():
            return _piecewise(value.args)
        case sp.Function():
            return _function(value)
    raise TypeError(f"{type(value).__name__} has no reading in numbers: {value}")


def _entry(entry: sp.Indexed) -> Compiled:
    name = name_of(entry)
    if not all(map(is_index, entry.indices)):
        find = place(entry.indices, name)

        def read_inside(frame: Frame) -> Any:
            at = find(frame)
            return frame.numbers.constant(sp.S.Zero) if at is None else frame.entries[name][at]

        return read_inside
    indices = tuple(map(str, entry.indices))
    if len(indices) == 2:  # as most arrays have; a Symbol's own comparison would cost more than the work
        row, column = indices
        return lambda frame: frame.entries[name][frame.at[row] * frame.strides[name][0] + frame.at[column]]

    def read(frame: Frame) -> Any:
        places = zip(indices, frame.strides[name], strict=True)
        return frame.entries[name][sum(frame.at[index] * stride for index, stride in places)]

    return read


def _sum(total: sp.Sum) -> Compiled:
    inside, bound = peeled(total)
    body, index, end = compiled(inside), str(bound), whole(end_of(total))

    def add(frame: Frame) -> Any:
        result = None
        for position in range(end(frame)):
            frame.at[index] = position
            term = body(frame)
            result = term if result is None else result + term
        return result

    return add


def _largest(picked: Expr) -> Compiled:
    """The largest value of a body over an index."""
    terms = _terms(picked)

    def find(frame: Frame) -> Any:
        (_, best), *others = terms(frame)
        for _, term in others:
            best = _larger(frame.numbers, best, term)
        return best

    return find


def _larger(numbers: Numbers[N], best: N, term: N) -> N:
    return numbers.branch("<", best, term, lambda: term, lambda: best)


def _place_of_largest(picked: Expr) -> Compiled:
    """Where a body is largest, counted from 0: at the first of several places."""
    terms = _terms(picked)

    def find(frame: Frame) -> int:
        found = terms(frame)
        if not found:
            return 0  # wherever that is, it is outside
        (at, best), *others = found
        for position, term in others:
            larger = _larger(frame.numbers, best, term)
            if larger is not best and larger is not term:
                raise Unsupported("these numbers leave open where a maximum lies; give the places beforehand")
            if larger is not best:
                at, best = position, term
        return at

    return find


def _terms(picked: Expr) -> Callable[[Frame], list[tuple[int, Any]]]:
    """The values of a body by the places of its index; what reads outside an array takes no part."""
    (index, _, end), body = picked.limits[0], compiled(picked.function)
    name, size = str(index), whole(end)
    inner = bound_indices(picked.function)
    entries = [e for e in picked.function.atoms(sp.Indexed) if not inner & e.free_symbols]
    places = [place(e.indices, name_of(e)) for e in entries if not all(map(is_index, e.indices))]

    def read(frame: Frame) -> list[tuple[int, Any]]:
        found = []
        for position in range(size(frame)):
            frame.at[name] = position
            if all(find(frame) is not None for find in places):
                found.append((position, body(frame)))
        return found

    return read


def _call(name: str, argument: Compiled) -> Compiled:
    return lambda frame: frame.numbers.call(name, argument(frame))


def _function(node: sp.Function) -> Compiled:
    arguments = [compiled(argument) for argument in node.args]
    slot = undefined_parts(node)
    if slot is None:
        return _call(type(node).__name__, arguments[0])
    name, orders = slot

    def apply(frame: Frame) -> Any:
        given = tuple(argument(frame) for argument in arguments)
        bound = frame.slots[name]
        formula = slot_formula(bound.source, orders)
        if formula is None:
            return frame.numbers.undefined(bound, orders, given)
        variables = SLOT_ARGUMENTS[type(bound.source)]
        return compiled(formula)(Frame(frame.numbers, scalars=dict(zip(variables, given, strict=True))))

    return apply


def _piecewise(pieces: tuple[Any, ...]) -> Compiled:
    (then, condition), *rest = pieces
    if not rest or isinstance(condition, BooleanTrue):
        return compiled(then)
    return _condition(condition, compiled(then), _piecewise(tuple(rest)))


def _condition(condition: Any, then: Compiled, otherwise: Compiled) -> Compiled:
    """`then` where the condition holds; and, or, not become nested branches."""
    match condition:
        case BooleanTrue():
            return then
        case BooleanFalse():
            return otherwise
        case And():
            for part in condition.args:
                then = _condition(part, then, otherwise)
            return then
        case Or():
            for part in condition.args:
                otherwise = _condition(part, then, otherwise)
            return otherwise
        case Not():
            return _condition(condition.args[0], otherwise, then)
        case Relational() if all(side.is_integer for side in condition.args):
            compare = _COMPARED[condition.rel_op]
            one, other = map(whole, condition.args)
            return lambda frame: then(frame) if compare(one(frame), other(frame)) else otherwise(frame)
        case Relational():
            relation, swap = _RELATIONS[condition.rel_op]
            left, right = (compiled(side) for side in (condition.args[::-1] if swap else condition.args))
            return lambda frame: frame.numbers.branch(
                relation, left(frame), right(frame), lambda: then(frame), lambda: otherwise(frame)
            )
    raise TypeError(f"{condition} is no condition")


_COMPARED: dict[str, Callable[[int, int], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
_RELATIONS = {
    "<": ("<", False),
    "<=": ("<=", False),
    ">": ("<", True),
    ">=": ("<=", True),
    "==": ("==", False),
    "!=": ("!=", False),
}
