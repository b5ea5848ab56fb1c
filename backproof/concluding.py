"""From what a check found to its report: the verdict, and everything in its place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from backproof import layouts
from backproof.coverage import Tally
from backproof.factors import Factors, short_number
from backproof.judging import Outcome
from backproof.kinks import Kinks
from backproof.report import (
    ContractCheck,
    Convention,
    Counterexample,
    Explanation,
    Finding,
    Power,
    Report,
    Verdict,
)
from backproof.session import Session
from backproof.stability import Stability
from backproof.symmetry import threshold
from symbolic.graph import Graph

DECIDING: Final = ("repeat", "accumulates", "shapes", "loss-consistency", "upstream")  # of the contract
GUARD: Final = "epsilon"
MEANINGS: Final = {
    "m": "summed over the samples, where a mean was assumed",
    "1/m": "divided by m once more than was assumed",
    "1/k": "a mean over the outputs too, where their sum was assumed",
    "k": "summed over the outputs, where their mean was assumed",
    "2": "without the factor ½ that was assumed",
    "1/2": "with a factor ½ that was not assumed",
    "-1": "of the other sign: what is added to the weights, where what is subtracted was assumed",
    "0": "left out",
}


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What has been found so far; `found` names what of the layout was not declared."""

    session: Session
    found: tuple[str, ...]
    alike: tuple[str, ...]
    strict: bool
    seed: int | None = None
    is_own: bool = False
    not_shown: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    factors: Factors | None = None
    losses_follow: bool = True
    guard: float | None = None
    asymmetry: float | None = None
    explanations: tuple[Explanation, ...] = ()
    localisation: tuple[str, ...] = ()
    counterexample: Outcome | None = None
    contract: tuple[ContractCheck, ...] = ()
    kinks: Kinks | None = None
    stability: Stability | None = None
    power: Power = field(default_factory=Power)

    @property
    def is_declared(self) -> bool:
        """Whether the loss is said in full, so that another factor is an error."""
        family = self.session.family
        return isinstance(family, Graph) or family.objective.is_declared

    @property
    def guarded(self) -> str | None:
        """The ε that keeps a logarithm or its slope finite, where that is all that differs."""
        if self.guard is not None:
            return f"ε added inside the logarithms of the loss: epsilon = {short_number(self.guard)}"
        first = next(iter(self.explanations), None)
        is_guard = first is not None and any(text.startswith(GUARD) for text in first.constants)
        return f"{first.bug}: {', '.join(first.constants)}" if is_guard and first else None

    @property
    def is_convention(self) -> bool:
        """Whether the gradient is right but for an ε, or for factors that were left open."""
        return self.guarded is not None or self.has_factors

    @property
    def has_factors(self) -> bool:
        """Whether factors that were left open are all that differs."""
        known = self.factors is not None and not self.factors.is_declared and not self.factors.leave_out
        return known and self.losses_follow and not self.is_declared and self.is_symmetric is not False

    @property
    def is_symmetric(self) -> bool | None:
        """Whether the subject is the gradient of something, where that was looked at."""
        if self.asymmetry is None:
            return None
        return self.asymmetry <= threshold(self.session.precision)


def concluded(known: Conclusion, outcomes: Sequence[Outcome], tally: Tally) -> Report:
    """The report."""
    session, findings = known.session, tuple(_findings(known, outcomes))
    judge = session.judge
    shown = known.counterexample or next((o for o in outcomes if o.findings), None)
    verdict = _verdict(known, outcomes, findings, tally)
    is_wrong = verdict in ("wrong", "subject failed")
    again = "at=…" if known.is_own else f"seed={known.seed}"
    return Report(
        verdict=verdict,
        subject=judge.subject.name,
        chain=session.family,
        layout=judge.layout,
        findings=findings if is_wrong else (),
        counterexample=_counterexample(shown, session) if shown and is_wrong else None,
        evidence=replace(tally.evidence(), precision=session.precision.name),
        not_shown=known.not_shown,
        remarks=tuple(_remarks(known, outcomes)),
        seed=None if known.is_own else known.seed,
        again=f"backproof.check({judge.subject.name.rpartition(':')[2]}, …, {again})",
        convention=_convention(known),
        explanations=known.explanations if is_wrong else (),
        localisation=known.localisation,
        power=known.power,
        sensitivity=tally.sensitivity(),
        contract=known.contract,
        strict=known.strict,
    )


def _findings(known: Conclusion, outcomes: Sequence[Outcome]) -> Iterator[Finding]:
    """Those of the counterexample, or of the first point that has any; then those of kinks."""
    first = known.counterexample or next((o for o in outcomes if o.findings and not o.is_norm_wise), None)
    if first is not None:
        yield from first.findings
    if known.kinks and known.kinks.finding:
        yield known.kinks.finding
    for check in known.contract:
        if check.passed == "failed" and check.name in DECIDING:
            yield Finding("contract", check.sentence)


def _verdict(
    known: Conclusion, outcomes: Sequence[Outcome], findings: Sequence[Finding], tally: Tally
) -> Verdict:
    kinds = {o.kind for o in outcomes if o.kind and not o.is_norm_wise}
    if kinds and known.is_convention and kinds <= {"wrong gradient", "wrong loss"}:
        return "right up to a convention"
    if kinds & {"wrong gradient", "wrong loss", "not the same answer twice"}:
        return "wrong"
    if kinds:
        return "subject failed"
    if findings:
        return "wrong"
    if known.stability and known.stability.is_stable is False:
        return "right, unstable"
    return "right" if tally.entries else "inconclusive"


def _counterexample(outcome: Outcome, session: Session) -> Counterexample:
    asked = outcome.asked
    return Counterexample(
        asked.problem.network,
        asked.point,
        _call(outcome, session),
        tuple(layouts.laid_out(each, asked.problem, session.judge.layout) for each in outcome.errors()),
    )


def _call(outcome: Outcome, session: Session) -> str:
    judge, answer = session.judge, outcome.asked.answer
    lam = f", lam={outcome.asked.point.lam!r}" if judge.takes_lam else ""
    returned = "" if answer is None else "grads = " if answer.loss is None else "loss, grads = "
    name = judge.subject.name.rpartition(":")[2]
    return f"{returned}{name if name.isidentifier() else 'gradient'}(params, x, t{lam})"


def _convention(known: Conclusion) -> Convention | None:
    told = known.factors
    named = known.found if not isinstance(known.session.family, Graph) else ()
    layout = known.session.judge.layout
    if known.guarded:
        return Convention(layout, found=named, sentences=(known.guarded,), alternatives=known.alike)
    if told is None or not known.is_convention:
        return Convention(layout, found=named, alternatives=known.alike) if named else None
    sentences, alternatives = [], list(known.alike)
    for what, factor in (
        ("the data term's gradient", told.data),
        ("the penalty's gradient", told.penalty),
        ("of its own, it adds to ∂E/∂W λW times", told.weights),
        ("of its own, it adds to ∂E/∂b λb times", told.biases),
    ):
        if factor is None or factor.text == ("1" if what.startswith("the") else "0"):
            continue
        meaning = MEANINGS.get(factor.text)
        of_declared = what.startswith("the")
        times = f"is {factor.text} times that of {known.session.family}" if of_declared else factor.text
        sentences.append(f"{what} {times}" + (f": {meaning}" if meaning and of_declared else ""))
        alternatives += [f"{what}: {text}" for text in factor.alternatives]
    penalty = told.penalty or told.weights
    return Convention(
        layout,
        data=told.data.text,
        penalty=penalty.text if penalty else told.data.text,
        found=(*named, "scale"),
        sentences=tuple(sentences),
        alternatives=tuple(alternatives),
    )


def _remarks(known: Conclusion, outcomes: Sequence[Outcome]) -> Iterator[str]:
    yield from known.remarks
    changed = {path for o in outcomes if o.asked.returned for path in o.asked.returned.changed}
    if changed:
        yield f"it overwrites what it is given: {', '.join(sorted(changed))}"
    family = known.session.family
    if known.session.judge.takes_lam and not (isinstance(family, Graph) or family.objective.has_lambda):
        yield "it has a parameter lam, though the objective has no penalty"
    if known.alike:
        yield f"this run cannot tell its layout from {' or from '.join(known.alike)}"
    if any(o.is_norm_wise for o in outcomes):
        yield "right, norm-wise accurate: small entries are off by roundings of the large ones"
    if known.kinks and known.kinks.sentence:
        yield known.kinks.sentence
    if known.stability and known.stability.is_stable is False:
        yield known.stability.sentence
    if known.is_symmetric is False:
        yield f"no loss has this gradient: its derivative is not symmetric, by {known.asymmetry:.1g} of it"
    elif known.is_symmetric and known.factors and not known.factors.is_declared and known.is_declared:
        yield f"this is the gradient of another loss: the data term times {known.factors.data.text}" + (
            f", the penalty times {known.factors.penalty.text}" if known.factors.penalty else ""
        )
