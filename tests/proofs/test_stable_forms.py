"""Stable lines and usual forms of every row are proved; a wrong form is found different, with its point."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import sympy as sp
from flint import arb, ctx

from proofs.kernel.balls import Evaluator
from proofs.kernel.normal_form import decide
from proofs.kernel.theorem import NotProved, Theorem
from proofs.stable_forms import (
    WIDTH,
    activation_theorem,
    loss_theorems,
    of_unit,
    softmax_theorems,
    stable_form_theorems,
)
from symbolic.activations import ACTIVATIONS
from symbolic.grammar.formula import parse_scalar
from symbolic.losses import EPSILON, LOSSES, OUTPUTS, Head
from symbolic.network import mlp
from symbolic.program import program

Expr = Any
THEOREMS = {theorem.name: theorem for theorem in stable_form_theorems()}
UNDECIDED: set[str] = set()  # steps that the normal form leaves open, none


@pytest.mark.parametrize("name", THEOREMS)
def test_theorem_holds_or_its_step_is_listed_as_undecided(name: str) -> None:
    theorem = THEOREMS[name]
    for step in theorem.steps:
        decision = decide(step.left, step.right, roots=theorem.roots)
        expected = "undecided" if f"{name}, {step.claim}" in UNDECIDED else "equal"
        assert decision.answer == expected, (step.claim, decision)
        assert expected == "undecided" or decision.point is not None


@pytest.mark.parametrize("name", THEOREMS)
def test_every_step_is_separated_from_what_is_off_by_a_billionth(name: str) -> None:
    theorem = THEOREMS[name]
    for step in theorem.steps:
        off = step.left + sp.Rational(1, 10**9)
        decision = decide(off, step.right, roots=theorem.roots)
        assert (decision.answer, decision.point is None) == ("different", False), step.claim


def test_every_row_has_its_theorem() -> None:
    assert {f"forms of {name}" for name in ACTIVATIONS} <= THEOREMS.keys()
    assert {f"forms of {row.name}" for row in LOSSES.values() if row.forms} <= THEOREMS.keys()
    heads = {f"{head.output} with {row.name}" for row in LOSSES.values() for head in row.heads}
    assert heads <= THEOREMS.keys()
    assert all(row.forms or row.heads for row in LOSSES.values())


@pytest.mark.parametrize("name", [name for name, row in ACTIVATIONS.items() if row.definition])
def test_theorem_has_a_step_for_every_formula_of_the_row(name: str) -> None:
    row = ACTIVATIONS[name]
    formulas = [*row.logs, *row.forms, *row.slope_forms, *row.log_forms]
    claims = [step.claim for step in THEOREMS[f"forms of {name}"].steps]
    assert len(claims) == len(set(claims)) == 2 + len(formulas) + (row.slope_by_value is not None)
    assert all(any(claim.endswith(f" = {formula}") for claim in claims) for formula in formulas)


def refused(theorem: Theorem) -> NotProved:
    with pytest.raises(NotProved) as found:
        theorem.qed()
    return found.value


def is_separated(found: NotProved) -> bool:
    """Whether the point of a refusal separates the two sides of its step."""
    point = found.decision.point
    if found.decision.answer != "different" or point is None:
        return False
    with ctx.workprec(256):
        evaluate = Evaluator(point)
        return not arb(evaluate(found.step.left)).overlaps(arb(evaluate(found.step.right)))


WRONG: list[tuple[str, str, str]] = [
    ("sigmoid", "forms", "1/(1 + exp(z))"),
    ("sigmoid", "slope_forms", "a*(1 + a)"),
    ("sigmoid", "slope_forms", "exp(-z)/(1 + exp(-z))"),
    ("sigmoid", "log_forms", "z + softplus(z)"),
    ("tanh", "forms", "2*sigmoid(z) - 1"),
    ("tanh", "slope_forms", "1 - z**2"),
    ("tanh", "slope_forms", "1 - a"),
    ("relu", "slope_forms", "where(z >= 0, 1, 0)"),
    ("leaky_relu", "forms", "max(alpha*z, z)"),
    ("elu", "slope_forms", "where(z > 0, 1, a + 1)"),
    # the product of two decimals, rounded: off by 3e-17
    ("selu", "slope_forms", "where(z > 0, 1.0507009873554805, 1.7580993408473766*exp(z))"),
    ("softplus", "slope_forms", "1 - exp(a)"),
    ("silu", "slope_forms", "a + sigmoid(z)*(1 + a)"),
    ("mish", "forms", "z*tanh(exp(z))"),
    ("gelu", "forms", "z*(1 + tanh(sqrt(2/pi)*(z + 0.044715*z**3)))/2"),
    ("hardtanh", "slope_forms", "where(abs(z) <= 1, 1, 0)"),
    ("relu6", "forms", "min(z, 6)"),
    ("hardsigmoid", "forms", "max(0, min(1, z/5 + 1/2))"),
    ("hardswish", "slope_forms", "where(z <= -3, 0, z >= 3, 1, z/3)"),
]


@pytest.mark.parametrize(("name", "field", "form"), WRONG)
def test_wrong_form_of_an_activation_is_refused_with_its_point(name: str, field: str, form: str) -> None:
    found = refused(activation_theorem(replace(ACTIVATIONS[name], **{field: (form,)})))
    assert found.step.claim.endswith(form) and is_separated(found)


def test_gelus_usual_approximation_is_separated_close_to_where_they_meet() -> None:
    found = refused(
        activation_theorem(replace(ACTIVATIONS["gelu"], forms=("z*sigmoid(1.702*z)",), slope_forms=()))
    )
    assert is_separated(found)


@pytest.mark.parametrize("line", ["value", "slope"])
@pytest.mark.parametrize("name", [name for name, row in ACTIVATIONS.items() if row.definition])
def test_wrong_stable_line_is_refused_with_its_point(name: str, line: str) -> None:
    row = ACTIVATIONS[name]
    texts = [f"{text} + z/10**9" if text.startswith(f"{line} = ") else text for text in row.stable]
    found = refused(activation_theorem(replace(row, stable=tuple(texts))))
    assert found.step.claim.startswith(line) and is_separated(found)


@pytest.mark.parametrize(
    ("field", "form"),
    [
        ("forms", "exp(Z[i] - s)/Sum(exp(Z[r]), r)"),
        ("forms", "exp(Z[i])/Sum(exp(Z[r] - s), r)"),
        ("forms", "exp(Z[i])/(1 + Sum(exp(Z[r]), r))"),
        ("log_forms", "Z[i] - log(Sum(exp(Z[r] - s), r))"),
        ("log_forms", "Z[i] - Sum(Z[r], r)"),
    ],
)
def test_wrong_form_of_softmax_is_refused_with_its_point(field: str, form: str) -> None:
    every, _ = softmax_theorems(replace(ACTIVATIONS["softmax"], **{field: (form,)}))
    found = refused(every)
    assert found.step.claim.endswith(form) and is_separated(found)


WRONG_HEADS = [
    ("binary-cross-entropy", Head("sigmoid", ("max(z, 0) - t*z + log(1 + exp(z))",), ())),
    ("binary-cross-entropy", Head("sigmoid", (), ("t - a",))),
    ("binary-cross-entropy", Head("sigmoid", (), ("(a - t)*a*(1 - a)",))),
    ("cross-entropy", Head("sigmoid", (), ("a - t",))),
    ("cross-entropy", Head("softmax", (), ("A[i] - T[i]",))),  # right where Σ t = 1, which is not assumed
    ("cross-entropy", Head("softmax", (), ("A[i]*Sum(T[r], r) - T[i]",), "A[i] - 2*T[i]")),
    ("cross-entropy", Head("softmax", ("-Sum(T[i]*(Z[i] - log(Sum(exp(Z[r] - s), r))), i)",), ())),
    ("label-smoothing", Head("softmax", (), ("A[i] - (1 - epsilon)*T[i] - epsilon",))),
    ("poisson", Head("exp", (), ("1 - t/a",))),
]


@pytest.mark.parametrize(("name", "head"), WRONG_HEADS)
def test_wrong_form_from_the_pre_activation_is_refused_with_its_point(name: str, head: Head) -> None:
    (theorem,) = loss_theorems(replace(LOSSES[name], forms=(), heads=(head,)))
    assert is_separated(refused(theorem))


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("kl", "t*log(a/t)"),
        ("kl", "where(t > 0, t*log(t/a), 1)"),
        ("poisson", "a - log(a)"),
        ("hinge", "max(1 - a*t, 1)"),
        ("huber", "where(abs(a - t) <= 1, (a - t)**2/2, abs(a - t))"),
        ("label-smoothing", "-((1 - epsilon)*t + epsilon)*log(a)"),
        ("squared", "a**2 + t**2"),
    ],
)
def test_wrong_form_of_a_loss_is_refused_with_its_point(name: str, form: str) -> None:
    (theorem,) = loss_theorems(replace(LOSSES[name], forms=(form,), heads=()))
    assert is_separated(refused(theorem))


@pytest.mark.parametrize(
    ("name", "head"),
    [(row.name, head) for row in LOSSES.values() for head in row.heads],
    ids=lambda part: part if isinstance(part, str) else part.output,
)
def test_program_computes_the_fused_error_that_is_proved(name: str, head: Head) -> None:
    network = mlp(2, 3, output=head.output, loss=name, scale="1")
    (computed,) = (step for step in program(network).backward if step.role == "output error")
    ours = computed.equation.value.xreplace({sp.Symbol("s", real=True): sp.S.One})
    i, c = computed.equation.indices
    known = {OUTPUTS: sp.Integer(3), WIDTH: sp.Integer(3), EPSILON: LOSSES[name].epsilon}
    if head.output == "softmax":
        sizes = {symbol: WIDTH for symbol in ours.free_symbols if symbol.name.startswith("N_")}
        ours = ours.xreplace(sizes).replace(sp.Indexed, lambda base, unit, _: base[unit])
        proved = of_unit(head.error_forms[0])
    else:
        ours = ours.xreplace(
            {sp.IndexedBase(X, real=True)[i, c]: sp.Symbol(x, real=True) for X, x in ("Aa", "Tt")}
        )
        proved = parse_scalar(head.error_forms[0], names=("a", "t", "z", "k", "epsilon"))
    put = {symbol: value for symbol, value in known.items() if value is not None}
    assert decide(ours.xreplace(put), proved.xreplace(put)).answer == "equal"
