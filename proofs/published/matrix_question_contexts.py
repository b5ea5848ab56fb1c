"""What the question about matrix expressions and its answer speak of: z_i = f(W_i z_{i-1}) without biases.

Layers are counted 0 (x) to L (ŷ), so that the document's n+1 for the last matrix is L here and its z_n is
z[L-1]. Hidden layers have n nodes, x has p. W[L] is a row, its entries as a column are v. Of a net along the
line W + t dW, x + t dx, the differentials are slopes by t at t = 0; where a differential is only an argument,
dz is free.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from proofs.claims.given import Given, given

DEPTH: Final = 4  # three hidden layers: a closed form then has two factors
HIDDEN: Final = {f"width[{layer}]": "n" for layer in range(1, DEPTH)}
ENDS: Final = {"width[0]": "p", f"width[{DEPTH}]": "1"}
MATRICES: Final = "width[l], width[l-1] for l in 1..L"
COLUMNS: Final = "width[l] for l in 0..L"
INPUTS: Final = "width[l] for l in 1..L"
ARRAYS: Final = {
    "W": MATRICES,
    "v": "width[L-1]",
    "x": "width[0]",
    "y": "",
    "s": INPUTS,
    "z": COLUMNS,
    "yhat": "",
    "MSE": "",
    "k": "width[l+1] for l in 0..L-1",
    "slope": "width[L-1]",
    "dz": COLUMNS,
    "dnext": INPUTS,
    "dW": MATRICES,
}
DEFINITIONS: Final = (
    "W[L] = v.T",
    "z[0] = x",
    "s[l] = W[l] @ z[l-1] for l in 1..L",
    "z[l] = f(s[l]) for l in 1..L",
    "yhat = z[L]",
    "MSE = (yhat - y)**2",
    "k[l] = D(MSE, s[l+1]) for l in 0..L-1",
    "slope = 2*(yhat - y)*f'(dot(v, z[L-1]))*v",
    "dnext[l][j] = Sum(D(z[l][j], z[l-1][c])*dz[l-1][c], c) for l in 1..L",
)


def _net(widths: Mapping[str, str], *definitions: str, **arrays: str) -> Given:
    """The net with one output."""
    context = given(
        sizes={"width": True, "p": False, "n": False},
        depth=DEPTH,
        arrays={**ARRAYS, **arrays},
        functions={"f": ""},
        definitions=DEFINITIONS,
        widths=widths,
    )
    return context.with_definitions(*definitions)


EQUAL: Final = _net({**ENDS, **HIDDEN})
UNEQUAL: Final = _net(ENDS)

LINE: Final = given(
    sizes={"width": True},
    depth=3,
    arrays={
        "W": MATRICES,
        "dW": MATRICES,
        "x": "width[0]",
        "dx": "width[0]",
        "t": "",
        "z": COLUMNS,
        "z_t": COLUMNS,
        "dz": COLUMNS,
    },
    functions={"f": ""},
    definitions=(
        "z[0] = x",
        "z[l] = f(W[l] @ z[l-1]) for l in 1..L",
        "t = 0",
        "z_t[0] = x + t*dx",
        "z_t[l] = f((W[l] + t*dW[l]) @ z_t[l-1]) for l in 1..L",
        "dz[l][j] = D(z_t[l][j], t) for l in 0..L",
    ),
)


def _outputs(cost: str) -> Given:
    """Several outputs and widths of all sizes; `e` is the squared error of each output."""
    return given(
        sizes={"width": True},
        depth=3,
        arrays={
            "W": MATRICES,
            "x": "width[0]",
            "y": "width[L]",
            "s": INPUTS,
            "z": COLUMNS,
            "e": "width[L]",
            "k": INPUTS,
            "MSE": "",
        },
        functions={"f": ""},
        definitions=(
            "z[0] = x",
            "s[l] = W[l] @ z[l-1] for l in 1..L",
            "z[l] = f(s[l]) for l in 1..L",
            "e[c] = (z[L][c] - y[c])**2",
            cost,
            "k[l] = D(MSE, s[l]) for l in 1..L",
        ),
    )


def _module(layer: str, **arrays: str) -> Given:
    """A linear module in front of any cost; the line through W and h as above."""
    along = layer.replace("W", "(W + t*dW)").replace("h", "(h + t*dh)")
    return given(
        sizes={"n": True, "m": False},
        arrays={
            **arrays,
            "dW": arrays["W"],
            "dh": arrays["h"],
            "A": arrays["out"],
            "t": "",
            "MSE": "",
            "dMSE": "",
        },
        functions={"cost": "whole"},
        definitions=(
            f"out = {layer}",
            "MSE = cost(out)",
            "A = D(MSE, out)",
            "t = 0",
            f"dMSE = D(cost({along}), t)",
        ),
    )


Conventions = Mapping[str, Given]
OWN: Final[Conventions] = {"hidden layers of n nodes": EQUAL}
WIDTHS: Final[Conventions] = {**OWN, "hidden layers of unequal widths": UNEQUAL}
NUMBERING: Final[Conventions] = {
    "k_{i-1} belongs to W_i, as at the last two matrices": EQUAL,
    "k_i belongs to W_i": _net({**ENDS, **HIDDEN}, "k[l] = D(MSE, s[l]) for l in 1..L", k=INPUTS),
}
DIFFERENTIALS: Final[Conventions] = {"along a line through all weights and x": LINE}
OUTPUTS: Final[Conventions] = {
    "MSE adds over the outputs": _outputs("MSE = Sum(e[c], c)"),
    "MSE is the mean over the outputs": _outputs("MSE = Sum(e[c], c)/dot(ones(width[L]), ones(width[L]))"),
}
MODULE: Final[Conventions] = {
    "columns, l = Wh": _module("W @ h", W="n[1], n[0]", h="n[0]", out="n[1]"),
    "rows, l = hW": _module("h @ W", W="n[0], n[1]", h="m, n[0]", out="m, n[1]"),
}
