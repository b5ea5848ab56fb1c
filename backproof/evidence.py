"""What was seen at points of one shape, in rows: the subject's entries beside the exact ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from backproof.forms import Form
from backproof.judging import Outcome, folded
from numeric.envelope import Precision
from numeric.mutants import Ground, ground
from numeric.problem import Problem
from symbolic.notation import Array as Name

Rows: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Group:
    """Answers at points of one network with one number of samples; a row for each point, a column for each
    entry of the gradient in the order of the parameters.
    """

    problem: Problem
    outcomes: tuple[Outcome, ...]
    precision: Precision
    form: Form = field(default_factory=Form)

    @property
    def samples(self) -> int:
        return self.outcomes[0].asked.point.samples

    @cached_property
    def given(self) -> Rows:
        return self._rows(lambda part: part.given)

    @cached_property
    def exact(self) -> Rows:
        return self._rows(lambda part: part.exact.value)

    @cached_property
    def worst(self) -> Rows:
        return self._rows(lambda part: part.exact.worst)

    @cached_property
    def counted(self) -> npt.NDArray[np.bool_]:
        return self._rows(lambda part: part.comparison.counted & np.isfinite(part.given)).astype(bool)

    @cached_property
    def wrong(self) -> npt.NDArray[np.bool_]:
        return self._rows(lambda part: part.comparison.disagrees).astype(bool)

    @property
    def is_right(self) -> bool:
        return not self.wrong.any() and all(outcome.kind is None for outcome in self.outcomes)

    def _rows(self, read: Any) -> Rows:
        rows = []
        for outcome in self.outcomes:
            parts = {part.name: np.ravel(read(part)) for part in outcome.parts if part.name}
            rows.append(np.concatenate([parts[name] for name in self.problem.parameters]))
        return np.array(rows, float)

    def flat(self, gradient: Mapping[Name, Any]) -> Rows:
        """A gradient with the points first, in rows like these: by the parameters that the subject has."""
        points = len(self.outcomes)
        if self.form.shares_biases:
            each = [
                folded({a: g[n] for a, g in gradient.items()}, self.problem, self.form) for n in range(points)
            ]
            gradient = {name: [one[name] for one in each] for name in self.problem.parameters}
        return np.concatenate(
            [np.reshape(gradient[name], (points, -1)) for name in self.problem.parameters], axis=1
        )

    @cached_property
    def blocks(self) -> dict[Name, slice]:
        """Which columns are whose."""
        parts = {part.name: part.given.size for part in self.outcomes[0].parts if part.name}
        ends = np.cumsum([parts[name] for name in self.problem.parameters]).tolist()
        return {
            name: slice(end - parts[name], end)
            for name, end in zip(self.problem.parameters, ends, strict=True)
        }

    def sharing(self, names: frozenset[Name]) -> frozenset[Name]:
        """These parameters, and all that are one with them: the biases, where the layers share theirs."""
        biases = {name for name in self.blocks if name.name == "b"}
        is_one = self.form.shares_biases and self.form.biases != "scalar" and names & biases
        return names | biases if is_one else names

    @property
    def lam(self) -> list[float]:
        return [outcome.asked.point.lam for outcome in self.outcomes]

    @cached_property
    def values(self) -> dict[Name, Any]:
        every = [outcome.asked.point.values(self.problem) for outcome in self.outcomes]
        return {array: np.array([one[array] for one in every]) for array in self.problem.given}

    @cached_property
    def ground(self) -> Ground:
        """The derivation in floats at these points."""
        return ground(self.problem, self.values, self.samples, self.lam)

    @cached_property
    def bounded_ground(self) -> Ground:
        """The derivation in envelopes of the subject's precision."""
        return ground(self.problem, self.values, self.samples, self.lam, self.precision)

    @cached_property
    def without_penalty(self) -> Rows:
        """The gradient of the data term alone."""
        found = ground(self.problem, self.values, self.samples, [0.0] * len(self.outcomes))
        return self.flat({name: found.known[name.bar] for name in self.problem.parameters})


def groups_of(outcomes: Sequence[Outcome], precision: Precision, form: Form | None = None) -> list[Group]:
    """Outcomes with answers, by shape; the form says which biases are one."""
    found: dict[tuple[int, int], list[Outcome]] = {}
    for outcome in outcomes:
        if outcome.asked.answer is not None:
            key = id(outcome.asked.problem), outcome.asked.point.samples
            found.setdefault(key, []).append(outcome)
    return [Group(each[0].asked.problem, tuple(each), precision, form or Form()) for each in found.values()]
