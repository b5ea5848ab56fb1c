"""Operations of tapes that look at numbers: which places lie inside, what holds, what is largest.

Rounding may decide a comparison either way; what then hangs on it is doubted.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np

from numeric.algebra import Algebra
from numeric.tape import Array


def lies_inside(shape: Sequence[int], *places: Array) -> Array:
    """Where places, one array for each axis and counted from 0, lie inside an array of this shape."""
    tests = ((place >= 0) & (place < size) for place, size in zip(places, shape, strict=True))
    return np.asarray(reduce(operator.and_, tests))


def aligned(held: Any, axes: int) -> Array:
    """What holds or does not, with a dimension for every axis."""
    return np.reshape(held, [1] * axes) if np.ndim(held) == 0 else np.asarray(held)


def undecided(algebra: Algebra[Any], left: Any, right: Any) -> Any:
    """Where two sides are no farther apart than they may be off."""
    spread = algebra.spread(left) + algebra.spread(right)
    return np.any(spread) and np.abs(algebra.raw(left) - algebra.raw(right)) <= spread


def doubted(algebra: Algebra[Any], found: Any, *choosing: Any) -> Any:
    """Nothing is known of what is read at a place that is not certain."""
    return algebra.doubt(found, np.asarray(reduce(np.logical_or, map(algebra.spread, choosing))))


def _where_largest(algebra: Algebra[Any], body: Any, taking_part: Array) -> tuple[Array, Array]:
    """The place of the largest along the last axis, and where that is not certain."""
    values = np.where(taking_part, algebra.raw(body), -np.inf)
    place = np.argmax(values, axis=-1)
    high = np.where(taking_part, algebra.raw(body) + algebra.spread(body), -np.inf)
    low = np.take_along_axis(values - algebra.spread(body), place[..., None], -1)
    return place, (high >= low).sum(axis=-1) > 1


def largest(algebra: Algebra[Any], body: Any, taking_part: Array) -> Any:
    """The largest along the last axis, among those that take part."""
    place, _ = _where_largest(algebra, body, taking_part)
    return algebra.map(lambda each: np.take_along_axis(each, place[..., None], -1)[..., 0], body)


def place_of_largest(algebra: Algebra[Any], body: Any, taking_part: Array) -> Any:
    """Where it is, the first of several; in doubt where rounding may pick another."""
    place, unsure = _where_largest(algebra, body, taking_part)
    return algebra.doubt(algebra.lift(place), unsure)
