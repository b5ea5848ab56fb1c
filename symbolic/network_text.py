"""Networks in a few words: `tanh then identity, no bias in layer 2, half-squared/m + lambda/(2*m) Σw²`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from symbolic.activations import Activation
from symbolic.grammar.formula import to_text

if TYPE_CHECKING:
    from symbolic.network import Objective


def activations_text(hidden: Sequence[Activation], output: Activation) -> str:
    """The activations of hidden layers, told once where all are the same, and that of the output."""
    shown = hidden[:1] if len(set(hidden)) == 1 else hidden
    return (
        f"{', '.join(activation.text for activation in shown)} then {output.text}" if hidden else output.text
    )


def bias_text(biases: Sequence[bool]) -> str:
    """Which layers have no bias."""
    without = [str(number) for number, bias in enumerate(biases, start=1) if not bias]
    if len(without) == len(biases):
        return ", no bias"
    return f", no bias in layer {', '.join(without)}" if without else ""


def objective_text(objective: Objective) -> str:
    """The objective in a few words, such as `half-squared/m + lambda/(2*m) Σw²`."""
    factor = {"1": "", "1/m": "/m"}.get(to_text(objective.scale), "/(m k)")
    over = {False: "w", True: "(w, b)"}
    sums = {"l2": "Σ{}²", "l1": "Σ|{}|"}
    terms = [f"{to_text(p.factor)} {sums[p.norm].format(over[p.biases])}" for p in objective.penalties]
    loss = f"({objective.loss.text})" if objective.loss.name == "formula" else objective.loss.text
    return " + ".join([f"{loss}{factor}", *terms])
