"""The steps that a C file runs, and where their arrays lie.

A chain and a graph become the same kind of plan: layers, error, backward and second order as lists of steps,
parameters in one buffer, inputs and constants by themselves, everything else in the memory to work in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import sympy as sp

from symbolic.activations import Activation, Z
from symbolic.codegen.c.phases import Phased, phased
from symbolic.expressions import Expr, entry_of
from symbolic.forward import activation_array
from symbolic.grammar.functions import undefined_parts
from symbolic.graph import Graph
from symbolic.graph_program import graph_program, specialised
from symbolic.hoisting import hoisted
from symbolic.losses import LAMBDA, OUTPUTS, SAMPLES
from symbolic.network import Network
from symbolic.notation import Array, Equation, Slot, Step, equation, placed
from symbolic.program import in_logarithms, program
from symbolic.second_order import hessian_vector

SOFTMAX = (
    "R[c] = Max(Z[r,c], r)",
    "N[i,c] = exp(Z[i,c] - R[c])",
    "A[i,c] = N[i,c]/Sum(N[r,c], r)",
)
# the logarithm of a sum of one 1 and smaller terms: log1p of the smaller ones keeps all digits
LOG_SOFTMAX = (
    "K[c] = ArgMax(Z[r,c], r)",
    "L[c] = log1p(Sum(where(i == K[c], 0, N[i,c]), i))",
    "P[i,c] = Z[i,c] - R[c] - L[c]",
)


@dataclass(frozen=True)
class Plan:
    """Steps in the order of computation; E is the sum of the scalars that `error` computes.

    `gradients`, `directions` and `products` are the arrays of ∂E/∂w, v and Hv for each parameter w. `inputs`
    come with samples, or are given beside them.
    """

    network: Network | Graph
    layers: tuple[Step, ...]
    error: tuple[Step, ...]
    backward: tuple[Step, ...]
    parameters: tuple[Array, ...]
    inputs: tuple[Array, ...]
    outputs: tuple[Array, ...]
    second: tuple[Step, ...] = ()
    directions: Mapping[Array, Array] = field(default_factory=dict)
    aliases: Mapping[Array, Array] = field(default_factory=dict)

    @property
    def is_coupled(self) -> bool:
        """Whether what is computed for one sample depends on others."""
        return any(
            phased([*self.layers, *rest]) is None for rest in (self.error, self.backward, self.second)
        ) or any(step.kind == "reduced" for step in phased(self.layers) or ())

    def kinds(self, steps: Sequence[Step]) -> tuple[Phased, ...]:
        """Steps with their kinds, samples not being coupled."""
        found = phased(steps)
        assert found is not None, "samples are coupled"
        return found

    def place(self, array: Array) -> Array:
        """The array that holds the numbers of this one: a copy is not made."""
        while array in self.aliases:
            array = self.aliases[array]
        return array

    @cached_property
    def values(self) -> Mapping[tuple[Activation, Array], Array]:
        """The array that holds g(Z), for an activation and the array Z."""
        found = {}
        for step in self.layers:
            slots = [bound for bound in step.bindings.values() if isinstance(bound, Slot)]
            value = step.equation.value
            if (
                len(slots) == 1
                and undefined_parts(value) is not None
                and value.args[0].args[1:] == step.equation.positions
            ):
                source = slots[0].source
                if isinstance(source, Activation):
                    found[source, self.place(step.inputs[0])] = step.target
        return found

    def reads(self, step: Step) -> tuple[Array, ...]:
        """The arrays that a step reads, values of activations that help with slopes included."""
        extra = []
        for bound in step.bindings.values():
            if isinstance(bound, Slot) and isinstance(bound.source, Activation):
                keys = ((bound.source, self.place(array)) for array in step.inputs)
                extra += [self.values[key] for key in keys if key in self.values]
        return (*step.inputs, *(array for array in extra if array != step.target))

    @property
    def has_lambda(self) -> bool:
        every = (*self.error, *self.backward, *self.second)
        return any(
            isinstance(bound, sp.Expr) and bound.has(LAMBDA)
            for step in every
            for bound in step.bindings.values()
        )


def plan_of(network: Network | Graph, *, hvp: bool = False) -> Plan:
    """The plan of a network. Raises Unsupported as `program` and `graph_program` do."""
    made = _of_chain(network, hvp=hvp) if isinstance(network, Network) else _of_graph(network, hvp=hvp)
    return _without_copies(_needed(made))


def _of_chain(network: Network, *, hvp: bool) -> Plan:
    made = program(network)
    numbers = {OUTPUTS: sp.Integer(network.sizes[-1])}
    parameters = tuple(array for pair in made.parameters for array in pair if array is not None)
    layers = [each for step in made.forward if step.target.shape for each in _stable(step)]
    second: tuple[Step, ...] = ()
    directions: Mapping[Array, Array] = {}
    if hvp:
        products = hessian_vector(replace(made.derivation, forward=made.forward, backward=made.backward))
        shaped = sum(bool(step.target.shape) for step in made.forward)
        second, directions = products.steps[shaped:], products.directions
    return Plan(
        network,
        _counted(layers, numbers),
        _counted(_error(made.forward, network), numbers),
        _counted(made.backward, numbers),
        parameters,
        (activation_array(0, network.inputs), Array("T", None, (network.sizes[-1], SAMPLES))),
        (activation_array(network.depth, network.sizes[-1]),),
        _counted(second, numbers),
        directions,
    )


def _counted(steps: Iterable[Step], numbers: Mapping[Expr, Expr]) -> tuple[Step, ...]:
    """The steps with the number of outputs put in, and shared sums computed once."""
    put_in = (
        replace(
            step,
            bindings={
                name: bound.xreplace(dict(numbers)) if isinstance(bound, sp.Expr) else bound
                for name, bound in step.bindings.items()
            },
        )
        for step in steps
    )
    return hoisted(put_in)


def _stable(step: Step) -> list[Step]:
    """The step, softmax with its largest input taken out."""
    if step.role != "activation" or any(isinstance(bound, Slot) for bound in step.bindings.values()):
        return [step]
    if not step.equation.value.has(sp.exp):
        return [step]
    z, a = step.array("Z"), step.target
    arrays = {"Z": z, "R": Array("R", z.layer, (SAMPLES,)), "N": Array("N", z.layer, z.shape), "A": a}
    return _placed(SOFTMAX, arrays)


def _placed(texts: Sequence[str], arrays: Mapping[str, Array]) -> list[Step]:
    read = map(equation, texts)
    found = []
    for each in read:
        names = {name: arrays[name] for name in (*each.inputs, each.name)}
        found.append(placed(each, names, "stable form"))
    return found


def _error(forward: Sequence[Step], network: Network) -> list[Step]:
    """The scalar steps, with logarithms of the output in the forms that keep digits."""
    data, *penalties = (step for step in forward if not step.target.shape)
    output = network.layers[-1].activation
    loss = in_logarithms(data, output)
    logs = [array for array in loss.inputs if array.name in ("log_a", "log_1_minus_a")]
    return [*(step for array in logs for step in _logarithm(array, output)), loss, *penalties]


def _logarithm(array: Array, output: Activation) -> list[Step]:
    z = Array("Z", array.layer, array.shape)
    if output.layer == "softmax":
        per_sample = {name: Array(name, array.layer, (SAMPLES,)) for name in "RKL"}
        return _placed(LOG_SOFTMAX, {**per_sample, "Z": z, "N": replace(z, name="N"), "P": array})
    formula = output.stable_logs()[array.name == "log_1_minus_a"]
    indices = sp.symbols("i c", integer=True)
    value = formula.xreplace({Z: entry_of("Z", indices)})
    made = Equation(entry_of("P", indices), value, "stable form")
    return [placed(made, {"Z": z, "P": array}, "stable form")]


def _of_graph(graph: Graph, *, hvp: bool) -> Plan:
    made = graph_program(graph, wrt=graph.parameters)
    second: tuple[Step, ...] = ()
    directions: Mapping[Array, Array] = {}
    forward = list(made.forward)
    if hvp and graph.parameters:
        products = hessian_vector(made.derivation, graph.parameters)
        shaped = [step for step in made.derivation.forward if step.target.shape]
        second = hoisted(map(specialised, products.steps[len(shaped) :]))
        directions = products.directions
        computed = {step.target for step in forward}
        read = {array for step in second for array in step.inputs}
        forward += [specialised(step) for step in shaped if step.target in read - computed]
    inputs = (*(graph.arrays[name] for name in graph.inputs), *graph.constants)
    read_by_nodes = {source for node in graph.nodes.values() for source in node.inputs}
    outputs = [graph.arrays[name] for name in graph.nodes if name not in read_by_nodes]
    scalars = _error_steps(forward)
    return Plan(
        graph,
        tuple(step for step in forward if step not in scalars),
        tuple(scalars),
        made.backward,
        graph.parameters,
        tuple(dict.fromkeys(inputs)),
        tuple(outputs),
        second,
        directions,
    )


def _error_steps(forward: Sequence[Step]) -> list[Step]:
    return [step for step in forward if not step.target.shape]


def _needed(plan: Plan) -> Plan:
    """The plan without steps whose results nobody reads."""
    gradients = {array.bar for array in plan.parameters}
    wanted = set(plan.outputs) | gradients
    second, wanted_by_second = kept(plan.second, set(gradients))
    backward, wanted = kept(plan.backward, wanted)
    error, wanted = kept(plan.error, wanted)
    layers, _ = kept(plan.layers, wanted | wanted_by_second)
    moved, layers = _only_for(error, layers, wanted_elsewhere=plan)
    return replace(plan, layers=layers, error=(*moved, *error), backward=backward, second=second)


def kept(
    steps: Sequence[Step], wanted: set[Array], place: Callable[[Array], Array] = lambda array: array
) -> tuple[tuple[Step, ...], set[Array]]:
    """The steps that make what is wanted, or a scalar, and what they read besides; `place` says which array
    holds the numbers of another.
    """
    found, wanted = [], set(map(place, wanted))
    for step in reversed(steps):
        if place(step.target) in wanted or not step.target.shape:
            found.append(step)
            wanted.update(map(place, step.inputs))
    return tuple(reversed(found)), wanted


def _only_for(
    error: Sequence[Step], layers: tuple[Step, ...], *, wanted_elsewhere: Plan
) -> tuple[list[Step], tuple[Step, ...]]:
    """The layers' steps that only the error reads, and the others."""
    plan = wanted_elsewhere
    elsewhere = set(plan.outputs)
    elsewhere.update(array for step in (*plan.backward, *plan.second) for array in step.inputs)
    rest, _ = kept(layers, elsewhere)
    return [step for step in layers if step not in rest], rest


def _without_copies(plan: Plan) -> Plan:
    """The plan without steps that copy an array entry by entry."""
    lasting = {*plan.outputs, *(array.bar for array in plan.parameters)}
    aliases = {
        step.target: step.inputs[0]
        for steps in (plan.layers, plan.error, plan.backward, plan.second)
        for step in steps
        if _is_copy(step) and (step.target not in lasting)
    }
    if isinstance(plan.network, Network):  # the output may be the last pre-activation
        aliases |= {
            step.target: step.inputs[0]
            for step in plan.layers
            if _is_copy(step) and step.target in plan.outputs
        }

    def made(steps: tuple[Step, ...]) -> tuple[Step, ...]:
        return tuple(step for step in steps if step.target not in aliases)

    return replace(
        plan,
        layers=made(plan.layers),
        error=made(plan.error),
        backward=made(plan.backward),
        second=made(plan.second),
        aliases=aliases,
    )


def _is_copy(step: Step) -> bool:
    value = step.equation.value
    return (
        isinstance(value, sp.Indexed)
        and not step.equation.scatters
        and tuple(value.indices) == step.equation.positions
        and step.inputs[0].shape == step.target.shape
    )
