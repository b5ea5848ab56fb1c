"""The designed points: few networks, chosen so that no two wrong formulas agree on all of them.

Unequal widths tell a transpose and an axis; equal ones let a transpose and a shifted layer run at all; two
outputs and four, and 5, 7 and 3 samples, are multiplicatively independent, so that a factor is one formula.
λ and biases are not zero, weights are not symmetric, the points are generic.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Final

import numpy as np

from backproof.points import Point, Targets, shift_count
from backproof.search import Case
from backproof.strategies import least_widths
from symbolic.errors import InvalidNetwork
from symbolic.network import Chain, Network

SHAPES: Final = (((3, 4, 5, 2), 5), ((4, 4, 4, 4), 7), ((3, 3, 3, 3, 2), 3), ((2, 3), 5))
WIDTHS: Final = {1: (2, 3), 2: (3, 4, 2), 3: (3, 4, 5, 2), 4: (3, 3, 4, 5, 2), 5: (3, 4, 3, 5, 4, 2)}
SAMPLES: Final = (5, 7, 3)
POINTS: Final = 3  # of each network


def designed(chain: Chain) -> Iterator[tuple[Network, int]]:
    """Networks of a family with numbers of samples; a network by itself with several of these."""
    if isinstance(chain, Network):
        yield from ((chain, samples) for samples in SAMPLES)
        return
    if chain.sizes is None:
        for widths, samples in SHAPES:
            yield chain.network(_fitting(chain, widths)), samples
        return
    depth = len(chain.sizes) - 1
    unequal = WIDTHS.get(depth, tuple(2 + n % 3 for n in range(depth + 1)))
    for shape, samples in ((unequal, 5), ((4,) * (depth + 1), 7), ((3,) * (depth + 1), 3)):
        yield chain.network(_fitting(chain, shape)), samples


def _fitting(chain: Chain, widths: tuple[int, ...]) -> list[int]:
    """The widths, but for those that the family fixes and those that a layer needs to be larger."""
    if isinstance(chain, Network):
        raise InvalidNetwork("a network has its widths")
    known = chain.sizes or (None,) * len(widths)
    least = least_widths(chain, len(widths) - 1, 2)
    return [fixed or max(width, low) for fixed, width, low in zip(known, widths, least, strict=True)]


def cases_of(
    network: Network, samples: int, *, count: int = POINTS, seed: int = 0, targets: Targets | None = None
) -> list[Case]:
    """Generic points of a network, other ones for each seed."""
    random = Random(seed)
    length = shift_count(network, samples)
    return [
        Case(network, samples, tuple(random.choices((-1, 0, 1), k=length)), targets) for _ in range(count)
    ]


def points_of(
    network: Network, samples: int, *, count: int = POINTS, seed: int = 0, targets: Targets | None = None
) -> list[Point]:
    """The points of these cases."""
    return [case.point for case in cases_of(network, samples, count=count, seed=seed, targets=targets)]


def has_far_kinks(network: Network) -> bool:
    """Whether some layer with biases has a kink that generic points, close to 0, do not reach."""
    return any(any(layer.activation.kinks) and layer.bias for layer in network.layers)


def beyond_kinks(network: Network, point: Point) -> Point:
    """The point with every other unit's bias moved by a kink of its activation: on both sides of it is z."""
    params = []
    for layer, (w, b) in zip(network.layers, point.params, strict=True):
        shifts = [0.0, *(float(kink) for kink in layer.activation.kinks if kink)]
        moves = np.array([shifts[unit % len(shifts)] for unit in range(len(w))])
        params.append((w, None if b is None else b + moves))
    return replace(point, params=tuple(params))
