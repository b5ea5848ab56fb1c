"""From the internal layout to the subject's and back.

Inside, W is (n_l, n_{l-1}), b is (n_l,), samples are columns and targets are real or one-hot. A layout
permutes axes, gives b another axis, and writes one-hot columns as class numbers. Gradients have the layout of
the params.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from backproof.graph_points import GraphPoint
from backproof.points import Point, Targets, sizes_of
from backproof.report import ErrorMap
from backproof.subjects import Unusable, Value
from numeric.problem import Problem
from symbolic.conventions import CHOICES, Layout
from symbolic.errors import InvalidNetwork
from symbolic.evaluate import shape_of
from symbolic.graph import Graph
from symbolic.network import Network
from symbolic.notation import Array as Name

Array: TypeAlias = npt.NDArray[Any]
Shape: TypeAlias = tuple[int, ...]
Params: TypeAlias = list[tuple[Array, Array | None]]
FIELDS: Final = tuple(CHOICES)
DECLARED_BY: Final = {"weights": "--weights", "bias_shape": "--bias-shape"}


def layout_of(declared: Mapping[str, str]) -> Layout:
    """The layout with these fields, the mathematics' where nothing is said. Raises InvalidNetwork."""
    return Layout(**dict(declared))  # type: ignore[arg-type]  # it refuses what it does not know


def targets(layout: Layout) -> Targets | None:
    """What the targets have to be to be written as a layout has them; None where a loss may choose."""
    return "one-hot" if layout.labels == "integer" else None


class UnusableAnswer(Exception):
    """What a subject returned holds no gradient; the message says why, and what was expected."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A subject's loss, if it returned one, and its gradient by parameter in the internal layout.

    `dtype` is the narrowest in which anything came. `slack` is how far entries may be off beside what
    the formulas round: what is read off an update of a parameter loses digits.
    """

    loss: float | None
    gradient: Mapping[Name, Array]
    dtype: np.dtype[Any]
    slack: Mapping[Name, Array] = field(default_factory=dict)


def refuse_labels(network: Network, layout: Layout) -> None:
    """Raise InvalidNetwork where class numbers cannot tell what the targets are."""
    if layout.labels == "integer" and network.sizes[-1] == 1:
        raise InvalidNetwork(
            f"integer labels number the outputs, and {network.shape} has one output; "
            "choose --labels one-hot, whose targets are then numbers, or two outputs"
        )


def to_subject(point: Point | GraphPoint, layout: Layout) -> tuple[Any, Any, Any]:
    """params, x and t as the subject takes them; those of a graph are dicts by name."""
    if isinstance(point, GraphPoint):
        return dict(point.params), dict(point.x), dict(point.t)
    params = [(weights(w, layout), None if b is None else bias(b, layout)) for w, b in point.params]
    t = point.t.argmax(axis=0) if layout.labels == "integer" else samples(point.t, layout)
    return params, samples(point.x, layout), t


def weights(w: Array, layout: Layout) -> Array:
    """W from the internal layout to another, or back."""
    return w if layout.weights == "out-in" else w.T


def samples(values: Array, layout: Layout) -> Array:
    """x or t from the internal layout to another, or back."""
    return values if layout.samples == "columns" else values.T


def bias(b: Array, layout: Layout) -> Array:
    """b from the internal layout to another."""
    return b.reshape({"n": (-1,), "n,1": (-1, 1), "1,n": (1, -1)}[layout.bias_shape])


def index_of(index: Shape, layout: Layout) -> Shape:
    """Where the subject's own array has an entry of W or b that is at this index inside."""
    if len(index) == 2:
        return index if layout.weights == "out-in" else index[::-1]
    return {"n": index, "n,1": (*index, 0), "1,n": (0, *index)}[layout.bias_shape]


def entry_names(name: Name, place: Shape, problem: Problem, layout: Layout) -> tuple[str, str]:
    """What mathematics and the subject's code call an entry: ∂E/∂W1[2,1], grads[0][0][1, 0]."""
    if isinstance(problem.network, Graph):
        index = place
        path = f"grads[{name.label!r}][{', '.join(map(str, index))}]"
    else:
        index = index_of(place, layout)
        assert isinstance(name.layer, int)
        path = f"grads[{name.layer - 1}][{'Wb'.index(name.name)}][{', '.join(map(str, index))}]"
    return f"∂E/∂{name.label}[{','.join(str(i + 1) for i in index)}]", path


def laid_out(errors: ErrorMap, problem: Problem, layout: Layout) -> ErrorMap:
    """A map of errors as the subject's own array lies."""
    if isinstance(problem.network, Graph) or len(errors.shape) < 2 or layout.weights == "out-in":
        return errors
    turned = np.reshape(errors.errors, errors.shape).T
    return ErrorMap(errors.name, turned.shape, tuple(map(float, turned.ravel())))


def shapes(network: Network, layout: Layout) -> list[tuple[Shape, Shape | None]]:
    """The shapes of params, layer by layer."""
    sizes = sizes_of(network)
    arrays = [np.empty((rows, columns)) for rows, columns in zip(sizes[1:], sizes, strict=False)]
    return [
        (weights(w, layout).shape, bias(w[:, 0], layout).shape if layer.bias else None)
        for w, layer in zip(arrays, network.layers, strict=True)
    ]


def read_answer(value: Value, problem: Problem, layout: Layout) -> Answer:
    """Read `grads` or `(loss, grads)`. Raises UnusableAnswer."""
    loss, grads = None, value
    match value:  # a pair of two layers' gradients begins with a pair
        case [first, list() | tuple() | dict() as second] if not isinstance(first, (list, tuple, dict)):
            loss, grads = _number(first, "the loss"), second
    if isinstance(problem.network, Graph):
        found = dict(_named(grads, problem))
    else:
        pairs = list(_pairs(grads, problem.network))
        _check_shapes(pairs, problem.network, layout)
        inside = ((weights(w, layout), None if b is None else b.ravel()) for w, b in pairs)
        arrays = [array for pair in inside for array in pair if array is not None]
        found = dict(zip(problem.parameters, arrays, strict=True))
    every = [*found.values(), *([] if loss is None else [loss])]
    return Answer(
        loss=None if loss is None else float(loss.item()),
        gradient={name: array.astype(np.float64) for name, array in found.items()},
        dtype=min((array.dtype for array in every), key=lambda dtype: dtype.itemsize),
    )


def _named(grads: Value, problem: Problem) -> Iterator[tuple[Name, Array]]:
    """The gradients of a graph, by the names of its parameters."""
    names = ", ".join(array.label for array in problem.parameters)
    if not isinstance(grads, dict):
        raise UnusableAnswer(f"it returned {_described(grads)}; expected a dict with {names}")
    if missing := [array.label for array in problem.parameters if array.label not in grads]:
        raise UnusableAnswer(f"it returned no gradient of {missing[0]}; expected a dict with {names}")
    for array in problem.parameters:
        found = _real(grads[array.label], f"grads[{array.label!r}]")
        expected = shape_of(array, {})
        if found.shape != expected:
            raise UnusableAnswer(
                f"grads[{array.label!r}] has shape {found.shape}; expected {expected}, like params"
            )
        yield array, found


def _pairs(grads: Value, network: Network) -> Iterator[tuple[Array, Array | None]]:
    expected = f"a list of {network.depth} pairs (∂E/∂W, ∂E/∂b), shaped like params"
    if not isinstance(grads, (list, tuple)):
        raise UnusableAnswer(f"it returned {_described(grads)}; expected {expected}")
    if len(grads) != network.depth:
        raise UnusableAnswer(
            f"it returned {len(grads)} gradients for {network.depth} layers; expected {expected}"
        )
    for number, (pair, layer) in enumerate(zip(grads, network.layers, strict=True), start=1):
        path = f"grads[{number - 1}]"
        if not isinstance(pair, (list, tuple)) or len(pair) not in ((2,) if layer.bias else (1, 2)):
            wanted = "(∂E/∂W, ∂E/∂b)" if layer.bias else "(∂E/∂W, None), as there is no bias"
            length = f" of length {len(pair)}" if isinstance(pair, (list, tuple)) else ""
            raise UnusableAnswer(f"{path} is {_described(pair)}{length}; expected a pair {wanted}")
        if not layer.bias and len(pair) == 2 and pair[1] is not None:
            raise UnusableAnswer(
                f"{path}[1] is {_described(pair[1])}; layer {number} has no bias, expected None"
            )
        w = _real(pair[0], f"{path}[0] (∂E/∂W{number})")
        yield w, _real(pair[1], f"{path}[1] (∂E/∂b{number})") if layer.bias else None


def _check_shapes(pairs: Params, network: Network, layout: Layout) -> None:
    expected, given = shapes(network, layout), [(w.shape, None if b is None else b.shape) for w, b in pairs]
    for number, (wanted, found) in enumerate(zip(expected, given, strict=True)):
        for place, letter in enumerate("Wb"):
            if wanted[place] != found[place]:
                raise UnusableAnswer(
                    f"grads[{number}][{place}] (∂E/∂{letter}{number + 1}) has shape {found[place]}; "
                    f"expected {wanted[place]}, like params[{number}][{place}]{_hint(given, network, layout)}"
                )


def _hint(given: list[tuple[Shape, Shape | None]], network: Network, layout: Layout) -> str:
    """The layout, if any, that all shapes fit: somebody may only have declared another."""
    for choice in product(*(CHOICES[name] for name in DECLARED_BY)):
        other = replace(layout, **dict(zip(DECLARED_BY, choice, strict=True)))
        if shapes(network, other) == given:
            changed = [
                f"{flag} {getattr(other, name)}"
                for name, flag in DECLARED_BY.items()
                if getattr(other, name) != getattr(layout, name)
            ]
            return f"; all shapes are those of {' '.join(changed)}"
    return ""


def _number(value: Value, what: str) -> Array:
    if isinstance(value, (int, float, complex)):
        value = np.array(value)
    array = _real(value, what)
    if array.size != 1:
        raise UnusableAnswer(f"{what} has shape {array.shape}; expected one number")
    return array


def _real(value: Value, what: str) -> Array:
    """An array of floating-point numbers; nested lists of numbers will do."""
    if isinstance(value, (list, tuple)):
        try:
            value = np.array(value, dtype=float)
        except (TypeError, ValueError):
            raise UnusableAnswer(f"{what} is a list of other things than real numbers") from None
    if isinstance(value, float):
        value = np.float64(value)
    if not isinstance(value, (np.ndarray, np.generic)):
        raise UnusableAnswer(f"{what} is {_described(value)}; expected an array of real numbers")
    array = np.asarray(value)
    if array.dtype.kind == "f":
        return array
    kinds = {"c": "complex numbers", "b": "truth values"}
    kind = kinds.get(array.dtype.kind, "integers, which cannot hold a gradient")
    raise UnusableAnswer(f"{what} holds {kind} ({array.dtype}); expected floating-point numbers")


def _described(value: Value) -> str:
    if isinstance(value, Unusable):
        return f"a {value.type}"
    return "None" if value is None else f"a {type(value).__name__}"
