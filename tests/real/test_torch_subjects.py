"""PyTorch: its autograd is right, and backward passes that users write in it are what they are."""

import sys
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import backproof as bp
from backproof.forms import Form
from backproof.points import Point
from backproof.strategies import networks
from backproof.subjects import FileSubject
from symbolic.activations import ACTIVATIONS
from symbolic.conventions import Layout
from symbolic.losses import LOSSES
from symbolic.network import mlp
from tests.real.expressed import asked, asked_at, is_known

SOURCE = Path(__file__).parent / "torch_losses.py"
DTYPES = ["float64", "float32"]
ROWS = Layout("out-in", "rows")
HEADS = {"binary-cross-entropy": "sigmoid", "poisson": "exp"}


@pytest.fixture(scope="module")
def framework(require):
    require("torch")
    return import_module("tests.real.torch_tables").TORCH


@pytest.fixture(scope="module")
def losses(require):
    require("torch")
    return import_module("tests.real.torch_losses")


def findings(framework, network, dtype, seed=0, samples=3):
    return [found for o in asked(framework, network, samples, dtype, seed) for found in o.findings]


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    network=networks(max_depth=5, min_width=1, unequal=False),
    samples=st.integers(1, 6),
    seed=st.integers(0, 999),
)
def test_autograd_is_right_on_drawn_networks(framework, network, samples, seed):
    for dtype in DTYPES:
        if not is_known(framework, dtype, network):
            assert not findings(framework, network, dtype, seed, samples)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation_is_pytorchs(framework, name, dtype):
    network = mlp(3, 4, 2, hidden=name)
    assert bool(findings(framework, network, dtype)) == is_known(framework, dtype, network)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_is_pytorchs(framework, name, dtype):
    output = HEADS.get(name, "softmax" if LOSSES[name].needs_probability else "identity")
    network = mlp(3, 4, 2, hidden="tanh", output=output, loss=name)
    assert not any(findings(framework, network, dtype, seed) for seed in range(4))


def test_another_activation_in_pytorch_is_found(framework):
    spoiled = replace(framework, activations=framework.activations | {"gelu": framework.activations["silu"]})
    assert findings(spoiled, mlp(3, 4, 2, hidden="gelu"), "float32")


def test_rounding_what_is_given_is_no_fault_of_a_subject_in_single_precision(framework):
    u, random, points = 2.0**-24, np.random.default_rng(0), []
    for _ in range(50):  # w, x and b lie half a last place off, and w x + b cancels
        i, j, k = random.integers(1, 400), 1000 * random.integers(1, 400), random.integers(20, 60)
        product = np.float32(1 + 2 * u * i) * np.float32(1 + 2 * u * j)
        w, b = 1 + 2 * u * i + 0.98 * u, -(float(product) + 2 * u * k + 1.02 * u)
        params = ((np.array([[w], [0.1]]), np.array([b, 0.1])),)
        points.append(Point(params, np.array([[1 + 2 * u * j + 0.98 * u]]), np.zeros((2, 1))))
    outcomes = asked_at(framework, mlp("1-2", scale="1"), points, "float32")
    assert not [found for outcome in outcomes for found in outcome.findings]


MLP = {"hidden": "tanh", "scale": "1/m"}
LAYER = {"hidden": "tanh", "output": "tanh", "loss": "squared", "scale": "1/(m*k)"}
WHOLE = Form("torch-function", params="list", arguments="x, t, *params")
ONE_LAYER = Form("torch-function", role="layer", arguments="x, weight, bias", loss="mse_loss")
HAND_WRITTEN = {
    "HandWritten": (WHOLE, MLP, "right", None),
    "SlopeNotSquared": (WHOLE, MLP, "wrong", "(1 − A1[i,c])"),
    "Tanh": (ONE_LAYER, LAYER, "right", None),
    "BiasOfOneSample": (ONE_LAYER, LAYER, "wrong", "b"),
}


@pytest.mark.parametrize(
    ("name", "form", "options", "verdict", "formula"),
    [(n, *row) for n, row in HAND_WRITTEN.items()],
    ids=HAND_WRITTEN,
)
def test_a_function_of_autograds_is_judged_and_its_formula_named(
    losses, name, form, options, verdict, formula
):
    report = bp.check(getattr(losses, name), mlp(**options), layout=ROWS, form=form, max_examples=5)
    assert report.verdict == verdict, report.text()
    if formula:
        assert formula in report.explanations[0].formula, report.text()


def module(loss):
    """In a process of its own: PyTorch's threads, once this one has used them, stop in a child of it."""
    form = Form("torch-module", init="*sizes", loss=loss)
    return FileSubject(SOURCE, "Module", python=Path(sys.executable), form=form)


@pytest.mark.parametrize("labels", ["one-hot", "integer"])
def test_a_module_is_right(require, labels):
    require("torch")
    family = mlp("3-4-2", hidden="gelu", output="softmax", loss="cross-entropy", scale="1/m")
    with module("cross_entropy") as subject:
        report = bp.check(subject, family, layout=replace(ROWS, labels=labels), max_examples=5)
    assert report.verdict == "right", report.text()


def test_a_module_with_another_activation_is_wrong(require):
    require("torch")
    family = mlp("3-4-2", hidden="relu", loss="squared", scale="1/(m*k)")
    with module("mse_loss") as subject:
        assert bp.check(subject, family, layout=ROWS, max_examples=5, max_time=10).verdict == "wrong"
