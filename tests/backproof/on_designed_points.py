"""Subjects in this process, asked at the designed points: what diagnosis is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

from backproof.designed import designed, points_of
from backproof.evidence import Group, groups_of
from backproof.forms import Form
from backproof.judging import Judge, judged
from numeric.envelope import DOUBLE, Precision
from numeric.problem import problem_of
from symbolic.conventions import INTERNAL
from symbolic.network import Chain, Network
from tests.implementations import Direct


def judge_of(function: Callable[..., Any], *, takes_lam: bool = False, form: Form | None = None) -> Judge:
    return Judge(Direct(function), INTERNAL, takes_lam, form or Form())


@cache
def places(chain: Chain) -> tuple[tuple[Network, int], ...]:
    return tuple(designed(chain))


def groups(
    function: Callable[..., Any],
    chain: Chain,
    *,
    takes_lam: bool = False,
    precision: Precision = DOUBLE,
    form: Form | None = None,
) -> list[Group]:
    """A subject's answers at all designed points of a family, where biases are one as its form says."""
    judge = judge_of(function, takes_lam=takes_lam, form=form)
    outcomes = []
    for network, samples in places(chain):
        points = points_of(network, samples)
        tied = [replace(point, params=tuple(judge.form.tied(point.params))) for point in points]
        outcomes += judged([judge.ask(problem_of(network), point) for point in tied], precision, judge)
    return groups_of(outcomes, precision, judge.form)
