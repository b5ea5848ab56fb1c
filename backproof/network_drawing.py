"""A network as neurons, and its backward pass as a network of linear neurons.

    forward    a_i^l = g(z_i^l),   z_i^l = Σ_j w_ij^l a_j^{l-1} + b_i^l
    backward   δ_i^L = g′(z_i^L) ∂E/∂a_i^L,   δ_i^l = g′(z_i^l) Σ_k w_ki^{l+1} δ_k^{l+1}

The backward network has the forward one's units, each with a gain in place of its activation, the same
weights from right to left, and no biases. A softmax, whose outputs depend on all its inputs, has no gains:
there the weights are ∂a_k/∂z_i, and a unit adds up what comes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

from backproof.points import sizes_of
from backproof.reports.chain_drawing import DENSE, UNITS, ChainDrawing, Edge, Label, Unit
from symbolic.network import Network

WRITTEN: Final = 6  # units of the widest layer whose parts are named in the drawing
WEIGHTS: Final = 12  # edges between two layers whose weights are
HEIGHT: Final = 480  # pixels for the widest layer without names
GAP: Final = 260
LEFT: Final = 110
TOP: Final = 90
FOOT: Final = 84
HEAD: Final = 8  # of an arrow
SHORT: Final = 4  # letters of an activation's name that fit into a unit
Names = Callable[[int, int], str]


def forward_drawing(network: Network) -> ChainDrawing:
    """Inputs, weights, biases and activations, from left to right."""
    sizes = sizes_of(network)
    plan = _Plan(max(sizes), radius=22)
    columns = [plan.column(0, sizes[0], lambda i: (f"x_{{{i}}}", ""))]
    edges, labels = [], [plan.title("forward"), *plan.labels(0, "x", "inputs")]
    for l, layer in enumerate(network.layers, start=1):
        before = f"a^{{{l - 1}}}" if l > 1 else "x"
        named = "a = g(z), g undefined" if layer.activation.undefined else layer.activation.text
        columns.append(plan.column(l, sizes[l], _unit(f"a_{{%d}}^{{{l}}}", f"b_{{%d}}^{{{l}}}" * layer.bias)))
        edges += plan.edges(columns[l - 1], columns[l], _weights(l, transposed=False))
        labels += plan.labels(l, f"z^{{{l}}} = W^{{{l}}} {before}{f' + b^{{{l}}}' * layer.bias}", named)
    return plan.drawing(columns, edges, labels)


def backward_drawing(network: Network) -> ChainDrawing:
    """∂E/∂a at the right, the weights transposed, gains in the units, δ above them."""
    sizes, depth = sizes_of(network), network.depth
    plan = _Plan(max(sizes), radius=34)
    columns = [plan.column(depth + 1, sizes[-1], lambda k: (f"∂E/∂a_{{{k}}}^{{{depth}}}", ""))]
    edges = []
    labels = [plan.title("backward"), *plan.labels(depth + 1, f"∂E/∂a^{{{depth}}}", "inputs")]
    for l in range(depth, 0, -1):
        is_softmax = network.layers[l - 1].activation.name == "softmax"
        slope = _slope(network, l)
        gain = "Σ" if is_softmax else f"{slope}(z_{{%d}}^{{{l}}})" if slope else "1"
        column = plan.column(l, sizes[l], _unit(gain, f"δ_{{%d}}^{{{l}}}"))
        if l < depth:
            edges += plan.edges(columns[-1], column, _weights(l + 1, transposed=True))
            sum_, what = f"(W^{{{l + 1}}})ᵀ δ^{{{l + 1}}}", "weights transposed, no biases"
        elif is_softmax:
            edges += plan.edges(columns[-1], column, lambda k, i: f"∂a_{{{k}}}/∂z_{{{i}}}")
            sum_, what = f"(∂a^{{{l}}}/∂z^{{{l}}})ᵀ ∂E/∂a^{{{l}}}", "softmax: all outputs on all inputs"
        else:
            edges += [plan.edge(one, other, "") for one, other in zip(columns[-1], column, strict=True)]
            sum_, what = f"∂E/∂a^{{{l}}}", "gains"
        factor = f" ∘ {slope}(z^{{{l}}})" if slope else ""
        columns.append(column)
        labels += plan.labels(l, f"δ^{{{l}}} = {sum_}{factor}", what)
    return plan.drawing(columns, edges, labels)


def _unit(inside: str, above: str) -> Callable[[int], tuple[str, str]]:
    return lambda i: (inside.replace("%d", str(i)), above.replace("%d", str(i)))


def _weights(layer: int, *, transposed: bool) -> Names:
    """w_ij from source j to target i, or from source i to target j."""

    def name(source: int, target: int) -> str:
        i, j = (source, target) if transposed else (target, source)
        return f"w_{{{i}{',' if max(i, j) > 9 else ''}{j}}}^{{{layer}}}"

    return name


def _slope(network: Network, l: int) -> str:
    """What the slope of an activation is called, g′ where its name is long; "" where there is none but 1."""
    text = network.layers[l - 1].activation.text
    if text in ("identity", "softmax"):
        return ""
    name = {"sigmoid": "σ"}.get(text, text)
    return f"{name if len(name) <= SHORT and name.isalpha() else 'g'}′"


@dataclass(frozen=True, slots=True)
class _Plan:
    """Where things are, for a widest layer of so many units."""

    widest: int
    radius: float

    @property
    def is_written(self) -> bool:
        return self.widest <= WRITTEN

    @property
    def pitch(self) -> float:
        return 100.0 if self.is_written else HEIGHT / min(self.widest, UNITS)

    @property
    def _radius(self) -> float:
        return self.radius if self.is_written else min(15.0, 0.36 * self.pitch)

    @property
    def _height(self) -> float:
        return TOP + (min(self.widest, UNITS) - 1) * self.pitch + FOOT

    def column(self, place: int, size: int, texts: Callable[[int], tuple[str, str]]) -> list[Unit]:
        """The units of a layer, each with what stands in it and above it."""
        shown = min(size, UNITS)
        top = TOP + (min(self.widest, UNITS) - shown) * self.pitch / 2
        units = []
        for i in range(1, shown + 1):
            inside, above = texts(i)
            written = (inside, above) if self.is_written else ("", "")
            units.append(Unit(LEFT + place * GAP, top + (i - 1) * self.pitch, 0, inside, *written))
        return units

    def edges(self, sources: Sequence[Unit], targets: Sequence[Unit], name: Names) -> list[Edge]:
        """All to all. Weights stand near the side with more units, where they are evenly spaced."""
        n, m = len(sources), len(targets)
        part = 1 / (m + 1) if m <= n else n / (n + 1)
        is_written = self.is_written and n * m <= WEIGHTS
        return [
            self.edge(source, target, name(j, i), part, is_written=is_written)
            for (j, source), (i, target) in product(enumerate(sources, start=1), enumerate(targets, start=1))
        ]

    def edge(
        self, source: Unit, target: Unit, name: str, part: float = 0.5, *, is_written: bool = False
    ) -> Edge:
        """From circle to circle."""
        across, down = target.x - source.x, target.y - source.y
        length = (across**2 + down**2) ** 0.5
        start, end = self._radius / length, (self._radius + HEAD) / length  # parts of the way between centres
        return Edge(
            source.x + start * across,
            source.y + start * down,
            target.x - end * across,
            target.y - end * down,
            0,
            name,
            name if is_written else "",
            (part - start) / (1 - start - end),
        )

    def title(self, text: str) -> Label:
        """At the top left."""
        return Label(LEFT, 28, text)

    def labels(self, place: int, formula: str, words: str) -> list[Label]:
        """Below a column."""
        x = LEFT + place * GAP
        return [Label(x, self._height - 26, formula), Label(x, self._height - 8, words, is_quiet=True)]

    def drawing(
        self, columns: Sequence[Sequence[Unit]], edges: Sequence[Edge], labels: Sequence[Label]
    ) -> ChainDrawing:
        units = tuple(unit for column in columns for unit in column)
        return ChainDrawing(
            width=max(unit.x for unit in units) + LEFT,
            height=self._height,
            radius=self._radius,
            is_dense=len(edges) > DENSE,
            units=units,
            edges=tuple(edges),
            labels=tuple(labels),
            is_directed=len(edges) <= DENSE,
        )
