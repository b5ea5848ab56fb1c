"""From where on a right formula has no right value: units pushed away from 0, one layer at a time.

One unit of a layer, then all of them, get |z| = s for growing s and both signs by their biases (without
biases, by their weights); what they pass on is scaled back, so that everything else stays generic. Then all
parameters, or the inputs, are scaled. Where every value that the derivation names is a number in the
subject's precision and its answer is none, or is off by more than any usual formula (`numeric.menu`), the
formula is unstable there: a finding apart from whether it is right. What is called unstable was held against
balls; z₀ is known to 5 %.

Where a subject is off at a generic point already, by its convention or by a bug, its digits say nothing here;
that its values are numbers still does.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from random import Random
from typing import Final, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from backproof.judging import Asked, Outcome, Part, entry, expected, judged
from backproof.points import Point, generic_point, shift_count
from backproof.report import Disagreement
from backproof.rounding import in_precision
from backproof.session import Session
from backproof.strategies import smallest_member
from numeric.envelope import Precision
from numeric.oracle import activate, exact
from numeric.problem import Problem
from numeric.references import References
from symbolic.graph import Graph
from symbolic.network import Network

Array: TypeAlias = npt.NDArray[np.float64]
Symptom: TypeAlias = Literal["nan", "inf", "lost digits", "another value", "failure"]
PUSHES: Final = (2.0, 5.0, 10.0, 20.0, 30.0, 50.0, 80.0, 100.0, 300.0, 710.0, 1000.0)
SCALES: Final = {  # how many times a generic point's
    "parameters": ((1.0, 30.0, 1e3), (1.0, 1e-6, 1e-12)),
    "inputs": ((1.0, 30.0, 1e3, 1e6),),
}
SAMPLES: Final = 3
LOCATED: Final = 1.05  # the first bad s over the last good one
CUT: Final = 1.002  # the same for a cut, whose value tells where it is
BETWEEN: Final = 16  # points at a time
CLOSE: Final = 2.0**-10  # weights of a unit whose bias decides: z stays within 0.01
EXPLAINED: Final = 0.1  # of the error, that is left when a cut explains it


@dataclass(frozen=True, slots=True)
class Stability:
    """Whether a subject's values are right for units far from 0 too; `is_stable` is None where nothing was
    tried.

    Else `beyond` is |z| from where they are not, in layer `layer` of that `activation`; all None where it
    takes other parameters or inputs. `entry` is one value there.
    """

    is_stable: bool | None
    sentence: str = ""
    beyond: float | None = None
    layer: int | None = None
    activation: str | None = None
    symptom: Symptom | None = None
    entry: Disagreement | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _Series:
    """Points for growing s > 0; `layer` and `sign` say whose z is pushed where, `scaled` what is scaled."""

    point: Callable[[float], Point]
    places: tuple[float, ...]
    layer: int | None = None
    sign: int = 1
    scaled: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class _Trouble:
    """What is bad at s, which is at most `LOCATED` times one where nothing is."""

    series: _Series
    good: float
    bad: float
    symptom: Symptom
    seen: Disagreement | None
    detail: str

    @property
    def at(self) -> float:
        return math.sqrt(self.good * self.bad)


def stability(session: Session) -> Stability:
    """Push every kind of layer of a family's smallest member, and say from where on its values are bad."""
    if isinstance(session.family, Graph):
        return Stability(None, "how stable it is was not tried")
    network = smallest_member(session.family)
    random = Random(session.seed)
    targets: Literal["one-hot"] | None = "one-hot" if session.judge.layout.labels == "integer" else None
    shifts = random.choices((-1, 0, 1), k=shift_count(network, SAMPLES))
    base = session.at(generic_point(network, SAMPLES, shifts, targets=targets))
    assert isinstance(base, Point)
    problem = session.problem(network)
    generic = session.outcomes(problem, [in_precision(base, session.precision)])[0]
    probing = _Probing(session, network, problem, is_right=not generic.findings)
    for every in (list(_pushes(network, base)), list(_scalings(network, base))):
        if troubles := probing.troubles(every):
            return probing.told(min(troubles, key=lambda each: each.at), troubles)
    what = "right" if probing.is_right else "numbers"
    return Stability(True, f"its values are {what} for |z| ≤ {PUSHES[-1]:g} in every layer")


def _pushes(network: Network, base: Point) -> Iterator[_Series]:
    """One series for each kind of layer, for one unit and for all of them, upwards and downwards."""
    kinds = {
        (layer.activation, layer.bias, n == network.depth): n
        for n, layer in reversed(list(enumerate(network.layers, start=1)))
    }
    for layer in sorted(kinds.values()):
        for units in (slice(0, 1), slice(None)):
            for sign in (1, -1):
                yield _Series(partial(_pushed, network, base, layer, units, sign), PUSHES, layer, sign)


def _pushed(network: Network, base: Point, layer: int, units: slice, sign: int, s: float) -> Point:
    """The point with z of some units near ±s, and what they pass on of the size of 1."""
    a = base.x
    for dense, (w, b) in zip(network.layers[: layer - 1], base.params, strict=False):
        a = activate(dense, w @ a if b is None else w @ a + b[:, None])
    params = list(base.params)
    w, b = params[layer - 1]
    w, b = w.copy(), None if b is None else b.copy()
    if b is None:
        z = w[units] @ a
        w[units] *= sign * s / np.take_along_axis(z, np.abs(z).argmax(axis=1)[:, None], 1)
    else:
        w[units] *= CLOSE
        b[units] = sign * s
    params[layer - 1] = w, b
    if layer < len(params):
        passed = activate(network.layers[layer - 1], w @ a if b is None else w @ a + b[:, None])
        largest = float(np.abs(passed[np.isfinite(passed)]).max(initial=1.0))
        after, bias = params[layer]
        after = after.copy()
        after[:, units] *= 2.0 ** -math.ceil(math.log2(largest))
        params[layer] = after, bias
    return replace(base, params=tuple(params))


def _scalings(network: Network, base: Point) -> Iterator[_Series]:
    has_kinks = any(layer.activation.kinks for layer in network.layers)
    for scaled, every in SCALES.items():
        for places in every:
            if places[-1] > 1 or not has_kinks:  # small parameters move every unit to a kink at 0
                yield _Series(partial(_scaled, base, scaled), places, scaled=scaled)


def _scaled(base: Point, what: str, s: float) -> Point:
    if what == "inputs":
        return replace(base, x=s * base.x)
    return replace(base, params=tuple((s * w, None if b is None else s * b) for w, b in base.params))


@dataclass(frozen=True, slots=True, eq=False)
class _Probing:
    """A subject asked along series of points of one network; `is_right` if it is at a generic point."""

    session: Session
    network: Network
    problem: Problem
    is_right: bool

    def troubles(self, every: Sequence[_Series]) -> list[_Trouble]:
        """What is bad first in each series, where the least s is."""
        seen = self._look([(series, s) for series in every for s in series.places])
        found = []
        for series in every:
            looked = [seen.pop(0) for _ in series.places]
            n = next((n for n, look in enumerate(looked) if look.symptom), 0)
            if n:  # what is bad from the first is no matter of z
                found.append((series, series.places[n - 1], series.places[n]))
        least = min((_size(bad) for _, _, bad in found), default=math.inf)
        return [trouble for each in found if _size(each[2]) == least for trouble in self._located(*each)]

    def _look(self, places: Sequence[tuple[_Series, float]]) -> list[_Look]:
        return self._look_at([in_precision(series.point(s), self.session.precision) for series, s in places])

    def _look_at(self, points: Sequence[Point]) -> list[_Look]:
        asked: list[Asked] = []
        for point in points:
            hangs = bool(asked) and not asked[-1].is_patient  # then so do the others: nobody can wait for all
            again = replace(asked[-1], point=point) if hangs else self.session.ask(self.problem, [point])[0]
            asked.append(again)
        precision = self.session.precision
        fits = _representable(expected(asked, precision), precision)
        pairs = zip(judged(asked, precision, self.session.judge), fits, strict=True)
        return [_Look(outcome, is_held, self.is_right, self.session) for outcome, is_held in pairs]

    def _located(self, series: _Series, good: float, bad: float) -> Iterator[_Trouble]:
        """The same with the first bad s close to the last good one; a wrong value is looked at closer."""
        look = self._look([(series, bad)])[0]
        wanted = LOCATED
        while (bad / good) ** (1 if bad > good else -1) > wanted:
            between = np.geomspace(good, bad, BETWEEN + 2)[1:-1].tolist()
            looks = self._look([(series, s) for s in between])
            n = next((n for n, each in enumerate(looks) if each.symptom), BETWEEN)
            look = looks[n] if n < BETWEEN else look
            places = [good, *between, bad]
            good, bad = places[n], places[n + 1]
            wanted = CUT if look.symptom == "lost digits" and series.layer else LOCATED
        if look.symptom:  # else it comes and goes with the calls
            failure = look.outcome.asked.failure
            detail = failure.sentence if failure else ""
            yield self._named(_Trouble(series, good, bad, look.symptom, look.entry, detail))

    def _named(self, trouble: _Trouble) -> _Trouble:
        """Digits that are lost, at random, told from another value, whose error grows or falls steadily."""
        if trouble.symptom != "lost digits":
            return trouble
        series = trouble.series
        farther = trouble.bad * np.linspace(1, 2, 9)[1:] ** (1 if trouble.bad > trouble.good else -1)
        looks = self._look([(series, s) for s in farther.tolist()])
        if any(look.outcome.asked.answer is None for look in looks):
            return trouble
        far = looks[-1].outcome
        if series.layer and _is_cut(far, self._cut(far, series, trouble.at), series.layer):
            return replace(trouble, symptom="another value", detail=", as if z were cut off there")
        return replace(trouble, symptom="another value") if _is_steady(looks) else trouble

    def _cut(self, far: Outcome, series: _Series, s: float) -> Outcome:
        """The point far out, but with the units of its layer at s."""
        assert series.layer and isinstance(far.asked.point, Point)
        layer = series.layer - 1
        there, here = far.asked.point, in_precision(series.point(s), self.session.precision)
        params = (*there.params[:layer], here.params[layer], *there.params[layer + 1 :])
        return self._look_at([replace(there, params=params)])[0].outcome

    def told(self, trouble: _Trouble, every: Sequence[_Trouble]) -> Stability:
        series, seen = trouble.series, trouble.seen
        what = f"{trouble.symptom} in {seen.name}" if seen else trouble.detail
        exact = f"; the exact value is {seen.derived:.2g}" if seen else ""
        if seen and trouble.symptom in ("lost digits", "another value"):
            given, derived = _told_apart(seen.subject, seen.derived)
            exact = f": {given}, where the exact value is {derived}{trouble.detail}"
        if series.layer is None:
            times = f"{trouble.at:.2g} times those of a generic point"
            side = "beyond" if trouble.bad > trouble.good else "below"
            sentence = f"{what} where the {series.scaled} are {side} {times}{exact}"
            return Stability(False, sentence, symptom=trouble.symptom, entry=seen)
        name = self.network.layers[series.layer - 1].activation.text
        signs = {
            each.series.sign
            for each in every
            if each.series.layer == series.layer and each.at < LOCATED * trouble.at
        }
        z, side = ("|z|", "beyond") if len(signs) == 2 else ("z", "above" if series.sign > 0 else "below")
        z0 = trouble.at if len(signs) == 2 else series.sign * trouble.at
        sentence = f"{what} where {z} of layer {series.layer} ({name}) is {side} {z0:.3g}{exact}"
        return Stability(False, sentence, trouble.at, series.layer, name, trouble.symptom, seen)


@dataclass(frozen=True, eq=False)
class _Look:
    """One answer; `is_held` says whether the subject's precision has every value on the way, `has_digits`
    whether its digits say anything.
    """

    outcome: Outcome
    is_held: bool
    has_digits: bool
    session: Session

    @cached_property
    def symptom(self) -> Symptom | None:
        """What is bad, if anything is; whether digits are lost or the value is another takes more points."""
        if not self.is_held:
            return None
        if self.outcome.asked.answer is None:
            return "failure"
        if self.entry is None:
            return None
        if math.isfinite(self.entry.subject):
            return "lost digits" if self.has_digits else None
        return "nan" if math.isnan(self.entry.subject) else "inf"

    @cached_property
    def entry(self) -> Disagreement | None:
        """A value that should be a number and is none, else the one that is farthest off."""
        parts = self.outcome.parts
        if not parts:
            return None
        if not all(np.isfinite(part.given).all() for part in parts):
            return next(self._missing(), None)
        off = [(part, np.where(part.comparison.disagrees, part.comparison.excess, 0.0)) for part in parts]
        part, excess = max(off, key=lambda each: float(each[1].max(initial=0.0)))
        return self._named(part, excess) if excess.any() else None

    def _missing(self) -> Iterator[Disagreement]:
        """The entries that are no numbers where the balls say that they are."""
        asked = self.outcome.asked
        values = asked.point.values(asked.problem)
        sure = exact(asked.problem, values, asked.point.samples, lam=asked.point.lam)
        for part in sorted(self.outcome.parts, key=lambda part: part.name is None):
            certain = np.asarray(sure.gradient[part.name] if part.name else sure.loss)
            true = np.where(np.isnan(certain), part.exact.value, certain)  # balls may be too wide to tell
            missing = (np.abs(true) <= self.session.precision.huge) & ~np.isfinite(part.given)
            if missing.any():
                yield self._named(replace(part, exact=replace(part.exact, value=true)), missing.astype(float))

    def _named(self, part: Part, size: Array) -> Disagreement:
        """The entry where a mask or an error is largest."""
        place = tuple(int(n) for n in np.unravel_index(int(np.argmax(size)), size.shape))
        return entry(part, place, self.outcome.asked.problem, self.session.judge.layout)


def _representable(found: References, precision: Precision) -> list[bool]:
    """At which points every value that the derivation names is a number of a precision; a loss may be none:
    its own way through the output's logarithm is not the only one.
    """
    values = [known.value for name, known in found.known.items() if name not in found.problem.losses]
    fits = [(np.abs(value) <= precision.huge).reshape(len(value), -1).all(axis=1) for value in values]
    return [bool(each) for each in np.logical_and.reduce(fits)]


def _is_cut(far: Outcome, cut: Outcome, layer: int) -> bool:
    """Whether far out the gradient is what it should be at the cut, or 0 where the slope of the cut is."""
    pairs = list(zip(far.parts, cut.parts, strict=True))
    error = _norm(part.given - part.exact.value for part, _ in pairs)
    left = _norm(
        np.where(_is_before(part, layer) & (part.given == 0), 0.0, part.given - at.exact.value)
        for part, at in pairs
    )
    return left <= EXPLAINED * error


def _is_before(part: Part, layer: int) -> bool:
    return part.name is not None and isinstance(part.name.layer, int) and part.name.layer <= layer


def _norm(arrays: Iterable[Array]) -> float:
    return math.sqrt(sum(float(np.square(array).sum()) for array in arrays))


def _is_steady(looks: Sequence[_Look]) -> bool:
    """Whether the entry that is farthest off has a relative error of one sign, which grows or falls."""
    n, worst = max(
        enumerate(looks[-1].outcome.parts), key=lambda each: float(each[1].comparison.excess.max())
    )
    place = np.unravel_index(int(np.argmax(worst.comparison.excess)), worst.given.shape)
    parts = [look.outcome.parts[n] for look in looks]
    with np.errstate(all="ignore"):
        errors = np.array([part.given[place] / part.exact.value[place] - 1 for part in parts])
    steps = np.diff(errors)
    return bool((steps >= 0).all() or (steps <= 0).all()) and bool((errors > 0).all() or (errors < 0).all())


def _told_apart(given: float, derived: float) -> tuple[str, str]:
    """Two numbers in as many digits as show that they differ, and one more."""
    digits = next((n for n in range(2, 17) if f"{given:.{n}g}" != f"{derived:.{n}g}"), 16)
    return f"{given:.{digits + 1}g}", f"{derived:.{digits + 1}g}"


def _size(s: float) -> float:
    return max(s, 1 / s)
