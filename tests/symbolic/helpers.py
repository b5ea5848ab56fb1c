"""Formulas evaluated by their definition, by recursion over SymPy's tree: what `symbolic` is held against.

A kind of number is exact rationals, where activations are polynomials, or floats of 100 digits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from itertools import product
from math import perm, prod
from random import Random
from typing import Any, Final

import mpmath
import numpy as np
import sympy as sp
from hypothesis import strategies as st

from symbolic.evaluate import evaluate, shape_of
from symbolic.forward import forward
from symbolic.grammar.functions import undefined_parts
from symbolic.grammar.indices import Holds, Largest, Place, Quotient, Remainder
from symbolic.losses import LAMBDA, SAMPLES
from symbolic.network import Network, mlp
from symbolic.notation import Array, Slot, Step
from symbolic.slots import SLOT_ARGUMENTS

DIGITS: Final = 100
mp = mpmath.mp.clone()
mp.dps = DIGITS
LARGEST: Final = 50  # of |z|: beyond, 1 - sigmoid(z) would lose more digits than there are to spare
CLOSE: Final = mp.mpf(10) ** -40
Number = Any

RELATIONS: Final = {
    "<": lambda x, y: x < y,
    "<=": lambda x, y: x <= y,
    ">": lambda x, y: x > y,
    ">=": lambda x, y: x >= y,
    "==": lambda x, y: x == y,
    "!=": lambda x, y: x != y,
}


@dataclass(frozen=True)
class Polynomial:
    """Stands for an undefined function: Σ coefficient · Π argument^power, and its derivatives."""

    terms: Mapping[tuple[int, ...], Fraction]

    def __call__(self, orders: tuple[int, ...], *arguments: Number) -> Number:
        total = 0 * arguments[0]
        for powers, coefficient in self.terms.items():
            factor = coefficient * prod(map(perm, powers, orders))
            if factor:
                left = [power - order for power, order in zip(powers, orders, strict=True)]
                total += prod(
                    (x**n for x, n in zip(arguments, left, strict=True) if n), start=like(factor, total)
                )
        return total


def like(value: Fraction, other: Number) -> Number:
    """The rational as the kind of number that `other` is."""
    if isinstance(other, mp.mpf):
        return mp.mpf(value.numerator) / value.denominator
    return sp.Rational(value.numerator, value.denominator) if isinstance(other, sp.Basic) else value


@dataclass(frozen=True)
class Rationals:
    """Exact fractions; `functions` stand for undefined slots, by name and layer."""

    functions: Mapping[tuple[str, Any], Polynomial] = field(default_factory=dict)

    def constant(self, value: sp.Expr) -> Number:
        return Fraction(int(value.p), int(value.q))

    def near(self, value: Fraction, random: Random) -> Number:
        """A number like this one; where it can be any real number, one that lies on no kink."""
        return value

    def power(self, base: Number, exponent: sp.Rational) -> Number:
        assert exponent.is_Integer, "roots are not rational"
        return base ** int(exponent)

    def call(self, name: str, argument: Number) -> Number:
        raise AssertionError(f"{name} is not rational")

    def undefined(self, slot: Slot, orders: tuple[int, ...], arguments: tuple[Number, ...]) -> Number:
        return self.functions[slot.name, slot.layer](orders, *arguments)

    def branch(
        self,
        relation: str,
        left: Number,
        right: Number,
        then: Callable[[], Number],
        otherwise: Callable[[], Number],
    ) -> Number:
        return then() if RELATIONS[relation](left, right) else otherwise()


class Decimals(Rationals):
    """Floats of 100 digits."""

    def near(self, value: Fraction, random: Random) -> Number:
        return mp.mpf(value.numerator) / value.denominator * (1 - mp.mpf(random.random()) / 2)

    def constant(self, value: sp.Expr) -> Number:
        return (
            mp.mpf(int(value.p)) / int(value.q)
            if value.is_Rational
            else {sp.pi: mp.pi, sp.E: mp.e}[value] * 1
        )

    def power(self, base: Number, exponent: sp.Rational) -> Number:
        return mp.power(base, self.constant(exponent))

    def call(self, name: str, argument: Number) -> Number:
        return getattr(mp, name)(argument)


class Symbols(Rationals):
    """SymPy's expressions."""

    def constant(self, value: sp.Expr) -> Number:
        return value

    def power(self, base: Number, exponent: sp.Rational) -> Number:
        return base**exponent

    def call(self, name: str, argument: Number) -> Number:
        return getattr(sp, name)(argument)


@dataclass(frozen=True)
class Point:
    """What the names of a formula stand for, sizes and options among the scalars; entries count from 1."""

    numbers: Rationals
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)
    scalars: Mapping[str, Number] = field(default_factory=dict)
    slots: Mapping[str, Callable[..., Number]] = field(default_factory=dict)


def value(expr: sp.Expr, point: Point, at: Mapping[sp.Symbol, int] | None = None) -> Number:
    """A formula's value where free indices have the values in `at`."""
    return _Reading(point).value(expr, dict(at or {}))


def entries(target: sp.Expr, expr: sp.Expr, point: Point, shape: tuple[int, ...]) -> np.ndarray:
    """Every entry of the array that an equation gives."""
    indices = target.indices if isinstance(target, sp.Indexed) else ()
    found, reading = np.empty(shape, object), _Reading(point)
    for place in np.ndindex(*shape):
        found[place] = reading.value(expr, {i: n + 1 for i, n in zip(indices, place, strict=True)})
    return found


def scattered(
    places: Sequence[sp.Expr],
    expr: sp.Expr,
    loops: Sequence[tuple[sp.Symbol, sp.Expr]],
    point: Point,
    shape: tuple[int, ...],
) -> np.ndarray:
    """Every entry of the array that a scatter adds up; what lands outside is dropped."""
    found, reading = np.empty(shape, object), _Reading(point)
    found[...] = point.numbers.constant(sp.S.Zero)
    for values in product(*(range(1, reading.whole(end, {}) + 1) for _, end in loops)):
        at = {index: n for (index, _), n in zip(loops, values, strict=True)}
        place = tuple(reading.whole(position, at) - 1 for position in places)
        if all(0 <= n < size for n, size in zip(place, shape, strict=True)):
            found[place] += reading.value(expr, at)
    return found


class _Reading:
    def __init__(self, point: Point) -> None:
        self.point = point
        self.known: dict[tuple[sp.Expr, tuple[tuple[str, int], ...]], Number] = {}

    def value(self, expr: sp.Expr, at: dict[sp.Symbol, int]) -> Number:
        key = expr, tuple(sorted((i.name, n) for i, n in at.items() if expr.has(i)))
        if key not in self.known:
            self.known[key] = self._value(expr, at)
        return self.known[key]

    def _value(self, expr: sp.Expr, at: dict[sp.Symbol, int]) -> Number:
        numbers = self.point.numbers
        parts = undefined_parts(expr)
        match expr:
            case sp.Number() | sp.NumberSymbol():
                return numbers.constant(expr)
            case sp.Symbol() if expr in at:
                return numbers.constant(sp.Integer(at[expr]))
            case sp.Symbol():
                return self.point.scalars[expr.name]
            case sp.Indexed():
                place, array = self._place(expr, at), self.point.arrays[str(expr.base.label)]
                return array[place] if self._is_inside(expr, at) else numbers.constant(sp.S.Zero)
            case sp.KroneckerDelta():
                one, other = (self.whole(side, at) for side in expr.args)
                return numbers.constant(sp.Integer(one == other))
            case Quotient() | Remainder():
                return numbers.constant(sp.Integer(self.whole(expr, at)))
            case Holds():
                return numbers.constant(sp.Integer(self._holds(expr.args[0], at)))
            case Largest() | Place():
                return self._largest(expr, at)
            case sp.Mul() if not all(self._holds(f.args[0], at) for f in expr.args if isinstance(f, Holds)):
                return numbers.constant(sp.S.Zero)  # whatever the other factors are
            case sp.Sum():
                return self._sum(expr, at) if expr.function != 0 else numbers.constant(sp.S.Zero)
            case sp.Add() | sp.Mul():
                first, *rest = (self.value(part, at) for part in expr.args)
                for part in rest:
                    first = first + part if isinstance(expr, sp.Add) else first * part
                return first
            case sp.exp():
                return numbers.call("exp", self.value(expr.args[0], at))
            case sp.Pow() if expr.exp.is_Rational:
                return numbers.power(self.value(expr.base, at), expr.exp)
            case sp.Pow():
                return numbers.call("exp", self.value(expr.exp * sp.log(expr.base), at))
            case sp.Piecewise():
                return next(
                    self.value(then, at) for then, condition in expr.args if self._holds(condition, at)
                )
            case _ if parts:
                return self.point.slots[parts[0]](parts[1], *(self.value(part, at) for part in expr.args))
            case sp.Function():
                return numbers.call(type(expr).__name__, *(self.value(part, at) for part in expr.args))
        raise TypeError(f"no reading of {expr}")

    def _sum(self, total: sp.Sum, at: dict[sp.Symbol, int]) -> Number:
        indices = [limit[0] for limit in total.limits]
        ranges = [range(1, self._length(*limit, total.function) + 1) for limit in total.limits]
        terms = (
            self.value(total.function, at | dict(zip(indices, place, strict=True)))
            for place in product(*ranges)
        )
        first = next(terms)
        for term in terms:
            first = first + term
        return first

    def _length(self, index: sp.Symbol, _: sp.Expr, last: sp.Expr, body: sp.Expr) -> int:
        if all(symbol.name in self.point.scalars for symbol in last.free_symbols):
            return self.whole(last, {})
        entry = next(entry for entry in body.atoms(sp.Indexed) if index in entry.indices)
        return int(self.point.arrays[str(entry.base.label)].shape[entry.indices.index(index)])

    def whole(self, expr: sp.Expr, at: Mapping[sp.Symbol, int]) -> int:
        """A whole number: a position, a size, an option, an index."""
        match expr:
            case sp.Integer():
                return int(expr)
            case sp.Symbol():
                return at[expr] if expr in at else int(self.point.scalars[expr.name])
            case sp.Add() | sp.Mul():
                parts = [self.whole(part, at) for part in expr.args]
                return sum(parts) if isinstance(expr, sp.Add) else prod(parts)
            case sp.Pow():
                return int(self.whole(expr.base, at) ** int(expr.exp))
            case Quotient() | Remainder():
                both = divmod(*(self.whole(part, at) for part in expr.args))
                return both[isinstance(expr, Remainder)]
            case sp.Indexed():
                return int(self.value(expr, dict(at)))
        raise TypeError(f"{expr} is no whole number")

    def _place(self, entry: sp.Indexed, at: Mapping[sp.Symbol, int]) -> tuple[int, ...]:
        return tuple(self.whole(position, at) - 1 for position in entry.indices)

    def _is_inside(self, entry: sp.Indexed, at: Mapping[sp.Symbol, int]) -> bool:
        shape = self.point.arrays[str(entry.base.label)].shape
        return all(0 <= n < size for n, size in zip(self._place(entry, at), shape, strict=True))

    def _largest(self, picked: sp.Expr, at: dict[sp.Symbol, int]) -> Number:
        """The largest value over an index, or its place: the first of several, all entries inside."""
        ((index, *limits),) = picked.limits
        ats = [at | {index: n + 1} for n in range(self._length(index, *limits, picked.function))]
        entries = picked.function.atoms(sp.Indexed)
        inside = [here for here in ats if all(self._is_inside(entry, here) for entry in entries)]
        values = [self.value(picked.function, here) for here in inside]
        best = values.index(max(values))
        return inside[best][index] - 1 if isinstance(picked, Place) else values[best]

    def _holds(self, condition: Any, at: dict[sp.Symbol, int]) -> bool:
        match condition:
            case sp.Rel():
                return bool(
                    RELATIONS[condition.rel_op](self.value(condition.lhs, at), self.value(condition.rhs, at))
                )
            case sp.And():
                return all(self._holds(part, at) for part in condition.args)
            case sp.Or():
                return any(self._holds(part, at) for part in condition.args)
            case sp.Not():
                return not self._holds(condition.args[0], at)
            case sp.ITE():
                test, then, otherwise = condition.args
                return self._holds(then if self._holds(test, at) else otherwise, at)
        assert condition in (sp.true, sp.false), f"no reading of {condition}"
        return bool(condition)


def function_of(slot: Slot, numbers: Rationals) -> Callable[..., Any]:
    """The function that a slot stands for, with its derivatives."""
    if slot.source.definition is None:
        return numbers.functions[slot.name, slot.layer]
    variables = SLOT_ARGUMENTS[type(slot.source)]

    def apply(orders: tuple[int, ...], *arguments: Any) -> Any:
        formula = slot.source.definition
        for variable, order in zip(variables, orders, strict=True):
            formula = formula.diff(variable, order) if order else formula
        return value(formula, Point(numbers, scalars=dict(zip(map(str, variables), arguments, strict=True))))

    return apply


@dataclass(frozen=True)
class Case:
    """A network with numbers for its parameters and data, and for its undefined functions."""

    network: Network
    numbers: Rationals
    values: Mapping[Array, list[Number]]
    samples: int
    lam: Number

    @property
    def scalars(self) -> dict[sp.Symbol, Number]:
        outputs = int(self.network.sizes[-1])
        return {SAMPLES: self.samples, sp.Symbol("k", real=True): outputs, LAMBDA: self.lam}

    def run(self, steps: Sequence[Step]) -> dict[Array, list[Number]]:
        """Every array that the steps compute, by `symbolic.evaluate`."""
        return evaluate(steps, self.values, self.scalars, self.numbers)

    def array(self, array: Array, entries: Sequence[Number]) -> np.ndarray:
        """Entries in row-major order in the array's shape."""
        found = np.empty(len(entries), object)
        found[:] = entries
        return found.reshape(shape_of(array, {SAMPLES: self.samples}))

    @property
    def point(self) -> Point:
        """The names of a closed form: x and t are arrays, each weight is a scalar such as W1[2,1]."""
        arrays = {array.name: self.array(array, found) for array, found in self.values.items()}
        scalars = {"m": self.numbers.constant(sp.Integer(self.samples)), "lambda": self.lam}
        for array, found in self.values.items():
            for place, number in np.ndenumerate(self.array(array, found)):
                scalars[f"{array.label}[{','.join(str(n + 1) for n in place)}]"] = number
        slots = {f"{name}{layer or ''}": curve for (name, layer), curve in self.numbers.functions.items()}
        return Point(self.numbers, arrays, scalars, slots)


def inputs_of(steps: Sequence[Step]) -> list[Array]:
    """The arrays that steps read and do not compute: parameters, inputs, targets."""
    made = {step.target for step in steps}
    return list(dict.fromkeys(array for step in steps for array in step.inputs if array not in made))


def at_random(network: Network, kind: type[Rationals], *, seed: int, samples: int = 2) -> Case:
    """A network at random rationals that are not 0, targets between 0 and 1 as probabilities are."""
    random = Random(seed)

    def rational() -> Fraction:
        return Fraction(random.choice([-1, 1]) * random.randint(1, 9), random.randint(2, 7))

    def polynomial(arguments: int) -> Polynomial:
        powers = (p for p in product(range(4), repeat=arguments) if sum(p) <= 3)
        return Polynomial({p: rational() for p in powers})

    layers = enumerate(network.layers, start=1)
    functions = {("g", number): polynomial(1) for number, layer in layers if layer.activation.undefined}
    if network.objective.loss.undefined:
        functions["e", None] = polynomial(2)
    numbers = kind(functions)
    values = {}
    for array in inputs_of(forward(network)):
        size = prod(shape_of(array, {SAMPLES: samples}))
        drawn = (Fraction(1, random.randint(2, 7)) if array.name == "T" else rational() for _ in range(size))
        values[array] = [numbers.near(v, random) for v in drawn]
    return Case(network, numbers, values, samples, numbers.constant(sp.Rational(3, 10)))


def cases(network: Network, kind: type[Rationals]) -> st.SearchStrategy[Case]:
    seeds, samples = st.integers(0, 2**32), st.integers(1, 3)
    drawn = st.builds(partial(at_random, network, kind), seed=seeds, samples=samples)
    return drawn if kind is Rationals else drawn.filter(is_moderate)


def is_moderate(case: Case) -> bool:
    """Whether every pre-activation is of moderate size."""
    known = case.run(forward(case.network))
    return all(abs(z) < LARGEST for array, found in known.items() if array.name == "Z" for z in found)


@st.composite
def networks(
    draw: st.DrawFn,
    *,
    activations: Sequence[str],
    objectives: Sequence[tuple[str, str]],
    kinked: Sequence[str] = (),
    largest: int = 3,
    deepest: int = 3,
) -> Network:
    """Networks with at least two units everywhere; `objectives` are pairs of an output activation and a loss.

    At most one hidden layer is `kinked`: the pieces of a closed form multiply.
    """
    depth = draw(st.integers(1, deepest))
    sizes = draw(st.lists(st.integers(2, largest), min_size=depth + 1, max_size=depth + 1))
    hidden = draw(st.lists(st.sampled_from(activations), min_size=depth - 1, max_size=depth - 1))
    if kinked and hidden and draw(st.booleans()):
        hidden[draw(st.integers(0, depth - 2))] = draw(st.sampled_from(kinked))
    output, loss = draw(st.sampled_from(objectives))
    l2, l1 = draw(
        st.sampled_from([(None, None), ("lambda/(2*m)", None), (None, "lambda"), ("lambda/m", "1/10")])
    )
    drawn = mlp(
        *sizes,
        hidden=hidden or "g",
        output=output,
        loss=loss,
        scale=draw(st.sampled_from(["1", "1/m", "1/(m*k)"])),
        l2=l2,
        l1=l1,
        penalize_biases=bool(l2 or l1) and draw(st.booleans()),
        bias=draw(st.lists(st.booleans(), min_size=depth, max_size=depth)),
    )
    assert isinstance(drawn, Network)
    return drawn
