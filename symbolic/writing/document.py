"""The derivation as a LaTeX document: the network, the equations of any layer, and the network's own.

It needs `article` and `amsmath` alone and is plain ASCII; its references take two runs. An equation stands in
index form and in matrix form, and a reason before it names the equations it rests on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby
from typing import Final

import sympy as sp

from symbolic.conventions import INTERNAL, Layout
from symbolic.derivation import Derivation
from symbolic.errors import Unsupported
from symbolic.expressions import name_of
from symbolic.graph import Graph
from symbolic.network import Network
from symbolic.notation import Step
from symbolic.program import plain_identity, program
from symbolic.writing.description import (
    family_latex,
    functions_latex,
    network_latex,
    network_of,
    notation_latex,
    subject_latex,
)
from symbolic.writing.equations_document import equations_document
from symbolic.writing.latex import LatexWriter, layers_latex, range_latex
from symbolic.writing.preamble import HEAD
from symbolic.writing.reasons import Reasons
from symbolic.writing.shown import Write, error_terms, sides
from symbolic.writing.text import TextWriter

DEEPEST: Final = 5  # layers of a network whose own equations are written out; they repeat those of any layer
BESIDE: Final = 100  # characters, as text, of an index form and a matrix form that fit side by side
TERMS: Final = 80  # characters, as text, of all terms of E that fit on a line
_TITLES: Final = {
    "pre-activation": "Pre-activation",
    "activation": "Activation",
    "output error": "Output error",
    "recursion": "Recursion",
    "weight gradient": "Gradient of the weights",
    "bias gradient": "Gradient of the biases",
    "cotangent": "Derivative by the activation",
}
_BACKWARD: Final = r"""\subsection*{Backward}
Let $\delta^{[l]}_{i,c} = \partial E / \partial z^{[l]}_{i,c}$. By the chain rule,
$\partial E / \partial v$ is the sum of $(\partial E / \partial u)\,(\partial u / \partial v)$ over all
numbers $u$ that $v$ enters directly; each reason below says which these are."""


def latex_document(derivation: Derivation, layout: Layout = INTERNAL) -> str:
    """The whole document; matrix forms are in the layout, which says nothing of a graph."""
    chain = derivation.chain
    if isinstance(chain, Graph):
        return equations_document(derivation)
    network = network_of(chain)
    document = _Document(derivation, layout)
    parts = [
        HEAD % subject_latex(network),
        r"\section{The network}",
        family_latex(chain) if network is None else network_latex(network),
        notation_latex(layout, chain.objective),
        functions_latex(derivation.forward or derivation.general, chain.objective.loss),
        r"\section{Any layer}",
        *document.any_layer(),
    ]
    if network is not None and network.depth <= DEEPEST:
        parts += [r"\section{Layer by layer}", *document.layer_by_layer(network)]
    return "\n".join([*parts, r"\end{document}", ""])


@dataclass(frozen=True)
class _Document:
    derivation: Derivation
    layout: Layout

    @cached_property
    def reasons(self) -> Reasons:
        return Reasons(tuple(self.derivation.general))

    def any_layer(self) -> Iterator[str]:
        """The general equations, each with its reason."""
        steps = [step for step in self.reasons.general if step.target.shape]
        penalised = any(step.role == "penalty" for step in self.reasons.general)
        defined = "the loss, scaled and summed over outputs and samples" + ", and the penalties" * penalised
        yield r"\subsection*{Forward}"
        yield from (self._explained(step) for step in steps if not step.target.cotangent)
        yield rf"\paragraph{{Error.}} By definition, {defined}:"
        yield _aligned(self._error(self.reasons.general), "eq:error")
        yield _BACKWARD
        yield from (self._explained(step) for step in steps if step.target.cotangent)

    def layer_by_layer(self, network: Network) -> Iterator[str]:
        """The network's own equations, as instances of the general ones."""
        forward = [step for step in self.derivation.forward if step.target.shape]
        for number, steps in groupby(forward, key=lambda step: step.target.layer):
            yield from self._instances(f"Layer {number}", list(steps), network.depth)
        loss = [step for step in self.derivation.forward if step.role == "loss"]
        penalties = [step for step in self.reasons.general if step.role == "penalty"]
        yield r"\paragraph{Error.} By \eqref{eq:error}, with the sizes of this network:"
        yield _aligned(self._error([*loss, *penalties]))
        for (number, is_gradient), steps in groupby(self.derivation.backward, key=_part):
            title = f"{'Gradients' if is_gradient else 'Error'} of layer {number}"
            yield from self._instances(title, sorted(steps, key=_is_bias_gradient), network.depth)
            if number == network.depth and not is_gradient:
                yield from self._multiplied_out(network)

    def _explained(self, step: Step) -> str:
        """A general equation and its reason."""
        where = f"For ${layers_latex(step.layers)}$, ${range_latex([step])}$"
        equation = [" &= ".join(form) for form in self._forms(LatexWriter, step)]
        return (
            rf"\paragraph{{{_TITLES[step.role]}.}} {where}: {self.reasons.sentence(step)}"
            f"\n{_aligned(equation, self.reasons.label(step))}"
        )

    def _instances(self, title: str, steps: Sequence[Step], depth: int) -> Iterator[str]:
        """Equations of one layer, and the general ones that they are instances of."""
        rules = self.reasons.references(self.reasons.general_of(step, depth) for step in steps)
        where = rf"with $l = {steps[0].target.layer}$, for ${range_latex(steps)}$"
        yield rf"\paragraph{{{title}.}} By {rules} {where}:"
        yield self._rows(steps)

    def _multiplied_out(self, network: Network) -> Iterator[str]:
        """The output error as programs compute it, where the slope of the loss has a pole that cancels."""
        try:
            (whole,) = (step for step in program(network).backward if step.role == "output error")
        except Unsupported:
            return
        (derived,) = (step for step in self.derivation.backward if step.role == "output error")
        if whole.equation == plain_identity(derived).equation:
            return
        yield "Multiplied out, the pole of the loss cancels:"
        yield self._rows([whole])
        value = whole.equation.value
        targets = [total for total in value.atoms(sp.Sum) if _is_of_targets(total, whole)]
        if targets:
            certain = replace(whole.equation, value=value.xreplace(dict.fromkeys(targets, sp.S.One)))
            yield "Where the targets of each sample add up to 1, this is"
            yield self._rows([replace(whole, equation=certain)])

    def _forms(self, write: Write, step: Step) -> list[tuple[str, str]]:
        """The two sides of the index form and, where there is one, of the matrix form."""
        index = sides(write, step)
        try:
            return [index, sides(write, step, self.layout)]
        except Unsupported:
            return [index]

    def _rows(self, steps: Sequence[Step]) -> str:
        """Index forms and matrix forms side by side where all of them fit, else one under the other."""
        texts = [" ".join(map(" = ".join, self._forms(TextWriter, step))) for step in steps]
        between = " & " if max(map(len, texts)) <= BESIDE else " \\\\\n"
        rows = (between.join(map(" &= ".join, self._forms(LatexWriter, step))) for step in steps)
        return "\n".join([r"\begin{align}", " \\\\\n".join(rows), r"\end{align}"])

    def _error(self, steps: Sequence[Step]) -> Iterator[str]:
        """E in index form and in matrix form, one term a line where all do not fit on one."""
        for head, layout in (("E", None), ("", self.layout)):
            first, *others = error_terms(LatexWriter, steps, layout)
            if len(" ".join(error_terms(TextWriter, steps, layout))) <= TERMS:
                yield f"{head} &= {' '.join([first, *others])}"
            else:
                yield f"{head} &= {first}"
                yield from (rf"&\quad {{}}{term}" for term in others)


def _aligned(lines: Iterable[str], label: str = "") -> str:
    """Lines under one number."""
    head = r"\begin{equation}" + rf"\label{{{label}}}" * bool(label)
    return "\n".join([head, r"\begin{aligned}", " \\\\\n".join(lines), r"\end{aligned}", r"\end{equation}"])


def _part(step: Step) -> tuple[object, bool]:
    """The layer, and whether a backward step is a gradient by parameters."""
    return step.target.layer, step.target.name in "Wb"


def _is_bias_gradient(step: Step) -> bool:
    return step.role == "bias gradient"


def _is_of_targets(total: sp.Sum, step: Step) -> bool:
    """Whether a sum adds up targets and nothing else."""
    entry = total.function
    return isinstance(entry, sp.Indexed) and step.array(name_of(entry)).name == "T"
