"""A matrix form as one expression for a printer: shapes made explicit, transposes pushed down to the arrays.

Where a number or a vector stands beside a matrix it is spread by ones, so that the written formula is exact:

    b beside Z   is b 𝟏ᵀ or 𝟏 bᵀ        Σ_c D[i,c]      is D 𝟏
    1 beside A   is 𝟏 𝟏ᵀ                Σ_i Σ_j W[i,j]² is ‖W‖²

In the expression a product is the entry-by-entry one and `Chain` the matrix product. Transposes are pushed
down by (A B)ᵀ = Bᵀ Aᵀ and (A ∘ B)ᵀ = Aᵀ ∘ Bᵀ.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import sympy as sp

from symbolic.expressions import Expr
from symbolic.matrix_form import Apply, Axes, Constant, Hadamard, Leaf, Node, Product, SumOver, Total


class Transposed(sp.Function):  # type: ignore[misc]  # SymPy has no type information
    """The transpose of one array."""

    is_real = True


class Chain(sp.Function):  # type: ignore[misc]
    """A matrix product of two or more factors."""

    is_real = True


class Norm(sp.Function):  # type: ignore[misc]
    """‖A‖, the square root of the sum of the squared entries (Frobenius)."""

    is_real = True


ONES: Final = sp.Symbol("ones", real=True)


@dataclass(frozen=True, slots=True)
class Spread:
    """Writes nodes as matrices over given axes; `rows` are local names of vectors that are stored as rows."""

    rows: frozenset[str] = frozenset()

    def expression(self, node: Node, axes: Axes, *, flipped: bool = False) -> Expr:
        """The node over `axes`, transposed if `flipped`; a vector is a column, or a row if flipped."""
        match node:
            case Constant():
                return node.value
            case Hadamard():
                return sp.Mul(*(self._factor(factor, axes, flipped=flipped) for factor in node.factors))
            case Total():
                return sp.Add(*(self._term(term, axes, flipped=flipped) for term in node.terms))
            case Apply():
                return self._applied(node, axes if node.axes else (), flipped=flipped)
            case _ if len(node.axes) < len(axes):
                is_column = (node.axes == axes[:1]) != flipped
                vector = self.expression(node, node.axes, flipped=not is_column)
                return _chain(vector, Transposed(ONES)) if is_column else _chain(ONES, vector)
            case Leaf():
                is_stored = node.transposed == (flipped != (node.name in self.rows))
                letter = sp.Symbol(node.name, real=True)
                return letter if is_stored else Transposed(letter)
            case Product():
                factors = (node.right, node.left) if flipped else (node.left, node.right)
                return _chain(*(self.expression(factor, factor.axes, flipped=flipped) for factor in factors))
            case SumOver():
                return self._summed(node, flipped=flipped)
        raise TypeError(f"{type(node).__name__} is no node of a matrix form")

    def _factor(self, factor: Node, axes: Axes, *, flipped: bool) -> Expr:
        return self.expression(factor, axes if factor.axes else (), flipped=flipped)

    def _term(self, term: Node, axes: Axes, *, flipped: bool) -> Expr:
        value = self._factor(term, axes, flipped=flipped)
        return value if term.axes else value * _ones(axes)

    def _applied(self, node: Apply, axes: Axes, *, flipped: bool) -> Expr:
        """The function with the arguments put in; a number added to a matrix is added to every entry."""
        names = [sp.Symbol(f"x{place}", real=True) for place in range(len(node.arguments))]

        def spread(total: Expr) -> Expr:
            number, rest = total.as_independent(*names, as_Add=True)
            return number * _ones(axes) + rest

        function = node.function.replace(lambda part: part.is_Add and part.has(*names), spread)
        given = (self.expression(argument, axes, flipped=flipped) for argument in node.arguments)
        return function.xreplace(dict(zip(names, given, strict=True)))

    def _summed(self, node: SumOver, *, flipped: bool) -> Expr:
        if node.axes:
            body = self.expression(node.body, node.body.axes, flipped=flipped != (node.axis == 0))
            return _chain(Transposed(ONES), body) if flipped else _chain(body, ONES)
        column, row = (self.expression(node.body, node.body.axes, flipped=turned) for turned in (False, True))
        # a number is its own transpose: of its two ways of writing, the one with fewer transposes
        total = min(_chain(Transposed(ONES), column), _chain(row, ONES), key=lambda whole: len(str(whole)))
        inside = [factor for factor in total.args if factor not in (ONES, Transposed(ONES))]
        if len(inside) == 1 and inside[0].is_Pow and inside[0].exp == 2:
            return Norm(inside[0].base) ** 2
        return total


def _chain(*factors: Expr) -> Expr:
    return Chain(
        *(part for factor in factors for part in (factor.args if isinstance(factor, Chain) else (factor,)))
    )


def _ones(axes: Axes) -> Expr:
    """The number, vector or matrix whose entries are all 1."""
    return (sp.Integer(1), ONES, Chain(ONES, Transposed(ONES)))[len(axes)]


ALL_ONES: Final = Chain(ONES, Transposed(ONES))
