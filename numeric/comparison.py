"""Whether a subject's numbers are those they should be: one function, with nothing to tune.

Beyond the worst case no reasonable evaluation lies: such an entry disagrees. Within sixteen standard
deviations of independent roundings it speaks for the subject. Between the two it is grey, and says nothing.
An entry counts only where the worst case is small against its array: elsewhere digits are lost that no
formula can keep.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from numeric.references import Bounded

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
CONDITION: Final = 2.0**-6  # of an array's largest entry: a bound above this shows too little
FLUSHED: Final = 1e-30  # the bound of what is exactly 0, but for what is flushed to zero on the way


@dataclass(frozen=True, slots=True)
class Comparison:
    """What an array's entries say; `excess` is the error in units of the worst case, 0 if not compared.

    Entries that are finite and yet disagree only where the bound is hopeless are `ill_conditioned`.
    """

    counted: Mask
    agrees: Mask
    disagrees: Mask
    not_finite: Mask
    ill_conditioned: Mask
    excess: Array

    def at(self, point: int) -> Comparison:
        """Of arrays that have the points first: what one point's entries say."""
        return Comparison(
            self.counted[point],
            self.agrees[point],
            self.disagrees[point],
            self.not_finite[point],
            self.ill_conditioned[point],
            self.excess[point],
        )

    @property
    def grey(self) -> Mask:
        """Neither within the one bound nor beyond the other."""
        return np.asarray(self.counted & ~self.agrees & ~self.disagrees & ~self.not_finite)


def compare(exact: Bounded, given: Array) -> Comparison:
    """Hold given values of one array at one point against exact ones.

    >>> exact = Bounded(np.array([1.0, 2.0]), np.array([1e-9, 1e-9]), np.array([1e-10, 1e-10]))
    >>> compare(exact, np.array([1.0, 2.1])).disagrees
    array([False,  True])
    """
    one = Bounded(exact.value[None], exact.worst[None], exact.near[None])
    return compare_all(one, given[None]).at(0)


def compare_all(exact: Bounded, given: Array) -> Comparison:
    """The same of one array at several points, which are the first axis."""
    inner = tuple(range(1, given.ndim))
    finite = np.isfinite(exact.value) & np.isfinite(exact.worst)
    largest = np.max(np.abs(exact.value), axis=inner, keepdims=True, where=finite, initial=0.0)
    counted = finite & (exact.worst <= np.maximum(CONDITION * largest, FLUSHED))
    not_finite = np.isfinite(exact.value) & ~np.isfinite(given)
    compared = finite & ~not_finite
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):  # an infinite excess is what it says
        error = np.where(compared, np.abs(given - exact.value), 0.0)
        excess = np.divide(error, exact.worst, where=error > 0, out=np.zeros_like(error))
    beyond = compared & (error > exact.worst)
    return Comparison(
        counted=counted,
        agrees=counted & ~not_finite & (error <= exact.near),
        disagrees=counted & beyond,
        not_finite=not_finite,
        ill_conditioned=beyond & ~counted,
        excess=excess,
    )


def is_norm_wise(exact: Bounded, given: Array) -> bool:
    """Whether an array is off by no more than the worst bound of any of its entries."""
    error = np.abs(given - exact.value)
    return bool(np.max(error, initial=0.0) <= np.max(exact.worst, initial=0.0))
