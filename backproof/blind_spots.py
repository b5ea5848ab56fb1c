"""What one point cannot show: where a wrong formula gives the right gradient all the same.

Each row looks at the point and its pre-activations and says, in a sentence for each array or size concerned,
what stays hidden. Nothing here changes a verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
import numpy.typing as npt

from backproof.points import Point, sizes_of
from numeric.mutants import Ground
from numeric.oracle import is_curved
from symbolic.network import Dense, Network

Array = npt.NDArray[np.float64]
LINEAR: Final = 1e-3  # z²: below it a slope at a, or none at all, is within 1e-6 of the right one


def blind_spots(network: Network, point: Point, at: Ground) -> tuple[str, ...]:
    """Sentences on what this point cannot show; none of them for a generic point of several unequal sizes."""
    return tuple(sentence for row in _ROWS for sentence in row(network, point, at))


def _one_sample(network: Network, point: Point, _: Ground) -> Iterator[str]:
    if point.samples == 1:
        yield "m = 1: a factor 1/m too many or too few, or a mean in place of a sum over samples"


def _one_output(network: Network, point: Point, _: Ground) -> Iterator[str]:
    if len(point.t) == 1:
        yield "k = 1 output: a factor 1/k, or a sum over the wrong outputs"


def _one_layer(network: Network, point: Point, _: Ground) -> Iterator[str]:
    if network.depth == 1:
        yield "one layer: how errors pass from layer to layer"


def _equal_sizes(network: Network, point: Point, _: Ground) -> Iterator[str]:
    sizes = {f"n{l}": size for l, size in enumerate(sizes_of(network))} | {"m": point.samples}
    for size in sorted({s for s in sizes.values() if s > 1}):
        equal = [name for name, other in sizes.items() if other == size]
        if len(equal) > 1:
            yield f"{' = '.join(equal)} = {size}: one of these sizes, or axes, taken for another"


def _equal_samples(network: Network, point: Point, _: Ground) -> Iterator[str]:
    samples = np.vstack([point.x, point.t])
    distinct = len(np.unique(samples, axis=1).T)
    if distinct < point.samples:
        yield f"only {distinct} of {point.samples} samples are different: one sample taken for another"


def _no_penalty(network: Network, point: Point, _: Ground) -> Iterator[str]:
    if network.objective.has_lambda and point.lam == 0:
        yield "λ = 0: anything about the penalty"


def _zero_biases(network: Network, point: Point, _: Ground) -> Iterator[str]:
    zero = [f"b{l}" for l, (_, b) in enumerate(point.params, start=1) if b is not None and not b.any()]
    if zero:
        covered = ", and whether a penalty covers biases" if network.objective.penalties else ""
        yield f"{', '.join(zero)} = 0: a bias that the forward pass forgets{covered}"


def _symmetric_weights(network: Network, point: Point, _: Ground) -> Iterator[str]:
    for l, (w, _b) in enumerate(point.params[1:], start=2):
        if w.shape[0] == w.shape[1] and np.array_equal(w, w.T):
            yield f"W{l} is its own transpose: W{l} in place of its transpose on the way back"


def _constant_weights(network: Network, point: Point, _: Ground) -> Iterator[str]:
    for l, (w, _b) in enumerate(point.params, start=1):
        if w.size > 1 and (w == w.flat[0]).all():
            yield f"all weights in W{l} are {w.flat[0]:g}: one weight, or unit, taken for another"


def _units_at_kinks(network: Network, point: Point, at: Ground) -> Iterator[str]:
    for l, layer, z in _layers(network, at):
        kinks = layer.activation.row.kinks if layer.activation.row else ()
        units = np.flatnonzero(np.isin(z, kinks).any(axis=1)) + 1
        if units.size:
            yield (
                f"layer {l}, {_listed(units)} at a kink, where every slope between the two sides is right: "
                "entries that depend on it are not counted"
            )


def _one_side(network: Network, point: Point, at: Ground) -> Iterator[str]:
    for l, layer, z in _layers(network, at):
        for kink in layer.activation.row.kinks if layer.activation.row else ():
            for side, unseen in ((z > kink, "<"), (z < kink, ">")):
                if side.all():
                    yield f"layer {l}: no z {unseen} {kink}, so the slope of {layer.activation.text} there"


def _nearly_linear(network: Network, point: Point, at: Ground) -> Iterator[str]:
    for l, layer, z in _layers(network, at):
        if layer.activation.row and is_curved(layer.activation) and np.abs(z).max() < LINEAR:
            yield f"layer {l}: |z| < {LINEAR:g} throughout, where a slope at a is nearly one at z"


def _empty_entries(network: Network, point: Point, at: Ground) -> Iterator[str]:
    for array in at.problem.parameters:
        entries = np.asarray(at.known[array.bar])
        empty = int((entries == 0).sum())
        if empty:
            yield f"∂E/∂{array.label}: {empty} of {entries.size} entries are 0"


def _layers(network: Network, at: Ground) -> Iterator[tuple[int, Dense, Array]]:
    z = [values[0] for array, values in at.known.items() if array.name == "Z" and not array.cotangent]
    return zip(range(1, network.depth + 1), network.layers, z, strict=True)


def _listed(units: npt.NDArray[np.intp]) -> str:
    shown = ", ".join(map(str, units[:5])) + (", …" if len(units) > 5 else "")
    return f"unit{'s' * (len(units) > 1)} {shown}"


_ROWS: Final[tuple[Callable[[Network, Point, Ground], Iterator[str]], ...]] = (
    _one_sample,
    _one_output,
    _one_layer,
    _equal_sizes,
    _equal_samples,
    _no_penalty,
    _zero_biases,
    _symmetric_weights,
    _constant_weights,
    _units_at_kinks,
    _one_side,
    _nearly_linear,
    _empty_entries,
)
