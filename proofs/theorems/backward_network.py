"""Theorem: the backward pass is a network of linear neurons with transposed weights.

Statement. Put the errors D1 of the layer after into a dense layer without bias whose weights are W1ᵀ, and
let neuron i multiply what it gets by the number g′(Z[i,c]) that the forward pass has left there. Its output
is the error D. This network is linear: for a sum of two output errors it computes the sum of what it
computes for each.

Source. Rojas 1996, chapter 7 (the backpropagation network); Rumelhart, Hinton and Williams 1986.
"""

from __future__ import annotations

from proofs.kernel.theorem import Theorem
from proofs.theorems.setting import formula, forward, general, put, renamed, scaled, step, transposed
from symbolic.expressions import Expr


def theorems() -> list[Theorem]:
    """One theorem."""
    backward = general("recursion")
    second = renamed(backward, {"D1": "C1"})
    straight = formula("g'(Z[i,c])") * forward_through("W1")
    steps = (
        step("D = g′(Z) times the output of a dense layer with W1ᵀ", backward, mirrored(), "definition"),
        step(
            "scaled errors",
            scaled(backward, "D1", formula("eta")),
            formula("eta") * backward,
            "a constant factor leaves the sum",
        ),
        step(
            "added errors",
            put(backward, "D1", formula("D1[k,c] + C1[k,c]")),
            backward + second,
            "a sum of sums",
        ),
    )
    return [
        Theorem(
            name="backward network",
            statement="The recursion is the forward equation of a linear layer with transposed weights",
            assumptions=("g is differentiable; Z is what the forward pass has computed",),
            scope="every width, every batch, all real weights and errors; every depth, layer by layer",
            steps=steps,
            source="left: the chain rule over index equations; right: the layers' forward equations",
            false_without=(step("the same with W1 in place of W1ᵀ", backward, straight, "square W1"),),
        )
    ]


def mirrored() -> Expr:
    """g′(Z) times the forward equation of a dense layer whose weights are W1ᵀ."""
    return formula("g'(Z[i,c])") * transposed(forward_through("W1"), "W1")


def forward_through(weights: str) -> Expr:
    """The forward equation of a dense layer without bias, from layer after to this one."""
    return renamed(forward("dense-no-bias"), {"W": weights, "A": "D1"}, "j", "k")
