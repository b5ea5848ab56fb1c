"""Shapes that do not fit: every place where they do not, and the sizes that would have to be equal."""

from __future__ import annotations

import time
from contextlib import suppress
from itertools import combinations

from proofs.claims.formula import Claim
from proofs.claims.given import Given
from proofs.claims.judging import judge_in, square_world
from proofs.claims.sides import entries
from proofs.claims.values import Misfit, Missing
from proofs.claims.world import World


def mismatches(claim: Claim, given: Given) -> tuple[tuple[int, str], ...]:
    """Where in the text shapes do not fit, and what is there; the first at each place.

    >>> from proofs.claims.parsing import parse_claims
    >>> from proofs.claims.given import given
    >>> context = given(sizes={"n": True}, depth=2, arrays={"x": "n[0]", "y": "n[1]", "z": "n[2]"})
    >>> mismatches(parse_claims("x = x + y + z")[0], context)[0]
    (6, "'+' has n[0]×1 on one side and n[1]×1 on the other")
    """
    world = square_world(given)
    found: dict[int, str] = {}
    try:
        for _ in entries(claim, world):
            pass
    except (Misfit, Missing) as error:
        found[error.at] = error.problem
    for misfit in world.misfits:
        found.setdefault(misfit.at, misfit.problem)
    return tuple(sorted(found.items()))


def true_where(claim: Claim, given: Given, *, seconds: float) -> str:
    """The sizes whose equality makes an ill-formed claim true, "" if there are none."""
    deadline = time.monotonic() + seconds
    labels = [label for label in square_world(given).sizes if label not in given.fixed]
    for one, other in combinations(labels, 2):
        unequal = {label: 2 + number for number, label in enumerate(labels)}
        world = World(given, {**unequal, one: 2, other: 2, **given.fixed})
        if judge_in(claim, world, seconds=max(0, deadline - time.monotonic())).answer == "true":
            return f"{one} = {other}"
    with suppress(Misfit, Missing):
        if judge_in(claim, square_world(given), seconds=max(0, deadline - time.monotonic())).answer == "true":
            return "all layers have the same width"
    return ""
