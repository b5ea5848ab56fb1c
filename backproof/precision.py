"""In what precision a subject computes, found by what its numbers can be, never by how far off they are.

Numbers that all fit into fewer bits than their type has, or into few decimals, were rounded to these. An
answer that stays the same to the last bit when the inputs move by less than half a single's last place was
made from singles.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from backproof.judging import AnyPoint, Asked, Judge, expected
from backproof.rounding import PARTS, arrays_of, rounded
from numeric.envelope import DOUBLE, PRECISIONS, Precision

Array: TypeAlias = npt.NDArray[Any]
TELLING: Final = 16  # entries: as many doubles are all singles by chance once in 2^464
DIGITS: Final = 14  # decimals from which on a rounded double is as good as a double


@dataclass(frozen=True, slots=True)
class Found:
    """The precision in which a subject is judged, and what is worth saying about it."""

    precision: Precision
    remarks: tuple[str, ...] = ()


def found_precision(judge: Judge, asked: Sequence[Asked]) -> Found:
    """The precision of a subject, from its answers and from a few more calls."""
    answers = [each.answer for each in asked if each.answer is not None]
    if not answers:
        return Found(PRECISIONS["float64"])
    narrowest = min((answer.dtype for answer in answers), key=lambda dtype: dtype.itemsize)
    if narrowest.itemsize < 8:
        return Found(PRECISIONS[narrowest.name])
    numbers = np.concatenate([a.ravel() for answer in answers for a in answer.gradient.values()])
    numbers = numbers[np.isfinite(numbers) & (numbers != 0)]
    if len(numbers) < TELLING:
        return Found(PRECISIONS["float64"])
    for name in ("float16", "float32"):
        if _fits(numbers, name):
            said = f"its numbers are all {name}, in an interface of float64: it is judged in {name}"
            return Found(PRECISIONS[name], (said,))
    digits = _decimals(numbers)
    if digits is not None:
        double = PRECISIONS["float64"]
        said = f"its numbers have {digits} decimal digits: it is judged with what these leave out"
        return Found(replace(double, name=f"{digits} digits", u=0.5 * 10.0 ** (1 - digits)), (said,))
    narrowed = _insensitive(judge, next(each for each in asked if each.answer is not None))
    if narrowed:
        parts = " and ".join(narrowed)
        said = f"it computes from {parts} in float32, in an interface of float64: it is judged in float32"
        return Found(PRECISIONS["float32"], (said,))
    return Found(PRECISIONS["float64"])


def _fits(numbers: Array, name: str) -> bool:
    with np.errstate(over="ignore"):
        return bool((numbers.astype(name).astype(float) == numbers).all())


def _decimals(numbers: Array) -> int | None:
    """The significant digits that all numbers have at most, if these are few."""
    for digits in range(3, DIGITS + 1):
        if all(float(f"{x:.{digits - 1}e}") == x for x in numbers[:256].tolist()):
            return digits
    return None


def _insensitive(judge: Judge, asked: Asked) -> list[str]:
    """The inputs whose rounding to singles changes nothing."""
    assert asked.answer is not None
    found = []
    for part in PARTS:
        moved = _narrowed(asked.point, part)
        if moved is None:
            continue
        again = judge.ask(asked.problem, moved)
        if again.answer is not None and _same(again, asked) and _tells(again, asked):
            found.append(part)
    return found


def _narrowed(point: AnyPoint, part: str) -> AnyPoint | None:
    """The point with one input rounded to singles; None where that changes nothing."""
    given = getattr(point, part)
    narrow = rounded(given, "float32")
    same = all(np.array_equal(a, b) for a, b in zip(arrays_of(narrow), arrays_of(given), strict=True))
    return None if same else replace(point, **{part: narrow})


def _tells(one: Asked, other: Asked) -> bool:
    """Whether the right gradient tells two points apart: that of |a − t| needs but the sign of a − t."""
    here, there = (expected([each], DOUBLE).gradient for each in (one, other))
    return any((np.abs(here[a].value - there[a].value) > 2 * here[a].worst).any() for a in here)


def _same(one: Asked, other: Asked) -> bool:
    assert one.answer is not None and other.answer is not None
    pairs = zip(one.answer.gradient.values(), other.answer.gradient.values(), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)
