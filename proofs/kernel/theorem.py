"""Theorems as values: a statement, its assumptions and scope, and steps, each an equation with a reason.

A theorem is claimed when it is written down; it holds when `qed` has decided every step, by the normal form
or, for symbolic sizes, by the index form. The first step that is not decided `equal` ends the proof, and both
its sides are shown. What is false without the equations that a theorem assumes is shown to be.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import sympy as sp

from proofs.kernel.exact import Agreement, below
from proofs.kernel.index_form import decide_index
from proofs.kernel.normal_form import Decision, decide
from proofs.kernel.polynomials import Expr
from symbolic.activations import Root


@dataclass(frozen=True, slots=True)
class Step:
    """left = right, for a reason; `claim` says in words or symbols what the two sides are."""

    claim: str
    left: Expr
    right: Expr
    reason: str

    def decided(self, roots: tuple[Root, ...], given: tuple[Expr, ...]) -> Decision:
        return decide(self.left, self.right, roots=roots, given=given)


@dataclass(frozen=True, slots=True)
class IndexStep(Step):
    """A step in index notation, for all sizes; `sizes` are those of free indices that are not N_i."""

    sizes: Mapping[sp.Symbol, Expr] = field(default_factory=dict)

    def decided(self, roots: tuple[Root, ...], given: tuple[Expr, ...]) -> Decision:
        """By the index form, to which nothing else is given."""
        return decide_index(self.left, self.right, sizes=self.sizes)


@dataclass(frozen=True, slots=True)
class Theorem:
    """A claim with the steps that prove it; `source` says where its two sides come from, and `roots` are the
    constants that its formulas name.

    What is `given` is 0 by assumption. The steps in `false_without` are false without that, or are what is
    easily taken for the theorem and is false: at a point, which is shown.
    """

    name: str
    statement: str
    assumptions: tuple[str, ...]
    scope: str
    steps: tuple[Step, ...]
    source: str
    roots: tuple[Root, ...] = ()
    given: tuple[Expr, ...] = ()
    false_without: tuple[Step, ...] = ()

    def qed(self) -> Proof:
        """Decide every step in order. Raises NotProved at the first that is not equal, or that is not false
        where it should be.
        """
        decisions = tuple(self._decided(step, self.given, "equal") for step in self.steps)
        return Proof(self, decisions, tuple(self._decided(s, (), "different") for s in self.false_without))

    def _decided(self, step: Step, given: tuple[Expr, ...], answer: str) -> Decision:
        decision = step.decided(self.roots, given)
        if decision.answer != answer:
            raise NotProved(self, step, decision)
        return decision


@dataclass(frozen=True, slots=True)
class Proof:
    """A theorem with the decision of each of its steps, all of them `equal`, and of each that is false
    without what is given.
    """

    theorem: Theorem
    decisions: tuple[Decision, ...]
    separated: tuple[Decision, ...] = ()

    @property
    def assumptions(self) -> tuple[str, ...]:
        """Those of the theorem and those that deciding its steps took for granted."""
        found = [assumption for decision in self.decisions for assumption in decision.assumptions]
        return tuple(dict.fromkeys((*self.theorem.assumptions, *found)))

    @property
    def evidence(self) -> str:
        """How many steps have exact values besides, and how likely these agree by chance."""
        exact = [each.evidence for each in self.decisions if isinstance(each.evidence, Agreement)]
        said = f"Exact values at random points agree in {len(exact)} of {len(self.decisions)} steps"
        return (
            f"{said}, by chance with probability below {below(sum(e.chance for e in exact))}"
            if exact
            else said
        )

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
        lead = "False without the assumption" if theorem.given else "False"
        for step, decision in zip(theorem.false_without, self.separated, strict=True):
            lines.append(f"  {lead}: {step.claim}, at {decision.point}.")
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
