"""Second derivatives of activations, as stable as their slopes: the stable lines differentiated.

With lines u = f(z), v = h(u, z), …, slope = s(u, v, z), the chain rule along the lines gives

    du = f'(z),    dv = h_u du + h_z,    …,    curvature = s_u du + s_v dv + s_z.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import sympy as sp

from symbolic.activations import Activation, Z
from symbolic.expressions import Expr
from symbolic.grammar.formula import parse_scalar
from symbolic.grammar.functions import absolute

# z² would overflow where the density has long been 0
_GIVEN: Final[Mapping[str, tuple[str, ...]]] = {
    "gelu": ("n = max(min(z, 40), -40)", "curvature = (2 - n**2)*exp(-n**2/2)/sqrt(2*pi)"),
}


def slope_and_curvature(activation: Activation) -> list[tuple[str, Expr]]:
    """The stable lines with the derivative of each, ending in `curvature`."""
    if activation.name in _GIVEN:
        return _read(_GIVEN[activation.name])
    lines: list[tuple[str, Expr]] = []
    known: dict[str, Expr] = {"z": sp.S.One}
    for name, formula in activation.stable_lines():
        if name != "slope":
            lines.append((name, formula))
        called = "curvature" if name == "slope" else f"d{name}"
        derivative = _derivative(formula, known)
        lines.append((called, derivative))
        if derivative != 0:
            known[name] = sp.Symbol(called, real=True)
    return lines


def _derivative(formula: Expr, known: Mapping[str, Expr]) -> Expr:
    """df/dz, given dv/dz of every variable v that varies with z."""
    at_zero = formula.replace(sp.Piecewise, _from_the_right)
    parts = {symbol: at_zero.diff(symbol) for symbol in at_zero.free_symbols if symbol.name in known}
    ordered = sorted(parts.items(), key=lambda part: str(part[0]))
    return sp.Add(*(_factored(part) * known[symbol.name] for symbol, part in ordered))


def _from_the_right(*pieces: tuple[Expr, Expr]) -> Expr:
    """|x| with the slope 1 at 0, where lines by cases take the case z ≥ 0; anything else as it is."""
    node = sp.Piecewise(*pieces)
    inside = pieces[0][0]
    return sp.Piecewise((inside, inside >= 0), (-inside, True)) if absolute(inside) == node else node


def _factored(value: Expr) -> Expr:
    return value if value.has(sp.Piecewise) else sp.factor(value)


def _read(lines: tuple[str, ...]) -> list[tuple[str, Expr]]:
    known, found = [Z.name], []
    for line in lines:
        name, _, formula = line.partition(" = ")
        found.append((name, parse_scalar(formula, names=tuple(known))))
        known.append(name)
    return found
