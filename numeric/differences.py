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

The loss is computed by a forward pass of this module's own, which shares no line with any other.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from symbolic.errors import Unsupported
from symbolic.network import Dense, Network

Array = npt.NDArray[Any]  # float64, or complex128 on a complex step
Params = Sequence[tuple[Array, Array | None]]
Gradient = list[tuple[Array, Array | None]]
Function = Callable[..., Array]

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


def loss(network: Network, params: Params, x: Array, t: Array, *, lam: float = 0.0) -> float:
    """E by this module's forward pass, for x of shape (n_0, m) and targets of shape (n_L, m).

    Where a loss takes logarithms of a softmax, the logits of a sample have to lie within 700 of each other.
    Raises Unsupported for an undefined g or E and for a formula of the user's.
    """
    return float(_loss_at(network, params, x, t, lam)(_flat(params)))


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
    value, error = differentiate(_loss_at(network, params, x, t, lam), _flat(params))
    return _shaped(value, params), _shaped(error, params)


def _loss_at(network: Network, params: Params, x: Array, t: Array, lam: float) -> Function:
    """E as a function of the flat parameters on the last axis; leading axes stack points."""
    _refuse_unknown(network)
    activations = [_activation(layer) for layer in network.layers]
    error = _error(network)
    scale = _number(network.objective.scale, t, lam)
    penalties = [
        (_number(penalty.factor, t, lam), PENALTIES[penalty.norm], _penalized(params, biases=penalty.biases))
        for penalty in network.objective.penalties
    ]

    def total(points: Array) -> Array:
        a = z = x
        for g, (w, b) in zip(activations, _shaped(points, params), strict=True):
            z = w @ a if b is None else w @ a + b[..., None]
            a = g(z)
        value = scale * error(z, a, t).sum(axis=(-2, -1))
        for factor, p, entries in penalties:
            value = value + factor * p(points[..., entries]).sum(axis=-1)
        return np.asarray(value)

    return total


def _activation(layer: Dense) -> Function:
    g, alpha = ACTIVATIONS[layer.activation.name], layer.activation.alpha
    return g if alpha is None else partial(g, alpha=float(alpha))


def _error(network: Network) -> Function:
    """e as a function of (z^[L], a^[L], t): logarithms of a probability are taken from z."""
    output, name = network.layers[-1].activation.name, network.objective.loss.name
    if name in LOSSES:
        return lambda z, a, t: LOSSES[name](a, t)
    return lambda z, a, t: LOG_LOSSES[name](*LOGS[output](z), t)


def _flat(params: Params) -> Array:
    return np.concatenate([v.ravel() for pair in params for v in pair if v is not None])


def _shaped(flat: Array, params: Params) -> Gradient:
    """The last axis of `flat` cut into arrays shaped as `params`; the leading axes stay."""
    sizes = [v.size for pair in params for v in pair if v is not None]
    pieces = iter(np.split(flat, np.cumsum(sizes)[:-1], axis=-1))
    return [
        (next(pieces).reshape(*flat.shape[:-1], *w.shape), None if b is None else next(pieces))
        for w, b in params
    ]


def _penalized(params: Params, *, biases: bool) -> Array:
    """Which of the flat parameters a penalty counts."""
    return _flat(
        [(np.full(w.shape, True), None if b is None else np.full(b.shape, biases)) for w, b in params]
    )


def _number(formula: Any, t: Array, lam: float) -> float:
    """A formula of the spec in m, k and lambda as a number; k outputs and m samples are t's shape."""
    k, m = t.shape
    values = {"k": k, "m": m, "lambda": lam}
    return float(formula.subs({symbol: values[symbol.name] for symbol in formula.free_symbols}))


def _refuse_unknown(network: Network) -> None:
    for number, layer in enumerate(network.layers, start=1):
        if layer.activation.name not in ACTIVATIONS:
            raise Unsupported(
                f"layer {number}: differences have no activation '{layer.activation.text}', "
                f"only {', '.join(ACTIVATIONS)}; the derivation serves the others"
            )
    if network.objective.loss.name not in {**LOSSES, **LOG_LOSSES}:
        raise Unsupported(
            f"differences have no loss '{network.objective.loss.text}', "
            f"only {', '.join([*LOSSES, *LOG_LOSSES])}; the derivation serves the others"
        )


def _exp_of_minus_abs(z: Array) -> Array:
    return np.exp(np.where(z.real > 0, -z, z))


def _sigmoid(z: Array) -> Array:
    e = _exp_of_minus_abs(z)
    return np.asarray(np.where(z.real > 0, 1, e) / (1 + e))


def _softplus(z: Array) -> Array:
    e = _exp_of_minus_abs(z)
    log_1_plus_e = 2 * np.arctanh(e / (2 + e))  # np.log1p drops the real part of a small complex e
    return np.asarray(np.where(z.real > 0, z, 0) + log_1_plus_e)


def _below_top(z: Array) -> Array:
    return np.asarray(z - z.real.max(axis=-2, keepdims=True))


def _softmax(z: Array) -> Array:
    e = np.exp(_below_top(z))
    return np.asarray(e / e.sum(axis=-2, keepdims=True))


def _softmax_logs(z: Array) -> tuple[Array, Array]:
    z = _below_top(z)
    e = np.exp(z)
    others = (1 - np.eye(z.shape[-2])) @ e
    log_sum = np.log(e.sum(axis=-2, keepdims=True))
    return z - log_sum, np.log(others) - log_sum


def _huber(a: Array, t: Array) -> Array:
    d = np.abs(a - t)
    return np.asarray(np.where(d <= 1, d * d / 2, d - 0.5))


ACTIVATIONS: Final[dict[str, Function]] = {
    "identity": lambda z: z,
    "sigmoid": _sigmoid,
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0),
    "leaky_relu": lambda z, alpha: np.where(z > 0, z, alpha * z),
    "elu": lambda z, alpha: np.where(z > 0, z, alpha * np.expm1(np.minimum(z, 0))),
    "softplus": _softplus,
    "silu": lambda z: z * _sigmoid(z),
    "gelu": lambda z: z * (1 + np.vectorize(math.erf, otypes=[np.float64])(z / math.sqrt(2))) / 2,
    "softsign": lambda z: z / (1 + np.abs(z)),
    "sin": np.sin,
    "exp": np.exp,
    "softmax": _softmax,
}

LOSSES: Final[dict[str, Function]] = {
    "squared": lambda a, t: (a - t) ** 2,
    "half-squared": lambda a, t: (a - t) ** 2 / 2,
    "huber": _huber,
}
LOG_LOSSES: Final[dict[str, Function]] = {
    "cross-entropy": lambda log_a, _, t: -t * log_a,
    "binary-cross-entropy": lambda log_a, log_rest, t: -t * log_a - (1 - t) * log_rest,
}
LOGS: Final[dict[str, Callable[[Array], tuple[Array, Array]]]] = {
    "sigmoid": lambda z: (-_softplus(-z), -_softplus(z)),
    "softmax": _softmax_logs,
}
PENALTIES: Final[dict[str, Function]] = {"l2": np.square, "l1": np.abs}

# analytic, and computed here for complex numbers too; NumPy has no erf for gelu
ANALYTIC: Final = frozenset(
    {"identity", "sigmoid", "tanh", "softplus", "silu", "sin", "exp", "softmax"}
    | {"squared", "half-squared", *LOG_LOSSES, "l2"}
)
