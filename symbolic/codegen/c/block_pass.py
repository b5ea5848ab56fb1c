"""The steps of a chain's program as C, in one space: a block of samples or a single one.

forward   values and slopes of every layer
loss      this space's share of E
backward  cotangents, and what they add to the gradient
finish    what a gradient has beside sums over samples
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial
from typing import Final

import sympy as sp

from symbolic.activations import Activation
from symbolic.codegen.c.entries import Entries, Lines, Space, over
from symbolic.codegen.c.products import MatrixProduct, Products
from symbolic.codegen.c.rows import Rows
from symbolic.codegen.names import comment
from symbolic.codegen.request import Request
from symbolic.expressions import Expr, name_of, peeled
from symbolic.losses import LAMBDA, OUTPUTS, SAMPLES
from symbolic.network import Network
from symbolic.notation import Array, Slot, Step
from symbolic.program import Program, expanded, in_logarithms, with_slopes

LAM: Final = sp.Symbol("lam", real=True)


@dataclass
class Pass:
    """Writes lines of C; `products` says how matrices are multiplied there."""

    request: Request
    program: Program
    rows: Rows
    space: Space
    products: Products
    m: Expr
    x: str
    t: str
    parts: int = 0

    @property
    def network(self) -> Network:
        return self.program.network

    def forward(self) -> Lines:
        lines: Lines = []
        for step in self.program.forward:
            if step.role == "pre-activation":
                lines += [_comment(step), *self.elementwise(step)]
            elif step.role == "activation":
                lines += self._activation(step)
        return lines

    def loss(self) -> Lines:
        """Ends in the statement that adds to `error`."""
        data = next(step for step in self.program.forward if step.role == "loss")
        output = self.network.layers[-1].activation
        step = in_logarithms(data, output)
        lines: Lines = [_comment(data)]
        for array in step.inputs:
            if array.name.startswith("log_"):
                lines += self._logarithm(array, output)
        entries = self.entries(step)
        text = entries.value()
        return [*lines, *entries.before, f"error += {text};"]

    def penalties(self) -> Lines:
        lines: Lines = []
        for step in self.program.forward:
            if step.role == "penalty":
                lines += [_comment(step), *self._penalty(expanded(step, lambda _: True))]
        return lines

    def _penalty(self, step: Step) -> Lines:
        """factor · Σ over the entries of a parameter, which lie side by side: c Σ f(w)."""
        factor, total = sp.S.One, step.equation.value
        if not isinstance(total, sp.Sum):
            total = next(part for part in sp.Mul.make_args(total) if isinstance(part, sp.Sum))
            factor = step.equation.value / total
        (entry,) = total.function.atoms(sp.Indexed)
        array = step.array(name_of(entry))
        entries = self.entries(step)
        body = total.function.xreplace({entry: sp.Symbol(f"{self.name(array)}[k]", real=True)})
        return [
            "{",
            "    real sum = 0;",
            *(f"    {line}" for line in over("k", sp.prod(array.shape), [f"sum += {entries.text(body)};"])),
            f"    error += {entries.text(factor * sp.Symbol('sum', real=True))};",
            "}",
        ]

    def backward(self) -> Lines:
        lines: Lines = []
        for step in self.steps:
            if step.role.endswith("gradient"):
                lines += [_comment(step), *self._accumulated(step)]
                continue
            lines += [_comment(step), *self.elementwise(step)]
            if not any(array.cotangent for array in step.inputs):
                lines += self.products.cleared(self.name(step.target), int(step.target.shape[0]))
        return lines

    def finish(self) -> Lines:
        """Gradients out of their sums, and penalties' slopes, which no sample has."""
        lines: Lines = []
        for step in self.steps:
            if not step.role.endswith("gradient"):
                continue
            target, shape = self.name(step.target), step.target.shape
            lines += self.products.gathered(target, int(sp.prod(shape)))
            value = step.equation.value
            sums = [node for node in value.atoms(sp.Sum) if self._is_over_samples(step, node)]
            if value not in sums:
                indices = [index.name for index in step.equation.indices]
                at = self.place(step.target, *indices) if len(indices) == 2 else indices[0]
                here = sp.Symbol(f"{target}[{at}]", real=True)
                entries = self.entries(step)
                lines.append(_comment(step))
                line = f"{here} = {entries.text(value.xreplace(dict.fromkeys(sums, here)))};"
                loops = [line]
                for index, size in list(zip(indices, shape, strict=True))[::-1]:
                    loops = over(index, int(size), loops)
                lines += loops
        return lines

    @cached_property
    def steps(self) -> list[Step]:
        """The backward steps, slopes of activations read from arrays, all else written out."""
        return [
            with_slopes(expanded(step, partial(self._is_objective, step))) for step in self.program.backward
        ]

    def elementwise(self, step: Step) -> Lines:
        """A step over units and samples; its matrix product, if any, is computed in the target first."""
        target = self.name(step.target)
        self.products.array(target, int(step.target.shape[0]))
        entries = self.entries(step)
        (unit, *_) = step.equation.indices
        at = self.space.entry(target, unit.name)
        text = entries.value(target)
        if text == at:
            return entries.before
        body = over(unit.name, int(step.target.shape[0]), self.space.looped([f"{at} = {text};"]))
        return [*entries.before, *body]

    def entries(self, step: Step) -> Entries:
        numbers = {SAMPLES: self.m, OUTPUTS: sp.Integer(self.network.sizes[-1]), LAMBDA: LAM}
        return Entries(
            step, self.rows.scalars, self.space, numbers, self.name, self.place, self._some, self._product
        )

    def _some(self, units: int) -> str:
        self.parts += 1
        return self.products.array(f"part{self.parts}", units)

    def _product(self, weights: Array, vector: str, out: str, *, turned: bool, **joined: str) -> Lines:
        rows, columns = (int(size) for size in weights.shape)
        across = turned != (self.request.layout.weights == "in-out")
        out_rows, depth = (columns, rows) if turned else (rows, columns)
        return self.products.product(
            MatrixProduct(out_rows, depth, self.name(weights), vector, out, across, **joined)
        )

    def _activation(self, step: Step) -> Lines:
        number = int(str(step.target.layer))
        activation = self.network.layers[number - 1].activation
        if activation.name == "identity":
            return []
        units = int(self.network.layers[number - 1].width)
        value, z = self.name(step.target), self.name(Array("Z", number))
        self.products.array(value, units)
        if activation.layer == "softmax":
            return self.products.softmax(units, z, value)
        slope = self.products.array(f"slope{number}", units)
        return self.products.row_function(self.rows.activation(activation), units, z, value, slope)

    def _logarithm(self, array: Array, output: Activation) -> Lines:
        units = int(self.network.layers[-1].width)
        z, value = self.name(Array("Z", self.network.depth)), self.products.array(self.name(array), units)
        if output.layer == "softmax":
            return self.products.log_softmax(units, z, value)
        name = self.rows.logarithm(output, complement=array.name == "log_1_minus_a")
        return self.products.row_function(name, units, z, value)

    def _accumulated(self, step: Step) -> Lines:
        """What the samples at hand add to a gradient."""
        (total,) = (n for n in step.equation.value.atoms(sp.Sum) if self._is_over_samples(step, n))
        body, _ = peeled(total)
        entries = self.entries(step)
        target = self.name(step.target)
        if len(step.target.shape) == 1:
            row = entries.units_of(body, step.equation.indices[0])
            return [*entries.before, *self.products.added(row, int(step.target.shape[0]), target)]
        row, column = step.equation.indices
        factors = sp.Mul.make_args(body)
        left = sp.Mul(*(factor for factor in factors if column not in factor.free_symbols))
        right = sp.Mul(*(factor for factor in factors if column in factor.free_symbols))
        sides = [(entries.units_of(left, row), int(step.size(row)))]
        sides.append((entries.units_of(right, column), int(step.size(column))))
        (d, n), (a, k) = sides[::-1] if self.request.layout.weights == "in-out" else sides
        return [*entries.before, *self.products.paired(d, n, a, k, target)]

    def _is_over_samples(self, step: Step, total: sp.Sum) -> bool:
        return any(step.size(limit[0]) == SAMPLES for limit in total.limits)

    def _is_objective(self, step: Step, name: str) -> bool:
        slot = step.bindings[name]
        return isinstance(slot, Slot) and not isinstance(slot.source, Activation)

    def place(self, array: Array, row: str, column: str) -> str:
        """Where an entry of a matrix of parameters lies in its buffer."""
        if self.request.layout.weights == "in-out":
            return f"{column} * {array.shape[0]}u + {row}"
        return f"{row} * {array.shape[1]}u + {column}"

    def name(self, array: Array) -> str:
        """The variable of an array; where g is the identity, z bears the name of a."""
        layer = "" if array.layer is None else str(array.layer)
        if array.name in "XT" and array.layer is None and not array.cotangent:
            return self.x if array.name == "X" else self.t
        if array.name == "Z" and not array.cotangent:
            is_identity = self.network.layers[int(layer) - 1].activation.name == "identity"
            return f"a{layer}" if is_identity else f"z{layer}"
        if array.cotangent:
            return f"delta{layer}" if array.name == "Z" else f"d{array.name.lower()}{layer}"
        return f"{array.name.lower()}{layer}"


def _comment(step: Step) -> str:
    return f"/* {comment(str(step), 'c')} */"
