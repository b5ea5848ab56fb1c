"""The program of a chain in matrix form: forward, loss and gradient, function by function.

Each line is the matrix form of one step in the layout asked for, with its index equation in a comment.
Activations are evaluated by the stable lines of their rows, logarithms of probabilities from the
pre-activation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import sympy as sp

from symbolic.activations import Activation
from symbolic.codegen.arrays.dialect import Dialect
from symbolic.codegen.arrays.helpers import Helpers
from symbolic.codegen.arrays.matrix import Writer
from symbolic.codegen.arrays.parts import function_text
from symbolic.conventions import Layout
from symbolic.expressions import Expr
from symbolic.losses import LAMBDA, OUTPUTS, SAMPLES
from symbolic.matrix_form import matrix_form
from symbolic.network import Network
from symbolic.notation import Array, Slot, Step
from symbolic.program import Program, expanded, in_logarithms, with_slopes

LAM: Final = sp.Symbol("lam", real=True)


@dataclass(frozen=True)
class ChainFunctions:
    """The functions of a chain in one layout and dialect, each as source; `helpers` are what they call."""

    program: Program
    layout: Layout
    dialect: Dialect

    @property
    def network(self) -> Network:
        return self.program.network

    @cached_property
    def helpers(self) -> Helpers:
        return Helpers(self.layout, self.dialect)

    def forward(self) -> str:
        lines = [*self._unpacked("Wb"), *self._layers(), f"return {self._name(self.output)}"]
        return self._function(
            "forward(params, x)", f"The output a, shape {self.shape_text(self.output)}.", lines
        )

    def loss(self) -> str:
        reads_output = "A" in {array.name for array in self._data_term.inputs}
        body = [*self._prologue(), *self._layers(output=reads_output), *self._error(), "return error"]
        return self._function(f"loss(params, x, t{self.lam})", "The error E.", body)

    def gradient(self) -> str:
        body = [*self._prologue(), *self._layers(slopes=True), *self._back(), f"return {self._pairs}"]
        doc = "∂E/∂W and ∂E/∂b for each layer, shaped like params."
        return self._function(f"gradient(params, x, t{self.lam})", doc, body)

    def loss_and_gradient(self) -> str:
        layers = self._layers(slopes=True)
        body = [*self._prologue(), *layers, *self._error(), *self._back(), f"return error, {self._pairs}"]
        doc = "The error E and its gradient, from one forward pass."
        return self._function(f"loss_and_gradient(params, x, t{self.lam})", doc, body)

    def _prologue(self) -> list[str]:
        return [*self._unpacked("Wb"), *self._sizes(), *self.one_hot()]

    @cached_property
    def _data_term(self) -> Step:
        data = next(step for step in self.program.forward if step.role == "loss")
        return in_logarithms(data, self.network.layers[-1].activation)

    def _error(self) -> list[str]:
        logs = self._logarithms({array.name for array in self._data_term.inputs})
        penalties = (step for step in self.program.forward if step.role == "penalty")
        return [
            *(f"{name} = {function}({self._name(self._last_sum)})" for name, function in logs),
            f"error = {self._written(self._data_term)}",
            *(f"error += {self._written(expanded(p, lambda _: True))}" for p in penalties),
        ]

    def _back(self) -> list[str]:
        return [line for step in self.program.backward for line in self._backward(step)]

    @property
    def _pairs(self) -> str:
        pairs = ", ".join(
            f"({self._name(w.bar)}, {self._name(b.bar) if b else None})" for w, b in self.program.parameters
        )
        return f"[{pairs}]"

    def _layers(self, *, output: bool = True, slopes: bool = False) -> list[str]:
        """The forward pass; without `output` it stops at the last pre-activation."""
        lines = []
        for step in self.program.forward:
            if step.role == "pre-activation":
                lines += [_comment(step), f"{self._name(step.target)} = {self._written(step)}"]
            elif step.role == "activation" and (output or step.target != self.output):
                lines += self._activation(step, slopes=slopes)
        return lines

    def _activation(self, step: Step, *, slopes: bool) -> list[str]:
        number = int(str(step.target.layer))
        activation = self.network.layers[number - 1].activation
        value, z = self._name(step.target), self._name(Array("Z", number))
        if activation.name == "identity":
            return []
        if slopes and number in self._sloped:
            return [f"{value}, slope{number} = {self.helpers.value_and_slope(activation)}({z})"]
        return [f"{value} = {self.helpers.value(activation, z)}"]

    def _backward(self, step: Step) -> list[str]:
        source = self._written(with_slopes(expanded(step, self._is_objective(step))))
        return [_comment(step), f"{self._name(step.target)} = {source}"]

    def _written(self, step: Step) -> str:
        """The source of a step's value."""
        scalars = {
            sp.Symbol(n, real=True): b.xreplace(self._numbers)
            for n, b in step.bindings.items()
            if not isinstance(b, Array | Slot)
        }
        names = {local: self._name(step.array(local)) for local in step.equation.inputs}
        return Writer(names, scalars, self.layout, self.dialect).equation(matrix_form(step, self.layout))

    def _is_objective(self, step: Step) -> Callable[[str], bool]:
        return lambda name: (
            isinstance(slot := step.bindings[name], Slot) and not isinstance(slot.source, Activation)
        )

    def _logarithms(self, arrays: set[str]) -> Iterator[tuple[str, str]]:
        output = self.network.layers[-1].activation
        for name, complement in (("log_a", False), ("log_1_minus_a", True)):
            if name in arrays:
                yield f"{name}{self.network.depth}", self.helpers.logarithm(output, complement=complement)

    def _unpacked(self, kinds: str) -> list[str]:
        pairs = [f"({self._name(w)}, {self._name(b) if b else '_'})" for w, b in self.program.parameters]
        return [f"{', '.join(pairs)}{',' * (len(pairs) == 1)} = params"]

    def _sizes(self) -> list[str]:
        axis = 1 if self.layout.samples == "columns" else 0
        objective = self.network.objective
        needed = any(
            formula.has(SAMPLES) for formula in (objective.scale, *(p.factor for p in objective.penalties))
        )
        return [f"m = x.shape[{axis}]"] if needed else []

    def one_hot(self) -> list[str]:
        turned = ".T" if self.layout.samples == "columns" else ""
        labels = self.dialect.text("one-hot", count=self.network.sizes[-1], labels="t")
        return [f"t = {labels}{turned}"] if self.integer_labels else []

    def _function(self, signature: str, doc: str, body: list[str]) -> str:
        return function_text(signature, doc, body, self.dialect.decorator)

    def _name(self, array: Array) -> str:
        """The variable of an array.

        Where g is the identity, z bears the name of a; elsewhere every layer's is `z`, read by the next line
        alone: with many samples, an array that is let go at once saves time.
        """
        layer = "" if array.layer is None else str(array.layer)
        if array.name == "Z" and not array.cotangent:
            is_identity = self.network.layers[int(layer) - 1].activation.name == "identity"
            return f"a{layer}" if is_identity else "z"
        if array.cotangent:
            return f"delta{layer}" if array.name == "Z" else f"d{array.name.lower()}{layer}"
        return f"{array.name.lower()}{layer}"

    def shape_text(self, array: Array) -> str:
        sizes = [str(size) for size in array.shape]
        if array.name == "b":
            return {"n": f"({sizes[0]},)", "n,1": f"({sizes[0]}, 1)", "1,n": f"(1, {sizes[0]})"}[
                self.layout.bias_shape
            ]
        turned = self.layout.weights == "in-out" if array.name == "W" else self.layout.samples == "rows"
        return f"({', '.join(sizes[::-1] if turned else sizes)})"

    @cached_property
    def _sloped(self) -> set[int]:
        """The layers whose g'(z) the backward pass reads."""
        return {
            int(str(array.layer))
            for step in self.program.backward
            for array in with_slopes(expanded(step, self._is_objective(step))).inputs
            if array.name == "slope"
        }

    @property
    def lam(self) -> str:
        return ", *, lam=0.0" if self.network.objective.has_lambda else ""

    @property
    def _numbers(self) -> dict[Expr, Expr]:
        return {OUTPUTS: sp.Integer(self.network.sizes[-1]), LAMBDA: LAM}

    @property
    def integer_labels(self) -> bool:
        return self.layout.labels == "integer"

    @property
    def input(self) -> Array:
        return Array("X", None, (self.network.inputs, SAMPLES))

    @property
    def target(self) -> Array:
        return Array("T", None, (self.network.sizes[-1], SAMPLES))

    @property
    def output(self) -> Array:
        return Array("A", self.network.depth, (self.network.sizes[-1], SAMPLES))

    @property
    def _last_sum(self) -> Array:
        return Array("Z", self.network.depth, self.output.shape)


def _comment(step: Step) -> str:
    return f"# {step}"
