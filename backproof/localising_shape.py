"""For which shapes a subject is wrong, told by comparing where it holds with where it fails.

A fault may need a width of 1, unequal widths, four layers, more than three samples or a λ. What was seen so
far seldom separates these, so a panel of small shapes is asked as well. Of a table of circumstances the first
is told that holds wherever the subject is wrong and nowhere where it is right; none where all is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Final, Literal, TypeAlias

from backproof.designed import WIDTHS, points_of
from backproof.judging import Outcome
from backproof.points import Point, Targets, sizes_of
from backproof.session import Session
from backproof.strategies import least_widths
from numeric.problem import problem_of
from symbolic.graph import Graph
from symbolic.losses import SAMPLES
from symbolic.network import Chain, Network

Verdict: TypeAlias = Literal["right", "wrong", "fails"]
BATCHES: Final = (1, 2, 4, 6, 8, 9)  # beside the 3, 5 and 7 of the designed points
PANEL: Final = (  # widths of two layers, inputs first, and samples
    ((2, 4, 4), 5),
    ((3, 3, 3), 5),
    ((3, 1, 2), 5),
    ((1, 3, 2), 5),
    ((3, 4, 1), 5),
    ((2, 3, 4), 5),
    ((4, 3, 2), 5),
    ((5, 3, 5), 3),
    ((2, 9, 3), 5),
)
TWICE: Final = 2  # points of a shape: where one is right and one wrong, the shape decides nothing
SHORT: Final = 70  # characters of a subject's own message


@dataclass(frozen=True, slots=True)
class Seen:
    """What came of one shape; `widths` are empty for a graph, `why` is how it failed."""

    widths: tuple[int, ...]
    samples: int
    lam: float
    verdict: Verdict
    why: str = ""

    @property
    def depth(self) -> int:
        return len(self.widths) - 1


@dataclass(frozen=True, slots=True)
class Circumstance:
    """A property of a shape, in words where it holds and where it does not."""

    holds: str
    otherwise: str
    test: Callable[[Seen], bool]


OF_SAMPLES: Final = (
    Circumstance("for one sample", "for 2 samples or more", lambda s: s.samples == 1),
    Circumstance("where λ is not 0", "where λ is 0", lambda s: s.lam != 0),
)
OF_WIDTHS: Final = (
    Circumstance("where a hidden width is 1", "where no hidden width is", lambda s: 1 in s.widths[1:-1]),
    Circumstance("for one output", "for more outputs", lambda s: s.widths[-1] == 1),
    Circumstance("for one input", "for more inputs", lambda s: s.widths[0] == 1),
    Circumstance("where a width is 1", "where no width is", lambda s: 1 in s.widths),
    Circumstance("where a layer has width 1", "where no layer has", lambda s: 1 in s.widths[1:]),
    Circumstance("where widths are unequal", "where they are equal", lambda s: len(set(s.widths)) > 1),
    Circumstance(
        "where widths are unequal, inputs aside", "where they are equal", lambda s: len(set(s.widths[1:])) > 1
    ),
    Circumstance(
        "where two neighbouring widths are equal",
        "where none are",
        lambda s: any(a == b for a, b in pairwise(s.widths)),
    ),
    Circumstance(
        "where a layer is wider than the one before",
        "where none is",
        lambda s: any(b > a for a, b in pairwise(s.widths)),
    ),
    Circumstance(
        "where a layer is narrower than the one before",
        "where none is",
        lambda s: any(b < a for a, b in pairwise(s.widths)),
    ),
    Circumstance("where there are more samples than inputs", "for fewer", lambda s: s.samples > s.widths[0]),
    Circumstance(
        "where there are more samples than outputs", "for fewer", lambda s: s.samples > s.widths[-1]
    ),
    Circumstance(
        "where there are as many samples as outputs",
        "for other numbers",
        lambda s: s.samples == s.widths[-1],
    ),
)
ODD: Final = (
    Circumstance(
        "where the number of samples is no power of two",
        "where it is one",
        lambda s: s.samples & (s.samples - 1) != 0,
    ),
    Circumstance("for an odd number of samples", "for an even one", lambda s: s.samples % 2 == 1),
)


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number of a shape, in words from a value on and up to one."""

    least: str
    most: str
    read: Callable[[Seen], int]


QUANTITIES: Final = (Quantity("for {} samples or more", "for {} or fewer", lambda s: s.samples),)
OF_CHAINS: Final = (
    Quantity("from depth {} on", "up to depth {}", lambda s: s.depth),
    Quantity("where a width is {} or more", "where none is above {}", lambda s: max(s.widths)),
    Quantity(
        "where a hidden width is {} or more",
        "where none is above {}",
        lambda s: max(s.widths[1:-1], default=0),
    ),
    Quantity("for {} outputs or more", "for {} or fewer", lambda s: s.widths[-1]),
    Quantity("for {} inputs or more", "for {} or fewer", lambda s: s.widths[0]),
)


def is_bad(outcome: Outcome) -> bool:
    """Whether an outcome speaks against the subject."""
    return bool(outcome.findings) and not outcome.is_norm_wise


def in_shape(session: Session, outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    """Where it fails, and where it is wrong, each against where it is not; nothing of what is so for all."""
    if not all(outcome.asked.is_patient for outcome in outcomes):
        return ()  # each further shape may cost as long, and few of them tell nothing
    every = [*outcomes, *_asked_more(session, outcomes)]
    seen = [found for outcome in every if (found := _seen(outcome))]
    shallow = [each for each in seen if each.depth == 1]
    deep = [each for each in seen if each.depth != 1]
    if deep and all(each.verdict == "right" for each in shallow):
        seen = deep  # that the way back to a hidden layer needs one goes without saying
    return tuple(_told(seen))


def _seen(outcome: Outcome) -> Seen | None:
    """What an outcome says of its shape; None where nothing was compared."""
    asked = outcome.asked
    network = asked.problem.network
    widths = () if isinstance(network, Graph) else sizes_of(network)
    shape = widths, asked.point.samples, asked.point.lam if asked.problem.has_lambda else 0.0
    if asked.answer is None:
        said = asked.failure.sentence.removesuffix(f", on {asked.place}") if asked.failure else ""
        return Seen(*shape, "fails", _shortened(said.partition(": ")[2] or said))
    if is_bad(outcome):
        return Seen(*shape, "wrong")
    return Seen(*shape, "right") if outcome.entries else None


def _shortened(text: str) -> str:
    line = text.partition("\n")[0]
    return line if len(line) <= SHORT else line[: SHORT - 1].rstrip() + "…"


def _told(seen: Sequence[Seen]) -> Iterator[str]:
    """One sentence for the failures and one for wrong answers."""
    fails, answers = ([s for s in seen if (s.verdict == "fails") is failed] for failed in (True, False))
    wrong, right = ([s for s in answers if s.verdict == verdict] for verdict in ("wrong", "right"))
    if found := _separating(fails, answers):
        where, elsewhere = found
        verdict = "and " + ("is wrong" if not right else "is right" if not wrong else "answers")
        yield f"it fails ({fails[0].why}) {where}, {verdict} {elsewhere}"
    if found := _separating(wrong, right):
        where, elsewhere = found
        yield f"it is wrong only {where}; it is right {elsewhere}"


def _separating(bad: Sequence[Seen], good: Sequence[Seen]) -> tuple[str, str] | None:
    """The first circumstance that holds for all of one kind and none of the other, in words for both."""
    if min(len(bad), len(good)) < TWICE:
        return None
    has_widths = bool(bad[0].widths)
    for row in (*OF_SAMPLES, *(OF_WIDTHS if has_widths else ())):
        if found := _by_circumstance(row, bad, good):
            return found
    for quantity in (*QUANTITIES, *(OF_CHAINS if has_widths else ())):
        if found := _by_quantity(quantity, bad, good):
            return found
    return next((found for row in ODD if (found := _by_circumstance(row, bad, good))), None)


def _by_circumstance(row: Circumstance, bad: Sequence[Seen], good: Sequence[Seen]) -> tuple[str, str] | None:
    if all(map(row.test, bad)) and not any(map(row.test, good)):
        return row.holds, row.otherwise
    if all(map(row.test, good)) and not any(map(row.test, bad)):
        return row.otherwise, row.holds
    return None


def _by_quantity(row: Quantity, bad: Sequence[Seen], good: Sequence[Seen]) -> tuple[str, str] | None:
    low, high = [row.read(s) for s in bad], [row.read(s) for s in good]
    if min(low) > max(high):
        return row.least.format(min(low)), row.most.format(max(high))
    if max(low) < min(high):
        return row.most.format(max(low)), row.least.format(min(high))
    return None


def _asked_more(session: Session, outcomes: Sequence[Outcome]) -> Iterator[Outcome]:
    """Other numbers of samples and λ = 0 on a network that was wrong, then other networks."""
    bad = next((each for each in outcomes if is_bad(each)), outcomes[0])
    problem, point = bad.asked.problem, bad.asked.point
    if isinstance(problem.network, Graph):
        for samples in (m for m in BATCHES if m < point.samples):
            yield from session.outcomes(problem, [_first(bad, samples)])
        return
    if problem.has_lambda and session.lam is None:
        yield from session.outcomes(problem, [replace(point, lam=0.0)] * TWICE)
    assert not isinstance(session.family, Graph)
    tried = {(each.asked.problem.network, each.asked.point.samples) for each in outcomes}
    least = 2 if session.judge.layout.labels == "integer" else 1
    for case in dict.fromkeys(_shapes(session.family, problem.network, least)):
        if not session.is_late and case not in tried:
            yield from session.outcomes(problem_of(case[0]), _points(session, *case))


def _points(session: Session, network: Network, samples: int) -> list[Point]:
    targets: Targets | None = "one-hot" if session.judge.layout.labels == "integer" else None
    return points_of(network, samples, count=TWICE, seed=session.seed, targets=targets)


def _first(outcome: Outcome, samples: int) -> Any:
    """The first few samples of a graph's point."""
    point: Any = outcome.asked.point
    batched = {a.label for a in outcome.asked.problem.given if a.shape[-1:] == (SAMPLES,)}

    def cut(given: Any) -> Any:
        return {name: v[..., :samples] if name in batched else v for name, v in given.items()}

    return replace(point, x=cut(point.x), t=cut(point.t), samples=samples)


def _shapes(chain: Chain, wrong: Network, outputs: int) -> Iterator[tuple[Network, int]]:
    """The panel as far as a family has it, with numbers of samples."""
    yield from ((wrong, samples) for samples in BATCHES)
    if isinstance(chain, Network):
        return
    two = chain.sizes is None or len(chain.sizes) == 3
    shapes = [(widths, 5) for widths in WIDTHS.values()] + list(PANEL if two else _deep(wrong.depth))
    for widths, samples in shapes:
        known = chain.sizes or (None,) * len(widths)
        if len(known) == len(widths):
            least = least_widths(chain, len(widths) - 1, 1)
            least[-1] = max(least[-1], outputs)
            sizes = [fixed or max(n, low) for fixed, n, low in zip(known, widths, least, strict=True)]
            yield chain.network(sizes), samples


def _deep(depth: int) -> Iterator[tuple[tuple[int, ...], int]]:
    """The panel of two layers for another depth: what it has in the middle is repeated."""
    for (first, hidden, last), samples in PANEL:
        yield ((first, *[hidden] * (depth - 1), last), samples)
