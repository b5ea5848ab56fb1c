"""claim.toml: contexts and conventions, and one sentence for each mistake in it."""

import pytest

from proofs.claims.given_toml import conventions_from
from proofs.claims.judging import judge
from proofs.claims.parsing import parse_claims
from symbolic.errors import InvalidNetwork

SQUARES = """
depth = 2
constants = ["eta"]
definitions = ["a[0] = x", "a[l] = g(W[l] @ a[l-1]) for l in 1..L", "E = Sum((a[L][i] - t[i])**2, i)/2"]
[sizes]
n = "each layer"
[arrays]
x = "n[0]"
t = "n[L]"
W = "n[l], n[l-1] for l in 1..L"
a = "n[l] for l in 0..L"
E = ""
[functions]
g = ""
"""
CONVENTIONS = """
[conventions.half]
[conventions.whole]
definitions = ["E = Sum((a[L][i] - t[i])**2, i)"]
[conventions.transposed]
arrays = {W = "n[l-1], n[l] for l in 1..L"}
definitions = ["a[l] = g(W[l].T @ a[l-1]) for l in 1..L"]
"""
REFUSED = {
    "x": "the TOML text is no TOML",
    "x = 1": "there is no key 'x'; choose from sizes, widths, arrays",
    "depth = 9": "depth is a whole number from 1 to 5, not 9",
    "depth = true": "depth is a whole number",
    "sizes = 3": "sizes is a table, not 3",
    "definitions = 'E = 1'": "definitions is a list of texts",
    "[sizes]\nn = 12": "size n is 'each layer', 'one' or a whole number from 1 to 9, not 12",
    "[sizes]\nn = true": "size n is 'each layer', 'one' or a whole number from 1 to 9, not True",
    "[sizes]\nn = ['one']": "a whole number from 1 to 9, not ['one']",
    "[sizes]\nn = 'some'": "size n is 'each layer', 'one' or a whole number from 1 to 9, not 'some'",
    "[arrays]\nx = 3": "arrays.x is a text, not 3",
    "[arrays]\nx = 'n'": "an axis of array x is no size; there are none",
    "[arrays]\nx = 'n['": "not expected here",
    "[arrays]\nD = ''": "'D' is no name",
    "[sizes]\nn = 'one'\n[arrays]\nx = 'n, n, n'": "array x has 3 axes",
    "[sizes]\nn = 'one'\n[arrays]\nx = 'n) + (n'": "an axis is a size",
    "[sizes]\nn = 'one'\n[arrays]\nx = 'n for k in 1..L'": "layers are given as 'for l in 1..L'",
    "definitions = ['q = 1']": "defines q, which is not among the arrays",
    "definitions = ['Sum(x, i) = 1']": "a definition has a name on its left side",
    "definitions = ['a = 1']\n[arrays]\na = ' for l in 1..L'": "does not say of which layer; write a[l]",
    "[functions]\nf = 'import os'": "found",
    "[conventions]\na = 1": "convention 'a' is a table of arrays, functions, definitions",
    "[conventions.a]\ndepth = 2": "convention 'a': there is no key 'depth'",
}


@pytest.mark.parametrize("text", REFUSED)
def test_every_mistake_is_one_sentence_that_names_the_source(text):
    with pytest.raises(InvalidNetwork) as refused:
        conventions_from(text)
    assert str(refused.value).startswith("the TOML text")
    assert REFUSED[text] in str(refused.value)


def test_without_conventions_there_is_one_context_as_given():
    assert list(conventions_from(SQUARES)) == ["as given"]


def test_a_convention_replaces_what_it_defines_and_keeps_the_rest():
    found = conventions_from(SQUARES + CONVENTIONS)
    answers = {
        name: judge(parse_claims("D(E, a[L]) = a[L] - t")[0], given).answer for name, given in found.items()
    }
    assert answers == {"half": "true", "whole": "false", "transposed": "true"}
    assert str(found["transposed"].arrays["W"].axes[0].groups[0][0]) == "l-1"
    assert found["half"].constants == ("eta",)


def test_a_size_may_be_a_number():
    text = "[sizes]\nn = 3\nm = 'one'\n[arrays]\nx = 'n'\ny = 'm'"
    context = conventions_from(text)["as given"]
    assert context.fixed == {"n": 3}
    found = {
        claim: judge(parse_claims(claim)[0], context)
        for claim in ("n = 3", "x = vector(x[1], x[2], x[3])", "y = vector(y[1], y[2])")
    }
    assert [each.answer for each in found.values()] == ["true", "true", "ill-formed"]
    assert found["n = 3"].scope == "m = 2, n = 3"
