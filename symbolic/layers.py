"""Layers, one row each: their forward equations and nothing else.

Indices: i and j run over units, c over samples, r over units summed within. Everything a layer does on the
way back is derived from its equation; a row has no field for a backward rule.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from symbolic.notation import Equation, equation


@dataclass(frozen=True, slots=True)
class LayerRow:
    """Forward equations in order; `functions` are undefined functions in them, `scalars` their scalars."""

    name: str
    texts: tuple[str, ...]
    functions: tuple[str, ...] = ()
    scalars: tuple[str, ...] = ()

    @property
    def equations(self) -> tuple[Equation, ...]:
        return tuple(equation(text, scalars=self.scalars, functions=self.functions) for text in self.texts)


LAYERS: Final = {
    row.name: row
    for row in (
        LayerRow("dense", ("Z[i,c] = Sum(W[i,j]*A[j,c], j) + b[i]",)),
        LayerRow("dense-no-bias", ("Z[i,c] = Sum(W[i,j]*A[j,c], j)",)),
        LayerRow("activation", ("A[i,c] = g(Z[i,c])",), functions=("g",)),
        LayerRow("softmax", ("A[i,c] = exp(Z[i,c])/Sum(exp(Z[r,c]), r)",)),
        LayerRow("loss", ("D = s*Sum(Sum(e(A[i,c], T[i,c]), i), c)",), functions=("e",), scalars=("s",)),
        LayerRow("weight-penalty", ("R = f*Sum(Sum(p(W[i,j]), j), i)",), functions=("p",), scalars=("f",)),
        LayerRow("bias-penalty", ("R = f*Sum(p(b[i]), i)",), functions=("p",), scalars=("f",)),
    )
}
