"""Whether a vector field is the gradient of anything: ∂G_i/∂w_j = ∂G_j/∂w_i, by differences of the subject.

About half of all wrong formulas are the gradient of another loss; the others are the gradient of none.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from backproof.judging import Judge
from backproof.points import Point
from numeric.envelope import Precision
from numeric.problem import Problem

Array = npt.NDArray[np.float64]
MOST: Final = 64  # parameters: two calls each


def asymmetry(judge: Judge, problem: Problem, point: Point, precision: Precision) -> float | None:
    """|J − Jᵀ| against |J|, in the largest entries; None where the subject does not answer.

    Central differences with the step that balances truncation and rounding err by about u^(2/3), relatively.
    """
    step = precision.u ** (1 / 3)
    rows = []
    for moved in _moved(point, step):
        sides = [judge.ask(problem, each) for each in moved]
        flat = [_flat(each.answer.gradient) for each in sides if each.answer is not None]
        if len(flat) < 2:
            return None
        with np.errstate(invalid="ignore"):
            rows.append((flat[0] - flat[1]) / (2 * step))
    jacobian = np.array(rows)
    if not np.isfinite(jacobian).all():
        return None
    largest = float(np.abs(jacobian).max(initial=0.0))
    apart = float(np.abs(jacobian - jacobian.T).max(initial=0.0))
    return apart / largest if largest else 0.0


def threshold(precision: Precision) -> float:
    """What rounding and truncation may leave of an asymmetry, many times over."""
    return min(500 * float(precision.u ** (2 / 3)), 0.03)


def _moved(point: Point, step: float) -> Iterator[tuple[Point, Point]]:
    """For every parameter, the points on either side."""
    for l, pair in enumerate(point.params):
        for place, array in enumerate(pair):
            for at in np.ndindex(() if array is None else array.shape):
                if array is not None:
                    yield tuple(_with(point, l, place, at, side * step) for side in (1, -1))  # type: ignore[misc]


def _with(point: Point, l: int, place: int, at: tuple[int, ...], by: float) -> Point:
    pair = list(point.params[l])
    array = pair[place]
    assert array is not None
    pair[place] = array.copy()
    pair[place][at] += by  # type: ignore[index]
    params = list(point.params)
    params[l] = (pair[0], pair[1])  # type: ignore[assignment]
    return replace(point, params=tuple(params))


def _flat(gradient: object) -> Array:
    assert isinstance(gradient, dict)
    return np.concatenate([np.ravel(array) for array in gradient.values()])
