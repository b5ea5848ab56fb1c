"""What the slides on the backward network speak of: one sample r, w^l from layer l-1 (columns) to layer l
(rows), σ in every layer, y^r what comes out and ŷ^r what is wanted, C^r any cost of the two.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from proofs.claims.given import Given, given

WEIGHTS: Final = {"w": "N[l], N[l-1] for l in 1..L", "b": "N[l] for l in 1..L"}
COLUMNS: Final = "N[l] for l in 1..L"
ANY_COST: Final = "C = cost(y, yhat)"
NORM: Final = "C = sqrt(Sum((y[n] - yhat[n])**2, n))"
HALF_SQUARE: Final = "C = Sum((y[n] - yhat[n])**2, n)/2"


def _sample(depth: int) -> Given:
    """One sample; C stands for C^r, u is any input of the backward network and back what it makes of it."""
    return given(
        sizes={"N": True},
        depth=depth,
        arrays={
            **WEIGHTS,
            "z": COLUMNS,
            "a": COLUMNS,
            "delta": COLUMNS,
            "x": "N[0]",
            "y": "N[L]",
            "yhat": "N[L]",
            "C": "",
            "u": COLUMNS,
            "back": "N[l] for l in 1..L-1",
            "C_norm": "",
            "C_square": "",
        },
        functions={"sigma": "", "cost": "whole"},
        definitions=(
            "z[1] = w[1] @ x + b[1]",
            "z[l] = w[l] @ a[l-1] + b[l] for l in 2..L",
            "a[l] = sigma(z[l]) for l in 1..L",
            "y = a[L]",
            ANY_COST,
            "delta[l][i] = D(C, z[l][i]) for l in 1..L",
            "back[l][i] = sigma'(z[l][i])*Sum(w[l+1][k,i]*u[l+1][k], k) for l in 1..L-1",
            NORM.replace("C", "C_norm"),
            HALF_SQUARE.replace("C", "C_square"),
        ),
    )


def _samples(*costs: str) -> Given:
    """R samples as columns; θ is all of w and b."""
    return given(
        sizes={"N": True, "R": False},
        depth=2,
        constants=("R",),  # as a symbol in formulas, so that 1/R is not 1/2
        arrays={
            **WEIGHTS,
            "a": "N[l], R for l in 0..L",
            "x": "N[0], R",
            "f": "N[L], R",
            "yhat": "N[L], R",
            "C_r": "R",
            "C": "",
        },
        functions={"sigma": "", "cost": "whole"},
        definitions=(
            "a[0] = x",
            "a[l][i,r] = sigma(Sum(w[l][i,j]*a[l-1][j,r], j) + b[l][i]) for l in 1..L",
            "f = a[L]",
            *costs,
        ),
    )


MEAN: Final = "C = Sum(C_r[r], r)/R"
NORMS: Final = "C_r[r] = sqrt(Sum((f[n,r] - yhat[n,r])**2, n))"

# numbers as functions of numbers, for the two cases of the chain rule
ONE_PATH: Final = given(
    arrays=dict.fromkeys("xyz", ""), functions={"g": "", "h": ""}, definitions=("y = g(x)", "z = h(y)")
)
TWO_PATHS: Final = given(
    arrays=dict.fromkeys("sxyz", ""),
    functions={"g": "", "h": "", "k": "whole"},
    definitions=("x = g(s)", "y = h(s)", "z = k(x, y)"),
)

TWO_LAYERS: Final = _sample(2)
Conventions = Mapping[str, Given]
SAMPLE: Final[Conventions] = {"any cost": _sample(3)}
COSTS: Final[Conventions] = {
    **SAMPLE,
    "the norm of the error": TWO_LAYERS.with_definitions(NORM),
    "half the squared error": TWO_LAYERS.with_definitions(HALF_SQUARE),
    "softmax in layer L": TWO_LAYERS.with_definitions("a[L][n] = exp(z[L][n])/Sum(exp(z[L][k]), k)"),
}
SAMPLES: Final[Conventions] = {
    "C is the mean of norms": _samples(NORMS, MEAN),
    "C is the mean of any cost": _samples("C_r[r] = cost(col(f, r), col(yhat, r))", MEAN),
    "C is the sum of norms": _samples(NORMS, "C = Sum(C_r[r], r)"),
}
MEANS: Final[Conventions] = dict(list(SAMPLES.items())[:2])
