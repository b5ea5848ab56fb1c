"""Sums taken out of loops that they do not depend on: the cost grows as that of a hand-written pass."""

from __future__ import annotations

from symbolic.cost import operations
from symbolic.derivation import derive
from symbolic.graph import graph, loss, node
from symbolic.hoisting import hoisted
from symbolic.losses import SAMPLES


def test_softmax_costs_in_proportion_to_its_units_once_sums_are_taken_out() -> None:
    def costs(units: int) -> tuple[int, int]:
        network = graph(
            inputs={"x": (units, "m")},
            nodes={"y": node("softmax", "x")},
            losses={"E": loss("half-squared", "y")},
        )
        steps = derive(network, wrt=[network.arrays["x"]]).steps
        return operations(steps, {SAMPLES: 3}), operations(hoisted(steps), {SAMPLES: 3})

    (plain, cheap), (twice_plain, twice_cheap) = costs(50), costs(100)
    assert twice_plain > 3 * plain  # every unit sums over all units anew
    assert twice_cheap < 2.1 * cheap
