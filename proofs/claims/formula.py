"""Formulas of a claim as trees.

    k[i] = (W[i+1].T @ k[i+1]) * f'(W[i] @ z[i-1])
    D(E, W[l][i,j]) = Sum(delta[l][i,c]*a[l-1][j,c], c) for l in 2..L

A name may be one of a family over layers; the first pair of brackets then holds the layer. `D(E, w)` is a
partial derivative, an array where w is one. Every node knows where it begins in the text.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Literal, TypeAlias

import sympy as sp

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
