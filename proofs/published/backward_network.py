"""The slides that read backpropagation as a network of linear neurons: what is asked for, the chain rule, the
first of the two factors; ENTRIES are all.
"""

from __future__ import annotations

from typing import Final

from proofs.published.backward_network_contexts import COSTS, MEANS, ONE_PATH, SAMPLE, SAMPLES, TWO_PATHS
from proofs.published.backward_network_errors import ERRORS, OPEN
from proofs.published.entry import Entry

FIRST_FACTOR: Final = "D(z[l][i], w[l][i,j]) = a[l-1][j] for l in 2..L"
FIRST_FACTOR_OF_INPUT: Final = "D(z[1][i], w[1][i,j]) = x[j]"
BACKGROUND: Final = (
    Entry(
        "S1-D1",
        "background",
        "R training examples: an input and what is wanted for it.",
        "definition",
        MEANS,
        ("row(col(x, r), i) = x[i,r]; row(col(yhat, r), n) = yhat[n,r]",),
    ),
    Entry(
        "S1-E01",
        "background",
        "The cost is the mean over the examples of the norm, not squared, of what f misses. (The norm has no "
        "slope where it misses nothing; the rest is for any cost.)",
        "claim",
        SAMPLES,
        ("C = Sum(C_r[r], r)/R; C_r[r] = sqrt(dot(col(f, r) - col(yhat, r), col(f, r) - col(yhat, r)))",),
    ),
    Entry(
        "S1-D2",
        "background",
        "θ* is to be the set of parameters at which C is least.",
        "definition",
    ),
    Entry(
        "S1-E02",
        "gradient descent",
        "The gradient of C is the mean of those of the examples.",
        "claim",
        SAMPLES,
        ("D(C, w[l]) = Sum(D(C_r[r], w[l]), r)/R; D(C, b[l]) = Sum(D(C_r[r], b[l]), r)/R",),
    ),
    Entry(
        "S1-D3",
        "gradient descent",
        "What is wanted are the slopes by every weight and bias, for one example.",
        "definition",
        MEANS,
        (
            "D(C_r[r], w[l][i,j]) = row(col(D(C_r[r], w[l]), j), i);"
            "D(C_r[r], b[l][i]) = row(D(C_r[r], b[l]), i)",
        ),
    ),
    Entry(
        "S1-P02",
        "gradient descent",
        "Backpropagation is an efficient way to these slopes.",
        "prose",
        reason="Efficient is a word about the number of operations, of which nothing is said; that the "
        "slopes come out is judged where they are derived.",
    ),
    Entry(
        "S1-CR1",
        "chain rule, case 1",
        "z by x goes through y.",
        "claim",
        {"y = g(x), z = h(y)": ONE_PATH},
        ("D(z, x) = D(z, y)*D(y, x)",),
    ),
    Entry(
        "S1-CR2",
        "chain rule, case 2",
        "z by s goes through x and through y, and the two add.",
        "claim",
        {"x = g(s), y = h(s), z = k(x, y)": TWO_PATHS},
        ("D(z, s) = D(z, x)*D(x, s) + D(z, y)*D(y, s)",),
    ),
)
FACTORS: Final = (
    Entry(
        "S1-E03",
        "two factors",
        "C changes with a weight through the weighted input that the weight leads to.",
        "claim",
        COSTS,
        ("D(C, w[l][i,j]) = D(z[l][i], w[l][i,j])*D(C, z[l][i])",),
    ),
    Entry(
        "S1-E04",
        "first factor, l > 1",
        "The weighted input of a neuron behind the first layer.",
        "definition",
        SAMPLE,
        ("z[l][i] = Sum(w[l][i,j]*a[l-1][j], j) + b[l][i] for l in 2..L",),
    ),
    Entry(
        "S1-E05",
        "first factor, l > 1",
        "Its slope by a weight is the activation that the weight multiplies.",
        "claim",
        SAMPLE,
        (FIRST_FACTOR,),
    ),
    Entry(
        "S1-E06",
        "first factor, l = 1",
        "The weighted input of a neuron of the first layer.",
        "definition",
        SAMPLE,
        ("z[1][i] = Sum(w[1][i,j]*x[j], j) + b[1][i]",),
    ),
    Entry(
        "S1-E07",
        "first factor, l = 1",
        "Its slope by a weight is the input that the weight multiplies.",
        "claim",
        SAMPLE,
        (FIRST_FACTOR_OF_INPUT,),
    ),
)
PASSES: Final = (
    Entry(
        "S1-E19",
        "concluding remarks, first factor",
        "Both cases of the first factor.",
        "claim",
        SAMPLE,
        (f"{FIRST_FACTOR_OF_INPUT}; {FIRST_FACTOR}",),
    ),
    Entry(
        "S1-E20",
        "concluding remarks, forward pass",
        "The weighted inputs, first layer and a later one.",
        "definition",
        SAMPLE,
        ("z[1] = w[1] @ x + b[1]; z[l-1] = w[l-1] @ a[l-2] + b[l-1]",),
    ),
    Entry(
        "S1-E21",
        "concluding remarks, forward pass",
        "The activations, first layer and a later one.",
        "definition",
        SAMPLE,
        ("a[1] = sigma(z[1]); a[l-1] = sigma(z[l-1])",),
    ),
    Entry(
        "S1-E22",
        "concluding remarks, backward pass",
        "The pass begins with the error of the output layer.",
        "claim",
        COSTS,
        ("delta[L] = sigma'(z[L])*D(C, y)",),
    ),
    Entry(
        "S1-E23",
        "concluding remarks, backward pass",
        "The error of the layer before.",
        "claim",
        COSTS,
        ("delta[L-1] = sigma'(z[L-1])*(w[L].T @ delta[L])",),
    ),
    Entry(
        "S1-E24",
        "concluding remarks, backward pass",
        "The error of any layer before the last.",
        "claim",
        COSTS,
        ("delta[l] = sigma'(z[l])*(w[l+1].T @ delta[l+1])",),
    ),
)

ENTRIES: Final = (*BACKGROUND, *FACTORS, *ERRORS, *PASSES, *OPEN)
