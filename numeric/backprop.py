"""The textbook's backpropagation, vectorised and written by hand: evidence that owes the derivation nothing.

    z^[l] = W^[l] a^[l-1] + b^[l],   a^[l] = g^[l](z^[l]),   a^[0] = x
    δ^[L] = ∂E/∂z^[L],               δ^[l] = (W^[l+1]ᵀ δ^[l+1]) ∘ g'^[l](z^[l])
    ∂E/∂W^[l] = δ^[l] a^[l-1]ᵀ,      ∂E/∂b^[l] = Σ_c δ^[l]_c,   each plus the slope of the penalties

as in Nielsen 2015, Neural Networks and Deep Learning, ch. 2, BP1 to BP4; samples c are columns, so that the
products sum over them. The tables hold values and slopes in forms that neither overflow nor give nan for
|z| < 8e307; `exp` alone leaves the range of the numbers, to inf, as its exact value does. At a kink the slope
is that of the side z ≤ 0, and |w|' is 0 at 0.
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

Array = npt.NDArray[np.float64]
Params = Sequence[tuple[Array, Array | None]]
Gradient = list[tuple[Array, Array | None]]
Function = Callable[..., Array]
Rule = tuple[Function, Function]


def forward(network: Network, params: Params, x: Array) -> list[tuple[Array, Array]]:
    """The pairs (z^[l], a^[l]), l = 1 … L, each of shape (n_l, m), for x of shape (n_0, m).

    Raises Unsupported for an undefined g or E and for a formula of the user's.
    """
    _refuse_unknown(network)
    a, layers = x, []
    for layer, (w, b) in zip(network.layers, params, strict=True):
        z = w @ a if b is None else w @ a + b[:, None]
        g, _ = _rule(layer)
        a = g(z)
        layers.append((z, a))
    return layers


def loss(network: Network, params: Params, x: Array, t: Array, *, lam: float = 0.0) -> float:
    """E for targets t of shape (n_L, m). Raises Unsupported as `forward` does."""
    z, _ = forward(network, params, x)[-1]
    error, _ = _head(network)
    total = _number(network.objective.scale, t, lam) * error(z, t).sum()
    for penalty in network.objective.penalties:
        p, _ = PENALTIES[penalty.norm]
        penalized = [v for w, b in params for v in (w, b if penalty.biases else None) if v is not None]
        total += _number(penalty.factor, t, lam) * sum(p(v).sum() for v in penalized)
    return float(total)


def gradient(network: Network, params: Params, x: Array, t: Array, *, lam: float = 0.0) -> Gradient:
    """The pairs (∂E/∂W^[l], ∂E/∂b^[l]), shaped as `params`. Raises Unsupported as `forward` does.

    E = (3w + b - 1)²/2 at w = 2, b = 5:

    >>> from symbolic.network import mlp
    >>> line = mlp(1, 1, loss="half-squared")
    >>> gradient(line, [(np.array([[2.0]]), np.array([5.0]))], np.array([[3.0]]), np.array([[1.0]]))
    [(array([[30.]]), array([10.]))]
    """
    layers = forward(network, params, x)
    _, output_error = _head(network)
    delta = _number(network.objective.scale, t, lam) * output_error(layers[-1][0], t)
    inputs = [x, *(a for _, a in layers[:-1])]
    gradients: Gradient = []
    for l in reversed(range(network.depth)):
        w, b = params[l]
        gradients.insert(0, (delta @ inputs[l].T, None if b is None else delta.sum(axis=1)))
        if l > 0:
            z, _ = layers[l - 1]
            _, pull_back = _rule(network.layers[l - 1])
            delta = pull_back(w.T @ delta, z)
    for penalty in network.objective.penalties:
        _, slope = PENALTIES[penalty.norm]
        factor = _number(penalty.factor, t, lam)
        for (dw, db), (w, b) in zip(gradients, params, strict=True):
            dw += factor * slope(w)
            if penalty.biases and db is not None:
                db += factor * slope(b)
    return gradients


def _head(network: Network) -> Rule:
    """e(a^[L], t) and δ^[L], both as functions of (z^[L], t), before the scale."""
    output, name = network.layers[-1], network.objective.loss.name
    fused = FUSED.get((output.activation.name, name))
    if fused:
        return fused
    e, slope = LOSSES[name]
    g, pull_back = _rule(output)
    return lambda z, t: e(g(z), t), lambda z, t: pull_back(slope(g(z), t), z)


def _rule(layer: Dense) -> Rule:
    """g(z), and the pull-back that takes (∂E/∂a, z) to ∂E/∂z."""
    value, pull_back = ACTIVATIONS[layer.activation.name]
    if layer.activation.alpha is None:
        return value, pull_back
    alpha = float(layer.activation.alpha)
    return partial(value, alpha=alpha), partial(pull_back, alpha=alpha)


def _number(formula: Any, t: Array, lam: float) -> float:
    """A formula of the spec in m, k and lambda as a number; k outputs and m samples are t's shape."""
    k, m = t.shape
    values = {"k": k, "m": m, "lambda": lam}
    return float(formula.subs({symbol: values[symbol.name] for symbol in formula.free_symbols}))


def _refuse_unknown(network: Network) -> None:
    for number, layer in enumerate(network.layers, start=1):
        if layer.activation.name not in ACTIVATIONS:
            raise Unsupported(
                f"layer {number}: the vectorised backprop has no activation '{layer.activation.text}', "
                f"only {', '.join(ACTIVATIONS)}; the derivation serves the others"
            )
    known = list(dict.fromkeys([*LOSSES, *(name for _, name in FUSED)]))
    if network.objective.loss.name not in known:
        raise Unsupported(
            f"the vectorised backprop has no loss '{network.objective.loss.text}', "
            f"only {', '.join(known)}; the derivation serves the others"
        )


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
    "softplus": _elementwise(_softplus, _sigmoid),
    "silu": _elementwise(lambda z: z * _sigmoid(z), _silu_slope),
    "gelu": _elementwise(
        lambda z: z * _normal_probability(z), lambda z: _normal_probability(z) + z * _normal_density(z)
    ),
    "softsign": _elementwise(lambda z: z / (1 + np.abs(z)), lambda z: (1 / (1 + np.abs(z))) ** 2),
    "sin": _elementwise(np.sin, np.cos),
    "exp": _elementwise(_exp, _exp),
    "softmax": (_softmax, _softmax_pull_back),
}

# e(a, t) and ∂e/∂a
LOSSES: Final[dict[str, Rule]] = {
    "squared": (lambda a, t: (a - t) ** 2, lambda a, t: 2 * (a - t)),
    "half-squared": (lambda a, t: (a - t) ** 2 / 2, lambda a, t: a - t),
    "huber": (_huber, lambda a, t: np.clip(a - t, -1, 1)),
}

# e and δ^[L] in (z^[L], t), where a loss takes logarithms of a probability
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
}

PENALTIES: Final[dict[str, Rule]] = {"l2": (np.square, lambda w: 2 * w), "l1": (np.abs, np.sign)}
