"""Texts with scripts, `w_{21}^{2}`, as SVG and as LaTeX."""

from __future__ import annotations

import re
from typing import Final

from markupsafe import Markup, escape

from backproof.reports.words import printable

SCRIPTS: Final = re.compile(r"(?:_\{([^{}]*)\})?(?:\^\{([^{}]*)\})?")
DIGIT: Final = 0.58  # of a font's size is a digit wide: so far back a superscript starts above a subscript
_LETTERS: Final = {
    "σ": r"\sigma ",
    "δ": r"\delta ",
    "∂": r"\partial ",
    "Σ": r"\Sigma ",
    "∘": r"\circ ",
    "ᵀ": r"^{\mathsf T}",
}
_MATHS: Final = str.maketrans(_LETTERS | {"′": "'", "…": r"\dots ", "⋮": r"\vdots "})
_ESCAPES: Final = str.maketrans({letter: "\\" + letter for letter in "#$%&_{}"} | {"\\": r"\textbackslash{}"})
_MARKS: Final = str.maketrans({"^": r"\^{}", "~": r"\~{}", "…": r"\dots{}", "⋮": r"$\vdots$"})


def scripts(text: str) -> Markup:
    """The content of an SVG text element.

    >>> print(scripts("x_{1} < y"))
    x<tspan dy="4" font-size="70%">1</tspan><tspan dy="-4">​</tspan> &lt; y
    """
    pieces: list[Markup] = []
    last = 0
    for match in SCRIPTS.finditer(text):
        below, above = match.groups()
        if below is None and above is None:
            continue
        pieces.append(escape(printable(text[last : match.start()])))
        last = match.end()
        pieces += _raised(below or "", above or "")
    return Markup("").join([*pieces, escape(printable(text[last:]))])


def _raised(below: str, above: str) -> list[Markup]:
    """Both scripts one above the other, and an empty piece that leads back to the line."""
    script = Markup('<tspan{} dy="{}" font-size="70%">{}</tspan>')
    pieces, height = [], 0
    if below:
        pieces.append(script.format("", 4, below))
        height = 4
    if above:
        back = Markup(' dx="{:.3g}em"').format(-DIGIT * len(below)) if below else ""
        pieces.append(script.format(back, -6 - height, above))
        height = -6
    return [*pieces, Markup('<tspan dy="{}">\u200b</tspan>').format(-height)]


def tex(text: str) -> str:
    r"""The same for LaTeX: a formula where there are scripts or a Σ, else words.

    >>> print(tex("tanh′(z_{1}^{2})"), tex("50 %"))
    $\mathrm{tanh}'(z_{1}^{2})$ 50 \%
    """
    if not re.search(r"[_^]\{|Σ", text):
        return text.translate(_ESCAPES).translate(_MARKS)
    upright = re.sub(r"[a-z]{2,}", lambda word: rf"\mathrm{{{word[0]}}}", text)
    return f"${upright.translate(_MATHS)}$"
