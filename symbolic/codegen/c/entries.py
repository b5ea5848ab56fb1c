"""A step's value as C, entry by entry: what stands at unit i of sample c. What is summed is computed before.

A space says where the entries of samples lie: side by side in a block, or one sample alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import sympy as sp

from symbolic.codegen.c.rows import without_calls
from symbolic.codegen.c.scalar import ATOM, Scalars, Source
from symbolic.expressions import Expr, name_of, peeled
from symbolic.losses import SAMPLES
from symbolic.notation import Array, Step

Lines = list[str]


class Space(Protocol):
    """Where the entries of samples are, and how they are summed."""

    def entry(self, array: str, unit: str) -> str: ...
    def looped(self, lines: Lines) -> Lines: ...
    def total(self, row: str) -> str: ...
    def length(self, units: int) -> str: ...


@dataclass(frozen=True, slots=True)
class Block:
    """Samples side by side, STRIDE numbers for each unit."""

    def entry(self, array: str, unit: str) -> str:
        return f"{array}[{unit} * STRIDE + c]" if unit else f"{array}[c]"

    def looped(self, lines: Lines) -> Lines:
        return over("c", "lanes", lines)

    def total(self, row: str) -> str:
        return f"row_total(count, {row})"

    def length(self, units: int) -> str:
        return f"{units}u * STRIDE"


@dataclass(frozen=True, slots=True)
class One:
    """One sample: a number for each unit."""

    def entry(self, array: str, unit: str) -> str:
        return f"{array}[{unit or '0'}]"

    def looped(self, lines: Lines) -> Lines:
        return lines

    def total(self, row: str) -> str:
        return f"{row}[0]"

    def length(self, units: int) -> str:
        return f"{units}u"


BLOCK: Final[Space] = Block()
ONE: Final[Space] = One()


def over(index: str, end: int | str, lines: Lines) -> Lines:
    """Lines done for each value of an index."""
    last = f"{end}u" if isinstance(end, int) else end
    return [
        f"for (size_t {index} = 0; {index} < {last}; ++{index})",
        "{",
        *(f"    {line}" for line in lines),
        "}",
    ]


@dataclass(slots=True)
class Entries:
    """Writes the entries of one step; `before` collects what must be done first.

    `named` names arrays, `place` says where an entry of a parameter lies, `memory` gives an array for some
    units, `product` writes out = Σ_k W(i, k) v(k) and the like.
    """

    step: Step
    scalars: Scalars
    space: Space
    numbers: dict[Expr, Expr]
    named: Callable[[Array], str]
    place: Callable[[Array, str, str], str]
    memory: Callable[[int], str]
    product: Callable[..., Lines]
    before: Lines = field(default_factory=list)
    joined: dict[str, str] = field(default_factory=lambda: {"bias": "", "factor": ""})

    def value(self, into: str | None = None) -> str:
        """The entry of the step's value; a product that is the whole of it or a part goes `into` an array.

        A bias added to a product, or a factor of each of its entries, is left to the product.
        """
        value = self.step.equation.value
        parts = value.args if value.is_Add or value.is_Mul else ()
        sums = [part for part in parts if isinstance(part, sp.Sum)]
        entries = [part for part in parts if isinstance(part, sp.Indexed)]
        if into and len(parts) == 2 and sums and entries and self._is_product(sums[0]):
            indices, own = entries[0].indices, self.step.equation.indices
            if indices == (own[:1] if value.is_Add else own):
                kind = "bias" if value.is_Add else "factor"
                self.joined[kind] = self.named(self.step.array(name_of(entries[0])))
                value = sums[0]
        return self._text(value, into)[0]

    def text(self, value: Expr) -> str:
        """Another value in the names of the step."""
        return self._text(value)[0]

    def _text(self, value: Expr, into: str | None = None) -> Source:
        def leaf(node: Any) -> Source | None:
            if isinstance(node, sp.Indexed):
                return self._entry(node), ATOM
            if isinstance(node, sp.Sum):
                return self._sum(node, into), ATOM
            if isinstance(node, sp.Symbol) and node.name in self.step.bindings:
                return self._text(self.step.bindings[node.name])
            if node in self.numbers:
                return self.scalars.write(self.numbers[node])
            return None

        return self.scalars.write(value, without_calls(self.scalars, leaf))

    def _is_sample(self, index: sp.Symbol) -> bool:
        return bool(self.step.size(index) == SAMPLES)

    def _entry(self, entry: sp.Indexed) -> str:
        array = self.step.array(name_of(entry))
        units = [index.name for index in entry.indices if not self._is_sample(index)]
        if len(units) < len(entry.indices):
            return self.space.entry(self.named(array), *units)
        return f"{self.named(array)}[{self.place(array, *units) if len(units) == 2 else units[0]}]"

    def _sum(self, total: sp.Sum, into: str | None) -> str:
        """What holds a sum: a product of a matrix with values of samples, or sums over units or samples."""
        body, index = peeled(total)
        if self._is_sample(index):
            row = self.units_of(body, None)
            return self.space.total(row)
        if self._is_product(total):
            return self._product(body, index, self.step.equation.indices[0], into)
        row = self.memory(1)
        at = self.space.entry(row, "")
        term = self._text(body)[0]
        self.before += self.space.looped([f"{at} = 0;"])
        self.before += over(index.name, int(self.step.size(index)), self.space.looped([f"{at} += {term};"]))
        return at

    def _is_product(self, total: sp.Sum) -> bool:
        """Whether a sum over units leaves another unit free."""
        body, index = peeled(total)
        units = [each for each in self.step.equation.indices if not self._is_sample(each)]
        return not self._is_sample(index) and any(unit in body.free_symbols for unit in units)

    def _product(self, body: Expr, index: sp.Symbol, unit: sp.Symbol, into: str | None) -> str:
        """Σ_k W(i, k) v(k): the weights have the unit's index, v has the other one."""
        factors = sp.Mul.make_args(body)
        weights = next(f for f in factors if isinstance(f, sp.Indexed) and unit in f.indices)
        vector = self.units_of(sp.Mul(*(f for f in factors if f is not weights)), index)
        out = into or self.memory(int(self.step.size(unit)))
        array = self.step.array(name_of(weights))
        self.before += self.product(array, vector, out, turned=weights.indices[0] != unit, **self.joined)
        return self.space.entry(out, unit.name)

    def units_of(self, value: Expr, unit: sp.Symbol | None) -> str:
        """The array that holds a value for each unit and sample: its own, or one that is computed before."""
        if isinstance(value, sp.Indexed) and [i for i in value.indices if not self._is_sample(i)] == [unit]:
            return self.named(self.step.array(name_of(value)))
        size = 1 if unit is None else int(self.step.size(unit))
        array, text = self.memory(size), self._text(value)[0]
        lines = self.space.looped([f"{self.space.entry(array, unit.name if unit else '')} = {text};"])
        self.before += over(unit.name, size, lines) if unit else lines
        return array
