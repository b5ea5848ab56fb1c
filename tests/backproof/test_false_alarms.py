"""Right gradients are never called wrong: three implementations, two precisions, drawn networks."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backproof.checking import check
from backproof.judging import Judge, judged
from backproof.points import Targets
from backproof.strategies import networks, points
from numeric import backprop
from numeric.envelope import PRECISIONS
from numeric.native.compiled import compiled
from numeric.problem import problem_of
from symbolic.conventions import CHOICES, INTERNAL, Layout
from symbolic.network import mlp
from tests.backproof.textbook import ACTIVATIONS, LOSSES, loss_value, textbook
from tests.implementations import Direct, cast, in_single_precision

LAYOUTS = [Layout(*choice) for choice in product(*CHOICES.values())]


def assert_right(function, network, point, layout=INTERNAL, precision="float64"):
    judge = Judge(Direct(function), layout, takes_lam=network.objective.has_lambda)
    asked = judge.ask(problem_of(network), point)
    (outcome,) = judged([asked], PRECISIONS[precision], judge)
    assert not outcome.findings, outcome.findings[0]
    entries = sum(v.size for pair in point.params for v in pair if v is not None)
    assert outcome.entries + outcome.not_counted.total() == entries
    assert outcome.error < 0.6  # of the worst case: far from an alarm


def assert_right_in_both_precisions(function, network, point):
    assert_right(function, network, point)
    narrow = replace(cast(cast(point, "float32"), "float64"), lam=float(np.float32(point.lam)))
    assert_right(in_single_precision(function), network, narrow, precision="float32")


@settings(max_examples=40)
@given(st.data())
def test_vectorised_backprop_is_right(data):
    network = data.draw(networks())
    point = data.draw(points(network))

    def gradient(params, x, t, lam=0.0):
        return backprop.gradient(network, params, x, t, lam=lam)

    assert_right_in_both_precisions(gradient, network, point)


@settings(max_examples=40)
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


@settings(max_examples=40)
@given(st.data(), textbook_options())
def test_naive_forms_are_right_within_reach(data, options):
    network = data.draw(networks(mlp(**options)))
    point = data.draw(points(network))
    assert_right_in_both_precisions(textbook(**options), network, point)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # exp without a shift overflows far out, as is remarked
@pytest.mark.parametrize("layout", LAYOUTS[::5], ids=str)
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

    chain = mlp(2, 3, 4, **options)
    report = check(subject, chain, layout=layout, max_examples=3)
    assert report.verdict == "right, unstable", report.text()
    assert report.evidence.losses == report.evidence.points
    flipped = replace(layout, weights="in-out" if layout.weights == "out-in" else "out-in")
    assert not check(subject, chain, layout=flipped, max_examples=3).verdict.startswith("right")
