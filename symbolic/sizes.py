"""Sizes and shapes: what the shapes of a layer's inputs say about every index and every array.

An index that runs along an axis by itself has that axis' size. A computed position, such as s·q + k - p, goes
from its value at the first place of every index to that at the last one; where it begins p places before the
axis (padding), it may end p places after it. So

    N_q = floor((N_x + 2p - d (N_k - 1) - 1)/s) + 1

of a convolution is no formula of the layer: it follows from where it reads.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TypeAlias

import sympy as sp
from sympy.concrete.expr_with_limits import ExprWithLimits

from symbolic.errors import InvalidNetwork
from symbolic.expressions import Expr, name_of
from symbolic.grammar.indices import Quotient, Remainder, from_zero, is_index, size_of
from symbolic.grammar.text import to_text
from symbolic.notation import Equation

Size: TypeAlias = int | Expr
Shape: TypeAlias = tuple[Size, ...]


@dataclass(slots=True)
class Sizes:
    """Sizes of indices and shapes of arrays as far as they are known; `whole` are options by name.

    `declared` are axes of arrays as sums of index letters; `where` names the node in messages, and `called`
    the settings by which sizes of indices are given.
    """

    equations: Sequence[Equation]
    whole: Mapping[str, int]
    where: str
    declared: Mapping[str, Sequence[str]] = field(default_factory=dict)
    called: Mapping[str, str] = field(default_factory=dict)
    sizes: dict[str, Size] = field(default_factory=dict)
    axes: dict[tuple[str, int], Size] = field(default_factory=dict)

    def solve(self) -> None:
        """Find every size that follows from those known. Raises InvalidNetwork at a conflict."""
        axes = self._every_axis()
        running = [axis for axis in axes if any(map(is_index, axis.place.free_symbols))]
        running.sort(key=lambda axis: not is_index(axis.place))
        fixed = [axis for axis in axes if axis not in running]  # X[0,c] says little: it is heard last
        learnt = True
        while learnt:
            learnt = sum(map(self._learn, running)) > 0 or self._declare()
            learnt = learnt or sum(map(self._learn, fixed)) > 0
        for axis in axes:
            self._check(axis)

    def shape(self, name: str) -> Shape:
        """The shape of an array. Raises InvalidNetwork where a size does not follow from the inputs."""
        own = {axis.number: axis.place for axis in self._every_axis() if axis.name == name}
        for number, place in own.items():
            if (name, number) not in self.axes:
                setting = self.called.get(str(place), str(place)) if is_index(place) else "it"
                raise InvalidNetwork(
                    f"{self.where}: the size of axis {number + 1} of {name} ({_written(place)}) does not "
                    f"follow from the inputs; give {setting}{'=…' * is_index(place)}"
                )
        return tuple(self.axes[name, number] for number in sorted(own))

    def give(self, name: str, shape: Shape, source: str) -> None:
        """An array's shape is known; `source` says where from."""
        rank = 1 + max((axis.number for axis in self._every_axis() if axis.name == name), default=-1)
        if rank not in (0, len(shape)):
            raise InvalidNetwork(
                f"{self.where}: {name} has {rank} axes, but {source} is of shape {shown(shape)}"
            )
        self.axes |= {(name, axis): size for axis, size in enumerate(shape)}

    def _learn(self, axis_of: Axis) -> bool:
        name, axis, place, guarded = axis_of.name, axis_of.number, axis_of.place, axis_of.guarded
        known = self.axes.get((name, axis))
        if is_index(place):
            own = size_of(place).name
            if known is None and own in self.sizes:
                self.axes[name, axis] = self.sizes[own]
                return True
            if known is not None and own not in self.sizes and not self._is_free(axis_of):
                self.sizes[own] = known
                return True
            return False
        if place.atoms(sp.Indexed, Quotient, Remainder) or guarded:
            return False
        first, last = self._ends(axis_of)
        unknown = sorted(last.free_symbols, key=str)
        if not unknown and known is None and last.is_Integer:
            self.axes[name, axis] = int(last + min(first - 1, 0))
            return True
        if len(unknown) != 1 or not isinstance(known, int) or not first.is_Integer:
            return False
        return unknown[0].name.startswith("N_") and self._invert(unknown[0], last, known - min(first - 1, 0))

    def _every_axis(self) -> tuple[Axis, ...]:
        return _axes(tuple(self.equations))

    def _is_free(self, axis: Axis) -> bool:
        """Whether a condition lets an index run beyond an axis, whose size is declared."""
        return axis.guarded and axis.name in self.declared

    def _declare(self) -> bool:
        """What declared axes say: the size of a single letter, or an axis whose letters are known."""
        learnt = False
        for name, sums in self.declared.items():
            for axis, letters in enumerate(sums):
                sizes = [f"N_{letter}" for letter in letters.split("+")]
                known = self.axes.get((name, axis))
                if known is None and all(size in self.sizes for size in sizes):
                    self.axes[name, axis] = sum(self.sizes[size] for size in sizes)
                elif known is not None and len(sizes) == 1 and sizes[0] not in self.sizes:
                    self.sizes[sizes[0]] = known
                else:
                    continue
                learnt = True
        return learnt

    def _invert(self, unknown: sp.Symbol, last: Expr, reach: int) -> bool:
        """The largest size with which a position stays within reach."""
        scale = last.coeff(unknown)
        found = int(sp.floor((reach - last.xreplace({unknown: sp.S.Zero})) / scale))
        if found < 1:
            raise InvalidNetwork(
                f"{self.where}: index {unknown.name.removeprefix('N_')} has no place to run over: "
                f"the position would reach {last.xreplace({unknown: sp.S.One})} of {reach}"
            )
        self.sizes[unknown.name] = found
        return True

    def _ends(self, axis_of: Axis) -> tuple[Expr, Expr]:
        """The first and the last value of a position, counted from 1, in the sizes that are not known."""
        place, given = axis_of.place, dict(axis_of.ranges)
        known = {
            symbol: sp.Integer(self.whole[symbol.name])
            for symbol in place.free_symbols
            if symbol.name in self.whole
        }
        known |= {
            sp.Symbol(name, integer=True, positive=True): sp.Integer(0) + value
            for name, value in self.sizes.items()
        }
        affine = sp.expand(place.xreplace(known))
        indices = [symbol for symbol in affine.free_symbols if is_index(symbol)]
        sizes = {index: given.get(index, size_of(index)).xreplace(known) for index in indices}
        rising = {index: bool(affine.coeff(index).is_nonnegative) for index in indices}
        first = {index: sp.S.One if rising[index] else sizes[index] for index in indices}
        last = {index: sizes[index] if rising[index] else sp.S.One for index in indices}
        return sp.expand(affine.xreplace(first)), sp.expand(affine.xreplace(last))

    def _check(self, axis_of: Axis) -> None:
        name, axis, place, guarded = axis_of.name, axis_of.number, axis_of.place, axis_of.guarded
        known = self.axes.get((name, axis))
        if known is None:
            return
        if is_index(place) and self._is_free(axis_of):
            return
        if is_index(place):
            own = self.sizes.get(size_of(place).name)
            if own is not None and own != known:
                raise InvalidNetwork(
                    f"{self.where}: index {place} has two sizes: {own}, and {known} along axis {axis + 1} "
                    f"of {name}"
                )
            return
        if place.atoms(sp.Indexed, Quotient, Remainder) or guarded or not isinstance(known, int):
            return
        first, last = self._ends(axis_of)
        if last.is_Integer and last != known and any(s.name.startswith("N_") for s in place.free_symbols):
            raise InvalidNetwork(
                f"{self.where}: {name} has {known} places along axis {axis + 1}, of which {_written(place)} "
                f"takes {last}; sizes must divide without a rest"
            )
        if first.is_Integer and last.is_Integer and last + min(first - 1, 0) > known:
            raise InvalidNetwork(
                f"{self.where}: {name} has {known} places along axis {axis + 1}, but {_written(place)} goes "
                f"up to {last - 1}, counted from 0; write where(..., {name}[...], 0) for a range"
            )


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis of one entry: its array, its number, what stands there, and whether a condition guards it.

    `ranges` are the indices that the equation gives a range of their own, `k: 3`.
    """

    name: str
    number: int
    place: Expr
    guarded: bool
    ranges: tuple[tuple[sp.Symbol, Expr], ...]


@cache
def _axes(equations: tuple[Equation, ...]) -> tuple[Axis, ...]:
    """Every axis of every entry of some equations."""
    found = []
    for each in equations:
        guarded = {e for cases in each.value.atoms(sp.Piecewise) for e in cases.atoms(sp.Indexed)}
        limits = [limit for picked in each.value.atoms(ExprWithLimits) for limit in picked.limits]
        ranges = tuple((index, end) for index, _, end in limits if end != size_of(index))
        for entry in sorted(each.value.atoms(sp.Indexed) | each.target.atoms(sp.Indexed), key=str):
            for number, place in enumerate(entry.indices):
                found.append(Axis(name_of(entry), number, place, entry in guarded, ranges))
    return tuple(found)


def shown(shape: Iterable[Size]) -> str:
    """(3, m)"""
    return f"({', '.join(map(str, shape))})"


def _written(place: Expr) -> str:
    """A position as an equation says it, where indices count from 0 unless it is an index by itself."""
    return to_text(place if is_index(place) else sp.expand(from_zero(place)) - 1)
