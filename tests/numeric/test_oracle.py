"""The oracle in balls against values worked out by hand, its own loss, and floats."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backproof.strategies import networks, points
from numeric.envelope import DOUBLE
from numeric.oracle import activate, exact, is_curved
from numeric.problem import problem_of, problem_of_graph
from numeric.references import references
from symbolic.activations import activation
from symbolic.errors import Unsupported
from symbolic.graph import graph, loss, node
from symbolic.network import Dense, mlp


def arrays_of(problem, *given):
    return dict(zip(problem.given, map(np.asarray, given), strict=True))


def test_gradient_of_the_textbook_example_is_exact():
    problem = problem_of(mlp(1, 1, 1, hidden="relu", loss="half-squared", l2="lambda/2"))
    # z1 = 3, -3; a2 = 5, -4; errors 4, -5
    values = arrays_of(problem, [[2.0]], [1.0], [[3.0]], [-4.0], [[1.0, -2.0]], [[1.0, 1.0]])
    found = exact(problem, values, 2, lam=0.5)
    w1, b1, w2, b2 = (found.gradient[array] for array in problem.parameters)
    assert found.loss == (16 + 25) / 4 + 0.25 * (4 + 9)
    assert (w1, b1) == ([[4 / 2 * 3 * 1 + 0.5 * 2]], [6])
    assert (w2, b2) == ([[4 / 2 * 3 + 0.5 * 3]], [-0.5])


@settings(max_examples=30)
@given(st.data())
def test_loss_rises_along_the_gradient_as_it_should(data):
    problem = problem_of(data.draw(networks()))
    point = data.draw(points(problem.network))
    values = point.values(problem)
    here = exact(problem, values, point.samples, lam=point.lam)
    step = 1e-7

    def moved(sign):
        there = {array: values[array] + sign * step * here.gradient[array] for array in problem.parameters}
        return exact(problem, values | there, point.samples, lam=point.lam).loss

    slope = sum(float((entries**2).sum()) for entries in here.gradient.values())
    rounding = 1e-14 * max(1.0, abs(here.loss)) / step
    assert (moved(1) - moved(-1)) / (2 * step) == pytest.approx(slope, rel=1e-5, abs=rounding)


@settings(max_examples=40)
@given(st.data())
def test_balls_lie_within_the_envelope_of_doubles(data):
    problem = problem_of(data.draw(networks(max_depth=4)))
    point = data.draw(points(problem.network))
    values = point.values(problem)
    sure = exact(problem, values, point.samples, lam=point.lam)
    stacked = {array: value[None] for array, value in values.items()}
    found = references(problem, stacked, point.samples, DOUBLE, lam=[point.lam])
    assert abs(found.loss.value[0] - sure.loss) <= found.loss.worst[0] / 2  # the half that is ours
    for array, entries in sure.gradient.items():
        bounded = found.gradient[array].at(0)
        assert (np.abs(bounded.value - entries) <= bounded.worst / 2).all()


def test_a_graph_has_the_gradient_of_the_chain_that_it_is():
    nodes = {
        "h": node("dense", "x", units=3),
        "a": node("tanh", "h"),
        "y": node("dense", "a", units=2),
    }
    other = problem_of_graph(
        graph(inputs={"x": (2, "m")}, nodes=nodes, losses={"E": loss("half-squared", "y")})
    )
    chain = problem_of(mlp(2, 3, 2, hidden="tanh", loss="half-squared", scale="1/m"))
    rng = np.random.default_rng(0)
    given = [rng.normal(size=shape) for shape in ((3, 2), (3,), (2, 3), (2,), (2, 4), (2, 4))]
    assert [a.label for a in other.given] == ["h.W", "h.b", "y.W", "y.b", "x", "t"]
    one, two = (exact(problem, arrays_of(problem, *given), 4) for problem in (chain, other))
    assert one.loss == two.loss
    for mine, theirs in zip(chain.parameters, other.parameters, strict=True):
        assert (one.gradient[mine] == two.gradient[theirs]).all()


def test_where_a_case_is_not_decided_no_value_is_certain():
    problem = problem_of(mlp(1, 2, 1, 1, hidden=["tanh", "relu"]))
    given = [[1.0], [1.0]], [0.0, 0.0], [[1.0, -1.0]], [0.0], [[1.0]], [0.0], [[1.0]], [[2.0]]
    found = exact(problem, arrays_of(problem, *given), 1)  # tanh 1 - tanh 1, a ball around 0
    assert np.isnan([found.loss, *(entry for a in found.gradient.values() for entry in a.ravel())]).all()


@pytest.mark.parametrize(
    ("name", "curved"),
    [("identity", 0), ("relu", 0), ("leaky_relu", 0), ("elu", 1), ("tanh", 1), ("softmax", 1)],
)
def test_piecewise_linear_units_are_not_curved(name, curved):
    assert is_curved(activation(name)) == curved


def test_activations_are_applied_to_whole_layers():
    z = np.array([[0.5, -1.0], [0.5, 1.0]])
    layer = Dense(2, activation("softmax"))
    assert activate(layer, z)[:, 0].tolist() == [0.5, 0.5]


def test_an_undefined_activation_has_no_values():
    with pytest.raises(Unsupported):
        problem_of(mlp(1, 1, 1))
