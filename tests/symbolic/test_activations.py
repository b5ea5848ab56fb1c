"""Activations: definition, slope and stable forms of each row at 100 digits; reading and refusals."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import sympy as sp
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from symbolic.activations import ACTIVATIONS, Activation, AtKinks, Root, Z, activation
from symbolic.errors import FormulaError, InvalidNetwork, Unsupported
from tests.symbolic.helpers import CLOSE, Decimals, Point, mp, value

ELEMENTWISE = [
    *(name for name, row in ACTIVATIONS.items() if row.definition),
    "leaky_relu(3/10)",
    "elu(2/3)",
    "prelu(3/2)",
]
FORMULAS = ["z*tanh(z)", "where(z > 1/2, z**2, z)", "abs(z)", "1/(1 + z**2)", "max(z, -1)", "sin(pi*z)"]
ROOTS = [root for row in ACTIVATIONS.values() for root in row.roots]
POINTS = st.floats(-30, 30).map(mp.mpf)

SELU_SCALE = mp.mpf(10507009873554805) / 10**16
SELU_ALPHA = mp.mpf(16732632423543772) / 10**16
TEXTBOOK = {
    "identity": lambda z: z,
    "sigmoid": lambda z: 1 / (1 + mp.exp(-z)),
    "tanh": lambda z: mp.sinh(z) / mp.cosh(z),
    "relu": lambda z: max(z, mp.mpf(0)),
    "leaky_relu": lambda z: z if z > 0 else z / 100,
    "leaky_relu(3/10)": lambda z: z if z > 0 else 3 * z / 10,
    "elu": lambda z: z if z > 0 else mp.expm1(z),
    "elu(2/3)": lambda z: z if z > 0 else 2 * mp.expm1(z) / 3,
    "prelu": lambda z: z if z > 0 else z / 4,
    "prelu(3/2)": lambda z: z if z > 0 else 3 * z / 2,
    "selu": lambda z: SELU_SCALE * (z if z > 0 else SELU_ALPHA * mp.expm1(z)),
    "softplus": lambda z: mp.log1p(mp.exp(z)),
    "silu": lambda z: z / (1 + mp.exp(-z)),
    "mish": lambda z: z * mp.tanh(mp.log1p(mp.exp(z))),
    "gelu": lambda z: z * mp.ncdf(z),
    "softsign": lambda z: z / (1 + abs(z)),
    "hardtanh": lambda z: min(max(z, mp.mpf(-1)), mp.mpf(1)),
    "relu6": lambda z: min(max(z, mp.mpf(0)), mp.mpf(6)),
    "hardsigmoid": lambda z: min(max(z + 3, mp.mpf(0)), mp.mpf(6)) / 6,
    "hardswish": lambda z: z * min(max(z + 3, mp.mpf(0)), mp.mpf(6)) / 6,
    "sin": mp.sin,
    "exp": mp.exp,
}


def at(formula: sp.Expr, **numbers: Any) -> Any:
    return value(formula, Point(Decimals(), scalars=numbers))


def near(x: Any, y: Any) -> bool:
    return bool(abs(x - y) <= CLOSE * max(1, abs(x)))


def stable(given: Activation, z: Any) -> tuple[Any, Any]:
    """Value and slope by the stable lines, in order; a root is exact here, so that nothing is left of it."""
    known = {"z": z}
    for root in given.row.roots if given.row else ():
        known |= {root.name: exact(root), root.rest: mp.mpf(0)}
    for name, formula in given.stable_lines():
        known[name] = at(formula, **known)
    return known["value"], known["slope"]


def exact(root: Root) -> Any:
    equation = activation(root.equation).definition
    return mp.findroot(lambda z: at(equation, z=z), root.start)


def test_every_row_has_a_textbook_definition() -> None:
    assert TEXTBOOK.keys() == {*ELEMENTWISE}
    assert ACTIVATIONS.keys() - {"softmax"} <= {*ELEMENTWISE}


@pytest.mark.parametrize("name", ELEMENTWISE)
@settings(max_examples=20)
@given(z=POINTS)
def test_definition_is_the_textbooks(name: str, z: Any) -> None:
    assert near(at(activation(name).definition, z=z), TEXTBOOK[name](z))


@pytest.mark.parametrize("name", [*ELEMENTWISE, *FORMULAS])
@settings(max_examples=20)
@given(z=POINTS)
def test_slope_is_the_derivative_of_the_definition(name: str, z: Any) -> None:
    given = activation(name)
    assume(all(abs(z - kink) > 1e-6 for kink in (-3, -1, 0, 0.5, 1, 3, 6)))
    step = mp.mpf(10) ** -30
    up, down = (at(given.definition, z=z + sign * step) for sign in (1, -1))
    assert abs(at(given.slope, z=z) - (up - down) / (2 * step)) <= mp.mpf(10) ** -50 * max(1, up)


@pytest.mark.parametrize("name", [*ELEMENTWISE, *FORMULAS])
@settings(max_examples=20)
@given(z=POINTS)
def test_stable_lines_are_definition_and_slope(name: str, z: Any) -> None:
    assert agree(activation(name), z)


def agree(given: Activation, z: Any) -> bool:
    found, slope = stable(given, z)
    return near(found, at(given.definition, z=z)) and near(slope, at(given.slope, z=z))


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("tanh", ("value = tanh(z)", "slope = 1 - z**2")),
        ("sigmoid", ("value = 1/(1 + exp(z))", "slope = exp(-z)/(1 + exp(-z))**2")),
        ("relu", ("value = max(z, 0)", "slope = where(z >= 0, 1, 0)")),
        ("elu", ("value = where(z > 0, z, alpha*expm1(z))", "slope = where(z > 0, 1, exp(2*z))")),
    ],
)
def test_comparison_rejects_wrong_stable_lines(name: str, wrong: tuple[str, ...]) -> None:
    given = activation(name)
    points = [mp.mpf(n) / 4 for n in range(-8, 9)]
    assert all(agree(given, z) for z in points)
    assert not all(agree(replace(given, row=replace(given.row, stable=wrong)), z) for z in points)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_slope_jumps_at_the_kinks_and_nowhere_else(name: str) -> None:
    given, step = activation(name), mp.mpf(10) ** -60
    for point in range(-7, 8):
        left, right = (at(given.slope, z=point + sign * step) for sign in (-1, 1))
        jumps = point in given.row.kinks and given.text != "elu"  # whose two slopes meet where alpha is 1
        assert (abs(left - right) > 1e-3) is jumps
        outer = right if point > 0 else left
        assert abs(at(given.slope, z=mp.mpf(point)) - outer) < 1e-50


@pytest.mark.parametrize("name", ELEMENTWISE)
@given(point=st.integers(-7, 7) | st.fractions(-7, 7, max_denominator=4))
def test_one_sided_slopes_are_those_beside_the_point(name: str, point: Any) -> None:
    exactly, step = sp.Rational(point), mp.mpf(10) ** -60
    for sign, slope in zip((-1, 1), activation(name).one_sided_slopes(exactly), strict=True):
        beside = at(activation(name).slope, z=mp.mpf(exactly.p) / exactly.q + sign * step)
        assert abs(at(slope) - beside) < 1e-50


@pytest.mark.parametrize(
    ("text", "point", "slopes"),
    [
        ("relu", 0, (0, 1)),
        ("leaky_relu(-2)", 0, (-2, 1)),
        ("hardtanh", -1, (0, 1)),
        ("hardtanh", 1, (1, 0)),
        ("relu6", 6, (1, 0)),
        ("hardswish", -3, (0, sp.Rational(-1, 2))),
        ("elu", 0, (1, 1)),
        ("abs(z - 1/3)", sp.Rational(1, 3), (-1, 1)),
        ("where(z**2 > 2, z, 0)", 1, (0, 0)),
        ("max(z, min(2*z, 1))", 1, (0, 1)),
    ],
)
def test_one_sided_slopes_at_a_kink(text: str, point: Any, slopes: tuple[Any, Any]) -> None:
    assert activation(text).one_sided_slopes(point) == slopes


@pytest.mark.parametrize(
    "name", [name for name in ELEMENTWISE if activation(name).slope_by_value is not None]
)
@settings(max_examples=20)
@given(z=POINTS)
def test_slope_in_the_value_is_the_slope(name: str, z: Any) -> None:
    given = activation(name)
    assert near(at(given.slope_by_value, a=at(given.definition, z=z)), at(given.slope, z=z))


@pytest.mark.parametrize("name", [name for name in ELEMENTWISE if activation(name).has_logs])
@given(z=POINTS)
def test_logarithms_are_those_of_the_value(name: str, z: Any) -> None:
    given, a = activation(name), at(activation(name).definition, z=z)
    log_a, *log_rest = given.stable_logs()
    assert near(at(log_a, z=z), mp.log(a))
    assert [near(at(log, z=z), mp.log(1 - a)) for log in log_rest] == [True] * given.row.is_probability


@pytest.mark.parametrize("name", ELEMENTWISE)
@given(z=POINTS)
def test_probability_is_between_0_and_1_and_positive_above_0(name: str, z: Any) -> None:
    row, a = activation(name).row, at(activation(name).definition, z=z)
    assert not row.is_probability or 0 < a < 1
    assert not row.is_positive or a > 0
    assert row.is_positive or not row.is_probability


@pytest.mark.parametrize("root", ROOTS, ids=lambda root: root.equation)
def test_two_floats_hold_32_digits_of_a_root(root: Root) -> None:
    nearest, rest = root.floats()
    assert nearest == float(exact(root))
    assert abs(mp.mpf(nearest) + rest - exact(root)) < 1e-32
    assert abs(at(activation(root.equation).definition, z=exact(root))) < CLOSE


def test_softmax_and_an_undefined_g_have_no_formula() -> None:
    for name in ("softmax", "g"):
        given = activation(name)
        assert (given.definition, given.slope, given.slope_by_value) == (None, None, None)
    assert (activation("softmax").layer, activation("softmax").has_logs) == ("softmax", True)
    assert (activation("g").undefined, activation("softmax").undefined) == (True, False)


@pytest.mark.parametrize(
    ("text", "name", "shown"),
    [
        (" tanh ", "tanh", "tanh"),
        ("z", "identity", "identity"),
        ("leaky_relu", "leaky_relu", "leaky_relu"),
        ("leaky_relu(0.010)", "leaky_relu", "leaky_relu"),
        ("leaky_relu(0.2)", "leaky_relu", "leaky_relu(1/5)"),
        ("leaky_relu( -1/3 )", "leaky_relu", "leaky_relu(-1/3)"),
        ("elu(1)", "elu", "elu"),
        ("elu(2.5e-1)", "elu", "elu(1/4)"),
        ("g", "g", "g"),
        ("tanh(z)", "formula", "tanh(z)"),
        ("z * 0.5 + (1)", "formula", "z/2 + 1"),
    ],
)
def test_activation_is_read_and_shown(text: str, name: str, shown: str) -> None:
    assert (activation(text).name, activation(text).text) == (name, shown)
    assert activation(activation(text).text) == activation(text)


@given(st.fractions(-9, 9, max_denominator=99))
def test_parameter_reads_back_exactly(alpha: Any) -> None:
    given = activation(f"leaky_relu({alpha})")
    assert given.alpha == sp.Rational(alpha.numerator, alpha.denominator)
    assert activation(given.text) == given


@pytest.mark.parametrize("text", [*ELEMENTWISE, *FORMULAS, "softmax", "g"])
def test_text_of_an_activation_reads_back(text: str) -> None:
    assert activation(activation(text).text) == activation(text)
    assert hash(activation(text)) == hash(activation(activation(text).text))


CHOICES = (
    "elu, exp, gelu, hardsigmoid, hardswish, hardtanh, identity, leaky_relu, mish, prelu, relu, relu6, selu, "
    "sigmoid, silu, sin, softmax, softplus, softsign, tanh, g (undefined), or a formula in z"
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("relU", f"no activation 'relU' (did you mean 'relu'?); choose from {CHOICES}"),
        ("swish", f"no activation 'swish' (did you mean 'hardswish'?); choose from {CHOICES}"),
        ("g(2)", f"no activation 'g'; choose from {CHOICES}"),
        ("Z", f"no activation 'Z'; choose from {CHOICES}"),
        ("tanh(2)", "activation 'tanh' has no parameter, but 2 was given; write 'tanh'"),
        ("softmax( 1/2 )", "activation 'softmax' has no parameter, but 1/2 was given; write 'softmax'"),
    ],
)
def test_unknown_activation_is_refused(text: str, message: str) -> None:
    with pytest.raises(InvalidNetwork) as refusal:
        activation(text)
    assert str(refusal.value) == message


@pytest.mark.parametrize(
    ("text", "problem", "position"),
    [
        ("", "found the end, expected a number, a name or '('", 0),
        ("z +", "found the end, expected a number, a name or '('", 3),
        ("leaky_relu(1/0)", "division by zero", 1),
        ("leaky_relu(1e400)", "this number is too long; a number here has at most 308 digits", 0),
        ("z/(z - z)", "division by zero", 1),
        ("__import__('os').system('true')", "found '_'; a name begins with a letter", 0),
    ],
)
def test_formula_that_does_not_parse_is_refused_at_its_character(
    text: str, problem: str, position: int
) -> None:
    with pytest.raises(FormulaError) as refusal:
        activation(text)
    assert (refusal.value.problem, refusal.value.position) == (problem, position)


@pytest.mark.parametrize("text", ["z*a", "z + t", "alpha*z", "m*z", "g(z)"])
def test_formula_knows_z_alone(text: str) -> None:
    with pytest.raises(FormulaError, match=r"unknown (name|function)"):
        activation(text)


@pytest.mark.parametrize("text", ["relu", "leaky_relu", "relu6", "hardtanh", "abs(z)", "max(z, 2)*z"])
@pytest.mark.parametrize("at_kinks", ["left", "right", "mean"])
def test_slope_at_a_kink_is_the_one_that_is_named(text: str, at_kinks: AtKinks) -> None:
    named = replace(activation(text), at_kinks=at_kinks)
    assert named.kinks
    for kink in named.kinks:
        left, right = named.one_sided_slopes(kink)
        wanted = {"left": left, "right": right, "mean": (left + right) / 2}[at_kinks]
        assert named.slope.xreplace({Z: kink}) == wanted != {"left": right, "right": left}.get(at_kinks)
        assert dict(named.stable_lines())["slope"].xreplace({Z: kink}) == wanted
        beside = kink + sp.Rational(1, 3)
        assert named.slope.xreplace({Z: beside}) == activation(text).slope.xreplace({Z: beside})


def test_formula_without_a_jump_of_its_slope_has_no_kink() -> None:
    assert activation("where(z > 0, z**2, 0)").kinks == activation("tanh").kinks == ()
    with pytest.raises(Unsupported, match="not where a polynomial vanishes"):
        replace(activation("where(exp(z) > 2, z, 0)"), at_kinks="left").slope  # noqa: B018
