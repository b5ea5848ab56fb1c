"""Activations as static inline C functions, by their stable lines.

Derivatives beyond the slope, which Hessian-vector products read, are those of the stable lines: what is
finite stays finite.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import sympy as sp

from symbolic.activations import VALUE, Activation, Z
from symbolic.codegen.c.names import Names
from symbolic.codegen.c.scalar import ATOM, Scalars, Source
from symbolic.codegen.names import comment
from symbolic.expressions import Expr
from symbolic.grammar.functions import absolute

Lines = list[tuple[str, Expr]]
CLOSE: Final = sp.Rational(9, 10)  # |a| from which 1 - a² loses a digit
PRIMES: Final = {0: "", 1: "_slope", 2: "_bend"}


@dataclass(slots=True)
class Functions:
    """Collects the functions that a file needs, in the order in which they were asked for."""

    scalars: Scalars
    names: Names
    found: dict[str, str] = field(default_factory=dict)

    def of(self, activation: Activation, order: int, z: Source) -> Source:
        """A call of g, g' or a further derivative; a formula of one short line is written in place."""
        lines = _derived(activation, order)
        formula = dict(lines)["result"]
        if len(lines) == 1 and not formula.has(sp.Piecewise) and formula.count_ops() <= 1:
            return self.scalars.write(formula, lambda node: z if node == Z else None)
        name = self.names.of(
            (activation, order), f"{self.scalars.prefix}_{activation.name}{PRIMES.get(order, f'_{order}')}"
        )
        shown = comment(_shown(activation), "c")
        doc = f"g{chr(0x2032) * order}(z), g(z) = {shown}"
        self.found.setdefault(name, self._function(name, doc, lines))
        return f"{name}({z[0]})", ATOM

    def slope(self, activation: Activation, z: Source, a: Source) -> Source:
        """A call of g', given the value a as well: most slopes that cost an exp are cheap in a."""
        by_value = activation.slope_by_value
        lines = _derived(activation, 1)
        if by_value is None or not any(formula.has(sp.exp) for _, formula in lines):
            return self.of(activation, 1, z)
        if by_value == VALUE:
            return a
        name = self.names.of((activation, "by value"), f"{self.scalars.prefix}_{activation.name}_slope")
        if name not in self.found:
            self.found[name] = self._by_value(name, activation, lines, by_value)
        return f"{name}({z[0]}, {a[0]})", ATOM

    def _by_value(self, name: str, activation: Activation, lines: Lines, by_value: Expr) -> str:
        kind = self.scalars.number
        threshold = self.scalars.literal(CLOSE)[0]
        body = [
            f"    {kind} slope = {self.scalars.write(by_value)[0]};",
            f"    if ({self.scalars.call('fabs', 'a')[0]} > {threshold})",
            "    {",
            *(
                f"        {'' if local == 'result' else f'const {kind} '}"
                f"{'slope' if local == 'result' else local} = {self.scalars.write(formula)[0]};"
                for local, formula in lines
            ),
            "    }",
            "    return slope;",
        ]
        shown = comment(_shown(activation), "c")
        doc = f"/* g′(z), g(z) = {shown}, given a = g(z); beyond {CLOSE} the formula in a would cancel */"
        head = f"static inline {kind} {name}(const {kind} z, const {kind} a)"
        return "\n".join([doc, head, "{", *body, "}"])

    def _function(self, name: str, doc: str, lines: Lines) -> str:
        kind = self.scalars.number
        reads_z = any(formula.has(Z) for _, formula in lines)
        body = [] if reads_z else ["    (void)z;"]
        for local, formula in lines:
            text = self.scalars.write(formula)[0]
            body.append(f"    return {text};" if local == "result" else f"    const {kind} {local} = {text};")
        head = f"static inline {kind} {name}(const {kind} z)"
        return "\n".join([f"/* {doc} */", head, "{", *body, "}"])

    @property
    def sources(self) -> list[str]:
        return [*self.scalars.functions.values(), *self.found.values()]


def _shown(activation: Activation) -> str:
    """The definition, with the parameter where it has one."""
    if activation.row is None:
        return activation.text
    given = f", alpha = {activation.alpha}" if activation.alpha is not None else ""
    return f"{activation.row.definition}{given}"


def _derived(activation: Activation, order: int) -> Lines:
    """Lines that end in the derivative of an order as `result`, the floats of root constants before them."""
    roots = activation.row.roots if activation.row else ()
    numbers: Lines = [
        (name, sp.Float(value, 20))
        for root in roots
        for name, value in zip((root.name, root.rest), root.floats(), strict=True)
    ]
    lines = [*numbers, *activation.stable_lines()]
    wanted = "slope" if order else "value"
    for _ in range(max(0, order - 1)):
        lines = _differentiated(lines)
    return _needed([("result" if name == wanted else name, formula) for name, formula in lines])


def _differentiated(lines: Lines) -> Lines:
    """The lines with those of their derivatives by z after them; the slope is the derivative of the slope."""
    slopes: dict[sp.Symbol, Expr] = {Z: sp.S.One}
    found: Lines = []
    for name, formula in lines:
        if name == "value":
            continue
        formula = formula.replace(_is_absolute, lambda node: _one_sided(node.args[0][0]))
        slope = sp.Add(
            *(formula.diff(symbol) * slopes[symbol] for symbol in _read(formula) if symbol in slopes)
        )
        if name == "slope":
            return [*found, ("slope", slope)]
        found.append((name, formula))
        if slope != 0:
            found.append((f"{name}_z", slope))
            slopes[sp.Symbol(name, real=True)] = sp.Symbol(f"{name}_z", real=True)
    raise AssertionError("stable lines end in the slope")


def _read(formula: Expr) -> list[sp.Symbol]:
    return sorted(formula.free_symbols, key=str)


def _is_absolute(node: Expr) -> bool:
    return isinstance(node, sp.Piecewise) and absolute(node.args[0][0]) == node


def _one_sided(inside: Expr) -> Expr:
    """|x| with the slope 1 at 0: where a smooth function is written with it, either side's slope is right."""
    return sp.Piecewise((inside, inside >= 0), (-inside, True))


def _needed(lines: Lines) -> Lines:
    """The lines that the result reads, in order."""
    wanted, kept = {"result"}, []
    for name, formula in reversed(lines):
        if name in wanted:
            wanted |= {str(symbol) for symbol in formula.free_symbols}
            kept.append((name, formula))
    return kept[::-1]
