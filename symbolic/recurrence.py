"""Recurrence in time: a cell applied step by step, its parameters shared by all steps.

Every step is a node of its own, so that backpropagation through time is the chain rule over the graph, and
the cotangents of the shared parameters add up.
"""

from __future__ import annotations

from collections.abc import Mapping

from symbolic.errors import InvalidNetwork
from symbolic.graph import node
from symbolic.layers import LAYERS
from symbolic.placement import Node, Setting


def unrolled(
    cell: str,
    source: str,
    *,
    name: str,
    steps: int,
    states: Mapping[str, str],
    axis: int = 1,
    **settings: Setting,
) -> dict[str, Node]:
    """The nodes of a recurrent cell over the places 0, 1, … of an axis of `source`.

    `states` name what stands for the cell's states before the first step, such as {"H": "h0"}. The result of
    step t is the node `name_t`; its parameters are `name.W` and so on. Raises InvalidNetwork for a layer that
    is no cell, or states that do not fit.

    >>> list(unrolled("rnn-cell", "x", name="r", steps=2, states={"H": "h0"}, units=3))
    ['r_x0', 'r_0', 'r_x1', 'r_1']
    """
    row = LAYERS.get(cell)
    if row is None or not row.carries:
        cells = ", ".join(known.name for known in LAYERS.values() if known.carries)
        raise InvalidNetwork(f"'{cell}' carries no state from step to step; the cells are {cells}")
    wanted = [local for local, _ in row.carries]
    if set(states) != set(wanted):
        raise InvalidNetwork(
            f"{cell} starts from the states {', '.join(wanted)}, but {list(states)} are given"
        )
    shared = {local: f"{name}.{local}" for local in row.parameters}
    before, nodes = dict(states), {}
    for step in range(steps):
        here = f"{name}_{step}"
        nodes[f"{name}_x{step}"] = node("take", source, axis=axis, place=step)
        inputs = (f"{name}_x{step}", *(before[local] for local in wanted))
        nodes[here] = node(cell, *inputs, arrays=shared, axis=0, **settings)
        before = {local: here if array == row.output else f"{here}.{array}" for local, array in row.carries}
    return nodes
