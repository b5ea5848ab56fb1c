"""Contraction against the sum as it stands, deltas and all, over every index by brute force."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import Any, Final

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from symbolic.contraction import Loops, Term, contract
from symbolic.expressions import all_indices, bound_indices
from symbolic.grammar.indices import Holds, Quotient, Remainder, option
from symbolic.notation import size_of
from symbolic.plain import PlainSum
from tests.symbolic.helpers import Point, Rationals, scattered, value

Expr = sp.Expr


def index(name: str) -> sp.Symbol:
    return sp.Symbol(name, integer=True)


i, j, r, d, u, v = map(index, "ijrduv")
STRIDE, DILATION, PADDING = (option(name) for name in ("stride", "dilation", "padding"))
WIDTH = size_of(index("w"))  # of a mixed radix
SIZES: Final = {"i": 3, "j": 4, "r": 3, "d": 2, "u": 3, "v": 4, "w": 2}
WHOLE: Final = {"stride": 2, "dilation": 3, "padding": 2} | {f"N_{name}": n for name, n in SIZES.items()}
AXES = (u, v)
LOOPS: Loops = ((i, size_of(i)), (j, size_of(j)))
EVERY: Final = {i, j, r, d, u, v, index("w")}
NARROW, WIDE = sp.IndexedBase("narrow", real=True), sp.IndexedBase("wide", real=True)  # 3 and 4 places
TABLE, CHOICE = sp.IndexedBase("table", real=True), sp.IndexedBase("choice", real=True)


def delta(a: Expr, b: Expr) -> Expr:
    return sp.KroneckerDelta(a, b)


def total(body: Expr, *names: sp.Symbol) -> Expr:
    return PlainSum(body, *((name, 1, size_of(name)) for name in names))


def affine(one: sp.Symbol, other: sp.Symbol) -> list[Expr]:
    """Positions computed from two indices."""
    return [
        *(one + 1, one - 2, 2 * one, 3 * one - 2, 4 - one, 5 - 2 * one, one + other - 1, one - other + 2),
        *(2 * one + 3 * other - 4, STRIDE * one + DILATION * other - PADDING - 1, STRIDE * one - PADDING),
        *((one - 1) * WIDTH + other, WIDTH * one - other, one * other, sp.Integer(2), sp.Integer(0)),
        *(Quotient(one, 2), Remainder(one + other, 3) + 1, Quotient(2 * one + other - 1, STRIDE)),
        *(Remainder(one - 2 * other, -3) + 3, CHOICE[one], CHOICE[one + 1] - other, 2 * CHOICE[2]),
    ]


def tied(axis: sp.Symbol, scope: Sequence[sp.Symbol]) -> st.SearchStrategy[Expr]:
    """What a delta ties a free index to: an index that runs along the same axis, or a computed position."""
    plain = [name for name in scope if SIZES[name.name] == SIZES[axis.name] and name not in AXES]
    pairs = [(one, other) for one, other in product(scope, repeat=2) if one != other]
    computed = [place for pair in pairs for place in affine(*pair)]
    return st.sampled_from(plain) | st.sampled_from(computed) if plain else st.sampled_from(computed)


def entries(scope: Sequence[sp.Symbol]) -> st.SearchStrategy[Expr]:
    """Entries along their own axes, or at computed positions, which may lie outside; sums whose index bears
    the name of a free one.
    """
    along = [NARROW[n] if SIZES[n.name] == 3 else WIDE[n] for n in scope if SIZES[n.name] in (3, 4)]
    along += [TABLE[a, b] for a, b in product(scope, repeat=2) if (SIZES[a.name], SIZES[b.name]) == (3, 4)]
    beside = [
        entry
        for a in scope
        for entry in (
            WIDE[2 * a - 1],
            1 / (2 * NARROW[a + 1] + 1),
            total(NARROW[u] * WIDE[u + a], u),
            total(TABLE[a, v] - total(WIDE[u + v - a], u), v),
        )
    ]
    return st.sampled_from(along + beside)


@st.composite
def conditions(draw: st.DrawFn, scope: Sequence[sp.Symbol]) -> Any:
    one, other = draw(st.sampled_from(scope)), draw(st.sampled_from(scope))
    choices = [sp.Ge(one, 2), sp.Lt(one, other), sp.Eq(one, 3 - other), sp.Gt(NARROW[one + 1], 0)]
    return draw(st.sampled_from([case for case in choices if case not in (sp.true, sp.false)]))


@st.composite
def slopes(draw: st.DrawFn, scope: Sequence[sp.Symbol], depth: int) -> Expr:
    """What differentiating gives: each product ties every axis once, under sums and in cases."""
    factors = draw(st.lists(entries(scope), max_size=2))
    kind = draw(st.sampled_from(["deltas", "sum", "terms", "cases"] if depth else ["deltas"]))
    if kind == "deltas":
        body = sp.Mul(*(delta(axis, draw(tied(axis, scope))) for axis in AXES))
    elif kind == "sum":
        # a sum may bear the name of a free index, which then means another inside
        name = draw(st.sampled_from([n for n in (r, d) if n not in scope] or [i]))
        if name is i:
            return draw(slopes(scope, 0))
        body = total(draw(entries((name,))) * draw(slopes((*scope, name), depth - 1)), name)
    elif kind == "terms":
        body = draw(slopes(scope, depth - 1)) + draw(slopes(scope, depth - 1))
    else:
        cases = [(draw(slopes(scope, depth - 1)), draw(conditions(scope))) for _ in range(2)]
        body = sp.Piecewise(*cases, (draw(slopes(scope, 0)) * draw(st.sampled_from([0, 1])), True))
    return sp.Mul(draw(st.sampled_from([-1, 1, 2])), body, *factors)


def numbers(seed: int) -> dict[str, np.ndarray]:
    """Integers for the arrays; `choice` holds places, some of them outside."""
    random = np.random.default_rng(seed)
    found = {
        name: random.integers(-9, 10, shape)
        for name, shape in {"narrow": 3, "wide": 4, "table": (3, 4)}.items()
    }
    found["choice"] = random.integers(-1, 6, 3)
    return {
        name: np.vectorize(lambda n: Rationals().constant(sp.Integer(int(n))), otypes=[object])(array)
        for name, array in found.items()
    }


def point(arrays: Mapping[str, np.ndarray]) -> Point:
    return Point(Rationals(), arrays, WHOLE)


def shape_of(axes: Sequence[sp.Symbol]) -> tuple[int, ...]:
    return tuple(SIZES[axis.name] for axis in axes)


def by_brute_force(body: Expr, loops: Loops, axes: Sequence[sp.Symbol], at: Point) -> np.ndarray:
    """Σ over the loops, deltas and all, at every place of the free indices."""
    found = np.empty(shape_of(axes), object)
    for place in np.ndindex(*found.shape):
        here = {axis: n + 1 for axis, n in zip(axes, place, strict=True)}
        ranges = [range(1, WHOLE[str(end)] + 1) for _, end in loops]
        ats = [here | dict(zip((name for name, _ in loops), n, strict=True)) for n in product(*ranges)]
        found[place] = sum(value(body, at, each) for each in ats)
    return found


def contracted(terms: Iterable[Term], axes: Sequence[sp.Symbol], at: Point) -> np.ndarray:
    """What the terms add up to: gathered ones are read at every place, scatters are scattered."""
    found = np.full(shape_of(axes), 0, object)
    for term in terms:
        loops = term.loops or tuple((axis, size_of(axis)) for axis in axes)
        found = found + scattered(term.places, term.value, loops, at, found.shape)
    return found


def agree(
    body: Expr,
    terms: Iterable[Term],
    arrays: Mapping[str, np.ndarray],
    *,
    loops: Loops = LOOPS,
    axes: Sequence[sp.Symbol] = AXES,
) -> bool:
    at = point(arrays)
    return bool((by_brute_force(body, loops, axes, at) == contracted(terms, axes, at)).all())


@settings(max_examples=30)
@given(slopes((i, j), 2), st.integers(0, 2**32))
def test_contracted_sum_is_the_sum_of_every_term(body: Expr, seed: int) -> None:
    terms = contract(body, AXES, LOOPS, set(EVERY))
    assert not any(term.value.has(sp.KroneckerDelta) for term in terms)
    assert sum(not term.loops for term in terms) <= 1
    assert agree(body, terms, numbers(seed))


BODIES: Final = {
    "stride, dilation and padding": delta(u, STRIDE * i + DILATION * j - PADDING) * delta(v, j) * NARROW[i],
    "negative coefficient": delta(u, 5 - 2 * i) * delta(v, 5 - j) * TABLE[i, j],
    "diagonal": delta(u, i) * delta(v, i) * NARROW[i],
    "diagonal of a computed position": delta(u, 2 * i + j - 3) * delta(v, j - i) * TABLE[i, j],
    "constants": delta(u, 2) * delta(v, 0) * NARROW[i] + delta(u, 1) * delta(v, j),
    "captured name": delta(u, i) * delta(v, j) * total(TABLE[u, j] * WIDE[u + i], u),
    "mixed radix": delta(u, (i - 1) * WIDTH + j) * delta(v, j) * NARROW[i],
    "data": delta(u, CHOICE[i]) * delta(v, CHOICE[i] + j) * WIDE[j],
    "quotient": delta(u, Quotient(j - 1, STRIDE) + 1) * delta(v, j) * TABLE[i, j],
    "remainder": delta(u, i) * delta(v, Remainder(i + 2 * j, 3)) * TABLE[i, j],
    "denominator": delta(u, 2 * i - 1) * delta(v, j) / (NARROW[i] + sp.Rational(1, 2)),
    "sums": delta(u, i) * total(NARROW[r] * total(delta(v, r + j - 2), d), r),
    "cases": sp.Piecewise((delta(u, i) * delta(v, j), i < j), (-delta(u, 1) * delta(v, 2 * j), True)),
    "gathered and scattered": delta(u, i) * delta(v, j) * (1 + NARROW[i]) + delta(u, CHOICE[i]) * delta(v, 1),
}  # fmt: skip
SCATTERED: Final = {"mixed radix", "data", "quotient", "remainder", "gathered and scattered"}


@pytest.mark.parametrize("name", BODIES)
def test_each_kind_of_position_is_contracted(name: str) -> None:
    terms = contract(BODIES[name], AXES, LOOPS, set(EVERY))
    assert agree(BODIES[name], terms, numbers(1))
    assert any(term.loops for term in terms) == (name in SCATTERED)


def gathered(text_value: Expr) -> list[Term]:
    return [Term(AXES, text_value)]


AT: Final = Quotient(u + 1, 2)  # where 2i - 1 = u
CANARIES: Final = {
    "no divisibility": ("denominator", gathered(1 / (NARROW[AT] + sp.Rational(1, 2)))),
    "no interval": (
        "denominator", gathered(Holds(sp.Eq(Remainder(u, 2), 1)) / (NARROW[AT + 1] + sp.Rational(1, 2)))
    ),
    "off by one": (
        "negative coefficient",
        gathered(Holds(sp.Eq(Remainder(u, 2), 1)) * TABLE[Quotient(4 - u, 2), 5 - v]),
    ),
    "captured": ("captured name", gathered(total(TABLE[u, v] * WIDE[2 * u], u))),
    "one delta forgotten": ("diagonal", gathered(4 * NARROW[u])),
    "not added up": ("remainder", [Term((i, Remainder(i + 2, 3)), TABLE[i, 1], LOOPS[:1])]),
}  # fmt: skip


@pytest.mark.parametrize("name", CANARIES)
def test_brute_force_rejects_a_wrong_contraction(name: str) -> None:
    body, wrong = CANARIES[name]
    assert agree(BODIES[body], contract(BODIES[body], AXES, LOOPS, set(EVERY)), numbers(1))
    assert not agree(BODIES[body], wrong, numbers(1))


def test_every_solved_index_leaves_its_sum() -> None:
    (term,) = contract(delta(u, i) * delta(v, j) * TABLE[i, j], AXES, LOOPS, set(EVERY))
    assert (term.places, term.value, term.loops) == (AXES, TABLE[u, v], ())


def test_range_is_checked_only_where_no_array_ends_there() -> None:
    shifted = delta(u, i + 1) * delta(v, j)
    (read,) = contract(shifted * NARROW[i], AXES, LOOPS, set(EVERY))
    (alone,) = contract(shifted, AXES, LOOPS, set(EVERY))
    assert read.value == NARROW[u - 1]
    assert alone.value == Holds(sp.And(sp.Ge(u - 1, 1), sp.Le(u - 1, size_of(i))))


def test_indices_that_no_place_names_are_summed_within_a_scatter() -> None:
    (term,) = contract(delta(u, CHOICE[i]) * TABLE[i, j], [u], LOOPS, set(EVERY))
    assert (term.places, term.loops) == ((CHOICE[i],), (LOOPS[0],))
    assert term.value == total(TABLE[i, j], j)


def test_scatter_to_places_without_an_index_is_done_once() -> None:
    body = delta(u, CHOICE[2]) * NARROW[i]
    (term,) = contract(body, [u], LOOPS[:1], set(EVERY))
    assert [end for _, end in term.loops] == [1]
    assert agree(body, [term], numbers(1), loops=LOOPS[:1], axes=[u])


def test_delta_inside_a_function_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^a Kronecker delta inside exp cannot be contracted: exp\(.*\)$"):
        contract(sp.exp(delta(u, i)), [u], LOOPS, set(EVERY))


def test_factors_that_do_not_depend_on_an_index_stand_outside_its_sum() -> None:
    (term,) = contract(WIDE[v] * NARROW[i] * TABLE[i, j], [], LOOPS, set(EVERY))
    assert term.value == WIDE[v] * total(NARROW[i] * total(TABLE[i, j], j), i)


def test_value_without_a_delta_and_without_indices_to_sum_is_left_alone() -> None:
    assert contract(TABLE[u, v], [], (), set(EVERY)) == [Term((), TABLE[u, v])]
    assert contract(sp.S.Zero, [], LOOPS, set(EVERY)) == []


def test_free_index_with_the_name_of_a_bound_one_is_not_captured() -> None:
    body = delta(u, i) * NARROW[i] * total(TABLE[u, j], u)
    (term,) = contract(body, [u], LOOPS, all_indices(body))
    assert u not in bound_indices(term.value)
