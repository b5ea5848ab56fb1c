"""A forward pass for differences: E as a function of the parameters, for stacks of complex points.

It shares no line with any other forward pass, nor with any backward pass: what looks alike in `backprop` is
written twice, as evidence has to be.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from symbolic.errors import Unsupported
from symbolic.network import Dense, Network

Array = npt.NDArray[Any]  # float64, or complex128 on a complex step
Params = Sequence[tuple[Array, Array | None]]
Gradient = list[tuple[Array, Array | None]]
Function = Callable[..., Array]


def loss(network: Network, params: Params, x: Array, t: Array, *, lam: float = 0.0) -> float:
    """E by this module's forward pass, for x of shape (n_0, m) and targets of shape (n_L, m).

    Where a loss takes logarithms of a softmax, the logits of a sample have to lie within 700 of each other.
    Raises Unsupported for an undefined g or E and for a formula of the user's.
    """
    return float(loss_at(network, params, x, t, lam)(flattened(params)))


def loss_at(network: Network, params: Params, x: Array, t: Array, lam: float) -> Function:
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
        for g, (w, b) in zip(activations, shaped(points, params), strict=True):
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
    output, given = network.layers[-1].activation.name, network.objective.loss
    if given.name in LOSSES:
        return lambda z, a, t: LOSSES[given.name](a, t)
    e = LOG_LOSSES[given.name]
    if given.epsilon is not None:
        e = partial(e, epsilon=float(given.epsilon))
    return lambda z, a, t: e(*LOGS[output](z), t)


def flattened(params: Params) -> Array:
    """All parameters in one vector, layer by layer, W before b."""
    return np.concatenate([v.ravel() for pair in params for v in pair if v is not None])


def shaped(flat: Array, params: Params) -> Gradient:
    """The last axis of `flat` cut into arrays shaped as `params`; the leading axes stay."""
    sizes = [v.size for pair in params for v in pair if v is not None]
    pieces = iter(np.split(flat, np.cumsum(sizes)[:-1], axis=-1))
    return [
        (next(pieces).reshape(*flat.shape[:-1], *w.shape), None if b is None else next(pieces))
        for w, b in params
    ]


def _penalized(params: Params, *, biases: bool) -> Array:
    """Which of the flat parameters a penalty counts."""
    return flattened(
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
    "prelu": lambda z, alpha: np.maximum(z, 0) + alpha * np.minimum(z, 0),
    "selu": lambda z: 1.0507009873554805 * np.maximum(z, 0) + 1.7580993408473766 * np.expm1(np.minimum(z, 0)),
    "softplus": _softplus,
    "silu": lambda z: z * _sigmoid(z),
    "mish": lambda z: z * np.tanh(_softplus(z)),
    "gelu": lambda z: z * (1 + np.vectorize(math.erf, otypes=[np.float64])(z / math.sqrt(2))) / 2,
    "softsign": lambda z: z / (1 + np.abs(z)),
    "hardtanh": lambda z: np.minimum(np.maximum(z, -1), 1),
    "relu6": lambda z: np.minimum(np.maximum(z, 0), 6),
    "hardsigmoid": lambda z: np.minimum(np.maximum(z / 6 + 0.5, 0), 1),
    "hardswish": lambda z: z * np.minimum(np.maximum(z / 6 + 0.5, 0), 1),
    "sin": np.sin,
    "exp": np.exp,
    "softmax": _softmax,
}

LOSSES: Final[dict[str, Function]] = {
    "squared": lambda a, t: (a - t) ** 2,
    "half-squared": lambda a, t: (a - t) ** 2 / 2,
    "huber": _huber,
    "hinge": lambda a, t: np.maximum(1 - a * t, 0),
}
LOG_LOSSES: Final[dict[str, Function]] = {
    "cross-entropy": lambda log_a, _, t: -t * log_a,
    "binary-cross-entropy": lambda log_a, log_rest, t: -t * log_a - (1 - t) * log_rest,
    "label-smoothing": lambda log_a, _, t, epsilon: -(t + epsilon * (1 / len(t) - t)) * log_a,
    "kl": lambda log_a, _, t: t * (np.log(np.where(t == 0, 1, t)) - log_a),
    "poisson": lambda log_a, _, t: np.exp(log_a) - t * log_a,
}
LOGS: Final[dict[str, Callable[[Array], tuple[Array, Array]]]] = {
    "sigmoid": lambda z: (-_softplus(-z), -_softplus(z)),
    "softmax": _softmax_logs,
    "exp": lambda z: (z, np.full_like(z, np.nan)),  # no loss takes log(1 - a) of what may exceed 1
    "softplus": lambda z: (np.log(_softplus(z)), np.full_like(z, np.nan)),
}
PENALTIES: Final[dict[str, Function]] = {"l2": np.square, "l1": np.abs}

# analytic, and computed here for complex numbers too; NumPy has no erf for gelu
ANALYTIC: Final = frozenset(
    {"identity", "sigmoid", "tanh", "softplus", "silu", "mish", "sin", "exp", "softmax"}
    | {"squared", "half-squared", *LOG_LOSSES, "l2"}
)
