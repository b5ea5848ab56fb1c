"""Symmetry of the derivative: what is the gradient of something, and what of nothing."""

import pytest

from backproof.points import generic_point, shift_count
from backproof.symmetry import asymmetry, threshold
from numeric.envelope import DOUBLE, PRECISIONS
from numeric.problem import problem_of
from symbolic.network import mlp
from tests.backproof.on_designed_points import judge_of
from tests.backproof.textbook import textbook
from tests.implementations import in_single_precision

NETWORK = mlp(3, 4, 2, hidden="tanh", scale="1/m")


def gap(subject, precision=DOUBLE):
    point = generic_point(NETWORK, 3, [0] * shift_count(NETWORK, 3))
    return asymmetry(judge_of(subject), problem_of(NETWORK), point, precision)


@pytest.mark.parametrize("bug", [None, "missing 1/m", "sign", "learning rate folded in", "missing factor 2"])
def test_a_factor_leaves_the_gradient_of_another_loss(bug):
    assert gap(textbook(hidden="tanh", bug=bug)) < 1e-8 < threshold(DOUBLE) < 1e-7


OF_NOTHING = ["slope at a for z", "bias mean", "bias times input", "1/m at every layer", "tanh' = 1 - tanh"]


@pytest.mark.parametrize("bug", OF_NOTHING)
def test_most_bugs_leave_the_gradient_of_nothing(bug):
    assert gap(textbook(hidden="tanh", bug=bug)) > 0.01


@pytest.mark.parametrize(("bug", "is_symmetric"), [(None, True), ("bias mean", False)])
def test_single_precision_tells_as_well(bug, is_symmetric):
    single = PRECISIONS["float32"]
    found = gap(in_single_precision(textbook(hidden="tanh", bug=bug)), single)
    assert (found <= threshold(single)) == is_symmetric


def test_without_answers_nothing_is_known():
    assert gap(lambda params, x, t: None) is None


def test_a_gradient_that_is_constant_is_symmetric():
    def constant(params, x, t):
        return [(1 + 0 * w, 1 + 0 * b) for w, b in params]

    assert gap(constant) == 0


def test_where_an_answer_is_no_number_nothing_is_known():
    def infinite(params, x, t):
        return [(w / 0.0, b) for w, b in params]

    with pytest.warns(RuntimeWarning, match="divide by zero"):
        assert gap(infinite) is None
