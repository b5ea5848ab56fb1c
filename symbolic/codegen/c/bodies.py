"""The bodies of public functions in the form "loops": calls of static ones, in a loop over samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sympy as sp

from symbolic.codegen.c.file_scope import FileScope, amount
from symbolic.codegen.c.lines import Lines, count
from symbolic.codegen.c.passes import Passes
from symbolic.codegen.c.phases import sample_axis
from symbolic.notation import Array


@dataclass(frozen=True, slots=True)
class Bodies:
    """Writes bodies out of the static functions of one file."""

    passes: Passes

    @property
    def scope(self) -> FileScope:
        return self.passes.scope

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
            start = self.passes.call("penalty") or self.scope.scalars.literal(sp.S.Zero)[0]
            has_prepare = self._statement(lines, "prepare", product=product)
            before = before[1:] if has_prepare or "prepare" not in self.passes.found else before
            lines.add(f"{self.scope.number} error = {start};")
        for each in before:
            self._statement(lines, each, product=product)
        if self.scope.in_sample:
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
                if (call := self.passes.call("error")) is not None:
                    lines.add(f"error += {call};")
            else:
                self._statement(lines, each, product=product)
        if name == "forward":
            for array in self.scope.plan.outputs:
                self._copied(lines, array)

    def _copied(self, lines: Lines, array: Array) -> None:
        """An output from the memory to work in to where the caller wants it."""
        scope = self.scope
        target = "a" if scope.is_chain else scope.output(array)
        size = scope.size(array)
        where = f"work[{amount(scope.memories[0].offsets[scope.plan.place(array)])} + k]"
        if not scope.in_sample:
            at = "k"
        elif scope.is_chain and scope.request.layout.samples == "rows":
            at = f"(c * {count([size])}) + k"
        else:
            at = "(k * m) + c" if sample_axis(array) is not None else "k"
        where = where.replace("[0u + k]", "[k]")
        with lines.block(f"for (size_t k = 0u; k < {count([size])}; k++)"):
            lines.add(f"{target}[{at}] = {where};")

    def _statement(self, lines: Lines, name: str, *, product: bool) -> bool:
        call = self.passes.call(name, product=product)
        if call is not None:
            lines.add(f"{call};")
        return call is not None
