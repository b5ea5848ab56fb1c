"""Forms are refused where no subject can have them, and every field of every kind can be said."""

from __future__ import annotations

import json
from dataclasses import fields

import numpy as np
import pytest

from backproof.adapters.adapting import KINDS as ADAPTED
from backproof.forms import CHOICES, KINDS, Form, InvalidForm, Rates, form_from, form_of
from symbolic.conventions import Layout


def test_every_kind_is_adapted_and_none_that_is_not_known() -> None:
    assert set(ADAPTED) == set(KINDS)


def test_every_field_is_of_some_kind() -> None:
    used = {name for kind in KINDS.values() for name in kind.fields}
    assert used | {"kind"} == {field.name for field in fields(Form)}


@pytest.mark.parametrize("eta", [0.5, (0.5, 0.25)])
def test_a_form_passes_through_json_and_its_plainest_is_none_at_all(eta: Rates) -> None:
    form = Form("update", params="flat", eta=eta)
    config = json.loads(json.dumps(form.config))
    assert Form(**{**config, "arguments": "", "calls": ""}) == form
    assert config["arguments"] == KINDS["update"].arguments
    assert Form().config is None
    assert form_from(form.said, "here") == form


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"params": "matrix"},
            "no params 'matrix'; choose from pairs, list, separate, flat, flat-weights-first, dict, objects, "
            "as-is",
        ),
        ({"kind": "tensor"}, f"no kind 'tensor'; choose from {', '.join(KINDS)}"),
        ({"bias_input": 2}, "no bias input 2; choose from 1, -1"),
        ({"first": "one"}, "first is 'one'; it has to be a whole number"),
        ({"eta": 0.0, "kind": "update"}, "eta is 0.0; it has to be a positive number"),
        ({"eta": float("nan"), "kind": "update"}, "eta is nan; it has to be a positive number"),
        ({"eta": (0.1, -2.0), "kind": "update"}, "eta is -2.0; it has to be a positive number"),
        ({"eta": (0.1, "x"), "kind": "update"}, "eta is 'x'; it has to be a number, or one for each layer"),
        (
            {"eta": (0.1, 0.2), "kind": "update", "params": "list", "biases": "shared"},
            "eta has 2 rates, and one bias of all layers has one; give eta one number",
        ),
        ({"kind": "sklearn", "eta": 2.0}, "a subject of kind sklearn has no eta; it has dtype, output"),
        (
            {"arguments": "params, x, y"},
            "no word 'y' in arguments; choose from params, x, t, eta, samples, sizes, weights, biases",
        ),
        (
            {"params": "pairs", "biases": "shared"},
            "params pairs hold no shared bias; choose from list, separate, dict, flat, flat-weights-first",
        ),
        (
            {"params": "as-is", "batch": "single"},
            "params as-is go with batches alone; samples of a graph have no common axis",
        ),
        (
            {"kind": "object-update"},
            'an object-update has a path to its weights, as in weight = "weights[{l}]"',
        ),
        (
            {"kind": "object", "calls": "forward x"},
            "'forward x' is no call; write method(x, t), or out = method(x)",
        ),
        (
            {"kind": "object", "calls": "forward(z)"},
            "no word 'z' in calls; choose from params, x, t, eta, samples, sizes, weights, biases, out, grad",
        ),
        (
            {"returns": "loss, gradient"},
            "no word 'gradient' in returns; choose from grads, params, loss, weights, biases, _",
        ),
    ],
)
def test_a_form_that_cannot_be_is_refused(fields: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidForm) as caught:
        Form(**fields)  # type: ignore[arg-type]
    assert str(caught.value) == message


@pytest.mark.parametrize("name", CHOICES)
def test_what_may_be_chosen_does_not_hold_what_may_not(name: str) -> None:
    with pytest.raises(InvalidForm):
        Form(**{name: "none of them"})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("form", "layout"),
    [
        (Form(params="list", biases="first-row"), Layout(weights="in-out")),
        (Form(params="list", biases="last-column"), Layout(weights="out-in", bias_shape="n")),
        (Form(batch="single"), Layout(samples="columns")),
        (Form("update", arguments="samples, eta, params"), Layout(samples="columns")),
        (Form(params="flat"), Layout(bias_shape="n")),
        (Form("sklearn"), Layout(weights="in-out", samples="rows")),
    ],
)
def test_a_form_implies_a_part_of_the_layout(form: Form, layout: Layout) -> None:
    assert form.constrained(layout) == layout
    other = Layout("out-in", "rows", "n,1") if layout.weights == "in-out" else Layout("in-out", "rows", "n,1")
    assert form.constrained(other) != other


def test_tied_biases_hold_one_number_and_their_gradients_its_sum() -> None:
    params = [(np.ones((2, 2)), np.array([1.0, 2.0])), (np.ones((2, 2)), np.array([3.0, 4.0]))]
    for biases, held, total in (
        ("scalar", [[1, 1], [3, 3]], [[3, 3], [7, 7]]),
        ("shared", [[1, 2], [1, 2]], [[4, 6], [4, 6]]),
        ("shared-scalar", [[1, 1], [1, 1]], [[10, 10], [10, 10]]),
        ("array", [[1, 2], [3, 4]], [[1, 2], [3, 4]]),
    ):
        form = Form(params="list", biases=biases)
        assert [list(b) for _, b in form.tied(params)] == held
        assert [list(b) for _, b in form.folded(params)] == total


def test_rates_of_layers_are_read_from_the_command_line_and_have_to_be_as_many() -> None:
    form = Form("update", **form_of(["eta=0.1, 0.2"]))
    assert (form.rate(1), form.rate(2)) == form.eta == (0.1, 0.2)
    form.refuse_depth(2, "2-3-1")
    for depth, has in ((3, "has 3"), (None, "has no fixed number of layers")):
        with pytest.raises(InvalidForm, match=f"each of 2 layers, but this {has}; give one number"):
            form.refuse_depth(depth, "this")
    Form("update", eta=0.1).refuse_depth(None, "?-…-?")
