"""Floats at the edges of their range, and balls at branches."""

import math

import numpy as np
import pytest
import sympy as sp
from flint import arb
from hypothesis import given
from hypothesis import strategies as st

from numeric.numbers import AtKink, Balls, Floats
from symbolic.activations import activation
from symbolic.errors import Unsupported
from symbolic.notation import Slot

UFUNCS = {
    name: name for name in ("exp", "expm1", "log", "log1p", "sin", "cos", "tan", "sinh", "cosh", "tanh")
}
UFUNCS |= {"atan": "arctan"}
EDGES = [-math.inf, -750.0, -1.0, -0.0, 0.0, 1.0, 750.0, math.inf, math.nan]


@pytest.mark.parametrize("name", UFUNCS)
@pytest.mark.parametrize("argument", EDGES)
def test_functions_of_floats_go_out_of_range_as_in_numpy(name, argument):
    with np.errstate(all="ignore"):
        expected = float(getattr(np, UFUNCS[name])(argument))
    assert Floats().call(name, argument) == pytest.approx(expected, rel=1e-14, nan_ok=True)


@pytest.mark.parametrize(
    ("base", "exponent", "value"),
    [
        (0.0, sp.Integer(-1), math.inf),
        (-1e200, sp.Integer(3), -math.inf),
        (-1e200, sp.Integer(2), math.inf),
        (1e-200, sp.Integer(-2), math.inf),
        (-2.0, sp.Rational(1, 2), math.nan),
        (-2.0, sp.Integer(-3), -0.125),
    ],
)
def test_powers_of_floats_go_to_infinity_or_nan(base, exponent, value):
    assert Floats().power(base, exponent) == pytest.approx(value, nan_ok=True)


@given(st.sampled_from(["exp", "tanh", "sin", "erf", "atan", "expm1", "erfc"]), st.floats(-20, 20))
def test_balls_hold_the_values_of_floats(name, argument):
    ball, number = Balls().call(name, arb(argument)), Floats().call(name, argument)
    assert abs(float(ball) - number) <= 4e-15 * max(1.0, abs(number))
    assert float(ball.rad()) < 1e-12 * max(1.0, abs(number))


def test_a_ball_across_a_branch_is_at_a_kink():
    with pytest.raises(AtKink):
        Balls().branch("<", arb(0), arb(0, 1e-30), lambda: arb(1), lambda: arb(0))


@pytest.mark.parametrize(("relation", "holds"), [("<", 0), ("<=", 1), ("==", 1), ("!=", 0)])
@pytest.mark.parametrize("numbers", [Floats(), Balls()])
def test_equal_numbers_are_equal_at_a_branch(numbers, relation, holds):
    zero, one = numbers.lift(0.0), numbers.lift(1.0)
    assert numbers.branch(relation, zero, zero, lambda: one, lambda: zero) == numbers.lift(float(holds))


@pytest.mark.parametrize("numbers", [Floats(), Balls()])
def test_undefined_functions_have_no_numbers(numbers):
    with pytest.raises(Unsupported, match="g is undefined"):
        numbers.undefined(Slot("g", 1, activation("g")), (0,), ())
