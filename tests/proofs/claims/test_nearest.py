"""The nearest true formula: one row for each class of error, and what is said of it."""

import time
from typing import get_args

import pytest

from proofs.claims.counterexamples import small_counterexample
from proofs.claims.given import given
from proofs.claims.judging import judge
from proofs.claims.nearest import ErrorClass, nearest
from proofs.claims.parsing import parse_claims
from proofs.claims.shapes import mismatches, true_where
from proofs.claims.writing import claim_text
from tests.proofs.claims.test_judging import CHAIN, FALSE, TRUE

FAULTS = {
    "D(C, b[l][j]) = -delta[l][j]": ("sign", "D(C, b[l][j]) = delta[l][j]"),
    "delta[L] = (y - a[L])*sigma'(z[L])": ("sign", "delta[L] = (a[L] - y)*sigma'(z[L])"),
    "delta[L] = 2*((a[L] - y)*sigma'(z[L]))": ("factor", "delta[L] = (a[L] - y)*sigma'(z[L])"),
    "D(C, W[l][j,k]) = delta[l][k]*a[l-1][j]": ("index", "D(C, W[l][j,k]) = delta[l][j]*a[l-1][k]"),
    "C = Sum((y[j] - a[L][j])**2, j=1..n[L]-1)/2": ("range", "C = Sum((y[j] - a[L][j])**2, j)/2"),
    "delta[l] = sigma'(z[l])*(W[l+1].T @ delta[l+1]) for l in 1..L": (
        "range",
        "delta[l] = sigma'(z[l])*(W[l+1].T @ delta[l+1]) for l in 1..L-1",
    ),
    "D(C, W[l]) = outer(delta[l], a[l])": ("layer", "D(C, W[l]) = outer(delta[l], a[l-1])"),
    "delta[l] = sigma'(z[l])*(W[l+1] @ delta[l+1]) for l in 1..L-1": (
        "transposition",
        "delta[l] = sigma'(z[l])*(W[l+1].T @ delta[l+1]) for l in 1..L-1",
    ),
    "delta[l] = W[l+1].T @ delta[l+1] for l in 1..L-1": (
        "derivative",
        "delta[l] = sigma'(z[l])*(W[l+1].T @ delta[l+1]) for l in 1..L-1",
    ),
    "delta[L] = (a[L] - y)*sigma(z[L])": ("derivative", "delta[L] = (a[L] - y)*sigma'(z[L])"),
    "z[l][j] = W[l][j,k]*a[l-1][k] + b[l][j]": ("sum", "z[l][j] = Sum(W[l][j,k]*a[l-1][k], k) + b[l][j]"),
    "z[l] = W[l]*a[l-1] + b[l]": ("product", "z[l] = W[l] @ a[l-1] + b[l]"),
    "D(C, W[l]) = outer(a[l-1], delta[l])": ("order", "D(C, W[l]) = outer(delta[l], a[l-1])"),
    "D(C, b[l]) = delta[l] + b[l]": ("term", "D(C, b[l]) = delta[l]"),
    "D(C, b[l]) = z[l]": ("quantity", "D(C, b[l]) = delta[l]"),
}


@pytest.mark.parametrize("text", FAULTS)
def test_a_fault_has_its_class_and_its_correction(text):
    (claim,) = parse_claims(text)
    assert judge(claim, CHAIN).answer != "true"
    first, *_ = nearest(claim, CHAIN)
    assert (first.error_class, claim_text(first.claim)) == FAULTS[text]


def test_there_is_a_fault_of_every_class():
    assert {error_class for error_class, _ in FAULTS.values()} == set(get_args(ErrorClass))


@pytest.mark.parametrize("text", FALSE)
def test_all_that_is_near_is_true(text):
    (claim,) = parse_claims(text)
    found = nearest(claim, CHAIN)
    assert found
    assert {judge(each.claim, CHAIN).answer for each in found} == {"true"}


def test_two_faults_are_found_where_one_change_does_not_help():
    (claim,) = parse_claims("delta[L] = 2*(a[L] - y)*sigma(z[L])")
    first, *_ = nearest(claim, CHAIN)
    assert "; and " in first.words


def test_a_size_and_a_number_that_is_as_large_are_not_taken_for_each_other():
    context = given(
        sizes={"m": False, "k": False},
        arrays={"x": "m", "E": ""},
        definitions=["E = Sum(x[c]**2, c)/m"],
    )
    answers = {
        text: judge(parse_claims(f"D(E, x[c]) = {text}")[0], context).answer
        for text in ("2*x[c]/m", "2*x[c]/2", "2*x[c]/k", "m*x[c]/m")
    }
    assert answers == {"2*x[c]/m": "true", "2*x[c]/2": "false", "2*x[c]/k": "false", "m*x[c]/m": "false"}


def test_time_up_ends_the_search():
    (claim,) = parse_claims("delta[L] = C*C*C*(y - z[L])*sigma(x[1]*z[L])")
    start = time.monotonic()
    assert nearest(claim, CHAIN, seconds=0.2) == ()
    assert time.monotonic() - start < 2


@pytest.mark.parametrize("text", FALSE)
def test_a_false_claim_has_a_counterexample_with_small_numbers(text):
    (claim,) = parse_claims(text)
    found = small_counterexample(claim, CHAIN, seconds=5)
    assert found is not None
    assert found.left != found.right
    assert all(size == 1 for size in found.sizes.values())
    assert len(found.left + found.right) < 12


@pytest.mark.parametrize("text", TRUE)
def test_a_true_claim_has_no_counterexample(text):
    (claim,) = parse_claims(text)
    assert small_counterexample(claim, CHAIN, seconds=5) is None


def test_every_mismatch_is_found_with_its_place():
    text = "delta[l] = sigma'(z[l])*(W[l+1] @ delta[l+1]) for l in 1..L-1"
    (claim,) = parse_claims(text)
    assert [text[at] for at, _ in mismatches(claim, CHAIN)] == ["*", "@"]


def test_sizes_whose_equality_makes_a_claim_true_are_named():
    context = given(sizes={"n": True}, depth=2, arrays={"W": "n[l], n[l-1] for l in 1..L", "v": "n[1]"})
    (claim,) = parse_claims("dot(v, W[1].T @ v) = dot(W[1] @ v, v)")
    assert true_where(claim, context, seconds=5) == "n[0] = n[1]"
    (other,) = parse_claims("dot(v, W[1].T @ v) = 2*dot(W[1] @ v, v)")
    assert true_where(other, context, seconds=5) == ""
