"""How long a derivation takes: widths should not matter, and layers count once each."""

from __future__ import annotations

import pytest

from symbolic import chain_rule, notation, unification
from symbolic.derivation import derive
from symbolic.network import mlp

SHAPES = ["2-3-3-1", "64-256-256-10", *("-".join(["3"] * layers + ["1"]) for layers in (10, 20, 50))]


def forget() -> None:
    """Start as a new process does: no rule has been derived yet."""
    for cached in (chain_rule.cotangent_rules, notation.equation, unification.renamed, notation.local_names):
        cached.cache_clear()


@pytest.mark.benchmark(group="derivation, rules not yet known")
@pytest.mark.parametrize("shape", SHAPES)
def test_first_derivation(benchmark, shape):
    network = mlp(shape, hidden="tanh", output="softmax" if not shape.endswith("-1") else "identity")
    benchmark.pedantic(derive, (network,), setup=forget, rounds=15)


@pytest.mark.benchmark(group="derivation, rules known")
@pytest.mark.parametrize("shape", SHAPES)
def test_next_derivation(benchmark, shape):
    benchmark(derive, mlp(shape, hidden="tanh"))
