"""Checking at the user's own point: what it takes, and what one point cannot show."""

from itertools import pairwise

import numpy as np
import pytest

from backproof.checking import check
from backproof.own_points import InvalidPoint, read_point
from symbolic.conventions import Layout
from symbolic.errors import InvalidNetwork
from symbolic.network import mlp
from tests.backproof.textbook import textbook

NETWORK = mlp(2, 3, 4, hidden="tanh", scale="1/m")
right = textbook(hidden="tanh")


def arrays(sizes=(2, 3, 4), samples=5, **changes):
    rng = np.random.default_rng(1)
    found = {}
    for l, (before, after) in enumerate(pairwise(sizes), start=1):
        found |= {f"W{l}": rng.normal(size=(after, before)) / before, f"b{l}": rng.normal(size=after)}
    x, t = rng.normal(size=(sizes[0], samples)), rng.normal(size=(sizes[-1], samples))
    return found | {"x": x, "t": t} | changes


def test_a_generic_point_shows_everything():
    report = check(right, NETWORK, at=arrays())
    assert (report.verdict, report.not_shown, report.seed) == ("right", (), None)
    assert report.evidence.entries == 2 * 3 + 3 + 3 * 4 + 4


def test_a_bug_is_seen_at_ones_own_point():
    report = check(textbook(hidden="tanh", bug="bias mean"), NETWORK, at=arrays())
    assert report.verdict == "wrong"
    assert report.findings[0].tally == (("W1", 0, 6), ("b1", 3, 3), ("W2", 0, 12), ("b2", 4, 4))
    assert "np.array" not in report.text()  # the values are in the user's own file


@pytest.mark.parametrize(
    ("bug", "point", "sentence"),
    [
        ("missing 1/m", arrays(samples=1), "m = 1"),
        ("bias mean", arrays(samples=1), "m = 1"),
        ("weights not transposed", arrays(sizes=(2, 3, 3), W2=np.eye(3)), "W2 is its own transpose"),
    ],
)
def test_a_blind_spot_hides_a_bug_and_is_named(bug, point, sentence):
    chain = mlp(*[None] * 3, hidden="tanh")
    report = check(textbook(hidden="tanh", bug=bug), chain, at=point)
    assert report.verdict == "right"
    assert any(sentence in line for line in report.not_shown)


def test_a_penalty_is_hidden_at_lambda_zero():
    chain = mlp(2, 3, 4, hidden="tanh", l2="lambda/2")
    report = check(right, chain, at=arrays(), settings={"lambda": 0.0})
    assert report.verdict == "right"
    assert "λ = 0: anything about the penalty" in report.not_shown


def test_biases_of_zero_hide_a_penalty_on_biases():
    chain = mlp(2, 3, 4, hidden="tanh", l2="lambda/2")
    subject = textbook(hidden="tanh", l2=lambda lam, m: lam / 2, bug="biases decay")
    at = arrays(b1=np.zeros(3), b2=np.zeros(4))
    report = check(subject, chain, at=at, settings={"lambda": 0.3})
    assert report.verdict == "right"
    shown = "b1, b2 = 0: a bias that the forward pass forgets, and whether a penalty covers biases"
    assert shown in report.not_shown


@pytest.mark.parametrize(
    ("options", "point", "sentence"),
    [
        ({}, arrays(sizes=(2, 3, 1)), "k = 1 output"),
        ({}, arrays(sizes=(2, 4)), "one layer"),
        ({}, arrays(samples=4), "n2 = m = 4"),
        ({}, arrays(x=np.ones((2, 5)), t=np.ones((4, 5))), "only 1 of 5 samples are different"),
        ({}, arrays(W1=np.full((3, 2), 0.5)), "all weights in W1 are 0.5"),
        ({}, arrays(x=np.array([[1.0, 2, 3, 4, 5], [0] * 5])), "∂E/∂W1: 3 of 6 entries are 0"),
        ({}, arrays(W1=np.full((3, 2), 1e-6), b1=np.zeros(3)), "layer 1: |z| < 0.001 throughout"),
        ({"hidden": "relu"}, arrays(b1=np.full(3, 9.0)), "layer 1: no z < 0, so the slope of relu there"),
    ],
)
def test_what_one_point_cannot_show_is_said(options, point, sentence):
    chain = mlp(*[None] * sum(name.startswith("W") for name in point), None, **{"hidden": "tanh"} | options)
    report = check(textbook(**{"hidden": "tanh"} | options), chain, at=point)
    assert report.verdict == "right", report.text()
    assert any(line.startswith(sentence) for line in report.not_shown), report.not_shown
    assert "what this one point cannot show:" in report.text()


def test_saturated_units_are_evidence_too():
    report = check(textbook(hidden="tanh", bug="sign"), NETWORK, at=arrays(b1=np.array([9.0, 0, 0])))
    assert report.verdict == "wrong"


def test_nan_in_a_saturated_unit_is_a_failure_nevertheless():
    def unstable(params, x, t):
        return [(dw * np.nan, db) for dw, db in right(params, x, t)]

    assert check(unstable, NETWORK, at=arrays(b1=np.array([900.0, 0, 0]))).verdict == "subject failed"


def test_entries_that_depend_on_a_kink_are_not_counted():
    point = arrays(x=np.zeros((2, 5)), b1=np.array([0.0, 0.5, -0.5]))
    subject = textbook(hidden="relu")
    report = check(subject, mlp(2, 3, 4, hidden="relu"), at=point)
    assert report.verdict == "right"
    assert any("layer 1, unit 1 at a kink" in line for line in report.not_shown)
    assert dict(report.evidence.not_counted)["where rounding may be as large as the value"] >= 1


def test_the_arrays_may_be_in_any_layout():
    inside = arrays()
    layout = Layout("in-out", "rows", "1,n")
    outside = {name: value[None] if value.ndim == 1 else value.T for name, value in inside.items()}
    network, point = read_point(outside, mlp(None, None, None, hidden="tanh"), layout)
    assert network.sizes == (2, 3, 4)
    assert all(
        (w == inside[f"W{l}"]).all() and (b == inside[f"b{l}"]).all()
        for l, (w, b) in enumerate(point.params, start=1)
    )
    assert (point.x == inside["x"]).all() and (point.t == inside["t"]).all()


def test_integer_labels_become_one_hot():
    layout = Layout(labels="integer")
    _, point = read_point(arrays(t=np.array([0, 3, 1, 1, 2])), NETWORK, layout)
    assert point.t.argmax(axis=0).tolist() == [0, 3, 1, 1, 2]
    assert (point.t.sum(axis=0) == 1).all()


def without(name):
    return {key: value for key, value in arrays().items() if key != name}


@pytest.mark.parametrize(
    ("point", "layout", "message"),
    [
        (without("b2"), Layout(), "b2 missing for 2-3-4; give W1, b1, W2, b2, x, t"),
        (without("x"), Layout(), "x missing"),
        (arrays(W3=np.ones((2, 2))), Layout(), "W3 not known for 2-3-4; give W1, b1"),
        (arrays(W1=np.ones((2, 3))), Layout(), "W1 has shape (2, 3); expected (3, 2)"),
        (arrays(b1=np.array([0.0, np.nan, 1.0])), Layout(), "b1[1] is nan; a gradient needs finite numbers"),
        (arrays(W1=np.ones((3, 2)) * 1j), Layout(), "W1 is of dtype complex128; expected real numbers"),
        (arrays(x=np.ones(2)), Layout(), "x has shape (2,); expected rows and columns"),
        (arrays(t=np.array([0, 4, 1, 1, 2])), Layout(labels="integer"), "t holds 4; labels are 0 to 3"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(point, layout, message):
    with pytest.raises(InvalidPoint) as caught:
        read_point(point, NETWORK, layout)
    assert message in str(caught.value)


def test_a_family_needs_at_least_one_weight():
    with pytest.raises(InvalidPoint, match="W1 missing; the arrays are x"):
        read_point({"x": np.ones((2, 2))}, mlp(hidden="tanh"), Layout())


def test_lambda_is_not_drawn_at_ones_own_point():
    def decaying(params, x, t, lam):
        return right(params, x, t)

    with pytest.raises(InvalidNetwork, match="at one point λ is not drawn; say what λ is"):
        check(decaying, mlp(2, 3, 4, hidden="tanh", l2="lambda"), at=arrays())
