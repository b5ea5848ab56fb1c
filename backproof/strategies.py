"""Hypothesis strategies for networks, and for points at which to look at their gradients.

    from backproof.strategies import networks, points

    @given(st.data())
    def test_my_gradient(data):
        network = data.draw(networks(mlp("2-?-1", hidden="tanh")))
        point = data.draw(points(network))
        mine = my_gradient(point.params, point.x, point.t)

Widths are drawn unequal and at least 2, for a wrong index or a forgotten transpose can hide behind equal
ones; values are generic (see `points`). All shrinks: to few layers, units and samples, and every entry to its
base.
"""

from __future__ import annotations

from random import Random
from typing import Final

from hypothesis import strategies as st

from backproof.points import Point, Targets, generic_point, shift_count
from symbolic.activations import ACTIVATIONS
from symbolic.losses import LOSSES, SCALES
from symbolic.network import Chain, Family, Network, mlp

FACTORS: Final = (None, "lambda/2", "lambda/(2*m)", "lambda")
ONE_BY_ONE: Final = 2000  # Hypothesis gives up on examples of some eight thousand choices
OUTPUTS: Final = {  # of the losses that take logarithms: those with which their poles cancel
    "binary-cross-entropy": ("sigmoid",),
    "poisson": ("exp", "sigmoid", "softmax"),
}


def activations() -> st.SearchStrategy[str]:
    """Activations of single units, as `mlp` takes them; a parameter has its default or another value."""
    rows = [row for row in ACTIVATIONS.values() if row.layer == "elementwise"]
    return st.sampled_from([row.name for row in rows] + [f"{row.name}(3/10)" for row in rows if row.alpha])


def losses() -> st.SearchStrategy[str]:
    """Losses, as `mlp` takes them; `outputs` draws an activation that a loss can stand behind."""
    return st.sampled_from(list(LOSSES))


def outputs(loss: str) -> st.SearchStrategy[str]:
    """Output activations that a loss can be taken of: probabilities for one with logarithms of these."""
    if loss in OUTPUTS:
        return st.sampled_from(OUTPUTS[loss])
    if LOSSES[loss].needs_probability:
        return st.sampled_from(("softmax", "sigmoid"))
    return activations() | st.just("softmax")


@st.composite
def families(draw: st.DrawFn, *, max_depth: int = 3) -> Chain:
    """Chains of one depth with all widths free: activations, biases, loss, scale and penalties are drawn."""
    depth = draw(st.integers(1, max_depth))
    loss = draw(losses())
    l1, l2 = draw(st.sampled_from(FACTORS)), draw(st.sampled_from(FACTORS))
    return mlp(
        *[None] * (depth + 1),
        hidden=[draw(activations() | st.just("softmax")) for _ in range(depth - 1)],
        output=draw(outputs(loss)),
        loss=loss,
        scale=draw(st.sampled_from(SCALES)),
        l1=l1,
        l2=l2,
        penalize_biases=bool(l1 or l2) and draw(st.booleans()),
        bias=[draw(st.sampled_from([True, False])) for _ in range(depth)],
    )


@st.composite
def networks(
    draw: st.DrawFn,
    chain: Chain | None = None,
    *,
    min_width: int = 2,
    max_width: int = 5,
    max_depth: int = 3,
    unequal: bool = True,
) -> Network:
    """Members of a family, or any networks; a network has itself for its only member.

    Widths that the family leaves free are drawn from `min_width` to `max_width`, all different if `unequal`
    as far as there are enough; a free depth is drawn from 1 to `max_depth`. Softmax has two units or more.
    """
    chain = draw(families(max_depth=max_depth)) if chain is None else chain
    if isinstance(chain, Network):
        return chain
    known = chain.sizes or (None,) * (draw(st.integers(1, max_depth)) + 1)
    least = least_widths(chain, len(known) - 1, min_width)
    sizes = list(known)
    for place, size in enumerate(sizes):
        if size is None:
            range_ = range(least[place], max(least[place], max_width) + 1)
            unused = [width for width in range_ if width not in sizes]
            sizes[place] = draw(st.sampled_from(unused if unused and unequal else range_))
    return chain.network([size for size in sizes if size is not None])


@st.composite
def points(
    draw: st.DrawFn,
    network: Network,
    *,
    min_samples: int = 2,
    max_samples: int = 4,
    targets: Targets | None = None,
) -> Point:
    """Generic points of a network with all widths fixed; every |z| is below 3.1, and most are clear of kinks.

    `targets` are real numbers, probabilities of one unit, one-hot columns or distributions over the classes;
    by default what the loss takes. Raises Unsupported for an undefined g.
    """
    samples = draw(st.integers(min_samples, max_samples))
    return generic_point(network, samples, draw(shifts(network, samples)), targets=targets)


def shifts(network: Network, samples: int) -> st.SearchStrategy[list[int]]:
    """The integers k of a generic point: -1, 0 or 1, drawn one by one up to `ONE_BY_ONE` of them."""
    count = shift_count(network, samples)
    if count <= ONE_BY_ONE:
        return st.lists(st.integers(-1, 1), min_size=count, max_size=count)
    seeds = st.integers(0, 2**32)
    return seeds.map(lambda seed: Random(seed).choices((-1, 0, 1), k=count) if seed else [0] * count)


def smallest_member(chain: Chain, *, min_width: int = 2) -> Network:
    """The narrowest member of a family, of two layers if its depth is open."""
    if isinstance(chain, Network):
        return chain
    known = chain.sizes or (None,) * 3
    least = least_widths(chain, len(known) - 1, min_width)
    return chain.network([size or low for size, low in zip(known, least, strict=True)])


def least_widths(family: Family, depth: int, min_width: int) -> list[int]:
    """The least width of every layer, inputs first: softmax has two units or more."""
    member = family.network([size or 2 for size in family.sizes or (None,) * (depth + 1)])
    softmax = [layer.activation.layer == "softmax" for layer in member.layers]
    return [min_width, *(max(min_width, 2) if wide else min_width for wide in softmax)]
