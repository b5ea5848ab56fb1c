"""An equation as a tape: the operations on whole arrays that it takes.

A step is read once for the shapes that it is given, and run any number of times with any algebra: which axis
goes where, what is summed, which positions lie inside are settled in the reading. Every index is an axis; a
value has one dimension for each, of length 1 where it does not depend on it. Equal parts are computed once.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache, partial, reduce
from math import prod
from typing import Any, Final, TypeAlias

import numpy as np
import sympy as sp
from sympy.core.relational import Relational

from numeric.algebra import PLAIN, Algebra
from numeric.tape import Array, Node, Shape, Tape, Writer, common_shape, nodes_of
from numeric.tape_operations import aligned, doubted, largest, lies_inside, place_of_largest, undecided
from symbolic.activations import Activation, Z
from symbolic.expressions import Expr, bound_indices, end_of, name_of, peeled
from symbolic.grammar.functions import undefined_parts
from symbolic.grammar.indices import Holds, Largest, Place, Quotient, Remainder, is_index
from symbolic.notation import Equation
from symbolic.slots import SLOT_ARGUMENTS, slot_formula

Axes: TypeAlias = tuple[sp.Symbol, ...]

_LETTERS: Final = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
POINT: Final = sp.Symbol("point", integer=True)
_RELATIONS: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
_WHOLE: Final[Mapping[type, Callable[[Any, Any], Any]]] = {
    sp.Add: operator.add,
    sp.Mul: operator.mul,
    Quotient: operator.floordiv,
    Remainder: operator.mod,
}


@lru_cache(maxsize=8192)
def step_tape(
    equation: Equation,
    given: tuple[tuple[str, Shape], ...],
    whole: tuple[tuple[str, int], ...],
    points: Shape,
    shape: Shape,
) -> Tape:
    """The target's value, from arrays, scalars and functions of these shapes and from whole numbers."""
    reader = _Reader(nodes_of(dict(given)), dict(whole), points)
    ends = [reader.size(end) for _, end in equation.loops] or shape
    axes = (*reader.first, *equation.indices)
    reader.sizes |= zip(axes, (*points, *ends), strict=True)
    value, target = reader.full(equation.value, axes), (*points, *shape)
    if not equation.scatters:
        return reader.tape(reader.mapped(lambda each: each.reshape(target), target, value))
    places, inside = reader.places((*reader.first, *equation.positions), target, axes)

    def scattered(algebra: Algebra[Any], value: Any, inside: Array, *places: Array) -> Any:
        at = tuple(np.broadcast_to(place, inside.shape)[inside] for place in places)
        return algebra.add_at(target, at, algebra.map(lambda each: each[inside], value))

    return reader.tape(reader.put(scattered, target, value, inside, *places))


@lru_cache(maxsize=1024)
def _formula_tape(formula: Expr, names: tuple[str, ...], rank: int) -> Tape:
    """A formula in scalars, entry by entry of arrays of this rank."""
    reader = _Reader(nodes_of(dict.fromkeys(names, (1,) * rank)))
    return reader.tape(reader.value(formula, tuple(sp.Symbol(f"axis{n}", integer=True) for n in range(rank))))


def formula_value(formula: Expr, numbers: Mapping[str, Any], algebra: Algebra[Any] = PLAIN) -> Any:
    """A formula in scalars, entry by entry."""
    rank = max(number.ndim for number in numbers.values())
    return _formula_tape(formula, tuple(numbers), rank).run(numbers, algebra)


def stable_form(source: Activation, wanted: str, z: Any, algebra: Algebra[Any] = PLAIN) -> Any:
    """The value or the slope of an activation by its stable lines."""
    numbers: dict[str, Any] = {Z.name: z}
    for root in source.row.roots if source.row else ():
        nearest, rest = root.floats()
        numbers[root.name] = algebra.constant(nearest, is_exact=True)
        numbers[root.rest] = algebra.constant(rest, is_exact=True)
    for name, formula in source.stable_lines():
        numbers[name] = formula_value(formula, numbers, algebra)
        if name == wanted:
            return numbers[name]
    raise AssertionError("unreachable: stable lines end in value and slope")


@cache
def is_exact(number: Expr) -> bool:
    """Whether every precision holds a number: ±2^n, and whole numbers of few bits."""
    if number.is_Integer:
        return bool(abs(number) <= 2**11)
    return bool(number.is_Rational and abs(number.p) <= 2**11 and number.q & (number.q - 1) == 0)


@dataclass(slots=True)
class _Reader(Writer):
    """Writes the tape of an equation, and remembers what has been put there already."""

    whole: dict[str, int] = field(default_factory=dict)
    points: Shape = ()
    sizes: dict[sp.Symbol, int] = field(default_factory=dict)
    seen: dict[tuple[Expr, Axes], Node] = field(default_factory=dict)

    @property
    def first(self) -> Axes:
        """The axis of the points, where there are several."""
        return (POINT,) if self.points else ()

    def size(self, end: Expr) -> int:
        """A size as a number."""
        return int(end.xreplace({s: sp.Integer(self.whole[s.name]) for s in end.free_symbols}))

    def full(self, expr: Expr, axes: Axes) -> Node:
        """The value of an expression with every axis at its full length, in memory of its own."""
        node, shape = self.value(expr, axes), tuple(self.sizes[index] for index in axes)
        if node.shape == shape and prod(shape) > 1 and not isinstance(expr, sp.Indexed):
            return node
        return self.mapped(lambda each: np.array(np.broadcast_to(each, shape)), shape, node)

    def value(self, expr: Expr, axes: Axes) -> Node:
        """The value of an expression, one dimension for each of `axes`, of length 1 where nothing depends on
        it.
        """
        key = (expr, axes)
        if key not in self.seen:
            self.seen[key] = self._value(expr, axes)
        return self.seen[key]

    def _value(self, expr: Expr, axes: Axes) -> Node:
        one = (1,) * len(axes)
        match expr:
            case sp.Indexed():
                return self._entry(expr, axes)
            case sp.Sum():
                return self._sum(expr, axes)
            case Largest() | Place():
                return self._picked(expr, axes)
            case Holds():
                held = self.on(lambda held: np.asarray(held, float), self.condition(expr.args[0], axes)[0])
                return self.put(lambda algebra, each: algebra.lift(each), np.shape(held), held)
            case sp.Number() | sp.NumberSymbol():
                number, exact = float(expr), is_exact(expr)
                return self.put(lambda algebra: algebra.constant(number, is_exact=exact), one)
            case sp.Symbol() | Quotient() | Remainder() if expr.is_integer:
                number = self.on(lambda each: np.asarray(each, float), self.whole_number(expr, axes))
                return self.put(lambda algebra, each: algebra.lift(each), _padded(number, axes), number)
            case sp.Symbol():
                return self._scalar(self.given[expr.name], axes)
            case sp.Add() | sp.Mul():
                join = operator.add if isinstance(expr, sp.Add) else operator.mul
                return reduce(partial(self._joined, join), (self.value(part, axes) for part in expr.args))
            case sp.exp():
                return self._called("exp", self.value(expr.args[0], axes))
            case sp.Pow() if not expr.exp.is_number:
                return self._called("exp", self.value(expr.exp * sp.log(expr.base), axes))
            case sp.Pow():
                base, exponent = self.value(expr.base, axes), float(expr.exp)
                return self.put(lambda algebra, each: algebra.power(each, exponent), base.shape, base)
            case sp.Piecewise():
                *cases, (result, _) = expr.args
                return reduce(partial(self._case, axes), reversed(cases), self.value(result, axes))
            case sp.Function():
                return self._function(expr, axes)
        raise TypeError(f"{type(expr).__name__} has no reading in arrays: {expr}")

    def _joined(self, join: Callable[[Any, Any], Any], left: Node, right: Node) -> Node:
        return self.put(lambda _, x, y: join(x, y), common_shape((left, right)), left, right)

    def _called(self, name: str, node: Node) -> Node:
        return self.put(lambda algebra, each: algebra.call(name, each), node.shape, node)

    def _case(self, axes: Axes, otherwise: Node, case: tuple[Expr, Any]) -> Node:
        value, condition = case
        operands = (*self.condition(condition, axes), self.value(value, axes), otherwise)
        return self.put(lambda algebra, *each: algebra.where(*each), common_shape(operands), *operands)

    def _scalar(self, number: Node, axes: Axes) -> Node:
        """A number, or one for each point, with a dimension for every axis."""
        if len(number.shape) == len(axes):
            return number
        if not number.shape:
            return Node(number.place, (1,) * len(axes))
        shape = (*number.shape, *[1] * (len(axes) - len(number.shape)))
        return self.mapped(lambda each: each.reshape(shape), shape, number)

    def _function(self, expr: Expr, axes: Axes) -> Node:
        arguments = [self.value(argument, axes) for argument in expr.args]
        slot = undefined_parts(expr)
        if slot is None:
            return self._called(type(expr).__name__, arguments[0])
        name, orders = slot
        shape = common_shape(arguments)
        return self.put(partial(_slot_value, orders, shape), shape, self.given[name], *arguments)

    def _entry(self, entry: sp.Indexed, axes: Axes) -> Node:
        array = self.given[name_of(entry)]
        indices = (*self.first, *entry.indices)
        if len(set(indices)) == len(indices) and array.shape == tuple(map(self.sizes.get, indices)):
            if indices == axes:
                return array
            order = sorted(range(len(indices)), key=lambda axis: axes.index(indices[axis]))
            shape = [array.shape[indices.index(index)] if index in indices else 1 for index in axes]
            return self.mapped(lambda each: each.transpose(order).reshape(shape), shape, array)
        places, _ = self.places(indices, array.shape, axes)
        limits = [size - 1 for size in array.shape]
        clipped = [
            self.on(lambda place, last=last: np.clip(place, 0, last), place)
            for place, last in zip(places, limits, strict=True)
        ]
        inside = self.on(partial(lies_inside, array.shape), *places)
        choosing = [each for place in entry.indices for each in place.atoms(sp.Indexed)]

        def read(algebra: Algebra[Any], array: Any, inside: Array, *clipped: Array) -> Any:
            def look(each: Array) -> Array:
                return np.where(inside, each[clipped], each.dtype.type(0))

            return algebra.map(look, array)

        found = self.put(read, _padded(inside, axes), array, inside, *clipped)
        if not choosing:
            return found
        return self.put(doubted, found.shape, found, *(self.value(each, axes) for each in choosing))

    def places(self, positions: Sequence[Expr], shape: Sequence[int], axes: Axes) -> tuple[list[Any], Any]:
        """Where entries lie, counted from 0, and at which places of the axes they lie inside."""
        numbers = [self.whole_number(position, axes) for position in positions]
        places = [self.on(lambda number: np.asarray(number) - 1, number) for number in numbers]
        full = [self.sizes[index] for index in axes]
        return places, self.on(lambda *each: np.broadcast_to(lies_inside(shape, *each), full), *places)

    def whole_number(self, expr: Expr, axes: Axes) -> Any:
        """A position or another whole number, counted from 1; a node where data decide it."""
        match expr:
            case sp.Integer():
                return int(expr)
            case sp.Symbol() if is_index(expr):
                shape = [1] * len(axes)
                shape[axes.index(expr)] = -1
                return np.arange(1, self.sizes[expr] + 1).reshape(shape)
            case sp.Symbol():
                return self.whole[expr.name]
            case sp.Indexed():
                chosen = self.value(expr, axes)
                return self.put(lambda algebra, each: algebra.raw(each).astype(int), chosen.shape, chosen)
        parts = (self.whole_number(part, axes) for part in expr.args)
        return reduce(partial(self.on, _WHOLE[type(expr)]), parts)

    def condition(self, condition: Any, axes: Axes) -> tuple[Any, Any]:
        """Where a condition holds, and where rounding may decide it either way."""
        match condition:
            case sp.And() | sp.Or():
                join = operator.and_ if isinstance(condition, sp.And) else operator.or_
                held, unsure = zip(*(self.condition(part, axes) for part in condition.args), strict=True)
                return reduce(partial(self.on, join), held), reduce(partial(self.on, operator.or_), unsure)
            case sp.Not():
                held, unsure = self.condition(condition.args[0], axes)
                return self.on(operator.invert, held), unsure
            case Relational() if all(side.is_integer for side in condition.args):
                sides = [self.whole_number(side, axes) for side in condition.args]
                relation = _RELATIONS[condition.rel_op]
                return self.on(
                    lambda *each: aligned(relation(*map(np.asarray, each)), len(axes)), *sides
                ), False
            case Relational():
                sides = [self.value(side, axes) for side in condition.args]
                relation, shape = _RELATIONS[condition.rel_op], common_shape(sides)

                def holds(algebra: Algebra[Any], left: Any, right: Any) -> Array:
                    return aligned(relation(algebra.raw(left), algebra.raw(right)), len(axes))

                return self.put(holds, shape, *sides), self.put(undecided, shape, *sides)
        return np.full([1] * len(axes), bool(condition)), False

    def _sum(self, total: sp.Sum, axes: Axes) -> Node:
        """A sum of a product is one einsum over all of its indices; of anything else, a sum along an axis."""
        body, bound = total, []
        while isinstance(body, sp.Sum):
            end = self.size(end_of(body))
            body, index = peeled(body)
            self._bind(index, end)
            bound.append(index)
        inner = (*axes, *bound)
        letters = dict(zip(inner, _LETTERS, strict=False))
        operands, subscripts = [], []
        for factor in sp.Mul.make_args(body):
            node = self.value(factor, inner)
            kept = [n for n, length in enumerate(node.shape) if length != 1]
            operands.append(self._squeezed(node, tuple(node.shape[n] for n in kept)))
            subscripts.append("".join(letters[inner[n]] for n in kept))
        used = set("".join(subscripts))
        out = "".join(letters[index] for index in axes if letters[index] in used)
        terms = prod(self.sizes[index] for index in bound)
        repeated = prod(self.sizes[index] for index in bound if letters[index] not in used)
        shape = tuple(self.sizes[index] if letters[index] in used else 1 for index in axes)
        formula = f"{','.join(subscripts)}->{out}"

        def summed(algebra: Algebra[Any], *factors: Any) -> Any:
            result = algebra.einsum(formula, factors, terms)
            if repeated != 1:
                result = result * algebra.constant(float(repeated), is_exact=True)
            return (
                result if result.shape == shape else algebra.map(lambda each: np.reshape(each, shape), result)
            )

        return self.put(summed, shape, *operands)

    def _squeezed(self, node: Node, shape: Shape) -> Node:
        if shape == node.shape:
            return node
        return self.mapped(lambda each: np.reshape(each, shape), shape, node)

    def _bind(self, index: sp.Symbol, size: int) -> None:
        """An index gets its size; what was computed with another size under the same name is forgotten."""
        if self.sizes.get(index, size) != size:
            self.seen.clear()
        self.sizes[index] = size

    def _picked(self, picked: Expr, axes: Axes) -> Node:
        """The largest value of a body, or where it is, the first of several places.

        The places that rounding may pick instead hold values that are no farther off.
        """
        ((index, _, end),) = picked.limits
        self._bind(index, self.size(end))
        inner = (*axes, index)
        body = self.full(picked.function, inner)
        taking_part: Any = np.ones(body.shape, bool)
        bound = bound_indices(picked.function)
        for entry in picked.function.atoms(sp.Indexed):
            if not (all(map(is_index, entry.indices)) or bound & entry.free_symbols):
                shape = self.given[name_of(entry)].shape
                _, inside = self.places((*self.first, *entry.indices), shape, inner)
                taking_part = self.on(operator.and_, taking_part, inside)
        operation = largest if isinstance(picked, Largest) else place_of_largest
        return self.put(operation, body.shape[:-1], body, taking_part)


def _padded(number: Any, axes: Axes) -> Shape:
    """The shape with a dimension for every axis."""
    shape = common_shape((number,))
    return (*[1] * (len(axes) - len(shape)), *shape)


def _slot_value(
    orders: tuple[int, ...], shape: Shape, algebra: Algebra[Any], source: Any, *arguments: Any
) -> Any:
    """What an undefined function stands for, or its derivative, at these arguments."""
    if isinstance(source, Activation) and orders in ((0,), (1,)):
        wanted = "slope" if orders[0] else "value"
        return algebra.activation(source, wanted, arguments[0], partial(stable_form, source))
    formula = slot_formula(source, orders)
    assert formula is not None, f"{source.text} is undefined"
    names = [symbol.name for symbol in SLOT_ARGUMENTS[type(source)]]
    found = formula_value(formula, dict(zip(names, arguments, strict=True)), algebra)
    return found if found.shape == shape else algebra.map(lambda each: np.broadcast_to(each, shape), found)
