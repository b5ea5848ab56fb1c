"""`latex`: the derivation as a document, and as a PDF where there is a LaTeX engine."""

from __future__ import annotations

import sys
from pathlib import Path

from backproof.files import write_whole
from backproof.latex_engine import compile_pdf
from backproof.options import SpecOptions
from backproof.spec import resolve
from symbolic.conventions import INTERNAL, Layout
from symbolic.derivation import derive
from symbolic.errors import InvalidNetwork
from symbolic.graph import Graph
from symbolic.layer import Layer
from symbolic.writing.document import latex_document
from symbolic.writing.equations_document import equations_document


def write(spec: str, options: SpecOptions, layout: Layout, *, out: Path | None, pdf: bool) -> None:
    """Print or write the LaTeX document of SPEC; `pdf` runs a LaTeX engine on it too."""
    if pdf and out is None:
        raise InvalidNetwork("--pdf needs a file to write beside; give -o derivation.tex")
    found = resolve(spec, options)
    if isinstance(found, Graph | Layer) and layout != INTERNAL:
        raise InvalidNetwork(f"a layout is one of chains; the equations of {spec} say the axes")
    source = equations_document(found) if isinstance(found, Layer) else latex_document(derive(found), layout)
    if out is None:
        print(source, end="")
        return
    write_whole(out, source)
    print(f"{out} written", file=sys.stderr)
    if pdf:
        compile_pdf(source, out.with_suffix(".pdf"))
        print(f"{out.with_suffix('.pdf')} written", file=sys.stderr)
