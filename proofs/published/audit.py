"""The audit of all published derivations: every entry of every document, judged.

`verdicts.json` beside this file is what the machine said; `rows` says it again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from proofs.claims.counterexamples import Small, small_counterexample
from proofs.claims.formula import Claim
from proofs.claims.given import Given
from proofs.claims.judging import Judgement, judge
from proofs.claims.parsing import parse_claims
from proofs.published import (
    backward_network,
    batch_form,
    four_equations,
    matrix_question,
    regression_network,
)
from proofs.published.entry import DENIED, Entry, Verdict, verdict

DOCUMENTS: Final[Mapping[str, tuple[Entry, ...]]] = {
    "regression_network": regression_network.ENTRIES,
    "backward_network": backward_network.ENTRIES,
    "batch_form": batch_form.ENTRIES,
    "matrix_question": matrix_question.ENTRIES,
    "four_equations": four_equations.ENTRIES,
}
ENTRIES: Final = {entry.id: entry for entries in DOCUMENTS.values() for entry in entries}
STORED: Final = Path(__file__).with_name("verdicts.json")
SECONDS: Final = 60.0  # for one counterexample; it takes a tenth of one


def audit(*documents: str) -> dict[str, tuple[Verdict, ...]]:
    """The verdict on every entry of these documents, of all where none is named. Raises Inconsistent."""
    return {name: judged(name) for name in documents or DOCUMENTS}


def judged(document: str) -> tuple[Verdict, ...]:
    """The verdict on every entry of a document. Raises Inconsistent."""
    return tuple(verdict_on(entry.id) for entry in DOCUMENTS[document])


@cache
def verdict_on(id: str) -> Verdict:
    """The verdict on one entry, judged once per process. Raises Inconsistent."""
    return verdict(ENTRIES[id])


def rows(verdicts: Mapping[str, tuple[Verdict, ...]]) -> list[dict[str, Any]]:
    """Verdicts as `verdicts.json` holds them."""
    return [_row(name, found) for name, own in verdicts.items() for found in own]


def as_json(found: list[dict[str, Any]]) -> str:
    """The text of `verdicts.json`."""
    return json.dumps(found, indent=1, ensure_ascii=False) + "\n"


def stored() -> list[dict[str, Any]]:
    """What `verdicts.json` holds."""
    rows: list[dict[str, Any]] = json.loads(STORED.read_text(encoding="utf-8"))
    return rows


def _row(document: str, found: Verdict) -> dict[str, Any]:
    entry = found.entry
    return {
        "id": entry.id,
        "document": document,
        "place": entry.place,
        "says": entry.says,
        "readings": list(entry.readings),
        "verdict": found.name,
        "holds_under": list(found.holds_under),
        "fails_under": list(found.fails_under),
        "error_class": entry.error_class,
        "corrected": entry.latex,
        "corrected_claim": entry.corrected,
        "shown_by": shown_by(found),
        "checked_by": found.checked_by,
        "reason": entry.reason,
    }


def shown_by(found: Verdict) -> str:
    """What shows that an entry is wrong: a small counterexample, or what does not fit; "" where it is not."""
    if found.name not in ("wrong", "ambiguous"):
        return ""
    given = next(iter(found.entry.conventions.values()))
    for claim, denied in _claims(found.entry):
        judgement = judge(claim, given)
        if judgement.answer == "true" and denied:
            return f"{claim.text.strip()} is an identity"
        if judgement.answer != "true" and not denied:
            return _shown(claim, given, judgement)
    return ""


def _claims(entry: Entry) -> Iterator[tuple[Claim, bool]]:
    """The equations of all readings, and whether they are denied."""
    for reading in entry.readings:
        for statement in reading.split(";"):
            text = statement.strip()
            for claim in parse_claims(text.removeprefix(DENIED)):
                yield claim, text.startswith(DENIED)


def _shown(claim: Claim, given: Given, judgement: Judgement) -> str:
    if judgement.answer == "ill-formed":
        return judgement.reason
    small = small_counterexample(claim, given, seconds=SECONDS)
    return written(small) if small is not None else judgement.reason


def written(small: Small) -> str:
    """A counterexample in one line."""
    places = {**small.sizes, **small.places}
    sizes = ", ".join(f"{name} = {value}" for name, value in places.items())
    where = "; ".join(filter(None, (sizes, small.point)))
    return f"{where}: {small.left} on the left, {small.right} on the right"
