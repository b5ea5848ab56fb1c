"""Points in the numbers of a precision: a subject that computes in singles sees no others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final, TypeVar

import numpy as np
import numpy.typing as npt

from backproof.graph_points import GraphPoint
from backproof.points import Point
from numeric.envelope import Precision

NARROW: Final = ("float16", "float32")
PARTS: Final = ("params", "x", "t")
P = TypeVar("P", bound=Point | GraphPoint)


def in_precision(point: P, precision: Precision) -> P:
    """The point with all its real numbers rounded to a type, if the precision is one narrower than double."""
    if precision.name not in NARROW:
        return point
    return replace(point, **{part: rounded(getattr(point, part), precision.name) for part in PARTS})


def rounded(given: Any, name: str) -> Any:
    """Real numbers rounded to a type, in the same containers, as doubles again."""
    if isinstance(given, Mapping):
        return {key: rounded(each, name) for key, each in given.items()}
    if isinstance(given, tuple):
        return tuple(rounded(each, name) for each in given)
    if given is None or given.dtype.kind != "f":
        return given
    with np.errstate(over="ignore"):
        return given.astype(name).astype(np.float64)


def arrays_of(given: Any) -> Iterator[npt.NDArray[Any]]:
    """The arrays of a container."""
    if isinstance(given, Mapping):
        given = tuple(given.values())
    if isinstance(given, tuple):
        for each in given:
            yield from arrays_of(each)
    elif given is not None:
        yield given
