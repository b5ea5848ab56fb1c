"""Which activations and which loss a gradient belongs to, found out by calling the subject.

The gradient by the last layer,

    ∂E/∂W_L = δ_L a_{L-1}ᵀ,    ∂E/∂b_L = Σ_c δ_L,    δ_L = g_L′(z_L) ∘ ∂e/∂a,

rests on the forward pass and the loss alone: a bug further back hides nothing of it. Each row of the tables
is held against it, up to one constant, which is a matter of convention.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import product
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from backproof.designed import points_of
from backproof.forms import Form
from backproof.judging import Judge
from backproof.localising_probe import slope_of
from backproof.options import SpecOptions
from backproof.points import Point, Targets
from backproof.subjects import Subject
from numeric.arrays import formula_value
from numeric.oracle import activate
from numeric.problem import problem_of
from symbolic.activations import ACTIVATIONS, activation
from symbolic.conventions import Layout
from symbolic.losses import LOSSES, Loss, loss
from symbolic.network import Dense, Network
from symbolic.notation import Array as Name

Array: TypeAlias = npt.NDArray[np.float64]
Answers: TypeAlias = Mapping[Targets, Sequence[tuple[Point, Array]]]
HIDDEN: Final = (
    "tanh",
    "sigmoid",
    "relu",
    *(n for n, row in ACTIVATIONS.items() if row.layer == "elementwise"),
)
OUTPUTS: Final = ("identity", "sigmoid", "softmax", "tanh", "relu", "exp")
USUAL: Final = ("half-squared", "cross-entropy", "binary-cross-entropy", *LOSSES)
SAMPLES: Final = 5
POINTS: Final = 4
FAR: Final = 8.0  # times the inputs of every other point: units of some functions have kinks far out
CLOSE: Final = 1e-5  # of the largest entry: more than rounding in single precision leaves


@dataclass(frozen=True, slots=True)
class Guess:
    """Activations of the hidden layers, that of the output, and a loss."""

    hidden: tuple[str, ...]
    output: str
    loss: str

    def __str__(self) -> str:
        return ", ".join((*dict.fromkeys(self.hidden), self.output, self.loss))


def choices(network: Network, said: SpecOptions) -> Iterator[Guess]:
    """What the tables leave open beside what is said, the usual before the rare."""
    depth = network.depth - 1
    given = tuple(said.hidden or ())
    hidden = [given * (depth if len(given) == 1 else 1)] if given else [(name,) * depth for name in HIDDEN]
    outputs, losses = ([said.output] if said.output else OUTPUTS), ([said.loss] if said.loss else USUAL)
    for guess in dict.fromkeys(Guess(*each) for each in product(hidden, outputs, losses)):
        if not _needs_probability(guess.loss) or guess.output in ("sigmoid", "softmax"):
            yield guess


def guesses(
    subject: Subject, network: Network, form: Form, layouts: Sequence[Layout], said: SpecOptions
) -> list[Guess]:
    """Those choices whose gradient by the last layer is the subject's but for a constant, in one layout."""
    for layout in dict.fromkeys(map(form.constrained, layouts)):
        answers: Answers = {
            targets: list(_answers(Judge(subject, layout, takes_lam=False, form=form), network, targets))
            for targets in ("real", "one-hot", "probability")
        }
        if found := [guess for guess in choices(network, said) if _fits(guess, network, answers)]:
            return found
    return []


def _answers(judge: Judge, network: Network, targets: Targets) -> Iterator[tuple[Point, Array]]:
    """Points, and the subject's gradient by the last layer there."""
    for n, point in enumerate(points_of(network, SAMPLES, count=POINTS, targets=targets)):
        params = tuple(judge.form.tied(point.params))
        tied = replace(point, params=params, x=point.x * (FAR if n % 2 else 1))
        asked = judge.ask(problem_of(network), tied)
        given = None if asked.answer is None else _last(asked.answer.gradient, network)
        if given is not None and np.isfinite(given).all():
            yield tied, given


def _last(gradient: Mapping[Name, Array], network: Network) -> Array:
    return np.concatenate([np.ravel(each) for name, each in gradient.items() if name.layer == network.depth])


def _fits(guess: Guess, network: Network, answers: Answers) -> bool:
    factor = None
    for point, given in answers[_targets(guess)]:
        with np.errstate(all="ignore"):
            wanted = _by_last_layer(guess, network, point)
            if factor is None:
                factor = float((wanted * given).sum() / (wanted * wanted).sum())
            if not (np.abs(given - factor * wanted) <= CLOSE * np.abs(given).max()).all():
                return False
    return bool(factor)


def _targets(guess: Guess) -> Targets:
    if not _needs_probability(guess.loss):
        return "real"
    return "one-hot" if guess.output == "softmax" else "probability"


def _needs_probability(name: str) -> bool:
    row = loss(name).row
    return row is not None and row.needs_probability


def _by_last_layer(guess: Guess, network: Network, point: Point) -> Array:
    """The gradient by the last layer's parameters, in floats."""
    a = before = point.x
    names = (*guess.hidden, guess.output)
    for name, layer, (w, b) in zip(names, network.layers, point.params, strict=True):
        before, z = a, w @ a if b is None else w @ a + b[:, None]
        a = activate(Dense(layer.width, activation(name)), z)
    numbers = {"a": a, "t": point.t}
    slope = np.broadcast_to(formula_value(_loss(guess.loss, len(a)).slope, numbers), a.shape)
    if guess.output == "softmax":
        delta = a * (slope - (a * slope).sum(axis=0))
    else:
        delta = slope * slope_of(activation(guess.output), z)
    own = [delta @ before.T, delta.sum(axis=1)]
    return np.concatenate([np.ravel(each) for each in own[: 1 + network.layers[-1].bias]])


@cache
def _loss(name: str, outputs: int) -> Loss:
    return loss(name).of_outputs(outputs)
