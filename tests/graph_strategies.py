"""Networks drawn node by node: branches, residuals, shared weights, recurrences, losses, penalties."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from hypothesis import strategies as st

from symbolic.graph import Graph, graph, loss, node
from symbolic.layers import LAYERS
from symbolic.placement import Node
from symbolic.sizes import Size

Shape = tuple[Size, ...]
Choice = tuple[Callable[[Shape], bool], Callable[[str, Shape, st.DataObject], Node]]

FUNCTIONS: Final = ["tanh", "sigmoid", "relu", "leaky_relu(1/5)", "softplus", "where(z > 1/4, z**2, sin(z))"]
NEAR_0: Final = "1/10"  # the ε of a norm: of values that are all alike, no digits are lost


def _vector(shape: Shape) -> bool:
    return len(shape) == 2


def _sequence(shape: Shape) -> bool:
    return len(shape) == 3


def _any(shape: Shape) -> bool:
    return len(shape) > 1


def _long(shape: Shape) -> bool:
    return len(shape) == 3 and isinstance(shape[1], int) and shape[1] > 2


def _rows(name: str, shape: Shape, data: st.DataObject) -> Node:
    return node("dense", name, units=data.draw(st.integers(1, 3)))


def _curve(name: str, shape: Shape, data: st.DataObject) -> Node:
    return node("activation", name, activation=data.draw(st.sampled_from(FUNCTIONS)))


def _norm(name: str, shape: Shape, data: st.DataObject) -> Node:
    return node(data.draw(st.sampled_from(["batch-norm", "layer-norm", "rms-norm"])), name, epsilon=NEAR_0)


def _window(name: str, shape: Shape, data: st.DataObject) -> Node:
    row = data.draw(st.sampled_from(["conv1d", "max-pool1d", "average-pool1d"]))
    stride, padding = data.draw(st.integers(1, 3)), data.draw(st.integers(0, 1))
    channels = {"channels": data.draw(st.integers(1, 2))} if row == "conv1d" else {}
    return node(row, name, kernel=2, stride=stride, padding=padding, **channels)


def _along(name: str, shape: Shape, data: st.DataObject) -> Node:
    row = data.draw(st.sampled_from(["softmax", "log-softmax", "mean", "sum"]))
    return node(row, name, axis=data.draw(st.integers(0, len(shape) - 2)))


def _moved(name: str, shape: Shape, data: st.DataObject) -> Node:
    return node(data.draw(st.sampled_from(["transpose", "flatten"])), name)


def _spread(name: str, shape: Shape, data: st.DataObject) -> Node:
    return node("broadcast", name, size=2, axis=data.draw(st.integers(0, 1)))


def _looked(name: str, shape: Shape, data: st.DataObject) -> Node:
    return node("attention", name, name, name)


CHOICES: Final[Sequence[Choice]] = (
    (_any, _rows),
    (_any, _curve),
    (_any, _norm),
    (_long, _window),
    (lambda shape: _any(shape) and len(shape) > 2, _along),
    (_vector, lambda name, *_: node("softmax", name)),
    (_sequence, _moved),
    (_vector, _spread),
    (_sequence, _looked),
)


@st.composite
def graphs(draw: st.DrawFn, *, deepest: int = 5) -> Graph:
    """Networks of up to two inputs; what no other node reads ends in a loss."""
    data = draw(st.data())
    inputs = {"x": (draw(st.integers(2, 3)), draw(st.integers(3, 5)), "m"), "u": (3, "m")}
    nodes: dict[str, Node] = {}
    for number in range(draw(st.integers(2, deepest))):
        shapes = _shapes(inputs, nodes)
        nodes[f"n{number}"] = _next(shapes, nodes, data)
    read = {source for each in nodes.values() for source in each.inputs}
    losses = {}
    for name in nodes.keys() - read:
        ends = draw(st.sampled_from(["half-squared", "huber", "(a - t)**4 + a*t"]))
        scale = draw(st.sampled_from(["1", "1/m"]))
        losses[f"E_{name}"] = loss(ends, name, f"t_{name}", scale=scale)
    for name, each in nodes.items():
        if each.layer.name == "dense" and draw(st.booleans()):
            losses[f"R_{name}"] = node("l2", each.arrays.get("W", f"{name}.W"), factor="lambda/m")
    used = {name: shape for name, shape in inputs.items() if name in read}
    return graph(inputs=used, nodes=nodes, losses=losses)


def _shapes(inputs: Mapping[str, Sequence[int | str]], nodes: Mapping[str, Node]) -> dict[str, Shape]:
    arrays = graph(inputs=inputs, nodes=nodes).arrays
    return {name: arrays[name].shape for name in (*inputs, *nodes)}


def _next(shapes: Mapping[str, Shape], nodes: Mapping[str, Node], data: st.DataObject) -> Node:
    """A node that fits: shared with an earlier one, of two inputs, or of one."""
    name = data.draw(st.sampled_from(sorted(shapes, reverse=True)))
    shape = shapes[name]
    drawn = data.draw(st.sampled_from(["one", "one", "two", "shared", "transposed"]))
    dense = [n for n, each in nodes.items() if each.layer.name == "dense" and "W" not in each.arrays]
    twins = [n for n in dense if shapes[nodes[n].inputs[0]][0] == shape[0]]
    mirrors = [n for n in dense if shapes[n][0] == shape[0]]
    if drawn == "two":
        alike = [other for other, its in shapes.items() if its == shape]
        row = data.draw(st.sampled_from(["add", "subtract", "multiply", "concatenate"]))
        return node(row, name, data.draw(st.sampled_from(alike)))
    if drawn == "shared" and twins:
        own = data.draw(st.sampled_from(twins))
        return node("dense", name, arrays={"W": f"{own}.W", "b": f"{own}.b"})
    if drawn == "transposed" and mirrors:
        return node("dense-transposed", name, arrays={"W": f"{data.draw(st.sampled_from(mirrors))}.W"})
    fitting = [make for fits, make in CHOICES if fits(shape)]
    return data.draw(st.sampled_from(fitting or [_curve]))(name, shape, data)


CELLS: Final = {"rnn-cell": ("h",), "lstm-cell": ("h", "s"), "gru-cell": ("h",)}


@st.composite
def recurrences(draw: st.DrawFn) -> Graph:
    """A cell unrolled over T steps, its parameters shared, with a loss at the end or at every step."""
    cell, times, units = draw(st.sampled_from(sorted(CELLS))), draw(st.integers(2, 4)), 2
    arrays = {name: f"cell.{name}" for name in LAYERS[cell].parameters}
    nodes: dict[str, Node] = {}
    state = list(CELLS[cell])
    for time in range(times):
        nodes[f"x{time}"] = node("take", "x", axis=1, place=time)
        nodes[f"c{time}"] = node(cell, f"x{time}", *state, units=units, arrays=arrays)
        state = [f"c{time}", f"c{time}.C"][: len(state)]
    ends = range(times) if draw(st.booleans()) else [times - 1]
    losses = {f"E{time}": loss("half-squared", f"c{time}", f"t{time}") for time in ends}
    if draw(st.booleans()):
        losses["R"] = node("l1", arrays[draw(st.sampled_from(sorted(arrays)))], factor="lambda")
    inputs = {"x": (3, times, "m")} | dict.fromkeys(CELLS[cell], (units, "m"))
    return graph(inputs=inputs, nodes=nodes, losses=losses)
