"""Whether a gradient g is that of the loss f which the subject itself returns, by differences of f alone.

Along a direction d from p, with x₊ and x₋ the points really taken (p ± h d, rounded to the subject's
precision),

    ρ(h) = (f(x₊) − f(x₋) − g·(x₊ − x₋)) / 2h = (∇f − g)·d + c₂h² + c₄h⁴ + …,

    R(h) = (16 ρ(h/4) − ρ(h)) / 15 = (∇f − g)·d + O(h⁴)      (Richardson; steps fall by 4)

and (∇f − g)·d lies within R(h) ± (4 |R(h) − R(4h)| + what f may round at these points, over the steps, + what
g may round, along d). g is inconsistent only if 0 lies outside at two neighbouring h, where the intervals
overlap. Scope: f smooth on the segments, or with kinks where the declared loss has them: no step counts at
which the derived gradient itself would seem inconsistent with the derived loss.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from backproof.graph_points import GraphPoint
from backproof.judging import Asked, expected
from backproof.points import Point
from backproof.report import Passed
from backproof.session import Session
from numeric.envelope import DOUBLE, PRECISIONS, Precision
from numeric.references import Bounded
from symbolic.notation import Array as Name

Array: TypeAlias = npt.NDArray[np.float64]
Mask: TypeAlias = npt.NDArray[np.bool_]
Vector: TypeAlias = Mapping[Name, Array]
STEPS: Final = 2.0 ** -np.arange(2, 19, 2)  # from where truncation shows to inside what a near kink leaves
RANDOM: Final = 2  # directions beside that of the gradient
CAUTION: Final = 4  # times what Richardson's estimates differ by
BLUNT: Final = 1e-2  # relative error: what shows no less than this shows nothing
TIED: Final = ("scalar", "shared", "shared-scalar")  # biases that move together: they are held
DECIMALS: Final = 12  # from which on a rounded loss is as good as another


@dataclass(frozen=True, slots=True)
class _Intervals:
    """R(h) and half-widths, directions by steps; the widest step has no interval, as R(4h) is unknown."""

    middle: Array
    width: Array

    @property
    def exclude_zero(self) -> Mask:
        return np.asarray(np.abs(self.middle) > self.width)

    @property
    def overlap_next(self) -> Mask:
        apart = np.abs(np.diff(self.middle, axis=1))
        return np.asarray(apart <= self.width[:, 1:] + self.width[:, :-1])


def loss_consistency(session: Session, asked: Asked) -> tuple[Passed, str]:
    """Hold the gradient at one point against differences of the loss returned with it."""
    if asked.answer is None or asked.answer.loss is None or asked.answer.slack:
        return "left out", "it returns no loss with a gradient"
    here = _moved(asked, {}, 0.0, session.precision)
    (base,) = session.ask(asked.problem, [here])
    if base.answer is None or base.answer.loss is None:
        return "could not tell", "it gives no loss when asked again"
    gradient = base.answer.gradient
    held = "b" if session.judge.form.biases in TIED else ""
    directions = _directions({n: g for n, g in gradient.items() if n.name != held}, session.seed)
    moves = [(d, side * h) for d in directions for h in STEPS for side in (1, -1)]
    answers = session.ask(asked.problem, [_moved(base, d, by, session.precision) for d, by in moves])
    return _said(*_compared(base, answers, directions, session.precision), session.precision)


@np.errstate(invalid="ignore", over="ignore")  # what is not finite takes part in no interval
def _compared(
    base: Asked, answers: list[Asked], directions: list[Vector], precision: Precision
) -> tuple[_Intervals, Mask, Array]:
    """The subject's intervals, the steps at which the derived loss shows no kink, and g·d."""
    assert base.answer is not None
    ours = expected([base, *answers], precision)
    losses = np.array([_loss_of(each) for each in answers])
    derived, gradient = ours.loss.value[1:], base.answer.gradient
    exact = {name: bounded.value[0] for name, bounded in ours.gradient.items()}
    taken = [_taken(base, each) for each in answers]
    noise = _noise(losses, derived, ours.loss.worst[1:], precision)
    fuzz = np.array([_fuzz(gradient, ours.gradient, direction) for direction in directions])
    subject, control = (
        _intervals(f, _along(g, taken), noise, fuzz) for f, g in ((losses, gradient), (derived, exact))
    )
    return subject, ~control.exclude_zero, _along(gradient, directions)


def _loss_of(asked: Asked) -> float:
    loss = asked.answer.loss if asked.answer else None
    return np.nan if loss is None else loss


def _said(found: _Intervals, usable: Mask, slopes: Array, precision: Precision) -> tuple[Passed, str]:
    scale = np.maximum(np.abs(slopes[:, None]), np.abs(slopes[:, None] + found.middle))
    clear = usable & np.isfinite(found.width) & (scale > 0)
    relative = np.divide(found.width, scale, where=clear, out=np.full_like(scale, np.inf))
    sensitivity = float(relative.min(initial=np.inf))
    if sensitivity > BLUNT:
        seen = "no error" if np.isinf(sensitivity) else f"a relative error only from {sensitivity:.0e} on"
        return "could not tell", f"differences of its loss show {seen}"
    outside = clear & found.exclude_zero
    twice = outside[:, 1:] & outside[:, :-1] & found.overlap_next
    if not twice.any():
        return "passed", f"that of its loss: differences show a relative error from {sensitivity:.0e} on"
    direction, step = np.argwhere(twice)[0]
    slope, off, width = (
        float(each)
        for each in (slopes[direction], found.middle[direction, step + 1], found.width[direction, step + 1])
    )
    where = "along its gradient" if direction == 0 and slope else "in some direction"
    sentence = (
        f"{where} the slope of its loss is {slope + off:.6g} by differences, and {slope:.6g} by its "
        f"gradient: off by {off:.3g}, within {width:.1g}"
    )
    if precision.u > DOUBLE.u:  # the rounding of a loss in singles is no proof of anything
        return "could not tell", f"{sentence}; in {precision.name} that alone decides nothing"
    return "failed", sentence


def _intervals(losses: Array, rises: Array, noise: Array, fuzz: Array) -> _Intervals:
    """From f, g·(x − p) and what f may round at x, for directions, steps and sides in a row."""
    f, g, own = (each.reshape(len(fuzz), len(STEPS), 2) for each in (losses, rises, noise))
    rho = (f[..., 0] - f[..., 1] - (g[..., 0] - g[..., 1])) / (2 * STEPS)
    error = own.sum(axis=-1) / (2 * STEPS)
    middle = (16 * rho[:, 1:] - rho[:, :-1]) / 15
    rounding = (16 * error[:, 1:] + error[:, :-1]) / 15
    width = CAUTION * np.abs(np.diff(middle, axis=1)) + rounding[:, 1:] + fuzz[:, None]
    return _Intervals(middle[:, 1:], width)


def _directions(gradient: Vector, seed: int) -> list[Vector]:
    """Unit vectors: the gradient's own direction first, then random ones."""
    random = np.random.default_rng(seed)
    drawn = [{name: random.normal(size=g.shape) for name, g in gradient.items()} for _ in range(RANDOM)]
    sizes = [np.sqrt(sum(np.sum(d * d) for d in each.values())) for each in (gradient, *drawn)]
    return [
        {name: d / size for name, d in each.items()}
        for each, size in zip((gradient, *drawn), sizes, strict=True)
        if size > 0 and np.isfinite(size)
    ]


def _moved(asked: Asked, direction: Vector, by: float, precision: Precision) -> Point | GraphPoint:
    """The point p + by·d in numbers of the subject's precision, so that it moves by what is known here."""
    kind = precision.name if precision.name in PRECISIONS else DOUBLE.name
    values = asked.point.values(asked.problem)
    moved = {
        name: (values[name] + by * direction.get(name, 0.0)).astype(kind).astype(np.float64)
        for name in asked.problem.parameters
    }
    if isinstance(asked.point, GraphPoint):
        return replace(asked.point, params={name.label: array for name, array in moved.items()})
    arrays = iter(moved.values())
    params = tuple((next(arrays), None if b is None else next(arrays)) for _, b in asked.point.params)
    return replace(asked.point, params=params)


def _taken(base: Asked, moved: Asked) -> Vector:
    before, after = base.point.values(base.problem), moved.point.values(base.problem)
    return {name: after[name] - before[name] for name in base.problem.parameters}


def _along(gradient: Vector, steps: list[Vector]) -> Array:
    return np.array(
        [sum(float(np.sum(gradient[name] * by)) for name, by in step.items()) for step in steps], float
    )


def _noise(losses: Array, derived: Array, worst: Array, precision: Precision) -> Array:
    """What a subject's loss may be rounded by: as the derived one is, in proportion where it is larger."""
    larger = max(1.0, _ratio(losses, derived))
    own = precision.u * np.abs(losses) * len(losses)  # where no bound is known
    return np.asarray(np.where(np.isfinite(worst), larger * worst, own) + _last_place(losses))


def _ratio(given: Array, exact: Array) -> float:
    sizes = [float(np.max(np.abs(each), where=np.isfinite(each), initial=0.0)) for each in (given, exact)]
    return sizes[0] / sizes[1] if sizes[1] else 1.0


def _last_place(losses: Array) -> Any:
    """Half a unit in the last place of losses that are written with few decimals, or are singles."""
    finite = losses[np.isfinite(losses)]
    if len(np.unique(finite)) < 2:
        return 0.0
    for decimals in range(1, DECIMALS):
        if all(round(f, decimals) == f for f in finite.tolist()):
            return 0.5 * 10.0**-decimals
    is_single = (finite.astype(np.float32) == finite).all()
    return PRECISIONS["float32"].u * np.abs(losses) if is_single else 0.0


def _fuzz(given: Vector, exact: Mapping[Name, Bounded], direction: Vector) -> float:
    """What the gradient may be rounded by, along a direction."""
    total = 0.0
    for name, d in direction.items():
        larger = max(1.0, _ratio(given[name], exact[name].value[0]))
        total += larger * float(np.sum(np.abs(d) * exact[name].worst[0]))
    return total
