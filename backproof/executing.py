"""`execute`: the matrix expressions of a network with numbers in them, module by module.

A module is a linear layer, an activation or the loss. Going forward it receives an array and passes one on;
going back it receives ∂E/∂(what it passed on), gives the gradients of its own parameters, and passes on
∂E/∂(what it received). Nothing is merged: δ = (Wᵀδ) ∘ g′(z) is two steps here, of two modules.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from backproof import layouts
from backproof.options import LayoutOptions, SpecOptions
from backproof.own_points import read_arrays, read_point
from backproof.points import Point, sizes_of, targets_of
from backproof.report import counted
from backproof.spec import resolve_network
from numeric.arrays import Values, evaluate_arrays
from numeric.problem import problem_of
from symbolic.accumulation import backward
from symbolic.conventions import Layout
from symbolic.errors import Unsupported
from symbolic.losses import LAMBDA
from symbolic.network import Network
from symbolic.notation import Array, Step
from symbolic.writing.text import TextWriter, definitions_text, index_text, matrix_text

WIDEST: Final = 8  # units or samples: more do not fit beside others
PAGE: Final = 100  # characters of a line
DIGITS: Final = 4


def run(
    spec: str,
    options: SpecOptions,
    layout: LayoutOptions,
    *,
    batch: int,
    seed: int,
    at: Path | None,
    lam: float,
) -> None:
    """Print every expression with the numbers of its operands and of its result. Raises Unsupported."""
    network, used = resolve_network(spec, options, command="execute"), layout.layout
    problem_of(network)  # refuses what has no numbers
    point = _drawn(network, batch, seed) if at is None else read_point(read_arrays(at), network, used)[1]
    widest = max(*sizes_of(network), point.samples)
    if widest > WIDEST:
        raise Unsupported(f"{widest} units or samples fit on no line; execute takes up to {WIDEST}")
    print("\n".join(executed(network, point, used, lam=lam)))


def executed(network: Network, point: Point, layout: Layout, *, lam: float = 0.0) -> Iterator[str]:
    """The lines, in a layout."""
    problem = problem_of(network)
    steps = problem.derivation.forward
    back = backward(steps, by_module=True)
    scalars = {**problem.scalars(point.samples), LAMBDA: lam}
    values = evaluate_arrays((*steps, *back), point.values(problem), scalars)
    yield f"{network}, {counted(point.samples, 'sample')}; {layout}"
    for title, part in (("forward", steps), ("backward", back)):
        for module, own in groupby(part, key=lambda step: _module(step, network)):
            yield f"\n{title}: {module}"
            for step in own:
                yield from _shown(step, values, layout)
        if title == "forward":
            yield f"\n  E = {sum(float(values[loss]) for loss in problem.losses):.{DIGITS}g}"
    yield from ("\nwhere", *(f"  {definition}" for definition in definitions_text((*steps, *back))))


def _drawn(network: Network, samples: int, seed: int) -> Point:
    """A point of numbers with one decimal, none of them 0."""
    random = np.random.default_rng(seed)

    def numbers(*shape: int) -> npt.NDArray[np.float64]:
        drawn: npt.NDArray[np.float64] = random.integers(1, 10, shape) * random.choice([-1, 1], shape) / 10
        return drawn

    sizes = sizes_of(network)
    params = tuple(
        (numbers(n, before), numbers(n) if layer.bias else None)
        for before, n, layer in zip(sizes, sizes[1:], network.layers, strict=False)
    )
    t = numbers(sizes[-1], samples)
    if targets_of(network) == "one-hot":
        t = np.eye(sizes[-1])[:, np.arange(samples) % sizes[-1]]
    elif targets_of(network) == "probability":
        t = (t > 0).astype(float)
    return Point(params, numbers(sizes[0], samples), t)


def _module(step: Step, network: Network) -> str:
    """The module that a step belongs to, with what it receives and passes on."""
    target = step.target
    if step.role == "penalty":
        return "penalty"
    if not target.shape or (target.cotangent and target.label == f"dA{network.depth}"):
        return (
            f"loss receives A{network.depth}" if not target.cotangent else "loss passes on " + _name(target)
        )
    l = target.layer
    assert isinstance(l, int)
    before, z, a = f"A{l - 1}" if l > 1 else "X", f"Z{l}", f"A{l}"
    if not target.cotangent:
        return f"linear {l}: {before} → {z}" if target.name == "Z" else f"activation {l}: {z} → {a}"
    if target.name == "Z":
        return f"activation {l}: ∂E/∂{a} → δ{l}"
    own = l + 1 if target.name == "A" else l
    return f"linear {own}: δ{own} → {f'∂E/∂A{own - 1}, ' if own > 1 else ''}gradients"


def _shown(step: Step, values: Values, layout: Layout) -> Iterator[str]:
    """The expression, the numbers of its operands, and those of its result."""
    try:
        written = matrix_text(step, layout)
    except Unsupported:
        written = index_text(step)
    if not step.target.shape:  # a term of E
        written = f"E {'+=' if step.role == 'penalty' else '='} {written.partition(' = ')[2]}"
    yield f"\n  {written}"
    _, _, right = written.partition(" = ")
    operands = sorted((a for a in step.inputs if _name(a) in right), key=lambda a: right.index(_name(a)))
    yield from _beside([_block(array, values, layout) for array in operands])
    if step.target.shape:
        yield from _beside([_block(step.target, values, layout)])


def _block(array: Array, values: Values, layout: Layout) -> list[str]:
    """The array's name and its numbers in brackets."""
    value = np.asarray(values[array], dtype=float)
    if array.name == "W":
        value = layouts.weights(value, layout)
    elif array.name == "b":
        value = layouts.bias(value, layout) if layout.bias_shape == "1,n" else value[:, None]
    elif array.shape:
        value = layouts.samples(value, layout)
    return _matrix(_name(array), np.atleast_2d(value))


def _name(array: Array) -> str:
    return TextWriter.style.matrix(array, transposed=False)


def _matrix(name: str, value: npt.NDArray[np.float64]) -> list[str]:
    cells = [[f"{number + 0.0:.{DIGITS}g}".replace("-", "−") for number in row] for row in value]
    width = max(len(cell) for row in cells for cell in row)
    rows = ["  ".join(cell.rjust(width) for cell in row) for row in cells]
    last = len(rows) - 1
    pairs = [("[", "]")] if not last else [("⎡", "⎤"), *[("⎢", "⎥")] * (last - 1), ("⎣", "⎦")]
    lines = [f"{left} {row} {right}" for (left, right), row in zip(pairs, rows, strict=True)]
    head = f"{name} = "
    return [(head if n == last // 2 else " " * len(head)) + line for n, line in enumerate(lines)]


def _beside(blocks: Sequence[list[str]]) -> Iterator[str]:
    """Blocks side by side, as many as a line takes."""
    line: list[list[str]] = []
    for block in blocks:
        if line and sum(len(each[0]) + 3 for each in (*line, block)) > PAGE:
            yield from _joined(line)
            line = []
        line.append(block)
    if line:
        yield from _joined(line)


def _joined(blocks: Sequence[list[str]]) -> Iterator[str]:
    height = max(map(len, blocks))
    padded = []
    for block in blocks:
        above, blank = (height - len(block)) // 2, " " * len(block[0])
        padded.append([blank] * above + block + [blank] * (height - len(block) - above))
    yield from (("    " + "   ".join(parts)).rstrip() for parts in zip(*padded, strict=True))
