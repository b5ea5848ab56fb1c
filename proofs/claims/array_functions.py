"""Functions of arrays in claims: outer, dot, diag, ones, delta, col, row, vector, rows, one row each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, TypeAlias

import sympy as sp

from proofs.claims.formula import Call, Place, Reference
from proofs.claims.values import ONE, Environment, Misfit, Missing, Value, fixed, matrix, number

if TYPE_CHECKING:  # a world looks its functions up here
    from proofs.claims.world import World

Special: TypeAlias = "Callable[[World, Call, Environment], Value]"


def _arguments(world: World, call: Call, env: Environment, count: int) -> list[Value]:
    if len(call.arguments) != count:
        raise Missing(f"{call.function} takes {count} arguments, not {len(call.arguments)}", call.at)
    return [world.value(argument, env) for argument in call.arguments]


def _outer(world: World, call: Call, env: Environment) -> Value:
    """outer(a, b) = a bᵀ of two columns."""
    left, right = _arguments(world, call, env, 2)
    for side in (left, right):
        if side.columns.size != 1:
            raise Misfit(f"outer takes columns, not a {side.shape}", call.at)
    return world.product(left, right.turned, call.at)


def _dot(world: World, call: Call, env: Environment) -> Value:
    """dot(A, B) = Σ over all entries of their products, of two arrays of one shape."""
    left, right = _arguments(world, call, env, 2)
    world.same(left, right, call.at, "dot has")
    return number(sp.Add(*(left.entries[place] * right.entries[place] for place in left.entries)))


def _diagonal(world: World, call: Call, env: Environment) -> Value:
    (column,) = _arguments(world, call, env, 1)
    if column.columns.size != 1:
        raise Misfit(f"diag takes a column, not a {column.shape}", call.at)
    return matrix(column.rows, column.rows, lambda i, j: column.entries[i, 1] if i == j else sp.S.Zero)


def _ones(world: World, call: Call, env: Environment) -> Value:
    """ones(m): a column of ones."""
    (size,) = call.arguments
    if not isinstance(size, Reference):
        raise Missing("ones takes a size, such as ones(m)", call.at)
    return matrix(world.axis(at_layer(world, size, env), None), ONE, lambda i, j: sp.S.One)


def at_layer(world: World, size: Reference, env: Environment) -> Reference:
    """A size with its layer as a number."""
    if not size.groups:
        return size
    layer = world.place(size.groups[0][0], env, size.at)
    return Reference(size.name, ((Place(None, layer),),), at=size.at)


def _delta(world: World, call: Call, env: Environment) -> Value:
    """delta(i, j): 1 where i = j, else 0."""
    left, right = _arguments(world, call, env, 2)
    return number(int(left.number == right.number))


def _slice(world: World, call: Call, env: Environment) -> Value:
    """col(A, c) and row(A, i), both as columns."""
    _, at = _arguments(world, call, env, 2)
    if not at.is_number or not at.number.is_Integer:
        raise Missing(f"{call.function} takes an array and an index", call.at)
    array, place = world.sliced(call, env), int(at.number)
    if not 1 <= place <= array.columns.size:
        raise Missing(f"there is no {call.function} {place} along {array.columns.label}", call.at)
    return matrix(array.rows, ONE, lambda i, j: array.entries[i, place])


def _vector(world: World, call: Call, env: Environment) -> Value:
    """vector(a, b): a column of numbers, as long as there are of them."""
    entries = _arguments(world, call, env, len(call.arguments))
    for entry, argument in zip(entries, call.arguments, strict=True):
        if not entry.is_number:
            raise Misfit(f"an entry of a vector is a number, not a {entry.shape}", argument.at)
    return matrix(fixed(len(entries)), ONE, lambda i, j: entries[i - 1].number)


def _rows(world: World, call: Call, env: Environment) -> Value:
    """rows(v, w): a matrix by its rows, which are columns of one length."""
    rows = _arguments(world, call, env, len(call.arguments))
    for row, argument in zip(rows, call.arguments, strict=True):
        world.same(rows[0], row, argument.at, "rows has")
        if row.columns != ONE:
            raise Misfit(f"rows takes columns, not a {row.shape}", argument.at)
    return matrix(fixed(len(rows)), rows[0].rows, lambda i, j: rows[i - 1].entries[j, 1])


SPECIAL: Final[Mapping[str, Special]] = {
    "outer": _outer,
    "dot": _dot,
    "diag": _diagonal,
    "ones": _ones,
    "delta": _delta,
    "col": _slice,
    "row": _slice,
    "vector": _vector,
    "rows": _rows,
}
