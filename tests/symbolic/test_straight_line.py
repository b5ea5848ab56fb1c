"""The straight-line program against the closed form, the derivation and sympy.diff; its length; canaries."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from functools import reduce
from itertools import pairwise
from math import isfinite, prod
from typing import Any

import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from numeric.numbers import Balls, Floats
from proofs.kernel.normal_form import decide
from symbolic.activations import ACTIVATIONS
from symbolic.closed_form import BATCH, SAMPLE, ClosedForm, Weight, seconds, weights
from symbolic.derivation import derive
from symbolic.errors import Unsupported
from symbolic.evaluate import evaluate
from symbolic.forward import forward
from symbolic.losses import LOSSES
from symbolic.network import Network, mlp
from symbolic.notation import Array, Step, equation, placed
from symbolic.plain import PlainSum
from symbolic.straight_line import StraightLine, straight_line
from symbolic.tape import LEAVES, Scalar, Tape
from tests.symbolic.helpers import (
    CLOSE,
    Case,
    Decimals,
    Rationals,
    Symbols,
    at_random,
    cases,
    inputs_of,
    networks,
    value,
)

SMOOTH = ["g", "identity", "z**2 - z/3"]
KINKED = ["relu", "leaky_relu(1/5)", "softsign", "where(z > 1/2, z**2, z)"]
RATIONAL = [
    *((output, loss) for output in SMOOTH for loss in ("squared", "E", "(a - t)**4 + a*t", "huber")),
    *((output, "half-squared") for output in KINKED),
]
ALL = [*ACTIVATIONS, "g", "elu(2/3)", "z*tanh(z)"]
OBJECTIVES = [
    *((output, "half-squared") for output in ALL),
    *((g, loss) for g in ("sigmoid", "softmax") for loss, row in LOSSES.items() if row.needs_probability),
]


def parameters(network: Network) -> list[Array]:
    return [array for array in inputs_of(forward(network)) if array.name in "Wb"]


def program(case: Case, steps: Sequence[Step] = ()) -> StraightLine:
    """The program of a case's network, or of other steps in its place."""
    sizes = {symbol: size for symbol, size in case.scalars.items() if isinstance(size, int)}
    return straight_line(steps or forward(case.network), wrt=parameters(case.network), sizes=sizes)


def run(case: Case, steps: Sequence[Step] = ()) -> tuple[Any, dict[Array, list[Any]]]:
    return program(case, steps).evaluate(case.values, case.scalars, case.numbers)


def place_of(weight: Weight, case: Case) -> tuple[Array, int]:
    """A weight's array, and where its entry is row-major."""
    array = next(a for a in case.values if (a.name, a.layer) == (weight.name, weight.layer))
    row, *column = (index - 1 for index in weight.indices)
    return array, row * array.shape[1] + column[0] if column else row


def is_quick(network: Network) -> bool:
    return max(seconds(network, layer) for layer in range(1, network.depth + 1)) < 1 / 10


@settings(max_examples=40)
@given(networks(activations=SMOOTH, kinked=KINKED, objectives=RATIONAL).filter(is_quick), st.data())
def test_program_is_the_closed_form_at_rational_points(network: Network, data: st.DataObject) -> None:
    case = data.draw(cases(network, Rationals))
    weight = data.draw(st.sampled_from(weights(network)))
    form, (error, gradient) = ClosedForm(network), run(case)
    assert error == value(form.error, case.point)
    array, entry = place_of(weight, case)
    assert gradient[array.bar][entry] == value(form.derivative(weight), case.point)


@settings(max_examples=40)
@given(networks(activations=SMOOTH + KINKED, objectives=RATIONAL, largest=4), st.data())
def test_program_is_the_derivation_at_rational_points(network: Network, data: st.DataObject) -> None:
    case = data.draw(cases(network, Rationals))
    known, (_, gradient) = case.run(derive(network).steps), run(case)
    assert gradient == {array: known[array] for array in gradient}
    assert len(gradient) == len(parameters(network))


@settings(max_examples=40)
@given(networks(activations=ALL, objectives=OBJECTIVES), st.data())
def test_program_is_the_derivation_in_decimals(network: Network, data: st.DataObject) -> None:
    case = data.draw(cases(network, Decimals))
    known, (_, gradient) = case.run(derive(network).steps), run(case)
    for array, entries in gradient.items():
        for one, other in zip(entries, known[array], strict=True):
            assert abs(one - other) <= CLOSE * (1 + abs(other))


@pytest.mark.parametrize("hidden", ["tanh", "relu", "gelu", "elu"])
@pytest.mark.parametrize(("output", "loss"), [("softmax", "cross-entropy"), ("identity", "huber")])
def test_program_runs_in_floats_to_rounding_and_in_balls(hidden: str, output: str, loss: str) -> None:
    network = mlp(3, 4, 3, hidden=hidden, output=output, loss=loss, l2="lambda/m", l1="lambda")
    case = at_random(network, Rationals, seed=1, samples=3)
    steps = derive(network).steps
    for kind in (Floats(), Balls()):
        lifted = {array: [kind.lift(float(x)) for x in entries] for array, entries in case.values.items()}
        scalars = {**case.scalars, sp.Symbol("lambda", real=True): kind.lift(0.25)}
        known = evaluate(steps, lifted, scalars, kind)
        _, gradient = program(case).evaluate(lifted, scalars, kind)
        for array, entries in gradient.items():
            largest = max(abs(float(entry)) for entry in known[array])
            for one, other in zip(entries, known[array], strict=True):
                if isinstance(kind, Balls):
                    assert one.overlaps(other)
                else:
                    assert abs(one - other) <= 1e3 * 2.0**-53 * max(largest, 1.0)


@pytest.mark.parametrize("hidden", KINKED)
def test_slope_at_a_kink_is_that_of_the_piece_which_holds_there(hidden: str) -> None:
    network = mlp(2, 3, 2, hidden=hidden, loss="huber", bias=False)
    case = at_random(network, Rationals, seed=0)
    zeros = {array: [0 * x for x in entries] for array, entries in case.values.items() if array.name == "X"}
    case = replace(case, values={**case.values, **zeros})
    known, (_, gradient) = case.run(derive(network).steps), run(case)
    assert gradient == {array: known[array] for array in gradient}


def with_samples(form: sp.Expr, samples: int) -> sp.Expr:
    """A closed form with its sum over samples written out."""
    terms = {
        total: sp.Add(*(total.function.xreplace({SAMPLE: sp.Integer(c)}) for c in range(1, samples + 1)))
        for total in form.atoms(PlainSum)
    }
    return form.xreplace(terms).xreplace({BATCH: sp.Integer(samples)})


@pytest.mark.parametrize(
    "network",
    [
        mlp(1, 2, 1, loss="E"),
        mlp(2, 1, 2, hidden="tanh", l2="lambda/m", penalize_biases=True),
        mlp(1, 1, 1, 1, hidden=["sigmoid", "sin"]),
        mlp(2, 2, hidden="g", output="softmax", loss="cross-entropy"),
        mlp(1, 2, output="sigmoid", loss="binary-cross-entropy", bias=False),
        mlp(1, 1, 1, hidden="relu", l1="lambda"),
        mlp(1, 1, 1, hidden="gelu"),
    ],
    ids=str,
)
def test_expression_equals_the_closed_form(network: Network) -> None:
    case = at_random(network, Rationals, seed=0)
    line, form = program(case), ClosedForm(network)
    for weight in weights(network):
        closed = with_samples(form.derivative(weight), case.samples)
        assert decide(line.expression(*place_of(weight, case)), closed).answer == "equal"


X, W, Y, Z = (Array(name, None, (2, 2)) for name in "XWYZ")
MEAN, PLACES, WIDE, E = Array("M", None, (2,)), Array("P", None, (2,)), Array("Y", None, (2, 3)), Array("E")


def step(text: str, **arrays: Array) -> Step:
    return placed(equation(text), arrays, "a test's")


DENSE = "Y[i,c] = Sum(W[i,j]*X[j,c], j)"
SQUARES = "E = Sum(Sum(Y[i,c]**2, i), c)"


@pytest.mark.parametrize(
    "steps",
    [
        [step(DENSE, Y=Y, W=W, X=X), step(DENSE, Y=Z, W=W, X=Y), step(SQUARES, E=E, Y=Z)],
        [step("Y[i,c] = exp(W[i,c])/Sum(exp(W[r,c]), r)*X[c,i]", Y=Y, W=W, X=X), step(SQUARES, E=E, Y=Y)],
        [
            step("M[i] = Sum(W[i,c], c)/2", M=MEAN, W=W),
            step(
                "Y[i,c] = (W[i,c] - M[i])/sqrt(1 + Sum((W[i,r] - M[i])**2, r))*X[i,c]", Y=Y, W=W, X=X, M=MEAN
            ),
            step(SQUARES, E=E, Y=Y),
        ],
        [
            step("Y[i,c] = tanh(Sum(W[i,j]*X[j,c], j)) + X[i,c]", Y=Y, W=W, X=X),
            step("Z[i,c] = Y[i,c]*Y[c,i] + X[i,c]", Z=Z, Y=Y, X=X),
            step(SQUARES, E=E, Y=Z),
        ],
        [step("Y[i,j] = where(W[i,j] > X[i,j], W[i,j]**3, X[j,i])", Y=Y, W=W, X=X), step(SQUARES, E=E, Y=Y)],
        [step("Y[i,q] = Sum(W[i,k]*X[i,2*k + q - 1], k)", Y=WIDE, W=W, X=X), step(SQUARES, E=E, Y=WIDE)],
        [step("Y[i,c] = W[i,P[c]]*X[c,i]", Y=Y, W=W, X=X, P=PLACES), step(SQUARES, E=E, Y=Y)],
    ],
    ids=[
        "one weight in two layers",
        "softmax",
        "normalised",
        "residual",
        "a condition",
        "padded",
        "gathered",
    ],
)
def test_program_of_any_steps_is_the_derivative_by_sympy(steps: list[Step]) -> None:
    places = {PLACES: [1, 1]}
    line = straight_line(steps, wrt=[W, X], sizes={}, whole=places)
    symbols = {
        array: [sp.Symbol(f"{array.name}[{i},{j}]", real=True) for i in (1, 2) for j in (1, 2)]
        for array in (X, W)
    }
    (error,) = evaluate(steps, symbols | places, {}, SymbolsWithCases())[E]
    for array, entries in symbols.items():
        for entry, symbol in enumerate(entries):
            assert decide(line.expression(array, entry), error.diff(symbol)).answer == "equal"


class SymbolsWithCases(Symbols):
    def branch(self, relation: str, left: Any, right: Any, then: Any, otherwise: Any) -> Any:
        return sp.Piecewise((then(), sp.Rel(left, right, relation)), (otherwise(), True))


def test_place_that_the_data_decide_is_refused() -> None:
    steps = [step("Y[i,c] = W[i,P[c]]", Y=Y, W=W, P=PLACES), step(SQUARES, E=E, Y=Y)]
    with pytest.raises(Unsupported, match="reads at known places; give the index array as `whole`"):
        straight_line(steps, wrt=[W], sizes={})


def test_array_that_is_not_read_has_the_gradient_0() -> None:
    line = straight_line([step("E = Sum(Sum(W[i,j], j), i)", E=E, W=W)], wrt=[W], sizes={})
    assert [line.expression(W, entry) for entry in range(4)] == [1] * 4
    steps = [step("E = Sum(Sum(W[i,j] + 0*X[i,j], j), i)", E=E, W=W, X=X)]
    assert straight_line(steps, wrt=[W], sizes={}).operations == {"+": 3}


@pytest.mark.parametrize(
    ("formula", "at", "slope"),
    [
        ("where(X[i,j] != 0, sin(X[i,j])/X[i,j], 1)", 0.0, 0.0),
        ("where(X[i,j] > 0, sqrt(X[i,j])*log(X[i,j]), 3*X[i,j])", -1.0, 3.0),
        ("where(X[i,j] > 0, exp(-1/X[i,j])/X[i,j], 0)", 0.0, 0.0),
        ("where(X[i,j] < 9, exp(X[i,j]**2), 3*X[i,j])", 1e3, 3.0),
    ],
)
def test_side_that_does_not_hold_may_have_no_value(formula: str, at: float, slope: float) -> None:
    steps = [step(f"Y[i,j] = {formula}", Y=Y, X=X), step("E = Sum(Sum(Y[i,j], j), i)", E=E, Y=Y)]
    line = straight_line(steps, wrt=[X], sizes={})
    error, gradient = line.evaluate({X: [at] * 4}, {}, Floats())
    assert isfinite(error) and gradient == {X.bar: [slope] * 4}


def tampered(step: Step) -> Step:
    return replace(step, equation=replace(step.equation, value=2 * step.equation.value))


@pytest.mark.parametrize("number", range(7))
def test_tampered_step_is_noticed(number: int) -> None:
    network = mlp(2, 3, 2, loss="E", l2="lambda", penalize_biases=False)
    case = at_random(network, Rationals, seed=0)
    steps = list(forward(network))
    assert len(steps) == 7
    assert run(case, steps) == run(case)
    steps[number] = tampered(steps[number])
    (error, gradient), (right, derived) = run(case, steps), run(case)
    assert error != right and gradient != derived


def weights_of(network: Network) -> int:
    return sum(prod(array.shape) for array in parameters(network))


def operations(network: Network) -> int:
    return program(Case(network, Rationals(), {}, 1, Fraction(1))).operations.total()


@pytest.mark.parametrize("width", [4, 8, 16, 32, 64])
def test_operations_are_at_most_6_per_weight(width: int) -> None:
    network = mlp(width, width, width, 2 * width, hidden="tanh")
    assert operations(network) <= 6 * weights_of(network)


@pytest.mark.parametrize("hidden", ["tanh", "relu", "softmax", "g"])
def test_each_further_layer_costs_as_much_as_the_one_before(hidden: str) -> None:
    costs = [operations(mlp(*[4] * layers, hidden=hidden)) for layers in range(4, 9)]
    assert len({after - before for before, after in pairwise(costs)}) == 1


def test_condition_does_not_reach_what_is_computed_in_any_case() -> None:
    line = program(at_random(mlp(4, 4, 4, 1, hidden=["tanh", "relu"]), Rationals, seed=0, samples=1))
    assert line.operations["<"] == 2 * 4  # value and slope of each relu


@given(networks(activations=ALL, objectives=OBJECTIVES))
@settings(max_examples=20)
def test_no_row_is_there_twice_or_unread(network: Network) -> None:
    line = program(at_random(network, Rationals, seed=0))
    rows = [row for row in line.rows if row[0] not in LEAVES]
    assert len(set(rows)) == len(rows)
    read = {operand for row in rows for operand in row[1:]}
    read |= {line.value, *(row for entries in line.gradient.values() for row in entries)}
    assert {n for n, row in enumerate(line.rows) if row[0] not in LEAVES} <= read
    assert all(operand < number for number, row in enumerate(line.rows) for operand in row[1:])


def test_rows_are_shared_and_rationals_computed() -> None:
    tape = Tape()
    x, y = Scalar(tape, tape.input()), Scalar(tape, tape.input())
    zero, one, two, half = (tape.constant(sp.Rational(*c)) for c in ((0, 1), (1, 1), (2, 1), (1, 2)))
    same = [
        (zero + x, x),
        (one * x, x),
        (zero * x, zero),
        (half * (two * x), x),
        (half + half, one),
        (x + y, y + x),
        (x * y, y * x),
        (x + half + y + half, y + one + x),
        (tape.power(x, sp.Integer(1)), x),
        (tape.power(x, sp.Integer(0)), one),
        (tape.power(two, sp.Integer(-1)), half),
        (tape.branch("<", x, y, lambda: x, lambda: x), x),
        (tape.branch("<=", one, two, lambda: x, lambda: y), x),
        (
            half * tape.branch("<", x, y, lambda: x, lambda: two),
            tape.branch("<", x, y, lambda: half * x, lambda: one),
        ),
    ]
    assert [left.number for left, _ in same] == [right.number for _, right in same]
    pole = tape.power(zero, sp.Integer(-1))
    assert tape.rows[pole.number][0] == "power"


def test_sum_goes_on_from_a_partial_sum_without_changing_it() -> None:
    tape = Tape()
    a, b, c, d = (Scalar(tape, tape.input()) for _ in range(4))
    partial = a + b
    one, other = partial + c, partial + d
    assert tape.rows[one.number] == ("+", 0, 1, 2)
    assert tape.rows[other.number] == ("+", 0, 1, 3)
    assert tape.rows[partial.number] == ("+", 0, 1)
    assert tape.rows[reduce(operator.add, [partial, c, d]).number] == ("+", 2, 3, partial.number)
