"""What all texts of one C file share: names, words for numbers, and where each array lies.

Parameters and gradients lie in one buffer each, inputs in those that the caller gives, all else in the memory
to work in. Where samples are not coupled, that memory is the one of a single sample.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import sympy as sp

from symbolic.codegen.c.functions import Functions
from symbolic.codegen.c.lines import Location, count
from symbolic.codegen.c.memory import Memory
from symbolic.codegen.c.names import Names, words
from symbolic.codegen.c.parts import real
from symbolic.codegen.c.phases import phased, sample_axis
from symbolic.codegen.c.plan import Plan
from symbolic.codegen.c.scalar import Scalars
from symbolic.codegen.request import Request
from symbolic.expressions import Expr
from symbolic.losses import SAMPLES
from symbolic.network import Network
from symbolic.notation import Array, Step

MACROS: Final = ("h", "inputs", "outputs", "parameters", "work", "batch_work")


@dataclass
class FileScope:
    """The scope of one file."""

    request: Request
    plan: Plan
    names: Names = field(default_factory=Names)

    def __post_init__(self) -> None:
        for index in "ck":  # of loops over samples and over entries
            self.names.of(("index", index), index)
        for array in (*self.plan.inputs, *self.plan.parameters, *self.plan.outputs):
            self.name(array)

    @cached_property
    def number(self) -> str:
        return real(self.request)

    @cached_property
    def scalars(self) -> Scalars:
        return Scalars("float" if self.number == "float" else "double", self.request.name)

    @cached_property
    def functions(self) -> Functions:
        return Functions(self.scalars, self.names)

    @cached_property
    def in_sample(self) -> bool:
        return not self.plan.is_coupled

    @property
    def is_chain(self) -> bool:
        return isinstance(self.request.network, Network)

    def name(self, array: Array) -> str:
        """The variable of an array: those of a chain as in formulas, delta for ∂E/∂Z."""
        layer = "" if array.layer is None else str(array.layer)
        if self.is_chain and array.name.isalpha() and array.name.isascii():
            plain = array.name.lower()
            wanted = f"{'d' * array.cotangent}{plain}{layer}"
            return self.names.of(array, f"delta{layer}" if array.cotangent and plain == "z" else wanted)
        if self.is_chain and array.name[-2:-1] == ".":
            return self.names.of_user(array, f"sum_{array.label.lower()}")
        is_ours = words(array.label).startswith(
            f"{self.request.name}_"
        )  # as functions of the file are called
        return self.names.of_user(array, f"{'its_' * is_ours}{array.label}")

    def size(self, array: Array) -> Expr:
        """How many numbers an array has, within a sample or altogether."""
        axis = sample_axis(array) if self.in_sample else None
        return sp.Mul(*(size for number, size in enumerate(array.shape) if number != axis))

    @cached_property
    def given(self) -> frozenset[Array]:
        """The arrays that have buffers of their own."""
        plan = self.plan
        gradients = (array.bar for array in plan.parameters)
        return frozenset((*plan.parameters, *plan.inputs, *plan.directions.values(), *gradients))

    @cached_property
    def memories(self) -> tuple[Memory, Memory]:
        """Places in the memory to work in: of layers, error and backward, and of layers and second order."""
        plan = self.plan
        memory = Memory(self.size, plan.place, plan.reads)
        if self.in_sample:
            memory.keep(self._lasting(plan.layers, 0))
        tails = ((*plan.error, *plan.backward), plan.second)
        read = {plan.place(array) for tail in tails for step in tail for array in plan.reads(step)}
        memory.run(
            plan.layers, lasting=read | {plan.place(array) for array in plan.outputs}, given=self.given
        )
        found = []
        for tail in tails:
            own = memory.branch()
            if self.in_sample:
                own.keep(self._lasting([*plan.layers, *tail], len(plan.layers)))
            kept = {array for array in own.offsets if array in memory.offsets and array not in read}
            own.run(tail, lasting=kept, given=self.given)
            found.append(own)
        return found[0], found[1]

    def _lasting(self, steps: Sequence[Step], first: int) -> list[Array]:
        """What is there before or after the loop over samples."""
        every = phased(steps) or ()
        targets = (self.plan.place(each.step.target) for each in every[first:] if each.kind != "sample")
        return [array for array in targets if array.shape and array not in self.given]

    def location(self, array: Array) -> Location:
        array = self.plan.place(array)
        axis = sample_axis(array)
        shape: list[Expr | int] = list(array.shape)
        order = list(range(len(shape)))
        kind = "real"
        if self.is_chain:
            layout = self.request.layout
            if (
                array.name.removeprefix("v.").endswith("W")
                and layout.weights == "in-out"
                and self._in_buffer(array)
            ):
                order.reverse()
            if array in self.plan.inputs:
                order = order[::-1] if layout.samples == "rows" else order
                kind = "label" if array.name == "T" and layout.labels == "integer" else kind
        elif array in self.whole:
            kind = "whole"
        in_work = array not in self.given
        strides: list[Expr] = [sp.S.Zero] * len(shape)
        step: Expr = sp.S.One
        for place in reversed(order):
            strides[place] = step
            if not (in_work and self.in_sample and place == axis):
                step *= shape[place]
        drops = axis if self.in_sample else None
        return Location(self.name(array), tuple(shape), tuple(strides), drops, kind)

    def _in_buffer(self, array: Array) -> bool:
        plan = self.plan
        return array in self.given and array not in plan.inputs

    @cached_property
    def whole(self) -> frozenset[Array]:
        """The given arrays of whole numbers: those that say where another is read."""
        plan = self.plan
        found: set[Array] = set()
        for step in (*plan.layers, *plan.error, *plan.backward, *plan.second):
            sides = (step.equation.value, step.equation.target)
            entries = (entry for side in sides for entry in side.atoms(sp.Indexed))
            for entry in entries:
                for place in entry.indices:
                    found.update(step.array(str(each.base.label)) for each in place.atoms(sp.Indexed))
        return frozenset(array for array in found if array in plan.inputs)

    @cached_property
    def offsets(self) -> dict[Array, tuple[str, int]]:
        """For each parameter the macro of its place in the buffer, and the place."""
        found, at = {}, 0
        macros = Names({f"{self.request.name}_{each}".upper() for each in MACROS})
        for array in self.plan.parameters:
            found[array] = (macros.of(array, f"{self.request.name}_{self.name(array)}".upper()), at)
            at += int(self.size(array))
        return found

    @cached_property
    def order(self) -> tuple[str, ...]:
        """What functions take, in order."""
        inputs = (self.name(array) for array in self.plan.inputs)
        return ("params", *inputs, "m", "lam", "v", "grad", "work")

    def argument(self, name: str) -> str:
        """The declaration of an argument."""
        if name == "m":
            return "const size_t m"
        if name == "lam":
            return f"const {self.number} lam"
        if name in ("grad", "work"):
            return f"{self.number} *{name}"
        kinds = {self.name(array): "int" for array in self.plan.inputs if self.location(array).kind != "real"}
        return f"const {kinds.get(name, self.number)} *{name}"

    def output(self, array: Array) -> str:
        """The argument that takes an output of a graph."""
        return self.names.of_user(("output", array), f"out_{array.label}")

    @property
    def work(self) -> Expr:
        """How many numbers of memory the functions work with."""
        totals = [memory.total for memory in self.memories]
        parts = [(total.subs(SAMPLES, 0), total.coeff(SAMPLES)) for total in map(sp.expand, totals)]
        constant, each = (max(parts_of) for parts_of in zip(*parts, strict=True))
        return sp.Max(1, constant) if each == 0 else constant + each * SAMPLES


def amount(size: Expr) -> str:
    """A number of numbers, which may grow with m."""
    constant = size.subs(SAMPLES, 0)
    rest = size - constant
    if rest == 0:
        return f"{int(constant)}u"
    return f"({count([rest])})" if constant == 0 else f"{int(constant)}u + ({count([rest])})"
