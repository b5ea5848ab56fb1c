"""Layouts found by asking: every one of them, for right subjects and for wrong ones."""

from dataclasses import asdict
from itertools import product

import numpy as np
import pytest

from backproof.discovery import candidates, discover
from backproof.forms import Form
from symbolic.conventions import CHOICES, INTERNAL, Layout
from symbolic.network import mlp
from tests.backproof.textbook import textbook
from tests.implementations import Direct

CLASSES = {"hidden": "tanh", "output": "softmax", "loss": "cross-entropy"}
LAYOUTS = [Layout(*choice) for choice in product(*CHOICES.values())]


def stored(inside, layout):
    """A subject that keeps its arrays in a layout."""

    def turned(w):
        return w if layout.weights == "out-in" else w.T

    def subject(params, x, t):
        params = [(turned(w), b.ravel()) for w, b in params]
        x = x if layout.samples == "columns" else x.T
        if layout.labels == "integer":
            t = np.eye(len(params[-1][1]))[:, t]
        elif layout.samples == "rows":
            t = t.T
        shape = {"n": (-1,), "n,1": (-1, 1), "1,n": (1, -1)}[layout.bias_shape]
        return [(turned(dw), db.reshape(shape)) for dw, db in inside(params, x, t)]

    return subject


def found(subject, chain, **declared):
    return discover(Direct(subject), chain, declared, Form(), takes_lam=False)


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_every_layout_is_found(layout):
    chosen, alike = found(stored(textbook(**CLASSES), layout), mlp(**CLASSES))
    assert layout in (chosen, *[each for each in LAYOUTS if str(each) in alike])
    assert chosen == layout or layout.bias_shape != chosen.bias_shape


@pytest.mark.parametrize("bug", ["missing 1/m", "sign", "slope at a for z", "bias mean", "updated weights"])
@pytest.mark.parametrize("layout", LAYOUTS[::7], ids=str)
def test_a_bug_does_not_hide_the_layout(bug, layout):
    chosen, _ = found(stored(textbook(**CLASSES, bug=bug), layout), mlp(**CLASSES))
    assert (chosen.weights, chosen.samples, chosen.labels) == (layout.weights, layout.samples, layout.labels)


def test_what_is_declared_stays():
    layout = Layout("in-out", "rows")
    chosen, _ = found(stored(textbook(hidden="tanh"), layout), mlp(hidden="tanh"), samples="rows")
    assert chosen == layout
    every = list(candidates(mlp(hidden="tanh"), {"samples": "rows", "weights": "in-out"}))
    assert {(each.samples, each.weights) for each in every} == {("rows", "in-out")}


def test_without_an_answer_the_layout_is_that_of_the_mathematics():
    def fails(params, x, t):
        return None

    assert found(fails, mlp(hidden="tanh")) == (INTERNAL, ())
    assert found(fails, mlp(hidden="tanh"), samples="rows")[0] == Layout(
        **asdict(INTERNAL) | {"samples": "rows"}
    )


def test_integer_labels_are_tried_for_classes_alone():
    assert {each.labels for each in candidates(mlp(**CLASSES), {})} == {"one-hot", "integer"}
    assert {each.labels for each in candidates(mlp(hidden="tanh"), {})} == {"one-hot"}
