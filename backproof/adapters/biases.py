"""Where a subject keeps its biases: arrays of their own, a row or column of W, or fewer of them than units.

In a row or column of W they stand for a constant input s = ±1, so that what is stored is s·b, and its
gradient s·∂E/∂b. One bias for all units, or for all layers, is one parameter: it is read from the first of
its units, which all hold the same, and its gradient, the sum over them, is given to each.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, List, Tuple

import numpy as np

from .misfit import Misfit

Pairs = List[Tuple[Any, Any]]
JOINED = {"first-row": (0, 0), "last-row": (0, -1), "first-column": (1, 0), "last-column": (1, -1)}


@dataclass(frozen=True)
class Stored:
    """The arrays of each layer, b None where there is none, and the bias that all layers share."""

    layers: Pairs
    shared: Any = None


def stored(params: Pairs, form: Any) -> Stored:
    """What the subject holds for these pairs."""
    if form.biases in JOINED:
        axis, end = JOINED[form.biases]
        return Stored([(_joined(w, b, axis, end, form.bias_input), None) for w, b in params])
    if form.biases == "scalar":
        return Stored([(w, None if b is None else b.reshape(-1)[0]) for w, b in params])
    if form.biases in ("shared", "shared-scalar"):
        first = next(b for _, b in params if b is not None)
        return Stored([(w, None) for w, _ in params], first.reshape(-1)[0] if "-" in form.biases else first)
    return Stored(list(params))


def restored(given: Stored, params: Pairs, form: Any) -> Pairs:
    """The pairs that what is stored stands for, for values or gradients."""
    if form.biases in JOINED:
        axis, end = JOINED[form.biases]
        layers = enumerate(zip(given.layers, params))
        return [_parted(l, w, like, axis, end, form.bias_input) for l, ((w, _), like) in layers]
    if form.biases == "array":
        return given.layers
    return [
        (w, None if b is None else np.zeros_like(b) + (own if given.shared is None else given.shared))
        for (w, own), (_, b) in zip(given.layers, params)
    ]


def _joined(w: Any, b: Any, axis: int, end: int, bias_input: int) -> Any:
    if b is None:
        return w
    line = np.expand_dims(bias_input * b.reshape(-1), axis)
    return np.concatenate([w, line] if end else [line, w], axis)


def _parted(layer: int, array: Any, like: tuple[Any, Any], axis: int, end: int, bias_input: int) -> Any:
    w, b = like
    if b is None:
        return array, None
    array, shape = numeric(array), list(w.shape)
    shape[axis] += 1
    if array.shape != tuple(shape):
        text = "the array of layer {} has shape {}; expected {}, with the bias"
        raise Misfit(text.format(layer + 1, array.shape, tuple(shape)))
    rest = np.delete(array, end, axis)
    return rest, bias_input * array.take(end, axis).reshape(b.shape)


def numeric(value: Any) -> Any:
    """An array of numbers of what may be a list, or another library's array."""
    try:
        array = np.asarray(value.detach() if hasattr(value, "detach") else value)
    except (TypeError, ValueError, RuntimeError):
        array = np.empty(0, object)
    if array.dtype.kind not in "biufc":
        raise Misfit(f"it returned a {type(value).__name__} where numbers were expected")
    return array
