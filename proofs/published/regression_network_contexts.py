"""The conventions of the derivation for a regression network with one hidden layer.

Samples are columns. The first index of a weight is where it comes from, so W[l] is n[l-1]×n[l] and the
forward pass uses W[l]ᵀ. B[l] is the matrix that holds b[l] in each of its M columns. The output's activation
is the identity, that of the hidden layer is any function g[1]. Capitals are the same arrays in matrix form;
Wnew and bnew are what an update makes. M and K stand in formulas as symbols, so that 1/2 and 1/M stay apart
in a world of two samples.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from proofs.claims.given import Given, given

ARRAYS: Final = {
    "x": "n[0], M",
    "t": "n[L], M",
    "W": "n[l-1], n[l] for l in 1..L",
    "b": "n[l] for l in 1..L",
    "z": "n[l], M for l in 1..L",
    "a": "n[l], M for l in 0..L",
    "y": "n[L], M",
    "Em": "M",
    "E": "",
    "rate": " for l in 1..L",
    "Wnew": "n[l-1], n[l] for l in 1..L",
    "bnew": "n[l] for l in 1..L",
    "X": "n[0], M",
    "T": "n[L], M",
    "B": "n[l], M for l in 1..L",
    "Z": "n[l], M for l in 1..L",
    "A": "n[l], M for l in 0..L",
    "Y": "n[L], M",
}
DEFINITIONS: Final = (
    "a[0] = x",
    "z[l][i,m] = Sum(W[l][j,i]*a[l-1][j,m], j) + b[l][i] for l in 1..L",
    "a[l] = g[l](z[l]) for l in 1..L",
    "a[L] = z[L]",
    "y = a[L]",
    "Em[m] = Sum((y[k,m] - t[k,m])**2, k)/2",
    "E = Sum(Em[m], m)/M",
    "Wnew[l] = W[l] - rate[l]*D(E, W[l]) for l in 1..L",
    "bnew[l] = b[l] - rate[l]*D(E, b[l]) for l in 1..L",
    "X = x",
    "T = t",
    "B[l][i,m] = b[l][i] for l in 1..L",
    "Z[l] = z[l] for l in 1..L",
    "A[l] = a[l] for l in 0..L",
    "Y = y",
)


def network(*definitions: str, **arrays: str) -> Given:
    """The document's network; arrays and definitions given here take the place of its own."""
    context = given(
        sizes={"n": True, "D": False, "K": False, "M": False},
        depth=2,
        constants=("M", "K", "rho"),
        arrays={**ARRAYS, **arrays},
        functions={"g": "layered"},
        definitions=DEFINITIONS,
        widths={"n[0]": "D", "n[2]": "K"},
    )
    return context.with_definitions(*definitions)


ANY_OUTPUT: Final = "a[L] = g[L](z[L])"
SOFTMAX: Final = "a[L][k,m] = exp(z[L][k,m])/Sum(exp(z[L][j,m]), j)"
CROSS_ENTROPY: Final = "Em[m] = -Sum(t[k,m]*log(y[k,m]), k)"
OUT_IN: Final = "z[l][i,m] = Sum(W[l][i,j]*a[l-1][j,m], j) + b[l][i] for l in 1..L"

OWN: Final[Mapping[str, Given]] = {"the document's own": network()}
LAYERS: Final[Mapping[str, Given]] = {
    "W in×out, B n×M": network(ANY_OUTPUT),
    "W out×in, B n×M": network(ANY_OUTPUT, OUT_IN, W="n[l], n[l-1] for l in 1..L"),
    "W in×out, B a column": network(ANY_OUTPUT, "B[l] = b[l] for l in 1..L", B="n[l] for l in 1..L"),
}
OUTPUTS: Final[Mapping[str, Given]] = {
    "g[2] the identity": network(),
    "g[2] any function": network(ANY_OUTPUT),
}
PER_SAMPLE: Final[Mapping[str, Given]] = {
    "E_m with 1/2 (15)": network(),
    "E_m without 1/2": network("Em[m] = Sum((y[k,m] - t[k,m])**2, k)"),
}
SUM, MEAN, MEAN_OVER_K = "E = ΣE_m (11)", "E = 1/M ΣE_m (16)", "E = 1/(MK) ΣE_m (17)"
SCALES: Final[Mapping[str, Given]] = {
    SUM: network("E = Sum(Em[m], m)"),
    MEAN: network(),
    MEAN_OVER_K: network("E = Sum(Em[m], m)/(M*K)"),
}
LABELS: Final[Mapping[str, Given]] = {
    "labels of a sample add up to 1": network(
        SOFTMAX, CROSS_ENTROPY, "t[k,m] = u[k,m]/Sum(u[j,m], j)", u="n[L], M"
    ),
    "labels are any numbers": network(SOFTMAX, CROSS_ENTROPY),
}
PROBABILITIES: Final[Mapping[str, Given]] = {"softmax with 1/2 Σ(y - t)²": network(SOFTMAX)}
# along a line through the parameters, at s = 0
LINE: Final[Mapping[str, Given]] = {
    "parameters on a line": network(
        "s = 0",
        "W[l] = W0[l] + s*V[l] for l in 1..L",
        "b[l] = b0[l] + s*v[l] for l in 1..L",
        s="",
        W0=ARRAYS["W"],
        V=ARRAYS["W"],
        b0=ARRAYS["b"],
        v=ARRAYS["b"],
    )
}


def scales(own: str) -> Mapping[str, Given]:
    """Every scaling of E, the one that holds at the place first."""
    return {own: SCALES[own], **SCALES}
