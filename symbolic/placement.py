"""A layer at its place in a graph: the node, and the steps that its equations become there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import sympy as sp

from symbolic.activations import Activation, activation, unknown
from symbolic.errors import FormulaError, InvalidNetwork
from symbolic.grammar.formula import parse_scalar
from symbolic.layer import Layer
from symbolic.losses import OUTPUTS, SAMPLES, Loss, Penalty, penalty, scale
from symbolic.losses import loss as read_loss
from symbolic.notation import Array, Binding, Equation, Slot, Step, local_names
from symbolic.sizes import Sizes, shown

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


def node_steps(name: str, node: Node, arrays: dict[str, Array], *, stable: bool = False) -> Iterator[Step]:
    """A node's equations at their place; its own arrays are added to those known. Raises InvalidNetwork."""
    sources = zip(node.layer.inputs, node.inputs, strict=True)
    given = {local: _found(name, source, arrays) for local, source in sources}
    extra = _extra(name, node, given)
    equations = _equations(name, node, extra, stable=stable)
    outputs = _outputs(next(iter(given.values()), None))
    numbers = _numbers(name, node, outputs)
    known = _sizes(name, node, extra, equations, numbers)
    for (local, array), source in zip(given.items(), node.inputs, strict=True):
        known.give(local, array.shape, source)
    for local, label in node.arrays.items():
        if label in arrays:
            known.give(local, arrays[label].shape, label)
    known.solve()
    locals_ = (*node.layer.parameters, *node.layer.constants)
    own = {local: _own(name, node, local, known, arrays) for local in locals_}
    results = {each.name: _result(name, each, equations, known, arrays) for each in equations}
    sizes = {size: sp.Integer(0) + value for size, value in known.sizes.items()}
    slots = _slots(name, node, outputs)
    for each in equations:
        for lost in sorted(n for n in local_names(each) - sizes.keys() if n.startswith("N_")):
            index = lost.removeprefix("N_")
            raise InvalidNetwork(f"{name}: no array says how far index {index} runs; give {index}=…")
    bindings: dict[str, Binding] = {**sizes, **numbers, **slots, **given, **own, **results}
    for each in equations:
        used = {local: bound for local, bound in bindings.items() if local in local_names(each)}
        yield Step(each, used, results[each.name].name, "definition")


def _outputs(array: Array | None) -> sp.Expr:
    """k, the size of the first axis; one number a sample is one output."""
    size = array.shape[0] if array and array.shape else 1
    return sp.S.One if size == SAMPLES else sp.Integer(0) + size


def _extra(name: str, node: Node, given: Mapping[str, Array]) -> int:
    """The number of axes that `...` stands for here."""
    layer = node.layer
    shape = given[layer.inputs[0]].shape if given else ()
    extra = len(shape) - layer.rank if layer.is_open else 0
    if extra < 0:
        raise InvalidNetwork(
            f"{name}: {layer.inputs[0]} of {layer.name} has at least {layer.rank} axes, but "
            f"{node.inputs[0]} is of shape {shown(shape)}"
        )
    if not 0 <= node.axis <= extra:
        raise InvalidNetwork(f"{name}: axis is from 0 to {extra}, but {node.axis} was given")
    return extra


def _equations(name: str, node: Node, extra: int, *, stable: bool) -> tuple[Equation, ...]:
    layer = node.layer
    try:
        return (layer.stable_equations if stable else layer.equations)(extra, node.axis)
    except FormulaError:  # a sum over all further axes, of which there are none
        least = f"{layer.inputs[0]} of {layer.name} has at least {layer.rank + 1} axes"
        raise InvalidNetwork(f"{name}: {least}, but {node.inputs[0]} has {layer.rank}") from None


def _sizes(
    name: str, node: Node, extra: int, equations: tuple[Equation, ...], numbers: Mapping[str, sp.Expr]
) -> Sizes:
    """The sizes that settings give."""
    layer = node.layer
    whole = {setting.symbol: int(numbers[setting.symbol]) for setting in layer.of_kind("whole")}
    called = {setting.symbol: setting.name for setting in layer.of_kind("size")}
    known = Sizes(equations, whole, name, layer.declared(extra, node.axis), called)
    symbols = {setting.name: setting.symbol for setting in layer.settings}
    others = {setting.name for setting in layer.settings if setting.kind != "size"}
    for setting, value in node.settings.items():
        if setting not in others:
            known.sizes[f"N_{symbols.get(setting, setting)}"] = _whole(name, setting, value, 1)
    return known


def _own(name: str, node: Node, local: str, known: Sizes, arrays: dict[str, Array]) -> Array:
    """A parameter or a constant of the node, perhaps one that another node has too."""
    label, shape = node.arrays.get(local, f"{name}.{local}"), known.shape(local)
    if local in node.layer.parameters and SAMPLES in shape and label not in arrays:
        raise InvalidNetwork(
            f"{name}: the parameter {local} would be of shape {shown(shape)}, m being the samples"
        )
    return arrays.setdefault(label, Array(label, None, shape))


def _result(
    name: str, each: Equation, equations: tuple[Equation, ...], known: Sizes, arrays: dict[str, Array]
) -> Array:
    """What an equation defines: the last one's is called after the node."""
    label = name if each is equations[-1] else f"{name}.{each.name}"
    shape = known.shape(each.name) if each.positions else ()
    arrays[label] = Array(label, None, shape)
    return arrays[label]


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
