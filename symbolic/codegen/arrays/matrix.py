"""Matrix expressions as source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sympy as sp

from symbolic.codegen.arrays.dialect import Dialect
from symbolic.codegen.arrays.scalar import binding, scalar_source
from symbolic.conventions import Layout
from symbolic.expressions import Expr
from symbolic.matrix_form import (
    Apply,
    Axes,
    Constant,
    Hadamard,
    Leaf,
    MatrixEquation,
    Node,
    Product,
    SumOver,
    Total,
)

ADD, MUL, ATOM = 1, 2, 4  # how tightly the outermost operation binds
Source = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes nodes; `names` gives the variable of each local array, `scalars` the formula of each local
    scalar.
    """

    names: Mapping[str, str]
    scalars: Mapping[Expr, Expr]
    layout: Layout
    dialect: Dialect

    def equation(self, equation: MatrixEquation) -> str:
        """The value of a matrix equation in the shape of its target; a vector takes the shape of the layout's
        biases.
        """
        return self.write(equation.value, equation.axes)[0]

    def write(self, node: Node, axes: Axes) -> Source:
        """Source that broadcasts along `axes`, and how tightly it binds."""
        match node:
            case Leaf():
                return self._leaf(node, axes)
            case Constant():
                return self._scalar(node.value.xreplace(dict(self.scalars)))
            case Product():
                left, right = self._tight(node.left, node.left.axes), self._tight(node.right, node.right.axes)
                return f"{left} @ {right}", MUL
            case Hadamard():
                return self._hadamard(node, axes)
            case Total():
                return self._total(node, axes)
            case SumOver():
                return self._sum(node, axes)
            case Apply():
                return self._apply(node, axes)
        raise TypeError(f"no source for {type(node).__name__}")

    def _leaf(self, leaf: Leaf, axes: Axes) -> Source:
        name = self.names[leaf.name]
        if len(leaf.axes) == 1 and len(axes) == 2:
            return self._vector(name, at_rows=leaf.axes[0] == axes[0]), ATOM
        return (f"{name}.T" if leaf.transposed else name), ATOM

    def _vector(self, name: str, *, at_rows: bool) -> str:
        """A bias as the layout stores it, to be added to a matrix whose rows (or columns) are units."""
        fits = {
            "n": "[:, None]" if at_rows else "",
            "n,1": "" if at_rows else ".T",
            "1,n": ".T" if at_rows else "",
        }
        return name + fits[self.layout.bias_shape]

    def _kept(self, node: SumOver) -> str:
        """A sum over samples as a bias with two axes."""
        body = self.write(node.body, node.body.axes)[0]
        summed = self._summed(body, self.dialect.over(node.axis, kept=True))
        is_column = node.axis == 1
        return summed if is_column == (self.layout.bias_shape == "n,1") else f"{summed}.T"

    def _sum(self, node: SumOver, axes: Axes) -> Source:
        body = node.body
        if isinstance(body, SumOver):
            return self._summed(self.write(body.body, body.body.axes)[0]), ATOM
        source = self.write(body, body.axes)[0]
        if not node.axes:
            return self._summed(source), ATOM
        if len(axes) == 1 and self.layout.bias_shape != "n":
            return self._kept(node), ATOM
        return self._summed(source, self.dialect.over(node.axis, kept=len(axes) == 2)), ATOM

    def _summed(self, source: str, options: str = "") -> str:
        """A sum, as a method of a variable (which saves a microsecond) or as a function of a formula."""
        if source.isidentifier():
            return f"{source}.sum({options})"
        return f"{self.dialect.np}.sum({source}{', ' * bool(options)}{options})"

    def _hadamard(self, node: Hadamard, axes: Axes) -> Source:
        constant = sp.Mul(*(f.value for f in node.factors if isinstance(f, Constant))).xreplace(
            dict(self.scalars)
        )
        over, under = sp.fraction(constant)
        minus = over.could_extract_minus_sign()
        factors = [
            self._tight(factor, axes, MUL) for factor in node.factors if not isinstance(factor, Constant)
        ]
        if over not in (1, -1):
            factors.insert(0, _bracket(self._scalar(-over if minus else over), ADD))
        product = "-" * minus + " * ".join(factors)
        if under != 1:
            product += f" / {_bracket(self._scalar(under), MUL)}"
        return product, ADD if minus else MUL

    def _total(self, node: Total, axes: Axes) -> Source:
        first, *rest = (self.write(term, axes)[0] for term in node.terms)
        return first + "".join(f" - {t[1:]}" if t.startswith("-") else f" + {t}" for t in rest), ADD

    def _apply(self, node: Apply, axes: Axes) -> Source:
        names = {
            sp.Symbol(f"x{number}", real=True): sp.Symbol(self._tight(argument, axes), real=True)
            for number, argument in enumerate(node.arguments)
        }
        return self._scalar(node.function.xreplace(names))

    def _scalar(self, formula: Expr) -> Source:
        return scalar_source(formula, self.dialect), binding(formula)

    def _tight(self, node: Node, axes: Axes, looser: int = MUL) -> str:
        return _bracket(self.write(node, axes), looser)


def _bracket(source: Source, looser: int) -> str:
    text, binding = source
    return f"({text})" if binding <= looser else text
