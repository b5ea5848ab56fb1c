"""Source of gelu, z·Φ(z), and its slope Φ(z) + z·φ(z), to a few ulp for every z.

erfc is called on an argument of few digits (the standard library's, entry by entry, where a language has
none); the step from there to -z/√2, and exp(-z²/2), are made without rounding the argument. Near the root of
the slope its Taylor polynomial is used. All of this is for float64.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import sympy as sp

from symbolic.activations import Root
from symbolic.codegen.arrays.dialect import Dialect

ROOT: Final = Root("z0", "(1 + erf(z/sqrt(2)))/2 + z*exp(-z**2/2)/sqrt(2*pi)", -0.75)
TERMS: Final = 18  # the next term is below 1e-18 for |z - z0| < 1/4

_NORMAL: Final = '''def _normal(z):
    """Φ(z) and φ(z) of the normal distribution."""
    z = {np}.clip(z, -40.0, 40.0)
    q = {np}.round(16 * z) / 16
    density = {coarse} * {np}.exp(-(z - q) * (z + q) / 2) / {root_two_pi}
    x = {np}.round(z * {minus_root_half} * 2**{digits}) / 2**{digits}
    step = ((-z - x * {root_two_high}) - x * {root_two_low}) / {root_two}
    tail = {erfc}
    return tail / 2 - {root_two} * density * (step - z * {root_half} * step * step), density'''

_VALUE: Final = '''def _gelu(z):
    """g(z) = z·Φ(z)."""
    return z * _normal(z)[0]'''

_VALUE_AND_SLOPE: Final = '''def _gelu_and_slope(z):
    """g(z) = z·Φ(z) and g'(z) = Φ(z) + z·φ(z), by its Taylor polynomial near the root of the slope."""
    below, density = _normal(z)
    step = {np}.clip((z - {root}) - {rest}, -0.25, 0.25)
    near = {np}.zeros_like(step)
    for coefficient in {coefficients}:
        near = near * step + coefficient
    far = below + {np}.clip(z, -40.0, 40.0) * density
    return z * below, {np}.where({np}.abs(step) < 0.25, near * step, far)'''


def gelu_sources(dialect: Dialect) -> dict[str, str]:
    """Source of `_gelu`, `_gelu_and_slope` and of `_normal`, which both call."""
    high = float(sp.floor(sp.sqrt(2) * 2**23) / sp.Integer(2) ** 23)
    numbers = {
        "np": dialect.np,
        "digits": dialect.texts["digits"],
        "coarse": dialect.text("opaque", value=f"{dialect.np}.exp(-q * q / 2)"),
        "erfc": dialect.text("vectorized", name="erfc"),
        "root_two_pi": repr(float(sp.sqrt(2 * sp.pi))),
        "root_two": repr(float(sp.sqrt(2))),
        "root_half": repr(float(sp.sqrt(2) / 2)),
        "minus_root_half": repr(float(-sp.sqrt(2) / 2)),
        "root_two_high": repr(high),
        "root_two_low": repr(float(sp.N(sp.sqrt(2) - sp.Rational(high), 40))),
    }
    root, rest = ROOT.floats()
    slope = {
        "np": dialect.np,
        "root": repr(root),
        "rest": dialect.text("opaque", value=repr(rest)),
        "coefficients": _coefficients(),
    }
    return {
        "_gelu": _VALUE,
        "_gelu_and_slope": _VALUE_AND_SLOPE.format(**slope),
        "_normal": _NORMAL.format(**numbers),
    }


@cache
def _coefficients() -> str:
    """Taylor coefficients of the slope at its root, highest first, the constant 0 left out."""
    z = sp.Symbol("z", real=True)
    root = sp.nsolve(_slope(z), z, ROOT.start, prec=50)
    # f = Φ + zφ, f' = (2 - z²)φ; every further derivative is a polynomial times φ: (pφ)' = (p' - zp)φ
    polynomial, found = 2 - z**2, []
    for order in range(1, TERMS + 1):
        density = sp.exp(-(root**2) / 2) / sp.sqrt(2 * sp.pi)
        found.append(float(sp.N(polynomial.xreplace({z: root}) * density / sp.factorial(order), 40)))
        polynomial = sp.expand(polynomial.diff(z) - z * polynomial)
    lines = ",\n".join(f"        {value!r}" for value in reversed(found))
    return f"(\n{lines},\n    )"


def _slope(z: sp.Symbol) -> sp.Expr:
    return (1 + sp.erf(z / sp.sqrt(2))) / 2 + z * sp.exp(-(z**2) / 2) / sp.sqrt(2 * sp.pi)
