"""Norms: mean and variance over the batch, over units, over groups of channels."""

from __future__ import annotations

from typing import Final

from symbolic.layer import Layer, real, size

_EPSILON = real("epsilon", "0.00001")
_NORMALISED = "H[i,...] = (X[i,...] - M[{over}])/sqrt(V[{over}] + epsilon)"

ROWS: Final = (
    Layer(
        "batch-norm",
        (
            "M[i] = Sum(X[i,...], ...)/N_...",
            "V[i] = Sum((X[i,...] - M[i])**2, ...)/N_...",
            _NORMALISED.format(over="i"),
            "Y[i,...] = gamma[i]*H[i,...] + beta[i]",
        ),
        settings=(_EPSILON,),
        note="training mode: mean and variance are functions of the batch",
    ),
    Layer(
        "layer-norm",
        (
            "M[...] = Sum(X[i,...], i)/N_i",
            "V[...] = Sum((X[i,...] - M[...])**2, i)/N_i",
            _NORMALISED.format(over="..."),
            "Y[i,...] = gamma[i]*H[i,...] + beta[i]",
        ),
        settings=(_EPSILON,),
    ),
    Layer(
        "rms-norm",
        ("R[...] = sqrt(Sum(X[i,...]**2, i)/N_i + epsilon)", "Y[i,...] = gamma[i]*X[i,...]/R[...]"),
        settings=(_EPSILON,),
    ),
    Layer(
        "group-norm",
        (
            "M[g,c] = Sum(X[g*N_h + h,...,c], h, ...)/(N_h*N_...)",
            "V[g,c] = Sum((X[g*N_h + h,...,c] - M[g,c])**2, h, ...)/(N_h*N_...)",
            "H[g*N_h + h,...,c] = (X[g*N_h + h,...,c] - M[g,c])/sqrt(V[g,c] + epsilon)",
            "Y[i,...,c] = gamma[i]*H[i,...,c] + beta[i]",
        ),
        settings=(size("groups", "g"), _EPSILON),
    ),
)
