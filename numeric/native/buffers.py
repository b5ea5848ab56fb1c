"""The arrays of a network in one layout and precision: their shapes, and memory for them in one place."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any, Final, Never

import numpy as np
from numpy.typing import NDArray

from symbolic.codegen.request import Dtype
from symbolic.conventions import Layout
from symbolic.network import Network

ALIGNMENT: Final = 64  # bytes: a line of the cache, and the widest vector register
Shape = tuple[int, ...]
Pairs = list[tuple[NDArray[Any], NDArray[Any] | None]]


@dataclass(frozen=True)
class Shapes:
    """Shapes as a layout stores them; parameters lie flat as W then b of each layer, row by row."""

    network: Network
    layout: Layout
    dtype: Dtype = "float64"

    @cached_property
    def parameters(self) -> tuple[tuple[Shape, Shape | None], ...]:
        """(W, b) of each layer."""
        sizes = [int(size) for size in self.network.sizes]
        pairs = []
        for before, layer, after in zip(sizes, self.network.layers, sizes[1:], strict=False):
            w = (after, before) if self.layout.weights == "out-in" else (before, after)
            b = {"n": (after,), "n,1": (after, 1), "1,n": (1, after)}[self.layout.bias_shape]
            pairs.append((w, b if layer.bias else None))
        return tuple(pairs)

    @cached_property
    def sample_axis(self) -> int:
        return 1 if self.layout.samples == "columns" else 0

    @property
    def has_labels(self) -> bool:
        return self.layout.labels == "integer"

    def of_samples(self, units: int, m: int) -> Shape:
        return (units, m) if self.sample_axis else (m, units)

    def buffers(self, m: int) -> Buffers:
        """Memory for m samples. Raises ValueError where m counts none."""
        if operator.index(m) < 1:
            raise ValueError(f"m is {m!r}; it counts samples, from 1")
        inputs, outputs = int(self.network.inputs), int(self.network.sizes[-1])
        count = int(self.network.parameter_count)
        return Buffers(
            self,
            params=aligned((count,), self.dtype),
            x=aligned(self.of_samples(inputs, m), self.dtype),
            t=aligned((m,), "intc") if self.has_labels else aligned(self.of_samples(outputs, m), self.dtype),
            grad=aligned((count,), self.dtype),
            output=aligned(self.of_samples(outputs, m), self.dtype),
        )


@dataclass(frozen=True, eq=False)
class Buffers:
    """Arrays that stay where they are, and the layers' views of those that are flat."""

    shapes: Shapes
    params: NDArray[Any]
    x: NDArray[Any]
    t: NDArray[Any]
    grad: NDArray[Any]
    output: NDArray[Any]

    @cached_property
    def param_pairs(self) -> Pairs:
        return _pairs(self.params, self.shapes)

    @cached_property
    def grad_pairs(self) -> Pairs:
        return _pairs(self.grad, self.shapes)

    def write_params(self, params: Sequence[Any]) -> None:
        """Copy the parameters in. Raises ValueError, which names the array that does not fit."""
        places, shapes = self.param_pairs, self.shapes.parameters
        if len(params) != len(places):
            raise ValueError(
                f"params has {len(params)} entries; expected a pair (W, b) for each of {len(places)} layers"
            )
        for (w, b), (w_place, b_place), (w_shape, b_shape) in zip(params, places, shapes, strict=True):
            if getattr(w, "shape", None) != w_shape or getattr(b, "shape", None) != b_shape:
                self._refuse(params)
            w_place[...] = w
            if b_place is not None:
                b_place[...] = b

    def write_data(self, x: Any, t: Any = None) -> None:
        """Copy samples in, and targets where there are any. Raises ValueError as `write_params` does."""
        for name, place, value in (("x", self.x, x), ("t", self.t, t))[: 1 if t is None else 2]:
            if getattr(value, "shape", None) != place.shape:
                raise _misfit(name, value, place.shape)
            place[...] = value
        if t is not None and self.shapes.has_labels:
            self._check_labels(np.asarray(t))

    def write_gradient(self, grads: Pairs) -> None:
        for places, values in zip(self.grad_pairs, grads, strict=True):
            for place, value in zip(places, values, strict=True):
                if place is not None:
                    place[...] = value

    def gradient(self) -> Pairs:
        """A copy of what was written."""
        return [(w.copy(), None if b is None else b.copy()) for w, b in self.grad_pairs]

    def _check_labels(self, t: NDArray[Any]) -> None:
        """Labels are positions in memory."""
        classes = int(self.shapes.network.sizes[-1])
        if t.dtype.kind not in "iu" or t.min() < 0 or t.max() >= classes:
            raise ValueError(f"t holds other than whole numbers from 0 to {classes - 1}; expected classes")

    def _refuse(self, params: Sequence[Any]) -> Never:
        for number, (pair, shapes) in enumerate(zip(params, self.shapes.parameters, strict=True), start=1):
            for letter, value, shape in zip("Wb", pair, shapes, strict=True):
                if getattr(value, "shape", None) != shape:
                    raise _misfit(f"{letter}{number}", value, shape)
        raise AssertionError("all of them fit")


def _misfit(name: str, value: Any, shape: Shape | None) -> ValueError:
    given = "None" if value is None else f"of shape {np.shape(value)}"
    given += "" if value is None or hasattr(value, "shape") else f", a {type(value).__name__}"
    return ValueError(f"{name} is {given}; expected {f'an array of shape {shape}' if shape else 'None'}")


def aligned(shape: Shape, dtype: str) -> NDArray[Any]:
    """Zeros at an address that is a multiple of ALIGNMENT."""
    size = prod(shape) * np.dtype(dtype).itemsize
    memory = np.zeros(size + ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % ALIGNMENT
    return memory[start : start + size].view(dtype).reshape(shape)


def _pairs(flat: NDArray[Any], shapes: Shapes) -> Pairs:
    place = iter(_pieces(flat, [shape for pair in shapes.parameters for shape in pair if shape]))
    return [(next(place), next(place) if b else None) for _, b in shapes.parameters]


def _pieces(flat: NDArray[Any], shapes: list[Shape]) -> Iterator[NDArray[Any]]:
    start = 0
    for shape in shapes:
        yield flat[start : start + prod(shape)].reshape(shape)
        start += prod(shape)
