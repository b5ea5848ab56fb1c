"""Wrong: the slope of the sigmoid output is forgotten, as if the loss were cross-entropy.

Sigmoid layers, E = (1/2m) Σ (a - t)².

    backproof check examples/wrong_4_no_output_slope.py:gradient '?-…-?' --hidden sigmoid --output sigmoid
"""

import numpy as np


def sigmoid(z):
    """σ(z)."""
    return 1 / (1 + np.exp(-z))


def gradient(params, x, t):
    """[(dE/dW, dE/db), …] for params [(W, b), …], W out×in, samples as columns."""
    activations = [x]
    for weights, bias in params:
        activations.append(sigmoid(weights @ activations[-1] + bias[:, None]))

    delta = (activations[-1] - t) / x.shape[1]
    gradients = []
    for (weights, _), before in zip(params[::-1], activations[-2::-1], strict=True):
        gradients.insert(0, (delta @ before.T, delta.sum(axis=1)))
        delta = (weights.T @ delta) * before * (1 - before)
    return gradients
