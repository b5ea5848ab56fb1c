"""The slides on the backward network: the errors, of the output layer and of a layer from the next, and what
was left open.
"""

from __future__ import annotations

from typing import Final

from proofs.published.backward_network_contexts import COSTS, SAMPLE
from proofs.published.entry import Entry

OUTPUT: Final = "delta[L] = sigma'(z[L])*D(C, y)"
RECURSION: Final = "delta[l] = sigma'(z[l])*(w[l+1].T @ delta[l+1])"
ERRORS: Final = (
    Entry(
        "S1-E08",
        "second factor",
        "The error of a neuron is the slope of the cost by its weighted input.",
        "definition",
        SAMPLE,
        ("delta[l][i] = D(C, z[l][i])",),
    ),
    Entry(
        "S1-E09",
        "output layer, what acts on what",
        "The activations of the last layer are what comes out; the cost changes with them.",
        "definition",
        SAMPLE,
        ("a[L][n] = y[n]; D(C, a[L][n]) = D(C, y[n])",),
    ),
    Entry(
        "S1-E10",
        "output layer, by entries",
        "The error of an output: slope of σ times slope of the cost.",
        "claim",
        COSTS,
        ("delta[L][n] = D(y[n], z[L][n])*D(C, y[n]) = sigma'(z[L][n])*D(C, y[n])",),
    ),
    Entry(
        "S1-P05",
        "output layer, remark",
        "The slope of the cost by an output is another one for another cost; shown for the norm and half its "
        "square.",
        "claim",
        SAMPLE,
        ("not D(C_norm, y[n]) = D(C_square, y[n]); D(C_square, y[n]) = C_norm*D(C_norm, y[n])",),
    ),
    Entry(
        "S1-E11",
        "output layer, columns",
        "σ' of a column goes by entries; the gradient by the outputs is a column.",
        "definition",
        SAMPLE,
        ("row(sigma'(z[L]), n) = sigma'(z[L][n]); row(D(C, y), n) = D(C, y[n])",),
    ),
    Entry(
        "S1-E12",
        "output layer, as a column",
        "The error of the output layer, with σ' at the weighted inputs of layer l in place of layer L.",
        "claim",
        COSTS,
        ("delta[L] = sigma'(z[l])*D(C, y)",),
        corrected=OUTPUT,
        latex=r"\delta^L=\sigma'(z^L)\bullet\nabla C^r(y^r)",
        error_class="layer",
    ),
    Entry(
        "S1-E13",
        "hidden layer, chain rule",
        "The cost changes with a weighted input through its activation and all weighted inputs of the next "
        "layer.",
        "claim",
        COSTS,
        ("delta[l][i] = D(a[l][i], z[l][i])*Sum(D(z[l+1][k], a[l][i])*delta[l+1][k], k) for l in 1..L-1",),
    ),
    Entry(
        "S1-E14",
        "hidden layer, the next weighted input",
        "The weighted inputs of the next layer.",
        "definition",
        SAMPLE,
        ("z[l+1][k] = Sum(w[l+1][k,i]*a[l][i], i) + b[l+1][k] for l in 1..L-1",),
    ),
    Entry(
        "S1-E15",
        "hidden layer, by entries",
        "The error of a neuron from the errors of the next layer.",
        "claim",
        COSTS,
        ("delta[l][i] = sigma'(z[l][i])*Sum(w[l+1][k,i]*delta[l+1][k], k) for l in 1..L-1",),
    ),
    Entry(
        "S1-E16",
        "hidden layer, the new type of neuron",
        "Of any input u in place of the errors it makes a weighted sum without a bias, times a gain that "
        "does not change with u: it is linear; and of the errors of the next layer it makes the error.",
        "claim",
        SAMPLE,
        (
            "D(back[l][i], u[l+1][k]) = sigma'(z[l][i])*w[l+1][k,i];"
            "D(sigma'(z[l][i])*w[l+1][k,i], u[l+1][k]) = 0;"
            "back[l][i] = Sum(D(back[l][i], u[l+1][k])*u[l+1][k], k);"
            "delta[l][i] = Sum(D(back[l][i], u[l+1][k])*delta[l+1][k], k)",
        ),
    ),
    Entry(
        "S1-E17",
        "hidden layer, as a column",
        "The same for a whole layer.",
        "claim",
        COSTS,
        (RECURSION,),
    ),
    Entry(
        "S1-E18",
        "summary of the errors",
        "The error of the output layer, now at layer L, and that of a layer from the next.",
        "claim",
        COSTS,
        (f"{OUTPUT}; {RECURSION}",),
    ),
)
OPEN: Final = (
    Entry(
        "S1-G1",
        "announced, not carried out",
        "The slope by a bias.",
        "open",
        COSTS,
        ("D(C, b[l][i]) = delta[l][i]",),
        latex=r"\frac{\partial C^r}{\partial b_i^l}=\delta_i^l",
    ),
    Entry(
        "S1-G2",
        "not in the slides",
        "The slopes by all weights of a layer.",
        "open",
        COSTS,
        ("D(C, w[1]) = delta[1] @ x.T; D(C, w[l]) = delta[l] @ a[l-1].T for l in 2..L",),
        latex=r"\nabla_{W^1}C^r=\delta^1(x^r)^T,\qquad\nabla_{W^l}C^r=\delta^l(a^{l-1})^T,\quad l>1",
    ),
)
