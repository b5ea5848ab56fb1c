"""What a subject is held against at many points at once: values of E and its gradient, with their envelope.

Evaluated in double precision over arrays that have the points as their first axis. The values have an
envelope of their own, in double precision, and it is added: a correct subject is never beyond the sum. What
is called wrong is looked at again in balls (`numeric.oracle`), which need no such addition.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import sympy as sp

from numeric.arrays import evaluate_arrays
from numeric.envelope import DOUBLE, Envelope, Envelopes, Precision
from numeric.problem import Problem, Route
from symbolic.losses import LAMBDA
from symbolic.notation import Array

Numbers: TypeAlias = npt.NDArray[np.float64]
Values: TypeAlias = Mapping[Array, Numbers]
DEVIATIONS: Final = 16  # standard deviations: what independent roundings do not exceed


@dataclass(frozen=True, slots=True)
class Bounded:
    """Exact values as far as doubles hold them, beyond what error no correct subject is, and within what
    error an entry speaks for a subject; arrays with the points first.
    """

    value: Numbers
    worst: Numbers
    near: Numbers

    def at(self, point: int) -> Bounded:
        return Bounded(self.value[point], self.worst[point], self.near[point])


@dataclass(frozen=True, slots=True, eq=False)
class References:
    """E, the gradient by parameter, and all that was computed on the way, for points of one shape."""

    problem: Problem
    precision: Precision
    loss: Bounded
    gradient: Mapping[Array, Bounded]
    known: Mapping[Array, Envelope]


def references(
    problem: Problem,
    values: Values,
    samples: int,
    precision: Precision,
    *,
    lam: Sequence[float] = (),
) -> References:
    """E and its gradient at points of one shape: the points are the first axis of `values` and of `lam`."""
    algebra = Envelopes(precision)
    points = len(next(iter(values.values())))
    scalars = scalars_of(problem, samples, lam)
    known: dict[Array, Envelope] = {array: algebra.lift(given) for array, given in values.items()}

    def run(route: Route) -> dict[Array, Envelope]:
        return evaluate_arrays(route, known, scalars, algebra=algebra, batch=points)

    for ways in problem.stages:
        found = [run(way) for way in ways]
        target = ways[0][-1].target
        known = found[0] | {target: _worst([each[target] for each in found])}
    backward = [run(route) for route in problem.backward]
    gradient = {a: _worst([found[a.bar] for found in backward]) for a in problem.parameters}
    with np.errstate(invalid="ignore"):  # where E has no value in floats
        loss = reduce(lambda x, y: x + y, (known[part] for part in problem.losses))
    return References(
        problem,
        precision,
        _bounded(loss),
        {array: _bounded(found) for array, found in gradient.items()},
        known | backward[0],
    )


def scalars_of(problem: Problem, samples: int, lam: Sequence[float]) -> dict[sp.Symbol, Any]:
    """m, k and λ, which has a value for each point."""
    return dict(problem.scalars(samples)) | ({LAMBDA: np.asarray(lam, float)} if problem.has_lambda else {})


def _worst(ways: Sequence[Envelope]) -> Envelope:
    """The first way's values, and the worst bound of those ways that have one."""
    first, *others = ways
    if not others:
        return first
    with np.errstate(invalid="ignore"):
        worst, variance = first.worst, first.variance
        for other in others:
            usable = np.isfinite(other.worst) & np.isfinite(other.value)
            worst = np.where(usable, np.maximum(worst, other.worst), worst)
            variance = np.where(usable, np.maximum(variance, other.variance), variance)
    return Envelope(first.value, worst, variance, first.precision)


def _bounded(found: Envelope) -> Bounded:
    """The envelope of a subject, and that of these values in double precision."""
    share = 1 + DOUBLE.u / found.precision.u
    worst = share * found.worst
    with np.errstate(invalid="ignore"):
        near = np.minimum(worst, share * DEVIATIONS * np.sqrt(found.variance))
    return Bounded(found.value, worst, near)
