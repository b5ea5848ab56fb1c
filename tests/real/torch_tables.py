"""PyTorch's functions by our names, and its autograd."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional as f

from tests.real.expressed import Framework, Function

ACTIVATIONS = {
    "identity": lambda z, alpha: z,
    "sigmoid": lambda z, alpha: torch.sigmoid(z),
    "tanh": lambda z, alpha: torch.tanh(z),
    "relu": lambda z, alpha: f.relu(z),
    "leaky_relu": f.leaky_relu,
    "prelu": lambda z, alpha: f.prelu(z, torch.tensor([alpha], dtype=z.dtype)),
    "elu": f.elu,
    "selu": lambda z, alpha: f.selu(z),
    "softplus": lambda z, alpha: f.softplus(z),
    "silu": lambda z, alpha: f.silu(z),
    "mish": lambda z, alpha: f.mish(z),
    "gelu": lambda z, alpha: f.gelu(z),
    "softsign": lambda z, alpha: f.softsign(z),
    "hardtanh": lambda z, alpha: f.hardtanh(z),
    "relu6": lambda z, alpha: f.relu6(z),
    "hardsigmoid": lambda z, alpha: f.hardsigmoid(z),
    "hardswish": lambda z, alpha: f.hardswish(z),
    "sin": lambda z, alpha: torch.sin(z),
    "exp": lambda z, alpha: torch.exp(z),
    "softmax": lambda z, alpha: f.softmax(z, dim=1),
}
LOSSES = {
    "squared": lambda a, t, epsilon: f.mse_loss(a, t, reduction="sum"),
    "half-squared": lambda a, t, epsilon: f.mse_loss(a, t, reduction="sum") / 2,
    "cross-entropy": lambda a, t, epsilon: _of_classes(a.log(), t),
    "binary-cross-entropy": lambda a, t, epsilon: f.binary_cross_entropy(a, t, reduction="sum"),
    "label-smoothing": lambda a, t, epsilon: _smoothed(a.log(), t, epsilon),
    "kl": lambda a, t, epsilon: f.kl_div(a.log(), t, reduction="sum"),
    "poisson": lambda a, t, epsilon: f.poisson_nll_loss(a, t, log_input=False, eps=0.0, reduction="sum"),
    "hinge": lambda a, t, epsilon: (1 - a * t).clamp(min=0).sum(),
    "huber": lambda a, t, epsilon: f.huber_loss(a, t, reduction="sum"),
}
HEADS = {
    ("softmax", "cross-entropy"): lambda z, t, epsilon: f.cross_entropy(z, t, reduction="sum"),
    ("softmax", "label-smoothing"): lambda z, t, epsilon: f.cross_entropy(
        z, t, reduction="sum", label_smoothing=epsilon
    ),
    ("softmax", "kl"): lambda z, t, epsilon: f.kl_div(f.log_softmax(z, dim=1), t, reduction="sum"),
    ("sigmoid", "cross-entropy"): lambda z, t, epsilon: _of_classes(f.logsigmoid(z), t),
    ("sigmoid", "binary-cross-entropy"): lambda z, t, epsilon: f.binary_cross_entropy_with_logits(
        z, t, reduction="sum"
    ),
    ("exp", "poisson"): lambda z, t, epsilon: f.poisson_nll_loss(z, t, reduction="sum"),
}


def _of_classes(logs: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """−Σ t log a, where t may be class numbers."""
    return -(t * logs).sum() if t.is_floating_point() else f.nll_loss(logs, t, reduction="sum")


def _smoothed(logs: torch.Tensor, t: torch.Tensor, epsilon: float) -> torch.Tensor:
    count = logs.shape[1]
    one_hot = t if t.is_floating_point() else f.one_hot(t, count).to(logs.dtype)
    return -(((1 - epsilon) * one_hot + epsilon / count) * logs).sum()


def differentiate(error: Function) -> Function:
    def differentiated(arrays: list[torch.Tensor], *others: Any) -> tuple[Any, list[Any]]:
        leaves = [array.requires_grad_() for array in arrays]
        value = error(leaves, *others)
        return value.detach().numpy(), [slope.numpy() for slope in torch.autograd.grad(value, leaves)]

    return differentiated


TORCH = Framework(
    weights="out-in",
    linear=f.linear,
    activations=ACTIVATIONS,
    losses=LOSSES,
    heads=HEADS,
    norms={"l2": lambda w: w.square().sum(), "l1": lambda w: w.abs().sum()},
    array=torch.as_tensor,
    differentiate=differentiate,
    single=frozenset({"hardsigmoid"}),
)
