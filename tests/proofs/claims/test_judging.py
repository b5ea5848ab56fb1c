"""Claims about a chain of layers: true ones, false ones, and those whose shapes do not fit."""

import pytest

from proofs.claims.given import given
from proofs.claims.judging import judge
from proofs.claims.parsing import parse_claims
from symbolic.errors import FormulaError

CHAIN = given(
    sizes={"n": True, "m": False},
    depth=3,
    arrays={
        "W": "n[l], n[l-1] for l in 1..L",
        "b": "n[l] for l in 1..L",
        "z": "n[l] for l in 1..L",
        "a": "n[l] for l in 0..L",
        "delta": "n[l] for l in 1..L",
        "x": "n[0]",
        "y": "n[L]",
        "C": "",
    },
    functions={"sigma": ""},
    definitions=[
        "a[0] = x",
        "z[l] = W[l] @ a[l-1] + b[l] for l in 1..L",
        "a[l] = sigma(z[l]) for l in 1..L",
        "C = Sum((y[j] - a[L][j])**2, j)/2",
        "delta[l][j] = D(C, z[l][j]) for l in 1..L",
    ],
)
TRUE = [
    "D(C, b[l][j]) = delta[l][j]",
    "D(C, W[l][j,k]) = delta[l][j]*a[l-1][k]",
    "D(C, W[l]) = outer(delta[l], a[l-1])",
    "D(C, W[l]) = delta[l] @ a[l-1].T",
    "delta[l][j] = sigma'(z[l][j])*Sum(delta[l+1][k]*W[l+1][k,j], k) for l in 1..L-1",
    "delta[l] = sigma'(z[l]) * (W[l+1].T @ delta[l+1]) for l in 1..L-1",
    "delta[l] = diag(sigma'(z[l])) @ W[l+1].T @ delta[l+1] for l in 1..L-1",
    "delta[L] = (a[L] - y) * sigma'(z[L])",
    "D(z[l+1][k], z[l][j]) = W[l+1][k,j]*sigma'(z[l][j])",
    "D(z[l][j], z[l][k]) = delta(j, k)",
    "row(col(W[l], k), j) = W[l][j,k]",
    "z[l] = Sum(col(W[l], k)*a[l-1][k], k) + b[l]",
]
FALSE = [
    "D(C, b[l][j]) = -delta[l][j]",
    "delta[L] = (y - a[L]) * sigma'(z[L])",
    "delta[L] = 2*(a[L] - y) * sigma'(z[L])",
    "delta[l] = W[l+1].T @ delta[l+1] for l in 1..L-1",
    "delta[L] = (a[L] - y) * sigma(z[L])",
]
ILL_FORMED = {
    "delta[l] = sigma'(z[l]) * (W[l+1] @ delta[l+1]) for l in 1..L-1": "n[2]×n[1] and a n[2]×1 have no",
    "D(C, W[l]) = outer(a[l-1], delta[l])": "n[1]×n[0] on one side and n[0]×n[1] on the other",
    "delta[L][j] = (a[L][j] - y[j])*sigma'(z[l][j])": "j runs over n[3] in one place and over n[1]",
    "delta[l][j] = sigma'(z[l][j])*Sum(delta[l+1][k]*W[l+1][k,j], k) for l in 1..L": "[4]; its layers",
    "z[l] = Sum(row(W[l], k)*a[l-1][k], k) + b[l]": "k runs over n[1] in one place and over n[0]",
    "C = row(x, 3)": "there is no row 3 along n[0]",
    "C = row(x, C)": "row takes an array and an index",
    "delta[L] = W": "W is one for each layer",
    "delta[L] = a[L] + 1": "n[3]×1 on one side and number",
    "delta[L] = a[L]**2": "entry by entry",
    "C = q": "q is not given",
    "delta[L] = ones(n[L+1])": "no size n[4]; there are n[0], n[1]",
    "delta[1] = ones(n)": "no size n;",
}


def judged(text, context=CHAIN):
    (claim,) = parse_claims(text)
    return judge(claim, context)


@pytest.mark.parametrize("text", TRUE)
def test_true_claims_are_true(text):
    found = judged(text)
    assert found.answer == "true", found
    assert found.tried > 0


@pytest.mark.parametrize("text", FALSE)
def test_false_claims_have_a_counterexample(text):
    found = judged(text)
    assert found.answer == "false", found
    assert found.counterexample is not None and found.counterexample.point


@pytest.mark.parametrize("text", ILL_FORMED)
def test_what_does_not_fit_is_located(text):
    found = judged(text)
    assert found.answer == "ill-formed", found
    assert ILL_FORMED[text] in found.reason
    assert found.at is not None


def test_transposed_product_is_false_for_square_matrices_too():
    assert judged("delta[l] = sigma'(z[l]) * (W[l+1] @ delta[l+1]) for l in 1..L-1").if_square == "false"


def test_what_fits_for_square_matrices_only_is_said():
    context = given(sizes={"n": True}, depth=2, arrays={"W": "n[l], n[l-1] for l in 1..L", "v": "n[1]"})
    found = judged("dot(v, W[1].T @ v) = dot(W[1] @ v, v)", context)
    assert (found.answer, found.if_square) == ("ill-formed", "true")


def test_a_claim_for_another_scale_is_false_there_and_true_with_its_own():
    assert judged("D(C, a[L]) = a[L] - y").answer == "true"
    assert (
        judged("D(C, a[L]) = a[L] - y", CHAIN.with_definitions("C = Sum((y[j] - a[L][j])**2, j)")).answer
        == "false"
    )


@pytest.mark.parametrize(
    "text", ["C = ", "C == 1", "a[1+i+j] = 2", "C = (1", "C", "C = " + "(" * 99 + "1" + ")" * 99]
)
def test_what_is_no_claim_is_refused_with_its_place(text):
    with pytest.raises(FormulaError):
        parse_claims(text)


def test_a_layer_of_one_array_is_not_another_array():
    context = given(
        sizes={"n": False},
        depth=2,
        arrays={"a": "n for l in 1..L", "a1": "n", "x": ""},
        functions={"f": "layered", "f1": ""},
    )
    assert judged("a[1] = a1", context).answer == "false"
    assert judged("f[1](x) = f1(x)", context).answer == "false"


def test_a_size_that_is_a_number_fits_a_vector_of_so_many_entries():
    context = given(sizes={"n": False}, fixed={"q": 2}, arrays={"u": "q", "x": "n"})
    assert judged("u = vector(u[1], u[2])", context).answer == "true"
    assert judged("u = vector(u[2], u[1])", context).answer == "false"
    assert judged("dot(u, u)/q = (u[1]**2 + u[2]**2)/2", context).answer == "true"
    assert "n×1 on one side and 2×1" in judged("x = vector(x[1], x[2])", context).reason
    assert "3×1 on one side" in judged("vector(1, 2, 3) = u", context).reason
    assert "an entry of a vector is a number" in judged("u = vector(u, u)", context).reason
    assert judged("rows(vector(1, 0), vector(0, 1)) @ u = u", context).answer == "true"
    assert judged("rows(vector(1, 0), vector(0, 1, 2)) @ u = u", context).answer == "ill-formed"


def test_time_up_is_undecided():
    (claim,) = parse_claims(TRUE[1])
    assert judge(claim, CHAIN, seconds=0).answer == "undecided"


COST = given(
    sizes={"n": True, "p": False},
    depth=2,
    arrays={"W": "n[l], n[l-1] for l in 1..L", "z": "n[l] for l in 0..L", "x": "p", "y": "n[1]", "C": ""},
    functions={"f": "", "cost": "whole"},
    definitions=["z[0] = x", "z[l] = f(W[l] @ z[l-1]) for l in 1..L", "C = cost(z[1], y)"],
    widths={"n[0]": "p", "n[2]": "1"},
)


@pytest.mark.parametrize(
    ("text", "answer"),
    {
        "D(C, W[1]) = outer(D(C, z[1]) * f'(W[1] @ x), x)": "true",
        "D(C, W[1]) = -outer(D(C, z[1]) * f'(W[1] @ x), x)": "false",
        "D(C, z[1][i]) = D(C, y[i])": "false",
        "cost(y, z[1]) = C": "false",
        "C = cost'(z[1], y)": "ill-formed",
    }.items(),
)
def test_a_cost_may_be_any_function_of_all_entries(text, answer):
    assert judged(text, COST).answer == answer


@pytest.mark.parametrize(
    ("text", "answer"),
    {
        "z[L] = f(Sum(W[L][1,j]*z[1][j], j))": "true",
        "D(z[L], z[1]) = f'(W[L] @ z[1])*W[L].T": "true",
        "D(z[L], z[1]) = f'(W[L] @ z[1])*W[L]": "ill-formed",
        "z[p-1] = f(W[p-1] @ x)": "true",
        "z[p] = f(W[p] @ x)": "ill-formed",
    }.items(),
)
def test_a_layer_may_have_the_width_of_another_size_or_one(text, answer):
    assert judged(text, COST).answer == answer
