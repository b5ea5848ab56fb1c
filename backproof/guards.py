"""An ε that a subject adds inside the logarithms of its loss, so that none is of 0: a convention."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import sympy as sp

from backproof.evidence import Group
from backproof.judging import Part
from backproof.matching import secant
from numeric.arrays import formula_value
from symbolic.losses import A, T
from symbolic.network import Network

EPSILON: Final = sp.Symbol("epsilon", real=True)
SMALL: Final = 1e-3  # what nobody would call an ε is above


def guard_of(groups: Sequence[Group]) -> float | None:
    """The ε with which E is the subject's loss at every point, where the gradient itself is right."""
    if not groups or any(group.wrong.any() for group in groups):
        return None
    found = _fitted(groups[0])
    if found is None or not 0 < abs(found) < SMALL:
        return None
    return found if all(_holds(group, found) for group in groups) else None


def _loss(group: Group, epsilon: float) -> np.ndarray | None:
    """E at every point with ε added inside each logarithm; None for a loss without any."""
    network = group.problem.network
    if not isinstance(network, Network):
        return None
    definition = network.objective.loss.definition
    if definition is None or not definition.has(sp.log):
        return None
    guarded = definition.replace(sp.log, lambda x: sp.log(x + EPSILON))
    known, (target,) = group.ground.known, group.problem.constants
    output = next(
        value for array, value in known.items() if (array.name, array.layer) == ("A", network.depth)
    )
    numbers = {A.name: output, T.name: known[target], EPSILON.name: np.full([1] * output.ndim, epsilon)}
    with np.errstate(all="ignore"):
        plain, moved = (formula_value(formula, numbers) for formula in (definition, guarded))
    scale = float(network.objective.scale.xreplace(dict(group.problem.scalars(group.samples))))
    whole = sum(known[part] for part in group.problem.losses)
    return np.asarray(whole + scale * (moved - plain).sum(axis=(1, 2)))


def _losses(group: Group) -> list[Part | None]:
    return [next((p for p in outcome.parts if p.name is None), None) for outcome in group.outcomes]


def _fitted(group: Group) -> float | None:
    (part, *_) = _losses(group)
    if part is None or _loss(group, 0.0) is None:
        return None
    given, worst = float(part.given), float(part.exact.worst)

    def error(epsilon: float) -> float:
        found = _loss(group, epsilon)
        assert found is not None
        return float(found[0]) - given

    return secant(error, scale=worst)


def _holds(group: Group, epsilon: float) -> bool:
    expected = _loss(group, epsilon)
    pairs = zip(_losses(group), expected if expected is not None else [], strict=False)
    return expected is not None and all(
        part is not None and abs(float(part.given) - value) <= 2 * float(part.exact.worst)
        for part, value in pairs
    )
