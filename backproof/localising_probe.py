"""The errors δ of every layer as a subject has them, read off what it says at one sample.

For m = 1, ∂E/∂b_l = δ_l and ∂E/∂W_l = δ_l a_{l-1}ᵀ up to penalties, which are subtracted. A subject is asked
with the same weights, and with many inputs and biases.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from backproof.designed import points_of
from backproof.judging import Asked
from backproof.points import Point, Targets
from backproof.session import Session
from numeric.arrays import stable_form
from numeric.mutants import ground
from numeric.problem import Problem
from symbolic.activations import Activation
from symbolic.network import Network

Rows: TypeAlias = npt.NDArray[np.float64]
INPUTS: Final = 32  # samples, each asked by itself
SPREAD: Final = 2.0  # by how much biases move from sample to sample, so that units come close to saturation
ONE_FOR_SEVERAL: Final = ("scalar", "shared", "shared-scalar")  # biases whose gradient is no δ


@dataclass(frozen=True, eq=False)
class Probe:
    """What a subject says of one network at many single samples: arrays have the samples first.

    `close` is the relative error that is taken for rounding, `slack` the absolute one of a form of asking.
    """

    network: Network
    known: Mapping[str, Rows]
    given: Mapping[str, Rows]
    close: float
    slack: float
    has_own_biases: bool

    def value(self, name: str, l: int) -> Rows:
        """Z, A or W of a layer; A of layer 0 is x."""
        return self.known["X" if (name, l) == ("A", 0) else f"{name}{l}"]

    def slope(self, l: int) -> Rows | None:
        """f′(z_l); None where a unit's value depends on all of them."""
        layer = self.network.layers[l - 1]
        return None if layer.activation.layer == "softmax" else slope_of(layer.activation, self.value("Z", l))

    def weights_part(self, l: int) -> Rows:
        """∂E/∂W_l without penalties, as the subject has it."""
        return self._without_penalty("W", l, outer(self.known[f"dZ{l}"], self.value("A", l - 1)))

    def biases_part(self, l: int) -> Rows:
        """∂E/∂b_l without penalties, as the subject has it."""
        return self._without_penalty("b", l, self.known[f"dZ{l}"])

    def _without_penalty(self, name: str, l: int, data: Rows) -> Rows:
        return np.asarray(self.given[f"{name}{l}"] - (self.known[f"d{name}{l}"] - data))

    @cached_property
    def deltas(self) -> dict[int, Rows]:
        """δ_l as the subject has it: the biases', or the weights' where only theirs is right."""
        found: dict[int, Rows] = {}
        for l in range(self.network.depth, 0, -1):
            own = self.own(l, found)
            by_weights = self.by_weights(l, own)
            found[l] = by_weights
            if self.has_biases(l):
                by_biases = self.biases_part(l)
                if not self.is_close(by_weights, own) or self.is_close(by_biases, own):
                    found[l] = by_biases
        return found

    def by_weights(self, l: int, otherwise: Rows) -> Rows:
        """The δ whose product with a_{l-1} comes closest to ∂E/∂W_l; another where a_{l-1} is 0."""
        a = self.value("A", l - 1)
        square = (a * a).sum(axis=1, keepdims=True)
        seen = np.einsum("sij,sj->si", self.weights_part(l), a)
        return np.asarray(np.divide(seen, square, where=square > 0, out=otherwise.copy()))

    def has_biases(self, l: int) -> bool:
        return self.network.layers[l - 1].bias and self.has_own_biases

    def own(self, l: int, deltas: Mapping[int, Rows]) -> Rows:
        """The right side of the recursion with given errors; at the output δ_L as it should be."""
        if l == self.network.depth:
            return self.known[f"dZ{l}"]
        return self.through(l, self.passed(l, deltas[l + 1]))

    def passed(self, l: int, delta: Rows) -> Rows:
        """W_{l+1}ᵀ δ_{l+1}."""
        return np.asarray(np.einsum("ski,sk->si", self.value("W", l + 1), delta))

    def through(self, l: int, cotangent: Rows) -> Rows:
        """∂E/∂z_l of ∂E/∂a_l."""
        slope = self.slope(l)
        if slope is not None:
            return np.asarray(cotangent * slope)
        a = self.value("A", l)
        return np.asarray(a * (cotangent - (a * cotangent).sum(axis=1, keepdims=True)))

    def is_close(self, found: Rows, other: Rows) -> bool:
        return bool((np.abs(found - other) <= self.tolerance(found, other)).all())

    def tolerance(self, found: Rows, other: Rows) -> float:
        return self.close * float(max(np.abs(found).max(), np.abs(other).max())) + self.slack

    def ratio(self, found: Rows, other: Rows) -> float | None:
        """The constant c with found = c·other, if there is one."""
        square = float((other * other).sum())
        c = float((found * other).sum()) / square if square else 0.0
        return c if c and self.is_close(found, c * other) else None

    def written(self, c: float) -> str:
        """A constant with as many digits as its precision holds for certain."""
        return f"{c:.{round(-np.log10(self.close))}g}"


def probed(session: Session, problem: Problem) -> Probe | None:
    """The subject asked at many inputs, each by itself; None where it does not answer with finite numbers."""
    network = problem.network
    assert isinstance(network, Network)
    targets: Targets | None = "one-hot" if session.judge.layout.labels == "integer" else None
    (many,) = points_of(network, INPUTS, count=1, seed=session.seed, targets=targets)
    random = np.random.default_rng(session.seed)

    def moved(b: Rows | None) -> Rows | None:
        return None if b is None else b + random.uniform(-SPREAD, SPREAD, b.shape)

    points = [
        Point(
            tuple((w, moved(b)) for w, b in many.params),
            many.x[:, [c]] * random.uniform(1 / SPREAD, SPREAD),
            many.t[:, [c]],
        )
        for c in range(INPUTS)
    ]
    asked = session.ask(problem, points)
    answers = [each.answer for each in asked if each.answer is not None]
    if len(answers) < INPUTS:
        return None
    given = {a.label: np.array([answer.gradient[a] for answer in answers]) for a in problem.parameters}
    if not all(np.isfinite(array).all() for array in given.values()):
        return None
    return Probe(
        network,
        _known(problem, asked),
        given,
        close=session.precision.u ** (2 / 3),
        slack=max((float(np.max(each)) for answer in answers for each in answer.slack.values()), default=0.0),
        has_own_biases=session.judge.form.biases not in ONE_FOR_SEVERAL,
    )


def _known(problem: Problem, asked: Sequence[Asked]) -> dict[str, Rows]:
    """Every array of the derivation by its label, samples first."""
    every: list[dict[Any, Any]] = [each.point.values(problem) for each in asked]
    values = {array: np.array([one[array] for one in every]) for array in problem.given}
    found = ground(problem, values, 1, [each.point.lam for each in asked]).known
    columns = {"X", "Z", "A", "T"}
    return {
        array.label: np.asarray(value)[..., 0] if array.name in columns else np.asarray(value)
        for array, value in found.items()
    }


def slope_of(source: Activation, z: Rows) -> Rows:
    """f′(z) in floats, for z of any shape."""
    with np.errstate(all="ignore"):
        return np.array(np.broadcast_to(stable_form(source, "slope", z), z.shape), float)


def outer(delta: Rows, a: Rows) -> Rows:
    """δ aᵀ at every sample."""
    return delta[:, :, None] * a[:, None, :]
