"""The derivation by four equations: ∂C/∂b, ∂C/∂w and δ^l from δ^{l+1}, for one sample; ENTRIES are all of the
document, in its order.
"""

from __future__ import annotations

from typing import Final

from proofs.published.entry import Entry
from proofs.published.four_equations_contexts import COSTS, ONE_SAMPLE, SCALED
from proofs.published.four_equations_notation import NOTATION
from proofs.published.four_equations_output import OUTPUT_AND_ALGORITHM, RECURSION

DERIVATION: Final = (
    Entry(
        "S4-E15",
        "the error of a neuron, (dC_dz)",
        "The error of a neuron is the slope of C by its weighted input.",
        "definition",
        SCALED,
        ("delta[l][j] = D(C, z[l][j])",),
    ),
    Entry(
        "S4-P08",
        "before the slope by a bias, prose",
        "A weighted input depends on its own bias, but on no bias of the layer before. It does, through the "
        "activations; what the chain rule needs is that no other neuron of the layer has this bias.",
        "claim",
        ONE_SAMPLE,
        ("D(z[l][j], b[l][j]) = 1; D(z[l][j], b[l-1][k]) = 0",),
        corrected="D(z[l][j], b[l][i]) = delta(i, j); D(z[l][j], b[l-1][k]) = w[l][j,k]*sigma'(z[l-1][k])",
        latex=r"\frac{\partial z_j^l}{\partial b_i^l}=[i=j],\qquad"
        r"\frac{\partial z_j^l}{\partial b_k^{l-1}}=w_{jk}^l\,\sigma'(z_k^{l-1})",
        error_class="dependence",
    ),
    Entry(
        "S4-E16",
        "the slope by a bias, chain rule",
        "C changes with a bias through the weighted input of the same neuron.",
        "claim",
        COSTS,
        ("D(C, b[l][j]) = D(C, z[l][j])*D(z[l][j], b[l][j])",),
    ),
    Entry(
        "S4-E17",
        "the slope by a bias, second factor",
        "The slope of the weighted input by its bias, taken of the sum written out, is 1.",
        "claim",
        ONE_SAMPLE,
        ("D(z[l][j], b[l][j]) = D(Sum(w[l][j,k]*a[l-1][k], k) + b[l][j], b[l][j]) = 1",),
    ),
    Entry(
        "S4-E18",
        "the slope by a bias, (dC_db)",
        "The slope of C by a bias is the error of its neuron.",
        "claim",
        COSTS,
        ("D(C, b[l][j]) = delta[l][j]",),
    ),
    Entry(
        "S4-P09",
        "before the slope by a weight, prose",
        "Only the neuron that a weight leads to depends on it, and no weighted input of a later layer. All "
        "later ones do; what the chain rule needs is that they do so through z_j^l alone.",
        "claim",
        ONE_SAMPLE,
        ("D(z[l][i], w[l][j,k]) = delta(i, j)*a[l-1][k]; D(z[l+1][i], w[l][j,k]) = 0",),
        corrected="D(z[l+1][i], w[l][j,k]) = w[l+1][i,j]*sigma'(z[l][j])*a[l-1][k]",
        latex=r"\frac{\partial z_i^{l+1}}{\partial w_{jk}^l}=w_{ij}^{l+1}\,\sigma'(z_j^l)\,a_k^{l-1}",
        error_class="dependence",
    ),
    Entry(
        "S4-E19",
        "the slope by a weight, chain rule",
        "C changes with a weight through the weighted input that the weight leads to.",
        "claim",
        COSTS,
        ("D(C, w[l][j,k]) = D(C, z[l][j])*D(z[l][j], w[l][j,k])",),
    ),
    Entry(
        "S4-E20",
        "the slope by a weight, second factor",
        "The slope of the weighted input by a weight is the activation that the weight multiplies.",
        "claim",
        ONE_SAMPLE,
        ("D(z[l][j], w[l][j,k]) = D(Sum(w[l][j,i]*a[l-1][i], i) + b[l][j], w[l][j,k]) = a[l-1][k]",),
    ),
    Entry(
        "S4-E21",
        "the slope by a weight, (dC_dw)",
        "The slope of C by a weight is the error where it ends times the activation where it begins.",
        "claim",
        COSTS,
        ("D(C, w[l][j,k]) = delta[l][j]*a[l-1][k]",),
    ),
    Entry(
        "S4-P16",
        "before the recursion, prose",
        "δ_j^l written as δC/δz_j^l, with the letter of the errors in place of ∂: as a derivative it is the "
        "definition; as products with an error it would be C/z.",
        "claim",
        ONE_SAMPLE,
        (
            "delta[l][j] = D(C, z[l][j])",
            "delta[l][j] = (delta[l][j]*C)/(delta[l][j]*z[l][j])",
        ),
        corrected="delta[l][j] = D(C, z[l][j])",
        latex=r"\delta_j^l=\frac{\partial C}{\partial z_j^l}",
        error_class="notation",
    ),
    Entry(
        "S4-P10",
        "before the recursion, prose",
        "A weighted input of the next layer was taken not to depend on b_j^l, and is now taken to depend on "
        "all of z^l. The second is so, and z_j^l contains b_j^l: the first is not.",
        "claim",
        ONE_SAMPLE,
        ("D(z[l+1][k], z[l][j]) = w[l+1][k,j]*sigma'(z[l][j]); D(z[l+1][k], b[l][j]) = 0",),
        corrected="D(z[l+1][k], b[l][j]) = D(z[l+1][k], z[l][j]) = w[l+1][k,j]*sigma'(z[l][j])",
        latex=r"\frac{\partial z_k^{l+1}}{\partial b_j^l}=\frac{\partial z_k^{l+1}}{\partial z_j^l}"
        r"=w_{kj}^{l+1}\,\sigma'(z_j^l)",
        error_class="dependence",
    ),
    Entry(
        "S4-E22",
        "the recursion, chain rule",
        "C changes with a weighted input through all weighted inputs of the next layer; how far the sum is "
        "printed to go is judged apart, here and below.",
        "claim",
        COSTS,
        ("D(C, z[l][j]) = Sum(D(C, z[l+1][k])*D(z[l+1][k], z[l][j]), k)",),
    ),
    Entry(
        "S4-P17",
        "the recursion, upper limit of the sum",
        "The sum over the neurons of layer l+1 ends at K, which was the size of layer l-1; here a sum of K "
        "terms is a product with a row of K ones.",
        "claim",
        ONE_SAMPLE,
        ("delta[l][j] = sigma'(z[l][j])*(ones(J[l-1]).T @ (delta[l+1]*col(w[l+1], j)))",),
        corrected="delta[l][j] = sigma'(z[l][j])*(ones(J[l+1]).T @ (delta[l+1]*col(w[l+1], j)))",
        latex=r"\delta_j^l=\sigma'(z_j^l)\sum_{k=1}^{J_{l+1}}\delta_k^{l+1}w_{kj}^{l+1}",
        error_class="range",
    ),
    Entry(
        "S4-E23",
        "the recursion, the next weighted input",
        "The next weighted input in terms of the activations, and of the weighted inputs, of this layer.",
        "claim",
        ONE_SAMPLE,
        (
            "z[l+1][k] = Sum(w[l+1][k,j]*a[l][j], j) + b[l+1][k]"
            " = Sum(w[l+1][k,j]*sigma(z[l][j]), j) + b[l+1][k]",
        ),
    ),
    Entry(
        "S4-E24",
        "the recursion, replaced",
        "The chain rule with the errors of the next layer, and its weighted inputs written out.",
        "claim",
        SCALED,
        ("D(C, z[l][j]) = Sum(delta[l+1][k]*D(Sum(w[l+1][k,i]*sigma(z[l][i]), i) + b[l+1][k], z[l][j]), k)",),
    ),
    Entry(
        "S4-P11",
        "the recursion, prose",
        "Of the slope of the next weighted input the term i = j is left: weight times slope of σ.",
        "claim",
        ONE_SAMPLE,
        (
            "D(z[l+1][k], z[l][j]) = D(Sum(w[l+1][k,i]*sigma(z[l][i]), i) + b[l+1][k], z[l][j])"
            " = w[l+1][k,j]*sigma'(z[l][j])",
        ),
    ),
    Entry(
        "S4-E25",
        "the recursion, (dC_dz_solved)",
        "The error of a neuron from the errors of the next layer.",
        "claim",
        COSTS,
        (RECURSION,),
    ),
)

ENTRIES: Final = (*NOTATION, *DERIVATION, *OUTPUT_AND_ALGORITHM)
