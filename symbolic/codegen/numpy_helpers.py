"""Functions that a generated NumPy module brings along: activations by their stable lines, softmax, what
NumPy lacks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import sympy as sp

from symbolic.activations import Activation, Z
from symbolic.codegen import numpy_sources
from symbolic.codegen.numpy_gelu import gelu_sources
from symbolic.codegen.numpy_scalar import scalar_source
from symbolic.conventions import Layout
from symbolic.expressions import Expr

Lines = Sequence[tuple[str, Expr]]
VALUE: Final = ("value",)
VALUE_AND_SLOPE: Final = ("value", "slope")


class Helpers:
    """Collects the functions a module needs, each once, in the order in which they were asked for."""

    def __init__(self, layout: Layout) -> None:
        self.unit_axis = 0 if layout.samples == "columns" else 1
        self._found: dict[str, str] = {}
        self._names: dict[Activation, str] = {}

    def value(self, activation: Activation, z: str) -> str:
        """Source of a, given the variable of z; a formula of one line is written in place."""
        if activation.layer == "softmax":
            return f"{self._add_array('_softmax', numpy_sources.SOFTMAX)}({z})"
        if activation.name == "gelu":
            return f"{self._add_given('_gelu', gelu_sources())}({z})"
        lines = activation.stable_lines()
        if len(_needed(lines, VALUE)) == 1 and dict(lines)["value"].has(Z):
            return scalar_source(dict(lines)["value"].xreplace({Z: sp.Symbol(z, real=True)}))
        return f"{self._add(self._name(activation), f'g(z) = {_shown(activation)}', lines, VALUE)}({z})"

    def value_and_slope(self, activation: Activation) -> str:
        """The name of a function of z that returns a and g'(z)."""
        if activation.name == "gelu":
            return self._add_given("_gelu_and_slope", gelu_sources())
        name, doc = f"{self._name(activation)}_and_slope", f"g(z) = {_shown(activation)} and g'(z)"
        return self._add(name, doc, _with_numbers(activation), VALUE_AND_SLOPE)

    def logarithm(self, activation: Activation, *, complement: bool) -> str:
        """The name of a function of z that returns log a, or log(1 - a)."""
        if activation.layer == "softmax":
            assert not complement, "no loss that takes log(1 - softmax) has a stable program"
            return self._add_array("_log_softmax", numpy_sources.LOG_SOFTMAX)
        name = f"_log{'_1_minus' * complement}{self._name(activation)}"
        doc = f"log(1 - {activation.name}(z))" if complement else f"log {activation.name}(z)"
        return self._add(name, doc, [("value", activation.stable_logs()[complement])], VALUE)

    def sources(self) -> list[str]:
        """The functions, and what they call in turn."""
        text = "\n".join(self._found.values())
        callable_ = numpy_sources.CALLED | gelu_sources()
        called = [
            source for name, source in callable_.items() if name not in self._found and f"{name}(" in text
        ]
        return [*self._found.values(), *(source.replace("{axis}", str(self.unit_axis)) for source in called)]

    def _name(self, activation: Activation) -> str:
        """`_tanh`; a second leaky_relu with another slope is `_leaky_relu_2`, formulas are `_formula`,
        `_formula_2`, …
        """
        if activation not in self._names:
            base = f"_{activation.name}"
            alike = sum(name == base or name.startswith(f"{base}_") for name in self._names.values())
            self._names[activation] = base if not alike else f"{base}_{alike + 1}"
        return self._names[activation]

    def _add(self, name: str, doc: str, lines: Lines, results: Sequence[str]) -> str:
        self._found.setdefault(name, _function(name, doc, lines, results))
        return name

    def _add_given(self, name: str, sources: Mapping[str, str]) -> str:
        self._found.setdefault(name, sources[name])
        return name

    def _add_array(self, name: str, source: str) -> str:
        self._found.setdefault(name, source.replace("{axis}", str(self.unit_axis)))
        return name


def _function(name: str, doc: str, lines: Lines, results: Sequence[str]) -> str:
    """A function of z that runs the lines its results need and returns them."""
    body = [
        f"    {local} = {scalar_source(formula)}"
        for local, formula in _needed(lines, results)
        if local not in results
    ]
    values = ", ".join(_shaped(scalar_source(dict(lines)[result])) for result in results)
    return "\n".join([f"def {name}(z):", f'    """{doc}."""', *body, f"    return {values}"])


def _with_numbers(activation: Activation) -> Lines:
    """The stable lines with the floats of their root constants before them."""
    roots = activation.row.roots if activation.row else ()
    floats = [(root, root.floats()) for root in roots]
    numbers = [
        (name, sp.Symbol(repr(value)))
        for root, pair in floats
        for name, value in zip((root.name, root.rest), pair, strict=True)
    ]
    return [*numbers, *activation.stable_lines()]


def _needed(lines: Lines, results: Iterable[str]) -> list[tuple[str, Expr]]:
    wanted = set(results)
    kept = []
    for name, formula in reversed(lines):
        if name in wanted:
            wanted |= {str(symbol) for symbol in formula.free_symbols}
            kept.append((name, formula))
    return kept[::-1]


def _shaped(source: str) -> str:
    """A constant result in the shape of z."""
    return source if re.search(r"[A-Za-z_]", source) else f"np.full(z.shape, {source})"


def _shown(activation: Activation) -> str:
    return (
        activation.text
        if activation.row is None or activation.alpha is not None
        else activation.row.definition
    )
