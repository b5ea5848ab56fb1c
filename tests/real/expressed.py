"""Networks of ours in a framework's own functions, differentiated by it: subjects known to be right.

A framework is a table: its activations by our names, its losses of outputs a and of pre-activations z, and
its reverse mode. Where it has a loss of z (softmax and cross-entropy in one), a network says which of the two
is used. Asked in this process, which a framework may be trusted not to hang.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final

import numpy as np

from backproof.designed import points_of
from backproof.judging import Judge, Outcome, judged
from backproof.points import Point, Targets
from backproof.subjects import Parameters, Returned
from numeric.envelope import PRECISIONS
from numeric.problem import problem_of
from symbolic.conventions import Layout
from symbolic.losses import LAMBDA, OUTPUTS, SAMPLES
from symbolic.network import Network

Function = Callable[..., Any]

CLASSES: Final = {("cross-entropy", "softmax"), ("label-smoothing", "softmax")}  # may have class numbers
FUSED: Final = 0.7  # of the networks whose loss and output can be one function


@dataclass(frozen=True)
class Framework:
    """What a framework calls things. Weights lie as its `linear` takes them, samples are rows.

    `activations` take (z, α), `losses` (a, t, ε) and `heads`, by output and loss, (z, t, ε); losses are sums
    over samples and outputs. `differentiate(E)` is the function of the same arguments that gives E and its
    gradient by the first, a list of arrays. `single` names activations whose slopes are right to single
    precision only: docs/findings.md.
    """

    weights: str
    linear: Function
    activations: Mapping[str, Function]
    losses: Mapping[str, Function]
    heads: Mapping[tuple[str, str], Function]
    norms: Mapping[str, Function]
    array: Function
    differentiate: Function
    single: frozenset[str] = frozenset()

    def layout(self, labels: str) -> Layout:
        return Layout(self.weights, "rows", "n", labels)


def error(framework: Framework, network: Network, *, fused: bool) -> Function:
    """E of a list of arrays W1, b1, …, of x, t and λ, of which penalties are multiples."""
    objective = network.objective
    name = objective.loss.name
    epsilon = float(objective.loss.epsilon or 0)
    output = network.layers[-1].activation.name
    head = framework.heads.get((output, name)) if fused else None

    def total(arrays: list[Any], x: Any, t: Any, lam: float) -> Any:
        left, a = iter(arrays), x
        for layer in network.layers:
            z = framework.linear(a, next(left), next(left) if layer.bias else None)
            a = framework.activations[layer.activation.name](z, float(layer.activation.alpha or 0))
        value = head(z, t, epsilon) if head else framework.losses[name](a, t, epsilon)
        numbers = {SAMPLES: len(x), OUTPUTS: network.sizes[-1], LAMBDA: 1}
        value = value * float(objective.scale.xreplace(numbers))
        for penalty in objective.penalties:
            held = [array for array in arrays if penalty.biases or array.ndim == 2]
            factor = lam * float(penalty.factor.xreplace(numbers))
            value = value + factor * sum(framework.norms[penalty.norm](array) for array in held)
        return value

    return total


class Expressed:
    """A network in a framework, as a subject that is asked in this process."""

    parameters = Parameters((), 3, frozenset({"lam"}), any_keyword=False)
    form = None

    def __init__(self, framework: Framework, network: Network, dtype: str, *, fused: bool = True) -> None:
        self.name = f"{network} in {dtype}"
        self._framework, self._dtype = framework, dtype
        self._differentiated = framework.differentiate(error(framework, network, fused=fused))

    def call(self, params: Any, x: Any, t: Any, lam: float = 0.0) -> Returned:
        flat = [self._array(array) for pair in params for array in pair if array is not None]
        loss, slopes = self._differentiated(flat, self._array(x), self._array(t), lam)
        left = iter([np.asarray(slope) for slope in slopes])
        grads = [(next(left), None if b is None else next(left)) for _, b in params]
        return Returned((np.asarray(loss), grads), (), "")

    def _array(self, array: Any) -> Any:
        """Class numbers stay whole numbers."""
        real = array.dtype.kind == "f"
        return self._framework.array(np.ascontiguousarray(array, self._dtype if real else None))

    def close(self) -> None:
        """Nothing is open."""

    def __enter__(self) -> Expressed:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def asked(framework: Framework, network: Network, samples: int, dtype: str, seed: int) -> list[Outcome]:
    """What is said of a framework at three generic points of a network.

    The seed decides the points, whether labels that may be classes are, and whether a loss of z is used.
    """
    random = Random(seed)
    may_be_classes = (network.objective.loss.name, network.layers[-1].activation.name) in CLASSES
    labels = random.choice(("integer", "one-hot")) if may_be_classes else "one-hot"
    fused = random.random() < FUSED
    targets: Targets | None = "one-hot" if labels == "integer" else None
    points = points_of(network, samples, seed=seed, targets=targets)
    return asked_at(framework, network, points, dtype, labels=labels, fused=fused)


def asked_at(
    framework: Framework,
    network: Network,
    points: Sequence[Point],
    dtype: str,
    *,
    labels: str = "one-hot",
    fused: bool = True,
) -> list[Outcome]:
    """What is said of a framework at these points, of one number of samples."""
    judge = Judge(Expressed(framework, network, dtype, fused=fused), framework.layout(labels), takes_lam=True)
    answers = [judge.ask(problem_of(network), point) for point in points]
    return judged(answers, PRECISIONS[dtype], judge)


def is_known(framework: Framework, dtype: str, network: Network) -> bool:
    """Whether a network has an activation that this framework has to single precision only."""
    used = {layer.activation.name for layer in network.layers}
    return dtype == "float64" and bool(used & framework.single)
