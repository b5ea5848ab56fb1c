"""Losses and penalties, one row each.

A loss is a scale times a sum over samples and outputs of e(a, t), where a is the network's output (never a
logit) and t the target. A penalty is a factor times a sum over weights of p(w). Slopes are derived.
"""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import Final

import sympy as sp

from symbolic.activations import ACTIVATIONS, Activation, unknown
from symbolic.errors import FormulaError, InvalidNetwork
from symbolic.grammar.formula import parse_equation, parse_scalar, to_text

A, T, W = (sp.Symbol(name, real=True) for name in "atw")
SAMPLES, OUTPUTS, LAMBDA, EPSILON = (sp.Symbol(name, real=True) for name in ("m", "k", "lambda", "epsilon"))


@dataclass(frozen=True, slots=True)
class Head:
    """How people usually evaluate a loss straight from the pre-activation z of its `output` activation.

    `forms` are e in z and t, `error_forms` its slope in z, in z, a and t. For softmax they are e summed over
    the units and the slope in z_i, in the arrays Z, A, T and any real s; `one_error` holds where Σ t = 1.
    """

    output: str
    forms: tuple[str, ...]
    error_forms: tuple[str, ...]
    one_error: str | None = None


@dataclass(frozen=True, slots=True)
class LossRow:
    """One named loss; `epsilon` is the default of its parameter, if it has one.

    A definition may name k, the number of outputs. `needs_probability` refuses outputs outside (0, 1),
    `needs_positive` those that may be 0 or less. `forms` are what people write besides the definition.
    """

    name: str
    definition: str
    needs_probability: bool = False
    needs_positive: bool = False
    epsilon: sp.Rational | None = None
    forms: tuple[str, ...] = ()
    heads: tuple[Head, ...] = ()


_ENTROPY_OF_SOFTMAX: Final = (
    "-Sum(T[i]*log(exp(Z[i])/Sum(exp(Z[r]), r)), i)",
    "-Sum(T[i]*(Z[i] - log(Sum(exp(Z[r]), r))), i)",
    "-Sum(T[i]*(Z[i] - s - log(Sum(exp(Z[r] - s), r))), i)",
    "Sum(T[i], i)*log(Sum(exp(Z[r]), r)) - Sum(T[i]*Z[i], i)",
)

LOSSES: Final = {
    row.name: row
    for row in (
        LossRow("squared", "(a - t)**2", forms=("a**2 - 2*a*t + t**2", "abs(a - t)**2")),
        LossRow("half-squared", "(a - t)**2/2", forms=("0.5*(a - t)**2",)),
        LossRow(
            "cross-entropy",
            "-t*log(a)",
            needs_probability=True,
            forms=("t*log(1/a)",),
            heads=(
                Head("sigmoid", ("t*softplus(-z)", "t*log(1 + exp(-z))"), ("t*(a - 1)", "-t*sigmoid(-z)")),
                Head("softmax", _ENTROPY_OF_SOFTMAX, ("A[i]*Sum(T[r], r) - T[i]",), "A[i] - T[i]"),
            ),
        ),
        LossRow(
            "binary-cross-entropy",
            "-t*log(a) - (1 - t)*log(1 - a)",
            needs_probability=True,
            forms=("-(t*log(a) + (1 - t)*log(1 - a))",),
            heads=(
                Head(
                    "sigmoid",
                    (
                        "softplus(z) - t*z",
                        "max(z, 0) - t*z + log1p(exp(-abs(z)))",
                        "(1 - t)*z + softplus(-z)",
                        "t*softplus(-z) + (1 - t)*softplus(z)",
                    ),
                    ("a - t", "sigmoid(z) - t", "(1 - t)*a - t*(1 - a)"),
                ),
            ),
        ),
        LossRow(
            "label-smoothing",  # Szegedy et al. 2016, Rethinking the Inception Architecture, §7
            "-((1 - epsilon)*t + epsilon/k)*log(a)",
            needs_probability=True,
            epsilon=sp.Rational(1, 10),
            forms=("-(1 - epsilon)*t*log(a) - epsilon/k*log(a)", "-(t + epsilon*(1/k - t))*log(a)"),
            heads=(
                Head(
                    "softmax",
                    ("-Sum(((1 - epsilon)*T[i] + epsilon/k)*(Z[i] - log(Sum(exp(Z[r]), r))), i)",),
                    ("A[i]*((1 - epsilon)*Sum(T[r], r) + epsilon) - (1 - epsilon)*T[i] - epsilon/k",),
                    "A[i] - (1 - epsilon)*T[i] - epsilon/k",
                ),
            ),
        ),
        LossRow(
            "kl",  # t log(t/a), and its limit at t = 0
            "where(t > 0, t*log(t), 0) - t*log(a)",
            needs_probability=True,
            forms=("where(t > 0, t*log(t/a), 0)", "where(t > 0, t*(log(t) - log(a)), 0)"),
            heads=(Head("softmax", (), ("A[i]*Sum(T[r], r) - T[i]",), "A[i] - T[i]"),),
        ),
        LossRow(
            "poisson",
            "a - t*log(a)",
            needs_positive=True,
            heads=(
                Head("exp", ("exp(z) - t*z",), ("a - t", "exp(z) - t")),
                Head("sigmoid", ("sigmoid(z) + t*softplus(-z)",), ("(a - t)*(1 - a)",)),
            ),
        ),
        LossRow(
            "hinge",
            "max(1 - a*t, 0)",
            forms=("where(a*t < 1, 1 - a*t, 0)", "(1 - a*t + abs(1 - a*t))/2"),
        ),
        LossRow(
            "huber",
            "where(abs(a - t) <= 1, (a - t)**2/2, abs(a - t) - 1/2)",
            forms=(
                "where(abs(a - t) < 1, (a - t)**2/2, abs(a - t) - 1/2)",
                "min(abs(a - t), 1)*(abs(a - t) - min(abs(a - t), 1)/2)",
            ),
        ),
    )
}

_TARGET: Final = "E = "
_NAME: Final = re.compile(r"[A-Za-z][\w-]*")
_CALL: Final = re.compile(r"(?P<name>[A-Za-z][\w-]*)\s*\((?P<argument>[-+0-9.eE/ ]+)\)")
SCALES: Final = ("1", "1/m", "1/(m*k)")
PENALTIES: Final = {"l2": "w**2", "l1": "abs(w)"}


@dataclass(frozen=True)
class Loss:
    """The loss per output and sample: a named row with its parameter, an undefined E(a, t), or a formula in a
    and t.
    """

    text: str
    row: LossRow | None = None
    epsilon: sp.Rational | None = None
    outputs: int | None = None

    @cached_property
    def definition(self) -> sp.Expr | None:
        """e(a, t) as an expression in `A` and `T`, and in `OUTPUTS` while their number is open; None where
        undefined.
        """
        return _definition(self)

    def of_outputs(self, count: int | sp.Symbol) -> Loss:
        """The loss of so many outputs, for a row whose definition names their number."""
        uncounted = replace(self, outputs=None).definition
        names_count = uncounted is not None and uncounted.has(OUTPUTS)
        return replace(self, outputs=count) if names_count and isinstance(count, int) else self

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


@cache
def _definition(given: Loss) -> sp.Expr | None:
    """Read once for all networks with this loss."""
    if given.undefined:
        return None
    if given.row is None:
        return parse_scalar(given.text, names=("a", "t"))
    known = {EPSILON: given.epsilon, OUTPUTS: given.outputs and sp.Integer(given.outputs)}
    read = parse_scalar(given.row.definition, names=("a", "t", "k", "epsilon"))
    return read.xreplace({symbol: value for symbol, value in known.items() if value is not None})


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
    """Read `cross-entropy`, `label-smoothing(0.2)`, `E` or a formula in a and t such as `(a - t)**4`.

    A formula is the term of one output, which is summed over all of them; `Sum((a[k] - t[k])**4, k)` says the
    same. Raises InvalidNetwork for an unknown name, FormulaError for a formula that does not parse.

    >>> loss("Sum((a[k] - t[k])**4, k)/2") == loss("(a - t)**4/2")
    True
    """
    name = text.strip()
    if "Sum(" in name:
        return Loss(to_text(_term(name)))
    call = _CALL.fullmatch(name)
    if name in LOSSES:
        return Loss(name, LOSSES[name], LOSSES[name].epsilon)
    if call and call["name"] in LOSSES:
        return _with_parameter(LOSSES[call["name"]], call["argument"].strip())
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


def _term(text: str) -> sp.Expr:
    """The term of one output in a loss that is written as a sum over the outputs."""
    try:
        value = parse_equation(_TARGET + text).value
    except FormulaError as error:
        raise FormulaError(error.problem, text, max(error.position - len(_TARGET), 0)) from None
    found = sp.S.Zero
    for part in sp.Add.make_args(sp.expand_mul(value)):
        factor, total = part.as_independent(sp.Sum)
        is_sum = isinstance(total, sp.Sum) and len(total.limits) == 1
        index = total.limits[0][0] if is_sum else None
        swaps = {sp.IndexedBase(each.name, real=True)[index]: each for each in (A, T) if is_sum}
        term = (factor * total.function).xreplace(swaps) if is_sum else part
        if not is_sum or term.free_symbols - {A, T}:
            raise InvalidNetwork(
                f"{text} is no sum over k of terms in a[k] and t[k]; what mixes outputs is a layer of its "
                "own, Layer.from_equations(...)"
            )
        found += term
    return found


def _with_parameter(row: LossRow, argument: str) -> Loss:
    if row.epsilon is None:
        raise InvalidNetwork(
            f"loss '{row.name}' has no parameter, but {argument} was given; write '{row.name}'"
        )
    epsilon = parse_scalar(argument, names=())
    if not 0 < epsilon < 1:
        raise InvalidNetwork(
            f"{row.name} takes the share of the targets that is spread over all outputs, between 0 and 1, "
            f"but {argument} was given; write '{row.name}({to_text(row.epsilon)})', or cross-entropy for 0"
        )
    return Loss(row.name if epsilon == row.epsilon else f"{row.name}({to_text(epsilon)})", row, epsilon)


def check_output(output: Activation, loss: Loss) -> None:
    """Raise InvalidNetwork for a loss that takes logarithms of what may have none."""
    if loss.row is None or output.row is None:
        return
    if loss.row.needs_probability and not output.row.is_probability:
        raise InvalidNetwork(
            f"{loss.name} takes logarithms of the output, which {output.name} does not keep in (0, 1); "
            "choose the output softmax or sigmoid, or another loss"
        )
    if loss.row.needs_positive and not output.row.is_positive:
        *others, last = (row.name for row in ACTIVATIONS.values() if row.is_positive)
        raise InvalidNetwork(
            f"{loss.name} takes the logarithm of the output, which {output.name} does not keep above 0; "
            f"choose the output {', '.join(others)} or {last}, or another loss"
        )


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
