"""Computed positions, maxima and ranges: what they mean, their text, and what is refused."""

from __future__ import annotations

import ast
import operator
import time
from collections.abc import Mapping
from contextlib import suppress

import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from symbolic.errors import FormulaError
from symbolic.grammar.formula import MAX_LENGTH, parse_equation, parse_scalar, to_text
from symbolic.grammar.indices import Largest, Place, Quotient, Remainder, option, size_of
from symbolic.notation import equation
from symbolic.plain import PlainSum

i, j, k = (sp.Symbol(name, integer=True) for name in "ijk")
s = option("s")
X, ids = sp.IndexedBase("X", real=True), sp.IndexedBase("ids", real=True)
SECONDS = 0.5  # five times what is promised, for machines that are slow or busy


def read(text: str) -> sp.Expr:
    return parse_equation(text, options=("s", "p")).value


TEXTS = {
    "Y[i] = X[s*i - 2]": X[s * i - 2],
    "Y[i] = X[(i + 1)*s//2]": X[Quotient((i + 1) * s, 2)],
    "Y[i] = X[i % 3]": X[Remainder(i, 3)],
    "Y[i] = X[(i + 3*s) % 3]": X[Remainder(i, 3)],
    "Y[i] = X[ids[i + 1]]": X[ids[i + 1]],
    "Y[i] = Sum(X[i + k], k: 3)": PlainSum(X[i + k], (k, 1, 3)),
    "Y[i] = Sum(X[i]*X[k], k: N_i)": PlainSum(X[i] * X[k], (k, 1, size_of(i))),
    "Y[i] = Max(X[i + k], k: 3)": Largest(X[i + k], (k, 1, 3)),
    "Y[i] = ArgMax(X[s*i + k], k)": Place(X[s * i + k], (k, 1, size_of(k))),
    "Y[s*j + 1] = X[j]*j/N_j": X[j] * j / size_of(j),
    "Y[ids[j],j] = X[j]": X[j],
}


@pytest.mark.parametrize("text", TEXTS)
def test_equation_means_what_it_says(text: str) -> None:
    assert read(text) == TEXTS[text]


@pytest.mark.parametrize("text", TEXTS)
def test_text_of_an_equation_gives_it_back(text: str) -> None:
    parsed = parse_equation(text, options=("s", "p"))
    again = parse_equation(f"{to_text(parsed.target)} = {to_text(parsed.value)}", options=("s", "p"))
    assert (again.target, again.value) == (parsed.target, parsed.value)


WHOLE = st.recursive(
    st.sampled_from(["i", "0", "1", "2", "3", "s"]),
    lambda inner: (
        st.builds("({}{}{})".format, inner, st.sampled_from("+-*"), inner)
        | st.builds("({}{}{})".format, inner, st.sampled_from(["//", "%"]), st.sampled_from("123"))
    ),
    max_leaves=6,
)


OPERATIONS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}


def python_value(node: ast.expr, names: Mapping[str, int]) -> int:
    """Python's reading of a position."""
    match node:
        case ast.Constant():
            return int(node.value)
        case ast.Name():
            return names[node.id]
        case ast.BinOp():
            one, other = (python_value(side, names) for side in (node.left, node.right))
            return int(OPERATIONS[type(node.op)](one, other))
    raise AssertionError(ast.dump(node))


@given(WHOLE, st.integers(-5, 9))
def test_positions_are_computed_as_python_does(text: str, at: int) -> None:
    place = parse_equation(f"Y[i] = X[{text}]", options=("s",)).value.indices[0]
    found = place.xreplace({i: sp.Integer(at), s: sp.Integer(3)})
    assert found == python_value(ast.parse(text, mode="eval").body, {"i": at, "s": 3})


@pytest.mark.parametrize(
    ("text", "position", "problem"),
    [
        ("Y[i] = X[i + j]", 13, "the index 'j' is neither on the left nor summed here"),
        ("Y[i] = X[ids[j]]", 13, "the index 'j' is neither on the left nor summed here"),
        ("Y[i] = Max(X[i], j) + X[j]", 24, "the index 'j' is neither on the left nor summed here"),
        ("Y[i,i] = X[i]", 4, "the index 'i' is bound twice"),
        ("Y[s] = 1", 2, "'s' is a whole number that is given; an index is wanted"),
        ("Y[i] = Sum(X[i], s)", 17, "'s' is a whole number that is given; an index is wanted"),
        ("Y[i] = s[i]", 7, "'s' is a scalar and has no indices"),
        ("Y[i] = Max(X[i + j + k], j, k)", 7, "Max takes one index; write Max(Max(..., k), j)"),
        ("Y[i] = ArgMax(X[j,k], j, k)", 7, "ArgMax takes one index; write ArgMax(ArgMax(..., k), j)"),
        ("Y[i] = X[i//0]", 10, "division by zero"),
        ("Y[i] = X[i % (1 - 1)]", 11, "division by zero"),
        ("Y[i] = Sum(X[i], k: j)", 20, "the index 'j' is neither on the left nor summed here"),
        ("Y[i] = Sum(X[i], k: 1.5)", 20, "found '1.5', expected a number or a name"),
        ("Y[i] = Sum(X[i], k:)", 19, "found ')', expected a number or a name"),
        ("Y[i] = Max(X[i])", 15, "found ')', expected ','"),
        ("Y[i//0] = X[i]", 3, "division by zero"),
        ("Y[i] = X[" + "i*" * 17 + "i]", 40, "this position is too involved"),
        ("Y[i] = X[" + "(i+s+2)*" * 6 + "i]", 48, "this position is too involved"),
        ("Y[i] = X[i" + "//2" * 18 + "]", 61, "this position is too involved"),
    ],
)
def test_refusal_points_at_the_character(text: str, position: int, problem: str) -> None:
    with pytest.raises(FormulaError) as caught:
        read(text)
    assert (caught.value.problem, caught.value.position) == (problem, position)


@pytest.mark.parametrize("head", ["Max", "ArgMax"])
def test_maximum_over_an_index_is_no_scalar_formula(head: str) -> None:
    with pytest.raises(FormulaError) as caught:
        parse_scalar(f"1 + {head}(z, i)", names=("z",))
    problem = f"{head} stands in equations between arrays, not in a formula"
    assert (caught.value.problem, caught.value.position) == (problem, 4)


HOSTILE = {
    "long sum": "Y[i] = " + "+".join(["X[i + 1]"] * 1100),
    "long position": "Y[i] = X[" + "+".join(["i"] * 4900) + "]",
    "long product": "Y[i] = X[" + "*".join(["i"] * 4900) + "]",
    "large number": "Y[i] = X[" + "*".join(["9" * 300] * 33) + "*i]",
    "quotients": "Y[i] = X[" + "i" + "//2" * 3000 + "]",
    "remainders": "Y[i] = X[" + "i" + "%7" * 4000 + "]",
    "differences of quotients": "Y[i] = X[" + "+".join(f"(i+{n})//{n}" for n in range(1, 900)) + "]",
    "products of sums": "Y[i] = X[" + "*".join(["(i+s+1)"] * 1000) + "//s]",
    "nested entries": "Y[i] = " + "X[" * 60 + "i" + "]" * 60,
    "too deep": "Y[i] = " + "X[" * 3000,
    "brackets": "Y[i] = X[" + "(" * 3000,
    "many axes": "Y[i] = X[" + ",".join(["i"] * 4900) + "]",
    "many ranges": "Y[i] = Sum(X[i], " + ", ".join(f"k{n}" for n in range(1300)) + ")",
    "maxima": "Y[i] = " + "Max(" * 60 + "X[i]" + "".join(f", k{n})" for n in range(60)),
    "targets": "Y[" + ",".join(f"i{n}" for n in range(1500)) + "] = 1",
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_equation_is_read_or_refused_in_time(name: str) -> None:
    equation("Y[i] = X[i + 1]")  # builds the parser
    seconds = []
    for _ in range(2):
        equation.cache_clear()
        start = time.process_time()
        with suppress(FormulaError):
            equation(HOSTILE[name][:MAX_LENGTH], options=("s",))
        seconds.append(time.process_time() - start)
    assert min(seconds) < SECONDS
