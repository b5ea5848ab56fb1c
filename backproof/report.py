"""What `check` reports: verdict, findings, the smallest counterexample, the evidence, and remarks.

In text an entry has both its names: W1[2,1], as mathematics counts, and grads[0][0][1, 0], as the subject
returned it. JSON counts from 0.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, TypeAlias

from backproof import layouts
from backproof.points import Point, sizes_of
from symbolic.conventions import Layout
from symbolic.network import Chain, Network

Verdict: TypeAlias = Literal["right", "wrong", "subject failed", "inconclusive"]
Kind: TypeAlias = Literal["failed", "wrong loss", "not finite", "wrong gradient", "not the same answer twice"]
SCHEMA: Final = 1
EXIT_STATUS: Final[dict[Verdict, int]] = {"right": 0, "wrong": 1, "subject failed": 3, "inconclusive": 4}
VERDICTS: Final[dict[Kind, Verdict]] = {
    "failed": "subject failed",
    "wrong loss": "wrong",
    "not finite": "subject failed",
    "wrong gradient": "wrong",
    "not the same answer twice": "wrong",
}
PRINTED: Final = 400  # numbers: a counterexample with more is left to JSON


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One value of the subject's, at a path into what it returned, and what it should be within the bound."""

    name: str
    path: str
    derived: float
    subject: float
    bound: float


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. `tally` says of how many entries of each array; `detail` is the subject's own
    output or traceback.
    """

    kind: Kind
    sentence: str
    disagreements: tuple[Disagreement, ...] = ()
    tally: tuple[tuple[str, int, int], ...] = ()
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Counterexample:
    """A network and a point on which the subject is wrong or fails; `call` is how it was asked."""

    network: Network
    point: Point
    call: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was compared: sizes are the largest, `error` the largest one in units of the bound."""

    networks: int
    points: int
    losses: int
    entries: int
    error: float
    precision: str
    layers: int
    units: int
    samples: int
    not_counted: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Report:
    """The answer to one check, and what it leaves open. `again` repeats it; one's own point has no seed."""

    verdict: Verdict
    subject: str
    chain: Chain
    layout: Layout
    findings: tuple[Finding, ...]
    counterexample: Counterexample | None
    evidence: Evidence
    not_shown: tuple[str, ...]
    remarks: tuple[str, ...]
    seed: int | None
    again: str

    @property
    def exit_status(self) -> int:
        return EXIT_STATUS[self.verdict]

    def __str__(self) -> str:
        return self.text()

    def text(self) -> str:
        """The report in lines, the verdict first."""
        return "\n".join(_lines(self))

    def to_json(self) -> str:
        """The whole report as JSON: arrays in the subject's layout, entries counted from 0."""
        found = self.counterexample
        return json.dumps(
            _plain(
                {
                    "schema": SCHEMA,
                    "verdict": self.verdict,
                    "exit_status": self.exit_status,
                    "subject": self.subject,
                    "chain": str(self.chain),
                    "layout": asdict(self.layout),
                    "findings": [asdict(finding) for finding in self.findings],
                    "counterexample": None if found is None else _point_json(found, self.layout),
                    "evidence": asdict(self.evidence) | {"not_counted": dict(self.evidence.not_counted)},
                    "not_shown": self.not_shown,
                    "remarks": self.remarks,
                    "seed": self.seed,
                    "again": self.again,
                }
            ),
            ensure_ascii=False,
            indent=2,
        )


def _lines(report: Report) -> Iterator[str]:
    yield f"{report.verdict}: {report.subject} against {report.chain}"
    yield f"  {report.layout}"
    for finding in report.findings:
        yield ""
        yield from _finding(finding)
    if report.counterexample and report.seed is not None:
        yield from _replay(report.counterexample, report)
    yield ""
    yield _evidence(report.evidence)
    title = "not covered" if report.seed is not None else "what this one point cannot show"
    yield from _listed(title, report.not_shown)
    yield from _listed("remarks", report.remarks)
    yield f"again: {report.again}"


def _finding(finding: Finding) -> Iterator[str]:
    yield finding.sentence
    if finding.disagreements:
        first = finding.disagreements[0]
        yield f"  derived: {first.derived!r}   subject: {first.subject!r}   bound: {first.bound:.1e}"
    if finding.tally:
        yield "  " + ", ".join(
            f"{n} {f'{bad} of {all_}' if bad else 'none'}" for n, bad, all_ in finding.tally
        )
    yield from (f"  | {line}" for line in finding.detail.splitlines())


def _replay(found: Counterexample, report: Report) -> Iterator[str]:
    count = found.network.parameter_count + found.point.x.size + found.point.t.size
    yield ""
    yield f"the smallest network found, {found.network.shape} with {counted(found.point.samples, 'sample')}:"
    if count > PRINTED:
        yield f"  {count} numbers, which are in the JSON report"
        return
    yield from (f"  {line}".rstrip() for line in snippet(found, report.subject, report.layout))
    first = next((f.disagreements[0] for f in report.findings if f.disagreements), None)
    if first:
        yield f"  print({first.path})  # derived: {first.derived!r}"


def snippet(found: Counterexample, subject: str, layout: Layout) -> Iterator[str]:
    """Python that calls the subject on a counterexample's values, in its own layout."""
    file, _, function = subject.rpartition(".py:")
    params, x, t = layouts.to_subject(found.point, layout)
    yield "import numpy as np"
    if file:
        yield f"from {file} import {function}"
    yield ""
    yield "params = ["
    for w, b in params:
        yield f"    ({_literal(w)}, {'None' if b is None else _literal(b)}),"
    yield "]"
    yield f"x = {_literal(x)}"
    yield f"t = {_literal(t)}"
    yield found.call


def _literal(array: layouts.Array) -> str:
    return f"np.array({array.tolist()})"


def _evidence(evidence: Evidence) -> str:
    if not evidence.entries:
        compared = "nothing was compared"
    else:
        compared = (
            f"compared: {counted(evidence.entries, 'value')} at {counted(evidence.points, 'point')} of "
            f"{counted(evidence.networks, 'network')}, up to {counted(evidence.layers, 'layer')}, "
            f"{counted(evidence.units, 'unit')} and {counted(evidence.samples, 'sample')}, "
            f"in {evidence.precision}; largest error where they agree: {evidence.error:.1g} of the bound"
        )
    return "\n".join(
        [compared, *(f"not counted: {counted(n, 'value')} {why}" for why, n in evidence.not_counted)]
    )


def counted(number: int, noun: str) -> str:
    """1 layer, 2 layers."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _plain(value: Any) -> Any:
    """What JSON can hold: it has no nan and no infinity."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _listed(title: str, sentences: tuple[str, ...]) -> Iterator[str]:
    if sentences:
        yield f"{title}:"
        yield from (f"  {sentence}" for sentence in sentences)


def _point_json(found: Counterexample, layout: Layout) -> dict[str, Any]:
    params, x, t = layouts.to_subject(found.point, layout)
    return {
        "network": str(found.network),
        "sizes": sizes_of(found.network),
        "params": [{"W": w.tolist(), "b": None if b is None else b.tolist()} for w, b in params],
        "x": x.tolist(),
        "t": t.tolist(),
        "lambda": found.point.lam,
    }
