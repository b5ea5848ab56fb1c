"""A report in lines: the verdict, then what it rests on, then what it leaves open."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from backproof.report import ContractCheck, Convention, Explanation, Finding, Power, Report, counted
from backproof.reports import words
from backproof.reports.snippet import reproduced
from symbolic.graph import Graph
from symbolic.network import Network

EQUATIONS: Final = 3  # of an explanation that are printed


def text(report: Report) -> str:
    """The report in lines of some hundred columns; code, output and the line to repeat it are not broken."""
    return "\n".join(map(words.printable, _lines(report)))


def _lines(report: Report) -> Iterator[str]:
    yield f"{report.verdict}: {report.subject} against {words.described(report.chain)}"
    if not isinstance(report.chain, Graph):
        yield f"  {report.layout}"
    if report.convention:
        yield from _convention(report.convention)
    explained = _explained(report)
    for finding in report.findings:
        yield ""
        yield from _finding(finding)
        if finding is explained:
            yield from _explanations(report.explanations)
    yield from _listed("where it is wrong", report.localisation)
    yield from _replay(report)
    yield ""
    yield from words.wrapped(words.compared(report.evidence))
    for sentence in words.uncounted(report.evidence):
        yield from words.wrapped(sentence)
    if report.power != Power():
        yield f"power: {words.powered(report.power)}"
        for title, names in words.unseen(report.power):
            yield from words.wrapped(f"{title}: {words.cut(names)}", "  ")
    if report.sensitivity:
        yield f"sensitivity: {words.sensed(report.sensitivity)}"
    yield from _contract(report.contract)
    yield from _listed(
        "not covered" if report.seed is not None else "what this one point cannot show", report.not_shown
    )
    yield from _listed("remarks", report.remarks)
    yield f"again: {report.again}"


def _convention(convention: Convention) -> Iterator[str]:
    if convention.found:
        yield from words.wrapped(f"found out: {', '.join(convention.found)}", "  ")
    for sentence in (words.factors(convention), *convention.sentences):
        yield from words.wrapped(sentence, "  ")
    if convention.alternatives:
        yield from words.wrapped(f"cannot be told apart from: {words.cut(convention.alternatives)}", "  ")


def _explained(report: Report) -> Finding | None:
    """The finding that the explanations stand under: the wrong gradient, if there is one."""
    wrong = [finding for finding in report.findings if finding.kind == "wrong gradient"]
    return next(iter(wrong or report.findings[-1:] * bool(report.explanations)), None)


def _finding(finding: Finding) -> Iterator[str]:
    yield finding.sentence
    if finding.disagreements:
        first = finding.disagreements[0]
        yield f"  derived: {first.derived!r}   subject: {first.subject!r}   bound: {first.bound:.1e}"
    if finding.tally:
        rows = [f"{name} {f'{bad} of {all_}' if bad else 'none'}" for name, bad, all_ in finding.tally]
        yield from words.wrapped(words.cut(rows), "  ")
    yield from (f"  | {line}" for line in finding.detail.splitlines())


def _explanations(found: Sequence[Explanation]) -> Iterator[str]:
    for explanation in found[:1]:
        yield from words.wrapped(f"explained by: {words.explained(explanation)}", "  ")
        yield from _formula("the formula as derived:", explanation.derived)
        yield from _formula("as the subject has it: ", explanation.formula)
        if explanation.equivalents:
            same = words.cut(explanation.equivalents)
            yield from words.wrapped(f"the same gradient at every point tried: {same}", "    ")
    for explanation in found[1:]:
        yield from words.wrapped(f"or by: {words.explained(explanation)}", "  ")
        yield from _formula("as the subject has it: ", explanation.formula)
    if not found:
        yield "  explained by: no wrong formula that was tried"


def _formula(title: str, lines: str) -> Iterator[str]:
    """One equation, or the first few of several."""
    first, *others = lines.splitlines()
    yield f"    {title} {first}"
    indent = " " * (len(title) + 5)
    yield from (f"{indent}{line}" for line in others[: EQUATIONS - 1])
    if len(others) >= EQUATIONS:
        yield f"{indent}and {len(others) - EQUATIONS + 1} more"


def _replay(report: Report) -> Iterator[str]:
    found = report.counterexample
    if found is None or report.seed is None:
        return
    name = found.network.shape if isinstance(found.network, Network) else words.described(found.network)
    yield ""
    yield f"the smallest network found, {name} with {counted(found.point.samples, 'sample')}:"
    yield from (f"  {line}".rstrip() for line in reproduced(report))


def _contract(checks: Sequence[ContractCheck]) -> Iterator[str]:
    if checks and all(check.passed == "passed" for check in checks):
        yield f"contract: {counted(len(checks), 'check')} passed"
    elif checks:
        yield "contract:"
        width = max(len(check.passed) for check in checks)
        for check in checks:
            sentence = f": {check.sentence}" * bool(check.sentence)
            yield from words.wrapped(f"{check.passed:{width}}  {check.name}{sentence}", "  ")


def _listed(title: str, sentences: Sequence[str]) -> Iterator[str]:
    if sentences:
        yield f"{title}:"
        for sentence in sentences:
            yield from words.wrapped(sentence, "  ")
