"""The training step of a C file: parameters changed in place, given their gradient.

What is kept from step to step lies in buffers of the caller, zero at first; settings are arguments.
"""

from __future__ import annotations

import sympy as sp

from symbolic.codegen.c.file_scope import FileScope
from symbolic.codegen.c.parts import Signature
from symbolic.codegen.c.scalar import ATOM, Scalars
from symbolic.codegen.optimizers import STEP, G, W
from symbolic.grammar.text import to_text


def training_signature(scope: FileScope) -> Signature | None:
    """NAME_sgd_step and its kin, where an optimizer was asked for."""
    row = scope.request.optimizer
    if row is None:
        return None
    number = scope.number
    arguments = [
        f"{number} *params",
        f"const {number} *grad",
        *(f"{number} *{state}" for state in row.states),
        *(f"{number} {setting}" for setting in row.settings),
        *(("size_t step",) if row.counts else ()),
    ]
    usual = ", ".join(f"{setting} = {to_text(value)}" for setting, value in row.settings.items())
    kept = f"; {' and '.join(map(str, row.states))} are like params, zero at first" if row.states else ""
    counted = "; step counts from 1" if row.counts else ""
    return Signature(
        f"{row.name}_step", "void", tuple(arguments), f"{row.text}. Usual: {usual}{kept}{counted}."
    )


def training_body(scope: FileScope) -> tuple[str, ...]:
    """The lines of the training step."""
    row = scope.request.optimizer
    assert row is not None
    scalars: Scalars = scope.scalars
    entries = {W: "params[i]", G: "grad[i]", **{state: f"{state}[i]" for state in row.states}}
    powers = sorted(
        {node for _, value in row.updates for node in value.atoms(sp.Pow) if node.exp == STEP}, key=str
    )
    names = {power: f"{power.base}_n" for power in powers}
    count = f"({scope.number})step"
    before = [
        f"    const {scope.number} {name} = {scalars.call('pow', str(power.base), count)[0]};"
        for power, name in names.items()
    ]
    written = {node: (text, ATOM) for node, text in {**entries, **names}.items()}
    lines = [
        f"        {entries[target]} = {scalars.write(value, written.get)[0]};"
        for target, value in row.updates
    ]
    head = f"    for (size_t i = 0u; i < {scope.request.name.upper()}_PARAMETERS; i++)"
    return (*before, head, "    {", *lines, "    }")
