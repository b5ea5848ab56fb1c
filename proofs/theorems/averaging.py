"""Theorem: the gradient of an average over samples is the average of the samples' gradients.

Statement. Let E = (1/m) Σ_c E_c and Z = W A0 + b. With D[i,c] = ∂E_c/∂Z[i,c], the error of sample c alone,

    output error of E = (1/m) D    ∂E/∂W[i,j] = (1/m) Σ_c D[i,c] A0[j,c]    ∂E/∂b[i] = (1/m) Σ_c D[i,c]

and the recursion carries the factor 1/m from layer to layer.

Proof. What the library derives for the scale 1/m, and for the scale 1, with 1/m times the error put in.
"""

from __future__ import annotations

import sympy as sp

from proofs.kernel.theorem import Theorem
from proofs.theorems.setting import SAMPLES, by, formula, general, scaled, step

AVERAGE = "average of the samples'"


def theorems() -> list[Theorem]:
    """The theorem and its five steps."""
    mean = 1 / SAMPLES
    one_sample = general("output error", scale="1").xreplace({formula("s"): sp.S.One})
    error = general("output error", scale="1/m").xreplace({formula("s"): mean})
    weights = "Sum(Sum(D[r,d]/m*(Sum(W[r,v]*A0[v,d], v) + b[r]), r), d)"
    steps = (
        step("output error = (1/m) that of a sample", error, mean * one_sample, "derived for both scales"),
        step(
            "the recursion is linear in the error",
            scaled(general("recursion"), "D1", mean),
            mean * general("recursion"),
            "1/m is a factor of every error",
        ),
        step(
            f"∂E/∂W = {AVERAGE}",
            scaled(general("weight gradient"), "D", mean),
            formula("1/m*Sum(D[i,c]*A0[j,c], c)"),
            "the derived gradient of errors (1/m) D",
        ),
        step(
            f"∂E/∂b = {AVERAGE}",
            scaled(general("bias gradient"), "D", mean),
            formula("1/m*Sum(D[i,c], c)"),
            "the derived gradient of errors (1/m) D",
        ),
        step(
            "(1/m) Σ_c ∂E_c/∂W = ∂/∂W of (1/m) Σ D Z",
            formula("1/m*Sum(D[i,c]*A0[j,c], c)"),
            by("W[i,j]", weights),
            "SymPy's derivative",
        ),
    )
    return [
        Theorem(
            name="average over samples",
            statement="For E = (1/m) Σ_c E_c every gradient of E is the average of the gradients of the E_c",
            assumptions=("g and e are differentiable",),
            scope="every width, every batch, all real parameters, inputs and targets",
            steps=steps,
            source="left: the chain rule over index equations; right: textbooks, sympy.diff",
        )
    ]
