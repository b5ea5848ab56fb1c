"""The derivation against the closed form, which knows no chain rule over indices; general equations too."""

from __future__ import annotations

import sys
from dataclasses import replace
from fractions import Fraction
from types import FrameType
from typing import Any

import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from symbolic import accumulation
from symbolic.activations import ACTIVATIONS, Activation
from symbolic.chain_rule import BAR, cotangent_rules
from symbolic.closed_form import ClosedForm, Weight, seconds, weights
from symbolic.derivation import GENERIC, LAST, derive, derive_layer
from symbolic.forward import parameter_arrays
from symbolic.layers import LAYERS
from symbolic.losses import LOSSES, SAMPLES
from symbolic.network import Chain, Network, mlp
from symbolic.notation import Array, Binding, Equation, Slot, Step
from tests.symbolic.helpers import (
    CLOSE,
    Case,
    Decimals,
    Rationals,
    at_random,
    cases,
    inputs_of,
    mp,
    networks,
    value,
)

SMOOTH = ["g", "identity", "z**2 - z/3"]
KINKED = ["relu", "leaky_relu(1/5)", "softsign", "where(z > 1/2, z**2, z)"]
RATIONAL = [
    *(
        (output, loss)
        for output in SMOOTH
        for loss in ("squared", "half-squared", "E", "(a - t)**4 + a*t", "huber")
    ),
    *((output, "half-squared") for output in KINKED),
    ("identity", "abs(a - t)"),
]
ALL = [*ACTIVATIONS, "g", "elu(2/3)", "z*tanh(z)"]
OBJECTIVES = [
    *((output, "half-squared") for output in ALL),
    *((g, loss) for g in ("sigmoid", "softmax") for loss, row in LOSSES.items() if row.needs_probability),
    ("softmax", "E"),
]


def is_quick(network: Network) -> bool:
    """Whether the closed forms of a network are estimated to take a tenth of a second at most."""
    return max(seconds(network, layer) for layer in range(1, network.depth + 1)) < 1 / 10


def some_weights(network: Network) -> st.SearchStrategy[list[Weight]]:
    return st.lists(st.sampled_from(weights(network)), min_size=1, max_size=2, unique=True)


def disagreements(case: Case, chosen: list[Weight]) -> list[str]:
    """The weights for which derivation and closed form differ, and E where it does."""
    derived, closed = derive(case.network), ClosedForm(case.network)
    known = case.run(derived.steps)
    point = case.point
    error = sum(known[step.target][0] for step in derived.forward if not step.target.shape)
    wrong = [] if near(error, value(closed.error, point)) else ["E"]
    for weight in chosen:
        rows, columns = (int(case.network.sizes[number]) for number in (weight.layer, weight.layer - 1))
        array = parameter_arrays(weight.layer, rows=rows, columns=columns)[weight.name == "b"]
        found = case.array(array, known[array.bar])[tuple(index - 1 for index in weight.indices)]
        if not near(found, value(closed.derivative(weight), point)):
            wrong.append(str(weight))
    return wrong


def near(x: Any, y: Any) -> bool:
    """Fractions are equal; floats of 100 digits agree to 40."""
    return bool(x == y if isinstance(x, Fraction) else abs(x - y) <= CLOSE * (1 + abs(x)))


@settings(max_examples=25)
@given(networks(activations=SMOOTH, kinked=KINKED, objectives=RATIONAL).filter(is_quick), st.data())
def test_gradient_is_exactly_the_closed_form_for_rational_networks(
    network: Network, data: st.DataObject
) -> None:
    case = data.draw(cases(network, Rationals))
    assert disagreements(case, data.draw(some_weights(network))) == []


@settings(max_examples=25)
@given(networks(activations=ALL, objectives=OBJECTIVES).filter(is_quick), st.data())
def test_gradient_is_the_closed_form_to_forty_digits(network: Network, data: st.DataObject) -> None:
    case = data.draw(cases(network, Decimals))
    assert disagreements(case, data.draw(some_weights(network))) == []


CANARIES = {
    "minus sign": lambda value, bars: -value,
    "factor of two": lambda value, bars: 2 * value,
    "cotangent too many": lambda value, bars: value.xreplace({bar: bar**2 for bar in bars}),
}


@pytest.mark.parametrize("canary", CANARIES)
@pytest.mark.parametrize("name", ["A", "W", "b", "Z"])
def test_closed_form_rejects_a_derivation_from_a_wrong_rule(
    canary: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = mlp(2, 3, 2, hidden="g", output="z**2", loss="squared")
    case = at_random(network, Rationals, seed=1)
    assert disagreements(case, weights(network)) == []

    def broken(forward: Equation, local: str) -> tuple[Equation, ...]:
        (rule,) = cotangent_rules(forward, local)
        bars = [entry for entry in rule.value.atoms(sp.Indexed) if str(entry.base.label).endswith(BAR)]
        wrong = replace(rule, value=CANARIES[canary](rule.value, bars))
        return (wrong if local == name and bars else rule,)

    monkeypatch.setattr(accumulation, "cotangent_rules", broken)
    assert disagreements(case, weights(network)) != []


@pytest.mark.parametrize(
    ("kinked", "slope"), [("relu", "0"), ("leaky_relu(1/5)", "0.2"), ("elu(3/4)", "0.75")]
)
def test_slope_at_a_kink_is_that_of_the_left(kinked: str, slope: str) -> None:
    network = mlp(1, 1, output=kinked, loss="a", scale="1")
    case = at_random(network, Decimals, seed=0, samples=1)
    at_kink = replace(case, values={array: [mp.mpf(0)] for array in case.values})
    assert disagreements(at_kink, weights(network)) == []
    _, bias = parameter_arrays(1, rows=1, columns=1)
    assert near(at_kink.run(derive(network).steps)[bias.bar][0], mp.mpf(slope))


def layers_of(held: str, depth: int) -> list[int]:
    """The layers that a range names; what is no layer's belongs to the last one."""
    ranges = {"1 ≤ l ≤ L": range(1, depth + 1), "1 ≤ l < L": range(1, depth), "l = L": [depth], "": [depth]}
    return list(ranges[held] if held in ranges else map(int, held.removeprefix("l = ").split(", ")))


def instance(step: Step, number: int, network: Network) -> Step:
    """A general step with l put in; an undefined g^[l] becomes the layer's own activation."""
    places = {GENERIC: sp.Integer(number), LAST: sp.Integer(network.depth)}

    def layer_at(layer: Any) -> int | None:
        return None if layer is None else int(layer.xreplace(places))

    def here(bound: Binding) -> Binding:
        if isinstance(bound, Array):
            sizes = (size.indices[0] if isinstance(size, sp.Indexed) else None for size in bound.shape)
            shape = (
                old if at is None else network.sizes[layer_at(at)]
                for old, at in zip(bound.shape, sizes, strict=True)
            )
            moved = replace(bound, layer=layer_at(bound.layer), shape=tuple(shape))
            return replace(moved, name="X", layer=None) if (moved.name, moved.layer) == ("A", 0) else moved
        if isinstance(bound, Slot) and isinstance(bound.source, Activation):
            own = network.layers[layer_at(bound.layer) - 1].activation
            assert bound.source.undefined or bound.source == own
            return replace(bound, layer=layer_at(bound.layer), source=own)
        if isinstance(bound, sp.Indexed):  # n^[l], a size
            return sp.Integer(network.sizes[layer_at(bound.indices[0])])
        return bound

    return replace(step, bindings={name: here(bound) for name, bound in step.bindings.items()})


@settings(max_examples=40)
@given(networks(activations=ALL, objectives=OBJECTIVES, deepest=5), st.data())
def test_general_equations_with_l_put_in_are_the_networks_own(network: Network, data: st.DataObject) -> None:
    derived = derive(network)
    found = [
        instance(step, number, network)
        for step in derived.general
        for number in layers_of(step.layers, network.depth)
    ]
    general = {step.target: step for step in found}
    assert len(general) == len(found) == len(derived.steps), "one general equation for each of the network's"
    in_order = [general[step.target] for step in derived.steps]
    assert [(step.role, step.rule) for step in in_order] == [(step.role, step.rule) for step in derived.steps]
    case = data.draw(cases(network, Decimals))
    own, instances = case.run(derived.steps), case.run(in_order)
    assert all(near(x, y) for array in own for x, y in zip(own[array], instances[array], strict=True))


PLAIN = [
    ("Z", "1 ≤ l ≤ L"), ("A", "1 ≤ l ≤ L"), ("D", ""),
    ("dZ", "l = L"), ("dZ", "1 ≤ l < L"), ("dW", "1 ≤ l ≤ L"), ("db", "1 ≤ l ≤ L"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("chain", "ranges"),
    [
        (mlp(), PLAIN),
        (mlp(2, None, 3, 1), PLAIN),
        (mlp(2, 3, 4, 1, hidden=["tanh", "relu"]), PLAIN),
        (
            mlp(2, 3),
            [("Z", "l = L"), ("A", "l = L"), ("D", ""), ("dZ", "l = L"), ("dW", "l = L"), ("db", "l = L")],
        ),
        (
            mlp(2, 3, 4, 2, hidden=["tanh", "softmax"], bias=[True, False, True]),
            [
                ("Z", "l = 1, 3"), ("Z", "l = 2"), ("A", "l = 1, 3"), ("A", "l = 2"), ("D", ""),
                ("dZ", "l = L"), ("dZ", "l = 1"), ("dA", "l = 2"), ("dZ", "l = 2"),
                ("dW", "1 ≤ l ≤ L"), ("db", "l = 1, 3"),
            ],
        ),
        (
            mlp(2, 3, 4, 2, hidden="tanh", output="softmax", loss="cross-entropy", bias=False),
            [
                ("Z", "1 ≤ l ≤ L"), ("A", "1 ≤ l < L"), ("A", "l = L"), ("D", ""), ("dA", "l = L"),
                ("dZ", "l = L"), ("dZ", "1 ≤ l < L"), ("dW", "1 ≤ l ≤ L"),
            ],
        ),
    ],
    ids=str,
)  # fmt: skip
def test_each_general_equation_says_which_layers_it_holds_for(
    chain: Chain, ranges: list[tuple[str, str]]
) -> None:
    held = [
        (f"{'d' * step.target.cotangent}{step.target.name}", step.layers) for step in derive(chain).general
    ]
    assert held == ranges


def test_activation_that_differs_between_layers_is_an_undefined_g_in_general() -> None:
    forward = next(
        s for s in derive(mlp(2, 3, 4, 1, hidden=["tanh", "relu"])).general if s.role == "activation"
    )
    assert forward.slot("g").source.undefined and forward.slot("g").layer == GENERIC
    alike = derive(mlp(2, 3, 4, 1, hidden="tanh", output="tanh")).general
    assert next(s for s in alike if s.role == "activation").slot("g").source.text == "tanh"


def test_each_step_has_its_role_and_the_rule_that_gave_it() -> None:
    network = mlp(2, 3, 2, hidden="tanh", output="softmax", loss="cross-entropy", l2="lambda")
    shown = [(step.target.label, step.role, step.rule) for step in derive(network).steps]
    through = "chain rule through the "
    assert shown == [
        ("Z1", "pre-activation", "definition"),
        ("A1", "activation", "definition"),
        ("Z2", "pre-activation", "definition"),
        ("A2", "activation", "definition"),
        ("D", "loss", "definition"),
        ("Rl2W1", "penalty", "definition"),
        ("Rl2W2", "penalty", "definition"),
        ("dA2", "cotangent", through + "loss"),
        ("dZ2", "output error", through + "activation"),
        ("dW2", "weight gradient", through + "pre-activation and the penalty"),
        ("db2", "bias gradient", through + "pre-activation"),
        ("dZ1", "recursion", through + "pre-activation and the activation"),
        ("dW1", "weight gradient", through + "pre-activation and the penalty"),
        ("db1", "bias gradient", through + "pre-activation"),
    ]


def test_every_step_reads_only_what_stands_above_it() -> None:
    derived = derive(
        mlp(2, 3, 4, 2, hidden=["softmax", "tanh"], output="softmax", loss="cross-entropy", l1="lambda")
    )
    given = set(inputs_of(derived.forward))
    for step in derived.steps:
        assert set(step.inputs) <= given
        given.add(step.target)


def test_open_depth_has_general_equations_alone_and_open_widths_have_symbols() -> None:
    assert (derive(mlp()).forward, derive(mlp()).backward) == ((), ())
    first = derive(mlp(2, None, 1)).forward[0]
    width = sp.Symbol("n1", integer=True, positive=True)
    assert first.array("W").shape == (width, 2) and first.target.shape == (width, SAMPLES)


def test_gradient_is_found_by_its_parameter() -> None:
    derived = derive(mlp(2, 3, 1))
    weights_of_1, bias_of_1 = parameter_arrays(1, rows=3, columns=2)
    assert derived.gradient(weights_of_1).target.label == "dW1"
    assert derived.gradient(bias_of_1).target.label == "db1"


def deep(depth: int) -> Network:
    return mlp(*range(2, depth + 3), hidden="g", output="softmax", loss="cross-entropy", l2="lambda")


def calls(depth: int) -> int:
    """How many functions of ours a derivation calls; rules and closures are already there."""
    count = 0

    def profile(frame: FrameType, event: str, _: Any) -> None:
        nonlocal count
        count += event == "call" and "/symbolic/" in frame.f_code.co_filename

    network = deep(depth)
    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        derive(network)
    finally:
        sys.setprofile(before)
    return count


def test_derivation_takes_steps_in_proportion_to_the_number_of_layers() -> None:
    derive(deep(50))
    ten, twenty, fifty = calls(10), calls(20), calls(50)
    assert fifty - twenty == 3 * (twenty - ten) > 0


def test_rules_are_derived_once_however_many_layers_there_are() -> None:
    cotangent_rules.cache_clear()
    derive(deep(3))
    rules = cotangent_rules.cache_info().currsize
    derive(deep(50))
    assert cotangent_rules.cache_info().currsize == rules


CHAIN = ("dense", "dense-no-bias", "activation", "softmax", "loss", "weight-penalty", "bias-penalty")


@pytest.mark.parametrize("name", CHAIN)
def test_layer_by_itself_has_a_cotangent_for_each_input_but_the_target(name: str) -> None:
    (equation,) = LAYERS[name].equations()
    forward, *backward = derive_layer(LAYERS[name])
    assert forward.equation == equation
    assert {step.target for step in backward} == {a.bar for a in forward.inputs if a.name != "T"}
    for step in backward:
        assert (step.equation,) == cotangent_rules(equation, step.target.name)
