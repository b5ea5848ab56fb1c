"""The table of activations, one row each: what cannot be derived.

A definition is a formula in z. The stable lines say how to evaluate value and slope in floating point for
every finite z; the forms are those in which people usually evaluate it. All of them are formulas in one
grammar, held against the definition by tests and proofs. Where two pieces of a definition meet, the one that
holds at the point itself decides the slope there: relu'(0) = 0.
"""

from __future__ import annotations

from typing import Final

import sympy as sp

from symbolic.activation_row import ActivationRow, Root

_POSITIVE_EXP = "e = exp(-abs(z))"
_SIGMOID = "s = where(z >= 0, 1, e)/(1 + e)"
# Klambauer et al. 2017, Self-Normalizing Neural Networks, eq. 14, as the doubles that libraries have
_SELU_SCALE = "1.0507009873554805"
_SELU_ALPHA = "1.6732632423543772"

_ROWS: Final = (
    ActivationRow("identity", "z", ("value = z", "slope = 1")),
    ActivationRow(
        "sigmoid",
        "1/(1 + exp(-z))",
        (_POSITIVE_EXP, "value = where(z >= 0, 1, e)/(1 + e)", "slope = e/(1 + e)**2"),
        slope_by_value="a*(1 - a)",
        logs=("-(max(-z, 0) + log1p(exp(-abs(z))))", "-(max(z, 0) + log1p(exp(-abs(z))))"),
        is_probability=True,
        is_positive=True,
        forms=(
            "exp(z)/(1 + exp(z))",
            "(1 + tanh(z/2))/2",
            "where(z >= 0, 1/(1 + exp(-z)), exp(z)/(1 + exp(z)))",
        ),
        slope_forms=(
            "a - a**2",
            "exp(-z)/(1 + exp(-z))**2",
            "exp(z)/(1 + exp(z))**2",
            "1/(2 + exp(z) + exp(-z))",
            "sigmoid(z)*sigmoid(-z)",
            "(1 - tanh(z/2)**2)/4",
        ),
        log_forms=(
            "-log(1 + exp(-z))",
            "-softplus(-z)",
            "z - softplus(z)",
            "min(z, 0) - log1p(exp(-abs(z)))",
        ),
    ),
    ActivationRow(
        "tanh",
        "tanh(z)",
        ("e = exp(-2*abs(z))", "value = tanh(z)", "slope = 4*e/(1 + e)**2"),
        slope_by_value="1 - a**2",
        forms=(
            "2*sigmoid(2*z) - 1",
            "1 - 2/(exp(2*z) + 1)",
            "(exp(z) - exp(-z))/(exp(z) + exp(-z))",
            "(exp(2*z) - 1)/(exp(2*z) + 1)",
            "(1 - exp(-2*z))/(1 + exp(-2*z))",
            "sinh(z)/cosh(z)",
        ),
        slope_forms=(
            "(1 - a)*(1 + a)",
            "1/cosh(z)**2",
            "4/(exp(z) + exp(-z))**2",
            "4*sigmoid(2*z)*(1 - sigmoid(2*z))",
        ),
    ),
    ActivationRow(
        "relu",
        "max(z, 0)",
        ("value = max(z, 0)", "slope = where(z > 0, 1, 0)"),
        kinks=(0,),
        forms=("where(z > 0, z, 0)", "z*Heaviside(z)", "(z + abs(z))/2"),
        slope_forms=("where(a > 0, 1, 0)", "Heaviside(z)", "sign(a)"),
    ),
    ActivationRow(
        "leaky_relu",
        "where(z > 0, z, alpha*z)",
        ("value = where(z > 0, z, alpha*z)", "slope = where(z > 0, 1, alpha)"),
        alpha=sp.Rational(1, 100),
        kinks=(0,),
        forms=("max(z, 0) + alpha*min(z, 0)", "z*where(z > 0, 1, alpha)"),
        slope_forms=("alpha + (1 - alpha)*Heaviside(z)",),
    ),
    ActivationRow(
        "prelu",
        "where(z > 0, z, alpha*z)",
        ("value = where(z > 0, z, alpha*z)", "slope = where(z > 0, 1, alpha)"),
        alpha=sp.Rational(1, 4),
        kinks=(0,),
        forms=("max(z, 0) + alpha*min(z, 0)", "max(z, 0) - alpha*max(-z, 0)"),
        slope_forms=("alpha + (1 - alpha)*Heaviside(z)",),
    ),
    ActivationRow(
        "elu",
        "where(z > 0, z, alpha*(exp(z) - 1))",
        ("n = min(z, 0)", "value = where(z > 0, z, alpha*expm1(n))", "slope = where(z > 0, 1, alpha*exp(n))"),
        alpha=sp.Integer(1),
        kinks=(0,),
        forms=("where(z > 0, z, alpha*expm1(z))", "max(z, 0) + alpha*(exp(min(z, 0)) - 1)"),
        slope_forms=("where(z > 0, 1, a + alpha)", "where(z > 0, 1, alpha*exp(z))"),
    ),
    ActivationRow(
        "selu",
        f"{_SELU_SCALE}*where(z > 0, z, {_SELU_ALPHA}*(exp(z) - 1))",
        (
            "n = min(z, 0)",
            f"value = {_SELU_SCALE}*where(z > 0, z, {_SELU_ALPHA}*expm1(n))",
            f"slope = {_SELU_SCALE}*where(z > 0, 1, {_SELU_ALPHA}*exp(n))",
        ),
        kinks=(0,),
        slope_by_value=f"where(a > 0, {_SELU_SCALE}, a + {_SELU_SCALE}*{_SELU_ALPHA})",
        forms=(
            f"{_SELU_SCALE}*where(z > 0, z, {_SELU_ALPHA}*expm1(z))",
            f"{_SELU_SCALE}*(max(z, 0) + {_SELU_ALPHA}*(exp(min(z, 0)) - 1))",
            f"{_SELU_SCALE}*(max(z, 0) + min(0, {_SELU_ALPHA}*(exp(z) - 1)))",
        ),
        slope_forms=(f"{_SELU_SCALE}*where(z > 0, 1, {_SELU_ALPHA}*exp(z))",),
    ),
    ActivationRow(
        "softplus",
        "log(1 + exp(z))",
        (_POSITIVE_EXP, "value = max(z, 0) + log1p(e)", "slope = where(z >= 0, 1, e)/(1 + e)"),
        is_positive=True,
        forms=(
            "log1p(exp(z))",
            "max(z, 0) + log1p(exp(-abs(z)))",
            "max(z, 0) + log(1 + exp(-abs(z)))",
            "z + log(1 + exp(-z))",
            "-log(sigmoid(-z))",
        ),
        slope_forms=("sigmoid(z)", "exp(z)/(1 + exp(z))", "(1 + tanh(z/2))/2", "1 - exp(-a)"),
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
        forms=("z*sigmoid(z)", "z*exp(z)/(1 + exp(z))", "z*(1 + tanh(z/2))/2"),
        slope_forms=(
            "sigmoid(z)*(1 + z*(1 - sigmoid(z)))",
            "sigmoid(z) + z*sigmoid(z)*(1 - sigmoid(z))",
            "a + sigmoid(z)*(1 - a)",
            "(1 + exp(-z) + z*exp(-z))/(1 + exp(-z))**2",
        ),
    ),
    ActivationRow(
        "mish",
        "z*tanh(log(1 + exp(z)))",
        (
            _POSITIVE_EXP,
            "n = where(z >= 0, 1 + 2*e, e*(2 + e))",
            "q = n + where(z >= 0, 2*e**2, 2)",
            "value = z*(n/q)",
            # 4(1 + z) + (6 + 4z)x + 4x² + x³, for x = exp(z), vanishes at z0; written from there, nothing
            # cancels
            "u = min(z, 0) - z0",
            "d = u - z0_rest",
            "x0 = exp(z0)",
            "r = (6 + 4*z0 + 4*(e + x0) + e**2 + e*x0 + x0**2)*x0*expm1(d)",
            "f = z*e",
            "k = d*e",
            "slope = where(z >= 0, 1 + 4*e + (6*e + 4*f)*e + 4*(e + f)*e**2, 4*k*(1 + e) + r*e)/q**2",
        ),
        roots=(Root("z0", "4*(1 + z) + (6 + 4*z)*exp(z) + 4*exp(2*z) + exp(3*z)", -1.192),),
        forms=(
            "z*tanh(softplus(z))",
            "z*tanh(log1p(exp(z)))",
            "z*((1 + exp(z))**2 - 1)/((1 + exp(z))**2 + 1)",
            "z*exp(z)*(exp(z) + 2)/(exp(z)*(exp(z) + 2) + 2)",
            "z - 2*z/(exp(2*z) + 2*exp(z) + 2)",
        ),
        slope_forms=(
            "tanh(softplus(z)) + z*sigmoid(z)*(1 - tanh(softplus(z))**2)",
            "tanh(softplus(z)) + z*sigmoid(z)/cosh(softplus(z))**2",
            "exp(z)*(4*(z + 1) + 4*exp(2*z) + exp(3*z) + (4*z + 6)*exp(z))/(exp(2*z) + 2*exp(z) + 2)**2",
        ),
    ),
    ActivationRow(
        "gelu",
        "z*(1 + erf(z/sqrt(2)))/2",
        ("value = z*erfc(-z/sqrt(2))/2", "slope = erfc(-z/sqrt(2))/2 + z*exp(-z**2/2)/sqrt(2*pi)"),
        forms=("z*(1 - erf(-z/sqrt(2)))/2", "z*(1 - erfc(z/sqrt(2))/2)"),
        slope_forms=("(1 + erf(z/sqrt(2)))/2 + z*exp(-z**2/2)/sqrt(2*pi)",),
    ),
    ActivationRow(
        "softsign",
        "z/(1 + abs(z))",
        ("value = z/(1 + abs(z))", "slope = (1/(1 + abs(z)))**2"),
        slope_by_value="(1 - abs(a))**2",
        forms=("where(z > 0, z/(1 + z), z/(1 - z))",),
        slope_forms=("1/(1 + abs(z))**2", "where(z > 0, 1/(1 + z)**2, 1/(1 - z)**2)"),
    ),
    ActivationRow(
        "hardtanh",
        "where(z <= -1, -1, z >= 1, 1, z)",
        ("n = max(z, -1)", "value = min(n, 1)", "slope = where(z > -1 and z < 1, 1, 0)"),
        kinks=(-1, 1),
        slope_by_value="where(a > -1 and a < 1, 1, 0)",
        forms=("min(max(z, -1), 1)", "max(-1, min(1, z))", "(abs(z + 1) - abs(z - 1))/2"),
        slope_forms=("where(abs(z) < 1, 1, 0)",),
    ),
    ActivationRow(
        "relu6",
        "where(z <= 0, 0, z >= 6, 6, z)",
        ("n = max(z, 0)", "value = min(n, 6)", "slope = where(z > 0 and z < 6, 1, 0)"),
        kinks=(0, 6),
        slope_by_value="where(a > 0 and a < 6, 1, 0)",
        forms=("min(max(z, 0), 6)", "max(0, min(6, z))", "relu(z) - relu(z - 6)"),
    ),
    ActivationRow(
        "hardsigmoid",
        "where(z <= -3, 0, z >= 3, 1, z/6 + 1/2)",
        (
            "n = max(z, -3)",
            "s = min(n, 3) + 3",
            "value = s/6",
            "slope = where(z > -3 and z < 3, 1/6, 0)",
        ),
        kinks=(-3, 3),
        slope_by_value="where(a > 0 and a < 1, 1/6, 0)",
        forms=("min(max(z + 3, 0), 6)/6", "max(0, min(1, z/6 + 1/2))"),
    ),
    ActivationRow(
        "hardswish",
        "where(z <= -3, 0, z >= 3, z, z*(z + 3)/6)",
        (
            "l = max(z, -3)",
            "n = min(l, 3)",
            "value = where(z < 3, n*(n + 3)/6, z)",
            "s = 2*n + 3",
            "slope = where(z <= -3, 0, z >= 3, 1, s/6)",
        ),
        kinks=(-3, 3),
        forms=("z*min(max(z + 3, 0), 6)/6", "z*max(0, min(1, z/6 + 1/2))"),
        slope_forms=("where(z <= -3, 0, z >= 3, 1, z/3 + 1/2)",),
    ),
    ActivationRow("sin", "sin(z)", ("value = sin(z)", "slope = cos(z)")),
    ActivationRow(
        "exp",
        "exp(z)",
        ("value = exp(z)", "slope = exp(z)"),
        slope_by_value="a",
        logs=("z",),
        is_positive=True,
    ),
    ActivationRow(
        "softmax",
        "",
        layer="softmax",
        is_probability=True,
        is_positive=True,
        forms=("exp(Z[i] - s)/Sum(exp(Z[r] - s), r)", "exp(Z[i] - log(Sum(exp(Z[r]), r)))"),
        log_forms=("Z[i] - log(Sum(exp(Z[r]), r))", "Z[i] - s - log(Sum(exp(Z[r] - s), r))"),
    ),
)

ACTIVATIONS: Final = {row.name: row for row in _ROWS}
