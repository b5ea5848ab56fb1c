"""A gradient that is clipped before it is returned: entry by entry, or by the norm of all of it.

Of a gradient G what is returned is V = min(κ, max(-κ, G)), or V = G·min(1, κ/√Σ G²).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import sympy as sp

from symbolic.expressions import Expr, entry_of, fresh_indices
from symbolic.mutation.mutant import Mutant
from symbolic.mutation.places import Place, Surroundings, scalar
from symbolic.notation import Array, Binding, Equation, Step, size_of
from symbolic.plain import PlainSum
from symbolic.unification import sized

_LIMIT: Final = "kappa"


def clipped(around: Surroundings) -> Iterator[Mutant]:
    """Both ways, in all parameters alike; the limit is to be fitted."""
    places = [place for place in around.places if place.is_gradient]
    limit = scalar(_LIMIT)
    raws = [_raw(place) for place in places]
    squares = [_squares(step, Array(f"{step.target.label}²", shape=(1,))) for step in raws]
    norm = _added([step.target for step in squares])
    size = entry_of("S", [sp.S.One])
    share = sp.Piecewise((limit / sp.sqrt(size), size > limit**2), (sp.S.One, True))
    right = tuple(place.step for place in places)
    for bug, factor, extra in (
        ("gradient clipped entry by entry", None, raws),
        ("gradient clipped by its norm", share, [*raws, *squares, norm]),
    ):
        pairs = zip(places, raws, strict=True)
        changed = [_clip(place, raw.target, factor, norm.target) for place, raw in pairs]
        yield Mutant(bug, None, "everywhere", tuple(changed), right, tuple(extra), (_LIMIT,), ("everywhere",))


def _raw(place: Place) -> Step:
    """The gradient as it was before, in an array of its own."""
    own = replace(place.step.target, name=f"{place.step.target.name}raw")
    return replace(place.step, bindings={**place.step.bindings, place.step.equation.name: own})


def _clip(place: Place, raw: Array, factor: Expr | None, norm: Array) -> Step:
    at = _indices(raw)
    entry, limit = entry_of("G", at), scalar(_LIMIT)
    by_value = sp.Piecewise((limit, entry > limit), (-limit, entry < -limit), (entry, True))
    value = by_value if factor is None else entry * factor
    bindings: dict[str, Binding] = {"V": place.step.target, "G": raw, _LIMIT: limit}
    bindings |= {} if factor is None else {"S": norm}
    return _step(place.step, at, value, bindings)


def _squares(raw: Step, into: Array) -> Step:
    """Σ G², of one entry."""
    at = _indices(raw.target)
    pool = fresh_indices(at)
    sizes: dict[str, Binding] = {
        size_of(index).name: sp.Integer(0) + size for index, size in zip(at, raw.target.shape, strict=True)
    }
    value = PlainSum(entry_of("G", at) ** 2, *((index, 1, size_of(index)) for index in reversed(at)))
    return _step(raw, (next(pool),), value, {"V": into, "G": raw.target, **sizes})


def _added(squares: list[Array]) -> Step:
    at = (next(fresh_indices(())),)
    names = {f"G{number}": array for number, array in enumerate(squares, start=1)}
    value = sp.Add(*(entry_of(name, at) for name in names))
    equation = Equation(entry_of("V", at), value, "S = Sum(G**2)")
    bindings: dict[str, Binding] = {"V": Array("norm²", shape=(1,)), **names}
    return sized(Step(equation, bindings, "norm", "norm of the gradient"))


def _step(like: Step, at: tuple[sp.Symbol, ...], value: Expr, bindings: dict[str, Binding]) -> Step:
    equation = Equation(entry_of("V", at), value, "V = clipped(G)")
    return sized(Step(equation, bindings, like.role, "clipping"))


def _indices(array: Array) -> tuple[sp.Symbol, ...]:
    pool = fresh_indices(())
    return tuple(next(pool) for _ in array.shape)
