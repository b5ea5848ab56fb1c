"""Hessians, Jacobians and third derivatives: the derivation derived again, against JAX and differences."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import count

import numpy as np
import pytest

from numeric.arrays import evaluate_arrays
from numeric.second_order import hessian, jacobian
from symbolic.derivation import Derivation, derive
from symbolic.graph import graph, loss, node
from symbolic.losses import LAMBDA, SAMPLES
from symbolic.network import mlp
from symbolic.notation import Array
from symbolic.second_order import hessian_vector
from tests.layer_cases import CASES, Values, generic, values_of

SCALARS = {SAMPLES: 2, LAMBDA: 0.3}
NETWORKS = {
    "smooth": mlp(2, 3, 2, hidden="tanh", l2="lambda/(2*m)"),
    "softmax": mlp(2, 3, 3, hidden="sigmoid", output="softmax", loss="cross-entropy"),
    "kinked": mlp(2, 3, 2, 1, hidden=["relu", "leaky_relu(1/5)"], loss="squared"),
    "one's own": mlp(2, 2, 2, hidden="z*tanh(z)", loss="(a - t)**4 + a*t", l1="lambda"),
}
GRAPHS = {
    "tied": graph(
        inputs={"x": (3, "m")},
        nodes={
            "code": node("dense", "x", units=2),
            "h": node("softplus", "code"),
            "y": node("dense-transposed", "h", arrays={"W": "code.W"}),
        },
        losses={"E": loss("half-squared", "y")},
    ),
    "pooled": graph(
        inputs={"x": (1, 6, "m")},
        nodes={
            "c": node("conv1d", "x", channels=2, kernel=3, padding=1),
            "p": node("max-pool1d", "c", kernel=2, stride=2),
            "n": node("batch-norm", "p", epsilon="1/10"),
            "y": node("softmax", "n"),
        },
        losses={"E": loss("squared", "y")},
    ),
    "residual": graph(
        inputs={"x": (2, "m")},
        nodes={
            "h": node("dense", "x", units=2),
            "r": node("relu", "h"),
            "y": node("add", "r", "x"),
        },
        losses={"E": loss("half-squared", "y"), "F": loss("huber", "r"), "R": node("l2", "h.W")},
    ),
}


def derivation_of(name: str) -> Derivation:
    return derive(NETWORKS[name] if name in NETWORKS else GRAPHS[name])


def parameters(derivation: Derivation) -> list[Array]:
    return [replace(s.target, cotangent=False) for s in derivation.backward if s.role.endswith("gradient")]


@pytest.mark.parametrize("name", [*NETWORKS, *GRAPHS])
def test_hessian_is_that_of_jax_and_symmetric(require: Callable[[str], None], name: str) -> None:
    require("jax")
    from tests import jax_route

    derivation = derivation_of(name)
    values = values_of(derivation.forward, SCALARS)
    wrt = parameters(derivation)
    found = hessian(derivation, values, SCALARS)
    expected = jax_route.hessian(derivation.forward, values, SCALARS, wrt)
    largest = np.abs(expected).max()
    assert largest > 1e-3
    assert np.abs(found - expected).max() <= 1e-10 * largest
    assert np.abs(found - found.T).max() <= 1e-12 * largest


@pytest.mark.parametrize(
    "name",
    [
        "conv1d, strided, padded, dilated",
        "conv1d-transposed",
        "max-pool1d, overlapping, padded",
        "batch-norm",
        "softmax, of the second axis",
        "concatenate",
        "masked-attention",
        "lstm-cell",
        "rms-norm",
    ],
)
def test_jacobian_by_each_input_is_that_of_jax(require: Callable[[str], None], name: str) -> None:
    require("jax")
    from tests import jax_route

    case = CASES[name]
    derivation, values = derive(case.graph, wrt=case.wrt), case.values()
    output = case.graph.arrays["y"]
    forward = [step for step in derivation.forward if step.target.shape]
    for source in case.real_inputs:
        found = jacobian(derivation, output, source, values, case.scalars)
        expected = jax_route.jacobian(forward, values, case.scalars, output, source)
        assert found.shape == expected.shape
        assert np.abs(found - expected).max() <= 1e-12 * np.abs(expected).max()


@pytest.mark.parametrize("name", ["layer-norm", "lstm-cell", "max-pool1d, overlapping, padded", "softmax"])
def test_third_derivation_is_the_slope_of_the_second(name: str) -> None:
    case = CASES[name]
    values = case.values()
    derivation = derive(case.graph, wrt=case.wrt)
    second = hessian_vector(derivation, case.wrt)
    cut = next(n for n in count() if second.steps[n].target.cotangent)
    again = Derivation(case.graph, (), second.steps[:cut], second.steps[cut:])
    made = {step.target for step in second.steps}
    third = hessian_vector(again, [array for array in case.wrt if array.bar in made])
    random = np.random.default_rng(5)
    along: Values = {array: generic(random, values[array].shape) for array in case.wrt}
    named = {second.directions[array]: found for array, found in along.items()}
    found = evaluate_arrays(third.steps, {**values, **named}, case.scalars)

    def product(array: Array, step: float) -> np.ndarray:
        moved = {a: values[a] + step * along[a] for a in third.directions}
        return evaluate_arrays(second.steps, {**values, **moved, **named}, case.scalars)[array.bar]

    for array, name_of in third.products.items():
        slope = (product(array, 1e-5) - product(array, -1e-5)) / 2e-5
        assert np.abs(found[name_of] - slope).max() <= 1e-7 * max(1, np.abs(slope).max())
