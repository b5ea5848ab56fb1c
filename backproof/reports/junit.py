"""A report as JUnit XML: a test case for the verdict, one for each array, one for each check of the contract.

The verdict's case fails where the exit status is not 0, and no other fails where it is 0. XML 1.0 has no
control characters, not even escaped ones: they are written as in Python.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree

from backproof.report import ContractCheck, Report
from backproof.reports.text import text
from backproof.reports.words import compared, described, printable


def to_junit(report: Report) -> str:
    """A test suite, of the name of the subject."""
    cases = [_verdict(report), *_arrays(report), *_contract(report)]
    counts = {
        what: str(sum(case.find(tag) is not None for case in cases))
        for what, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped"))
    }
    name = printable(report.subject)
    suite = ElementTree.Element("testsuite", {"name": name, "tests": str(len(cases)), **counts})
    properties = ElementTree.SubElement(suite, "properties")
    for key, value in _properties(report):
        ElementTree.SubElement(properties, "property", name=key, value=printable(value))
    for case in cases:
        case.set("classname", name)
        suite.append(case)
    root = ElementTree.Element("testsuites")
    root.append(suite)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _properties(report: Report) -> Iterator[tuple[str, str]]:
    yield "verdict", report.verdict
    yield "network", described(report.chain)
    yield "again", report.again
    if report.seed is not None:
        yield "seed", str(report.seed)
    if report.sensitivity:
        yield "sensitivity in half of the entries", f"{report.sensitivity.half:.0e}"
        yield "sensitivity in 99 %", f"{report.sensitivity.most:.0e}"


def _verdict(report: Report) -> ElementTree.Element:
    tag = {0: "", 1: "failure", 3: "error", 4: "skipped"}[report.exit_status]
    sentence = report.findings[0].sentence if report.findings else compared(report.evidence)
    return _case("verdict", tag, f"{report.verdict}: {sentence}", text(report))


def _arrays(report: Report) -> Iterator[ElementTree.Element]:
    """Where something is wrong, the arrays in which that was counted; else what was compared."""
    if not report.findings and report.evidence.entries:
        yield from (_case("loss", "", ""),) * bool(report.evidence.losses)
        yield _case("gradient", "", "")
    for finding in report.findings:
        for name, wrong, entries in finding.tally:
            value = "E" if name == "E" else f"∂E/∂{name}"
            told = f"{wrong} of {entries} entries: {finding.sentence}"
            yield _case(f"{value}: {finding.kind}", "failure" if wrong else "", told)


def _contract(report: Report) -> Iterator[ElementTree.Element]:
    for check in report.contract:
        yield _case(f"contract: {check.name}", _outcome(check, report), _told(check))


def _outcome(check: ContractCheck, report: Report) -> str:
    if check.passed == "failed" and report.exit_status:
        return "failure"
    return "" if check.passed == "passed" else "skipped"


def _told(check: ContractCheck) -> str:
    return f"{check.passed}: {check.sentence}" if check.sentence else check.passed


def _case(name: str, tag: str, message: str, body: str = "") -> ElementTree.Element:
    case = ElementTree.Element("testcase", name=printable(name))
    if tag:
        outcome = ElementTree.SubElement(case, tag, message=printable(message))
        outcome.text = "\n".join(map(printable, body.split("\n"))) or None
    return case
