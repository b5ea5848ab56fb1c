"""LaTeX as items: pieces with their scripts, in signed terms, before anything is known of what they mean."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final, TypeAlias

from lark import Lark, Token, Transformer, v_args
from lark.exceptions import UnexpectedInput, VisitError

from proofs.claims.formula import MAX_LENGTH, MAX_NESTING, MAX_OPERATIONS, Place, Range
from symbolic.errors import FormulaError

PLACE: Final = r"(\\?[A-Za-zα-ωΑ-Ω]+|[0-9]+)(?:([-+])([0-9]+))?"
FULL_PLACE: Final = re.compile(PLACE)
LAYERED_SIZE: Final = re.compile(r"([A-Za-z])[_^]\{?[\[(]?" + PLACE + r"[\])]?\}?")


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
    if len(text) > MAX_LENGTH:
        raise FormulaError(
            f"this has {len(text):,} characters; a claim has at most {MAX_LENGTH:,}", text, MAX_LENGTH
        )
    depth = 0
    for position, character in enumerate(text):
        depth += (character in "([{") - (character in ")]}")
        if depth > MAX_NESTING:
            raise FormulaError(f"this is nested more than {MAX_NESTING} deep", text, position)
    try:
        tree = _parser().parse(text)
        if sum(1 for _ in tree.find_data("item")) > MAX_OPERATIONS:
            raise FormulaError(f"this has more than {MAX_OPERATIONS} factors", text, 0)
        found: tuple[tuple[Sum, ...], tuple[Range, ...]] = _Builder().transform(tree)
    except UnexpectedInput as error:
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
        return sides, tuple(map(_range, ranges))

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
        kind = "word" if str(parts[0]).startswith((r"\mathrm", r"\operatorname")) else "name"
        return Item(kind, _name(str(parts[0])), meta.start_pos)

    def number(self, meta: Any, parts: list[Any]) -> Item:
        return Item("number", str(parts[0]), meta.start_pos)

    def total(self, meta: Any, parts: list[Any]) -> Item:
        return Item("total", "", meta.start_pos)

    def partial(self, meta: Any, parts: list[Any]) -> Item:
        return Item("partial", "", meta.start_pos)

    def nabla(self, meta: Any, parts: list[Any]) -> Item:
        return Item("nabla", "", meta.start_pos)


def _name(latex: str) -> str:
    r"""`\sigma` is sigma, `\hat y` is yhat, `\mathrm{MSE}` is MSE."""
    accent = re.match(r"\\(hat|tilde|bar)", latex)
    bare = re.sub(r"^\\[a-z]+(?=[\s{\\])|[\s{}\\]", "", latex) if accent else latex
    if accent:
        return bare.removeprefix(accent[1]) + accent[1]
    inner = re.search(r"\{\s*\\?(\w+)\s*\}", latex)
    return inner[1] if inner else latex.removeprefix("\\").removeprefix("var")


def _range(token: Token) -> Range:
    found = re.search(r"([A-Za-z])\s*(?:=|\\in)(.*?),\s*\\[lc]?dots\s*,(.*)", str(token), re.DOTALL)
    assert found, "the grammar says so"
    return Range(found[1], place_of(found[2]), place_of(found[3]))


def place_of(text: str) -> Place:
    """A place by its text: l, l+1, 3. Raises ValueError."""
    plain = bare(text)
    found = FULL_PLACE.fullmatch(plain)
    if found is None:
        size = LAYERED_SIZE.fullmatch(plain)
        if size is None:
            raise ValueError(plain)
        return Place(size[1], 0, made_place(*size.groups()[1:]))
    return made_place(*found.groups())


def made_place(name: str, sign: str | None, step: str | None) -> Place:
    """A place from its parts: `l`, `+`, `1`."""
    offset = int(f"{sign or '+'}{step or 0}")
    return Place(None, int(name) + offset) if name.isdigit() else Place(_name(name), offset)


def bare(script: str) -> str:
    """A script without its sign, braces and spaces."""
    apart = re.sub(r"(\\[A-Za-z]+)\s+(?=[A-Za-z])", r"\1~", script.lstrip("_^"))  # \mu z is not \muz
    text = re.sub(r"\\[,;:! ]|\s|\\left|\\right", "", apart)
    return text[1:-1] if text.startswith("{") and text.endswith("}") else text
