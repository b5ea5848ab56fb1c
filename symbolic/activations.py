"""Activations: a named row with its parameter, an undefined g, or a user's formula in z.

What a row does not say is derived from it here: SymPy differentiates the definition, and the one-sided slopes
at a kink are those of the pieces that meet there.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, Final, Literal

import sympy as sp
from sympy.core.relational import Relational

from symbolic.activation_row import ActivationRow as ActivationRow
from symbolic.activation_row import Root as Root
from symbolic.activation_row import Z as Z
from symbolic.activation_rows import ACTIVATIONS as ACTIVATIONS
from symbolic.errors import InvalidNetwork, Unsupported
from symbolic.grammar.formula import parse_scalar, to_text

ALPHA: Final = sp.Symbol("alpha", real=True)
VALUE: Final = sp.Symbol("a", real=True)
AtKinks = Literal["definition", "left", "right", "mean"]
AT_KINKS: Final[dict[str, Callable[[sp.Expr, sp.Expr], sp.Expr] | None]] = {
    "definition": None,
    "left": lambda left, right: left,
    "right": lambda left, right: right,
    "mean": lambda left, right: (left + right) / 2,
}
_CALL = re.compile(r"\s*(?P<name>[A-Za-z_]\w*)\s*(?:\(\s*(?P<argument>[-+0-9.eE/ ]+)\)\s*)?")


@dataclass(frozen=True)
class Activation:
    """One activation: a named row with its parameter, an undefined g, or a user's formula in z.

    `at_kinks` says which slope is meant where the one from the left and the one from the right differ.
    """

    text: str
    row: ActivationRow | None = None
    alpha: sp.Rational | None = None
    at_kinks: AtKinks = "definition"

    @cached_property
    def definition(self) -> sp.Expr | None:
        """g(z) as an expression in `Z`; None for an undefined g and for softmax, a layer of its own."""
        if self.row is None:
            return None if self.undefined else parse_scalar(self.text, names=("z",))
        return self._read(self.row.definition) if self.row.definition else None

    @cached_property
    def slope(self) -> sp.Expr | None:
        """g'(z), by SymPy from the definition, at kinks as `at_kinks` says."""
        return None if self.definition is None else self._chosen(self.definition.diff(Z))

    @cached_property
    def kinks(self) -> tuple[sp.Expr, ...]:
        """Where the slope jumps."""
        if self.row is not None or self.definition is None:
            return tuple(map(sp.Rational, self.row.kinks)) if self.row else ()
        cuts = sorted(_cuts(self.definition))
        return tuple(cut for cut in cuts if len(set(self.one_sided_slopes(cut))) == 2)

    def _chosen(self, slope: sp.Expr) -> sp.Expr:
        """The slope with the values at kinks that `at_kinks` names, by definition those of the pieces."""
        pick = AT_KINKS[self.at_kinks]
        if pick is None or not self.kinks:
            return slope
        chosen = [(pick(*self.one_sided_slopes(kink)), sp.Eq(Z, kink)) for kink in self.kinks]
        return sp.Piecewise(*chosen, (slope, True))

    @cached_property
    def slope_by_value(self) -> sp.Expr | None:
        """g'(z) as an expression in `VALUE`, the activation's own value, where the row knows one."""
        known = self.row and self.row.slope_by_value
        return parse_scalar(known, names=("a",)) if known else None

    def one_sided_slopes(self, kink: sp.Rational | int) -> tuple[sp.Expr, sp.Expr]:
        """The slopes at a point from the left and from the right, by the pieces that hold beside it.

        >>> activation("leaky_relu").one_sided_slopes(0)
        (1/100, 1)
        """
        assert self.definition is not None, f"{self.text} has no formula in z"
        meet = sp.Rational(kink)
        away = [abs(cut - meet) for cut in _cuts(self.definition) if cut != meet]
        step = min(away, default=sp.Integer(2)) / 2
        left, right = (
            _piece_at(self.definition, meet + side * step).diff(Z).xreplace({Z: meet}) for side in (-1, 1)
        )
        return left, right

    @property
    def has_logs(self) -> bool:
        """Whether log a has a stable form in z, and log(1 − a) too where a is a probability."""
        return self.row is not None and self.row.has_logs

    def stable_logs(self) -> tuple[sp.Expr, ...]:
        """log a and, for a probability, log(1 − a) in z, for an activation of single units."""
        assert self.row is not None
        return tuple(map(self._read, self.row.logs))

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
        return self._stable_lines

    @cached_property
    def _stable_lines(self) -> tuple[tuple[str, sp.Expr], ...]:
        if self.row is None or not self.row.stable:
            assert self.definition is not None and self.slope is not None
            return (("value", self.definition), ("slope", self.slope))  # the slope is chosen already
        known = ["z", *(part for root in self.row.roots for part in (root.name, root.rest))]
        lines = []
        for line in self.row.stable:
            name, _, formula = line.partition(" = ")
            read = self._read(formula, tuple(known))
            lines.append((name, self._chosen(read) if name == "slope" else read))
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


def _cuts(formula: sp.Expr) -> set[sp.Expr]:
    """Where one piece of a formula in z gives way to another; Unsupported if no polynomial says where."""
    differences = [relation.lhs - relation.rhs for relation in formula.atoms(Relational)]
    if not all(difference.is_polynomial(Z) for difference in differences):
        raise Unsupported(f"the kinks of {to_text(formula)} are not where a polynomial vanishes")
    return {root for difference in differences for root in sp.real_roots(difference)}


def _piece_at(formula: sp.Expr, z: sp.Expr) -> sp.Expr:
    """The formula without case distinctions that holds around a point where no pieces meet."""

    def holding(*pieces: Any) -> sp.Expr:
        return next(value for value, condition in pieces if condition.xreplace({Z: z}) == sp.true)

    return formula.replace(sp.Piecewise, holding)


def unknown(kind: str, name: str, choices: list[str]) -> str:
    """The sentence for a name that is not in a table."""
    close = difflib.get_close_matches(name, choices, n=1)
    hint = f" (did you mean '{close[0]}'?)" if close else ""
    return f"no {kind} '{name}'{hint}; choose from {', '.join(choices)}"
