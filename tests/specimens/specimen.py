"""One wrong backward pass beside the right one, and the network that both claim to belong to.

The passes are NumPy alone. A chain's takes `(params, x, t[, lam])` with a list of (W, b); a graph's takes a
dict of parameters, one of inputs and one of constants, samples on the last axis. Either answers with
gradients shaped like params, or with (loss, gradients).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

import numpy as np

import backproof as bp

Subject = Callable[..., Any]
Draw = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]
Seen = Literal["anywhere", "at zero", "saturated", "second call", "kept answer", "inputs"]
ROWS = bp.Layout(weights="in-out", samples="rows")
COLUMNS = bp.Layout(weights="out-in", samples="columns")


@dataclass(frozen=True)
class Specimen:
    """A row of the catalogue made flesh; number 0 is for what has no number there.

    `expected` are words one of which the explanation should contain. `seen` says where wrong differs from
    right: at every generic point, or only in a circumstance of its own. `given` draws the arrays that are no
    real numbers. A subject that keeps a state is an object; a copy made before the first call is fresh.
    """

    number: int
    bug: str
    family: Callable[[], "bp.Network | bp.Family | bp.Graph"]
    right: Subject
    wrong: Subject
    hidden_when: str
    expected: tuple[str, ...]
    layout: bp.Layout | None = ROWS
    seen: Seen = "anywhere"
    given: Mapping[str, Draw] = field(default_factory=dict)


def chain(*sizes, **options):
    """The family of a chain whose scale is said."""
    return partial(bp.mlp, *sizes, **{"scale": "1/m"} | options)


def whole(below):
    """Draws whole numbers from 0; with 2, the mask of a dropout."""
    return lambda random, shape: random.integers(0, below, shape)


def causal(random, shape):
    return np.tril(np.ones(shape))
