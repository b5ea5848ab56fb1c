"""The equations of a graph, or of a layer by itself, as a LaTeX document: forward, then backward.

It needs `article` and `amsmath` alone. A sum that is too long for a line stands with one term on each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from symbolic.derivation import Derivation, derive_layer
from symbolic.layer import Layer
from symbolic.notation import Step
from symbolic.writing.description import displayed
from symbolic.writing.latex import LatexWriter, range_latex
from symbolic.writing.preamble import HEAD
from symbolic.writing.shown import definitions, equals, sides, terms
from symbolic.writing.text import TextWriter, range_text

WIDEST = 78  # characters, as text, of an equation that fits on a line
_NOTATION = r"""\paragraph{Notation.} $\delta = \partial E / \partial Z$. $[P]$ is $1$ where $P$ holds and $0$
otherwise, and $a \mid b$ says that $a$ divides $b$. An entry outside its array is $0$. Where
$\mathrel{{+}{=}}$ stands, the right side is added to the entry on the left for all indices of the range."""
_OF_LAYER = r"""An index $i$ takes $N_i$ values, and an axis without an index of its own has a size such as
$N_{X2}$, for the second axis of $X$. $E$ is any number that depends on the result; $\partial E / \partial$
of it is given."""


def equations_document(shown: Layer | Derivation) -> str:
    """The whole document, of a layer or of a graph's derivation."""
    if isinstance(shown, Layer):
        steps = derive_layer(shown)
        count = len(shown.equations())
        title, forward, backward = f"layer {shown.name}", steps[:count], steps[count:]
        said = _OF_LAYER
    else:
        title, forward, backward = "a graph", shown.forward, shown.backward
        losses = [step.target for step in forward if not step.target.shape]
        names = (LatexWriter.style.matrix(each, transposed=False) for each in losses)
        said = rf"The $E$ of $\partial E$ is ${' + '.join(names) or 0}$."
    parts = [
        HEAD % title,
        rf"{_NOTATION} {said}",
        r"\section*{Forward}",
        *_displays(forward),
        r"\section*{Backward}",
        *_displays(backward),
        *_functions([*forward, *backward]),
    ]
    return "\n".join([*parts, r"\end{document}", ""])


def _displays(steps: Sequence[Step]) -> Iterator[str]:
    """One display for all equations."""
    lines = [line for step in steps for line in _lines(step)]
    yield "\n".join([r"\begin{align*}", " \\\\\n".join(lines), r"\end{align*}"])


def _lines(step: Step) -> Iterator[str]:
    """An equation with its ranges: on one line, or the ranges below, or each term on a line as well."""
    left, right = sides(LatexWriter, step)
    sign = equals(LatexWriter, step).strip()
    ranges = range_latex([step])
    width = len(equals(TextWriter, step).join(sides(TextWriter, step)))
    if width + len(range_text(step)) <= WIDEST:
        yield f"{left} &{sign} {right}" + rf", \qquad {ranges}" * bool(ranges)
        return
    first, *others = terms(LatexWriter, step) if width > WIDEST else [right]
    yield f"{left} &{sign} {first}"
    yield from (rf"&\quad {{}}{term}" for term in others)
    yield rf"&\qquad {ranges}"


def _functions(steps: Sequence[Step]) -> Iterator[str]:
    """The activations and losses that stand by name, each with its slope."""
    if found := definitions(steps):
        yield r"\section*{Functions}"
        yield from displayed(found)
