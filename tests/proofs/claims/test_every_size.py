"""True for every size: what is proved with symbolic sizes, and what is true for small sizes only."""

from dataclasses import replace

import pytest
import sympy as sp

from proofs.claims.every_size import for_every_size, index_sides
from proofs.claims.fields import NotUniform
from proofs.claims.given import given
from proofs.claims.judging import judge, world_of
from proofs.claims.parsing import parse_claims
from proofs.claims.sides import entries, layers
from proofs.claims.values import Missing
from proofs.kernel.index_form import index_form
from proofs.kernel.normal_form import decide
from symbolic.expressions import name_of, size_of
from symbolic.plain import PlainSum
from tests.proofs.claims.test_judging import CHAIN, COST, FALSE, TRUE

TWO = replace(CHAIN, depth=2)
PLAIN = given(
    sizes={"n": False, "m": False, "h": True},
    depth=2,
    arrays={
        "x": "n",
        "y": "n",
        "v": "m",
        "A": "n, n",
        "u": "h[l] for l in 1..L",
        "W": "h[l], h[l-1] for l in 1..L",
        "p": "n",
        "S": "",
    },
    functions={"s": "1/(1 + exp(-z))", "g": "", "kink": "max(z, 0)", "cost": "whole"},
    definitions=["S = Sum(exp(x[k]), k)", "p[i] = exp(x[i])/S"],
    widths={"h[0]": "n", "h[2]": "1"},
)
EVERY = [
    "Sum(x[i], i=1..n) = Sum(x[k], k)",
    "Sum(1, i=1..n) = n",
    "x[i] = x[i] for i in 1..n",
    "D(p[i], x[j]) = p[i]*(delta(i, j) - p[j])",
    "D(log(S), x[i]) = p[i]",
    "Sum(p[i], i) = 1",
    "s'(x[i]) = s(x[i])*(1 - s(x[i]))",
    "tanh(x) = (exp(x) - exp(-x))/(exp(x) + exp(-x))",
    "log(S**2) = 2*log(S)",
    "D(dot(x, A @ x), x) = (A + A.T) @ x",
    "D(A[j,k]*x[j], A[i,k]) = delta(j, i)*x[i]",
    "x.T @ A @ y = y.T @ A.T @ x",
    "diag(ones(n)) @ x = x",
    "D(W[2] @ g(W[1] @ x), W[1]) = outer(W[2].T * g'(W[1] @ x), x)",
    "W[2] @ u[1] = Sum(W[2][1,k]*u[1][k], k)",
    "Sum(dot(u[l], u[l]), l=1..L) = dot(u[1], u[1]) + dot(u[2], u[2])",
    "dot(x, y)/m = Sum(x[i]*y[i]/m, i)",
]
ANY_COST = [
    "D(C, W[1]) = outer(D(C, z[1]) * f'(W[1] @ x), x)",
    "D(C, z[1]) = D(cost(z[1], y), z[1])",
    "D(cost(z[1], z[1]), z[1]) = D(cost(z[1], y + 0*z[1]), z[1]) + D(cost(z[1], z[1]), z[1])"
    " - D(cost(z[1], y), z[1])",
    "cost(2*x) = cost(x + x)",
]
FOR_SMALL_SIZES = [  # true where they are tried, false elsewhere
    "Sum(x[i], i=1..2) = Sum(x[i], i)",
    "Sum(x[i], i=1..m) = Sum(x[i], i)",
    "x[i]*(x[i] - x[1])*(x[i] - x[2]) = 0",
    "u[n] = u[m]",
]
SHOWN_TO_BE_FALSE = {
    "m**2 = 5*m - 6": "m",  # true for 2 and 3
    "Sum(A[i,k]*A[k,j], k) - Sum(A[k,k], k)*A[i,j]"
    " + (Sum(A[k,k], k)**2 - Sum(Sum(A[q,k]*A[k,q], k), q))/2*delta(i, j) = 0": "n",  # Cayley and Hamilton
    "(1 - delta(i, j))*(1 - delta(j, k))*(1 - delta(k, i))*x[i]*x[j]*x[k] = 0": "n",  # two of three are equal
}
REFUSED = [
    "kink(dot(x, y)) = kink(dot(y, x))",
    "x[2] = x[2]",
    "u[n] = u[2]",
    "Sum(i, i=1..n) = n*(n+1)/2",
    "g(x[i]) = g(x[i]) for i in 1..2",
]


BY_ENTRY = given(sizes={"n": False}, arrays={"x": "n", "y": "n"}, definitions=["y[1] = x[2]", "y[i] = x[i]"])
NOT_UNIFORM = {
    "delta(i, j)*v[j]*x[i] = delta(j, i)*v[j]*x[i]": (PLAIN, "δ is of indices along two axes"),
    "delta(1, i)*x[i] = delta(i, 1)*x[i]": (PLAIN, "δ is of indices that are numbers"),
    "y = y": (BY_ENTRY, "defines some entries"),
    "x[i]*i = i*x[i]": (PLAIN, "i is used as a number"),
    "x[i]**m = x[i]**m": (PLAIN, "an exponent is no number"),
    "u[n] = u[2]": (PLAIN, "n is no layer for all sizes"),
    "vector(x[1], x[2]) = vector(x[1], x[2])": (PLAIN, "vector writes out some entries"),
    "x[2] = x[2]": (PLAIN, "2 is no index that runs from 1 to n"),
    "Sum(x[i], i=1..k)*x[k] = x[k]*Sum(x[i], i=1..k)": (PLAIN, "i does not run over a whole axis"),
    "g(x[i]) = g(x[i]) for i in 1..2": (PLAIN, "i does not run over a whole axis"),
    "kink(dot(x, y)) = kink(dot(y, x))": (PLAIN, "a kink has no rule"),
}


def found(text, context=PLAIN):
    (claim,) = parse_claims(text)
    judgement = judge(claim, context)
    return judgement, for_every_size(claim, context, judgement, seconds=60)


@pytest.mark.parametrize("text", TRUE)
def test_true_claims_about_a_chain_are_true_for_every_size(text):
    tried, every = found(text, TWO)
    assert tried.answer == every.answer == "true"
    assert every.every_size and not tried.every_size


@pytest.mark.parametrize("text", EVERY)
def test_what_does_not_depend_on_sizes_is_true_for_every_size(text):
    assert found(text)[1].every_size


@pytest.mark.parametrize("text", ANY_COST)
def test_what_holds_for_any_cost_is_true_for_every_size(text):
    assert found(text, COST)[1].every_size


@pytest.mark.parametrize(
    "text", ["D(C, z[1]) = -D(C, z[1])", "D(C, z[1]) = D(C, y)", "cost(W[1]) = cost(W[1].T)"]
)
def test_what_does_not_hold_for_any_cost_is_false(text):
    assert found(text, COST)[1].answer == "false"


def test_slopes_of_slopes_of_any_cost_are_left_to_the_sizes_tried():
    tried, every = found("D(D(C, z[1][i]), z[1][j]) = D(D(C, z[1][j]), z[1][i])", COST)
    assert tried.answer == "true" and every == tried


@pytest.mark.parametrize("text", FOR_SMALL_SIZES)
def test_what_is_true_for_small_sizes_is_never_true_for_every_size(text):
    tried, every = found(text)
    assert tried.answer == "true"
    assert every == tried and not every.every_size


@pytest.mark.parametrize("text", SHOWN_TO_BE_FALSE)
def test_what_is_false_at_sizes_that_were_not_tried_is_false(text):
    tried, every = found(text)
    assert (tried.answer, every.answer) == ("true", "false")
    label = SHOWN_TO_BE_FALSE[text]
    assert every.counterexample.sizes[label] != tried.sizes[0][label]


@pytest.mark.parametrize("text", REFUSED)
def test_what_has_no_form_for_symbolic_sizes_stays_as_it_was(text):
    tried, every = found(text)
    assert tried.answer == "true"
    assert every == tried


@pytest.mark.parametrize("text", NOT_UNIFORM)
def test_why_a_formula_is_not_the_same_for_all_sizes(text):
    context, reason = NOT_UNIFORM[text]
    (claim,), world = parse_claims(text), world_of(context)
    with pytest.raises(NotUniform, match=reason):
        index_sides(claim, world, next(iter(layers(claim, world))))


@pytest.mark.parametrize("text", FALSE)
def test_a_false_claim_stays_false(text):
    tried, every = found(text, TWO)
    assert tried.answer == "false"
    assert every is tried


def test_time_up_leaves_the_answer():
    (claim,) = parse_claims(TRUE[1])
    tried = judge(claim, TWO)
    assert for_every_size(claim, TWO, tried, seconds=0) is tried


def test_a_quotient_of_exponentials_is_not_its_inverse():
    x = sp.Symbol("x", real=True)
    quotient = sp.exp(-x) / (sp.exp(x) + sp.exp(-x))
    assert decide(index_form(quotient, {}), quotient).answer == "equal"


@pytest.mark.parametrize(
    ("text", "context"), [*((text, TWO) for text in [*TRUE, *FALSE]), *((text, PLAIN) for text in EVERY)]
)
def test_symbolic_sizes_in_numbers_are_the_sides_of_a_world(text, context):
    (claim,) = parse_claims(text)
    world = world_of(context)
    ordered = list(entries(claim, world))
    for layer_env in layers(claim, world):
        try:
            sides = index_sides(claim, world, layer_env)
        except Missing:
            continue
        own = [each for each in ordered if layer_env.items() <= each[0].items()]
        assert own
        for env, place, left, right in own:
            at = {index: env[name] for name, index in sides.names.items()}
            at |= zip(sides.place, place, strict=True)
            sizes = {size_of(sp.Symbol(label)): number for label, number in world.sizes.items()}
            for index, plain in ((sides.left, left), (sides.right, right)):
                assert decide(_in_numbers(index, at, sizes), plain).answer == "equal"


def test_the_sides_of_a_false_claim_differ_in_numbers():
    (claim,) = parse_claims(FALSE[1])
    world = world_of(TWO)
    sides = index_sides(claim, world, {})
    _, place, _, right = next(entries(claim, world))
    sizes = {size_of(sp.Symbol(label)): number for label, number in world.sizes.items()}
    left = _in_numbers(sides.left, dict(zip(sides.place, place, strict=True)), sizes)
    assert decide(left, right).answer == "different"


def _in_numbers(value, at, sizes):
    """A value in index notation with its sums written out, each entry the symbol that it is in a world."""
    match value:
        case PlainSum():
            *inner, (index, _, last) = value.limits
            body = PlainSum(value.function, *inner) if inner else value.function
            return sp.Add(
                *(_in_numbers(body, {**at, index: place}, sizes) for place in range(1, sizes[last] + 1))
            )
        case sp.Indexed():
            places = ",".join(str(at[index]) for index in value.indices)
            return sp.Symbol(f"{name_of(value)}[{places}]", real=True)
        case sp.KroneckerDelta():
            return sp.Integer(len({at[index] for index in value.args}) == 1)
        case sp.Symbol():
            return sp.Integer(sizes[value]) if value in sizes else value
    return value.func(*(_in_numbers(part, at, sizes) for part in value.args)) if value.args else value
