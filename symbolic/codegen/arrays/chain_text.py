"""What a generated module of a chain says about itself: layout, shapes, formulas."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from symbolic.codegen.arrays.chain import ChainFunctions
from symbolic.writing.text import error_text, matrix_text


def chain_docstring(chain: ChainFunctions, notes: Sequence[str] = ()) -> str:
    """The docstring of a chain's module; `notes` are further lines before its end."""
    shapes = [
        f"W{number} {chain.shape_text(w)}, b{number} {chain.shape_text(b) if b else None}"
        for number, (w, b) in enumerate(chain.program.parameters, start=1)
    ]
    targets = "classes from 0, shape (m,)" if chain.integer_labels else chain.shape_text(chain.target)
    lines = [
        f"Loss and gradient of the network {chain.network}.",
        "",
        f"Layout: {chain.layout}.",
        "",
        "    params  one pair (W, b) for each layer, b None where it has no bias:",
        *(f"            {shape}" for shape in shapes),
        f"    x       {chain.shape_text(chain.input)} for m samples",
        f"    t       {targets}",
        "",
        "Formulas, with δ = ∂E/∂Z:",
        "",
        *(f"    {line}" for line in _formulas(chain)),
        "",
        "Comments in the code give the same index by index, as W[out, in] and with samples last.",
        *notes,
        "Derived and written by backproof. What exceeds the range of floats becomes inf silently.",
    ]
    return '"""' + "\n".join(lines) + '\n"""'


def _formulas(chain: ChainFunctions) -> Iterator[str]:
    derived = chain.program.derivation
    yield from (matrix_text(step, chain.layout) for step in derived.forward if step.target.shape)
    yield error_text(derived.forward)
    yield from (matrix_text(step, chain.layout) for step in derived.backward)
