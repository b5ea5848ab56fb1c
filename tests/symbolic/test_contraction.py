"""Contraction against the sum as it stands, deltas and all, over every index by brute force."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from symbolic.contraction import contract
from symbolic.notation import all_indices, bound_indices, size_of
from tests.symbolic.helpers import Point, Rationals, value

Expr = sp.Expr
SIZES = {"row": 2, "column": 3}
FREE = {"p": "row", "q": "column"}
SUMMED = {"i": "row", "j": "column"}
WITHIN = {"r": "row", "s": "row", "c": "column", "d": "column"}
KINDS = FREE | SUMMED | WITHIN


def index(name: str) -> sp.Symbol:
    return sp.Symbol(name, integer=True)


def entry(*names: str) -> Expr:
    """An entry of the array for these kinds of axes, such as `row_column[i, q]`."""
    return sp.IndexedBase("_".join(KINDS[name] for name in names), real=True)[tuple(map(index, names))]


def delta(first: str, second: str) -> Expr:
    return sp.KroneckerDelta(index(first), index(second))


def total(body: Expr, *names: str) -> Expr:
    return sp.Sum(body, *((index(name), 1, size_of(index(name))) for name in names))


@st.composite
def terms(draw: st.DrawFn, scope: tuple[str, ...], depth: int) -> Expr:
    """A product of entries, deltas and at most one sum over an index or of two terms, as a derivative is."""
    pairs = [
        (a, b) for a in scope for b in scope if KINDS[a] == KINDS[b] and a != b and not {a, b} <= set(FREE)
    ]
    deltas = draw(st.lists(st.sampled_from(pairs), max_size=2))
    places = draw(st.lists(st.lists(st.sampled_from(scope), min_size=1, max_size=2), max_size=2))
    whole = sp.Mul(
        draw(st.sampled_from([-1, 1, 2])), *(delta(*pair) for pair in deltas), *(entry(*p) for p in places)
    )
    compound = draw(st.sampled_from(["none", "over an index", "of two"] if depth else ["none"]))
    if compound == "over an index":
        name = draw(st.sampled_from([name for name in WITHIN if name not in scope]))
        whole *= total(entry(name) * draw(terms((*scope, name), depth - 1)), name)
    if compound == "of two":
        whole *= draw(terms(scope, depth - 1)) + draw(terms(scope, depth - 1))
    return whole


@st.composite
def arrays(draw: st.DrawFn) -> dict[str, np.ndarray]:
    """Integers for the arrays of each kind; the brute force sums them, the contraction never sees them."""
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    kinds = [(a,) for a in SIZES] + [(a, b) for a in SIZES for b in SIZES]
    draws = {kind: random.integers(-9, 10, [SIZES[axis] for axis in kind]) for kind in kinds}
    return {"_".join(kind): np.vectorize(Fraction, otypes=[object])(drawn) for kind, drawn in draws.items()}


def agree(summed: Expr, contracted: Expr, given_arrays: dict[str, np.ndarray]) -> bool:
    """Whether two values are equal at every place of the free indices."""
    point = Point(Rationals(), given_arrays)
    return all(
        value(summed, point, at) == value(contracted, point, at)
        for p in range(1, SIZES["row"] + 1)
        for q in range(1, SIZES["column"] + 1)
        for at in [{index("p"): p, index("q"): q}]
    )


@given(terms((*FREE, *SUMMED), 3), arrays())
def test_contracted_sum_is_the_sum_of_every_term(drawn: Expr, numbers: dict[str, np.ndarray]) -> None:
    body = entry("i", "j") * drawn  # so that the sum's indices run along an array
    found = contract(body, map(index, SUMMED), all_indices(body) | set(map(index, KINDS)))
    assert not found.has(sp.KroneckerDelta)
    assert agree(total(body, "i", "j"), found, numbers)


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        (delta("i", "p") * entry("i"), entry("i").xreplace({index("i"): index("p")}) * 2),
        (delta("i", "p") * entry("i", "q"), total(entry("i", "q"), "i")),
        (delta("i", "p") * entry("i", "i"), entry("p")),
        (total(delta("r", "p") * entry("r", "q"), "r") * entry("i"), entry("p", "q")),
    ],
)
def test_brute_force_rejects_a_wrong_contraction(body: Expr, wrong: Expr) -> None:
    random = np.random.default_rng(0)
    names = {str(e.base.label): e for part in (body, wrong) for e in part.atoms(sp.Indexed)}
    numbers = {
        name: np.vectorize(Fraction, otypes=[object])(
            random.integers(1, 10, [SIZES[KINDS[str(axis)]] for axis in found.indices])
        )
        for name, found in names.items()
    }
    right = contract(body, [index("i")], all_indices(body) | {index("p"), index("q")})
    assert agree(total(body, "i"), right, numbers)
    assert not agree(total(body, "i"), wrong, numbers)


def test_delta_under_a_sum_whose_index_bears_the_name_of_a_free_one() -> None:
    body = entry("p") * total(delta("p", "i") * entry("p", "j"), "p")  # the p of the sum is not the p outside
    found = contract(body, [index("i")], all_indices(body))
    right = entry("p") * total(entry("r", "j"), "r")
    numbers = {"row": np.array([2, 3], object), "row_column": np.arange(6).reshape(2, 3).astype(object)}
    point = Point(Rationals(), numbers)
    for at in ({index("p"): p, index("j"): j} for p in (1, 2) for j in (1, 2, 3)):
        assert value(found, point, at) == value(right, point, at)


@pytest.mark.parametrize("body", [delta("p", "r"), total(delta("p", "r") * entry("i", "c"), "c")])
def test_delta_between_free_indices_is_refused(body: Expr) -> None:
    with pytest.raises(ValueError, match=r"^KroneckerDelta\(p, r\) ties two free indices$"):
        contract(body * entry("i"), [index("i")], all_indices(body) | {index("i")})


def test_delta_inside_a_function_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^a Kronecker delta inside exp cannot be contracted: exp\(.*\)$"):
        contract(sp.exp(delta("i", "p")) * entry("i"), [index("i")], {index("i"), index("p")})


def test_factors_that_do_not_depend_on_an_index_stand_outside_its_sum() -> None:
    found = contract(
        entry("p") * entry("i") * entry("i", "j"), [index("i"), index("j")], set(map(index, KINDS))
    )
    assert found == entry("p") * total(entry("i") * total(entry("i", "j"), "j"), "i")


def test_value_without_a_delta_and_without_indices_to_sum_is_left_alone() -> None:
    assert contract(entry("p", "q"), [], {index("p"), index("q")}) == entry("p", "q")


def test_free_index_with_the_name_of_a_bound_one_is_not_captured():
    body = delta("i", "r") * entry("i") * total(entry("r", "i"), "r")
    found = contract(body, [index("i")], all_indices(body))
    assert index("r") not in bound_indices(found)
