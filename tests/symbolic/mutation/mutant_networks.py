"""Networks that between them show every bug of the catalogue that layers can have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from symbolic.graph import Graph, graph, loss, node
from symbolic.network import Chain, mlp
from symbolic.recurrence import unrolled

DECAY: Final = "lambda/(2*m)"


def above(name: str, **settings: object) -> Graph:
    """A layer between two dense ones, so that all of its derivative is read."""
    layer = node(name, "h", **settings)  # type: ignore[arg-type]
    nodes = {"h": node("dense", "x", units=4), "n": layer, "a": node("tanh", "n")}
    nodes["y"] = node("dense", "a", units=2)
    return graph(inputs={"x": (3, "m")}, nodes=nodes, losses={"E": loss("half-squared", "y")})


def convolutions() -> Graph:
    """A convolution used twice, once under overlapping windows of a maximum."""
    nodes = {
        "c": node("conv1d", "x", channels=2, kernel=3, stride=2, padding=1),
        "d": node("conv1d", "c", channels=2, kernel=2, dilation=2),
        "p": node("max-pool1d", "c", kernel=2),
        "f": node("flatten", "p"),
        "g": node("flatten", "d"),
        "y": node("dense", "f", units=2),
        "z": node("dense", "g", units=2),
        "s": node("add", "y", "z"),
    }
    return graph(inputs={"x": (2, 7, "m")}, nodes=nodes, losses={"E": loss("half-squared", "s")})


def tied() -> Graph:
    nodes = {"h": node("dense", "x", units=3), "a": node("tanh", "h")}
    nodes["y"] = node("dense-transposed", "a", arrays={"W": "h.W"}, units=3)
    return graph(inputs={"x": (3, "m")}, nodes=nodes, losses={"E": loss("half-squared", "y", "x")})


def dropped() -> Graph:
    nodes = {"h": node("dense", "x", units=4), "a": node("relu", "h"), "o": node("dropout", "a", rate="1/10")}
    nodes["y"] = node("dense", "o", units=2)
    return graph(inputs={"x": (3, "m")}, nodes=nodes, losses={"E": loss("squared", "y")})


def simple(*names: str, x: tuple[int, ...] = (3,), end: str = "half-squared", **settings: int) -> Graph:
    """Layers one after the other; the first takes the settings."""
    nodes, last = {}, "x"
    for number, name in enumerate(names, start=1):
        nodes[f"n{number}"] = node(name, last, **(settings if number == 1 else {}))  # type: ignore[arg-type]
        last = f"n{number}"
    return graph(inputs={"x": (*x, "m")}, nodes=nodes, losses={"E": loss(end, last)})


def from_logits() -> Graph:
    nodes = {"h": node("dense", "x", units=3), "a": node("tanh", "h"), "y": node("dense", "a", units=2)}
    losses = {"E": node("softmax-cross-entropy", "y", arrays={"T": "t"}), "R": node("l2", "h.W")}
    return graph(inputs={"x": (3, "m")}, nodes=nodes, losses=losses)


def recurrent() -> Graph:
    nodes = unrolled("rnn-cell", "x", name="r", steps=3, states={"H": "h0"}, units=3)
    return graph(
        inputs={"x": (2, 3, "m"), "h0": (3, "m")}, nodes=nodes, losses={"E": loss("half-squared", "r_2")}
    )


def averaged() -> Graph:
    """Means over windows that overlap."""
    nodes = {"h": node("dense", "x", units=2), "n": node("average-pool1d", "h", kernel=3, stride=2)}
    return graph(inputs={"x": (2, 7, "m")}, nodes=nodes, losses={"E": loss("half-squared", "n")})


def multiplied() -> Graph:
    """h∘k and q∘q, with a loss each, and r."""
    nodes = {name: node("dense", "x", units=3) for name in "hkqr"}
    nodes |= {"p": node("multiply", "h", "k"), "y": node("multiply", "q", "q")}
    losses = {f"E_{name}": loss("half-squared", name, f"t_{name}") for name in "pyr"}
    return graph(inputs={"x": (2, "m")}, nodes=nodes, losses=losses)


NETWORKS: Final[Mapping[str, Chain | Graph]] = {
    "3-4-5-2": mlp(3, 4, 5, 2, hidden=["tanh", "leaky_relu"], output="sigmoid", l2=DECAY),
    "3-4-5-2, softmax": mlp(3, 4, 5, 2, hidden="tanh", output="softmax", loss="cross-entropy", l2=DECAY),
    "4-4-4-4": mlp(
        4, 4, 4, 4, hidden=["tanh", "selu"], output="sigmoid", loss="binary-cross-entropy", l2="lambda/2"
    ),
    "3-3-3-3-2": mlp(3, 3, 3, 3, 2, hidden=["tanh", "tanh", "elu"], output="tanh", loss="squared", l2=DECAY),
    "2-2-1": mlp(2, 2, 1, hidden="elu", loss="squared", scale="1/(m*k)", l1="lambda"),
    "smoothed": mlp(4, 3, 3, hidden="softplus", output="softmax", loss="label-smoothing"),
    "batch norm": above("batch-norm"),
    "layer norm": above("layer-norm"),
    "rms norm": above("rms-norm"),
    "embedding": simple("embedding", "flatten", x=(3,), width=2, vocabulary=3),
    "dropout": dropped(),
    "convolutions": convolutions(),
    "attention": simple("multi-head-attention", x=(3, 4), heads=2, width=2, units=3),
    "log-softmax": simple("dense", "log-softmax", end="-t*a", units=3),
    "from logits": from_logits(),
    "tied": tied(),
    "recurrent": recurrent(),
    "products": multiplied(),
    "average pool": averaged(),
    "softmax": simple("dense", "softmax", x=(2, 3), units=4),
    "trained slope": simple("dense", "prelu-trained", units=4),
}
