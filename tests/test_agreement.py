"""All routes to one gradient, held against each other on drawn networks.

A closed form by sympy.diff, B the derivation evaluated index by index, its generated code, C the hand-written
backprop, D differences of the forward pass. A and B meet within the worst that rounding can do, as do B, C
and the code; D has its own estimate of its error.
"""

from functools import cache

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from backproof.points import generic_point, shift_count
from backproof.strategies import networks, points
from numeric import backprop
from numeric.comparison import compare
from numeric.differences import loss_gradient_by_differences
from numeric.envelope import DOUBLE
from numeric.native.compiled import compiled
from numeric.problem import problem_of
from numeric.references import references
from symbolic import closed_form
from symbolic.closed_form import SAMPLE, ClosedForm, Weight
from symbolic.errors import Unsupported
from symbolic.network import mlp

SLACK = 4  # of a difference's estimated error, which is no bound


def references_at(network, point):
    """The exact loss and gradient, with their bounds."""
    problem = problem_of(network)
    values = {array: value[None] for array, value in point.values(problem).items()}
    found = references(problem, values, point.samples, DOUBLE, lam=[point.lam])
    return found.loss.at(0), [found.gradient[array].at(0) for array in problem.parameters]


def assert_agree(entries, given_value):
    """Every entry is within the bound of the exact one."""
    found = compare(entries, np.asarray(given_value))
    assert found.counted.all() and not found.disagrees.any() and not found.not_finite.any(), (
        found.excess.max()
    )


def pairs(gradient):
    return [array for pair in gradient for array in pair if array is not None]


def keywords(network, point):
    return {"lam": point.lam} if network.objective.has_lambda else {}


@given(st.data())
@settings(max_examples=60)
def test_derivation_code_backprop_and_differences_agree(data):
    network = data.draw(networks(max_width=8, max_depth=3, unequal=data.draw(st.booleans())))
    point = data.draw(points(network))
    loss, gradient = references_at(network, point)
    code, known = compiled(network), keywords(network, point)
    by_hand = backprop.gradient(network, point.params, point.x, point.t, lam=point.lam)
    by_code = code.gradient(point.params, point.x, point.t, **known)
    by_differences, errors = loss_gradient_by_differences(
        network, point.params, point.x, point.t, lam=point.lam
    )

    assert_agree(loss, backprop.loss(network, point.params, point.x, point.t, lam=point.lam))
    assert_agree(loss, code.loss(point.params, point.x, point.t, **known))
    for entries, hand, written, difference, error in zip(
        gradient,
        pairs(by_hand),
        pairs(by_code),
        pairs(by_differences),
        pairs(errors),
        strict=True,
    ):
        assert_agree(entries, hand)
        assert_agree(entries, written)
        assert (np.abs(difference - entries.value) <= SLACK * error + entries.worst).all()


STRUCTURES = [
    mlp(2, 3, 1, hidden="tanh"),
    mlp(3, 4, 2, hidden="sigmoid", output="sigmoid", loss="binary-cross-entropy", l2="lambda/(2*m)"),
    mlp(2, 3, 2, hidden="softplus", output="softmax", loss="cross-entropy", scale="1/(m*k)"),
    mlp(3, 2, output="sigmoid", loss="cross-entropy", scale="1"),
    mlp(2, 3, 2, hidden="relu", loss="huber", l1="lambda"),
    mlp(2, 3, 1, hidden="leaky_relu(3/10)", loss="squared", bias=False),
    mlp(2, 3, 2, hidden="elu", output="tanh", loss="squared"),
    mlp(3, 2, 1, hidden="silu", l2="lambda", l1="lambda/m", penalize_biases=True),
    mlp(2, 4, 1, hidden="gelu"),
    mlp(2, 2, 1, hidden="softsign", output="softsign"),
    mlp(2, 3, 2, hidden="sin", output="exp"),
    mlp(2, 3, 2, hidden="softmax"),
    mlp(2, 2, 3, 1, hidden=["tanh", "identity"], bias=[True, False, True]),
    mlp(3, 2, hidden="tanh", output="softmax", loss="squared"),
    mlp(2, 3, 1, hidden="z*tanh(z)", loss="(a - t)**4"),
    mlp(1, 2, 2, 1, hidden="tanh", loss="huber"),
]


@cache
def closed_derivative(structure, name):
    """∂e/∂w of one sample and ∂(penalties)/∂w by sympy.diff, as functions of all parameters, x and t."""
    form = ClosedForm(STRUCTURES[structure])
    weight = next(w for w in closed_form.weights(form.network) if str(w) == name)
    sizes = form.network.sizes
    x = [sp.IndexedBase("X", real=True)[j, SAMPLE] for j in range(1, sizes[0] + 1)]
    t = [sp.IndexedBase("T", real=True)[i, SAMPLE] for i in range(1, sizes[-1] + 1)]
    symbols = [w.symbol for w in closed_form.weights(form.network)]
    sample = sp.lambdify([symbols, x, t], form.per_sample.diff(weight.symbol), "math", cse=True)
    penalty = sp.lambdify(
        [symbols, *sp.symbols("lambda m", real=True)], form.penalties.diff(weight.symbol), "math"
    )
    scale = sp.lambdify(sp.Symbol("m", real=True), form.scale, "math")
    return weight, sample, penalty, scale


@pytest.mark.parametrize("structure", range(len(STRUCTURES)), ids=[str(network) for network in STRUCTURES])
def test_closed_form_is_estimated_under_a_second(structure):
    network = STRUCTURES[structure]
    assert max(closed_form.seconds(network, layer) for layer in range(1, network.depth + 1)) < 1


@given(st.data())
@settings(max_examples=150)
def test_closed_form_agrees_with_the_derivation(data):
    structure = data.draw(st.integers(0, len(STRUCTURES) - 1))
    network = STRUCTURES[structure]
    point = data.draw(points(network))
    names = [str(weight) for weight in closed_form.weights(network)]
    weight, sample, penalty, scale = closed_derivative(
        structure, data.draw(st.sampled_from(names[:: len(names) // 3]))
    )
    flat = [value for array in pairs(point.params) for value in array.ravel().tolist()]
    columns = zip(point.x.T.tolist(), point.t.T.tolist(), strict=True)
    value = scale(point.samples) * sum(sample(flat, x, t) for x, t in columns)
    value += penalty(flat, point.lam, point.samples)

    _, gradient = references_at(network, point)
    arrays = {(array.layer, array.name): n for n, array in enumerate(problem_of(network).parameters)}
    entries = gradient[arrays[weight.layer, weight.name]]
    at = tuple(index - 1 for index in weight.indices)
    assert abs(value - entries.value[at]) <= entries.worst[at]


def test_a_wrong_rule_is_rejected():
    network = mlp(2, 3, 1, hidden="tanh")
    point = generic_point(network, 4, [0] * shift_count(network, 4))
    _, gradient = references_at(network, point)
    with pytest.raises(AssertionError):
        assert_agree(gradient[0], 4 * backprop.gradient(network, point.params, point.x, point.t)[0][0])


def test_closed_form_refuses_to_swell():
    with pytest.raises(Unsupported, match="would have about"):
        ClosedForm(mlp(8, 32, 32, 4, hidden="tanh")).derivative(Weight("W", 1, (1, 1)))
