"""What a subject is asked, and what came of it: designed points, then networks that Hypothesis draws.

Points are asked as long as there is time; the first answers also tell the precision in which all are judged.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final, TypeAlias

from backproof import layouts
from backproof.coverage import Tally
from backproof.designed import SAMPLES, beyond_kinks, cases_of, designed, has_far_kinks
from backproof.evidence import Group, groups_of
from backproof.graph_points import graph_point, sparse
from backproof.judging import Asked, Outcome, OutOfTime, difference, judged
from backproof.points import targets_of
from backproof.precision import found_precision
from backproof.report import Finding
from backproof.search import Case, search
from backproof.session import Session
from backproof.strategies import smallest_member
from numeric.envelope import DOUBLE
from numeric.problem import Problem, problem_of
from symbolic.graph import Graph

Progress: TypeAlias = Callable[[str], None]
CONFIRMING: Final = 25  # networks that are drawn once a convention is found
SOFT: Final = 10  # points with soft labels, where the layout promises one-hot ones only
DRAWN: Final = 7919  # seeds of graphs' points that are not the designed ones'
LARGEST: Final = 6  # samples of a graph's point that is drawn
AGAIN: Final = 3  # more points of a network that was wrong when it was drawn


class Asking:
    """A subject being asked: `outcomes` so far, the `cases` they are of by id, and remarks on them."""

    def __init__(self, session: Session, progress: Progress) -> None:
        self.session, self._progress = session, progress
        self.tally = Tally()
        self.outcomes: list[Outcome] = []
        self.cases: dict[int, Case] = {}
        self.remarks: list[str] = []

    @property
    def wrong(self) -> list[Outcome]:
        return [outcome for outcome in self.outcomes if outcome.findings and not outcome.is_norm_wise]

    @property
    def hangs(self) -> bool:
        """Whether a call had no end: another one would take as long."""
        return any(not outcome.asked.is_patient for outcome in self.outcomes)

    def groups(self, outcomes: Sequence[Outcome] | None = None) -> list[Group]:
        """The outcomes with answers, or some of them, by shape."""
        chosen = self.outcomes if outcomes is None else outcomes
        return groups_of(chosen, self.session.precision, self.session.judge.form)

    def designed(self) -> None:
        """The designed points of the family."""
        session = self.session
        if isinstance(session.family, Graph):
            problem = session.problem(session.family)
            for samples in SAMPLES:
                seeds = range(1000 * session.seed + samples, 1000 * session.seed + samples + AGAIN)
                points = [graph_point(problem, samples, s, session.given) for s in seeds]
                self.look(problem, points)
            self.look(problem, [sparse(point, session.seed) for point in points])
            return
        targets = layouts.targets(session.judge.layout)
        for network, samples in designed(session.family):
            if self.hangs or self.session.is_late:
                return
            cases = cases_of(network, samples, seed=session.seed, targets=targets)
            self.look_at(cases)
            if far := [beyond_kinks(network, case.point) for case in cases if has_far_kinks(network)]:
                self.look(problem_of(network), far)

    def drawn(self, max_examples: int, *, share: float) -> None:
        """Networks that Hypothesis draws, until one is wrong, in a share of the time that is left."""
        deadline = self.in_time(share)
        targets = layouts.targets(self.session.judge.layout)
        if isinstance(self.session.family, Graph):
            self._drawn_of_graph(max_examples, deadline)
        else:
            case = self._search(self._fails, max_examples, deadline)
            if case is not None:
                again = cases_of(
                    case.network, case.samples, count=AGAIN, seed=self.session.seed + 1, targets=targets
                )
                self.look_at(again)
                return
        if time.monotonic() > deadline and not self.wrong:
            points = f"{self.tally.points} of {max_examples} points"
            self.remarks.append(f"time ran out after {points}; --max-time gives more")
        self._soft_labels()

    def confirmed(self, *, share: float) -> None:
        """More networks that are drawn, whatever comes of them: a convention has to hold for these too."""

        def look(case: Case) -> bool:
            self._look_at_one(case)
            return False

        if not isinstance(self.session.family, Graph):
            self._search(look, CONFIRMING, self.in_time(share))

    def in_time(self, share: float) -> float:
        """When a share of the time that is left will have passed."""
        now = time.monotonic()
        return now + share * max(self.session.deadline - now, 0.0)

    def look_at(self, cases: Sequence[Case]) -> list[Outcome]:
        """The same for cases of one network, which are kept."""
        outcomes = self.look(problem_of(cases[0].network), [case.point for case in cases])
        self.cases |= {id(outcome): case for outcome, case in zip(outcomes, cases, strict=False)}
        return outcomes

    def look(self, problem: Problem, points: Sequence[Any]) -> list[Outcome]:
        """Ask at points of one network, as long as there is time, and judge."""
        is_first = not self.outcomes
        asked = self._asked(problem, points)
        if is_first and any(each.answer is not None for each in asked):
            try:
                told = found_precision(self.session.judge, asked)
            except OutOfTime:
                return []  # in which precision to judge them is not known
            self.session = replace(self.session, precision=told.precision)
            self.remarks += told.remarks
            if told.precision is not DOUBLE:  # the numbers that it sees, and no others
                asked = self._asked(problem, points)
        outcomes = judged(asked, self.session.precision, self.session.judge)
        outcomes = [each if each.has_loss else each.without_evidence() for each in outcomes]
        outcomes = [self.asked_again(each) if each.findings else each for each in outcomes]
        self.outcomes += outcomes
        self.tally.add(outcomes)
        self._progress(f"{self.tally.points} points, {self.tally.entries} entries")
        return outcomes

    def _asked(self, problem: Problem, points: Sequence[Any]) -> list[Asked]:
        """What is answered before time runs out."""
        asked: list[Asked] = []
        with suppress(OutOfTime):
            for point in points:
                asked += self.session.ask(problem, [point])
        return asked

    def asked_again(self, outcome: Outcome) -> Outcome:
        """What is wrong is asked again: the next answer may be another."""
        asked = outcome.asked
        if not asked.is_patient or self.session.is_late:
            return outcome
        (again,) = self.session.outcomes(asked.problem, [asked.point])
        sentence = difference(outcome, again, self.session.judge.layout)
        if sentence is None:
            return outcome
        finding = Finding(
            "not the same answer twice", f"not the same answer twice: {sentence}, on {asked.place}"
        )
        return replace(outcome, findings=(finding, *outcome.findings))

    def _drawn_of_graph(self, max_examples: int, deadline: float) -> None:
        session = self.session
        assert isinstance(session.family, Graph)
        problem = session.problem(session.family)
        for n in range(max_examples):
            if time.monotonic() > deadline or self.wrong:
                return
            seed = DRAWN * (session.seed + 1) + n
            self.look(problem, [graph_point(problem, 1 + n % LARGEST, seed, session.given)])

    def _search(self, fails: Callable[[Case], bool], max_examples: int, deadline: float) -> Case | None:
        session = self.session
        assert not isinstance(session.family, Graph)
        return search(
            session.family,
            fails,
            seed=session.seed,
            max_examples=max_examples,
            deadline=deadline,
            targets=layouts.targets(session.judge.layout),
        )

    def _look_at_one(self, case: Case) -> Outcome:
        outcomes = self.look_at([case])
        if not outcomes:
            raise OutOfTime
        return outcomes[0]

    def _fails(self, case: Case) -> bool:
        outcome = self._look_at_one(case)
        return bool(outcome.findings) and not outcome.is_norm_wise

    def _soft_labels(self) -> None:
        """A remark where a subject that is right for one-hot targets is not for distributions."""
        session = self.session
        if isinstance(session.family, Graph) or session.judge.layout.labels == "integer":
            return
        if targets_of(smallest_member(session.family)) != "one-hot":
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
            self.remarks.append(
                "it relies on one-hot targets: with soft labels, columns that add up to 1, it is wrong"
            )
