"""A backward pass as textbooks write it, and the bugs that people put into it.

Plain NumPy, weights out-in and samples as columns, naive forms of every function: 1 - a², a(1 - a), softmax
without a shift, the loss's slope and the activation's multiplied. It shares nothing with backproof.
"""

from collections.abc import Callable

import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


# name: (g(z), g'(z, a))
ACTIVATIONS = {
    "identity": (lambda z: z, lambda z, a: np.ones_like(z)),
    "tanh": (np.tanh, lambda z, a: 1 - a**2),
    "sigmoid": (sigmoid, lambda z, a: a * (1 - a)),
    "relu": (lambda z: z * (z > 0), lambda z, a: (z > 0) * np.ones_like(z)),
    "leaky_relu": (lambda z: np.where(z > 0, z, 0.01 * z), lambda z, a: np.where(z > 0, 1, 0.01)),
    "elu": (lambda z: np.where(z > 0, z, np.exp(z) - 1), lambda z, a: np.where(z > 0, 1, a + 1)),
    "softplus": (lambda z: np.log(1 + np.exp(z)), lambda z, a: sigmoid(z)),
    "silu": (lambda z: z * sigmoid(z), lambda z, a: sigmoid(z) + a * (1 - sigmoid(z))),
    "softsign": (lambda z: z / (1 + np.abs(z)), lambda z, a: 1 / (1 + np.abs(z)) ** 2),
    "sin": (np.sin, lambda z, a: np.cos(z)),
    "exp": (np.exp, lambda z, a: a),
    "softmax": (lambda z: np.exp(z) / np.exp(z).sum(axis=0), None),
}
LOSSES = {  # name: (e(a, t), ∂e/∂a)
    "squared": (lambda a, t: (a - t) ** 2, lambda a, t: 2 * (a - t)),
    "half-squared": (lambda a, t: (a - t) ** 2 / 2, lambda a, t: a - t),
    "cross-entropy": (lambda a, t: -t * np.log(a), lambda a, t: -t / a),
    "binary-cross-entropy": (
        lambda a, t: -t * np.log(a) - (1 - t) * np.log(1 - a),
        lambda a, t: -t / a + (1 - t) / (1 - a),
    ),
}


def pull_back(name, da, z, a, slope=None):
    """∂E/∂z from ∂E/∂a."""
    if name == "softmax":
        return a * (da - (da * a).sum(axis=0)) if slope is None else da * slope(z, a)
    return da * (slope or ACTIVATIONS[name][1])(z, a)


def textbook(
    *, hidden="tanh", output="identity", loss="half-squared", scale=lambda m, k: 1 / m, l2=None, bug=None
) -> Callable:
    """gradient(params, x, t), or with λ if there is an l2 factor(λ, m); `bug` names one of those below."""

    def gradient(params, x, t, lam=0.0):
        names = [hidden] * (len(params) - 1) + [output]
        m, k, layers = x.shape[1], len(t), len(params)
        a, zs, activations = x, [], [x]
        for name, (w, b) in zip(names, params, strict=True):
            z = w @ a if b is None else w @ a + b[:, None]
            a = ACTIVATIONS[name][0](z)
            zs.append(z)
            activations.append(a)
        factor = 1 if bug == "missing 1/m" else scale(m, k)
        da = factor * LOSSES[loss][1](a, t) * (-1 if bug == "sign" else 1)
        if bug == "missing factor 2":
            da = da / 2
        slopes = {
            "slope at a for z": lambda z, a: ACTIVATIONS[hidden][1](a, ACTIVATIONS[hidden][0](a)),
            "no slope in hidden layers": lambda z, a: 1,
            "tanh' = 1 - tanh": lambda z, a: 1 - a,
            "leaky slope 0": lambda z, a: z > 0,
            "elu' = z + 1": lambda z, a: np.where(z > 0, 1, z + 1),
            "softmax diagonal only": lambda z, a: a * (1 - a),
        }
        gradients = []
        for l in reversed(range(layers)):
            w, b = params[l]
            if l == layers - 1 and bug == "no slope at the output":
                delta = da
            elif l == layers - 1 and bug == "slope at the output twice":
                delta = pull_back(names[l], da, zs[l], a) * ACTIVATIONS[output][1](zs[l], a)
            else:
                slope = slopes.get(bug) if l < layers - 1 else None
                delta = pull_back(names[l], da, zs[l], activations[l + 1], slope)
            if bug == "1/m at every layer":
                delta = delta / m
            dw = delta @ activations[l].T
            db = delta.sum(axis=1)
            if bug == "bias mean":
                db = db / m
            elif bug == "bias summed over units":
                db = np.full(len(db), db.sum())
            elif bug == "bias times input":
                db = (delta * activations[l].sum(axis=0)).sum(axis=1)
            if l2:
                penalty = {
                    "weight decay subtracted": -l2(lam, m),
                    "weight decay halved": l2(lam, m) / 2,
                    "weight decay forgotten": 0,
                }.get(bug, l2(lam, m))
                dw = dw + 2 * penalty * w
                if bug == "biases decay":
                    db = db + 2 * penalty * b
            if bug == "learning rate folded in":
                dw, db = 0.1 * dw, 0.1 * db
            gradients.insert(0, (dw, None if b is None else db))
            if bug == "updated weights":
                w = w - 0.01 * dw
            if bug == "weights not transposed":
                w = w.T
            da = (w.T @ (da if bug == "error passed on before the slope" else delta)) if l else None
        return gradients

    def without_penalty(params, x, t):
        return gradient(params, x, t)

    return gradient if l2 else without_penalty


def loss_value(params, x, t, *, hidden="tanh", output="identity", loss="half-squared"):
    """E = (1/m) Σ e."""
    a = x
    for l, (w, b) in enumerate(params, start=1):
        a = ACTIVATIONS[output if l == len(params) else hidden][0](w @ a + b[:, None])
    return LOSSES[loss][0](a, t).sum() / x.shape[1]
