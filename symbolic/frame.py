"""What compiled expressions read, and whole numbers: positions, sizes and conditions on indices.

Positions count from 1; whole numbers in arrays, such as the tokens of an embedding, count from 0.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Protocol, TypeVar

import sympy as sp

from symbolic.expressions import Expr, name_of
from symbolic.grammar.indices import Quotient, Remainder, is_index
from symbolic.notation import Slot

N = TypeVar("N")


class Numbers(Protocol[N]):
    """A kind of number: it has + and * of its own, and the following."""

    def constant(self, value: Expr) -> N:
        """An exact real constant: a rational or pi."""

    def power(self, base: N, exponent: sp.Rational) -> N: ...

    def call(self, name: str, argument: N) -> N:
        """A function of the table of functions, such as `exp`."""

    def undefined(self, slot: Slot, orders: tuple[int, ...], arguments: tuple[N, ...]) -> N:
        """An activation or loss that is left undefined, or its derivative of the given orders."""

    def branch(
        self, relation: str, left: N, right: N, then: Callable[[], N], otherwise: Callable[[], N]
    ) -> N:
        """`then()` where `left relation right` holds, else `otherwise()`; relations are < <= == !=."""


@dataclass(slots=True)
class Frame:
    """What compiled closures read: the kind of number, index values from 0, arrays, scalars and slots."""

    numbers: Any
    at: dict[str, int] = field(default_factory=dict)
    entries: dict[str, list[Any]] = field(default_factory=dict)
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    strides: dict[str, tuple[int, ...]] = field(default_factory=dict)
    scalars: dict[sp.Symbol, Any] = field(default_factory=dict)
    slots: dict[str, Slot] = field(default_factory=dict)
    whole: dict[str, int] = field(default_factory=dict)  # sizes and options


Compiled = Callable[[Frame], Any]


def place(positions: Iterable[Expr], name: str) -> Callable[[Frame], int | None]:
    """Where an entry of an array lies, its positions counted from 1; None outside the array."""
    compiled_positions = [whole(position) for position in positions]

    def find(frame: Frame) -> int | None:
        result = 0
        for position, size in zip(compiled_positions, frame.shapes[name], strict=True):
            at = position(frame) - 1
            if not 0 <= at < size:
                return None
            result = result * size + at
        return result

    return find


@cache
def whole(value: Expr) -> Callable[[Frame], int]:
    """Closures for whole numbers: positions, sizes and conditions on indices, which count from 1."""
    match value:
        case sp.Integer():
            number = int(value)
            return lambda frame: number
        case sp.Symbol():
            name = str(value)
            return (
                (lambda frame: frame.at[name] + 1) if is_index(value) else (lambda frame: frame.whole[name])
            )
        case sp.Indexed():
            return _entry(value)
        case sp.Add():
            return fold([whole(term) for term in value.args], operator.add)
        case sp.Mul():
            return fold([whole(factor) for factor in value.args], operator.mul)
        case Quotient():
            return fold([whole(part) for part in value.args], operator.floordiv)
        case Remainder():
            return fold([whole(part) for part in value.args], operator.mod)
    raise TypeError(f"{type(value).__name__} is no whole number: {value}")


def _entry(entry: sp.Indexed) -> Callable[[Frame], int]:
    """An entry of an array of whole numbers."""
    name = name_of(entry)
    find = place(entry.indices, name)

    def read(frame: Frame) -> int:
        at = find(frame)
        assert at is not None, f"{entry} lies outside its array"
        return int(frame.entries[name][at])

    return read


def fold(parts: list[Compiled], combine: Callable[[Any, Any], Any]) -> Compiled:
    """Parts combined from the left."""
    first, *rest = parts

    def run(frame: Frame) -> Any:
        result = first(frame)
        for part in rest:
            result = combine(result, part(frame))
        return result

    return run
