"""Functions of whole arrays with symbolic sizes, such as a cost C(a, y) of which nothing is known.

    ∂C(X, …)/∂w = Σ_r Σ_c C_X[r, c](X, …) · ∂X[r, c]/∂w

where C_X[r, c] is the slope of C by the entry r, c of X. In a world C is an undefined function of all
entries, and its slope by one of them is another; so two of these are equal there if their arrays are, and the
entries by which they are slopes. Slopes of slopes are not made, nor functions of such functions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import count
from typing import Any, Final

import sympy as sp

from proofs.claims.fields import Field, NotUniform, size
from proofs.claims.values import ONE
from symbolic.expressions import Expr
from symbolic.plain import PlainSum

ROW, COLUMN = sp.symbols("_r _c", integer=True)  # what the entries of an array are counted by, within one
_NUMBERS: Final = count(1)


class Whole(sp.Function):  # type: ignore[misc]  # SymPy has no type information
    """A function by its name, and of each array the entry at `ROW`, `COLUMN` with the numbers of both."""

    is_real = True

    def _eval_derivative(self, by: Expr) -> Expr:
        name, *arrays = self.args
        return sp.Add(*self._slopes(name, arrays, by))

    def _slopes(self, name: Expr, arrays: list[Expr], by: Expr) -> Iterator[Expr]:
        triples = zip(arrays[::3], arrays[1::3], arrays[2::3], strict=True)
        for number, (entry, rows, columns) in enumerate(triples):
            inner = entry.diff(by)
            if inner == 0:
                continue
            at = {
                old: sp.Symbol(f"w{next(_NUMBERS)}", integer=True) if end != 1 else sp.S.One
                for old, end in ((ROW, rows), (COLUMN, columns))
            }
            outer = Slope(name, sp.Integer(number), at[ROW], at[COLUMN], *arrays)
            ends = [(at[old], 1, end) for old, end in ((ROW, rows), (COLUMN, columns)) if end != 1]
            term = outer * inner.xreplace(at)
            yield PlainSum(term, *ends) if ends else term


class Slope(sp.Function):  # type: ignore[misc]  # SymPy has no type information
    """The slope of a function of arrays by an entry: name, number of the array, row, column, arrays."""

    is_real = True

    def _eval_derivative(self, by: Any) -> Expr:
        if any(part.diff(by) != 0 for part in self.args):
            raise NotUniform("a slope of a function of a whole array is differentiated again")
        return sp.S.Zero


def whole(name: str, arrays: Iterable[Field]) -> Expr:
    """A function of whole arrays. Raises NotUniform where one of them is made by such a function."""
    parts: list[Expr] = []
    for array in arrays:
        row = ROW if array.rows != ONE else sp.S.One
        column = COLUMN if array.columns != ONE else sp.S.One
        entry = array.at(row, column)
        if entry.has(Whole, Slope):
            raise NotUniform(f"{name} is of arrays that are made by a function of whole arrays")
        parts += [entry, *(size(axis) if axis != ONE else sp.S.One for axis in (array.rows, array.columns))]
    return Whole(sp.Symbol(name), *parts)
