"""A claim judged: shapes first, then both sides in worlds of small sizes, entry by entry.

    true        both sides are equal at every index, layer and size that was tried (normal form)
    false       at one of them balls separate the two sides at a rational point
    ill-formed  the shapes do not fit, or it speaks of what is not there; `at` says where
    undecided   neither could be shown

A claim whose shapes fit only where sizes happen to be equal is ill-formed; whether it is true there is said.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import cycle
from typing import Final, Literal

from proofs.claims.formula import Claim, Reference, every
from proofs.claims.given import Given
from proofs.claims.sides import is_said, layers, sides
from proofs.claims.values import Environment, Misfit, Missing, Value
from proofs.claims.world import World
from proofs.kernel.normal_form import Decision, decide

Answer = Literal["true", "false", "ill-formed", "undecided"]
SECONDS: Final = 20.0
UNEQUAL: Final = (2, 3, 2, 3, 2, 3)  # widths of layers 0, 1, …: neighbours differ
OTHERS: Final = 2  # of a size that is one for all layers
COUNTS: Final = (3, 5, 7)  # of such sizes where formulas count by them: no 2, and no two alike
SQUARE: Final = 2


@dataclass(frozen=True, slots=True)
class Counterexample:
    """Where a claim is false: sizes, indices and layers, and a point that separates the two sides."""

    sizes: Mapping[str, int]
    places: Mapping[str, int]
    entry: tuple[int, int]
    left: str
    right: str
    point: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """An answer with its reason; `tried` counts the equalities of numbers that were decided. Of a true claim
    `sizes` are those of the worlds in which it was judged, `layers` what the names of layers stood for;
    `every_size` where it is shown for all of them (`every_size.for_every_size`).
    """

    answer: Answer
    reason: str
    tried: int = 0
    at: int | None = None
    counterexample: Counterexample | None = None
    if_square: Answer | None = None
    assumptions: tuple[str, ...] = ()
    scope: str = ""
    sizes: tuple[Mapping[str, int], ...] = ()
    layers: tuple[Environment, ...] = ()
    every_size: bool = False


class _TimeUp(Exception):
    """The deadline has passed."""


def judge(claim: Claim, given: Given, *, seconds: float = SECONDS) -> Judgement:
    """Judge a claim in its context, within about `seconds`.

    >>> from proofs.claims.parsing import parse_claims
    >>> from proofs.claims.given import given
    >>> context = given(sizes={"n": False}, arrays={"x": "n", "E": ""}, definitions=["E = Sum(x[i]**2, i)/2"])
    >>> judge(parse_claims("D(E, x[i]) = x[i]")[0], context).answer
    'true'
    >>> judge(parse_claims("D(E, x) = 2*x")[0], context).counterexample.point
    'x[1] = 15/8'
    """
    deadline = time.monotonic() + seconds
    found = _in_world(claim, world_of(given), deadline)
    if found.answer == "ill-formed" and any(given.sizes.values()):
        square = _in_world(claim, square_world(given), deadline, fits=False)
        return replace(found, if_square=square.answer)
    if found.answer == "true" and _counted(claim, given):
        other = _in_world(claim, World(given, _sizes(given, UNEQUAL) | _counted(claim, given)), deadline)
        if other.answer != "true":
            return other
        return replace(
            found,
            tried=found.tried + other.tried,
            scope=f"{found.scope}; {other.scope}",
            sizes=(*found.sizes, *other.sizes),
        )
    return found


def _counted(claim: Claim, given: Given) -> dict[str, int]:
    """Sizes that stand in formulas as numbers, as in E/m, each with a number of its own."""
    formulas = [claim.left, claim.right, *(each.right for each in given.definitions)]
    names = {
        node.name for formula in formulas for node in every(formula) if isinstance(node, Reference)
    } - set(given.constants)
    names -= set(given.fixed)
    sizes = [name for name, layered in given.sizes.items() if not layered and name in names]
    return dict(zip(sizes, cycle(COUNTS), strict=False))


def world_of(given: Given) -> World:
    """The world in which neighbouring layers have unequal widths."""
    return World(given, _sizes(given, UNEQUAL))


def square_world(given: Given) -> World:
    """The world in which all layers have one width: there misfits are noted, and the work goes on."""
    return World(given, _sizes(given, (SQUARE,) * len(UNEQUAL)))


def judge_in(claim: Claim, world: World, *, seconds: float = SECONDS) -> Judgement:
    """The judgement in one world, in which shapes need only agree in numbers."""
    return _in_world(claim, world, time.monotonic() + seconds, fits=False)


def _sizes(given: Given, widths: tuple[int, ...]) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for name, layered in given.sizes.items():
        if layered:
            labels = (f"{name}[{l}]" for l in range(given.depth + 1))
            own = {label: widths[l % len(widths)] for l, label in enumerate(labels)}
            sizes |= {label: size for label, size in own.items() if label not in given.widths}
        else:
            sizes[name] = given.fixed.get(name, OTHERS)
    return sizes


def _in_world(claim: Claim, world: World, deadline: float, *, fits: bool = True) -> Judgement:
    """The judgement in one world; without `fits`, shapes need only agree in numbers."""
    tried, assumed, judged = 0, dict[str, None](), list[Environment]()
    missing: Missing | None = None
    try:
        for layer_env in layers(claim, world):
            try:
                pairs = list(sides(claim, world, layer_env))
            except Missing as error:
                missing = error
                if is_said(claim):
                    raise
                continue  # where layers are not said, the claim is about those for which all of it exists
            if fits and world.misfits:
                raise world.misfits[0]
            judged.append(layer_env)
            for env, left, right in pairs:
                for place in left.entries:
                    decision = _decided(left, right, place, deadline)
                    tried += 1
                    assumed |= dict.fromkeys(decision.assumptions)
                    if decision.answer != "equal":
                        return _unequal(world, env, place, (left, right), decision, tried)
    except Misfit as error:
        return Judgement("ill-formed", error.problem, tried, error.at)
    except Missing as error:
        return Judgement("ill-formed", error.problem, tried, error.at)
    except _TimeUp:
        return Judgement("undecided", "the time was up", tried)
    if not tried:
        assert missing is not None, "a claim without layers is judged once"
        return Judgement("ill-formed", missing.problem, 0, missing.at)
    scope = ", ".join(f"{name} = {size}" for name, size in world.sizes.items())
    reason = f"both sides are equal in {tried} entries"
    return Judgement(
        "true",
        reason,
        tried,
        assumptions=tuple(assumed),
        scope=scope,
        sizes=(world.sizes,),
        layers=tuple(judged),
    )


def _decided(left: Value, right: Value, place: tuple[int, int], deadline: float) -> Decision:
    remaining = deadline - time.monotonic()
    if remaining <= 0:
        raise _TimeUp
    return decide(left.entries[place], right.entries[place], seconds=remaining)


def _unequal(
    world: World,
    env: Mapping[str, int],
    place: tuple[int, int],
    sides: tuple[Value, Value],
    decision: Decision,
    tried: int,
) -> Judgement:
    if decision.answer == "undecided":
        return Judgement("undecided", decision.reason, tried)
    left, right = (str(side.entries[place]) for side in sides)
    where = Counterexample(world.sizes, env, place, left, right, str(decision.point))
    return Judgement("false", decision.reason, tried, counterexample=where)
