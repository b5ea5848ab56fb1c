"""Theorem: the slope of every activation is what textbooks say.

Statement. With a = g(z), g′(z) is the entry of the table: a(1 − a) for sigmoid, 1 − a² for tanh, and so on.
For softmax, ∂A_i/∂Z_p = A_i (δ_ip − A_p), and its pull-back is A_i (Ā_i − Σ_r A_r Ā_r).

Assumptions. z is real; at a kink the slope is that of the piece which holds there, on both sides.

Proof. The library differentiates the definition in its table by SymPy; the table here is written down from
textbooks and shares nothing with it. For softmax, SymPy differentiates the quotient for any number of units,
and its deltas are contracted by the index form; the pull-back is the library's rule.
"""

from __future__ import annotations

from proofs.kernel.theorem import Step, Theorem
from proofs.theorems.setting import delta, formula, module, renamed, step, with_softmax
from symbolic.activations import ACTIVATIONS, VALUE, Activation
from symbolic.grammar.formula import parse_scalar

TEXTBOOK = {
    "identity": "1",
    "sigmoid": "a*(1 - a)",
    "tanh": "1 - a**2",
    "relu": "where(z > 0, 1, 0)",
    "leaky_relu": "where(z > 0, 1, alpha)",
    "prelu": "where(z > 0, 1, alpha)",
    "elu": "where(z > 0, 1, a + alpha)",
    "selu": "1.0507009873554805*where(z > 0, 1, 1.6732632423543772*exp(z))",
    "softplus": "1/(1 + exp(-z))",
    "silu": "sigmoid(z) + z*sigmoid(z)*(1 - sigmoid(z))",
    "mish": "tanh(softplus(z)) + z*sigmoid(z)*(1 - tanh(softplus(z))**2)",
    "gelu": "(1 + erf(z/sqrt(2)))/2 + z*exp(-z**2/2)/sqrt(2*pi)",
    "softsign": "1/(1 + abs(z))**2",
    "hardtanh": "where(z <= -1, 0, z >= 1, 0, 1)",
    "relu6": "where(z <= 0, 0, z >= 6, 0, 1)",
    "hardsigmoid": "where(z <= -3, 0, z >= 3, 0, 1/6)",
    "hardswish": "where(z <= -3, 0, z >= 3, 1, z/3 + 1/2)",
    "sin": "cos(z)",
    "exp": "a",
}


def theorems() -> list[Theorem]:
    """One for each activation of single units, and softmax."""
    return [*map(slope, TEXTBOOK), softmax()]


def slope(name: str) -> Theorem:
    """The slope of one activation."""
    given = Activation(name, ACTIVATIONS[name])
    assert given.definition is not None and given.slope is not None
    textbook = parse_scalar(TEXTBOOK[name], names=("z", "a", "alpha")).xreplace({VALUE: given.definition})
    return Theorem(
        name=f"slope of {name}",
        statement=f"For a = {ACTIVATIONS[name].definition}, da/dz = {TEXTBOOK[name]}",
        assumptions=("at a kink the slope is that of the piece there",) if given.kinks else (),
        scope="all real z, and all real alpha where there is a parameter",
        steps=(Step("derived = textbook", given.slope, textbook, "SymPy's derivative of the definition"),),
        source="left: the table of activations; right: textbooks",
    )


def softmax() -> Theorem:
    """For any number of units."""
    jacobian = with_softmax(formula("A[i,c]")).diff(formula("Z[p,c]"))
    textbook = with_softmax(formula("A[i,c]") * (delta("i", "p") - formula("A[p,c]")))
    total = with_softmax(formula("Sum(Sum(G[r,c]*A[r,c], r), c)")).diff(formula("Z[i,d]"))
    pulled = with_softmax(formula("A[i,d]*(G[i,d] - Sum(A[r,d]*G[r,d], r))"))
    derived = with_softmax(renamed(module("softmax", "Z"), {"A_bar": "G"}, "c", "d"))
    return Theorem(
        name="slope of softmax",
        statement="∂A_i/∂Z_p = A_i (δ_ip - A_p), and ∂E/∂Z_i = A_i (Ā_i - Σ_r A_r Ā_r)",
        assumptions=(),
        scope="every number of units and samples, all real Z",
        steps=(
            step("Jacobian", textbook, jacobian, "SymPy's derivative of the quotient"),
            step("pull-back = ∂/∂Z of Σ Ā A", pulled, total, "SymPy's derivative of the sum"),
            step("derived pull-back", derived, pulled, "the same after renaming"),
        ),
        source="left: textbooks, the chain rule over index equations; right: sympy.diff",
    )
