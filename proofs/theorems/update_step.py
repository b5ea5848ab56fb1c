"""Theorem: the update step goes downhill, and takes all gradients at one point.

Statement. Let W' = W − η G with G = ∂E/∂W. As η grows from 0, E changes at the rate −Σ G². An update in
which the error of this layer is taken with the weights of the layer after already moved is another one.

Proof. d/dη of Σ D Z at W − η G by SymPy, with the library's G; then the recursion at W1 − η G1.

Source. Cauchy 1847.
"""

from __future__ import annotations

from proofs.kernel.theorem import Theorem
from proofs.theorems.setting import formula, general, put, step

MOVED = "Sum(Sum(D[i,c]*(Sum((W[i,j] - eta*G[i,j])*A0[j,c], j) + b[i]), i), c)"
MOVED_BIAS = "Sum(Sum(D[i,c]*(Sum(W[i,j]*A0[j,c], j) + b[i] - eta*G[i]), i), c)"


def theorems() -> list[Theorem]:
    """One theorem."""
    eta = formula("eta")
    weights, bias = general("weight gradient"), general("bias gradient")
    recursion = general("recursion")
    moved = put(recursion, "W1", formula("W1[k,i] - eta*G1[k,i]"))
    return [
        Theorem(
            name="update step",
            statement="Along W - η ∂E/∂W, b - η ∂E/∂b, dE/dη at η = 0 is minus the sum of squared gradients",
            assumptions=("E is differentiable; D is its error at the point before the step",),
            scope="one dense layer of every width, every batch, all real parameters",
            steps=(
                step(
                    "dE/dη along -∂E/∂W",
                    put(formula(MOVED).diff(eta), "G", weights),
                    put(formula("-Sum(Sum(G[i,j]**2, j), i)"), "G", weights),
                    "SymPy's derivative, the library's gradient",
                ),
                step(
                    "dE/dη along -∂E/∂b",
                    put(formula(MOVED_BIAS).diff(eta), "G", bias),
                    put(formula("-Sum(G[i]**2, i)"), "G", bias),
                    "SymPy's derivative, the library's gradient",
                ),
            ),
            source="left: sympy.diff along the step; right: the derived gradient, squared",
            false_without=(step("errors with weights that have moved", moved, recursion, "another step"),),
        )
    ]
