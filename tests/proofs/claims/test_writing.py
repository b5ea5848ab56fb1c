"""What is written of a formula is read as the same formula."""

import pytest
import sympy as sp
from hypothesis import given as drawn
from hypothesis import strategies as st

from proofs.claims.formula import (
    Binary,
    Call,
    Negative,
    Number,
    Partial,
    Place,
    Power,
    Reference,
    Total,
    Transpose,
)
from proofs.claims.latex import readings
from proofs.claims.parsing import parse_formula
from proofs.claims.writing import latex, text
from tests.proofs.claims.test_judging import CHAIN

places = st.builds(Place, st.sampled_from(["i", "j", "l", "L"]), st.integers(-2, 2)) | st.builds(
    Place, st.none(), st.integers(0, 9)
)
references = st.builds(
    Reference,
    st.sampled_from(["W", "x", "delta", "C"]),
    st.lists(st.lists(places, min_size=1, max_size=2).map(tuple), max_size=2).map(tuple),
)
known = st.sampled_from(
    ["W[l]", "W[l+1][i,j]", "W[L]", "x", "x[i]", "x[2]", "x[i+1]", "delta[l][j]", "C"]
).map(parse_formula)
numbers = st.builds(Number, st.integers(0, 99).map(sp.Integer))


def larger(inner, references=references, exponents=None):
    layers = st.none() | places
    bounds = st.tuples(places, places) | st.just((None, None))
    return st.one_of(
        st.builds(Binary, st.sampled_from(list("+-*/@")), inner, inner),
        st.builds(Negative, inner),
        st.builds(Power, inner, inner if exponents is None else exponents),
        st.builds(Transpose, inner),
        st.builds(lambda body, ends: Total(body, "i", *ends), inner, bounds),
        st.builds(Partial, inner, references),
        st.builds(lambda body, layer: Call("sigma'", (body,), layer), inner, layers),
        st.builds(lambda one, other: Call("outer", (one, other)), inner, inner),
    )


formulas = st.recursive(numbers | references, larger, max_leaves=12)


@drawn(formulas)
def test_text_is_read_as_the_formula_it_was_written_from(formula):
    assert parse_formula(text(formula)) == formula


@drawn(st.recursive(numbers | known, lambda inner: larger(inner, known, numbers), max_leaves=6))
def test_latex_of_any_formula_can_be_read(formula):
    assert readings(f"0 = {latex(formula, CHAIN)}", CHAIN)


@pytest.mark.parametrize(
    ("formula", "expected"),
    {
        "W[l+1].T @ delta[l+1]": r"W^{[l+1]T} \delta^{[l+1]}",
        "a[l][j]*delta[l][k]": r"a^{[l]}_{j} \delta^{[l]}_{k}",
        "2*3*C": r"2 \cdot 3 C",
        "a[l] * sigma'(z[l])": r"a^{[l]} \odot \sigma'(z^{[l]})",
        "C*a[l]": "C a^{[l]}",
        "(a[l] - y).T": r"\left(a^{[l]} - y\right)^{T}",
        "W[l][i,j]**2": r"\left(W^{[l]}_{ij}\right)^{2}",
        "Sum(x[i], i=1..n[l-1])*C": r"\left(\sum_{i=1}^{n^{[l-1]}} x_{i}\right) C",
    }.items(),
)
def test_products_of_numbers_stand_side_by_side_and_of_arrays_are_marked(formula, expected):
    assert latex(parse_formula(formula), CHAIN) == expected
