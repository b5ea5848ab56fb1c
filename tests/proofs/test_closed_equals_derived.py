"""Closed form = derivation, on networks of all kinds; and a broken rule is not proved."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from proofs import closed_equals_derived
from proofs.closed_equals_derived import BATCH, prove_network, written_out
from proofs.kernel.normal_form import decide
from proofs.kernel.theorem import NotProved, Step, Theorem
from symbolic import accumulation, notation
from symbolic.chain_rule import cotangent_rules
from symbolic.derivation import Derivation, derive
from symbolic.errors import Unsupported
from symbolic.evaluate import evaluate
from symbolic.grammar.functions import FUNCTIONS, Undefined, undefined, where
from symbolic.losses import LAMBDA, OUTPUTS, SAMPLES
from symbolic.network import Network, mlp
from symbolic.notation import Array, Equation, Slot, equation

Expr = Any
NETWORKS: dict[str, dict[str, Any]] = {
    "2-3-1": {},
    "3-4-2": {},
    "2-3-1, nothing defined": {"output": "g", "loss": "E"},
    "3-4-2, nothing defined": {"output": "g", "loss": "E", "scale": "1/(m*k)"},
    "2-3-2-2, no bias in the middle": {"bias": (True, False, True), "output": "g"},
    "3-4-2, no bias": {"bias": False},
    "3-4-2, penalty on weights": {"l2": "lambda/(2*m)"},
    "2-3-1, both penalties, biases too": {"l2": "lambda", "l1": "lambda/m", "penalize_biases": True},
    "3-4-2, tanh": {"hidden": "tanh", "output": "tanh", "loss": "half-mse"},
    "2-3-1, sigmoid": {"hidden": "softplus", "output": "sigmoid", "loss": "binary-cross-entropy"},
    "2-3-2, softmax": {"output": "softmax", "loss": "cross-entropy"},
    "3-4-2, tanh and softmax": {"hidden": "tanh", "output": "softmax", "loss": "cross-entropy"},
    "2-2-2, softmax inside": {"hidden": "softmax", "output": "softmax", "loss": "squared"},
    "2-3-1, relu": {"hidden": "relu", "output": "leaky_relu(0.2)"},
    "2-3-1, relu without biases": {"hidden": "relu", "bias": False},
    "2-2-1, huber": {"hidden": "elu", "loss": "huber"},
    "1-1-1-1-1, smooth": {"hidden": ("gelu", "silu", "sin"), "output": "exp"},
}


def network(*sizes: int | str, **options: Any) -> Network:
    built = mlp(*sizes, **options)
    assert isinstance(built, Network)
    return built


@pytest.mark.parametrize("name", NETWORKS)
def test_closed_form_equals_derivation(name: str) -> None:
    chain = network(name.partition(",")[0], **NETWORKS[name])
    proof = prove_network(chain)
    assert len(proof.decisions) == chain.parameter_count
    assert all(decision.point is not None for decision in proof.decisions)


@pytest.mark.parametrize("name", ["2-3-1", "3-4-2"])
def test_undefined_functions_need_no_assumptions_but_to_be_differentiable(name: str) -> None:
    proof = prove_network(network(name, output="g", loss="E"))
    assert proof.assumptions == proof.theorem.assumptions


@settings(max_examples=15)
@given(
    sizes=st.lists(st.integers(1, 3), min_size=2, max_size=4),
    hidden=st.sampled_from(["g", "tanh", "sin"]),
    loss=st.sampled_from(["E", "squared"]),
    scale=st.sampled_from(["1", "1/m", "1/(m*k)"]),
    biases=st.sampled_from([True, False]),
)
def test_closed_form_equals_derivation_for_drawn_networks(
    sizes: list[int], hidden: str, loss: str, scale: str, biases: Any
) -> None:
    prove_network(network(*sizes, hidden=hidden, loss=loss, scale=scale, bias=biases))


Rule = Callable[[Equation, str], tuple[Equation, ...]]


def with_value(change: Callable[[Equation, str, Expr], Expr]) -> Rule:
    def rule(forward: Equation, name: str) -> tuple[Equation, ...]:
        (right,) = cotangent_rules(forward, name)
        return (replace(right, value=change(forward, name, right.value)),)

    return rule


def is_slope(node: Expr) -> bool:
    return isinstance(node, Undefined) and node.name == "g" and node.orders == (1,)


def is_weight(node: Expr) -> bool:
    return isinstance(node, sp.Indexed) and str(node.base) == "W"


def turned(node: Expr) -> Expr:
    return node.base[node.indices[::-1]]


def dropped_slope(forward: Equation, name: str, value: Expr) -> Expr:
    return value.replace(is_slope, lambda node: sp.Integer(1))


def slope_at_the_value(forward: Equation, name: str, value: Expr) -> Expr:
    return value.replace(is_slope, lambda node: node.func(undefined("g")(*node.args)))


def transposed_weight(forward: Equation, name: str, value: Expr) -> Expr:
    return value.replace(is_weight, turned) if name == "A" else value


def turned_sign(forward: Equation, name: str, value: Expr) -> Expr:
    return -value if name == "b" else value


def dropped_scale(forward: Equation, name: str, value: Expr) -> Expr:
    return value.xreplace({sp.Symbol("s", real=True): sp.Integer(1)})


def swapped_arguments(forward: Equation, name: str, value: Expr) -> Expr:
    return value.replace(
        lambda node: isinstance(node, Undefined) and node.name == "e",
        lambda node: undefined("e", 2, node.orders[::-1])(*node.args),
    )


BROKEN = {
    rule.__name__: rule
    for rule in (
        dropped_slope,
        slope_at_the_value,
        transposed_weight,
        turned_sign,
        dropped_scale,
        swapped_arguments,
    )
}


@pytest.mark.parametrize("sizes", [(2, 3, 1), (3, 3, 3)])
@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_rule_is_not_proved(
    name: str, sizes: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accumulation, "cotangent_rules", with_value(BROKEN[name]))
    with pytest.raises(NotProved) as failure:
        prove_network(network(*sizes, loss="E"))
    assert failure.value.decision.answer == "different"
    assert failure.value.decision.point is not None


def other_layer(slot: Any) -> Any:
    return replace(slot, layer=2) if isinstance(slot, Slot) and slot.layer == 1 else slot


def with_the_slope_of_another_layer(derivation: Derivation) -> Derivation:
    steps = [
        replace(step, bindings={name: other_layer(bound) for name, bound in step.bindings.items()})
        for step in derivation.backward
    ]
    return replace(derivation, backward=tuple(steps))


def without_penalties(derivation: Derivation) -> Derivation:
    steps = []
    for step in derivation.backward:
        value = step.equation.value
        if step.target.name == "W":
            value = sp.Add(*(term for term in sp.Add.make_args(value) if term.has(sp.Sum)))
        steps.append(replace(step, equation=replace(step.equation, value=value)))
    return replace(derivation, backward=tuple(steps))


@pytest.mark.parametrize("change", [with_the_slope_of_another_layer, without_penalties])
def test_a_broken_step_is_not_proved(
    change: Callable[[Derivation], Derivation], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(closed_equals_derived, "derive", lambda chain: change(derive(chain)))
    with pytest.raises(NotProved, match="is different"):
        prove_network(network(2, 3, 1, output="g", l2="lambda"))


def test_what_is_not_proved_shows_both_sides_and_a_point() -> None:
    z = sp.Symbol("z", real=True)
    steps = (Step("first", z, z, "trivially"), Step("second", sp.exp(z), 1 + z, "to first order"))
    theorem = Theorem("wrong", "exp z = 1 + z", (), "all z", steps, "nowhere")
    with pytest.raises(NotProved) as failure:
        theorem.qed()
    assert str(failure.value) == (
        "wrong: second is different: balls separate the two sides at a point\n"
        "  left:  exp(z)\n"
        "  right: z + 1\n"
        "  at:    z = -1/16"
    )
    assert failure.value.step is steps[1]


def test_what_is_undecided_is_not_proved_and_not_called_different() -> None:
    z = sp.Symbol("z", real=True)
    steps = (Step("double angle", sp.sin(2 * z), 2 * sp.sin(z) * sp.cos(z), "trigonometry"),)
    with pytest.raises(
        NotProved, match="double angle is undecided: the difference does not reduce to 0, and no"
    ):
        Theorem("open", "sin 2z = 2 sin z cos z", (), "all z", steps, "school").qed()


def test_a_proof_collects_the_assumptions_of_its_steps() -> None:
    x, y = sp.symbols("x y", real=True)
    steps = (Step("quotient", x / (x * y + x), 1 / (1 + y), "cancelling"),)
    proof = Theorem("quotient", "x/(xy + x) = 1/(1 + y)", ("x is real",), "x and y", steps, "school").qed()
    assert proof.assumptions == ("x is real", "x*y + x ≠ 0", "y + 1 ≠ 0")


def test_open_widths_and_what_would_swell_are_refused() -> None:
    open_widths = mlp(2, None, 1)
    with pytest.raises(Unsupported, match="the closed form needs fixed widths"):
        prove_network(open_widths.symbolic())  # type: ignore[union-attr]
    with pytest.raises(Unsupported, match="would have about"):
        prove_network(network(8, 32, 32, 4))


def test_a_step_that_mixes_samples_is_refused() -> None:
    chain = network(2, 3, 1)
    arrays = {name: Array(name, 1, (3, SAMPLES)) for name in "YA"}
    step = notation.placed(equation("Y[i,c] = A[i,c] - Sum(A[i,r], r)"), arrays, "normalisation")
    with pytest.raises(Unsupported, match="Y1 mixes samples"):
        written_out(Derivation(chain, (), (step,)))


class Symbols:
    """SymPy expressions as a kind of number."""

    def constant(self, value: Expr) -> Expr:
        return value

    def power(self, base: Expr, exponent: sp.Rational) -> Expr:
        return base**exponent

    def call(self, name: str, argument: Expr) -> Expr:
        return FUNCTIONS[name].build(argument)

    def undefined(self, slot: Slot, orders: tuple[int, ...], arguments: tuple[Expr, ...]) -> Expr:
        return undefined(f"{slot.name}{slot.layer or ''}", len(arguments), orders)(*arguments)

    def branch(
        self, relation: str, left: Expr, right: Expr, then: Callable[[], Expr], otherwise: Callable[[], Expr]
    ) -> Expr:
        return where(sp.Rel(left, right, relation), then(), otherwise())


@pytest.mark.parametrize("options", [{"output": "g", "loss": "E", "l2": "lambda/m"}, {"hidden": "tanh"}])
def test_what_is_proved_is_what_the_evaluator_computes_for_two_samples(options: dict[str, Any]) -> None:
    derivation = derive(network(2, 3, 1, scale="1/(m*k)", **options))
    leaves = {array for step in derivation.forward for array in step.inputs} - {
        s.target for s in derivation.steps
    }
    values = {array: entries(array) for array in leaves}
    scalars = {SAMPLES: 2, OUTPUTS: 1, LAMBDA: LAMBDA}
    computed = evaluate(derivation.steps, values, scalars, Symbols())
    written = written_out(derivation)
    for step in derivation.backward:
        if step.target.name in "Wb":
            for left, right in zip(computed[step.target], written[step.target].values(), strict=True):
                assert decide(left, right.xreplace({BATCH: sp.Integer(2)}).doit()).answer == "equal"


def entries(array: Array) -> list[Expr]:
    """The symbols of an array's entries, row by row; two samples where it has them."""
    if array.name in "XT":
        base = sp.IndexedBase(array.name, real=True)
        return [base[row, sample] for row in range(1, int(array.shape[0]) + 1) for sample in (1, 2)]
    places = [(i,) for i in range(1, int(array.shape[0]) + 1)]
    if array.name == "W":
        places = [(i, j) for (i,) in places for j in range(1, int(array.shape[1]) + 1)]
    return [sp.Symbol(f"{array.label}[{','.join(map(str, place))}]", real=True) for place in places]
