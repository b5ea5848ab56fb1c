"""Which slope a subject takes where two one-sided slopes differ: any between them is right, and is named.

A point has one unit exactly at a kink, in floating point of any precision: in the first layer for one sample,
by weights and inputs of few bits, in later layers for every sample, by weights of 0 and a bias. All other
units are clear of their kinks. The gradient is affine in the slope s that is taken there,

    g(s) = g_left + (s − left)/(right − left) (g_right − g_left),

so that every entry says what s is, within its bound; one s has to fit all of them. The bounds are those
beside the kink, where the subject has to be right on either side for anything to be said.

Kinks of losses and of penalties are not looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Final, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import sympy as sp

from backproof.judging import Outcome, Part, entry
from backproof.points import CLEARANCE, Point, generic_point, shift_count
from backproof.report import Disagreement, Finding
from backproof.rounding import in_precision
from backproof.session import Session
from backproof.strategies import smallest_member
from numeric.arrays import evaluate_arrays
from numeric.oracle import activate
from numeric.problem import Problem
from symbolic.activations import Activation, AtKinks
from symbolic.derivation import derive
from symbolic.graph import Graph
from symbolic.losses import LAMBDA
from symbolic.network import Network
from symbolic.notation import Array as Name

Array: TypeAlias = npt.NDArray[np.float64]
SAMPLES: Final = 3
DRAWS: Final = 40  # points, until one keeps all other units clear
GRID: Final = 2.0**-6  # of weights and inputs: their sums of products are exact in single precision
BESIDE: Final = 2.0**-5  # from the kink
DIGITS: Final = 6  # of a slope that has no other name
TELLING: Final = 64.0  # times its bound an entry changes from one slope to the other if it says which


@dataclass(frozen=True, slots=True)
class Kinks:
    """`convention` names the slopes taken, None where there is no kink or it could not be told; `finding` is
    a slope that is not between those on either side.
    """

    convention: str | None = None
    finding: Finding | None = None
    sentence: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class _Place:
    """The first unit of layer `layer` at a kink, in these samples, and the points beside it."""

    layer: int
    activation: Activation
    kink: float
    point: Point
    beside: tuple[Point, Point]

    @property
    def slopes(self) -> tuple[float, float]:
        """From the left and from the right."""
        left, right = self.activation.one_sided_slopes(sp.Rational(self.kink))
        return float(left), float(right)


@dataclass(frozen=True, slots=True)
class _Taken:
    """The slopes that fit all entries, from the least to the largest, and the place they are for."""

    place: _Place
    low: float
    high: float

    @property
    def is_between(self) -> bool:
        return self.low <= max(self.place.slopes) and self.high >= min(self.place.slopes)

    @property
    def value(self) -> float:
        """One of the one-sided slopes or their mean, if that fits."""
        left, right = self.place.slopes
        middle = (self.low + self.high) / 2
        named = (left, right, (left + right) / 2, 0.0, *(float(f"{middle:.{n}g}") for n in range(1, DIGITS)))
        return next((slope for slope in named if self.low <= slope <= self.high), middle)

    @property
    def side(self) -> str:
        left, right = self.place.slopes
        known = {(left + right) / 2: "the mean of both sides", right: "that from the right"}
        return (known | {left: "that from the left"}).get(self.value, self.range)

    @property
    def range(self) -> str:
        return "between {:g} and {:g}".format(*sorted(self.place.slopes))


def kinks(session: Session) -> Kinks:
    """Put a unit at every kink of every kind of layer of a family's smallest member."""
    if isinstance(session.family, Graph):
        return Kinks(sentence="the slopes at kinks were not looked at")
    network = smallest_member(session.family)
    problem = session.problem(network)
    found: list[_Taken] = []
    for places in _places(network, session):
        told = (_taken(session, problem, place) for place in places)
        taken = next((each for each in told if each), None)
        if isinstance(taken, Finding):
            return Kinks(finding=taken, sentence=taken.sentence)
        found += [taken] if taken else []
    said = {_sentence(taken): None for taken in found}
    return Kinks(_convention(found), None, "; ".join(said))


def _sentence(taken: _Taken) -> str:
    name = taken.place.activation.text
    return f"at the kink of {name} at {taken.place.kink:g} the slope is {taken.value:g}, {taken.side}"


def _convention(found: list[_Taken]) -> str | None:
    """slope 0 at the kink of relu, slope 1 at the kinks of hardtanh."""
    if not found:
        return None
    slopes: dict[str, dict[tuple[float, float], None]] = {}
    for taken in found:
        of_one = slopes.setdefault(taken.place.activation.text, {})
        of_one[taken.place.kink, taken.value] = None
    said = []
    for name, pairs in slopes.items():
        if len({value for _, value in pairs}) == 1:
            one = len({kink for kink, _ in pairs}) == 1
            said.append(f"slope {next(iter(pairs))[1]:g} at the kink{'' if one else 's'} of {name}")
        else:
            said += [f"slope {value:g} at {kink:g}, a kink of {name}" for kink, value in pairs]
    return ", ".join(said)


def _places(network: Network, session: Session) -> Iterator[Iterator[_Place]]:
    """For each kink of each kind of layer, the places where a unit is put there."""
    kinds = {
        (layer.activation, n == network.depth): n
        for n, layer in reversed(list(enumerate(network.layers, start=1)))
        if layer.activation.kinks
    }
    for layer in sorted(kinds.values()):
        activation = network.layers[layer - 1].activation
        for kink in activation.kinks:
            left, right = activation.one_sided_slopes(kink)
            if left != right and kink.is_Rational and _is_single(kink):
                yield _placed(network, session, layer, activation, float(kink))


def _is_single(number: sp.Rational) -> bool:
    return bool(sp.Rational(float(np.float32(float(number)))) == number)


def _placed(
    network: Network, session: Session, layer: int, activation: Activation, kink: float
) -> Iterator[_Place]:
    """A few points at which nothing else is close to a kink."""
    random = Random(session.seed)
    targets: Literal["one-hot"] | None = "one-hot" if session.judge.layout.labels == "integer" else None
    for _ in range(DRAWS):
        shifts = random.choices((-1, 0, 1), k=shift_count(network, SAMPLES))
        base = in_precision(generic_point(network, SAMPLES, shifts, targets=targets), session.precision)
        point = session.at(_at(base, layer, kink))
        assert isinstance(point, Point)
        if _is_alone(network, point, layer, kink):
            below, above = (_beside(base, point, layer, side) for side in (-1, 1))
            yield _Place(layer, activation, kink, point, (below, above))


def _at(base: Point, layer: int, kink: float) -> Point:
    """The point with z of the first unit of a layer at a kink, if it has a bias or the kink is 0."""
    params = list(base.params)
    w, b = params[layer - 1]
    w, x = w.copy(), base.x
    if layer == 1 and b is not None:
        x = GRID * np.round(x / GRID)
        w[0] = GRID * np.round(w[0] / GRID)
    else:
        w[0] = 0.0
    if b is not None:
        b = b.copy()
        b[0] = kink - (w[0] @ x[:, 0] if layer == 1 else 0.0)
    params[layer - 1] = w, b
    return replace(base, params=tuple(params), x=x)


def _beside(base: Point, point: Point, layer: int, side: int) -> Point:
    """The unit moved off its kink, by its bias or else by its weights."""
    params = list(point.params)
    w, b = params[layer - 1]
    w, b = w.copy(), None if b is None else b.copy()
    if b is None:
        w[0] = side * BESIDE * base.params[layer - 1][0][0]
    else:
        b[0] += side * BESIDE
    params[layer - 1] = w, b
    return replace(point, params=tuple(params))


def _is_alone(network: Network, point: Point, layer: int, kink: float) -> bool:
    """Whether the unit is exactly at its kink, and all others are clear of theirs."""
    a = point.x
    for n, (dense, (w, b)) in enumerate(zip(network.layers, point.params, strict=True), start=1):
        z = w @ a if b is None else w @ a + b[:, None]
        every = np.array([float(each) for each in dense.activation.kinks])
        close = (np.abs(z[..., None] - every) < CLEARANCE).any(axis=-1)
        if n == layer:
            wanted = np.zeros_like(close)
            wanted[0] = z[0] == kink
            if not wanted.any() or (close != wanted).any():
                return False
        elif close.any():
            return False
        a = activate(dense, z)
    return True


def _taken(session: Session, problem: Problem, place: _Place) -> _Taken | Finding | None:
    """The slope that the subject takes, or why it is none; None where nothing can be told."""
    at, *beside = session.outcomes(problem, [place.point, *place.beside])
    if any(outcome.findings for outcome in beside):
        return None
    if at.asked.answer is None:
        return at.asked.failure
    parts = [_bounded(part, beside) for part in at.parts if part.name]
    ends = [_gradient(problem, place.point, side) for side in ("left", "right")]
    given, bound = _flat(part.given for part in parts), _flat(part.exact.worst for part in parts)
    from_left, from_right = (_flat(end[part.name] for part in parts if part.name) for end in ends)
    bound[_flat(_is_free(problem, place.point, part) for part in parts).astype(bool)] = np.inf
    change = from_right - from_left
    telling = np.abs(change) > TELLING * bound
    if not telling.any():
        return None
    left, right = place.slopes
    share = (right - left) / change[telling]
    slope, width = left + (given - from_left)[telling] * share, np.abs(bound[telling] * share)
    taken = _Taken(place, float(np.max(slope - width)), float(np.min(slope + width)))
    others = np.abs(given - from_left)[~telling] <= (bound + np.abs(change))[~telling]
    if taken.low <= taken.high and others.all():
        if taken.is_between:
            return taken
        what = f"the slope is {taken.value:g}, which is not {taken.range}"
    else:
        what = f"no slope {taken.range} gives all of its gradient"
    seen = tuple(_outside(session, problem, parts, *ends))
    sentence = f"at the kink of {place.activation.text} {what}, on {at.asked.place}"
    return Finding("wrong gradient", sentence, seen)


def _bounded(part: Part, beside: Sequence[Outcome]) -> Part:
    """The part with the bound of those beside it, for two values that are rounded on their own."""
    worst = [each.exact.worst for outcome in beside for each in outcome.parts if each.name == part.name]
    return replace(part, exact=replace(part.exact, worst=2 * np.max(worst, axis=0)))


def _is_free(problem: Problem, point: Point, part: Part) -> Array:
    """The parameters at a kink of a penalty |w|."""
    name = part.name
    assert name and isinstance(problem.network, Network)
    norms = {each.norm for each in problem.network.objective.penalties if each.biases or name.name == "W"}
    return np.asarray((point.values(problem)[name] == 0) & ("l1" in norms))


def _gradient(problem: Problem, point: Point, side: AtKinks) -> Mapping[Name, Array]:
    """The derivation's gradient with one of the one-sided slopes."""
    scalars = {**problem.scalars(point.samples), LAMBDA: point.lam}
    known = evaluate_arrays(derive(problem.network, at_kinks=side).steps, point.values(problem), scalars)
    return {array: known[array.bar] for array in problem.parameters}


def _flat(arrays: Iterable[Array]) -> Array:
    return np.concatenate([np.ravel(array) for array in arrays])


def _outside(
    session: Session,
    problem: Problem,
    parts: Sequence[Part],
    left: Mapping[Name, Array],
    right: Mapping[Name, Array],
) -> Iterator[Disagreement]:
    """The entries that are not between the two ends, beside the end that is nearer."""
    for part in parts:
        assert part.name
        ends = np.sort([left[part.name], right[part.name]], axis=0)
        nearest = np.clip(np.nan_to_num(part.given), *ends)
        off = ~(np.abs(part.given - nearest) <= part.exact.worst)
        shown = replace(part, exact=replace(part.exact, value=nearest))
        for place in np.argwhere(off).tolist():
            yield entry(shown, tuple(place), problem, session.judge.layout)
