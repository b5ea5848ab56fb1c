"""`draw`: a network, and the network of linear neurons that is its backward pass, as SVG or TikZ."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from typing import Final

from backproof.files import write_whole
from backproof.network_drawing import backward_drawing, forward_drawing
from backproof.options import SpecOptions
from backproof.reports.chain_drawing import ChainDrawing
from backproof.reports.html import environment
from backproof.reports.scripts import tex
from backproof.spec import resolve_network
from symbolic.errors import InvalidNetwork

GAP: Final = 24  # between two drawings
MARGIN: Final = 12  # points
SCALE: Final = 0.62  # of the pixels, in points: a network of three layers fits on a page
_HEAD: Final = """\\documentclass{article}
\\usepackage[paperwidth=%(width).0fpt, paperheight=%(height).0fpt, margin=6pt]{geometry}
\\usepackage{tikz}
\\pagestyle{empty}
\\setlength{\\parindent}{0pt}
\\begin{document}
\\begin{tikzpicture}[x=%(scale)spt, y=-%(scale)spt, font=\\scriptsize,
  arrow/.style={-latex, shorten >=-%(scale)s*8pt},
  unit/.style={circle, draw, fill=black!6, inner sep=0pt},
  weight/.style={fill=white, inner sep=1pt, font=\\tiny}]"""


def run(spec: str, options: SpecOptions, *, backward: bool, out: Path | None) -> None:
    """Draw a network with fixed sizes; print SVG, or write what the file's name ends in."""
    if out is not None and out.suffix not in WRITERS:
        raise InvalidNetwork(f"{out}: a drawing is written as {' or '.join(WRITERS)}")
    network = resolve_network(spec, options, command="draw")
    drawings = [forward_drawing(network), *([backward_drawing(network)] if backward else [])]
    text = WRITERS[".svg" if out is None else out.suffix](drawings, str(network))
    if out is None:
        print(text, end="")
        return
    write_whole(out, text)
    print(f"{out} written", file=sys.stderr)


def to_svg(drawings: Sequence[ChainDrawing], title: str) -> str:
    """The drawings one below the other."""
    *tops, height = accumulate((each.height + GAP for each in drawings), initial=0.0)
    width = max(each.width for each in drawings)
    page = environment().get_template("network.svg")
    return page.render(drawings=drawings, title=title, width=width, height=height, tops=tops) + "\n"


def to_tikz(drawings: Sequence[ChainDrawing], title: str) -> str:
    """The same as a standalone LaTeX document."""
    width, height = max(each.width for each in drawings), sum(each.height + GAP for each in drawings)
    sizes = {"width": SCALE * width + 2 * MARGIN, "height": SCALE * height + 2 * MARGIN, "scale": SCALE}
    lines, top = [f"% {title}", _HEAD % sizes], 0.0
    for each in drawings:
        lines += [rf"\begin{{scope}}[shift={{(0,{top:g})}}]", *_tikz(each), r"\end{scope}"]
        top += each.height + GAP
    return "\n".join([*lines, r"\end{tikzpicture}", r"\end{document}", ""])


def _tikz(drawing: ChainDrawing) -> list[str]:
    size = 2 * drawing.radius * SCALE
    lines = []
    for edge in drawing.edges:
        lines.append(rf"\draw[arrow] ({edge.x1:.1f},{edge.y1:.1f}) -- ({edge.x2:.1f},{edge.y2:.1f});")
    for edge in drawing.edges:
        x, y = edge.place
        lines += [rf"\node[weight] at ({x:.1f},{y:.1f}) {{{tex(edge.text)}}};"] if edge.text else []
    for unit in drawing.units:
        lines.append(
            rf"\node[unit, minimum size={size:.1f}pt] at ({unit.x:.1f},{unit.y:.1f}) {{{tex(unit.text)}}};"
        )
        above = unit.y - drawing.radius - 13
        lines += [rf"\node at ({unit.x:.1f},{above:.1f}) {{{tex(unit.above)}}};"] if unit.above else []
    colour = {True: "[text=black!60]", False: ""}
    lines += [
        rf"\node{colour[label.is_quiet]} at ({label.x:.1f},{label.y:.1f}) {{{tex(label.text)}}};"
        for label in drawing.labels
    ]
    return lines


WRITERS: Final = {".svg": to_svg, ".tex": to_tikz}
