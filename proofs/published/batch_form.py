"""The derivation for a batch: samples as columns, w^l from layer l-1 (columns) to layer l (rows), an
activation g^l of each layer, E = 1/(2m) times the squares. ENTRIES are all of the document.

m and K (the outputs) stand in formulas as symbols, so that 1/m and 1/2 stay apart in a world of two samples.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from proofs.claims.given import Given, given
from proofs.published.entry import Entry

SQUARES: Final = "Sum((A[L][i,c] - Y[i,c])**2, i, c)"


def _batch(depth: int) -> Given:
    """The batch in a net of some depth."""
    return given(
        sizes={"n": True, "m": False},
        depth=depth,
        constants=("m", "K"),
        arrays={
            "X": "n[0], m",
            "Y": "n[L], m",
            "W": "n[l], n[l-1] for l in 1..L",
            "b": "n[l] for l in 1..L",
            "Z": "n[l], m for l in 1..L",
            "A": "n[l], m for l in 0..L",
            "E": "",
        },
        functions={"g": "layered"},
        definitions=(
            "A[0] = X",
            "Z[l][i,c] = Sum(W[l][i,j]*A[l-1][j,c], j) + b[l][i] for l in 1..L",
            "A[l][i,c] = g[l](Z[l][i,c]) for l in 1..L",
            f"E = {SQUARES}/(2*m)",
        ),
    )


BATCH: Final = _batch(2)
Conventions = Mapping[str, Given]
OWN: Final[Conventions] = {"E has 1/(2m)": BATCH}
DEEP: Final[Conventions] = {"E has 1/(2m)": _batch(3)}
SCALES: Final[Conventions] = {
    **OWN,
    "E has 1/m": BATCH.with_definitions(f"E = {SQUARES}/m"),
    "E has 1/2": BATCH.with_definitions(f"E = {SQUARES}/2"),
    "E has 1/(2mK)": BATCH.with_definitions(f"E = {SQUARES}/(2*m*K)"),
}
ACTIVATIONS: Final[Conventions] = {
    **OWN,
    "softmax in layer L": BATCH.with_definitions("A[L][i,c] = exp(Z[L][i,c])/Sum(exp(Z[L][j,c]), j)"),
}

OUTPUT: Final = "D(E, A[L]) = (A[L] - Y)/m"
BACK: Final = "D(E, Z[l+1])"
SETUP: Final = (
    Entry(
        "S2-D1",
        "set-up",
        "m pairs of an input and an output; layers, nodes and activations are fixed.",
        "definition",
        OWN,
        ("row(col(X, c), i) = X[i,c]; row(col(Y, c), i) = Y[i,c]",),
    ),
    Entry(
        "S2-D2",
        "set-up",
        "The inputs are the columns of A⁰, the outputs those of Y.",
        "definition",
        OWN,
        ("col(A[0], c) = col(X, c); A[0] = X",),
    ),
    Entry(
        "S2-D3",
        "set-up, from another text",
        "The forward pass of the whole batch, the bias added to each column.",
        "definition",
        OWN,
        ("Z[l] = W[l] @ A[l-1] + b[l] @ ones(m).T; A[l] = g[l](Z[l])",),
    ),
    Entry(
        "S2-E04",
        "error function",
        "The squares over all samples and outputs, times 1/(2m).",
        "definition",
        OWN,
        ("E = Sum(Sum((A[L][i,c] - Y[i,c])**2, i), c)/(2*m)",),
    ),
    Entry(
        "S2-D5",
        "what is asked for",
        "The slopes by every weight and bias: as many as W^l and b^l have entries.",
        "definition",
        OWN,
        ("D(E, W[l][i,j]) = row(col(D(E, W[l]), j), i); D(E, b[l][i]) = row(D(E, b[l]), i)",),
    ),
)
SLOPES: Final = (
    Entry(
        "S2-P02",
        "before the weights, prose",
        "A weight of row i acts on E through row i of Z^l alone: no other row depends on it, and what E "
        "changes by is what it changes by through this row.",
        "claim",
        OWN,
        (
            "D(Z[l][k,c], W[l][i,j]) = delta(k, i)*A[l-1][j,c];"
            "D(E, W[l][i,j]) = Sum(D(E, Z[l][i,c])*D(Z[l][i,c], W[l][i,j]), c)",
        ),
    ),
    Entry(
        "S2-E05",
        "weights",
        "The slope by a weight adds over the samples.",
        "claim",
        ACTIVATIONS,
        (
            "D(E, W[l][i,j]) = Sum(D(E, Z[l][i,c])*D(Z[l][i,c], W[l][i,j]), c)"
            " = Sum(D(E, Z[l][i,c])*A[l-1][j,c], c)",
        ),
    ),
    Entry(
        "S2-E06",
        "biases",
        "The slope by a bias adds over the samples.",
        "claim",
        ACTIVATIONS,
        ("D(E, b[l][i]) = Sum(D(E, Z[l][i,c])*D(Z[l][i,c], b[l][i]), c) = Sum(D(E, Z[l][i,c]), c)",),
    ),
    Entry(
        "S2-E07",
        "Z from A",
        "The slope by a weighted input is that by its activation times the slope of g^l.",
        "claim",
        ACTIVATIONS,
        ("D(E, Z[l][i,c]) = D(E, A[l][i,c])*D(A[l][i,c], Z[l][i,c]) = D(E, A[l][i,c])*g'[l](Z[l][i,c])",),
    ),
    Entry(
        "S2-P03",
        "Z from A, prose",
        "Here it shows that the activations have to be differentiable.",
        "prose",
        reason="It is the hypothesis of the rule, not a consequence of it: the grammar has no function "
        "without it. Differentiable at the Z that occur is enough.",
    ),
    Entry(
        "S2-E08",
        "A from the next Z",
        "The slope by an activation adds over the neurons of the next layer.",
        "claim",
        ACTIVATIONS,
        (
            "D(E, A[l][i,c]) = Sum(D(E, Z[l+1][j,c])*D(Z[l+1][j,c], A[l][i,c]), j)"
            " = Sum(D(E, Z[l+1][j,c])*W[l+1][j,i], j) for l in 1..L-1",
        ),
    ),
    Entry(
        "S2-E09",
        "output",
        "The slope by what comes out, for i up to the number of nodes of layer l-1, where layer L has i: "
        "here as columns with a column of so many ones.",
        "claim",
        SCALES,
        ("col(D(E, A[L]), c)*ones(n[l-1]) = (col(A[L], c) - col(Y, c))*ones(n[l-1])/m",),
        corrected="D(E, A[L][i,c]) = (A[L][i,c] - Y[i,c])/m;"
        "col(D(E, A[L]), c)*ones(n[L]) = (col(A[L], c) - col(Y, c))*ones(n[L])/m",
        latex=r"\frac{\partial E}{\partial A_{ic}^L}=\tfrac1m(A_{ic}^L-Y_{ic}),\quad i=1,\dots,n^L,"
        r"\ c=1,\dots,m",
        error_class="range",
    ),
    Entry(
        "S2-P04",
        "output, prose",
        "E is written in the outputs themselves: multiplied out it is a polynomial in them, and its slope "
        "that of its terms.",
        "claim",
        SCALES,
        (
            "E = Sum(A[L][i,c]*A[L][i,c] - 2*A[L][i,c]*Y[i,c] + Y[i,c]*Y[i,c], i, c)/(2*m);"
            "D(E, A[L][i,c]) = (2*A[L][i,c] - 2*Y[i,c])/(2*m)",
        ),
    ),
    Entry(
        "S2-P05",
        "end, prose",
        "Each of these slopes comes from values of the forward pass and slopes of layers that are done, from "
        "L down to 1.",
        "claim",
        DEEP,
        (
            f"{OUTPUT};"
            "D(E, Z[l]) = D(E, A[l])*g'[l](Z[l]);"
            f"D(E, A[l]) = W[l+1].T @ {BACK} for l in 1..L-1;"
            "D(E, W[l][i,j]) = Sum(D(E, Z[l][i,c])*A[l-1][j,c], c);"
            "D(E, b[l][i]) = Sum(D(E, Z[l][i,c]), c)",
        ),
    ),
    Entry(
        "S2-P06",
        "prose",
        "The chain rule is said to be Theorem 9.15 of Rudin's Principles of Mathematical Analysis; the "
        "method was first described for neural networks by Rumelhart, Hinton and Williams.",
        "prose",
        reason="It names sources; no equation.",
    ),
    Entry(
        "S2-G1",
        "announced for another text",
        "All slopes in matrix form.",
        "open",
        SCALES,
        (
            "D(E, Z[L]) = (A[L] - Y)*g'[L](Z[L])/m;"
            f"D(E, Z[l]) = (W[l+1].T @ {BACK})*g'[l](Z[l]) for l in 1..L-1;"
            "D(E, W[l]) = D(E, Z[l]) @ A[l-1].T for l in 1..L;"
            "D(E, b[l]) = D(E, Z[l]) @ ones(m) for l in 1..L",
        ),
        latex=r"\Delta^L=\tfrac1m(A^L-Y)\odot {g^L}'(Z^L),\quad "
        r"\Delta^l=(W^{l+1})^T\Delta^{l+1}\odot {g^l}'(Z^l),\quad "
        r"\frac{\partial E}{\partial W^l}=\Delta^l(A^{l-1})^T,\quad "
        r"\frac{\partial E}{\partial b^l}=\Delta^l\mathbf 1",
    ),
)

ENTRIES: Final = (*SETUP, *SLOPES)
