"""Recurrent layers, unrolled: one cell for each step and layer, all of them with the same arrays.

Which rows of a weight belong to which gate, and in what order, is a table. Two biases that are only ever
added are one array of the graph, to which each contributes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from backproof.importing import operations
from backproof.importing.builder import Builder, Weight, refuse_samples, without
from backproof.importing.imported import Part, Value
from symbolic.errors import Unsupported
from symbolic.placement import Setting


@dataclass(frozen=True, slots=True)
class Cell:
    """A row of the table of layers: its gates in the order of the weights' rows, and whether it has a state
    beside its output. Gates with a `split` bias keep that of the state apart.
    """

    row: str
    gates: tuple[str, ...]
    state: str = ""
    split: tuple[str, ...] = ()


CELLS: Final[Mapping[str, Cell]] = {
    "RNN": Cell("rnn-cell", ("",)),
    "LSTM": Cell("lstm-cell", ("i", "f", "g", "o"), state="C"),
    "GRU": Cell("gru-cell", ("r", "u", "n"), split=("n",)),
}


@dataclass(frozen=True, slots=True)
class Stack:
    """The weights of one layer in one direction, each with the rows of all gates; biases may be missing."""

    inputs: Weight
    states: Weight
    input_bias: Weight | None
    state_bias: Weight | None

    def parts(self, build: Builder, cell: Cell) -> dict[str, tuple[Part, ...]]:
        """The arrays of the cell's row: W, U and b of every gate, and c of those whose biases stay apart."""
        units = self.states.shape[1]
        found: dict[str, tuple[Part, ...]] = {}
        for number, gate in enumerate(cell.gates):
            rows = (number * units, (number + 1) * units)
            given, state = (
                tuple(build.known(weight).part(rows=rows) for weight in (bias,) if weight is not None)
                for bias in (self.input_bias, self.state_bias)
            )
            found[f"W{gate}"] = (build.known(self.inputs).part(rows=rows),)
            found[f"U{gate}"] = (build.known(self.states).part(rows=rows),)
            split = {f"b{gate}": given, f"c{gate}": state}
            found |= split if gate in cell.split else {f"b{gate}": given + state}
        return found


def step(
    build: Builder, cell: Cell, stack: Stack, value: Value, before: Sequence[Value], activation: str = "tanh"
) -> tuple[Value, ...]:
    """The output of a cell, and its state if it has one, from those before."""
    parts = stack.parts(build, cell)
    row = without(cell.row, *(local for local, own in parts.items() if not own))
    held = {local: own for local, own in parts.items() if own}
    units = stack.states.shape[1]
    settings: dict[str, Setting] = {"units": units, "activation": activation}
    output = build.add(row, value, *before, axes=value.axes, parts=held, settings=settings)
    return (output, build.inner(output, cell.state)) if cell.state else (output,)


def start(build: Builder, cell: Cell, stack: Stack, value: Value) -> tuple[Value, ...]:
    """Outputs and states before the first step: inputs of the graph that hold zeros."""
    name, units = build.name, stack.states.shape[1]
    shape = (units, *value.shape[1:])
    held = []
    for suffix in ("start", *(["state"] if cell.state else [])):
        zeros = build.fill(f"{name}_{suffix}", shape, 0.0)
        held.append(Value(zeros.name, zeros.shape, value.axes))
    return tuple(held)


def unrolled(
    build: Builder,
    cell: Cell,
    layers: Sequence[Sequence[Stack]],
    sequence: Value,
    time: int,
    before: Sequence[Sequence[Value]] | None,
    activation: str = "tanh",
) -> tuple[Value, list[tuple[Value, ...]]]:
    """All outputs of the last layer, and the last output and state of every layer and direction.

    `layers` hold one stack for each direction, the second runs backwards; `time` is the axis of the steps.
    """
    name = build.name
    steps = sequence.sizes[refuse_samples(sequence, time)]
    if not isinstance(steps, int):
        raise Unsupported("the number of steps is open")
    values = [operations.taken(build, sequence, time, place) for place in range(steps)]
    last: list[tuple[Value, ...]] = []
    for number, directions in enumerate(layers):
        runs = []
        for turn, stack in enumerate(directions):
            build.name = f"{name}_{len(last)}"
            now = tuple(before[len(last)]) if before else start(build, cell, stack, values[0])
            outputs = []
            for place in range(steps)[:: -1 if turn else 1]:
                build.name = f"{name}_{len(last)}_{place}"
                now = step(build, cell, stack, values[place], now, activation)
                outputs.append(now[0])
            runs.append(outputs[:: -1 if turn else 1])
            last.append(now)
        build.name = f"{name}_{number}_both"
        values = [operations.joined(build, both, -1) for both in zip(*runs, strict=True)]
    build.name = name
    return operations.stacked(build, values, time), last
