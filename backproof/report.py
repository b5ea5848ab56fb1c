"""What `check` finds out, as values: verdict, findings, convention, explanations, power, evidence.

An entry has two names: W1[2,1], as mathematics counts, and grads[0][0][1, 0], as the subject returned it.
How a report is written down is in `backproof.reports`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from backproof.graph_points import GraphPoint
from backproof.points import Point
from symbolic.conventions import Layout
from symbolic.graph import Graph
from symbolic.network import Chain, Network

Verdict: TypeAlias = Literal[
    "right", "right up to a convention", "right, unstable", "wrong", "inconclusive", "subject failed"
]
Kind: TypeAlias = Literal[
    "failed", "wrong loss", "not finite", "wrong gradient", "not the same answer twice", "contract"
]
Passed: TypeAlias = Literal["passed", "failed", "could not tell", "left out"]
EXIT_STATUS: Final[dict[Verdict, int]] = {
    "right": 0,
    "right up to a convention": 0,
    "right, unstable": 0,
    "wrong": 1,
    "subject failed": 3,
    "inconclusive": 4,
}
STRICT: Final = 1  # the exit status of what is right with a reservation, under --strict


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One value of the subject's, at a path into what it returned, and what it should be within the bound."""

    name: str
    path: str
    derived: float
    subject: float
    bound: float


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. `tally` says of how many entries of each array; `detail` is the subject's own
    output or traceback.
    """

    kind: Kind
    sentence: str
    disagreements: tuple[Disagreement, ...] = ()
    tally: tuple[tuple[str, int, int], ...] = ()
    detail: str = ""


@dataclass(frozen=True, slots=True)
class ErrorMap:
    """The error of every entry of one array of the gradient, in units of its bound (0 where not counted)."""

    name: str
    shape: tuple[int, ...]
    errors: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Counterexample:
    """A network and a point on which the subject is wrong or fails; `call` is how it was asked."""

    network: Network | Graph
    point: Point | GraphPoint
    call: str
    errors: tuple[ErrorMap, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was compared: sizes are the largest, `error` the largest one in units of the bound; `grey` entries
    lie between the two bounds.
    """

    networks: int
    points: int
    losses: int
    entries: int
    error: float
    precision: str
    layers: int
    units: int
    samples: int
    not_counted: tuple[tuple[str, int], ...]
    grey: int = 0


@dataclass(frozen=True, slots=True)
class Convention:
    """How the subject's gradient is that of the family: its layout, and the factors of the data term and of
    the penalty, each one formula in m, k, lambda at all shapes. `found` names what was not declared.

    `sentences` tell where it differs from what was assumed; `alternatives` are what this run cannot tell from
    it.
    """

    layout: Layout
    data: str = "1"
    penalty: str = "1"
    found: tuple[str, ...] = ()
    sentences: tuple[str, ...] = ()
    alternatives: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    """A wrong formula whose gradient equals the subject's on every counted entry.

    `number` is its row in the catalogue of bugs; `derived` and `formula` are the equation as it should be and
    as the subject has it, in text, `derived_latex` and `latex` in LaTeX. `residual` is the largest error
    left, in units of the bound, over `entries` entries of the arrays named by `parameters`. `constants` are
    fitted. `equivalents` are other mutants with the same gradient at every point tried.
    """

    bug: str
    number: int | None
    derived: str
    formula: str
    derived_latex: str
    latex: str
    parameters: tuple[str, ...]
    residual: float
    entries: int
    networks: int
    operators: int = 1
    constants: tuple[str, ...] = ()
    equivalents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Power:
    """Which wrong formulas would have been seen: by an entry at which they differ beyond both bounds.

    Of those never seen some are the same formula in this family, which is proved; others were not seen, or
    could not be decided.
    """

    seen: tuple[str, ...] = ()
    same: tuple[str, ...] = ()
    not_seen: tuple[str, ...] = ()
    undecided: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """The relative error that would have been seen in half of the non-zero entries, and in 99 % of them."""

    half: float
    most: float


@dataclass(frozen=True, slots=True)
class ContractCheck:
    """One named check of the contract, and what it says."""

    name: str
    passed: Passed
    sentence: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """The answer to one check, and what it leaves open. `again` repeats it; one's own point has no seed."""

    verdict: Verdict
    subject: str
    chain: Chain | Graph
    layout: Layout
    findings: tuple[Finding, ...]
    counterexample: Counterexample | None
    evidence: Evidence
    not_shown: tuple[str, ...]
    remarks: tuple[str, ...]
    seed: int | None
    again: str
    convention: Convention | None = None
    explanations: tuple[Explanation, ...] = ()
    localisation: tuple[str, ...] = ()
    power: Power = field(default_factory=Power)
    sensitivity: Sensitivity | None = None
    contract: tuple[ContractCheck, ...] = ()
    strict: bool = False

    @property
    def exit_status(self) -> int:
        """0 right, 1 wrong, 3 the subject failed, 4 undecided; under `strict` a reservation is wrong."""
        reserved = self.verdict in ("right up to a convention", "right, unstable") or (
            self.verdict == "right" and any(check.passed == "failed" for check in self.contract)
        )
        return STRICT if self.strict and reserved else EXIT_STATUS[self.verdict]

    def __str__(self) -> str:
        return self.text()

    def text(self) -> str:
        """The report in lines, the verdict first."""
        from backproof.reports.text import text  # how it is written; values need not know it before

        return text(self)

    def to_json(self) -> str:
        """The whole report as JSON, by the schema `backproof/reports/schema.json`."""
        from backproof.reports.as_json import to_json

        return to_json(self)

    def to_html(self) -> str:
        """One self-contained HTML page."""
        from backproof.reports.html import to_html

        return to_html(self)


def counted(number: int, noun: str) -> str:
    """1 layer, 2 layers."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
