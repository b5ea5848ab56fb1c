"""A program as a readable NumPy module: forward, loss and gradient.

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
from symbolic.codegen.numpy_helpers import Helpers
from symbolic.codegen.numpy_matrix import Writer
from symbolic.conventions import INTERNAL, Layout
from symbolic.expressions import Expr
from symbolic.losses import LAMBDA, OUTPUTS, SAMPLES
from symbolic.matrix_form import matrix_form
from symbolic.network import Network
from symbolic.notation import Array, Slot, Step
from symbolic.program import Program, expanded, in_logarithms, program, with_slopes
from symbolic.writing.text import error_text, index_text, matrix_text

LAM: Final = sp.Symbol("lam", real=True)


def numpy_module(network: Network, layout: Layout = INTERNAL) -> str:
    """The source of a module with `forward`, `loss` and `gradient` for a network, needing NumPy alone.

    Raises Unsupported where the network has open widths or undefined functions, or no stable form is known.
    """
    return _Module(program(network), layout).source()


@dataclass(frozen=True)
class _Module:
    program: Program
    layout: Layout

    @property
    def network(self) -> Network:
        return self.program.network

    @cached_property
    def helpers(self) -> Helpers:
        return Helpers(self.layout)

    def source(self) -> str:
        functions = [self.forward(), self.loss(), self.gradient()]
        code = "\n\n\n".join([*functions, *self.helpers.sources()])
        imports = "import math\n\nimport numpy as np" if "math." in code else "import numpy as np"
        return f"{self.docstring()}\n\n{imports}\n\n\n{code}\n"

    def docstring(self) -> str:
        shapes = [
            f"W{number} {self._shape(w)}, b{number} {self._shape(b) if b else None}"
            for number, (w, b) in enumerate(self.program.parameters, start=1)
        ]
        targets = "classes from 0, shape (m,)" if self._integer_labels else self._shape(self._target)
        lines = [
            f"Loss and gradient of the network {self.network}.",
            "",
            f"Layout: {self.layout}.",
            "",
            "    params  one pair (W, b) for each layer, b None where it has no bias:",
            *(f"            {shape}" for shape in shapes),
            f"    x       {self._shape(self._input)} for m samples",
            f"    t       {targets}",
            "",
            "Formulas, with δ = ∂E/∂Z:",
            "",
            *(f"    {line}" for line in self._formulas()),
            "",
            "Comments in the code give the same index by index, as W[out, in] and with samples last.",
            "Derived and written by backproof. What exceeds the range of floats becomes inf silently.",
        ]
        return '"""' + "\n".join(lines) + '\n"""'

    def _formulas(self) -> Iterator[str]:
        derived = self.program.derivation
        yield from (matrix_text(step, self.layout) for step in derived.forward if step.target.shape)
        yield error_text(derived.forward)
        yield from (matrix_text(step, self.layout) for step in derived.backward)

    def forward(self) -> str:
        lines = [*self._unpacked("Wb"), *self._layers(), f"return {self._name(self._output)}"]
        return self._function(
            "forward(params, x)", f"The output a, shape {self._shape(self._output)}.", lines
        )

    def loss(self) -> str:
        data, *penalties = (step for step in self.program.forward if step.role in ("loss", "penalty"))
        step = in_logarithms(data, self.network.layers[-1].activation)
        arrays = {array.name for array in step.inputs}
        lines = self._layers(output="A" in arrays)
        for name, function in self._logarithms(arrays):
            lines.append(f"{name} = {function}({self._name(self._last_sum)})")
        lines.append(f"error = {self._written(step)}")
        lines += [f"error += {self._written(expanded(p, lambda _: True))}" for p in penalties]
        body = [*self._unpacked("Wb"), *self._sizes(), *self._one_hot(), *lines, "return error"]
        return self._function(f"loss(params, x, t{self._lam})", "The error E.", body)

    def gradient(self) -> str:
        backward = [line for step in self.program.backward for line in self._backward(step)]
        pairs = ", ".join(
            f"({self._name(w.bar)}, {self._name(b.bar) if b else None})" for w, b in self.program.parameters
        )
        body = [
            *self._unpacked("Wb"),
            *self._sizes(),
            *self._one_hot(),
            *self._layers(slopes=True),
            *backward,
        ]
        doc = "∂E/∂W and ∂E/∂b for each layer, shaped like params."
        return self._function(f"gradient(params, x, t{self._lam})", doc, [*body, f"return [{pairs}]"])

    def _layers(self, *, output: bool = True, slopes: bool = False) -> list[str]:
        """The forward pass; without `output` it stops at the last pre-activation."""
        lines = []
        for step in self.program.forward:
            if step.role == "pre-activation":
                lines += [_comment(step), f"{self._name(step.target)} = {self._written(step)}"]
            elif step.role == "activation" and (output or step.target != self._output):
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
        return Writer(names, scalars, self.layout).equation(matrix_form(step, self.layout))

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

    def _one_hot(self) -> list[str]:
        turned = ".T" if self.layout.samples == "columns" else ""
        return [f"t = np.eye({self.network.sizes[-1]})[t]{turned}"] if self._integer_labels else []

    def _function(self, signature: str, doc: str, body: list[str]) -> str:
        head = f'@np.errstate(over="ignore")\ndef {signature}:\n    """{doc}"""'
        return "\n".join([head, *(f"    {line}" for line in body)])

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

    def _shape(self, array: Array) -> str:
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
    def _lam(self) -> str:
        return ", *, lam=0.0" if self.network.objective.has_lambda else ""

    @property
    def _numbers(self) -> dict[Expr, Expr]:
        return {OUTPUTS: sp.Integer(self.network.sizes[-1]), LAMBDA: LAM}

    @property
    def _integer_labels(self) -> bool:
        return self.layout.labels == "integer"

    @property
    def _input(self) -> Array:
        return Array("X", None, (self.network.inputs, SAMPLES))

    @property
    def _target(self) -> Array:
        return Array("T", None, (self.network.sizes[-1], SAMPLES))

    @property
    def _output(self) -> Array:
        return Array("A", self.network.depth, (self.network.sizes[-1], SAMPLES))

    @property
    def _last_sum(self) -> Array:
        return Array("Z", self.network.depth, self._output.shape)


def _comment(step: Step) -> str:
    return f"# {index_text(step)}"
