"""The numbers of a self-test: what the functions are called with, and what is expected of them.

Parameters and data come from a recurrence whose numbers have few bits, so that they are the same in float and
in double; what is expected was computed in 50 digits from the definitions, by loops over indices.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from itertools import islice, product
from math import prod
from typing import Final

import sympy as sp

from symbolic.codegen.c.file_scope import FileScope
from symbolic.codegen.c.parts import Signature
from symbolic.codegen.c.reference import Bounded, Rounding
from symbolic.derivation import Derivation, derive
from symbolic.evaluate import Values, evaluate, shape_of
from symbolic.expressions import entry_of
from symbolic.losses import LAMBDA, OUTPUTS, SAMPLES
from symbolic.network import Network
from symbolic.notation import Array, Equation, Step

CHECKED: Final = 48  # entries of the gradient
OUTPUT_ENTRIES: Final = 6  # of each output
BELOW: Final = 3  # the whole numbers that say where another array is read
LARGE: Final = 4000  # parameters: beyond, one sample is enough
LAM: Final = sp.Rational(1, 4)
MULTIPLIER, INCREMENT, SEED = 1664525, 1013904223, 1  # Numerical Recipes, §7.1


@dataclass(slots=True)
class _Numbers:
    """The recurrence, as the C code has it."""

    state: int = SEED

    def next(self) -> int:
        self.state = (self.state * MULTIPLIER + INCREMENT) % 2**32
        return self.state >> 24

    def fill(self, count: int, offset: Decimal, scale: Decimal) -> list[Bounded]:
        return [Bounded((self.next() + offset) / 256 * scale) for _ in range(count)]


@dataclass(frozen=True, slots=True)
class Run:
    """Calls on one set of data; `checks` are expressions in C with what is expected of them."""

    data: tuple[str, ...]
    calls: tuple[str, ...]
    checks: tuple[tuple[str, Bounded], ...]

    @property
    def expected(self) -> Iterator[Bounded]:
        return (expected for _, expected in self.checks)


@dataclass(frozen=True)
class Vectors:
    """The runs of one file's self-test; `is_positive` is for networks that take logarithms of inputs."""

    scope: FileScope
    functions: Mapping[str, Signature]
    is_positive: bool = False

    @cached_property
    def derivation(self) -> Derivation:
        network, parameters = self.scope.request.network, self.scope.plan.parameters
        return derive(network) if isinstance(network, Network) else derive(network, wrt=parameters)

    @property
    def count(self) -> int:
        return sum(int(self.scope.size(array)) for array in self.scope.plan.parameters)

    @property
    def batches(self) -> tuple[tuple[int, str], ...]:
        """Numbers of samples, with what the names of the functions end in."""
        if not isinstance(self.scope.request.network, Network):
            return ((3, "_batch"),)
        return ((1, ""),) if self.count > LARGE else ((1, ""), (3, "_batch"))

    @cached_property
    def runs(self) -> tuple[Run, ...]:
        numbers, runs, values = _Numbers(), [], {}
        for array in self.scope.plan.parameters:  # the first run's parameters are those of all
            width = max(int(array.shape[-1]) if array.shape else 1, 1)
            scale = Decimal(2) ** (1 - round(math.log2(width) / 2))
            values[array] = self._read(array, self._drawn(numbers, int(self.scope.size(array)), scale), 1)
            runs.append(
                self._filled(f"&params[{self.scope.offsets[array][0]}]", self.scope.size(array), scale)
            )
        first = tuple(runs)
        return tuple(
            self._run(first if number == 0 else (), samples, end, dict(values), numbers)
            for number, (samples, end) in enumerate(self.batches)
        )

    def _drawn(self, numbers: _Numbers, count: int, scale: Decimal) -> list[Bounded]:
        return numbers.fill(count, *self._span(scale))

    def _span(self, scale: Decimal) -> tuple[Decimal, Decimal]:
        """Offset and scale: numbers of both signs, or positive ones."""
        return (Decimal("0.5"), scale / 2) if self.is_positive else (Decimal("-127.5"), scale)

    def _filled(self, place: str, count: object, scale: Decimal) -> str:
        offset, scale = self._span(scale)
        return f"fill({place}, {count}u, {self.literal(offset)}, {self.literal(scale)});"

    def _run(
        self, lines: tuple[str, ...], samples: int, end: str, values: Values[Bounded], numbers: _Numbers
    ) -> Run:
        data = list(lines)
        for array in self.scope.plan.inputs:
            drawn, line = self._input(array, samples, numbers)
            values[array] = drawn
            data.append(line)
        scalars: dict[sp.Symbol, Bounded | int] = {SAMPLES: samples, LAMBDA: Rounding().constant(LAM)}
        network = self.scope.request.network
        if isinstance(network, Network):
            scalars[OUTPUTS] = int(network.sizes[-1])
        found = evaluate(self._steps, values, scalars, Rounding())
        return Run(tuple(data), *self._checked(found, samples, end))

    def _input(self, array: Array, samples: int, numbers: _Numbers) -> tuple[list[Bounded], str]:
        """The numbers of an input, and the line that makes them."""
        name, location = self.named(array), self.scope.location(array)
        shape = shape_of(array, {SAMPLES: samples})
        if location.kind == "label":
            classes = [numbers.next() % shape[0] for _ in range(samples)]
            hot = [Bounded(Decimal(int(unit == each))) for unit in range(shape[0]) for each in classes]
            return hot, f"fill_whole({name}, {samples}u, {shape[0]}u);"
        if location.kind == "whole":
            whole = [Bounded(Decimal(numbers.next() % BELOW)) for _ in range(prod(shape))]
            return whole, f"fill_whole({name}, {prod(shape)}u, {BELOW}u);"
        given = array.label in ("T", "t") or array not in self._network_inputs
        scale = Decimal(1) if given else Decimal(2)
        span = (Decimal("0.5"), scale) if given else self._span(scale)
        drawn = self._read(array, numbers.fill(prod(shape), *span), samples)
        line = f"fill({name}, {prod(shape)}u, {self.literal(span[0])}, {self.literal(span[1])});"
        return drawn, line

    @property
    def _network_inputs(self) -> set[Array]:
        network = self.scope.request.network
        if isinstance(network, Network):
            return {self.scope.plan.inputs[0]}
        return {network.arrays[name] for name in network.inputs}

    def _read(self, array: Array, buffer: list[Bounded], samples: int) -> list[Bounded]:
        """The entries of an array, row-major, from a buffer in the file's layout."""
        return [buffer[at] for at in self._places(array, samples)]

    def _places(self, array: Array, samples: int) -> list[int]:
        shape = shape_of(array, {SAMPLES: samples})
        strides = [
            int((sp.S.Zero + s).xreplace({SAMPLES: samples})) for s in self.scope.location(array).strides
        ]
        ranges = product(*map(range, shape))
        return [sum(at * stride for at, stride in zip(place, strides, strict=True)) for place in ranges]

    def _checked(
        self, found: Values[Bounded], samples: int, end: str
    ) -> tuple[tuple[str, ...], tuple[tuple[str, Bounded], ...]]:
        """The calls of a run, and their checks."""
        calls: list[str] = []
        checks: list[tuple[str, Bounded]] = []
        forward, loss, both = (f"{name}{end}" for name in ("forward", "loss", "loss_and_gradient"))
        if forward in self.functions:
            calls.append(f"{self._call(forward, samples)};")
            for array in self.scope.plan.outputs:
                name = self.output(array)
                entries = self._in_order(found[array], array, samples)
                checks += [
                    (f"{name}[{at}]", value) for at, value in islice(enumerate(entries), OUTPUT_ENTRIES)
                ]
        scalars = [found[step.target][0] for step in self.derivation.forward if not step.target.shape]
        if loss in self.functions:
            checks.append((self._call(loss, samples), sum(scalars[1:], scalars[0])))
        if both in self.functions:
            checks.append((self._call(both, samples), sum(scalars[1:], scalars[0])))
            checks += self._gradient(found)
        return tuple(calls), tuple(checks)

    def _in_order(self, entries: list[Bounded], array: Array, samples: int) -> list[Bounded]:
        """The entries of an output as the caller gets them."""
        rows = self.scope.is_chain and self.scope.request.layout.samples == "rows"
        return (
            [entries[unit * samples + c] for c in range(samples) for unit in range(len(entries) // samples)]
            if rows
            else entries
        )

    @cached_property
    def _entries(self) -> dict[Array, list[tuple[int, Array, tuple[int, ...]]]]:
        """Entries of each parameter, evenly over the buffer: their offset, a name, their place from 1."""
        share = max(1, CHECKED // max(1, len(self.scope.plan.parameters)))
        found = {}
        for array in self.scope.plan.parameters:
            places = product(*(range(1, size + 1) for size in shape_of(array, {})))
            every = sorted(zip(self._places(array, 1), places, strict=True))
            kept = every[:: -(-len(every) // share)]
            found[array.bar] = [(at, Array(f"{array.label}.{at}"), place) for at, place in kept]
        return found

    @cached_property
    def _steps(self) -> list[Step]:
        """The definition, of gradients the entries that are checked."""
        found: list[Step] = []
        for step in self.derivation.steps:
            if step.target not in self._entries or step.equation.scatters:
                found.append(step)
                continue
            for _, entry, place in self._entries[step.target]:
                fixed = dict(zip(step.equation.indices, map(sp.Integer, place), strict=True))
                alone = Equation(
                    entry_of("entry", ()), step.equation.value.xreplace(fixed), step.equation.rule
                )
                found.append(replace(step, equation=alone, bindings={**step.bindings, "entry": entry}))
        return found

    def _gradient(self, found: Values[Bounded]) -> Iterator[tuple[str, Bounded]]:
        for array in self.scope.plan.parameters:
            begin = self.scope.offsets[array][1]
            for at, entry, place in self._entries[array.bar]:
                if entry in found:
                    yield f"grad[{begin + at}]", found[entry][0]
                else:
                    row = sum((p - 1) * prod(array.shape[axis + 1 :]) for axis, p in enumerate(place))
                    yield f"grad[{begin + at}]", found[array.bar][row]

    def _call(self, name: str, samples: int) -> str:
        signature = self.functions[name]
        taken = [argument.rpartition(" ")[2].lstrip("*") for argument in signature.arguments]
        given = {"m": f"{samples}u", "lam": self.literal(Decimal(int(LAM.p)) / int(LAM.q))}
        given |= {self.scope.name(array): self.named(array) for array in self.scope.plan.inputs}
        given |= {self._argument(array): self.output(array) for array in self.scope.plan.outputs}
        return f"{self.scope.request.name}_{name}({', '.join(given.get(each, each) for each in taken)})"

    def named(self, array: Array) -> str:
        """The buffer of an input; what a user calls it is no name of this file."""
        return f"test_{self.scope.name(array)}"

    def _argument(self, array: Array) -> str:
        return "a" if self.scope.is_chain else self.scope.output(array)

    def output(self, array: Array) -> str:
        return f"test_{self._argument(array)}"

    def literal(self, value: Decimal) -> str:
        return f"{float(value)!r}{self.scope.scalars.suffix}"
