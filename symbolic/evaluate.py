"""Evaluating steps over any kind of number: floats, balls, fractions, values with a magnitude, SymPy
expressions.

Every index is looped over and every sum is summed as written, so that this reading of a derivation owes
nothing to matrix forms or generated code. A product with a bracket that does not hold is 0, whatever its
other factors are. A step's equation is compiled to closures once per process.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import product
from math import prod
from typing import Any, Protocol, TypeVar

import sympy as sp
from sympy.core.relational import Relational
from sympy.logic.boolalg import And, BooleanFalse, BooleanTrue, Not, Or

from symbolic import losses
from symbolic.activations import Activation, Z
from symbolic.errors import Unsupported
from symbolic.grammar.functions import undefined_parts
from symbolic.grammar.indices import Holds, Largest, Place, Quotient, Remainder, is_index
from symbolic.losses import Loss, Penalty
from symbolic.notation import (
    Array,
    Equation,
    Expr,
    Slot,
    Step,
    bound_indices,
    end_of,
    name_of,
    peeled,
)

N = TypeVar("N")
Values = dict[Array, list[N]]  # entries in row-major order


class Numbers(Protocol[N]):
    """A kind of number: it has + and * of its own, and the following."""

    def constant(self, value: Expr) -> N:
        """An exact real constant: a rational or pi."""

    def power(self, base: N, exponent: sp.Rational) -> N: ...

    def call(self, name: str, argument: N) -> N:
        """A function of the table of functions, such as `exp`."""

    def undefined(self, slot: Slot, orders: tuple[int, ...], arguments: tuple[N, ...]) -> N:
        """An activation or loss that is left undefined, or its derivative of the given orders."""

    def branch(
        self, relation: str, left: N, right: N, then: Callable[[], N], otherwise: Callable[[], N]
    ) -> N:
        """`then()` where `left relation right` holds, else `otherwise()`; relations are < <= == !=."""


@dataclass(slots=True)
class Frame:
    """What compiled closures read: the kind of number, index values from 0, arrays, scalars and slots."""

    numbers: Any
    at: dict[str, int] = field(default_factory=dict)
    entries: dict[str, list[Any]] = field(default_factory=dict)
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    strides: dict[str, tuple[int, ...]] = field(default_factory=dict)
    scalars: dict[sp.Symbol, Any] = field(default_factory=dict)
    slots: dict[str, Slot] = field(default_factory=dict)
    whole: dict[str, int] = field(default_factory=dict)  # sizes and options


Compiled = Callable[[Frame], Any]


def evaluate(
    steps: Iterable[Step],
    values: Mapping[Array, list[N]],
    scalars: Mapping[sp.Symbol, N | int],
    numbers: Numbers[N],
) -> Values[N]:
    """Run steps in order and return the given values with every step's target added.

    `values` holds inputs, targets and parameters, row-major; `scalars` gives m and k as integers, lambda as a
    number. The arrays' own shapes say how long each index runs, m that of the samples.
    """
    known: Values[N] = dict(values)
    whole = {symbol: value for symbol, value in scalars.items() if isinstance(value, int)}
    lifted = {s: numbers.constant(sp.Integer(v)) if isinstance(v, int) else v for s, v in scalars.items()}
    for step in steps:
        known[step.target] = _run(step, known, whole, lifted, numbers)
    return known


def shape_of(array: Array, sizes: Mapping[sp.Symbol, int]) -> tuple[int, ...]:
    """The array's shape with m put in."""
    return tuple(size if isinstance(size, int) else int(size.xreplace(dict(sizes))) for size in array.shape)


def _run(
    step: Step,
    known: Values[N],
    sizes: Mapping[sp.Symbol, int],
    scalars: Mapping[sp.Symbol, N],
    numbers: Numbers[N],
) -> list[N]:
    frame = Frame(numbers)
    equation = step.equation
    for name, bound in step.bindings.items():
        if isinstance(bound, Slot):
            frame.slots[name] = bound
        elif isinstance(bound, Array):
            frame.shapes[name] = shape = shape_of(bound, sizes)
            frame.strides[name] = tuple(prod(shape[axis + 1 :]) for axis in range(len(shape)))
            if bound in known:
                frame.entries[name] = known[bound]
                if not shape:
                    frame.scalars[sp.Symbol(name, real=True)] = known[bound][0]
        else:
            number = sp.S.Zero + bound.xreplace(dict(sizes))
            if number.is_Integer:
                frame.whole[name] = int(number)
            value = compiled(number if number.is_Integer else bound)
            frame.scalars[sp.Symbol(name, real=True)] = value(Frame(numbers, scalars=dict(scalars)))
    body = compiled(equation.value)
    names = [str(index) for index in equation.indices]
    ends = [whole(end)(frame) for _, end in equation.loops] or frame.shapes[equation.name]
    ranges = list(map(range, ends))
    if equation.scatters:
        return _scatter(frame, equation, names, ranges, body)
    result = []
    for position in product(*ranges):
        frame.at.update(zip(names, position, strict=True))
        result.append(body(frame))
    return result


def _scatter(
    frame: Frame, equation: Equation, names: list[str], ranges: list[range], body: Compiled
) -> list[Any]:
    """Each value added to the entry it belongs to; dropped where that lies outside the array."""
    shape = frame.shapes[equation.name]
    place = _place(equation.positions, equation.name)
    result = [frame.numbers.constant(sp.S.Zero)] * prod(shape)
    for position in product(*ranges):
        frame.at.update(zip(names, position, strict=True))
        at = place(frame)
        if at is not None:
            result[at] = result[at] + body(frame)
    return result


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
            return _fold([compiled(term) for term in value.args], lambda x, y: x + y)
        case sp.Mul() if brackets := [factor for factor in value.args if isinstance(factor, Holds)]:
            others = (factor for factor in value.args if factor not in brackets)
            all_hold = sp.And(*(bracket.args[0] for bracket in brackets))
            return _condition(all_hold, compiled(sp.Mul(*others)), compiled(sp.S.Zero))
        case sp.Mul():
            return _fold([compiled(factor) for factor in value.args], lambda x, y: x * y)
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
        place = _place(entry.indices, name)

        def read_inside(frame: Frame) -> Any:
            at = place(frame)
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


def _place(positions: Iterable[Expr], name: str) -> Callable[[Frame], int | None]:
    """Where an entry of an array lies, its positions counted from 1; None outside the array."""
    compiled_positions = [whole(position) for position in positions]

    def place(frame: Frame) -> int | None:
        result = 0
        for position, size in zip(compiled_positions, frame.shapes[name], strict=True):
            at = position(frame) - 1
            if not 0 <= at < size:
                return None
            result = result * size + at
        return result

    return place


@cache
def whole(value: Expr) -> Callable[[Frame], int]:
    """Closures for whole numbers: positions, sizes and conditions on indices, which count from 1."""
    match value:
        case sp.Integer():
            number = int(value)
            return lambda frame: number
        case sp.Symbol():
            name = str(value)
            return (
                (lambda frame: frame.at[name] + 1) if is_index(value) else (lambda frame: frame.whole[name])
            )
        case sp.Indexed():
            entry = compiled(value)
            return lambda frame: int(entry(frame))
        case sp.Add():
            return _fold([whole(term) for term in value.args], operator.add)
        case sp.Mul():
            return _fold([whole(factor) for factor in value.args], operator.mul)
        case Quotient():
            return _fold([whole(part) for part in value.args], operator.floordiv)
        case Remainder():
            return _fold([whole(part) for part in value.args], operator.mod)
    raise TypeError(f"{type(value).__name__} is no whole number: {value}")


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
    places = [_place(e.indices, name_of(e)) for e in entries if not all(map(is_index, e.indices))]

    def read(frame: Frame) -> list[tuple[int, Any]]:
        found = []
        for position in range(size(frame)):
            frame.at[name] = position
            if all(place(frame) is not None for place in places):
                found.append((position, body(frame)))
        return found

    return read


def _fold(parts: list[Compiled], combine: Callable[[Any, Any], Any]) -> Compiled:
    first, *rest = parts

    def fold(frame: Frame) -> Any:
        result = first(frame)
        for part in rest:
            result = combine(result, part(frame))
        return result

    return fold


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
