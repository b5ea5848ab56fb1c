"""What E is the sum of: losses and penalties."""

from __future__ import annotations

from typing import Final

from symbolic.layer import Layer, function, real

ROWS: Final = (
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
