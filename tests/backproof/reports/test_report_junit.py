"""A report as JUnit XML: it parses, its cases fail exactly where the exit status does, nothing breaks out."""

from dataclasses import replace
from xml.etree import ElementTree

import pytest
from hypothesis import given

from backproof.reports.junit import to_junit
from backproof.reports.words import printable
from tests.backproof.reports.cases import ANY_TEXT, CASES, HOSTILE

OUTCOMES = {0: None, 1: "failure", 3: "error", 4: "skipped"}


def suite(report):
    (found,) = ElementTree.fromstring(to_junit(report).encode("utf-8"))
    return found


def outcomes(report):
    return {
        case.get("name"): next((child.tag for child in case), None) for case in suite(report).iter("testcase")
    }


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("name", CASES)
def test_cases_fail_where_the_exit_status_is_not_zero(name, strict):
    report = replace(CASES[name], strict=strict)
    found = outcomes(report)
    assert found["verdict"] == OUTCOMES[report.exit_status]
    if report.exit_status == 0:
        assert not {"failure", "error"} & set(found.values())


@pytest.mark.parametrize("name", CASES)
def test_counts_are_those_of_the_cases(name):
    found = suite(CASES[name])
    cases = list(found.iter("testcase"))
    assert int(found.get("tests")) == len(cases)
    for what, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        assert int(found.get(what)) == len(list(found.iter(tag)))
    assert len({case.get("name") for case in cases}) == len(cases) or name == "hostile"


def test_every_array_and_every_check_is_a_case():
    found = outcomes(replace(CASES["right with a broken contract"], strict=True))
    assert found == {
        "verdict": "failure",
        "loss": None,
        "gradient": None,
        "contract: inputs not changed": None,
        "contract: same answer twice": None,
        "contract: no aliases": "failure",
        "contract: consistent with its own loss": "skipped",
        "contract: linear in the upstream gradient": "skipped",
    }
    wrong = outcomes(CASES["unexplained"])
    assert wrong["∂E/∂W1: wrong gradient"] == wrong["∂E/∂b1: wrong gradient"] == "failure"
    assert wrong["∂E/∂W2: wrong gradient"] is None


def test_failure_tells_the_whole_report():
    failure = next(suite(CASES["explained"]).iter("failure"))
    assert failure.text == CASES["explained"].text()


def test_hostile_subject_stays_text():
    found = suite(CASES["hostile"])
    assert found.get("name") == printable(HOSTILE)
    assert {element.tag for element in found.iter()} <= {
        *("testsuite", "properties", "property", "testcase", "failure", "error", "skipped")
    }


@given(ANY_TEXT)
def test_any_text_is_carried(text):
    found = suite(replace(CASES["explained"], subject=text, again=text))
    assert found.get("name") == printable(text)
    assert {p.get("name"): p.get("value") for p in found.iter("property")}["again"] == printable(text)
