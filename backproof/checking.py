"""Checking a backward pass: at generic points of drawn networks, or at the user's own point.

    report = check(my_gradient, mlp(hidden="tanh"))
    print(report.text())

The subject is held against the derivation, evaluated in balls (`numeric.oracle`), entry by entry
(`numeric.comparison`). Its first wrong answer is followed to the smallest network with the same fault.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import replace
from typing import Any, Final, TypeAlias

import numpy.typing as npt

from backproof import layouts
from backproof.blind_spots import blind_spots
from backproof.coverage import Tally, not_covered
from backproof.judging import Judge, Outcome, where
from backproof.own_points import read_point
from backproof.points import Point, targets_of
from backproof.report import VERDICTS, Counterexample, Finding, Report, Verdict
from backproof.search import Case, search, smallest
from backproof.strategies import smallest_member
from backproof.subjects import CallableSubject, Subject
from numeric.oracle import exact
from symbolic.conventions import INTERNAL, Layout
from symbolic.errors import InvalidNetwork
from symbolic.network import Chain, Network
from symbolic.program import refuse_undefined

Arrays: TypeAlias = Mapping[str, npt.NDArray[Any]]
Progress: TypeAlias = Callable[[str], None]
SHRINKING: Final = 0.4  # of the time
SOFT: Final = 10  # points with soft labels, where the layout promises one-hot ones only


class Interrupted(KeyboardInterrupt):
    """Ctrl-C, with the report so far."""

    def __init__(self, report: Report) -> None:
        super().__init__(report.verdict)
        self.report = report


def check(
    subject: Subject | Callable[..., Any],
    chain: Chain,
    *,
    layout: Layout = INTERNAL,
    max_examples: int = 100,
    max_time: float = 30.0,
    seed: int | None = None,
    settings: Mapping[str, float] | None = None,
    at: Arrays | None = None,
    progress: Progress | None = None,
) -> Report:
    """Decide whether `subject(params, x, t)` gives the gradient of a network, or of every one of a family.

    It returns `grads`, shaped like `params`, or `(loss, grads)`, in the given layout. λ goes to a parameter
    `lam` if it has one; `settings={"lambda": 0.1}` fixes λ, or says what it hard-codes. With `at`, arrays W1,
    b1, …, x and t, this point alone is looked at. `max_time` in seconds counts for searching (three fifths)
    and shrinking; one call may take as long as the subject allows. `progress` is told how far it is.

    Raises InvalidNetwork, InvalidPoint or Unsupported where nothing can be checked, Interrupted on Ctrl-C.
    """
    member = smallest_member(chain)
    refuse_undefined(member)
    layouts.refuse_labels(member, layout)
    with CallableSubject(subject) if callable(subject) else nullcontext(subject) as asked:
        fixed, takes_lam = _lambda(chain, asked, settings or {}, is_drawn=at is None)
        run = _Run(Judge(asked, layout, takes_lam), chain, fixed, seed or 0, progress or (lambda _: None))
        return run.searched(max_examples, max_time) if at is None else run.at(at)


def _lambda(
    chain: Chain, subject: Subject, settings: Mapping[str, float], *, is_drawn: bool
) -> tuple[float | None, bool]:
    """λ, if it is not to be drawn, and whether the subject is given it."""
    if unknown := [name for name in settings if name != "lambda"]:
        raise InvalidNetwork(f"no setting '{unknown[0]}'; choose from lambda")
    fixed = settings.get("lambda")
    if fixed is not None and not math.isfinite(fixed):
        raise InvalidNetwork(f"lambda is set to {fixed}; it has to be a finite number")
    if not chain.objective.has_lambda:
        if fixed is not None:
            raise InvalidNetwork(
                f"lambda is set to {fixed}, but {chain} has no λ; give a penalty, such as l2"
            )
        return 0.0, "lam" in subject.parameters.keywords
    takes_lam = subject.parameters.accept("lam")
    if fixed is None and not (takes_lam and is_drawn):
        reason = "at one point λ is not drawn" if takes_lam else f"{subject.name} has no parameter lam"
        remedy = "say" if takes_lam else "give it one, or say"
        raise InvalidNetwork(
            f"{chain} has a λ, and {reason}; {remedy} what λ is: settings={{'lambda': 0.1}}, --set lambda=0.1"
        )
    return fixed, takes_lam


class _Run:
    """One check on its way to a report."""

    def __init__(self, judge: Judge, chain: Chain, lam: float | None, seed: int, progress: Progress) -> None:
        self._judge, self._chain, self._lam, self._seed, self._progress = judge, chain, lam, seed, progress
        self._tally = Tally()
        self._found: tuple[Case, Outcome] | None = None

    def at(self, arrays: Arrays) -> Report:
        """Look at one point, and say what it cannot show."""
        judge, lam = self._judge, self._lam or 0.0
        network, point = read_point(arrays, self._chain, judge.layout, lam=lam)
        outcome = judge.outcome(network, point)
        self._tally.add(network, point, outcome)
        values = exact(network, point.params, point.x, point.t, lam=lam)
        spots = blind_spots(network, point, values)
        found = (network, point) if outcome.findings else None
        return self._report(found, outcome, seed=None, not_shown=spots)

    def searched(self, max_examples: int, max_time: float) -> Report:
        """Look for a wrong answer, and for the smallest network with one."""
        deadline = time.monotonic() + (1 - SHRINKING) * max_time
        try:
            search(self._chain, self._fails, seed=self._seed, max_examples=max_examples, deadline=deadline)
            if self._found:
                self._shrink(*self._found, deadline=time.monotonic() + SHRINKING * max_time)
                return self._reported()
            late = time.monotonic() > deadline
            stopped = (
                f"time ran out after {self._tally.points} of {max_examples} points; --max-time gives more"
            )
            return self._reported(*([stopped] if late else []), *self._soft_labels(deadline))
        except KeyboardInterrupt:
            raise Interrupted(self._reported("interrupted")) from None

    def _fails(self, case: Case) -> bool:
        point = self._point(case)
        outcome = self._judge.outcome(case.network, point)
        self._tally.add(case.network, point, outcome)
        self._progress(f"{self._tally.points} points, {self._tally.entries} entries")
        if outcome.findings:
            self._found = case, outcome
        return bool(outcome.findings)

    def _shrink(self, case: Case, outcome: Outcome, *, deadline: float) -> None:
        def fails(smaller: Case) -> bool:
            self._progress(f"is {smaller.network.shape} with {smaller.samples} samples enough?")
            return self._judge.outcome(smaller.network, self._point(smaller)).kind == outcome.kind

        least = 2 if self._judge.layout.labels == "integer" else 1
        small = smallest(case, self._chain, fails, seed=self._seed, deadline=deadline, min_outputs=least)
        again = self._judge.outcome(small.network, self._point(small))
        if again.findings:
            self._found = small, again
        else:
            place = where(case.network, self._point(case))
            once = Finding(
                "not the same answer twice", f"not the same answer twice: wrong, then right, on {place}"
            )
            self._found = case, replace(outcome, findings=(once, *outcome.findings))

    def _soft_labels(self, deadline: float) -> Iterator[str]:
        """A remark where a subject that is right for one-hot targets is not for distributions."""
        member = smallest_member(self._chain)
        if self._judge.layout.labels == "integer" or targets_of(member) != "one-hot":
            return

        def fails(case: Case) -> bool:
            return bool(self._judge.outcome(case.network, self._point(case)).findings)

        case = search(
            self._chain, fails, seed=self._seed, max_examples=SOFT, deadline=deadline, targets="distribution"
        )
        if case:
            yield "it relies on one-hot targets: with soft labels, columns that add up to 1, it is wrong"

    def _point(self, case: Case) -> Point:
        return case.point if self._lam is None else replace(case.point, lam=self._lam)

    def _reported(self, *remarks: str) -> Report:
        if self._found:
            case, outcome = self._found
            found = case.network, self._point(case)
            return self._report(found, outcome, seed=self._seed, not_shown=(), remarks=remarks)
        left_out = not_covered(self._chain, self._tally.evidence(), self._judge.layout)
        return self._report(None, Outcome(()), seed=self._seed, not_shown=left_out, remarks=remarks)

    def _report(
        self,
        found: tuple[Network, Point] | None,
        outcome: Outcome,
        *,
        seed: int | None,
        not_shown: Iterable[str],
        remarks: Iterable[str] = (),
    ) -> Report:
        evidence = self._tally.evidence()
        if outcome.kind:
            verdict: Verdict = VERDICTS[outcome.kind]
        else:
            verdict = "right" if evidence.entries else "inconclusive"
        name = self._judge.subject.name
        again = "at=…" if seed is None else f"seed={seed}"
        return Report(
            verdict=verdict,
            subject=name,
            chain=self._chain,
            layout=self._judge.layout,
            findings=outcome.findings,
            counterexample=Counterexample(*found, self._call(found[1], outcome)) if found else None,
            evidence=evidence,
            not_shown=tuple(not_shown),
            remarks=(*remarks, *self._remarks()),
            seed=seed,
            again=f"backproof.check({name.rpartition(':')[2]}, …, {again})",
        )

    def _call(self, point: Point, outcome: Outcome) -> str:
        lam = f", lam={point.lam!r}" if self._judge.takes_lam else ""
        returned = ""
        if outcome.answer:
            returned = "grads = " if outcome.answer.loss is None else "loss, grads = "
        name = self._judge.subject.name.rpartition(":")[2]
        return f"{returned}{name if name.isidentifier() else 'gradient'}(params, x, t{lam})"

    def _remarks(self) -> Iterator[str]:
        if self._tally.changed:
            yield f"it overwrites what it is given: {', '.join(sorted(self._tally.changed))}"
        if self._judge.takes_lam and not self._chain.objective.has_lambda:
            yield "it has a parameter lam, which was 0, as the objective has no penalty"
