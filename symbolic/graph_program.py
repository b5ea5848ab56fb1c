"""The program of a graph: its steps in the order of computation, in the forms that are safe and cheap.

Forward steps are the stable forms of the layers; options that are known, such as a stride of 1, are put in;
sums inside loops that they do not depend on are computed once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import sympy as sp

from symbolic.accumulation import used_of
from symbolic.derivation import Derivation, derive
from symbolic.errors import Unsupported
from symbolic.expressions import Expr
from symbolic.grammar.indices import option
from symbolic.graph import Graph
from symbolic.hoisting import hoisted
from symbolic.notation import Array, Slot, Step


@dataclass(frozen=True)
class GraphProgram:
    """Forward and backward steps of a graph; every step's target is computed from what is there before it."""

    derivation: Derivation
    forward: tuple[Step, ...]
    backward: tuple[Step, ...]

    @property
    def steps(self) -> tuple[Step, ...]:
        return self.forward + self.backward


def graph_program(graph: Graph, *, wrt: Iterable[Array] = ()) -> GraphProgram:
    """The program of a graph, with the gradients of all parameters or of the arrays `wrt`.

    Raises Unsupported for undefined functions, which have no numbers.
    """
    for step in graph.steps:
        for bound in step.bindings.values():
            if isinstance(bound, Slot) and getattr(bound.source, "undefined", False):
                raise Unsupported(
                    f"{step.role}: {bound.source.text} is undefined and has no numbers; name one"
                )
    derivation = derive(graph, wrt=wrt)
    forward, backward = (
        hoisted(map(specialised, steps)) for steps in (graph.stable_steps, derivation.backward)
    )
    return GraphProgram(derivation, forward, backward)


def specialised(step: Step) -> Step:
    """The step with its options put in: [1 divides …] disappears, and so does padding by 0."""
    numbers: dict[Expr, Expr] = {
        option(name): bound
        for name, bound in step.bindings.items()
        if isinstance(bound, sp.Integer) and not name.startswith("N_")
    }
    if not numbers:
        return step
    equation = step.equation
    target, value = (_put_in(side, numbers) for side in (equation.target, equation.value))
    found = replace(equation, target=target, value=value)
    return replace(step, equation=found, bindings=used_of(step.bindings, found))


def _put_in(expr: Expr, numbers: dict[Expr, Expr]) -> Expr:
    """Numbers for options; positions are multiplied out, as they are compared as they stand."""
    return expr.xreplace(numbers).replace(
        lambda node: isinstance(node, sp.Indexed),
        lambda node: node.func(node.base, *map(sp.expand, node.indices)),
    )
