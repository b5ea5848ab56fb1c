"""What is wrong with a claim: the true formulas that differ from it by one change, or by two.

Nearly all of the changed formulas (`changes`) differ from the left side at the first entry and point that is
looked at; what is left is decided.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import product
from typing import Final

from proofs.claims.changes import ErrorClass, changes
from proofs.claims.formula import Claim
from proofs.claims.given import Given
from proofs.claims.judging import judge, world_of
from proofs.claims.sides import first_sides
from proofs.claims.values import Misfit, Missing
from proofs.claims.world import World
from proofs.claims.writing import claim_text
from proofs.kernel.balls import Point, Unclear, order

SECONDS: Final = 5.0
ENOUGH: Final = 3


@dataclass(frozen=True, slots=True)
class Nearest:
    """A claim near another one, and what is wrong with the other one."""

    claim: Claim
    error_class: ErrorClass
    words: str


def nearest(
    claim: Claim, given: Given, *, seconds: float = SECONDS, enough: int = ENOUGH
) -> tuple[Nearest, ...]:
    """True claims with the same left side that differ by one change, or by two where none does; the shortest
    first.

    >>> from proofs.claims.parsing import parse_claims
    >>> from proofs.claims.given import given
    >>> context = given(sizes={"n": False}, arrays={"x": "n", "E": ""}, definitions=["E = Sum(x[i]**2, i)/2"])
    >>> (claim,) = parse_claims("D(E, x[i]) = -x[i]")
    >>> nearest(claim, context)[0].words
    'the sign: x[i] for -x[i]'
    """
    deadline = time.monotonic() + seconds
    screen = _Screen(claim, world_of(given))
    singles = list(_changed(claim, given))
    found = _true(singles, given, screen, deadline, enough)
    if found:
        return found
    return _true(_twice(singles, given, deadline), given, screen, deadline, enough=1)


def _twice(singles: list[Nearest], given: Given, deadline: float) -> Iterator[Nearest]:
    for first in singles:
        for second in _changed(first.claim, given):
            if time.monotonic() > deadline:
                return
            words = f"{first.words}; and {second.words}"
            yield Nearest(second.claim, first.error_class, words)


def _true(
    near: Iterable[Nearest], given: Given, screen: _Screen, deadline: float, enough: int
) -> tuple[Nearest, ...]:
    """Those that are true, the shortest first."""
    passed: dict[Claim, Nearest] = {}
    for each in near:
        if time.monotonic() > deadline:
            break
        if each.claim not in passed and screen.passes(each.claim):
            passed[each.claim] = each
            if enough == 1 and _is_true(each.claim, given, deadline):
                return (each,)
    found: list[Nearest] = []
    for each in sorted(passed.values(), key=lambda each: len(claim_text(each.claim))):
        if len(found) < enough and _is_true(each.claim, given, deadline):
            found.append(each)
    return tuple(found)


def _is_true(claim: Claim, given: Given, deadline: float) -> bool:
    return judge(claim, given, seconds=max(0.0, deadline - time.monotonic())).answer == "true"


def _changed(claim: Claim, given: Given) -> Iterator[Nearest]:
    """Every claim that differs from this one by one change of its right side or of its ranges."""
    for number, said in enumerate(claim.ranges):
        for name, step in product(("last", "first"), (-1, 1)):
            end = getattr(said, name)
            moved = replace(said, **{name: replace(end, offset=end.offset + step)})
            ranges = (*claim.ranges[:number], moved, *claim.ranges[number + 1 :])
            words = f"a range: {moved.name} in {moved.first}..{moved.last}, not {said.first}..{said.last}"
            yield Nearest(replace(claim, ranges=ranges), "range", words)
    for change in changes(claim.right, claim, given):
        if change.formula != claim.left:  # a = a is true and says nothing
            yield Nearest(replace(claim, right=change.formula), change.error_class, change.words)


class _Screen:
    """Compares the right side with the left at the first entry, at one point."""

    def __init__(self, claim: Claim, world: World) -> None:
        self.world, self.point = world, Point(0, {})
        self.sides = None
        with suppress(Misfit, Missing):
            self.sides = first_sides(claim, world)

    def passes(self, changed: Claim) -> bool:
        """Whether a formula may be the left side's; one that cannot be looked at here may be, too."""
        self.world.misfits.clear()
        try:
            left, right = first_sides(changed, self.world)
        except (Misfit, Missing):
            return False
        if self.world.misfits:
            return False
        with suppress(Unclear):
            return order(left, right, self.point) == 0
        return True
