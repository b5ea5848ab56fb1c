"""Bugs that people really make: each is found, and on the smallest network that can show it."""

import pytest

from backproof.checking import check
from symbolic.network import mlp
from tests.backproof.textbook import textbook

TANH = {"hidden": "tanh"}
TANH_OUT = {"hidden": "tanh", "output": "tanh"}
DECAY = {"hidden": "tanh", "l2": "lambda/(2*m)"}
LOGISTIC = {"hidden": "tanh", "output": "sigmoid", "loss": "binary-cross-entropy"}

# bug, network, smallest network and samples, and the first wrong array there
BUGS = [
    ("missing 1/m", TANH, "1-1", 2, "W1"),
    ("1/m at every layer", TANH, "1-1", 2, "W1"),
    ("bias mean", TANH, "1-1", 2, "b1"),
    ("bias summed over units", TANH, "1-2", 1, "b1"),
    ("bias times input", TANH, "1-1", 1, "b1"),
    ("no slope at the output", TANH_OUT, "1-1", 1, "W1"),
    ("slope at the output twice", LOGISTIC, "1-1", 1, "W1"),
    ("slope at a for z", TANH, "1-1-1", 1, "W1"),
    ("no slope in hidden layers", TANH, "1-1-1", 1, "W1"),
    ("tanh' = 1 - tanh", TANH, "1-1-1", 1, "W1"),
    ("error passed on before the slope", TANH_OUT, "1-1-1", 1, "W1"),
    ("updated weights", TANH, "1-1-1", 1, "W1"),
    ("sign", TANH, "1-1", 1, "W1"),
    ("missing factor 2", {**TANH, "loss": "squared"}, "1-1", 1, "W1"),
    ("learning rate folded in", TANH, "1-1", 1, "W1"),
    ("weight decay subtracted", DECAY, "1-1", 1, "W1"),
    ("weight decay halved", DECAY, "1-1", 1, "W1"),
    ("weight decay forgotten", DECAY, "1-1", 1, "W1"),
    ("biases decay", DECAY, "1-1", 1, "b1"),
    ("leaky slope 0", {"hidden": "leaky_relu"}, "1-1-1", 1, "W1"),
    ("elu' = z + 1", {"hidden": "elu"}, "1-1-1", 1, "W1"),
    ("softmax diagonal only", {"hidden": "softmax"}, "1-2-1", 1, "W1"),
]


def subject(options, bug=None):
    decay = {"l2": lambda lam, m: lam / (2 * m)} if "l2" in options else {}
    return textbook(**{**options, **decay}, bug=bug)


@pytest.mark.parametrize(("bug", "options", "shape", "samples", "array"), BUGS, ids=[row[0] for row in BUGS])
def test_bug_is_found_on_the_smallest_network(bug, options, shape, samples, array):
    report = check(subject(options, bug), mlp(**{"scale": "1/m"} | options))
    assert report.verdict == "wrong", report.text()
    found = report.counterexample
    assert (found.network.shape, found.point.samples) == (shape, samples), report.text()
    assert array in {name for name, bad, _ in report.findings[0].tally if bad}


@pytest.mark.parametrize("options", list({str(row[1]): row[1] for row in BUGS}.values()), ids=str)
def test_textbook_without_a_bug_is_right(options):
    report = check(subject(options), mlp(**{"scale": "1/m"} | options), max_examples=10)
    assert report.verdict.startswith("right"), report.text()


def test_weights_not_transposed_cannot_run_on_unequal_widths():
    report = check(subject(TANH, "weights not transposed"), mlp(**TANH, scale="1/m"))
    assert report.verdict == "wrong"
    assert report.explanations[0].number == 9
    assert any("ValueError" in sentence and "unequal" in sentence for sentence in report.localisation)


def test_weights_not_transposed_are_wrong_where_they_fit():
    report = check(subject(TANH, "weights not transposed"), mlp(3, 3, 3, **TANH, scale="1/m"))
    assert report.verdict == "wrong"
    assert {name: bad for name, bad, _ in report.findings[0].tally} == {"W1": 9, "b1": 3, "W2": 0, "b2": 0}
