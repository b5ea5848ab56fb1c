"""Networks in PyTorch whose backward passes are written by hand, right and wrong, and modules."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn


class HandWritten(torch.autograd.Function):
    """E = Σ (a − t)²/(2m) of tanh layers and a linear one, as one function of W1, b1, …"""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, t: torch.Tensor, *params: torch.Tensor) -> torch.Tensor:
        a, kept = x, [x]
        for l in range(0, len(params), 2):
            a = a @ params[l].T + params[l + 1]
            a = torch.tanh(a) if l + 2 < len(params) else a
            kept.append(a)
        ctx.save_for_backward(t, *params, *kept)
        return ((a - t) ** 2).sum() / (2 * len(x))

    @classmethod
    def slope(cls, a: torch.Tensor) -> torch.Tensor:
        return 1 - a * a

    @classmethod
    def backward(cls, ctx: Any, upstream: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        t, *saved = ctx.saved_tensors
        depth = (len(saved) - 1) // 3
        params, kept = saved[: 2 * depth], saved[2 * depth :]
        delta = upstream * (kept[-1] - t) / len(t)
        grads: list[torch.Tensor] = []
        for l in reversed(range(depth)):
            grads = [delta.T @ kept[l], delta.sum(0), *grads]
            delta = (delta @ params[2 * l]) * cls.slope(kept[l])
        return None, None, *grads


class SlopeNotSquared(HandWritten):
    """The slope of tanh is taken for 1 − a."""

    @classmethod
    def slope(cls, a: torch.Tensor) -> torch.Tensor:
        return 1 - a


class Tanh(torch.autograd.Function):
    """tanh(W x + b) of a layer, over samples as rows."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, w: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        a = torch.tanh(x @ w.T + b)
        ctx.save_for_backward(x, w, a)
        return a

    @staticmethod
    def backward(ctx: Any, upstream: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        x, w, a = ctx.saved_tensors
        delta = upstream * (1 - a * a)
        return delta @ w, delta.T @ x, delta.sum(0)


class BiasOfOneSample(Tanh):
    """The gradient by the bias is the mean over the batch, where that by W is a sum."""

    @staticmethod
    def backward(ctx: Any, upstream: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        x, w, a = ctx.saved_tensors
        delta = upstream * (1 - a * a)
        return delta @ w, delta.T @ x, delta.mean(0)


class Module(nn.Module):
    """Linear layers, with an activation between any two."""

    def __init__(self, *sizes: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(map(nn.Linear, sizes, sizes[1:]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        *hidden, last = self.layers
        for layer in hidden:
            x = nn.functional.gelu(layer(x))
        return last(x)
