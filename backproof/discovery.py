"""How a subject stores weights, samples, biases and labels, where nobody says: found by asking.

At a network of unequal widths most layouts do not even run. Among those that give an answer of the right
shapes, the one whose arrays point most nearly along the exact ones is taken: a wrong factor, or a wrong
layer, does not hide it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import product
from math import inf

import numpy as np

from backproof import layouts
from backproof.designed import designed, points_of
from backproof.forms import Form
from backproof.judging import Asked, Judge, OutOfTime, expected
from backproof.points import targets_of
from backproof.subjects import Subject
from numeric.envelope import DOUBLE
from numeric.problem import problem_of
from symbolic.conventions import CHOICES, Layout
from symbolic.network import Chain

CLOSE = 1e-9  # of two cosines: layouts that this network cannot tell apart


def discover(
    subject: Subject,
    chain: Chain,
    declared: Mapping[str, str],
    form: Form,
    *,
    takes_lam: bool,
    deadline: float = inf,
) -> tuple[Layout, tuple[str, ...]]:
    """The layout, and those that this network cannot tell from it. Without any answer it is the declared one,
    and the mathematics' where nothing is declared; after the deadline it is the best so far.
    """
    network, samples = next(iter(designed(chain)))
    problem = problem_of(network)
    found: list[tuple[float, Layout]] = []
    for layout in dict.fromkeys(map(form.constrained, candidates(chain, declared))):
        (point,) = points_of(network, samples, count=1, targets=layouts.targets(layout))
        tied = replace(point, params=tuple(form.tied(point.params)))
        try:
            asked = Judge(subject, layout, takes_lam, form, deadline).ask(problem, tied)
        except OutOfTime:
            break
        if asked.failure and not asked.is_patient:
            break
        if asked.answer is not None:
            found.append((_likeness(asked), layout))
    if not found:
        return layouts.layout_of(declared), ()
    best = max(score for score, _ in found)
    alike = [layout for score, layout in found if score >= best - CLOSE]
    return alike[0], tuple(map(str, alike[1:]))


def candidates(chain: Chain, declared: Mapping[str, str]) -> Iterator[Layout]:
    """All layouts that agree with what is declared, the usual ones first."""
    member, _ = next(iter(designed(chain)))
    classes = targets_of(member) == "one-hot"
    usual = product(("columns", "rows"), CHOICES["weights"], CHOICES["bias_shape"], CHOICES["labels"])
    for samples, weights, bias_shape, labels in usual:
        layout = Layout(weights, samples, bias_shape, labels)  # type: ignore[arg-type]
        fits = all(getattr(layout, name) == value for name, value in declared.items())
        if fits and (labels == "one-hot" or classes or "labels" in declared):
            yield layout


def _likeness(asked: Asked) -> float:
    """The mean cosine between the subject's arrays and the exact ones, whatever their sign."""
    assert asked.answer is not None
    exact = expected([asked], DOUBLE)
    cosines = []
    for name, given in asked.answer.gradient.items():
        wanted = exact.gradient[name].value[0]
        norms = np.linalg.norm(wanted) * np.linalg.norm(given)
        cosines.append(abs(float(np.sum(wanted * given))) / norms if norms and np.isfinite(norms) else 0.0)
    return float(sum(cosines)) / len(cosines)
