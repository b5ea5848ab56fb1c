"""What is asked of a subject at a network of fixed sizes: its steps, and the arrays that are given.

A chain of dense layers and a graph of any layers are one kind of problem from here on. Where people evaluate
a step in several ways (softmax with or without a shift, the error of a loss fused with the output or not),
every way is there: they agree in value, and the rounding that is allowed for is that of the worst.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final, TypeAlias

import sympy as sp

from symbolic.derivation import Derivation, derive
from symbolic.errors import Unsupported
from symbolic.forward import activation_array
from symbolic.graph import Graph
from symbolic.graph_program import graph_program
from symbolic.losses import LAMBDA, OUTPUTS, SAMPLES
from symbolic.network import Network
from symbolic.notation import Array, Step, equation, placed
from symbolic.program import program, refuse_undefined

Route: TypeAlias = tuple[Step, ...]
SOFTMAX: Final = (  # ways to a softmax; the first is safe for every z
    ("R[c] = Max(Z[r,c], r)", "A[i,c] = exp(Z[i,c] - R[c])/Sum(exp(Z[r,c] - R[c]), r)"),
    ("R[c] = Max(Z[r,c], r)", "L[c] = R[c] + log(Sum(exp(Z[r,c] - R[c]), r))", "A[i,c] = exp(Z[i,c] - L[c])"),
    ("A[i,c] = exp(Z[i,c])/Sum(exp(Z[r,c]), r)",),
)


@dataclass(frozen=True, eq=False)
class Problem:
    """A network and its derivation: every stage of the forward pass in one way or several, then the backward
    pass likewise. `losses` are the scalars that add up to E.
    """

    network: Network | Graph
    derivation: Derivation
    stages: tuple[tuple[Route, ...], ...]
    backward: tuple[Route, ...]
    losses: tuple[Array, ...]
    parameters: tuple[Array, ...]
    inputs: tuple[Array, ...]
    constants: tuple[Array, ...]

    @property
    def given(self) -> tuple[Array, ...]:
        return (*self.parameters, *self.inputs, *self.constants)

    def scalars(self, samples: int) -> dict[sp.Symbol, int]:
        """The whole numbers m and k that formulas name."""
        if isinstance(self.network, Graph):
            return {SAMPLES: samples}
        outputs = self.network.sizes[-1]
        return {SAMPLES: samples, OUTPUTS: int(outputs)}

    @property
    def has_lambda(self) -> bool:
        """Whether E has a λ that is given with the point."""
        if isinstance(self.network, Network):
            return self.network.objective.has_lambda
        numbers = (bound for step in self.derivation.forward for bound in step.bindings.values())
        return any(isinstance(bound, sp.Expr) and bound.has(LAMBDA) for bound in numbers)


@cache
def problem_of(network: Network) -> Problem:
    """The problem of a chain. Raises Unsupported for open widths and undefined functions."""
    refuse_undefined(network)
    derivation = derive(network)
    weights = [a for a in _arrays(derivation.forward) if a.name in "Wb" and isinstance(a.layer, int)]
    return Problem(
        network,
        derivation,
        tuple(_ways(step) for step in derivation.forward),
        tuple(_backward(network, derivation)),
        tuple(step.target for step in derivation.forward if not step.target.shape),
        tuple(sorted(weights, key=lambda a: (a.layer, a.name))),
        (activation_array(0, network.inputs),),
        (Array("T", None, (network.sizes[-1], SAMPLES)),),
    )


def problem_of_graph(graph: Graph) -> Problem:
    """The problem of a graph. Raises Unsupported for undefined functions."""
    whole = graph_program(graph)
    forward = tuple((step,) for step in whole.forward)
    return Problem(
        graph,
        whole.derivation,
        tuple((route,) for route in forward),
        (whole.backward,),
        tuple(step.target for step in whole.derivation.forward if not step.target.shape),
        graph.parameters,
        tuple(graph.arrays[name] for name in graph.inputs),
        graph.constants,
    )


def _arrays(steps: Iterable[Step]) -> dict[Array, None]:
    return dict.fromkeys(array for step in steps for array in step.inputs)


def _ways(step: Step) -> tuple[Route, ...]:
    """The ways in which a forward step is evaluated."""
    if step.role != "activation" or "g" in step.bindings:
        return ((step,),)
    z, a = step.array("Z"), step.array("A")
    own = {name: Array(name, a.layer, (SAMPLES,)) for name in "RL"}
    return tuple(tuple(_placed(text, {"Z": z, "A": a, **own}) for text in way) for way in SOFTMAX)


def _placed(text: str, arrays: dict[str, Array]) -> Step:
    read = equation(text)
    used = {name: arrays[name] for name in (read.name, *read.inputs)}
    return placed(read, used, "activation")


def _backward(network: Network, derivation: Derivation) -> Iterator[Route]:
    """The program, which cancels a loss's poles, and the derivation as it stands, if that is another."""
    try:
        fused = program(network).backward
    except Unsupported:  # no stable form is known; as it stands it will do where it is finite
        yield derivation.backward
        return
    yield fused
    if len(fused) != len(derivation.backward):
        yield derivation.backward
