"""The comparison: it must let rounding pass and nothing else, and count what it can judge."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backproof.strategies import networks, points
from numeric.comparison import compare, rounding_bound
from numeric.oracle import exact

DOUBLE, SINGLE = np.dtype(np.float64), np.dtype(np.float32)


def entries_at(data):
    network = data.draw(networks())
    point = data.draw(points(network))
    found = exact(network, point.params, point.x, point.t, lam=point.lam)
    entries = [entries for pair in found.gradient for entries in pair if entries is not None]
    return (np.concatenate([getattr(e, part).ravel() for e in entries]) for part in ("value", "magnitude"))


@given(st.data())
def test_four_ulp_of_noise_are_no_disagreement(data):
    value, magnitude = entries_at(data)
    noise = np.array(data.draw(st.lists(st.integers(-4, 4), min_size=value.size, max_size=value.size)))
    found = compare(value, value * (1 + noise * 2.0**-52), rounding_bound(magnitude, DOUBLE))
    assert not found.disagrees.any()
    assert (found.counted == np.isfinite(magnitude)).all()  # all, but for units at a kink


@given(st.data())
def test_an_error_of_one_in_a_billion_is_seen(data):
    value, magnitude = entries_at(data)
    conditioned = magnitude < 1e3 * np.abs(value)  # elsewhere the terms of the entry cancel
    found = compare(value, value * (1 + 1e-9), rounding_bound(magnitude, DOUBLE))
    assert (found.disagrees | ~conditioned).all()
    assert conditioned.any() or not value.any()  # every relu may be dead


def test_single_precision_gets_its_own_bound():
    one = np.ones(1)
    assert compare(one, one + 1e-6, rounding_bound(one, DOUBLE)).disagrees.all()
    assert not compare(one, one + 1e-6, rounding_bound(one, SINGLE)).disagrees.any()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_is_no_disagreement_but_reported(value):
    found = compare(np.zeros(2), np.array([value, 0.0]), np.ones(2))
    assert found.not_finite.tolist() == [True, False]
    assert not found.disagrees.any()
    assert found.excess.tolist() == [0, 0]


def test_an_entry_without_a_finite_value_or_bound_is_not_counted():
    exact_values, bound = np.array([np.inf, 1.0, np.nan]), np.array([1.0, np.inf, 1.0])
    found = compare(exact_values, np.full(3, 7.0), bound)
    assert not (found.counted | found.disagrees | found.not_finite).any()


def test_where_every_term_is_zero_only_zero_agrees():
    found = compare(np.zeros(2), np.array([0.0, 1e-300]), np.zeros(2))
    assert found.disagrees.tolist() == [False, True]
    assert found.excess.tolist() == [0, np.inf]
