"""`backproof execute`: its numbers are the gradient, and modules pass on what the next one receives."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backproof.executing import executed
from backproof.points import Point
from numeric import backprop
from symbolic.conventions import Layout
from symbolic.network import Network, mlp
from tests.command import run

RNG = np.random.default_rng(1)
NETWORKS = {
    "plain": mlp(1, 2, 1, hidden="tanh"),
    "penalty": mlp(1, 2, 1, hidden="sigmoid", output="sigmoid", l2="lambda/2"),
    "softmax": mlp(1, 2, 3, hidden="softplus", output="softmax", loss="cross-entropy"),
    "no bias": mlp(1, 1, 1, 1, hidden="tanh", bias=False),
}


def point(network: Network) -> Point:
    sizes = [int(size) for size in network.sizes]
    params = tuple(
        (RNG.normal(size=(n, before)), RNG.normal(size=n) if layer.bias else None)
        for before, n, layer in zip(sizes, sizes[1:], network.layers, strict=False)
    )
    return Point(params, RNG.normal(size=(1, 1)), np.eye(sizes[-1])[:, :1])


def vectors(text: str) -> dict[str, list[float]]:
    """The last numbers shown of every array that stands on one line."""
    found = re.findall(r"(\S+) = \[ ([^\]]*) \]", text.replace("−", "-"))
    return {name: [float(cell) for cell in cells.split()] for name, cells in found}


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_numbers_shown_are_those_of_a_hand_written_backward_pass(network: Network) -> None:
    at = point(network)
    text = "\n".join(executed(network, at, Layout(bias_shape="1,n"), lam=0.3))
    shown = vectors(text)  # to four digits
    params: Any = at.params
    grads = backprop.gradient(network, params, at.x, at.t, lam=0.3)
    for l, (_, db) in enumerate(grads, start=1):
        if db is not None:
            assert np.allclose(shown[f"∂E/∂b{l}"], db, rtol=1e-3)
    if network.depth == 3:
        assert np.allclose(
            [shown[f"∂E/∂W{l}"][0] for l in (1, 2, 3)], [dw[0, 0] for dw, _ in grads], rtol=1e-3
        )
    (loss,) = re.findall(r"^  E = ([-\d.e]+)$", text, flags=re.MULTILINE)
    assert np.isclose(float(loss), backprop.loss(network, params, at.x, at.t, lam=0.3), rtol=1e-3)


def test_modules_pass_on_what_the_next_one_receives_in_either_convention() -> None:
    for layout, passed in ((Layout(), "∂E/∂A1 = W2ᵀ δ2"), (Layout("in-out", "rows"), "∂E/∂A1 = δ2 W2ᵀ")):
        network = NETWORKS["plain"]
        text = "\n".join(executed(network, point(network), layout))
        modules = re.findall(r"^(?:forward|backward): (.*)$", text, flags=re.MULTILINE)
        assert modules == [
            "linear 1: X → Z1",
            "activation 1: Z1 → A1",
            "linear 2: A1 → Z2",
            "activation 2: Z2 → A2",
            "loss receives A2",
            "loss passes on ∂E/∂A2",
            "activation 2: ∂E/∂A2 → δ2",
            "linear 2: δ2 → ∂E/∂A1, gradients",
            "activation 1: ∂E/∂A1 → δ1",
            "linear 1: δ1 → gradients",
        ]
        assert f"  {passed}\n" in text
        assert "  δ1 = ∂E/∂A1 ∘ tanh′(Z1)\n" in text


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (("2-3-1",), "layer 1 has an undefined g, which has no numbers; give --hidden, such as tanh"),
        (("2-9-1", "--hidden", "tanh"), "9 units or samples fit on no line; execute takes up to 8"),
    ],
)
def test_what_has_no_numbers_or_too_many_is_refused(
    spec: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    done = run("execute", *spec, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (2, f"backproof: {message}\n")
