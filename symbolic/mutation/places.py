"""Where a bug can be: a step of the backward pass among the others.

An edit proposes another equation for one step. It may propose shapes that do not fit; then a program with
this bug would crash on this network, and there is no such mutant.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import Final, Generic, TypeVar

import sympy as sp
from sympy.concrete.expr_with_limits import ExprWithLimits

from symbolic.accumulation import used_of
from symbolic.activations import Activation
from symbolic.derivation import Derivation
from symbolic.expressions import Expr, entry_of, name_of
from symbolic.grammar.functions import undefined_parts
from symbolic.grammar.indices import is_index
from symbolic.graph import Graph
from symbolic.losses import Loss, Penalty
from symbolic.notation import Array, Binding, Equation, Slot, Step

GRADIENTS: Final = ("weight gradient", "bias gradient", "gradient")
IN_TIME: Final = re.compile(r"_\d+(?=\.|$)")  # the number of a step in the name of an unrolled cell
_NOT_IN_NAMES: Final = re.compile(r"\W")


@dataclass(frozen=True, slots=True)
class Edit:
    """A wrong step for a right one; edits of one `variant` at several places are one bug in all of them."""

    bug: str
    number: int | None
    step: Step
    variant: str = ""
    extra: tuple[Step, ...] = ()
    constants: tuple[str, ...] = ()


S = TypeVar("S", Activation, Loss, Penalty)


@dataclass(frozen=True, slots=True)
class Call(Generic[S]):
    """An undefined function in an equation: the node, and what it stands for here."""

    node: Expr
    name: str
    source: S


@dataclass(frozen=True)
class Surroundings:
    """A derivation by its arrays."""

    derivation: Derivation

    @cached_property
    def makers(self) -> Mapping[Array, Step]:
        """The forward step that computes an array."""
        return {step.target: step for step in self.derivation.forward}

    @cached_property
    def readers(self) -> Mapping[Array, list[Step]]:
        """The forward steps that read an array."""
        found: dict[Array, list[Step]] = defaultdict(list)
        for step in self.derivation.forward:
            for array in step.inputs:
                found[array].append(step)
        return found

    @cached_property
    def order(self) -> Mapping[Array, int]:
        """When a cotangent is there."""
        return {step.target: number for number, step in enumerate(self.derivation.backward)}

    @cached_property
    def places(self) -> tuple[Place, ...]:
        return tuple(Place(step, self) for step in self.derivation.backward)

    @cached_property
    def depth(self) -> int:
        layers = (step.target.layer for step in self.derivation.forward)
        return max((layer for layer in layers if isinstance(layer, int)), default=0)

    @cached_property
    def ranks(self) -> Mapping[str, int]:
        """The number of axes of each array that is computed, by its name."""
        return {step.target.name: len(step.target.shape) for step in self.derivation.forward}

    @cached_property
    def states(self) -> Mapping[Array, tuple[Array, ...]]:
        """Each state of an unrolled cell, with that state at all steps in order, the one given at first."""
        found: dict[Array, tuple[Array, ...]] = {}
        for key, steps in self._in_time.items():
            given = [a for a in self._read_like(key, steps) if a not in self.makers]
            chain = (*given[:1], *(step.target for step in steps))
            found |= dict.fromkeys(chain, chain) if len(steps) > 1 else {}
        return found

    @cached_property
    def between(self) -> frozenset[Array]:
        """What the steps of an unrolled cell compute, the first and the last left out."""
        return frozenset(step.target for steps in self._in_time.values() for step in steps[1:-1])

    @cached_property
    def _in_time(self) -> Mapping[tuple[str, str], list[Step]]:
        """The steps of an unrolled cell that say the same at different times."""
        found: dict[tuple[str, str], list[Step]] = defaultdict(list)
        for step in self.derivation.forward if isinstance(self.derivation.chain, Graph) else ():
            if (name := IN_TIME.sub("", step.target.name)) != step.target.name:
                found[name, step.equation.rule].append(step)
        return found

    def _read_like(self, key: tuple[str, str], steps: list[Step]) -> Iterator[Array]:
        """What the first step of a cell reads under the name that the state has in the second."""
        targets = {step.target for step in steps}
        for same in self._in_time.values():
            for name in same[0].equation.inputs if len(same) > 1 else ():
                if same[1].equation == same[0].equation and same[1].array(name) in targets:
                    yield same[0].array(name)

    @cached_property
    def constants(self) -> frozenset[Array]:
        """What is given beside the inputs, targets of losses left out."""
        chain = self.derivation.chain
        if not isinstance(chain, Graph):
            return frozenset()
        losses = {array for each in chain.losses.values() for array in each.arrays.values()}
        return frozenset(array for array in chain.constants if array.name not in losses)

    def statistic(self, cotangent: Array) -> Step | None:
        """The step of a cotangent that one layer keeps to itself, and that is a sum."""
        step = self._sums.get(cotangent)
        return step if step and "." in cotangent.name and cotangent.cotangent else None

    @cached_property
    def _sums(self) -> Mapping[Array, Step]:
        steps = (place.step for place in self.places if not place.is_gradient)
        return {
            step.target: step
            for step in steps
            if step.equation.value.has(sp.Sum) and not step.equation.scatters
        }

    @cached_property
    def quotients(self) -> tuple[Step, ...]:
        """Forward steps within a layer that are a sum times something, such as x̂ = (x - μ)/s."""
        return tuple(
            step
            for step in self.derivation.forward
            if "." in step.target.name
            and isinstance(step.equation.value, sp.Mul)
            and any(isinstance(part, sp.Add) for part in step.equation.value.args)
            and not step.equation.scatters
        )

    def value_of(self, array: Array) -> Array | None:
        """The array that holds g(z) for every z of this one."""
        for step in self.readers.get(array, ()):
            if undefined_parts(step.equation.value) and step.inputs == (array,):
                return step.target
        return None


@dataclass(frozen=True)
class Place:
    """A right step that may be changed."""

    step: Step
    around: Surroundings

    @property
    def value(self) -> Expr:
        return self.step.equation.value

    @property
    def is_gradient(self) -> bool:
        """Whether this step gives ∂E/∂(a parameter)."""
        return self.step.role in GRADIENTS

    @property
    def rank(self) -> int:
        """The number of axes of what is computed here."""
        return len(self.step.target.shape)

    @property
    def of(self) -> Array:
        """The array whose cotangent is computed here."""
        return replace(self.step.target, cotangent=False, part=0)

    @property
    def layer(self) -> int | str:
        """The layer's number in a chain, the node's name in a graph."""
        array = self.step.target
        return array.layer if isinstance(array.layer, int) else array.name.rpartition(".")[0] or array.name

    def calls(self, kind: type[S]) -> list[Call[S]]:
        """The slopes of functions of this kind in the equation."""
        found = []
        for node, name in slopes_in(self.step.equation):
            slot = self.step.bindings[name]
            if isinstance(slot, Slot) and isinstance(slot.source, kind):
                found.append(Call(node, name, slot.source))
        return found

    def with_value(self, value: Expr, bindings: Mapping[str, Binding] | None = None) -> Step:
        """The step with another value; `bindings` are of the names that are new in it. A number whose name is
        taken, as m is for the padding of a convolution, gets another.
        """
        known: dict[str, Binding] = dict(self.step.bindings)
        for name, bound in (bindings or {}).items():
            fresh = name
            while known.get(fresh, bound) != bound:
                fresh += "_"
            value = value.xreplace({scalar(name): scalar(fresh)}) if fresh != name else value
            known[fresh] = bound
        equation = replace(self.step.equation, value=value)
        return replace(self.step, equation=equation, bindings=used_of(known, equation))

    def put(self, old: Expr, new: Expr, bindings: Mapping[str, Binding] | None = None) -> Step:
        """The step with one subexpression replaced."""
        return self.with_value(self.value.xreplace({old: new}), bindings)

    def rebound(self, bindings: Mapping[str, Binding]) -> Step:
        """The step with names that stand for something else."""
        return replace(self.step, bindings={**self.step.bindings, **bindings})

    def times(self, factor: Expr, bindings: Mapping[str, Binding] | None = None) -> Step:
        """The step with its value multiplied."""
        terms = (factor * term for term in sp.Add.make_args(self.value))
        return self.with_value(sp.Add(*terms), bindings)

    def named(self, array: Array) -> tuple[str, dict[str, Binding]]:
        """A local name for an array, and the binding that this takes: one array has one name."""
        for name, bound in self.step.bindings.items():
            if bound == array:
                return name, {}
        name = _NOT_IN_NAMES.sub("_", array.label)
        while name in self.step.bindings:
            name += "_"
        return name, {name: array}

    def entry(self, array: Array, indices: tuple[Expr, ...]) -> tuple[Expr, dict[str, Binding]]:
        """An entry of any array, and the binding that this takes."""
        name, bindings = self.named(array)
        return entry_of(name, indices), bindings

    @property
    def is_between(self) -> bool:
        """Whether this is in a step of an unrolled cell that is neither the first nor the last."""
        return self.of in self.around.between

    def is_there(self, cotangent: Array) -> bool:
        """Whether a cotangent has been computed before this step."""
        order = self.around.order
        return cotangent in order and order[cotangent] < order[self.step.target]


def scalar(name: str) -> Expr:
    """A number's local name."""
    return sp.Symbol(name, real=True)


@cache
def slopes_in(equation: Equation) -> tuple[tuple[Expr, str], ...]:
    """Each derivative of an undefined function, and that function's name."""
    nodes = sorted(equation.value.atoms(sp.Function), key=str)
    parts = ((node, undefined_parts(node)) for node in nodes)
    return tuple((node, part[0]) for node, part in parts if part and sum(part[1]) == 1)


def entries(equation: Equation) -> list[sp.Indexed]:
    """The entries that are read, in order."""
    return sorted(equation.value.atoms(sp.Indexed), key=str)


def fits(step: Step) -> bool:
    """Whether every index has the size of each axis that it runs along."""
    sizes = dict(zip(step.equation.indices, step.ends, strict=True))
    for name, axis, index, end in _axes(step.equation):
        size = sizes.get(index) if end is None else step.extent(end)
        if size != step.array(name).shape[axis]:
            return False
    return True


@cache
def _axes(equation: Equation) -> tuple[tuple[str, int, sp.Symbol, Expr | None], ...]:
    """Every axis along which an index runs by itself, with the end of that index where a sum has it."""
    return tuple(_axes_of(equation.value, {}))


def _axes_of(expr: Expr, ends: Mapping[sp.Symbol, Expr]) -> Iterator[tuple[str, int, sp.Symbol, Expr | None]]:
    if isinstance(expr, sp.Indexed):
        for axis, place in enumerate(expr.indices):
            if is_index(place):
                yield name_of(expr), axis, place, ends.get(place)
    inner = dict(ends)
    if isinstance(expr, ExprWithLimits):
        inner |= {index: end for index, _, end in expr.limits}
    for part in expr.args:
        if not isinstance(expr, sp.Indexed):
            yield from _axes_of(part, inner)
