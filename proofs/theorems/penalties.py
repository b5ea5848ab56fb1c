"""Theorem: what penalties add to the gradient.

Statement. λ/(2m) Σ W² adds (λ/m) W[i,j] to ∂E/∂W[i,j]; λ Σ |W| adds λ sign(W[i,j]), off W[i,j] = 0 (and 0
there, which lies between the slopes of the two sides). Biases get theirs where the penalty covers them.

Source. Krogh and Hertz 1991 (weight decay); Tibshirani 1996 (l1).
"""

from __future__ import annotations

from proofs.kernel.theorem import Step, Theorem
from proofs.theorems.setting import by, formula, general, step

DATA = "Sum(D[i,c]*A0[j,c], c)"


def theorems() -> list[Theorem]:
    """One for each norm."""
    return [l2(), l1()]


def l2() -> Theorem:
    """Of weights and biases."""
    options = {"l2": "lambda/(2*m)", "penalize_biases": True}
    weights, bias = (
        formula(text) for text in (f"{DATA} + lambda/m*W[i,j]", "Sum(D[i,c], c) + lambda/m*b[i]")
    )
    penalty = by("W[i,j]", "lambda/(2*m)*Sum(Sum(W[r,v]**2, v), r)") + formula(DATA)
    return Theorem(
        name="l2 penalty",
        statement="λ/(2m) Σ W² adds (λ/m) W[i,j] to ∂E/∂W[i,j], and likewise for b",
        assumptions=(),
        scope="every width, every batch, all real λ, W and b",
        steps=(
            step("derived ∂E/∂W", general("weight gradient", **options), weights, "sum of two parts"),
            step("∂/∂W[i,j] of the penalty", weights, penalty, "SymPy's derivative"),
            step("derived ∂E/∂b", general("bias gradient", **options), bias, "sum of two parts"),
        ),
        source="left: the chain rule over index equations; right: sympy.diff of the penalty",
    )


def l1() -> Theorem:
    """Of weights."""
    derived = general("weight gradient", l1="lambda")
    signs = formula(f"{DATA} + lambda*where(W[i,j] > 0, 1, W[i,j] < 0, -1, 0)")
    left_out = formula(f"{DATA} + lambda*where(W[i,j] > 0, 1, -1)")
    return Theorem(
        name="l1 penalty",
        statement="λ Σ |W| adds λ sign(W[i,j]) to ∂E/∂W[i,j], 0 at W[i,j] = 0",
        assumptions=("at W[i,j] = 0 the slope of |W| is taken to be 0",),
        scope="every width, every batch, all real λ and W",
        steps=(Step("derived ∂E/∂W", derived, signs, "sum of two parts, case by case"),),
        source="left: the chain rule over index equations; right: Tibshirani 1996",
        false_without=(Step("with slope -1 at W[i,j] = 0", derived, left_out, "another value at the kink"),),
    )
