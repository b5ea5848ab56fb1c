"""Theorem: the matrix form of every generic equation is its index form.

Statement. Expand a matrix form by the definitions

    (P Q)[i,c] = Σ_j P[i,j] Q[j,c]       Pᵀ[i,j] = P[j,i]
    (P ∘ Q)[i,c] = P[i,c] Q[i,c]         (P 𝟏)[i] = Σ_c P[i,c]

(a matrix with fewer axes is repeated along the others), read every array in the layout in which it is
stored, and the equation in index form is what is left. So for weights out×in or in×out, samples as columns
or rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, get_args

import sympy as sp

from proofs.kernel.theorem import IndexStep, Theorem
from symbolic import matrix_form as forms
from symbolic.conventions import Layout, Samples, Weights
from symbolic.derivation import derive
from symbolic.expressions import Expr, entry_of
from symbolic.grammar.indices import size_of
from symbolic.network import mlp
from symbolic.notation import Step
from symbolic.plain import PlainSum

NETWORKS: dict[str, dict[str, Any]] = {
    "any activations and loss, with penalties": {
        "output": "g",
        "loss": "E",
        "l2": "lambda/(2*m)",
        "l1": "lambda",
        "penalize_biases": True,
    },
    "softmax": {"output": "softmax", "loss": "cross-entropy"},
}
LAYOUTS = [Layout(weights=w, samples=s) for w in get_args(Weights) for s in get_args(Samples)]


def theorems() -> list[Theorem]:
    """One for each layout."""
    return [matrix_equals_index(layout) for layout in LAYOUTS]


def matrix_equals_index(layout: Layout) -> Theorem:
    """All generic equations in one layout."""
    return Theorem(
        name=f"matrix form, {layout.weights} weights, samples as {layout.samples}",
        statement="The matrix form of every generic equation, expanded by definition, is its index form",
        assumptions=(),
        scope="every width, every batch; forward and backward, dense layer, softmax, loss, penalties",
        steps=tuple(_steps(layout)),
        source="left: definitions of products, transposes and sums; right: the derivation",
    )


def _steps(layout: Layout) -> Iterator[IndexStep]:
    for name, options in NETWORKS.items():
        for step in derive(mlp(2, 3, 2, **options)).general:
            found = forms.matrix_form(step, layout)
            claim = f"{step.role} {step.layers}, {name}".replace(" ,", ",")
            expanded = _Expanded(step, layout).of(found.value)
            yield IndexStep(claim, expanded, step.equation.value, "definitions of the matrix operations")


class _Expanded:
    """The entry of a matrix expression at the indices that its axes are called by."""

    def __init__(self, step: Step, layout: Layout) -> None:
        self.step, self.layout = step, layout
        sums = step.equation.value.atoms(sp.Sum)
        self.ends: Mapping[sp.Symbol, Expr] = {index: end for each in sums for index, _, end in each.limits}

    def of(self, node: forms.Node) -> Expr:
        match node:
            case forms.Leaf():
                return self._entry(node)
            case forms.Constant():
                return node.value
            case forms.Product():
                inner = node.left.axes[1]
                return self._sum(self.of(node.left) * self.of(node.right), inner)
            case forms.Hadamard():
                return sp.Mul(*map(self.of, node.factors))
            case forms.Total():
                return sp.Add(*map(self.of, node.terms))
            case forms.SumOver():
                return self._sum(self.of(node.body), node.body.axes[node.axis])
            case forms.Apply():
                arguments = {
                    sp.Symbol(f"x{n}", real=True): self.of(each) for n, each in enumerate(node.arguments)
                }
                return node.function.xreplace(arguments)
        raise AssertionError(f"{node} is no matrix expression")

    def _sum(self, body: Expr, index: sp.Symbol) -> Expr:
        return PlainSum(body, (index, 1, self.ends.get(index, size_of(index))))

    def _entry(self, leaf: forms.Leaf) -> Expr:
        """The stored array at its place in the matrix, then in the order of axes of the index form."""
        stored = leaf.axes[::-1] if leaf.transposed else leaf.axes
        array = self.step.array(leaf.name)
        is_turned = self.layout.weights == "in-out" if array.name == "W" else self.layout.samples == "rows"
        return entry_of(leaf.name, stored[::-1] if is_turned and len(stored) == 2 else stored)
