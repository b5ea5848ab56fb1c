"""Wrong: the mean over samples is forgotten.

Tanh hidden layers, identity output, E = (1/2m) Σ (a - t)².

    backproof check examples/wrong_1_missing_mean.py:gradient '?-…-?' --hidden tanh --scale 1/m
"""

import numpy as np


def gradient(params, x, t):
    """[(dE/dW, dE/db), …] for params [(W, b), …], W out×in, samples as columns."""
    activations = [x]
    for number, (weights, bias) in enumerate(params, start=1):
        z = weights @ activations[-1] + bias[:, None]
        activations.append(z if number == len(params) else np.tanh(z))

    delta = activations[-1] - t
    gradients = []
    for number in range(len(params), 0, -1):
        weights, _ = params[number - 1]
        before = activations[number - 1]
        gradients.insert(0, (delta @ before.T, delta.sum(axis=1)))
        delta = (weights.T @ delta) * (1 - before**2)
    return gradients
