"""A graph in the making: values of the framework become nodes, one layer at a time.

A node's shape is what the engine infers from the shapes of its inputs, so that an importer computes none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from backproof.importing.imported import LOSS, TARGET, Imported, Numbers, Part, Target, Value
from symbolic.errors import InvalidNetwork, Unsupported
from symbolic.graph import Graph, node
from symbolic.layer import Layer, size
from symbolic.layers import LAYERS
from symbolic.losses import SAMPLES
from symbolic.placement import Node, Setting
from symbolic.sizes import Shape, shown

RESERVED: Final = (LOSS, TARGET)
LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Weight:
    """An array of the framework that is no batch: a parameter, or where it is not trained a constant."""

    source: str
    numbers: Numbers
    trained: bool = True

    @property
    def shape(self) -> tuple[int, ...]:
        return self.numbers.shape

    def part(
        self,
        *,
        rows: tuple[int, int] | None = None,
        shape: tuple[int, ...] | None = None,
        axes: tuple[int, ...] | None = None,
    ) -> Part:
        """A part of the weight, by default the whole as it is."""
        return Part(self.source, rows, shape, axes)


@dataclass(slots=True)
class Builder:
    """Inputs and nodes so far; `name` is what the next node is called after."""

    inputs: dict[str, Shape] = field(default_factory=dict)
    nodes: dict[str, Node] = field(default_factory=dict)
    weights: dict[str, Weight] = field(default_factory=dict)
    labels: dict[tuple[Part, ...], str] = field(default_factory=dict)
    constants: dict[str, Numbers] = field(default_factory=dict)
    filled: dict[str, float] = field(default_factory=dict)
    stacks: dict[tuple[Value, int], Sequence[Value]] = field(default_factory=dict)
    swaps: dict[tuple[str, int], Value] = field(default_factory=dict)
    lifts: dict[str, Value] = field(default_factory=dict)
    name: str = "node"

    def free(self, wanted: str) -> str:
        """An identifier that nothing is called yet."""
        plain = re.sub(r"\W", "_", wanted).strip("_")
        plain = plain if plain[:1].isalpha() else f"node_{plain}".rstrip("_")
        names = (plain, *(f"{plain}_{number}" for number in range(2, len(self.nodes) + len(self.inputs) + 4)))
        taken = {*self.nodes, *self.inputs, *RESERVED}
        return next(name for name in names if name not in taken)

    def input(self, name: str, sizes: Shape) -> Value:
        """An input of the graph with the framework's sizes; its samples, if any, become the last axis."""
        axes = sorted(range(len(sizes)), key=lambda axis: sizes[axis] == SAMPLES)
        value = Value(self.free(name), tuple(sizes[axis] for axis in axes), tuple(axes))
        self.inputs[value.name] = value.shape
        return value

    def fill(self, name: str, sizes: Shape, number: float) -> Value:
        """An input that holds one number throughout, such as a state before the first step."""
        value = self.input(name, sizes)
        self.filled[value.name] = number
        return value

    def add(
        self,
        layer: str | Layer,
        *inputs: Value,
        axes: Sequence[int],
        parts: Mapping[str, tuple[Part, ...]] | None = None,
        constants: Mapping[str, Numbers] | None = None,
        settings: Mapping[str, Setting] | None = None,
        at: int = 0,
    ) -> Value:
        """A node: a layer of the table, or an activation, of values; `axes` are those of its result.

        `parts` and `constants` are the layer's own arrays. Where two nodes have the same parts of the same
        weights, they share one array.
        """
        name = self.free(self.name)
        arrays = {
            local: self.labels.setdefault(own, f"{name}.{local}") for local, own in (parts or {}).items()
        }
        for local, numbers in (constants or {}).items():
            arrays[local] = f"{name}.{local}"
            self.constants[arrays[local]] = numbers
        made = node(layer, *(value.name for value in inputs), axis=at, arrays=arrays, **settings or {})
        self.nodes[name] = made
        return Value(name, _shape(name, made, inputs), tuple(axes))

    def inner(self, value: Value, local: str) -> Value:
        """Another array that the value's node computes and that has the same shape, such as a state."""
        return replace(value, name=f"{value.name}.{local}")

    def known(self, weight: Weight) -> Weight:
        """The weight, after noting that its parts may be used."""
        return self.weights.setdefault(weight.source, weight)

    def lifted(self, given: Value | Weight) -> Value:
        """A weight as a value of its own: a node for a parameter, an input of fixed shape for a constant."""
        if isinstance(given, Value):
            return given
        if given.source not in self.lifts:
            self.lifts[given.source] = self._lift(given)
        return self.lifts[given.source]

    def _lift(self, given: Weight) -> Value:
        shape = given.shape or (1,)
        if not given.trained:
            value = self.input(given.source, shape)
            self.constants[value.name] = given.numbers.reshape(shape)
            return value
        letters = LETTERS[: len(shape)]
        entry = ",".join(letters)
        sizes = tuple(size(f"axis{number}", letter) for number, letter in enumerate(letters, start=1))
        layer = Layer("parameter", (f"Y[{entry}] = P[{entry}]",), (), settings=sizes)
        part = self.known(given).part(shape=shape)
        own: dict[str, Setting] = {f"axis{number}": length for number, length in enumerate(shape, start=1)}
        return self.add(layer, axes=range(len(shape)), parts={"P": (part,)}, settings=own)

    def arranged(self, value: Value, axes: Sequence[int]) -> Value:
        """The value with its axes in another order, by swaps of neighbours."""
        for place, axis in enumerate(axes):
            for at in range(value.axes.index(axis), place, -1):
                value = self._swapped(value, at - 1)
        return value

    def _swapped(self, value: Value, at: int) -> Value:
        if (value.name, at) not in self.swaps:
            axes = list(value.axes)
            axes[at : at + 2] = reversed(axes[at : at + 2])
            swapped = self.add("transpose", value, axes=axes, at=at)
            self.swaps[value.name, at], self.swaps[swapped.name, at] = swapped, value
        return replace(self.swaps[value.name, at], axes=_exchanged(value.axes, at))

    def finish(
        self,
        given: Sequence[Value],
        outputs: Sequence[Value],
        *,
        losses: Mapping[str, Node] | None = None,
        target: Target | None = None,
    ) -> Imported:
        """The graph of all that outputs and losses need, with the numbers of its arrays."""
        losses = dict(losses or {})
        nodes = self._needed([value.name for value in outputs], losses)
        read = {name for each in (*nodes.values(), *losses.values()) for name in each.inputs}
        needed = read.union(value.name for value in (*given, *outputs))
        inputs = {name: shape for name, shape in self.inputs.items() if name in needed}
        graph = Graph(inputs, nodes, losses)
        parts = {graph.arrays[label]: own for own, label in self.labels.items() if label in graph.arrays}
        values = {
            array: np.asarray(sum(part.taken(self.weights[part.source].numbers) for part in own))
            for array, own in parts.items()
        }
        values |= {graph.arrays[name]: own for name, own in self.constants.items() if name in graph.arrays}
        for array, numbers in values.items():
            fits = len(array.shape) == numbers.ndim and all(
                size in (length, SAMPLES) for size, length in zip(array.shape, numbers.shape, strict=True)
            )
            if not fits:
                raise InvalidNetwork(
                    f"{array.name} is of shape {shown(array.shape)} here, but of shape {numbers.shape} there"
                )
        sources = {name: weight.shape for name, weight in self.weights.items()}
        filled = {name: number for name, number in self.filled.items() if name in inputs}
        return Imported(graph, values, tuple(given), tuple(outputs), sources, parts, filled, target)

    def _needed(self, outputs: Sequence[str], losses: Mapping[str, Node]) -> dict[str, Node]:
        """The nodes that something is read from, in the order in which they were made."""
        wanted: set[str] = set()
        pending = [*outputs, *(name for each in losses.values() for name in each.inputs)]
        while pending:
            name = pending.pop()
            owner = name if name in self.nodes else name.rpartition(".")[0]
            if owner in self.nodes and owner not in wanted:
                wanted.add(owner)
                pending += self.nodes[owner].inputs
        return {name: each for name, each in self.nodes.items() if name in wanted}


def without(row: str | Layer, *locals_: str) -> Layer:
    """A layer without some of its parameters: `+ b[i]` and `gamma[i]*` fall away."""
    layer = LAYERS[row] if isinstance(row, str) else row
    pattern = "|".join(rf" \+ {local}\[[^]]*\]|\b{local}\[[^]]*\]\*" for local in locals_)
    cut = [tuple(re.sub(pattern, "", text) for text in texts) for texts in (layer.texts, layer.stable)]
    return replace(layer, name=f"{layer.name}-no-bias", texts=cut[0], stable=cut[1]) if locals_ else layer


def refuse_samples(value: Value, axis: int) -> int:
    """The axis counted from 0. Raises Unsupported for the samples' own."""
    found = axis + value.rank if axis < 0 else axis
    if found == value.samples:
        raise Unsupported(f"it works along axis {found}, the samples; every sample is to be treated alike")
    return found


def _shape(name: str, made: Node, inputs: Sequence[Value]) -> Shape:
    return Graph({value.name: value.shape for value in inputs}, {name: made}).arrays[name].shape


def _exchanged(axes: tuple[int, ...], at: int) -> tuple[int, ...]:
    return (*axes[:at], axes[at + 1], axes[at], *axes[at + 2 :])
