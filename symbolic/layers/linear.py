"""Layers that weigh and add: dense, bilinear, gated, and the elementwise ones."""

from __future__ import annotations

from typing import Final

from symbolic.layer import Layer, function, size

_UNITS = size("units", "i")

ROWS: Final = (
    Layer(
        "dense",
        ("Z[i,...] = Sum(W[i,j]*A[j,...], j) + b[i]",),
        ("A",),
        settings=(_UNITS,),
        note="fully connected",
    ),
    Layer("dense-no-bias", ("Z[i,...] = Sum(W[i,j]*A[j,...], j)",), ("A",), settings=(_UNITS,)),
    Layer(
        "dense-transposed",
        ("Z[i,...] = Sum(W[j,i]*A[j,...], j) + b[i]",),
        ("A",),
        settings=(_UNITS,),
        note="for a decoder whose weights are tied to the encoder's",
    ),
    Layer(
        "bilinear",
        ("Y[i,...] = Sum(Sum(W[i,j,k]*X1[j,...]*X2[k,...], k), j) + b[i]",),
        ("X1", "X2"),
        settings=(_UNITS,),
    ),
    Layer("activation", ("A[i,...] = g(Z[i,...])",), ("Z",), settings=(function("activation", "g"),)),
    Layer(
        "prelu-trained",
        ("Y[i,...] = where(X[i,...] > 0, X[i,...], a[i]*X[i,...])",),
        note="the slope below 0 is trained",
    ),
    Layer(
        "swiglu",
        (
            "U[i,...] = Sum(W[i,j]*X[j,...], j)",
            "Z[i,...] = Sum(V[i,j]*X[j,...], j)",
            "Y[i,...] = U[i,...]*g(Z[i,...])",
        ),
        settings=(_UNITS, function("activation", "g", "silu")),
    ),
)
