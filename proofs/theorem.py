"""Theorems as values: a statement, its assumptions and scope, and steps, each an equation with a reason.

A theorem is claimed when it is written down; it holds when `qed` has decided every step by the normal
form. The first step that is not decided `equal` ends the proof, and both its sides are shown.
"""

from __future__ import annotations

from dataclasses import dataclass

from proofs.normal_form import Decision, decide
from proofs.polynomials import Expr
from symbolic.activations import Root


@dataclass(frozen=True, slots=True)
class Step:
    """left = right, for a reason; `claim` says in words or symbols what the two sides are."""

    claim: str
    left: Expr
    right: Expr
    reason: str


@dataclass(frozen=True, slots=True)
class Theorem:
    """A claim with the steps that prove it; `source` says where its two sides come from, and `roots` are the
    constants that its formulas name.
    """

    name: str
    statement: str
    assumptions: tuple[str, ...]
    scope: str
    steps: tuple[Step, ...]
    source: str
    roots: tuple[Root, ...] = ()

    def qed(self) -> Proof:
        """Decide every step in order. Raises NotProved at the first that is not equal."""
        decisions = []
        for step in self.steps:
            decision = decide(step.left, step.right, roots=self.roots)
            if decision.answer != "equal":
                raise NotProved(self, step, decision)
            decisions.append(decision)
        return Proof(self, tuple(decisions))


@dataclass(frozen=True, slots=True)
class Proof:
    """A theorem with the decision of each of its steps, all of them `equal`."""

    theorem: Theorem
    decisions: tuple[Decision, ...]

    @property
    def assumptions(self) -> tuple[str, ...]:
        """Those of the theorem and those that deciding its steps took for granted."""
        found = [assumption for decision in self.decisions for assumption in decision.assumptions]
        return tuple(dict.fromkeys((*self.theorem.assumptions, *found)))

    def __str__(self) -> str:
        theorem = self.theorem
        lines = [
            f"Theorem: {theorem.name}.",
            f"{theorem.statement}.",
            *(f"Assume: {assumption}." for assumption in self.assumptions),
            f"Scope: {theorem.scope}.",
            "Proof.",
        ]
        for number, (step, decision) in enumerate(zip(theorem.steps, self.decisions, strict=True), start=1):
            lines.append(f"  {number}. {step.claim}: {step.reason}; {decision.reason}.")
        return "\n".join([*lines, f"QED. Source: {theorem.source}."])


class NotProved(Exception):
    """A step of a theorem is different or undecided; the message shows both of its sides."""

    def __init__(self, theorem: Theorem, step: Step, decision: Decision) -> None:
        lines = [
            f"{theorem.name}: {step.claim} is {decision.answer}: {decision.reason}",
            f"  left:  {step.left}",
            f"  right: {step.right}",
        ]
        if decision.point is not None:
            lines.append(f"  at:    {decision.point}")
        super().__init__("\n".join(lines))
        self.theorem, self.step, self.decision = theorem, step, decision
