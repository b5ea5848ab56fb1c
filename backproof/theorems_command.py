"""`theorems`: every theorem of the library, proved again, with its statement and scope."""

from __future__ import annotations

from typing import Final

from proofs.kernel.theorem import NotProved, Theorem
from proofs.theorems import THEOREMS
from symbolic.errors import InvalidNetwork

EXIT_STATUS: Final = {"equal": 1, "different": 1, "undecided": 4}  # of a step that is not what it should be


def run(about: str | None) -> int:
    """Prove all theorems, or show the proofs of those about one thing; returns the exit code."""
    if about is not None and about not in THEOREMS:
        raise InvalidNetwork(f"no theorems about '{about}'; choose from {', '.join(THEOREMS)}")
    chosen = THEOREMS if about is None else {about: THEOREMS[about]}
    worst = 0
    for name, theorems in chosen.items():
        print(f"{name}\n")
        for theorem in theorems():
            worst = max(worst, _show(theorem, is_whole=about is not None))
    return worst


def _show(theorem: Theorem, *, is_whole: bool) -> int:
    try:
        proof = theorem.qed()
    except NotProved as failure:
        print(f"  Not proved. {failure}\n")
        return EXIT_STATUS[failure.decision.answer]
    if is_whole:
        print(f"{proof}\n{proof.evidence}.\n")
        return 0
    assumed = [f"Assume: {each}." for each in proof.assumptions]
    false = [f"False: {step.claim}." for step in theorem.false_without]
    lines = [f"{theorem.name}. {theorem.statement}.", *assumed, f"Scope: {theorem.scope}.", *false]
    steps = f"{len(theorem.steps)} step{'s' * (len(theorem.steps) != 1)}"
    print("  " + "\n  ".join([*lines, f"QED, {steps}."]) + "\n")
    return 0
