"""The oracle against the closed form, and what it takes for evidence."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backproof.strategies import networks, points
from numeric.oracle import _steps, activate, exact, is_curved
from symbolic.activations import activation
from symbolic.errors import Unsupported
from symbolic.network import Dense, mlp


def test_gradient_of_the_textbook_example_is_exact():
    network = mlp(1, 1, 1, hidden="relu", loss="half-squared", l2="lambda/2")
    found = exact(
        network,
        [(np.array([[2.0]]), np.array([1.0])), (np.array([[3.0]]), np.array([-4.0]))],
        np.array([[1.0, -2.0]]),  # z1 = 3, -3; a2 = 5, -4
        np.array([[1.0, 1.0]]),  # errors 4, -5
        lam=0.5,
    )
    (w1, b1), (w2, b2) = found.gradient
    assert found.loss.value == (16 + 25) / 4 + 0.25 * (4 + 9)
    assert (w1.value, b1.value) == ([[4 / 2 * 3 * 1 + 0.5 * 2]], [6])
    assert (w2.value, b2.value) == ([[4 / 2 * 3 + 0.5 * 3]], [-0.5])
    assert [z.tolist() for z in found.z] == [[[3, -3]], [[5, -4]]]


@settings(max_examples=30)
@given(st.data())
def test_loss_rises_along_the_gradient_as_it_should(data):
    network = data.draw(networks())
    point = data.draw(points(network))
    here = exact(network, point.params, point.x, point.t, lam=point.lam)
    step = 1e-7

    def moved(sign):
        params = [
            (w + sign * step * dw.value, None if b is None else b + sign * step * db.value)
            for (w, b), (dw, db) in zip(point.params, here.gradient, strict=True)
        ]
        return float(exact(network, params, point.x, point.t, lam=point.lam).loss.value)

    slope = sum(float((e.value**2).sum()) for pair in here.gradient for e in pair if e is not None)
    rounding = 1e-14 * float(here.loss.magnitude) / step
    assert (moved(1) - moved(-1)) / (2 * step) == pytest.approx(slope, rel=1e-5, abs=rounding)


def test_networks_of_one_depth_share_their_equations():
    rng = np.random.default_rng(0)
    for sizes in ((2, 3, 1), (5, 4, 2)):
        params = [(rng.normal(size=(n, k)), rng.normal(size=n)) for k, n in pairwise(sizes)]
        before = _steps.cache_info().misses
        exact(mlp(*sizes, hidden="tanh"), params, np.ones((sizes[0], 2)), np.ones((sizes[-1], 2)))
    assert _steps.cache_info().misses == before


@pytest.mark.parametrize(
    ("name", "curved"),
    [("identity", 0), ("relu", 0), ("leaky_relu", 0), ("elu", 1), ("tanh", 1), ("softmax", 1)],
)
def test_only_piecewise_linear_units_may_be_far_out(name, curved):
    assert is_curved(activation(name)) == curved
    far = [(np.array([[9.0], [1.0]]), np.zeros(2))]
    network = mlp(1, 2, output=name)
    assert exact(network, far, np.ones((1, 1)), np.ones((2, 1))).is_evidence(network) != curved


def test_activations_are_applied_to_whole_layers():
    z = np.array([[0.5, -1.0], [0.5, 1.0]])
    layer = Dense(2, activation("softmax"))
    assert activate(layer, z)[:, 0].tolist() == [0.5, 0.5]


def test_an_undefined_activation_has_no_values():
    with pytest.raises(Unsupported):
        exact(mlp(1, 1, 1), [(np.ones((1, 1)), np.ones(1))] * 2, np.ones((1, 1)), np.ones((1, 1)))
