"""Steps evaluated over NumPy arrays: every index is an axis, and nothing is looped over in Python.

A sum of products is one `einsum`; a computed position reads by arrays of indices, and what lies outside is 0;
a scatter is `np.add.at`. This is the reading for real layers; `symbolic.evaluate`, which loops over every
index, is what it is held against.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import sympy as sp
from sympy.core.relational import Relational

from symbolic.activations import Activation, Z
from symbolic.errors import InvalidNetwork
from symbolic.evaluate import shape_of
from symbolic.expressions import Expr, bound_indices, end_of, name_of, peeled
from symbolic.grammar.functions import undefined_parts
from symbolic.grammar.indices import Holds, Largest, Place, Quotient, Remainder, is_index
from symbolic.notation import Array as Name
from symbolic.notation import Slot, Step
from symbolic.slots import SLOT_ARGUMENTS, slot_formula

Array: TypeAlias = npt.NDArray[Any]
Axes: TypeAlias = tuple[sp.Symbol, ...]
Values: TypeAlias = dict[Name, Array]

_LETTERS: Final = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ERF: Final = np.frompyfunc(math.erf, 1, 1)
_ERFC: Final = np.frompyfunc(math.erfc, 1, 1)
_FUNCTIONS: Final[Mapping[str, Callable[[Array], Array]]] = {
    "atan": np.arctan,
    "erf": lambda x: np.asarray(_ERF(x), float),
    "erfc": lambda x: np.asarray(_ERFC(x), float),
}
_RELATIONS: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}


def evaluate_arrays(
    steps: Iterable[Step], values: Mapping[Name, Array], scalars: Mapping[sp.Symbol, float]
) -> Values:
    """Run steps in order; the given values with every step's target added, each of its array's shape.

    `scalars` gives m, k as integers and lambda. Arrays of places hold whole numbers counted from 0.
    """
    known: Values = dict(values)
    sizes = {symbol: int(value) for symbol, value in scalars.items() if isinstance(value, int)}
    for name, given in known.items():
        if np.shape(given) != shape_of(name, sizes):
            raise InvalidNetwork(
                f"{name.label} is of shape {shape_of(name, sizes)}, but values of shape {np.shape(given)} "
                "are given"
            )
    with np.errstate(
        all="ignore"
    ):  # cases are taken on whole arrays; the case that does not hold may overflow
        for step in steps:
            known[step.target] = _Evaluation.of(step, known, sizes, scalars).run()
    return known


@dataclass(slots=True)
class _Evaluation:
    """One step: its arrays, sizes and scalars by local name, and what has been computed already."""

    step: Step
    arrays: dict[str, Array]
    whole: dict[str, int]
    scalars: dict[str, Any]
    slots: dict[str, Slot]
    shape: tuple[int, ...]
    sizes: dict[sp.Symbol, int] = field(default_factory=dict)
    seen: dict[tuple[Expr, Axes], Array] = field(default_factory=dict)

    @classmethod
    def of(
        cls, step: Step, known: Values, sizes: Mapping[sp.Symbol, int], scalars: Mapping[sp.Symbol, float]
    ) -> _Evaluation:
        """The step with what its names are bound to."""
        arrays: dict[str, Array] = {}
        whole: dict[str, int] = {}
        numbers: dict[str, Any] = {}
        slots: dict[str, Slot] = {}
        for name, bound in step.bindings.items():
            if isinstance(bound, Slot):
                slots[name] = bound
            elif isinstance(bound, Name):
                if bound in known:
                    arrays[name] = np.asarray(known[bound])
                    numbers |= {} if bound.shape else {name: float(known[bound])}
            elif name.startswith("N_") or bound.is_Integer:
                whole[name] = numbers[name] = int(bound.xreplace(dict(sizes)))
            else:
                numbers[name] = float(bound.xreplace({s: sp.Float(v, 20) for s, v in scalars.items()}))
        shape = shape_of(step.target, sizes)
        return cls(step, arrays, whole, numbers, slots, shape)

    def run(self) -> Array:
        """The value of the target."""
        equation = self.step.equation
        axes = equation.indices
        ends = [self.size(end) for _, end in equation.loops] or self.shape
        self.sizes |= zip(axes, ends, strict=True)
        value = self.full(equation.value, axes)
        if not equation.scatters:
            return value.reshape(self.shape)
        result = np.zeros(self.shape, value.dtype)
        places, inside = self.places(equation.positions, self.shape, axes)
        at = tuple(np.broadcast_to(place, value.shape)[inside] for place in places)
        np.add.at(result, at, value[inside])
        return result

    def size(self, end: Expr) -> int:
        """A size as a number."""
        return int(end.xreplace({s: sp.Integer(self.whole[s.name]) for s in end.free_symbols}))

    def full(self, expr: Expr, axes: Axes) -> Array:
        """The value of an expression with every axis at its full length."""
        return np.array(np.broadcast_to(self.value(expr, axes), [self.sizes[index] for index in axes]))

    def value(self, expr: Expr, axes: Axes) -> Array:
        """The value of an expression, one dimension for each of `axes`, of length 1 where nothing depends on
        it.
        """
        key = (expr, axes)
        if key not in self.seen:
            self.seen[key] = self._value(expr, axes)
        return self.seen[key]

    def _value(self, expr: Expr, axes: Axes) -> Array:
        match expr:
            case sp.Indexed():
                return self._entry(expr, axes)
            case sp.Sum():
                return self._sum(expr, axes)
            case Largest() | Place():
                return self._largest(expr, axes)
            case Holds():
                return np.asarray(self.condition(expr.args[0], axes), float)
            case sp.Number() | sp.NumberSymbol():
                return np.full([1] * len(axes), float(expr))
            case sp.Symbol() | Quotient() | Remainder() if expr.is_integer:
                return np.asarray(self.whole_number(expr, axes), float)
            case sp.Symbol():
                number = np.asarray(self.scalars[expr.name])
                return number if number.ndim else number.reshape([1] * len(axes))
            case sp.Add():
                return reduce(operator.add, (self.value(term, axes) for term in expr.args))
            case sp.Mul():
                return reduce(operator.mul, (self.value(factor, axes) for factor in expr.args))
            case sp.exp():
                return np.exp(self.value(expr.args[0], axes))
            case sp.Pow():
                return self._power(expr, axes)
            case sp.Piecewise():
                cases = [(self.value(v, axes), self.condition(c, axes)) for v, c in expr.args]
                result = cases[-1][0]
                for case, condition in reversed(cases[:-1]):
                    result = np.where(condition, case, result)
                return result
            case sp.Function():
                return self._function(expr, axes)
        raise TypeError(f"{type(expr).__name__} has no reading in arrays: {expr}")

    def _power(self, expr: Expr, axes: Axes) -> Array:
        base = self.value(expr.base, axes)
        if expr.exp == sp.S.Half:
            return np.sqrt(base)
        if expr.exp == -sp.S.Half:
            return 1 / np.sqrt(base)
        if expr.exp == -1:
            return 1 / base
        exponent = int(expr.exp) if expr.exp.is_Integer else self.value(expr.exp, axes)
        return np.asarray(base**exponent)

    def _function(self, expr: Expr, axes: Axes) -> Array:
        arguments = [self.value(argument, axes) for argument in expr.args]
        slot = undefined_parts(expr)
        if slot is None:
            name = type(expr).__name__
            known = _FUNCTIONS.get(name)
            return np.asarray((known or getattr(np, name))(arguments[0]))
        name, orders = slot
        source = self.slots[name].source
        if isinstance(source, Activation) and orders in ((0,), (1,)):
            return self._stable(source, "slope" if orders[0] else "value", arguments[0])
        formula = slot_formula(source, orders)
        assert formula is not None, f"{source.text} is undefined"
        names = [symbol.name for symbol in SLOT_ARGUMENTS[type(source)]]
        return self._formula(formula, dict(zip(names, arguments, strict=True)))

    def _stable(self, source: Activation, wanted: str, argument: Array) -> Array:
        """The value or the slope of an activation by its stable lines."""
        numbers: dict[str, Any] = {Z.name: argument}
        for root in source.row.roots if source.row else ():
            numbers[root.name], numbers[root.rest] = root.floats()
        for name, formula in source.stable_lines():
            numbers[name] = self._formula(formula, numbers)
            if name == wanted:
                return np.asarray(numbers[name])
        raise AssertionError("unreachable: stable lines end in value and slope")

    def _formula(self, formula: Expr, numbers: Mapping[str, Any]) -> Array:
        """A formula in scalars, entry by entry."""
        rank = max(np.ndim(number) for number in numbers.values())
        axes = tuple(sp.Symbol(f"axis{n}", integer=True) for n in range(rank))
        inner = _Evaluation(self.step, {}, {}, dict(numbers), {}, ())
        return inner.value(formula, axes)

    def _entry(self, entry: sp.Indexed, axes: Axes) -> Array:
        array = self.arrays[name_of(entry)]
        indices = tuple(entry.indices)
        if len(set(indices)) == len(indices) and array.shape == tuple(map(self.sizes.get, indices)):
            order = sorted(range(len(indices)), key=lambda axis: axes.index(indices[axis]))
            shape = [array.shape[indices.index(index)] if index in indices else 1 for index in axes]
            return np.reshape(np.transpose(array, order), shape)
        places, _ = self.places(indices, array.shape, axes)
        clipped = tuple(np.clip(p, 0, size - 1) for p, size in zip(places, array.shape, strict=True))
        inside = self._inside(places, array.shape)
        return np.asarray(np.where(inside, array[clipped], array.dtype.type(0)))

    def places(
        self, positions: Sequence[Expr], shape: Sequence[int], axes: Axes
    ) -> tuple[list[Array], Array]:
        """Where entries lie, counted from 0, and at which places of the axes they lie inside."""
        places = [np.asarray(self.whole_number(position, axes)) - 1 for position in positions]
        inside = self._inside(places, shape)
        return places, np.broadcast_to(inside, [self.sizes[index] for index in axes])

    def _inside(self, places: Sequence[Array], shape: Sequence[int]) -> Array:
        tests = ((place >= 0) & (place < size) for place, size in zip(places, shape, strict=True))
        return np.asarray(reduce(operator.and_, tests))

    def whole_number(self, expr: Expr, axes: Axes) -> Any:
        """A position or another whole number, counted from 1."""
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
                return np.asarray(self.value(expr, axes)).astype(int)
        operation = _WHOLE[type(expr)]
        return reduce(operation, (self.whole_number(part, axes) for part in expr.args))

    def condition(self, condition: Any, axes: Axes) -> Any:
        """Where a condition holds."""
        match condition:
            case sp.And():
                return reduce(operator.and_, (self.condition(part, axes) for part in condition.args))
            case sp.Or():
                return reduce(operator.or_, (self.condition(part, axes) for part in condition.args))
            case sp.Not():
                return ~np.asarray(self.condition(condition.args[0], axes))
            case Relational():
                whole = all(side.is_integer for side in condition.args)
                read = self.whole_number if whole else self.value
                left, right = (np.asarray(read(side, axes)) for side in condition.args)
                held = np.asarray(_RELATIONS[condition.rel_op](left, right))
                return held.reshape([1] * len(axes)) if held.ndim == 0 else held
        return np.full([1] * len(axes), bool(condition))

    def _sum(self, total: sp.Sum, axes: Axes) -> Array:
        """A sum of a product is one einsum over all of its indices; of anything else, a sum along an axis."""
        body, bound = total, []
        while isinstance(body, sp.Sum):
            end = self.size(end_of(body))
            body, index = peeled(body)
            self._bind(index, end)
            bound.append(index)
        inner = (*axes, *bound)
        factors = list(sp.Mul.make_args(body))
        letters = dict(zip(inner, _LETTERS, strict=False))
        operands, subscripts = [], []
        for factor in factors:
            value = self.value(factor, inner)
            kept = [n for n, length in enumerate(value.shape) if length != 1]
            operands.append(value.reshape([value.shape[n] for n in kept]))
            subscripts.append("".join(letters[inner[n]] for n in kept))
        used = set("".join(subscripts))
        missing = [self.sizes[index] for index in bound if letters[index] not in used]
        out = "".join(letters[index] for index in axes if letters[index] in used)
        result = np.einsum(f"{','.join(subscripts)}->{out}", *operands, optimize=len(operands) > 2)
        shape = [self.sizes[index] if letters[index] in used else 1 for index in axes]
        return np.asarray(result * reduce(operator.mul, missing, 1)).reshape(shape)

    def _bind(self, index: sp.Symbol, size: int) -> None:
        """An index gets its size; what was computed with another size under the same name is forgotten."""
        if self.sizes.get(index, size) != size:
            self.seen.clear()
        self.sizes[index] = size

    def _largest(self, picked: Expr, axes: Axes) -> Array:
        ((index, _, end),) = picked.limits
        self._bind(index, self.size(end))
        inner = (*axes, index)
        body = self.full(picked.function, inner)
        bound = bound_indices(picked.function)
        for entry in picked.function.atoms(sp.Indexed):
            if not (all(map(is_index, entry.indices)) or bound & entry.free_symbols):
                shape = self.arrays[name_of(entry)].shape
                body = np.where(self.places(entry.indices, shape, inner)[1], body, -np.inf)
        place = np.argmax(body, axis=-1)
        if isinstance(picked, Place):
            return np.asarray(place)
        return np.asarray(np.take_along_axis(body, place[..., None], axis=-1)[..., 0])


_WHOLE: Final[Mapping[type, Callable[[Any, Any], Any]]] = {
    sp.Add: operator.add,
    sp.Mul: operator.mul,
    Quotient: operator.floordiv,
    Remainder: operator.mod,
}
