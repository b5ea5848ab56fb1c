"""What the theorem in Coq calls the arrays of a layer that is tied by itself: batch normalisation.

With the layer's result Y and any cotangent Ȳ of it, each equation is claimed of the theorem's map: means,
variances, normalised values and Y are those of its value, X̄, γ̄ and β̄ those of its adjoint. The cotangents in
between, of which the theorem does not speak, are defined in `Tactics.v`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import sympy as sp

from proofs.coq.statements import Lemma, Row, lemma
from proofs.coq.terms import Names, term
from symbolic.errors import Unsupported
from symbolic.expressions import Expr
from symbolic.grammar.indices import size_of
from symbolic.losses import EPSILON
from symbolic.notation import Step


@dataclass(frozen=True, slots=True)
class TiedLayer:
    """A layer whose arrays are declared by their labels: a row for each, sizes by index, other scalars."""

    name: str
    declarations: str
    rows: Mapping[str, Row]
    sizes: Mapping[str, str]
    scalars: Mapping[sp.Symbol, str]

    def lemma(self, step: Step) -> Lemma:
        """The lemma of one of the layer's equations, or of a mutant's."""
        label, indices = step.target.label, step.equation.indices
        counts = {size_of(sp.Symbol(index)): size for index, size in self.sizes.items()}
        scalars = {**self.scalars, **{count: f"(INR {size})" for count, size in counts.items()}}
        names = Names(size=lambda size: _known(size, counts), scalars=scalars)
        words = {
            "left": " ".join([label, *map(str, indices)]),
            "unit": str(indices[0]),
            "sample": str(indices[-1]),
            "right": term(step.equation.value, names, step),
        }
        bounds = {str(index): _known(step.size(index), counts) for index in indices}
        return lemma(f"derived_{self.name.replace('-', '_')}_{label}", self.rows[label], words, bounds)


def _known(size: int | Expr, counts: Mapping[Expr, str]) -> str:
    if size not in counts:
        raise Unsupported(f"size {size} has no word in the tie, which knows {', '.join(map(str, counts))}")
    return counts[size]


_CLAIM: Final = "{left} =\n  {right}"
_POSITIVE: Final = ("(0 < m)%nat", "0 < epsilon")
_OF_UNIT: Final = "intros; of_batch_norm m epsilon (X {unit}); "

LAYERS: Final = {
    row.name: row
    for row in (
        TiedLayer(
            "batch-norm",
            """Variables (n m : nat) (epsilon : R) (theta : vector) (X dY : matrix).
Local Notation gamma := theta.
Local Notation beta := (fun i => theta (n + i)%nat).
Local Notation M := (fun i => average m (X i)).
Local Notation V := (fun i => average m (fun c => centred m (X i) c ^ 2)).
Local Notation H := (fun i => normal m epsilon (X i)).
Local Notation Y := (value (batch_norm n m epsilon) theta X).
Local Notation dX := (adjoint (batch_norm n m epsilon) theta X dY).
Local Notation dgamma := (own (batch_norm n m epsilon) theta X dY).
Local Notation dbeta := (fun i => own (batch_norm n m epsilon) theta X dY (n + i)%nat).
Local Notation dH := (normal_bar theta dY).
Local Notation dV := (variance_bar m epsilon theta X dY).
Local Notation dM := (mean_bar m epsilon theta X dY).
""",
            {
                "M": Row(_CLAIM, "intros; unfold average; agree"),
                "V": Row(_CLAIM, "intros; unfold centred, average; agree"),
                "H": Row(_CLAIM, _OF_UNIT + "unfold normal, centred, Rdiv; agree"),
                "Y": Row(_CLAIM, _OF_UNIT + "agree"),
                "dbeta": Row(_CLAIM, _OF_UNIT + "agree"),
                "dgamma": Row(_CLAIM, _OF_UNIT + "agree"),
                "dH": Row(_CLAIM, _OF_UNIT + "agree"),
                "dV": Row(_CLAIM, _OF_UNIT + "in_each_sample", _POSITIVE),
                "dM": Row(_CLAIM, _OF_UNIT + "centred_sums m; in_each_sample", _POSITIVE),
                "dX": Row(_CLAIM, _OF_UNIT + "of_sums m epsilon (X {unit}) {sample}", _POSITIVE),
            },
            {"i": "n", "c": "m"},
            {EPSILON: "epsilon"},
        ),
    )
}
