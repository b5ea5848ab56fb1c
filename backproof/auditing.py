"""`backproof audit`: what is right and what is wrong in published derivations, judged again."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from backproof.files import write_whole
from proofs.published import audit as published
from proofs.published.audit import DOCUMENTS, audit, rows, stored
from proofs.published.entry import Inconsistent
from symbolic.errors import BackproofError

SAME, DIFFERENT = 0, 1
COMPARED: Final = ("verdict", "holds_under", "fails_under")


def run(document: str | None, *, as_json: bool, write: Path | None) -> int:
    """Print the verdicts; 0 where they are the stored ones, 1 where not. Raises BackproofError."""
    if document is not None and document not in DOCUMENTS:
        raise BackproofError(f"no document {document!r}; choose from {', '.join(DOCUMENTS)}")
    try:
        found = rows(audit(*filter(None, [document])))
    except Inconsistent as error:
        print(f"an entry contradicts itself: {error}")
        return DIFFERENT
    if write is not None:
        write_whole(write, _json(found))
    changed = _changed(found, document)
    if as_json:
        print(_json(found), end="")
    else:
        _show(found, changed)
    return DIFFERENT if changed else SAME


def _json(found: list[dict[str, Any]]) -> str:
    return published.as_json(found)


def _changed(found: list[dict[str, Any]], document: str | None) -> list[str]:
    """The ids whose verdict is not the stored one."""
    before = {row["id"]: row for row in stored() if document in (None, row["document"])}
    now = {row["id"]: row for row in found}
    return [
        name
        for name in dict.fromkeys([*before, *now])
        if name not in before
        or name not in now
        or any(before[name][key] != now[name][key] for key in COMPARED)
    ]


def _show(found: list[dict[str, Any]], changed: list[str]) -> None:
    console = Console(highlight=False)
    for document in dict.fromkeys(row["document"] for row in found):
        own = [row for row in found if row["document"] == document]
        counts = Counter(row["verdict"] for row in own)
        said = ", ".join(f"{number} {verdict}" for verdict, number in counts.most_common())
        console.print(Text.assemble((document, "bold"), f": {len(own)} places; {said}"))
        faults = [row for row in own if row["verdict"] in ("wrong", "ambiguous")]
        if faults:
            console.print(_table(faults))
    if changed:
        console.print(Text(f"Not as stored in verdicts.json: {', '.join(changed)}", "red"))
    else:
        console.print(f"All {len(found)} verdicts are as stored.")


def _table(faults: list[dict[str, Any]]) -> Table:
    table = Table("id", "error", "what is true", "shown by", show_lines=True)
    for row in faults:
        kind = row["error_class"] if row["verdict"] == "wrong" else f"{row['error_class']} ({row['verdict']})"
        cells = (row["id"], f"{row['place']}: {kind}", row["corrected_claim"], row["shown_by"])
        table.add_row(*map(Text, cells))
    return table
