"""Reports built by hand, one of each verdict: for chains, and for a graph."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from backproof.points import generic_point, shift_count
from backproof.report import (
    ContractCheck,
    Convention,
    Counterexample,
    Disagreement,
    ErrorMap,
    Evidence,
    Explanation,
    Finding,
    Power,
    Report,
    Sensitivity,
)
from backproof.reports import words
from symbolic.conventions import INTERNAL, Layout
from symbolic.derivation import derive
from symbolic.graph import graph, loss, node
from symbolic.network import Network, mlp
from symbolic.writing.latex import index_latex
from symbolic.writing.text import index_text

ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()))  # half surrogates and controls too
HOSTILE = "<script>alert('x')</script> & \"quoted\" ]]> \x1b[31m \x00 \ud800 {{ 7*7 }}"
CONTRACT = (
    ContractCheck("inputs not changed", "passed"),
    ContractCheck("same answer twice", "passed"),
    ContractCheck("no aliases", "failed", "grads[0][1] and grads[1][1] share memory"),
    ContractCheck("consistent with its own loss", "could not tell", "a kink lies within the smallest step"),
    ContractCheck("linear in the upstream gradient", "left out"),
)
EVIDENCE = Evidence(42, 118, 118, 9214, 0.0312, "float64", 5, 9, 7, (("depending on a kink's side", 12),))
NOTHING = Evidence(0, 0, 0, 0, 0.0, "float64", 0, 0, 0, ())
SEEN = tuple(
    f"{what} in {where}"
    for what in (
        "missing 1/m",
        "mean over outputs",
        "slope dropped",
        "slope twice",
        "W for Wᵀ",
        "sign flipped",
    )
    for where in ("the output layer", "a hidden layer", "every layer", "b", "W")
)
POWER = Power(
    SEEN, ("softmax for sigmoid on two outputs",), ("λ/m on biases", "ε in the logarithm"), ("δ twice",)
)
FAMILY = mlp(hidden="tanh")
SMALL = mlp(2, 3, 1, hidden="tanh")
LARGE = mlp(8, 32, 32, 4, hidden="relu", output="softmax", loss="cross-entropy")
GRAPH = graph(
    inputs={"x": (3, "m")},
    nodes={
        "h": node("dense", "x", units=4),
        "a": node("tanh", "h"),
        "k": node("dense", "a", units=4),
        "s": node("add", "k", "h"),
        "y": node("dense", "s", units=2),
    },
    losses={"E": loss("half-squared", "y")},
)


@dataclass(frozen=True)
class NamedPoint:
    """The point of a graph: arrays by name."""

    params: Mapping[str, npt.NDArray[Any]]
    x: Mapping[str, npt.NDArray[Any]]
    t: Mapping[str, npt.NDArray[Any]]
    samples: int


def counterexample(network: Network, wrong: set[str], *, layout: Layout = INTERNAL) -> Counterexample:
    """A generic point; in the arrays that are wrong every error is large and differs from the others."""
    point = generic_point(network, 3, [0] * shift_count(network, 3))
    shapes = {
        f"{letter}{l}": array.T.shape if layout.weights == "in-out" else array.shape
        for l, pair in enumerate(point.params, start=1)
        for letter, array in zip("Wb", pair, strict=True)
        if array is not None
    }
    return Counterexample(network, point, "grads = gradient(params, x, t)", errors_of(shapes, wrong))


def errors_of(shapes: Mapping[str, tuple[int, ...]], wrong: set[str]) -> tuple[ErrorMap, ...]:
    maps = []
    for name, shape in shapes.items():
        count = math.prod(shape)
        errors = [10.0 ** (16 * ((7 * i + 3) % 11) / 11) if name in wrong else 0.2 for i in range(count)]
        maps.append(ErrorMap(name, shape, tuple(errors)))
    return tuple(maps)


def graph_counterexample(wrong: set[str]) -> Counterexample:
    shapes = {array.name: tuple(map(int, array.shape)) for array in GRAPH.parameters}
    params = {name: np.arange(1.0, 1 + math.prod(shape)).reshape(shape) / 8 for name, shape in shapes.items()}
    point: Any = NamedPoint(params, {"x": np.ones((3, 2)) / 4}, {"t": np.zeros((2, 2))}, 2)
    return Counterexample(GRAPH, point, "grads = gradient(params, x, t)", errors_of(shapes, wrong))


def finding(found: Counterexample, *, value: float = 1.2599230248420782) -> Finding:
    tally = tuple((e.name, sum(one > 1 for one in e.errors), len(e.errors)) for e in found.errors)
    first, path = ("W1", "grads[0][0]") if isinstance(found.network, Network) else ("h.W", "grads['h.W']")
    rows = tuple(
        Disagreement(
            f"∂E/∂{first}[2,{j + 1}]", f"{path}[1, {j}]", 0.41997434161402607 + j, value + j, 3.1e-16
        )
        for j in range(2)
    )
    place = f"{words.described(found.network)}, {found.point.samples} samples"
    sentence = f"{rows[0].name} ({rows[0].path} as returned) disagrees on {place}"
    return Finding("wrong gradient", sentence, rows, tally)


def explanation() -> Explanation:
    right, wrong = (derive(mlp(2, 3, 1, hidden="tanh", scale=scale)).backward[0] for scale in ("1/m", "1"))
    return Explanation(
        bug="missing 1/m",
        number=3,
        derived=index_text(right),
        formula=index_text(wrong),
        derived_latex=index_latex(right),
        latex=index_latex(wrong),
        parameters=("W1", "b1", "W2", "b2"),
        residual=0.04,
        entries=87,
        networks=4,
        equivalents=("the sum over samples for their mean",),
    )


def report(verdict: Any, **changes: Any) -> Report:
    """A right one, changed."""
    right = Report(
        verdict=verdict,
        subject="gradient.py:gradient",
        chain=FAMILY,
        layout=INTERNAL,
        findings=(),
        counterexample=None,
        evidence=EVIDENCE,
        not_shown=("batches of more than 7 samples",),
        remarks=("it prints",),
        seed=0,
        again="backproof check gradient.py:gradient --hidden tanh --seed 1",
        power=POWER,
        sensitivity=Sensitivity(3e-13, 1e-11),
        contract=CONTRACT[:2],
    )
    return replace(right, **changes)


def wrong(found: Counterexample, **changes: Any) -> Report:
    first = finding(found)
    return report("wrong", findings=(first,), counterexample=found, power=Power(), **changes)


EVERY_ARRAY = {"W1", "b1", "W2", "b2", "W3", "b3"}
CASES: dict[str, Report] = {
    "right": report("right"),
    "right with a broken contract": report("right", contract=CONTRACT),
    "right up to a convention": report(
        "right up to a convention",
        convention=Convention(
            Layout("in-out", "rows"),
            data="m",
            penalty="2*m",
            found=("weights in-out", "samples as rows"),
            sentences=("the loss is summed over the samples, not averaged",),
            alternatives=("the mean of twice the loss",),
        ),
    ),
    "right, unstable": report("right, unstable", remarks=("beyond |z| = 36.7 it returns nan",)),
    "explained": wrong(counterexample(SMALL, EVERY_ARRAY), explanations=(explanation(),)),
    "unexplained": wrong(
        counterexample(SMALL, {"W1", "b1"}),
        localisation=("the first wrong layer from the output back is layer 1", "only where a unit saturates"),
    ),
    "large": wrong(counterexample(LARGE, {"W1", "W2", "b2"})),
    "in-out": wrong(
        counterexample(SMALL, {"W1"}, layout=Layout("in-out", "rows")), layout=Layout("in-out", "rows")
    ),
    "inconclusive": report("inconclusive", evidence=NOTHING, power=Power(), sensitivity=None, contract=()),
    "failed": report(
        "subject failed",
        findings=(
            Finding(
                "failed",
                "gradient.py:gradient raised: ValueError, on 1-1, identity, half-squared/m, 2 samples",
                detail="Traceback (most recent call last):\n  raise ValueError('shapes')\nValueError: shapes",
            ),
        ),
        counterexample=replace(counterexample(mlp(1, 1), set()), errors=()),
        evidence=NOTHING,
        power=Power(),
        sensitivity=None,
        contract=(),
    ),
    "one point": wrong(counterexample(SMALL, {"W1"}), seed=None, not_shown=("one sample hides a mean",)),
    "graph right": report("right", chain=GRAPH),
    "graph wrong": wrong(graph_counterexample({"h.W", "k.b"}), chain=GRAPH),
    "hostile": wrong(
        counterexample(SMALL, {"W1"}),
        subject=HOSTILE,
        localisation=(HOSTILE,),
        remarks=(HOSTILE,),
        again=HOSTILE,
        contract=(ContractCheck(HOSTILE, "failed", HOSTILE),),
        explanations=(
            replace(explanation(), bug=HOSTILE, formula=HOSTILE, derived_latex=HOSTILE, latex=HOSTILE),
        ),
    ),
}
_hostile = CASES["hostile"]
CASES["hostile"] = replace(
    _hostile,
    findings=(
        finding(counterexample(SMALL, {"W1"}), value=math.nan),
        replace(finding(counterexample(SMALL, {"W1"}), value=-math.inf), detail=f"{HOSTILE}\n{HOSTILE}"),
    ),
)
