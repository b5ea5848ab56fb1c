"""The tie between the theorem in Coq and this library: each derived equation, printed as a lemma.

`proofs/coq/` proves what the backward pass of every network is. That this library derives the same is a lemma
for each of its equations,

    the theorem's array at (i, c) = the right side of the equation,

with the theorem's Z, A, δ, Ā on both sides, and for a gradient

    is_derive (fun w => E with w for W^l_ij, penalty included) (W^l_ij) (the right side of the equation).

Scope. Chains of dense layers of open widths, of any depth or of a given one, with or without biases, each
layer with any g, or softmax; E = s Σ_c Σ_i e(a_i, t_i) of every scale s, with or without an L2 penalty on
weights. Of a defined g or e there is a lemma that its slope is its derivative. Of other layers, batch norm by
itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from proofs.coq.statements import Lemma
from proofs.coq.tied_chain import TiedChain
from proofs.coq.tied_layer import LAYERS as TIED
from symbolic.derivation import derive, derive_layer
from symbolic.errors import Unsupported
from symbolic.layer import Layer
from symbolic.layers import LAYERS
from symbolic.network import Family

HEADER: Final = "From Backproof Require Import Tactics.\n"


def tie(family: Family) -> str:
    """The lemmas for a family of open widths, as a file to compile beside `proofs/coq/`.

    Raises Unsupported for what the theorem's corollaries do not cover.
    """
    if any(size is not None for size in family.sizes or ()):
        raise Unsupported(
            f"--coq ties networks of open widths to the theorem, but {family.shape} fixes some; give "
            "?-…-?, or ? for every width, or numbers alone"
        )
    if any(penalty.norm != "l2" or penalty.biases for penalty in family.objective.penalties):
        raise Unsupported("the theorem in Coq has a penalty λ/2 Σ w² on weights, and no other")
    chain = TiedChain(derive(family))
    return _file(chain.declarations(), [*chain.slopes(), *map(chain.lemma, chain.steps)])


def tie_layer(layer: Layer) -> str:
    """The lemmas for a layer by itself, whatever its result enters, as such a file.

    Raises Unsupported for a layer that the theorem has no map for.
    """
    if layer not in (LAYERS[name] for name in TIED):
        raise Unsupported(
            f"the theorem in Coq has no map for {layer.name}; --coq ties chains, such as ?-…-?, and by "
            f"itself {', '.join(TIED)}"
        )
    tied = TIED[layer.name]
    return _file(tied.declarations, map(tied.lemma, derive_layer(layer)))


def _file(declared: str, found: Iterable[Lemma]) -> str:
    return "\n".join([HEADER, "Section Derived.", declared, *map(str, found), "End Derived.\n"])
