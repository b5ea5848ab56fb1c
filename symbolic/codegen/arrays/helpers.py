"""Functions that a generated module brings along: activations by their stable lines, softmax, what the
language lacks.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Sequence
from typing import Final

import sympy as sp

from symbolic.activations import Activation, Root, Z
from symbolic.codegen.arrays.curvature import slope_and_curvature
from symbolic.codegen.arrays.dialect import NUMPY, Dialect
from symbolic.codegen.arrays.gelu import gelu_sources
from symbolic.codegen.arrays.scalar import number_source, scalar_source
from symbolic.codegen.arrays.sources import array_sources
from symbolic.conventions import INTERNAL, Layout
from symbolic.expressions import Expr

Lines = Sequence[tuple[str, Expr]]
VALUE: Final = ("value",)
VALUE_AND_SLOPE: Final = ("value", "slope")
_CALLED: Final = ("_shifted_exp", "_erf", "_erfc", "_normal")


class Helpers:
    """Collects the functions a module needs, each once, in the order in which they were asked for."""

    def __init__(self, layout: Layout = INTERNAL, dialect: Dialect = NUMPY) -> None:
        self.dialect = dialect
        self._arrays = array_sources(dialect, 0 if layout.samples == "columns" else 1)
        self._found: dict[str, str] = {}
        self._names: dict[Activation, str] = {}

    def value(self, activation: Activation, z: str) -> str:
        """Source of a, given the variable of z; a formula of one line is written in place."""
        if activation.layer == "softmax":
            return f"{self.brought('_softmax')}({z})"
        if self._is_gelu(activation):
            return f"{self._given('_gelu')}({z})"
        lines = activation.stable_lines()
        if len(_needed(lines, VALUE)) == 1 and dict(lines)["value"].has(Z):
            return scalar_source(dict(lines)["value"].xreplace({Z: sp.Symbol(z, real=True)}), self.dialect)
        return f"{self._add(self._name(activation), f'g(z) = {_shown(activation)}', lines, VALUE)}({z})"

    def value_and_slope(self, activation: Activation) -> str:
        """The name of a function of z that returns a and g'(z)."""
        if self._is_gelu(activation):
            return self._given("_gelu_and_slope")
        name, doc = f"{self._name(activation)}_and_slope", f"g(z) = {_shown(activation)} and g'(z)"
        return self._add(name, doc, self._with_numbers(activation), VALUE_AND_SLOPE)

    def slope(self, activation: Activation, z: str) -> str:
        """Source of g'(z)."""
        if self._is_gelu(activation):
            return f"{self._given('_gelu_and_slope')}({z})[1]"
        name, doc = f"{self._name(activation)}_slope", f"g'(z) of g(z) = {_shown(activation)}"
        return f"{self._add(name, doc, self._with_numbers(activation), ('slope',))}({z})"

    def curvature(self, activation: Activation, z: str) -> str:
        """Source of g''(z)."""
        name, doc = f"{self._name(activation)}_curvature", f"g''(z) of g(z) = {_shown(activation)}"
        lines = [*self._numbers(activation), *slope_and_curvature(activation)]
        return f"{self._add(name, doc, lines, ('curvature',))}({z})"

    def logarithm(self, activation: Activation, *, complement: bool) -> str:
        """The name of a function of z that returns log a, or log(1 - a)."""
        if activation.layer == "softmax":
            assert not complement, "no loss that takes log(1 - softmax) has a stable program"
            return self.brought("_log_softmax")
        name = f"_log{'_1_minus' * complement}{self._name(activation)}"
        doc = f"log(1 - {activation.name}(z))" if complement else f"log {activation.name}(z)"
        return self._add(name, doc, [("value", activation.stable_logs()[complement])], VALUE)

    def sources(self, code: str = "") -> list[str]:
        """The functions, and what they and this code call in turn."""
        text = "\n".join([code, *self._found.values()])
        callable_ = self._arrays | gelu_sources(self.dialect)
        called = [name for name in _CALLED if name not in self._found and f"{name}(" in text]
        return [*self._found.values(), *(callable_[name] for name in called)]

    def brought(self, name: str) -> str:
        """The name of a function of arrays, which is brought along from here on."""
        self._found.setdefault(name, self._arrays[name])
        return name

    def add(self, name: str, source: str) -> str:
        """The name of a function whose source is given."""
        self._found.setdefault(name, source)
        return name

    def _is_gelu(self, activation: Activation) -> bool:
        return activation.name == "gelu" and self.dialect.dtype == "float64"

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
        return self.add(name, self._function(name, doc, lines, results))

    def _given(self, name: str) -> str:
        return self.add(name, gelu_sources(self.dialect)[name])

    def _function(self, name: str, doc: str, lines: Lines, results: Sequence[str]) -> str:
        """A function of z that runs the lines its results need and returns them."""
        body = [
            f"    {local} = {self._line(formula, lines)}"
            for local, formula in _needed(lines, results)
            if local not in results
        ]
        values = ", ".join(
            self._shaped(scalar_source(dict(lines)[result], self.dialect)) for result in results
        )
        return "\n".join([f"def {name}(z):", f'    """{doc}."""', *body, f"    return {values}"])

    def _line(self, formula: Expr, lines: Lines) -> str:
        """The source of a line; one that is made of constants alone is a number of Python."""
        varying = {Z.name}
        for name, each in lines:
            if any(symbol.name in varying for symbol in each.free_symbols):
                varying.add(name)
        if not formula.free_symbols or any(symbol.name in varying for symbol in formula.free_symbols):
            return scalar_source(formula, self.dialect)
        return number_source(formula)

    def _shaped(self, source: str) -> str:
        """A constant result in the shape of z."""
        if re.search(r"[A-Za-z_]", re.sub(r"\bmath\.\w+|\de[-+]?\d", "", source)):
            return source
        return self.dialect.text("full", value=source)

    def _with_numbers(self, activation: Activation) -> Lines:
        """The stable lines with the floats of their root constants before them."""
        return [*self._numbers(activation), *activation.stable_lines()]

    def _numbers(self, activation: Activation) -> Lines:
        roots = activation.row.roots if activation.row else ()
        floats = [(root, *_floats(root, self.dialect)) for root in roots]
        return [
            line
            for root, nearest, rest in floats
            for line in (
                (root.name, sp.Symbol(repr(nearest))),
                (root.rest, sp.Symbol(self.dialect.text("opaque", value=repr(rest)))),
            )
        ]


def _floats(root: Root, dialect: Dialect) -> tuple[float, float]:
    """The nearest float of the precision, and what it misses."""
    nearest, rest = root.floats()
    if dialect.dtype == "float64":
        return nearest, rest
    (single,) = struct.unpack("f", struct.pack("f", nearest))
    return single, nearest - single + rest


def _needed(lines: Lines, results: Iterable[str]) -> list[tuple[str, Expr]]:
    wanted = set(results)
    kept = []
    for name, formula in reversed(lines):
        if name in wanted:
            wanted |= {str(symbol) for symbol in formula.free_symbols}
            kept.append((name, formula))
    return kept[::-1]


def _shown(activation: Activation) -> str:
    return (
        activation.text
        if activation.row is None or activation.alpha is not None
        else activation.row.definition
    )
