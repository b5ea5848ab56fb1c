"""How much a check has seen, counted by entry, and what it has not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from statistics import quantiles

import numpy as np

from backproof.judging import Outcome
from backproof.points import targets_of
from backproof.report import Evidence, Sensitivity
from backproof.session import Family
from backproof.strategies import smallest_member
from numeric.problem import Problem
from symbolic.conventions import Layout
from symbolic.graph import Graph
from symbolic.network import Network


class Tally:
    """Outcomes added up, and the largest sizes among them."""

    def __init__(self) -> None:
        self._networks: set[str] = set()
        self._not_counted: Counter[str] = Counter()
        self._precisions: set[str] = set()
        self._sensitivities: list[float] = []
        self.points = self.entries = self._losses = self._layers = self._units = self._samples = 0
        self._error = 0.0

    def add(self, outcomes: Iterable[Outcome]) -> None:
        for outcome in outcomes:
            self._add(outcome)

    def _add(self, outcome: Outcome) -> None:
        problem, point, answer = outcome.asked.problem, outcome.asked.point, outcome.asked.answer
        self._networks.add(outcome.asked.place.rpartition(",")[0])
        self.points += 1
        self.entries += outcome.entries
        self._not_counted += outcome.not_counted
        self._error = max(self._error, outcome.error)
        self._layers = max(self._layers, _depth(problem))
        self._units = max(self._units, *_widths(problem))
        self._samples = max(self._samples, point.samples)
        if answer:
            self._losses += answer.loss is not None
            self._precisions.add(str(answer.dtype))
        for part in outcome.parts:
            if part.name:
                use = part.comparison.counted & (part.exact.value != 0)
                with np.errstate(divide="ignore"):
                    self._sensitivities += (part.exact.worst[use] / np.abs(part.exact.value[use])).tolist()

    def evidence(self) -> Evidence:
        return Evidence(
            networks=len(self._networks),
            points=self.points,
            losses=self._losses,
            entries=self.entries,
            error=self._error,
            precision=", ".join(sorted(self._precisions)),
            layers=self._layers,
            units=self._units,
            samples=self._samples,
            not_counted=tuple(self._not_counted.items()),
        )

    def sensitivity(self) -> Sensitivity | None:
        """How small a relative error of an entry would have been seen."""
        if len(self._sensitivities) < 2:
            return None
        percentiles = quantiles(self._sensitivities, n=100)
        return Sensitivity(percentiles[49], percentiles[98])


def _depth(problem: Problem) -> int:
    network = problem.network
    return len(network.nodes) if isinstance(network, Graph) else network.depth


def _widths(problem: Problem) -> list[int]:
    network = problem.network
    if isinstance(network, Network):
        return [int(size) for size in network.sizes]
    return [size for array in network.parameters for size in array.shape if isinstance(size, int)] or [1]


def not_covered(family: Family, evidence: Evidence, layout: Layout) -> Iterator[str]:
    """What a search has left out, as far as it can matter to this family."""
    if isinstance(family, Graph):
        yield f"other sizes than these, and more than {evidence.samples} samples"
        return
    if isinstance(family, Network):
        yield f"other networks than {family.shape}, and more than {evidence.samples} samples"
    else:
        yield f"more than {evidence.layers} layers, {evidence.units} units or {evidence.samples} samples"
    if targets_of(smallest_member(family)) == "one-hot" and layout.labels == "integer":
        yield "targets other than one-hot ones"
    if not evidence.losses:
        yield "the loss, which the subject does not return"
