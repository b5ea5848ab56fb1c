"""Theorem: softmax with cross-entropy has the error A − T, where the targets of a sample add up to 1.

Statement. For A = softmax(Z) and E = −s Σ_c Σ_i T[i,c] log A[i,c],

    ∂E/∂Z[i,c] = s (A[i,c] Σ_r T[r,c] − T[i,c])
    ∂E/∂Z[i,c] = s (A[i,c] − T[i,c])                  where Σ_r T[r,c] = 1

Without the assumption the second is false, and a point is shown.

Source. Bridle 1990.
"""

from __future__ import annotations

from proofs.kernel.theorem import Step, Theorem
from proofs.theorems.setting import formula, softmax_error, step, with_softmax
from symbolic.expressions import Expr

LABELS = "Sum(T[r,c], r) - 1"


def theorems() -> list[Theorem]:
    """For all targets, and for labels."""
    return [for_all_targets(), for_labels()]


def for_all_targets() -> Theorem:
    """With the sum of the targets."""
    cost = with_softmax(formula("-s*Sum(Sum(T[r,d]*log(A[r,d]), r), d)"))
    textbook = with_softmax(formula("s*(A[i,c]*Sum(T[r,c], r) - T[i,c])"))
    differentiated = cost.diff(formula("Z[i,c]"))
    return Theorem(
        name="softmax with cross-entropy, all targets",
        statement="∂E/∂Z[i,c] = s (A[i,c] Σ_r T[r,c] - T[i,c])",
        assumptions=(),
        scope="every number of outputs and samples, all real Z and T, any scale s of E",
        steps=(
            Step("derived = textbook", derived_error(), textbook, "pull-back of softmax put in"),
            step("textbook = ∂E/∂Z[i,c]", textbook, differentiated, "SymPy's derivative of E"),
        ),
        source="left: the chain rule over index equations; right: sympy.diff of E",
    )


def for_labels() -> Theorem:
    """Where the targets of a sample add up to 1."""
    textbook = with_softmax(formula("s*(A[i,c] - T[i,c])"))
    claim, reason = "∂E/∂Z[i,c] = s (A - T)", "pull-back of softmax, Σ t = 1"
    return Theorem(
        name="softmax with cross-entropy, labels",
        statement="Where Σ_r T[r,c] = 1, ∂E/∂Z[i,c] = s (A[i,c] - T[i,c])",
        assumptions=(),
        scope="every number of outputs and samples, all real Z, all T that add up to 1, any scale s of E",
        steps=(Step(claim, derived_error(), textbook, reason),),
        source="left: the chain rule over index equations; right: Bridle 1990",
        given=(formula(LABELS),),
        false_without=(step(claim, derived_error(), textbook, reason),),
    )


def derived_error() -> Expr:
    """The library's output error, with the slope of the loss and A = softmax(Z) put in."""
    return with_softmax(softmax_error("cross-entropy"))
