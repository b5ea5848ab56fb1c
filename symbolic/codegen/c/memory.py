"""Where the arrays of a pass lie in the memory that the caller gives.

An array's place is free again after the step that reads it last; a place is used again for an array of the
same size.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field

import sympy as sp

from symbolic.expressions import Expr
from symbolic.notation import Array, Step

Place = Callable[[Array], Array]


@dataclass(slots=True)
class Memory:
    """Offsets of arrays; `size` says how many numbers one has, `place` which array it is a copy of."""

    size: Callable[[Array], Expr]
    place: Place
    reads: Callable[[Step], Iterable[Array]]
    offsets: dict[Array, Expr] = field(default_factory=dict)
    free: dict[Expr, list[Expr]] = field(default_factory=lambda: defaultdict(list))
    total: Expr = sp.S.Zero

    def keep(self, arrays: Iterable[Array]) -> None:
        """Places that are never free again."""
        for array in arrays:
            self._put(array)

    def run(self, steps: Sequence[Step], *, lasting: Collection[Array], given: Collection[Array]) -> None:
        """Places for the targets of steps; `lasting` ones are read afterwards, `given` ones lie elsewhere."""
        last = {self.place(array): number for number, step in enumerate(steps) for array in self.reads(step)}
        for number, step in enumerate(steps):
            target = self.place(step.target)
            if target.shape and target not in given and target not in self.offsets:
                self._put(target)
            for array in dict.fromkeys((target, *map(self.place, self.reads(step)))):
                is_done = last.get(array, number) == number and array not in lasting
                if is_done and array in self.offsets and array not in given:
                    self.free[self.size(array)].append(self.offsets[array])

    def branch(self) -> Memory:
        """The same memory for another pass that begins here."""
        return Memory(self.size, self.place, self.reads, dict(self.offsets), deepcopy(self.free), self.total)

    def _put(self, array: Array) -> None:
        size = self.size(array)
        if self.free[size]:
            self.offsets[array] = self.free[size].pop(0)
        else:
            self.offsets[array] = self.total
            self.total += size
