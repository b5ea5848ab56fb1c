"""Every theorem holds, and a library that derives something else is not proved."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import sympy as sp

from proofs.kernel.theorem import NotProved, Theorem
from proofs.theorems import (
    THEOREMS,
    dense_layer,
    matrix_form,
    networks,
    slopes,
    softmax_cross_entropy,
    straight_lines,
)
from proofs.theorems import (
    chain_rule as chain_rules,
)
from symbolic import accumulation, chain_rule, straight_line
from symbolic import matrix_form as forms
from symbolic.activations import ACTIVATIONS
from symbolic.grammar.functions import Undefined
from symbolic.notation import Equation

Expr = Any
RULES = chain_rule.cotangent_rules
PROVED = {
    f"{about}: {theorem.name}": theorem
    for about, theorems in THEOREMS.items()
    if about != "stable forms"  # they have tests of their own
    for theorem in theorems()
}


@pytest.mark.parametrize("name", PROVED)
def test_theorem_holds(name: str) -> None:
    proof = PROVED[name].qed()
    assert len(proof.decisions) == len(PROVED[name].steps) > 0
    assert all(decision.point is not None for decision in (*proof.decisions, *proof.separated))
    assert PROVED[name].statement in str(proof) and "QED" in str(proof)


def test_every_theorem_says_for_what_it_holds() -> None:
    assert all(theorem.scope and theorem.source and theorem.statement for theorem in PROVED.values())
    assert len({theorem.name for theorem in PROVED.values()}) > len(PROVED) - len(networks.NETWORKS)


def test_every_activation_has_its_slope_in_the_table_of_textbooks() -> None:
    assert {name for name, row in ACTIVATIONS.items() if row.definition} == slopes.TEXTBOOK.keys()


def doubled(value: Expr) -> Expr:
    return 2 * value


def without_slope(value: Expr) -> Expr:
    return value.replace(_is_slope, lambda node: sp.S.One)


def slope_of_value(value: Expr) -> Expr:
    """f′ taken once more for f′."""
    return value.replace(_is_slope, lambda node: node * node)


def transposed(value: Expr) -> Expr:
    return value.replace(
        lambda node: isinstance(node, sp.Indexed) and str(node.base) == "W",
        lambda node: node.base[node.indices[::-1]],
    )


def _is_slope(node: Expr) -> bool:
    return isinstance(node, Undefined) and sum(node.orders) == 1


def broken(change: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def rule(forward: Equation, name: str) -> tuple[Equation, ...]:
        return tuple(replace(each, value=change(each.value)) for each in RULES(forward, name))

    monkeypatch.setattr(accumulation, "cotangent_rules", rule)
    monkeypatch.setattr(chain_rule, "cotangent_rules", rule)


def refused(theorems: Iterator[Theorem] | list[Theorem]) -> list[NotProved]:
    """What each theorem's refusal says; fails where one is proved."""
    found = []
    for theorem in theorems:
        with pytest.raises(NotProved) as failure:
            theorem.qed()
        found.append(failure.value)
    return found


DERIVED = [
    "chain rule",
    "dense layer",
    "averaging",
    "softmax with cross-entropy",
    "softmax with squared error",
    "update step",
    "penalties",
    "backward network",
    "products",
]


@pytest.mark.parametrize("about", DERIVED)
def test_a_factor_too_many_is_refused_with_its_point(about: str, monkeypatch: pytest.MonkeyPatch) -> None:
    broken(doubled, monkeypatch)
    found = refused(list(THEOREMS[about]()))
    assert all(failure.decision.answer == "different" and failure.decision.point for failure in found)


def test_a_factor_too_many_in_the_pull_back_of_softmax_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    broken(doubled, monkeypatch)
    refused([slopes.softmax()])


@pytest.mark.parametrize("change", [without_slope, slope_of_value, transposed])
def test_a_wrong_recursion_is_refused(change: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    broken(change, monkeypatch)
    (failure,) = refused([dense_layer.equation("recursion")])
    assert failure.decision.answer == "different"
    assert failure.step.claim == "derived = textbook"


@pytest.mark.parametrize("change", [without_slope, slope_of_value])
def test_a_wrong_chain_rule_is_refused(change: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    broken(change, monkeypatch)
    refused(chain_rules.theorems())


@pytest.mark.parametrize("name", slopes.TEXTBOOK)
def test_a_wrong_slope_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    row = ACTIVATIONS[name]
    monkeypatch.setitem(ACTIVATIONS, name, replace(row, definition=f"({row.definition}) + z**3/10**6"))
    (failure,) = refused([slopes.slope(name)])
    assert failure.decision.answer == "different"


@pytest.mark.parametrize("layout", matrix_form.LAYOUTS, ids=str)
def test_a_matrix_that_is_not_transposed_is_refused(layout: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    right = forms.matrix_form

    def turned(node: Any) -> Any:
        match node:
            case forms.Leaf() if node.transposed:
                return replace(node, transposed=False)
            case forms.Product():
                return replace(node, left=turned(node.left), right=turned(node.right))
            case forms.Hadamard():
                return replace(node, factors=tuple(map(turned, node.factors)))
            case forms.Total():
                return replace(node, terms=tuple(map(turned, node.terms)))
        return node

    def wrong(step: Any, layout: Any) -> Any:
        found = right(step, layout)
        return replace(found, value=turned(found.value))

    monkeypatch.setattr(forms, "matrix_form", wrong)
    refused([matrix_form.matrix_equals_index(layout)])


def test_a_program_with_two_cotangents_swapped_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    right = straight_line.derivatives
    monkeypatch.setattr(straight_line, "derivatives", lambda *given: list(right(*given))[::-1])
    refused(straight_lines.theorems())


def test_a_network_with_a_broken_rule_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    broken(doubled, monkeypatch)
    refused(networks.theorems())


def test_softmax_with_cross_entropy_shows_that_its_assumption_is_needed() -> None:
    theorem = softmax_cross_entropy.for_labels()
    (point,) = (decision.point for decision in theorem.qed().separated)
    assert point is not None
    with pytest.raises(NotProved, match="is different"):
        replace(theorem, given=()).qed()


def test_what_is_said_to_be_false_and_is_true_is_refused() -> None:
    theorem = softmax_cross_entropy.for_labels()
    with pytest.raises(NotProved, match="is equal"):
        replace(theorem, false_without=softmax_cross_entropy.for_all_targets().steps).qed()
