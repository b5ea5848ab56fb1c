"""Networks that Hypothesis draws: the derivation, the scalar reverse mode and JAX have one gradient."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from hypothesis import HealthCheck, assume, given, settings

from numeric.arrays import evaluate_arrays
from symbolic.cost import operations
from symbolic.derivation import derive
from symbolic.graph import Graph
from symbolic.hoisting import hoisted
from symbolic.losses import SAMPLES
from symbolic.second_order import hessian_vector
from tests import agreement
from tests.graph_strategies import graphs, recurrences
from tests.layer_cases import Case, Values, by_straight_line, generic

LARGEST = 50  # of any array: beyond, both routes lose digits, and exponentials overflow


def worked(network: Graph) -> tuple[Case, Values, Values]:
    """The case, its values, and all that the derivation computes."""
    case = Case(network, samples=3)
    values = case.values()
    found = evaluate_arrays(derive(network, wrt=case.wrt).steps, values, case.scalars)
    arrays = (found[step.target] for step in network.steps if step.target.shape)
    assume(all(np.abs(array).max() < LARGEST for array in arrays))
    return case, values, found


def gradient(case: Case, found: Values) -> Values:
    return {array: found[array.bar] for array in case.wrt}


@given(graphs() | recurrences())
@settings(max_examples=60, suppress_health_check=[HealthCheck.filter_too_much])
def test_derivation_is_the_scalar_reverse_mode(network: Graph) -> None:
    case, values, found = worked(network)
    expected = by_straight_line(case, values)
    agreement.check_as_a_whole(gradient(case, found), expected)


@given(graphs(deepest=4) | recurrences())
@settings(max_examples=5, suppress_health_check=[HealthCheck.filter_too_much])
def test_gradient_and_hessian_vector_product_are_those_of_jax(
    require: Callable[[str], None], network: Graph
) -> None:
    require("jax")
    from tests import jax_route

    case, values, found = worked(network)
    random = np.random.default_rng(1)
    directions = {array: generic(random, values[array].shape) for array in case.wrt}
    first, second = jax_route.second_order(network.steps, values, case.scalars, directions)
    agreement.check_as_a_whole(gradient(case, found), first)
    derived = hessian_vector(derive(network, wrt=case.wrt))
    named = {v: directions[array] for array, v in derived.directions.items()}
    products = evaluate_arrays(derived.steps, {**values, **named}, case.scalars)
    found_products = {a: products.get(derived.products[a], 0) for a in case.wrt}
    agreement.check_as_a_whole(found_products, second, within=1e-10)


@given(graphs())
@settings(max_examples=20)
def test_hoisted_and_stable_programs_give_the_same_and_cost_the_same_for_each_sample(network: Graph) -> None:
    case, values, found = worked(network)
    derivation = derive(network, wrt=case.wrt)
    steps = hoisted((*network.stable_steps, *derivation.backward))
    stable = evaluate_arrays(steps, values, case.scalars)
    agreement.check_as_a_whole(gradient(case, stable), gradient(case, found))
    costs = [operations(steps, {SAMPLES: samples}) for samples in (8, 16, 24, 32)]
    assert np.diff(costs, n=2).tolist() == [0, 0]
