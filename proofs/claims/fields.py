"""Arrays in index notation: a matrix whose entry at any two indices is one expression, its sizes symbols."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import sympy as sp

from proofs.claims.values import ONE, Axis, Environment
from symbolic.expressions import Expr, size_of

Names: TypeAlias = Mapping[str, Expr]


class NotUniform(Exception):
    """A formula is not the same for all sizes, or is not known to be; the message is the reason."""


@dataclass(frozen=True, slots=True)
class Field:
    """A matrix by the entry at any two indices; the only index along an axis of size 1 is 1."""

    rows: Axis
    columns: Axis
    at: Callable[[Expr, Expr], Expr]

    @property
    def is_number(self) -> bool:
        return self.rows == ONE and self.columns == ONE

    @property
    def number(self) -> Expr:
        return self.at(sp.S.One, sp.S.One)

    @property
    def turned(self) -> Field:
        return Field(self.columns, self.rows, lambda i, j: self.at(j, i))

    def mapped(self, function: Callable[[Expr], Expr]) -> Field:
        return Field(self.rows, self.columns, lambda i, j: function(self.at(i, j)))


def size(axis: Axis) -> Expr:
    """N_n[1]: the size of an axis as a symbol."""
    return size_of(sp.Symbol(axis.label))


def constant(value: Expr) -> Field:
    """A number as a field."""
    return Field(ONE, ONE, lambda i, j: value)


@dataclass(frozen=True, slots=True)
class Scope:
    """What the names of layers and of indices stand for."""

    layers: Environment
    indices: Names = field(default_factory=dict)

    @property
    def numbers(self) -> dict[str, int]:
        """The same in a world, where the axis of an index does not depend on the number that the index is."""
        return {**self.layers, **dict.fromkeys(self.indices, 1)}

    def with_index(self, name: str, index: Expr) -> Scope:
        layers = {other: layer for other, layer in self.layers.items() if other != name}
        return Scope(layers, {**self.indices, name: index})

    def with_layer(self, name: str, layer: int) -> Scope:
        indices = {other: index for other, index in self.indices.items() if other != name}
        return Scope({**self.layers, name: layer}, indices)
