"""Activations, one row each: what cannot be derived. Slopes, code, LaTeX and tests come from the row.

A definition is a formula in z; SymPy differentiates it. The stable lines say how to evaluate value and slope
in floating point for every finite z; they are formulas in the same grammar, held against the definition by
tests and proofs. Where two pieces of a definition meet, the second piece holds at the point itself: relu'(0)
= 0.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Final

import sympy as sp

from symbolic.errors import InvalidNetwork
from symbolic.grammar.formula import parse_scalar, to_text

Z: Final = sp.Symbol("z", real=True)
ALPHA: Final = sp.Symbol("alpha", real=True)
VALUE: Final = sp.Symbol("a", real=True)
_CALL = re.compile(r"\s*(?P<name>[A-Za-z_]\w*)\s*(?:\(\s*(?P<argument>[-+0-9.eE/ ]+)\)\s*)?")


@dataclass(frozen=True, slots=True)
class Root:
    """A constant of stable lines: where `equation` (a formula in z) vanishes, near `start`.

    In floating point it is two numbers, the nearest float and the rest; in exact arithmetic the rest is 0.
    """

    name: str
    equation: str
    start: float

    @property
    def rest(self) -> str:
        return f"{self.name}_rest"

    def floats(self) -> tuple[float, float]:
        """The nearest float and what it misses, so that their sum holds 32 digits."""
        exact = sp.nsolve(parse_scalar(self.equation, names=("z",)), Z, self.start, prec=50)
        return float(exact), float(exact - sp.Float(float(exact), 50))


@dataclass(frozen=True, slots=True)
class ActivationRow:
    """One named activation; `alpha` is the default of its parameter, if it has one.

    `kinks` are the points where the slope jumps; `slope_by_value` writes the slope in the value a; `logs` are
    stable forms of log a and log(1-a), for losses that take logarithms of a probability; `constants` are the
    roots that stable lines name, each with the equation it solves and a starting point.
    """

    name: str
    definition: str
    stable: tuple[str, ...] = ()
    alpha: sp.Rational | None = None
    kinks: tuple[int, ...] = ()
    slope_by_value: str | None = None
    logs: tuple[str, str] | None = None
    roots: tuple[Root, ...] = ()
    layer: str = "elementwise"
    is_probability: bool = False

    @property
    def has_logs(self) -> bool:
        return self.logs is not None or self.layer == "softmax"


_POSITIVE_EXP = "e = exp(-abs(z))"
_SIGMOID = "s = where(z >= 0, 1, e)/(1 + e)"

_ROWS: Final = (
    ActivationRow("identity", "z", ("value = z", "slope = 1")),
    ActivationRow(
        "sigmoid",
        "1/(1 + exp(-z))",
        (_POSITIVE_EXP, "value = where(z >= 0, 1, e)/(1 + e)", "slope = e/(1 + e)**2"),
        slope_by_value="a*(1 - a)",
        logs=("-(max(-z, 0) + log1p(exp(-abs(z))))", "-(max(z, 0) + log1p(exp(-abs(z))))"),
        is_probability=True,
    ),
    ActivationRow(
        "tanh",
        "tanh(z)",
        ("e = exp(-2*abs(z))", "value = tanh(z)", "slope = 4*e/(1 + e)**2"),
        slope_by_value="1 - a**2",
    ),
    ActivationRow("relu", "max(z, 0)", ("value = max(z, 0)", "slope = where(z > 0, 1, 0)"), kinks=(0,)),
    ActivationRow(
        "leaky_relu",
        "where(z > 0, z, alpha*z)",
        ("value = where(z > 0, z, alpha*z)", "slope = where(z > 0, 1, alpha)"),
        alpha=sp.Rational(1, 100),
        kinks=(0,),
    ),
    ActivationRow(
        "elu",
        "where(z > 0, z, alpha*(exp(z) - 1))",
        ("n = min(z, 0)", "value = where(z > 0, z, alpha*expm1(n))", "slope = where(z > 0, 1, alpha*exp(n))"),
        alpha=sp.Integer(1),
        kinks=(0,),
    ),
    ActivationRow(
        "softplus",
        "log(1 + exp(z))",
        (_POSITIVE_EXP, "value = max(z, 0) + log1p(e)", "slope = where(z >= 0, 1, e)/(1 + e)"),
    ),
    ActivationRow(
        "silu",
        "z/(1 + exp(-z))",
        (
            _POSITIVE_EXP,
            _SIGMOID,
            "value = z*s",
            # 1 + z + exp(z) vanishes at z0; written from there, nothing cancels
            "u = min(z, 0) - z0",
            "d = u - z0_rest",
            "slope = where(z >= 0, 1 + e + z*e, e*(d - (1 + z0)*expm1(d)))/(1 + e)**2",
        ),
        roots=(Root("z0", "1 + z + exp(z)", -1.278),),
    ),
    ActivationRow(
        "gelu",
        "z*(1 + erf(z/sqrt(2)))/2",
        ("value = z*erfc(-z/sqrt(2))/2", "slope = erfc(-z/sqrt(2))/2 + z*exp(-z**2/2)/sqrt(2*pi)"),
    ),
    ActivationRow(
        "softsign",
        "z/(1 + abs(z))",
        ("value = z/(1 + abs(z))", "slope = (1/(1 + abs(z)))**2"),
    ),
    ActivationRow("sin", "sin(z)", ("value = sin(z)", "slope = cos(z)")),
    ActivationRow("exp", "exp(z)", ("value = exp(z)", "slope = exp(z)"), slope_by_value="a"),
    ActivationRow("softmax", "", layer="softmax", is_probability=True),
)

ACTIVATIONS: Final = {row.name: row for row in _ROWS}


@dataclass(frozen=True)
class Activation:
    """One activation: a named row with its parameter, an undefined g, or a user's formula in z."""

    text: str
    row: ActivationRow | None = None
    alpha: sp.Rational | None = None

    @cached_property
    def definition(self) -> sp.Expr | None:
        """g(z) as an expression in `Z`; None for an undefined g and for softmax, a layer of its own."""
        if self.row is None:
            return None if self.undefined else parse_scalar(self.text, names=("z",))
        return self._read(self.row.definition) if self.row.definition else None

    @cached_property
    def slope(self) -> sp.Expr | None:
        """g'(z), by SymPy from the definition."""
        return None if self.definition is None else self.definition.diff(Z)

    @cached_property
    def slope_by_value(self) -> sp.Expr | None:
        """g'(z) as an expression in `VALUE`, the activation's own value, where the row knows one."""
        known = self.row and self.row.slope_by_value
        return parse_scalar(known, names=("a",)) if known else None

    @property
    def has_logs(self) -> bool:
        """Whether log a and log(1 − a) have stable forms in z."""
        return self.row is not None and self.row.has_logs

    def stable_logs(self) -> tuple[sp.Expr, sp.Expr]:
        """log a and log(1 − a) in z, for an activation of single units that has stable forms of them."""
        assert self.row is not None and self.row.logs is not None
        return (self._read(self.row.logs[0]), self._read(self.row.logs[1]))

    @property
    def undefined(self) -> bool:
        return self.row is None and self.text == "g"

    @property
    def layer(self) -> str:
        return "elementwise" if self.row is None else self.row.layer

    @property
    def name(self) -> str:
        """The name of the row, `g` where undefined, `formula` for a user's own."""
        return self.row.name if self.row else ("g" if self.undefined else "formula")

    def stable_lines(self) -> tuple[tuple[str, sp.Expr], ...]:
        """Assignments (name, formula) in order, ending in `value` and `slope`; a formula of the user's is its
        own.
        """
        if self.row is None or not self.row.stable:
            assert self.definition is not None and self.slope is not None
            return (("value", self.definition), ("slope", self.slope))
        known = ["z", *(part for root in self.row.roots for part in (root.name, root.rest))]
        lines = []
        for line in self.row.stable:
            name, _, formula = line.partition(" = ")
            lines.append((name, self._read(formula, tuple(known))))
            known.append(name)
        return tuple(lines)

    def _read(self, formula: str, names: tuple[str, ...] = ("z",)) -> sp.Expr:
        expression = parse_scalar(formula, names=(*names, "alpha"))
        return expression if self.alpha is None else expression.xreplace({ALPHA: self.alpha})


@cache
def activation(text: str) -> Activation:
    """Read `tanh`, `leaky_relu(0.2)`, `g` or a formula in z such as `z*tanh(z)`.

    Raises InvalidNetwork for an unknown name, FormulaError for a formula that does not parse.
    """
    call = _CALL.fullmatch(text)
    if call is None:
        return Activation(to_text(parse_scalar(text, names=("z",))))
    name, argument = call["name"], call["argument"]
    if name == "g" and argument is None:
        return Activation("g")
    if name == "z" and argument is None:
        return activation("identity")
    row = ACTIVATIONS.get(name)
    if row is None:
        raise InvalidNetwork(
            unknown("activation", name, [*sorted(ACTIVATIONS), "g (undefined)", "or a formula in z"])
        )
    if argument is None:
        alpha = row.alpha
    elif row.alpha is None:
        raise InvalidNetwork(
            f"activation '{name}' has no parameter, but {argument.strip()} was given; write '{name}'"
        )
    else:
        alpha = parse_scalar(argument, names=())
    shown = name if alpha is None or alpha == row.alpha else f"{name}({to_text(alpha)})"
    return Activation(shown, row, alpha)


def unknown(kind: str, name: str, choices: list[str]) -> str:
    """The sentence for a name that is not in a table."""
    close = difflib.get_close_matches(name, choices, n=1)
    hint = f" (did you mean '{close[0]}'?)" if close else ""
    return f"no {kind} '{name}'{hint}; choose from {', '.join(choices)}"
