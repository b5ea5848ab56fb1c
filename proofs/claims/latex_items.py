"""LaTeX as items: pieces with their scripts, in signed terms, before anything is known of what they mean."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final, TypeAlias

from lark import Lark, Token, Transformer, v_args
from lark.exceptions import UnexpectedInput, VisitError

from proofs.claims.formula import Range
from proofs.claims.latex_text import GREEK, name_in, prepared, range_in
from proofs.claims.parsing import MAX_OPERATIONS, refuse_large
from symbolic.errors import FormulaError

RELATION: Final = re.compile(
    r"\\(leftarrow|gets|to|mapsto|approx|simeq|sim|propto|neq?|Rightarrow)(?![A-Za-z])"
)


@dataclass(frozen=True, slots=True)
class Item:
    """A piece of LaTeX with its scripts; `parts` are the sums of signed terms within it."""

    kind: str
    text: str
    at: int
    parts: tuple[Sum, ...] = ()
    scripts: tuple[tuple[str, int], ...] = ()


Sum: TypeAlias = "tuple[tuple[str, tuple[Item, ...]], ...]"


def parsed(text: str) -> tuple[tuple[Sum, ...], tuple[Range, ...]]:
    """The sides of a chain of equations, and its ranges. Raises FormulaError at the character where it is
    none.
    """
    refuse_large(text, "([{", ")]}")
    try:
        tree = _parser().parse(prepared(text))
        if sum(1 for _ in tree.find_data("item")) > MAX_OPERATIONS:
            raise FormulaError(f"this has more than {MAX_OPERATIONS} factors", text, 0)
        found: tuple[tuple[Sum, ...], tuple[Range, ...]] = _Builder().transform(tree)
    except UnexpectedInput as error:
        relation = RELATION.search(text)
        if relation is not None:
            raise FormulaError(
                f"{relation[0]} makes no equation; a claim says =", text, relation.start()
            ) from None
        at_end = getattr(getattr(error, "token", None), "type", "") == "$END"
        position = len(text) if at_end or error.pos_in_stream is None else error.pos_in_stream
        what = repr(text[position]) if position < len(text) else "the end"
        raise FormulaError(f"{what} is not expected here", text, position) from None
    except VisitError as error:
        raise error.orig_exc from None
    return found


@cache
def _parser() -> Lark:
    return Lark.open("latex.lark", rel_to=__file__, parser="lalr", start="claim", propagate_positions=True)


@v_args(meta=True)
class _Builder(Transformer[Token, Any]):
    """Trees of the grammar as items."""

    def claim(self, meta: Any, parts: list[Any]) -> tuple[tuple[Sum, ...], tuple[Range, ...]]:
        sides = tuple(part for part in parts if isinstance(part, tuple))
        ranges = [part for part in parts if isinstance(part, Token) and part.type == "RANGE"]
        return sides, tuple(map(range_in, ranges))

    def sum(self, meta: Any, parts: list[Any]) -> Sum:
        signed, sign = [], "+"
        for part in parts:
            if isinstance(part, Token):
                sign = str(part)
            else:
                signed.append((sign, part))
        return tuple(signed)

    def term(self, meta: Any, parts: list[Any]) -> tuple[Item, ...]:
        return tuple(
            Item("operator", str(part), part.start_pos or 0) if isinstance(part, Token) else part
            for part in parts
        )

    def item(self, meta: Any, parts: list[Any]) -> Item:
        base: Item = parts[0]
        return replace(base, scripts=tuple((str(script), script.start_pos) for script in parts[1:]))

    def bracket(self, meta: Any, parts: list[Any]) -> Item:
        return Item("bracket", "", meta.start_pos, tuple(parts))

    def fraction(self, meta: Any, parts: list[Any]) -> Item:
        sums = tuple(part.parts[0] if part.kind == "bracket" else (("+", (part,)),) for part in parts[1:])
        return Item("fraction", "", meta.start_pos, sums)

    def short(self, meta: Any, parts: list[Any]) -> Item:
        digits = re.sub(r"\s", "", str(parts[0]))[-2:]
        kinds = ("number", "number" if digits[1].isdigit() else "name")
        items = (Item(kind, text, meta.start_pos) for kind, text in zip(kinds, digits, strict=True))
        return Item("fraction", "", meta.start_pos, tuple((("+", (item,)),) for item in items))

    def name(self, meta: Any, parts: list[Any]) -> Item:
        kind = "word" if str(parts[0]).startswith((r"\mathrm", r"\operatorname", r"\text")) else "name"
        return Item(kind, name_in(str(parts[0])), meta.start_pos)

    def command(self, meta: Any, parts: list[Any]) -> Item:
        name = str(parts[0]).removeprefix("\\")
        return Item("name" if GREEK.fullmatch(name) else "command", name_in(name), meta.start_pos)

    def kronecker(self, meta: Any, parts: list[Any]) -> Item:
        return Item("kronecker", str(parts[0]), meta.start_pos)

    def under(self, meta: Any, parts: list[Any]) -> Item:
        return Item("bracket", "", meta.start_pos, (parts[1],))

    def norm(self, meta: Any, parts: list[Any]) -> Item:
        return Item("norm", "", meta.start_pos, tuple(parts))

    def absolute(self, meta: Any, parts: list[Any]) -> Item:
        return Item("absolute", "", meta.start_pos, tuple(parts))

    def inner(self, meta: Any, parts: list[Any]) -> Item:
        return Item("inner", "", meta.start_pos, tuple(parts))

    def dots(self, meta: Any, parts: list[Any]) -> Sum:
        return (("+", (Item("dots", str(parts[0]), meta.start_pos),)),)

    def row(self, meta: Any, parts: list[Any]) -> Item:
        return Item("row", "", meta.start_pos, tuple(parts))

    def matrix(self, meta: Any, parts: list[Any]) -> Item:
        """A matrix as an item whose parts are its rows, each a term of one item."""
        rows = tuple((("+", (row,)),) for row in parts[1:])
        return Item("matrix", "", meta.start_pos, rows)

    def number(self, meta: Any, parts: list[Any]) -> Item:
        return Item("number", str(parts[0]), meta.start_pos)

    def total(self, meta: Any, parts: list[Any]) -> Item:
        return Item("total", "", meta.start_pos)

    def partial(self, meta: Any, parts: list[Any]) -> Item:
        return Item("partial", "", meta.start_pos)

    def nabla(self, meta: Any, parts: list[Any]) -> Item:
        return Item("nabla", "", meta.start_pos)
