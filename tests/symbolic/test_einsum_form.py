"""Einsum forms: NumPy's einsum of what a form says is what the equation says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from numeric.arrays import evaluate_arrays
from symbolic.derivation import derive, derive_layer
from symbolic.einsum_form import EinsumForm, einsum_form
from symbolic.errors import Unsupported
from symbolic.layer import Layer
from symbolic.layers import LAYERS
from symbolic.losses import LAMBDA, SAMPLES
from symbolic.notation import Step
from symbolic.writing.index_form import numbers_of
from symbolic.writing.text import einsum_text
from tests.layer_cases import CASES

FOUND = {"dense": 4, "bilinear": 5, "conv1d": 1}  # forward, parameters, inputs; of conv1d the bias alone


def form_of(step: Step) -> EinsumForm | None:
    try:
        return einsum_form(step)
    except Unsupported:
        return None


def computed(form: EinsumForm, step: Step, known: Mapping[Any, Any], scalars: Mapping[Any, Any]) -> Any:
    """The target, term by term, with the axes that a term lacks."""
    total = np.zeros(np.shape(known[step.target]))
    for term in form.terms:
        factor = float(term.coefficient.xreplace(numbers_of(step)).subs(scalars))
        arrays = [known[step.array(name)] for name in term.operands]
        here = np.einsum(term.subscripts, *arrays) if arrays else np.array(1.0)
        axes = tuple(slice(None) if present else None for present in term.axes)
        total = total + factor * here[axes]
    return total


@pytest.mark.parametrize("name", CASES)
def test_einsum_of_what_it_says_is_the_value_of_the_equation(name: str) -> None:
    case = CASES[name]
    scalars = {SAMPLES: case.samples, LAMBDA: 0.3}
    steps = derive(case.graph, wrt=case.wrt).steps
    known = dict(case.values())
    known |= evaluate_arrays(steps, known, scalars)
    for step in steps:
        if form := form_of(step):
            assert np.allclose(computed(form, step, known, scalars), known[step.target], rtol=1e-12), step


def test_audit_rejects_a_form_with_two_letters_exchanged() -> None:
    case = CASES["bilinear"]
    scalars = {SAMPLES: case.samples}
    steps = derive(case.graph, wrt=case.wrt).steps
    known = dict(case.values())
    known |= evaluate_arrays(steps, known, scalars)
    step = next(step for step in steps if step.target.label == "dx1")
    term = einsum_form(step).terms[0]
    turned = type(term)(term.coefficient, "ijk,kc,ic->jc".replace("kc", "kd"), term.operands, term.axes)
    assert not np.allclose(
        computed(EinsumForm("x", (turned,)), step, known, scalars), known[step.target], rtol=1e-12
    )


@pytest.mark.parametrize(("name", "count"), FOUND.items())
def test_contractions_of_a_layer_are_found(name: str, count: int) -> None:
    steps = derive(CASES[name].graph, wrt=CASES[name].wrt).steps
    assert sum(form_of(step) is not None for step in steps) == count


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Y[q,c] = Sum(W[k]*X[q + k,c], k)", "computed position"),
        ("Y[i,c] = X[i,c]/R[c]", "no product"),
        ("Y[i,c] = exp(X[i,c])", "no product"),
        ("Y[i,c] = Sum(where(r <= i, X[r,c], 0), r)", "no product"),
        ("Y[i,c] = Sum(1, j)*X[i,c]", "does not depend on its index"),
        ("Y[2*q,c] = X[q,c]", "computed place"),
    ],
)
def test_what_einsum_cannot_say_is_unsupported(text: str, reason: str) -> None:
    forward, *_ = derive_layer(Layer.from_equations(text, inputs=["X"]))
    with pytest.raises(Unsupported, match=reason):
        einsum_form(forward)


def test_term_without_an_axis_is_repeated_along_it() -> None:
    forward, *_ = derive_layer(LAYERS["dense"])
    assert einsum_text(forward) == 'Z = einsum("ij,jc->ic", W, A) + b[:, None]'


def test_two_sums_with_one_index_get_two_letters() -> None:
    layer = Layer.from_equations("Y[c] = Sum(X[i,c], i)*Sum(W[i]*X[i,c], i)")
    forward, *_ = derive_layer(layer)
    (term,) = einsum_form(forward).terms
    assert len(set(term.subscripts) - set(",->")) == 3
