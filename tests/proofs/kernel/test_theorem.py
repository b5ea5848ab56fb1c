"""A theorem as a value: it holds when its steps do, says what it rests on, and names its first false step."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import sympy as sp

from proofs.kernel.theorem import IndexStep, NotProved, Step, Theorem
from symbolic.activations import Root
from symbolic.plain import PlainSum

Expr = Any
x, y = sp.symbols("x y", real=True)
i, j = sp.symbols("i j", integer=True)
n = sp.Symbol("n", integer=True, positive=True)
A = sp.IndexedBase("A", real=True)
ROOT = sp.Symbol("z0", real=True)

SQUARE = Theorem(
    "Binomial",
    "(x + y)^2 is known",
    ("x is real",),
    "two numbers",
    (
        Step("square = expanded", (x + y) ** 2, x**2 + 2 * x * y + y**2, "by the distributive law"),
        Step("quotient = factor", (x**2 - y**2) / (x - y), x + y, "cancelled"),
        Step("once more", x / (x - y) - y / (x - y), sp.S.One, "cancelled"),
    ),
    "Euclid, II.4",
)
GIVEN = Theorem(
    "Unit circle",
    "y^2 = 1 - x^2",
    (),
    "one point",
    (Step("square = rest", y**2, 1 - x**2, "solved"),),
    "Descartes",
    given=(x**2 + y**2 - 1,),
    false_without=(Step("square = rest", y**2, 1 - x**2, "solved"),),
)


def test_a_proof_reads_as_one() -> None:
    decisions = SQUARE.qed().decisions
    assert str(SQUARE.qed()) == "\n".join(
        [
            "Theorem: Binomial.",
            "(x + y)^2 is known.",
            "Assume: x is real.",
            "Assume: x - y ≠ 0.",
            "Scope: two numbers.",
            "Proof.",
            f"  1. square = expanded: by the distributive law; {decisions[0].reason}.",
            f"  2. quotient = factor: cancelled; {decisions[1].reason}.",
            f"  3. once more: cancelled; {decisions[2].reason}.",
            "QED. Source: Euclid, II.4.",
        ]
    )


def test_what_is_false_without_what_is_given_is_shown_at_a_point() -> None:
    proof = GIVEN.qed()
    (separated,) = proof.separated
    assert separated.answer == "different"
    assert f"\n  False without the assumption: square = rest, at {separated.point}.\nQED." in str(proof)
    assert proof.assumptions == ("x**2 + y**2 - 1 = 0",)
    plain = replace(SQUARE, false_without=(Step("x = y", x, y, "a slip"),)).qed()
    assert f"\n  False: x = y, at {plain.separated[0].point}.\nQED." in str(plain)


def test_exact_values_are_counted_and_their_chances_added_up() -> None:
    proof = SQUARE.qed()
    assert proof.evidence == (
        "Exact values at random points agree in 3 of 3 steps, by chance with probability below 1e-23"
    )
    logarithms = Step("logarithms", sp.log(x), sp.log(x), "the same")
    assert replace(SQUARE, steps=(*SQUARE.steps * 4, logarithms)).qed().evidence == (
        "Exact values at random points agree in 12 of 13 steps, by chance with probability below 1e-22"
    )
    assert GIVEN.qed().evidence == "Exact values at random points agree in 0 of 1 steps"


FALSE = Step("cube = expanded", (x + y) ** 3, x**3 + y**3, "by a slip")


def test_the_first_false_step_ends_a_proof_and_both_its_sides_are_shown() -> None:
    wrong = replace(SQUARE, steps=(SQUARE.steps[0], FALSE, replace(FALSE, claim="never seen")))
    with pytest.raises(NotProved) as failure:
        wrong.qed()
    found = failure.value
    assert (found.theorem, found.step, found.decision.answer) == (wrong, FALSE, "different")
    assert str(found) == "\n".join(
        [
            "Binomial: cube = expanded is different: balls separate the two sides at a point",
            "  left:  (x + y)**3",
            "  right: x**3 + y**3",
            f"  at:    {found.decision.point}",
        ]
    )


def test_an_undecided_step_proves_nothing_and_has_no_point() -> None:
    step = Step("double angle", sp.sin(2 * x), 2 * sp.sin(x) * sp.cos(x), "known")
    with pytest.raises(NotProved) as failure:
        replace(SQUARE, steps=(step,)).qed()
    assert failure.value.decision.answer == "undecided"
    assert str(failure.value).endswith("\n  right: 2*sin(x)*cos(x)")


def test_what_should_be_false_and_is_not_ends_a_proof() -> None:
    true = replace(GIVEN.steps[0], left=x, right=x)
    with pytest.raises(NotProved, match="square = rest is equal"):
        replace(GIVEN, false_without=(true,)).qed()


def test_a_step_rests_on_what_is_given_and_on_the_roots() -> None:
    with pytest.raises(NotProved):
        replace(GIVEN, given=()).qed()
    rooted = Theorem(
        "Root",
        "2 exp(z0) = 4",
        (),
        "one number",
        (Step("value = 4", 2 * sp.exp(ROOT), sp.Integer(4), "by its equation"),),
        "none",
        roots=(Root("z0", "exp(z) - 2", 0.69),),
    )
    assert rooted.qed().assumptions == ("exp(z0) - 2 = 0",)
    with pytest.raises(NotProved):
        replace(rooted, roots=()).qed()


def test_a_step_in_index_notation_holds_for_the_sizes_of_its_indices() -> None:
    delta = PlainSum(sp.KroneckerDelta(i, j) * A[i], (i, 1, n))
    step = IndexStep("picked = entry", delta, A[j], "contracted", {j: n})
    proof = replace(SQUARE, steps=(step,)).qed()
    assert "1. picked = entry: contracted; the same terms for every size" in str(proof)
    with pytest.raises(NotProved):
        replace(SQUARE, steps=(replace(step, sizes={}),)).qed()
