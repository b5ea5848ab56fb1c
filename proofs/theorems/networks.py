"""Theorem: closed form = derivation, for networks that stand for the usual kinds.

Statement, assumptions and proof are those of `closed_equals_derived`. Any other network is proved in the
same way, `backproof prove SPEC`.
"""

from __future__ import annotations

from typing import Any

from proofs.closed_equals_derived import closed_form_theorem
from proofs.kernel.theorem import Theorem
from symbolic.network import Network, mlp

NETWORKS: dict[str, dict[str, Any]] = {
    "2-3-1": {"output": "g", "loss": "E"},
    "2-3-2": {"hidden": "tanh", "output": "softmax", "loss": "cross-entropy"},
    "2-2-1": {"hidden": "relu", "loss": "squared", "scale": "1/(m*k)", "l2": "lambda/(2*m)"},
}


def theorems() -> list[Theorem]:
    """One for each of the networks."""
    return [_theorem(sizes, options) for sizes, options in NETWORKS.items()]


def _theorem(sizes: str, options: dict[str, Any]) -> Theorem:
    network = mlp(sizes, **options)
    assert isinstance(network, Network)
    return closed_form_theorem(network)
