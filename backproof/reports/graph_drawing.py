"""A graph of layers as boxes in ranks, inputs first; a box has the colour of its parameters' worst error.

A node's rank is the longest way to it from an input. An edge that passes ranks takes a place in each of them,
so that it goes round the boxes there (K. Sugiyama, S. Tagawa, M. Toda, 1981).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple

from backproof.report import ErrorMap
from backproof.reports.heat_map import level
from symbolic.graph import Graph

BOX: Final = (124, 46)  # pixels
GAP: Final = (186, 68)


@dataclass(frozen=True, slots=True)
class Box:
    """An input, a node or a loss, by the place of its middle."""

    x: float
    y: float
    name: str
    layer: str
    level: int
    title: str


@dataclass(frozen=True, slots=True)
class GraphDrawing:
    """What is drawn, in pixels; `paths` are those of SVG."""

    width: float
    height: float
    box: tuple[int, int]
    boxes: tuple[Box, ...]
    paths: tuple[str, ...]


class _Stop(NamedTuple):
    """A node in its rank, or the place that an edge takes in one on its way to another node."""

    rank: int
    name: str
    towards: str = ""


def graph_drawing(graph: Graph, errors: Sequence[ErrorMap]) -> GraphDrawing:
    """A graph, and the errors of its arrays."""
    routes = _routes(graph)
    ranks = _ordered(routes)
    tallest = max(map(len, ranks))
    places = {
        stop: (BOX[0] * 0.6 + stop.rank * GAP[0], (tallest / 2 + i - (len(stops) - 1) / 2) * GAP[1])
        for stops in ranks
        for i, stop in enumerate(stops)
    }
    return GraphDrawing(
        width=BOX[0] * 1.2 + (len(ranks) - 1) * GAP[0],
        height=tallest * GAP[1],
        box=BOX,
        boxes=tuple(_box(stop.name, graph, errors, at) for stop, at in places.items() if not stop.towards),
        paths=tuple(_path([places[stop] for stop in route]) for route in routes if len(route) > 1),
    )


def _routes(graph: Graph) -> list[list[_Stop]]:
    """Every edge as its stops, one in each rank; inputs alone too, as nothing may read them."""
    every = {**graph.nodes, **graph.losses}
    nodes = {name: _Stop(0, name) for name in graph.inputs}
    routes = [[stop] for stop in nodes.values()]
    for name in graph.order:
        sources = [nodes[source] for source in dict.fromkeys(every[name].inputs) if source in nodes]
        node = nodes[name] = _Stop(1 + max((source.rank for source in sources), default=-1), name)
        routes.append([node])
        for source in sources:
            between = range(source.rank + 1, node.rank)
            routes.append([source, *(_Stop(rank, source.name, name) for rank in between), node])
    return routes


def _ordered(routes: list[list[_Stop]]) -> list[list[_Stop]]:
    """The stops of each rank, each near those that it comes from."""
    before: dict[_Stop, list[_Stop]] = {stop: [] for route in routes for stop in route}
    for route in routes:
        for source, stop in pairwise(route):
            before[stop].append(source)
    ranks: list[list[_Stop]] = [[] for _ in range(max(stop.rank for stop in before) + 1)]
    for stop in before:
        ranks[stop.rank].append(stop)
    height: dict[_Stop, float] = {}
    for stops in ranks:
        stops.sort(key=lambda stop: sum(map(height.__getitem__, before[stop])) / max(1, len(before[stop])))
        height |= {stop: i - (len(stops) - 1) / 2 for i, stop in enumerate(stops)}
    return ranks


def _box(name: str, graph: Graph, errors: Sequence[ErrorMap], place: tuple[float, float]) -> Box:
    if name in graph.inputs:
        return Box(*place, name, "input", 0, name)
    node = {**graph.nodes, **graph.losses}[name]
    own = {node.arrays.get(local, f"{name}.{local}") for local in node.layer.parameters}
    arrays = [array for array in errors if array.name in own]
    worst = {array.name: max(map(level, array.errors), default=0) for array in arrays}
    wrong = [array for array, worst_level in worst.items() if worst_level]
    told = next((str(node.settings[key]) for key in ("activation", "loss") if key in node.settings), "")
    title = f"{name}: wrong in {', '.join(wrong)}" if wrong else name
    return Box(*place, name, told or node.layer.name, max(worst.values(), default=0), title)


def _path(stops: list[tuple[float, float]]) -> str:
    """A curve from the right of the first box to the left of the last, level at each stop."""
    half, bend = BOX[0] / 2, (GAP[0] - BOX[0]) / 2
    (x, y), *between, last = stops
    path = f"M{x + half:g} {y:g}"
    x += half
    for at, height in between:
        path += (
            f" C{x + bend:g} {y:g} {at - half - bend:g} {height:g} {at - half:g} {height:g} H{at + half:g}"
        )
        x, y = at + half, height
    end = last[0] - half - 7  # the arrow's head
    return f"{path} C{x + bend:g} {y:g} {end - bend:g} {last[1]:g} {end:g} {last[1]:g}"
