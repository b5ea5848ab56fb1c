"""Equality of expressions in real symbols, decided by a normal form.

Three answers. `equal`: in every case the difference of the two sides, a quotient of polynomials over ℚ in
generators (symbols, entries, g(…), exp(…), log(…), …), reduces to 0. `different`: at one rational point balls
separate the two sides. `undecided`: neither; from a difference that does not reduce to 0 nothing follows.

Assumptions. Symbols are real. What an answer takes for granted beyond that (a denominator is not 0, a kink is
left out) it names.

Scope. Complete, numbers such as e and π apart, for rational functions of symbols, of undefined functions of
such, and of exponentials whose exponents are such; sound for logarithms, roots, erf, sin and case
distinctions. Not known are relations between logarithms or roots of different sums, multiples of angles,
and sums whose index is shifted or whose order changes.

Beside every `equal` both sides are evaluated at random rational points, in balls and, where they have exact
values, exactly, with a bound on the probability of an accident (`exact`): where they differ there, the normal
form itself is wrong, and says so.

What is given, such as Σ t = 1 and t² = t of labels, is a list of expressions that are 0 (`relations`).
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Literal

import sympy as sp

from proofs.kernel.balls import Evaluator, Point, Unclear, enclosed, equation_of, order, symbol_of
from proofs.kernel.cases import Case, Cases, holds
from proofs.kernel.exact import Agreement, NotExact, agreement
from proofs.kernel.exponentials import Exponentials
from proofs.kernel.polynomials import Expr, Plan, Restart, Ring, Undecided
from proofs.kernel.reading import Reader, opened
from proofs.kernel.relations import Relations, settle
from symbolic.activations import Root

Answer = Literal["equal", "different", "undecided"]
SECONDS: Final = 20.0
MAX_CASES: Final = 1_000
WITNESSES: Final = 2
WITNESS_PRECISION: Final = (128,)
POINTS: Final = 12


class Contradiction(AssertionError):
    """The normal form says equal and a point says different: a fault in backproof."""


@dataclass(frozen=True, slots=True)
class Decision:
    """An answer with its reason, and the assumptions under which it holds.

    Where the two sides are different, `point` separates them; where they are equal, it is one at which
    both have a value, so that the statement is not vacuous (None if none was found), and `evidence` is what
    came of exact values at random points, or why there are none.
    """

    answer: Answer
    reason: str
    assumptions: tuple[str, ...] = ()
    point: Point | None = None
    evidence: Agreement | str = ""


def decide(
    left: Expr,
    right: Expr,
    *,
    roots: tuple[Root, ...] = (),
    given: tuple[Expr, ...] = (),
    seconds: float = SECONDS,
) -> Decision:
    """Decide left = right for all real values of the symbols at which everything `given` is 0, within about
    `seconds`.

    >>> z = sp.Symbol("z", real=True)
    >>> decide(1 - sp.tanh(z) ** 2, 1 / sp.cosh(z) ** 2).answer
    'equal'
    >>> found = decide(sp.exp(z) ** 2, sp.exp(z**2))
    >>> found.answer, str(found.point)
    ('different', 'z = -1/16')
    """
    deadline = time.monotonic() + seconds
    attempts = []
    for goals in dict.fromkeys((_term_by_term(left, right), ((left, right),))):
        attempt = _attempt(goals, roots, given, deadline)
        if attempt.proved:
            point = _witness(left, right, roots, given)
            beside = "no exact values: it rests on equations" if roots or given else evidence(left, right)
            return Decision("equal", attempt.reason, attempt.assumptions, point, beside)
        attempts.append(attempt)
    cases = [attempt.stuck for attempt in attempts if attempt.stuck]
    point = _separating(left, right, roots, given, cases)
    if point is not None:
        return Decision("different", "balls separate the two sides at a point", point=point)
    return Decision("undecided", f"{attempts[0].reason}, and no point was found that separates the two sides")


@dataclass(frozen=True, slots=True)
class _Attempt:
    """What came of reducing some differences to 0; `stuck` is the case in which one did not."""

    proved: bool
    reason: str
    assumptions: tuple[str, ...] = ()
    stuck: Case | None = None


Goals = tuple[tuple[Expr, Expr], ...]


def _attempt(goals: Goals, roots: tuple[Root, ...], given: tuple[Expr, ...], deadline: float) -> _Attempt:
    plan = Plan()
    while True:
        try:
            return _reduce(goals, roots, given, Reader(Exponentials(Ring(plan, deadline))))
        except Restart:
            continue
        except Undecided as missing:
            return _Attempt(False, str(missing))


def _reduce(goals: Goals, roots: tuple[Root, ...], given: tuple[Expr, ...], read: Reader) -> _Attempt:
    for root in roots:
        read.solve(equation_of(root))
    relations = Relations(read, given)
    count, cases = 0, Cases(read)
    assumed = [f"{equation} = 0" for equation in (*map(equation_of, roots), *given)]
    for left, right in goals:
        for case in cases.cells(Case(left, right)):
            count += 1
            if count > MAX_CASES:
                raise Undecided(f"there are more than {MAX_CASES:,} cases")
            inside = Reader(read.exponentials)
            if not relations.imply(inside(case.left) - inside(case.right)):
                where = f" where {case}" if case.conditions else ""
                return _Attempt(False, f"the difference does not reduce to 0{where}", stuck=case)
            assumed += [str(assumption) for assumption in inside.assumptions if not holds(assumption, case)]
    assumed += map(str, read.assumptions)
    each = f" in each of {count} cases" if count > len(goals) else ""
    return _Attempt(True, f"the difference reduces to 0{each}", tuple(dict.fromkeys(assumed)))


def _term_by_term(left: Expr, right: Expr) -> Goals:
    """Equations that together give left = right: Σ F = Σ G over one range follows from F = G."""
    names: dict[Expr, sp.Symbol] = {}  # of the index, by its range
    sides: dict[Expr, tuple[list[Expr], list[Expr]]] = {}
    outside: list[Expr] = []
    for side, whole in enumerate((left, right)):
        for term in sp.Add.make_args(whole):
            sums = [factor for factor in sp.Mul.make_args(term) if isinstance(factor, sp.Sum)]
            others = [factor for factor in sp.Mul.make_args(term) if not isinstance(factor, sp.Sum)]
            if len(sums) != 1:
                outside.append(term)
                sides.setdefault(sp.S.One, ([], []))[side].append(term)
                continue
            inside, index, ends = opened(sums[0])
            name = names.setdefault(ends, index)
            if name != index:
                outside.append(inside)
                inside = inside.xreplace({index: name})
            outside += others
            sides.setdefault(ends, ([], []))[side].append(sp.Mul(*others, inside))
    if any(part.has(name) for part in outside for name in names.values()):
        return ((left, right),)
    return tuple((sp.Add(*first), sp.Add(*second)) for first, second in sides.values())


def _points(
    roots: tuple[Root, ...], given: tuple[Expr, ...] = (), cases: Iterable[Case] = ()
) -> Iterator[Point]:
    """Random points at which everything given is 0, those that lie in the given cases first."""
    known = {symbol_of(root): enclosed(root) for root in roots}
    for case in cases:
        for seed in range(POINTS):
            point = Point(seed, known)
            with suppress(Unclear):
                for symbol, value in case.values:
                    point.values.setdefault(symbol, Evaluator(point)(value))
            if settle(point, given):
                yield point
    yield from (point for seed in range(POINTS) if settle(point := Point(seed, known), given))


def _separating(
    left: Expr, right: Expr, roots: tuple[Root, ...], given: tuple[Expr, ...], cases: Iterable[Case]
) -> Point | None:
    for point in _points(roots, given, cases):
        with suppress(Unclear):
            if order(left, right, point) != 0:
                return point
    return None


def _witness(left: Expr, right: Expr, roots: tuple[Root, ...], given: tuple[Expr, ...]) -> Point | None:
    """The last of some points at which both sides have a value; Contradiction where these differ."""
    met: list[Point] = []
    for point in _points(roots, given):
        with suppress(Unclear):
            if order(left, right, point, precisions=WITNESS_PRECISION) != 0:
                raise Contradiction(f"{left} and {right} have one normal form, but they differ at {point}")
            met.append(point)
        if len(met) == WITNESSES:
            break
    return met[-1] if met else None


def evidence(left: Expr, right: Expr, sizes: Mapping[sp.Symbol, Expr] | None = None) -> Agreement | str:
    """What exact values say beside "equal"; Contradiction where they differ."""
    try:
        found = agreement(left, right, sizes)
    except NotExact as missing:
        return f"no exact values: {missing}"
    if found is None:
        raise Contradiction(f"{left} and {right} have one normal form, but they differ at an exact point")
    return found
