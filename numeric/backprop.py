"""The textbook's backpropagation, vectorised and written by hand: evidence that owes the derivation nothing.

    z^[l] = W^[l] a^[l-1] + b^[l],   a^[l] = g^[l](z^[l]),   a^[0] = x
    δ^[L] = ∂E/∂z^[L],               δ^[l] = (W^[l+1]ᵀ δ^[l+1]) ∘ g'^[l](z^[l])
    ∂E/∂W^[l] = δ^[l] a^[l-1]ᵀ,      ∂E/∂b^[l] = Σ_c δ^[l]_c,   each plus the slope of the penalties

as in Nielsen 2015, Neural Networks and Deep Learning, ch. 2, BP1 to BP4; samples c are columns, so that the
products sum over them. Values and slopes are in `backprop_rules`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from numeric.backprop_rules import ACTIVATIONS, FUSED, LOSSES, PENALTIES, Array, Rule
from symbolic.errors import Unsupported
from symbolic.network import Dense, Network

Params = Sequence[tuple[Array, Array | None]]
Gradient = list[tuple[Array, Array | None]]


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

    >>> import numpy as np
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
    output, given = network.layers[-1], network.objective.loss
    fused = FUSED.get((output.activation.name, given.name))
    if fused and given.epsilon is not None:
        e, output_error = fused
        epsilon = float(given.epsilon)
        return partial(e, epsilon=epsilon), partial(output_error, epsilon=epsilon)
    if fused:
        return fused
    e, slope = LOSSES[given.name]
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
