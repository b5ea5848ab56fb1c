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
from typing import TypeAlias

import sympy as sp

from symbolic.activations import ACTIVATIONS, Activation, activation, unknown
from symbolic.errors import FormulaError, InvalidNetwork
from symbolic.grammar.formula import parse_scalar
from symbolic.layer import Layer
from symbolic.layers import LAYERS
from symbolic.losses import OUTPUTS, SAMPLES, Loss, Penalty, penalty, scale
from symbolic.losses import loss as read_loss
from symbolic.notation import Array, Binding, Slot, Step, local_names
from symbolic.sizes import Shape, Sizes, shown

Setting: TypeAlias = int | str


@dataclass(frozen=True)
class Node:
    """A layer at its place: what it is applied to, what it is told, and what its own arrays are called.

    `arrays` give a parameter or a constant of the layer a name in the network; two nodes that give the same
    name share it.
    """

    layer: Layer
    inputs: tuple[str, ...]
    settings: Mapping[str, Setting] = field(default_factory=dict)
    arrays: Mapping[str, str] = field(default_factory=dict)
    axis: int = 0


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
    """A loss of the table, or a formula in a and t, between a node and a target given with the samples."""
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
        return tuple(step for name in self.order for step in _steps(name, every[name], arrays, stable=True))

    @cached_property
    def _built(self) -> tuple[tuple[Step, ...], dict[str, Array]]:
        arrays = {name: Array(name, None, shape) for name, shape in self.inputs.items()}
        every = {**self.nodes, **self.losses}
        steps = [step for name in self.order for step in _steps(name, every[name], arrays)]
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


def _steps(name: str, node: Node, arrays: dict[str, Array], *, stable: bool = False) -> Iterator[Step]:
    """A node's equations at their place; its own arrays are added to those known."""
    layer = node.layer
    given = [
        (local, _found(name, source, arrays)) for local, source in zip(layer.inputs, node.inputs, strict=True)
    ]
    extra = len(given[0][1].shape) - layer.rank if layer.is_open else 0
    if extra < 0:
        raise InvalidNetwork(
            f"{name}: {layer.inputs[0]} of {layer.name} has at least {layer.rank} axes, but "
            f"{node.inputs[0]} is of shape {shown(given[0][1].shape)}"
        )
    if not 0 <= node.axis <= extra:
        raise InvalidNetwork(f"{name}: axis is from 0 to {extra}, but {node.axis} was given")
    try:
        equations = (layer.stable_equations if stable else layer.equations)(extra, node.axis)
    except FormulaError:  # a sum over all further axes, of which there are none
        least = f"{layer.inputs[0]} of {layer.name} has at least {layer.rank + 1} axes"
        raise InvalidNetwork(
            f"{name}: {least}, but {node.inputs[0]} is of shape {shown(given[0][1].shape)}"
        ) from None
    outputs = sp.Integer(0) + next(iter(given[0][1].shape), 1) if given else sp.Integer(1)
    numbers = _numbers(name, node, outputs)
    whole = {setting.symbol: int(numbers[setting.symbol]) for setting in layer.of_kind("whole")}
    called = {setting.symbol: setting.name for setting in layer.of_kind("size")}
    known = Sizes(equations, whole, name, layer.declared(extra, node.axis), called)
    for setting in layer.of_kind("size"):
        if setting.name in node.settings:
            known.sizes[f"N_{setting.symbol}"] = _whole(name, setting.name, node.settings[setting.name], 1)
    for index in node.settings.keys() - {setting.name for setting in layer.settings}:
        known.sizes[f"N_{index}"] = _whole(name, index, node.settings[index], 1)
    for (local, array), source in zip(given, node.inputs, strict=True):
        known.give(local, array.shape, source)
    for local, label in node.arrays.items():
        if label in arrays:
            known.give(local, arrays[label].shape, label)
    known.solve()
    local_arrays = dict(given)
    for local in (*layer.parameters, *layer.constants):
        label = node.arrays.get(local, f"{name}.{local}")
        shape = known.shape(local)
        if local in layer.parameters and SAMPLES in shape and label not in arrays:
            raise InvalidNetwork(
                f"{name}: the parameter {local} would be of shape {shown(shape)}, m being the samples"
            )
        local_arrays[local] = arrays.setdefault(label, Array(label, None, shape))
    for each in equations:
        is_last = each is equations[-1]
        label = name if is_last else f"{name}.{each.name}"
        shape = known.shape(each.name) if each.indices or each.scatters else ()
        local_arrays[each.name] = arrays[label] = Array(label, None, shape)
    sizes = {size: sp.Integer(0) + value for size, value in known.sizes.items()}
    bindings: dict[str, Binding] = {**sizes, **numbers, **_slots(name, node, outputs), **local_arrays}
    for each in equations:
        used = {local: bound for local, bound in bindings.items() if local in local_names(each)}
        yield Step(each, used, name if each is equations[-1] else f"{name}.{each.name}", "definition")


def _found(name: str, source: str, arrays: Mapping[str, Array]) -> Array:
    if source not in arrays:
        raise InvalidNetwork(f"{name}: {unknown('array', source, sorted(arrays))}")
    return arrays[source]


def _numbers(name: str, node: Node, outputs: sp.Expr) -> dict[str, sp.Expr]:
    """Whole and real numbers by their symbols; a scale is in m and the number of outputs, others in m."""
    found: dict[str, sp.Expr] = {}
    for setting in node.layer.of_kind("whole"):
        chosen = node.settings.get(setting.name, int(setting.default))
        least = 1 if int(setting.default) > 0 else 0
        found[setting.symbol] = sp.Integer(_whole(name, setting.name, chosen, least))
    for setting in node.layer.of_kind("real"):
        text = str(node.settings.get(setting.name, setting.default))
        found[setting.symbol] = (
            scale(text).xreplace({OUTPUTS: outputs})
            if setting.name == "scale"
            else parse_scalar(text, names=("lambda", "m"))
        )
    return found


def _whole(name: str, setting: str, given: Setting, least: int) -> int:
    if not isinstance(given, int) or isinstance(given, bool) or given < least:
        raise InvalidNetwork(f"{name}: {setting} is a whole number from {least}, but {given!r} was given")
    return given


def _slots(name: str, node: Node, outputs: sp.Expr) -> dict[str, Slot]:
    """The functions that a node is told, by their symbols."""
    found = {}
    for setting in node.layer.of_kind("function"):
        text = str(node.settings.get(setting.name, setting.default))
        if not text:
            raise InvalidNetwork(f"{name}: {node.layer.name} needs {setting.name}, such as tanh")
        found[setting.symbol] = Slot(setting.symbol, None, _function(name, setting.name, text, outputs))
    return found


def _function(name: str, setting: str, text: str, outputs: sp.Expr) -> Activation | Loss | Penalty:
    if setting == "loss":
        return read_loss(text).of_outputs(int(outputs) if outputs.is_Integer else outputs)
    if setting == "penalty":
        return penalty(text, "1")
    found = activation(text)
    if found.layer != "elementwise":
        raise InvalidNetwork(f"{name}: {setting} is applied to each entry by itself; {text} is a layer")
    return found
