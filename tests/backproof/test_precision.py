"""Precision is found by what numbers can be: narrow ones are recognised, and small errors are not excused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backproof.points import generic_point, shift_count
from backproof.precision import found_precision
from backproof.strategies import networks, points
from numeric import backprop
from numeric.problem import problem_of
from symbolic.network import mlp
from tests.backproof.on_designed_points import judge_of
from tests.backproof.textbook import textbook
from tests.implementations import in_single_precision, single

NETWORK = mlp(3, 4, 2, hidden="tanh", scale="1/m")
right = textbook(hidden="tanh")


def widened(gradient):
    return [(dw.astype(float), None if db is None else db.astype(float)) for dw, db in gradient]


def found(function, network=NETWORK, drawn=(), **known):
    every = drawn or [generic_point(network, 3, [0] * shift_count(network, 3))]
    judge = judge_of(function, **known)
    return found_precision(judge, [judge.ask(problem_of(network), point) for point in every])


@settings(max_examples=100)
@given(st.data())
def test_float32_inside_a_float64_interface_is_recognised(data):
    network = data.draw(networks(min_width=3))
    drawn = [data.draw(points(network)) for _ in range(2)]

    def narrow(params, x, t, lam=0.0):
        return widened(backprop.gradient(network, single(params), single(x), single(t), lam=np.float32(lam)))

    def summed_in_double(params, x, t, lam=0.0):
        return backprop.gradient(network, widened(single(params)), single(x).astype(float), t, lam=lam)

    takes_lam = network.objective.has_lambda
    for function in (narrow, summed_in_double):
        told = found(function, network, drawn, takes_lam=takes_lam)
        assert told.precision.name == "float32"
        assert "float32, in an interface of float64" in told.remarks[0]


@settings(max_examples=50)
@given(st.data())
def test_float64_is_never_taken_for_less(data):
    network = data.draw(networks(min_width=3))
    drawn = [data.draw(points(network)) for _ in range(2)]

    def gradient(params, x, t, lam=0.0):
        return backprop.gradient(network, params, x, t, lam=lam)

    told = found(gradient, network, drawn, takes_lam=network.objective.has_lambda)
    assert (told.precision.name, told.remarks) == ("float64", ())


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_the_type_of_an_answer_tells(dtype):
    def narrow(params, x, t):
        return [(dw.astype(dtype), db) for dw, db in right(params, x, t)]

    assert found(narrow).precision.name == dtype
    assert found(in_single_precision(right)).remarks == ()


@pytest.mark.parametrize("digits", range(6, 13))
def test_a_rounded_text_interface_is_recognised(digits):
    def rounded(array):
        return np.vectorize(lambda x: float(f"{x:.{digits - 1}e}"))(array)

    told = found(lambda params, x, t: [(rounded(dw), rounded(db)) for dw, db in right(params, x, t)])
    assert told.precision.name == f"{digits} digits"
    assert told.precision.u == pytest.approx(0.5 * 10.0 ** (1 - digits))


@pytest.mark.parametrize(
    "spoiled",
    [
        lambda params, x, t: [(dw * np.float64(np.float32(0.1)) / 0.1, db) for dw, db in right(params, x, t)],
        lambda params, x, t: [(dw * (1 + 1e-7), db) for dw, db in right(params, x, t)],
        lambda params, x, t: [(dw + 1e-8, db) for dw, db in right(params, x, t)],
    ],
)
def test_a_float32_constant_and_a_small_error_are_not_excused(spoiled):
    assert found(spoiled).precision.name == "float64"


def test_a_float32_slope_in_float64_code_is_not_excused():
    network = mlp(3, 4, 2, hidden="leaky_relu(1/10)", scale="1/m")

    def gradient(params, x, t):
        (w1, b1), (w2, b2) = params
        z = w1 @ x + b1[:, None]
        alpha = np.float64(np.float32(0.1))
        a = np.where(z > 0, z, alpha * z)
        delta = (w2 @ a + b2[:, None] - t) / x.shape[1]
        error = (w2.T @ delta) * np.where(z > 0, 1, alpha)
        return [(error @ x.T, error.sum(axis=1)), (delta @ a.T, delta.sum(axis=1))]

    assert found(gradient, network).precision.name == "float64"


def test_a_loss_that_needs_the_sign_of_t_alone_is_no_sign_of_float32():
    network = mlp(3, 4, 2, hidden="tanh", loss="abs(a - t)", scale="1/m")

    def gradient(params, x, t):
        (w1, b1), (w2, b2) = params
        a = np.tanh(w1 @ x + b1[:, None])
        delta = np.sign(w2 @ a + b2[:, None] - t) / x.shape[1]
        error = (w2.T @ delta) * (1 - a * a)
        return [(error @ x.T, error.sum(axis=1)), (delta @ a.T, delta.sum(axis=1))]

    assert found(gradient, network).precision.name == "float64"


def test_without_an_answer_it_is_float64():
    def fails(params, x, t):
        return None

    assert found(fails).precision.name == "float64"
