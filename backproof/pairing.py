"""Two bugs at once, where no single one explains a subject.

Two kinds of pairs are tried, as all pairs would be too many:

- one bug explains some arrays, and the other changes the rest alone;
- one bug gives every array but for a factor of its own, and the other one multiplies arrays by factors, as a
  missing 1/m does, or a constant at each layer.

One of the two may have a constant. Like that of a single bug it is fitted on one entry, and it has to hold at
two shapes at least.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from typing import Final, TypeAlias

import numpy as np

from backproof.evidence import Group, Rows
from backproof.matching import Candidate, Forms, changed, explains, flat, near, wrong_arrays
from numeric.mutants import ETA
from symbolic.mutation import combined
from symbolic.notation import Array as Name

PARTNERS: Final = 12  # bugs that explain most, each of which is tried with all others
SHAPES: Final = 2  # at which a constant has to hold
Factors: TypeAlias = Mapping[Name, tuple[float, float]]


@dataclass(frozen=True, eq=False)
class _Part:
    """One of two bugs, as it looks on each group's network."""

    forms: Forms
    groups: Sequence[Group]

    @cached_property
    def has_constants(self) -> bool:
        return any(form.constants for form in self.forms if form)

    @cached_property
    def gradients(self) -> list[Rows | None]:
        pairs = zip(self.forms, self.groups, strict=True)
        return [flat(form, group, {}) if form else None for form, group in pairs]

    @cached_property
    def changed(self) -> list[frozenset[Name]]:
        """The arrays that it changes, by group."""
        pairs = zip(self.forms, self.groups, strict=True)
        return [changed(form, group) if form else frozenset() for form, group in pairs]

    @cached_property
    def explained(self) -> list[frozenset[Name]]:
        """The wrong arrays on which it agrees with the subject, by group."""
        return [
            frozenset(name for name in wrong_arrays(group) if _agrees(found, group, group.blocks[name]))
            for found, group in zip(self.gradients, self.groups, strict=True)
        ]

    @cached_property
    def score(self) -> int:
        """How many wrong entries it explains; none if there are none on the first network it can run on."""
        found = 0
        for gradient, group in zip(self.gradients, self.groups, strict=True):
            if gradient is not None:
                found += int((near(gradient, group) & group.wrong & group.counted).sum())
                if not found:
                    break
        return found

    def completes(self, other: _Part) -> bool:
        """Whether it changes every wrong array but those that the other one explains."""
        return all(
            wrong_arrays(group) - done <= own and not own & done
            for form, own, done, group in zip(
                self.forms, self.changed, other.explained, self.groups, strict=True
            )
            if form is not None
        )

    @cached_property
    def place(self) -> int:
        """The first group on whose network it can run."""
        return next(n for n, form in enumerate(self.forms) if form is not None)

    @cached_property
    def missing(self) -> Factors | None:
        """The factors that make it the subject at this group, if there are such."""
        found, group = self.gradients[self.place], self.groups[self.place]
        return None if found is None else _factors(found, group.given, group)

    @cached_property
    def scales(self) -> list[Factors | None]:
        """What it multiplies each array by, where that is all it does, by group."""
        pairs = zip(self.gradients, self.groups, strict=True)
        return [None if found is None else _factors(group.exact, found, group) for found, group in pairs]

    def provides(self, missing: Factors, place: int) -> bool:
        """Whether these are its factors at a group, for some value of a constant of which they are powers."""
        factors, close = self.scales[place], _closeness(self.groups[place])
        if factors is None:
            return False
        wanted, own = (np.array([each[name] for name in factors]) for each in (missing, factors))
        with np.errstate(divide="ignore", invalid="ignore"):
            powers = np.log(np.abs(own)) / np.log(ETA) if self.has_constants else np.zeros_like(own)
            is_power = np.abs(powers) > close
            constants = np.log(np.abs(wanted[is_power])) / powers[is_power]
        is_one = np.allclose(constants, constants[:1], rtol=close, atol=close)
        return is_one and np.allclose(own[~is_power], wanted[~is_power], rtol=close, atol=close)


def _closeness(group: Group) -> float:
    """Relatively, of two factors that are quotients of gradients."""
    return float(group.precision.u ** (2 / 3))


def _agrees(found: Rows | None, group: Group, at: slice) -> bool:
    return found is not None and bool((near(found, group) | ~group.counted)[:, at].all())


def _factors(found: Rows, wanted: Rows, group: Group) -> Factors | None:
    """For each array the factors of the data term and of the penalty with which one gradient is another."""
    penalty = group.exact - group.without_penalty
    penalty = np.where(np.abs(penalty) > group.worst, penalty, 0.0)  # else it is rounding
    factors = {}
    for name, at in group.blocks.items():
        use = group.counted[:, at]
        columns = [(found - penalty)[:, at][use], penalty[:, at][use]]
        factors[name] = _solved(columns, wanted[:, at][use])
        with np.errstate(invalid="ignore"):
            left = sum(c * column for c, column in zip(factors[name], columns, strict=True))
            size = np.abs(wanted[:, at][use]).max(initial=0.0)
            if not (np.abs(left - wanted[:, at][use]) <= _closeness(group) * size).all():
                return None
    return factors


def _solved(columns: Sequence[Rows], wanted: Rows) -> tuple[float, float]:
    """The factors of two columns by least squares; 1 of a column that is 0."""
    told = [n for n, column in enumerate(columns) if column.any()]
    factors = [1.0, 1.0]
    if told and all(np.isfinite(columns[n]).all() for n in told):
        matrix = np.array([columns[n] for n in told]).T
        for n, factor in zip(told, np.linalg.lstsq(matrix, wanted, rcond=None)[0].tolist(), strict=True):
            factors[n] = factor
    return factors[0], factors[1]


def pairs(rows: Iterable[Forms], groups: Sequence[Group], deadline: float) -> list[Candidate]:
    """The pairs that explain a subject; with a constant only where none does without."""
    parts = [_Part(row, groups) for row in rows]
    plain = [part for part in parts if not part.has_constants]
    fitted = [part for part in parts if part.has_constants]
    for others in (plain, fitted):
        tried = chain(_disjoint(plain, others, deadline), _scaled(plain, others, deadline))
        if found := list(_explaining(tried)):
            return found
    return []


def _explaining(tried: Iterable[tuple[_Part, _Part]]) -> Iterator[Candidate]:
    """Those pairs that hold on every group, each once."""
    seen = set()
    for one, other in tried:
        if frozenset((one, other)) not in seen:
            seen.add(frozenset((one, other)))
            if found := _both(one, other):
                yield found


def _disjoint(
    plain: Sequence[_Part], others: Sequence[_Part], deadline: float
) -> Iterator[tuple[_Part, _Part]]:
    """One explains some arrays, the other changes the rest alone."""
    scored = _in_time(plain, lambda part: part.score > 0, deadline)
    for one in sorted(scored, key=lambda part: -part.score)[:PARTNERS]:
        for other in _in_time(others, lambda part: part.completes(one), deadline):  # noqa: B023  # used at once
            if other is not one:
                yield one, other


def _scaled(
    plain: Sequence[_Part], others: Sequence[_Part], deadline: float
) -> Iterator[tuple[_Part, _Part]]:
    """One is the subject but for factors, the other multiplies by them."""
    for one in _in_time(plain, lambda part: part.missing is not None, deadline):
        missing, place = one.missing or {}, one.place
        for other in _in_time(others, lambda part: part.provides(missing, place), deadline):  # noqa: B023
            if other is not one:
                yield one, other


def _in_time(parts: Sequence[_Part], holds: Callable[[_Part], bool], deadline: float) -> Iterator[_Part]:
    """Those parts of which something holds, as far as time allows."""
    for part in parts:
        if time.monotonic() > deadline:
            return
        if holds(part):
            yield part


def _both(one: _Part, other: _Part) -> Candidate | None:
    """Two bugs at once, if they explain the subject; where a network has no place for one of them, the other
    alone.
    """
    pairs = list(zip(one.forms, other.forms, strict=True))
    made = tuple(combined(a, b) if a and b else a or b for a, b in pairs)
    joint = [form for (a, b), form in zip(pairs, made, strict=True) if a and b]
    if not joint or not all(joint):
        return None
    if 0 < sum(bool(form.constants) for form in made if form) < SHAPES:
        return None
    found = explains(made, one.groups)
    return found and replace(found, shown=joint[0] or found.shown, operators=2)
