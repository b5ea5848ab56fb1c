"""The index form: what it proves for every size, separates and leaves open, and that it captures no index."""

from __future__ import annotations

from typing import Any

import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from proofs.kernel import index_form
from proofs.kernel.index_form import decide_index
from proofs.kernel.normal_form import Contradiction
from proofs.kernel.small_sizes import NoWitness, hold_for_small_sizes
from symbolic.grammar.functions import undefined
from symbolic.plain import PlainSum

Expr = Any
i, j, k, c, d, p, q = sp.symbols("i j k c d p q", integer=True)
n, m = sp.symbols("n m", integer=True, positive=True)
SIZES = {i: n, j: n, k: n, p: n, q: n, c: m, d: m}
A, B, W, X, Z = (sp.IndexedBase(name, real=True) for name in "ABWXZ")
s, g = sp.Symbol("s", real=True), undefined("g")
delta = sp.KroneckerDelta


def total(body: Expr, *indices: sp.Symbol) -> Expr:
    for index in indices:
        body = PlainSum(body, (index, 1, SIZES[index]))
    return body


def softmax(unit: Expr, sample: Expr = c) -> Expr:
    return sp.exp(Z[unit, sample]) / total(sp.exp(Z[k, sample]), k)


EQUAL = {
    "names": (total(A[i], i), total(A[j], j)),
    "order of sums": (total(W[i, c], i, c), total(W[j, d], d, j)),
    "product of sums": (total(A[i], i) * total(B[i], i), total(A[i] * B[j], i, j)),
    "square of a sum": (total(A[i], i) ** 2, total(A[i] * A[j], i, j)),
    "sum of sums": (total(A[i] + B[i], i), total(A[j], j) + total(B[k], k)),
    "idle sum": (total(X[i], c), m * X[i]),
    "idle sum inside": (total(A[i] + s, i), total(A[i], i) + n * s),
    "idle sums": (total(s, i, j), n**2 * s),
    "a sum in a sum": (
        total(W[i, j] * total(X[j, c], c), j),
        total(total(W[i, k] * X[k, d], k), d),
    ),
    "cycle": (
        total(W[i, j] * W[j, k] * W[k, i], i, j, k),
        total(W[j, k] * W[i, j] * W[k, i], k, i, j),
    ),
    "delta": (total(delta(i, p) * A[i], i), A[p]),
    "two deltas": (total(delta(i, p) * delta(j, q) * W[i, j], i, j), W[p, q]),
    "delta of a square": (total(delta(i, p) ** 2 * A[i], i), A[p]),
    "deltas in a chain": (total(delta(i, j) * delta(j, p) * W[i, j], i, j), W[p, p]),
    "delta between two summed indices": (total(delta(i, j) * W[i, j], i, j), total(W[k, k], k)),
    "sum of a delta": (total(delta(i, p), i), sp.Integer(1)),
    "free delta": (delta(p, q) * A[p], A[p] * delta(q, p)),
    "functions": (total(g(W[i, j]), i, j), total(g(W[j, i]), j, i)),
    "functions of sums": (total(g(total(W[i, j] * A[j], j)), i), total(g(total(A[k] * W[j, k], k)), j)),
    "functions of sums of sums": (g(total(W[i, j], i, j)), g(total(total(W[p, q], q), p))),
    "softmax": (
        softmax(i).diff(Z[p, c]),
        softmax(i) * (delta(i, p) - softmax(p)),
    ),
    "index names that occur inside and outside": (
        total(total(softmax(i, c), i) * X[i, c], c),
        total(total(softmax(j, d), j) * X[i, d], d),
    ),
    "a name bound twice": (A[i] * total(A[i], i), A[i] * total(A[j], j)),
    "exponents": (sp.exp(A[i]) * sp.exp(B[i]) / sp.exp(A[i]), sp.exp(B[i])),
    "functions of products": (total(g(A[i] * (B[i] + 1)), i), total(g(A[j] * B[j] + A[j]), j)),
    "1/m": (total(X[i, c] / m, c), total(X[i, d], d) / m),
    "nested squares": (
        total(total(A[i] * W[i, j], i) ** 2, j),
        total(A[i] * W[i, j] * A[k] * W[k, j], i, j, k),
    ),
}


@pytest.mark.parametrize("name", EQUAL)
def test_equal_for_every_size(name: str) -> None:
    decision = decide_index(*EQUAL[name], sizes=SIZES)
    assert decision.answer == "equal", decision
    assert decision.point is not None


@pytest.mark.parametrize("name", EQUAL)
def test_what_is_off_by_a_millionth_is_separated(name: str) -> None:
    left, right = EQUAL[name]
    decision = decide_index(left, right + sp.Rational(1, 10**6), sizes=SIZES)
    assert (decision.answer, decision.point is None) == ("different", False)


DIFFERENT = {
    "sum of squares": (total(A[i], i) ** 2, total(A[i] ** 2, i)),
    "transposed": (total(W[i, j] * A[j], j), total(W[j, i] * A[j], j)),
    "rows and columns": (
        total(W[i, j] * W[i, k], i, j, k),
        total(W[j, i] * W[k, i], i, j, k),
    ),
    "one entry for a sum": (total(A[i], i), n * A[i]),
    "which index": (A[p] * total(B[i], i), A[q] * total(B[i], i)),
    "a delta forgotten": (total(A[i], i), total(delta(i, p) * A[i], i)),
    "cycles of two and one": (total(W[i, j] * W[j, i], i, j), total(W[i, i] * W[j, j], i, j)),
    "sizes": (n * s, n**2 * s),
    "functions": (total(g(A[i]), i), g(total(A[i], i))),
}


@pytest.mark.parametrize("name", DIFFERENT)
def test_separated_at_a_point(name: str) -> None:
    decision = decide_index(*DIFFERENT[name], sizes=SIZES)
    assert (decision.answer, decision.point is None) == ("different", False), decision


def test_what_has_no_rule_is_undecided() -> None:
    shifted = total(A[i + 1] - A[i], i), A[n + 1] - A[1]
    assert decide_index(*shifted, sizes=SIZES).answer == "undecided"
    late = sp.Sum(A[i], (i, 2, n)), total(A[i], i) - A[1]
    decision = decide_index(*late, sizes=SIZES)
    assert decision.answer == "undecided" and "begins at 2" in decision.reason


@pytest.mark.parametrize(
    ("value", "missing"),
    [
        (1 / (total(A[i] - B[i], i) - total(A[j], j) + total(B[j], j)), "divides by zero"),
        (total(A[i], i) ** 10**9, "a power of 1000000000 is beyond"),
        ((s + total(A[i], i) + total(B[i], i) + total(X[i], i)) ** 9, "more than 500 terms"),
        (total(A[i] * A[j] * A[k] * A[p] * A[q] * A[c], i, j, k, p, q) ** 2, "look alike"),
    ],
)
def test_what_swells_or_has_no_value_is_undecided(value: Expr, missing: str) -> None:
    decision = decide_index(value, value, sizes=SIZES)
    assert decision.answer == "undecided" and missing in decision.reason


def test_denominators_are_taken_for_granted_and_named() -> None:
    decision = decide_index(A[p] / total(B[i], i), A[p] / total(B[j], j), sizes=SIZES)
    assert decision.assumptions and all(each.endswith("≠ 0") for each in decision.assumptions)
    assert decide_index(softmax(i), softmax(i), sizes=SIZES).assumptions == ()


def test_a_wrong_contraction_is_contradicted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_form, "terms_of", lambda value, sizes: {})
    with pytest.raises(Contradiction, match="have the same terms, but they differ"):
        decide_index(total(A[i], i), total(B[i], i), sizes=SIZES)


@pytest.mark.parametrize(
    "name", ["names", "product of sums", "idle sum", "cycle", "two deltas", "1/m", "functions"]
)
def test_the_theorem_of_small_sizes_is_a_second_witness(name: str) -> None:
    left, right = EQUAL[name]
    assert "and for all sizes up to" in decide_index(left, right, sizes=SIZES).reason


@pytest.mark.parametrize("name", [name for name in DIFFERENT if name not in {"functions"}])
def test_small_sizes_see_what_is_different(name: str) -> None:
    """The witness by itself rejects every wrong identity, without the terms."""
    left, right = DIFFERENT[name]
    free = {index: SIZES[index] for index in (left - right).free_symbols if index in SIZES}
    with pytest.raises(AssertionError, match="differ for the sizes"):
        hold_for_small_sizes(left, right, free)


def test_an_idle_name_needs_smaller_sizes_too() -> None:
    """n² = n holds at 1, and n² − 3n + 2 = 0 at 1 and 2: the largest size alone would not see it."""
    with pytest.raises(AssertionError):
        hold_for_small_sizes(n**2 * s, n * s, {})
    with pytest.raises(AssertionError):
        hold_for_small_sizes(n**2 * s + 2 * s, 3 * n * s, {})
    with pytest.raises(AssertionError):
        hold_for_small_sizes(total(delta(i, j) * s, i, j), 2 * s, {})


def test_values_remember_their_sorts() -> None:
    """With n = m = 1 the two sides would be one entry; for n = 2, m = 1 they differ."""
    with pytest.raises(AssertionError):
        hold_for_small_sizes(total(W[i, c], i, c), total(W[c, i], i, c), {})


@pytest.mark.parametrize(
    ("value", "missing"),
    [
        (total(A[i + 1], i), "no sum of products"),
        (total(softmax(i), i), "no sum of products"),
        (total(A[i], i) / total(B[i], i), "no sum of products"),
        (total(i * A[i], i), "stands for a number"),
        (PlainSum(PlainSum(W[i, j], (j, 1, i)), (i, 1, n)), "runs from"),
        (total(W[i, j] * W[j, k] * W[k, p] * W[p, q] * W[q, i], i, j, k, p, q) ** 2, "beyond"),
    ],
)
def test_the_theorem_is_not_used_where_it_does_not_apply(value: Expr, missing: str) -> None:
    with pytest.raises(NoWitness, match=missing):
        hold_for_small_sizes(value, value, {})


@st.composite
def products(draw: st.DrawFn) -> tuple[Expr, Expr]:
    """A sum of products, and the same with its indices, factors and sums in another order."""
    names = draw(st.permutations([i, j, k]))
    pairs = draw(
        st.lists(st.tuples(st.sampled_from([0, 1, 2]), st.sampled_from([0, 1, 2])), min_size=1, max_size=4)
    )
    first = sp.Mul(*(W[[i, j, k][a], [i, j, k][b]] for a, b in pairs))
    second = sp.Mul(*(W[names[a], names[b]] for a, b in pairs))
    order = draw(st.permutations([i, j, k]))
    return total(first, i, j, k), total(second, *order)


@settings(max_examples=25)
@given(products())
def test_the_same_product_under_other_names_is_equal(pair: tuple[Expr, Expr]) -> None:
    assert decide_index(*pair, sizes=SIZES).answer == "equal"


@settings(max_examples=25)
@given(products(), products())
def test_terms_and_points_agree_on_two_drawn_products(
    first: tuple[Expr, Expr], second: tuple[Expr, Expr]
) -> None:
    """Of sums of products none is undecided: the same terms, or a point."""
    assert decide_index(first[0], second[0], sizes=SIZES).answer in {"equal", "different"}
