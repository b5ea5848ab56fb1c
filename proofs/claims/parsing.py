"""Text of a claim read into trees, by the grammar in claim.lark."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import pairwise
from typing import Any, Final

import sympy as sp
from lark import Lark, Token, Transformer, v_args
from lark.exceptions import UnexpectedInput, VisitError

from proofs.claims.formula import (
    Binary,
    Call,
    Claim,
    Formula,
    Negative,
    Node,
    Number,
    Partial,
    Place,
    Power,
    Range,
    Reference,
    Total,
    Transpose,
)
from symbolic.errors import FormulaError

MAX_LENGTH: Final = 2_000
MAX_NESTING: Final = 60
MAX_OPERATIONS: Final = 150  # trees of formulas are walked by recursion


def parse_claims(text: str) -> tuple[Claim, ...]:
    """The equations of a text. Raises FormulaError at the character where it is none."""
    found: tuple[Claim, ...] = _read(text, "claim")
    return found


def parse_formula(text: str) -> Formula:
    """A formula without an equals sign. Raises FormulaError as `parse_claims` does."""
    found: Formula = _read(text, "formula")
    return found


def refuse_large(text: str, opening: str, closing: str) -> None:
    """Raise FormulaError where a text is longer, or nested deeper, than that of a claim may be."""
    if len(text) > MAX_LENGTH:
        raise FormulaError(
            f"this has {len(text):,} characters; a claim has at most {MAX_LENGTH:,}", text, MAX_LENGTH
        )
    depth = 0
    for position, character in enumerate(text):
        depth += (character in opening) - (character in closing)
        if depth > MAX_NESTING:
            raise FormulaError(f"this is nested more than {MAX_NESTING} deep", text, position)


def _read(text: str, start: str) -> Any:
    refuse_large(text, "([", ")]")
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
