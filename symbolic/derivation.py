"""The derivation: every ∂E/∂w of a network by the chain rule, equation by equation.

The general equations hold for a generic layer l, with the layers they hold for; a network's own equations are
instances of the same rules.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import sympy as sp

from symbolic.accumulation import backward as backward
from symbolic.activations import activation
from symbolic.forward import activation_array, forward, layer_steps, loss_step, penalty_steps
from symbolic.layers import LayerRow
from symbolic.losses import loss
from symbolic.network import Chain, Dense, Family, Network
from symbolic.notation import Array, Binding, Slot, Step, size_of
from symbolic.writing.jupyter import ShowsLatex

GENERIC, LAST = sp.symbols("l L", integer=True, positive=True)
WIDTHS: Final = sp.IndexedBase("n", integer=True)


@dataclass(frozen=True)
class Derivation(ShowsLatex):
    """`general` holds for a generic layer; `forward` and `backward` are a network's own steps, empty where
    its depth is open.
    """

    chain: Chain
    general: tuple[Step, ...]
    forward: tuple[Step, ...] = ()
    backward: tuple[Step, ...] = ()

    @property
    def steps(self) -> tuple[Step, ...]:
        return self.forward + self.backward

    def gradient(self, array: Array) -> Step:
        """The step that gives ∂E/∂(array)."""
        return next(step for step in self.backward if step.target == array.bar)


def derive(chain: Chain) -> Derivation:
    """Derive ∂E/∂w for every parameter of a network, or in general for a family whose depth is open.

    >>> from symbolic.network import mlp
    >>> [step.role for step in derive(mlp(2, 3, 1)).backward]
    ['output error', 'weight gradient', 'bias gradient', 'recursion', 'weight gradient', 'bias gradient']
    """
    if isinstance(chain, Family) and chain.sizes is None:
        return Derivation(chain, general(chain))
    network = chain.symbolic() if isinstance(chain, Family) else chain
    steps = forward(network)
    return Derivation(chain, general(network), steps, backward(steps))


def derive_layer(row: LayerRow) -> tuple[Step, ...]:
    """Forward and backward equations of a layer by itself, the cotangent of its result given from outside."""
    undefined: dict[str, Binding] = {
        name: Slot(name, None, activation("g") if name == "g" else loss("E")) for name in row.functions
    }
    scalars: dict[str, Binding] = {name: sp.Symbol(name, real=True) for name in row.scalars}
    forward_steps = []
    for equation in row.equations:
        arrays: dict[str, Binding] = {
            name: Array(name, None, tuple(size_of(index) for index in entry.indices))
            for name, entry in ((name, equation.entries(name)[0]) for name in equation.inputs)
        }
        arrays[equation.name] = Array(equation.name, None, tuple(map(size_of, equation.indices)))
        forward_steps.append(Step(equation, arrays | undefined | scalars, "definition", "definition"))
    last = forward_steps[-1].target
    return (*forward_steps, *backward(forward_steps, seeds=[last], constants=lambda array: array.name == "T"))


def general(chain: Chain) -> tuple[Step, ...]:
    """Forward and backward equations for a generic layer l, one of each kind, with their ranges."""
    places = _Places(chain)
    before, width, output = WIDTHS[GENERIC - 1], WIDTHS[GENERIC], WIDTHS[LAST]
    steps: list[Step] = []
    for pick, kind in enumerate((_has_bias, _activation_layer)):
        for layer, held in places.grouped(kind):
            pair = layer_steps(layer, GENERIC, rows=width, columns=before)
            steps.append(replace(pair[pick], layers=held))
    objective = loss_step(chain.objective, activation_array(LAST, output))
    steps.append(objective)
    penalties = chain.objective.penalties
    for parameter, layer, held in places.with_parameter():
        found = penalty_steps(penalties, layer, GENERIC, rows=width, columns=before)
        steps += [replace(step, layers=held) for step in found if parameter in step.equation.inputs]

    output_activation = layer_steps(places.last, LAST, rows=output, columns=WIDTHS[LAST - 1])[1]
    steps += [replace(step, layers="l = L") for step in backward([output_activation, objective])]
    for layer, held in places.grouped(_activation_layer, hidden=True):
        here = layer_steps(layer, GENERIC, rows=width, columns=before)[1]
        after = layer_steps(layer, GENERIC + 1, rows=WIDTHS[GENERIC + 1], columns=width)[0]
        window = backward([here, after], seeds=[after.target], constants=lambda array: array.name in "WbXT")
        steps += [replace(step, layers=held) for step in window]
    for parameter, layer, held in places.with_parameter():
        dense = layer_steps(layer, GENERIC, rows=width, columns=before)[0]
        parts = [dense, *penalty_steps(penalties, layer, GENERIC, rows=width, columns=before)]
        found = backward(parts, seeds=[dense.target], constants=partial(_is_other, parameter))
        steps += [replace(step, layers=held) for step in found]
    return tuple(steps)


def _is_other(parameter: str, array: Array) -> bool:
    return array.name != parameter


def _has_bias(layer: Dense) -> bool:
    return layer.bias


def _activation_layer(layer: Dense) -> str:
    return layer.activation.layer


class _Places:
    """Which layers are of one kind, and how to say so: 1 ≤ l < L, l = L, l = 1, 3."""

    def __init__(self, chain: Chain) -> None:
        if isinstance(chain, Network):
            self.layers = dict(enumerate(chain.layers, start=1))
        else:
            hidden, output = chain.hidden[0], chain.output
            width = WIDTHS[GENERIC]
            self.layers = {1: Dense(width, hidden, chain.bias[0]), 2: Dense(width, output, chain.bias[-1])}

    @property
    def last(self) -> Dense:
        return self.layers[len(self.layers)]

    def grouped(self, kind: Callable[[Dense], object], *, hidden: bool = False) -> list[tuple[Dense, str]]:
        """One layer of each kind with the range of its kind; `hidden` leaves the last layer out."""
        groups: dict[object, list[int]] = defaultdict(list)
        for number, layer in self.layers.items():
            if not (hidden and number == len(self.layers)):
                groups[kind(layer)].append(number)
        return [(self._common(numbers), self._range(numbers)) for numbers in groups.values()]

    def with_parameter(self) -> Iterator[tuple[str, Dense, str]]:
        """W and b, each with a layer that has it and the range of those that do."""
        yield "W", self.last, self._range(list(self.layers))
        if biased := [number for number, layer in self.layers.items() if layer.bias]:
            yield "b", self.layers[biased[0]], self._range(biased)

    def _common(self, numbers: list[int]) -> Dense:
        """A layer that stands for several: its activation is theirs where they agree, else an undefined g."""
        first, *rest = (self.layers[number] for number in numbers)
        if all(layer.activation == first.activation for layer in rest) or first.activation.layer == "softmax":
            return first
        return replace(first, activation=activation("g"))

    def _range(self, numbers: list[int]) -> str:
        depth = len(self.layers)
        if numbers == [depth]:
            return "l = L"
        if numbers[0] == 1 and numbers == list(range(1, numbers[-1] + 1)) and numbers[-1] >= depth - 1:
            return "1 ≤ l ≤ L" if numbers[-1] == depth else "1 ≤ l < L"
        return "l = " + ", ".join(map(str, numbers))
