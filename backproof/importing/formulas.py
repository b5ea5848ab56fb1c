"""Elementwise functions of frameworks as rows of the table of activations or as formulas in z.

A row's arguments are those of the framework's function after its tensor, by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from backproof.importing.operations import number

GELU: Final = {
    "none": "gelu",
    "tanh": "z*(1 + tanh(sqrt(2/pi)*(z + 0.044715*z**3)))/2",  # Hendrycks and Gimpel 2016, §2
}


def _alike(formula: str) -> Callable[..., str]:
    return lambda inplace=False: formula


def _hardtanh(min_val: float = -1, max_val: float = 1, inplace: bool = False) -> str:  # noqa: FBT001, FBT002
    if (min_val, max_val) == (-1, 1):
        return "hardtanh"
    return clamp(min_val, max_val)


def clamp(min: float | None = None, max: float | None = None) -> str:
    """z held between two bounds, either of which may be missing."""
    if min is None or max is None:
        kept, bound = (">", min) if max is None else ("<", max)
        return f"where(z {kept} {number(bound or 0)}, z, {number(bound or 0)})"
    return f"where(z <= {number(min)}, {number(min)}, z >= {number(max)}, {number(max)}, z)"


def _softplus(beta: float = 1, threshold: float = 20) -> str:
    """Linear where β z exceeds the threshold, as torch computes it; 2·10⁻⁹ from log(1 + exp(z)) at 20."""
    scaled = "z" if beta == 1 else f"({number(beta)}*z)"
    return f"where({scaled} > {number(threshold)}, z, log1p(exp({scaled}))/{number(beta)})"


FORMULAS: Final[Mapping[str, Callable[..., str]]] = {
    **{
        name: _alike(name)
        for name in ("relu", "tanh", "sigmoid", "selu", "mish", "relu6", "softsign", "hardsigmoid", "silu")
    },
    "hardswish": _alike("hardswish"),
    "leaky_relu": lambda negative_slope=0.01, inplace=False: f"leaky_relu({float(negative_slope)!r})",
    "elu": lambda alpha=1.0, inplace=False: f"elu({float(alpha)!r})",
    "celu": lambda alpha=1.0, inplace=False: f"where(z > 0, z, {number(alpha)}*expm1(z/{number(alpha)}))",
    "gelu": lambda approximate="none": GELU[approximate],
    "softplus": _softplus,
    "logsigmoid": _alike("min(z, 0) - log1p(exp(-abs(z)))"),
    "hardtanh": _hardtanh,
    "clamp": clamp,
    "softshrink": lambda lambd=0.5: (
        f"where(z > {number(lambd)}, z - {number(lambd)}, z < {number(-lambd)}, z + {number(lambd)}, 0)"
    ),
    "hardshrink": lambda lambd=0.5: f"where(z > {number(lambd)}, z, z < {number(-lambd)}, z, 0)",
    "tanhshrink": _alike("z - tanh(z)"),
    "threshold": lambda threshold, value, inplace=False: (
        f"where(z > {number(threshold)}, z, {number(value)})"
    ),
    "exp": _alike("exp"),
    "sin": _alike("sin"),
    "cos": _alike("cos(z)"),
    "log": _alike("log(z)"),
    "log1p": _alike("log1p(z)"),
    "expm1": _alike("expm1(z)"),
    "sqrt": _alike("sqrt(z)"),
    "rsqrt": _alike("1/sqrt(z)"),
    "square": _alike("z**2"),
    "reciprocal": _alike("1/z"),
    "abs": _alike("abs(z)"),
    "neg": _alike("-z"),
    "erf": _alike("erf(z)"),
    "atan": _alike("atan(z)"),
}
