"""Evaluating steps over any kind of number: floats, balls, fractions, values with a magnitude, SymPy
expressions.

Every index is looped over and every sum is summed as written, so that this reading of a derivation owes
nothing to matrix forms or generated code. A step's equation is compiled to closures once per process.
"""

from __future__ import annotations

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
from symbolic.grammar.functions import undefined_parts
from symbolic.losses import Loss, Penalty
from symbolic.notation import Array, Equation, Expr, Slot, Step, name_of, peeled

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
    """What compiled closures read: the kind of number, index values, arrays, scalars and slots."""

    numbers: Any
    at: dict[str, int] = field(default_factory=dict)
    entries: dict[str, list[Any]] = field(default_factory=dict)
    strides: dict[str, tuple[int, ...]] = field(default_factory=dict)
    scalars: dict[sp.Symbol, Any] = field(default_factory=dict)
    slots: dict[str, Slot] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)


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
    for name, bound in step.bindings.items():
        if isinstance(bound, Slot):
            frame.slots[name] = bound
        elif isinstance(bound, Array):
            shape = shape_of(bound, sizes)
            frame.strides[name] = tuple(prod(shape[axis + 1 :]) for axis in range(len(shape)))
            if bound in known:
                frame.entries[name] = known[bound]
        else:
            frame.scalars[sp.Symbol(name, real=True)] = compiled(bound)(Frame(numbers, scalars=dict(scalars)))
    for index, (name, axis) in _ranges(step.equation).items():
        frame.sizes[index] = shape_of(step.array(name), sizes)[axis]
    body = compiled(step.equation.value)
    indices = tuple(map(str, step.equation.indices))
    result = []
    for position in product(*(range(frame.sizes[index]) for index in indices)):
        frame.at.update(zip(indices, position, strict=True))
        result.append(body(frame))
    return result


@cache
def _ranges(equation: Equation) -> dict[str, tuple[str, int]]:
    """For every index an array and an axis along which it runs."""
    found: dict[str, tuple[str, int]] = {}
    for entry in (*sorted(equation.value.atoms(sp.Indexed), key=str), equation.target):
        if isinstance(entry, sp.Indexed):
            found |= {str(index): (name_of(entry), axis) for axis, index in enumerate(entry.indices)}
    return found


@cache
def compiled(value: Expr) -> Compiled:
    """Closures that evaluate an expression in a frame."""
    match value:
        case sp.Indexed():
            return _entry(value)
        case sp.Sum():
            return _sum(value)
        case sp.Add():
            return _fold([compiled(term) for term in value.args], lambda x, y: x + y)
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
    name, indices = name_of(entry), tuple(map(str, entry.indices))
    if len(indices) == 2:  # as most arrays have; a Symbol's own comparison would cost more than the work
        row, column = indices
        return lambda frame: frame.entries[name][frame.at[row] * frame.strides[name][0] + frame.at[column]]

    def read(frame: Frame) -> Any:
        places = zip(indices, frame.strides[name], strict=True)
        return frame.entries[name][sum(frame.at[index] * stride for index, stride in places)]

    return read


def _sum(total: sp.Sum) -> Compiled:
    inside, bound = peeled(total)
    body, index = compiled(inside), str(bound)

    def add(frame: Frame) -> Any:
        result = None
        for position in range(frame.sizes[index]):
            frame.at[index] = position
            term = body(frame)
            result = term if result is None else result + term
        return result

    return add


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
        case Relational():
            relation, swap = _RELATIONS[condition.rel_op]
            left, right = (compiled(side) for side in (condition.args[::-1] if swap else condition.args))
            return lambda frame: frame.numbers.branch(
                relation, left(frame), right(frame), lambda: then(frame), lambda: otherwise(frame)
            )
    raise TypeError(f"{condition} is no condition")


_RELATIONS = {
    "<": ("<", False),
    "<=": ("<=", False),
    ">": ("<", True),
    ">=": ("<=", True),
    "==": ("==", False),
    "!=": ("!=", False),
}
