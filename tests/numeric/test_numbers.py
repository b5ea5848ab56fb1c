"""Floats at the edges of their range, balls at branches, and magnitudes as bounds of rounding."""

import math

import numpy as np
import pytest
import sympy as sp
from flint import arb, ctx
from hypothesis import given
from hypothesis import strategies as st

from numeric.numbers import AtKink, Balls, Floats, Magnitudes, Sized
from symbolic.activations import activation
from symbolic.closures import compiled
from symbolic.errors import Unsupported
from symbolic.frame import Frame
from symbolic.losses import loss
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


@pytest.mark.parametrize("numbers", [Floats(), Balls(), Magnitudes(Floats())])
def test_undefined_functions_have_no_numbers(numbers):
    with pytest.raises(Unsupported, match="g is undefined"):
        numbers.undefined(Slot("g", 1, activation("g")), (0,), ())


SMOOTH = ["sigmoid", "tanh", "softplus", "silu", "gelu", "softsign", "sin", "exp", "elu"]


@given(st.sampled_from(SMOOTH), st.floats(-4, 4).filter(lambda z: abs(z) > 1e-3), st.booleans())
def test_rounding_stays_within_a_few_units_of_the_magnitude(name, z, of_slope):
    function = activation(name)
    formula = compiled(function.slope if of_slope else function.definition)
    (variable,) = (function.definition).free_symbols

    def at(numbers):
        return formula(Frame(numbers, scalars={variable: numbers.lift(z)}))

    with ctx.workprec(200):
        true = at(Balls())
    sized = at(Magnitudes(Floats()))
    assert abs(float(true - sized.value)) <= 8 * 2.0**-53 * sized.size
    assert sized.size >= abs(sized.value)


def test_terms_that_cancel_keep_their_magnitude():
    numbers = Magnitudes(Floats())
    difference = numbers.lift(3.0) + numbers.constant(sp.Integer(-3))
    assert difference == Sized(0.0, 6.0)
    assert (difference * numbers.lift(2.0)).size == 12


def relu_slope(z):
    numbers = Magnitudes(Floats())
    slope = compiled(activation("relu").slope)
    (variable,) = activation("relu").definition.free_symbols
    return slope(Frame(numbers, scalars={variable: numbers.lift(1.0) + numbers.lift(z - 1.0)}))


def test_a_slope_at_its_kink_has_an_infinite_magnitude():
    assert relu_slope(0.0).size == relu_slope(1e-6).size == math.inf
    assert (relu_slope(0.01), relu_slope(-0.01)) == (Sized(1.0, 1.0), Sized(0.0, 0.0))


def test_a_value_at_its_kink_has_the_magnitude_of_its_sides():
    numbers = Magnitudes(Floats())
    relu = activation("relu").definition
    (variable,) = relu.free_symbols
    cancelled = numbers.lift(1.0) + numbers.lift(-1.0)
    assert compiled(relu)(Frame(numbers, scalars={variable: cancelled})) == Sized(0.0, 2.0)


def test_pieces_that_meet_smoothly_are_no_kink():
    numbers = Magnitudes(Floats())
    (a, t), slope = sp.symbols("a t", real=True), loss("huber").slope
    joint = compiled(slope)(Frame(numbers, scalars={a: numbers.lift(3.0), t: numbers.lift(2.0)}))
    assert joint.value == 1.0
    assert joint.size < math.inf


def test_nan_decides_no_branch():
    numbers = Magnitudes(Floats())
    branch = numbers.branch(
        "<", numbers.lift(math.nan), numbers.lift(0.0), lambda: numbers.lift(1.0), lambda: numbers.lift(0.0)
    )
    assert branch.size == math.inf
