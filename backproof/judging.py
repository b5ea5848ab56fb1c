"""One call of a subject at one point, held against the exact values: the loss first, then every entry."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from backproof import layouts
from backproof.layouts import Answer, UnusableAnswer
from backproof.points import Point
from backproof.report import Disagreement, Finding, Kind, counted
from backproof.subjects import Subject, SubjectFailed
from numeric.comparison import Comparison, compare, rounding_bound
from numeric.oracle import REACH, Entries, Exact, exact
from symbolic.conventions import Layout
from symbolic.network import Network

Array: TypeAlias = npt.NDArray[np.float64]
Mask: TypeAlias = npt.NDArray[np.bool_]
NO_LOSS: Final = "at points without a finite loss"
SATURATED: Final = f"at points with a unit at |z| > {REACH:g}"
AT_KINK: Final = "depending on the side of a kink"
OUT_OF_RANGE: Final = "whose value is no finite number"
TAIL: Final = 20  # lines of a traceback or of output: its end says most


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one point says: findings, none where the subject is right, and how much was compared.

    `error` is the largest of those that agree, in units of the bound; `changed` names inputs that the subject
    overwrote.
    """

    findings: tuple[Finding, ...]
    answer: Answer | None = None
    entries: int = 0
    error: float = 0.0
    not_counted: Counter[str] = field(default_factory=Counter)
    changed: tuple[str, ...] = ()

    @property
    def kind(self) -> Kind | None:
        """The first finding's."""
        return self.findings[0].kind if self.findings else None


@dataclass(frozen=True, slots=True)
class Judge:
    """Asks a subject in its own layout; λ is passed on if it takes one."""

    subject: Subject
    layout: Layout
    takes_lam: bool

    def outcome(self, network: Network, point: Point) -> Outcome:
        """Ask once; where the answer is wrong, ask again: the next one may be another."""
        values = exact(network, point.params, point.x, point.t, lam=point.lam)
        first, patient = self._ask(network, point, values)
        if not first.findings or not patient:
            return first
        second, _ = self._ask(network, point, values)
        sentence = _difference(first, second, values, network, self.layout)
        if sentence is None:
            return first
        finding = Finding(
            "not the same answer twice", f"not the same answer twice: {sentence}, on {where(network, point)}"
        )
        return replace(first, findings=(finding, *first.findings))

    def _ask(self, network: Network, point: Point, values: Exact) -> tuple[Outcome, bool]:
        """The outcome of one call, and whether there is time for another."""
        keywords = {"lam": point.lam} if self.takes_lam else {}
        place = where(network, point)
        try:
            returned = self.subject.call(*layouts.to_subject(point, self.layout), **keywords)
        except SubjectFailed as failure:
            return _failed(
                f"{failure}, on {place}", failure.traceback or failure.output
            ), failure.what != "hung"
        try:
            answer = layouts.read_answer(returned.value, network, self.layout)
        except UnusableAnswer as failure:
            return _failed(
                f"{self.subject.name} returned something unusable: {failure}, on {place}", ""
            ), True
        return replace(judged(answer, values, network, place, self.layout), changed=returned.changed), True


def where(network: Network, point: Point) -> str:
    """The network and the number of samples, in words."""
    return f"{network}, {counted(point.samples, 'sample')}"


def judged(answer: Answer, values: Exact, network: Network, place: str, layout: Layout) -> Outcome:
    """Hold one answer against the exact values."""
    parts = _compared(answer, values, network, layout)
    agreeing = [part.comparison.excess[~part.comparison.disagrees].ravel() for part in parts]
    unseen = _no_evidence(values, network) or AT_KINK
    return Outcome(
        findings=tuple(_findings(parts, place)),
        answer=answer,
        entries=sum(int(part.comparison.counted.sum()) for part in parts),
        error=float(np.max(np.concatenate(agreeing), initial=0.0)),
        not_counted=sum((part.not_counted(unseen) for part in parts), start=Counter[str]()),
    )


@dataclass(frozen=True, slots=True)
class _Part:
    """The loss E, or the gradient by W or b of one layer, compared."""

    letter: str
    layer: int
    exact: Array
    given: Array
    bound: Array
    comparison: Comparison
    layout: Layout

    @property
    def name(self) -> str:
        return f"{self.letter}{self.layer}" if self.layer else self.letter

    def not_counted(self, unseen: str) -> Counter[str]:
        finite = np.isfinite(self.exact)
        return +Counter(
            {OUT_OF_RANGE: int((~finite).sum()), unseen: int((finite & ~self.comparison.counted).sum())}
        )

    def disagreements(self, which: Mask) -> list[Disagreement]:
        """The entries that a mask holds, the farthest off first."""
        places = sorted(map(tuple, np.argwhere(which).tolist()), key=lambda at: -self.comparison.excess[at])
        return [self.entry(place) for place in places]

    def entry(self, place: tuple[int, ...]) -> Disagreement:
        numbers = (float(array[place]) for array in (self.exact, self.given, self.bound))
        if not self.layer:
            return Disagreement("E", "loss", *numbers)
        index = layouts.index_of(place, self.layout)
        name = f"∂E/∂{self.name}[{','.join(str(i + 1) for i in index)}]"
        path = f"grads[{self.layer - 1}][{'Wb'.index(self.letter)}][{', '.join(map(str, index))}]"
        return Disagreement(name, path, *numbers)


def _compared(answer: Answer, values: Exact, network: Network, layout: Layout) -> list[_Part]:
    """Every array of an answer; the last layer first, from where errors travel to the first."""
    evident = _no_evidence(values, network) is None

    def part(letter: str, layer: int, entries: Entries, given: Array) -> _Part:
        bound = rounding_bound(entries.magnitude, answer.dtype)
        bound = bound if evident else np.full_like(bound, np.inf)
        comparison = compare(entries.value, given, bound)
        return _Part(letter, layer, entries.value, given, bound, comparison, layout)

    loss = [] if answer.loss is None else [part("E", 0, values.loss, np.array(answer.loss))]
    return loss + [
        part(letter, l, entries, given)
        for l in range(network.depth, 0, -1)
        for letter, entries, given in zip("Wb", values.gradient[l - 1], answer.gradient[l - 1], strict=True)
        if entries is not None and given is not None
    ]


def _no_evidence(values: Exact, network: Network) -> str | None:
    """Why nothing at a point is counted, if so."""
    if not np.isfinite(values.loss.value):
        return NO_LOSS
    return None if values.is_evidence(network) else SATURATED


def _findings(parts: Sequence[_Part], place: str) -> Iterator[Finding]:
    """A wrong loss, values that are not finite, a wrong gradient, in this order."""
    wrong = [(part, part.comparison.disagrees) for part in parts]
    missing = [(part, part.comparison.not_finite) for part in parts]
    yield from _finding("wrong loss", "disagrees", place, [row for row in wrong if not row[0].layer])
    yield from _finding("not finite", "is not finite", place, missing)
    yield from _finding("wrong gradient", "disagrees", place, [row for row in wrong if row[0].layer])


def _finding(kind: Kind, verb: str, place: str, masked: list[tuple[_Part, Mask]]) -> Iterator[Finding]:
    found = [disagreement for part, mask in masked for disagreement in part.disagreements(mask)]
    if found:
        in_order = sorted(masked, key=lambda row: (row[0].layer, row[0].letter))
        sentence = f"{found[0].name} ({found[0].path} as returned) {verb} on {place}"
        tally = tuple((part.name, int(mask.sum()), mask.size) for part, mask in in_order)
        yield Finding(kind, sentence, tuple(found), tally)


def _failed(sentence: str, detail: str) -> Outcome:
    return Outcome((Finding("failed", sentence, detail="\n".join(detail.splitlines()[-TAIL:])),))


def _difference(
    first: Outcome, second: Outcome, values: Exact, network: Network, layout: Layout
) -> str | None:
    """How a second answer at the same point differs from the first, if it does."""
    if first.answer is None or second.answer is None:
        if first.answer is second.answer:
            return None
        failure = (first if first.answer is None else second).findings[0].sentence
        return f"for the same params, x and t, one call of two failed: {failure}"
    one, other = (
        _compared(outcome.answer, values, network, layout) for outcome in (first, second) if outcome.answer
    )
    for part, again in zip(one, other, strict=False):
        for place in np.argwhere(compare(part.given, again.given, part.bound).disagrees)[:1]:
            entry, then = part.entry(tuple(place.tolist())), float(again.given[tuple(place)])
            return f"{entry.path} is {entry.subject!r}, then {then!r}, for the same params, x and t"
    return None
