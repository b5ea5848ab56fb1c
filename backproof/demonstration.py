"""The tour: derive 2-3-1, generate its code, find the bug in a wrong example, write the LaTeX."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.syntax import Syntax
from rich.text import Text

from backproof.checking import check
from backproof.files import write_whole
from backproof.latex_engine import compile_pdf, find_engine
from backproof.subjects import FileSubject
from symbolic.codegen import numpy_module
from symbolic.derivation import derive
from symbolic.network import Network, mlp
from symbolic.writing.document import latex_document
from symbolic.writing.text import error_text, matrix_text

WRONG: Final = '''"""A backward pass with a bug: the mean over samples is forgotten."""

import numpy as np


def gradient(params, x, t):
    (w1, b1), (w2, b2) = params
    a1 = np.tanh(w1 @ x + b1[:, None])
    a2 = w2 @ a1 + b2[:, None]
    delta2 = a2 - t
    delta1 = (w2.T @ delta2) * (1 - a1**2)
    return [(delta1 @ x.T, delta1.sum(axis=1)), (delta2 @ a1.T, delta2.sum(axis=1))]
'''


def run(folder: Path) -> int:
    """Write the files of the tour to a folder and tell what they show; returns the exit code."""
    network = mlp(2, 3, 1, hidden="tanh", scale="1/m")
    assert isinstance(network, Network)
    folder.mkdir(parents=True, exist_ok=True)
    console = Console(highlight=False)
    derived = derive(network)

    _headline(console, "backproof derive 2-3-1 --hidden tanh --form matrix")
    for step in derived.steps:
        console.print(Text(f"  {matrix_text(step) if step.target.shape else error_text(derived.forward)}"))

    generated = folder / "network.py"
    _headline(console, f"backproof generate 2-3-1 --hidden tanh -o {generated}")
    source = numpy_module(network)
    write_whole(generated, source)
    body = source[source.index("def gradient") :].split("\n\n\n")[0]
    console.print(Syntax(body, "python", background_color="default"))

    wrong = folder / "wrong.py"
    write_whole(wrong, WRONG)
    for path in (generated, wrong):
        command = f"backproof check {path}:gradient 2-3-1 --hidden tanh --scale 1/m"
        _headline(console, command)
        report = replace(check(FileSubject(path, "gradient"), network), again=command)
        console.print(Text(report.text()), soft_wrap=True)

    document = folder / "derivation.tex"
    _headline(console, f"backproof latex 2-3-1 --hidden tanh -o {document}")
    tex = latex_document(derived)
    write_whole(document, tex)
    console.print(f"  {document} written")
    if find_engine() is None:
        console.print("  no LaTeX engine here, so no PDF")
    else:
        compile_pdf(tex, document.with_suffix(".pdf"))
        console.print(f"  {document.with_suffix('.pdf')} written")
    return 0


def _headline(console: Console, command: str) -> None:
    console.print(Text(f"\n$ {command}", style="bold"))
