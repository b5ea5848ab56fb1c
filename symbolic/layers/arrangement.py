"""What picks, joins, reorders and adds up axes, and arithmetic between nodes."""

from __future__ import annotations

from typing import Final

from symbolic.layer import Layer, real, size, whole

ROWS: Final = (
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
)
