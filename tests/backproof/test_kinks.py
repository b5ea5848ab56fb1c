"""The slope taken at a kink is named where it is one, and wrong where it is none."""

import numpy as np
import pytest

from backproof.kinks import kinks
from numeric import backprop
from symbolic.network import mlp
from tests.backproof.test_stability import BOTH, asked, hidden

RELU = mlp(hidden="relu")


def relu(z):
    return np.maximum(z, 0)


def relu_with(at_kink):
    return hidden(relu, lambda z, a: np.where(z == 0, at_kink, z > 0).astype(z.dtype))


@BOTH
@pytest.mark.parametrize(
    ("at_kink", "shown", "side"),
    [
        (0.0, "0", "that from the left"),
        (1.0, "1", "that from the right"),
        (0.5, "0.5", "the mean of both sides"),
        (0.3, "0.3", "between 0 and 1"),
    ],
)
def test_the_slope_at_the_kink_is_named(at_kink, shown, side, precision):
    found = kinks(asked(relu_with(at_kink), RELU, precision))
    assert found.finding is None
    assert found.convention == f"slope {shown} at the kink of relu"
    assert found.sentence == f"at the kink of relu at 0 the slope is {shown}, {side}"


@BOTH
@pytest.mark.parametrize("at_kink", [2.0, -0.25, 1.01])
def test_a_slope_that_is_not_between_is_wrong(at_kink, precision):
    found = kinks(asked(relu_with(at_kink), RELU, precision))
    assert found.convention is None and found.finding.kind == "wrong gradient"
    start = f"at the kink of relu the slope is {at_kink:g}, which is not between 0 and 1, on "
    assert found.finding.sentence.startswith(start)
    assert found.finding.disagreements[0].path.startswith("grads[0]")


@pytest.mark.parametrize("broken", ["nan", "bias"])
def test_a_gradient_of_no_one_slope_is_wrong(broken):
    def slope(z, a):
        with np.errstate(invalid="ignore"):
            return relu(z) / z if broken == "nan" else np.where(z >= 0, 1.0, 0.0)

    inner = hidden(relu, slope)

    def gradient(params, x, t):
        (dw, db), output = inner(params, x, t)
        if broken == "bias":
            db = relu_with(0.0)(params, x, t)[0][1]
        return [(dw, db), output]

    found = kinks(asked(gradient, RELU))
    assert "no slope between 0 and 1 gives all of its gradient" in found.finding.sentence


@BOTH
@pytest.mark.parametrize(
    ("name", "convention"),
    [
        ("leaky_relu", "slope 0.01 at the kink of leaky_relu"),
        ("selu", "slope 1.7581 at the kink of selu"),
        ("hardtanh", "slope 0 at the kinks of hardtanh"),
        ("relu6", "slope 0 at the kinks of relu6"),
        ("hardswish", "slope 0 at -3, a kink of hardswish, slope 1 at 3, a kink of hardswish"),
    ],
)
@pytest.mark.parametrize("output", ["identity", "same"])
def test_backprop_by_the_definitions_takes_their_slopes(name, convention, output, precision):
    family = mlp(hidden=name, output=name if output == "same" else output)

    def gradient(params, x, t):
        network = family.network([len(x), *(len(w) for w, _ in params)])
        return backprop.gradient(network, params, x, t)

    found = kinks(asked(gradient, family, precision))
    assert found.finding is None, found.sentence
    assert found.convention == convention


@BOTH
@pytest.mark.parametrize("options", [{"bias": False}, {"l1": "1/m"}, {"l2": "1/m"}], ids=str)
def test_later_layers_and_no_biases_and_penalties_are_looked_at(options, precision):
    family = mlp(2, 3, 2, hidden="tanh", output="relu", **options)

    def gradient(params, x, t):
        return backprop.gradient(family, params, x, t)

    found = kinks(asked(gradient, family, precision))
    assert found.convention == "slope 0 at the kink of relu", found.sentence


@pytest.mark.parametrize("name", ["tanh", "elu", "softsign"])
def test_where_slopes_agree_there_is_no_convention(name):
    family = mlp(hidden=name)
    found = kinks(asked(relu_with(0.0), family))
    assert (found.convention, found.finding, found.sentence) == (None, None, "")


def test_what_is_wrong_beside_the_kink_says_nothing_about_it():
    found = kinks(asked(hidden(relu, lambda z, a: 2.0 * (z > 0)), RELU))
    assert (found.convention, found.finding) == (None, None)
