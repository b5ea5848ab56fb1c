"""A model read from a framework: its graph, its numbers, and the way there and back.

A framework has the samples first, the graph has them last. Every array of the graph is a sum of parts of the
framework's parameters, each a range of rows, reshaped and transposed: a linear map, x = Σ P θ. The gradient
goes back by its transpose, ∂E/∂θ = Σ Pᵀ ∂E/∂x, so that it can be held against the framework's entry by entry.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from numeric.arrays import evaluate_arrays
from symbolic.derivation import Derivation, derive
from symbolic.errors import InvalidNetwork
from symbolic.graph import Graph
from symbolic.losses import SAMPLES
from symbolic.notation import Array
from symbolic.sizes import Shape

Numbers: TypeAlias = npt.NDArray[Any]
Target: TypeAlias = Callable[[Numbers], Numbers]
LOSS: Final = "E"
TARGET: Final = "t"


@dataclass(frozen=True, slots=True)
class Part:
    """What an array takes from a parameter: rows from start to stop, reshaped, then transposed."""

    source: str
    rows: tuple[int, int] | None = None
    shape: tuple[int, ...] | None = None
    axes: tuple[int, ...] | None = None

    def taken(self, source: Numbers) -> Numbers:
        """The part in the graph's layout, a view where NumPy can make one."""
        rows = source if self.rows is None else source[slice(*self.rows)]
        shaped = rows if self.shape is None else rows.reshape(self.shape)
        return shaped if self.axes is None else np.transpose(shaped, self.axes)

    def returned(self, array: Numbers, total: Numbers) -> None:
        """Add an array of the graph's layout to the rows of the total that it was taken from."""
        rows = total if self.rows is None else total[slice(*self.rows)]
        shaped = array if self.axes is None else np.transpose(array, np.argsort(self.axes))
        rows += shaped.reshape(rows.shape)


@dataclass(frozen=True, slots=True)
class Value:
    """An array of the graph; `axes` say which axis of the framework's tensor each of its own is.

    The samples, if any, are its last axis.
    """

    name: str
    shape: Shape
    axes: tuple[int, ...]

    @property
    def sizes(self) -> Shape:
        """The shape in the framework's order."""
        return tuple(self.shape[self.axes.index(axis)] for axis in range(len(self.axes)))

    @property
    def rank(self) -> int:
        return len(self.axes)

    @property
    def samples(self) -> int | None:
        """The framework's axis that the samples run along."""
        return self.axes[-1] if self.shape and self.shape[-1] == SAMPLES else None

    def arranged(self, given: Numbers) -> Numbers:
        """The framework's tensor with the graph's order of axes."""
        if given.ndim != self.rank:
            raise InvalidNetwork(
                f"{self.name} has {self.rank} axes, but an array of shape {given.shape} is given"
            )
        return np.transpose(given, self.axes)

    def restored(self, array: Numbers) -> Numbers:
        """An array of the graph with the framework's order of axes."""
        return np.transpose(array, np.argsort(self.axes))


@dataclass(frozen=True, slots=True)
class Evaluated:
    """Outputs and gradients in the framework's layouts and by its names; E is the sum of losses."""

    outputs: tuple[Numbers, ...]
    loss: float
    gradients: Mapping[str, Numbers]


@dataclass(frozen=True)
class Imported:
    """A graph, and `values` for all of its arrays but inputs and targets: weights, constants, masks.

    `parts` say what of the framework's parameters, whose shapes are `sources`, makes up which array; `given`
    are the graph's inputs in the order of the framework's arguments, `filled` those that start with one
    number, such as a state before the first step; `target` brings labels into the layout of the first output.
    """

    graph: Graph
    values: Mapping[Array, Numbers]
    given: tuple[Value, ...]
    outputs: tuple[Value, ...]
    sources: Mapping[str, tuple[int, ...]]
    parts: Mapping[Array, tuple[Part, ...]]
    filled: Mapping[str, float] = field(default_factory=dict)
    target: Target | None = None

    @cached_property
    def derivation(self) -> Derivation:
        """Forward and backward equations of the graph."""
        return derive(self.graph)

    def batch(self, *inputs: Any, target: Any = None) -> dict[Array, Numbers]:
        """The framework's batch as arrays of the graph: samples last, labels as the loss takes them.

        Raises InvalidNetwork where their number or their axes differ from the model's.
        """
        if len(inputs) != len(self.given):
            raise InvalidNetwork(f"the model takes {len(self.given)} inputs, {len(inputs)} are given")
        arrays = {
            self.graph.arrays[value.name]: value.arranged(plain(tensor))
            for value, tensor in zip(self.given, inputs, strict=True)
        }
        samples = self._samples(arrays)
        for name, number in self.filled.items():
            array = self.graph.arrays[name]
            shape = [samples if size == SAMPLES else int(size) for size in array.shape]
            arrays[array] = np.full(shape, number)
        if self.graph.losses:
            arrays[self.graph.arrays[TARGET]] = self._prepared(target)
        return arrays

    def _samples(self, arrays: Mapping[Array, Numbers]) -> int:
        found = {
            size
            for array, numbers in arrays.items()
            for expected, size in zip(array.shape, numbers.shape, strict=True)
            if expected == SAMPLES
        }
        if len(found) != 1:
            raise InvalidNetwork(f"the inputs have {sorted(found)} samples; they have one number of samples")
        return int(found.pop())

    def _prepared(self, target: Any) -> Numbers:
        if target is None:
            raise InvalidNetwork("the model has a loss; give its target")
        numbers = plain(target)
        return self.outputs[0].arranged(numbers if self.target is None else self.target(numbers))

    def gradients(self, evaluated: Mapping[Array, Numbers]) -> dict[str, Numbers]:
        """∂E/∂θ for every parameter θ that has part in the graph, in the framework's layout."""
        totals = {name: np.zeros(shape) for name, shape in self.sources.items()}
        for array, parts in self.parts.items():
            for part in parts:
                part.returned(evaluated[array.bar], totals[part.source])
        return totals

    def evaluate(self, *inputs: Any, target: Any = None) -> Evaluated:
        """Run the graph over a batch of the framework, and where there is a loss its derivation too."""
        arrays = self.batch(*inputs, target=target)
        has_loss = bool(self.graph.losses)
        steps = self.derivation.steps if has_loss else self.graph.steps
        found = evaluate_arrays(steps, {**self.values, **arrays}, {SAMPLES: self._samples(arrays)})
        outputs = tuple(value.restored(found[self.graph.arrays[value.name]]) for value in self.outputs)
        loss = sum(float(found[self.graph.arrays[name]]) for name in self.graph.losses)
        return Evaluated(outputs, loss, self.gradients(found) if has_loss else {})


def plain(tensor: Any) -> Numbers:
    """A framework's tensor as a NumPy array, real numbers in double precision."""
    array = np.asarray(tensor.detach().cpu() if hasattr(tensor, "detach") else tensor)
    return array.astype(np.float64) if array.dtype.kind == "f" else array
