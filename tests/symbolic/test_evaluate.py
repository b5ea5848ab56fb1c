"""Evaluating steps over any numbers, against another reading of the same formulas."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import prod
from typing import Any

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from symbolic.activations import activation
from symbolic.closures import compiled
from symbolic.derivation import derive
from symbolic.evaluate import evaluate, shape_of
from symbolic.expressions import name_of
from symbolic.forward import forward
from symbolic.frame import Frame
from symbolic.grammar.formula import parse_scalar
from symbolic.grammar.functions import undefined
from symbolic.losses import LAMBDA, SAMPLES, loss, penalty
from symbolic.network import Network, mlp
from symbolic.notation import Array, Slot, Step, equation, placed
from symbolic.slots import slot_formula
from tests.symbolic.helpers import (
    CLOSE,
    RELATIONS,
    Decimals,
    Point,
    Rationals,
    Symbols,
    at_random,
    cases,
    entries,
    function_of,
    inputs_of,
    mp,
    networks,
    value,
)

SIZES = {"i": 2, "j": 3, "c": 4, "r": 2}


def lone(text: str) -> Step:
    """An equation with arrays of its own."""
    read = equation(text)
    found = [e for e in (read.target, *read.value.atoms(sp.Indexed)) if isinstance(e, sp.Indexed)]
    arrays = {name_of(e): Array(name_of(e), None, tuple(SIZES[str(i)] for i in e.indices)) for e in found}
    return placed(read, {read.name: Array(read.name), **arrays}, "definition")


@pytest.mark.parametrize(
    "text",
    [
        "Y[i,c] = Sum(W[i,j]*A[j,c], j) + b[i]",
        "Y[c,i] = Sum(W[i,j]*A[j,c], j) - 1/3",
        "Y[i] = Sum(Sum(W[i,j]**2/(A[j,c]**2 + 1), j), c)",
        "Y[i] = Sum(W[i,j], j)*Sum(W[i,j]**2, j)/Sum(W[r,j]**2, r, j)",
        "Y[i] = b[i]",
        "Y[i,c] = 7/2",
        "D = Sum(Sum(A[j,c], c)**3, j) - Sum(b[i], i)",
        "Y[i,j] = where(W[i,j] > b[i], W[i,j]**2, W[i,j] <= -1, -b[i], 1/(1 + b[i]**2))",
        "Y[i,j] = max(W[i,j], b[i]) - min(W[i,j], 0) + abs(b[i])*sign(W[i,j])",
    ],
)
@settings(max_examples=10)
@given(seed=st.integers(0, 2**32))
def test_every_entry_is_the_formula_at_its_indices(text: str, seed: int) -> None:
    step, random = lone(text), np.random.default_rng(seed)
    arrays = {}
    for name in step.equation.inputs:
        drawn = random.integers(-3, 4, step.array(name).shape)
        arrays[name] = np.vectorize(Fraction, otypes=[object])(drawn)
    given_values = {step.array(name): list(found.flat) for name, found in arrays.items()}
    found = evaluate([step], given_values, {}, Rationals())[step.target]
    expected = entries(
        step.equation.target, step.equation.value, Point(Rationals(), arrays), step.target.shape
    )
    assert found == list(expected.flat)


@dataclass(frozen=True)
class Said:
    """A formula or condition as a text, and what it means for numbers x and y."""

    text: str
    means: Callable[[int, int], Any]


TERMS = st.sampled_from(
    [
        Said("x", lambda x, y: x),
        Said("y", lambda x, y: y),
        Said("1", lambda x, y: 1),
        Said("0", lambda x, y: 0),
        Said("(x - y)", lambda x, y: x - y),
        Said("x*y", lambda x, y: x * y),
    ]
)
COMPARISONS = st.builds(
    lambda a, relation, b: Said(
        f"{a.text} {relation} {b.text}", lambda x, y: RELATIONS[relation](a.means(x, y), b.means(x, y))
    ),
    TERMS,
    st.sampled_from(list(RELATIONS)),
    TERMS,
)


def joined(inner: st.SearchStrategy[Said]) -> st.SearchStrategy[Said]:
    return st.one_of(
        st.builds(
            lambda p, q: Said(f"({p.text} and {q.text})", lambda x, y: p.means(x, y) and q.means(x, y)),
            inner,
            inner,
        ),
        st.builds(
            lambda p, q: Said(f"({p.text} or {q.text})", lambda x, y: p.means(x, y) or q.means(x, y)),
            inner,
            inner,
        ),
        st.builds(lambda p: Said(f"not {p.text}", lambda x, y: not p.means(x, y)), inner),
    )


def chosen(p: Said, a: Said, q: Said, b: Said, c: Said) -> Said:
    return Said(
        f"where({p.text}, {a.text}, {q.text}, {b.text}, {c.text})",
        lambda x, y: (a if p.means(x, y) else b if q.means(x, y) else c).means(x, y),
    )


CONDITIONS = st.recursive(COMPARISONS, joined, max_leaves=5)


@settings(max_examples=60)
@given(st.builds(chosen, CONDITIONS, TERMS, CONDITIONS, TERMS, TERMS))
def test_conditions_choose_the_piece_that_holds(said: Said) -> None:
    closure = compiled(parse_scalar(said.text, names=("x", "y")))
    for x, y in product((-1, 0, 1, 2), repeat=2):
        assert closure(Frame(Rationals(), scalars=scalars(x=x, y=y))) == said.means(x, y)


def scalars(**numbers: int) -> dict[sp.Symbol, Fraction]:
    return {sp.Symbol(name, real=True): Fraction(number) for name, number in numbers.items()}


class Refusing(Rationals):
    """Rationals that have no logarithm of a number that is not positive."""

    def call(self, name: str, argument: Any) -> Any:
        assert name == "log" and argument > 0, f"{name}({argument}) was evaluated"
        return Fraction(7)


@pytest.mark.parametrize(
    ("text", "x", "expected"),
    [
        ("where(x > 0, log(x), 0)", -1, 0),
        ("where(x > 0, log(x), 0)", 1, 7),
        ("where(x < 1 or x > 2, 5, log(x))", 0, 5),
    ],
)
def test_piece_that_does_not_hold_is_not_evaluated(text: str, x: int, expected: int) -> None:
    frame = Frame(Refusing(), scalars=scalars(x=x))
    assert compiled(parse_scalar(text, names=("x",)))(frame) == expected


class Spelled(Rationals):
    """Numbers that write down what is done with them."""

    def constant(self, value: sp.Expr) -> Any:
        return f"<{value}>"

    def power(self, base: Any, exponent: sp.Rational) -> Any:
        return f"{base}^{exponent}"

    def call(self, name: str, argument: Any) -> Any:
        return f"{name}({argument})"


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("sqrt(x)", "x^1/2"),
        ("1/x", "x^-1"),
        ("exp(x)", "exp(x)"),
        ("x**(1/3)", "x^1/3"),
        ("pi", "<pi>"),
        ("0.1", "<1/10>"),
        ("expm1(x)", "expm1(x)"),
        ("erfc(tanh(x))", "erfc(tanh(x))"),
    ],
)
def test_numbers_are_asked_for_constants_powers_and_functions(text: str, steps: str) -> None:
    frame = Frame(Spelled(), scalars={sp.Symbol("x", real=True): "x"})
    assert compiled(parse_scalar(text, names=("x",)))(frame) == steps


def test_power_that_is_no_rational_is_exp_of_a_logarithm() -> None:
    x, y = sp.symbols("x y", real=True)
    frame = Frame(Decimals(), scalars={x: mp.mpf(3), y: mp.mpf("2.5")})
    assert abs(compiled(x**y)(frame) - mp.power(3, mp.mpf("2.5"))) < CLOSE
    assert abs(compiled(x**sp.pi)(frame) - mp.power(3, mp.pi)) < CLOSE


def test_expression_without_a_reading_is_refused() -> None:
    x = sp.Symbol("x", real=True)
    with pytest.raises(TypeError, match=r"^Integral has no reading in numbers: Integral\(x, x\)$"):
        compiled(sp.Integral(x, x))


SOME = ["g", "tanh", "relu", "softmax", "gelu", "z**3 - z"]
OBJECTIVES = [
    ("softmax", "cross-entropy"),
    ("sigmoid", "binary-cross-entropy"),
    ("g", "E"),
    ("relu", "huber"),
]


@settings(max_examples=10)
@given(networks(activations=SOME, objectives=OBJECTIVES), st.data())
def test_steps_of_a_network_are_their_formulas(network: Network, data: st.DataObject) -> None:
    case = data.draw(cases(network, Decimals))
    steps = derive(network).steps
    known = case.run(steps)
    sizes = Point(Decimals(), scalars={symbol.name: mp.mpf(n) for symbol, n in case.scalars.items()})
    for step in steps:
        arrays = {
            name: case.array(step.array(name), known[step.array(name)]) for name in step.equation.inputs
        }
        numbers = {name: value(b, sizes) for name, b in step.bindings.items() if isinstance(b, sp.Expr)}
        slots = {
            name: function_of(b, case.numbers) for name, b in step.bindings.items() if isinstance(b, Slot)
        }
        shape = shape_of(step.target, {SAMPLES: case.samples})
        point = Point(Decimals(), arrays, numbers, slots)
        expected = entries(step.equation.target, step.equation.value, point, shape)
        pairs = zip(known[step.target], expected.flat, strict=True)
        assert all(abs(x - y) <= CLOSE * (1 + abs(y)) for x, y in pairs)


@pytest.mark.parametrize(
    "options", [{}, {"l2": "lambda/(2*m)", "penalize_biases": True}, {"bias": [False, True]}]
)
def test_gradient_in_symbols_is_the_derivative_of_the_error_in_symbols(options: dict[str, Any]) -> None:
    """Undefined g and E stay; both sides are sums of products of their values and slopes."""
    network = mlp(2, 2, 1, output="g", loss="E", **options)
    derived = derive(network)
    given_arrays = inputs_of(derived.forward)
    values = {}
    for array in given_arrays:
        places = product(*(range(n) for n in shape_of(array, {SAMPLES: 2})))
        values[array] = [sp.Symbol(f"{array.label}{''.join(map(str, place))}", real=True) for place in places]
    known = evaluate(derived.steps, values, {SAMPLES: 2, LAMBDA: LAMBDA}, Kept())
    error = sum(known[step.target][0] for step in derived.forward if not step.target.shape)
    for array in given_arrays:
        for symbol, found in zip(values[array], known.get(array.bar, ()), strict=array.name in "Wb"):
            assert sp.expand(error.diff(symbol) - found) == 0
            assert sp.expand(error.diff(symbol) + found) != 0


class Kept(Symbols):
    """SymPy's expressions in which undefined functions stay undefined, a name for each layer."""

    def undefined(self, slot: Slot, orders: tuple[int, ...], arguments: tuple[Any, ...]) -> Any:
        return undefined(f"{slot.name}{slot.layer or ''}", len(orders), orders)(*arguments)


def test_given_values_are_kept_and_not_changed() -> None:
    case = at_random(mlp(2, 3, 1, hidden="relu"), Rationals, seed=0)
    before = {array: list(found) for array, found in case.values.items()}
    known = case.run(derive(case.network).steps)
    assert case.values == before
    assert all(known[array] is found for array, found in case.values.items())
    assert len(known) == len(before) + len(derive(case.network).steps)


def test_every_size_is_that_of_the_arrays() -> None:
    case = at_random(mlp(2, 3, 1, hidden="relu"), Rationals, seed=0, samples=5)
    for array, found in case.run(derive(case.network).steps).items():
        assert len(found) == prod(shape_of(array, {SAMPLES: 5}))
    assert shape_of(Array("A", 1, (3, SAMPLES)), {SAMPLES: 5}) == (3, 5)


def test_array_without_values_is_an_error() -> None:
    case = at_random(mlp(2, 3, 1, hidden="relu"), Rationals, seed=0)
    values = {array: found for array, found in case.values.items() if array.label != "W2"}
    with pytest.raises(KeyError, match="W"):
        evaluate(forward(case.network), values, case.scalars, case.numbers)


@pytest.mark.parametrize(
    ("source", "orders", "expected"),
    [
        (activation("tanh"), (0,), "tanh(z)"),
        (activation("tanh"), (1,), "1 - tanh(z)**2"),
        (activation("g"), (1,), "None"),
        (activation("softmax"), (0,), "None"),
        (loss("half-squared"), (1, 0), "a - t"),
        (loss("half-squared"), (1, 1), "-1"),
        (loss("E"), (0, 0), "None"),
        (penalty("l2", "lambda"), (1,), "2*w"),
    ],
    ids=str,
)
def test_slot_has_the_formula_of_its_function(source: Any, orders: tuple[int, ...], expected: str) -> None:
    assert str(slot_formula(source, orders)) == expected
