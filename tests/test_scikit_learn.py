"""scikit-learn's own backward code, checked: what docs/findings.md says of it."""

import json
import re
import shlex
from importlib import import_module
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from backproof.checking import check
from symbolic.conventions import Layout
from symbolic.network import mlp
from tests.command import run

ROOT = Path(__file__).parent.parent
LAYOUT = Layout(weights="in-out", samples="rows")
PENALTY = "lambda/(2*m)"
HIDDEN = {"identity": "identity", "sigmoid": "logistic", "tanh": "tanh", "relu": "relu"}  # ours: theirs
SOFTMAX = {"output": "softmax", "loss": "cross-entropy"}
LOGISTIC = {"output": "sigmoid", "loss": "binary-cross-entropy"}
SQUARED = {"loss": "half-squared"}
POISSON = {"output": "exp", "loss": "a - t**2*log(a) + t**2*(log(t**2) - 1)"}
RIGHT = {
    "multi-class": ("classifier", "?-…-?", SOFTMAX),
    "binary": ("binary", "?-?-1", LOGISTIC),
    "multi-label": ("binary", "?-…-?", LOGISTIC),
    "regression": ("regressor", "?-?-1", SQUARED),
    "regression of several outputs, gradient alone": ("regressor_gradient", "?-…-?", SQUARED),
    "Poisson": ("poisson", "?-…-?", POISSON),
}
LABELS = [[0, 1], [1, 1], [1, 0], [0, 0]]
REALS = [[0.5, 1.0], [-2.0, 2.0], [1.5, -1.0], [3.0, 0.0]]
TRAINING = {  # y as `partial_fit` takes it, and t
    "multi-class": ("classifier", [0, 2, 1, 2], np.eye(3)[[0, 2, 1, 2]]),
    "binary": ("binary", [0, 1, 1, 0], [[0], [1], [1], [0]]),
    "multi-label": ("binary", LABELS, LABELS),
    "regression": ("regressor", [0.5, -2.0, 1.5, 3.0], [[0.5], [-2.0], [1.5], [3.0]]),
    "regression of several outputs": ("regressor", REALS, REALS),
}
cases = pytest.mark.parametrize(("function", "sizes", "objective"), RIGHT.values(), ids=RIGHT)


@pytest.fixture
def subjects(require):
    require("sklearn")
    return import_module("examples.scikit_learn")


def assert_right(report):
    """Right, or unstable in E alone: losses end at -log eps, and take logarithms of what is 0 in floats."""
    unstable = [remark for remark in report.remarks if " in E where " in remark]
    assert report.verdict == ("right, unstable" if unstable else "right"), report.text()


def report_on(subject, sizes, objective, *, hidden="tanh", l2=PENALTY):
    family = mlp(sizes, hidden=hidden, **{"scale": "1/m"} | objective, l2=l2)
    return check(subject, family, layout=LAYOUT, max_examples=10)


@pytest.mark.parametrize(
    ("function", "sizes", "objective", "hidden"),
    [
        pytest.param(*RIGHT[case], hidden, id=f"{hidden}-{case}")
        for (row, case), (column, hidden) in product(enumerate(RIGHT), enumerate(HIDDEN))
        if (row + column) % 2 == 0  # hidden layers do not know what follows: each with three of the outputs
    ],
)
def test_scikit_learn_is_right(subjects, monkeypatch, function, sizes, objective, hidden):
    monkeypatch.setattr(subjects, "HIDDEN", HIDDEN[hidden])
    report = report_on(getattr(subjects, function), sizes, objective, hidden=hidden)
    assert_right(report)
    assert report.evidence.precision == "float64"
    assert bool(report.evidence.losses) == (function != "regressor_gradient")


@cases
def test_scikit_learn_is_right_in_single_precision(subjects, monkeypatch, function, sizes, objective):
    monkeypatch.setattr(subjects, "DTYPE", "float32")
    report = report_on(getattr(subjects, function), sizes, objective)
    assert_right(report)
    assert report.evidence.precision == "float32"


@cases
def test_scikit_learn_is_right_without_a_penalty(subjects, function, sizes, objective):
    report = report_on(getattr(subjects, function), sizes, objective, l2=None)
    assert_right(report)


@pytest.mark.parametrize(("scale", "finding"), [("1/m", "wrong loss"), ("1/(m*k)", "wrong gradient")])
def test_a_regressors_loss_is_a_mean_over_outputs_and_its_gradient_that_of_a_sum(subjects, scale, finding):
    report = report_on(subjects.regressor, "?-…-?", SQUARED | {"scale": scale})
    assert [found.kind for found in report.findings] == [finding], "docs/findings.md says otherwise"
    assert report.counterexample.network.shape == "1-2"


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_classifiers_loss_ends_at_the_logarithm_of_eps_and_its_gradient_does_not(
    subjects, monkeypatch, dtype
):
    monkeypatch.setattr(subjects, "DTYPE", dtype)
    params, x, t = [(np.array([[40.0]]), np.array([0.0]))], np.array([[1.0]]), np.array([[0.0]])
    loss, [(d_weights, d_bias)] = subjects.binary(params, x, t)
    assert loss == pytest.approx(-np.log(np.finfo(dtype).eps), rel=1e-6)
    assert d_weights == d_bias == 1
    arrays = {"W1": params[0][0], "b1": params[0][1], "x": x, "t": t}
    report = check(subjects.binary, mlp("1-1", **LOGISTIC), layout=LAYOUT, at=arrays)
    assert report.verdict == "right"  # of the gradient; E itself is 40, which its definition loses in floats
    assert "1 value whose value is no finite number" in report.text()


def test_the_command_of_the_example_finds_it_right(require):
    require("sklearn")
    source = (ROOT / "examples" / "scikit_learn.py").read_text(encoding="utf-8").replace("\\\n", "")
    (command,) = re.findall(r"^    backproof (.*)$", source, flags=re.MULTILINE)
    done = run(*shlex.split(command), "--format", "json", cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert found["verdict"] == "right, unstable"  # its loss ends at -log eps
    assert any("another value in E" in remark for remark in found["remarks"])


def test_a_wrong_slope_inside_scikit_learn_is_found(subjects, monkeypatch):
    slopes = import_module("sklearn.neural_network._base").DERIVATIVES
    monkeypatch.setitem(slopes, "tanh", slopes["identity"])
    report = report_on(subjects.classifier, "?-…-?", SOFTMAX)
    assert [found.kind for found in report.findings] == ["wrong gradient"], report.text()


def test_a_gradient_that_is_off_by_a_millionth_is_found(subjects):
    def spoiled(params, x, t, *, lam):
        gradient = subjects.regressor_gradient(params, x, t, lam=lam)
        return [(d_weights * (1 + 1e-6), d_biases) for d_weights, d_biases in gradient]

    report = report_on(spoiled, "?-…-?", SQUARED)
    assert report.verdict == "wrong"
    assert [name for name, bad, _ in report.findings[0].tally if bad] == ["W1"]


def test_a_dropped_penalty_is_found(subjects):
    def unpenalized(params, x, t, *, lam):
        return subjects.regressor_gradient(params, x, t)

    report = report_on(unpenalized, "?-…-?", SQUARED)
    assert [name for name, bad, _ in report.findings[0].tally if bad] == ["W1"]


@pytest.mark.parametrize(("function", "y", "t"), TRAINING.values(), ids=TRAINING)
def test_training_steps_along_the_gradient_that_is_checked(subjects, function, y, t):
    options = {"activation": "tanh", "alpha": 0.3, "solver": "sgd", "learning_rate_init": 0.5, "momentum": 0}
    if function == "regressor":
        estimator, known = subjects.MLPRegressor(hidden_layer_sizes=(3, 2), **options), {}
    else:
        estimator, known = subjects.MLPClassifier((3, 2), **options), {"classes": np.unique(y)}
    x = np.random.default_rng(0).normal(size=(4, 2))

    def trained():
        estimator.partial_fit(x, y, **known)
        return [(w.copy(), b.copy()) for w, b in zip(estimator.coefs_, estimator.intercepts_, strict=True)]

    before, after = trained(), trained()
    loss, gradient = getattr(subjects, function)(before, x, np.array(t), lam=0.3)
    assert estimator.loss_ == pytest.approx(loss, rel=1e-12)
    for (w, b), (new_w, new_b), (d_weights, d_biases) in zip(before, after, gradient, strict=True):
        np.testing.assert_allclose(w - 0.5 * d_weights, new_w, rtol=1e-12)
        np.testing.assert_allclose(b - 0.5 * d_biases, new_b, rtol=1e-12)
