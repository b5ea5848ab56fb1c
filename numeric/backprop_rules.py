"""Values and slopes of activations, losses and penalties, in NumPy and by hand: the tables of `backprop`.

Their forms neither overflow nor give nan for |z| < 8e307; `exp` alone leaves the range of the numbers, to
inf, as its exact value does. At a kink the slope is that of the side z ≤ 0, where there are two kinks that of
the sides outside of them, and |w|' is 0 at 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Function = Callable[..., Array]
Rule = tuple[Function, Function]
SELU_SCALE: Final = 1.0507009873554805  # Klambauer et al. 2017, eq. 14, to the nearest float
SELU_ALPHA: Final = 1.6732632423543772
FAR: Final = -40.0  # below, log(1 + exp z) is exp z to the last digit


def _elementwise(value: Function, slope: Function) -> Rule:
    return value, lambda da, z, **alpha: da * slope(z, **alpha)


def _sigmoid(z: Array) -> Array:
    e = np.exp(-np.abs(z))
    return np.asarray(np.where(z >= 0, 1, e) / (1 + e))


def _softplus(z: Array) -> Array:
    return np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))


def _sech(z: Array) -> Array:
    e = np.exp(-np.abs(z))
    return np.asarray(2 * e / (1 + e * e))


def _silu_slope(z: Array) -> Array:
    return _sigmoid(z) * (1 + z * _sigmoid(-z))


def _inside(z: Array, low: float, high: float) -> Array:
    return np.where((z > low) & (z < high), 1.0, 0.0)


def _normal_density(z: Array) -> Array:
    z = np.clip(z, -40, 40)  # beyond, exp(-z²/2) is below the smallest number
    return np.exp(-z * z / 2) / math.sqrt(2 * math.pi)


def _normal_probability(z: Array) -> Array:
    erfc = np.vectorize(math.erfc, otypes=[np.float64])  # 1 + erf, which cancels where z is far below 0
    return np.asarray(erfc(z / -math.sqrt(2)) / 2)


def _exp(z: Array) -> Array:
    with np.errstate(over="ignore"):
        return np.exp(z)


def _softmax(z: Array) -> Array:
    e = np.exp(z - z.max(axis=0))
    return np.asarray(e / e.sum(axis=0))


def _softmax_pull_back(da: Array, z: Array) -> Array:
    a = _softmax(z)  # ∂a_i/∂z_j = a_i ([i = j] - a_j)
    return np.asarray(a * (da - (a * da).sum(axis=0)))


def _log_softmax(z: Array) -> Array:
    z = z - z.max(axis=0)
    return np.asarray(z - np.log(np.exp(z).sum(axis=0)))


def _without_one(z: Array) -> Array:
    """[j, r, c]: z[j, c] where j ≠ r, so that a softmax over j leaves out unit r."""
    return np.where(np.eye(len(z), dtype=bool)[:, :, None], -np.inf, z[:, None])


def _log_one_minus_softmax(z: Array) -> Array:
    """log(1 - a_r) = log Σ_{j≠r} exp z_j - log Σ_j exp z_j."""
    others, top = _without_one(z), z.max(axis=0)
    top_of_others = others.max(axis=0)
    rest = top_of_others - top + np.log(np.exp(others - top_of_others).sum(axis=0))
    return np.asarray(rest - np.log(np.exp(z - top).sum(axis=0)))


def _softmax_binary_output_error(z: Array, t: Array) -> Array:
    # ∂ log(1 - a_r)/∂z_i = p_ir - a_i, with p_·r the softmax without unit r
    p = _softmax(_without_one(z))
    return np.asarray(len(z) * _softmax(z) - t - (p * (1 - t)).sum(axis=1))


def _huber(a: Array, t: Array) -> Array:
    d = np.abs(a - t)
    q = np.minimum(d, 1)  # d up to the joint at 1, where d²/2 gives way to d - 1/2
    return np.asarray(q * (d - q / 2))


def _smoothed(t: Array, epsilon: float) -> Array:
    return (1 - epsilon) * t + epsilon / len(t)


def _entropy(t: Array) -> Array:
    return np.asarray(t * np.log(np.where(t > 0, t, 1)))  # t log t, 0 at 0


def _log_softplus(z: Array) -> Array:
    return np.where(z < FAR, z, np.log(_softplus(np.maximum(z, FAR))))


def _log_softplus_slope(z: Array) -> Array:
    near = np.maximum(z, FAR)
    return np.where(z < FAR, 1.0, _sigmoid(near) / _softplus(near))


# g and g'; for softmax, which is no function of one unit, its pull-back
ACTIVATIONS: Final[dict[str, Rule]] = {
    "identity": _elementwise(lambda z: z, np.ones_like),
    "sigmoid": _elementwise(_sigmoid, lambda z: _sigmoid(z) * _sigmoid(-z)),
    "tanh": _elementwise(np.tanh, lambda z: _sech(z) ** 2),
    "relu": _elementwise(lambda z: np.maximum(z, 0), lambda z: np.where(z > 0, 1.0, 0.0)),
    "leaky_relu": _elementwise(
        lambda z, alpha: np.where(z > 0, z, alpha * z), lambda z, alpha: np.where(z > 0, 1.0, alpha)
    ),
    "elu": _elementwise(
        lambda z, alpha: np.where(z > 0, z, alpha * np.expm1(np.minimum(z, 0))),
        lambda z, alpha: np.where(z > 0, 1.0, alpha * np.exp(np.minimum(z, 0))),
    ),
    "prelu": _elementwise(
        lambda z, alpha: np.where(z > 0, z, alpha * z), lambda z, alpha: np.where(z > 0, 1.0, alpha)
    ),
    "selu": _elementwise(
        lambda z: SELU_SCALE * np.where(z > 0, z, SELU_ALPHA * np.expm1(np.minimum(z, 0))),
        lambda z: SELU_SCALE * np.where(z > 0, 1.0, SELU_ALPHA * np.exp(np.minimum(z, 0))),
    ),
    "softplus": _elementwise(_softplus, _sigmoid),
    "silu": _elementwise(lambda z: z * _sigmoid(z), _silu_slope),
    "mish": _elementwise(
        lambda z: z * np.tanh(_softplus(z)),
        lambda z: np.tanh(_softplus(z)) + z * _sigmoid(z) * _sech(_softplus(z)) ** 2,
    ),
    "gelu": _elementwise(
        lambda z: z * _normal_probability(z), lambda z: _normal_probability(z) + z * _normal_density(z)
    ),
    "softsign": _elementwise(lambda z: z / (1 + np.abs(z)), lambda z: (1 / (1 + np.abs(z))) ** 2),
    "hardtanh": _elementwise(lambda z: np.clip(z, -1, 1), lambda z: _inside(z, -1, 1)),
    "relu6": _elementwise(lambda z: np.clip(z, 0, 6), lambda z: _inside(z, 0, 6)),
    "hardsigmoid": _elementwise(lambda z: (np.clip(z, -3, 3) + 3) / 6, lambda z: _inside(z, -3, 3) / 6),
    "hardswish": _elementwise(
        lambda z: np.where(z < 3, np.clip(z, -3, 3) * (np.clip(z, -3, 3) + 3) / 6, z),
        lambda z: np.where(z < 3, _inside(z, -3, 3) * (2 * np.clip(z, -3, 3) + 3) / 6, 1.0),
    ),
    "sin": _elementwise(np.sin, np.cos),
    "exp": _elementwise(_exp, _exp),
    "softmax": (_softmax, _softmax_pull_back),
}

# e(a, t) and ∂e/∂a
LOSSES: Final[dict[str, Rule]] = {
    "squared": (lambda a, t: (a - t) ** 2, lambda a, t: 2 * (a - t)),
    "half-squared": (lambda a, t: (a - t) ** 2 / 2, lambda a, t: a - t),
    "huber": (_huber, lambda a, t: np.clip(a - t, -1, 1)),
    "hinge": (lambda a, t: np.maximum(1 - a * t, 0), lambda a, t: np.where(a * t < 1, -t, 0.0)),
}

# e and δ^[L] in (z^[L], t), where a loss takes logarithms of the output
FUSED: Final[dict[tuple[str, str], Rule]] = {
    ("sigmoid", "cross-entropy"): (lambda z, t: t * _softplus(-z), lambda z, t: -t * _sigmoid(-z)),
    ("sigmoid", "binary-cross-entropy"): (
        lambda z, t: t * _softplus(-z) + (1 - t) * _softplus(z),
        lambda z, t: (1 - t) * _sigmoid(z) - t * _sigmoid(-z),
    ),
    ("softmax", "cross-entropy"): (
        lambda z, t: -t * _log_softmax(z),
        lambda z, t: _softmax(z) * t.sum(axis=0) - t,
    ),
    ("softmax", "binary-cross-entropy"): (
        lambda z, t: -t * _log_softmax(z) - (1 - t) * _log_one_minus_softmax(z),
        _softmax_binary_output_error,
    ),
    ("sigmoid", "label-smoothing"): (
        lambda z, t, epsilon: _smoothed(t, epsilon) * _softplus(-z),
        lambda z, t, epsilon: -_smoothed(t, epsilon) * _sigmoid(-z),
    ),
    ("softmax", "label-smoothing"): (
        lambda z, t, epsilon: -_smoothed(t, epsilon) * _log_softmax(z),
        lambda z, t, epsilon: _softmax(z) * _smoothed(t, epsilon).sum(axis=0) - _smoothed(t, epsilon),
    ),
    ("sigmoid", "kl"): (lambda z, t: _entropy(t) + t * _softplus(-z), lambda z, t: -t * _sigmoid(-z)),
    ("softmax", "kl"): (
        lambda z, t: _entropy(t) - t * _log_softmax(z),
        lambda z, t: _softmax(z) * t.sum(axis=0) - t,
    ),
    ("exp", "poisson"): (lambda z, t: _exp(z) - t * z, lambda z, t: _exp(z) - t),
    ("softplus", "poisson"): (
        lambda z, t: _softplus(z) - t * _log_softplus(z),
        lambda z, t: _sigmoid(z) - t * _log_softplus_slope(z),
    ),
    ("sigmoid", "poisson"): (
        lambda z, t: _sigmoid(z) + t * _softplus(-z),
        lambda z, t: (_sigmoid(z) - t) * _sigmoid(-z),
    ),
    ("softmax", "poisson"): (
        lambda z, t: _softmax(z) - t * _log_softmax(z),
        lambda z, t: _softmax(z) * t.sum(axis=0) - t,
    ),
}

PENALTIES: Final[dict[str, Rule]] = {"l2": (np.square, lambda w: 2 * w), "l1": (np.abs, np.sign)}
