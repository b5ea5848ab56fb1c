"""The designed set: on it no two wrong formulas agree, but for those that are the same formula."""

import time
from collections import defaultdict

import numpy as np
import pytest

from backproof.designed import SHAPES, designed, points_of
from backproof.matching import aligned
from numeric.mutants import gradient_of
from numeric.problem import problem_of
from proofs.same_formula import is_same
from symbolic.mutation import mutants
from symbolic.network import mlp
from tests.backproof.on_designed_points import groups
from tests.backproof.textbook import textbook

FAMILY = mlp(hidden="tanh", loss="half-squared", scale="1/m", l2="lambda/(2*m)")
DIGITS = 8  # relative to the largest entry: what agrees so far agrees


def classes_of(chain, subject):
    """Bugs by what they give at all designed points, to eight digits of the largest entry."""
    found = groups(subject, chain, takes_lam=True)
    classes = defaultdict(list)
    for forms in aligned(found):
        if any(form and form.constants for form in forms):
            continue
        shown = []
        for form, group in zip(forms, found, strict=True):
            rows = group.exact if form is None else group.flat(gradient_of(form, group.ground))
            shown.append(np.round(rows / np.abs(group.exact).max(axis=1, keepdims=True), DIGITS) + 0.0)
        key = b"".join(np.where(np.isfinite(rows), rows, 1e300).tobytes() for rows in shown)
        classes[key].append(forms)
    return found, list(classes.values())


@pytest.fixture(scope="module")
def partition():
    return classes_of(FAMILY, textbook(hidden="tanh", l2=lambda lam, m: lam / (2 * m)))


def first(forms):
    return next(form for form in forms if form is not None)


def test_nearly_all_mutants_are_alone(partition):
    _, classes = partition
    assert sum(map(len, classes)) > 250
    assert len(classes) > 0.8 * sum(map(len, classes))


def test_mutants_of_one_class_are_listed(partition):
    """What even these points cannot tell apart, by name: the same formula, or one and the same error."""
    _, classes = partition
    together = sorted(
        tuple(sorted({first(forms).bug for forms in each})) for each in classes if len(each) > 1
    )
    print(*together, sep="\n")
    different = [names for names in together if len(names) > 1]
    assert len(different) < 0.15 * len(classes), different


def test_no_mutant_is_right_on_the_designed_points_unless_it_is_the_same_formula(partition):
    found, classes = partition
    group = min(found, key=lambda each: each.exact.shape[1])
    right = [
        forms
        for each in classes
        for forms in each
        if all(
            form is None or np.allclose(g.flat(gradient_of(form, g.ground)), g.exact, rtol=1e-9, atol=1e-12)
            for form, g in zip(forms, found, strict=True)
        )
    ]
    here = found.index(group)
    for forms in right:
        form = forms[here] or first(forms)
        answer = is_same(form, group.problem.derivation, deadline=time.monotonic() + 5)
        assert answer is not False, str(form)


def test_the_shapes_are_independent():
    outputs = {widths[-1] for widths, _ in SHAPES}
    samples = {count for _, count in SHAPES}
    assert {2, 4} <= outputs and samples == {3, 5, 7}
    assert any(len(set(widths)) == len(widths) for widths, _ in SHAPES)
    assert any(len(set(widths)) == 1 and len(widths) > 3 for widths, _ in SHAPES)


@pytest.mark.parametrize(
    "chain",
    [
        mlp(hidden="relu", scale="1/m"),
        mlp(2, 3, 1, hidden="tanh"),
        mlp("3-?-2", hidden="tanh"),
        mlp("?-?-?-?-?", hidden=["tanh", "softmax", "relu"]),
        mlp(1, 2, output="softmax", loss="cross-entropy"),
    ],
    ids=str,
)
def test_designed_networks_are_members_of_the_family_at_generic_points(chain):
    places = list(designed(chain))
    assert len(places) >= 3
    for network, samples in places:
        for point in points_of(network, samples, count=2):
            assert point.samples == samples
            entries = np.concatenate([a.ravel() for pair in point.params for a in pair if a is not None])
            assert len(set(np.abs(entries))) > 0.8 * entries.size
    assert len({samples for _, samples in places}) >= 3


def test_other_seeds_give_other_points():
    network, samples = next(iter(designed(FAMILY)))
    one, other = (points_of(network, samples, count=1, seed=seed)[0] for seed in (0, 1))
    assert (one.x != other.x).any()
    assert (one.x == points_of(network, samples, count=1)[0].x).all()


def test_a_single_network_has_mutants_that_its_own_points_show():
    network = mlp(2, 3, 2, hidden="tanh", scale="1/m")
    assert {shape.shape for shape, _ in designed(network)} == {"2-3-2"}
    assert len(mutants(problem_of(network).derivation)) > 100
