"""Programs: the poles of logarithms cancel, nothing else changes; what has no numbers is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from symbolic.activations import ACTIVATIONS
from symbolic.derivation import derive
from symbolic.errors import Unsupported
from symbolic.network import Network, mlp
from symbolic.notation import Array, Slot, Step, equation, size_of
from symbolic.program import expanded, in_logarithms, program, with_slopes
from tests.symbolic.helpers import CLOSE, Case, Decimals, Point, at_random, cases, mp, networks, value

ALL = [*ACTIVATIONS, "elu(2/3)", "z*tanh(z)"]
FUSED = [
    *((g, e) for g in ("softmax", "sigmoid") for e in ("cross-entropy", "kl", "label-smoothing", "poisson")),
    ("sigmoid", "binary-cross-entropy"),
    ("exp", "poisson"),
]
OBJECTIVES = [*((g, "half-squared") for g in ALL), *FUSED, ("tanh", "huber"), ("exp", "-t*log(a)")]
AS_MANY = {size_of(sp.Symbol("r")): size_of(sp.Symbol("i"))}  # outputs summed over, and outputs
TANH_ENTROPY = "-t*log(1 + a) - (1 - t)*log(1 - a)"


@pytest.mark.parametrize("hidden", [(), ("tanh",), ("softmax", "relu")])
@pytest.mark.parametrize(
    ("output", "loss", "delta"),
    [
        ("softmax", "cross-entropy", "D = s*(A[i,c]*Sum(T[r,c], r) - T[i,c])"),
        ("sigmoid", "cross-entropy", "D = s*T[i,c]*(A[i,c] - 1)"),
        ("sigmoid", "binary-cross-entropy", "D = s*(A[i,c] - T[i,c])"),
        ("exp", "-t*log(a)", "D = -s*T[i,c]"),
        ("softmax", "kl", "D = s*(A[i,c]*Sum(T[r,c], r) - T[i,c])"),
        ("sigmoid", "kl", "D = s*T[i,c]*(A[i,c] - 1)"),
        ("exp", "poisson", "D = s*(A[i,c] - T[i,c])"),
        ("sigmoid", "poisson", "D = s*(A[i,c] - T[i,c])*(1 - A[i,c])"),
        ("tanh", TANH_ENTROPY, "D = s*(1 + A[i,c] - 2*T[i,c])"),
    ],
)
def test_pole_of_the_loss_cancels(output: str, loss: str, delta: str, hidden: tuple[str, ...]) -> None:
    network = mlp(*range(2, len(hidden) + 4), hidden=hidden or "g", output=output, loss=loss)
    safe = program(network)
    step = next(step for step in safe.backward if step.role == "output error")
    expected = equation("D[i,c]" + delta[1:], scalars=("s",)).value
    assert sp.expand(step.equation.value - expected.xreplace(AS_MANY)) == 0
    assert {array.label for array in step.inputs} <= {f"A{network.depth}", "T"}
    assert not any(step.target.label == f"dA{network.depth}" for step in safe.backward)


@pytest.mark.parametrize("width", [2, 5])
def test_label_smoothing_counts_the_outputs(width: int) -> None:
    network = mlp(2, width, output="softmax", loss="label-smoothing(1/4)")
    step = next(step for step in program(network).backward if step.role == "output error")
    text = "s*(A[i,c]*(3*Sum(T[r,c], r)/4 + 1/4) - 3*T[i,c]/4 - w)"
    expected = equation(f"D[i,c] = {text}", scalars=("s", "w")).value
    share = AS_MANY | {sp.Symbol("w", real=True): sp.Rational(1, 4 * width)}
    assert sp.expand(step.equation.value - expected.xreplace(share)) == 0


def near(case: Case, first: dict[Array, list[Any]], second: dict[Array, list[Any]]) -> list[str]:
    """The arrays in both on which two evaluations agree."""
    return sorted(
        array.label
        for array in first.keys() & second.keys() - case.values.keys()
        if all(abs(x - y) <= CLOSE * (1 + abs(x)) for x, y in zip(first[array], second[array], strict=True))
    )


@settings(max_examples=25)
@given(networks(activations=ALL, objectives=OBJECTIVES), st.data())
def test_program_computes_what_the_derivation_says(network: Network, data: st.DataObject) -> None:
    case, safe = data.draw(cases(network, Decimals)), program(network)
    steps = (*safe.forward, *safe.backward)
    agreed = near(case, case.run(derive(network).steps), case.run(steps))
    assert agreed == sorted(step.target.label for step in steps)
    assert {f"d{array.label}" for pair in safe.parameters for array in pair if array} <= set(agreed)


def test_output_error_without_the_sum_of_the_targets_is_wrong_unless_they_sum_to_1() -> None:
    network = mlp(2, 3, output="softmax", loss="cross-entropy")
    case, safe = at_random(network, Decimals, seed=0), program(network)
    short = equation("Z_bar[i,c] = s*(A[i,c] - T[i,c])", scalars=("s",)).value

    def shortened(step: Step) -> Step:
        return (
            replace(step, equation=replace(step.equation, value=short))
            if step.role == "output error"
            else step
        )

    right, wrong = (*safe.forward, *safe.backward), (*safe.forward, *map(shortened, safe.backward))
    assert near(case, case.run(right), case.run(wrong)) == ["A1", "D", "Z1"]
    (targets,) = (array for array in case.values if array.name == "T")
    one_hot = replace(case, values=case.values | {targets: [mp.mpf(n) for n in (1, 0, 0, 0, 0, 1)]})
    assert "dZ1" in near(case, one_hot.run(right), one_hot.run(wrong))


@settings(max_examples=25)
@given(networks(activations=ALL, objectives=OBJECTIVES))
def test_identity_is_written_out_and_no_other_activation(network: Network) -> None:
    safe, derived = program(network), derive(network)
    slots = [
        bound
        for step in (*safe.forward, *safe.backward)
        for bound in step.bindings.values()
        if isinstance(bound, Slot)
    ]
    assert all(slot.source.name != "identity" for slot in slots if slot.name == "g")
    for written, step in zip(safe.forward, derived.forward, strict=True):
        kept = (
            step.role != "activation"
            or step.bindings.get("g") is None
            or step.slot("g").source.name != "identity"
        )
        assert (written == step) is kept


def test_parameters_are_pairs_in_the_order_of_the_layers() -> None:
    safe = program(mlp(2, 3, 4, 1, hidden="tanh", bias=[True, False, True]))
    labels = [tuple(array and array.label for array in pair) for pair in safe.parameters]
    assert labels == [("W1", "b1"), ("W2", None), ("W3", "b3")]
    assert safe.network is safe.derivation.chain


@settings(max_examples=15)
@given(networks(activations=ALL, objectives=OBJECTIVES), st.data())
def test_slopes_read_from_arrays_give_the_same_step(network: Network, data: st.DataObject) -> None:
    case, safe = data.draw(cases(network, Decimals)), program(network)
    known = case.run((*safe.forward, *safe.backward))
    for step in safe.backward:
        opened = expanded(step, lambda name, step=step: step.slot(name).name != "g")
        read = with_slopes(opened)
        assert not any(isinstance(bound, Slot) for bound in read.bindings.values())
        slopes = {array: slope_at(network, array, known) for array in read.inputs if array.name == "slope"}
        again = replace(case, values=known | slopes).run([read])
        assert near(case, {step.target: known[step.target]}, {step.target: again[step.target]})


def slope_at(network: Network, array: Array, known: dict[Array, list[Any]]) -> list[Any]:
    """g'(z) of a layer."""
    slope = network.layers[int(str(array.layer)) - 1].activation.slope
    (found,) = (found for other, found in known.items() if other.label == f"Z{array.layer}")
    return [value(slope, Point(Decimals(), scalars={"z": z})) for z in found]


@pytest.mark.parametrize(("output", "loss", "read"), [
    ("softmax", "cross-entropy", {"log_a"}),
    ("sigmoid", "cross-entropy", {"log_a"}),
    ("sigmoid", "binary-cross-entropy", {"log_a", "log_1_minus_a"}),
    ("sigmoid", "squared", set()),
    ("exp", "-t*log(a)", {"log_a"}),
    ("exp", "poisson", {"log_a"}),
    ("sigmoid", "poisson", {"log_a"}),
    ("softmax", "kl", {"log_a"}),
    ("softmax", "label-smoothing", {"log_a"}),
])  # fmt: skip
def test_loss_reads_the_logarithms_that_have_stable_forms(output: str, loss: str, read: set[str]) -> None:
    network = mlp(2, 3, output=output, loss=loss)
    case, safe = at_random(network, Decimals, seed=0), program(network)
    known = case.run(safe.forward)
    step = in_logarithms(safe.forward[-1], network.layers[-1].activation)
    assert {array.name for array in step.inputs} - {"A", "T"} == read
    (outputs,) = (found for array, found in known.items() if array.label == "A1")
    logarithms = {
        array: [mp.log(a) if array.name == "log_a" else mp.log(1 - a) for a in outputs]
        for array in step.inputs
        if array.name in read
    }
    again = replace(case, values=known | logarithms).run([step])
    assert abs(again[step.target][0] - known[step.target][0]) <= CLOSE * abs(known[step.target][0])


POLE = (
    ": the pole of the loss at the edge of (0, 1) does not cancel, so no stable code is known; "
    "use cross-entropy with softmax or sigmoid, or binary-cross-entropy with sigmoid"
)
NO_VALUE = (
    "the loss has a pole in the output, which the activation there does not cancel; "
    "choose the output sigmoid or softmax"
)


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (mlp(2, 3, 1), "layer 1 has an undefined g, which has no numbers; give --hidden, such as tanh"),
        (
            mlp(2, 3, 4, 1, hidden=["tanh", "g"]),
            "layer 2 has an undefined g, which has no numbers; give --hidden, such as tanh",
        ),
        (
            mlp(2, 3, 1, hidden="tanh", output="g"),
            "layer 2 has an undefined g, which has no numbers; give --output, such as tanh",
        ),
        (
            mlp(2, 3, 1, hidden="tanh", loss="E"),
            "the loss E is undefined and has no numbers; give --loss, such as half-squared",
        ),
        (
            mlp(2, None, 1, hidden="tanh").symbolic(),
            "numbers need fixed widths, but 2-n1-1 leaves some open; write numbers for them",
        ),
        (
            mlp(2, 3, output="softmax", loss="binary-cross-entropy"),
            "softmax with binary-cross-entropy" + POLE,
        ),
        (mlp(2, 3, output="sigmoid", loss="1/a**2"), "sigmoid with 1/a**2" + POLE),
        (mlp(2, 3, output="relu", loss="-t*log(a)"), NO_VALUE),
    ],
    ids=str,
)  # fmt: skip
def test_network_without_numbers_is_refused(network: Network, message: str) -> None:
    with pytest.raises(Unsupported) as refusal:
        program(network)
    assert str(refusal.value) == message


@pytest.mark.parametrize("text", ["log(1 + (a - t)**2)", "log(cosh(a - t))", "sqrt(1 + (a - t)**2)"])
def test_loss_whose_quotient_has_no_pole_is_not_refused(text):
    program(mlp(2, 1, loss=text))
