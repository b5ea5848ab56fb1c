"""The comparison: it must let rounding pass and nothing else, and count what it can judge."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backproof.strategies import networks, points
from numeric.comparison import CONDITION, compare, is_norm_wise
from numeric.envelope import PRECISIONS
from numeric.problem import problem_of
from numeric.references import Bounded, references


def entries_at(data, precision="float64"):
    problem = problem_of(data.draw(networks()))
    point = data.draw(points(problem.network))
    values = {array: value[None] for array, value in point.values(problem).items()}
    found = references(problem, values, point.samples, PRECISIONS[precision], lam=[point.lam])
    return [found.gradient[array].at(0) for array in problem.parameters]


def bounded(value, worst, near=None):
    value, worst = np.asarray(value, float), np.asarray(worst, float)
    return Bounded(value, worst, worst / 10 if near is None else np.asarray(near, float))


@settings(max_examples=30)
@given(st.data())
def test_an_ulp_of_noise_is_no_disagreement(data):
    for exact in entries_at(data):
        found = compare(exact, exact.value * (1 + data.draw(st.sampled_from((-1, 1))) * 2.0**-53))
        assert not (found.disagrees | found.not_finite | found.ill_conditioned).any()
        assert (found.agrees == found.counted).all()


@settings(max_examples=30)
@given(st.data(), st.sampled_from([("float64", 1e-9), ("float32", 1e-2)]))
def test_an_error_far_above_rounding_is_seen(data, case):
    precision, error = case
    for exact in entries_at(data, precision):
        conditioned = exact.worst < error / 2 * np.abs(exact.value)  # elsewhere the terms of the entry cancel
        found = compare(exact, exact.value * (1 + error))
        assert (found.disagrees | ~conditioned).all()


@settings(max_examples=30)
@given(st.data())
def test_three_times_the_worst_is_beyond(data):
    for exact in entries_at(data):
        found = compare(exact, exact.value + 3 * exact.worst)
        assert (found.disagrees == found.counted).all()


def test_between_the_two_bounds_an_entry_says_nothing():
    exact = bounded([1.0, 1.0, 1.0], [1e-6] * 3, [1e-8] * 3)
    found = compare(exact, np.array([1.0 + 1e-9, 1.0 + 1e-7, 1.0 + 1e-5]))
    assert found.agrees.tolist() == [True, False, False]
    assert found.grey.tolist() == [False, True, False]
    assert found.disagrees.tolist() == [False, False, True]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_is_no_disagreement_but_reported(value):
    found = compare(bounded([1.0, 1.0], [1e-9, 1e-9]), np.array([value, 1.0]))
    assert found.not_finite.tolist() == [True, False]
    assert not (found.disagrees | found.grey).any()
    assert found.excess.tolist() == [0, 0]


def test_an_entry_without_a_finite_value_or_bound_is_not_counted():
    found = compare(bounded([np.inf, 1.0, np.nan], [1.0, np.inf, 1.0]), np.full(3, 7.0))
    assert not (found.counted | found.disagrees | found.not_finite | found.ill_conditioned).any()


def test_where_the_bound_is_as_large_as_the_values_nothing_is_counted():
    exact = bounded([1.0, 1e-3], [1e-9, 2 * CONDITION])
    found = compare(exact, np.array([1.0, 1.0]))
    assert found.counted.tolist() == [True, False]
    assert found.ill_conditioned.tolist() == [False, True]
    assert not found.disagrees.any()


def test_where_every_term_is_zero_only_zero_agrees():
    found = compare(bounded(np.zeros(2), np.zeros(2)), np.array([0.0, 1e-300]))
    assert found.disagrees.tolist() == [False, True]
    assert found.excess.tolist() == [0, np.inf]


def test_an_array_is_norm_wise_right_if_its_small_entries_err_as_its_large_ones_may():
    exact = bounded([1.0, 1e-9], [1e-6, 1e-15])
    assert is_norm_wise(exact, np.array([1.0, 1e-7]))
    assert not is_norm_wise(exact, np.array([1.0, 1e-5]))
