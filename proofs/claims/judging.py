"""A claim judged: shapes first, then both sides in worlds of small sizes, entry by entry.

    true        both sides are equal at every index, layer and size that was tried (normal form)
    false       at one of them balls separate the two sides at a rational point
    ill-formed  the shapes do not fit, or it speaks of what is not there; `at` says where
    undecided   neither could be shown

A claim whose shapes fit only where sizes happen to be equal is ill-formed; whether it is true there is said.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import cycle, product
from typing import Final, Literal

from proofs.claims.formula import Call, Claim, Formula, Partial, Reference, Total, children, every
from proofs.claims.given import Given
from proofs.claims.values import Misfit, Missing, Value
from proofs.claims.world import World
from proofs.kernel.normal_form import Decision, decide
from symbolic.expressions import Expr

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
    """An answer with its reason; `tried` counts the equalities of numbers that were decided."""

    answer: Answer
    reason: str
    tried: int = 0
    at: int | None = None
    counterexample: Counterexample | None = None
    if_square: Answer | None = None
    assumptions: tuple[str, ...] = ()
    scope: str = ""


class _TimeUp(Exception):
    """The deadline has passed."""


def judge(claim: Claim, given: Given, *, seconds: float = SECONDS) -> Judgement:
    """Judge a claim in its context, within about `seconds`.

    >>> from proofs.claims.formula import parse_claims
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
        return replace(found, tried=found.tried + other.tried, scope=f"{found.scope}; {other.scope}")
    return found


def _counted(claim: Claim, given: Given) -> dict[str, int]:
    """Sizes that stand in formulas as numbers, as in E/m, each with a number of its own."""
    formulas = [claim.left, claim.right, *(each.right for each in given.definitions)]
    names = {
        node.name for formula in formulas for node in every(formula) if isinstance(node, Reference)
    } - set(given.constants)
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


def entries(claim: Claim, world: World) -> Iterator[tuple[dict[str, int], tuple[int, int], Expr, Expr]]:
    """Both sides of every entry, with the indices, the layers and the place. Raises Misfit and Missing."""
    for layer_env in _layers(claim, world):
        try:
            for env, left, right in _sides(claim, world, layer_env):
                for place in left.entries:
                    yield dict(env), place, left.entries[place], right.entries[place]
        except Missing:
            if _is_said(claim):
                raise


def first_sides(claim: Claim, world: World) -> tuple[Expr, Expr]:
    """Both sides of the last entry at the last indices and layers. Raises Misfit and Missing."""
    missing = Missing("there is no layer", claim.left.at)
    for layer_env in reversed(list(_layers(claim, world))):
        try:
            *_, (_, left, right) = _sides(claim, world, layer_env)
        except Missing as error:
            missing = error
            if _is_said(claim):
                raise
            continue
        place = max(left.entries)
        return left.entries[place], right.entries[place]
    raise missing


def _sizes(given: Given, widths: tuple[int, ...]) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for name, layered in given.sizes.items():
        if layered:
            labels = (f"{name}[{l}]" for l in range(given.depth + 1))
            own = {label: widths[l % len(widths)] for l, label in enumerate(labels)}
            sizes |= {label: size for label, size in own.items() if label not in given.widths}
        else:
            sizes[name] = OTHERS
    return sizes


def _in_world(claim: Claim, world: World, deadline: float, *, fits: bool = True) -> Judgement:
    """The judgement in one world; without `fits`, shapes need only agree in numbers."""
    tried, assumed, layers = 0, dict[str, None](), set[int]()
    missing: Missing | None = None
    try:
        for layer_env in _layers(claim, world):
            try:
                pairs = list(_sides(claim, world, layer_env))
            except Missing as error:
                missing = error
                if _is_said(claim):
                    raise
                continue  # where layers are not said, the claim is about those for which all of it exists
            if fits and world.misfits:
                raise world.misfits[0]
            layers |= set(layer_env.values())
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
    return Judgement("true", reason, tried, assumptions=tuple(assumed), scope=scope)


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


def _sides(
    claim: Claim, world: World, layer_env: Mapping[str, int]
) -> Iterator[tuple[Mapping[str, int], Value, Value]]:
    """Both sides for every value of the free indices. Raises Misfit and Missing."""
    whole = (claim.left, claim.right)
    names = list(dict.fromkeys(name for side in whole for name in _free(side, world)))
    names = [name for name in names if name not in layer_env]
    said = {each.name: each for each in claim.ranges}
    ranges = []
    for name in names:
        if name in said:
            first, last = (world.place(end, layer_env) for end in (said[name].first, said[name].last))
            ranges.append(range(first, last + 1))
        else:
            ranges.append(range(1, _axis(name, claim, world, layer_env) + 1))
    for values in product(*ranges):
        env = {**layer_env, **dict(zip(names, values, strict=True))}
        left, right = (world.value(side, env) for side in whole)
        world.same(left, right, claim.right.at, "the sides are")
        yield env, left, right


def _axis(name: str, claim: Claim, world: World, env: Mapping[str, int]) -> int:
    """How many values a free index takes: what both sides say, and the same in both."""
    found: dict[str, int] = {}
    for side in (claim.left, claim.right):
        if name in _free(side, world):
            with suppress(Missing):  # delta(i, j) does not say it
                axis = world.range_of(name, side, env, side.at)
                found[axis.label] = axis.size
    if not found:
        raise Missing(f"nothing says what {name} runs over", claim.left.at)
    if len(found) > 1:
        problem = f"{name} runs over {' on one side and over '.join(found)} on the other"
        misfit = Misfit(problem, claim.right.at)
        if len(set(found.values())) > 1:
            raise misfit
        world.misfits.append(misfit)
    return next(iter(found.values()))


def _layers(claim: Claim, world: World) -> Iterator[dict[str, int]]:
    """Every assignment of layers to the names that stand for them."""
    names = list(dict.fromkeys(_layer_names(claim, world)))
    said = {each.name: each for each in claim.ranges}
    ranges = []
    for name in names:
        if name in said:
            first, last = (world.place(end, {}) for end in (said[name].first, said[name].last))
            ranges.append(range(first, last + 1))
        else:
            ranges.append(range(0, world.given.depth + 1))
    for values in product(*ranges):
        yield dict(zip(names, values, strict=True))


def _is_said(claim: Claim) -> bool:
    return bool(claim.ranges)


def _layer_names(claim: Claim, world: World) -> Iterator[str]:
    numbers = (None, "L", *world.sizes)
    for side in (claim.left, claim.right):
        for node in every(side):
            if isinstance(node, Reference):
                array = world.given.arrays.get(node.name)
                layered = array.layers if array else world.given.sizes.get(node.name)
                groups = node.groups[:1] if layered else ()
                yield from (str(p.name) for group in groups for p in group if p.name not in numbers)
            if isinstance(node, Call) and node.layer is not None and node.layer.name not in numbers:
                yield str(node.layer.name)


def _free(node: Formula, world: World, bound: frozenset[str] = frozenset()) -> Iterator[str]:
    """Indices that a formula leaves free, layers apart."""
    match node:
        case Total():
            yield from _free(node.body, world, bound | {node.index})
        case Reference():
            if node.name in world.given.arrays:
                for place in world.places(node):
                    if place.name is not None and place.name not in bound and place.name not in world.sizes:
                        yield place.name
        case Partial():
            yield from _free(node.of, world, bound)
            yield from _free(node.by, world, bound)
        case Call():
            for argument in node.arguments:
                is_index = isinstance(argument, Reference) and argument.name not in (
                    *world.given.arrays,
                    *world.given.constants,
                    *world.given.sizes,
                )
                if is_index and node.function in ("delta", "col", "row"):
                    assert isinstance(argument, Reference)
                    if argument.name not in bound:
                        yield argument.name
                else:
                    yield from _free(argument, world, bound)
        case _:
            for child in children(node):
                yield from _free(child, world, bound)
