"""What of a chain has no formula in matrices that people know: products with the Hessian, and with Jacobians.

Steps are read index by index, in the layout out×in with samples as columns; another layout's arrays are
transposed on the way in and out.

The products with the Jacobian of the output a = f(w, x) need no derivation of their own: with E = Σ a·ȳ they
are its gradient, and the transposed derivative of these is a Hessian-vector product of that E.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import sympy as sp

from symbolic.accumulation import backward
from symbolic.codegen.arrays.chain import ChainFunctions
from symbolic.codegen.arrays.parts import function_text
from symbolic.codegen.arrays.steps import StepLines, arrays_of, called
from symbolic.derivation import Derivation
from symbolic.hoisting import hoisted
from symbolic.losses import OUTPUTS, loss
from symbolic.network import Network, Objective
from symbolic.notation import Array, Step
from symbolic.program import Program, program
from symbolic.second_order import HessianVector, hessian_vector

Pairs = Sequence[tuple[Array, Array | None]]


@dataclass(frozen=True)
class SecondOrder:
    """Functions of a chain beyond its gradient. With `by_inputs` they differentiate by x as well; `also` are
    further arrays whose products are wanted.
    """

    chain: ChainFunctions
    program: Program
    by_inputs: bool = False
    also: tuple[Array, ...] = ()
    target: str = "t"

    @cached_property
    def first(self) -> tuple[Step, ...]:
        """The backward pass, with ∂E/∂x where that is wanted."""
        steps = self.program.backward
        if not self.by_inputs:
            return steps
        whole = backward(self.program.forward, constants=lambda array: array.name == "T")
        return (*steps, *(step for step in whole if step.target == self.chain.input.bar))

    @cached_property
    def second(self) -> HessianVector:
        derivation = Derivation(self.chain.network, (), self.program.forward, self.first)
        return hessian_vector(derivation, also=self.also)

    @cached_property
    def second_steps(self) -> tuple[Step, ...]:
        forward = tuple(step for step in self.program.forward if step.target.shape)
        return (*forward, *hoisted(self.second.steps[len(forward) :]))

    def _counted(self, step: Step) -> Step:
        """The step with the number of outputs put in."""
        count = {OUTPUTS: sp.Integer(self.chain.network.sizes[-1])}
        bindings = {
            name: bound.xreplace(count) if isinstance(bound, sp.Expr) else bound
            for name, bound in step.bindings.items()
        }
        return replace(step, bindings=bindings)

    def gradient(self, name: str, doc: str) -> str:
        """A function that returns ∂E/∂x, then that of each parameter."""
        wanted = {array: array.bar for array in (self.chain.input, *self._parameters)}
        steps = (*self.program.forward, *hoisted(self.first))
        end = f"return {', '.join(self._stored(*pair) for pair in wanted.items())}"
        signature = f"{name}(params, x, {self.target}{self._lam})"
        return self._function(signature, doc, steps, list(wanted.values()), end, {})

    def hvp(self) -> str:
        """H v, shaped like params."""
        pairs = ", ".join(
            f"({self._product(w)}, {self._product(b) if b else None})" for w, b in self.program.parameters
        )
        signature = f"hvp(params, x, t, v{self._lam})"
        doc = "(∂²E/∂w²) v for the parameters w; v and the result are shaped like params."
        wanted = list(self.second.products.values())
        return self._function(
            signature, doc, self.second_steps, wanted, f"return [{pairs}]", {"v": self._directions}
        )

    def transposed(self, name: str, doc: str) -> str:
        """A function that returns the products of what else is wanted, of x, and of each parameter."""
        order = (*self.also, self.chain.input, *self._parameters)
        end = f"return {', '.join(self._product(array) for array in order)}"
        signature = f"{name}(params, x, {self.target}, v_x, v{self._lam})"
        wanted = list(self.second.products.values())
        return self._function(signature, doc, self.second_steps, wanted, end, {"v": self._directions})

    @property
    def _lam(self) -> str:
        return ", *, lam=0.0" if self.program.network.objective.has_lambda else ""

    @property
    def _parameters(self) -> list[Array]:
        return [array for pair in self.program.parameters for array in pair if array]

    @property
    def _directions(self) -> Pairs:
        found = self.second.directions
        return [(found[w], found[b] if b else None) for w, b in self.program.parameters]

    @cached_property
    def names(self) -> dict[Array, str]:
        every = dict.fromkeys(arrays_of((*self.program.forward, *self.first, *self.second_steps)))
        names = {array: re.sub(r"\W", "_", called(array).lower()) for array in every}
        return {array: self.target if name == "t" else name for array, name in names.items()}

    def _product(self, array: Array) -> str:
        bar = self.second.products[array]
        if bar in {step.target for step in self.second_steps}:
            return self._stored(array, bar)
        name = self.names[array]
        zeros = self.chain.dialect.text("zeros", shape=f"{name}.shape", like=name)
        return self._out(array, zeros)

    def _stored(self, array: Array, bar: Array) -> str:
        return self._out(array, self.names[bar])

    def _out(self, array: Array, name: str) -> str:
        """What is computed for an array, as the layout stores it."""
        layout = self.chain.layout
        if array.name == "b":
            return name + {"n": "", "n,1": "[:, None]", "1,n": "[None]"}[layout.bias_shape]
        return f"{name}.T" if self._is_turned(array) else name

    def _is_turned(self, array: Array) -> bool:
        layout = self.chain.layout
        return layout.weights == "in-out" if array.name.endswith("W") else layout.samples == "rows"

    def _function(
        self,
        signature: str,
        doc: str,
        steps: tuple[Step, ...],
        wanted: Iterable[Array],
        end: str,
        pairs: Mapping[str, Pairs],
    ) -> str:
        helpers = self.chain.helpers
        turned = ".T" * (self.chain.layout.samples == "rows")  # helpers are of the layout
        softmaxes = {
            step.target: helpers.value(layer.activation, self.names[step.array("Z")] + turned) + turned
            for step in self.program.forward
            if step.role == "activation"
            for layer in [self.chain.network.layers[int(str(step.target.layer)) - 1]]
            if layer.activation.layer == "softmax"
        }
        lines = [
            *StepLines(tuple(map(self._counted, steps)), self.names, helpers, "w1", softmaxes).lines(wanted),
            end,
        ]
        words = set(re.findall(r"\w+", "\n".join(line for line in lines if not line.startswith("#"))))
        body = [
            line
            for source, given in {"params": self.program.parameters, **pairs}.items()
            for line in self._taken(source, given, words)
        ]
        body += [line for name in ("x", self.target, "v_x") if name in words for line in self._data(name)]
        body += ["m = x.shape[1]"] if "m" in words else []
        return function_text(signature, doc, [*body, *lines], self.chain.dialect.decorator)

    def _taken(self, source: str, pairs: Pairs, words: set[str]) -> list[str]:
        """Parameters taken out of their pairs, and turned where the layout stores them otherwise."""
        names = [[self.names[array] if array else "_" for array in pair] for pair in pairs]
        shown = ", ".join(f"({', '.join(n if n in words else '_' for n in pair)})" for pair in names)
        lines = [f"{shown}{',' * (len(names) == 1)} = {source}"]
        back = {"n": "", "n,1": "[:, 0]", "1,n": "[0]"}[self.chain.layout.bias_shape]
        for w, b in names:
            lines += [f"{w} = {w}.T"] * (self.chain.layout.weights == "in-out" and w in words)
            lines += [f"{b} = {b}{back}"] * (b in words and bool(back))
        return lines

    def _data(self, name: str) -> list[str]:
        """Samples as columns."""
        labels = self.chain.one_hot() if name == "t" else []
        return [*labels, *[f"{name} = {name}.T"] * (self.chain.layout.samples == "rows")]


def linear(network: Network) -> Program:
    """The program of E = Σ a·ȳ, whose gradient is the product of ȳ with the Jacobian of the output."""
    return program(replace(network, objective=Objective(loss("a*t"), sp.S.One)))
