"""A tape: operations on whole arrays, one after the other, written once and run with any algebra."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from numeric.algebra import Algebra

Array: TypeAlias = npt.NDArray[Any]
Shape: TypeAlias = tuple[int, ...]
Operation: TypeAlias = Callable[..., Any]  # of an algebra and what stands on the tape


@dataclass(frozen=True, slots=True)
class Tape:
    """Operations with the places of what they take and the place of their result; `names` come first."""

    names: tuple[str, ...]
    places: tuple[Any, ...]  # what is known already, None where it is given or computed
    lines: tuple[tuple[Operation, tuple[int, ...], int], ...]
    result: int

    def run(self, given: Mapping[str, Any], algebra: Algebra[Any]) -> Any:
        """The value of the result."""
        values = list(self.places)
        values[: len(self.names)] = [given[name] for name in self.names]
        for operation, takes, place in self.lines:
            values[place] = operation(algebra, *[values[each] for each in takes])
        return values[self.result]


@dataclass(frozen=True, slots=True)
class Node:
    """A value on a tape: its place and its shape."""

    place: int
    shape: Shape


def nodes_of(given: Mapping[str, Shape]) -> dict[str, Node]:
    """The first nodes of a tape: what is given, by name."""
    return {name: Node(place, shape) for place, (name, shape) in enumerate(given.items())}


def common_shape(operands: Sequence[Any]) -> Shape:
    """The shape that nodes and arrays have together."""
    shapes = (each.shape if isinstance(each, Node) else np.shape(each) for each in operands)
    return np.broadcast_shapes(*shapes)


@dataclass(slots=True)
class Writer:
    """Writes a tape, given what stands on it by name."""

    given: dict[str, Node]
    known: list[Any] = field(init=False)
    lines: list[tuple[Operation, tuple[int, ...], int]] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self.known = [None] * len(self.given)

    def tape(self, result: Node) -> Tape:
        return Tape(tuple(self.given), tuple(self.known), tuple(self.lines), result.place)

    def put(self, operation: Operation, shape: Sequence[int], *operands: Any) -> Node:
        """One more operation, of nodes and of what is known already."""
        places = tuple(each.place if isinstance(each, Node) else self._keep(each) for each in operands)
        place = self._keep(None)
        self.lines.append((operation, places, place))
        return Node(place, tuple(shape))

    def _keep(self, value: Any) -> int:
        self.known.append(value)
        return len(self.known) - 1

    def on(self, function: Callable[..., Any], *operands: Any) -> Any:
        """A function of numbers, computed now where they are all known."""
        if not any(isinstance(each, Node) for each in operands):
            return function(*operands)
        return self.put(lambda _, *values: function(*values), common_shape(operands), *operands)

    def mapped(self, change: Callable[[Array], Array], shape: Sequence[int], node: Node) -> Node:
        """Entries moved, repeated or left out."""
        return self.put(lambda algebra, value: algebra.map(change, value), shape, node)
