"""Whether a subject's numbers are those they should be: one function, with nothing to tune.

A value agrees if it is within the bound of its entry. `rounding_bound` is what is known of rounding today:

    bound = 1e3 · u · S,

u the unit roundoff of the subject's precision, S the entry's magnitude (see `numbers`). A correct
implementation errs by about u S (at most n u S, n the longest chain of operations), and may use another
formula than the derivation, such as a(1 - a) for a sigmoid's slope; within |z| ≤ 4 that costs a factor of 60.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
ROUNDINGS: Final = 1e3


@dataclass(frozen=True, slots=True)
class Comparison:
    """What an array's entries say; `excess` is the error in units of the bound, 0 if not compared."""

    counted: Mask
    disagrees: Mask
    not_finite: Mask
    excess: Array


def compare(exact: Array, given: Array, bound: Array) -> Comparison:
    """Hold given values against exact ones; an entry whose exact value or bound is not finite is not counted.

    A value that is not finite where the exact one is, is reported as such, counted or not; it is no
    disagreement.

    >>> compare(np.array([1.0, 2.0]), np.array([1.0, 2.1]), np.array([1e-9, 1e-9])).disagrees
    array([False,  True])
    """
    counted = np.isfinite(exact) & np.isfinite(bound)
    not_finite = np.isfinite(exact) & ~np.isfinite(given)
    compared = counted & ~not_finite
    with np.errstate(over="ignore", divide="ignore"):  # an infinite excess is what it says
        error = np.abs(np.subtract(given, exact, where=compared, out=np.zeros_like(exact)))
        excess = np.divide(error, bound, where=error > 0, out=np.zeros_like(exact))
    return Comparison(counted, compared & (error > bound), not_finite, excess)


def rounding_bound(magnitude: Array, dtype: np.dtype[np.floating]) -> Array:
    """How far correct code in this precision may be off, for entries of these magnitudes.

    >>> rounding_bound(np.array([1.0]), np.dtype("float64"))
    array([1.11022302e-13])
    """
    return np.asarray(ROUNDINGS * float(np.finfo(dtype).eps) / 2 * magnitude)
