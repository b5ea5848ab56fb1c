"""Theorem: the straight-line program of a network computes the derivative of its closed form.

Statement. Write E out as one scalar expression and differentiate it by w with SymPy; or write the forward
pass out as scalars, each distinct one once, and send cotangents back through them. Both give one function.

Scope. The networks named, one sample, every parameter, all real parameters, inputs and targets, and every
function in the place of an undefined activation or loss. Nothing here knows the chain rule over indices.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import sympy as sp

from proofs.kernel.theorem import Step, Theorem
from symbolic.closed_form import BATCH, SAMPLE, ClosedForm, Weight
from symbolic.expressions import Expr
from symbolic.forward import forward
from symbolic.losses import OUTPUTS, SAMPLES
from symbolic.network import Network, mlp
from symbolic.notation import Array
from symbolic.straight_line import straight_line

NETWORKS: dict[str, dict[str, Any]] = {
    "2-2-1": {"output": "g", "loss": "E"},
    "2-3-2": {"hidden": "tanh", "loss": "half-squared"},
    "1-2-2": {"hidden": "sigmoid", "output": "softmax", "loss": "cross-entropy", "l2": "lambda"},
}


def theorems() -> list[Theorem]:
    """One for each of the networks."""
    return [straight_line_theorem(sizes, options) for sizes, options in NETWORKS.items()]


def straight_line_theorem(sizes: str, options: dict[str, Any]) -> Theorem:
    """A step for each parameter."""
    network = mlp(sizes, **options)
    assert isinstance(network, Network)
    return Theorem(
        name=f"straight-line program of {network}",
        statement="Reverse mode over the scalars of the forward pass is the derivative of E written out",
        assumptions=("activations and the loss are differentiable",),
        scope=f"its {network.parameter_count} parameters w, one sample, all real values",
        steps=tuple(_steps(network)),
        source="left: sympy.diff of E; right: reverse mode over scalars",
    )


def _steps(network: Network) -> Iterator[Step]:
    steps, closed = forward(network), ClosedForm(network)
    arrays = list(dict.fromkeys(array for step in steps for array in step.inputs if array.name in "Wb"))
    line = straight_line(steps, wrt=arrays, sizes={SAMPLES: 1, OUTPUTS: network.sizes[-1]})
    for array in arrays:
        for entry, weight in enumerate(_weights(array)):
            left = _of_one_sample(closed.derivative(weight))
            yield Step(
                f"∂E/∂{weight}", left, line.expression(array, entry), "the same function of the scalars"
            )


def _weights(array: Array) -> Iterator[Weight]:
    """The entries of a parameter, row by row."""
    for place in product(*(range(1, int(size) + 1) for size in array.shape)):
        yield Weight(array.name, int(array.layer or 0), place)


def _of_one_sample(value: Expr) -> Expr:
    """A closed form for m = 1: the sum over samples has one term."""
    at = {BATCH: sp.S.One, SAMPLE: sp.S.One}
    term = value.replace(lambda node: isinstance(node, sp.Sum), lambda total: total.function)
    return term.xreplace(at)
