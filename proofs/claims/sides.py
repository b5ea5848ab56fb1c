"""Both sides of a claim in a world: for which layers and indices, and what they are there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import product

from proofs.claims.formula import Call, Claim, Formula, Partial, Reference, Total, children, every
from proofs.claims.values import Axis, Environment, Misfit, Missing, Value
from proofs.claims.world import World
from symbolic.expressions import Expr


def entries(claim: Claim, world: World) -> Iterator[tuple[dict[str, int], tuple[int, int], Expr, Expr]]:
    """Both sides of every entry, with the indices, the layers and the place. Raises Misfit and Missing."""
    for layer_env in layers(claim, world):
        try:
            for env, left, right in sides(claim, world, layer_env):
                for place in left.entries:
                    yield dict(env), place, left.entries[place], right.entries[place]
        except Missing:
            if is_said(claim):
                raise


def first_sides(claim: Claim, world: World) -> tuple[Expr, Expr]:
    """Both sides of the last entry at the last indices and layers. Raises Misfit and Missing."""
    missing = Missing("there is no layer", claim.left.at)
    for layer_env in reversed(list(layers(claim, world))):
        try:
            *_, (_, left, right) = sides(claim, world, layer_env)
        except Missing as error:
            missing = error
            if is_said(claim):
                raise
            continue
        place = max(left.entries)
        return left.entries[place], right.entries[place]
    raise missing


def sides(claim: Claim, world: World, layer_env: Environment) -> Iterator[tuple[Environment, Value, Value]]:
    """Both sides for every value of the free indices. Raises Misfit and Missing."""
    whole = (claim.left, claim.right)
    names = index_names(claim, world, layer_env)
    said = {each.name: each for each in claim.ranges}
    ranges = []
    for name in names:
        if name in said:
            first, last = (world.place(end, layer_env) for end in (said[name].first, said[name].last))
            ranges.append(range(first, last + 1))
        else:
            ranges.append(range(1, axis_of(name, claim, world, layer_env).size + 1))
    for values in product(*ranges):
        env = {**layer_env, **dict(zip(names, values, strict=True))}
        left, right = (world.value(side, env) for side in whole)
        world.same(left, right, claim.right.at, "the sides are")
        yield env, left, right


def index_names(claim: Claim, world: World, layer_env: Environment) -> list[str]:
    """The indices that a claim leaves free, those of the left side first."""
    found = (name for side in (claim.left, claim.right) for name in _free(side, world))
    return [name for name in dict.fromkeys(found) if name not in layer_env]


def axis_of(name: str, claim: Claim, world: World, env: Environment) -> Axis:
    """The axis along which a free index runs: what both sides say, and the same in both."""
    found: dict[str, Axis] = {}
    for side in (claim.left, claim.right):
        if name in _free(side, world):
            with suppress(Missing):  # delta(i, j) does not say it
                axis = world.range_of(name, side, env, side.at)
                found[axis.label] = axis
    if not found:
        raise Missing(f"nothing says what {name} runs over", claim.left.at)
    if len(found) > 1:
        problem = f"{name} runs over {' on one side and over '.join(found)} on the other"
        misfit = Misfit(problem, claim.right.at)
        if len({axis.size for axis in found.values()}) > 1:
            raise misfit
        world.misfits.append(misfit)
    return next(iter(found.values()))


def layers(claim: Claim, world: World) -> Iterator[dict[str, int]]:
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


def is_said(claim: Claim) -> bool:
    """Whether a claim says for which layers or indices it holds."""
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
