"""The program of a graph as functions: forward, loss, gradient, both, and Hessian-vector products.

Parameters, inputs and constants are dicts by the names that they have in the graph.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import sympy as sp

from symbolic.codegen.arrays.dialect import Dialect
from symbolic.codegen.arrays.helpers import Helpers
from symbolic.codegen.arrays.parts import function_text, quoted
from symbolic.codegen.arrays.steps import StepLines, arrays_of, unpacked, variables
from symbolic.codegen.names import comment
from symbolic.expressions import name_of
from symbolic.grammar.indices import positions
from symbolic.graph import Graph
from symbolic.graph_program import GraphProgram, graph_program, specialised
from symbolic.hoisting import hoisted
from symbolic.losses import LAMBDA
from symbolic.notation import Array, Step
from symbolic.second_order import HessianVector, hessian_vector
from symbolic.sizes import shown

GIVEN = "params, inputs, constants"


@dataclass(frozen=True)
class GraphFunctions:
    """The functions of a graph in a dialect, each as source; `helpers` are what they call, `wrt` what they
    differentiate by instead of the parameters.
    """

    graph: Graph
    helpers: Helpers
    second_order: bool = False
    wrt: tuple[Array, ...] = ()

    @property
    def dialect(self) -> Dialect:
        return self.helpers.dialect

    @property
    def varied(self) -> tuple[Array, ...]:
        """What is differentiated by: the parameters, where nothing else is said."""
        return self.wrt or self.graph.parameters

    @cached_property
    def program(self) -> GraphProgram:
        return graph_program(self.graph, wrt=self.wrt)

    @cached_property
    def second(self) -> HessianVector:
        return hessian_vector(self.program.derivation)

    @cached_property
    def second_steps(self) -> tuple[Step, ...]:
        """The forward pass in its stable forms, then what comes after it in the second derivation."""
        known = {step.target for step in self.program.forward}
        rest = (step for step in self.second.steps if step.target not in known)
        return (*self.program.forward, *hoisted(map(specialised, rest)))

    @cached_property
    def inputs(self) -> tuple[Array, ...]:
        return tuple(self.graph.arrays[name] for name in self.graph.inputs)

    @cached_property
    def names(self) -> dict[Array, str]:
        found = [*self._given, *arrays_of(self.program.steps)]
        if self.second_order:
            found += [*self.second.directions.values(), *arrays_of(self.second_steps)]
        return variables(found)

    @property
    def _given(self) -> tuple[Array, ...]:
        return (*self.graph.parameters, *self.inputs, *self.graph.constants)

    @cached_property
    def _like(self) -> str:
        """The variable of a given array that holds no places."""
        return next(self.names[array] for array in self._given if array not in self.places)

    @cached_property
    def places(self) -> frozenset[Array]:
        """The arrays of whole numbers that say where others are read."""
        return frozenset(
            step.array(name_of(entry))
            for step in self.program.forward
            for position in positions(step.equation.value)
            for entry in position.atoms(sp.Indexed)
        )

    @property
    def taken(self) -> dict[str, tuple[str, Array]]:
        """Where each variable that is given comes from, and its array."""
        parts = (self.graph.parameters, self.inputs, self.graph.constants)
        return {
            self.names[array]: (f"{kind}[{quoted(array.name)}]", array)
            for kind, arrays in zip(("params", "inputs", "constants"), parts, strict=True)
            for array in arrays
        }

    @property
    def errors(self) -> list[Array]:
        """What E is the sum of."""
        return [step.target for step in self.program.forward if not step.target.shape]

    @property
    def has_lambda(self) -> bool:
        return any(
            LAMBDA in getattr(b, "free_symbols", ()) for s in self.graph.steps for b in s.bindings.values()
        )

    @property
    def lam(self) -> str:
        return ", *, lam=0.0" if self.has_lambda else ""

    def forward(self) -> str:
        results = [self.graph.arrays[name] for name in self.graph.nodes]
        returned = self._dict(results, self.names)
        doc = "What each node computes, by its name."
        return self._function("forward", "", doc, self.program.forward, results, f"return {returned}")

    def loss(self) -> str:
        end = f"return {self._error}"
        return self._function("loss", self.lam, "The error E.", self.program.forward, self.errors, end)

    def gradient(self, name: str = "gradient", doc: str = "∂E/∂w for each parameter w, by its name.") -> str:
        bars = [array.bar for array in self.varied]
        end = f"return {self._gradients}"
        return self._function(name, self.lam, doc, self.program.steps, bars, end)

    def loss_and_gradient(self) -> str:
        doc = "The error E and its gradient, from one forward pass."
        wanted = [*self.errors, *(array.bar for array in self.varied)]
        end = f"return {self._error}, {self._gradients}"
        return self._function("loss_and_gradient", self.lam, doc, self.program.steps, wanted, end)

    def hvp(
        self,
        name: str = "hvp",
        doc: str = "(∂²E/∂w²) v for the parameters w; v and the result are dicts like params.",
    ) -> str:
        products = self.second.products
        made = {step.target for step in self.second_steps}
        names = {array: self._made(array, products[array], made) for array in self.varied}
        directions = {
            self.names[v]: (f"v[{quoted(array.name)}]", v) for array, v in self.second.directions.items()
        }
        end = f"return {self._dict(names, names)}"
        wanted = [bar for bar in products.values() if bar in made]
        return self._function(
            name, f", v{self.lam}", doc, self.second_steps, wanted, end, more_given=directions
        )

    def docstring(self, notes: Sequence[str]) -> str:
        rows = [
            *_listed("params", self.graph.parameters),
            *_listed("inputs", self.inputs),
            *_listed("constants", self.graph.constants),
        ]
        lines = [
            f"Loss and gradient of the graph {comment(self.graph.title, 'python')}.",
            "",
            *rows,
            "",
            "m is the number of samples; where a position is computed, indices count from 0.",
            "",
            *(f"    {comment(str(step), 'python')}" for step in self.program.derivation.forward),
            "",
            *notes,
            "Derived and written by backproof.",
        ]
        return '"""' + "\n".join(lines) + '\n"""'

    @property
    def _error(self) -> str:
        return " + ".join(self.names[array] for array in self.errors) or "0.0"

    @property
    def _gradients(self) -> str:
        made = {step.target for step in self.program.backward}
        names = {array: self._made(array, array.bar, made) for array in self.varied}
        return self._dict(self.varied, names)

    def _made(self, array: Array, bar: Array, made: set[Array]) -> str:
        """The variable of a derivative; zeros where nothing depends on the array."""
        if bar in made:
            return self.names[bar]
        name = self.names[array]
        return self.dialect.text("zeros", shape=f"{name}.shape", like=name)

    def _dict(self, arrays: Iterable[Array], names: dict[Array, str]) -> str:
        return "{" + ", ".join(f"{quoted(array.name)}: {names[array]}" for array in arrays) + "}"

    def _function(
        self,
        name: str,
        more: str,
        doc: str,
        steps: tuple[Step, ...],
        wanted: Sequence[Array],
        *ends: str,
        more_given: Mapping[str, tuple[str, Array]] | None = None,
    ) -> str:
        code = StepLines(steps, self.names, self.helpers, self._like)
        lines = [*code.lines(wanted), *ends]
        body = [*unpacked({**self.taken, **(more_given or {})}, lines), *lines]
        return function_text(f"{name}({GIVEN}{more})", doc, body, self.dialect.decorator)


def _listed(kind: str, arrays: Sequence[Array]) -> list[str]:
    shapes = [f"{comment(array.name, 'python')} {shown(array.shape)}" for array in arrays]
    return [f"    {kind if not n else '':<10}  {shape}" for n, shape in enumerate(shapes)]
