"""Theorem: the four equations of backpropagation, for symbolic widths and batch.

Statement. For Z = W A0 + b, A = g(Z) and a cost E(A, T) summed over outputs and samples,

    output error      D[i,c] = s e₁(A[i,c], T[i,c]) g′(Z[i,c])
    recursion         D[i,c] = g′(Z[i,c]) Σ_k W1[k,i] D1[k,c]
    weight gradient   ∂E/∂W[i,j] = Σ_c D[i,c] A0[j,c]
    bias gradient     ∂E/∂b[i] = Σ_c D[i,c]

Proof. Each is derived by the library, written down as textbooks have it, and differentiated by SymPy from
what the layer computes: E depends on this layer through the next, so that ∂E/∂w is the derivative of Σ D1
Z1, with D1 = ∂E/∂Z1 held fixed (the chain rule). SymPy's Kronecker deltas are contracted by the rules of
`index_form`.

Source. Rumelhart, Hinton and Williams 1986; Nielsen 2015, chapter 2, BP1 to BP4, here for a batch.
"""

from __future__ import annotations

from proofs.kernel.theorem import Theorem
from proofs.theorems.setting import by, formula, general, step

ROLES = {
    "output error": (
        "s*e_1(A[i,c], T[i,c])*g'(Z[i,c])",
        ("Z[i,c]", "s*Sum(Sum(e(g(Z[r,d]), T[r,d]), r), d)"),
        "E = s Σ e(g(Z), T)",
    ),
    "recursion": (
        "g'(Z[i,c])*Sum(W1[k,i]*D1[k,c], k)",
        ("Z[i,c]", "Sum(Sum(D1[k,d]*(Sum(W1[k,r]*g(Z[r,d]), r) + b1[k]), k), d)"),
        "Σ D1 Z1",
    ),
    "weight gradient": (
        "Sum(D[i,c]*A0[j,c], c)",
        ("W[i,j]", "Sum(Sum(D[r,d]*(Sum(W[r,v]*A0[v,d], v) + b[r]), r), d)"),
        "Σ D Z",
    ),
    "bias gradient": (
        "Sum(D[i,c], c)",
        ("b[i]", "Sum(Sum(D[r,d]*(Sum(W[r,v]*A0[v,d], v) + b[r]), r), d)"),
        "Σ D Z",
    ),
}


def theorems() -> list[Theorem]:
    """One for each of the four equations."""
    return [equation(role) for role in ROLES]


def equation(role: str) -> Theorem:
    """The theorem of one of the four."""
    textbook, (entry, depends), through = ROLES[role]
    outputs = {formula("A[i,c]"): formula("g(Z[i,c])")}
    derived, wanted, differentiated = (
        side.xreplace(outputs) for side in (general(role), formula(textbook), by(entry, depends))
    )
    return Theorem(
        name=role,
        statement=f"The {role} is {textbook}",
        assumptions=("g and e are differentiable", "E depends on this layer through the next one alone"),
        scope="every width, every batch, all real parameters, inputs and targets; any scale s of E",
        steps=(
            step("derived = textbook", derived, wanted, "the same after renaming"),
            step(f"textbook = ∂/∂{entry} of {through}", wanted, differentiated, "SymPy's derivative"),
        ),
        source="left: the chain rule over index equations; right: sympy.diff of what depends on the entry",
    )
