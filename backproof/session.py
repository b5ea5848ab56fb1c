"""What the parts of a check share: whom to ask, about which networks, in which precision, until when."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from backproof.graph_points import Draw, GraphPoint
from backproof.judging import Asked, Judge, Outcome, judged
from backproof.points import Point
from backproof.rounding import in_precision
from numeric.envelope import DOUBLE, Precision
from numeric.problem import Problem, problem_of, problem_of_graph
from symbolic.graph import Graph
from symbolic.network import Chain, Network

Family: TypeAlias = Chain | Graph


@dataclass(frozen=True, slots=True)
class Session:
    """One check: `lam` is λ where it is not drawn, `given` draws arrays of a graph; `deadline` is a time of
    time.monotonic().
    """

    judge: Judge
    family: Family
    seed: int
    deadline: float
    lam: float | None = None
    given: Mapping[str, Draw] = field(default_factory=dict)
    precision: Precision = DOUBLE
    problems: dict[int, Problem] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "judge", replace(self.judge, deadline=self.deadline))

    def problem(self, network: Network | Graph) -> Problem:
        """The problem of a network, made once."""
        if isinstance(network, Network):
            return problem_of(network)
        if id(network) not in self.problems:
            self.problems[id(network)] = problem_of_graph(network)
        return self.problems[id(network)]

    def ask(self, problem: Problem, points: Sequence[Point | GraphPoint]) -> list[Asked]:
        """The subject's answers at points of one network. Raises OutOfTime after the deadline."""
        return [self.judge.ask(problem, self.at(point)) for point in points]

    def outcomes(self, problem: Problem, points: Sequence[Point | GraphPoint]) -> list[Outcome]:
        """The same, held against the exact values."""
        return judged(self.ask(problem, points), self.precision, self.judge)

    def at(self, point: Point | GraphPoint) -> Point | GraphPoint:
        """The point in the subject's precision, with the λ of this check, and with equal biases where several
        units have one.
        """
        point = in_precision(point, self.precision)
        if isinstance(point, GraphPoint):
            return point if self.lam is None else replace(point, lam=self.lam)
        tied = tuple(self.judge.form.tied(point.params))
        return replace(point, params=tied, lam=point.lam if self.lam is None else self.lam)

    @property
    def is_late(self) -> bool:
        return time.monotonic() > self.deadline
