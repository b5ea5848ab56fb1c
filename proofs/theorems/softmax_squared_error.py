"""Theorem: softmax with the squared error.

Statement. For A = softmax(Z) and E = s/2 Σ_c Σ_i (A[i,c] − T[i,c])²,

    ∂E/∂Z[i,c] = s A[i,c] ((A[i,c] − T[i,c]) − Σ_r A[r,c] (A[r,c] − T[r,c]))

The sum couples the outputs: s (A − T) A (1 − A), the formula for a sigmoid, is false, and a point is shown.
"""

from __future__ import annotations

from proofs.kernel.theorem import Theorem
from proofs.theorems.setting import formula, softmax_error, step, with_softmax

TEXTBOOK = "s*A[i,c]*((A[i,c] - T[i,c]) - Sum(A[r,c]*(A[r,c] - T[r,c]), r))"
SIGMOIDS = "s*(A[i,c] - T[i,c])*A[i,c]*(1 - A[i,c])"


def theorems() -> list[Theorem]:
    """One theorem."""
    derived = with_softmax(softmax_error("half-squared"))
    textbook, sigmoids = (with_softmax(formula(text)) for text in (TEXTBOOK, SIGMOIDS))
    cost = with_softmax(formula("s/2*Sum(Sum((A[r,d] - T[r,d])**2, r), d)"))
    theorem = Theorem(
        name="softmax with squared error",
        statement=f"∂E/∂Z[i,c] = {TEXTBOOK}",
        assumptions=(),
        scope="every number of outputs and samples, all real Z and T, any scale s of E",
        steps=(
            step("derived = textbook", derived, textbook, "pull-back of softmax"),
            step("textbook = ∂E/∂Z[i,c]", textbook, cost.diff(formula("Z[i,c]")), "SymPy's derivative"),
        ),
        source="left: the chain rule over index equations; right: sympy.diff of E",
        false_without=(step(SIGMOIDS, derived, sigmoids, "as if outputs were independent"),),
    )
    return [theorem]
