"""Readings of several statements, and of statements that are denied."""

import pytest

from proofs.claims.given import given
from proofs.published.entry import Entry, verdict

NUMBERS = given(arrays={"x": "", "y": ""})


def answer(reading):
    found = verdict(Entry("1", "here", "this", "claim", {"own": NUMBERS}, (reading,), corrected="x = x"))
    return found.name


@pytest.mark.parametrize(
    "reading", ["x = y", "x = x; x = y", "x = y; x = x", "not x = x", "x = x; not x = x"]
)
def test_one_false_statement_makes_a_reading_wrong(reading):
    assert answer(reading) == "wrong"


@pytest.mark.parametrize(
    "reading", ["x = x", "not x = y", "x + y = y + x; not x - y = y - x", "not x = x = y"]
)
def test_true_statements_and_false_ones_that_are_denied_are_correct(reading):
    entry = Entry("1", "here", "this", "claim", {"own": NUMBERS}, (reading,))
    assert verdict(entry).name == "correct"


def test_what_speaks_of_nothing_is_wrong_denied_or_not():
    assert answer("x = q") == answer("not x = q") == "wrong"
