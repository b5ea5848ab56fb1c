"""All theorems, by what they are about."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from proofs.kernel.theorem import Theorem
from proofs.stable_forms import stable_form_theorems
from proofs.theorems import (
    averaging,
    backward_network,
    chain_rule,
    dense_layer,
    matrix_form,
    networks,
    penalties,
    products,
    slopes,
    softmax_cross_entropy,
    softmax_squared_error,
    straight_lines,
    update_step,
)

THEOREMS: Final[dict[str, Callable[[], Iterable[Theorem]]]] = {
    "chain rule": chain_rule.theorems,
    "slopes": slopes.theorems,
    "dense layer": dense_layer.theorems,
    "matrix form": matrix_form.theorems,
    "averaging": averaging.theorems,
    "softmax with cross-entropy": softmax_cross_entropy.theorems,
    "softmax with squared error": softmax_squared_error.theorems,
    "update step": update_step.theorems,
    "penalties": penalties.theorems,
    "backward network": backward_network.theorems,
    "products": products.theorems,
    "networks": networks.theorems,
    "straight-line programs": straight_lines.theorems,
    "stable forms": stable_form_theorems,
}
