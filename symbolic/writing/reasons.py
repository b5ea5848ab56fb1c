"""Why each equation of a derivation holds, in a sentence of LaTeX that names the equations it rests on.

A backward equation is the chain rule over all numbers u that a number v enters directly,
∂E/∂v = Σ ∂E/∂u · ∂u/∂v: its sentence says which these are, with the slopes ∂u/∂v.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import sympy as sp

from symbolic.expressions import Expr, name_of
from symbolic.notation import Array, Layer, Slot, Step
from symbolic.writing.latex import LatexWriter

SENTENCES: Final = {
    "dense": "by definition, the weighted activations of the layer before, and the bias.",
    "dense without bias": "by definition, the weighted activations of the layer before.",
    "activation": "by definition, entry by entry.",
    "softmax": "by definition, over the units of each sample.",
    "loss slope": r"${v}$ enters $E$ through its own term of the loss alone, by \eqref{{eq:error}}.",
    "output error": r"${v}$ enters $E$ through ${a}$ alone, by {activation}, "
    r"and ${a}$ through its own term of the loss alone, by \eqref{{eq:error}}.",
    "softmax error": r"${v}$ enters ${other}$ of every unit ${index}$ of its layer, by {activation}, "
    r"with slope ${other}\,([{index} = {unit}] - {a})$, "
    r"where $[{index} = {unit}]$ is $1$ if ${index} = {unit}$ and $0$ otherwise.",
    "recursion": "${v}$ enters $E$ through ${a}$ alone, by {activation}, and ${a}$ enters ${later}$ "
    "of every unit ${index}$ of the next layer, by {dense}, with slope ${slope}$.",
    "next layer": "${v}$ enters ${later}$ of every unit ${index}$ of the next layer, by {dense}, "
    "with slope ${slope}$.",
    "parameter": "${v}$ enters ${later}$ of every sample, by {dense}, with slope ${slope}$.",
    "penalised parameter": "${v}$ enters ${later}$ of every sample, by {dense}, with slope ${slope}$, "
    r"and the penalty, by \eqref{{eq:error}}.",
}


@dataclass(frozen=True, slots=True)
class Reasons:
    """The general equations of a derivation, their labels, and the sentences about them."""

    general: Sequence[Step]

    def label(self, step: Step) -> str:
        """The LaTeX label of a general equation; all that is added up to E has one."""
        if not step.target.shape:
            return "eq:error"
        place = [other for other in self.general if other.role == step.role].index(step)
        return f"eq:{step.role.replace(' ', '-')}" + (f"-{place + 1}" if place else "")

    def general_of(self, step: Step, depth: int) -> Step:
        """The general equation of which a network's own equation is an instance."""
        target = step.target
        return next(
            other
            for other in self.general
            if (other.target.name, other.target.cotangent) == (target.name, target.cotangent)
            and _holds(other.layers, target.layer, depth)
        )

    def sentence(self, step: Step) -> str:
        """Why a general equation holds."""
        dense = (
            other
            for other in self.general
            if other.role == "pre-activation" and ("b" in other.bindings or step.role != "bias gradient")
        )
        activation = (
            other
            for other in self.general
            if other.role == "activation" and _is_softmax(other) == _is_softmax(step)
        )
        words = {"dense": self.references(dense), "activation": self.references(activation)}
        return SENTENCES[_kind(step)].format_map(_words(step) | words)

    def references(self, steps: Iterable[Step]) -> str:
        """Their numbers: (1), (2) and (3)."""
        names = list(dict.fromkeys(rf"\eqref{{{self.label(step)}}}" for step in steps))
        return ", ".join([*names[:-2], " and ".join(names[-2:])])


def _holds(layers: str, number: Layer, depth: int) -> bool:
    """Whether a range such as `1 ≤ l < L` or `l = 1, 3` has this layer."""
    if layers.startswith("1 ≤ l"):
        return layers.endswith("≤ L") or number != depth
    named = layers.removeprefix("l = ").split(", ")
    return str(number) in named or (named == ["L"] and number == depth)


def _kind(step: Step) -> str:
    """The row of the table that speaks of the step."""
    match step.role:
        case "pre-activation":
            return "dense" if "b" in step.bindings else "dense without bias"
        case "activation":
            return "softmax" if _is_softmax(step) else "activation"
        case "weight gradient" | "bias gradient":
            return "penalised parameter" if "penalty" in step.rule else "parameter"
        case "cotangent":
            return "loss slope" if "loss" in step.rule else "next layer"
        case role:
            return "softmax error" if _is_softmax(step) else role


def _is_softmax(step: Step) -> bool:
    """Whether the step goes through an activation that mixes the units of a layer."""
    return not any(isinstance(bound, Slot) and bound.name == "g" for bound in step.bindings.values())


def _words(step: Step) -> dict[str, str]:
    """What a sentence names: v, the activation of its unit, what v enters later and with which slope."""
    writer = LatexWriter(step)

    def entry(name: str, layer: Layer, indices: Sequence[Expr]) -> str:
        return writer.style.entry(Array(name, layer), [writer.doprint(index) for index in indices])

    target, indices = step.target, step.equation.indices
    words = {"v": entry(target.name, target.layer, indices), "a": entry("A", target.layer, indices)}
    words["unit"] = writer.doprint(indices[0])
    for total in step.equation.value.atoms(sp.Sum) if target.cotangent else ():
        read = {step.array(name_of(e)).name: e for e in total.atoms(sp.Indexed)}
        later = read.pop("Z", None)
        first = (later or read["A"]).indices[0]
        words["index"] = writer.doprint(first)
        if later is None:
            words["other"] = entry("A", target.layer, read["A"].indices)
        else:
            words["later"] = entry("Z", step.array(name_of(later)).layer, later.indices)
            words["slope"] = next(map(writer.doprint, read.values()), "1")
    return words
