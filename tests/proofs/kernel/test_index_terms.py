"""Terms in index notation: their sum is what was read, and no name, order or way of writing changes them."""

from __future__ import annotations

from contextlib import suppress
from itertools import permutations
from typing import Any

import pytest
import sympy as sp

from proofs.kernel import index_form as module
from proofs.kernel.balls import Point, Unclear, order
from proofs.kernel.exact import Agreement
from proofs.kernel.index_form import decide_index, index_form, terms_of
from symbolic.grammar.functions import undefined
from symbolic.grammar.indices import is_index, size_of
from symbolic.plain import PlainSum

Expr = Any
i, j, k, p, q, c = NAMES = sp.symbols("i j k p q c", integer=True)
n, m = sp.symbols("n m", integer=True, positive=True)
SIZES = {i: n, j: n, k: n, p: n, q: n, c: m}
A, B, T, W, X = (sp.IndexedBase(name, real=True) for name in "ABTWX")
s, t, g = sp.Symbol("s", real=True), sp.Symbol("t", real=True), undefined("g")
delta = sp.KroneckerDelta


def total(body: Expr, *indices: sp.Symbol) -> Expr:
    for index in indices:
        body = PlainSum(body, (index, 1, SIZES[index]))
    return body


READ = {
    "numbers": s * sp.Rational(-7, 3) + 2,
    "coefficients": total(2 * A[i], i) * total(3 * B[j] / 5, j) - 4 * total(A[i], i),
    "sums inside and outside": total(A[i] * (s + total(3 * W[i, j] * B[j], j)) ** 2, i),
    "the inverse of a term": 1 / total(2 * delta(i, p) * A[i] ** 2 * s, i) ** 3,
    "the inverse of a sum": (A[p] - 1) / total(A[i] + 1, i) ** 2,
    "the inverse of terms": s / (1 + total(delta(i, p) * A[i], i)) ** 2,
    "functions of sums": total(g(A[i] + total(2 * W[i, j] * B[j], j)) * B[i], i),
    "exponentials": total(sp.exp(A[i]), i) * sp.exp(-A[p]) * total(sp.exp(2 * B[j]) * delta(j, p), j),
    "deltas": delta(p, q) ** 2 * total(W[i, j] * delta(i, j), i, j) * s,
    "sizes": total(n * s + A[i] / m, i) - n**2 * s,
    "computed places": total(A[i + 1] * s, i) + A[2 * p],
}


@pytest.mark.parametrize("name", READ)
def test_the_sum_of_the_terms_has_the_value_of_what_was_read(name: str) -> None:
    form = index_form(READ[name], SIZES)
    seen = set()
    for seed in range(6):
        point, at = Point(seed), {p: sp.Integer(1), q: sp.Integer(1 + seed % 2)}
        with suppress(Unclear):
            seen.add(order(form, READ[name], point, precisions=(128,), at=at))
    assert seen == {0}


@pytest.mark.parametrize("name", READ)
def test_what_is_in_canonical_form_stays_as_it_is(name: str) -> None:
    form = index_form(READ[name], SIZES)
    assert index_form(form, SIZES) == form
    assert all(is_index(limit[0]) for inner in form.atoms(sp.Sum) for limit in inner.limits)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (total(2 * A[i], i), "2*Sum(A[_1_0], (_1_0, 1, n))"),
        (total(g(total(W[i, j], j)), i), "Sum(g(Sum(W[_2_0, _1_0], (_1_0, 1, n))), (_2_0, 1, n))"),
        (total(W[i, j], i, j), "Sum(W[_1_1, _1_0], (_1_0, 1, n), (_1_1, 1, n))"),
    ],
)
def test_an_index_is_named_after_its_height_and_place(value: Expr, text: str) -> None:
    assert str(index_form(value, SIZES)) == text


CYCLE, PATH, FORK = (
    lambda a, b, c: W[a, b] * W[b, c] * W[c, a],
    lambda a, b, c: W[a, b] ** 2 * W[b, c] ** 2,
    lambda a, b, c: W[a, b] * W[a, c] * X[b, c],
)


@pytest.mark.parametrize("product", [CYCLE, PATH, FORK], ids=["cycle", "path", "fork"])
def test_every_naming_of_indices_and_every_order_of_sums_gives_the_same_terms(product: Any) -> None:
    known = terms_of(total(product(i, j, k), i, j, k), SIZES)
    assert known
    for names in permutations((i, j, k)):
        assert terms_of(total(product(*names), i, j, k), SIZES) == known
        assert terms_of(total(product(i, j, k), *names), SIZES) == known


def test_a_function_of_sums_is_named_anew_where_the_indices_around_it_are() -> None:
    left = total(X[p, q] * g(total(W[p, i] * W[q, j], i, j)), p, q)
    right = total(X[q, p] * g(total(W[q, i] * W[p, j], i, j)), p, q)
    for _ in range(3):  # other names on the way
        assert terms_of(left, SIZES) == terms_of(right, SIZES)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (delta(p, q) * total(delta(i, p) * delta(i, q), i), delta(p, q)),
        (delta(p, q) * total(delta(i, p) * delta(i, q) * A[i], i), A[p] * delta(p, q)),
        (s / (total(A[i], i) - total(A[j], j) + 2) ** 2, s / 4),
        (total(delta(i, p) * sp.exp(1 + A[i]), i) * sp.exp(-A[p]), sp.E),
        (total(2 * A[i], i) * total(3 * B[i], i), 6 * total(A[i] * B[j], i, j)),
        (1 / total(2 * delta(i, p) * A[i] ** 2, i), 1 / (2 * A[p] ** 2)),
        (A[p] / total(B[i], i) - A[p] / total(B[j], j), sp.S.Zero),
    ],
    ids=str,
)
def test_other_ways_of_writing_give_the_same_terms(left: Expr, right: Expr) -> None:
    for sides in ((left, right), (right, left)):
        decision = decide_index(*sides, sizes=SIZES)
        assert decision.answer == "equal", decision
        assert isinstance(decision.evidence, Agreement) or decision.evidence.startswith("no exact values: ")


def test_denominators_of_either_side_are_named() -> None:
    gap = A[p] / total(B[i], i) - A[p] / total(B[j], j)
    for sides in ((gap, sp.S.Zero), (sp.S.Zero, gap)):
        assumptions = decide_index(*sides, sizes=SIZES).assumptions
        assert assumptions == ("Sum(B[i], (i, 1, n)) ≠ 0", "Sum(B[j], (j, 1, n)) ≠ 0")


def test_a_free_index_has_its_own_size_unless_another_is_given() -> None:
    own = PlainSum(delta(i, p) * A[i], (i, 1, size_of(p))) - A[p]
    for sides in ((own, sp.S.Zero), (sp.S.Zero, own)):
        assert decide_index(*sides).answer == "equal"
        assert decide_index(*sides, sizes={p: n}).answer != "equal"


@pytest.mark.parametrize("order_of", [NAMES, NAMES[::-1]])
def test_seven_indices_that_do_not_look_alike_are_named(order_of: tuple[sp.Symbol, ...]) -> None:
    """Of seven that do there would be too many namings to try."""
    last = sp.Symbol("last", integer=True)
    sizes = dict.fromkeys((*NAMES, last), n)
    one_entry, many = T[(*NAMES, last)], B[last] * sp.Mul(*(sp.IndexedBase(f"D{x}")[x] for x in NAMES))
    for body in (one_entry, many):
        forward, other = body, body
        for index in (*NAMES, last):
            forward = PlainSum(forward, (index, 1, n))
        for index in (last, *order_of):
            other = PlainSum(other, (index, 1, n))
        assert terms_of(forward, sizes) == terms_of(other, sizes)


@pytest.mark.parametrize(
    ("limit", "most", "value", "message"),
    [
        ("MAX_TERMS", 6, total(A[i] + s, i) * total(B[j] + s + t, j), "there are more than 5 terms"),
        ("MAX_POWER", 3, total(A[i], i) ** 3, "a power of 3 is beyond 2"),
        ("MAX_NAMINGS", 6, total(A[i] * A[j] * A[k], i, j, k), "too many indices look alike"),
    ],
)
def test_limits_are_kept_and_said(
    limit: str, most: int, value: Expr, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, limit, most)
    assert decide_index(value, value, sizes=SIZES).answer == "equal"
    monkeypatch.setattr(module, limit, most - 1)
    reason = decide_index(value, value, sizes=SIZES).reason
    assert reason == f"{message}, and no point was found that separates the two sides"


def test_answers_say_why() -> None:
    shifted = decide_index(total(A[i + 1] - A[i], i), A[n + 1] - A[1], sizes=SIZES)
    assert shifted.reason == (
        "the terms of the two sides are not the same, and no point was found that separates the two sides"
    )
    different = decide_index(A[p] * total(B[i], i), A[q] * total(B[i], i), sizes=SIZES)
    assert different.reason == "balls separate the two sides at a point"
    assert different.point is not None and {p, q} < set(different.point.values)
    assert different.point.values[p] != different.point.values[q]
    assert any(isinstance(entry, sp.Indexed) for entry in different.point.values)


def test_equal_without_a_point_where_the_sides_have_no_value() -> None:
    decision = decide_index(sp.log(-1 - A[p] ** 2), sp.log(-1 - A[p] ** 2), sizes=SIZES)
    assert (decision.answer, decision.point) == ("equal", None)


def test_a_free_index_has_the_same_place_each_time() -> None:
    points = [decide_index(A[p], A[p] + 1, sizes={p: sp.Integer(10**9)}).point for _ in range(2)]
    assert str(points[0]) == str(points[1])
