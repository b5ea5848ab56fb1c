"""Points of a graph: generic numbers for its parameters and inputs, and what its constants can be.

What is read in a position is a whole number below the size of the axis; what a loss with logarithms takes for
a target is a distribution along the first axis; a mask is 0 or 1. All else is real.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import sympy as sp

from numeric.problem import Problem
from symbolic.activations import unknown
from symbolic.errors import InvalidNetwork
from symbolic.evaluate import shape_of
from symbolic.expressions import name_of
from symbolic.grammar.indices import is_index
from symbolic.graph import Graph
from symbolic.losses import SAMPLES, Loss
from symbolic.notation import Array as Name
from symbolic.notation import Slot, Step

Array = npt.NDArray[Any]
SPREAD: Final = 1.5  # of inputs and parameters: units are neither linear nor saturated
MASK: Final = "M"
LAMBDA: Final = 0.375  # of a penalty
_RANGE: Final = re.compile(r"(?P<name>[^=]+)=(?P<low>-?\d{1,9})\.\.(?P<high>-?\d{1,9})")
Draw: TypeAlias = Callable[[np.random.Generator, tuple[int, ...]], Any]


def whole_numbers(text: str) -> tuple[str, Draw]:
    """An array's name and how it is drawn, of a text such as "n.J=0..3", whole numbers from 0 to 3.

    Raises InvalidNetwork.
    """
    read = _RANGE.fullmatch(text)
    if read is None or int(read["low"]) > int(read["high"]):
        raise InvalidNetwork(f"--draw {text}: write --draw NAME=LOW..HIGH, as in --draw n.J=0..3")
    low, high = int(read["low"]), int(read["high"])
    return read["name"], lambda random, shape: random.integers(low, high, shape, endpoint=True)


def refuse_unknown(graph: Graph, drawn: Iterable[str]) -> None:
    """Raise InvalidNetwork for what is the name of no array that a graph is given."""
    names = [*graph.inputs, *(array.label for array in (*graph.parameters, *graph.constants))]
    for name in drawn:
        if name not in names:
            raise InvalidNetwork(unknown("array to draw", name, names))


@dataclass(frozen=True, slots=True, eq=False)
class GraphPoint:
    """Values of a graph's parameters, inputs and constants, by name, samples along the last axis."""

    params: Mapping[str, Array]
    x: Mapping[str, Array]
    t: Mapping[str, Array]
    samples: int
    lam: float = 0.0

    def values(self, problem: Problem) -> dict[Name, Array]:
        """The arrays of the graph's problem with their values."""
        every = {**self.params, **self.x, **self.t}
        return {array: every[array.label] for array in problem.given}


def sparse(point: GraphPoint, seed: int) -> GraphPoint:
    """The point with a third of its real inputs 0, and with the first row of every parameter: who takes a 0
    for what was masked out is found out.
    """
    random = np.random.default_rng(seed)

    def thinned(array: Array) -> Array:
        is_real = array.dtype.kind == "f"
        return np.where(random.random(array.shape) < 1 / 3, 0.0, array) if is_real else array

    params = {name: np.array(array) for name, array in point.params.items()}
    for array in params.values():
        array[:1] = 0.0
    return replace(point, params=params, x={name: thinned(array) for name, array in point.x.items()})


def graph_point(problem: Problem, samples: int, seed: int, given: Mapping[str, Draw]) -> GraphPoint:
    """A point drawn from a seed; `given` draws arrays by name, where these rules do not."""
    graph = problem.network
    assert isinstance(graph, Graph)
    random = np.random.default_rng(seed)
    places = dict(_places(graph.steps))
    distributions = set(_distributions(graph.steps))

    def drawn(array: Name) -> Array:
        shape = shape_of(array, {SAMPLES: samples})
        if array.label in given:
            return np.asarray(given[array.label](random, shape))
        if array in places:
            return random.integers(0, _size(places[array], samples), shape)
        if array.label.rpartition(".")[2] == MASK:
            return random.integers(0, 2, shape).astype(float)
        if array in distributions:
            positive = np.exp(random.normal(size=shape))
            return np.asarray(positive / positive.sum(axis=0))
        return _generic(random, shape)

    values = {array.label: drawn(array) for array in problem.given}
    names = [
        {array.label for array in kind} for kind in (problem.parameters, problem.inputs, problem.constants)
    ]
    params, x, t = ({name: values[name] for name in sorted(kind)} for kind in names)
    return GraphPoint(params, x, t, samples, LAMBDA if problem.has_lambda else 0.0)


def _generic(random: np.random.Generator, shape: tuple[int, ...]) -> Array:
    sign = random.choice((-1.0, 1.0), shape)
    return np.asarray(
        sign * (random.integers(101, int(1000 * SPREAD), shape) + random.random(shape) / 8) / 1000
    )


def _places(steps: tuple[Step, ...]) -> Iterator[tuple[Name, Any]]:
    """Arrays that stand in a position, with the size of the axis there."""
    for step in steps:
        entries = [*step.equation.value.atoms(sp.Indexed), *step.equation.target.atoms(sp.Indexed)]
        for entry in entries:
            bound = step.bindings.get(name_of(entry))
            for axis, place in enumerate(entry.indices):
                if isinstance(bound, Name) and not is_index(place):
                    yield from ((step.array(name_of(i)), bound.shape[axis]) for i in place.atoms(sp.Indexed))


def _distributions(steps: tuple[Step, ...]) -> Iterator[Name]:
    for step in steps:
        slot = step.bindings.get("e")
        loss = slot.source if isinstance(slot, Slot) else None
        if isinstance(loss, Loss) and loss.row and loss.row.needs_probability:
            yield step.array("T")


def _size(size: Any, samples: int) -> int:
    return int(size.xreplace({SAMPLES: samples})) if isinstance(size, sp.Expr) else int(size)
