"""A subject asked at points of one network, and its answers held against the exact values.

    asked = Judge(subject, layout, takes_lam).ask(problem, point)
    outcomes = judged([asked, …], precision, judge)

The loss first, then every entry; the last layer first, from where errors travel to the first.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import inf
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from backproof import layouts
from backproof.forms import Form, Rates
from backproof.graph_points import GraphPoint
from backproof.layouts import Answer, UnusableAnswer
from backproof.points import Point
from backproof.report import Disagreement, ErrorMap, Finding, Kind, counted
from backproof.subjects import Returned, Subject, SubjectFailed
from numeric.comparison import Comparison, compare, compare_all, is_norm_wise
from numeric.envelope import Precision
from numeric.oracle import exact
from numeric.problem import Problem
from numeric.references import Bounded, References, references
from symbolic.conventions import Layout
from symbolic.graph import Graph
from symbolic.notation import Array as Name

Array: TypeAlias = npt.NDArray[np.float64]
Mask: TypeAlias = npt.NDArray[np.bool_]
ILL_CONDITIONED: Final = "where rounding may be as large as the value"
GREY: Final = "between the two bounds"
NO_LOSS: Final = "at points without a finite loss"
OUT_OF_RANGE: Final = "whose value is no finite number"
AnyPoint: TypeAlias = Point | GraphPoint
UPDATES: Final = ("update", "object-update")
BOUNDS: Final = ("value", "worst", "near")
UNSEEN: Final = (OUT_OF_RANGE, ILL_CONDITIONED, GREY)
TAIL: Final = 20  # lines of a traceback or of output: its end says most


class OutOfTime(Exception):
    """The deadline has passed, and nothing is asked any more."""


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """What a subject said at one point: an answer, or why there is none."""

    problem: Problem
    point: AnyPoint
    answer: Answer | None
    failure: Finding | None = None
    returned: Returned | None = None
    is_patient: bool = True  # there is time to ask again

    @property
    def place(self) -> str:
        return where(self.problem, self.point)


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """The loss E, or the gradient by one parameter, compared."""

    name: Name | None
    exact: Bounded
    given: Array
    comparison: Comparison

    @property
    def label(self) -> str:
        return self.name.label if self.name else "E"

    @property
    def unseen(self) -> Mapping[str, Mask]:
        """Which entries say nothing, by the reason."""
        finite = np.isfinite(self.exact.value)
        return {
            OUT_OF_RANGE: ~finite,
            ILL_CONDITIONED: finite & ~self.comparison.counted,
            GREY: self.comparison.grey,
        }

    def at(self, point: int) -> Part:
        """Of a part that has the points first: that of one point."""
        return Part(self.name, self.exact.at(point), self.given[point], self.comparison.at(point))


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What one point says: findings, none where the subject is right, and how much was compared."""

    asked: Asked
    findings: tuple[Finding, ...]
    parts: tuple[Part, ...] = ()
    has_loss: bool = True
    not_counted: Counter[str] = field(default_factory=Counter)

    @property
    def kind(self) -> Kind | None:
        """The first finding's."""
        return self.findings[0].kind if self.findings else None

    @property
    def entries(self) -> int:
        """How many speak for the subject, or against it."""
        return sum(int((p.comparison.agrees | p.comparison.disagrees).sum()) for p in self.parts)

    @property
    def error(self) -> float:
        """The largest of those that agree, in units of the bound."""
        agreeing = (part.comparison.excess[part.comparison.agrees] for part in self.parts)
        return max((float(np.max(errors, initial=0.0)) for errors in agreeing), default=0.0)

    def without_evidence(self) -> Outcome:
        """The outcome at a point of which nothing is counted, as E has no value there."""
        size = sum(part.given.size for part in self.parts)
        return replace(self, findings=(), parts=(), not_counted=Counter({NO_LOSS: size}))

    @property
    def is_norm_wise(self) -> bool:
        """Whether only component-wise bounds fail."""
        parts = [part for part in self.parts if part.comparison.disagrees.any()]
        return bool(parts) and all(part.name and is_norm_wise(part.exact, part.given) for part in parts)

    def errors(self) -> tuple[ErrorMap, ...]:
        """The error of every entry in units of its bound."""
        return tuple(
            ErrorMap(part.label, part.given.shape, tuple(map(float, part.comparison.excess.ravel())))
            for part in self.parts
            if part.name
        )


@dataclass(frozen=True, slots=True)
class Judge:
    """Asks a subject in its own layout, until a time of time.monotonic(); λ is passed on if it takes one."""

    subject: Subject
    layout: Layout
    takes_lam: bool
    form: Form = field(default_factory=Form)
    deadline: float = inf

    def ask(self, problem: Problem, point: AnyPoint, **keywords: Rates) -> Asked:
        """One call. What is no answer is a finding of its own. Raises OutOfTime after the deadline."""
        if time.monotonic() > self.deadline:
            raise OutOfTime
        if self.takes_lam:
            keywords = {"lam": point.lam, **keywords}
        try:
            returned = self.subject.call(*layouts.to_subject(point, self.layout), **keywords)
        except SubjectFailed as failure:
            found = _failed(f"{failure}, on {where(problem, point)}", failure.traceback or failure.output)
            return Asked(problem, point, None, found, is_patient=failure.what != "hung")
        try:
            answer = layouts.read_answer(returned.value, problem, self.layout)
        except UnusableAnswer as failure:
            said = f"{self.subject.name} returned something unusable: {failure}, on {where(problem, point)}"
            found = _failed(said, "")
            return Asked(problem, point, None, found, returned)
        return Asked(
            problem, point, replace(answer, slack=self._slack(answer, point, problem)), None, returned
        )

    def _slack(self, answer: Answer, point: AnyPoint, problem: Problem) -> Mapping[Name, Array]:
        """What is lost where a gradient is read off an update: (W − (W − ηg))/η rounds as W does."""
        if self.form.kind not in UPDATES:
            return {}
        values, u = point.values(problem), float(np.finfo(answer.dtype).eps)
        return {
            name: 2 * u * (np.abs(values[name]) / self.form.rate(name.layer) + np.abs(given))
            for name, given in answer.gradient.items()
        }


def where(problem: Problem, point: AnyPoint) -> str:
    """The network and the number of samples, in words."""
    network = problem.network
    title = network.title if isinstance(network, Graph) else str(network)
    return f"{title}, {counted(point.samples, 'sample')}"


def expected(asked: Sequence[Asked], precision: Precision) -> References:
    """The exact values at points of one network with one number of samples."""
    problem, samples = asked[0].problem, asked[0].point.samples
    every = [each.point.values(problem) for each in asked]
    values = {array: np.array([one[array] for one in every]) for array in problem.given}
    return references(problem, values, samples, precision, lam=[each.point.lam for each in asked])


def judged(asked: Sequence[Asked], precision: Precision, judge: Judge) -> list[Outcome]:
    """Hold answers at points of one shape against the exact values; what is wrong is looked at in balls."""
    outcomes = {id(each): Outcome(each, (each.failure,) if each.failure else ()) for each in asked}
    for returns_loss in (True, False):
        alike = [each for each in asked if each.answer and (each.answer.loss is not None) is returns_loss]
        if alike:
            outcomes |= {id(outcome.asked): outcome for outcome in _compared(alike, precision, judge)}
    return [outcomes[id(each)] for each in asked]


def _compared(asked: Sequence[Asked], precision: Precision, judge: Judge) -> Iterator[Outcome]:
    """Answers of the same arrays, at all points at once."""
    found = expected(asked, precision)
    stacks = list(_stacks(asked, found, judge.form))
    has_loss = np.isfinite(found.loss.value)
    suspicious = np.any([_by_point(s.comparison.disagrees | s.comparison.not_finite) for s in stacks], axis=0)
    marks = [stack.unseen for stack in stacks]
    unseen = {reason: np.sum([_by_point(each[reason]) for each in marks], axis=0) for reason in UNSEEN}
    for n, each in enumerate(asked):
        not_counted = Counter({reason: int(counts[n]) for reason, counts in unseen.items()})
        parts, is_known = tuple(stack.at(n) for stack in stacks), bool(has_loss[n]) or _has_loss(each)
        outcome = Outcome(each, (), parts, is_known, +not_counted)
        yield _looked_at(outcome, judge) if suspicious[n] else outcome


def _has_loss(asked: Asked) -> bool:
    """Whether E has a value where its definition has none in floats, as −log(1 − σ(40))."""
    sure = exact(asked.problem, asked.point.values(asked.problem), asked.point.samples, lam=asked.point.lam)
    return bool(np.isfinite(sure.loss))


def _by_point(marked: Mask) -> npt.NDArray[np.int64]:
    """How many entries are marked, for every point."""
    return np.asarray(marked.reshape(len(marked), -1).sum(axis=1))


def _looked_at(outcome: Outcome, judge: Judge) -> Outcome:
    """With what is found in it."""
    asked, parts = outcome.asked, outcome.parts
    if any(part.comparison.disagrees.any() for part in parts):
        parts = tuple(_in_balls(asked, parts, judge.form))
    marks = [part.unseen for part in parts]
    unseen = Counter({reason: sum(int(each[reason].sum()) for each in marks) for reason in UNSEEN})
    return replace(
        outcome, findings=tuple(_findings(parts, asked, judge.layout)), parts=parts, not_counted=+unseen
    )


def folded(gradient: Mapping[Name, Array], problem: Problem, form: Form) -> dict[Name, Array]:
    """A gradient by biases of each unit as one by the biases that a subject has."""
    network = problem.network
    if isinstance(network, Graph) or not form.shares_biases:
        return dict(gradient)
    arrays = (gradient[name] for name in problem.parameters)
    pairs = [(next(arrays), next(arrays) if layer.bias else None) for layer in network.layers]
    every = (array for pair in form.folded(pairs) for array in pair if array is not None)
    return dict(zip(problem.parameters, every, strict=True))


def _folded(gradient: Mapping[Name, Bounded], problem: Problem, form: Form) -> dict[Name, Bounded]:
    """The same with its bounds, which add up as its values do."""
    every = (
        folded({name: getattr(each, what) for name, each in gradient.items()}, problem, form)
        for what in BOUNDS
    )
    value, worst, near = every
    return {name: Bounded(value[name], worst[name], near[name]) for name in value}


def _by_subjects(found: References, form: Form) -> Mapping[Name, Bounded]:
    """The exact gradient at all points, by the parameters that the subject has."""
    if isinstance(found.problem.network, Graph) or not form.shares_biases:
        return found.gradient
    every = [
        _folded({name: each.at(n) for name, each in found.gradient.items()}, found.problem, form)
        for n in range(len(found.loss.value))
    ]

    def stacked(name: Name) -> Bounded:
        return Bounded(*(np.array([getattr(one[name], what) for one in every]) for what in BOUNDS))

    return {name: stacked(name) for name in found.gradient}


def _stacks(asked: Sequence[Asked], found: References, form: Form) -> Iterator[Part]:
    """Every array compared at all points at once; they are its first axis."""
    answers = [each.answer for each in asked if each.answer]
    if answers[0].loss is not None:
        losses = np.array([answer.loss for answer in answers], float)
        yield Part(None, found.loss, losses, compare_all(found.loss, losses))
    gradient = _by_subjects(found, form)
    for name in reversed(found.problem.parameters):
        bounded, given = gradient[name], np.array([answer.gradient[name] for answer in answers])
        if any(answer.slack for answer in answers):
            slack = np.array([answer.slack[name] for answer in answers])
            bounded = Bounded(bounded.value, bounded.worst + slack, bounded.near + slack)
        yield Part(name, bounded, given, compare_all(bounded, given))


def _in_balls(asked: Asked, parts: Sequence[Part], form: Form) -> list[Part]:
    """The same, held against values that are certain; an entry without one is not counted."""
    sure = exact(asked.problem, asked.point.values(asked.problem), asked.point.samples, lam=asked.point.lam)

    certain = {name: Bounded(value, value, value) for name, value in sure.gradient.items()}
    gradient = _folded(certain, asked.problem, form)

    def again(part: Part) -> Part:
        value = gradient[part.name].value if part.name else np.array(sure.loss)
        bounded = replace(part.exact, value=value)
        return Part(part.name, bounded, part.given, compare(bounded, part.given))

    return [again(part) for part in parts]


def _findings(parts: Sequence[Part], asked: Asked, layout: Layout) -> Iterator[Finding]:
    """A wrong loss, values that are not finite, a wrong gradient, in this order."""
    wrong = [(part, part.comparison.disagrees) for part in parts]
    missing = [(part, part.comparison.not_finite & part.comparison.counted) for part in parts]
    yield from _finding("wrong loss", "disagrees", asked, [row for row in wrong if not row[0].name], layout)
    yield from _finding("not finite", "is not finite", asked, missing, layout)
    yield from _finding("wrong gradient", "disagrees", asked, [row for row in wrong if row[0].name], layout)


def _finding(
    kind: Kind, verb: str, asked: Asked, masked: list[tuple[Part, Mask]], layout: Layout
) -> Iterator[Finding]:
    found = [entry for part, mask in masked for entry in _disagreements(part, mask, asked.problem, layout)]
    if found:
        order = {name: n for n, name in enumerate(asked.problem.parameters)}
        in_order = sorted(masked, key=lambda row: -1 if row[0].name is None else order[row[0].name])
        sentence = f"{found[0].name} ({found[0].path} as returned) {verb} on {asked.place}"
        tally = tuple((part.label, int(mask.sum()), mask.size) for part, mask in in_order)
        yield Finding(kind, sentence, tuple(found), tally)


def _disagreements(part: Part, which: Mask, problem: Problem, layout: Layout) -> list[Disagreement]:
    """The entries that a mask holds, the farthest off first."""
    places = sorted(map(tuple, np.argwhere(which).tolist()), key=lambda at: -part.comparison.excess[at])
    return [entry(part, place, problem, layout) for place in places]


def entry(part: Part, place: tuple[int, ...], problem: Problem, layout: Layout) -> Disagreement:
    """One entry by both its names."""
    numbers = (float(array[place]) for array in (part.exact.value, part.given, part.exact.worst))
    if part.name is None:
        return Disagreement("E", "loss", *numbers)
    name, path = layouts.entry_names(part.name, place, problem, layout)
    return Disagreement(name, path, *numbers)


def _failed(sentence: str, detail: str) -> Finding:
    return Finding("failed", sentence, detail="\n".join(detail.splitlines()[-TAIL:]))


def difference(first: Outcome, second: Outcome, layout: Layout) -> str | None:
    """How a second answer at the same point differs from the first beyond rounding, if it does."""
    if first.asked.answer is None or second.asked.answer is None:
        if first.asked.answer is second.asked.answer:
            return None
        failed = first if first.asked.answer is None else second
        return f"for the same params, x and t, one call of two failed: {failed.findings[0].sentence}"
    for part, again in zip(first.parts, second.parts, strict=False):
        with np.errstate(invalid="ignore"):
            apart = np.abs(part.given - again.given) > 2 * part.exact.worst
        for place in np.argwhere(apart)[:1]:
            seen = entry(part, tuple(place.tolist()), first.asked.problem, layout)
            then = float(again.given[tuple(place)])
            return f"{seen.path} is {seen.subject!r}, then {then!r}, for the same params, x and t"
    return None
