"""The errors of an array as coloured cells, by decades of the bound; large ones in blocks, by the worst."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

from backproof.report import ErrorMap
from symbolic.conventions import Layout

LEVELS: Final = 8  # of two decades each: double precision has sixteen
NOT_FINITE: Final = LEVELS + 1
LARGEST: Final = 64  # rows or columns that are told apart
SIDES: Final = ((8, 26), (16, 18), (32, 11), (LARGEST, 7))  # up to so many cells: pixels


def level(error: float) -> int:
    """0 within the bound, 1 up to a hundred bounds, 2 up to ten thousand, …; a number of its own for nan and
    infinity.

    >>> [level(error) for error in (0.5, 1.5, 150.0, 1e15, math.inf)]
    [0, 1, 2, 8, 9]
    """
    if not math.isfinite(error):
        return NOT_FINITE
    return 0 if error <= 1 else min(LEVELS, 1 + int(math.log10(error) // 2))


@dataclass(frozen=True, slots=True)
class Cell:
    """One entry, or the worst of a block; `decade` is log10 of its error, told where there is room."""

    row: int
    column: int
    level: int
    title: str
    decade: str


@dataclass(frozen=True, slots=True)
class HeatMap:
    """The cells of one array, `side` pixels each; `block` says how many entries one stands for."""

    name: str
    shape: tuple[int, ...]
    rows: int
    columns: int
    block: tuple[int, int]
    side: int
    wrong: int
    cells: tuple[Cell, ...]

    @property
    def has_decades(self) -> bool:
        return any(cell.decade for cell in self.cells)


def heat_maps(arrays: Sequence[ErrorMap], layout: Layout) -> list[HeatMap]:
    """The cells of all arrays, of one size."""
    most = max((count for array in arrays for count in _table(array.shape, layout)), default=1)
    side = next(pixels for cells, pixels in SIDES if min(most, LARGEST) <= cells)
    return [_heat_map(array, layout, side) for array in arrays]


def _heat_map(array: ErrorMap, layout: Layout, side: int) -> HeatMap:
    rows, columns = _table(array.shape, layout)
    high, wide = (max(1, math.ceil(count / LARGEST)) for count in (rows, columns))
    shown = math.ceil(rows / high), math.ceil(columns / wide)
    worst: dict[tuple[int, int], int] = {}
    for place in range(rows * columns):
        key = place // columns // high, place % columns // wide
        if key not in worst or _badness(array.errors[place]) > _badness(array.errors[worst[key]]):
            worst[key] = place
    keys = product(range(shown[0]), range(shown[1]))
    cells = tuple(_cell(array, key, worst[key], side) for key in keys)
    wrong = sum(level(error) > 0 for error in array.errors)
    return HeatMap(array.name, array.shape, *shown, (high, wide), side, wrong, cells)


def _table(shape: tuple[int, ...], layout: Layout) -> tuple[int, int]:
    """Rows and columns: more than two axes are rows of the last one, a vector lies along its units."""
    if len(shape) == 1:
        return (shape[0], 1) if layout.weights == "out-in" else (1, shape[0])
    return math.prod(shape[:-1]), math.prod(shape[-1:])


def _badness(error: float) -> float:
    return error if math.isfinite(error) else math.inf


def _cell(array: ErrorMap, key: tuple[int, int], place: int, side: int) -> Cell:
    error = array.errors[place]
    index = []
    for size in reversed(array.shape):
        place, at = divmod(place, size)
        index.append(str(at + 1))
    name = f"{array.name}[{','.join(reversed(index))}]"
    of_bound = "within the bound" if error <= 1 else f"{error:.2g} of the bound"
    decade = f"{math.log10(error):.0f}" if math.isfinite(error) and error > 1 and side >= SIDES[1][1] else ""
    return Cell(*key, level(error), f"{name}: {of_bound}", decade)
