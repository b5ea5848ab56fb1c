"""One check on its way: what is found decides what is asked next.

First the designed points (`designed`), on which no two wrong formulas agree. Where nothing is wrong there,
networks that Hypothesis draws, the contract, kinks and large |z| follow. What is wrong is explained
(`diagnosing`), localised, and followed to the smallest network with the same fault (`search`). After the
deadline nothing is asked, and the report says what that left out.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any, Final, TypeAlias

import numpy.typing as npt

from backproof.asking import Asking, Progress
from backproof.blind_spots import blind_spots
from backproof.concluding import Conclusion, concluded
from backproof.contract import contract
from backproof.coverage import not_covered
from backproof.designed import cases_of
from backproof.diagnosing import explanations
from backproof.evidence import Group
from backproof.factors import factors, losses_follow
from backproof.guards import guard_of
from backproof.judging import UPDATES, OutOfTime
from backproof.kinks import kinks
from backproof.localising import localised
from backproof.own_points import read_point
from backproof.points import Point
from backproof.power import power
from backproof.report import Report
from backproof.search import Case, smallest
from backproof.session import Session
from backproof.stability import stability
from backproof.strategies import smallest_member
from backproof.symmetry import asymmetry
from numeric.problem import problem_of
from symbolic.graph import Graph
from symbolic.network import Network

Arrays: TypeAlias = Mapping[str, npt.NDArray[Any]]
EXPLAINING: Final = 0.4  # of the time
SHRINKING: Final = 0.2
PROVING: Final = 2.0  # seconds


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
        self._progress, self._max_time = progress, max_time
        self._asking = Asking(session, progress)
        self._known = Conclusion(session, found=found, alike=alike, strict=strict)

    def at(self, arrays: Arrays) -> Report:
        """Look at one point, and say what it cannot show."""
        session, asking = self._session, self._asking
        assert not isinstance(session.family, Graph)
        network, point = read_point(arrays, session.family, session.judge.layout, lam=session.lam or 0.0)
        asking.look(problem_of(network), [point])
        groups = asking.groups()
        ground = groups[0].ground if groups else None
        spots = blind_spots(network, point, ground) if ground else ()
        self._conclude(seed=None, not_shown=spots, is_own=True)
        if any(outcome.findings for outcome in asking.outcomes) and groups:
            deadline = time.monotonic() + self._max_time
            self._conclude(explanations=explanations(groups, deadline=deadline))
        return self._report()

    def searched(self, max_examples: int, only: Collection[str], skip: Collection[str]) -> Report:
        """Look for a wrong answer, and for what it is."""
        asking = self._asking
        self._conclude(seed=self._session.seed)
        try:
            asking.designed()
            first = len(asking.outcomes)
            if not asking.wrong:
                asking.drawn(max_examples, share=1 - EXPLAINING - SHRINKING)
            if asking.wrong:
                self._diagnosed()
            else:
                self._rest(first, only, skip)
            return self._report()
        except KeyboardInterrupt:
            asking.remarks.append("interrupted")
            raise Interrupted(self._report()) from None

    @property
    def _session(self) -> Session:
        return self._asking.session

    def _rest(self, first: int, only: Collection[str], skip: Collection[str]) -> None:
        """What is asked of a gradient that is right: the contract, kinks, large |z|, and the power of the
        designed points, which are the first.
        """
        session, asking = self._session, self._asking
        seen = [outcome for outcome in asking.outcomes if outcome.parts]
        if not seen:
            return
        groups = asking.groups([outcome for outcome in asking.outcomes[:first] if outcome.parts])
        self._conclude(contract=tuple(contract(session, seen, only=only, skip=skip)))
        self._conclude(
            power=power(groups, seconds=PROVING, deadline=session.deadline),
            not_shown=tuple(not_covered(session.family, asking.tally.evidence(), session.judge.layout)),
        )
        if not isinstance(session.family, Graph):
            with self._in_time("its slopes at kinks were looked at"):
                self._conclude(kinks=kinks(session))
            with self._in_time("large |z| was looked at"):
                self._conclude(stability=stability(session))

    def _diagnosed(self) -> None:
        """Whether it is another convention, and if not, which formula is wrong, and where."""
        session, asking = self._session, self._asking
        groups = asking.groups()
        self._factored(groups)
        self._conclude(guard=guard_of(groups))
        if asking.hangs:
            self._conclude(counterexample=next(o for o in asking.outcomes if not o.asked.is_patient))
            return
        if groups and isinstance(groups[-1].problem.network, Network):
            with suppress(OutOfTime):
                self._conclude(asymmetry=self._asymmetry())
        if self._known.is_convention:
            asking.confirmed(share=EXPLAINING)
            if not isinstance(session.family, Graph):
                self._factored(asking.groups())
            if self._known.is_convention:
                return
        self._explained(groups)
        if self._known.is_convention:
            return
        if not groups:
            self._conclude(contract=tuple(contract(session, asking.outcomes, only=("shapes",))))
        elif session.judge.form.kind in UPDATES:
            self._conclude(contract=tuple(contract(session, asking.outcomes, only=("eta",))))
        self._shrink()

    def _asymmetry(self) -> float | None:
        session = self._session
        small = smallest_member(session.family)  # type: ignore[arg-type]
        (case,) = cases_of(small, 3, count=1, seed=session.seed)
        point = session.at(case.point)
        assert isinstance(point, Point)
        return asymmetry(session.judge, problem_of(small), point, session.precision)

    def _factored(self, groups: Sequence[Group]) -> None:
        """The factors that the gradient has, and whether a loss that is returned has them too."""
        told = factors(groups, takes_lam=self._session.judge.takes_lam)
        self._conclude(factors=told, losses_follow=told is None or losses_follow(groups, told))

    def _explained(self, groups: Sequence[Group]) -> None:
        """Which formula is wrong, and where."""
        deadline = self._asking.in_time(EXPLAINING)
        found = explanations(groups, deadline=deadline) if groups else ()
        if groups and not found and time.monotonic() > deadline:
            self._remark("every wrong formula was tried")
        self._conclude(explanations=found)
        with self._in_time("it was found out where it is wrong"):
            where = localised(self._session, self._asking.outcomes, is_explained=bool(found))
            self._conclude(localisation=tuple(where))

    def _shrink(self) -> None:
        """The smallest network with the same fault."""
        session, asking = self._session, self._asking
        first = next((o for o in asking.wrong if o.asked.answer is not None), asking.wrong[0])
        self._conclude(counterexample=first)
        case = asking.cases.get(id(first))
        if case is None or isinstance(session.family, Graph):
            return

        def fails(smaller: Case) -> bool:
            self._progress(f"is {smaller.network.shape} with {smaller.samples} samples enough?")
            (outcome,) = session.outcomes(problem_of(smaller.network), [smaller.point])
            return (asking.asked_again(outcome) if outcome.findings else outcome).kind == first.kind

        least = 2 if session.judge.layout.labels == "integer" else 1
        deadline = min(time.monotonic() + SHRINKING * self._max_time, session.deadline)
        small = smallest(case, session.family, fails, seed=session.seed, deadline=deadline, min_outputs=least)
        with suppress(OutOfTime):
            (again,) = session.outcomes(problem_of(small.network), [small.point])
            again = asking.asked_again(again) if again.findings else again
            self._conclude(counterexample=again if again.kind == first.kind else first)

    @contextmanager
    def _in_time(self, what: str) -> Iterator[None]:
        """Leaves out what there is no time for, and says so."""
        try:
            yield
        except OutOfTime:
            self._remark(what)

    def _remark(self, what: str) -> None:
        self._asking.remarks.append(f"time ran out before {what}; --max-time gives more")

    def _conclude(self, **found: Any) -> None:
        """Add to what is known."""
        self._known = replace(self._known, session=self._session, **found)

    def _report(self) -> Report:
        asking = self._asking
        self._conclude(remarks=tuple(asking.remarks))
        return concluded(self._known, asking.outcomes, asking.tally)
