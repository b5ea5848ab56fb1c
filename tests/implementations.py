"""Correct gradients of a network that share as little as possible, to be held against each other and bounds.

Each is a function (params, x, t, lam) of arrays in one type, with pairs (W, b), that returns pairs; a sum is
one einsum or several products, σ′ is a(1 − a) or e/(1 + e)², an output is fused with its loss or is not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from backproof.points import Point
from backproof.strategies import networks, points
from backproof.subjects import Parameters, Returned, SubjectFailed
from numeric import backprop
from numeric.arrays import evaluate_arrays
from numeric.native.compiled import compiled
from numeric.problem import Problem, Route, problem_of
from symbolic.losses import LAMBDA
from symbolic.network import Network, mlp
from symbolic.notation import Array as Name
from tests.backproof.textbook import ACTIVATIONS, LOSSES, textbook

Array: TypeAlias = npt.NDArray[Any]
Gradient: TypeAlias = list[tuple[Array, Array | None]]
Implementation: TypeAlias = Callable[..., Gradient]
SCALES = (1e-3, 1e-2, 0.1, 1.0, 1.0, 1.0, 3.0, 10.0, 30.0)  # of the weights; most points are generic ones


class Direct:
    """A subject that is called here; it is trusted not to hang."""

    parameters = Parameters((), 3, frozenset({"lam"}), any_keyword=False)
    name = "direct"

    def __init__(self, function: Implementation) -> None:
        self._function = function

    def call(self, params: Any, x: Any, t: Any, **keywords: float) -> Returned:
        try:
            return Returned(self._function(params, x, t, **keywords), (), "")
        except (ValueError, IndexError) as failure:  # shapes that do not fit
            raise SubjectFailed(self.name, "raised", str(failure)) from failure


def single(value: Any) -> Any:
    """Arrays in lists and tuples, rounded to float32."""
    if isinstance(value, (list, tuple)):
        return type(value)(single(item) for item in value)
    return None if value is None else np.asarray(value).astype(np.float32)


def in_single_precision(function: Implementation) -> Implementation:
    """The same from float32 to float32."""

    def narrowed(params: Any, x: Any, t: Any, **keywords: float) -> Any:
        return single(function(single(params), single(x), single(t), **keywords))

    return narrowed


def implementations(network: Network) -> Iterator[tuple[str, Implementation]]:
    """Three or more of a network's gradient, by name."""
    problem = problem_of(network)

    def by_hand(params: Any, x: Array, t: Array, lam: float = 0.0) -> Gradient:
        return backprop.gradient(network, params, x, t, lam=lam)

    def generated(params: Any, x: Array, t: Array, lam: float = 0.0) -> Gradient:
        known = {"lam": lam} if problem.has_lambda else {}
        return compiled(network).gradient(params, x, t, **known)

    yield "by hand", by_hand
    yield "generated", generated
    for place, route in enumerate(problem.backward):
        yield ("fused", "unfused")[place], _of_steps(problem, route, way=place)
    if is_in_textbook(network):
        yield "textbook", of_textbook(network)


def _of_steps(problem: Problem, backward: Route, *, way: int) -> Implementation:
    """The problem's own steps over arrays, every stage in one of its ways."""
    forward = [step for ways in problem.stages for step in ways[min(way, len(ways) - 1)]]

    def gradient(params: Any, x: Array, t: Array, lam: float = 0.0) -> Gradient:
        arrays = [array for pair in params for array in pair if array is not None]
        values = dict(zip(problem.given, [*arrays, x, t], strict=True))
        scalars: dict[Any, Any] = problem.scalars(x.shape[1])
        scalars |= {LAMBDA: np.asarray(lam)} if problem.has_lambda else {}
        known = evaluate_arrays([*forward, *backward], values, scalars)
        found = iter([known[array.bar] for array in problem.parameters])
        return [(next(found), None if b is None else next(found)) for _, b in params]

    return gradient


def is_in_textbook(network: Network) -> bool:
    """Whether the textbook has all of a network's parts."""
    objective = network.objective
    texts = [layer.activation.text for layer in network.layers]
    plain = len(set(texts[:-1])) <= 1 and set(texts) <= set(ACTIVATIONS) and objective.loss.text in LOSSES
    return plain and not objective.penalties


def of_textbook(network: Network) -> Implementation:
    """The textbook's gradient of a network that it has."""
    hidden, output = (network.layers[place].activation.text for place in (0, -1))
    scale = network.objective.scale

    def factor(m: int, k: int) -> float:
        return float(scale.subs({symbol: {"m": m, "k": k}[symbol.name] for symbol in scale.free_symbols}))

    gradient: Implementation = textbook(
        hidden=hidden, output=output, loss=network.objective.loss.text, scale=factor
    )
    return lambda params, x, t, lam=0.0: gradient(params, x, t)


@st.composite
def textbook_networks(draw: st.DrawFn, *, max_width: int = 8, max_depth: int = 5) -> Network:
    """Networks that the textbook has too."""
    loss = draw(st.sampled_from(list(LOSSES)))
    heads = {"cross-entropy": ["softmax"], "binary-cross-entropy": ["sigmoid"]}
    output = draw(st.sampled_from(heads.get(loss, list(ACTIVATIONS))))
    chain = mlp(hidden=draw(st.sampled_from(list(ACTIVATIONS))), output=output, loss=loss)
    network: Network = draw(networks(chain, max_width=max_width, max_depth=max_depth, unequal=False))
    return network


@st.composite
def scaled_points(draw: st.DrawFn, network: Network) -> Point:
    """Points whose weights are tiny or large now and then, all numbers float32's, one sample or several."""
    point = draw(points(network, min_samples=1, max_samples=9))
    scale = draw(st.sampled_from(SCALES))
    params = single([(w * scale, b) for w, b in point.params])
    narrow = {"params": tuple(params), "x": single(point.x), "t": single(point.t)}
    return replace(point, **narrow, lam=float(np.float32(point.lam)))


def cast(point: Point, dtype: str) -> Point:
    """The point with its arrays in another type."""
    params = tuple((w.astype(dtype), None if b is None else b.astype(dtype)) for w, b in point.params)
    return replace(point, params=params, x=point.x.astype(dtype), t=point.t.astype(dtype))


def by_name(gradient: Gradient, problem: Problem) -> dict[Name, Array]:
    """A gradient in pairs as one by parameter."""
    arrays = [np.asarray(array, float) for pair in gradient for array in pair if array is not None]
    return dict(zip(problem.parameters, arrays, strict=True))
