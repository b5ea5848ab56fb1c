"""Programs with computed positions, scatters, maxima and integer arrays, against exact slopes of E by dual
numbers; derived programs derived again too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import prod

import numpy as np
import pytest
import sympy as sp

from symbolic.accumulation import backward
from symbolic.chain_rule import BAR
from symbolic.evaluate import evaluate
from symbolic.expressions import Expr, entry_of
from symbolic.notation import Array, Equation, Step, equation, placed, size_of
from symbolic.plain import PlainSum
from symbolic.unification import renamed
from tests.symbolic.helpers import Point, Rationals, entries, scattered

PLACES = ("K", "ids")  # integer arrays


@dataclass(frozen=True)
class Program:
    """Equations over named arrays; the last one's array V enters E = Σ C·V, or is the scalar E itself."""

    texts: tuple[str, ...]
    shapes: Mapping[str, tuple[int, ...]]
    whole: Mapping[str, int] = field(default_factory=dict)

    @property
    def steps(self) -> tuple[Step, ...]:
        options = tuple(name for name in self.whole if not name.startswith("N_"))
        numbers = {name: sp.Integer(n) for name, n in self.whole.items()}
        arrays = {name: Array(name, None, shape) for name, shape in self.shapes.items()}
        steps = [placed(equation(text, options=options), arrays | numbers, "row") for text in self.texts]
        return (*steps, weighed(steps[-1].target, "C"))


def weighed(array: Array, name: str) -> Step:
    """E = Σ C·V for a V and weights C that are given."""
    indices = [sp.Symbol(letter, integer=True) for letter in "ijkl"[: len(array.shape)]]
    body = PlainSum(entry_of("V", indices) * entry_of(name, indices), *((i, 1, size_of(i)) for i in indices))
    arrays = {"E": Array("E"), "V": array, name: Array(name, None, array.shape)}
    return placed(Equation(sp.Symbol("E", real=True), body, "weighed"), arrays, "loss")


def is_constant(array: Array) -> bool:
    return array.name in (*PLACES, "C", "B")


PROGRAMS = {
    "convolution": Program(
        ("Y[o,q,c] = Sum(W[o,h,k]*X[h,s*q + d*k - p,c], h, k) + b[o]",),
        {"Y": (2, 3, 1), "W": (2, 2, 2), "X": (2, 7, 1), "b": (2,)},
        {"s": 2, "d": 3, "p": 1},
    ),
    "squared convolution": Program(
        ("P[q] = Sum(W[k]*X[s*q + d*k - p]**2, k)", "Y[q] = P[q]*P[q + 1] + X[2*q - 1]"),
        {"P": (4,), "Y": (4,), "W": (2,), "X": (7,)},
        {"s": 2, "d": 2, "p": 3},
    ),
    "transposed convolution": Program(
        ("P[o,s*q + d*k - p] = Sum(W[h,o,k]*X[h,q], h)", "Y[o,u] = P[o,u]**2 + b[o]"),
        {"P": (2, 6), "Y": (2, 6), "W": (2, 2, 3), "X": (2, 3), "b": (2,)},
        {"s": 2, "d": 1, "p": 1},
    ),
    "maximum": Program(
        ("K[i,q] = ArgMax(X[i,s*q + k - p], k)", "Y[i,q] = X[i,s*q + K[i,q] - p]**2"),
        {"K": (2, 4), "Y": (2, 4), "X": (2, 6)},
        {"s": 2, "p": 1, "N_k": 3},
    ),
    "embedding": Program(
        ("Y[d,t] = Sum(Q[d,e]*W[e,ids[t]], e)", "Z[t] = Sum(Y[d,t]*W[d,ids[t]]*W[d,0], d)"),
        {"Y": (2, 4), "Z": (4,), "Q": (2, 2), "W": (2, 3), "ids": (4,)},
    ),
    "groups": Program(
        ("Y[g*N_o + o,q] = Sum(W[g*N_o + o,h]*X[g*N_h + h,q], h) + b[g*N_o + o]",),
        {"Y": (4, 2), "W": (4, 3), "X": (6, 2), "b": (4,)},
        {"N_o": 2, "N_h": 3, "N_g": 2},
    ),
    "quotient and remainder": Program(
        ("R[i,j] = X[N_j*i + j]", "Y[i] = R[i//3,i % 3]*X[i]"),
        {"R": (2, 3), "Y": (6,), "X": (6,)},
    ),
    "conditions": Program(
        ("Y[i] = Sum(where(r <= i and X[r] > 0, X[r]*X[i], r > i + 1, X[i]**2, 0), r) + i*X[N_i - 1 - i]",),
        {"Y": (4,), "X": (4,)},
    ),
    "short range": Program(
        ("Y[i] = Sum(W[k]*X[i,k], k: 2) + Sum(W[k]*V[2*i + k], k: 3)",),
        {"Y": (2,), "W": (4,), "X": (2, 4), "V": (7,)},
        {"N_k": 4},
    ),
    "denominators": Program(
        ("Y[q] = Sum(X[s*q + k]/V[q], k: 2)/(1 + U[q + 1]**2)",),
        {"Y": (3,), "X": (5,), "V": (3,), "U": (3,)},
        {"s": 2},
    ),
    "pool before a sum": Program(
        ("P[q] = Sum(X[s*q + k], k)", "Z[i] = Sum(W[i,q]*P[q], q)", "Y[i] = Z[i]**2"),
        {"P": (3,), "Z": (2,), "Y": (2,), "W": (2, 3), "X": (6,)},
        {"s": 2, "N_k": 2},
    ),
    "sum before a pool": Program(
        ("Z[i] = Sum(W[i,q]*V[q], q)", "Y[t] = Sum(Z[s*t + k], k)**2/N_k"),
        {"Z": (5,), "Y": (2,), "W": (5, 3), "V": (3,)},
        {"s": 2, "N_k": 3},
    ),
}


@dataclass(frozen=True, order=True)
class Dual:
    """value + slope·ε with ε² = 0."""

    value: Fraction
    slope: Fraction = field(default=Fraction(0), compare=False)

    def __add__(self, other: Dual) -> Dual:
        return Dual(self.value + other.value, self.slope + other.slope)

    def __mul__(self, other: Dual) -> Dual:
        return Dual(self.value * other.value, self.value * other.slope + self.slope * other.value)

    def __int__(self) -> int:
        return int(self.value)


class Duals(Rationals):
    """Exact values with exact slopes."""

    def constant(self, value: Expr) -> Dual:
        return Dual(Fraction(int(value.p), int(value.q)))

    def power(self, base: Dual, exponent: sp.Rational) -> Dual:
        n = int(exponent)
        return Dual(base.value**n, n * base.value ** (n - 1) * base.slope)


def error_and_slope(steps: Sequence[Step], leaves: Mapping[Array, np.ndarray]) -> Dual:
    """E by the definition of every equation."""
    known, error = dict(leaves), Dual(Fraction(0))
    for step in steps:
        each, numbers = step.equation, Duals()
        scalars = {n: numbers.constant(b) for n, b in step.bindings.items() if isinstance(b, sp.Expr)}
        arrays = {n: known[b] for n, b in step.bindings.items() if isinstance(b, Array) and b in known}
        at = Point(numbers, arrays, scalars)
        if each.scatters:
            known[step.target] = scattered(each.positions, each.value, each.loops, at, step.target.shape)
        else:
            known[step.target] = entries(each.target, each.value, at, step.target.shape)
        if not step.target.shape:
            error = error + known[step.target][()]
    return error


def numbers_for(steps: Sequence[Step], seed: int) -> dict[Array, list[Fraction]]:
    """Small numbers for what is read and not computed; integer arrays hold places that repeat."""
    random = np.random.default_rng(seed)
    read = {array for step in steps for array in step.inputs} - {step.target for step in steps}
    return {
        array: [
            Fraction(int(n)) for n in random.integers(*((0, 3) if array.name in PLACES else (-9, 10)), size)
        ]
        for array in sorted(read, key=lambda array: array.label)
        for size in [prod(array.shape)]
    }


def wrong_cotangents(forward: Sequence[Step], derived: Sequence[Step], seed: int) -> list[str]:
    """The arrays whose cotangent is not ∂E/∂(every entry)."""
    leaves = numbers_for(forward, seed)
    computed = evaluate([*forward, *derived], leaves, {}, Rationals())
    wrong = []
    for array, drawn in leaves.items():
        slopes = []
        for place in range(0 if is_constant(array) else len(drawn)):
            open_entry = {
                a: [Dual(x, Fraction(a == array and n == place)) for n, x in enumerate(found)]
                for a, found in leaves.items()
            }
            shaped = {a: np.array(found, object).reshape(a.shape) for a, found in open_entry.items()}
            slopes.append(error_and_slope(forward, shaped).slope)
        if slopes != computed.get(array.bar, [Fraction(0)] * len(slopes)):
            wrong.append(array.label)
    return wrong


def as_plain(step: Step) -> Step:
    """A step of a derived program whose cotangents are arrays like any other, with names like any others."""
    names = {name: name.replace(BAR, "_first") for name in step.bindings}
    bindings = {
        names[name]: Array(b.label, None, b.shape) if isinstance(b, Array) and b.cotangent else b
        for name, b in step.bindings.items()
    }
    return replace(step, equation=renamed(step.equation, frozenset(names.items())), bindings=bindings)


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("seed", range(3))
def test_cotangents_are_the_slopes_of_the_error(name: str, seed: int) -> None:
    steps = PROGRAMS[name].steps
    derived = backward(steps, constants=is_constant)
    assert derived
    assert wrong_cotangents(steps, derived, seed) == []


@pytest.mark.parametrize("name", PROGRAMS)
def test_derived_program_is_derived_again(name: str) -> None:
    """The slopes of E₂ = Σ B·x̄, for every cotangent x̄ that the first derivation gives."""
    forward = PROGRAMS[name].steps
    derived = list(map(as_plain, backward(forward, constants=is_constant)))
    for step in derived:
        again = [*forward[:-1], *derived, weighed(step.target, "B")]
        assert wrong_cotangents(again, backward(again, constants=is_constant), 1) == [], step.target.label


@pytest.mark.parametrize("name", PROGRAMS)
def test_slopes_reject_a_cotangent_that_is_not_the_whole_one(name: str) -> None:
    steps = PROGRAMS[name].steps
    derived = backward(steps, constants=is_constant)
    for place, step in enumerate(derived):
        doubled = replace(step, equation=replace(step.equation, value=2 * step.equation.value))
        assert wrong_cotangents(steps, [*derived[:place], doubled, *derived[place + 1 :]], 0), (
            step.target.label
        )
