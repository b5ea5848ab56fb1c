"""A mutant: some steps of a derivation as a wrong program has them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from symbolic.notation import Array, Step


@dataclass(frozen=True)
class Mutant:
    """A named bug at some steps; `changed` stand for the right steps in `original`, target by target.

    `number` is its row in the catalogue of bugs, None where that only implies it. `extra` are steps that a
    changed one reads from; `constants` are free scalars: the step size `eta`, `epsilon`, and `kappa`, which
    is to be fitted.

    `where` says which steps these are. With the bug, each of `scopes` names the same mutant in other
    networks: what is in "layer 1" of two layers may be a bug of "hidden layers".
    """

    bug: str
    number: int | None
    where: str
    changed: tuple[Step, ...]
    original: tuple[Step, ...]
    extra: tuple[Step, ...] = ()
    constants: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.bug} ({self.where})"

    @property
    def steps(self) -> tuple[Step, ...]:
        """All steps that no right derivation has."""
        return (*self.extra, *self.changed)

    @property
    def targets(self) -> frozenset[Array]:
        return frozenset(step.target for step in self.changed)


def mutated(steps: Iterable[Step], mutant: Mutant) -> tuple[Step, ...]:
    """The steps as the mutant has them, in order: an extra step runs before the first that reads it."""
    swaps = {step.target: step for step in mutant.changed}
    pending = {step.target: step for step in mutant.extra}
    found: list[Step] = []
    for step in steps:
        wrong = swaps.get(step.target, step)
        _need(wrong, pending, found)
        found.append(wrong)
    return tuple(found)


def affected(steps: Iterable[Step], mutant: Mutant) -> tuple[Step, ...]:
    """Those of the mutant's steps that compute something else than the right ones did, in order."""
    other = set(mutant.targets) | {step.target for step in mutant.extra}
    found = []
    for step in mutated(steps, mutant):
        if step.target in other or other.intersection(step.inputs):
            other.add(step.target)
            found.append(step)
    return tuple(found)


def _need(step: Step, pending: dict[Array, Step], found: list[Step]) -> None:
    for array in step.inputs:
        if extra := pending.pop(array, None):
            _need(extra, pending, found)
            found.append(extra)
