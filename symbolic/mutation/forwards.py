"""The right gradient of a wrong forward pass: a layer that sums over another axis, has another setting, or is
another layer with the same parameters.

What differs before the loss is computed anew, in arrays of its own, and the chain rule goes back from there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from symbolic.accumulation import backward, varying
from symbolic.errors import InvalidNetwork
from symbolic.graph import Graph
from symbolic.layers import LAYERS
from symbolic.mutation.mutant import Mutant
from symbolic.mutation.places import Surroundings, fits
from symbolic.mutation.rewriting import rewritten
from symbolic.notation import Array, Binding, Step
from symbolic.placement import Node
from symbolic.unification import sized

Steps = tuple[Step, ...]
_ANOTHER_AXIS: Final = "sum over the axis "
_TURNED: Final = "not transposed"
_ELEMENTWISE: Final = "activation"
_NUMBERS: Final = {"softmax": 51, "attention": 51, "norm": 43, "conv": 49, "pool": 48}


@dataclass(frozen=True, slots=True)
class Forward:
    """A wrong forward pass, and what is wrong with it at which node."""

    bug: str
    node: str
    layer: str
    steps: Steps


def forwards(around: Surroundings) -> Iterator[Mutant]:
    """The mutants of a graph whose forward pass is another one; a chain has none.

    The way back is that of the wrong pass, or has the right equations with the wrong values in them.
    """
    graph = around.derivation.chain
    if not isinstance(graph, Graph):
        return
    seen: set[tuple[object, ...]] = set()
    for wrong in (*_other_axes(graph), *_other_layers(graph)):
        right = {step.target: step for step in graph.steps}
        new: dict[Array, Array] = {}
        extra = []
        for step in wrong.steps:
            is_right = step == right.get(step.target) and new.keys().isdisjoint(step.inputs)
            if step.target.shape and not is_right:
                new[step.target] = replace(step.target, name=f"{step.target.name}new")
                extra.append(replace(_moved(step, new), role="forward"))
        back = _way_back(wrong.steps, graph)
        if not {array.bar for array in graph.parameters} <= {step.target for step in back}:
            continue
        ways = [(wrong.bug, back)]
        if new.keys() <= right.keys():
            ways.append((f"{wrong.bug}, and not on the way back", around.derivation.backward))
        for bug, way in ways:
            mutant = _mutant(replace(wrong, bug=bug), [_moved(step, new) for step in way], extra, around)
            said = tuple((step.target, step.equation, *step.bindings.items()) for step in mutant.steps)
            if mutant.changed and said not in seen and _runs(mutant, around):
                seen.add(said)
                yield mutant


def _way_back(steps: Steps, graph: Graph) -> Steps:
    known = varying(steps, graph.parameters)
    return backward(steps, constants=lambda array: array not in known, roles={})


def _other_axes(graph: Graph) -> Iterator[Forward]:
    for number, step in enumerate(graph.steps):
        node = step.target.name.partition(".")[0]
        if not step.target.shape or node not in graph.nodes:
            continue
        plain = sized(step)
        for name, equation in rewritten(plain.equation):
            other = replace(plain, equation=equation)
            if (name.startswith(_ANOTHER_AXIS) or name.endswith(_TURNED)) and fits(other):
                steps = (*graph.steps[:number], other, *graph.steps[number + 1 :])
                yield Forward(f"forward pass: {name}", node, graph.nodes[node].layer.name, steps)


def _other_layers(graph: Graph) -> Iterator[Forward]:
    """Nodes whose layer has rows beside it that read and are given the same, or a setting that may be 1."""
    for name, node in graph.nodes.items():
        for said, other in _beside(node):
            try:
                wrong = Graph(graph.inputs, {**graph.nodes, name: other}, graph.losses)
            except InvalidNetwork:
                continue
            if wrong.parameters == graph.parameters and set(wrong.constants) <= set(graph.constants):
                yield Forward(f"forward pass: {said}", name, node.layer.name, wrong.steps)


def _beside(node: Node) -> Iterator[tuple[str, Node]]:
    layer = node.layer
    for setting, value in node.settings.items():
        if isinstance(value, int) and value > 1:
            yield f"size {setting} = 1", replace(node, settings={**node.settings, setting: 1})
    for row in LAYERS.values() if layer.parameters or layer.constants else ():
        known = {setting.name for setting in row.settings}
        is_like = row.inputs == layer.inputs and row.parameters == layer.parameters
        is_like = is_like and set(row.constants) <= set(layer.constants)
        if row not in (layer, LAYERS[_ELEMENTWISE]) and is_like:
            settings = {name: value for name, value in node.settings.items() if name in known}
            yield f"{row.name} for {layer.name}", replace(node, layer=row, settings=settings)


def _mutant(wrong: Forward, way: list[Step], extra: list[Step], around: Surroundings) -> Mutant:
    """The backward steps that differ from the right ones; what those have no place for runs before."""
    usual = {step.target: step for step in around.derivation.backward}
    known = [replace(step, role=usual[step.target].role) for step in way if step.target in usual]
    changed = [step for step in known if step != usual[step.target]]
    return Mutant(
        wrong.bug,
        next((number for kind, number in _NUMBERS.items() if kind in wrong.layer), None),
        wrong.node,
        tuple(changed),
        tuple(usual[step.target] for step in changed),
        (*extra, *(step for step in way if step.target not in usual)),
        (),
        (wrong.node,),
    )


def _moved(step: Step, new: Mapping[Array, Array]) -> Step:
    bindings: dict[str, Binding] = {
        name: new.get(bound, bound) if isinstance(bound, Array) else bound
        for name, bound in step.bindings.items()
    }
    return replace(step, bindings=bindings)


def _runs(mutant: Mutant, around: Surroundings) -> bool:
    """Whether what a changed step reads is there when it runs, in the order of the right ones."""
    order, extra = around.order, {step.target for step in mutant.extra}
    return extra.isdisjoint(order) and all(
        array in extra or not array.cotangent or (array in order and order[array] < order[step.target])
        for step in mutant.changed
        for array in step.inputs
    )
