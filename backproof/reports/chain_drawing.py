"""A chain of layers as columns of circles: edges are weights, circles are biases, both by their error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

from backproof.points import sizes_of
from backproof.report import ErrorMap
from backproof.reports.heat_map import level
from symbolic.conventions import Layout
from symbolic.network import Network

UNITS: Final = 32  # of a column that are drawn; a wider one ends in dots
HEIGHT: Final = 330  # pixels that the widest column may take
DENSE: Final = 200  # edges: more are drawn thin
TOP: Final = 34
FOOT: Final = 46


@dataclass(frozen=True, slots=True)
class Unit:
    """A circle, with what stands in it and above it."""

    x: float
    y: float
    level: int
    title: str
    text: str = ""
    above: str = ""


@dataclass(frozen=True, slots=True)
class Edge:
    """A line from unit to unit; what stands on it does so at a part of its length."""

    x1: float
    y1: float
    x2: float
    y2: float
    level: int
    title: str
    text: str = ""
    part: float = 0.5

    @property
    def place(self) -> tuple[float, float]:
        """Where its text stands."""
        return self.x1 + self.part * (self.x2 - self.x1), self.y1 + self.part * (self.y2 - self.y1)


@dataclass(frozen=True, slots=True)
class Label:
    """Words above or below a column, or between two; `level` is the worst of the array they name."""

    x: float
    y: float
    text: str
    level: int = 0
    is_quiet: bool = False


@dataclass(frozen=True, slots=True)
class ChainDrawing:
    """What is drawn, in pixels; the edges that are wrong come last, on top.

    Texts may have scripts, as in `w_{21}^{2}`.
    """

    width: float
    height: float
    radius: float
    is_dense: bool
    units: tuple[Unit, ...]
    edges: tuple[Edge, ...]
    labels: tuple[Label, ...]
    is_directed: bool = False


def chain_drawing(network: Network, errors: Sequence[ErrorMap], layout: Layout) -> ChainDrawing:
    """A network, and the errors of its arrays."""
    return _Drawer(network, {array.name: array for array in errors}, layout).drawing()


class _Drawer:
    def __init__(self, network: Network, errors: dict[str, ErrorMap], layout: Layout) -> None:
        self._network, self._errors, self._layout = network, errors, layout
        self._sizes = sizes_of(network)
        tallest = max(min(size, UNITS) for size in self._sizes)
        self._pitch = min(46.0, HEIGHT / tallest)
        self._middle = TOP + tallest * self._pitch / 2
        self._gap = 150.0 if tallest <= 8 else 210.0

    def drawing(self) -> ChainDrawing:
        units = [self._unit(l, i) for l, size in enumerate(self._sizes) for i in range(min(size, UNITS))]
        edges = [edge for l in range(1, len(self._sizes)) for edge in self._edges(l)]
        labels = [label for l in range(len(self._sizes)) for label in self._labels(l)]
        return ChainDrawing(
            width=self._x(len(self._sizes) - 1) + 70,
            height=2 * self._middle - TOP + FOOT,
            radius=min(15.0, self._pitch * 0.36),
            is_dense=len(edges) > DENSE,
            units=tuple(units),
            edges=tuple(sorted(edges, key=lambda edge: edge.level)),
            labels=tuple(labels),
        )

    def _unit(self, l: int, i: int) -> Unit:
        title = f"b{l}[{i + 1}]" if l else f"x[{i + 1}]"
        return Unit(self._x(l), self._y(l, i), self._level(f"b{l}", i), title)

    def _edges(self, l: int) -> list[Edge]:
        columns, rows = self._sizes[l - 1], self._sizes[l]
        drawn = product(range(min(rows, UNITS)), range(min(columns, UNITS)))
        edges = []
        for i, j in drawn:
            is_out_in = self._layout.weights == "out-in"
            place = i * columns + j if is_out_in else j * rows + i
            index = (i + 1, j + 1) if is_out_in else (j + 1, i + 1)
            ends = (self._x(l - 1), self._y(l - 1, j), self._x(l), self._y(l, i))
            edges.append(Edge(*ends, self._level(f"W{l}", place), f"W{l}[{index[0]},{index[1]}]"))
        return edges

    def _labels(self, l: int) -> list[Label]:
        x, bottom = self._x(l), 2 * self._middle - TOP + 24
        layer = self._network.layers[l - 1] if l else None
        labels = [
            Label(x, bottom, layer.activation.text if layer else "x"),
            Label(x, bottom + 17, f"{self._sizes[l]}", is_quiet=True),
        ]
        if layer:
            labels.append(Label(x - self._gap / 2, 16, f"W{l}", self._worst(f"W{l}")))
            labels += [Label(x, 16, f"b{l}", self._worst(f"b{l}"))] * layer.bias
        if self._sizes[l] > UNITS:
            labels.append(Label(x, bottom - 14, "⋮"))
        return labels

    def _x(self, l: int) -> float:
        return 70 + l * self._gap

    def _y(self, l: int, i: int) -> float:
        return self._middle + (i - (min(self._sizes[l], UNITS) - 1) / 2) * self._pitch

    def _level(self, name: str, place: int) -> int:
        return level(self._errors[name].errors[place]) if name in self._errors else 0

    def _worst(self, name: str) -> int:
        return max(map(level, self._errors[name].errors), default=0) if name in self._errors else 0
