"""Right gradients are never called wrong: three implementations, two precisions, drawn networks."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backproof.checking import check
from backproof.judging import AT_KINK, Judge
from backproof.points import Targets
from backproof.strategies import networks, points
from backproof.subjects import Parameters, Returned
from numeric import backprop
from numeric.compiled import compiled
from symbolic.conventions import CHOICES, INTERNAL, Layout
from symbolic.network import mlp
from tests.backproof.textbook import ACTIVATIONS, LOSSES, loss_value, textbook

LAYOUTS = [Layout(*choice) for choice in product(*CHOICES.values())]


class Direct:
    """A subject that is called here; it is trusted not to hang."""

    parameters = Parameters((), 3, frozenset({"lam"}), any_keyword=False)
    name = "direct"

    def __init__(self, function):
        self._function = function

    def call(self, params, x, t, **keywords):
        return Returned(self._function(params, x, t, **keywords), (), "")


def in_single_precision(function):
    """The same from float32 to float32."""

    def narrowed(params, x, t, **keywords):
        gradients = function(single(params), single(x), single(t), **keywords)
        return single(gradients)

    return narrowed


def single(value):
    if isinstance(value, (list, tuple)):
        return [single(item) for item in value]
    return None if value is None else value.astype(np.float32)


def assert_right(function, network, point, layout=INTERNAL):
    judge = Judge(Direct(function), layout, takes_lam=network.objective.has_lambda)
    outcome = judge.outcome(network, point)
    assert not outcome.findings, outcome.findings[0]
    entries = sum(v.size for pair in point.params for v in pair if v is not None)
    assert outcome.entries + outcome.not_counted.total() == entries
    assert outcome.entries or AT_KINK in outcome.not_counted  # dead units put the next ones without bias at 0
    assert outcome.error < 0.1  # of the bound: far from an alarm


@settings(max_examples=200)
@given(st.data())
def test_vectorised_backprop_is_right(data):
    network = data.draw(networks())
    point = data.draw(points(network))

    def gradient(params, x, t, lam=0.0):
        return backprop.gradient(network, params, x, t, lam=lam)

    assert_right(gradient, network, point)
    assert_right(in_single_precision(gradient), network, point)


@settings(max_examples=60)
@given(st.data(), st.sampled_from(LAYOUTS))
def test_generated_code_is_right_in_every_layout(data, layout):
    network = data.draw(networks())
    targets: Targets | None = "one-hot" if layout.labels == "integer" else None
    point = data.draw(points(network, targets=targets))
    assert_right(compiled(network, layout).gradient, network, point, layout)


@st.composite
def textbook_options(draw):
    loss = draw(st.sampled_from(list(LOSSES)))
    heads = {"cross-entropy": ["softmax"], "binary-cross-entropy": ["sigmoid"]}
    output = draw(st.sampled_from(heads.get(loss, list(ACTIVATIONS))))
    return {"hidden": draw(st.sampled_from(list(ACTIVATIONS))), "output": output, "loss": loss}


@settings(max_examples=200)
@given(st.data(), textbook_options())
def test_naive_forms_are_right_within_reach(data, options):
    network = data.draw(networks(mlp(**options)))
    point = data.draw(points(network))
    assert_right(textbook(**options), network, point)
    assert_right(in_single_precision(textbook(**options)), network, point)


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_right_subject_is_right_in_its_own_layout_and_not_in_another(layout):
    options = {"hidden": "tanh", "output": "softmax", "loss": "cross-entropy"}
    inside = textbook(**options)

    def subject(params, x, t):
        params = [(w if layout.weights == "out-in" else w.T, b.ravel()) for w, b in params]
        x, t = (x, t) if layout.samples == "columns" else (x.T, t.T)
        t = np.eye(len(params[-1][1]))[:, t.T] if layout.labels == "integer" else t
        shape = {"n": (-1,), "n,1": (-1, 1), "1,n": (1, -1)}[layout.bias_shape]
        gradient = [
            (dw if layout.weights == "out-in" else dw.T, db.reshape(shape)) for dw, db in inside(params, x, t)
        ]
        return loss_value(params, x, t, **options), gradient

    report = check(subject, mlp(**options), layout=layout, max_examples=15)
    assert report.verdict == "right", report.text()
    assert report.evidence.losses == report.evidence.points == 15
    flipped = Layout(
        "in-out" if layout.weights == "out-in" else "out-in", layout.samples, layout.bias_shape, layout.labels
    )
    assert check(subject, mlp(**options), layout=flipped, max_examples=5).verdict != "right"
