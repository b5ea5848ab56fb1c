"""The losses of torch.nn, one row each: a formula in output a and target t, or a layer of the table.

Everything in which the cross entropy is linear goes into the target: T is the one-hot label, smoothed, times
the weight of its class, over the sum of these weights. So class weights and ignored labels need no loss of
their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import Any, Final

import numpy as np

from backproof.importing import layers
from backproof.importing.builder import Builder
from backproof.importing.imported import TARGET, Numbers, Target, Value, plain
from backproof.importing.operations import number
from backproof.importing.torch_modules import demand, kind
from symbolic.errors import InvalidNetwork, Unsupported
from symbolic.graph import loss, node
from symbolic.losses import LOSSES as LOSS_ROWS
from symbolic.placement import Node

MEANS: Final = {"mean": "1/(m*k)", "sum": "1", "batchmean": "1/m"}


@dataclass(frozen=True, slots=True)
class Loss:
    """A loss at its place: the output as it reads it, its node, and how a target is brought to its layout."""

    output: Value
    node: Node
    target: Target | None = None


def read_loss(build: Builder, module: Any, output: Value) -> Loss:
    """The loss that a module of torch.nn stands for. Raises Unsupported."""
    name = kind(module)
    if name not in LOSSES:
        raise Unsupported(f"the loss {type(module).__name__}; there are {', '.join(sorted(LOSSES))}")
    if module.reduction not in MEANS:
        raise Unsupported(f"reduction={module.reduction!r}; there are {', '.join(MEANS)}")
    return LOSSES[name](build, module, output)


def _formula(written: Callable[[Any], str]) -> Callable[[Builder, Any, Value], Loss]:
    """A loss that is a sum of e(a, t) over outputs and samples."""

    def row(build: Builder, module: Any, output: Value) -> Loss:
        demand(module, weight=None, pos_weight=None)
        formula, others = written(module), prod(int(size) for size in output.shape[1:-1])
        if module.reduction == "mean" and others > 1:  # k counts the first axis alone
            formula = f"({LOSS_ROWS[formula].definition if formula in LOSS_ROWS else formula})/{others}"
        return Loss(output, loss(formula, output.name, TARGET, scale=MEANS[module.reduction]))

    return row


def _cross_entropy(build: Builder, module: Any, output: Value) -> Loss:
    value = layers.front(build, output, 1)
    scale = "1" if module.reduction == "sum" else "1/m"
    made = node("softmax-cross-entropy", value.name, arrays={"T": TARGET}, scale=scale)
    return Loss(value, made, partial(_labels, module, value, module.label_smoothing))


def _log_likelihood(build: Builder, module: Any, output: Value) -> Loss:
    value = layers.front(build, output, 1)
    scale = "1" if module.reduction == "sum" else "1/m"
    return Loss(value, loss("-a*t", value.name, TARGET, scale=scale), partial(_labels, module, value, 0.0))


def _labels(module: Any, output: Value, smoothing: float, target: Numbers) -> Numbers:
    """What each -log softmax is multiplied by, from labels or probabilities; the classes are axis 1."""
    classes = int(output.sizes[1])
    weights = np.ones(classes) if module.weight is None else plain(module.weight)
    along = weights.reshape(-1, *[1] * (output.rank - 2))
    mean = module.reduction != "sum"
    if target.dtype.kind == "f" and target.ndim == output.rank:
        shares = ((1 - smoothing) * target + smoothing / classes) * along
        return np.asarray(shares / prod(target.shape[2:]) if mean else shares)
    counted = target != module.ignore_index
    places = np.where(counted, target, 0)
    if places.dtype.kind not in "iu" or places.min() < 0 or places.max() >= classes:
        raise InvalidNetwork(
            f"labels are whole numbers from 0 to {classes - 1}, or probabilities of shape (m, {classes}, …)"
        )
    each = weights[places] * counted
    hot = np.moveaxis(np.eye(classes)[places], -1, 1) * each[:, None]
    spread = np.broadcast_to(along, hot.shape) * counted[:, None] / classes
    shares = (1 - smoothing) * hot + smoothing * spread
    return np.asarray(shares * len(target) / each.sum() if mean else shares)


def _kl(module: Any) -> str:
    return "exp(t)*(t - a)" if module.log_target else "where(t > 0, t*log(t), 0) - t*a"


def _huber(module: Any) -> str:
    if module.delta == 1:
        return "huber"
    delta = number(module.delta)
    return f"where(abs(a - t) <= {delta}, (a - t)**2/2, {delta}*(abs(a - t) - {delta}/2))"


def _smooth(module: Any) -> str:
    beta = number(module.beta)
    return (
        f"where(abs(a - t) < {beta}, (a - t)**2/(2*{beta}), abs(a - t) - {beta}/2)"
        if module.beta
        else "abs(a - t)"
    )


def _poisson(module: Any) -> str:
    demand(module, full=False)
    return "exp(a) - t*a" if module.log_input else f"a - t*log(a + {number(module.eps)})"


LOSSES: Final[Mapping[str, Callable[[Builder, Any, Value], Loss]]] = {
    "MSELoss": _formula(lambda module: "squared"),
    "L1Loss": _formula(lambda module: "abs(a - t)"),
    "HuberLoss": _formula(_huber),
    "SmoothL1Loss": _formula(_smooth),
    "BCELoss": _formula(lambda module: "binary-cross-entropy"),
    "BCEWithLogitsLoss": _formula(lambda module: "max(a, 0) - a*t + log1p(exp(-abs(a)))"),
    "KLDivLoss": _formula(_kl),
    "PoissonNLLLoss": _formula(_poisson),
    "SoftMarginLoss": _formula(lambda module: "log1p(exp(-a*t))"),
    "CrossEntropyLoss": _cross_entropy,
    "NLLLoss": _log_likelihood,
}
