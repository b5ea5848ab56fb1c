"""Graphs of layers: right passes are right, wrong ones are wrong, and their bugs have names."""

from copy import deepcopy

import pytest

from backproof.checking import check
from tests.specimens import SPECIMENS
from tests.specimens.specimen import Specimen

ROWS = {row.bug: row for row in SPECIMENS}
NAMED = ["layer norm: γ forgotten", "RMS norm: a sum for the mean"]
FOUND = [
    "batch norm: mean and variance as constants",
    "max pool: g to the whole window",
    "mask after softmax",
]


def report(row: Specimen, which: str):
    subject = deepcopy(getattr(row, which))
    return check(subject, row.family(), layout=row.layout, given=dict(row.given), max_examples=2, max_time=10)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("bug", [*NAMED, *FOUND])
def test_a_right_pass_is_right(bug):
    assert report(ROWS[bug], "right").verdict == "right"


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("bug", [*NAMED, *FOUND])
def test_a_wrong_pass_is_wrong_and_explained_or_localised(bug):
    found = report(ROWS[bug], "wrong")
    assert found.verdict == "wrong"
    assert found.explanations if bug in NAMED else found.explanations or found.localisation
