"""The closed form of one ∂E/∂w: E written out as one scalar expression and differentiated by SymPy, with no
backpropagation.

    E = scale · Σ_c Σ_i e(a_i(x_c; w), t_ic) + penalties,    ∂E/∂w = sympy.diff(E, w)

It shares nothing with the chain rule over index equations, so it is the ground truth for that. It swells by
about a factor of 3 a layer; a request that would swell beyond reason is refused with an estimate.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Final, TypeAlias

import sympy as sp

from symbolic import losses
from symbolic.activations import Activation, Z
from symbolic.errors import InvalidNetwork, Unsupported
from symbolic.grammar.functions import undefined
from symbolic.losses import SAMPLES
from symbolic.network import Network
from symbolic.plain import PlainSum

Expr: TypeAlias = sp.Expr
OPERATIONS_PER_SECOND: Final = 25_000  # measured: 920,853 operations of 4-8-8-3 took 35 s
LIMIT_SECONDS: Final = 10
SAMPLE: Final = sp.Symbol("c", integer=True, positive=True)
BATCH: Final = sp.Symbol("m", integer=True, positive=True)
_WEIGHT = re.compile(r"(?P<name>[Wb])(?P<layer>\d{1,6})\[(?P<indices>\d{1,6}(?:\s*,\s*\d{1,6})?)\]")


@dataclass(frozen=True, slots=True)
class Weight:
    """One parameter: W^[layer] at (row, column), or b^[layer] at (row,); rows and columns count from 1."""

    name: str
    layer: int
    indices: tuple[int, ...]

    @property
    def symbol(self) -> sp.Symbol:
        return sp.Symbol(str(self), real=True)

    @property
    def latex(self) -> str:
        """The entry in the notation of the derivation, such as w^{[1]}_{2,1}."""
        return f"{self.name.lower()}^{{[{self.layer}]}}_{{{','.join(map(str, self.indices))}}}"

    def __str__(self) -> str:
        return f"{self.name}{self.layer}[{','.join(map(str, self.indices))}]"


def read_weight(text: str, network: Network) -> Weight:
    """Read `W1[2,1]` or `b2[1]`, counted from 1; InvalidNetwork where the network has no such parameter."""
    found = _WEIGHT.fullmatch(text.strip())
    if found is None:
        raise InvalidNetwork(
            f"'{text}' names no parameter; write W1[2,1] (layer, row, column, from 1) or b1[2]"
        )
    weight = Weight(found["name"], int(found["layer"]), tuple(int(i) for i in found["indices"].split(",")))
    if not 1 <= weight.layer <= network.depth:
        raise InvalidNetwork(f"{weight}: {network.shape} has layers 1 to {network.depth}")
    rows, columns = network.sizes[weight.layer], network.sizes[weight.layer - 1]
    if weight.name == "b" and not network.layers[weight.layer - 1].bias:
        raise InvalidNetwork(f"{weight}: layer {weight.layer} has no bias")
    shape = (rows, columns) if weight.name == "W" else (rows,)
    fits = len(weight.indices) == len(shape) and all(
        index >= 1 and (isinstance(size, sp.Symbol) or index <= size)
        for index, size in zip(weight.indices, shape, strict=False)
    )
    if not fits:
        size = " × ".join(map(str, shape))
        raise InvalidNetwork(
            f"{weight}: {weight.name}{weight.layer} of {network.shape} is {size}, counted from 1"
        )
    return weight


@dataclass(frozen=True)
class ClosedForm:
    """E of a small network as one expression in W, b, x and t, with the sum over samples left standing."""

    network: Network

    def __post_init__(self) -> None:
        if self.network.is_symbolic:
            raise Unsupported(
                f"the closed form needs fixed widths, but {self.network.shape} leaves some open"
            )

    @cached_property
    def per_sample(self) -> Expr:
        """Σ_i e(a_i, t_i) of sample c, in X[j, c] and T[i, c]."""
        units = [sp.IndexedBase("X", real=True)[j, SAMPLE] for j in range(1, int(self.network.inputs) + 1)]
        for number, layer in enumerate(self.network.layers, start=1):
            sums = []
            for row in range(1, int(layer.width) + 1):
                terms = [Weight("W", number, (row, j)).symbol * a for j, a in enumerate(units, start=1)]
                sums.append(sp.Add(*terms, *([Weight("b", number, (row,)).symbol] if layer.bias else [])))
            units = _activated(layer.activation, sums, number)
        loss = self.network.objective.loss
        targets = [sp.IndexedBase("T", real=True)[i, SAMPLE] for i in range(1, len(units) + 1)]
        if loss.definition is None:
            e = undefined("e", 2)
            return sp.Add(*(e(a, t) for a, t in zip(units, targets, strict=True)))
        formula = loss.definition
        pairs = zip(units, targets, strict=True)
        return sp.Add(*(formula.xreplace({losses.A: a, losses.T: t}) for a, t in pairs))

    @cached_property
    def penalties(self) -> Expr:
        total = sp.Integer(0)
        for penalty in self.network.objective.penalties:
            for weight in weights(self.network):
                if weight.name == "W" or penalty.biases:
                    total += penalty.factor * penalty.definition.xreplace({losses.W: weight.symbol})
        return total

    @property
    def scale(self) -> Expr:
        return self.network.objective.scale.xreplace({losses.OUTPUTS: sp.Integer(self.network.sizes[-1])})

    @property
    def error(self) -> Expr:
        """E, with the batch size m a symbol."""
        return self._whole(self.per_sample, self.penalties)

    def derivative(self, weight: Weight) -> Expr:
        """∂E/∂w by `sympy.diff`. Raises Unsupported, with an estimate, where it would swell beyond reason."""
        self.refuse_swelling(weight)
        return self._whole(self.per_sample.diff(weight.symbol), self.penalties.diff(weight.symbol))

    def refuse_swelling(self, weight: Weight) -> None:
        count = operations(self.network, weight.layer)
        if count > LIMIT_SECONDS * OPERATIONS_PER_SECOND:
            digits = len(str(count))
            about = f"{count:,}" if digits <= 15 else f"10^{digits - 1}"
            took = f" and take about {count / OPERATIONS_PER_SECOND:,.0f} s" if digits <= 15 else ""
            raise Unsupported(
                f"the closed form of ∂E/∂{weight} would have about {about} operations{took} "
                f"(limit {LIMIT_SECONDS} s); use --form index or --form matrix, or a smaller network"
            )

    def _whole(self, sample: Expr, penalties: Expr) -> Expr:
        """scale · Σ_c of a sample's part, and the penalties' part, m being one symbol throughout."""
        scale, rest = (part.xreplace({SAMPLES: BATCH}) for part in (self.scale, penalties))
        return scale * PlainSum(sample, (SAMPLE, 1, BATCH)) + rest


def weights(network: Network) -> list[Weight]:
    """Every parameter of a network with fixed widths, layer by layer, W before b."""
    found = []
    for number, layer in enumerate(network.layers, start=1):
        rows, columns = range(1, int(layer.width) + 1), range(1, int(network.sizes[number - 1]) + 1)
        found += [Weight("W", number, (i, j)) for i in rows for j in columns]
        found += [Weight("b", number, (i,)) for i in rows if layer.bias]
    return found


def seconds(network: Network, layer: int) -> float:
    """About how long the closed form of one weight of a layer takes."""
    return operations(network, layer) / OPERATIONS_PER_SECOND


def operations(network: Network, layer: int) -> int:
    """About how many operations the closed form of one weight of a layer has, nothing being shared.

    Where a kinked function is applied to kinked ones, SymPy compares every combination of their pieces.
    """
    value, slope, kinks = 1, 0, 0  # operations in one unit and in its derivative by the weight, kinks in it
    for number, dense in enumerate(network.layers, start=1):
        before, width = int(network.sizes[number - 1]), int(dense.width)
        moving = 0 if number <= layer else 1 if number == layer + 1 else before
        slope = value if number == layer else moving * (slope + 2)
        value, kinks = before * (value + 2), before * kinks
        if dense.activation.layer == "softmax":
            value, slope = width * (value + 2), (2 * width + 1) * (value + 2) + width * slope
        else:
            held = dense.activation.definition
            count, reads = _count(held)
            slope_count, slope_reads = _count(None if held is None else held.diff(Z))
            slope = slope + slope_count + slope_reads * value if number >= layer else 0
            value = count + reads * value
            value, kinks = _with_kinks(held, value, kinks)
    value, _ = _with_kinks(network.objective.loss.definition, value, kinks)
    outputs = (
        int(network.sizes[-1])
        if layer < network.depth or network.layers[-1].activation.layer == "softmax"
        else 1
    )
    return outputs * (slope + 4 * value + 4) * 3 // 2  # to be rather above than below


def _with_kinks(formula: Expr | None, value: int, kinks: int) -> tuple[int, int]:
    """Operations and kinks of a function applied to something that has some already."""
    if formula is None or not formula.has(sp.Piecewise):
        return value, kinks
    return value << min(kinks, 40), kinks + 1


def _count(formula: Expr | None) -> tuple[int, int]:
    """Operations of a formula in z and how often it reads z."""
    if formula is None:
        return 1, 1
    reads = sum(node == Z for node in sp.preorder_traversal(formula))
    return int(formula.count_ops()), reads


def _activated(activation: Activation, sums: list[Expr], number: int) -> list[Expr]:
    if activation.layer == "softmax":
        exponentials = [sp.exp(z) for z in sums]
        return [exponential / sp.Add(*exponentials) for exponential in exponentials]
    if activation.definition is None:
        return [undefined(f"g{number}")(z) for z in sums]
    return [activation.definition.xreplace({Z: z}) for z in sums]
