"""Drawn networks and points: unequal sizes, generic values, far from kinks; and what they shrink to."""

import numpy as np
import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

from backproof.points import CLEARANCE, TIERS, generic_point, shift_count
from backproof.strategies import activations, losses, networks, outputs, points
from numeric.oracle import activate
from symbolic.errors import Unsupported
from symbolic.network import Network, mlp


def values(point):
    return np.concatenate(
        [a.ravel() for pair in point.params for a in pair if a is not None] + [point.x.ravel()]
    )


def forward(network, point):
    """Every layer's z and a, also of functions of the user's."""
    a, layers = point.x, []
    for layer, (w, b) in zip(network.layers, point.params, strict=True):
        z = w @ a if b is None else w @ a + b[:, None]
        a = activate(layer, z)
        layers.append((z, a))
    return layers


@given(networks())
def test_widths_are_unequal_and_at_least_two(network):
    assert min(network.sizes) >= 2
    assert len(set(network.sizes)) == len(network.sizes)


@given(networks(mlp("4-?-?-4")))
def test_free_widths_avoid_the_fixed_ones(network):
    assert network.sizes[0] == network.sizes[3] == 4
    assert len(set(network.sizes)) == 3


@given(st.data(), st.integers(1, 3))
def test_points_are_generic(data, min_width):
    network = data.draw(networks(min_width=min_width, max_width=8, unequal=False))
    point = data.draw(points(network))
    entries = values(point)
    assert len(set(entries)) == entries.size
    assert not set(np.abs(entries)) & {0.0, 1.0}
    assert (point.lam != 0) == network.objective.has_lambda
    assert max(np.abs(z).max() for z, _ in forward(network, point)) < 3.1


@given(st.data())
def test_biases_keep_units_clear_of_kinks(data):
    network = data.draw(networks(mlp(hidden="relu", output="elu")))
    layers = forward(network, data.draw(points(network)))
    close = [(np.abs(z) < 0.9 * CLEARANCE).any(axis=1).mean() for z, _ in layers]
    assert np.mean(close) < 0.5  # a bias has four values to choose from, and several samples to avoid
    assert all(z.all() for z, _ in layers)


@pytest.mark.parametrize(
    ("loss", "output", "holds"),
    [
        ("cross-entropy", "softmax", lambda t: set(t.ravel()) == {0.0, 1.0} and (t.sum(axis=0) == 1).all()),
        ("cross-entropy", "sigmoid", lambda t: (abs(t - 0.5) < 0.5).all()),
        ("binary-cross-entropy", "sigmoid", lambda t: (abs(t - 0.5) < 0.5).all()),
        ("squared", "tanh", lambda t: len(set(t.ravel())) == t.size),
    ],
)
def test_targets_are_what_the_loss_takes(loss, output, holds):
    @settings(max_examples=20)
    @given(points(mlp(2, 3, output=output, loss=loss)))
    def check_targets(point):
        assert holds(point.t)

    check_targets()


@given(points(mlp(2, 3, output="softmax", loss="cross-entropy"), targets="distribution"))
def test_soft_labels_are_distributions(point):
    assert (point.t > 0).all()
    assert np.abs(point.t.sum(axis=0) - 1).max() < 1e-15


def test_everything_shrinks_to_the_simplest():
    network = find(networks(mlp(hidden="tanh"), min_width=1, unequal=False), lambda _: True)
    assert network.sizes == (1, 1)
    point = find(points(network, min_samples=1), lambda _: True)
    assert (
        sorted(values(point)) == sorted(values(generic_point(network, 1, [0] * 5))) == [-0.213, 0.119, 0.153]
    )


def test_half_a_million_values_are_too_many():
    network = mlp(1000, 500, hidden="tanh")
    with pytest.raises(Unsupported, match="too many to draw"):
        generic_point(network, 1, [0] * shift_count(network, 1))


@pytest.mark.parametrize("tier", TIERS)
def test_the_roots_of_the_tiers_are_primitive(tier):
    seen = {pow(tier.root, power, tier.prime) for power in range(1, tier.prime)}
    assert len(seen) == tier.prime - 1


@given(st.data())
def test_users_can_compose_their_own_networks(data):
    loss = data.draw(losses())
    chain = mlp(2, 3, 2, hidden=data.draw(activations()), output=data.draw(outputs(loss)), loss=loss)
    assert isinstance(chain, Network)
