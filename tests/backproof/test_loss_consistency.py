"""Differences of the subject's own loss: no false alarm, at kinks or off; another's gradient is found."""

import time

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from backproof.designed import points_of
from backproof.forms import Form
from backproof.graph_points import graph_point
from backproof.judging import Judge
from backproof.loss_consistency import loss_consistency
from backproof.session import Session
from backproof.strategies import networks
from backproof.subjects import CallableSubject, Parameters, Returned
from numeric import backprop
from numeric.envelope import PRECISIONS
from symbolic.conventions import INTERNAL
from symbolic.graph import graph, loss, node
from symbolic.network import mlp

KINKED = mlp(3, 5, 4, 2, hidden="relu", loss="hinge", l1="lambda")
SMOOTH = mlp(3, 4, 2, hidden="tanh", output="softmax", loss="cross-entropy", scale="1/m")
CUSP = mlp(1, 1, hidden="tanh", output="relu", loss="squared")


class Direct:
    """A subject that is called here; it is trusted not to hang."""

    parameters = Parameters((), 3, frozenset({"lam"}), any_keyword=False)
    name = "direct"

    def __init__(self, function):
        self._function = function

    def call(self, params, x, t, **keywords):
        return Returned(self._function(params, x, t, **keywords), (), "")


def of_network(network, *, change=lambda loss, gradient: (loss, gradient), dtype=np.float64):
    """The vectorised backprop of a network as a subject, in some precision, with a change to its answer."""

    def narrowed(pairs):
        return [(w.astype(dtype), None if b is None else b.astype(dtype)) for w, b in pairs]

    def subject(params, x, t, lam=0.0):
        given = narrowed(params), x.astype(dtype), t.astype(dtype)
        value, gradient = change(
            backprop.loss(network, *given, lam=lam), backprop.gradient(network, *given, lam=lam)
        )
        return dtype(value), narrowed(gradient)

    return subject


def said(function, network, *, seed=0, precision="float64", point=None, form=None):
    judge = Judge(Direct(function), INTERNAL, takes_lam=True, form=form or Form())
    session = Session(judge, network, 0, time.monotonic() + 60, precision=PRECISIONS[precision])
    problem = session.problem(network)
    point = point or points_of(network, 3, count=1, seed=seed)[0]
    (asked,) = session.ask(problem, [point])
    return loss_consistency(session, asked)


def scaled(factor):
    return lambda loss, gradient: (loss, [(w * factor, b if b is None else b * factor) for w, b in gradient])


@settings(max_examples=30)
@given(networks(), st.integers(0, 2**20))
@example(KINKED, 0)
def test_a_right_gradient_is_never_found_inconsistent(network, seed):
    assert said(of_network(network), network, seed=seed)[0] in ("passed", "could not tell")
    narrow = said(of_network(network, dtype=np.float32), network, seed=seed, precision="float32")
    assert narrow[0] in ("passed", "could not tell")


@settings(max_examples=20)
@given(networks(mlp(hidden="tanh", output="sigmoid", l2="lambda")), st.integers(0, 2**20))
def test_the_gradient_of_another_loss_is_found(network, seed):
    right, twice = of_network(network), of_network(network, change=scaled(2.0))
    slightly = of_network(network, change=scaled(1 + 1e-6))
    forgotten = mlp(*network.sizes, hidden="tanh", output="sigmoid")

    def without_penalty(params, x, t, lam):
        return right(params, x, t, lam)[0], backprop.gradient(forgotten, params, x, t)

    assert said(right, network, seed=seed)[0] == "passed"
    for wrong in (twice, slightly, without_penalty):
        assert said(wrong, network, seed=seed)[0] == "failed"


@settings(max_examples=20)
@given(networks(mlp(hidden="tanh", output="sigmoid")), st.integers(0, 2**20))
def test_the_error_that_is_said_to_show_does_show(network, seed):
    passed, sentence = said(of_network(network), network, seed=seed)
    assert passed == "passed"
    shown = float(sentence.split()[-2])
    assert 1e-15 < shown < 1e-7
    assert said(of_network(network, change=scaled(1 + 20 * shown)), network, seed=seed)[0] == "failed"
    assert said(of_network(network, change=scaled(1 + shown / 20)), network, seed=seed)[0] == "passed"


def test_the_sentence_has_both_slopes():
    passed, sentence = said(of_network(SMOOTH, change=scaled(1.5)), SMOOTH)
    assert passed == "failed"
    assert sentence.startswith("along its gradient the slope of its loss is ")
    assert " by its gradient: off by -" in sentence


@pytest.mark.parametrize(
    "change",
    [
        lambda loss, gradient: (0.0, gradient),
        lambda loss, gradient: (loss, [(0 * w, 0 * b) for w, b in gradient]),
        lambda loss, gradient: (-loss, gradient),
    ],
    ids=["constant loss", "no gradient", "sign"],
)
def test_what_has_nothing_to_do_with_the_loss_is_found(change):
    assert said(of_network(SMOOTH, change=change), SMOOTH)[0] == "failed"


@pytest.mark.parametrize(
    "change",
    [
        lambda loss, gradient: (3 * loss, [(3 * w, 3 * b) for w, b in gradient]),
        lambda loss, gradient: (loss + 7, gradient),
        lambda loss, gradient: (np.float64(np.float32(loss)), gradient),
    ],
    ids=["other factor", "constant added", "loss in single precision"],
)
def test_another_convention_is_consistent(change):
    assert said(of_network(SMOOTH, change=change), SMOOTH)[0] == "passed"


@settings(max_examples=20)
@given(st.integers(0, 2**20), st.floats(1, 1e12))
def test_a_loss_that_rounds_more_is_consistent(seed, constant):
    added = of_network(SMOOTH, change=lambda loss, gradient: (loss + constant, gradient))
    assert said(added, SMOOTH, seed=seed)[0] in ("passed", "could not tell")


@settings(max_examples=20)
@given(networks(mlp("?-?-?", hidden="tanh", output="softmax", loss="cross-entropy")), st.integers(0, 2**20))
def test_a_loss_other_than_the_declared_one_is_consistent(network, seed):
    declared = mlp(*network.sizes, hidden="identity", loss="squared")
    assert said(of_network(network), declared, seed=seed)[0] == "passed"


def test_a_rounded_loss_decides_nothing():
    rounded = of_network(SMOOTH, change=lambda loss, gradient: (round(float(loss), 3), gradient))
    passed, sentence = said(rounded, SMOOTH)
    assert passed == "could not tell"
    assert sentence.startswith("differences of its loss show a relative error only from ")


def test_in_single_precision_it_never_fails():
    wrong = of_network(SMOOTH, change=scaled(2.0), dtype=np.float32)
    passed, sentence = said(wrong, SMOOTH, precision="float32")
    assert passed == "could not tell"
    assert sentence.endswith("in float32 that alone decides nothing")


def test_a_kink_on_the_point_is_no_inconsistency():
    (point,) = points_of(CUSP, 1, count=1)
    point.params[0][0][:] = point.params[0][1][:] = 0.0
    point.t[:] = 1.0
    assert said(of_network(CUSP), CUSP, point=point)[0] == "could not tell"


def test_a_kink_beside_the_point_is_no_inconsistency():
    (point,) = points_of(CUSP, 1, count=1)
    for beside in (1e-3, 1e-4, 1e-5, 1e-6, -1e-6):
        point.params[0][1][:] = beside - point.params[0][0][0] * point.x[0]
        assert said(of_network(CUSP), CUSP, point=point)[0] in ("passed", "could not tell")


def test_a_bias_that_several_units_share_is_consistent():
    """Its gradient, in place of each unit's, is the sum of all."""

    def total(loss, gradient):
        return loss, [(w, np.full_like(b, b.sum())) for w, b in gradient]

    assert said(of_network(SMOOTH, change=total), SMOOTH)[0] == "failed"
    form = Form(biases="scalar")
    assert said(of_network(SMOOTH, change=total), SMOOTH, form=form)[0] == "passed"


def test_a_graph_with_a_maximum_is_consistent():
    pooled = graph(
        inputs={"x": (3, "m")},
        nodes={"h": node("dense", "x", units=2), "y": node("relu", "h")},
        losses={"E": loss("half-squared", "y", scale="1")},
    )

    def subject(params, x, t, *, slope=1.0):
        z = params["h.W"] @ x["x"] + params["h.b"][:, None]
        error = np.maximum(z, 0) - next(iter(t.values()))
        delta = slope * error * (z > 0)
        return np.sum(error**2) / 2, {"h.W": delta @ x["x"].T, "h.b": delta.sum(axis=1)}

    for slope, expected in ((1.0, "passed"), (1.01, "failed")):
        with CallableSubject(lambda params, x, t, by=slope: subject(params, x, t, slope=by)) as opened:
            session = Session(Judge(opened, INTERNAL, takes_lam=False), pooled, 0, time.monotonic() + 60)
            problem = session.problem(pooled)
            (asked,) = session.ask(problem, [graph_point(problem, 5, 1, {})])
            assert loss_consistency(session, asked)[0] == expected


def test_without_a_loss_it_is_left_out():
    def gradient(params, x, t, lam=0.0):
        return backprop.gradient(SMOOTH, params, x, t)

    assert said(gradient, SMOOTH) == ("left out", "it returns no loss with a gradient")
