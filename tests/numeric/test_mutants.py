"""Gradients of wrong derivations: what is shared makes no difference, and what is wrong is wrong."""

from functools import cache

import numpy as np
import pytest

from backproof.designed import designed, points_of
from numeric.arrays import evaluate_arrays
from numeric.envelope import DOUBLE, PRECISIONS
from numeric.mutants import ETA, bounds_of, gradient_of, ground, touched
from numeric.problem import problem_of, problem_of_graph
from numeric.references import references, scalars_of
from symbolic.graph import graph, loss, node
from symbolic.mutation import Mutant, mutants, mutated
from symbolic.network import mlp

FAMILIES = {
    "mixed": mlp(
        hidden="tanh", output="sigmoid", loss="binary-cross-entropy", scale="1/m", l2="lambda/(2*m)"
    ),
    "classes": mlp(hidden="elu", output="softmax", loss="cross-entropy", scale="1/m"),
    "one layer": mlp(None, None, output="tanh", loss="squared", scale="1/(m*k)"),
}


@cache
def ground_of(name):
    network, samples = next(iter(designed(FAMILIES[name])))
    problem = problem_of(network)
    drawn = points_of(network, samples, count=2)
    each = [point.values(problem) for point in drawn]
    values = {array: np.array([one[array] for one in each]) for array in problem.given}
    return ground(problem, values, samples, [point.lam for point in drawn]), values, samples


@cache
def mutants_at(name):
    return mutants(ground_of(name)[0].problem.derivation)


def nothing_changed(problem):
    step = problem.derivation.backward[0]
    return Mutant("nothing", None, "", (step,), (step,))


@pytest.mark.parametrize("name", FAMILIES)
def test_a_mutant_that_changes_nothing_has_the_right_gradient(name):
    at, values, samples = ground_of(name)
    found = gradient_of(nothing_changed(at.problem), at)
    expected = references(at.problem, values, samples, DOUBLE, lam=scalars_lam(at))
    for array in at.problem.parameters:
        bounded = expected.gradient[array]
        assert (np.abs(found[array] - bounded.value) <= bounded.worst).all()


def scalars_lam(at):
    return next((value for value in at.scalars.values() if np.ndim(value)), ())


@pytest.mark.parametrize("name", FAMILIES)
def test_sharing_makes_no_difference(name):
    at, values, samples = ground_of(name)
    scalars = scalars_of(at.problem, samples, scalars_lam(at))
    forward = [step for ways in at.problem.stages for step in ways[0]]
    for mutant in mutants_at(name)[::3]:
        if mutant.constants:
            continue
        steps = [*forward, *mutated(at.problem.derivation.backward, mutant)]
        whole = evaluate_arrays(steps, values, scalars, batch=at.points)
        found = gradient_of(mutant, at)
        for array in at.problem.parameters:
            np.testing.assert_array_equal(found[array], whole[array.bar], err_msg=str(mutant))


@pytest.mark.parametrize("name", FAMILIES)
def test_what_is_not_touched_is_right(name):
    at, _, _ = ground_of(name)
    for mutant in mutants_at(name):
        found, reached = gradient_of(mutant, at), touched(mutant, at.problem)
        for array in at.problem.parameters:
            if array.bar not in reached:
                assert (found[array] == at.known[array.bar]).all(), str(mutant)


@pytest.mark.parametrize("name", FAMILIES)
def test_nearly_every_mutant_is_wrong_somewhere(name):
    at, _, _ = ground_of(name)
    right = {array: np.asarray(at.known[array.bar]) for array in at.problem.parameters}
    same = []
    for mutant in mutants_at(name):
        found = gradient_of(mutant, at)
        far = [np.abs(found[a] - right[a]).max() > 1e-9 * np.abs(right[a]).max() for a in right]
        if not any(far):
            same.append(str(mutant))
    assert len(same) <= len(mutants_at(name)) / 20, same


@pytest.mark.parametrize("name", FAMILIES)
def test_bounds_of_mutants_hold_in_single_precision(name):
    precise, values, samples = ground_of(name)
    narrow = {array: value.astype(np.float32) for array, value in values.items()}
    rough = ground(precise.problem, narrow, samples, scalars_lam(precise))
    exact_inputs = {array: value.astype(float) for array, value in narrow.items()}
    precise = ground(precise.problem, exact_inputs, samples, scalars_lam(precise))
    lifted = ground(precise.problem, exact_inputs, samples, scalars_lam(precise), PRECISIONS["float32"])
    for mutant in mutants_at(name)[::3]:
        one, other = gradient_of(mutant, precise), gradient_of(mutant, rough)
        bounds = bounds_of(mutant, lifted)
        for array in one:
            known = np.isfinite(one[array]) & np.isfinite(bounds[array])
            off = np.abs(one[array] - other[array])
            assert (off <= 1.01 * bounds[array])[known].all(), (str(mutant), array.label)


def test_constants_have_the_values_that_are_given():
    at, _, _ = ground_of("mixed")
    free = [mutant for mutant in mutants_at("mixed") if mutant.constants]
    assert free
    for mutant in free:
        (name,) = mutant.constants
        usual, same, other = (
            gradient_of(mutant, at, given) for given in (None, {name: ETA}, {name: 3 * ETA})
        )
        assert all((usual[a] == same[a]).all() for a in usual)
        if name != "epsilon":  # a least value that nothing goes below changes nothing
            assert any((usual[a] != other[a]).any() for a in usual), str(mutant)


def test_graphs_have_mutants_too():
    network = graph(
        inputs={"x": (3, "m")},
        nodes={"h": node("dense", "x", units=4), "n": node("layer-norm", "h")},
        losses={"E": loss("half-squared", "n")},
    )
    problem = problem_of_graph(network)
    rng = np.random.default_rng(0)
    sizes = {"h.W": (4, 3), "h.b": (4,), "n.gamma": (4,), "n.beta": (4,), "x": (3, 5), "t": (4, 5)}
    values = {a: rng.normal(size=(2, *sizes[a.label])) for a in problem.given}
    at = ground(problem, values, 5, [0.0, 0.0])
    found = mutants(problem.derivation)
    assert len(found) > 20
    right = gradient_of(nothing_changed(problem), at)
    wrong = [m for m in found if any((gradient_of(m, at)[a] != right[a]).any() for a in right)]
    assert len(wrong) > 0.9 * len(found)
