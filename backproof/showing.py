"""What `derive` shows: a derivation, or one parameter's part of it, as text, LaTeX or JSON.

Where there is no form of the kind that is asked for, an equation stands in index form.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import sympy as sp

from backproof.options import SpecOptions
from backproof.spec import assumptions, resolve
from symbolic.activations import unknown
from symbolic.closed_form import ClosedForm, Weight, read_weight, weights
from symbolic.conventions import INTERNAL, Layout
from symbolic.derivation import derive, derive_layer
from symbolic.errors import InvalidNetwork, Unsupported
from symbolic.grammar.formula import to_text
from symbolic.graph import Graph
from symbolic.layer import Layer
from symbolic.network import Chain, Family, Network
from symbolic.notation import Array, Slot, Step
from symbolic.writing.index_form import indices_in
from symbolic.writing.text import (
    closed_text,
    definitions_text,
    einsum_text,
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
    if isinstance(found, Graph | Layer):
        kind = "a graph" if isinstance(found, Graph) else "a layer"
        if form == "closed":
            raise InvalidNetwork(f"--form closed needs a chain of layers, but {spec} is {kind}")
        if layout != INTERNAL:
            raise InvalidNetwork(
                f"a layout is one of chains, but {spec} is {kind}; its equations say the axes"
            )
        shown = _of_graph(found, wrt) if isinstance(found, Graph) else _of_layer(found, wrt)
    else:
        note = assumptions(found, options) if not spec.endswith(".toml") else ""
        if form == "closed":
            shown = Shown(str(found), note, {}, _closed_forms(found, wrt))
        elif wrt is None:
            shown = Shown(str(found), note, _sections(found), {})
        else:
            shown = Shown(str(found), note, {"": _of_weight(found, wrt, whole=form == "matrix")}, {})
    return _WRITERS[format](shown, form, layout)


def _of_layer(layer: Layer, wrt: str | None) -> Shown:
    """A layer by itself: E is whatever its result enters."""
    steps = derive_layer(layer)
    count = len(layer.equations())
    if wrt is not None:
        steps = (*steps[:count], *_needed(steps[count:], {wrt}, layer.name))
    title = f"layer {layer.name}" + (f": {layer.note}" if layer.note else "")
    return Shown(title, "", {"forward": steps[:count], "backward": steps[count:]}, {})


def _of_graph(graph: Graph, wrt: str | None) -> Shown:
    """A graph: E is the sum of its losses and penalties."""
    wanted = () if wrt is None else (_array(graph, wrt),)
    derived = derive(graph, wrt=wanted)
    note = f"E of a derivative ∂E is the sum {' + '.join(graph.losses)}." if len(graph.losses) > 1 else ""
    backward = derived.backward if wrt is None else _needed(derived.backward, {wrt}, graph.title)
    return Shown(graph.title, note, {"forward": derived.forward, "backward": backward}, {})


def _array(graph: Graph, name: str) -> Array:
    trained = [array.name for array in (*graph.parameters, *(graph.arrays[each] for each in graph.inputs))]
    if name not in trained:
        raise InvalidNetwork(unknown("array to differentiate by", name, trained))
    return graph.arrays[name]


def _needed(backward: Sequence[Step], names: Collection[str], of: str) -> tuple[Step, ...]:
    """The backward equations that give some cotangents, and those that they rest on."""
    found = [step for step in backward if step.target.name in names]
    if not found:
        known = dict.fromkeys(step.target.name for step in backward)
        raise InvalidNetwork(unknown(f"array of {of} to differentiate by", min(names), list(known)))
    return _resting_on(backward, {step.target for step in found})


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
    steps = _resting_on(derived.backward, {gradient.target})
    at = dict(zip(gradient.equation.indices, map(sp.Integer, weight.indices), strict=True))
    equation = gradient.equation
    entry = replace(equation, target=equation.target.xreplace(at), value=equation.value.xreplace(at))
    return [*steps[:-1], gradient if whole else replace(gradient, equation=entry)]


def _resting_on(backward: Sequence[Step], targets: Collection[Array]) -> tuple[Step, ...]:
    """The equations that give these targets, and those that they rest on."""
    needed, steps = set(targets), []
    for step in reversed(backward):
        if step.target in needed:
            needed |= set(step.inputs)
            steps.append(step)
    return tuple(steps[::-1])


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
    if form == "matrix" and (written := _matrix(step, layout)):
        return written, step.layers, "", step.role
    if form == "einsum" and (written := _einsum(step)):
        return written, step.layers, "", step.role
    return index_text(step), step.layers, range_text(step), step.role


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Rows in columns, empty columns left out; a long equation does not push the other rows out."""
    columns = [column for column in zip(*rows, strict=True) if any(column)]
    widths = [min(max(map(len, column)), WIDEST) for column in columns]
    return [
        "  " + "   ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in zip(*columns, strict=True)
    ]


def _matrix(step: Step, layout: Layout) -> str | None:
    try:
        return matrix_text(step, layout)
    except Unsupported:
        return None


def _einsum(step: Step) -> str | None:
    try:
        return einsum_text(step)
    except Unsupported:
        return None


def _latex(shown: Shown, form: str, layout: Layout) -> str:
    from symbolic.writing.latex import closed_latex, index_latex, matrix_latex  # text alone starts faster

    def write(step: Step) -> str:
        has_matrix = form == "matrix" and _matrix(step, layout)
        return matrix_latex(step, layout) if has_matrix else index_latex(step)

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
        "matrix": _matrix(step, layout),
        "einsum": _einsum(step),
        "arrays": {name: bound.label for name, bound in step.bindings.items() if isinstance(bound, Array)},
        "functions": {
            name: bound.source.text for name, bound in step.bindings.items() if isinstance(bound, Slot)
        },
        "scalars": {
            name: to_text(bound)
            for name, bound in step.bindings.items()
            if not isinstance(bound, Array | Slot)
        },
        "ranges": {str(index): str(step.size(index)) for index in sorted(_indices(step), key=str)},
        "text": index_text(step),
    }


def _indices(step: Step) -> set[sp.Symbol]:
    return indices_in(step.equation.value) | {i for i in step.equation.indices if isinstance(i, sp.Symbol)}


_WRITERS: Final[Mapping[str, Callable[[Shown, str, Layout], str]]] = {
    "text": _text,
    "latex": _latex,
    "json": _json,
}
