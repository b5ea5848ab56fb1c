"""Derivatives from values alone: complex step and central differences, each entry with an estimated error.

**Complex step** (Squire & Trapp 1998, Using complex variables to estimate derivatives of real functions, SIAM
Review 40, 110-112): for f analytic, and real on the real axis,

    ∂f/∂p_j = Im f(p + i h e_j) / h + O(h²).

Nothing is subtracted, so at h = 2⁻⁷⁰ there is no truncation, and rounding is all that is left. It is seen by
asking again with other h at neighbours of p, an ulp away: the answers spread as far as rounding goes.

**Central differences** (Ridders 1982, Accurate computation of F'(x) and F'(x) F''(x), Advances in Engineering
Software 4, 75-76): D(h) = (f(p + h e_j) - f(p - h e_j)) / 2h = f' + c₂h² + c₄h⁴ + … is extrapolated to h = 0,

    T[k, 0] = D(h/2^k),   T[k, q] = (4^q T[k, q-1] - T[k-1, q-1]) / (4^q - 1),

and the entry of least estimated error is the answer. The estimate adds up the distance to the farther of the
two entries it is made from; the rounding of f, as seen at neighbours of p, over the step; and the step times
the same distance in the table of Q(h) = (f(p + h e_j) - 2 f(p) + f(p - h e_j)) / h². For smooth f the last is
of the order of the others. At a kink D(h) converges to the mean of both slopes as if nothing were wrong, but
h Q(h) stays at their difference, and the estimate reaches to either. A kink beside p spoils the steps that
cross it and leaves the finer ones; one within the finest counts against all steps, for several kinks together
may cancel in the coarser ones.

An estimate is no bound: it is true up to a small factor for an f that looks at p as it does at the steps
tried, and whose rounding shows outside, unlike that of (f + 1e6) - 1e6.

The loss comes from `forward_pass`, which shares no line with any other.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np

from numeric.forward_pass import ANALYTIC, Array, Function, Gradient, Params, flattened, loss_at, shaped
from symbolic.network import Network

EPS: Final = float(np.finfo(np.float64).eps)
COMPLEX_STEPS: Final = 2.0**-70 * np.array([1, 1.1, 1.3, 1.5, 1.7, 1.9])  # powers of 2 would round alike
STEPS: Final = 2.0 ** -np.arange(2, 16)  # exact in binary, down to where rounding outweighs truncation of h²
ORDERS: Final = 6  # columns of the table, the last with errors of order h¹⁴
NEIGHBOURS: Final = 8
ROUNDINGS: Final = 4.0  # what is never seen at neighbours, in units of eps times the value
SPREAD: Final = 4.0  # from the spread of six answers to the error of one; errors reach 1.7 times that
ROOM: Final = 2**20  # numbers in one stack of points


class Estimate(NamedTuple):
    """A gradient, and the estimated absolute error of each entry."""

    value: Array
    error: Array


def complex_step(f: Function, point: Array) -> Estimate:
    """The gradient at a vector p of an analytic f, which takes points as rows to a vector of values.

    >>> slope, error = complex_step(lambda p: np.exp(p).sum(axis=-1), np.array([0.0, 1.0]))
    >>> slope, error < 1e-14
    (array([1.        , 2.71828183]), array([ True,  True]))
    """
    points = [point, *_neighbours(point, len(COMPLEX_STEPS) - 1)]
    steps = zip(points, COMPLEX_STEPS, strict=True)
    answers = np.array([_shifted(f, p, 1j * h).imag / h for p, h in steps])
    value = answers[0]
    spread = np.abs(answers - value).max(axis=0)
    return Estimate(value, SPREAD * spread + ROUNDINGS * EPS * np.abs(value))


def central_differences(f: Function, point: Array) -> Estimate:
    """The gradient at a vector p of an f that takes points as rows to a vector of values.

    f has to be defined out to a quarter of max(1, |p_j|) on either side. At a kink of |p| and beside it:

    >>> slope, error = central_differences(lambda p: np.abs(p).sum(axis=-1), np.array([0.0, 0.1]))
    >>> slope.round(9), error > [1, 1e-9]
    (array([0., 1.]), array([ True, False]))
    """
    h = STEPS[:, None] * 2.0 ** np.floor(np.log2(np.maximum(np.abs(point), 1)))
    center = f(point[None])
    up, down = (np.array([_shifted(f, point, side * step) for step in h]) for side in (1, -1))
    noise = np.abs(f(_neighbours(point, NEIGHBOURS)) - center).max()
    rounding = (noise + ROUNDINGS * EPS * np.maximum(np.abs(up), np.abs(down))) / h
    slopes, bends = _table((up - down) / (2 * h)), list(_table((up - 2 * center + down) / h**2))
    _, bend_gap = bends[0]
    jump = (h[-2:] * bend_gap[-2:]).max(axis=0)
    at_kink = np.where(jump > 4 * rounding[-1], jump, 0)  # rounding alone stays below 2 times
    values, errors = [], []
    for (slope, gap), (_, bend_gap) in zip(slopes, bends, strict=True):
        rows = slice(len(h) - len(slope), None)
        values.append(slope)
        errors.append(gap + h[rows] * bend_gap + rounding[rows] + at_kink)
    value, error = np.concatenate(values), np.concatenate(errors)
    best = error.argmin(axis=0)[None]
    return Estimate(*(np.take_along_axis(table, best, axis=0)[0] for table in (value, error)))


def _table(column: Array) -> Iterator[tuple[Array, Array]]:
    """From T[·, 0] the columns q = 1 … ORDERS, with the distances of their entries to the farther parent."""
    for q in range(1, ORDERS + 1):
        better = (4**q * column[1:] - column[:-1]) / (4**q - 1)
        yield better, np.maximum(np.abs(better - column[1:]), np.abs(better - column[:-1]))
        column = better


def _neighbours(point: Array, count: int) -> Array:
    """Points an ulp or two beside p in every entry, as rows; the same ones at every call."""
    sides = np.random.default_rng(0).choice([-1.0, 1.0], (count, point.size))
    return np.asarray(point * (1 + EPS * sides))


def _shifted(f: Function, point: Array, step: Array | complex) -> Array:
    """f(p + step_j e_j) for every entry j, in stacks that fit into memory."""
    size = point.size
    rows = max(1, ROOM // size)
    starts = range(0, size, rows)
    stacks = (point + step * np.eye(min(rows, size - start), size, k=start) for start in starts)
    return np.concatenate([f(stack) for stack in stacks])


def loss_gradient_by_differences(
    network: Network, params: Params, x: Array, t: Array, *, lam: float = 0.0
) -> tuple[Gradient, Gradient]:
    """The pairs (∂E/∂W^[l], ∂E/∂b^[l]), shaped as `params`, and their estimated errors in the same shape.

    By complex step where every part of the network is analytic, else by central differences. Raises
    Unsupported as `loss` does.
    """
    penalties = (penalty.norm for penalty in network.objective.penalties)
    activations = (layer.activation.name for layer in network.layers)
    analytic = ANALYTIC.issuperset({network.objective.loss.name, *activations, *penalties})
    differentiate = complex_step if analytic else central_differences
    value, error = differentiate(loss_at(network, params, x, t, lam), flattened(params))
    return shaped(value, params), shaped(error, params)
