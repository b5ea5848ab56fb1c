"""Index equations as loop nests in C whose size does not grow with the widths.

    Z[i,c] = Σ_j W[i,j]·A[j,c] + b[i]      becomes      for (i…) { sum = 0; for (j…) { sum += …; } z[i] = …; }

Loops are nested so that the innermost runs along neighbouring numbers; where a sum would run across them, as
in Wᵀδ, it is added up row by row in the target itself. Within a sample the axis of samples is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import sympy as sp

from symbolic.codegen.c.lines import Location, count, if_all, loop, steps
from symbolic.codegen.c.scalar import ATOM
from symbolic.codegen.c.values import Context, Picked, Values, entries_of
from symbolic.expressions import Expr, name_of
from symbolic.grammar.indices import Largest, Place, from_zero
from symbolic.notation import Array, Step

WIDE: Final = 4  # units from which rows are added up; below, a sum across them reads better


@dataclass(slots=True)
class Nests(Context):
    """Writes steps, each after its index equation in a comment."""

    def assign(self, step: Step) -> None:
        """The target's entries, each by its equation."""
        if step.equation.scatters:
            self.zero(step.target)
        _Writing.of(self, step).store("+=" if step.equation.scatters else "=")

    def start(self, step: Step, value: Expr) -> None:
        """The target before anything is added: a value that no sample has a part in."""
        if value == 0:
            self.zero(step.target)
        else:
            _Writing.of(self, step, value, noted=False).store("=")

    def add(self, step: Step, value: Expr | None = None) -> None:
        """A value added to each entry of the target."""
        _Writing.of(self, step, value).store("+=")

    def zero(self, array: Array) -> None:
        """Zeros."""
        location = self.locate(array)
        self.written.add(location.name)
        sizes = [size for axis, size in enumerate(array.shape) if axis != location.drops]
        zero = self.scalars.literal(sp.S.Zero)[0]
        if not sizes:
            self.lines.add(f"{location.name}[0] = {zero};")
            return
        with self.lines.block(loop("k", count(sizes))):
            self.lines.add(f"{location.name}[k] = {zero};")


@dataclass(slots=True)
class _Writing(Values):
    """One step as it is being written."""

    def store(self, sign: str) -> None:
        """The loops over the target's indices around its value."""
        equation = self.step.equation
        free = [index for index in equation.indices if index not in self.fixed]
        if not self.step.target.shape:
            with self.lines.block():
                self.lines.add(f"error += {self.text(self.value)};")
            return
        target = self.nests.locate(self.step.target)
        self.nests.written.add(target.name)
        positions = [from_zero(place) - 1 for place in equation.positions]
        if equation.scatters:
            with self.lines.nest(self.heads(free, entries_of(self.value))):
                text, inside = self.place(target, positions)
                with self.lines.nest(if_all(inside)):
                    self.added(text, sign, self.value)
            return
        strides = dict(zip(equation.indices, target.strides, strict=True))
        free.sort(key=lambda index: -steps(strides[index]))
        if sign == "=" and (total := self._across(free)) is not None:
            self._row_by_row(target, positions, free, total)
            return
        with self.lines.nest(self.loops(free)) if free else self.lines.block():
            self.added(self.place(target, positions)[0], sign, self.value)

    def _across(self, free: list[sp.Symbol]) -> Picked | None:
        """The only sum of the value, where it runs across rows of an array along which the target runs."""
        sums = [
            node for node in sp.preorder_traversal(self.value) if isinstance(node, sp.Sum | Largest | Place)
        ]
        if len(sums) != 1 or not isinstance(sums[0], sp.Sum) or len(sums[0].limits) != 1 or not free:
            return None
        (total,) = sums
        if (self.wholes.sizes[free[-1]] or WIDE) < WIDE:
            return None
        target = self.step.equation.name
        if not all(isinstance(factor, sp.Indexed) for factor in sp.Mul.make_args(total.function)):
            return None
        bound, last = total.limits[0][0], free[-1]
        for entry in sp.Mul.make_args(total.function):
            strides = self.nests.locate(self.step.array(name_of(entry))).strides
            along = {place: steps(stride) for place, stride in zip(entry.indices, strides, strict=True)}
            if along.get(last) == 1 and along.get(bound, 0) > 1 and name_of(entry) != target:
                return total
        return None

    def _row_by_row(
        self, target: Location, positions: list[Expr], free: list[sp.Symbol], total: Picked
    ) -> None:
        (bound, _, end) = total.limits[0]
        text = self.place(target, positions)[0]
        zero = self.nests.scalars.literal(sp.S.Zero)[0]
        with self.lines.nest(self.loops(free)):
            self.lines.add(f"{text} = {zero};")
        self.bind(bound, self.step.extent(end))
        with self.lines.nest(self.loops([*free[:-1], bound, free[-1]])):
            self.added(text, "+=", total.function)
        rest = self.value.xreplace({total: sp.Symbol("Σ", real=True)})
        if rest == sp.Symbol("Σ", real=True):
            return
        with self.lines.nest(self.loops(free)):
            self.lines.add(
                f"{text} = {self.text(rest, lambda node: (text, ATOM) if str(node) == 'Σ' else None)};"
            )
