"""At least one small network for every row of LAYERS, with numbers that lie clear of kinks and ties."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import sympy as sp

from numeric.numbers import Floats
from symbolic.activations import ACTIVATIONS
from symbolic.evaluate import evaluate, shape_of
from symbolic.graph import Graph, graph, loss, node
from symbolic.layer import Layer, is_place, size
from symbolic.layers import LAYERS
from symbolic.losses import LAMBDA, LOSSES, SAMPLES, SCALES
from symbolic.notation import Array, Step
from symbolic.placement import Node, Setting
from symbolic.straight_line import straight_line
from tests.symbolic.helpers import inputs_of

Values = dict[Array, npt.NDArray[Any]]
KINKS: Final = (-3, -1, -0.5, 0, 0.5, 1, 3, 6)  # of any activation or loss of the tables
M: Final = 2


@dataclass(frozen=True)
class Case:
    """A network with numbers; `given` are its arrays of whole numbers, masks and other special values."""

    graph: Graph
    given: Mapping[str, Any] = field(default_factory=dict)
    samples: int = M
    flat: frozenset[str] = frozenset()  # parameters that E does not depend on, though it reads them

    @property
    def scalars(self) -> dict[sp.Symbol, Any]:
        return {SAMPLES: self.samples, LAMBDA: 0.3}

    @property
    def real_inputs(self) -> tuple[Array, ...]:
        return tuple(self.graph.arrays[name] for name in self.graph.inputs if name not in self.whole)

    @property
    def whole(self) -> set[str]:
        """The given arrays of whole numbers."""
        return {name for name, value in self.given.items() if np.asarray(value).dtype.kind == "i"}

    @property
    def wrt(self) -> tuple[Array, ...]:
        """Everything that a derivative can be taken by, targets left out."""
        return (*self.graph.parameters, *self.real_inputs)

    def values(self) -> Values:
        arrays = (
            *self.graph.parameters,
            *self.graph.constants,
            *map(self.graph.arrays.get, self.graph.inputs),
        )
        random = np.random.default_rng(sum(map(ord, self.graph.title)))
        found: Values = {}
        for array in arrays:
            assert isinstance(array, Array)
            shape = shape_of(array, {SAMPLES: self.samples})
            found[array] = np.asarray(self.given.get(array.name, generic(random, shape)))
            assert found[array].shape == shape, array
        return found

    def error(self, known: Mapping[Array, npt.NDArray[Any]]) -> float:
        """E, the sum of what the losses are."""
        return float(sum(known[step.target] for step in scalar_steps(self.graph.steps)))


def scalar_steps(steps: Sequence[Step]) -> list[Step]:
    return [step for step in steps if not step.target.shape]


def values_of(steps: Sequence[Step], scalars: Mapping[sp.Symbol, Any]) -> Values:
    """Values for every array that steps read and do not compute."""
    random, sizes = np.random.default_rng(0), {SAMPLES: scalars[SAMPLES]}
    return {array: generic(random, shape_of(array, sizes)) for array in inputs_of(steps)}


def generic(random: np.random.Generator, shape: Sequence[int]) -> npt.NDArray[Any]:
    """Values no two of which are close, in no order, and clear of every kink."""
    count = int(np.prod(shape))
    values = np.linspace(-1.7, 1.9, count) + random.uniform(-0.3, 0.3, count) / max(count, 4)
    for kink in KINKS:
        values = np.where(np.abs(values - kink) < 0.01, values + 0.02, values)
    return random.permutation(values).reshape(shape)


def alone(
    row: str | Layer,
    *shapes: Sequence[int],
    axis: int = 0,
    end: str = "half-squared",
    given: Mapping[str, Any] | None = None,
    samples: int = M,
    flat: Sequence[str] = (),
    **settings: Setting,
) -> Case:
    """A layer by itself under a loss that no two of its results have the same slope in."""
    names = [f"x{number}" for number in range(1, len(shapes) + 1)]
    inputs = {name: (*shape, "m") for name, shape in zip(names, shapes, strict=True)}
    layer = node(row, *names, axis=axis, **settings)
    network = graph(inputs=inputs, nodes={"y": layer}, losses={"E": loss(end, "y")})
    return Case(network, given or {}, samples, frozenset(flat))


def own(
    *equations: str,
    shapes: Sequence[Sequence[int]] = ((3,),),
    constants: Sequence[str] = (),
    given: Mapping[str, Any] | None = None,
    **sizes: int,
) -> Case:
    """A layer of one's own by itself; `sizes` are those of indices that run along no axis of an input."""
    settings = [size(name, name) for name in sizes]
    layer = Layer.from_equations(*equations, constants=constants, settings=settings)
    return alone(layer, *shapes, given=given, **sizes)


def ends(last: Node, units: int = 3, *, given: Mapping[str, Any] | None = None) -> Case:
    """A loss, or a penalty on its input, above a dense layer."""
    nodes = {"y": node("dense", "x1", units=units)}
    return Case(graph(inputs={"x1": (4, "m")}, nodes=nodes, losses={"E": last}), given or {})


def penalised(row: str, array: str, **settings: Setting) -> Case:
    """A penalty beside a loss."""
    losses = {"E": loss("half-squared", "y"), "R": node(row, array, **settings)}
    nodes = {"y": node("dense", "x1", units=3)}
    return Case(graph(inputs={"x1": (4, "m")}, nodes=nodes, losses=losses))


def side_by_side(activations: Sequence[str]) -> Case:
    """Each activation on an input of its own."""
    names = [f"y_{number}" for number in range(len(activations))]
    return Case(
        graph(
            inputs={f"x_{name}": (5, "m") for name in activations},
            nodes={name: node(g, f"x_{g}") for name, g in zip(names, activations, strict=True)},
            losses={f"E_{name}": loss("half-squared", name, f"t_{name}") for name in names},
        )
    )


def every_loss() -> Case:
    """Each loss of the table on outputs of its own between 0 and 1, with targets in its range."""
    shape = (3, M)
    shares = np.array([[0.2, 0.5], [0.3, 0.1], [0.5, 0.4]])
    special = {"hinge": 2.5 * np.sign(shares - 0.35), "huber": 4 * shares, "poisson": np.round(9 * shares)}
    given = {f"t_{name}": special.get(name, shares) for name in LOSSES}
    given |= {f"x_{name}": 0.05 + 0.9 * generic_share(shape, seed) for seed, name in enumerate(LOSSES)}
    inputs = {f"x_{name}": (3, "m") for name in LOSSES}
    losses = {
        f"E_{number}": loss(name, f"x_{name}", f"t_{name}", scale=SCALES[number % 3])
        for number, name in enumerate(LOSSES)
    }
    return Case(graph(inputs=inputs, nodes={}, losses=losses), given)


def generic_share(shape: Sequence[int], seed: int) -> npt.NDArray[Any]:
    """Values between 0 and 1."""
    return np.random.default_rng(seed).uniform(size=shape)


LOOK: Final = np.array([[1, 0, 0], [1, 1, 0], [1, 1, 1]])
LOOK_4: Final = np.array([[1, 1, 0, 0], [1, 1, 0, 1], [0, 1, 1, 1]])
DRAWN: Final = np.array([[1, 0], [1, 1], [0, 1], [1, 1]])
CONV2D: Final = {"channels": 2, "kernel_h": 2, "kernel_w": 3}
LAMBDA_TERM: Final = "lambda/(2*m)"

OWN: Final[Mapping[str, Case]] = {
    "squares": own("Y[i,c] = Sum(W[i,j]*X[j,c]**2, j) + b[i]", i=2),
    "a matrix twice": own("Y[i,c] = Sum(Sum(W[i,j]*W[j,k]*X[k,c], k), j)"),
    "its diagonal and a row": own("Y[i,c] = W[i,i]*X[i,c] + W[0,i]"),
    "every pair": own("Y[i,j,c] = X[i,c]*X[j,c]"),
    "all samples together": own("Y[i,j] = Sum(X[i,c]*X[j,c], c)"),
    "neighbours": own("Y[i,c] = X[i,c]*where(i < N_i - 1, X[i + 1,c], 1)"),
    "reversed": own("Y[i,c] = X[N_i - 1 - i,c]*W[i]"),
    "around": own("Y[i,c] = X[(i + 1) % N_i,c]*W[i]", i=3),
    "each twice": own("Y[i,c] = X[i // 2,c]*W[i]", i=6),
    "sums up to here": own("Y[i,c] = Sum(where(j <= i, X[j,c]**2, 0), j)", i=3),
    "the first differs": own("Y[i,c] = where(i == 0, X[i,c], X[i - 1,c]*W[i])"),
    "numbered": own("Y[i,c] = i*X[i,c]/(1 + i) + W[i]"),
    "a trained power": own("Y[i,c] = (1 + X[i,c]**2)**W[i]"),
    "data decide": own("Y[i,c] = where(X[i,c] > W[i], X[i,c]*W[i], W[i]**2)"),
    "scattered over itself": own("P[i + j,c] = X[i,c]*X[j,c]", "Y[u,c] = P[u,c]**2"),
    "scattered by a kernel": own("P[2*i + j,c] = W[j]*X[i,c]", "Y[u,c] = P[u,c]**2", j=3),
    "gathered along two axes": own(
        "Y[q,c] = X[J[q],K[q],c]",
        shapes=[(3, 4)],
        constants=["J", "K"],
        given={"y.J": [0, 2, 0], "y.K": [3, 1, 3]},
        q=3,
    ),
    "gathered from outside": own(
        "Y[q,c] = X[J[q],c]*X[0,c]", constants=["J"], given={"y.J": [-1, 2, 7, 1]}, q=4
    ),
    "largest product": own("Y[q,c] = Max(X[2*q + k,c]*W[k], k)", shapes=[(6,)], k=2),
    "largest of sums": own("Y[c] = Max(Sum(W[i,j]*Max(X[j,k,c], k), j), i)", shapes=[(2, 4)], i=3),
    "two maxima": own("Y[i,c] = Max(W[i,j]*X[j,c], j)*Max(V[i,j]*X[j,c], j)", i=2),
    "less the maximum": own("Y[i,c] = exp(X[i,c] - Max(X[k,c], k))/Sum(exp(X[j,c] - Max(X[k,c], k)), j)"),
    "at the largest": own("K[c] = ArgMax(X[i,c], i)", "Y[i,c] = X[K[c],c]*W[i] + K[c]*X[i,c]"),
}

CASES: Final[Mapping[str, Case]] = {
    "dense": alone("dense", (4,), units=3),
    "dense over time": alone("dense", (4, 2), units=3),
    "dense-no-bias": alone("dense-no-bias", (4,), units=3),
    "dense-transposed": alone("dense-transposed", (4,), units=3),
    "bilinear": alone("bilinear", (3,), (4,), units=2),
    "bilinear over time": alone("bilinear", (2, 3), (4, 3), units=2),
    "conv1d": alone("conv1d", (2, 5), channels=3, kernel=2),
    "conv1d, strided, padded, dilated": alone(
        "conv1d", (2, 7), channels=3, kernel=3, stride=2, padding=3, dilation=2
    ),
    "conv1d, stride that leaves a rest": alone("conv1d", (2, 8), channels=2, kernel=2, stride=3),
    "conv1d-grouped": alone(
        "conv1d-grouped", (6, 6), groups=2, channels=2, kernel=2, stride=2, padding=1, dilation=2
    ),
    "conv1d-grouped, three groups": alone("conv1d-grouped", (3, 4), groups=3, channels=1, kernel=2),
    "conv1d-transposed": alone("conv1d-transposed", (2, 4), channels=3, kernel=3),
    "conv1d-transposed, strided, padded, dilated": alone(
        "conv1d-transposed", (2, 4), channels=3, kernel=3, stride=3, padding=2, dilation=2
    ),
    "conv2d": alone("conv2d", (2, 3, 4), **CONV2D),
    "conv2d, strided, padded, dilated": alone(
        "conv2d", (2, 5, 4), stride_h=2, stride_w=3, padding_h=1, padding_w=2, dilation_h=2, **CONV2D
    ),
    "conv2d-grouped": alone(
        "conv2d-grouped", (4, 3, 4), groups=2, stride_w=2, padding_h=1, dilation_w=2, padding_w=1, **CONV2D
    ),
    "conv2d-transposed": alone(
        "conv2d-transposed", (2, 2, 3), stride_h=3, stride_w=2, padding_w=1, dilation_h=2, **CONV2D
    ),
    "average-pool1d": alone("average-pool1d", (2, 7), kernel=3, stride=2, padding=1),
    "average-pool2d": alone(
        "average-pool2d", (2, 4, 5), kernel_h=2, kernel_w=3, stride_h=2, stride_w=1, padding_w=1
    ),
    "max-pool1d": alone("max-pool1d", (2, 6), kernel=2, stride=2),
    "max-pool1d, overlapping, padded": alone("max-pool1d", (2, 7), kernel=3, stride=2, padding=1),
    "max-pool2d": alone("max-pool2d", (2, 4, 5), kernel_h=3, kernel_w=2, stride_w=2, padding_h=1),
    "batch-norm": alone("batch-norm", (3,), samples=5),
    "batch-norm over time": alone("batch-norm", (2, 3), epsilon="1/10"),
    "layer-norm": alone("layer-norm", (4,)),
    "layer-norm over time": alone("layer-norm", (4, 2)),
    "rms-norm": alone("rms-norm", (4,)),
    "group-norm": alone("group-norm", (6,), groups=2),
    "group-norm over places": alone("group-norm", (4, 3), groups=2),
    "embedding": alone(
        "embedding", (4,), width=3, vocabulary=5, given={"x1": [[0, 3], [3, 3], [1, 0], [4, 3]]}
    ),
    "dropout": alone("dropout", (4,), rate="1/4", given={"y.D": DRAWN}),
    "add": alone("add", (4,), (4,)),
    "multiply": alone("multiply", (4,), (4,)),
    "multiply over time": alone("multiply", (4, 2), (4, 2)),
    "subtract": alone("subtract", (4,), (4,)),
    "scale": alone("scale", (4,), factor="-2/3"),
    "concatenate": alone("concatenate", (2,), (3,)),
    "concatenate, along the second axis": alone("concatenate", (2, 3), (2, 1), axis=1),
    "slice": alone("slice", (7,), length=2, start=1, step=3),
    "slice, of the second axis": alone("slice", (3, 5), length=3, start=2, axis=1),
    "take": alone("take", (4,), place=2),
    "take, of the second axis": alone("take", (2, 4), place=1, axis=1),
    "flatten": alone("flatten", (2, 3)),
    "flatten, the second and the third axis": alone("flatten", (2, 3, 2), axis=1),
    "unflatten": alone("unflatten", (6,), inner=3),
    "unflatten, the second axis": alone("unflatten", (2, 6), inner=2, axis=1),
    "transpose": alone("transpose", (2, 3)),
    "transpose, the second and the third axis": alone("transpose", (2, 3, 4), axis=1),
    "broadcast": alone("broadcast", (3,), size=2),
    "broadcast, in between": alone("broadcast", (3,), size=2, axis=1),
    "sum": alone("sum", (3, 4)),
    "sum, over the second axis": alone("sum", (3, 4), axis=1),
    "mean": alone("mean", (3, 4)),
    "mean, over the second axis": alone("mean", (3, 4), axis=1),
    "gather": alone("gather", (4,), length=5, given={"y.J": [0, 3, 3, 1, 0]}),
    "gather, of the second axis": alone("gather", (2, 3), length=2, axis=1, given={"y.J": [2, 2]}),
    "every activation": side_by_side([name for name in ACTIVATIONS if name != "softmax"]),
    "activation of one's own": alone("activation", (5,), activation="where(z > 1/4, z**3, sin(z)/2)"),
    "prelu-trained": alone("prelu-trained", (4,)),
    "prelu-trained over places": alone("prelu-trained", (3, 2)),
    "swiglu": alone("swiglu", (4,), units=3),
    "swiglu, another gate": alone("swiglu", (4,), units=3, activation="sigmoid"),
    "softmax": alone("softmax", (4,)),
    "softmax, of the second axis": alone("softmax", (2, 3), axis=1),
    "log-softmax": alone("log-softmax", (4,)),
    "log-softmax, of the second axis": alone("log-softmax", (2, 3), axis=1),
    "attention": alone("attention", (2, 3), (2, 4), (3, 4)),
    "masked-attention": alone("masked-attention", (2, 3), (2, 4), (3, 4), given={"y.M": LOOK_4}),
    "multi-head-attention": alone("multi-head-attention", (3, 2), heads=2, width=2, units=2, flat=["y.bK"]),
    "masked-multi-head-attention": alone(
        "masked-multi-head-attention",
        (2, 3),
        heads=2,
        width=1,
        units=3,
        given={"y.M": LOOK},
        flat=["y.bK"],  # it adds the same to all scores of a softmax
    ),
    "rnn-cell": alone("rnn-cell", (2,), (3,), units=3),
    "lstm-cell": alone("lstm-cell", (2,), (3,), (3,), units=3),
    "gru-cell": alone("gru-cell", (2,), (3,), units=3, activation="softsign"),
    "every loss": every_loss(),
    "loss of one's own": alone("dense", (3,), units=2, end="(a - t)**4 + a*t"),
    "softmax-cross-entropy": ends(node("softmax-cross-entropy", "y", arrays={"T": "t"})),
    "softmax-cross-entropy over time": Case(
        graph(
            inputs={"x1": (3, 2, "m")},
            nodes={},
            losses={"E": node("softmax-cross-entropy", "x1", arrays={"T": "t"})},
        )
    ),
    "cosine-loss": ends(node("cosine-loss", "y", arrays={"T": "t"}, scale="1")),
    "weight-penalty": penalised("weight-penalty", "y.W", penalty="l2"),
    "bias-penalty": penalised("bias-penalty", "y.b", penalty="l1", factor=LAMBDA_TERM),
    "l2": penalised("l2", "y.W", factor=LAMBDA_TERM),
    "l1": penalised("l1", "y.b"),
    **{f"own: {name}": case for name, case in OWN.items()},
}


def rows_of(case: Case) -> set[str]:
    nodes = (*case.graph.nodes.values(), *case.graph.losses.values())
    return {each.layer.name for each in nodes} & LAYERS.keys()


def by_straight_line(case: Case, values: Values) -> Values:
    """The gradient by reverse mode on scalars, at the places of maxima that the loops over indices find."""
    lists = {array: found.ravel().tolist() for array, found in values.items()}
    picked = evaluate(case.graph.steps, lists, case.scalars, Floats())
    places = {step.target: picked[step.target] for step in case.graph.steps if is_place(step.equation)}
    whole = places | {array: lists[array] for array in values if array.name in case.whole}
    steps = [step for step in case.graph.steps if step.target not in places]
    line = straight_line(steps, wrt=case.wrt, sizes={SAMPLES: case.samples}, whole=whole)
    _, gradient = line.evaluate(lists, case.scalars, Floats())
    return {array: np.reshape(gradient[array.bar], values[array].shape) for array in case.wrt}
