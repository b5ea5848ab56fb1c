"""The derivation by four equations: the errors of the last layer, and the algorithm."""

from __future__ import annotations

from typing import Final

from proofs.published.entry import Entry
from proofs.published.four_equations_contexts import (
    COSTS,
    ONE_SAMPLE,
    SCALED,
    SIGMOID,
    TANH,
    THREE,
    TWO_LAYERS,
)

RECURSION: Final = "delta[l][j] = sigma'(z[l][j])*Sum(delta[l+1][k]*w[l+1][k,j], k)"
OUTPUT: Final = "delta[L][j] = (a[L][j] - y[j])*sigma'(z[L][j])"
OUTPUT_AS_PRINTED: Final = "delta[L][j] = (a[L][j] - y[j])*sigma'(z[l][j])"
OUTPUT_LATEX: Final = r"\delta_j^L=(a_j^L-y_j)\,\sigma'(z_j^L)"

OUTPUT_AND_ALGORITHM: Final = (
    Entry(
        "S4-P12",
        "the output, prose",
        "The recursion holds for all layers but the last, because δ^L and w^{L+1} do not exist. δ^L does, "
        "and is what is computed next; it is δ^{L+1} that does not.",
        "claim",
        ONE_SAMPLE,
        (f"{RECURSION} for l in 1..L-1; not delta[L][k] = D(C, z[L][k])",),
        corrected=f"{RECURSION} for l in 1..L-1; delta[L][k] = D(C, z[L][k])",
        latex=r"\text{it fails for }l=L\text{ only: there is no }\delta_k^{L+1}\text{ and no }w_{kj}^{L+1}",
        error_class="layer",
    ),
    Entry(
        "S4-E26",
        "the output, chain rule",
        "C changes with a weighted input of the last layer through the activation of the same neuron.",
        "claim",
        COSTS,
        ("delta[L][j] = D(C, a[L][j])*D(a[L][j], z[L][j])",),
    ),
    Entry(
        "S4-E27",
        "the output, first factor",
        "Of the half-square the slope by one output has the term of that output only.",
        "claim",
        SCALED,
        ("D(C, a[L][j]) = D(Sum((y[i] - a[L][i])**2, i)/2, a[L][j]) = D((y[j] - a[L][j])**2/2, a[L][j])",),
    ),
    Entry(
        "S4-E28",
        "the output, first factor",
        "The slope of C by an output is output minus target.",
        "claim",
        COSTS,
        ("D(C, a[L][j]) = a[L][j] - y[j]",),
    ),
    Entry(
        "S4-E29",
        "the output, (dC_dz_solved_output)",
        "The error of an output neuron, with the slope of σ taken at layer l in place of L.",
        "claim",
        COSTS,
        (OUTPUT_AS_PRINTED,),
        corrected=OUTPUT,
        latex=OUTPUT_LATEX,
        error_class="layer",
    ),
    Entry(
        "S4-P13",
        "the output, prose",
        "The error of an output neuron has this form for the quadratic loss only: for another cost Σρ(a − y) "
        "it is off by (ρ′(a − y) − (a − y))·σ′, which is 0 where ρ is the half-square, up to a constant.",
        "claim",
        COSTS,
        (
            f"{OUTPUT}; D(Sum(rho(a[L][i] - y[i]), i), z[L][j]) - (a[L][j] - y[j])*sigma'(z[L][j])"
            " = (rho'(a[L][j] - y[j]) - (a[L][j] - y[j]))*sigma'(z[L][j])",
        ),
    ),
    Entry(
        "S4-E30",
        "the output, sigmoid",
        "The sigmoid function.",
        "definition",
        {"σ is the sigmoid": SIGMOID},
        ("sigma(z[l][j]) = 1/(1 + exp(-z[l][j]))",),
    ),
    Entry(
        "S4-E31",
        "the output, slope of the sigmoid",
        "The slope of the sigmoid in terms of its value.",
        "claim",
        {"σ is the sigmoid": SIGMOID, "σ is tanh": TANH, "any σ": THREE},
        ("sigma'(z[l][j]) = sigma(z[l][j])*(1 - sigma(z[l][j]))",),
    ),
    Entry(
        "S4-E32",
        "the algorithm, first equation",
        "The slope by a bias, stated again.",
        "claim",
        COSTS,
        ("D(C, b[l][j]) = delta[l][j]",),
    ),
    Entry(
        "S4-E33",
        "the algorithm, second equation",
        "The slope by a weight, stated again.",
        "claim",
        COSTS,
        ("D(C, w[l][j,k]) = delta[l][j]*a[l-1][k]",),
    ),
    Entry(
        "S4-E34",
        "the algorithm, third equation",
        "The recursion, stated again.",
        "claim",
        COSTS,
        (RECURSION,),
    ),
    Entry(
        "S4-E35",
        "the algorithm, fourth equation",
        "The error of an output neuron, stated again with the slope of σ at layer l in place of L.",
        "claim",
        COSTS,
        (OUTPUT_AS_PRINTED,),
        corrected=OUTPUT,
        latex=OUTPUT_LATEX,
        error_class="layer",
    ),
    Entry(
        "S4-A1",
        "the algorithm, step 1",
        "All errors of the last layer are found by the fourth equation, which is printed with a wrong layer.",
        "claim",
        COSTS,
        (OUTPUT_AS_PRINTED,),
        corrected=OUTPUT,
        latex=OUTPUT_LATEX + r",\quad j=1,\dots,J_L",
        error_class="layer",
    ),
    Entry(
        "S4-A2",
        "the algorithm, step 2",
        "The errors of the layers from L-1 down to 1 are found by the recursion.",
        "claim",
        COSTS,
        (f"{RECURSION} for l in 1..L-1",),
    ),
    Entry(
        "S4-A3",
        "the algorithm, step 3",
        "The gradient is found from the errors, layer by layer: of one sample; those of a training set are "
        "still to be averaged.",
        "claim",
        COSTS,
        ("D(C, b[l]) = delta[l] for l in 1..L; D(C, w[l]) = outer(delta[l], a[l-1]) for l in 1..L",),
    ),
    Entry(
        "S4-P14",
        "below the algorithm, prose",
        "Weighted inputs and activations are at hand, as parameters with a first estimate are. They follow "
        "from x and the parameters, by a forward pass that the algorithm does not list; as numbers of their "
        "own beside the parameters they would not change with these.",
        "claim",
        TWO_LAYERS,
        (
            "a[2][i] = sigma(Sum(w[2][i,j]*sigma(Sum(w[1][j,k]*x[k], k) + b[1][j]), j) + b[2][i])",
            "D(z[l][j], b[l][j]) = 0",
        ),
        corrected="z[l] = w[l] @ a[l-1] + b[l] for l in 1..L; a[l] = sigma(z[l]) for l in 1..L; a[0] = x",
        latex=r"a^0=x,\quad z^l=w^la^{l-1}+b^l,\quad a^l=\sigma(z^l),\quad l=1,\dots,L",
        error_class="dependence",
    ),
    Entry(
        "S4-P15",
        "final remarks",
        "A step of gradient descent needs the gradient, and what backpropagation finds is just that.",
        "claim",
        SCALED,
        (
            "w[l][j,k] - eta*D(C, w[l][j,k]) = w[l][j,k] - eta*delta[l][j]*a[l-1][k]; "
            "b[l][j] - eta*D(C, b[l][j]) = b[l][j] - eta*delta[l][j]",
        ),
    ),
)
