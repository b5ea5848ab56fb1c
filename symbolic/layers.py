"""Layers, one row each: their forward equations and nothing else.

Indices: i, j, k, d, e, o, h run over units or channels, q and t, u over places or time, c over samples, r and
v over what is summed within; `...` is all further axes, the samples last. Where an equation computes with
indices, they count from 0. Everything a layer does on the way back is derived from its equations; a row has
no field for a backward rule.
"""

from __future__ import annotations

from typing import Final

from symbolic.layer import Layer, function, real, size, whole

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
_UNITS = size("units", "i")
_EPSILON = real("epsilon", "0.00001")
_GATES = (_UNITS, function("gate", "g", "sigmoid"), function("activation", "f", "tanh"))


def _gate(name: str) -> str:
    """The pre-activation of a gate in a recurrent cell, from the input and from the state before."""
    return f"Z{name}[i,...] = Sum(W{name}[i,j]*X[j,...], j) + Sum(U{name}[i,k]*H[k,...], k) + b{name}[i]"


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


_NORMALISED = "H[i,...] = (X[i,...] - M[{over}])/sqrt(V[{over}] + epsilon)"

_ROWS: Final = (
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
    Layer(
        "embedding",
        ("Y[d,...] = W[d,J[...]]",),
        ("J",),
        settings=(size("width", "d"), size("vocabulary", "v")),
        shapes=(("W", "d,v"),),
        note="J holds whole numbers from 0; a repeated one adds up",
    ),
    Layer(
        "dropout",
        ("Y[i,...] = D[i,...]*X[i,...]/(1 - rate)",),
        constants=("D",),
        settings=(real("rate", "1/2"),),
        note="D is the mask that was drawn, 0 or 1",
    ),
    Layer("add", ("Y[i,...] = X1[i,...] + X2[i,...]",), ("X1", "X2"), note="residual connection"),
    Layer("multiply", ("Y[i,...] = X1[i,...]*X2[i,...]",), ("X1", "X2")),
    Layer("subtract", ("Y[i,...] = X1[i,...] - X2[i,...]",), ("X1", "X2")),
    Layer("scale", ("Y[i,...] = factor*X[i,...]",), settings=(real("factor", "1"),)),
    Layer(
        "concatenate",
        ("Y[...,i,...] = where(i < N_j, X1[...,i,...], X2[...,i - N_j,...])",),
        ("X1", "X2"),
        shapes=(("X1", "...,j,..."), ("X2", "...,k,..."), ("Y", "...,j+k,...")),
    ),
    Layer(
        "slice",
        ("Y[...,q,...] = X[...,step*q + start,...]",),
        settings=(size("length", "q"), whole("start", 0), whole("step", 1)),
    ),
    Layer(
        "take", ("Y[...,...] = X[...,place,...]",), settings=(whole("place", 0),), note="one place of an axis"
    ),
    Layer("flatten", ("Y[...,i*N_j + j,...] = X[...,i,j,...]",), note="two axes into one"),
    Layer(
        "unflatten",
        ("Y[...,i,j,...] = X[...,i*N_j + j,...]",),
        settings=(size("inner", "j"),),
        note="one axis into two",
    ),
    Layer("transpose", ("Y[...,j,i,...] = X[...,i,j,...]",), note="two neighbouring axes"),
    Layer("broadcast", ("Y[...,i,...] = X[...,...]",), settings=(size("size", "i"),), note="a new axis"),
    Layer("sum", ("Y[...,...] = Sum(X[...,i,...], i)",), note="over one axis"),
    Layer("mean", ("Y[...,...] = Sum(X[...,i,...], i)/N_i",), note="over one axis"),
    Layer(
        "gather",
        ("Y[...,q,...] = X[...,J[q],...]",),
        constants=("J",),
        settings=(size("length", "q"),),
        note="J holds whole numbers from 0",
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
    Layer(
        "rnn-cell",
        (_gate(""), "Y[i,...] = f(Z[i,...])"),
        ("X", "H"),
        settings=(_UNITS, function("activation", "f", "tanh")),
        carries=(("H", "Y"),),
        note="H is the state before",
    ),
    Layer(
        "lstm-cell",
        (
            *map(_gate, "ifgo"),
            *(f"{gate.upper()}[i,...] = g(Z{gate}[i,...])" for gate in "ifo"),
            "G[i,...] = f(Zg[i,...])",
            "C[i,...] = F[i,...]*S[i,...] + I[i,...]*G[i,...]",
            "Y[i,...] = O[i,...]*f(C[i,...])",
        ),
        ("X", "H", "S"),
        settings=_GATES,
        carries=(("H", "Y"), ("S", "C")),
        note="H and S are the output and the state before; the new state is C",
    ),
    Layer(
        "gru-cell",
        (
            *map(_gate, "ru"),
            "R[i,...] = g(Zr[i,...])",
            "U[i,...] = g(Zu[i,...])",
            "Q[i,...] = Sum(Un[i,k]*H[k,...], k) + cn[i]",
            "Zn[i,...] = Sum(Wn[i,j]*X[j,...], j) + bn[i] + R[i,...]*Q[i,...]",
            "N[i,...] = f(Zn[i,...])",
            "Y[i,...] = (1 - U[i,...])*N[i,...] + U[i,...]*H[i,...]",
        ),
        ("X", "H"),
        settings=_GATES,
        carries=(("H", "Y"),),
        note="the reset gate acts after the product with the state, as in cuDNN",
    ),
    Layer(
        "loss",
        ("D = s*Sum(e(A[i,...], T[i,...]), i, ...)",),
        ("A",),
        ("T",),
        settings=(function("loss", "e"), real("scale", "1/m", "s")),
        note="any loss that is a sum over outputs and samples",
    ),
    Layer(
        "softmax-cross-entropy",
        (
            "L[...] = log(Sum(exp(Z[r,...]), r))",
            "D = s*Sum(T[i,...]*(L[...] - Z[i,...]), i, ...)",
        ),
        ("Z",),
        ("T",),
        settings=(real("scale", "1/m", "s"),),
        stable=(
            "R[...] = Max(Z[r,...], r)",
            "L[...] = R[...] + log(Sum(exp(Z[r,...] - R[...]), r))",
            "D = s*Sum(T[i,...]*(L[...] - Z[i,...]), i, ...)",
        ),
        note="from logits",
    ),
    Layer(
        "cosine-loss",
        (
            "P[...] = Sum(A[i,...]*T[i,...], i)",
            "R[...] = sqrt(Sum(A[i,...]**2, i))",
            "Q[...] = sqrt(Sum(T[i,...]**2, i))",
            "D = s*Sum(1 - P[...]/(R[...]*Q[...]), ...)",
        ),
        ("A",),
        ("T",),
        settings=(real("scale", "1/m", "s"),),
        note="one minus the cosine of the angle between output and target",
    ),
    Layer(
        "weight-penalty",
        ("R = f*Sum(Sum(p(W[i,j]), j), i)",),
        ("W",),
        settings=(function("penalty", "p"), real("factor", "lambda/2", "f")),
    ),
    Layer(
        "bias-penalty",
        ("R = f*Sum(p(b[i]), i)",),
        ("b",),
        settings=(function("penalty", "p"), real("factor", "lambda/2", "f")),
    ),
    Layer("l2", ("R = f*Sum(X[...]**2, ...)",), settings=(real("factor", "lambda/2", "f"),), note="penalty"),
    Layer("l1", ("R = f*Sum(abs(X[...]), ...)",), settings=(real("factor", "lambda", "f"),), note="penalty"),
)

LAYERS: Final = {row.name: row for row in _ROWS}
