"""Matrix formulas as they are written, multiplied out, against the index equations they come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from operator import add, matmul, mul
from typing import Any

import numpy as np
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from symbolic.conventions import CHOICES, Layout
from symbolic.derivation import derive
from symbolic.expressions import Expr
from symbolic.grammar.functions import FUNCTIONS
from symbolic.network import Network, mlp
from symbolic.notation import Array, Slot, Step
from symbolic.slots import SLOT_ARGUMENTS, slot_formula
from symbolic.writing.matrix_expression import ONES, Chain, Norm, Transposed
from symbolic.writing.shown import matrix_sides
from tests.symbolic.helpers import CLOSE, Case, Decimals, Point, cases, networks, value

ACTIVATIONS = ["g", "tanh", "softmax", "sigmoid", "identity", "z*tanh(z)", "leaky_relu(1/5)"]
OBJECTIVES = [
    ("softmax", "cross-entropy"),
    ("sigmoid", "binary-cross-entropy"),
    ("tanh", "huber"),
    ("g", "E"),
    ("identity", "squared"),
    ("softmax", "t/(2 + a)"),
    ("g", "exp(a - t) - a"),
]
layouts = st.builds(Layout, **{name: st.sampled_from(choices) for name, choices in CHOICES.items()})


@dataclass(frozen=True)
class Matrices:
    """Values of matrix expressions. Where the place of a 𝟏 does not say how long it is, it is broadcast."""

    case: Case
    step: Step
    layout: Layout
    known: Mapping[Array, list[Any]]

    def stored(self, array: Array) -> np.ndarray:
        """An array as the layout stores it: a vector is a column or a row, a number has one entry."""
        entries = self.case.array(array, self.known[array])
        if entries.ndim < 2:
            column = entries.reshape(-1, 1)
            return column.T if self.layout.bias_shape == "1,n" else column
        is_turned = self.layout.weights == "in-out" if array.name == "W" else self.layout.samples == "rows"
        return entries.T if is_turned else entries

    def value(self, expr: Expr) -> Any:
        match expr:
            case sp.Symbol() if expr in self.case.scalars:
                return self.case.scalars[expr]
            case sp.Symbol():
                return self.stored(self.step.array(expr.name))
            case Transposed():
                return self.value(expr.args[0]).T
            case Chain():
                return self.product(list(expr.args))
            case Norm():
                entries = self.value(expr.args[0])
                return self.case.numbers.power((entries * entries).sum(), sp.S.Half)
            case sp.Add() | sp.Mul():
                return reduce(add if expr.is_Add else mul, map(self.value, expr.args))
            case sp.Number():
                return self.case.numbers.constant(expr)
        return self.by_entry(expr, [self.value(part) for part in expr.args])

    def product(self, factors: list[Expr]) -> Any:
        """A matrix product; 𝟏 is as long as its neighbour asks, and broadcast at an end."""
        sized = {place: self.value(f) for place, f in enumerate(factors) if f not in (ONES, Transposed(ONES))}
        for place, factor in enumerate(factors):
            if factor == ONES:
                length = sized[place - 1].shape[1] if place - 1 in sized else 1
                sized[place] = np.full((length, 1), self.case.numbers.constant(sp.S.One))
            elif factor == Transposed(ONES):
                length = sized[place + 1].shape[0] if place + 1 in sized else 1
                sized[place] = np.full((1, length), self.case.numbers.constant(sp.S.One))
        return reduce(matmul, (sized[place] for place in range(len(factors))))

    def by_entry(self, expr: Expr, arguments: list[Any]) -> Any:
        names = [sp.Symbol(f"y{place}", real=True) for place in range(len(arguments))]
        absolute, sign = (FUNCTIONS[name].build for name in ("abs", "sign"))
        formula = expr.func(*names, evaluate=False) if expr.is_Pow else expr.func(*names)
        formula = formula.replace(sp.Abs, absolute).replace(sp.sign, sign)
        slots = {
            name: self.function(bound)
            for name, bound in self.step.bindings.items()
            if isinstance(bound, Slot)
        }

        def entry(*given: Any) -> Any:
            scalars = {name.name: number for name, number in zip(names, given, strict=True)}
            return value(formula, Point(self.case.numbers, scalars=scalars, slots=slots))

        return np.vectorize(entry, otypes=[object])(*np.broadcast_arrays(*arguments))

    def function(self, slot: Slot) -> Any:
        def apply(orders: tuple[int, ...], *given: Any) -> Any:
            formula = slot_formula(slot.source, orders)
            if formula is None:
                return self.case.numbers.undefined(slot, orders, given)
            variables = SLOT_ARGUMENTS[type(slot.source)]
            scalars = {name.name: number for name, number in zip(variables, given, strict=True)}
            return value(formula, Point(self.case.numbers, scalars=scalars))

        return apply


def wrong(case: Case, layout: Layout, written: Layout | None = None) -> list[str]:
    """The steps whose matrix formula, as written in a layout, has another value than the step."""
    steps = derive(case.network).steps
    known = {**case.values, **case.run(steps)}
    found = []
    for step in steps:
        _, expression = matrix_sides(step, written or layout)
        matrices = Matrices(case, step, layout, known)
        expected = matrices.stored(step.target)
        try:
            given = np.broadcast_to(matrices.value(expression), expected.shape)
            error = abs(given - expected) / (1 + abs(expected))
        except ValueError:  # the shapes do not fit
            found.append(step.target.label)
        else:
            found += [step.target.label] * bool((error > CLOSE).any())
    return found


@settings(max_examples=60)
@given(networks(activations=ACTIVATIONS, objectives=OBJECTIVES), layouts, st.data())
def test_matrix_formula_is_the_index_equation_in_every_layout(
    network: Network, layout: Layout, data: st.DataObject
) -> None:
    assert wrong(data.draw(cases(network, Decimals)), layout) == []


@settings(max_examples=10)
@given(st.data())
def test_audit_rejects_the_formulas_of_another_layout(data: st.DataObject) -> None:
    network = mlp(2, 3, 2)
    assert isinstance(network, Network)
    case = data.draw(cases(network, Decimals))
    assert {"Z1", "dZ1", "dW1"} <= set(wrong(case, Layout(), Layout(samples="rows")))
