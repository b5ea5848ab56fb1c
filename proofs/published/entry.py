"""An entry of an audit: what a document says in one place, in our words and grammar, and what becomes of it.

    definition  a name is given to something; its shapes fit
    correct     every equation holds as printed, in the document's conventions
    wrong       an equation is false, or its shapes do not fit, as printed
    ambiguous   some readings of what is printed are true, others are not
    derived     a step that was left open, now given, and true
    not-formal  prose that no machine can judge; with the reason
    undecided   neither could be shown

An entry says what is claimed, not what comes of it: the verdict is computed. A correction is a claim as well,
and has to be true.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from proofs.claims.given import Given
from proofs.claims.judging import SECONDS, Answer, Judgement, judge
from proofs.claims.parsing import parse_claims

Kind = Literal["definition", "claim", "open", "prose"]
VerdictName = Literal["definition", "correct", "wrong", "ambiguous", "derived", "not-formal", "undecided"]
CHECK: Final = "proofs.claims.judging.judge"
DENIED: Final = "not "
OPPOSITE: Final[Mapping[str, Answer]] = {"true": "false", "false": "true"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One place of a document.

    `readings` are what the printed formula may mean; of most there is one. Each is one or more equations in
    the grammar of claims, parted by semicolons; `not` before one says that it is no identity. `conventions`
    are contexts by name: the document's own first. `corrected` is the true formula, `latex` shows it. Prose
    has a `reason` in place of readings.
    """

    id: str
    place: str
    says: str
    kind: Kind
    conventions: Mapping[str, Given] = field(default_factory=dict)
    readings: tuple[str, ...] = ()
    corrected: str = ""
    latex: str = ""
    error_class: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the machine says of an entry; `judgements` of each reading under each convention."""

    entry: Entry
    name: VerdictName
    judgements: Mapping[tuple[str, str], Judgement]
    holds_under: tuple[str, ...] = ()
    fails_under: tuple[str, ...] = ()

    @property
    def checked_by(self) -> str:
        return CHECK if self.judgements else ""


class Inconsistent(AssertionError):
    """An entry contradicts itself: a correction that is not true, or one of what is not wrong."""


def verdict(entry: Entry, *, seconds: float = SECONDS) -> Verdict:
    """Judge an entry. Raises Inconsistent where its correction is false or has nothing to correct."""
    if not entry.readings:
        return Verdict(entry, "definition" if entry.kind == "definition" else "not-formal", {})
    judged = {
        (reading, convention): _judged(reading, given, seconds)
        for reading in entry.readings
        for convention, given in entry.conventions.items()
    }
    own = next(iter(entry.conventions))
    answers = {judged[reading, own].answer for reading in entry.readings}
    name = _name(entry, answers)
    true = tuple(c for c in entry.conventions if all(judged[r, c].answer == "true" for r in entry.readings))
    false = tuple(
        c
        for c in entry.conventions
        if any(judged[r, c].answer in ("false", "ill-formed") for r in entry.readings)
    )
    if (name in ("wrong", "ambiguous")) != bool(entry.corrected):
        raise Inconsistent(f"{entry.id} is {name}, but its correction is {entry.corrected or 'missing'!r}")
    if entry.corrected:
        found = _judged(entry.corrected, entry.conventions[own], seconds)
        if found.answer != "true":
            raise Inconsistent(
                f"{entry.id}: the correction {entry.corrected!r} is {found.answer}: {found.reason}"
            )
    return Verdict(entry, name, judged, true, false)


def _name(entry: Entry, answers: Set[str]) -> VerdictName:
    if "undecided" in answers:
        return "undecided"
    if answers != {"true"}:
        return "ambiguous" if "true" in answers else "wrong"
    return {"definition": "definition", "open": "derived"}.get(entry.kind, "correct")  # type: ignore[return-value]


def _judged(text: str, given: Given, seconds: float) -> Judgement:
    """All statements of a text: the first that is not true, or the last."""
    found = None
    for statement in text.split(";"):
        found = _statement(statement.strip(), given, seconds)
        if found.answer != "true":
            break
    assert found is not None
    return found


def _statement(text: str, given: Given, seconds: float) -> Judgement:
    """A chain of equations; after `not`, that at least one of them is no identity."""
    found = None
    for claim in parse_claims(text.removeprefix(DENIED)):
        found = judge(claim, given, seconds=seconds)
        if found.answer != "true":
            break
    assert found is not None
    if text.startswith(DENIED) and found.answer in OPPOSITE:
        return replace(found, answer=OPPOSITE[found.answer])
    return found
