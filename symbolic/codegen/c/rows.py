"""Functions of a row of numbers in C: activations and logarithms of probabilities, entry by entry, without
calls, so that compilers make vector code of the loops.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import sympy as sp

from symbolic.activations import Activation
from symbolic.codegen.c.elementary import FAST, ROWS
from symbolic.codegen.c.scalar import ATOM, Leaf, Scalars, Source, bracket
from symbolic.codegen.names import comment
from symbolic.expressions import Expr

Lines = Sequence[tuple[str, Expr]]


def without_calls(scalars: Scalars, leaf: Leaf = lambda _: None) -> Leaf:
    """Writes the elementary functions that the file brings along, and maxima as conditions."""

    def write(node: Any) -> Source | None:
        own = leaf(node)
        if own is not None:
            return own
        name = type(node).__name__
        if name in FAST:
            return f"{FAST[name]}({scalars.write(node.args[0], write)[0]})", ATOM
        if isinstance(node, sp.Piecewise):
            (value, condition), *rest = node.args
            if condition == sp.true:
                return scalars.write(value, write)
            parts = (condition, value, sp.Piecewise(*rest, evaluate=False))
            test, held, otherwise = (bracket(scalars.write(part, write), ATOM) for part in parts)
            return f"({test} ? {held} : {otherwise})", ATOM
        return None

    return write


@dataclass(slots=True)
class Rows:
    """Collects the row functions of a file."""

    scalars: Scalars
    found: dict[str, str] = field(default_factory=dict)
    names: dict[tuple[Activation, str], str] = field(default_factory=dict)

    def activation(self, activation: Activation) -> str:
        """The name of a function `(count, z, value, slope)`."""
        lines = [*_roots(activation), *activation.stable_lines()]
        return self._of(activation, "", f"g(z) = {activation.text} and g'(z)", lines, ("value", "slope"))

    def logarithm(self, activation: Activation, *, complement: bool) -> str:
        """The name of a function `(count, z, value)`: log a, or log(1 - a)."""
        formula = activation.stable_logs()[complement]
        doc = "log(1 - g(z))" if complement else "log g(z)"
        return self._of(activation, "_log" + "_rest" * complement, doc, [("value", formula)], ("value",))

    def _of(self, activation: Activation, kind: str, doc: str, lines: Lines, results: Sequence[str]) -> str:
        key = (activation, kind)
        if key not in self.names:
            base = f"row_{activation.row.name if activation.row else 'formula'}{kind}"
            alike = sum(name == base or name.startswith(f"{base}_") for name in self.names.values())
            self.names[key] = base if not alike else f"{base}_{alike + 1}"
            known = ROWS.get(activation.row.name) if activation.row and not kind else None
            body = known.splitlines() if known else self._body(lines, results)
            self.found[self.names[key]] = _function(self.names[key], doc, body, results)
        return self.names[key]

    def _body(self, lines: Lines, results: Sequence[str]) -> list[str]:
        write = without_calls(self.scalars)
        body = []
        for local, formula in lines:
            text = self.scalars.write(formula, write)[0]
            place = f"{local}[at]" if local in results else f"const real {local}"
            body.append(f"        {place} = {text};")
        return body


def _function(name: str, doc: str, body: list[str], results: Sequence[str]) -> str:
    outputs = "".join(f", real *RESTRICT {result}" for result in results)
    reads_z = any(re.search(r"\bz\b", line) for line in body)
    return "\n".join(
        [
            f"/* {comment(doc, 'c')} */",
            f"static void {name}(size_t count, const real *RESTRICT row{outputs})",
            "{",
            *["    (void)row;"] * (not reads_z),
            "    for (size_t at = 0; at < count; ++at)",
            "    {",
            *["        const real z = row[at];"] * reads_z,
            *body,
            "    }",
            "}",
        ]
    )


def _roots(activation: Activation) -> list[tuple[str, Expr]]:
    """The floats of root constants."""
    roots = activation.row.roots if activation.row else ()
    return [
        (name, sp.Float(value, 20))
        for root in roots
        for name, value in zip((root.name, root.rest), root.floats(), strict=True)
    ]
