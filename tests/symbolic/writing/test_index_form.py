"""Index forms as they are read: for every layer, what is written has the value that is evaluated."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from math import prod
from typing import Any

import numpy as np
import pytest
import sympy as sp
from sympy.core.relational import Relational

from numeric.arrays import evaluate_arrays
from symbolic.derivation import derive, derive_layer
from symbolic.expressions import Expr, name_of
from symbolic.grammar.functions import undefined_parts
from symbolic.grammar.indices import Holds, Place, Quotient, Remainder
from symbolic.layer import Layer
from symbolic.layers import LAYERS
from symbolic.losses import LAMBDA, SAMPLES
from symbolic.notation import Step
from symbolic.slots import SLOT_ARGUMENTS, slot_formula
from symbolic.writing.index_form import Exactly, IndexForm, index_form
from symbolic.writing.latex import index_latex
from symbolic.writing.text import einsum_text, index_text, range_text
from tests.layer_cases import CASES

SMALL = 3000  # entries of all sums of a step that is read here, term by term


class Reading:
    """The value of an equation as somebody reads it: entries by position, sums term by term."""

    def __init__(self, form: IndexForm, known: Mapping[Any, Any], scalars: Mapping[sp.Symbol, Any]) -> None:
        self.step, self.first, self.known, self.scalars = form.step, form.first, known, scalars

    def value(self, expr: Any, at: Mapping[sp.Symbol, int]) -> Any:
        """The value of an expression at given indices."""
        match expr:
            case sp.Symbol():
                if expr in at:
                    return at[expr]
                if expr in self.scalars:
                    return self.scalars[expr]
                return self.known[self.step.array(expr.name)]
            case sp.Indexed():
                return self.entry(expr, at)
            case sp.Sum():
                return sum(self.value(expr.function, inner) for inner in self.inside(expr, at))
            case Place():
                ((index, *_),) = expr.limits
                within = [
                    inner for inner in self.inside(expr, at) if self.reads_inside(expr.function, index, inner)
                ]
                best = max(
                    within,
                    key=lambda inner: (self.value(expr.function, inner), -inner[index]),
                    default={index: 0},  # a row of padding, which the next maximum leaves out
                )
                return best[index]
            case sp.Piecewise():
                return next(self.value(each, at) for each, holds in expr.args if self.value(holds, at))
            case Holds():
                return int(bool(self.value(expr.args[0], at)))
            case Relational() | sp.And() | sp.Or() | sp.Not():
                return self.condition(expr, at)
            case Exactly() | Quotient() | Remainder():
                return self.whole(expr, at)
        if (slot := undefined_parts(expr)) is not None:
            name, orders = slot
            source = self.step.slot(name).source
            variables = SLOT_ARGUMENTS[type(source)]
            return float(
                slot_formula(source, orders).xreplace(
                    {v: sp.Float(self.value(a, at)) for v, a in zip(variables, expr.args, strict=True)}
                )
            )
        if not expr.args:
            return bool(expr) if expr in (sp.true, sp.false) else float(expr)
        parts = [sp.Float(self.value(part, at), 17) for part in expr.args]
        return float(expr.func(*parts))

    def condition(self, expr: Any, at: Mapping[sp.Symbol, int]) -> bool:
        parts = [self.value(part, at) for part in expr.args]
        match expr:
            case sp.And():
                return all(parts)
            case sp.Or():
                return any(parts)
            case sp.Not():
                return not parts[0]
        return bool(expr.func(*map(sp.Float, parts)))

    def whole(self, expr: Expr, at: Mapping[sp.Symbol, int]) -> int:
        a, b = (round(self.value(part, at)) for part in expr.args)
        if isinstance(expr, Exactly) and a % b:
            return -1000  # what a bracket beside it leaves out
        return a % b if isinstance(expr, Remainder) else a // b

    def inside(self, total: Expr, at: Mapping[sp.Symbol, int]) -> list[dict[sp.Symbol, int]]:
        ends = [range(int(first), round(self.value(end, at)) + 1) for _, first, end in total.limits]
        names = [limit[0] for limit in total.limits]
        return [{**at, **dict(zip(names, places, strict=True))} for places in product(*ends)]

    def places(self, entry: sp.Indexed, at: Mapping[sp.Symbol, int]) -> tuple[int, ...]:
        return tuple(round(self.value(place, at)) - self.first for place in entry.indices)

    def is_inside(self, entry: sp.Indexed, at: Mapping[sp.Symbol, int]) -> bool:
        shape = self.known[self.step.array(name_of(entry))].shape
        return all(0 <= place < size for place, size in zip(self.places(entry, at), shape, strict=True))

    def reads_inside(self, body: Expr, index: sp.Symbol, at: Mapping[sp.Symbol, int]) -> bool:
        """Whether every entry that an index picks lies in its array."""
        entries = [entry for entry in body.atoms(sp.Indexed) if index in entry.free_symbols]
        bound = {limit[0] for total in body.atoms(sp.Sum) for limit in total.limits}
        return all(self.is_inside(entry, at) for entry in entries if not entry.free_symbols & bound)

    def entry(self, entry: sp.Indexed, at: Mapping[sp.Symbol, int]) -> float:
        """An entry outside its array is 0."""
        places = self.places(entry, at)
        return (
            float(self.known[self.step.array(name_of(entry))][places]) if self.is_inside(entry, at) else 0.0
        )

    def result(self, shape: tuple[int, ...]) -> Any:
        """The whole target."""
        found = np.zeros(shape)
        equation = self.step.equation
        ends = [sp.Integer(0) + end for end in self.step.ends]
        ranges = [range(self.first, self.first + round(self.value(end, {}))) for end in ends]
        for places in product(*ranges):
            at = dict(zip(equation.indices, places, strict=True))
            if equation.positions:
                where = self.places(equation.target, at)
                if all(0 <= place < size for place, size in zip(where, shape, strict=True)):
                    found[where] += self.value(equation.value, at)
            else:
                found[()] = self.value(equation.value, at)
        return found


def work(step: Step, scalars: Mapping[sp.Symbol, Any]) -> int:
    """How many terms there are to add up."""
    ends = [sp.Integer(0) + end for end in step.ends]
    sums = [step.extent(limit[2]) for total in step.equation.value.atoms(sp.Sum) for limit in total.limits]
    return prod(int((sp.Integer(0) + end).subs(scalars)) for end in [*ends, *sums])


@pytest.mark.parametrize("name", CASES)
def test_what_is_read_is_what_is_evaluated(name: str) -> None:
    case = CASES[name]
    scalars = {SAMPLES: case.samples, LAMBDA: 0.3}
    steps = derive(case.graph, wrt=case.wrt).steps
    known = dict(case.values())
    known |= evaluate_arrays(steps, known, scalars)
    for step in steps:
        if work(step, scalars) <= SMALL:
            read = Reading(index_form(step), known, scalars).result(np.shape(known[step.target]))
            assert np.allclose(read, known[step.target], rtol=1e-9, atol=1e-12), index_text(step)


def alone(name: str) -> list[str]:
    """The derived equations of a layer by itself."""
    layer = LAYERS[name]
    return [index_text(step) for step in derive_layer(layer)][len(layer.equations()) :]


def test_convolution_reads_as_in_a_textbook() -> None:
    forward, weights, inputs, bias = derive_layer(LAYERS["conv1d"])
    assert index_text(forward) == "Y[o,q,c] = Σ_k Σ_h W[o,h,k]·X[h,s·q + d·k − p,c] + b[o]"
    assert index_text(weights) == "∂E/∂W[o,h,k] = Σ_q Σ_c X[h,s·q + d·k − p,c]·∂E/∂Y[o,q,c]"
    assert index_text(inputs) == (
        "∂E/∂X[h,u,c] = Σ_o Σ_k [s | u + p − d·k]·W[o,h,k]·∂E/∂Y[o,(u + p − d·k)/s,c]"
    )
    assert range_text(inputs) == "h from 0, u = 0…N_X2 − 1, c from 0"
    assert index_latex(bias) == (
        r"\frac{\partial E}{\partial b_{o}} = \sum_{q=0}^{N_{q} - 1} \;\sum_{c=0}^{N_{c} - 1} \;"
        r"\frac{\partial E}{\partial Y_{o,q,c}}"
    )


@pytest.mark.parametrize(
    ("name", "equation"),
    [
        ("embedding", "∂E/∂W[d,J[c]] += ∂E/∂Y[d,c]"),
        ("gather", "∂E/∂X[J[q],c] += ∂E/∂Y[q,c]"),
        ("max-pool1d", "∂E/∂X[i,s·q + Y_place[i,q,c] − p,c] += ∂E/∂Y[i,q,c]"),
        ("average-pool1d", "∂E/∂X[i,u,c] = (1/N_k)·Σ_k [s | u + p − k]·∂E/∂Y[i,(u + p − k)/s,c]"),
        ("take", "∂E/∂X[u,c] = [u = place]·∂E/∂Y[c]"),
        ("flatten", "∂E/∂X[i,j,c] = ∂E/∂Y[i·N_j + j,c]"),
        ("concatenate", "∂E/∂X2[u,c] = ∂E/∂Y[u + N_j,c]"),
        ("conv1d-transposed", "∂E/∂X[h,q,c] = Σ_o Σ_k W[h,o,k]·∂E/∂P[o,s·q + d·k − p,c]"),
    ],
)
def test_cotangent_of_a_layer_reads_so(name: str, equation: str) -> None:
    assert equation in alone(name)


def test_floor_division_and_remainder_have_their_signs() -> None:
    forward, *_ = derive_layer(Layer.from_equations("Y[q,c] = X[q//2 + q % 3,c]"))
    assert index_text(forward) == "Y[q,c] = X[⌊q/2⌋ + (q mod 3),c]"
    assert index_latex(forward) == r"Y_{q,c} = X_{\lfloor q/2\rfloor + (q \bmod 3),\,c}"


def test_condition_on_indices_is_a_bracket_only_where_it_decides() -> None:
    triangle = Layer.from_equations("Y[i,c] = Sum(where(r <= i, X[r,c], 0), r)")
    *_, cotangent = derive_layer(triangle)
    assert index_text(cotangent) == "∂E/∂X[r,c] = Σ_i [r ≤ i]·∂E/∂Y[i,c]"


@pytest.mark.parametrize(
    ("name", "equation"),
    [
        ("bilinear", 'Y = einsum("ijk,jc,kc->ic", W, X1, X2) + b[:, None]'),
        ("attention", '∂E/∂Q = (1/√N_d)·einsum("duc,tuc->dtc", K, ∂E/∂S)'),
        ("multi-head-attention", 'O = einsum("htuc,hduc->hdtc", A, V)'),
    ],
)
def test_einsum_names_the_indices_of_the_definition(name: str, equation: str) -> None:
    steps = [step for step in derive_layer(LAYERS[name]) if not step.equation.value.has(sp.exp)]
    assert equation in map(einsum_text, steps)


def test_reading_rejects_a_form_that_counts_from_elsewhere() -> None:
    case = CASES["conv1d"]
    scalars = {SAMPLES: case.samples}
    step = derive(case.graph, wrt=case.wrt).forward[0]
    known = evaluate_arrays([step], case.values(), scalars)
    wrong = IndexForm(index_form(step).step, 1)
    assert not np.allclose(
        Reading(wrong, known, scalars).result(np.shape(known[step.target])), known[step.target]
    )
