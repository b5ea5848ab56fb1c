"""Factors: one formula in m and k at all shapes, the data term and the penalty apart, or none."""

import numpy as np
import pytest

from backproof.factors import factors, short_number
from symbolic.network import mlp
from tests.backproof.on_designed_points import groups
from tests.backproof.textbook import textbook

PLAIN = mlp(hidden="tanh", loss="half-squared", scale="1/m")
DECAY = mlp(hidden="tanh", loss="half-squared", scale="1/m", l2="lambda/(2*m)")


def scaled(scale, l2=None):
    return textbook(hidden="tanh", scale=scale, l2=l2)


@pytest.mark.parametrize(
    ("scale", "text"),
    [
        (lambda m, k: 1 / m, "1"),
        (lambda m, k: 1, "m"),
        (lambda m, k: -1 / m, "-1"),
        (lambda m, k: 2 / m, "2"),
        (lambda m, k: 1 / (2 * m), "1/2"),
        (lambda m, k: 1 / (m * k), "1/k"),
        (lambda m, k: 2 / k, "2*m/k"),
        (lambda m, k: 1 / m**2, "1/m"),
        (lambda m, k: 0.01 / m, "0.01"),
        (lambda m, k: -0.3 / m, "-0.3"),
    ],
)
def test_a_factor_of_the_data_term_is_found(scale, text):
    found = factors(groups(scaled(scale), PLAIN), takes_lam=False)
    assert found is not None
    assert found.data.text == text
    assert found.penalty is None
    assert found.is_declared == (text == "1")


@pytest.mark.parametrize(
    ("l2", "text"),
    [
        (lambda lam, m: lam / (2 * m), "1"),
        (lambda lam, m: lam / 2, "m"),
        (lambda lam, m: lam / m, "2"),
        (lambda lam, m: -lam / (2 * m), "-1"),
        (lambda lam, m: 0 * lam, "0"),
    ],
)
@pytest.mark.parametrize(("scale", "data"), [(lambda m, k: 1 / m, "1"), (lambda m, k: 1 / k, "m/k")])
def test_the_penalty_has_a_factor_of_its_own(l2, text, scale, data):
    found = factors(groups(scaled(scale, l2), DECAY, takes_lam=True), takes_lam=True)
    assert (found.data.text, found.penalty.text) == (data, text)


@pytest.mark.parametrize("bug", ["bias mean", "1/m at every layer", "slope at a for z", "updated weights"])
def test_what_is_wrong_by_more_than_a_factor_has_none(bug):
    assert factors(groups(textbook(hidden="tanh", bug=bug), PLAIN), takes_lam=False) is None


def test_a_factor_that_is_no_formula_of_the_shape_is_none():
    def by_values(params, x, t):
        return [(dw * (2 + x[0, 0]), db * (2 + x[0, 0])) for dw, db in textbook(hidden="tanh")(params, x, t)]

    assert factors(groups(by_values, PLAIN), takes_lam=False) is None


def test_two_formulas_that_one_shape_cannot_tell_apart_are_both_named():
    found = factors(
        groups(scaled(lambda m, k: 2 / m), mlp(3, 4, 2, hidden="tanh", scale="1/m")), takes_lam=False
    )
    assert (found.data.text, found.data.alternatives[0]) in {("2", "k"), ("k", "2")}


def test_a_constant_that_is_almost_1_is_not_said_to_be_1():
    assert [short_number(x) for x in (1.0, 1 + 1e-9, 1 - 2e-12)] == ["1", "1 + 1e-09", "1 - 2e-12"]


def test_fitted_constants_are_as_short_as_they_can_be():
    assert [short_number(x) for x in (0.01, 1 / 3, -1.0, 0.1 + 1e-12)] == ["0.01", "0.333333333", "-1", "0.1"]
    assert np.isclose(float(short_number(np.pi)), np.pi, rtol=1e-9)
