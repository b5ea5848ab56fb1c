"""What is right up to a convention is told from what is wrong: factors, signs, penalties, an ε."""

import numpy as np
import pytest

from backproof.checking import check
from backproof.graph_points import graph_point, sparse
from backproof.rounding import in_precision
from numeric.envelope import PRECISIONS
from numeric.problem import problem_of_graph
from symbolic.graph import graph, loss, node
from symbolic.network import mlp
from tests.backproof.textbook import loss_value, textbook

OPEN, DECLARED = mlp(hidden="tanh"), mlp(hidden="tanh", scale="1/m")
ENTROPY = mlp(None, None, output="softmax", loss="cross-entropy", scale="1/m")
right = textbook(hidden="tanh")


@pytest.mark.parametrize(("bug", "factor"), [("missing 1/m", "m"), ("sign", "-1")])
def test_a_factor_is_a_convention_where_the_scale_is_open_and_wrong_where_it_is_said(bug, factor):
    subject = textbook(hidden="tanh", bug=bug)
    report = check(subject, OPEN, max_examples=5)
    assert (report.verdict, report.convention.data) == ("right up to a convention", factor)
    assert check(subject, DECLARED, max_examples=5).verdict == "wrong"


@pytest.mark.parametrize(("scale", "verdict"), [(1, "wrong"), (None, "right up to a convention")])
def test_a_returned_loss_has_to_have_the_factor_of_its_gradient(scale, verdict):
    summed = textbook(hidden="tanh", bug="missing 1/m")

    def subject(params, x, t):
        value = loss_value(params, x, t, hidden="tanh")
        return value * (scale or x.shape[1]), summed(params, x, t)

    assert check(subject, OPEN, max_examples=5).verdict == verdict


def test_a_penalty_that_nobody_declared_is_found():
    def decayed(params, x, t, lam=0.0):
        pairs = zip(right(params, x, t), params, strict=True)
        return [(dw + lam / x.shape[1] * w, db) for (dw, db), (w, _) in pairs]

    report = check(decayed, OPEN, max_examples=5)
    assert (report.verdict, report.convention.penalty) == ("right up to a convention", "1/m")


def test_a_penalty_that_is_left_out_is_no_convention():
    def forgetful(params, x, t, lam=0.0):
        return right(params, x, t)

    assert check(forgetful, mlp(hidden="tanh", l2="lambda/2"), max_examples=5).verdict == "wrong"


def entropy(epsilon, *, off=0.0, in_slope=False):
    def subject(params, x, t):
        ((w, b),) = params
        z = w @ x + b[:, None]
        z = z - z.max(axis=0)
        a = np.exp(z) / np.exp(z).sum(axis=0)
        upstream = -t / (a + epsilon * in_slope) / x.shape[1]
        delta = a * (upstream - (a * upstream).sum(axis=0)) if in_slope else (a - t) / x.shape[1]
        value = -np.sum(t * np.log(a + epsilon)) / x.shape[1] + off
        gradient = [(delta @ x.T, delta.sum(axis=1))]
        return gradient if in_slope else (value, gradient)

    return subject


@pytest.mark.parametrize("in_slope", [False, True])
def test_an_epsilon_in_a_logarithm_is_a_convention(in_slope):
    report = check(entropy(1e-8, in_slope=in_slope), ENTROPY, max_examples=5)
    assert report.verdict == "right up to a convention", report.text()
    assert any("1e-08" in sentence for sentence in report.convention.sentences)


def test_what_is_no_epsilon_is_a_wrong_loss():
    assert check(entropy(0.0, off=1e-8), ENTROPY, max_examples=5).verdict == "wrong"


def test_points_lie_on_both_sides_of_every_kink():
    def rectified(params, x, t):
        (w1, b1), (w2, b2) = params
        z = w1 @ x + b1[:, None]
        a = np.clip(z, 0, 6)
        d2 = (w2 @ a + b2[:, None] - t) / x.shape[1]
        d1 = (w2.T @ d2) * (z > 0)
        return [(d1 @ x.T, d1.sum(axis=1)), (d2 @ a.T, d2.sum(axis=1))]

    report = check(rectified, mlp(None, None, None, hidden="relu6", scale="1/m"), max_examples=5)
    assert report.verdict == "wrong"
    first = report.explanations[0]  # of those that are one function here: z > 0, and a's own mask
    assert any("slope f′ of relu " in bug for bug in (first.bug, *first.equivalents)), first


def test_sparse_points_have_inputs_and_units_that_are_0():
    net = graph(
        inputs={"x": (3, "m")},
        nodes={"h": node("dense", "x", units=2)},
        losses={"E": loss("half-squared", "h")},
    )
    point = graph_point(problem_of_graph(net), 5, 0, {})
    thin = sparse(point, 0)
    assert (point.x["x"] != 0).all()
    assert (thin.x["x"] == 0).any()
    assert (thin.params["h.W"][0] == 0).all()


def test_points_in_single_precision_hold_singles_alone():
    net = graph(
        inputs={"x": (3, "m")},
        nodes={"h": node("dense", "x", units=2)},
        losses={"E": loss("half-squared", "h")},
    )
    point = graph_point(problem_of_graph(net), 5, 0, {})
    narrow = in_precision(point, PRECISIONS["float32"])
    assert (narrow.x["x"] == narrow.x["x"].astype("f4")).all()
    assert (narrow.x["x"] != point.x["x"]).any()
    assert in_precision(point, PRECISIONS["float64"]) is point
