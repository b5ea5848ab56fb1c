"""What a network is trained on: a table of numbers, arrays of a file, or samples that a teacher answers.

A teacher is a network of the same shape with other parameters, so that E = 0 is within reach where no penalty
forbids it. Parameters are drawn as w ~ N(0, 1/n) for n units in the layer before, b ~ N(0, 1/4).
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from backproof import layouts
from backproof.own_points import InvalidPoint, read_arrays, read_point
from backproof.points import Point, sizes_of, targets_of
from numeric.native.compiled import compiled
from symbolic.conventions import Layout
from symbolic.network import Network

Array = npt.NDArray[Any]
SAMPLES: Final = 32  # that a teacher answers


def read_data(path: Path, network: Network, layout: Layout, seed: int) -> Point:
    """The samples of a file; parameters are an .npz's own, if it has any. Raises InvalidPoint."""
    held = read_arrays(path) if path.suffix == ".npz" else _read_table(path, network, layout)
    start = {} if "W1" in held else _named(_drawn(network, np.random.default_rng(seed)), layout)
    return read_point({**start, **held}, network, layout)[1]


def draw_data(network: Network, layout: Layout, seed: int) -> Point:
    """Samples x ~ N(0, 1), the answers of a teacher for targets, and other parameters to start with."""
    random = np.random.default_rng(seed)
    start, teacher = _drawn(network, random), _drawn(network, random)
    x = random.normal(size=(sizes_of(network)[0], SAMPLES))
    answers = compiled(network).forward(teacher, x)
    match layouts.targets(layout) or targets_of(network):
        case "one-hot":
            t = np.eye(len(answers))[:, answers.argmax(axis=0)]
        case "probability":
            t = answers.round()
        case _:
            t = answers
    return Point(tuple(start), x, t)


def _drawn(network: Network, random: np.random.Generator) -> list[tuple[Array, Array | None]]:
    sizes = sizes_of(network)
    return [
        (random.normal(size=(n, before)) / before**0.5, random.normal(size=n) / 2 if layer.bias else None)
        for before, n, layer in zip(sizes, sizes[1:], network.layers, strict=False)
    ]


def _named(params: Any, layout: Layout) -> dict[str, Array]:
    arrays: dict[str, Array] = {}
    for l, (w, b) in enumerate(params, start=1):
        arrays |= {f"W{l}": layouts.weights(w, layout)}
        arrays |= {} if b is None else {f"b{l}": layouts.bias(b, layout)}
    return arrays


def _read_table(path: Path, network: Network, layout: Layout) -> dict[str, Array]:
    """x and t from rows of numbers, a sample each: inputs, then targets or a class counted from 0."""
    inputs, *_, outputs = sizes_of(network)
    answers = 1 if layout.labels == "integer" else outputs
    wanted = f"{inputs} for inputs and {answers} for targets of {network.shape}"
    table = np.array(_rows(path, inputs + answers, wanted)).T
    x, t = table[:inputs], table[inputs:]
    return {
        "x": layouts.samples(x, layout),
        "t": t[0] if layout.labels == "integer" else layouts.samples(t, layout),
    }


def _rows(path: Path, columns: int, wanted: str) -> list[list[float]]:
    rows: list[list[float]] = []
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            lines = [(number, line) for number, line in enumerate(csv.reader(file), start=1) if any(line)]
    except FileNotFoundError:
        raise InvalidPoint(f"there is no file {path}") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InvalidPoint(f"{path} cannot be read: {error}") from None
    for place, (number, line) in enumerate(lines):
        if len(line) != columns:
            raise InvalidPoint(f"{path}, line {number}: {len(line)} columns; expected {columns}, {wanted}")
        try:
            rows.append([float(cell) for cell in line])
        except ValueError as error:
            if place:  # the first line may be a header
                raise InvalidPoint(f"{path}, line {number}: {error}; expected numbers") from None
    if not rows:
        raise InvalidPoint(f"{path} holds no samples; expected rows of {columns} columns, {wanted}")
    return rows
