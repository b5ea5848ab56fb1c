"""A claim that is true for the sizes that were tried: whether it is for every size.

Statement. Let both sides be fields (`index_world`), with an index for each free index of the claim, each row
and each column, all of which run over whole axes. If the two are equal by the rules of `index_form`, with the
sizes symbols, the claim is true in all worlds, of any sizes ≥ 1.

Proof. In the world of sizes N an entry of a side is its field with N for the sizes. The rules of `index_form`
hold for all N and for all values of the indices. Where they leave a difference with a delta between two free
indices, these are equal or they are not, and it has to be 0 both times; one without deltas is 0 by the normal
form, in which entries, functions and sums are free generators. ∎

The layers are those that were tried: the depth stays what is given. Nothing is said here but of a claim that
is true where it was tried: the worlds in which it was decided entry by entry, by other rules, check the proof
at some sizes. Where a point shows that the sides differ at other sizes, the world of these decides.

The theorem of `small_sizes`, by which sums of products need no more than small sizes, does not reach far
enough: with the definitions written out there are functions of sums in nearly all claims.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import sympy as sp

from proofs.claims.fields import NotUniform, Scope, size
from proofs.claims.formula import Claim
from proofs.claims.given import Given
from proofs.claims.index_world import IndexWorld
from proofs.claims.judging import Judgement, judge_in, world_of
from proofs.claims.sides import axis_of, index_names
from proofs.claims.values import Axis, Environment, Missing
from proofs.claims.world import World
from proofs.kernel.index_form import decide_index, index_form
from proofs.kernel.normal_form import decide
from proofs.kernel.polynomials import Undecided
from symbolic.expressions import Expr

SECONDS: Final = 2.0
MAX_OPERATIONS: Final = 400  # of both sides together: beyond, their terms take more than a second
POINTS: Final = 3  # at which both sides are compared beside the proof
OTHERS: Final = 60  # that are looked at where there is none


@dataclass(frozen=True, slots=True)
class IndexSides:
    """Both sides in index notation at one entry; `names` are the free indices of the claim, `place` the row
    and the column, 1 where there is but one, `sizes` those of all indices.
    """

    left: Expr
    right: Expr
    names: Mapping[str, Expr]
    place: tuple[Expr, Expr]
    sizes: Mapping[sp.Symbol, Expr]


def for_every_size(claim: Claim, given: Given, found: Judgement, *, seconds: float = SECONDS) -> Judgement:
    """The judgement of a true claim, for every size where that is shown within about `seconds`, false where
    other sizes show it; else as it is.

    >>> from proofs.claims.parsing import parse_claims
    >>> from proofs.claims.given import given
    >>> from proofs.claims.judging import judge
    >>> context = given(sizes={"n": False}, arrays={"x": "n", "E": ""}, definitions=["E = Sum(x[i]**2, i)/2"])
    >>> (whole,), (part,) = map(parse_claims, ["D(E, x) = x", "E = Sum(x[i]**2, i=1..2)/2"])
    >>> for_every_size(whole, context, judge(whole, context)).every_size
    True
    >>> found = judge(part, context)
    >>> found.answer, found.scope, for_every_size(part, context, found).every_size
    ('true', 'n = 2', False)
    """
    if found.answer != "true":
        return found
    deadline = time.monotonic() + seconds
    world = world_of(given)
    for layers in found.layers:
        try:
            sides = index_sides(claim, world, layers)
            if (sides.left - sides.right).count_ops() > MAX_OPERATIONS or time.monotonic() > deadline:
                return found
            if not _are_equal(sides, deadline):
                return _elsewhere(claim, world, found, sides)
        except (NotUniform, Missing, Undecided):
            return found
    return replace(found, every_size=True, reason=f"{found.reason}, and for symbolic sizes")


def index_sides(claim: Claim, world: World, layers: Environment) -> IndexSides:
    """Both sides with the sizes as symbols. Raises NotUniform and Missing."""
    fields, scope = IndexWorld(world), Scope(layers)
    said = {each.name: each for each in claim.ranges}
    for name in index_names(claim, world, layers):
        axis = (
            fields.whole_axis(said[name].first, said[name].last, scope)
            if name in said
            else axis_of(name, claim, world, layers)
        )
        if axis is None:
            raise NotUniform(f"{name} does not run over a whole axis")
        scope = scope.with_index(name, fields.index(axis))
    left, right = (fields.value(side, scope) for side in (claim.left, claim.right))
    place = fields.index(left.rows), fields.index(left.columns)
    found = IndexSides(left.at(*place), right.at(*place), scope.indices, place, fields.sizes)
    if any(side.has(sp.Piecewise, sp.Derivative) for side in (found.left, found.right)):
        raise NotUniform("a kink has no rule in index notation")
    return found


def _are_equal(sides: IndexSides, deadline: float) -> bool:
    """Whether the sides are equal by rules that hold for all sizes. Raises Undecided."""
    decision = decide_index(sides.left, sides.right, sizes=sides.sizes, points=POINTS)
    return decision.answer == "equal" or _vanishes(sides.left - sides.right, sides.sizes, deadline)


def _vanishes(difference: Expr, sizes: Mapping[sp.Symbol, Expr], deadline: float) -> bool:
    """Whether a difference is 0, for equal and for unequal free indices, by the normal form. Raises
    Undecided.
    """
    rest = index_form(difference, sizes)
    for delta in rest.atoms(sp.KroneckerDelta):
        if {*delta.args} <= {*sizes}:
            kept, other = delta.args
            cases = rest.xreplace({other: kept}), rest.xreplace({delta: sp.S.Zero})
            return all(_vanishes(case, sizes, deadline) for case in cases)
    for form in (rest, difference):  # a square of a sum is a sum over two indices in the first only
        left = max(0.0, deadline - time.monotonic())
        if decide(form, sp.S.Zero, seconds=left).answer == "equal":
            return True
    return False


def _elsewhere(claim: Claim, world: World, found: Judgement, sides: IndexSides) -> Judgement:
    """The judgement in a world of the sizes at a point at which the two sides differ, if there is one."""
    point = decide_index(sides.left, sides.right, sizes=sides.sizes, points=OTHERS).point
    if point is None:
        return found
    drawn = {
        label: int(point.values.get(size(Axis(label, number)), number))
        for label, number in world.sizes.items()
    }
    other = judge_in(claim, World(world.given, drawn))
    return other if other.answer == "false" else found
