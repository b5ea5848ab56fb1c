"""One check on its way: points are asked and judged, and what is found decides what is asked next.

First the designed points (`designed`), on which no two wrong formulas agree. Where nothing is wrong there,
networks that Hypothesis draws, the contract, kinks and large |z| follow. What is wrong is explained
(`diagnosing`), localised, and followed to the smallest network with the same fault (`search`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, TypeAlias

import numpy.typing as npt

from backproof import layouts
from backproof.blind_spots import blind_spots
from backproof.concluding import Conclusion, concluded
from backproof.contract import contract
from backproof.coverage import Tally, not_covered
from backproof.designed import SAMPLES, beyond_kinks, cases_of, designed, has_far_kinks
from backproof.diagnosing import explanations
from backproof.evidence import Group, groups_of
from backproof.factors import factors, losses_follow
from backproof.graph_points import graph_point, sparse
from backproof.guards import guard_of
from backproof.judging import UPDATES, Outcome, difference, judged
from backproof.kinks import kinks
from backproof.localising import localised
from backproof.own_points import read_point
from backproof.points import Point, targets_of
from backproof.power import power
from backproof.precision import found_precision
from backproof.report import Finding, Report
from backproof.search import Case, search, smallest
from backproof.session import Session
from backproof.stability import stability
from backproof.strategies import smallest_member
from backproof.symmetry import asymmetry
from numeric.envelope import DOUBLE
from numeric.problem import Problem, problem_of
from symbolic.graph import Graph
from symbolic.network import Network

Arrays: TypeAlias = Mapping[str, npt.NDArray[Any]]
Progress: TypeAlias = Callable[[str], None]
EXPLAINING: Final = 0.4  # of the time
SHRINKING: Final = 0.2
CONFIRMING: Final = 25  # networks that are drawn once a convention is found
PROVING: Final = 2.0  # seconds
SOFT: Final = 10  # points with soft labels, where the layout promises one-hot ones only
DRAWN: Final = 7919  # seeds of graphs' points that are not the designed ones'
AGAIN: Final = 3  # more points of a network that was wrong when it was drawn


class Interrupted(KeyboardInterrupt):
    """Ctrl-C, with the report so far."""

    def __init__(self, report: Report) -> None:
        super().__init__(report.verdict)
        self.report = report


class Run:
    """One check on its way to a report."""

    def __init__(
        self,
        session: Session,
        found: tuple[str, ...],
        alike: tuple[str, ...],
        progress: Progress,
        *,
        strict: bool,
        max_time: float,
    ) -> None:
        self._session, self._progress, self._max_time = session, progress, max_time
        self._tally = Tally()
        self._outcomes: list[Outcome] = []
        self._cases: dict[int, Case] = {}
        self._first = 0  # outcomes at designed points
        self._conclusion = Conclusion(session, found=found, alike=alike, strict=strict)

    def at(self, arrays: Arrays) -> Report:
        """Look at one point, and say what it cannot show."""
        session = self._session
        assert not isinstance(session.family, Graph)
        network, point = read_point(arrays, session.family, session.judge.layout, lam=session.lam or 0.0)
        problem = problem_of(network)
        self._look(problem, [point])
        groups = groups_of(self._outcomes, self._session.precision)
        ground = groups[0].ground if groups else None
        spots = blind_spots(network, point, ground) if ground else ()
        self._conclude(seed=None, not_shown=spots, is_own=True)
        if any(outcome.findings for outcome in self._outcomes) and groups:
            self._conclude(explanations=explanations(groups, deadline=session.deadline))
        return self._report()

    def searched(self, max_examples: int, only: Collection[str], skip: Collection[str]) -> Report:
        """Look for a wrong answer, and for what it is."""
        self._conclude(seed=self._session.seed)
        try:
            self._designed()
            self._first = len(self._outcomes)
            if not self._wrong:
                self._drawn(max_examples)
            if self._wrong:
                self._diagnosed()
            else:
                self._rest(only, skip)
            return self._report()
        except KeyboardInterrupt:
            self._conclude(remarks=("interrupted",))
            raise Interrupted(self._report()) from None

    @property
    def _wrong(self) -> list[Outcome]:
        return [outcome for outcome in self._outcomes if outcome.findings and not outcome.is_norm_wise]

    @property
    def _hangs(self) -> bool:
        """Whether a call had no end: another one would take as long."""
        return any(not outcome.asked.is_patient for outcome in self._outcomes)

    def _designed(self) -> None:
        session = self._session
        if isinstance(session.family, Graph):
            problem = session.problem(session.family)
            for samples in SAMPLES:
                seeds = range(1000 * session.seed + samples, 1000 * session.seed + samples + AGAIN)
                points = [graph_point(problem, samples, s, session.given) for s in seeds]
                self._look(problem, points)
            self._look(problem, [sparse(point, session.seed) for point in points])
            return
        targets = layouts.targets(session.judge.layout)
        for network, samples in designed(session.family):
            if self._hangs or self._session.is_late:
                return
            cases = cases_of(network, samples, seed=session.seed, targets=targets)
            self._look_at(cases)
            if far := [beyond_kinks(network, case.point) for case in cases if has_far_kinks(network)]:
                self._look(problem_of(network), far)

    def _look_at(self, cases: Sequence[Case]) -> list[Outcome]:
        outcomes = self._look(problem_of(cases[0].network), [case.point for case in cases])
        self._cases |= {id(outcome): case for outcome, case in zip(outcomes, cases, strict=True)}
        return outcomes

    def _look(self, problem: Problem, points: Sequence[Any]) -> list[Outcome]:
        """Ask and judge; the first answers also tell the precision."""
        is_first = not self._outcomes
        asked = self._session.ask(problem, points)
        if is_first and any(each.answer is not None for each in asked):
            told = found_precision(self._session.judge, asked)
            self._session = replace(self._session, precision=told.precision)
            self._conclude(session=self._session, remarks=told.remarks)
            if told.precision is not DOUBLE:  # the numbers that it sees, and no others
                asked = self._session.ask(problem, points)
        outcomes = judged(asked, self._session.precision, self._session.judge)
        outcomes = [each if each.has_loss else each.without_evidence() for each in outcomes]
        outcomes = [self._asked_again(each) if each.findings else each for each in outcomes]
        self._outcomes += outcomes
        self._tally.add(outcomes)
        self._progress(f"{self._tally.points} points, {self._tally.entries} entries")
        return outcomes

    def _asked_again(self, outcome: Outcome) -> Outcome:
        """What is wrong is asked again: the next answer may be another."""
        asked = outcome.asked
        if not asked.is_patient:
            return outcome
        (again,) = self._session.outcomes(asked.problem, [asked.point])
        sentence = difference(outcome, again, self._session.judge.layout)
        if sentence is None:
            return outcome
        finding = Finding(
            "not the same answer twice", f"not the same answer twice: {sentence}, on {asked.place}"
        )
        return replace(outcome, findings=(finding, *outcome.findings))

    def _drawn(self, max_examples: int) -> None:
        """Networks that Hypothesis draws, until one is wrong."""
        family, seed = self._session.family, self._session.seed
        if isinstance(family, Graph):
            problem = self._session.problem(family)
            for n in range(max_examples):
                if self._session.is_late or self._wrong:
                    return
                self._look(
                    problem, [graph_point(problem, 1 + n % 6, 7919 * (seed + 1) + n, self._session.given)]
                )
            return
        targets = layouts.targets(self._session.judge.layout)
        deadline = time.monotonic() + (1 - EXPLAINING - SHRINKING) * self._left
        case = search(
            family, self._fails, seed=seed, max_examples=max_examples, deadline=deadline, targets=targets
        )
        if case is not None:
            self._look_at(cases_of(case.network, case.samples, count=AGAIN, seed=seed + 1, targets=targets))
            return
        if time.monotonic() > deadline:
            points = f"{self._tally.points} of {max_examples} points"
            self._conclude(remarks=(f"time ran out after {points}; --max-time gives more",))
        self._soft_labels()

    def _fails(self, case: Case) -> bool:
        (outcome,) = self._look_at([case])
        return bool(outcome.findings) and not outcome.is_norm_wise

    @property
    def _left(self) -> float:
        return max(self._session.deadline - time.monotonic(), 0.0)

    def _soft_labels(self) -> None:
        """A remark where a subject that is right for one-hot targets is not for distributions."""
        session = self._session
        assert not isinstance(session.family, Graph)
        member = smallest_member(session.family)
        if session.judge.layout.labels == "integer" or targets_of(member) != "one-hot":
            return

        def fails(case: Case) -> bool:
            return bool(session.outcomes(problem_of(case.network), [case.point])[0].findings)

        found = search(
            session.family,
            fails,
            seed=session.seed,
            max_examples=SOFT,
            deadline=session.deadline,
            targets="distribution",
        )
        if found:
            self._conclude(
                remarks=(
                    "it relies on one-hot targets: with soft labels, columns that add up to 1, it is wrong",
                )
            )

    def _rest(self, only: Collection[str], skip: Collection[str]) -> None:
        """What is asked of a gradient that is right: the contract, kinks, large |z|, and the power."""
        session = self._session
        seen = [outcome for outcome in self._outcomes if outcome.parts]
        if not seen:
            return
        groups = groups_of([o for o in self._outcomes[: self._first] if o.parts], session.precision)
        self._conclude(
            contract=tuple(contract(session, seen, only=only, skip=skip)),
            power=power(groups, seconds=min(PROVING, self._left)),
            not_shown=tuple(not_covered(session.family, self._tally.evidence(), session.judge.layout)),
        )
        if not isinstance(session.family, Graph) and not session.is_late:
            self._conclude(kinks=kinks(session), stability=stability(session))

    def _diagnosed(self) -> None:
        """Whether it is another convention, and if not, which formula is wrong, and where."""
        session = self._session
        groups = groups_of(self._outcomes, session.precision)
        self._factored(groups)
        self._conclude(guard=guard_of(groups))
        if self._hangs:
            self._conclude(counterexample=next(o for o in self._outcomes if not o.asked.is_patient))
            return
        if groups and isinstance(groups[-1].problem.network, Network):
            small = smallest_member(session.family)  # type: ignore[arg-type]
            (case,) = cases_of(small, 3, count=1, seed=session.seed)
            point = session.at(case.point)
            assert isinstance(point, Point)
            gap = asymmetry(session.judge, problem_of(small), point, session.precision)
            self._conclude(asymmetry=gap)
        if self._conclusion.is_convention:
            self._drawn_too()
            if self._conclusion.is_convention:
                return
        found = explanations(groups, deadline=time.monotonic() + EXPLAINING * self._left) if groups else ()
        self._conclude(
            explanations=found,
            localisation=tuple(localised(session, self._outcomes, is_explained=bool(found))),
        )
        if self._conclusion.is_convention:
            return
        if not groups:
            self._conclude(contract=tuple(contract(session, self._outcomes, only=("shapes",))))
        elif session.judge.form.kind in UPDATES:
            self._conclude(contract=tuple(contract(session, self._outcomes, only=("eta",))))
        self._shrink()

    def _factored(self, groups: Sequence[Group]) -> None:
        """The factors that the gradient has, and whether a loss that is returned has them too."""
        told = factors(groups, takes_lam=self._session.judge.takes_lam)
        self._conclude(factors=told, losses_follow=told is None or losses_follow(groups, told))

    def _drawn_too(self) -> None:
        """A convention has to hold for networks that are drawn as well."""
        session = self._session
        if isinstance(session.family, Graph):
            return

        def look(case: Case) -> bool:
            self._look_at([case])
            return False

        search(
            session.family,
            look,
            seed=session.seed,
            max_examples=CONFIRMING,
            deadline=time.monotonic() + EXPLAINING * self._left,
            targets=layouts.targets(session.judge.layout),
        )
        self._factored(groups_of(self._outcomes, session.precision))

    def _shrink(self) -> None:
        """The smallest network with the same fault."""
        session = self._session
        first = next((o for o in self._wrong if o.asked.answer is not None), self._wrong[0])
        case = self._cases.get(id(first))
        if case is None or isinstance(session.family, Graph):
            self._conclude(counterexample=first)
            return

        def fails(smaller: Case) -> bool:
            self._progress(f"is {smaller.network.shape} with {smaller.samples} samples enough?")
            (outcome,) = session.outcomes(problem_of(smaller.network), [smaller.point])
            return (self._asked_again(outcome) if outcome.findings else outcome).kind == first.kind

        least = 2 if session.judge.layout.labels == "integer" else 1
        deadline = time.monotonic() + SHRINKING * self._max_time
        small = smallest(case, session.family, fails, seed=session.seed, deadline=deadline, min_outputs=least)
        (again,) = session.outcomes(problem_of(small.network), [small.point])
        again = self._asked_again(again) if again.findings else again
        self._conclude(counterexample=again if again.kind == first.kind else first)

    def _conclude(self, **found: Any) -> None:
        """Add to what is known: remarks to remarks, the rest in place of nothing."""
        if "remarks" in found:
            found["remarks"] = (*self._conclusion.remarks, *found["remarks"])
        self._conclusion = replace(self._conclusion, **found)

    def _report(self) -> Report:
        return concluded(self._conclusion, self._outcomes, self._tally)
