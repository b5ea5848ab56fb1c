"""Losses and penalties: definition and slope of each row at 100 digits; scales; reading and refusals."""

from __future__ import annotations

from typing import Any

import pytest
import sympy as sp
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from symbolic.activations import ACTIVATIONS, activation
from symbolic.errors import FormulaError, InvalidNetwork
from symbolic.losses import LOSSES, PENALTIES, SCALES, A, Loss, T, check_output, loss, penalty, scale
from symbolic.losses import OUTPUTS as K
from tests.symbolic.helpers import CLOSE, Decimals, Point, mp, value

FORMULAS = ["(a - t)**4", "abs(a - t)", "-t*log(a)/2", "sin(a*t)", "where(a > t, a - t, 0)"]
OUTPUTS = 4
PROBABILITIES = st.floats(1e-3, 1 - 1e-3).map(mp.mpf)


def huber(a: Any, t: Any) -> Any:
    d = abs(a - t)
    return d * d / 2 if d <= 1 else d - mp.mpf(1) / 2


TEXTBOOK = {
    "squared": lambda a, t: (a - t) ** 2,
    "half-squared": lambda a, t: (a - t) ** 2 / 2,
    "cross-entropy": lambda a, t: -t * mp.log(a),
    "binary-cross-entropy": lambda a, t: -t * mp.log(a) - (1 - t) * mp.log(1 - a),
    "label-smoothing": lambda a, t: -(mp.mpf(9) / 10 * t + mp.mpf(1) / 40) * mp.log(a),
    "label-smoothing(1/3)": lambda a, t: -(mp.mpf(2) / 3 * t + mp.mpf(1) / 12) * mp.log(a),
    "kl": lambda a, t: (t * mp.log(t) if t > 0 else 0) - t * mp.log(a),
    "poisson": lambda a, t: a - t * mp.log(a),
    "hinge": lambda a, t: max(1 - a * t, mp.mpf(0)),
    "huber": huber,
}


def at(formula: sp.Expr, **numbers: Any) -> Any:
    return value(formula, Point(Decimals(), scalars=numbers))


def is_slope(slope: sp.Expr, given: Loss, a: Any, t: Any) -> bool:
    """Whether a formula is ∂e/∂a at a point, by a difference of 100 digits."""
    step, k = mp.mpf(10) ** -30, mp.mpf(OUTPUTS)
    up, down = (at(given.definition, a=a + sign * step, t=t, k=k) for sign in (1, -1))
    return bool(abs(at(slope, a=a, t=t, k=k) - (up - down) / (2 * step)) <= mp.mpf(10) ** -40)


def test_every_row_has_a_textbook_definition() -> None:
    assert TEXTBOOK.keys() == LOSSES.keys() | {"label-smoothing(1/3)"}


@pytest.mark.parametrize("name", TEXTBOOK)
@settings(max_examples=20)
@given(a=PROBABILITIES, t=st.floats(-3, 3).map(mp.mpf))
def test_definition_is_the_textbooks(name: str, a: Any, t: Any) -> None:
    assert abs(at(loss(name).definition, a=a, t=t, k=mp.mpf(OUTPUTS)) - TEXTBOOK[name](a, t)) <= CLOSE


@pytest.mark.parametrize("name", [*LOSSES, *FORMULAS])
@settings(max_examples=20)
@given(a=PROBABILITIES, t=st.floats(-3, 3).map(mp.mpf))
def test_slope_is_the_derivative_of_the_definition_by_a(name: str, a: Any, t: Any) -> None:
    assume(all(abs(abs(a - t) - kink) > 1e-9 for kink in (0, 1)) and abs(a * t - 1) > 1e-9)
    assert is_slope(loss(name).slope, loss(name), a, t)


@pytest.mark.parametrize("name", LOSSES)
def test_difference_rejects_the_slope_of_another_loss(name: str) -> None:
    a, t = mp.mpf("0.3"), mp.mpf("1.9")
    same = {"kl", "cross-entropy"}  # they differ by a function of t
    found = {other for other in LOSSES if is_slope(loss(other).slope, loss(name), a, t)}
    assert found == (same if name in same else {name})


@pytest.mark.parametrize("side", [-1, 1])
def test_pieces_of_huber_meet_in_value_and_slope(side: int) -> None:
    step = mp.mpf(10) ** -60
    for formula in (loss("huber").definition, loss("huber").slope):
        here, beyond = (at(formula, a=side * (1 + shift), t=mp.mpf(0)) for shift in (mp.mpf(0), step))
        assert abs(here - beyond) < 1e-50


def test_number_of_outputs_is_put_in_where_it_is_known_and_named() -> None:
    given = loss("label-smoothing(1/3)")
    counted = given.of_outputs(OUTPUTS)
    assert counted.definition.free_symbols == {A, T} and given.definition.free_symbols == {A, T, K}
    assert counted.of_outputs(7) == given.of_outputs(7) and given.of_outputs(sp.Symbol("n")) == given
    assert loss("kl").of_outputs(OUTPUTS) == loss("kl")


@pytest.mark.parametrize(
    ("output", "message"),
    [
        (
            "tanh",
            "poisson takes the logarithm of the output, which tanh does not keep above 0; choose the output "
            "sigmoid, softplus, exp or softmax, or another loss",
        ),
        (
            "relu",
            "poisson takes the logarithm of the output, which relu does not keep above 0; choose the output "
            "sigmoid, softplus, exp or softmax, or another loss",
        ),
    ],
)
def test_logarithm_of_what_may_be_0_is_refused(output: str, message: str) -> None:
    with pytest.raises(InvalidNetwork) as refusal:
        check_output(activation(output), loss("poisson"))
    assert str(refusal.value) == message


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("output", [*ACTIVATIONS, "g", "z**2"])
def test_loss_is_taken_of_outputs_for_which_it_is_defined(name: str, output: str) -> None:
    given, row = activation(output), activation(output).row
    wants = [loss(name).row.needs_probability, loss(name).row.needs_positive]
    has = [row is None or row.is_probability, row is None or row.is_positive]
    if all(had or not wanted for wanted, had in zip(wants, has, strict=True)):
        check_output(given, loss(name))
    else:
        with pytest.raises(InvalidNetwork, match=r"takes (the logarithm|logarithms) of the output"):
            check_output(given, loss(name))


def test_an_undefined_loss_has_no_formula() -> None:
    assert (loss("E").definition, loss("E").slope, loss("E").undefined) == (None, None, True)
    assert not loss("squared").undefined


@pytest.mark.parametrize(
    ("text", "name", "shown"),
    [
        (" squared ", "squared", "squared"),
        ("cross-entropy", "cross-entropy", "cross-entropy"),
        ("label-smoothing", "label-smoothing", "label-smoothing"),
        ("label-smoothing(0.1)", "label-smoothing", "label-smoothing"),
        (" label-smoothing( 0.25 ) ", "label-smoothing", "label-smoothing(1/4)"),
        ("E", "E", "E"),
        ("a", "formula", "a"),
        ("(a - t)**2/2", "formula", "(a - t)**2/2"),
        ("0.5*(a-t)**4", "formula", "(a - t)**4/2"),
    ],
)
def test_loss_is_read_and_shown(text: str, name: str, shown: str) -> None:
    assert (loss(text).name, loss(text).text) == (name, shown)


@pytest.mark.parametrize("text", [*LOSSES, "label-smoothing(2/7)", *FORMULAS, "E"])
def test_text_of_a_loss_reads_back(text: str) -> None:
    assert loss(loss(text).text) == loss(text)


CHOICES = (
    "squared, half-squared, cross-entropy, binary-cross-entropy, label-smoothing, kl, poisson, hinge, huber, "
    "half-mse, E (undefined), or a formula in a and t"
)


def smoothing(argument: str) -> str:
    return (
        "label-smoothing takes the share of the targets that is spread over all outputs, between 0 and 1, "
        f"but {argument} was given; write 'label-smoothing(1/10)', or cross-entropy for 0"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "mse",
            "loss 'mse' has two readings; choose 'squared' with scale 1/(m*k), the mean over samples "
            "and outputs, or 'half-mse', one half of the squared error with scale 1/m",
        ),
        ("CE", f"no loss 'CE'; choose from {CHOICES}"),
        ("cross_entropy", f"no loss 'cross_entropy' (did you mean 'cross-entropy'?); choose from {CHOICES}"),
        ("squared(2)", "loss 'squared' has no parameter, but 2 was given; write 'squared'"),
        ("label-smoothing(0)", smoothing("0")),
        ("label-smoothing(1)", smoothing("1")),
        ("label-smoothing(-1/10)", smoothing("-1/10")),
        ("label-smoothing(7.5)", smoothing("7.5")),
        ("Huber", f"no loss 'Huber' (did you mean 'huber'?); choose from {CHOICES}"),
    ],
)
def test_unknown_loss_is_refused(text: str, message: str) -> None:
    with pytest.raises(InvalidNetwork) as refusal:
        loss(text)
    assert str(refusal.value) == message


@pytest.mark.parametrize(
    ("text", "problem", "position"),
    [
        ("", "found the end, expected a number, a name or '('", 0),
        ("(a - t)**", "found the end, expected a number, a name or '('", 9),
        ("1/(a - a)", "division by zero", 1),
    ],
)
def test_formula_that_does_not_parse_is_refused_at_its_character(
    text: str, problem: str, position: int
) -> None:
    with pytest.raises(FormulaError) as refusal:
        loss(text)
    assert (refusal.value.problem, refusal.value.position) == (problem, position)


@pytest.mark.parametrize("text", ["a*z", "(a - y)**2", "m*(a - t)", "E(a, t)"])
def test_formula_knows_a_and_t_alone(text: str) -> None:
    with pytest.raises(FormulaError, match=r"unknown (name|function)"):
        loss(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1", 1), ("1/m", "1/5"), (" 1 / m ", "1/5"), ("1/(m*k)", "1/15"), ("1/(k*m)", "1/15")],
)
def test_scale_is_one_of_three(text: str, expected: Any) -> None:
    assert (
        at(scale(text), m=mp.mpf(5), k=mp.mpf(3)) == mp.mpf(sp.Rational(expected).p) / sp.Rational(expected).q
    )


@pytest.mark.parametrize("text", ["m", "2/m", "1/k", "k/m", "1/m**2"])
def test_other_scale_is_refused(text: str) -> None:
    with pytest.raises(InvalidNetwork) as refusal:
        scale(text)
    assert str(refusal.value) == f"no scale '{text}'; choose from 1, 1/m, 1/(m*k)"


def test_scales_are_all_readable_and_different() -> None:
    assert len({scale(text) for text in SCALES}) == len(SCALES)


@pytest.mark.parametrize(("norm", "expected"), [("l2", lambda w: w * w), ("l1", abs)])
@given(w=st.floats(-9, 9).map(mp.mpf))
def test_penalty_is_its_norm(norm: str, expected: Any, w: Any) -> None:
    assert norm in PENALTIES
    assert at(penalty(norm, "lambda").definition, w=w) == expected(w)


def test_penalty_has_its_factor_and_says_whether_it_covers_biases() -> None:
    given = penalty("l2", "lambda/(2*m)", biases=True)
    assert at(given.factor, **{"lambda": mp.mpf(3), "m": mp.mpf(4)}) == mp.mpf(3) / 8
    assert given.biases and not penalty("l2", "lambda").biases


@pytest.mark.parametrize(
    ("norm", "message"),
    [("l3", "no penalty 'l3'; choose from l2, l1"), ("L2", "no penalty 'L2'; choose from l2, l1")],
)
def test_unknown_penalty_is_refused(norm: str, message: str) -> None:
    with pytest.raises(InvalidNetwork) as refusal:
        penalty(norm, "lambda")
    assert str(refusal.value) == message


@pytest.mark.parametrize("factor", ["lambda*w", "k", "lam", "lambda/(m"])
def test_factor_knows_lambda_and_m_alone(factor: str) -> None:
    with pytest.raises(FormulaError):
        penalty("l2", factor)


@pytest.mark.parametrize("text", ["a-t", "t-a", "-a", "t"])
def test_formula_without_blanks_is_a_formula(text):
    assert loss(text).name == "formula"


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("Sum((a[k] - t[k])**4, k)", "(a - t)**4"),
        ("Sum((a[k] - t[k])**4, k)/2 + Sum(abs(a[j]), j)", "(a - t)**4/2 + abs(a)"),
        ("Sum(where(a[k] > t[k], a[k]*t[k], 0), k)", "where(a > t, a*t, 0)"),
    ],
)
def test_sum_over_outputs_is_the_loss_of_its_term(text: str, term: str) -> None:
    assert loss(text) == loss(term)


@pytest.mark.parametrize(
    "text",
    [
        "Sum(a[k]*Sum(t[j], j), k)",
        "Sum(a[k], k)**2",
        "Sum(a[k]*w[k], k)",
        "Sum(a[k + 1], k)",
        "Sum(a[k], k)*t[1]",
    ],
)
def test_sum_that_mixes_outputs_is_refused(text: str) -> None:
    with pytest.raises(InvalidNetwork, match=r"what mixes outputs is a layer of its own"):
        loss(text)


def test_error_in_a_sum_points_at_the_character_of_the_text_given() -> None:
    with pytest.raises(FormulaError) as refusal:
        loss("Sum((a[k] - t[k)**4, k)")
    assert (refusal.value.position, refusal.value.text) == (15, "Sum((a[k] - t[k)**4, k)")
