"""Losses and penalties, one row each.

A loss is a scale times a sum over samples and outputs of e(a, t), where a is the network's output (never a
logit) and t the target. A penalty is a factor times a sum over weights of p(w). Slopes are derived.
"""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Final

import sympy as sp

from symbolic.activations import unknown
from symbolic.errors import FormulaError, InvalidNetwork
from symbolic.grammar.formula import parse_scalar, to_text

A, T, W = (sp.Symbol(name, real=True) for name in "atw")
SAMPLES, OUTPUTS, LAMBDA = (sp.Symbol(name, real=True) for name in ("m", "k", "lambda"))


@dataclass(frozen=True, slots=True)
class LossRow:
    """One named loss; `needs_probability` refuses outputs outside (0, 1)."""

    name: str
    definition: str
    needs_probability: bool = False


LOSSES: Final = {
    row.name: row
    for row in (
        LossRow(
            "squared",
            "(a - t)**2",
        ),
        LossRow(
            "half-squared",
            "(a - t)**2/2",
        ),
        LossRow("cross-entropy", "-t*log(a)", needs_probability=True),
        LossRow(
            "binary-cross-entropy",
            "-t*log(a) - (1 - t)*log(1 - a)",
            needs_probability=True,
        ),
        LossRow(
            "huber",
            "where(abs(a - t) <= 1, (a - t)**2/2, abs(a - t) - 1/2)",
        ),
    )
}

_NAME: Final = re.compile(r"[A-Za-z][\w-]*")
SCALES: Final = ("1", "1/m", "1/(m*k)")
PENALTIES: Final = {"l2": "w**2", "l1": "abs(w)"}


@dataclass(frozen=True)
class Loss:
    """The loss per output and sample: a named row, an undefined E(a, t), or a formula in a and t."""

    text: str
    row: LossRow | None = None

    @cached_property
    def definition(self) -> sp.Expr | None:
        """e(a, t) as an expression in `A` and `T`; None where undefined."""
        if self.undefined:
            return None
        return parse_scalar(self.row.definition if self.row else self.text, names=("a", "t"))

    @cached_property
    def slope(self) -> sp.Expr | None:
        """∂e/∂a, by SymPy from the definition."""
        return None if self.definition is None else self.definition.diff(A)

    @property
    def undefined(self) -> bool:
        return self.row is None and self.text == "E"

    @property
    def name(self) -> str:
        return self.row.name if self.row else ("E" if self.undefined else "formula")


@dataclass(frozen=True)
class Penalty:
    """`factor` (a formula in lambda and m) times Σ p(w), over the weights or over weights and biases."""

    norm: str
    factor: sp.Expr
    biases: bool = False

    @property
    def text(self) -> str:
        """p(w) as it is written in the table."""
        return PENALTIES[self.norm]

    @property
    def definition(self) -> sp.Expr:
        """p(w) as an expression in `W`."""
        return parse_scalar(self.text, names=("w",))


@cache
def loss(text: str) -> Loss:
    """Read `cross-entropy`, `E` or a formula in a and t such as `(a - t)**4`.

    Raises InvalidNetwork for an unknown name, FormulaError for a formula that does not parse.
    """
    name = text.strip()
    if name in LOSSES:
        return Loss(name, LOSSES[name])
    if name == "E":
        return Loss("E")
    if name == "mse":
        raise InvalidNetwork(
            "loss 'mse' has two readings; choose 'squared' with scale 1/(m*k), the mean over samples "
            "and outputs, or 'half-mse', one half of the squared error with scale 1/m"
        )
    if _NAME.fullmatch(name) and not set(name.split("-")) <= {"a", "t"}:
        raise InvalidNetwork(
            unknown("loss", name, [*LOSSES, "half-mse", "E (undefined)", "or a formula in a and t"])
        )
    return Loss(to_text(parse_scalar(name, names=("a", "t"))))


def scale(text: str) -> sp.Expr:
    """Read one of the three scales of the sum over samples and outputs, as an expression in m and k."""
    for choice in SCALES:
        known = parse_scalar(choice, names=("m", "k"))
        with contextlib.suppress(FormulaError):
            if parse_scalar(text, names=("m", "k")) == known:
                return known
    raise InvalidNetwork(f"no scale '{text}'; choose from {', '.join(SCALES)}")


def penalty(norm: str, factor: str, *, biases: bool = False) -> Penalty:
    """Read a penalty such as `penalty("l2", "lambda/(2*m)")`."""
    if norm not in PENALTIES:
        raise InvalidNetwork(unknown("penalty", norm, list(PENALTIES)))
    return Penalty(norm, parse_scalar(factor, names=("lambda", "m")), biases)
