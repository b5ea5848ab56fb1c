"""The tie: Coq proves that derived equations are the theorem's, and rejects those of broken derivations."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import pytest
import sympy as sp

from proofs.coq.statements import Lemma
from proofs.coq.tie import HEADER, tie, tie_layer
from proofs.coq.tied_chain import TiedChain
from proofs.coq.tied_functions import function_term, slope_lemma
from proofs.coq.tied_layer import LAYERS as TIED
from symbolic import accumulation
from symbolic.activations import activation
from symbolic.chain_rule import cotangent_rules
from symbolic.derivation import derive, derive_layer
from symbolic.errors import Unsupported
from symbolic.layers import LAYERS
from symbolic.mutation import mutants
from symbolic.mutation.rewriting import rewritten
from symbolic.network import Family, mlp
from symbolic.notation import Equation
from tests.coq_files import Compiled

GENERIC = ("_Z", "_A", "_D", "dZ_output", "dZ_hidden", "dW", "db")
FAMILIES: dict[str, tuple[str, dict[str, Any], tuple[str, ...]]] = {
    "any g and e, penalty": ("?-…-?", {"output": "g", "loss": "E", "l2": "lambda/m"}, GENERIC),
    "softmax": ("?-…-?", {"hidden": "softmax", "output": "softmax", "loss": "E"}, GENERIC),
    "sigmoid, then softmax with cross-entropy": (
        "?-…-?",
        {"hidden": "sigmoid", "output": "softmax", "loss": "cross-entropy"},
        (*GENERIC, "slope_hidden", "slope_loss"),
    ),
    "tanh with squared error": ("?-…-?", {"hidden": "tanh"}, (*GENERIC, "slope_hidden", "slope_output")),
    "no biases, a plain sum, penalty": (
        "?-…-?",
        {"bias": False, "loss": "E", "scale": "1", "l2": "lambda/2"},
        (*GENERIC[:-1], "(forall i, b p (S l) i = 0) ->", "scaled 1 m"),
    ),
    "functions by cases": (
        "?-…-?",
        {"hidden": "leaky_relu", "output": "hardtanh", "loss": "huber"},
        (*GENERIC, "z <> 0 ->", "if Rlt_dec 0 z then z else ((1 / 100) * z)"),
    ),
    "three layers, a bias in two, the mean over outputs too": (
        "?-?-?-?",
        {
            "bias": (True, False, True),
            "hidden": ("relu", "softmax"),
            "output": "sigmoid",
            "loss": "kl",
            "scale": "1/(m*k)",
        },
        ("dW1", "db1", "(forall i, b p 2 i = 0) ->", "(/ (INR (n 3))) * (/ (INR m))", "slope1", "0 < a ->"),
    ),
}


def family(sizes: str = "?-…-?", **options: Any) -> Family:
    built = mlp(sizes, **options)
    assert isinstance(built, Family)
    return built


def rejected(lemma: Lemma) -> str:
    return f"Goal {lemma.statement}. Fail (solve [{lemma.proof}]). Abort."


def accepted(lemma: Lemma) -> str:
    return f"Goal {lemma.statement}. {lemma.proof}. Qed."


def in_section(name: str, declared: str, goals: Iterable[str]) -> str:
    return "\n".join([f"Section {name}.", declared, *dict.fromkeys(goals), f"End {name}.\n"])


@pytest.mark.parametrize("name", FAMILIES)
def test_every_derived_equation_is_the_theorems(name: str, compiled: Compiled) -> None:
    sizes, options, said = FAMILIES[name]
    text = tie(family(sizes, **options))
    assert [part for part in said if part not in text] == []
    run = compiled.check(f"Tie{list(FAMILIES).index(name)}", text)
    assert run.returncode == 0, run.stderr


def untransposed(forward: Equation, name: str) -> tuple[Equation, ...]:
    (rule,) = cotangent_rules(forward, name)
    turned = {
        node: node.base[node.indices[::-1]] for node in rule.value.atoms(sp.Indexed) if str(node.base) == "W"
    }
    return (replace(rule, value=rule.value.xreplace(turned) if name == "A" else rule.value),)


def test_coq_rejects_the_tie_of_a_broken_derivation(
    compiled: Compiled, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accumulation, "cotangent_rules", untransposed)
    text = tie(family(loss="E"))
    run = compiled.check("Broken", text)
    place = re.search(r"line (\d+), characters .*:\nError", run.stderr)
    assert run.returncode == 1 and place
    proved = text.splitlines()[: int(place[1])]
    assert [line for line in proved if line.startswith("Lemma")][-1] == "Lemma derived_dense_dZ_hidden :"


def test_coq_rejects_every_mutant_whose_equations_it_can_read(compiled: Compiled) -> None:
    options = {"output": "g", "loss": "E", "bias": (True, False), "scale": "1/(m*k)", "l2": "lambda"}
    derivation = derive(family("?-?-?", **options))
    chain = TiedChain(derivation)
    goals = [accepted(lemma) for lemma in map(chain.lemma, derivation.steps)]
    for mutant in mutants(derivation):
        try:
            goals += [rejected(chain.lemma(step)) for step in mutant.changed]
        except Unsupported:
            continue
    assert len(set(goals)) > 140
    run = compiled.check("Mutants", HEADER + in_section("Mutants", chain.declarations(), goals))
    assert run.returncode == 0, run.stderr


# what is tied, what is derived instead, the lemmas that are then wrong
CONFUSED: dict[str, tuple[dict[str, Any], dict[str, Any], set[str]]] = {
    "biases forgotten": ({}, {"bias": False}, {"dense_Z"}),
    "the mean over outputs too": ({}, {"scale": "1/(m*k)"}, {"dense_D", "dense_dZ_output"}),
    "the sum for the mean": ({"scale": "1/m"}, {"scale": "1"}, {"dense_D", "dense_dZ_output"}),
    "another slope below 0": (
        {"hidden": "leaky_relu"},
        {"hidden": "leaky_relu(0.2)"},
        {"dense_dZ_hidden"},
    ),
}


def test_coq_rejects_the_equations_of_another_family(compiled: Compiled) -> None:
    sections = []
    for number, (tied, derived, wrong) in enumerate(CONFUSED.values()):
        chain = TiedChain(derive(family(**tied)))
        found = [chain.lemma(step) for step in derive(family(**derived)).general]
        assert wrong <= {lemma.name.removeprefix("derived_") for lemma in found}
        goals = [
            rejected(lemma) if lemma.name.removeprefix("derived_") in wrong else accepted(lemma)
            for lemma in found
        ]
        sections.append(in_section(f"Confused{number}", chain.declarations(), goals))
    run = compiled.check("Confused", HEADER + "".join(sections))
    assert run.returncode == 0, run.stderr


# of a function, and of another
SLOPES = {"relu": "leaky_relu", "leaky_relu": "prelu", "hardtanh": "relu6", "elu": "relu", "tanh": "sin"}


def slopes_of(name: str, other: str) -> Iterator[str]:
    """Right; with the slope of another function; at the kinks too."""
    right, wrong = activation(name), function_term(activation(other), (1,), {})
    lemma, own = slope_lemma(name, right, {}), function_term(right, (1,), {})
    assert lemma and own and wrong
    yield accepted(lemma)
    yield rejected(replace(lemma, statement=lemma.statement.replace(own, wrong)))
    if right.kinks:
        yield rejected(replace(lemma, statement=re.sub(r"z <> \S+( 1\))? ->", "", lemma.statement)))


def test_coq_rejects_another_functions_slope_and_a_slope_at_a_kink(compiled: Compiled) -> None:
    goals = [goal for name, other in SLOPES.items() for goal in slopes_of(name, other)]
    assert len(goals) > 2 * len(SLOPES)
    run = compiled.check("Slopes", HEADER + in_section("Slopes", "", goals))
    assert run.returncode == 0, run.stderr


def test_every_equation_of_batch_norm_is_the_theorems(compiled: Compiled) -> None:
    text = tie_layer(LAYERS["batch-norm"])
    assert re.findall(r"^Lemma derived_batch_norm_(\w+)", text, re.MULTILINE) == [
        *("M", "V", "H", "Y", "dbeta", "dgamma", "dH", "dV", "dM", "dX")
    ]
    run = compiled.check("BatchNormTie", text)
    assert run.returncode == 0, run.stderr


def without_vanishing(value: sp.Expr) -> sp.Expr:
    """Σ_r (x_r − μ) is 0, so that what it is multiplied by may be anything."""
    return value.replace(
        lambda node: isinstance(node, sp.Sum) and str(node.function) == "-M[i] + X[i, r]", lambda _: sp.S.Zero
    )


def test_coq_rejects_every_rewriting_of_batch_norm_that_is_not_the_same(compiled: Compiled) -> None:
    tied, goals = TIED["batch-norm"], []
    for step in derive_layer(LAYERS["batch-norm"]):
        right = without_vanishing(step.equation.value)
        for _, equation in rewritten(step.equation):
            judged = accepted if without_vanishing(equation.value) == right else rejected
            try:
                goals.append(judged(tied.lemma(replace(step, equation=equation))))
            except Unsupported:
                continue
    assert len(goals) > 140 and sum(goal.endswith("Qed.") for goal in goals) == 8
    run = compiled.check("BatchNormMutants", HEADER + in_section("Mutants", tied.declarations, goals))
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize(
    ("sizes", "options", "says"),
    [
        ("?-?-1", {}, "open widths"),
        ("?-…-?", {"l1": "lambda"}, "and no other"),
        ("?-…-?", {"l2": "lambda", "penalize_biases": True}, "and no other"),
        ("?-…-?", {"hidden": "atan(z)"}, "has no word in the Coq files"),
        ("?-…-?", {"hidden": "where(z == 0, 1, sin(z))"}, "the condition .* has no word"),
    ],
)
def test_what_the_theorem_does_not_cover_is_not_tied(sizes: str, options: dict[str, Any], says: str) -> None:
    with pytest.raises(Unsupported, match=says):
        tie(family(sizes, **options))


def test_a_layer_that_the_theorem_has_no_map_for_is_not_tied() -> None:
    with pytest.raises(Unsupported, match=r"no map for layer-norm; .* by itself batch-norm"):
        tie_layer(LAYERS["layer-norm"])
