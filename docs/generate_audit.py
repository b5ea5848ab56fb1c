"""Writes docs/audit.md from the stored verdicts: `python docs/generate_audit.py` prints it.

The verdicts are the machine's; what the documents say and the corrections are those of the entries, every
correction judged true.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from proofs.published.audit import DOCUMENTS, stored

Row = Mapping[str, Any]
TITLES = {
    "regression_network": "A regression network with one hidden layer",
    "backward_network": "The backward pass as a network of linear neurons",
    "batch_form": "The batch form",
    "matrix_question": "A question about matrices, and its answer",
    "four_equations": "The four fundamental equations",
}
HEAD = """# The audit of five published derivations

This page is written by `docs/generate_audit.py` from `proofs/published/verdicts.json`, which the command
`backproof audit` checks: each formula is judged as printed, in its document's own conventions and shapes.
A wrong superscript, sign, range, transposition or factor is wrong even where a reader would guess what was
meant. Every correction has been judged as well, and is true.
"""
NAMES = ("definition", "correct", "derived", "wrong", "ambiguous", "not-formal", "undecided")


def page() -> str:
    """The whole page."""
    rows = stored()
    sections = ("\n".join(_section(name, [r for r in rows if r["document"] == name])) for name in DOCUMENTS)
    return "\n\n".join([HEAD.strip(), _counts(rows), _systems(), *sections]) + "\n"


def _systems() -> str:
    """The table of docs/systems.md, whose commands a test runs."""
    lines = (Path(__file__).parent / "systems.md").read_text(encoding="utf-8").splitlines()
    table = "\n".join(line for line in lines if line.startswith("|"))
    text = "What these documents describe works by command ([systems.md](systems.md) says more):"
    return f"## Their systems, by command\n\n{text}\n\n{table}"


def _counts(rows: list[dict[str, Any]]) -> str:
    lines = [f"| document | {' | '.join(NAMES)} | all |", f"| --- |{' ---: |' * (len(NAMES) + 1)}"]
    for name in DOCUMENTS:
        counts = Counter(row["verdict"] for row in rows if row["document"] == name)
        cells = " | ".join(str(counts[verdict] or "") for verdict in NAMES)
        lines.append(f"| [{TITLES[name]}](#{_anchor(TITLES[name])}) | {cells} | {counts.total()} |")
    return "\n".join(lines)


def _anchor(title: str) -> str:
    return title.lower().replace(",", "").replace(" ", "-")


def _section(name: str, rows: list[dict[str, Any]]) -> Iterator[str]:
    yield f"## {TITLES[name]}"
    for row in rows:
        if row["verdict"] in ("wrong", "ambiguous"):
            yield from _fault(row)
    yield from _listed("Given here for the first time", [r for r in rows if r["verdict"] == "derived"])
    scaled = [r for r in rows if r["holds_under"] and r["fails_under"]]
    if scaled:
        yield "\n### True under some conventions only\n"
        yield "| id | place | holds under | fails under |\n| --- | --- | --- | --- |"
        for row in scaled:
            cells = [row["id"], row["place"], *("; ".join(row[k]) for k in ("holds_under", "fails_under"))]
            yield f"| {' | '.join(map(_cell, cells))} |"
    right = [r for r in rows if r["verdict"] in ("correct", "definition")]
    yield from _listed("Right as printed", right)
    yield from _listed("Not formal", [r for r in rows if r["verdict"] == "not-formal"])


def _fault(row: Row) -> Iterator[str]:
    yield f"\n### {row['id']}, {row['place']}: {row['verdict']} ({row['error_class']})\n"
    yield f"{row['says']}\n"
    readings = "\n".join(f"    {reading}" for reading in row["readings"])
    yield f"As printed:\n\n{readings}\n"
    yield f"Shown by: {row['shown_by']}.\n"
    yield f"What is true:\n\n$$ {row['corrected']} $$\n\n    {row['corrected_claim']}"


def _listed(title: str, rows: list[dict[str, Any]]) -> Iterator[str]:
    if not rows:
        return
    yield f"\n### {title}\n"
    for row in rows:
        formula = f": `{'; '.join(row['readings'])}`" if row["readings"] else ""
        yield f"- {row['id']}, {row['place']}. {row['reason'] or row['says']}{formula}"


def _cell(text: str) -> str:
    return text.replace("|", r"\|")


if __name__ == "__main__":
    print(page(), end="")
