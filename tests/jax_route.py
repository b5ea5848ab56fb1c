"""A forward pass in jax.numpy: JAX's reverse mode is evidence that shares nothing with our chain rule.

Every index is an axis of a whole array, sums are taken along axes, maxima by `max`; float64. It reads the
forward steps alone.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial, reduce
from typing import Any, Final

import jax
import jax.numpy as jnp
import numpy as np
import sympy as sp
from sympy.core.relational import Relational

from symbolic.expressions import bound_indices, name_of
from symbolic.grammar.functions import undefined_parts
from symbolic.grammar.indices import Holds, Largest, Place, Quotient, Remainder, is_index
from symbolic.notation import Array, Slot, Step
from symbolic.slots import SLOT_ARGUMENTS

jax.config.update("jax_enable_x64", True)

Arrays = Mapping[Array, Any]
Scalars = Mapping[sp.Symbol, Any]
UNOPTIMISED: Final = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}
COMPARED: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
CALLED: Final[Mapping[str, Callable[[Any], Any]]] = {
    "Abs": jnp.abs,
    "atan": jnp.arctan,
    "erf": jax.scipy.special.erf,
    "erfc": jax.scipy.special.erfc,
}


def run(steps: Sequence[Step], values: Arrays, scalars: Scalars) -> dict[Array, Any]:
    """The values with every step's target added."""
    known = dict(values)
    for step in steps:
        shape = [int(number(size, scalars)) for size in step.target.shape]
        known[step.target] = _Reading.of(step, known, scalars).target(shape)
    return known


def second_order(
    steps: Sequence[Step], values: Arrays, scalars: Scalars, directions: Arrays
) -> tuple[dict[Array, Any], dict[Array, Any]]:
    """∂E/∂w and H v for each array w that has a direction v, forward over reverse; E sums what is scalar.

    Compiled as a whole with the optimiser off: one by one, each operation of each shape would be compiled.
    """
    wrt = list(directions)
    given = [jnp.asarray(values[array]) for array in wrt], [jnp.asarray(directions[array]) for array in wrt]
    derivative = partial(jax.jvp, jax.grad(error(steps, values, scalars, wrt)))
    compiled = jax.jit(lambda at, along: derivative((at,), (along,)), compiler_options=UNOPTIMISED)
    found = ([np.asarray(each) for each in part] for part in compiled(*given))
    first, second = (dict(zip(wrt, part, strict=True)) for part in found)
    return first, second


def hessian(steps: Sequence[Step], values: Arrays, scalars: Scalars, wrt: Sequence[Array]) -> Any:
    """∂²E/∂w² of the arrays laid end to end."""
    shapes = [np.shape(values[array]) for array in wrt]
    ends = np.cumsum([np.prod(shape, dtype=int) for shape in shapes])
    total = error(steps, values, scalars, wrt)

    def flat(entries: Any) -> Any:
        parts = jnp.split(entries, ends[:-1])
        return total([part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)])

    at = jnp.concatenate([jnp.ravel(values[array]) for array in wrt])
    return np.asarray(jax.jit(jax.hessian(flat), compiler_options=UNOPTIMISED)(at))


def jacobian(steps: Sequence[Step], values: Arrays, scalars: Scalars, output: Array, source: Array) -> Any:
    """∂y/∂u, of shape (*shape of y, *shape of u)."""

    def result(moved: Any) -> Any:
        return run(steps, {**values, source: moved}, scalars)[output]

    found = jax.jit(jax.jacobian(result), compiler_options=UNOPTIMISED)(jnp.asarray(values[source]))
    return np.asarray(found)


def error(
    steps: Sequence[Step], values: Arrays, scalars: Scalars, wrt: Sequence[Array]
) -> Callable[[Sequence[Any]], Any]:
    """E as a function of the values of some arrays."""

    def total(moved: Sequence[Any]) -> Any:
        known = run(steps, {**values, **dict(zip(wrt, moved, strict=True))}, scalars)
        return sum(known[step.target] for step in steps if not step.target.shape)

    return total


def number(bound: int | sp.Expr, scalars: Scalars) -> int | float:
    found = (sp.S.Zero + bound).xreplace({symbol: sp.Number(value) for symbol, value in scalars.items()})
    return int(found) if found.is_Integer else float(found)


@dataclass
class _Reading:
    """One step, with what its names stand for; `axes` say which index each axis of a value belongs to."""

    step: Step
    known: Arrays
    numbers: Mapping[str, Any]
    lengths: dict[sp.Symbol, int] = field(default_factory=dict)

    @classmethod
    def of(cls, step: Step, known: Arrays, scalars: Scalars) -> _Reading:
        others = {name: b for name, b in step.bindings.items() if not isinstance(b, Array | Slot)}
        return cls(step, known, {name: number(bound, scalars) for name, bound in others.items()})

    def target(self, shape: Sequence[int]) -> Any:
        """The value of the step's target, of this shape."""
        equation = self.step.equation
        axes, ends = equation.indices, [self.integer(end, ()) for _, end in equation.loops] or shape
        self.lengths.update(zip(axes, ends, strict=True))
        value = jnp.broadcast_to(self.value(equation.value, axes), tuple(ends))
        if not equation.scatters:
            return value
        places = [self.integer(place, axes) - 1 for place in equation.positions]
        at = tuple(jnp.clip(place, 0, size - 1) for place, size in zip(places, shape, strict=True))
        return jnp.zeros(shape).at[at].add(jnp.where(self.inside(places, shape), value, 0))

    def inside(self, places: Sequence[Any], shape: Sequence[int]) -> Any:
        tests = ((place >= 0) & (place < size) for place, size in zip(places, shape, strict=True))
        return reduce(operator.and_, tests)

    def value(self, expr: sp.Expr, axes: Sequence[sp.Symbol]) -> Any:
        """The value of an expression, broadcastable against the lengths of the axes."""
        match expr:
            case sp.Indexed():
                return self.entry(jnp.asarray(self.known[self.step.array(name_of(expr))]), expr.indices, axes)
            case sp.Sum() | Largest() | Place():
                return self.over(expr, axes)
            case Holds():
                return jnp.where(self.condition(expr.args[0], axes), 1.0, 0.0)
            case sp.Symbol() if not is_index(expr):
                return self.numbers[expr.name]
            case sp.Symbol() | Quotient() | Remainder():
                return 1.0 * self.integer(expr, axes)
            case sp.Number() | sp.NumberSymbol():
                return float(expr)
            case sp.Add():
                return reduce(operator.add, (self.value(term, axes) for term in expr.args))
            case sp.Mul():
                return reduce(operator.mul, (self.value(factor, axes) for factor in expr.args))
            case sp.exp():
                return jnp.exp(self.value(expr.args[0], axes))
            case sp.Pow() if expr.exp.is_Integer:
                return self.value(expr.base, axes) ** int(expr.exp)
            case sp.Pow():
                return jnp.power(self.value(expr.base, axes), self.value(expr.exp, axes))
            case sp.Piecewise():
                cases = [(self.value(then, axes), self.condition(held, axes)) for then, held in expr.args]
                rest = (case for case in reversed(cases[:-1]))
                return reduce(lambda other, case: jnp.where(case[1], case[0], other), rest, cases[-1][0])
        return self.applied(expr, axes)

    def entry(self, array: Any, positions: Sequence[sp.Expr], axes: Sequence[sp.Symbol]) -> Any:
        """An array at its positions; 0 outside."""
        if len(set(positions)) == len(positions) and array.shape == tuple(map(self.lengths.get, positions)):
            order = sorted(range(array.ndim), key=lambda axis: axes.index(positions[axis]))
            shape = [self.lengths[index] if index in positions else 1 for index in axes]
            return array.transpose(order).reshape(shape)
        places = [self.integer(place, axes) - 1 for place in positions]
        at = tuple(jnp.clip(place, 0, size - 1) for place, size in zip(places, array.shape, strict=True))
        return jnp.where(self.inside(places, array.shape), array[at], 0)

    def applied(self, expr: sp.Expr, axes: Sequence[sp.Symbol]) -> Any:
        arguments = [self.value(argument, axes) for argument in expr.args]
        slot = undefined_parts(expr)
        if slot is None:
            name = type(expr).__name__
            return (CALLED.get(name) or getattr(jnp, name))(*arguments)
        source = self.step.slot(slot[0]).source
        assert source.definition is not None and not any(slot[1])
        names = map(str, SLOT_ARGUMENTS[type(source)])
        inner = _Reading(self.step, {}, dict(zip(names, arguments, strict=True)))
        return inner.value(source.definition, ())

    def over(self, expr: sp.Expr, axes: Sequence[sp.Symbol]) -> Any:
        """A sum, a maximum or its place: every index of it is a further axis."""
        ends = {index: self.integer(end, ()) for index, _, end in expr.limits}
        self.lengths.update(ends)
        inner = (*axes, *ends)
        body = self.value(expr.function, inner)
        body = jnp.broadcast_to(body, tuple(self.lengths[index] for index in inner))
        if isinstance(expr, sp.Sum):
            return body.sum(axis=tuple(range(len(axes), len(inner))))
        within = bound_indices(expr.function)
        for entry in expr.function.atoms(sp.Indexed):
            if within & entry.free_symbols:
                continue
            shape = self.known[self.step.array(name_of(entry))].shape
            places = [self.integer(place, inner) - 1 for place in entry.indices]
            body = jnp.where(self.inside(places, shape), body, -jnp.inf)
        return (body.argmax if isinstance(expr, Place) else body.max)(axis=-1)

    def integer(self, expr: sp.Expr, axes: Sequence[sp.Symbol]) -> Any:
        """A whole number, or an array of them along the axes; indices count from 1."""
        match expr:
            case sp.Integer():
                return int(expr)
            case sp.Symbol() if is_index(expr):
                shape = [-1 if index == expr else 1 for index in axes]
                return np.arange(1, self.lengths[expr] + 1).reshape(shape)
            case sp.Symbol():
                return self.numbers[expr.name]
            case sp.Indexed():
                return jnp.asarray(self.value(expr, axes)).astype(int)
        parts = [self.integer(part, axes) for part in expr.args]
        match expr:
            case sp.Add():
                return reduce(operator.add, parts)
            case sp.Mul():
                return reduce(operator.mul, parts)
            case Quotient():
                return parts[0] // parts[1]
            case Remainder():
                return parts[0] % parts[1]
        raise TypeError(f"{expr} is no whole number")

    def condition(self, condition: Any, axes: Sequence[sp.Symbol]) -> Any:
        match condition:
            case sp.And():
                return reduce(operator.and_, (self.condition(part, axes) for part in condition.args))
            case sp.Or():
                return reduce(operator.or_, (self.condition(part, axes) for part in condition.args))
            case sp.Not():
                return jnp.logical_not(self.condition(condition.args[0], axes))
            case Relational():
                read = self.integer if all(side.is_integer for side in condition.args) else self.value
                return COMPARED[condition.rel_op](*(read(side, axes) for side in condition.args))
        return bool(condition)
