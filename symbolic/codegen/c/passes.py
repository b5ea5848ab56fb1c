"""The form "loops": a plan as static functions in C.

Where samples are not coupled, one loop over samples goes around the whole pass and gradients are added up:

    prepare; start; for each sample: layers, error, backward; finish

so that the memory to work in is that of one sample. Coupled samples are computed array by array, each for
the whole batch.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import sympy as sp

from symbolic.codegen.c.file_scope import FileScope, amount
from symbolic.codegen.c.lines import count, loop
from symbolic.codegen.c.loops import Nests
from symbolic.codegen.c.memory import Memory
from symbolic.codegen.c.phases import Phased, sample_axis
from symbolic.losses import SAMPLES
from symbolic.notation import Array


@dataclass(frozen=True, slots=True)
class Static:
    """A static function: its text and what it takes, by name."""

    name: str
    takes: tuple[str, ...]
    text: str


@dataclass
class Passes:
    """Writes the static functions of one file."""

    scope: FileScope
    found: dict[str, Static] = field(default_factory=dict)
    helpers: dict[str, str] = field(default_factory=dict)

    def static(self, name: str, doc: str, write: Iterable[tuple[str, Phased]], memory: Memory) -> None:
        """A function that runs steps, each in its way; none where there are no steps."""
        scope, every = self.scope, list(write)
        if not every:
            return
        nests = Nests(
            scope.scalars,
            scope.functions,
            scope.names,
            scope.location,
            scope.in_sample,
            lambda activation, z: scope.plan.values.get((activation, scope.plan.place(z))),
            helpers=self.helpers,
        )
        nests.lines.depth = 1
        gradients = {array.bar for array in scope.plan.parameters}
        fresh = [each.step.target for way, each in every if way == "start" and each.constant == 0]
        at_once = gradients and gradients <= set(fresh)
        if at_once:
            zero = scope.scalars.literal(sp.S.Zero)[0]
            with nests.lines.block(loop("k", f"{scope.request.name.upper()}_PARAMETERS")):
                nests.lines.add(f"grad[k] = {zero};")
        for way, each in every:
            if at_once and way == "start" and each.step.target in gradients:
                continue
            match way:
                case "start":
                    nests.start(each.step, each.constant)
                case "add":
                    nests.add(each.step, each.added)
                case _:
                    nests.assign(each.step)
        returns = any(not each.step.target.shape for _, each in every)
        body = nests.lines.found
        if returns:
            zero = scope.scalars.literal(sp.S.Zero)[0]
            body = [f"    {scope.number} error = {zero};", *body, "    return error;"]
        declared, takes = self._declared(nests, memory)
        kind = scope.number if returns else "void"
        full = f"{scope.request.name}_{name}"
        head = f"static {kind} {full}({', '.join(scope.argument(each) for each in takes) or 'void'})"
        text = "\n".join([f"/* {doc} */", *_wrapped(head), "{", *declared, *body, "}"])
        self.found[name] = Static(full, takes, text)

    def _declared(self, nests: Nests, memory: Memory) -> tuple[list[str], tuple[str, ...]]:
        """The arrays that a function reads and writes, and its arguments."""
        scope, used = self.scope, nests.lines.words
        lines, takes = [], used & {"m", "lam", "grad"}
        buffers: list[tuple[str, dict[Array, Array | None]]] = [
            ("params", {array: array for array in scope.plan.parameters}),
            ("v", {array: scope.plan.directions.get(array) for array in scope.plan.parameters}),
            ("grad", {array: array.bar for array in scope.plan.parameters}),
        ]
        for buffer, arrays in buffers:
            for parameter, array in arrays.items():
                if array is not None and (name := scope.name(array)) in used:
                    takes.add(buffer)
                    lines.append(self._pointer(name, nests, f"{buffer}[{scope.offsets[parameter][0]}]"))
        takes |= used & {scope.name(array) for array in scope.plan.inputs}
        for array, offset in memory.offsets.items():
            if (name := scope.name(array)) in used:
                takes.add("work")
                if offset.has(SAMPLES):
                    takes.add("m")
                lines.append(self._pointer(name, nests, f"work[{amount(offset)}]"))
        return lines, tuple(each for each in scope.order if each in takes)

    def _pointer(self, name: str, nests: Nests, place: str) -> str:
        const = "" if name in nests.written else "const "
        return f"    {const}{self.scope.number} *const {name} = &{place};"

    def call(self, name: str, *, product: bool = False) -> str | None:
        """A call from a public function; in the loop over samples, of sample c."""
        if name not in self.found:
            return None
        static = self.found[name]
        sampled = (
            {}
            if not self.scope.in_sample
            else {
                self.scope.name(array): f"&{self.scope.name(array)}[{self._first(array)}]"
                for array in self.scope.plan.inputs
                if sample_axis(array) is not None
            }
        )
        renamed = sampled | ({"grad": "product"} if product else {})
        return f"{static.name}({', '.join(renamed.get(each, each) for each in static.takes)})"

    def _first(self, array: Array) -> str:
        """Where sample c begins."""
        location = self.scope.location(array)
        if location.kind == "label":
            return "c"
        axis = sample_axis(array)
        assert axis is not None
        stride = location.strides[axis]
        return "c" if stride == 1 else f"c * {count([stride])}"

    def write(self) -> None:
        """All static functions."""
        plan, (first, second) = self.scope.plan, self.scope.memories
        if not self.scope.in_sample:
            for name, doc, steps, memory in (
                ("layers", "Forward pass.", plan.layers, first),
                ("error", "What the output adds up to.", plan.error, first),
                ("backward", "Backward pass.", plan.backward, first),
                ("second", "Second-order pass.", plan.second, second),
            ):
                self.static(name, doc, (("assign", Phased(step, "shared")) for step in steps), memory)
            return
        layers = plan.kinds(plan.layers)
        self.static("prepare", "What no sample has a part in.", _of(layers, "shared"), first)
        self.static("layers", "Forward pass of one sample.", _of(layers, "sample"), first)
        error = plan.kinds([*plan.layers, *plan.error])[len(layers) :]
        self.static("penalty", "The part of E that no sample has a part in.", _of(error, "shared"), first)
        self.static("error", "The part of E that one sample adds.", _each(error), first)
        for name, steps, memory, doc in (
            ("backward", plan.backward, first, "Backward pass of one sample, added to the gradient."),
            ("second", plan.second, second, "Second-order pass of one sample, added to the product."),
        ):
            kinds = plan.kinds([*plan.layers, *steps])[len(layers) :]
            late = _late(kinds)
            early = [each for each in kinds if each not in late]
            begin = [
                ("assign" if each.kind == "shared" else "start", each)
                for each in early
                if each.kind != "sample"
            ]
            self.static(f"start_{name}", "What is there before any sample.", begin, memory)
            self.static(name, doc, _each(early), memory)
            self.static(
                f"finish_{name}", "What follows after all samples.", (("assign", e) for e in late), memory
            )

    def sources(self) -> tuple[str, ...]:
        """Every static function, those that are called before those that call."""
        own = (each.text for each in self.found.values())
        return (*self.helpers.values(), *self.scope.functions.sources, *own)


def _of(steps: Sequence[Phased], kind: str) -> list[tuple[str, Phased]]:
    return [("assign", each) for each in steps if each.kind == kind]


def _each(steps: Sequence[Phased]) -> list[tuple[str, Phased]]:
    """What is done for each sample."""
    return [("assign" if each.kind == "sample" else "add", each) for each in steps if each.kind != "shared"]


def _late(steps: Sequence[Phased]) -> list[Phased]:
    """Shared steps that read what was added up over samples."""
    late: set[Array] = set()
    found = []
    for each in steps:
        if each.kind == "reduced":
            late.add(each.step.target)
        elif not late.isdisjoint(each.step.inputs):
            late.add(each.step.target)
            found.append(each)
    return found


def _wrapped(head: str) -> list[str]:
    """A declaration over several lines where it is long."""
    if len(head) <= 100:
        return [head]
    start, _, rest = head.partition("(")
    return [f"{start}(", *(f"    {each}" for each in rest.replace(", ", ",\n").split("\n"))]
