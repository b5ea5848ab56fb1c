"""Convolutions and pooling: a window of k places moves along an axis."""

from __future__ import annotations

from typing import Final

from symbolic.layer import Layer, size, whole

_WINDOW = (whole("stride", 1, "s"), whole("padding", 0, "p"))
_CONV1D = (size("channels", "o"), size("kernel", "k"), *_WINDOW, whole("dilation", 1, "d"))
_CONV2D = (
    size("channels", "o"),
    size("kernel_h", "k"),
    size("kernel_w", "l"),
    *(
        whole(f"{name}_h", default, symbol)
        for name, default, symbol in (("stride", 1, "s"), ("padding", 0, "p"))
    ),
    whole("dilation_h", 1, "d"),
    *(
        whole(f"{name}_w", default, symbol)
        for name, default, symbol in (("stride", 1, "z"), ("padding", 0, "m"))
    ),
    whole("dilation_w", 1, "n"),
)
_POOL2D = (size("kernel_h", "k"), size("kernel_w", "l"), *(s for s in _CONV2D if s.symbol in "spzm"))

ROWS: Final = (
    Layer(
        "conv1d",
        ("Y[o,q,...] = Sum(W[o,h,k]*X[h,s*q + d*k - p,...], h, k) + b[o]",),
        settings=_CONV1D,
    ),
    Layer(
        "conv1d-grouped",
        ("Y[g*N_o + o,q,...] = Sum(W[g*N_o + o,h,k]*X[g*N_h + h,s*q + d*k - p,...], h, k) + b[g*N_o + o]",),
        settings=(size("groups", "g"), *_CONV1D),
        note="channels are those of one group",
    ),
    Layer(
        "conv1d-transposed",
        ("P[o,s*q + d*k - p,...] = Sum(W[h,o,k]*X[h,q,...], h)", "Y[o,u,...] = P[o,u,...] + b[o]"),
        settings=_CONV1D,
    ),
    Layer(
        "conv2d",
        ("Y[o,q,r,...] = Sum(W[o,h,k,l]*X[h,s*q + d*k - p,z*r + n*l - m,...], h, k, l) + b[o]",),
        settings=_CONV2D,
    ),
    Layer(
        "conv2d-grouped",
        (
            "Y[g*N_o + o,q,r,...] = Sum(W[g*N_o + o,h,k,l]*X[g*N_h + h,s*q + d*k - p,z*r + n*l - m,...], "
            "h, k, l) + b[g*N_o + o]",
        ),
        settings=(size("groups", "g"), *_CONV2D),
        note="channels are those of one group",
    ),
    Layer(
        "conv2d-transposed",
        (
            "P[o,s*q + d*k - p,z*r + n*l - m,...] = Sum(W[h,o,k,l]*X[h,q,r,...], h)",
            "Y[o,u,v,...] = P[o,u,v,...] + b[o]",
        ),
        settings=_CONV2D,
    ),
    Layer(
        "average-pool1d",
        ("Y[i,q,...] = Sum(X[i,s*q + k - p,...], k)/N_k",),
        settings=(size("kernel", "k"), *_WINDOW),
        note="padding counts as zeros",
    ),
    Layer(
        "average-pool2d",
        ("Y[i,q,r,...] = Sum(X[i,s*q + k - p,z*r + l - m,...], k, l)/(N_k*N_l)",),
        settings=_POOL2D,
        note="padding counts as zeros",
    ),
    Layer(
        "max-pool1d",
        ("Y[i,q,...] = Max(X[i,s*q + k - p,...], k)",),
        settings=(size("kernel", "k"), *_WINDOW),
        note="of several maxima the first",
    ),
    Layer(
        "max-pool2d",
        ("Y[i,q,r,...] = Max(Max(X[i,s*q + k - p,z*r + l - m,...], l), k)",),
        settings=_POOL2D,
        note="of several maxima the first",
    ),
)
