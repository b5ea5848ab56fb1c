"""Activations and loss are found by calling a subject, whatever bug it has behind the last layer."""

import pytest

from backproof import initialising
from backproof.checking_command import Request
from backproof.forms import Form
from backproof.guessing import Guess, choices, guesses
from backproof.manifest import read_manifest
from backproof.options import DeclaredLayout, ReportOptions, SearchOptions, SpecOptions, SubjectOptions
from symbolic.conventions import INTERNAL, Layout
from symbolic.network import mlp
from tests.backproof.textbook import ACTIVATIONS, textbook
from tests.implementations import Direct

NETWORK = mlp(3, 4, 5, 2, hidden="tanh")
NOTHING = SpecOptions()
HEADS = [
    ("identity", "half-squared"),
    ("sigmoid", "binary-cross-entropy"),
    ("softmax", "cross-entropy"),
    ("tanh", "half-squared"),
]
ELEMENTWISE = sorted(set(ACTIVATIONS) - {"softmax", "identity"})


def found(subject, *, network=NETWORK, said=NOTHING, layouts=(INTERNAL,)):
    return guesses(Direct(subject), network, Form(), layouts, said)


@pytest.mark.filterwarnings("ignore:overflow")  # in a subject that takes exp of exp
@pytest.mark.parametrize("hidden", ELEMENTWISE)
def test_every_activation_of_hidden_layers_is_found(hidden):
    said = SpecOptions(output="identity", loss="half-squared")
    assert found(textbook(hidden=hidden), said=said)[0].hidden == (hidden, hidden)


@pytest.mark.parametrize(("output", "loss"), HEADS)
@pytest.mark.parametrize(
    "bug", [None, "missing 1/m", "no slope in hidden layers", "slope at a for z", "sign"]
)
def test_a_bug_behind_the_last_layer_and_a_factor_hide_neither_output_nor_loss(output, loss, bug):
    subject = textbook(hidden="tanh", output=output, loss=loss, bug=bug)
    assert found(subject, said=SpecOptions(hidden=["tanh"]))[0] == Guess(("tanh", "tanh"), output, loss)


def test_what_is_the_same_gradient_but_for_a_factor_is_found_too():
    assert [each.loss for each in found(textbook(hidden="tanh"))] == ["half-squared", "squared"]


def test_a_wrong_last_layer_is_taken_for_no_network():
    assert found(textbook(hidden="tanh", output="tanh", bug="no slope at the output")) == []
    assert found(textbook(hidden="tanh", bug="bias mean")) == []


def test_what_is_said_is_not_guessed():
    said = SpecOptions(hidden=["relu"], loss="huber")
    assert {(each.hidden, each.loss) for each in choices(NETWORK, said)} == {(("relu", "relu"), "huber")}
    assert found(textbook(hidden="tanh"), said=said) == []


def test_the_layout_in_which_it_fits_is_looked_for():
    layouts = [Layout("in-out", "rows"), INTERNAL]
    assert found(textbook(hidden="relu"), layouts=layouts)[0].hidden == ("relu", "relu")


def test_a_network_without_hidden_layers_has_no_activation_there():
    network = mlp(3, 2, loss="half-squared")
    assert found(textbook(output="sigmoid"), network=network)[0] == Guess((), "sigmoid", "half-squared")


SUBJECT = """
import numpy as np


def gradient(params, x, t):
    (w1, b1), (w2, b2) = params
    z = x @ w1 + b1
    a = np.maximum(z, 0)
    e = np.exp(a @ w2 + b2)
    delta2 = e / e.sum(axis=1, keepdims=True) - t
    delta1 = (delta2 @ w2.T) * (z > 0)
    return [(x.T @ delta1, delta1.sum(axis=0)), (a.T @ delta2, delta2.sum(axis=0))]


def wrong(params, x, t):
    first, (dw, db) = gradient(params, x, t)
    return [first, (dw, db / len(x))]
"""


def initialised(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(SUBJECT)
    options = SpecOptions(), DeclaredLayout(), SubjectOptions(), SearchOptions(), ReportOptions()
    assert initialising.run(Request(f"net.py:{name}", "?-?-?", *options), as_test=False) == 0
    return read_manifest(tmp_path / "backproof.toml").spec, (tmp_path / "backproof.toml").read_text()


def test_init_writes_what_it_found_out_of_the_network(tmp_path, monkeypatch, capsys):
    spec, text = initialised(tmp_path, monkeypatch, "gradient")
    assert (spec.hidden, spec.output, spec.loss) == (["relu"], "softmax", "cross-entropy")
    assert "# by its values at a few points: relu, softmax, cross-entropy\n" in text
    assert "by its values at a few points: relu, softmax, cross-entropy" in capsys.readouterr().out


def test_init_says_what_it_tried_where_nothing_fits(tmp_path, monkeypatch):
    spec, text = initialised(tmp_path, monkeypatch, "wrong")
    assert (spec.hidden, spec.output, spec.loss) == (["tanh"], None, None)
    assert "# none that was tried has its gradient by the last layer: hidden tanh, sigmoid, relu" in text
    assert "# so the activations and the loss are to be said here" in text
