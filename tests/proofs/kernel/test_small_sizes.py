"""The theorem of small sizes: which it asks for, how many it looks at, and that it needs them all."""

from __future__ import annotations

from typing import Any

import pytest
import sympy as sp

from proofs.kernel import small_sizes
from proofs.kernel.index_form import decide_index
from proofs.kernel.small_sizes import NoWitness, hold_for_small_sizes
from symbolic.grammar.functions import undefined
from symbolic.plain import PlainSum

Expr = Any
i, j, k, p, q, c = sp.symbols("i j k p q c", integer=True)
n, m = sp.symbols("n m", integer=True, positive=True)
SIZES = {i: n, j: n, k: n, p: n, q: n, c: m}
A, B, W, X = (sp.IndexedBase(name, real=True) for name in "ABWX")
s, g = sp.Symbol("s", real=True), undefined("g")
delta = sp.KroneckerDelta


def total(body: Expr, *indices: sp.Symbol) -> Expr:
    for index in indices:
        body = PlainSum(body, (index, 1, SIZES[index]))
    return body


def hold(left: Expr, right: Expr) -> str:
    symbols = left.free_symbols | right.free_symbols
    return hold_for_small_sizes(left, right, {index: SIZES[index] for index in SIZES if index in symbols})


HOLDS = {
    "no sizes": (s**2, s * s, "any", 1),
    "one name": (total(A[i], i), total(A[j], j), "n = 1", 1),
    "two names": (total(A[i], i) * total(B[i], i), total(A[i] * B[j], i, j), "n = 2", 1),
    "a power": (total(A[i], i) ** 3, total(A[i] * A[j] * A[k], i, j, k), "n = 3", 1),
    "two sorts": (total(W[i, c], i, c), total(W[j, c], c, j), "m = 1, n = 1", 1),
    "a sort in one summand": (
        total(A[i], i) + total(X[c], c),
        total(X[c], c) + total(A[j], j),
        "m = 1, n = 1",
        1,
    ),
    "the largest term": (total(A[i], i) + n * s, total(A[i] + s, i), "n = 1", 2),
    "a size": (n**2 * s, total(s, i, j), "n = 2", 3),
    "sizes of two sorts": (n * m**2 * s, total(s, i) * m**2, "m = 2, n = 1", 6),
    "a free name": (A[p] * total(B[i], i), total(A[p] * B[i], i), "n = 2", 1),
    "two free names": (delta(p, q) * A[p], delta(q, p) * A[q], "n = 2", 2),
    "three free names": (A[p] * A[q] * A[k], A[k] * A[p] * A[q], "n = 3", 5),
    "free names of two sorts": (W[p, c] * A[q], A[q] * W[p, c], "m = 1, n = 2", 2),
    "a delta is no entry": (total(delta(i, p), i), sp.S.One, "n = 2", 2),
    "in every term": (
        total((B[i] + total(A[j] * W[i, j], j)) ** 2, i),
        total(B[i] ** 2 + 2 * B[i] * total(A[j] * W[i, j], j) + total(A[j] * W[i, j], j) ** 2, i),
        "n = 3",
        1,
    ),
    "functions": (total(g(A[i] + s), i), total(g(A[j] + s), j), "n = 1", 1),
    "the inverse of a size": (total(X[c] / m, c), total(X[c], c) / m, "m = 1", 1),
}


@pytest.mark.parametrize("name", HOLDS)
def test_the_sizes_that_the_theorem_asks_for(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    left, right, sizes, instances = HOLDS[name]
    seen, is_zero = [], small_sizes._is_zero

    def counted(difference: Expr) -> bool:
        seen.append(difference)
        return is_zero(difference)

    monkeypatch.setattr(small_sizes, "_is_zero", counted)
    assert hold(left, right) == f"and for all sizes up to {sizes}"
    assert len(seen) == instances


NOT_AT_EVERY_SIZE = {
    "a scalar in a sum": (total(A[i] + s, i), total(A[i], i) + s),
    "a scalar in a power": (total((A[i] + s) ** 2, i), total(A[i] ** 2, i) + 2 * s * total(A[i], i) + s**2),
    "a scalar in a product": (total(s * (A[i] + s), i), s * total(A[i], i) + s**2),
    "an idle name of an inner sum": (total(W[i, c] + X[c], c, i), total(W[i, c], i, c) + total(X[c], c)),
    "a size beside a sum": ((n**2 + 2) * total(A[i], i), 3 * n * total(A[i], i)),
    "a size of another sort": (m * total(A[i], i), total(A[i], i)),
}


@pytest.mark.parametrize("name", NOT_AT_EVERY_SIZE)
def test_what_holds_at_one_size_alone_does_not_hold(name: str) -> None:
    """For some of these sizes the two sides agree: no name may be left out, nor counted as an entry."""
    left, right = NOT_AT_EVERY_SIZE[name]
    with pytest.raises(AssertionError, match=r"differ for the sizes \{"):
        hold(left, right)


def test_the_inverse_of_a_size_is_a_scalar_of_its_own() -> None:
    """At m = 1 all of these agree; that m/m = 1 the theorem does not know, and refutes nothing by that."""
    for left, right in (
        (total(X[c] / m**2, c), total(X[c] / m, c)),
        (total(X[c] / m, c), total(X[c] / n, c)),
        (total(s / m, c), s),
    ):
        with pytest.raises(NoWitness, match="a size times its inverse"):
            hold(left, right)
    with pytest.raises(AssertionError, match="differ for the sizes"):
        hold(s / m + total(A[i], i), s / m + total(B[i], i))


def test_the_mean_of_a_constant_is_equal_without_a_second_witness() -> None:
    decision = decide_index(total(s / m, c), s, sizes=SIZES)
    assert decision.answer == "equal"
    assert decision.reason.endswith("no second witness: a size times its inverse is not known to be 1")


def test_the_number_of_products_is_limited_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    left, right = total(A[i], i) ** 3 * total(X[c], c), total(A[i], i) ** 2 * total(A[j] * X[c], j, c)
    monkeypatch.setattr(small_sizes, "MAX_SUMMANDS", 27)
    assert hold(left, right).endswith("n = 3")
    monkeypatch.setattr(small_sizes, "MAX_SUMMANDS", 26)
    with pytest.raises(NoWitness, match=r"^instances with 27 products are beyond 26$"):
        hold(left, right)
