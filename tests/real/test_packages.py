"""Backward passes of packages from PyPI: what docs/findings.md says of them."""

from importlib import import_module
from itertools import pairwise

import numpy as np
import pytest

import backproof as bp
from backproof.forms import Form
from symbolic.conventions import Layout
from symbolic.network import mlp
from tests.real import packages

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # saturated units overflow in naive forms

IN_OUT = Layout("in-out", "rows", "1,n")
OUT_IN = Layout("out-in", "rows")
SOFTMAX = {"output": "softmax", "loss": "cross-entropy"}
LOGISTIC = {"output": "sigmoid", "loss": "binary-cross-entropy", "scale": "1/(m*k)"}
MEAN_SQUARE = {"loss": "squared", "scale": "1/(m*k)"}
TANH = {"hidden": "tanh", "output": "tanh"}
RIGHT = {  # function, component, layout, family
    "vanillanets_classifier": ("vanillanets", IN_OUT, {"hidden": "tanh", "scale": "1/m"} | SOFTMAX),
    "vanillanets_binary": ("vanillanets", IN_OUT, {"hidden": "tanh"} | LOGISTIC),
    "nerva_classifier": ("nerva_numpy", OUT_IN, {"hidden": "tanh", "scale": "1"} | SOFTMAX),
    "nerva_log_likelihood": ("nerva_numpy", OUT_IN, {"hidden": "tanh", "scale": "1"} | SOFTMAX),
    "nerva_regressor": ("nerva_numpy", OUT_IN, {"hidden": "tanh", "loss": "squared", "scale": "1"}),
    "minimlp_regressor": ("miniMLP", IN_OUT, TANH | MEAN_SQUARE),
    "npnet_classifier": ("npnet", IN_OUT, {"hidden": "tanh", "scale": "1/m"} | SOFTMAX),
}
FAR_OUT = {  # where they are right, but not stable
    "vanillanets_classifier",
    "vanillanets_binary",
    "nerva_log_likelihood",
    "npnet_classifier",
}
WRONG = {  # and what the report says of it
    "minimlp_classifier": (
        "miniMLP",
        {"hidden": "tanh", "scale": "1/m"} | SOFTMAX,
        "is not what softmax makes of ∂E/∂a",
    ),
    "learnneuralnet_regressor": (
        "nn",
        {"hidden": "sigmoid"} | MEAN_SQUARE,
        "the gradient of another loss: the data term times k/m",
    ),
    "npnet_regressor": (
        "npnet",
        {"hidden": "tanh", "loss": "half-squared", "scale": "1/(m*k)"},
        "the gradient of another loss: the data term times m*k",
    ),
}


def report_on(function, layout, family):
    return bp.check(getattr(packages, function), family, layout=layout, max_examples=5, max_time=15)


@pytest.mark.parametrize("function", RIGHT)
def test_a_package_is_right(require, function):
    component, layout, options = RIGHT[function]
    require(component)
    report = report_on(function, layout, mlp("3-4-2", **options))
    assert report.verdict == ("right, unstable" if function in FAR_OUT else "right"), report.text()
    assert report.evidence.losses == report.evidence.points


@pytest.mark.parametrize("function", WRONG)
def test_a_package_is_wrong(require, function):
    component, options, sentence = WRONG[function]
    require(component)
    report = report_on(function, IN_OUT, mlp(**options))
    assert report.verdict == "wrong", "docs/findings.md says otherwise"
    assert "wrong gradient" in [finding.kind for finding in report.findings]
    assert sentence in " ".join(report.text().split()), report.text()


def test_a_network_that_is_asked_without_an_adapter_is_right(require):
    require("multilayer_perceptron")
    form = Form(
        "object", init="sizes", weight="weights[{l}]", bias="biases[{l}]", first=0,
        calls="backprop(x, t)", returns="biases, weights", batch="single-column", reduce="sum",
    )  # fmt: skip
    subject = import_module("multilayer_perceptron.network").Network
    family = mlp("3-4-2", hidden="sigmoid", output="sigmoid", loss="squared", scale="1")
    layout = Layout("out-in", "columns", "n,1")
    report = bp.check(subject, family, layout=layout, form=form, max_examples=5)
    assert report.verdict == "right", report.text()


RATIOS = {  # of the gradient to the slope of the loss that comes with it, for m samples and k outputs
    "minimlp_huber": ("miniMLP", lambda m, k: k),
    "minimlp_binary": ("miniMLP", lambda m, k: k),
    "learnneuralnet_regressor": ("nn", lambda m, k: k / m),
    "learnneuralnet_binary": ("nn", lambda m, k: k / m),
    "npnet_regressor": ("npnet", lambda m, k: m * k),
    "minimlp_regressor": ("miniMLP", lambda m, k: 1),
    "vanillanets_binary": ("vanillanets", lambda m, k: 1),
}


@pytest.mark.parametrize("function", RATIOS)
def test_differences_of_a_packages_own_loss_say_the_same(require, function):
    component, ratio = RATIOS[function]
    require(component)
    random, step = np.random.default_rng(0), 1e-3
    m, sizes = 5, (3, 4, 2)
    params = [(random.normal(size=size), random.normal(size=(1, size[1]))) for size in pairwise(sizes)]
    x, t = random.normal(size=(m, 3)), random.uniform(0.2, 0.8, size=(m, 2))
    ask = getattr(packages, function)
    _, grads = ask([(w.copy(), b.copy()) for w, b in params], x, t)
    for l, (w, _) in enumerate(params):
        ends = []
        for side in (step, -step):
            moved = [(each.copy(), b.copy()) for each, b in params]
            moved[l][0][0, 1] += side
            ends.append(float(ask(moved, x, t)[0]))
        slope = (ends[0] - ends[1]) / (2 * step)
        assert grads[l][0][0, 1] == pytest.approx(ratio(m, 2) * slope, rel=1e-2), (l, w.shape)


def test_minimlp_takes_softmax_for_a_function_of_single_units(require):
    require("miniMLP")
    params = [(np.array([[0.3, -0.2, 0.5]]), np.zeros((1, 3)))]
    x, t = np.array([[0.7]]), np.array([[1.0, 0.0, 0.0]])
    _, [(_, d_bias)] = packages.minimlp_classifier(params, x, t)
    a = np.exp(x @ params[0][0]) / np.exp(x @ params[0][0]).sum()
    np.testing.assert_allclose(d_bias, -t * (1 - a), rtol=1e-7)  # and not a - t, whose entries add up to 0
