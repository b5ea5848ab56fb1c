"""What a subject of some form takes and returns, as literals and places in a file without backproof.

A form packs arrays into a container of its own. Where an entry of the gradient is in there is found by
packing arrays of numbers that all differ: that of the entry is in one place.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from backproof.adapters.containers import pack
from backproof.adapters.functions import container_of_gradient
from backproof.forms import Form
from symbolic.errors import BackproofError

Array: TypeAlias = npt.NDArray[Any]
Pairs: TypeAlias = list[tuple[Array, Array | None]]
Container: TypeAlias = Any
SAID: Final = {"params", "grads", "biases", "weight", "bias", "first", "step"}
HELD: Final = ("", "pairs", "list", "separate", "flat", "flat-weights-first", "dict")
BIASES: Final = ("array", "first-row", "last-row", "first-column", "last-column")


@dataclass(frozen=True, slots=True)
class Packed:
    """The parameters in the subject's container, and the place in its gradient of every entry's path."""

    params: Container
    places: dict[str, str]


def packed(params: Pairs, form: Form) -> Packed:
    """Raises BackproofError for a form that takes more than a container: a step, an object, a framework."""
    simple = form.params in HELD and form.grads in HELD and form.biases in BIASES
    if not (simple and {*form.said} <= SAID):
        raise BackproofError(
            "a plain test calls gradient(params, x, t), and this subject is asked another way; "
            "put such a function around it"
        )
    if form.config is None:
        return Packed(params, {})
    fields = SimpleNamespace(**form.config)
    returned = SimpleNamespace(**{**form.config, "params": container_of_gradient(fields)})
    numbers, paths = _numbered(params)
    places = {paths[number]: place for number, place in _places(pack(numbers, returned), "grads")}
    return Packed(pack(params, fields), places)


def _numbered(params: Pairs) -> tuple[Pairs, list[str]]:
    """Arrays like the parameters that hold 0, 1, 2, …, and the path of each of these entries."""
    numbers: Pairs = []
    paths: list[str] = []

    def numbered(array: Array, place: str) -> Array:
        start = len(paths)
        paths.extend(f"{place}[{', '.join(map(str, index))}]" for index in np.ndindex(array.shape))
        return np.arange(start, len(paths)).reshape(array.shape)

    for l, (w, b) in enumerate(params):
        first = numbered(w, f"grads[{l}][0]")
        numbers.append((first, None if b is None else numbered(b, f"grads[{l}][1]")))
    return numbers, paths


def _places(value: Container, path: str) -> Iterator[tuple[int, str]]:
    """Every number of a container of gradients, and how a program gets at it; keys may begin with a d."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _places(item, f"{path}.get({'d' + key!r}, {path}.get({key!r}))")
    elif isinstance(value, (list, tuple)):
        for i, item in enumerate(value):
            yield from _places(item, f"{path}[{i}]")
    elif value is not None:
        for index in np.ndindex(value.shape):
            yield int(value[index]), f"{path}[{', '.join(map(str, index))}]"
