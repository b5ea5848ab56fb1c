"""Values of formulas: matrices of expressions, whose axes know what they are the size of.

A column has a second axis of size 1, a number two of them. Two axes fit where they are the same size by
name; where only the numbers agree, in a world in which n[1] and n[2] happen to be equal, `Misfit` is noted
and the work goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import sympy as sp

from symbolic.expressions import Expr


@dataclass(frozen=True, slots=True)
class Axis:
    """A size by name, and as the number that it is in one world."""

    label: str
    size: int


ONE = Axis("1", 1)


def fixed(size: int) -> Axis:
    """An axis whose size is the same in every world."""
    return Axis(str(size), size) if size != 1 else ONE


Entries: TypeAlias = Mapping[tuple[int, int], Expr]
Environment: TypeAlias = Mapping[str, int]  # indices and layers by name


class Misfit(Exception):
    """Two shapes do not fit; `at` is where in the text."""

    def __init__(self, problem: str, at: int) -> None:
        super().__init__(problem)
        self.problem, self.at = problem, at


class Missing(Exception):
    """A formula speaks of what is not there, such as layer L + 1; `at` is where in the text."""

    def __init__(self, problem: str, at: int) -> None:
        super().__init__(problem)
        self.problem, self.at = problem, at


@dataclass(frozen=True, slots=True)
class Value:
    """A matrix of expressions; entries are counted from 1."""

    rows: Axis
    columns: Axis
    entries: Entries

    @property
    def is_number(self) -> bool:
        return self.rows == ONE and self.columns == ONE

    @property
    def number(self) -> Expr:
        return self.entries[1, 1]

    @property
    def shape(self) -> str:
        """`n[1]×m`; `number` for 1×1."""
        return "number" if self.is_number else f"{self.rows.label}×{self.columns.label}"

    @property
    def turned(self) -> Value:
        return Value(self.columns, self.rows, {(j, i): entry for (i, j), entry in self.entries.items()})

    def mapped(self, function: Callable[[Expr], Expr]) -> Value:
        return Value(self.rows, self.columns, {place: function(e) for place, e in self.entries.items()})


def number(expr: Expr | int) -> Value:
    """A number as a value."""
    return Value(ONE, ONE, {(1, 1): sp.S.Zero + expr})


def matrix(rows: Axis, columns: Axis, entry: Callable[[int, int], Expr]) -> Value:
    """A value by its entries."""
    places = ((i, j) for i in range(1, rows.size + 1) for j in range(1, columns.size + 1))
    return Value(rows, columns, {place: entry(*place) for place in places})
