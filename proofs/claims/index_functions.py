"""Functions of arrays in index notation: outer, dot, diag, ones, delta, col and row, one row each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, TypeAlias

import sympy as sp

from proofs.claims.fields import Field, NotUniform, Scope, constant
from proofs.claims.formula import Call, Reference
from proofs.claims.values import ONE

if TYPE_CHECKING:  # a world looks its functions up here
    from proofs.claims.index_world import IndexWorld

OfFields: TypeAlias = "Callable[[IndexWorld, Call, Scope], Field]"


def product(world: IndexWorld, left: Field, right: Field) -> Field:
    """The matrix product: Σ_k left[i, k] right[k, j]."""

    def entry(i: sp.Expr, j: sp.Expr) -> sp.Expr:
        return world.over(left.columns, lambda k: left.at(i, k) * right.at(k, j))

    return Field(left.rows, right.columns, entry)


def entry_by_entry(left: Field, right: Field) -> Field:
    """left[i, j] right[i, j]."""
    return Field(left.rows, left.columns, lambda i, j: left.at(i, j) * right.at(i, j))


def _outer(world: IndexWorld, call: Call, scope: Scope) -> Field:
    left, right = (world.value(argument, scope) for argument in call.arguments)
    return Field(left.rows, right.rows, lambda i, j: left.at(i, sp.S.One) * right.at(j, sp.S.One))


def _dot(world: IndexWorld, call: Call, scope: Scope) -> Field:
    both = entry_by_entry(*(world.value(argument, scope) for argument in call.arguments))
    return constant(world.over(both.rows, lambda i: world.over(both.columns, lambda j: both.at(i, j))))


def _diagonal(world: IndexWorld, call: Call, scope: Scope) -> Field:
    column = world.value(call.arguments[0], scope)
    return Field(column.rows, column.rows, lambda i, j: sp.KroneckerDelta(i, j) * column.at(i, sp.S.One))


def _ones(world: IndexWorld, call: Call, scope: Scope) -> Field:
    (size,) = call.arguments
    assert isinstance(size, Reference), "a world has judged it"
    return Field(world.axis_of(size, scope), ONE, lambda i, j: sp.S.One)


def _delta(world: IndexWorld, call: Call, scope: Scope) -> Field:
    first, second = (world.axis_along(argument, scope) for argument in call.arguments)
    if first != second:
        raise NotUniform("δ is of indices along two axes")
    return constant(sp.KroneckerDelta(*(world.named(each, first, scope) for each in call.arguments)))


def _column(world: IndexWorld, call: Call, scope: Scope) -> Field:
    array, at = call.arguments
    whole = world.value(array, scope)
    whole = whole if call.function == "col" else whole.turned
    index = world.named(at, whole.columns, scope)
    return Field(whole.rows, ONE, lambda i, j: whole.at(i, index))


FUNCTIONS_OF_FIELDS: Final[Mapping[str, OfFields]] = {
    "outer": _outer,
    "dot": _dot,
    "diag": _diagonal,
    "ones": _ones,
    "delta": _delta,
    "col": _column,
    "row": _column,
}
