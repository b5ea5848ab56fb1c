"""Which wrong formula a subject has: the mutants of the derivation whose gradient is the subject's.

A mutant explains a subject if its gradient equals the subject's at every counted entry of every network
on which it can run, within both rounding bounds, and if the subject is right or fails where it cannot. A
constant of a mutant is fitted on one entry, and must predict all others at all shapes. Pairs are tried only
where no single operator explains, and of those that explain some arrays already.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from backproof.evidence import Group, Rows
from backproof.factors import short_number
from backproof.report import Explanation
from numeric.envelope import DOUBLE
from numeric.mutants import bounds_of, gradient_of, touched
from numeric.problem import Problem, problem_of
from symbolic.mutation import Mutant, combined, mutants
from symbolic.network import Network
from symbolic.notation import Array as Name
from symbolic.notation import Step
from symbolic.writing.latex import index_latex

SCREEN: Final = 64.0  # of the subject's own bound: what a mutant's bound is not expected to exceed
PARTNERS: Final = 12  # singles that explain most, each of which is tried with all others
SHOWN: Final = 4
COPIED: Final = 32  # of the catalogue: another function's slope, of which one is always alike
STEPS: Final = 40  # of the secant method
Forms: TypeAlias = tuple[Mutant | None, ...]
Mask: TypeAlias = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """One bug as it looks on each group's network, with its constants there; `residual` in units of the
    bound.
    """

    forms: Forms
    constants: tuple[dict[str, float], ...]
    residual: float
    operators: int = 1

    @property
    def first(self) -> Mutant:
        return next(form for form in self.forms if form is not None)


def mutants_of(problem: Problem) -> tuple[Mutant, ...]:
    """The mutants of a problem's derivation, made once for a chain."""
    chain = problem.network
    return _of_chain(chain) if isinstance(chain, Network) else _of_graph(problem)


@lru_cache(maxsize=64)
def _of_chain(network: Network) -> tuple[Mutant, ...]:
    return mutants(problem_of(network).derivation)


@lru_cache(maxsize=8)
def _of_graph(problem: Problem) -> tuple[Mutant, ...]:
    return mutants(problem.derivation)


def explanations(groups: Sequence[Group], *, deadline: float) -> tuple[Explanation, ...]:
    """What explains the subject, the best first; nothing where no mutant does, or none in time."""
    if not any(group.wrong.any() for group in groups):
        return ()  # a constant that is 1 explains nothing
    rows = aligned(groups)
    singles = list(_singles(rows, groups, deadline))
    if not singles:
        singles = list(_pairs(rows, groups, deadline))
    return tuple(_written(singles, groups))


def _singles(rows: Sequence[Forms], groups: Sequence[Group], deadline: float) -> Iterator[Candidate]:
    for forms in rows:
        if time.monotonic() > deadline:
            return
        if found := _explains(forms, groups):
            yield found


def aligned(groups: Sequence[Group]) -> list[Forms]:
    """Every bug at every place, as it looks on each group's network, general places first; None where it
    cannot run, or where the network has no such layer.
    """
    known = [
        {(each.bug, scope): each for each in mutants_of(group.problem) for scope in each.scopes}
        for group in groups
    ]
    keys = dict.fromkeys(key for found in known for key in sorted(found, key=lambda key: _rank(key[1])))
    rows: dict[tuple[int, ...], Forms] = {}
    for key in sorted(keys, key=lambda key: _rank(key[1])):
        forms = tuple(found.get(key) for found in known)
        rows.setdefault(tuple(map(id, forms)), forms)
    return list(rows.values())


def _rank(scope: str) -> int:
    """General places come first."""
    words = ("everywhere", "hidden", "weights", "biases", "")
    return next(n for n, word in enumerate(words) if word in scope)


def _explains(forms: Forms, groups: Sequence[Group], operators: int = 1) -> Candidate | None:
    """The candidate, if it holds on every group."""
    constants: list[dict[str, float]] = []
    for form, group in zip(forms, groups, strict=True):
        if form is None:
            if not group.is_right:
                return None
            constants.append({})
            continue
        if not _reaches(form, group):
            return None
        fitted = _fitted(form, group)
        if fitted is None or not _is_close(_flat(form, group, fitted), group):
            return None
        constants.append(fitted)
    if len({tuple(_rounded(c).items()) for c in constants if c}) > 1:
        return None
    residual = max(
        (_residual(form, group, c) for form, group, c in zip(forms, groups, constants, strict=True) if form),
        default=np.inf,
    )
    if residual > 1:
        return None
    return Candidate(forms, tuple(constants), residual, operators)


def _reaches(form: Mutant, group: Group) -> bool:
    """Whether a mutant changes every array that is wrong."""
    changed = touched(form, group.problem)
    return all(name.bar in changed for name, at in group.blocks.items() if _is_wrong(group, at))


def _rounded(constants: dict[str, float]) -> dict[str, str]:
    return {name: f"{value:.6g}" for name, value in constants.items()}


def _flat(form: Mutant, group: Group, constants: dict[str, float]) -> Rows:
    return group.flat(gradient_of(form, group.ground, constants))


def _is_close(found: Rows, group: Group) -> bool:
    """Whether a gradient may be the subject's, before its own bound is known."""
    return bool((_near(found, group) | ~group.counted).all())


def _near(found: Rows, group: Group) -> Mask:
    with np.errstate(invalid="ignore", over="ignore"):
        grown = np.maximum(1.0, largest(found) / np.maximum(largest(group.exact), 1e-300))
        own = group.precision.u * largest(found)  # where the right value is 0, its bound says nothing
        return np.asarray(np.abs(found - group.given) <= SCREEN * (group.worst * grown + own))


def largest(rows: Rows) -> Rows:
    """The largest finite entry of each row."""
    finite = np.where(np.isfinite(rows), np.abs(rows), 0.0)
    return np.asarray(finite.max(axis=1, keepdims=True))


def _residual(form: Mutant, group: Group, constants: dict[str, float]) -> float:
    """The largest error at a counted entry in units of the mutant's own bound."""
    found = _flat(form, group, constants)
    bound = group.flat(bounds_of(form, group.bounded_ground, constants))
    bound = bound * (1 + DOUBLE.u / group.precision.u)
    use = group.counted & np.isfinite(bound)
    slack = 4 * DOUBLE.u * np.abs(found) if constants else 0.0  # a constant is fitted to doubles
    with np.errstate(divide="ignore", invalid="ignore"):
        excess = np.where(use, np.abs(found - group.given) / (bound + slack + 1e-300), 0.0)
    return float(excess.max(initial=0.0))


def _fitted(form: Mutant, group: Group) -> dict[str, float] | None:
    """The mutant's constant, from the entry on which it tells most."""
    if not form.constants:
        return {}
    if len(form.constants) > 1:
        return None
    (name,) = form.constants
    low, high = (_flat(form, group, {name: value}) for value in (0.0, 1e-3))
    with np.errstate(invalid="ignore"):
        telling = np.where(group.counted, np.abs(high - low) / np.maximum(group.worst, 1e-300), 0.0)
    telling = np.nan_to_num(telling, nan=0.0)
    at = np.unravel_index(int(np.argmax(telling)), telling.shape)
    if not telling[at] > 1:
        return None
    value = secant(
        lambda c: float(_flat(form, group, {name: c})[at] - group.given[at]), scale=float(group.worst[at])
    )
    return None if value is None else {name: value}


def secant(error: Callable[[float], float], *, scale: float) -> float | None:
    """Where an error vanishes, near 0 or 1."""
    one, other = 0.0, 1e-3
    here, there = error(one), error(other)
    for _ in range(STEPS):
        if there == here or not np.isfinite(there):
            return None
        one, other, here = other, other - there * (other - one) / (there - here), there
        there = error(other)
        if abs(other - one) <= 1e-15 * abs(other) or there == 0:
            return other
    return other if abs(there) <= scale else None


def _pairs(rows: Sequence[Forms], groups: Sequence[Group], deadline: float) -> Iterator[Candidate]:
    """Pairs that explain what no single does: one explains some arrays, the other changes the rest alone."""
    plain = [row for row in rows if not any(form and form.constants for form in row)]
    scored = [(_score(row, groups), row) for row in plain]
    best = sorted((each for each in scored if each[0]), key=lambda each: -each[0])
    for _, one in best[:PARTNERS]:
        explained = [_explained(form, group) for form, group in zip(one, groups, strict=True)]
        for other in plain:
            if time.monotonic() > deadline:
                return
            if one is other or not _completes(other, explained, groups):
                continue
            both = _both(one, other)
            if both and (found := _explains(both, groups, operators=2)):
                yield found


def _explained(form: Mutant | None, group: Group) -> frozenset[Name]:
    """The wrong arrays on which a mutant agrees with the subject."""
    if form is None:
        return frozenset()
    agrees = _near(_flat(form, group, {}), group) | ~group.counted
    return frozenset(
        name for name, at in group.blocks.items() if _is_wrong(group, at) and agrees[:, at].all()
    )


def _completes(form: Forms, explained: Sequence[frozenset[Name]], groups: Sequence[Group]) -> bool:
    """Whether a mutant changes every wrong array but those that are explained."""
    return all(
        {name for name, at in group.blocks.items() if _is_wrong(group, at)} - done
        <= (changed := {name for name in group.blocks if name.bar in touched(each, group.problem)})
        and not changed & done
        for each, done, group in zip(form, explained, groups, strict=True)
        if each is not None
    )


def _is_wrong(group: Group, block: slice) -> bool:
    return bool(group.wrong[:, block].any())


def _both(one: Forms, other: Forms) -> Forms | None:
    """Two bugs at once; where a network has no place for one of them, the other alone."""
    pairs = list(zip(one, other, strict=True))
    made = tuple(combined(a, b) if a and b else a or b for a, b in pairs)
    return None if any(a and b and not each for (a, b), each in zip(pairs, made, strict=True)) else made


def _score(forms: Forms, groups: Sequence[Group]) -> int:
    """How many wrong entries a mutant explains; none if there are none on the first network it can run on."""
    found = 0
    for form, group in zip(forms, groups, strict=True):
        if form is not None:
            found += int((_near(_flat(form, group, {}), group) & group.wrong & group.counted).sum())
            if not found:
                break
    return found


def _written(found: Sequence[Candidate], groups: Sequence[Group]) -> Iterator[Explanation]:
    """Explanations, the best first: fewest operators, fewest constants, a row of the catalogue, the most
    general place, the smallest residual.
    """
    ordered = sorted(
        found,
        key=lambda c: (
            c.operators,
            len(c.first.constants),
            c.first.number is None,
            c.first.number == COPIED,
            len(c.first.changed),
            len(_lines(c.first.changed)),
            c.residual,
        ),
    )
    plain = [each for each in ordered if not each.first.constants]
    ordered = plain or ordered  # a constant that is fitted to a formula's own says nothing new
    names = [str(each.first) for each in ordered]
    for place, each in enumerate(ordered[:SHOWN]):
        yield _explanation(each, groups, tuple(n for n in names if n != names[place]) if place == 0 else ())


def _explanation(found: Candidate, groups: Sequence[Group], others: tuple[str, ...]) -> Explanation:
    form, seen = found.first, [g for f, g in zip(found.forms, groups, strict=True) if f is not None]
    wrong = [name for name, at in seen[0].blocks.items() if seen[0].wrong[:, at].any()]
    values = next((c for c in found.constants if c), {})
    return Explanation(
        bug=form.bug + (f", {form.where}" if form.where else ""),
        number=form.number,
        derived=_lines(form.original),
        formula=_lines((*form.changed, *form.extra)),
        derived_latex=_latex(form.original),
        latex=_latex((*form.changed, *form.extra)),
        parameters=tuple(name.label for name in wrong),
        residual=found.residual,
        entries=sum(int(group.counted.sum()) for group in seen),
        networks=len({str(group.problem.network) for group in seen}),
        operators=found.operators,
        constants=tuple(f"{name} = {short_number(value)}" for name, value in values.items()),
        equivalents=others,
    )


def _lines(steps: Sequence[Step]) -> str:
    return "\n".join(map(str, steps))


def _latex(steps: Sequence[Step]) -> str:
    return " \\\\\n".join(map(index_latex, steps))
