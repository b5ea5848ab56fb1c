"""The gradients of wrong derivations at points that have been computed already.

What a mutant leaves as it is, it shares: only the steps it changes are run again, and those that read from
them. Values are floats, or envelopes in the precision of a subject.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import sympy as sp

from numeric.algebra import PLAIN, Algebra
from numeric.arrays import evaluate_arrays
from numeric.envelope import Envelopes, Precision
from numeric.problem import Problem
from numeric.references import Values, scalars_of
from symbolic.mutation import Mutant, affected
from symbolic.notation import Array

Numbers = npt.NDArray[np.float64]
Gradient = dict[Array, Numbers]
ETA: Final = 0.1  # of a mutant whose step size is not fitted yet


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """Points of one network at which the derivation as it stands has been run, every array's values known."""

    problem: Problem
    known: Mapping[Array, Any]
    scalars: Mapping[sp.Symbol, Any]
    points: int
    algebra: Algebra[Any]


def ground(
    problem: Problem, values: Values, samples: int, lam: Sequence[float], precision: Precision | None = None
) -> Ground:
    """Run a problem's derivation at points of one shape: in floats, or in envelopes of a precision."""
    algebra: Algebra[Any] = PLAIN if precision is None else Envelopes(precision)
    points = len(next(iter(values.values())))
    scalars = scalars_of(problem, samples, lam)
    given = {array: algebra.lift(each) for array, each in values.items()}
    forward = [step for ways in problem.stages for step in ways[0]]
    steps = (*forward, *problem.derivation.backward)
    known = evaluate_arrays(steps, given, scalars, algebra=algebra, batch=points)
    return Ground(problem, known, scalars, points, algebra)


def gradient_of(mutant: Mutant, at: Ground, constants: Mapping[str, float] | None = None) -> Gradient:
    """The mutant's gradient by every parameter, points first; a constant that is not given has some value."""
    return {array: np.asarray(at.algebra.raw(found)) for array, found in _run(mutant, at, constants).items()}


def bounds_of(mutant: Mutant, at: Ground, constants: Mapping[str, float] | None = None) -> Gradient:
    """How far a program of the mutant may be off, where the ground is of envelopes."""
    return {a: np.asarray(found.worst) for a, found in _run(mutant, at, constants).items()}


def _run(mutant: Mutant, at: Ground, constants: Mapping[str, float] | None) -> dict[Array, Any]:
    values = dict.fromkeys(mutant.constants, ETA) | dict(constants or {})
    scalars = dict(at.scalars) | {sp.Symbol(name, real=True): v for name, v in values.items()}
    changed = affected(at.problem.derivation.steps, mutant)
    reads = {array for step in changed for array in step.inputs}
    known = {array: value for array, value in at.known.items() if array in reads}
    found = evaluate_arrays(changed, known, scalars, algebra=at.algebra, batch=at.points)
    return {a: found.get(a.bar, at.known.get(a.bar)) for a in at.problem.parameters}


def touched(mutant: Mutant, problem: Problem) -> frozenset[Array]:
    """The arrays that are not what they would be."""
    return frozenset(step.target for step in affected(problem.derivation.steps, mutant))
