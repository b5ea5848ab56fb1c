"""Mutants that are the right gradient after all are proved to be; those that are not are never."""

import time
from dataclasses import replace

import pytest

from proofs.same_formula import is_same
from symbolic.derivation import derive
from symbolic.mutation import Mutant, mutants
from symbolic.network import mlp


def decided(mutant, network, seconds=5.0):
    return is_same(mutant, derive(network), deadline=time.monotonic() + seconds)


def named(network, start):
    return [mutant for mutant in mutants(derive(network)) if str(mutant).startswith(start)]


@pytest.mark.parametrize("bug", ["last k alone for the sum", "bias gradient summed over the units too"])
def test_a_sum_over_one_output_is_the_same(bug):
    one, two = (mlp(2, 2, outputs, hidden="tanh") for outputs in (1, 2))
    assert any(decided(mutant, one) for mutant in named(one, bug))
    assert named(two, bug) and not any(decided(mutant, two) for mutant in named(two, bug))


def test_what_changes_nothing_is_the_same():
    network = mlp(2, 3, 2, hidden="tanh")
    step = derive(network).backward[0]
    assert decided(Mutant("nothing", None, "", (step,), (step,)), network)


def test_the_same_product_in_another_order_is_the_same():
    network = mlp(1, 2, 1, hidden="tanh")
    step = next(step for step in derive(network).backward if step.target.name == "Z")
    other = replace(step, equation=replace(step.equation, value=step.equation.value * 2 / 2))
    assert decided(Mutant("reordered", None, "", (other,), (step,)), network)


@pytest.mark.parametrize(
    "bug", ["missing 1/m", "sign", "f′(a) for f′(z)", "f′ missing", "W for Wᵀ", "bias gradient"]
)
def test_a_wrong_formula_is_never_the_same(bug):
    network = mlp(2, 2, 2, hidden="tanh", scale="1/m")
    found = named(network, bug)
    assert found
    assert not any(decided(mutant, network, 2.0) for mutant in found)


def test_no_mutant_of_a_generic_network_is_called_the_same_unless_it_is():
    network = mlp(2, 3, 2, hidden="tanh", scale="1/m")
    same = [str(m) for m in mutants(derive(network)) if not m.constants and decided(m, network, 0.3)]
    assert len(same) <= 3, same


def test_nothing_is_decided_of_large_networks_and_of_fitted_constants():
    large = mlp(8, 8, 8, hidden="tanh")
    assert not decided(mutants(derive(large))[0], large)
    small = mlp(1, 1)
    assert not any(decided(mutant, small) for mutant in mutants(derive(small)) if mutant.constants)
