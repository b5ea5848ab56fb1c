"""Wrong: a layer's weights are updated before the error is passed back through them.

Tanh hidden layers, identity output, E = (1/2m) Σ (a - t)².

    backproof check examples/wrong_5_updated_weights.py:gradient '?-…-?' --hidden tanh
"""

import numpy as np

LEARNING_RATE = 0.01


def gradient(params, x, t):
    """[(dE/dW, dE/db), …] for params [(W, b), …], W out×in, samples as columns."""
    activations = [x]
    for number, (weights, bias) in enumerate(params, start=1):
        z = weights @ activations[-1] + bias[:, None]
        activations.append(z if number == len(params) else np.tanh(z))

    delta = (activations[-1] - t) / x.shape[1]
    gradients = []
    for number in range(len(params), 0, -1):
        weights, _ = params[number - 1]
        before = activations[number - 1]
        d_weights, d_bias = delta @ before.T, delta.sum(axis=1)
        gradients.insert(0, (d_weights, d_bias))
        weights = weights - LEARNING_RATE * d_weights
        delta = (weights.T @ delta) * (1 - before**2)
    return gradients
