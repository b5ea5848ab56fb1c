"""JAX's functions by our names, and its reverse mode, compiled for each network."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import nn

from tests.real.expressed import Framework

jax.config.update("jax_enable_x64", True)

ACTIVATIONS = {
    "identity": lambda z, alpha: z,
    "sigmoid": lambda z, alpha: nn.sigmoid(z),
    "tanh": lambda z, alpha: jnp.tanh(z),
    "relu": lambda z, alpha: nn.relu(z),
    "leaky_relu": nn.leaky_relu,
    "prelu": lambda z, alpha: jnp.where(z > 0, z, alpha * z),
    "elu": nn.elu,
    "selu": lambda z, alpha: nn.selu(z),
    "softplus": lambda z, alpha: nn.softplus(z),
    "silu": lambda z, alpha: nn.silu(z),
    "mish": lambda z, alpha: nn.mish(z),
    "gelu": lambda z, alpha: nn.gelu(z, approximate=False),
    "softsign": lambda z, alpha: nn.soft_sign(z),
    "hardtanh": lambda z, alpha: nn.hard_tanh(z),
    "relu6": lambda z, alpha: nn.relu6(z),
    "hardsigmoid": lambda z, alpha: nn.hard_sigmoid(z),
    "hardswish": lambda z, alpha: nn.hard_swish(z),
    "sin": lambda z, alpha: jnp.sin(z),
    "exp": lambda z, alpha: jnp.exp(z),
    "softmax": lambda z, alpha: nn.softmax(z, axis=1),
}
LOSSES = {
    "squared": lambda a, t, epsilon: ((a - t) ** 2).sum(),
    "half-squared": lambda a, t, epsilon: ((a - t) ** 2).sum() / 2,
    "cross-entropy": lambda a, t, epsilon: _of_classes(jnp.log(a), t),
    "binary-cross-entropy": lambda a, t, epsilon: -(t * jnp.log(a) + (1 - t) * jnp.log(1 - a)).sum(),
    "label-smoothing": lambda a, t, epsilon: _smoothed(jnp.log(a), t, epsilon),
    "kl": lambda a, t, epsilon: (jax.scipy.special.xlogy(t, t) - t * jnp.log(a)).sum(),
    "poisson": lambda a, t, epsilon: (a - t * jnp.log(a)).sum(),
    "hinge": lambda a, t, epsilon: nn.relu(1 - a * t).sum(),
    "huber": lambda a, t, epsilon: jnp.where(abs(a - t) <= 1, (a - t) ** 2 / 2, abs(a - t) - 0.5).sum(),
}
HEADS = {
    ("softmax", "cross-entropy"): lambda z, t, epsilon: _of_classes(nn.log_softmax(z, axis=1), t),
    ("softmax", "label-smoothing"): lambda z, t, epsilon: _smoothed(nn.log_softmax(z, axis=1), t, epsilon),
    ("softmax", "kl"): lambda z, t, epsilon: (
        jax.scipy.special.xlogy(t, t) - t * nn.log_softmax(z, axis=1)
    ).sum(),
    ("sigmoid", "cross-entropy"): lambda z, t, epsilon: _of_classes(nn.log_sigmoid(z), t),
    ("sigmoid", "binary-cross-entropy"): lambda z, t, epsilon: (
        -(t * nn.log_sigmoid(z) + (1 - t) * nn.log_sigmoid(-z)).sum()
    ),
    ("exp", "poisson"): lambda z, t, epsilon: (jnp.exp(z) - t * z).sum(),
}


def _of_classes(logs: jax.Array, t: jax.Array) -> jax.Array:
    """−Σ t log a, where t may be class numbers."""
    if jnp.issubdtype(t.dtype, jnp.floating):
        return -(t * logs).sum()
    return -jnp.take_along_axis(logs, t[:, None], axis=1).sum()


def _smoothed(logs: jax.Array, t: jax.Array, epsilon: float) -> jax.Array:
    count = logs.shape[1]
    one_hot = t if jnp.issubdtype(t.dtype, jnp.floating) else nn.one_hot(t, count, dtype=logs.dtype)
    return -(((1 - epsilon) * one_hot + epsilon / count) * logs).sum()


def linear(a: jax.Array, w: jax.Array, b: jax.Array | None) -> jax.Array:
    return a @ w if b is None else a @ w + b


JAX = Framework(
    weights="in-out",
    linear=linear,
    activations=ACTIVATIONS,
    losses=LOSSES,
    heads=HEADS,
    norms={"l2": lambda w: (w**2).sum(), "l1": lambda w: abs(w).sum()},
    array=jnp.asarray,
    differentiate=lambda error: jax.jit(jax.value_and_grad(error)),
)
