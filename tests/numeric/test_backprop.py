"""The hand-written backprop against differences, which know the forward pass alone; stability and kinks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numeric import backprop, differences, forward_pass
from numeric.backprop import Array, Gradient, Params
from symbolic.errors import Unsupported
from symbolic.network import Network, mlp

HIDDEN = [*backprop.ACTIVATIONS, "leaky_relu(0.3)", "elu(0.7)"]
HEADS = [*((g, e) for g in HIDDEN for e in backprop.LOSSES), *backprop.FUSED]
TRUE_WITHIN = 4  # the small factor to which the estimates of differences are true
ROUNDING = 1e-15  # of backprop itself, in units of the largest entry
LAM = 0.3


@dataclass(frozen=True, slots=True)
class Case:
    """A network at a point: parameters, data, targets."""

    network: Network
    params: Params
    x: Array
    t: Array


def network(*sizes: int, **options: Any) -> Network:
    built = mlp(*sizes, **options)
    assert isinstance(built, Network)
    return built


def generic_case(network: Network, *, samples: int, seed: int) -> Case:
    """Distinct values away from 0; biases that put 0 into the widest gap between the z of a unit."""
    random = np.random.default_rng(seed)

    def generic(*shape: int) -> Array:
        return np.asarray(random.uniform(0.1, 0.9, shape) * random.choice([-1.0, 1.0], shape))

    sizes = [int(size) for size in network.sizes]
    x = generic(sizes[0], samples)
    params = [
        (generic(after, before) / before, np.zeros(after) if layer.bias else None)
        for before, after, layer in zip(sizes, sizes[1:], network.layers, strict=False)
    ]
    for l, (_, b) in enumerate(params):
        if b is not None:
            z = np.sort(backprop.forward(network, params, x)[l][0], axis=1)
            widest = np.diff(z).argmax(axis=1)[:, None]
            b -= np.take_along_axis(0.6 * z[:, 1:] + 0.4 * z[:, :-1], widest, axis=1)[:, 0]
    return Case(network, params, x, random.uniform(0.1, 0.9, (sizes[-1], samples)))


@st.composite
def cases(draw: st.DrawFn) -> Case:
    sizes = draw(st.lists(st.integers(2, 5), min_size=2, max_size=4, unique=True))
    depth = len(sizes) - 1
    output, loss = draw(st.sampled_from(HEADS))
    l2, l1 = (draw(st.sampled_from([None, factor])) for factor in ("lambda/(2*m)", "lambda/m"))
    drawn = network(
        *sizes,
        hidden=draw(st.lists(st.sampled_from(HIDDEN), min_size=depth - 1, max_size=depth - 1)),
        output=output,
        loss=loss,
        scale=draw(st.sampled_from(["1", "1/m", "1/(m*k)"])),
        l2=l2,
        l1=l1,
        penalize_biases=bool(l2 or l1) and draw(st.booleans()),
        bias=draw(st.lists(st.booleans(), min_size=depth, max_size=depth)),
    )
    return generic_case(drawn, samples=draw(st.integers(2, 5)), seed=draw(st.integers(0, 2**32)))


def flat(gradient: Gradient) -> Array:
    return np.concatenate([v.ravel() for pair in gradient for v in pair if v is not None])


def agrees_with_differences(c: Case) -> bool:
    ours = flat(backprop.gradient(c.network, c.params, c.x, c.t, lam=LAM))
    theirs = differences.loss_gradient_by_differences(c.network, c.params, c.x, c.t, lam=LAM)
    value, error = map(flat, theirs)
    bound = TRUE_WITHIN * error + ROUNDING * np.abs(ours).max()
    return bool((np.abs(ours - value) <= bound).all())


@given(cases())
def test_loss_agrees_with_another_forward_pass(c: Case) -> None:
    ours = backprop.loss(c.network, c.params, c.x, c.t, lam=LAM)
    assert ours == pytest.approx(forward_pass.loss(c.network, c.params, c.x, c.t, lam=LAM), rel=1e-13)


@given(cases())
def test_gradient_is_shaped_as_the_parameters(c: Case) -> None:
    gradient = backprop.gradient(c.network, c.params, c.x, c.t)
    shapes, expected = (
        [[None if v is None else v.shape for v in pair] for pair in pairs] for pairs in (gradient, c.params)
    )
    assert shapes == expected


@settings(max_examples=500)
@given(cases())
def test_gradient_agrees_with_differences_within_their_estimates(c: Case) -> None:
    assert agrees_with_differences(c)


ROWS = [
    *(("ACTIVATIONS", name, {"output": name}) for name in backprop.ACTIVATIONS),
    *(("LOSSES", name, {"output": "tanh", "loss": name}) for name in backprop.LOSSES),
    *(("FUSED", pair, {"output": pair[0], "loss": pair[1]}) for pair in backprop.FUSED),
    *(("PENALTIES", norm, {norm: "lambda/m"}) for norm in backprop.PENALTIES),
]


@pytest.mark.parametrize(("table", "name", "options"), ROWS)
def test_differences_reject_a_slope_that_is_off_by_a_millionth(
    table: str, name: Any, options: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    c = generic_case(network(2, 3, 4, hidden="tanh", **options), samples=3, seed=1)
    assert agrees_with_differences(c)
    value, slope = getattr(backprop, table)[name]
    broken = (value, lambda *args, **alpha: (1 + 1e-6) * slope(*args, **alpha))
    monkeypatch.setitem(getattr(backprop, table), name, broken)
    assert not agrees_with_differences(c)


def test_differences_reject_the_diagonal_of_the_softmax_jacobian(monkeypatch: pytest.MonkeyPatch) -> None:
    c = generic_case(network(2, 3, 4, hidden="softmax"), samples=3, seed=1)
    g, _ = backprop.ACTIVATIONS["softmax"]
    monkeypatch.setitem(backprop.ACTIVATIONS, "softmax", (g, lambda da, z: da * g(z) * (1 - g(z))))
    assert not agrees_with_differences(c)


@pytest.mark.parametrize(("output", "loss"), HEADS)
def test_extreme_pre_activations_give_finite_losses_and_gradients(output: str, loss: str) -> None:
    largest = 1e4 if "squared" in loss else 1e300
    extremes = np.array([-largest, -1e4, -800, -40, 0, 40, 800, 1e4, largest])
    if output == "exp":
        extremes = np.clip(extremes, -1e4, 150)  # so that x·exp(z)², in the gradient, is a number
    z = np.stack([v.ravel() for v in np.meshgrid(extremes, extremes)])
    t = np.stack([np.full(z.shape[1], 0.25), np.full(z.shape[1], 0.75)])
    with np.errstate(all="raise", under="ignore"):
        at = (network(2, 2, output=output, loss=loss), [(np.eye(2), np.zeros(2))], z, t)
        assert np.isfinite(backprop.loss(*at))
        assert np.isfinite(flat(backprop.gradient(*at))).all()


def test_exp_alone_overflows_and_says_nothing() -> None:
    ((_, a),) = backprop.forward(network(1, 1, output="exp"), [(np.eye(1), None)], np.array([[1e4, -1e4]]))
    np.testing.assert_array_equal(a, [[np.inf, 0]])


@pytest.mark.parametrize(
    ("output", "loss", "z", "t", "value", "delta"),
    [
        ("sigmoid", "cross-entropy", [-800, 800], [1, 1], 800, [-1, 0]),
        ("sigmoid", "binary-cross-entropy", [-800, 1e4], [1, 0], 10800, [-1, 1]),
        ("softmax", "cross-entropy", [1e4, -1e4], [0, 1], 2e4, [1, -1]),
        ("softmax", "binary-cross-entropy", [800, -800, 0], [0, 1, 0], 2400, [2, -1, -1]),
    ],
)
def test_logarithms_of_vanishing_probabilities_are_exact(
    output: str, loss: str, z: list[float], t: list[float], value: float, delta: list[float]
) -> None:
    size = len(z)
    at = (
        network(1, size, output=output, loss=loss),
        [(np.zeros((size, 1)), np.array(z, float))],
        np.ones((1, 1)),
        np.array(t, float)[:, None],
    )
    assert backprop.loss(*at) == value
    ((_, db),) = backprop.gradient(*at)
    np.testing.assert_allclose(np.asarray(db), delta, atol=1e-300)


@pytest.mark.parametrize(
    ("name", "slope"),
    [
        ("relu", 0),
        ("leaky_relu(0.3)", 0.3),
        ("prelu(0.2)", 0.2),
        ("elu(0.7)", 0.7),
        ("selu", 1.0507009873554805 * 1.6732632423543772),
        ("relu6", 0),
    ],
)
def test_slope_at_a_kink_is_that_of_the_left(name: str, slope: float) -> None:
    at_kink = (network(1, 1, output=name), [(np.eye(1), np.zeros(1))], np.zeros((1, 1)), np.array([[-1.0]]))
    ((_, db),) = backprop.gradient(*at_kink)
    assert db == slope


def test_slope_of_an_absolute_value_at_0_is_0() -> None:
    penalized = network(1, 1, l1="lambda")
    ((dw, _),) = backprop.gradient(penalized, [(np.zeros((1, 1)), None)], np.eye(1), np.zeros((1, 1)), lam=1)
    assert dw == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"hidden": "g"},
            "layer 1: the vectorised backprop has no activation 'g', only identity, sigmoid, tanh, relu, "
            "leaky_relu, elu, prelu, selu, softplus, silu, mish, gelu, softsign, hardtanh, relu6, "
            "hardsigmoid, hardswish, sin, exp, softmax; "
            "the derivation serves the others",
        ),
        (
            {"hidden": "tanh", "loss": "E"},
            "the vectorised backprop has no loss 'E', only squared, half-squared, huber, "
            "hinge, cross-entropy, binary-cross-entropy, label-smoothing, kl, poisson; "
            "the derivation serves the others",
        ),
    ],
)
def test_what_is_not_in_the_tables_is_refused(options: dict[str, str], message: str) -> None:
    unknown = network(2, 3, 1, **options)
    params = [(np.ones((3, 2)), None), (np.ones((1, 3)), None)]
    with pytest.raises(Unsupported) as refusal:
        backprop.gradient(unknown, params, np.ones((2, 1)), np.ones((1, 1)))
    assert str(refusal.value) == message
