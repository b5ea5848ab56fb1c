"""Softmax and attention."""

from __future__ import annotations

from typing import Final

from symbolic.layer import Layer, size

_UNITS = size("units", "i")
_HEADS = tuple(
    f"{name}[h,d,t,...] = Sum(W{name}[h,d,j]*{source}[j,t,...], j) + b{name}[h,d]"
    for name, source in (("Q", "X"), ("K", "X"), ("V", "X"))
)
_MERGED = (
    "O[h,d,t,...] = Sum(A[h,t,u,...]*V[h,d,u,...], u)",
    "Y[i,t,...] = Sum(WO[i,h,d]*O[h,d,t,...], h, d) + bO[i]",
)
_HEAD_SIZES = (size("heads", "h"), size("width", "d"), _UNITS)
_SCORES_ONE = "S[t,u,...] = Sum(Q[d,t,...]*K[d,u,...], d)/sqrt(N_d)"
_WEIGHTED = "Y[e,t,...] = Sum(A[t,u,...]*V[e,u,...], u)"
_SCORES = "S[h,t,u,...] = Sum(Q[h,d,t,...]*K[h,d,u,...], d)/sqrt(N_d)"


def _shifted(scores: str, mask: str = "") -> tuple[str, ...]:
    """A softmax over u of scores S[…,t,u,…], less their maximum over what the mask lets through."""
    at = f"[{scores}...]"
    summed, rest = at.replace("u", "v"), at.replace("u,", "")
    seen = f"where(M[t,v] > 0, S{summed}, -10**300)" if mask else f"S{summed}"
    score = f"where(M[t,u] > 0, S{at}, R{rest})" if mask else f"S{at}"
    weight = "M[t,u]*" if mask else ""
    return (
        f"R{rest} = Max({seen}, v)",
        f"N{at} = {weight}exp({score} - R{rest})",
        f"A{at} = N{at}/Sum(N{summed}, v)",
    )


ROWS: Final = (
    Layer(
        "softmax",
        ("A[...,i,...] = exp(Z[...,i,...])/Sum(exp(Z[...,r,...]), r)",),
        ("Z",),
        stable=(
            "R[...,...] = Max(Z[...,r,...], r)",
            "N[...,i,...] = exp(Z[...,i,...] - R[...,...])",
            "A[...,i,...] = N[...,i,...]/Sum(N[...,r,...], r)",
        ),
        note="over one axis",
    ),
    Layer(
        "log-softmax",
        ("L[...,...] = log(Sum(exp(Z[...,r,...]), r))", "A[...,i,...] = Z[...,i,...] - L[...,...]"),
        ("Z",),
        stable=(
            "R[...,...] = Max(Z[...,r,...], r)",
            "L[...,...] = R[...,...] + log(Sum(exp(Z[...,r,...] - R[...,...]), r))",
            "A[...,i,...] = Z[...,i,...] - L[...,...]",
        ),
        note="over one axis",
    ),
    Layer(
        "attention",
        (
            _SCORES_ONE,
            "A[t,u,...] = exp(S[t,u,...])/Sum(exp(S[t,v,...]), v)",
            _WEIGHTED,
        ),
        ("Q", "K", "V"),
        stable=(_SCORES_ONE, *_shifted("t,u,"), _WEIGHTED),
        note="scaled dot product",
    ),
    Layer(
        "masked-attention",
        (
            _SCORES_ONE,
            "A[t,u,...] = M[t,u]*exp(S[t,u,...])/Sum(M[t,v]*exp(S[t,v,...]), v)",
            _WEIGHTED,
        ),
        ("Q", "K", "V"),
        ("M",),
        stable=(_SCORES_ONE, *_shifted("t,u,", "M"), _WEIGHTED),
        note="M[t,u] is 1 where t may look at u, else 0",
    ),
    Layer(
        "multi-head-attention",
        (*_HEADS, _SCORES, "A[h,t,u,...] = exp(S[h,t,u,...])/Sum(exp(S[h,t,v,...]), v)", *_MERGED),
        settings=_HEAD_SIZES,
        stable=(*_HEADS, _SCORES, *_shifted("h,t,u,"), *_MERGED),
        note="self-attention; width is that of one head",
    ),
    Layer(
        "masked-multi-head-attention",
        (
            *_HEADS,
            _SCORES,
            "A[h,t,u,...] = M[t,u]*exp(S[h,t,u,...])/Sum(M[t,v]*exp(S[h,t,v,...]), v)",
            *_MERGED,
        ),
        constants=("M",),
        settings=_HEAD_SIZES,
        stable=(*_HEADS, _SCORES, *_shifted("h,t,u,", "M"), *_MERGED),
        note="M[t,u] is 1 where t may look at u, else 0",
    ),
)
