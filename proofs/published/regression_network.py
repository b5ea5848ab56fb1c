"""Error backpropagation for regression: the forward pass, E and its descent, (1) to (14); ENTRIES are all."""

from __future__ import annotations

from typing import Final

from proofs.published.entry import Entry
from proofs.published.regression_network_contexts import (
    ANY_OUTPUT,
    LAYERS,
    OUTPUTS,
    OWN,
    SOFTMAX,
    SUM,
    network,
    scales,
)
from proofs.published.regression_network_gradients import GRADIENTS
from proofs.published.regression_network_open import OPEN

FORWARD: Final = (
    Entry(
        "S0-P01",
        "introduction",
        "The estimate for an input, here x⁽¹⁾, is to be called ŷ.",
        "prose",
        reason="It announces a name and states nothing; the name is not kept: the estimate is y in (10), "
        "(11) has ŷ for the target, and the steps after it have Ŷ for the outputs again.",
    ),
    Entry(
        "S0-E01",
        "(1)",
        "x_m is the column of the D entries x_{d,m} of sample m.",
        "definition",
        OWN,
        ("row(col(x, m), d) = x[d,m]",),
    ),
    Entry(
        "S0-E02",
        "(2)",
        "X is D×M, its columns are the samples x_m.",
        "definition",
        OWN,
        ("col(X, m) = col(x, m)",),
    ),
    Entry(
        "S0-P02",
        "hidden layer, before (3)",
        "A node adds its bias to the weighted sum of its inputs; its output is g of that.",
        "definition",
        OWN,
        ("a[1][i,m] = g[1](z[1][i,m]) = g[1](Sum(W[1][d,i]*x[d,m], d) + b[1][i])",),
    ),
    Entry(
        "S0-E03",
        "(3)",
        "The input of node i: the sum over d of the entry (d, i) of the transposed weights with x_{d,m}, and "
        "the bias. That entry does not exist: the transpose is n×D. (Transposing the number w_{di} would "
        "change nothing.)",
        "claim",
        OWN,
        ("z[1][i,m] = Sum(row(col(W[1].T, i), d)*x[d,m], d) + b[1][i]",),
        corrected="z[1][i,m] = Sum(W[1][d,i]*x[d,m], d) + b[1][i]",
        latex=r"z_{i,m}^{[1]} = \sum_{d=1}^{D} w_{d,i}^{[1]} x_{d,m} + b_i^{[1]}",
        error_class="transposition",
    ),
    Entry(
        "S0-E04",
        "(4)",
        "The output of node i of the hidden layer is g of its input.",
        "definition",
        OWN,
        ("a[1][i,m] = g[1](z[1][i,m])",),
    ),
    Entry(
        "S0-P03",
        "remark (1)",
        "A forward pass computes (3) and (4), layer by layer; [l] counts layers, i nodes, m samples.",
        "definition",
        {"any g in both layers": network(ANY_OUTPUT)},
        ("a[l][i,m] = g[l](z[l][i,m]) = g[l](Sum(W[l][j,i]*a[l-1][j,m], j) + b[l][i]) for l in 1..L",),
    ),
    Entry(
        "S0-E05",
        "(5)",
        "z_m is the column of the inputs of all nodes of a layer, for sample m.",
        "definition",
        OWN,
        ("row(col(z[l], m), i) = z[l][i,m] for l in 1..L",),
    ),
    Entry(
        "S0-E06",
        "(6)",
        "Z of a layer is n×M, but its columns are labelled 1, 2, …, n, 1: as printed the last one, of sample "
        "M, holds z_{i,1}.",
        "claim",
        OWN,
        ("Z[l][i,M] = z[l][i,1] for l in 1..L",),
        corrected="Z[l][i,M] = z[l][i,M] for l in 1..L; Z[l][i,m] = z[l][i,m] for l in 1..L",
        latex=r"Z^{[l]} = \begin{bmatrix} z_{1,1}^{[l]} & \dots & z_{1,M}^{[l]} \\ \vdots & & \vdots \\ "
        r"z_{n,1}^{[l]} & \dots & z_{n,M}^{[l]} \end{bmatrix}",
        error_class="range",
    ),
    Entry(
        "S0-E07",
        "(7)",
        "A is g of Z, entry by entry; the Z that is written out has columns up to n, and its width is marked "
        "n where it is M.",
        "claim",
        {
            "any g in both layers, N the matrix as printed": network(
                ANY_OUTPUT, "N[l][i,j] = z[l][i,j] for l in 1..L", N="n[l], n[l] for l in 1..L"
            )
        },
        ("A[l] = g[l](N[l]) for l in 1..L",),
        corrected="A[l] = g[l](Z[l]) for l in 1..L; A[l][i,m] = g[l](z[l][i,m]) for l in 1..L",
        latex=r"A^{[l]} = g^{[l]}(Z^{[l]}) = g^{[l]}\left(\begin{bmatrix} z_{1,1}^{[l]} & \dots & "
        r"z_{1,M}^{[l]} \\ \vdots & & \vdots \\ z_{n,1}^{[l]} & \dots & z_{n,M}^{[l]} \end{bmatrix}\right)",
        error_class="range",
    ),
    Entry(
        "S0-E08",
        "(8)",
        "The output of any layer, in matrix form; W is not transposed here, in (10) it is.",
        "claim",
        LAYERS,
        ("A[l] = g[l](W[l] @ A[l-1] + B[l]) for l in 1..L",),
        corrected="A[l] = g[l](W[l].T @ A[l-1] + B[l]) for l in 1..L",
        latex=r"A^{[l]} = g^{[l]}(W^{[l]T} A^{[l-1]} + B^{[l]})",
        error_class="transposition",
    ),
    Entry(
        "S0-P03b",
        "after (8)",
        "The output of the last layer is called Y.",
        "definition",
        OWN,
        ("A[L] = Y",),
    ),
    Entry(
        "S0-E09",
        "unnumbered, evidently (9)",
        "Two layers lead from X by way of A¹ to Y; each arrow is a whole layer, named by its activation.",
        "claim",
        {"any g in both layers": network(ANY_OUTPUT)},
        ("A[1] = g[1](W[1].T @ X + B[1]); Y = g[2](W[2].T @ A[1] + B[2])",),
    ),
    Entry(
        "S0-P04",
        "before (10)",
        "With the identity as g² the input of the output layer is Y.",
        "claim",
        OUTPUTS,
        ("Z[2] = Y",),
    ),
    Entry(
        "S0-P05",
        "before (10)",
        "For classification g² is to be softmax.",
        "definition",
        {"softmax": network(SOFTMAX)},
        ("Y[k,m] = exp(Z[2][k,m])/Sum(exp(Z[2][j,m]), j)",),
    ),
    Entry(
        "S0-E10",
        "(10)",
        "The estimates of the two-layer network, in matrix form.",
        "claim",
        {
            "g[2] the identity, B n×M": network(),
            "g[2] the identity, B a column": network("B[l] = b[l] for l in 1..L", B="n[l] for l in 1..L"),
            "g[2] any function, B n×M": network(ANY_OUTPUT),
        },
        ("Y = W[2].T @ A[1] + B[2] = W[2].T @ g[1](W[1].T @ X + B[1]) + B[2]",),
    ),
    Entry(
        "S0-P06",
        "after (10)",
        "B of a layer is called a vector; in (8) and (10) it is added to an n×M matrix. Nothing else is said "
        "of its shape: one of the two has to give way, and here it is the word.",
        "claim",
        OWN,
        ("B[l] = b[l] for l in 1..L",),
        corrected="B[l] = b[l] @ ones(M).T for l in 1..L",
        latex=r"B^{[l]} = b^{[l]} \mathbf{1}_M^T \in \mathbb{R}^{n^{[l]} \times M}",
        error_class="shape",
    ),
    Entry(
        "S0-E11",
        "(11)",
        "E is half the sum of squares over samples and outputs; y has the sample as index where the output "
        "belongs, the target has no output index and is called ŷ, and nothing that is summed depends on k.",
        "claim",
        {SUM: network("E = Sum(Em[m], m)", yhat="M")},
        ("E = Sum(Sum((y[m,m] - yhat[m])**2, k = 1..K), m)/2",),
        corrected="E = Sum(Sum((y[k,m] - t[k,m])**2, k), m)/2",
        latex=r"E = \frac{1}{2} \sum_{m=1}^{M} \sum_{k=1}^{K} (y_k(x_m) - t_{k,m})^2",
        error_class="index",
    ),
    Entry(
        "S0-P07",
        "after (11)",
        "To minimise E/2 is to minimise E: one is a positive multiple of the other, and so are the slopes.",
        "claim",
        scales(SUM),
        (
            "2*D(E/2, W[l][i,j]) = D(E, W[l][i,j]) for l in 1..L;"
            "2*D(E/2, b[l][i]) = D(E, b[l][i]) for l in 1..L",
        ),
    ),
    Entry(
        "S0-A1",
        "steps 1 to 3",
        "Start from random parameters, do a forward pass, update by (12) until E is small enough.",
        "prose",
        reason="Instructions state nothing; that E ever gets small is not said. The update is judged at "
        "(12). Biases and the forward pass belong into the loop as well.",
    ),
    Entry(
        "S0-E12",
        "(12)",
        "The update of a weight; [l+1] and [l] stand for after and before, but [l] is the layer.",
        "claim",
        {"one rate": network("rate[l] = rho")},
        ("W[l+1][p,q] = W[l][p,q] - rho*D(E, W[l][p,q]) for l in 1..L-1",),
        corrected="Wnew[l][p,q] = W[l][p,q] - rho*D(E, W[l][p,q]) for l in 1..L",
        latex=r"w_{p,q}^{[l]} \leftarrow w_{p,q}^{[l]} - \rho \frac{\partial E}{\partial w_{p,q}^{[l]}}",
        error_class="layer",
    ),
    Entry(
        "S0-E13",
        "(13)",
        "The update of a hidden weight; [l+1] and [l] again, and the rate has the index of the node, not of "
        "the layer.",
        "claim",
        OWN,
        ("W[l+1][d,i] = W[l][d,i] - rate[i]*D(E, W[l][d,i]) for l in 1..L-1",),
        corrected="Wnew[1][d,i] = W[1][d,i] - rate[1]*D(E, W[1][d,i])",
        latex=r"w_{d,i}^{[1]} \leftarrow w_{d,i}^{[1]} - \rho_1 \frac{\partial E}{\partial w_{d,i}^{[1]}}",
        error_class="layer",
    ),
    Entry(
        "S0-E14",
        "(14)",
        "The update of an output weight: true where the left side is the new weight, false as an equation.",
        "claim",
        OWN,
        (
            "Wnew[2][i,k] = W[2][i,k] - rate[2]*D(E, W[2][i,k])",
            "W[2][i,k] = W[2][i,k] - rate[2]*D(E, W[2][i,k])",
        ),
        corrected="Wnew[2][i,k] = W[2][i,k] - rate[2]*D(E, W[2][i,k])",
        latex=r"w_{i,k}^{[2]} \leftarrow w_{i,k}^{[2]} - \rho_2 \frac{\partial E}{\partial w_{i,k}^{[2]}}",
        error_class="notation",
    ),
    Entry(
        "S0-P08",
        "after (14)",
        "ρ₁ and ρ₂ are the learning rates of the two layers.",
        "definition",
        OWN,
        ("Wnew[l] = W[l] - rate[l]*D(E, W[l]) for l in 1..L",),
    ),
)
ENTRIES: Final = (*FORWARD, *GRADIENTS, *OPEN)
