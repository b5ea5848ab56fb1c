"""Generated NumPy beside hand-written backprop: one that is stable for every z, and the textbook's."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from numeric.native.compiled import compiled
from symbolic.network import mlp

SHAPES = ["2-3-1", "8-32-32-4", "64-256-256-10"]
Params = list[tuple[np.ndarray, np.ndarray]]


def textbook(params: Params, x: np.ndarray, t: np.ndarray) -> Params:
    """tanh hidden, identity output, E = 1/(2m) Σ (a - t)², slope 1 - a²: no digits left at |z| = 20."""
    values = [x]
    for w, b in params[:-1]:
        values.append(np.tanh(w @ values[-1] + b[:, None]))
    w, b = params[-1]
    delta = (w @ values[-1] + b[:, None] - t) / x.shape[1]
    gradients = []
    for (w, _), a in zip(params[::-1], values[::-1], strict=True):
        gradients.append((delta @ a.T, delta.sum(axis=1)))
        if a is not x:
            delta = (w.T @ delta) * (1 - a * a)
    return gradients[::-1]


def stable(params: Params, x: np.ndarray, t: np.ndarray) -> Params:
    """The same with sech² from exp(-2|z|), which keeps its digits for every z."""
    values, slopes = [x], []
    for w, b in params[:-1]:
        z = w @ values[-1] + b[:, None]
        e = np.exp(-2 * np.abs(z))
        values.append(np.tanh(z))
        slopes.append(4 * e / (1 + e) ** 2)
    w, b = params[-1]
    delta = (w @ values[-1] + b[:, None] - t) / x.shape[1]
    gradients = [(delta @ values[-1].T, delta.sum(axis=1))]
    for (w, _), a, slope in zip(params[:0:-1], values[-2::-1], slopes[::-1], strict=True):
        delta = (w.T @ delta) * slope
        gradients.append((delta @ a.T, delta.sum(axis=1)))
    return gradients[::-1]


def generated(shape: str) -> Callable[..., Any]:
    return compiled(mlp(shape, hidden="tanh")).gradient  # type: ignore[arg-type]


@pytest.mark.parametrize("m", [1, 32, 1024])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("who", ["generated", "stable", "textbook"])
def test_gradient(benchmark, who, shape, m):
    benchmark.group = f"gradient of {shape}, tanh, half-squared/m, m = {m}"
    rng = np.random.default_rng(0)
    sizes = [int(size) for size in shape.split("-")]
    params = [(rng.normal(size=(n, k)) / k, rng.normal(size=n)) for k, n in pairwise(sizes)]
    x, t = rng.normal(size=(sizes[0], m)), rng.normal(size=(sizes[-1], m))
    function = {"generated": generated(shape), "stable": stable, "textbook": textbook}[who]
    for (w, b), (v, c) in zip(function(params, x, t), stable(params, x, t), strict=True):
        np.testing.assert_allclose(w, v, rtol=1e-9, atol=1e-12)  # they compute the same thing
        np.testing.assert_allclose(b, c, rtol=1e-9, atol=1e-12)
    benchmark(function, params, x, t)
