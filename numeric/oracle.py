"""Loss and gradient of the derivation in balls: certain to the last bit, one entry after the other.

The derivation's own equations are evaluated in index form by `symbolic.evaluate`; no matrix form, no fused
form and no generated code takes part. Slow and sure: what is called wrong was held against these values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from flint import arb, ctx

from numeric.arrays import stable_form
from numeric.numbers import AtKink, Balls
from numeric.problem import Problem
from symbolic.activations import Activation, Z
from symbolic.evaluate import evaluate, shape_of
from symbolic.losses import LAMBDA
from symbolic.network import Dense
from symbolic.notation import Array as Name

Array = npt.NDArray[np.float64]
PRECISION: Final = 160  # bits, thrice a float's: what cancels in floats does not cancel here
MORE: Final = 2048  # where these do not do: what cancels at |z| = 700
UNCERTAIN: Final = 2.0**-80  # of an array's largest entry: a wider ball holds no double for certain


@dataclass(frozen=True, slots=True)
class Exact:
    """E and its gradient by parameter, each the double nearest to the true value; nan where none is certain,
    as at a kink.
    """

    loss: float
    gradient: Mapping[Name, Array]


def exact(problem: Problem, values: Mapping[Name, Array], samples: int, *, lam: float = 0.0) -> Exact:
    """Loss and gradient at one point, given by the values of all arrays of the problem.

    Raises Unsupported for an undefined g or E.
    """
    found = _exact(problem, values, samples, lam, PRECISION)
    if all(np.isfinite(array).all() for array in found.gradient.values()):
        return found
    return _exact(problem, values, samples, lam, MORE)  # 1 − tanh² 50 takes 144 bits to be anything but 0


def _exact(problem: Problem, values: Mapping[Name, Array], samples: int, lam: float, bits: int) -> Exact:
    numbers = Balls()
    scalars = problem.scalars(samples)
    with ctx.workprec(bits):
        given = {
            name: [_lifted(numbers, v) for v in array.ravel().tolist()] for name, array in values.items()
        }
        try:
            steps = (*problem.derivation.forward, *problem.derivation.backward)
            known: dict[Name, list[Any]] = evaluate(
                steps, given, {**scalars, LAMBDA: numbers.lift(lam)}, numbers
            )
        except AtKink:
            unknown = {a: np.full(shape_of(a, scalars), np.nan) for a in problem.parameters}
            return Exact(np.nan, unknown)
        losses = [known[part][0] for part in problem.losses]
        gradient = {a: _certain(known[a.bar]).reshape(shape_of(a, scalars)) for a in problem.parameters}
        return Exact(float(_certain([sum(losses[1:], start=losses[0])])[0]), gradient)


def _lifted(numbers: Balls, value: float | int) -> arb | int:
    """Places in other arrays stay whole numbers."""
    return value if isinstance(value, int) else numbers.lift(value)


def _certain(balls: Sequence[arb]) -> Array:
    """The middles of balls, nan where a ball is wide against the largest of its array."""
    middle, radius = (np.array([float(read(ball)) for ball in balls]) for read in (arb.mid, arb.rad))
    return np.where(radius <= UNCERTAIN * np.abs(middle).max(initial=0.0), middle, np.nan)


def activate(layer: Dense, z: Array) -> Array:
    """a = g(z) in floats, for z of shape (n, m)."""
    if layer.activation.layer == "softmax":
        shifted = np.exp(z - z.max(axis=0))
        return np.asarray(shifted / shifted.sum(axis=0))
    with np.errstate(all="ignore"):
        return np.array(np.broadcast_to(stable_form(layer.activation, "value", z), z.shape))


@cache
def is_curved(activation: Activation) -> bool:
    """Whether an activation is anything but piecewise linear."""
    return activation.definition is None or bool(activation.definition.diff(Z, 2) != 0)
