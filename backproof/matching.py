"""Whether a wrong derivation is what a subject computes: its gradient held against the subject's.

A mutant explains a subject if its gradient equals the subject's at every counted entry of every network
on which it can run, within both rounding bounds, and if the subject is right or fails where it cannot. A
constant of a mutant is fitted on one entry, and must predict all others at all shapes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import inf
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from backproof.evidence import Group, Rows
from numeric.envelope import DOUBLE
from numeric.mutants import bounds_of, gradient_of, touched
from numeric.problem import Problem, problem_of
from symbolic.mutation import Mutant, mutants
from symbolic.network import Network
from symbolic.notation import Array as Name

SCREEN: Final = 64.0  # of the subject's own bound: what a mutant's bound is not expected to exceed
STEPS: Final = 40  # of the secant method
Constants: TypeAlias = dict[str, float]
Forms: TypeAlias = tuple[Mutant | None, ...]
Mask: TypeAlias = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """One bug, or two at once, as they look on each group's network; `shown` is the form that tells all of
    it, and `residual` is in units of the bound.
    """

    forms: Forms
    shown: Mutant
    constants: Constants
    residual: float
    operators: int = 1


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


def aligned(groups: Sequence[Group], *, deadline: float = inf) -> list[Forms]:
    """Every bug at every place, as it looks on each group's network, general places first; None where it
    cannot run, or where the network has no such layer. Nothing where they are not made in time.
    """
    known = []
    for group in groups:
        if time.monotonic() > deadline:
            return []
        every = mutants_of(group.problem)
        known.append({(each.bug, scope): each for each in every for scope in _scopes(each, group.problem)})
    keys = dict.fromkeys(key for found in known for key in sorted(found, key=lambda key: _rank(key[1])))
    rows: dict[tuple[int, ...], Forms] = {}
    for key in sorted(keys, key=lambda key: _rank(key[1])):
        forms = tuple(found.get(key) for found in known)
        rows.setdefault(tuple(map(id, forms)), forms)
    return list(rows.values())


def _scopes(form: Mutant, problem: Problem) -> Iterator[str]:
    """A mutant's own, and that of the first layer, which is the output layer where there is no other."""
    yield from form.scopes
    if isinstance(problem.network, Network):
        name = "output layer" if problem.network.depth == 1 else "layer 1"
        ends = (scope.removesuffix(name) for scope in form.scopes if f" {scope}".endswith(f" {name}"))
        yield from (f"{part}first layer" for part in ends)


def _rank(scope: str) -> int:
    """General places come first."""
    words = ("everywhere", "hidden", "weights", "biases", "")
    return next(n for n, word in enumerate(words) if word in scope)


def explains(forms: Forms, groups: Sequence[Group]) -> Candidate | None:
    """The candidate, if it holds on every group."""
    pairs = list(zip(forms, groups, strict=True))
    if not all(group.is_right for form, group in pairs if form is None):
        return None
    held = [(form, group) for form, group in pairs if form is not None]
    if not all(wrong_arrays(group) <= changed(form, group) for form, group in held):
        return None
    free = [(form, group) for form, group in held if form.constants]
    fitted = _fitted(*free[0]) if free else {}
    if fitted is None or not all(is_close(flat(form, group, fitted), group) for form, group in held):
        return None
    if free:  # again where it is known best, so that it adds little to the errors of others
        fitted = _fitted(*max(free, key=lambda each: float(_telling(*each).max())))
    residual = max((_residual(form, group, fitted or {}) for form, group in held), default=inf)
    return Candidate(forms, held[0][0], fitted or {}, residual) if residual <= 1 else None


def changed(form: Mutant, group: Group) -> frozenset[Name]:
    """The parameters by which a mutant's gradient is another one."""
    found = touched(form, group.problem)
    return group.sharing(frozenset(name for name in group.blocks if name.bar in found))


def wrong_arrays(group: Group) -> frozenset[Name]:
    """The parameters by which the subject's gradient is wrong."""
    return frozenset(name for name, at in group.blocks.items() if group.wrong[:, at].any())


def flat(form: Mutant, group: Group, constants: Constants) -> Rows:
    """A mutant's gradient in rows like the subject's."""
    return group.flat(gradient_of(form, group.ground, constants))


def is_close(found: Rows, group: Group) -> bool:
    """Whether a gradient may be the subject's, before its own bound is known."""
    return bool((near(found, group) | ~group.counted).all())


def near(found: Rows, group: Group) -> Mask:
    """The entries at which it may be."""
    with np.errstate(invalid="ignore", over="ignore"):
        grown = np.maximum(1.0, largest(found) / np.maximum(largest(group.exact), 1e-300))
        own = group.precision.u * largest(found)  # where the right value is 0, its bound says nothing
        return np.asarray(np.abs(found - group.given) <= SCREEN * (group.worst * grown + own))


def largest(rows: Rows) -> Rows:
    """The largest finite entry of each row."""
    finite = np.where(np.isfinite(rows), np.abs(rows), 0.0)
    return np.asarray(finite.max(axis=1, keepdims=True))


def _residual(form: Mutant, group: Group, constants: Constants) -> float:
    """The largest error at a counted entry in units of the mutant's own bound."""
    found = flat(form, group, constants)
    bound = group.flat(bounds_of(form, group.bounded_ground, constants))
    bound = bound * (1 + DOUBLE.u / group.precision.u)
    use = group.counted & np.isfinite(bound)
    slack = 4 * DOUBLE.u * np.abs(found) if constants else 0.0  # a constant is fitted to doubles
    with np.errstate(divide="ignore", invalid="ignore"):
        excess = np.where(use, np.abs(found - group.given) / (bound + slack + 1e-300), 0.0)
    return float(excess.max(initial=0.0))


def _fitted(form: Mutant, group: Group) -> Constants | None:
    """The mutant's constant, from the entry on which it tells most."""
    if len(form.constants) > 1:
        return None
    (name,) = form.constants
    telling = _telling(form, group)
    at = np.unravel_index(int(np.argmax(telling)), telling.shape)
    if not telling[at] > 1:
        return None
    value = secant(
        lambda c: float(flat(form, group, {name: c})[at] - group.given[at]), scale=float(group.worst[at])
    )
    return None if value is None else {name: value}


def _telling(form: Mutant, group: Group) -> Rows:
    """How far a small change of the mutants' constants moves each counted entry, in units of its bound."""
    low, high = (flat(form, group, dict.fromkeys(form.constants, value)) for value in (0.0, 1e-3))
    with np.errstate(invalid="ignore"):
        telling = np.where(group.counted, np.abs(high - low) / np.maximum(group.worst, 1e-300), 0.0)
    return np.nan_to_num(telling, nan=0.0)


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
