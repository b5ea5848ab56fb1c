"""References at many points at once: those of each point by itself, with the bounds of every way."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backproof.strategies import networks, points
from numeric.comparison import compare
from numeric.envelope import DOUBLE, PRECISIONS
from numeric.problem import SOFTMAX, problem_of, problem_of_graph
from numeric.references import references
from symbolic.errors import Unsupported
from symbolic.graph import graph, loss, node
from symbolic.network import mlp

CLASSES = mlp(2, 3, hidden="tanh", output="softmax", loss="cross-entropy")


def stacked(problem, drawn):
    each = [point.values(problem) for point in drawn]
    return {array: np.array([values[array] for values in each]) for array in problem.given}


@settings(max_examples=15)
@given(st.data(), st.sampled_from(["float64", "float32"]))
def test_points_together_are_the_points_one_by_one(data, precision):
    problem = problem_of(data.draw(networks()))
    samples = data.draw(st.integers(1, 3))
    same = points(problem.network, min_samples=samples, max_samples=samples)
    drawn = [data.draw(same) for _ in range(3)]
    known = PRECISIONS[precision]
    together = references(problem, stacked(problem, drawn), samples, known, lam=[p.lam for p in drawn])
    for place, point in enumerate(drawn):
        alone = references(problem, stacked(problem, [point]), samples, known, lam=[point.lam])
        pairs = [(together.loss, alone.loss)]
        pairs += [(together.gradient[array], alone.gradient[array]) for array in problem.parameters]
        for one, other in pairs:
            np.testing.assert_allclose(one.value[place], other.value[0], rtol=1e-11, atol=1e-14)
            np.testing.assert_allclose(one.worst[place], other.worst[0], rtol=1e-6)


@settings(max_examples=15)
@given(st.data())
def test_the_near_bound_is_within_the_worst_and_floats_are_within_the_near_one(data):
    problem = problem_of(data.draw(networks()))
    point = data.draw(points(problem.network))
    values = stacked(problem, [point])
    single = references(problem, values, point.samples, PRECISIONS["float32"], lam=[point.lam])
    double = references(problem, values, point.samples, DOUBLE, lam=[point.lam])
    for array in problem.parameters:
        wide, narrow = single.gradient[array], double.gradient[array]
        assert (wide.near <= wide.worst).all() and (narrow.near <= narrow.worst).all()
        known = np.isfinite(narrow.worst)
        assert (narrow.worst[known] < wide.worst[known]).all()
        assert compare(wide.at(0), narrow.value[0].astype(np.float32)).agrees.all() or not known.all()


def test_a_softmax_is_bounded_by_the_worst_of_its_ways():
    problem = problem_of(CLASSES)
    assert [len(ways) for ways in problem.stages] == [1, len(SOFTMAX), 1]
    assert len(problem.backward) == 2  # fused with its loss, and not
    w = np.array([[[3.0, 1.0], [2.0, -2.0], [-1.0, 0.5]]])
    values = [w, np.array([[5.0, 1.0, -4.0]]), np.array([[[2.0], [1.0]]]), np.array([[[0.0], [1.0], [0.0]]])]
    known = dict(zip(problem.given, values, strict=True))
    both = references(problem, known, 1, PRECISIONS["float32"])

    fused = replace(problem, backward=problem.backward[:1], stages=tuple(ways[:1] for ways in problem.stages))
    alone = references(fused, known, 1, PRECISIONS["float32"])
    for array in problem.parameters:
        assert (both.gradient[array].worst >= alone.gradient[array].worst).all()
        assert (both.gradient[array].worst > 1.2 * alone.gradient[array].worst).any()
        assert (both.gradient[array].value == alone.gradient[array].value).all()


def test_a_way_that_is_out_of_range_bounds_nothing():
    problem = problem_of(CLASSES)
    w = [[[900.0, 0.0], [1.0, 1.0], [0.0, 2.0]]]
    values = [w, [[0.0, 0.0, 0.0]], [[[1.0], [0.5]]], [[[1.0], [0.0], [0.0]]]]
    known = {a: np.array(v, float) for a, v in zip(problem.given, values, strict=True)}
    found = references(problem, known, 1, DOUBLE)
    for array in problem.parameters:
        assert np.isfinite(found.gradient[array].value).all()
        assert np.isfinite(found.gradient[array].worst).all()


def test_lambda_has_a_value_for_each_point():
    problem = problem_of(mlp(1, 1, loss="half-squared", l2="lambda/2"))
    w = np.array([[[2.0]], [[2.0]], [[2.0]]])
    values = dict(
        zip(problem.given, [w, np.zeros((3, 1)), np.ones((3, 1, 1)), 2 * np.ones((3, 1, 1))], strict=True)
    )
    found = references(problem, values, 1, DOUBLE, lam=[0.0, 0.5, 3.0])
    assert found.gradient[problem.parameters[0]].value.ravel().tolist() == [0.0, 1.0, 6.0]
    assert found.loss.value.tolist() == [0.0, 1.0, 6.0]


def test_a_graph_with_a_loss_at_two_places_adds_them_up():
    network = graph(
        inputs={"x": (2, "m")},
        nodes={"h": node("dense", "x", units=2), "y": node("tanh", "h")},
        losses={"E": loss("half-squared", "y"), "F": loss("half-squared", "h")},
    )
    problem = problem_of_graph(network)
    rng = np.random.default_rng(0)
    w, b, x, t = (rng.normal(size=shape) for shape in ((2, 2), (2,), (2, 3), (2, 3)))
    values = {array: value[None] for array, value in zip(problem.given, (w, b, x, t), strict=True)}
    found = references(problem, values, 3, DOUBLE)
    h = w @ x + b[:, None]
    assert len(problem.losses) == 2
    assert found.loss.value[0] == pytest.approx(
        (((np.tanh(h) - t) ** 2).sum() + ((h - t) ** 2).sum()) / 6, rel=1e-14
    )


def test_an_undefined_activation_has_no_references():
    with pytest.raises(Unsupported):
        problem_of(mlp(2, 2, hidden="g", output="g"))
