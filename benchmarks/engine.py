"""Deriving deep chains and real networks, and what the derived programs cost.

Run: python benchmarks/engine.py
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Callable

from symbolic.cost import operations
from symbolic.derivation import derive
from symbolic.graph import Graph, graph, loss, node
from symbolic.graph_program import graph_program
from symbolic.losses import SAMPLES
from symbolic.network import mlp
from symbolic.placement import Node

WIDTH, HEADS, LENGTH = 8, 2, 6


def chain(layers: int, width: int) -> None:
    derive(mlp(*[width + number % 3 for number in range(layers + 1)], hidden="tanh"))


def encoder(blocks: int = 2) -> Graph:
    """A transformer encoder: attention and a two-layer network, each with a residual and a layer norm."""
    nodes: dict[str, Node] = {}
    last = "x"
    for block in range(blocks):
        nodes |= {
            f"attention{block}": node(
                "multi-head-attention", last, heads=HEADS, width=WIDTH // HEADS, units=WIDTH
            ),
            f"after{block}": node("add", last, f"attention{block}"),
            f"norm{block}": node("layer-norm", f"after{block}"),
            f"wide{block}": node("dense", f"norm{block}", units=4 * WIDTH),
            f"active{block}": node("gelu", f"wide{block}"),
            f"narrow{block}": node("dense", f"active{block}", units=WIDTH),
            f"sum{block}": node("add", f"norm{block}", f"narrow{block}"),
            f"out{block}": node("layer-norm", f"sum{block}"),
        }
        last = f"out{block}"
    return graph(inputs={"x": (WIDTH, LENGTH, "m")}, nodes=nodes, losses={"E": loss("half-squared", last)})


def residual_block(channels: int = 4, side: int = 8) -> Graph:
    """Two convolutions with batch norms around a residual, as in ResNet."""
    conv = {"channels": channels, "kernel_h": 3, "kernel_w": 3, "padding_h": 1, "padding_w": 1}
    return graph(
        inputs={"x": (channels, side, side, "m")},
        nodes={
            "c1": node("conv2d", "x", **conv),
            "n1": node("batch-norm", "c1"),
            "a1": node("relu", "n1"),
            "c2": node("conv2d", "a1", **conv),
            "n2": node("batch-norm", "c2"),
            "s": node("add", "n2", "x"),
            "y": node("relu", "s"),
        },
        losses={"E": loss("half-squared", "y")},
    )


def normalised() -> Graph:
    return graph(
        inputs={"x": (32, "m")},
        nodes={"h": node("dense", "x", units=64), "n": node("batch-norm", "h"), "y": node("tanh", "n")},
        losses={"E": loss("half-squared", "y")},
    )


CASES: dict[str, Callable[[], object]] = {
    "chain of 250 layers": lambda: chain(250, 8),
    "chain of 500 layers": lambda: chain(500, 8),
    "chain of 1,000 layers": lambda: chain(1000, 8),
    "chain of 1,000 layers, width 512": lambda: chain(1000, 512),
    "transformer encoder": lambda: derive(encoder()),
    "residual block": lambda: derive(residual_block()),
}


def run(name: str) -> None:
    """One case in this process: the first derivation, with every rule still unknown."""
    start = time.perf_counter()
    CASES[name]()
    seconds = time.perf_counter() - start
    print(f"{name:<34} {seconds:6.2f} s   {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB")


def costs() -> None:
    print(f"\n{'operations at m':<20} {'forward':>12} {'backward':>12}   backward/forward")
    for name, each in (
        ("batch norm", normalised()),
        ("residual block", residual_block()),
        ("encoder", encoder()),
    ):
        program = graph_program(each)
        for samples in (16, 64, 256):
            sizes = {SAMPLES: samples}
            forward, backward = (operations(steps, sizes) for steps in (program.forward, program.backward))
            print(f"{f'{name}, {samples}':<20} {forward:>12,} {backward:>12,}   {backward / forward:.2f}")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        run(sys.argv[1])
    else:
        for case in CASES:
            subprocess.run([sys.executable, __file__, case], check=True)
        costs()
