"""Differences on functions whose derivatives are known, at kinks and beside them, and on networks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest.mock import Mock

import mpmath  # type: ignore[import-untyped]
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from numeric import differences, forward_pass
from numeric.differences import Array, Estimate, Function, Gradient, Params, central_differences, complex_step
from symbolic.errors import Unsupported
from symbolic.network import Network, mlp

Method = Callable[[Function, Array], Estimate]
METHODS = (complex_step, central_differences)
TRUE_WITHIN = 4  # the small factor to which estimates are true

# for NumPy and for mpmath: steep, oscillating, with poles near the axis, and the example of Squire and Trapp
FUNCTIONS: dict[str, Callable[[Any, Any], Any]] = {
    "exp p": lambda p, lib: lib.exp(p),
    "p⁵ - 3p²": lambda p, lib: p**5 - 3 * p**2,
    "sin 30p": lambda p, lib: lib.sin(30 * p),
    "tanh 20p": lambda p, lib: lib.tanh(20 * p),
    "log(p + 4)": lambda p, lib: lib.log(p + 4),
    "sin p / (p² + 2⁻¹⁰)": lambda p, lib: lib.sin(p) / (p**2 + 2.0**-10),
    "eᵖ / (sin³ p + cos³ p + 4)": lambda p, lib: lib.exp(p) / (lib.sin(p) ** 3 + lib.cos(p) ** 3 + 4),
}


def is_true(method: Method, name: str, p: float) -> bool:
    f = FUNCTIONS[name]
    (slope,), (error,) = method(lambda points: f(points, np).sum(axis=-1), np.array([p]))
    with mpmath.workdps(120):  # 1 - tanh² 60 is 1e-52
        exact = mpmath.diff(lambda q: f(q, mpmath), mpmath.mpf(p))
        return bool(abs(exact - float(slope)) <= TRUE_WITHIN * float(error))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", FUNCTIONS)
@given(p=st.floats(-3, 3))
def test_estimates_are_true_for_analytic_functions(method: Method, name: str, p: float) -> None:
    assert is_true(method, name, p)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_an_estimate_without_truncation_is_not_true(name: str) -> None:
    def overconfident(f: Function, point: Array) -> Estimate:
        h = 1e-3
        slope = (f(point + h) - f(point - h)) / (2 * h)
        return Estimate(np.array([slope]), np.array([1e-16 / h]))

    assert not is_true(overconfident, name, 0.1)


@pytest.mark.parametrize(("method", "precision"), [(complex_step, 1e-14), (central_differences, 1e-11)])
@given(p=arrays(np.float64, st.integers(1, 6), elements=st.floats(-3, 3)))
def test_estimates_are_small_for_smooth_functions(method: Method, precision: float, p: Array) -> None:
    slope, error = method(lambda points: np.exp(points).sum(axis=-1), p)
    np.testing.assert_allclose(slope, np.exp(p), rtol=0, atol=precision * np.exp(p).sum())
    assert (error <= precision * np.exp(p).sum()).all()


def kinked(points: Array, at: float) -> Array:
    return np.asarray((np.sin(points) + np.abs(points - at)).sum(axis=-1))


@given(p=st.floats(-1, 1), exponent=st.floats(-9, 0), side=st.sampled_from([-1, 1]))
@example(p=0.0, exponent=np.log10(2.0**-15), side=1)
def test_estimates_are_true_beside_a_kink(p: float, exponent: float, side: int) -> None:
    at = p - side * 10**exponent
    (slope,), (error,) = central_differences(lambda points: kinked(points, at), np.array([p]))
    assert abs(slope - (np.cos(p) + side)) <= TRUE_WITHIN * error
    assert exponent < -3 or error < 1e-9


@given(p=st.floats(-1, 1))
def test_estimates_reach_to_both_slopes_at_a_kink(p: float) -> None:
    (slope,), (error,) = central_differences(lambda points: kinked(points, p), np.array([p]))
    assert slope - error <= np.cos(p) - 1 and np.cos(p) + 1 <= slope + error


def network(*sizes: int, **options: Any) -> Network:
    built = mlp(*sizes, **options)
    assert isinstance(built, Network)
    return built


def generic_point(network: Network) -> tuple[Params, Array, Array]:
    random = np.random.default_rng(3)
    sizes = [int(size) for size in network.sizes]
    params = [
        (random.uniform(-1, 1, (after, before)), random.uniform(-1, 1, after) if layer.bias else None)
        for before, after, layer in zip(sizes, sizes[1:], network.layers, strict=False)
    ]
    return params, random.uniform(-1, 1, (sizes[0], 4)), random.uniform(0, 1, (sizes[-1], 4))


def flat(gradient: Gradient) -> Array:
    return np.concatenate([v.ravel() for pair in gradient for v in pair if v is not None])


ANALYTIC = [
    *(
        (name, "squared")
        for name in ("identity", "tanh", "softplus", "silu", "mish", "sin", "exp", "softmax")
    ),
    *((name, loss) for name in ("sigmoid", "softmax") for loss in forward_pass.LOG_LOSSES),
    ("exp", "poisson"),
    ("softplus", "poisson"),
]


@pytest.mark.parametrize(("name", "loss"), ANALYTIC)
def test_both_methods_agree_on_analytic_networks(
    name: str, loss: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    net = network(2, 4, 3, hidden=name, output=name, loss=loss, l2="lambda/m", penalize_biases=True)
    point = generic_point(net)
    by_complex_step = map(flat, differences.loss_gradient_by_differences(net, *point, lam=0.2))
    monkeypatch.setattr(differences, "ANALYTIC", frozenset())
    by_central = map(flat, differences.loss_gradient_by_differences(net, *point, lam=0.2))
    (one, error_of_one), (other, error_of_other) = by_complex_step, by_central
    assert (np.abs(one - other) <= error_of_one + error_of_other).all()
    assert (error_of_one < error_of_other).all()


@pytest.mark.parametrize(
    ("options", "chosen"),
    [
        ({"hidden": "tanh"}, "complex_step"),
        ({"hidden": "relu"}, "central_differences"),
        ({"hidden": "gelu"}, "central_differences"),
        ({"hidden": "tanh", "loss": "huber"}, "central_differences"),
        ({"hidden": "tanh", "l1": "lambda"}, "central_differences"),
    ],
)
def test_complex_step_is_taken_where_every_part_is_analytic(
    options: dict[str, str], chosen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    spies = {method.__name__: Mock(wraps=method) for method in METHODS}
    for name, spy in spies.items():
        monkeypatch.setattr(differences, name, spy)
    net = network(2, 3, 1, **options)
    differences.loss_gradient_by_differences(net, *generic_point(net))
    assert [name for name, spy in spies.items() if spy.called] == [chosen]


def test_gradient_and_errors_are_shaped_as_the_parameters() -> None:
    net = network(2, 3, 1, hidden="tanh", bias=[True, False])
    for pairs in differences.loss_gradient_by_differences(net, *generic_point(net)):
        shapes = [[None if v is None else v.shape for v in pair] for pair in pairs]
        assert shapes == [[(3, 2), (3,)], [(1, 3), None]]


@pytest.mark.parametrize("hidden", ["tanh", "relu"])
def test_stacks_of_points_change_nothing(hidden: str, monkeypatch: pytest.MonkeyPatch) -> None:
    net = network(2, 3, 2, hidden=hidden)
    point = generic_point(net)
    whole = map(flat, differences.loss_gradient_by_differences(net, *point))
    monkeypatch.setattr(differences, "ROOM", 5 * 17)  # stacks of 5 points of 17 numbers
    for one, other in zip(
        whole, map(flat, differences.loss_gradient_by_differences(net, *point)), strict=True
    ):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"hidden": "z*tanh(z)"},
            "layer 1: differences have no activation 'z*tanh(z)', only identity, sigmoid, tanh, relu, "
            "leaky_relu, elu, prelu, selu, softplus, silu, mish, gelu, softsign, hardtanh, relu6, "
            "hardsigmoid, hardswish, sin, exp, softmax; "
            "the derivation serves the others",
        ),
        (
            {"hidden": "tanh", "loss": "(a - t)**4"},
            "differences have no loss '(a - t)**4', only squared, half-squared, huber, "
            "hinge, cross-entropy, binary-cross-entropy, label-smoothing, kl, poisson; "
            "the derivation serves the others",
        ),
    ],
)
def test_what_is_not_in_the_tables_is_refused(options: dict[str, str], message: str) -> None:
    net = network(2, 3, 1, **options)
    with pytest.raises(Unsupported) as refusal:
        forward_pass.loss(net, *generic_point(net))
    assert str(refusal.value) == message
