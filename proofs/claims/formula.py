"""Formulas of a claim as trees, and how they are read from text.

    k[i] = (W[i+1].T @ k[i+1]) * f'(W[i] @ z[i-1])
    D(E, W[l][i,j]) = Sum(delta[l][i,c]*a[l-1][j,c], c) for l in 2..L

A name may be one of a family over layers; the first pair of brackets then holds the layer. `D(E, w)` is a
partial derivative, an array where w is one. Every node knows where it begins in the text.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from functools import cache
from itertools import pairwise
from typing import Any, Final, Literal, TypeAlias

import sympy as sp
from lark import Lark, Token, Transformer, v_args
from lark.exceptions import UnexpectedInput, VisitError

from symbolic.errors import FormulaError

MAX_LENGTH: Final = 2_000
MAX_NESTING: Final = 60
MAX_OPERATIONS: Final = 150  # trees of formulas are walked by recursion
Operation: TypeAlias = Literal["+", "-", "*", "/", "@"]


@dataclass(frozen=True, slots=True)
class Place:
    """An index or a layer: a name or a number, and an offset; with `layer` the size of a layer, as n[l-1]."""

    name: str | None
    offset: int = 0
    layer: Place | None = None

    def __str__(self) -> str:
        if self.name is None:
            return str(self.offset)
        size = "" if self.layer is None else f"[{self.layer}]"
        return self.name + size + (f"{self.offset:+d}" if self.offset else "")


@dataclass(frozen=True, slots=True)
class Node:
    """A formula; `at` is the character where it begins."""

    at: int = field(default=0, compare=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Number(Node):
    """An exact number."""

    value: sp.Rational


@dataclass(frozen=True, slots=True)
class Reference(Node):
    """A named quantity, the groups of places behind it in order: W, W[l], W[l][i,j], x[i]."""

    name: str
    groups: tuple[tuple[Place, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Binary(Node):
    """left ∘ right; `@` is the matrix product, `*` and `/` go entry by entry."""

    operation: Operation
    left: Formula
    right: Formula


@dataclass(frozen=True, slots=True)
class Negative(Node):
    """−body."""

    body: Formula


@dataclass(frozen=True, slots=True)
class Power(Node):
    """base ** exponent, of numbers."""

    base: Formula
    exponent: Formula


@dataclass(frozen=True, slots=True)
class Transpose(Node):
    """bodyᵀ; a number is its own."""

    body: Formula


@dataclass(frozen=True, slots=True)
class Total(Node):
    """Σ over an index, from `first` to `last`, or over all its values."""

    body: Formula
    index: str
    first: Place | None = None
    last: Place | None = None


@dataclass(frozen=True, slots=True)
class Partial(Node):
    """∂(of)/∂(by)."""

    of: Formula
    by: Reference


@dataclass(frozen=True, slots=True)
class Call(Node):
    """A function, entry by entry, or one of arrays (outer, dot, diag, ones, delta); `layer` where it is one
    of a family.
    """

    function: str
    arguments: tuple[Formula, ...]
    layer: Place | None = None


Formula: TypeAlias = Number | Reference | Binary | Negative | Power | Transpose | Total | Partial | Call


@dataclass(frozen=True, slots=True)
class Range:
    """name = first, …, last."""

    name: str
    first: Place
    last: Place


@dataclass(frozen=True, slots=True)
class Claim:
    """left = right, for indices in ranges; a chain a = b = c is as many claims."""

    left: Formula
    right: Formula
    ranges: tuple[Range, ...] = ()
    text: str = ""


def parse_claims(text: str) -> tuple[Claim, ...]:
    """The equations of a text. Raises FormulaError at the character where it is none."""
    found: tuple[Claim, ...] = _read(text, "claim")
    return found


def parse_formula(text: str) -> Formula:
    """A formula without an equals sign. Raises FormulaError as `parse_claims` does."""
    found: Formula = _read(text, "formula")
    return found


def children(node: Formula) -> Iterator[Formula]:
    """The formulas within a formula."""
    for each in fields(node):
        value = getattr(node, each.name)
        for part in value if isinstance(value, tuple) else (value,):
            if isinstance(part, Node):
                yield part  # type: ignore[misc]  # every Node is one of the alternatives of Formula


def every(node: Formula) -> Iterator[Formula]:
    """A formula and all within it, the outermost first."""
    yield node
    for child in children(node):
        yield from every(child)


def _read(text: str, start: str) -> Any:
    if len(text) > MAX_LENGTH:
        raise FormulaError(
            f"this has {len(text):,} characters; a claim has at most {MAX_LENGTH:,}", text, MAX_LENGTH
        )
    depth = 0
    for position, character in enumerate(text):
        depth += (character in "([") - (character in ")]")
        if depth > MAX_NESTING:
            raise FormulaError(f"this is nested more than {MAX_NESTING} deep", text, position)
    if sum(map(text.count, "+-*/@")) > MAX_OPERATIONS:
        raise FormulaError(f"this has more than {MAX_OPERATIONS} operations", text, 0)
    try:
        return _Builder(text).transform(_parser().parse(text, start=start))
    except UnexpectedInput as error:
        at_end = getattr(getattr(error, "token", None), "type", "") == "$END"
        position = len(text) if at_end or error.pos_in_stream is None else error.pos_in_stream
        what = repr(text[position]) if position < len(text) else "the end"
        raise FormulaError(f"{what} is not expected here", text, position) from None
    except VisitError as error:
        raise error.orig_exc from None


@cache
def _parser() -> Lark:
    return Lark.open(
        "claim.lark",
        rel_to=__file__,
        parser="lalr",
        start=["claim", "formula"],
        propagate_positions=True,
        maybe_placeholders=False,
    )


@v_args(meta=True)
class _Builder(Transformer[Token, Any]):
    """Trees of the grammar as nodes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text

    def claim(self, meta: Any, parts: list[Any]) -> tuple[Claim, ...]:
        sides: list[Any] = [part for part in parts if isinstance(part, Node)]
        ranges = next((part for part in parts if isinstance(part, tuple)), ())
        return tuple(Claim(left, right, ranges, self.text) for left, right in pairwise(sides))

    def formula(self, meta: Any, parts: list[Any]) -> Any:
        return parts[0]

    def ranges(self, meta: Any, parts: list[Any]) -> tuple[Range, ...]:
        return tuple(parts)

    def range(self, meta: Any, parts: list[Any]) -> Range:
        name, first, last = parts
        return Range(str(name), _place(first), _place(last))

    def integer(self, meta: Any, parts: list[Any]) -> Number:
        return Number(sp.Integer(int(parts[0])), at=meta.start_pos)

    def decimal(self, meta: Any, parts: list[Any]) -> Number:
        return Number(sp.Rational(str(parts[0])), at=meta.start_pos)

    def index(self, meta: Any, parts: list[Any]) -> Place:
        return Place(str(parts[0]))

    def size(self, meta: Any, parts: list[Any]) -> Place:
        return Place(str(parts[0]), 0, _place(parts[1]))

    def plus(self, meta: Any, parts: list[Any]) -> Place:
        return self._moved(parts[0], parts[2], 1, meta)

    def minus(self, meta: Any, parts: list[Any]) -> Place:
        return self._moved(parts[0], parts[2], -1, meta)

    def _moved(self, first: Any, second: Any, sign: int, meta: Any) -> Place:
        place, step = _place(first), _place(second)
        if step.name is not None:
            raise FormulaError("an index moves by whole numbers only", self.text, meta.start_pos)
        return replace(place, offset=place.offset + sign * step.offset)

    def places(self, meta: Any, parts: list[Any]) -> tuple[Place, ...]:
        return tuple(map(_place, parts))

    def reference(self, meta: Any, parts: list[Any]) -> Reference:
        name, *groups = parts
        return Reference(str(name), tuple(groups), at=meta.start_pos)

    def bound(self, meta: Any, parts: list[Any]) -> tuple[Any, ...]:
        name, *ends = parts
        return (str(name), *map(_place, ends[1:]))

    def total(self, meta: Any, parts: list[Any]) -> Total:
        _, body, *bounds = parts
        for bound in bounds:
            body = Total(body, *bound, at=meta.start_pos)
        return body  # type: ignore[no-any-return]

    def derivative(self, meta: Any, parts: list[Any]) -> Partial:
        _, of, by = parts
        return Partial(of, by, at=meta.start_pos)

    def call(self, meta: Any, parts: list[Any]) -> Call:
        function, *arguments = parts
        groups = function.groups
        if len(groups) > 1 or len(groups[0] if groups else ()) > 1:
            raise FormulaError("a function has one layer at most", self.text, meta.start_pos)
        layer = groups[0][0] if groups else None
        return Call(function.name, tuple(arguments), layer, at=meta.start_pos)

    def bracket(self, meta: Any, parts: list[Any]) -> Any:
        return parts[0]

    def negative(self, meta: Any, parts: list[Any]) -> Negative:
        return Negative(parts[1], at=meta.start_pos)

    def power(self, meta: Any, parts: list[Any]) -> Power:
        return Power(parts[0], parts[2], at=meta.start_pos)

    def transpose(self, meta: Any, parts: list[Any]) -> Transpose:
        return Transpose(parts[0], at=meta.start_pos)

    def _binary(self, meta: Any, parts: list[Any]) -> Binary:
        left, operation, right = parts
        return Binary(str(operation), left, right, at=operation.start_pos)  # type: ignore[arg-type]

    add = subtract = times = over = matmul = _binary


def _place(given: Any) -> Place:
    return Place(None, int(given.value)) if isinstance(given, Number) else given
