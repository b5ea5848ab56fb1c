"""Pairs: a bug and a factor, or a constant that is fitted; never one too many, nor one of a single shape."""

import time

import numpy as np
import pytest

from backproof.diagnosing import explanations
from backproof.forms import Form
from numeric.envelope import PRECISIONS
from symbolic.network import mlp
from tests.backproof.on_designed_points import groups
from tests.backproof.textbook import textbook
from tests.implementations import in_single_precision

TANH = {"hidden": "tanh", "scale": "1/m"}
FAMILY = mlp("?-?-?", **TANH)


def explained(subject, family=FAMILY, **settings):
    return explanations(groups(subject, family, **settings), deadline=time.monotonic() + 60)


def scaled(bug, factor, **options):
    """A subject with a bug, its gradient times a factor of m."""

    def subject(params, x, t):
        found = textbook(hidden="tanh", bug=bug, **options)(params, x, t)
        return [(factor(x.shape[1]) * dw, factor(x.shape[1]) * db) for dw, db in found]

    return subject


def first_weights(bug, factor):
    """A subject with a bug, the gradient of its first weights times a factor of m."""

    def subject(params, x, t):
        (dw, db), *others = textbook(hidden="tanh", bug=bug)(params, x, t)
        return [(factor(x.shape[1]) * dw, db), *others]

    return subject


PAIRS = {
    "1/m is missing, and f′ in layer 1": (
        scaled("no slope in hidden layers", lambda m: m),
        ("missing 1/m", "f′ missing"),
        (),
    ),
    "the sign is wrong, and f′ is taken at a": (
        scaled("slope at a for z", lambda m: -1),
        ("sign", "f′(a) for f′(z)"),
        (),
    ),
    "all of it is 2.5 times too large, and f′ is taken at a": (
        scaled("slope at a for z", lambda m: 2.5),
        ("f′(a) for f′(z)",),
        ("2.5",),
    ),
    "the first weights' gradient is 0.37 times too large, and biases have means": (
        first_weights("bias mean", lambda m: 0.37),
        ("bias gradient: mean for sum", "weights, layer 1"),
        ("0.37",),
    ),
    "weights have been updated, and biases have means": (
        lambda params, x, t: [
            (dw, db / x.shape[1]) for dw, db in textbook(hidden="tanh", bug="updated weights")(params, x, t)
        ],
        ("bias gradient: mean for sum", "updated"),
        ("0.01",),
    ),
}


@pytest.mark.parametrize("name", PAIRS)
def test_two_faults_at_once_are_both_named(name):
    subject, words, constants = PAIRS[name]
    best, *_ = explained(subject)
    assert best.operators == 2
    assert all(word in best.bug for word in words)
    assert tuple(each.rpartition(" = ")[2] for each in best.constants) == constants
    assert best.residual <= 1


def test_a_factor_and_a_fault_at_the_output_are_told_apart_though_no_array_is_right():
    family = mlp("?-?-?", output="tanh", **TANH)
    best, *_ = explained(scaled("no slope at the output", lambda m: m, output="tanh"), family)
    assert best.operators == 2
    assert "missing 1/m" in best.bug and "f′ missing" in best.bug


def test_a_pair_with_a_constant_is_found_in_single_precision():
    subject = in_single_precision(first_weights("no slope in hidden layers", lambda m: 0.37))
    best, *_ = explained(subject, precision=PRECISIONS["float32"])
    assert "f′ missing" in best.bug
    assert best.constants[0].endswith("0.37")


def test_a_pair_is_explained_beside_a_penalty_that_is_right():
    family = mlp("?-?-?", l2="lambda/(2*m)", **TANH)
    bug = textbook(
        hidden="tanh",
        scale=lambda m, k: 0.3 / m,
        l2=lambda lam, m: lam / (2 * m),
        bug="no slope in hidden layers",
    )
    best, *_ = explained(bug, family, takes_lam=True)
    assert "f′ missing" in best.bug
    assert best.constants[0].endswith("0.3")


def test_a_bug_that_cannot_run_on_unequal_widths_is_named_beside_the_factor_that_shows_there():
    def subject(params, x, t):
        is_square = all(len(set(w.shape)) == 1 for w, _ in params[1:])
        return scaled("weights not transposed" if is_square else None, lambda m: m)(params, x, t)

    best, *_ = explained(subject)
    assert "missing 1/m" in best.bug and "W for Wᵀ" in best.bug


def test_a_fault_of_the_first_layer_is_one_fault_where_the_first_layer_is_the_last():
    best, *_ = explained(first_weights(None, lambda m: m), mlp(**TANH))
    assert (best.operators, best.number) == (1, 1)
    assert "weights" in best.bug


@pytest.mark.parametrize("by", [1e-9, 1e-2])
def test_a_constant_that_is_another_one_at_each_shape_explains_nothing(by):
    assert explained(scaled("slope at a for z", lambda m: 2.5 + by / m)) == ()
    assert explained(scaled(None, lambda m: 2.5 + by / m)) == ()


def test_a_constant_beside_another_bug_needs_two_shapes():
    subject = scaled("slope at a for z", lambda m: 2.5)
    one, *_ = groups(subject, FAMILY)
    assert explanations([one], deadline=time.monotonic() + 60) == ()


def test_one_bug_is_never_told_as_two():
    assert {each.operators for each in explained(scaled("slope at a for z", lambda m: 1))} == {1}


def test_what_there_is_no_time_for_explains_nothing():
    found = groups(PAIRS["the sign is wrong, and f′ is taken at a"][0], FAMILY)
    assert explanations(found, deadline=time.monotonic() - 1) == ()


@pytest.mark.parametrize("biases", ["scalar", "shared", "shared-scalar"])
@pytest.mark.parametrize(
    ("bug", "words"),
    [
        ("bias mean", "bias gradient: mean for sum"),
        ("no slope in hidden layers", "f′ missing"),
        ("missing 1/m", "missing 1/m"),
    ],
)
def test_a_fault_is_explained_where_several_units_have_one_bias(biases, bug, words):
    form = Form(params="separate", biases=biases)

    def subject(params, x, t):
        return form.folded(textbook(hidden="tanh", bug=bug)(params, x, t))

    assert explained(subject, form=form)[0].bug.startswith(words)


def test_a_pair_is_explained_where_all_layers_have_one_bias():
    form = Form(params="separate", biases="shared-scalar")

    def subject(params, x, t):
        return form.folded(scaled("slope at a for z", lambda m: -0.7)(params, x, t))

    best, *_ = explained(subject, form=form)
    assert "f′(a) for f′(z)" in best.bug
    assert np.isclose(float(best.constants[0].rpartition(" ")[2]), -0.7)
