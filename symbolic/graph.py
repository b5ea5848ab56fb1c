"""Networks as graphs: named nodes, each a layer applied to inputs, to parameters or to other nodes.

    graph(inputs={"x": (3, "m")},
          nodes={"h": node("dense", "x", units=4), "y": node("add", "h", "h")},
          losses={"E": loss("half-squared", "y")})

A node may be used more than once, and a parameter may be shared: their cotangents add up (both cases of the
chain rule). E is the sum of all losses and penalties. Shapes have the samples as their last axis.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import sympy as sp

from symbolic.activations import ACTIVATIONS, unknown
from symbolic.errors import InvalidNetwork
from symbolic.layer import Layer
from symbolic.layers import LAYERS
from symbolic.losses import SAMPLES
from symbolic.notation import Array, Step
from symbolic.placement import Node, Setting, node_steps
from symbolic.sizes import Shape


def node(
    layer: str | Layer,
    *inputs: str,
    arrays: Mapping[str, str] | None = None,
    axis: int = 0,
    **settings: Setting,
) -> Node:
    """A layer by its name (`dense`, `conv2d`, an activation, …) or of one's own, and its inputs by theirs.

    In a layer of one's own, a size is given by the name of its index, where no setting has it. Raises
    InvalidNetwork for an unknown layer or setting.
    """
    row = _row(layer) if isinstance(layer, str) else layer
    if isinstance(layer, str) and layer not in LAYERS:
        settings = {"activation": layer}
    known = [setting.name for setting in row.settings]
    if row.name not in LAYERS:
        known += sorted(set(row.indices) - {setting.symbol for setting in row.settings} - set(known))
    for name in settings:
        if name not in known:
            raise InvalidNetwork(unknown(f"setting of {row.name}", name, known or ["none"]))
    own = [*row.parameters, *row.constants]
    for local in arrays or ():
        if local not in own:
            raise InvalidNetwork(unknown(f"array of {row.name}", local, own or ["none"]))
    if len(inputs) != len(row.inputs):
        raise InvalidNetwork(
            f"{row.name} takes {len(row.inputs)} inputs ({', '.join(row.inputs)}), not {len(inputs)}"
        )
    if axis and not row.has_axis:
        raise InvalidNetwork(f"{row.name} has no axis to choose, but axis={axis} was given")
    return Node(row, tuple(inputs), dict(settings), dict(arrays or {}), axis)


def loss(name: str, output: str, target: str = "t", *, scale: str = "1/m") -> Node:
    """A loss of the table, or a formula in a and t, between a node and a target given with the samples.

    In a scale, m is the number of samples and k the size of the node's first axis.
    """
    name = "half-squared" if name == "half-mse" else name
    return Node(LAYERS["loss"], (output,), {"loss": name, "scale": scale}, {"T": target})


def _row(name: str) -> Layer:
    if name in LAYERS:
        return LAYERS[name]
    if name.split("(")[0] in ACTIVATIONS:
        return LAYERS["activation"]
    raise InvalidNetwork(unknown("layer", name, [*LAYERS, "an activation"]))


@dataclass(frozen=True)
class Graph:
    """A network of nodes. Raises InvalidNetwork for cycles, dangling names and shapes that conflict."""

    inputs: Mapping[str, Shape]
    nodes: Mapping[str, Node]
    losses: Mapping[str, Node] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.steps  # noqa: B018  # what is wrong shows when the steps are made

    @cached_property
    def order(self) -> tuple[str, ...]:
        """The nodes, each after those that it reads from; losses last."""
        every = {**self.nodes, **self.losses}
        done: dict[str, None] = {}
        for start in every:
            self._visit(start, every, done)
        return tuple(done)

    def _visit(self, start: str, every: Mapping[str, Node], done: dict[str, None]) -> None:
        """Depth first, without recursion: a graph may be deeper than Python's stack."""
        pending = [(start, self._reads(every[start], every))]
        while pending:
            name, reads = pending[-1]
            if name in done:
                pending.pop()
                continue
            for read in reads:
                read = self._maker(read)
                if read in done or read in self.inputs:
                    continue
                path = [here for here, _ in pending]
                if read in path:
                    cycle = [*path[path.index(read) :], read]
                    raise InvalidNetwork(f"the nodes form a cycle: {' ← '.join(cycle)}")
                if read not in every:
                    names = sorted({*self.inputs, *every} - {name})
                    raise InvalidNetwork(f"{name}: {unknown('node', read, names)}")
                pending.append((read, self._reads(every[read], every)))
                break
            else:
                done[name] = None
                pending.pop()

    def _reads(self, node: Node, every: Mapping[str, Node]) -> Iterator[str]:
        """What a node needs to be there before it: its inputs, and nodes that its own arrays name."""
        shared = (self._owner(label) for label in node.arrays.values())
        return iter(
            (*node.inputs, *(label for label in shared if label in every and node is not every[label]))
        )

    def _maker(self, name: str) -> str:
        """The node that an input is made by; of a parameter that several share, the first of them."""
        if name in self.inputs or self._owner(name) != name:
            return self._owner(name)
        every = {**self.nodes, **self.losses}
        sharing = (other for other, each in every.items() if name in each.arrays.values())
        return name if name in every else next(sharing, name)

    def _owner(self, name: str) -> str:
        """The node that an array such as `h.W` belongs to; the name itself where there is none."""
        owner = name.rpartition(".")[0]
        return owner if owner in self.nodes else name

    @property
    def steps(self) -> tuple[Step, ...]:
        """The forward equations of every node at their places, in order."""
        return self._built[0]

    @property
    def arrays(self) -> Mapping[str, Array]:
        """Every input, parameter, constant and result by its name; `h.W` is W of the node h."""
        return self._built[1]

    @cached_property
    def stable_steps(self) -> tuple[Step, ...]:
        """The same in the forms that do not overflow; results and parameters are the same arrays."""
        arrays, every = dict(self.arrays), {**self.nodes, **self.losses}
        return tuple(
            step for name in self.order for step in node_steps(name, every[name], arrays, stable=True)
        )

    @cached_property
    def _built(self) -> tuple[tuple[Step, ...], dict[str, Array]]:
        arrays = {name: Array(name, None, shape) for name, shape in self.inputs.items()}
        every = {**self.nodes, **self.losses}
        steps = [step for name in self.order for step in node_steps(name, every[name], arrays)]
        return tuple(steps), arrays

    @cached_property
    def parameters(self) -> tuple[Array, ...]:
        """The trained arrays, in order of appearance."""
        return self._named("parameters")

    @cached_property
    def constants(self) -> tuple[Array, ...]:
        """The arrays that are given beside the inputs: targets, masks, places."""
        return self._named("constants")

    def _named(self, kind: str) -> tuple[Array, ...]:
        every = {**self.nodes, **self.losses}
        return tuple(
            dict.fromkeys(
                self.arrays[every[name].arrays.get(local, f"{name}.{local}")]
                for name in self.order
                for local in getattr(every[name].layer, kind)
            )
        )

    @property
    def title(self) -> str:
        """The nodes in order, in words."""
        return ", ".join(
            f"{name} = {each.layer.name}({', '.join(each.inputs)})" for name, each in self.nodes.items()
        )


def graph(
    *,
    inputs: Mapping[str, Sequence[int | str]],
    nodes: Mapping[str, Node],
    losses: Mapping[str, Node] | None = None,
) -> Graph:
    """A network of named nodes; in shapes, "m" is the number of samples. Raises InvalidNetwork."""
    shapes = {name: tuple(_size(name, each) for each in shape) for name, shape in inputs.items()}
    every = (*inputs, *nodes, *(losses or {}))
    for name in every:
        if every.count(name) > 1:
            raise InvalidNetwork(f"'{name}' names two of inputs, nodes and losses; names are given once")
        if "." in name:
            raise InvalidNetwork(f"'{name}': a name has no dot; h.W is the array W of the node h")
    return Graph(shapes, dict(nodes), dict(losses or {}))


def _size(name: str, given: int | str) -> int | sp.Expr:
    if given == "m":
        return SAMPLES
    if not isinstance(given, int) or isinstance(given, bool) or given < 1:
        raise InvalidNetwork(f"{name}: a size is a whole number from 1, or m, but {given!r} was given")
    return given
