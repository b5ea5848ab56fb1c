"""Diagnosis: textbook bugs are named right, pairs and constants too; nothing explains what is no mutant."""

import time

import numpy as np
import pytest

from backproof.diagnosing import aligned, explanations
from numeric.envelope import PRECISIONS
from symbolic.network import mlp
from tests.backproof.on_designed_points import groups
from tests.backproof.textbook import textbook
from tests.implementations import in_single_precision

TANH = {"hidden": "tanh", "scale": "1/m"}
DECAY = TANH | {"l2": "lambda/(2*m)"}


def explained(subject, options, *, seconds=20.0, **settings):
    found = groups(subject, mlp(**options), takes_lam="l2" in options, **settings)
    return explanations(found, deadline=time.monotonic() + seconds)


def book(options, bug=None):
    """The textbook's subject of options as `mlp` takes them."""
    known = {name: value for name, value in options.items() if name not in ("scale", "l2")}
    decay = {"l2": lambda lam, m: lam / (2 * m)} if "l2" in options else {}
    return textbook(**known, **decay, bug=bug)


NAMED = [
    ("missing 1/m", TANH, "missing 1/m", 1),
    ("bias mean", TANH, "bias gradient: mean for sum", 4),
    ("bias summed over units", TANH, "bias gradient summed over the units too", 5),
    ("bias times input", TANH, "bias gradient multiplied by the input", 6),
    ("slope at a for z", TANH, "f′(a) for f′(z)", 12),
    ("tanh' = 1 - tanh", TANH, "slope f′ written as 1 - a", 31),
    ("error passed on before the slope", TANH | {"output": "tanh"}, "error without f′ passed back", 14),
    ("sign", TANH, "sign", 19),
    ("missing factor 2", TANH | {"loss": "squared"}, "half the slope of the squared error", 24),
    ("weight decay subtracted", DECAY, "sign of the penalty", 20),
    ("weight decay forgotten", DECAY, "penalty missing in the gradient", 22),
    ("biases decay", DECAY, "biases regularised in the gradient only", 23),
    ("elu' = z + 1", {"hidden": "elu", "scale": "1/m"}, "slope f′ written as where(z > 0, 1, z + ", 30),
    ("softmax diagonal only", {"hidden": "softmax", "scale": "1/m"}, "softmax: diagonal only", 33),
]


@pytest.mark.parametrize(("bug", "options", "name", "number"), NAMED, ids=[row[0] for row in NAMED])
def test_bug_is_named_right(bug, options, name, number):
    best, *_ = explained(book(options, bug), options)
    assert best.bug.startswith(name)
    assert (best.number, best.operators, best.constants) == (number, 1, ())
    assert best.residual <= 1
    assert best.derived != best.formula and best.latex


@pytest.mark.parametrize("bug", ["no slope in hidden layers", "slope at a for z", "bias mean"])
def test_bug_is_named_in_single_precision_too(bug):
    subject = in_single_precision(book(TANH, bug))
    single = PRECISIONS["float32"]
    numbers = {each.number for each in explained(subject, TANH, precision=single)}
    assert {"no slope in hidden layers": 10, "slope at a for z": 12, "bias mean": 4}[bug] in numbers


def test_a_constant_is_fitted_and_told():
    best, *_ = explained(book(TANH, "updated weights"), TANH)
    assert (best.number, best.constants) == (16, ("eta = 0.01",))


def test_two_bugs_at_once_are_a_pair():
    def both(params, x, t):
        found = book(TANH, "slope at a for z")(params, x, t)
        return [(dw, db / x.shape[1]) for dw, db in found]

    best, *_ = explained(both, TANH, seconds=60.0)
    assert best.operators == 2
    assert "f′(a) for f′(z)" in best.bug and "mean" in best.bug


def test_a_bug_that_cannot_run_on_unequal_widths_is_named_where_it_can():
    def transposed(params, x, t):
        widths = {w.shape for w, _ in params[1:]}
        if any(rows != columns for rows, columns in widths):
            return book(TANH)(params, x, t)
        return book(TANH, "weights not transposed")(params, x, t)

    best, *_ = explained(transposed, TANH)
    assert best.number == 9


@pytest.mark.parametrize("factor", [1 + 1e-9, 1.5])
def test_nothing_explains_a_random_change(factor):
    random = np.random.default_rng(0)

    def changed(params, x, t):
        found = book(TANH)(params, x, t)
        found[0][0][0, 0] *= 1 + (factor - 1) * random.uniform(0.5, 1)
        return found

    assert explained(changed, TANH, seconds=3.0) == ()


@pytest.mark.parametrize("off", [1e-9, 1e-13])  # of which the second is within what a first look lets pass
def test_a_mutants_gradient_that_is_slightly_off_is_not_explained(off):
    def nearly(params, x, t):
        found = book(TANH, "slope at a for z")(params, x, t)
        return [(dw * (1 + off * np.sign(w)), db) for (dw, db), (w, _) in zip(found, params, strict=True)]

    assert explained(nearly, TANH) == ()


def test_a_right_subject_needs_no_explanation():
    assert explained(book(TANH), TANH, seconds=3.0) == ()


def test_a_mutant_is_aligned_over_networks_of_several_depths():
    rows = aligned(groups(book(TANH), mlp(**TANH)))
    named = [{form.bug for form in forms if form} for forms in rows]
    assert all(len(names) == 1 for names in named)
    everywhere = [forms for forms in rows if all(form is not None for form in forms)]
    assert len(everywhere) > 10
