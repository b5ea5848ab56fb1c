"""The contract of a backward pass beside its formula: named checks, each of which can be left out.

    contract(session, outcomes)                          every check, a row of CHECKS
    contract(session, outcomes, only=("inputs",))

The outcomes are those of generic points that were asked already: what they show costs nothing more. A check
that does not apply is "left out"; one that cannot decide "could not tell".
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from backproof import layouts
from backproof.designed import points_of
from backproof.graph_points import GraphPoint, graph_point
from backproof.judging import UPDATES, Asked, Outcome, OutOfTime, difference, expected
from backproof.loss_consistency import loss_consistency
from backproof.points import Point, Targets
from backproof.report import ContractCheck, Finding, Passed
from backproof.session import Session
from numeric.problem import Problem
from numeric.references import Bounded
from symbolic.activations import unknown
from symbolic.conventions import Layout
from symbolic.errors import BackproofError
from symbolic.graph import Graph
from symbolic.losses import A, Loss, T
from symbolic.network import Network
from symbolic.notation import Array as Name
from symbolic.notation import Slot

Array: TypeAlias = npt.NDArray[Any]
Said: TypeAlias = tuple[Passed, str]
MORE: Final = 2  # samples than in the point asked before: what is kept from call to call has another shape
TRIES: Final = 3  # networks, where differences at a point tell nothing
SMALLER: Final = 2.0**-6  # of η: what depends on it shows, and few digits are lost
FRESH: Final = 1  # added to the seed: a point that was not asked yet
WIDE: Final = "float64"  # in which arguments are given


@dataclass(frozen=True, slots=True)
class Check:
    """One row: `says` is what holds where it passed; `run` is given the outcomes with an answer, or all."""

    name: str
    says: str
    run: Callable[[Session, Sequence[Outcome]], Said]
    needs_answer: bool = True


def contract(
    session: Session, cases: Sequence[Outcome], *, only: Collection[str] = (), skip: Collection[str] = ()
) -> list[ContractCheck]:
    """Every check of the contract, those not wanted as "left out"; BackproofError for an unknown name."""
    refuse_unknown(only, skip)
    wanted = [name for name in CHECKS if name not in skip and (not only or name in only)]
    return [
        _checked(row, session, cases) if name in wanted else ContractCheck(name, "left out", "not asked for")
        for name, row in CHECKS.items()
    ]


def refuse_unknown(*names: Collection[str]) -> None:
    """Raise BackproofError for what is the name of no check."""
    for name in (name for each in names for name in each):
        if name not in CHECKS:
            raise BackproofError(unknown("check", name, list(CHECKS)))


def _checked(row: Check, session: Session, cases: Sequence[Outcome]) -> ContractCheck:
    given = [case for case in cases if case.asked.answer is not None] if row.needs_answer else cases
    if not given:
        return ContractCheck(row.name, "could not tell", "it gave no answer")
    if session.is_late:
        return ContractCheck(row.name, "could not tell", "time ran out")
    try:
        passed, sentence = row.run(session, given)
    except OutOfTime:
        return ContractCheck(row.name, "could not tell", "time ran out")
    return ContractCheck(row.name, passed, sentence or (row.says if passed == "passed" else ""))


def _inputs(session: Session, cases: Sequence[Outcome]) -> Said:
    changed = _listed(case.asked.returned.changed for case in cases if case.asked.returned)
    return ("failed", f"it overwrites what it is given: {changed}") if changed else ("passed", "")


def _aliases(session: Session, cases: Sequence[Outcome]) -> Said:
    shared = _listed(case.asked.returned.aliases for case in cases if case.asked.returned)
    return ("failed", f"these share memory, and change together: {shared}") if shared else ("passed", "")


def _listed(found: Iterator[tuple[str, ...]]) -> str:
    return ", ".join(dict.fromkeys(text for each in found for text in each))


def _shapes(session: Session, cases: Sequence[Outcome]) -> Said:
    for case in cases:
        if case.asked.returned and case.asked.failure:
            unsummed = _unsummed(case.asked, session.judge.layout)
            return "failed", unsummed or case.asked.failure.sentence
    kinds = {case.asked.answer.dtype.name for case in cases if case.asked.answer}
    if not kinds:
        return "could not tell", "it gave no answer"
    narrow = sorted(kinds - {WIDE})
    return "passed", f"gradients are shaped like params; they are {narrow[0]} for {WIDE}" if narrow else ""


def _unsummed(asked: Asked, layout: Layout) -> str | None:
    """A gradient that has the shape of its parameter once more for each sample."""
    assert asked.returned is not None
    value: Any = asked.returned.value
    if isinstance(value, (list, tuple)) and len(value) == 2 and not isinstance(value[0], (list, tuple, dict)):
        value = value[1]  # beside the loss
    params = dict(_leaves(layouts.to_subject(asked.point, layout)[0]))
    for path, found in _leaves(value):
        shape = params[path].shape if path in params else found.shape
        for axis in _axes_of_samples(found.shape, shape, asked.point.samples):
            kind = {"[0]": "weight ", "[1]": "bias "}.get(path[-3:], "")
            each = "a matrix" if found.ndim > 2 else "a row" if axis == 0 else "a column"
            return (
                f"the {kind}gradient has {each} for each sample: it is not summed over samples "
                f"(grads{path} has shape {found.shape} for {shape})"
            )
    return None


def _axes_of_samples(found: tuple[int, ...], expected: tuple[int, ...], samples: int) -> Iterator[int]:
    """The axis of one entry for each sample where there should be none, or one in all."""
    for axis, length in enumerate(found):
        rest = found[:axis], found[axis + 1 :]
        if found != expected and length == samples and expected in (sum(rest, ()), (*rest[0], 1, *rest[1])):
            yield axis


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Array]]:
    if isinstance(value, np.ndarray):
        yield path, value
    elif isinstance(value, (list, tuple, dict)):
        for step, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _leaves(item, f"{path}[{step!r}]")


def _finite(session: Session, cases: Sequence[Outcome]) -> Said:
    return _first_of("not finite", cases) or ("passed", "")


def _loss(session: Session, cases: Sequence[Outcome]) -> Said:
    losses = [part for case in cases for part in case.parts if part.name is None]
    if not losses:
        return "left out", "it returns no loss"
    if not any(part.comparison.counted for part in losses):
        return "could not tell", "at no point is the loss well-conditioned"
    return _first_of("wrong loss", cases) or ("passed", "")


def _first_of(kind: str, cases: Sequence[Outcome]) -> Said | None:
    found = [finding for case in cases for finding in case.findings if finding.kind == kind]
    return ("failed", _sentence(found[0])) if found else None


def _sentence(finding: Finding) -> str:
    """The finding's, with the first of its numbers."""
    if not finding.disagreements:
        return finding.sentence
    first = finding.disagreements[0]
    return f"{finding.sentence}: it is {first.subject!r}, and should be {first.derived!r}"


def _repeat(session: Session, cases: Sequence[Outcome]) -> Said:
    """Asked again at once, twice, and once more after other arguments and another network."""
    first = cases[0]
    problem, point = first.asked.problem, first.asked.point
    again = session.outcomes(problem, [point, point])
    session.ask(problem, [_point(session, problem, point.samples + MORE)])
    for other in cases:
        if other.asked.problem is not problem:
            session.ask(other.asked.problem, [other.asked.point])
            break
    again += session.outcomes(problem, [point])
    for when, outcome in zip(("", "", "after calls with other arguments: "), again, strict=True):
        if changed := difference(first, outcome, session.judge.layout):
            return "failed", when + changed
    if any(not _is_same(first, outcome) for outcome in again):
        return "passed", "the same answer twice, but for the last bits"
    return "passed", ""


def _is_same(first: Outcome, second: Outcome) -> bool:
    pairs = zip(first.parts, second.parts, strict=True)
    return all(np.array_equal(one.given, two.given, equal_nan=True) for one, two in pairs)


def _accumulate(session: Session, cases: Sequence[Outcome]) -> Said:
    """Whether the second of two answers at one point is the first and the gradient once more."""
    first = cases[0]
    answers = [a.answer for a in session.ask(first.asked.problem, [first.asked.point] * 2) if a.answer]
    if len(answers) < 2:
        return "could not tell", "it gave no answer when asked again"
    for part in first.parts:
        if part.name is None:
            continue
        one, two = (answer.gradient[part.name] for answer in answers)
        bound = _allowance(part.exact, 3, [one, two], session.precision.u)
        with np.errstate(invalid="ignore"):
            grows, sums = np.abs(two - one) > bound, np.abs(two - one - part.exact.value) <= bound
        if sums.all() and grows.any():
            place = tuple(np.argwhere(grows)[0].tolist())
            _, path = layouts.entry_names(part.name, place, first.asked.problem, session.judge.layout)
            numbers = f"{path} is {float(one[place])!r}, then {float(two[place])!r}"
            return "failed", f"each call adds its gradient to those of the calls before: {numbers}"
    return "passed", ""


def _allowance(exact: Bounded, times: int, given: Sequence[Array], u: float) -> Array:
    """A number of times what an entry may be off by, for answers of any factor."""
    size = max((float(np.max(np.abs(each), initial=0.0)) for each in given), default=0.0)
    declared = float(np.max(np.abs(exact.value), initial=0.0))
    larger = max(1.0, size / declared) if declared and np.isfinite(size) else 1.0
    return np.asarray(times * larger * exact.worst + 2 * times * u * size)


def _single_batch(session: Session, cases: Sequence[Outcome]) -> Said:
    problem = cases[0].asked.problem
    (outcome,) = session.outcomes(problem, [_point(session, problem, 1)])
    if not outcome.findings:
        return "passed", ""
    finding = outcome.findings[0]
    if any(finding.kind == case.kind for case in cases):
        return "could not tell", "it is wrong for several samples too"
    return "failed", _sentence(finding)


def _empty_batch(session: Session, cases: Sequence[Outcome]) -> Said:
    """Last of all: what ends the worker ends whatever state the subject has."""
    problem = cases[0].asked.problem
    (asked,) = session.ask(problem, [_point(session, problem, 0)])
    if asked.failure:
        is_clear = asked.failure.sentence.startswith(f"{session.judge.subject.name} raised: ")
        return ("passed" if is_clear else "failed"), asked.failure.sentence
    assert asked.answer is not None
    gradient = np.concatenate([array.ravel() for array in asked.answer.gradient.values()])
    if not np.isfinite(gradient).all():
        return "passed", "without samples its gradient is nan, as of a mean over nothing"
    has_penalty = isinstance(problem.network, Network) and problem.network.objective.penalties
    if gradient.any() and not has_penalty:
        return "failed", f"without samples its gradient is not 0: one entry is {gradient[gradient != 0][0]!r}"
    return "passed", "without samples its gradient is that of the penalty" if has_penalty else ""


def _upstream(session: Session, cases: Sequence[Outcome]) -> Said:
    """G → 2G is exact, and so is G = G₁ + G₂ with every other entry of G in G₁ and the rest in G₂."""
    asked = cases[0].asked
    problem, layout = asked.problem, session.judge.layout
    upstream = _upstream_of(problem)
    if not upstream or not asked.answer or asked.answer.slack:  # an update loses digits by its own rule
        return "left out", "it is given no gradient from upstream: its loss is not Σ a t"
    changes: tuple[Callable[[Array], Array], ...] = (
        lambda g: g,
        lambda g: 2 * g,
        lambda g: g * _every_other(g),
        lambda g: g * ~_every_other(g),
    )
    every = session.ask(problem, [_with(asked, upstream, change) for change in changes])
    failed = next((each.failure for each in every if each.failure), None)
    if failed:
        return "failed", failed.sentence
    exact = expected(every, session.precision).gradient
    for name in problem.parameters:
        given = [each.answer.gradient[name] for each in every if each.answer]
        bounds = exact[name]
        largest = Bounded(bounds.value[1], bounds.worst.max(axis=0), bounds.near.max(axis=0))
        bound = _allowance(largest, 3, given, session.precision.u)
        once, twice, one, other = given
        for what, wanted, found in (
            ("twice the upstream gradient", 2 * once, twice),
            ("the sum of two upstream gradients", one + other, once),
        ):
            for place in map(tuple, np.argwhere(np.abs(found - wanted) > bound)[:1].tolist()):
                _, path = layouts.entry_names(name, place, problem, layout)
                return "failed", f"for {what} {path} is {found[place]!r}, not {wanted[place]!r}"
    return "passed", ""


def _upstream_of(problem: Problem) -> tuple[Name, ...]:
    """The targets, where E is Σ a·t: they are what comes from upstream, ∂E/∂a."""
    steps = [step for step in problem.derivation.forward if step.target in problem.losses]
    slots = [step.bindings.get("e") for step in steps]
    are_products = all(isinstance(slot, Slot) and _is_product(slot.source) for slot in slots)
    return tuple(dict.fromkeys(step.array("T") for step in steps)) if are_products else ()


def _is_product(source: object) -> bool:
    return isinstance(source, Loss) and source.definition == A * T


def _every_other(array: Array) -> Array:
    return np.reshape(np.arange(array.size) % 2 == 0, array.shape)


def _with(asked: Asked, names: Sequence[Name], change: Callable[[Array], Array]) -> Point | GraphPoint:
    point = asked.point
    if isinstance(point, GraphPoint):
        changed: Mapping[str, Array] = {name.label: change(point.t[name.label]) for name in names}
        return replace(point, t={**point.t, **changed})
    return replace(point, t=change(point.t))


def _point(session: Session, problem: Problem, samples: int) -> Point | GraphPoint:
    """A generic point that was not asked yet."""
    seed = session.seed + FRESH
    if isinstance(problem.network, Graph):
        return graph_point(problem, samples, seed, session.given)
    targets: Targets | None = "one-hot" if session.judge.layout.labels == "integer" else None
    return points_of(problem.network, samples, count=1, seed=seed, targets=targets)[0]


def _loss_consistency(session: Session, cases: Sequence[Outcome]) -> Said:
    """At a point of one network after the other, until one tells."""
    networks: dict[int, Asked] = {}
    for case in cases:
        networks.setdefault(id(case.asked.problem), case.asked)
    said: Said = ("left out", "it returns no loss")
    for asked in list(networks.values())[:TRIES]:
        said = loss_consistency(session, asked)
        if said[0] in ("passed", "failed"):
            break
    return said


def _eta(session: Session, cases: Sequence[Outcome]) -> Said:
    """Sequential updates: a layer that is updated before its weights are used makes the step depend on η."""
    judge, asked = session.judge, cases[0].asked
    if judge.form.kind not in UPDATES:
        return "left out", "it is no step of descent"
    if not judge.subject.parameters.accept("eta"):
        return "left out", "its η is fixed"
    again = judge.ask(asked.problem, asked.point, eta=judge.form.scaled_eta(SMALLER))
    if again.answer is None or asked.answer is None:
        return "could not tell", "it gave no answer with another η"
    for part in cases[0].parts:
        if part.name is None:
            continue
        lost = again.answer.slack[part.name] / SMALLER
        apart = np.abs(again.answer.gradient[part.name] - part.given) > 2 * part.exact.worst + lost
        if apart.any():
            return "failed", f"∂E/∂{part.label} depends on η: weights are used that were updated already"
    return "passed", ""


CHECKS: Final = {
    row.name: row
    for row in (
        Check("inputs", "what it is given stays as it is", _inputs),
        Check(
            "aliases", "gradients share memory neither with each other nor with what it is given", _aliases
        ),
        Check("shapes", "gradients have the shapes and dtypes of params", _shapes, needs_answer=False),
        Check("finite", "finite for finite input", _finite),
        Check("loss", "the loss that it returns is right", _loss),
        Check("loss-consistency", "the gradient is that of the loss that it returns", _loss_consistency),
        Check("repeat", "the same answer twice, and after calls with other arguments", _repeat),
        Check("accumulate", "each call's gradient is its own: none is added to those before", _accumulate),
        Check("upstream", "linear in the gradient that comes from upstream", _upstream),
        Check("eta", "the gradient that its step follows does not depend on η", _eta),
        Check("single-batch", "right for a single sample", _single_batch),
        Check("empty-batch", "without samples its gradient is 0", _empty_batch),
    )
}
