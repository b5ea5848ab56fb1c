"""Cells of recurrent networks; `carries` say what goes from one step to the next."""

from __future__ import annotations

from typing import Final

from symbolic.layer import Layer, function, size

_UNITS = size("units", "i")
_GATES = (_UNITS, function("gate", "g", "sigmoid"), function("activation", "f", "tanh"))


def _gate(name: str) -> str:
    """The pre-activation of a gate in a recurrent cell, from the input and from the state before."""
    return f"Z{name}[i,...] = Sum(W{name}[i,j]*X[j,...], j) + Sum(U{name}[i,k]*H[k,...], k) + b{name}[i]"


ROWS: Final = (
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
)
