"""The closed form against a forward pass in plain loops and its differences; names of weights; refusals."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from symbolic.activations import ACTIVATIONS
from symbolic.closed_form import ClosedForm, Weight, operations, read_weight, seconds, weights
from symbolic.errors import InvalidNetwork, Unsupported
from symbolic.network import Network, mlp
from tests.symbolic.helpers import CLOSE, Case, Decimals, Point, at_random, cases, mp, networks, value

SMOOTH = ["tanh", "g", "silu", "gelu", "softmax"]
ALL = [*ACTIVATIONS, "elu(2/3)", "z*tanh(z)"]
OBJECTIVES = [
    *((g, "half-squared") for g in ALL),
    ("identity", "huber"),
    ("sigmoid", "binary-cross-entropy"),
    ("softmax", "cross-entropy"),
]


def error(case: Case) -> Any:
    """E by loops over samples, layers and units."""
    network, arrays = (
        case.network,
        {array.label: case.array(array, found) for array, found in case.values.items()},
    )
    total = mp.mpf(0)
    for c in range(case.samples):
        units = list(arrays["X"][:, c])
        for number, layer in enumerate(network.layers, start=1):
            sums = [mp.fdot(zip(row, units, strict=True)) for row in arrays[f"W{number}"]]
            if layer.bias:
                sums = [z + b for z, b in zip(sums, arrays[f"b{number}"], strict=True)]
            if layer.activation.layer == "softmax":
                exponentials = [mp.exp(z) for z in sums]
                units = [e / mp.fsum(exponentials) for e in exponentials]
            else:
                units = [formula(layer.activation.definition, z=z) for z in sums]
        pairs = zip(units, arrays["T"][:, c], strict=True)
        total += mp.fsum(formula(network.objective.loss.definition, a=a, t=t) for a, t in pairs)
    sizes = {"m": mp.mpf(case.samples), "k": mp.mpf(int(network.sizes[-1])), "lambda": case.lam}
    total *= formula(network.objective.scale, **sizes)
    for penalty in network.objective.penalties:
        covered = [array for label, array in arrays.items() if label[0] in ("Wb" if penalty.biases else "W")]
        power = {"l1": abs, "l2": lambda w: w * w}[penalty.norm]
        total += formula(penalty.factor, **sizes) * mp.fsum(power(w) for array in covered for w in array.flat)
    return total


def formula(expression: sp.Expr, **scalars: Any) -> Any:
    return value(expression, Point(Decimals(), scalars=scalars))


def moved(case: Case, weight: Weight, step: Any) -> Case:
    """The case with one weight changed."""
    label, place = f"{weight.name}{weight.layer}", tuple(index - 1 for index in weight.indices)
    values = dict(case.values)
    for array in values:
        if array.label == label:
            changed = case.array(array, values[array]).copy()
            changed[place] += step
            values[array] = list(changed.flat)
    return replace(case, values=values)


def is_quick(network: Network) -> bool:
    return max(seconds(network, layer) for layer in range(1, network.depth + 1)) < 1 / 10


@settings(max_examples=25)
@given(networks(activations=ALL, objectives=OBJECTIVES).filter(is_quick), st.data())
def test_closed_form_is_the_error_and_its_derivative(network: Network, data: st.DataObject) -> None:
    case = data.draw(cases(network, Decimals))
    weight = data.draw(st.sampled_from(weights(network)))
    form = ClosedForm(network)
    assert abs(value(form.error, case.point) - error(case)) <= CLOSE * (1 + abs(error(case)))
    step = mp.mpf(10) ** -12
    difference = (error(moved(case, weight, step)) - error(moved(case, weight, -step))) / (2 * step)
    slope = value(form.derivative(weight), case.point)
    assert abs(slope - difference) <= 1e-15 * (1 + abs(slope))  # a step's square, times a third derivative


def test_difference_of_the_error_rejects_a_derivative_by_another_weight() -> None:
    network = mlp(2, 3, 2, hidden="tanh", output="sigmoid", loss="squared", l2="lambda")
    case, step = at_random(network, Decimals, seed=0), mp.mpf(10) ** -12
    slopes = [value(ClosedForm(network).derivative(weight), case.point) for weight in weights(network)]
    for weight, slope in zip(weights(network), slopes, strict=True):
        difference = (error(moved(case, weight, step)) - error(moved(case, weight, -step))) / (2 * step)
        assert [other for other in slopes if abs(other - difference) <= 1e-15] == [slope]


def test_undefined_functions_stay_undefined() -> None:
    derivative = ClosedForm(mlp(1, 1, 1, loss="E")).derivative(Weight("W", 1, (1, 1)))
    assert str(derivative) == (
        "Sum(W2[1,1]*e_1(W2[1,1]*g1(W1[1,1]*X[1, c] + b1[1]) + b2[1], T[1, c])"
        "*g1'(W1[1,1]*X[1, c] + b1[1])*X[1, c], (c, 1, m))/m"
    )


def test_weights_are_counted_from_1_layer_by_layer() -> None:
    names = "W1[1,1] W1[1,2] W1[2,1] W1[2,2] b1[1] b1[2] W2[1,1] W2[1,2]"
    assert " ".join(map(str, weights(mlp(2, 2, 1, bias=[True, False])))) == names


@given(networks(activations=["g"], objectives=[("identity", "E")], largest=12), st.data())
def test_name_of_a_weight_reads_back(network: Network, data: st.DataObject) -> None:
    weight = data.draw(st.sampled_from(weights(network)))
    spaced = str(weight).replace(",", data.draw(st.sampled_from([",", ", ", " , "])))
    assert read_weight(f" {spaced} ", network) == weight
    assert weight.symbol == sp.Symbol(str(weight), real=True)


NETWORK = mlp(2, 3, 1, bias=[True, False])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        *(
            (text, f"'{text}' names no parameter; write W1[2,1] (layer, row, column, from 1) or b1[2]")
            for text in (
                "",
                "W",
                "w1[1,1]",
                "W1",
                "W1[]",
                "W1[-1,1]",
                "W1[1;1]",
                "W1[1,1,1]",
                "W1[1,1]+1",
                "V1[1,1]",
            )
        ),
        ("W3[1,1]", "W3[1,1]: 2-3-1 has layers 1 to 2"),
        ("W0[1,1]", "W0[1,1]: 2-3-1 has layers 1 to 2"),
        ("W1[0,1]", "W1[0,1]: W1 of 2-3-1 is 3 × 2, counted from 1"),
        ("W1[1,3]", "W1[1,3]: W1 of 2-3-1 is 3 × 2, counted from 1"),
        ("W1[4, 1]", "W1[4,1]: W1 of 2-3-1 is 3 × 2, counted from 1"),
        ("W1[1]", "W1[1]: W1 of 2-3-1 is 3 × 2, counted from 1"),
        ("b1[4]", "b1[4]: b1 of 2-3-1 is 3, counted from 1"),
        ("b1[1,1]", "b1[1,1]: b1 of 2-3-1 is 3, counted from 1"),
        ("b2[1]", "b2[1]: layer 2 has no bias"),
    ],
)
def test_parameter_that_the_network_does_not_have_is_refused(text: str, message: str) -> None:
    with pytest.raises(InvalidNetwork) as refusal:
        read_weight(text, NETWORK)
    assert str(refusal.value) == message


def test_weight_beyond_a_free_width_is_not_refused() -> None:
    assert read_weight("W1[7,2]", mlp(2, None, 1).symbolic()) == Weight("W", 1, (7, 2))


def test_open_widths_are_refused() -> None:
    with pytest.raises(Unsupported) as refusal:
        ClosedForm(mlp(2, None, 1).symbolic())
    assert str(refusal.value) == "the closed form needs fixed widths, but 2-n1-1 leaves some open"


def test_swelling_is_refused_with_its_estimate_before_anything_is_built(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def build(_: ClosedForm) -> None:
        raise AssertionError("E was written out")

    monkeypatch.setattr(ClosedForm, "per_sample", property(build))
    network, weight = mlp(8, 32, 32, 4, hidden="tanh"), Weight("W", 1, (1, 1))
    with pytest.raises(Unsupported) as refusal:
        ClosedForm(network).derivative(weight)
    assert str(refusal.value) == (
        f"the closed form of ∂E/∂W1[1,1] would have about {operations(network, 1):,} operations and "
        f"take about {seconds(network, 1):,.0f} s (limit 10 s); "
        "use --form index or --form matrix, or a smaller network"
    )


@pytest.mark.parametrize("hidden", ["tanh", "softmax", "relu", "gelu", "g"])
def test_estimate_grows_with_width_and_depth(hidden: str) -> None:
    for layers in itertools.pairwise(
        [(2, 2), (2, 2, 2), (2, 3, 2), (3, 3, 2), (3, 3, 3), (3, 3, 3, 3), (4, 4, 4, 4)]
    ):
        smaller, larger = (operations(mlp(*sizes, hidden=hidden, output=hidden), 1) for sizes in layers)
        assert smaller < larger


@settings(max_examples=25)
@given(
    networks(activations=SMOOTH, objectives=[("softmax", "cross-entropy"), ("g", "squared")]).filter(
        is_quick
    ),
    st.data(),
)
def test_estimate_is_above_the_operations_and_of_their_size(network: Network, data: st.DataObject) -> None:
    weight = data.draw(st.sampled_from(weights(network)))
    counted = int(ClosedForm(network).derivative(weight).count_ops())
    assert counted <= operations(network, weight.layer) + 50 <= 12 * counted + 100


def test_estimate_beyond_the_range_of_floats_is_a_refusal_too():
    with pytest.raises(Unsupported, match="would have about"):
        ClosedForm(mlp(*[64] * 200, hidden="tanh")).derivative(Weight("W", 1, (1, 1)))


def test_weight_with_too_many_digits_is_refused():
    with pytest.raises(InvalidNetwork):
        read_weight("W" + "9" * 5000 + "[1,1]", mlp(2, 3, 1))


def test_free_width_counts_from_1():
    with pytest.raises(InvalidNetwork, match="counted from 1"):
        read_weight("W1[0,1]", mlp(2, None, 1).symbolic())
