"""Points at which a gradient is looked at: parameters, inputs, targets and λ of one network.

A generic point has no special values behind which a wrong formula could hide: no entry is 0 or ±1, and no two
parameters or inputs are equal. Entry p is

    (base[p] + k·step)/c,   base[p] = (2 (gᵖ⁺¹ mod P) - P)/N,   step = 2P/N,

with P a prime above N/2, g a primitive root of it, k any integer and c a power of two. The numerators are
odd and differ modulo 2P, so that all entries differ whatever the k and c are. For weights c is at least the
fan-in times the largest input: |k| ≤ 1 keeps every |z| below 3.1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from numeric.oracle import activate
from numeric.problem import Problem
from symbolic.errors import Unsupported
from symbolic.network import Dense, Network
from symbolic.notation import Array as Name

Array = npt.NDArray[np.float64]
Targets = Literal["real", "probability", "one-hot", "distribution"]
CLEARANCE: Final = 0.01  # from a kink: what single precision cannot cross, and most biases need not move for


@dataclass(frozen=True, slots=True, eq=False)
class Point:
    """Pairs (W of shape (n_l, n_{l-1}), b of (n_l,) or None), x of (n_0, m), t of (n_L, m), and λ."""

    params: tuple[tuple[Array, Array | None], ...]
    x: Array
    t: Array
    lam: float = 0.0

    @property
    def samples(self) -> int:
        return int(self.x.shape[1])

    def values(self, problem: Problem) -> dict[Name, Array]:
        """The arrays of a chain's problem with their values."""
        arrays = [array for pair in self.params for array in pair if array is not None]
        return dict(zip(problem.given, [*arrays, self.x, self.t], strict=True))


class _Tier(NamedTuple):
    """N, P and g for fewer than P entries of three decimals, four decimals, …"""

    denominator: int
    prime: int
    root: int


TIERS: Final = (
    _Tier(10**3, 503, 311),
    _Tier(10**4, 5003, 3093),
    _Tier(10**5, 50021, 30914),
    _Tier(10**6, 500009, 309023),
)


def shift_count(network: Network, samples: int) -> int:
    """How many integers k a point takes: one for each parameter, input and target, and one for λ."""
    widths = sizes_of(network)
    return int(network.parameter_count) + samples * (widths[0] + widths[-1]) + 1


def sizes_of(network: Network) -> tuple[int, ...]:
    """The widths of a network that has no open ones."""
    return tuple(int(size) for size in network.sizes)


def targets_of(network: Network) -> Targets:
    """What the loss takes for targets."""
    loss, output = network.objective.loss, network.layers[-1].activation
    if loss.row is None or not loss.row.needs_probability:
        return "real"
    classes = output.name == "softmax" and any(head.output == "softmax" for head in loss.row.heads)
    return "one-hot" if classes else "probability"


def generic_point(
    network: Network, samples: int, shifts: Sequence[int], *, targets: Targets | None = None
) -> Point:
    """The point of these k; a bias takes another k where its own would leave its unit close to a kink.

    `targets` defaults to what the loss takes. Raises Unsupported for an undefined g, and for half a million
    entries or more.
    """
    values = _Values(network, samples, shifts)
    widths = sizes_of(network)
    x = a = values.take(widths[0], samples)
    params = []
    for layer, (columns, rows) in zip(network.layers, pairwise(widths), strict=True):
        w = values.take(rows, columns) / _scale(a)
        b = values.take_biases(layer, w @ a) if layer.bias else None
        a = activate(layer, w @ a if b is None else w @ a + b[:, None])
        params.append((w, b))
    t = _targets(targets or targets_of(network), values, widths[-1], samples)
    lam = float(_probability(values.take(1))[0]) if network.objective.has_lambda else 0.0
    return Point(tuple(params), x, t, lam)


class _Values:
    """The entries of one point, taken one after the other."""

    def __init__(self, network: Network, samples: int, shifts: Sequence[int]) -> None:
        needed = shift_count(network, samples)
        assert len(shifts) == needed, f"{len(shifts)} integers given for {needed} entries"
        tier = next((tier for tier in TIERS if needed < tier.prime), None)
        if tier is None:
            raise Unsupported(f"{needed} values are too many to draw for {network.shape}; use fewer units")
        self._tier, self._shifts, self._taken = tier, shifts, 0

    def take(self, *shape: int) -> Array:
        places = range(self._taken, self._taken + math.prod(shape))
        self._taken = places.stop
        return np.array([self._entry(p, self._shifts[p]) for p in places]).reshape(shape)

    def take_biases(self, layer: Dense, weighted: Array) -> Array:
        """Biases that keep every unit clear of its kinks, if any of a few values does."""
        kinks = np.array(layer.activation.row.kinks if layer.activation.row else ())
        first = self._taken
        biases = self.take(len(weighted))
        for unit, z in enumerate(weighted):
            own = self._shifts[first + unit]
            choices = [self._entry(first + unit, k) for k in (own, 0, 1, -1)]
            clear = (b for b in choices if (np.abs(z + b - kinks[:, None]) >= CLEARANCE).all())
            biases[unit] = next(clear, choices[0])
        return biases

    def _entry(self, p: int, k: int) -> float:
        n, prime, root = self._tier
        return (2 * pow(root, p + 1, prime) - prime + 2 * prime * k) / n


def _scale(a: Array) -> float:
    """The power of two c that keeps every Σ_j w_j a_j within the range of one entry."""
    largest = float(np.abs(a[np.isfinite(a)]).max(initial=1.0))
    return 2.0 ** math.ceil(math.log2(len(a) * largest))


def _targets(kind: Targets, values: _Values, outputs: int, samples: int) -> Array:
    drawn = values.take(outputs, samples)
    if kind == "real":
        return drawn
    if kind == "one-hot":
        classes = (np.arange(samples) + np.floor(drawn[0] + 0.5).astype(int)) % outputs
        return np.eye(outputs)[:, classes]
    positive = _probability(drawn)
    return positive if kind == "probability" else positive / positive.sum(axis=0)


def _probability(drawn: Array) -> Array:
    """Distinct numbers in (0, 1), for entries with |k| ≤ 1."""
    return 0.5 + drawn / 4
