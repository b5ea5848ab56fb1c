"""micrograd from PyPI: its own MLP, and its engine where a value is used more than once."""

from importlib import import_module

import pytest

import backproof as bp
from backproof.forms import Form
from symbolic.conventions import Layout
from symbolic.network import mlp
from tests.real.packages import micrograd_regressor

ROWS = Layout("in-out", "rows")
RELU = {"hidden": "relu", "loss": "squared", "scale": "1"}
SQUARE = {"hidden": "z**2", "output": "z**2", "loss": "squared", "scale": "1"}


def test_its_network_is_right(require):
    require("micrograd")
    report = bp.check(micrograd_regressor, mlp("3-4-3-2", **RELU), layout=ROWS, max_examples=5)
    assert report.verdict == "right", report.text()


def test_its_network_fails_where_a_hidden_layer_has_one_unit(require):
    require("micrograd")
    report = bp.check(micrograd_regressor, mlp("3-1-2", **RELU), layout=ROWS, max_examples=5)
    assert report.verdict == "subject failed", "docs/findings.md says otherwise"
    assert "TypeError: 'Value' object is not iterable" in report.text()


def without_order(value):
    """The chain rule from the output back, as a recursion that meets a value once for each of its uses."""

    def passed_on(of):
        of._backward()
        for child in of._prev:
            passed_on(child)

    value.grad = 1
    passed_on(value)


def overwriting_product(self, other):
    """A product whose slope replaces what its factors have."""
    value = type(self)
    other = other if isinstance(other, value) else value(other)
    out = value(self.data * other.data, (self, other))

    def backward():
        self.grad, other.grad = other.data * out.grad, self.data * out.grad

    out._backward = backward
    return out


FAULTS = {
    "none": (None, None),
    "no order": ("backward", without_order),
    "overwritten": ("__mul__", overwriting_product),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_value_that_is_used_twice_gets_the_sum_of_its_slopes(require, monkeypatch, fault):
    require("micrograd")
    losses = import_module("tests.real.micrograd_losses")
    method, replacement = FAULTS[fault]
    if method:
        monkeypatch.setattr(losses.Value, method, replacement)
    report = bp.check(losses.loss, mlp("2-3-2", **SQUARE), layout=ROWS, form=Form("scalars"), max_examples=5)
    assert report.verdict == ("wrong" if method else "right"), report.text()
