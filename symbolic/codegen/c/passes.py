"""The form "loops": a plan as static functions in C, and the bodies of the public ones.

Where samples are not coupled, one loop over samples goes around the whole pass and gradients are added up:

    prepare; start; for each sample: layers, error, backward; finish

so that the memory to work in is that of one sample. Coupled samples are computed array by array, each for
the whole batch.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import sympy as sp

from symbolic.codegen.c.functions import Functions
from symbolic.codegen.c.lines import Lines, Location, count, loop
from symbolic.codegen.c.loops import Nests
from symbolic.codegen.c.memory import Memory
from symbolic.codegen.c.names import Names, words
from symbolic.codegen.c.parts import real
from symbolic.codegen.c.phases import Phased, phased, sample_axis
from symbolic.codegen.c.plan import Plan
from symbolic.codegen.c.scalar import Scalars
from symbolic.codegen.request import Request
from symbolic.expressions import Expr
from symbolic.losses import SAMPLES
from symbolic.network import Network
from symbolic.notation import Array, Step

MACROS: Final = ("h", "inputs", "outputs", "parameters", "work", "batch_work")


@dataclass(frozen=True, slots=True)
class Static:
    """A static function: its text and what it takes, by name."""

    name: str
    takes: tuple[str, ...]
    text: str


@dataclass
class Passes:
    """Writes the functions of one file."""

    request: Request
    plan: Plan
    names: Names = field(default_factory=Names)
    found: dict[str, Static] = field(default_factory=dict)

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
    def helpers(self) -> dict[str, str]:
        return {}

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

    # where arrays lie

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

    # functions

    def static(self, name: str, doc: str, write: Iterable[tuple[str, Phased]], memory: Memory) -> None:
        """A function that runs steps, each in its way; none where there are no steps."""
        every = list(write)
        if not every:
            return
        nests = Nests(
            self.scalars,
            self.functions,
            self.names,
            self.location,
            self.in_sample,
            lambda activation, z: self.plan.values.get((activation, self.plan.place(z))),
            helpers=self.helpers,
        )
        nests.lines.depth = 1
        gradients = {array.bar for array in self.plan.parameters}
        fresh = [each.step.target for way, each in every if way == "start" and each.constant == 0]
        at_once = gradients and gradients <= set(fresh)
        if at_once:
            zero = self.scalars.literal(sp.S.Zero)[0]
            with nests.lines.block(loop("k", f"{self.request.name.upper()}_PARAMETERS")):
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
            zero = self.scalars.literal(sp.S.Zero)[0]
            body = [f"    {self.number} error = {zero};", *body, "    return error;"]
        declared, takes = self._declared(nests, memory)
        kind = self.number if returns else "void"
        full = f"{self.request.name}_{name}"
        head = f"static {kind} {full}({', '.join(self.argument(each) for each in takes) or 'void'})"
        text = "\n".join([f"/* {doc} */", *_wrapped(head), "{", *declared, *body, "}"])
        self.found[name] = Static(full, takes, text)

    def _declared(self, nests: Nests, memory: Memory) -> tuple[list[str], tuple[str, ...]]:
        """The arrays that a function reads and writes, and its arguments."""
        used = nests.lines.words
        lines, takes = [], used & {"m", "lam", "grad"}
        buffers: list[tuple[str, dict[Array, Array | None]]] = [
            ("params", {array: array for array in self.plan.parameters}),
            ("v", {array: self.plan.directions.get(array) for array in self.plan.parameters}),
            ("grad", {array: array.bar for array in self.plan.parameters}),
        ]
        for buffer, arrays in buffers:
            for parameter, array in arrays.items():
                if array is not None and (name := self.name(array)) in used:
                    takes.add(buffer)
                    lines.append(self._pointer(name, nests, f"{buffer}[{self.offsets[parameter][0]}]"))
        takes |= {self.name(array) for array in self.plan.inputs if self.name(array) in used}
        for array, offset in memory.offsets.items():
            if (name := self.name(array)) in used:
                takes.add("work")
                if offset.has(SAMPLES):
                    takes.add("m")
                lines.append(self._pointer(name, nests, f"work[{amount(offset)}]"))
        return lines, tuple(each for each in self.order if each in takes)

    def _pointer(self, name: str, nests: Nests, place: str) -> str:
        const = "" if name in nests.written else "const "
        return f"    {const}{self.number} *const {name} = &{place};"

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

    def call(self, name: str, *, product: bool = False) -> str | None:
        """A call from a public function; in the loop over samples, of sample c."""
        if name not in self.found:
            return None
        static = self.found[name]
        sampled = (
            {}
            if not self.in_sample
            else {
                self.name(array): f"&{self.name(array)}[{self._first(array)}]"
                for array in self.plan.inputs
                if sample_axis(array) is not None
            }
        )
        renamed = sampled | ({"grad": "product"} if product else {})
        return f"{static.name}({', '.join(renamed.get(each, each) for each in static.takes)})"

    def _first(self, array: Array) -> str:
        """Where sample c begins."""
        location = self.location(array)
        if location.kind == "label":
            return "c"
        axis = sample_axis(array)
        assert axis is not None
        stride = location.strides[axis]
        return "c" if stride == 1 else f"c * {count([stride])}"

    def write(self) -> None:
        """All static functions."""
        plan, (first, second) = self.plan, self.memories
        if not self.in_sample:
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

    # public functions

    def body(self, name: str) -> tuple[str, ...]:
        """The lines of a batch function, or of a function of graphs."""
        wants_error = "loss" in name
        work = {"forward": (), "loss": (), "hvp": ("second",)}.get(name, ("backward",))
        lines = Lines(depth=1)
        before = ["prepare", *(f"start_{each}" for each in work)]
        passes = ["layers", *(["error"] if wants_error else []), *work]
        after = [f"finish_{each}" for each in work]
        product = name == "hvp"
        if wants_error:
            start = self.call("penalty") or self.scalars.literal(sp.S.Zero)[0]
            has_prepare = self._statement(lines, "prepare", product=product)
            before = before[1:] if has_prepare or "prepare" not in self.found else before
            lines.add(f"{self.number} error = {start};")
        for each in before:
            self._statement(lines, each, product=product)
        if self.in_sample:
            with lines.block("for (size_t c = 0u; c < m; c++)"):
                self._one(lines, passes, name, product=product)
        else:
            self._one(lines, passes, name, product=product)
        for each in after:
            self._statement(lines, each, product=product)
        if wants_error:
            lines.add("return error;")
        return tuple(lines.found)

    def _one(self, lines: Lines, passes: Sequence[str], name: str, *, product: bool) -> None:
        for each in passes:
            if each == "error":
                if (call := self.call("error")) is not None:
                    lines.add(f"error += {call};")
            else:
                self._statement(lines, each, product=product)
        if name == "forward":
            for array in self.plan.outputs:
                self._copied(lines, array)

    def _copied(self, lines: Lines, array: Array) -> None:
        """An output from the memory to work in to where the caller wants it."""
        source, target = self.plan.place(array), "a" if self.is_chain else self.output(array)
        size = self.size(array)
        where = f"work[{amount(self.memories[0].offsets[source])} + k]"
        if not self.in_sample:
            at = "k"
        elif self.is_chain and self.request.layout.samples == "rows":
            at = f"(c * {count([size])}) + k"
        else:
            at = "(k * m) + c" if sample_axis(array) is not None else "k"
        where = where.replace("[0u + k]", "[k]")
        with lines.block(f"for (size_t k = 0u; k < {count([size])}; k++)"):
            lines.add(f"{target}[{at}] = {where};")

    def output(self, array: Array) -> str:
        """The argument that takes an output of a graph."""
        return self.names.of_user(("output", array), f"out_{array.label}")

    def _statement(self, lines: Lines, name: str, *, product: bool) -> bool:
        call = self.call(name, product=product)
        if call is not None:
            lines.add(f"{call};")
        return call is not None

    def sources(self) -> tuple[str, ...]:
        """Every static function, those that are called before those that call."""
        return (*self.helpers.values(), *self.functions.sources, *(each.text for each in self.found.values()))

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
