"""What `derive` shows: a derivation, or one parameter's part of it, as text, LaTeX or JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import sympy as sp

from backproof.options import SpecOptions
from backproof.spec import assumptions, resolve
from symbolic.closed_form import ClosedForm, Weight, read_weight, weights
from symbolic.conventions import Layout
from symbolic.derivation import derive, derive_layer
from symbolic.errors import InvalidNetwork, Unsupported
from symbolic.grammar.formula import to_text
from symbolic.layers import LayerRow
from symbolic.network import Chain, Family, Network
from symbolic.notation import Array, Slot, Step, all_indices
from symbolic.writing.text import (
    closed_text,
    definitions_text,
    error_text,
    index_text,
    matrix_text,
    range_text,
)

SCHEMA: Final = 1
WIDEST: Final = 72  # characters of a column that other rows are aligned to


@dataclass(frozen=True, slots=True)
class Shown:
    """Steps under headings, or closed forms by weight, with what is said above them."""

    title: str
    note: str
    sections: Mapping[str, Sequence[Step]]
    closed: Mapping[Weight, sp.Expr]


def derivation(
    spec: str, options: SpecOptions, layout: Layout, *, wrt: str | None, form: str, format: str
) -> str:
    """The derivation of what SPEC names, or of one parameter. Raises InvalidNetwork or Unsupported."""
    found = resolve(spec, options)
    if isinstance(found, LayerRow):
        if wrt or form == "closed":
            raise InvalidNetwork(f"--wrt and --form closed need a network, but {spec} is a layer")
        shown = Shown(f"layer {found.name}", "", {"": derive_layer(found)}, {})
    else:
        note = assumptions(found, options) if not spec.endswith(".toml") else ""
        if form == "closed":
            shown = Shown(str(found), note, {}, _closed_forms(found, wrt))
        elif wrt is None:
            shown = Shown(str(found), note, _sections(found), {})
        else:
            shown = Shown(str(found), note, {"": _of_weight(found, wrt, whole=form == "matrix")}, {})
    return _WRITERS[format](shown, form, layout)


def _sections(chain: Chain) -> dict[str, Sequence[Step]]:
    derived = derive(chain)
    sections: dict[str, Sequence[Step]] = {"for every layer l": derived.general}
    if derived.steps:
        sections["layer by layer"] = derived.steps
    return sections


def _closed_forms(chain: Chain, wrt: str | None) -> dict[Weight, sp.Expr]:
    if isinstance(chain, Family):
        raise Unsupported(f"the closed form needs fixed widths, but {chain.shape} leaves some open")
    form = ClosedForm(chain)
    wanted = weights(chain) if wrt is None else [read_weight(wrt, chain)]
    for weight in wanted:
        form.refuse_swelling(weight)
    return {weight: form.derivative(weight) for weight in wanted}


def _of_weight(chain: Chain, wrt: str, *, whole: bool) -> list[Step]:
    """The equation of one parameter's gradient, or of its whole matrix, and the errors δ that it rests on."""
    network = chain if isinstance(chain, Network) else _of_known_depth(chain)
    weight = read_weight(wrt, network)
    derived = derive(network)
    gradient = next(s for s in derived.backward if s.target.label == f"d{weight.name}{weight.layer}")
    needed, steps = {gradient.target}, []
    for step in reversed(derived.backward):
        if step.target in needed:
            needed |= set(step.inputs)
            steps.append(step)
    at = dict(zip(gradient.equation.indices, map(sp.Integer, weight.indices), strict=True))
    equation = gradient.equation
    entry = replace(equation, target=equation.target.xreplace(at), value=equation.value.xreplace(at))
    return [*steps[:0:-1], gradient if whole else replace(gradient, equation=entry)]


def _of_known_depth(family: Family) -> Network:
    if family.sizes is None:
        raise InvalidNetwork(
            f"--wrt names a layer, but {family.shape} leaves the depth open; give sizes such as 2-?-1"
        )
    return family.symbolic()


def _text(shown: Shown, form: str, layout: Layout) -> str:
    lines = [shown.title, *([shown.note] if shown.note else [])]
    for title, steps in shown.sections.items():
        lines += ["", *([title] if title else []), *_aligned(_rows(steps, form, layout))]
    every = [step for steps in shown.sections.values() for step in steps]
    if definitions := definitions_text(every):
        lines += ["", "where", *(f"  {definition}" for definition in definitions)]
    if shown.closed:
        lines += ["", *(f"  ∂E/∂{weight} = {closed_text(value)}" for weight, value in shown.closed.items())]
    return "\n".join(lines)


def _rows(steps: Sequence[Step], form: str, layout: Layout) -> list[tuple[str, ...]]:
    """A row for each step; the loss and the penalties are one row, E."""
    rows = []
    for step in steps:
        if step.role == "loss":
            row = _row(step, form, layout)
            rows.append((error_text(steps), *("" for _ in row[2:]), "error"))
        elif step.role != "penalty":
            rows.append(_row(step, form, layout))
    return rows


def _row(step: Step, form: str, layout: Layout) -> tuple[str, ...]:
    """An equation, the layers and the indices it holds for, and its role."""
    if form == "matrix":
        return _matrix_or_index(step, layout), step.layers, step.role
    return index_text(step), step.layers, range_text(step), step.role


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Rows in columns, empty columns left out; a long equation does not push the other rows out."""
    columns = [column for column in zip(*rows, strict=True) if any(column)]
    widths = [min(max(map(len, column)), WIDEST) for column in columns]
    return [
        "  " + "   ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in zip(*columns, strict=True)
    ]


def _matrix_or_index(step: Step, layout: Layout) -> str:
    try:
        return matrix_text(step, layout)
    except Unsupported:
        return index_text(step)


def _latex(shown: Shown, form: str, layout: Layout) -> str:
    from symbolic.writing.latex import closed_latex, index_latex, matrix_latex  # text alone starts faster

    write: Callable[[Step], str] = (lambda s: matrix_latex(s, layout)) if form == "matrix" else index_latex
    lines = [write(step) for steps in shown.sections.values() for step in steps]
    lines += [
        rf"\frac{{\partial E}}{{\partial {weight.latex}}} = {closed_latex(v)}"
        for weight, v in shown.closed.items()
    ]
    return "\n".join(rf"\[ {line} \]" for line in lines)


def _json(shown: Shown, form: str, layout: Layout) -> str:
    """Everything, for programs; entries of arrays count from 0, an index of range n from 0 to n - 1."""
    data: dict[str, Any] = {"schema": SCHEMA, "network": shown.title, "layout": str(layout)}
    data["equations"] = [
        _step_data(step, layout, title) for title, steps in shown.sections.items() for step in steps
    ]
    data["closed"] = [
        {"array": f"{w.name}{w.layer}", "entry": [i - 1 for i in w.indices], "value": to_text(value)}
        for w, value in shown.closed.items()
    ]
    return json.dumps(data, ensure_ascii=False, indent=2)


def _step_data(step: Step, layout: Layout, section: str) -> dict[str, Any]:
    return {
        "section": section,
        "role": step.role,
        "rule": step.rule,
        "layers": step.layers,
        "target": step.target.label,
        "index": f"{to_text(step.equation.target)} = {to_text(step.equation.value)}",
        "matrix": _matrix_or_index(step, layout),
        "arrays": {name: bound.label for name, bound in step.bindings.items() if isinstance(bound, Array)},
        "functions": {
            name: bound.source.text for name, bound in step.bindings.items() if isinstance(bound, Slot)
        },
        "scalars": {
            name: to_text(bound)
            for name, bound in step.bindings.items()
            if not isinstance(bound, Array | Slot)
        },
        "ranges": {str(index): str(step.size(index)) for index in all_indices(step.equation.value)},
        "text": index_text(step),
    }


_WRITERS: Final[Mapping[str, Callable[[Shown, str, Layout], str]]] = {
    "text": _text,
    "latex": _latex,
    "json": _json,
}
