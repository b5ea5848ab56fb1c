"""Subjects in this process, asked at the designed points: what diagnosis is given."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from backproof.designed import designed, points_of
from backproof.evidence import Group, groups_of
from backproof.judging import Judge, judged
from numeric.envelope import DOUBLE, Precision
from numeric.problem import problem_of
from symbolic.conventions import INTERNAL
from symbolic.network import Chain, Network
from tests.implementations import Direct


def judge_of(function: Callable[..., Any], *, takes_lam: bool = False) -> Judge:
    return Judge(Direct(function), INTERNAL, takes_lam)


@cache
def places(chain: Chain) -> tuple[tuple[Network, int], ...]:
    return tuple(designed(chain))


def groups(
    function: Callable[..., Any], chain: Chain, *, takes_lam: bool = False, precision: Precision = DOUBLE
) -> list[Group]:
    """A subject's answers at all designed points of a family."""
    judge = judge_of(function, takes_lam=takes_lam)
    outcomes = []
    for network, samples in places(chain):
        asked = [judge.ask(problem_of(network), point) for point in points_of(network, samples)]
        outcomes += judged(asked, precision, judge)
    return groups_of(outcomes, precision)
