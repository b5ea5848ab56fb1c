"""A bug of every row of the catalogue is found by `check`, and its report says what it is."""

from copy import deepcopy

import pytest

import backproof as bp
from tests.specimens import NOT_EXPRESSED, SPECIMENS

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # overflow is what some specimens are about
NUMBERS = sorted({specimen.number for specimen in SPECIMENS} - {0})
TRIED = {17: 4, 43: 5}  # of a row, else one; the campaign in benchmarks/ takes all of them


def report_on(specimen):
    return bp.check(
        deepcopy(specimen.wrong),
        specimen.family(),
        layout=specimen.layout,
        given=specimen.given,
        max_examples=15,
        strict=True,
    )


@pytest.mark.parametrize("number", NUMBERS)
def test_a_bug_of_the_row_is_found_and_named(number):
    named = []
    for specimen in [each for each in SPECIMENS if each.number == number][: TRIED.get(number, 1)]:
        report = report_on(specimen)
        said = report.text().lower()
        is_told = any(word.lower() in said for word in specimen.expected)
        assert report.exit_status != 0 or is_told, f"{specimen.bug}: {said}"
        named.append(is_told)
    assert any(named), said


def test_what_cannot_be_expressed_has_a_reason():
    assert all(NOT_EXPRESSED.values())
    assert not set(NOT_EXPRESSED) & set(NUMBERS)


@pytest.mark.parametrize("number", NUMBERS[::9])
def test_the_right_pass_beside_it_is_right(number):
    specimen = next(each for each in SPECIMENS if each.number == number)
    report = bp.check(
        deepcopy(specimen.right),
        specimen.family(),
        layout=specimen.layout,
        given=specimen.given,
        max_examples=10,
    )
    assert report.verdict.startswith("right"), report.text()
