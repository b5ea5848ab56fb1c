"""Theorem: the closed form by products, and the backward pass module by module.

Statement. With F_l = diag(g′(Z of layer l)), the error of a layer is a product of matrices times that of the
output layer, D_l = F_l W_{l+1}ᵀ ⋯ F_{L−1} W_Lᵀ D_L in each sample. Two layers below D2, entry by entry,

    D[i,c] = Σ_k Σ_h g′(Z[i,c]) W1[k,i] g′(Z1[k,c]) W2[h,k] D2[h,c]

and ∂E/∂W[i,j] is the sum over samples of that times A0[j,c]. It is what the backward passes of single
modules give one after another: Ā = W1ᵀ D1 of a dense layer, D = Ā ∘ g′(Z) of an activation.

Proof for every depth. By induction from the output layer down. For L itself the product is empty. If the
layer after has D1 = P1 D2 with D2 the error of the output layer, h its units and P1 any matrices, one for
each sample, this layer has D = (F W1ᵀ P1) D2: one more pair of factors. The modules start from the same
error and are the same recursion, so they give the same.
"""

from __future__ import annotations

import sympy as sp

from proofs.kernel.theorem import Theorem
from proofs.theorems.setting import by, delta, formula, general, module, put, renamed, size, step
from symbolic.expressions import Expr
from symbolic.plain import PlainSum

PRODUCT = "Sum(Sum(g'(Z[i,c])*W1[k,i]*g'(Z1[k,c])*W2[h,k]*D2[h,c], k), h)"
AFTER = "Sum(P1[k,h,c]*D2[h,c], h)"  # D1, by the hypothesis of the induction
LONGER = "Sum(Sum(g'(Z[i,c])*W1[k,i]*P1[k,h,c], k)*D2[h,c], h)"
INPUT = "Sum(Sum(D2[h,d]*Sum(W2[h,k]*g(Sum(W1[k,r]*g(Z[r,d]), r) + b1[k]), k), h), d)"


def theorems() -> list[Theorem]:
    """Closed form by products, and module by module."""
    return [by_products(), by_modules()]


def by_products() -> Theorem:
    """The recursion put into itself."""
    preactivation = {formula("Z1[k,c]"): formula("Sum(W1[k,r]*g(Z[r,c]), r) + b1[k]")}
    gradient = formula(f"Sum(A0[j,c]*({PRODUCT}), c)")
    return Theorem(
        name="closed form by products",
        statement="D_l = F_l W_{l+1}ᵀ ⋯ F_{L−1} W_Lᵀ D_L and ∂E/∂W = D A0ᵀ",
        assumptions=("g is differentiable",),
        scope="every depth, by induction; every width, every batch",
        steps=(
            step(
                "output layer: the empty product",
                formula("D[i,c]"),
                PlainSum(delta("i", "r") * formula("D[r,c]"), (sp.Symbol("r", integer=True), 1, size("i"))),
                "start of the induction: the identity",
            ),
            step(
                "one layer further down: F W1ᵀ before the product",
                put(general("recursion"), "D1", formula(AFTER)),
                formula(LONGER),
                "step of the induction: D1 = P1 D2 put in, sums exchanged",
            ),
            step("recursion twice = product", two_layers(), formula(PRODUCT), "sums are merged"),
            step(
                "weight gradient", put(general("weight gradient"), "D", two_layers()), gradient, "sums merged"
            ),
            step(
                "product = ∂/∂Z[i,c] of Σ D2 Z2",
                formula(PRODUCT).xreplace(preactivation),
                by("Z[i,c]", INPUT),
                "SymPy's derivative through both layers",
            ),
        ),
        source="left: the recursion put into itself; right: the product, sympy.diff",
    )


def by_modules() -> Theorem:
    """Single layers, one after the other."""
    linear = renamed(module("dense-no-bias", "A"), {"W": "W1", "Z_bar": "D1"}, "ij", "ki")
    modules = put(module("activation", "Z"), "A_bar", linear)
    weights = renamed(module("dense", "W"), {"A": "A0", "Z_bar": "D"})
    return Theorem(
        name="per-module backward",
        statement="The backward pass of a dense layer, then that of an activation, is the recursion",
        assumptions=("g is differentiable",),
        scope="every depth: the recursion and the start are the same; every width, every batch",
        steps=(
            step("activation after dense", modules, general("recursion"), "Ā put in"),
            step("weights", weights, general("weight gradient"), "D is the module's Z̄"),
            step(
                "two modules twice = product",
                put(modules, "D1", renamed(modules, NEXT, "ik", "kh")),
                formula(PRODUCT),
                "sums are merged",
            ),
        ),
        source="left: the chain rule of single layers; right: the derivation of a network, the product",
    )


NEXT = {"Z": "Z1", "W1": "W2", "D1": "D2"}


def two_layers() -> Expr:
    """The recursion with the recursion of the layer after put in."""
    recursion = general("recursion")
    return put(recursion, "D1", renamed(recursion, NEXT, "ik", "kh"))
