"""What the derivation by four equations speaks of: w^l from layer l-1 (columns) to layer l (rows), J_l
neurons in layer l, σ in every layer, the half-square for each sample and its average over N samples.

Where the document says C for one sample, other scalings of it and other costs stand beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from proofs.claims.given import Given, given

LAYERED: Final = {
    "w": "J[l], J[l-1] for l in 1..L",
    "b": "J[l] for l in 1..L",
    "z": "J[l] for l in 1..L",
    "a": "J[l] for l in 0..L",
    "delta": "J[l] for l in 1..L",
}
FORWARD: Final = (
    "a[0] = x",
    "z[l][j] = Sum(w[l][j,k]*a[l-1][k], k) + b[l][j] for l in 1..L",
    "a[l][j] = sigma(z[l][j]) for l in 1..L",
)
HALF_SQUARE: Final = "C = Sum((y[j] - a[L][j])**2, j)/2"
ERROR: Final = "delta[l][j] = D(C, z[l][j]) for l in 1..L"


def _sample(depth: int, sigma: str = "") -> Given:
    """One sample in a net of some depth."""
    return given(
        sizes={"J": True},
        depth=depth,
        arrays={**LAYERED, "x": "J[0]", "y": "J[L]", "C": ""},
        functions={"sigma": sigma, "rho": ""},
        constants=("eta",),
        definitions=(*FORWARD, HALF_SQUARE, ERROR),
    )


THREE: Final = _sample(3)
TWO: Final = _sample(2)
SIGMOID: Final = _sample(1, "1/(1 + exp(-z))")
TANH: Final = _sample(1, "tanh(z)")

# δ belongs to one sample, C to the training set of that sample and another, which is primed
AVERAGE: Final = given(
    sizes={"J": True},
    depth=2,
    arrays={
        **LAYERED,
        "x": "J[0]",
        "y": "J[L]",
        "z'": LAYERED["z"],
        "a'": LAYERED["a"],
        "x'": "J[0]",
        "y'": "J[L]",
        "C": "",
        "C_X": "",
    },
    functions={"sigma": "", "rho": ""},
    constants=("eta",),
    definitions=(
        *FORWARD,
        "a'[0] = x'",
        "z'[l][j] = Sum(w[l][j,k]*a'[l-1][k], k) + b[l][j] for l in 1..L",
        "a'[l][j] = sigma(z'[l][j]) for l in 1..L",
        "C_X = Sum((y[j] - a[L][j])**2, j)/2",
        "C = (C_X + Sum((y'[j] - a'[L][j])**2, j)/2)/2",
        "delta[l][j] = D(C_X, z[l][j]) for l in 1..L",
    ),
)

# the training set: samples as columns; R is the average with a penalty on the weights
SAMPLES: Final = given(
    sizes={"J": True, "N": False},
    depth=2,
    arrays={
        "w": LAYERED["w"],
        "b": LAYERED["b"],
        "z": "J[l], N for l in 1..L",
        "a": "J[l], N for l in 0..L",
        "delta": "J[l], N for l in 1..L",
        "x": "J[0], N",
        "y": "J[L], N",
        "C_X": "N",
        "C": "",
        "R": "",
    },
    functions={"sigma": ""},
    constants=("lambda",),
    definitions=(
        "a[0] = x",
        "z[l][j,n] = Sum(w[l][j,k]*a[l-1][k,n], k) + b[l][j] for l in 1..L",
        "a[l][j,n] = sigma(z[l][j,n]) for l in 1..L",
        "C_X[n] = Sum((y[j,n] - a[L][j,n])**2, j)/2",
        "C = Sum(Sum((y[j,n] - a[L][j,n])**2, j)/2, n)/N",
        "R = Sum(C_X[n] + lambda*Sum(w[2][j,k]**2, j, k)/2, n)/N",
        "delta[l][j,n] = D(C_X[n], z[l][j,n]) for l in 1..L",
    ),
)

# C along the line (w + t v, b + t u) through the parameters, at t = 0
LINE: Final = given(
    sizes={"J": True},
    depth=2,
    arrays={
        **{name: LAYERED[name] for name in ("w", "b", "z", "a")},
        "v": LAYERED["w"],
        "u": LAYERED["b"],
        "z_t": LAYERED["z"],
        "a_t": LAYERED["a"],
        "x": "J[0]",
        "y": "J[L]",
        "t": "",
        "C": "",
        "C_t": "",
    },
    functions={"sigma": ""},
    definitions=(
        *FORWARD,
        HALF_SQUARE,
        "t = 0",
        "a_t[0] = x",
        "z_t[l] = (w[l] + t*v[l]) @ a_t[l-1] + b[l] + t*u[l] for l in 1..L",
        "a_t[l] = sigma(z_t[l]) for l in 1..L",
        "C_t = Sum((y[j] - a_t[L][j])**2, j)/2",
    ),
)

# one neuron and one step of gradient descent: of a size η > 0, the square of r, and of the size t = 0
NEURON: Final = given(
    arrays=dict.fromkeys(("w", "b", "x", "y", "r", "eta", "w_next", "b_next", "t", "E", "E_next", "E_t"), ""),
    functions={"sigma": ""},
    constants=("h",),
    definitions=(
        "E = (y - sigma(w*x + b))**2/2",
        "eta = r**2",
        "w_next = w - eta*D(E, w)",
        "b_next = b - eta*D(E, b)",
        "E_next = (y - sigma(w_next*x + b_next))**2/2",
        "t = 0",
        "E_t = (y - sigma((w - t*D(E, w))*x + b - t*D(E, b)))**2/2",
    ),
)

Conventions = Mapping[str, Given]
ONE_SAMPLE: Final[Conventions] = {"C of one sample, with 1/2": THREE}
TWO_LAYERS: Final[Conventions] = {"C of one sample, with 1/2": TWO}
TRAINING_SET: Final[Conventions] = {"C averaged over N samples, with 1/2": SAMPLES}
SCALED: Final[Conventions] = {
    **ONE_SAMPLE,
    "C of one sample, without 1/2": TWO.with_definitions("C = Sum((y[j] - a[L][j])**2, j)"),
    "C of one sample, with 1/2, mean over outputs": TWO.with_definitions(
        "C = Sum((y[j] - a[L][j])**2, j)/(2*dot(ones(J[L]), ones(J[L])))"
    ),
    "C averaged over the samples, δ of one sample": AVERAGE,
}
COSTS: Final[Conventions] = {
    **SCALED,
    "any cost Σρ(a − y)": TWO.with_definitions("C = Sum(rho(a[L][j] - y[j]), j)"),
    "softmax in layer L": TWO.with_definitions("a[L][j] = exp(z[L][j])/Sum(exp(z[L][k]), k)"),
}
