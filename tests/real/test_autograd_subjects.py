"""HIPS autograd: a primitive's vjp is judged, and the slope it was taken for is named."""

from importlib import import_module

import pytest

import backproof as bp
from backproof.forms import Form
from symbolic.conventions import Layout
from symbolic.network import mlp


@pytest.mark.parametrize(
    ("name", "verdict", "formula"), [("right", "right", None), ("wrong", "wrong", "A1[i,c]·(1 − A1[i,c])")]
)
def test_a_vjp_is_judged_and_its_slope_named(require, name, verdict, formula):
    require("autograd")
    subject = getattr(import_module("tests.real.autograd_losses"), name)
    family = mlp("3-4-2", hidden="tanh", scale="1/m")
    report = bp.check(subject, family, layout=Layout("in-out", "rows"), form=Form("autograd"), max_examples=5)
    assert report.verdict == verdict, report.text()
    if formula:
        assert formula in report.explanations[0].formula, report.text()
