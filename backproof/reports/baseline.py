"""What was known before: fingerprints of what a report finds, so that a run fails only on what is new.

A fingerprint is the same at every seed: it says of an array which kind it is (W, b, h.W) and not of which
layer of the smallest network found. A baseline is a JSON file that lists them; a JSON report is one too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Final

from backproof.files import write_whole
from backproof.report import Convention, Finding, Report
from symbolic.errors import BackproofError

_LAYER: Final = re.compile(r"(?<=^[A-Za-z])\d+$")  # of W2, and not of h2.W


class InvalidBaseline(BackproofError):
    """The file given as a baseline is none."""


def known(report: Report) -> tuple[str, ...]:
    """The fingerprints of all that could make the exit status another than 0, in order, each once."""
    found = [_finding(finding, report) for finding in report.findings]
    if report.convention and report.verdict == "right up to a convention":
        found.append(_convention(report.convention))
    if report.verdict == "right, unstable":
        found.append("right, unstable")
    found += [f"contract: {check.name}" for check in report.contract if check.passed == "failed"]
    return tuple(dict.fromkeys(found))


def read_baseline(path: Path) -> frozenset[str]:
    """The fingerprints in a baseline or a JSON report. Raises InvalidBaseline."""
    try:
        fingerprints = json.loads(path.read_text(encoding="utf-8"))["fingerprints"]
    except FileNotFoundError:
        raise InvalidBaseline(f"there is no file {path}; --format json writes one") from None
    except OSError as error:
        raise InvalidBaseline(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, LookupError, TypeError, RecursionError):
        fingerprints = None
    if not (isinstance(fingerprints, list) and all(isinstance(each, str) for each in fingerprints)):
        raise InvalidBaseline(f'{path} is no baseline: expected JSON with a list of texts, "fingerprints"')
    return frozenset(fingerprints)


def write_baseline(path: Path, report: Report) -> None:
    """Write what a report finds, to be given as --baseline. Raises BackproofError."""
    content = {"subject": report.subject, "fingerprints": known(report)}
    write_whole(path, json.dumps(content, indent=2) + "\n")


def new(report: Report, baseline: Collection[str]) -> tuple[str, ...]:
    """The fingerprints that the baseline does not have."""
    return tuple(each for each in known(report) if each not in baseline)


def exit_status(report: Report, baseline: Collection[str]) -> int:
    """The report's, but 0 where it finds something and all of it was known."""
    decided = report.verdict != "inconclusive"
    return 0 if decided and known(report) and not new(report, baseline) else report.exit_status


def _finding(finding: Finding, report: Report) -> str:
    if finding.kind == "failed":  # how: raised, hung, crashed, …
        return f"failed: {finding.sentence.removeprefix(report.subject).partition(':')[0].strip()}"
    if finding.kind == "wrong gradient" and report.explanations:
        best = report.explanations[0]
        return f"wrong gradient: {best.bug} in {_kinds(best.parameters)}"
    kinds = _kinds(name for name, wrong, _ in finding.tally if wrong)
    return f"{finding.kind}: {kinds}" if kinds else finding.kind


def _convention(convention: Convention) -> str:
    return f"right up to a convention: data times {convention.data}, penalty times {convention.penalty}"


def _kinds(names: Iterable[str]) -> str:
    return ", ".join(sorted({_LAYER.sub("", name) for name in names}))
