"""The one grammar of backproof: formulas in scalars, and equations between arrays in index notation.

    formula     (a - t)**2/2        where(z > 0, z, exp(z) - 1)        g'(z)*delta
    equation    Z[i,c] = Sum(W[i,j]*A[j,c], j) + b[i]                  E = Sum(e(A[i,c], T[i,c]), i, c)/m

A text is never evaluated as Python. Length, nesting and names are measured first; then lark parses (LALR),
names are looked up on the tree, and exact SymPy expressions are built from its leaves, within bounds. Numbers
are exact: 0.1 is 1/10. An index j runs from 1 to N_j, a size that an equation may name as well.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from lark import Lark, Token, UnexpectedCharacters, UnexpectedToken
from lark.exceptions import VisitError

from symbolic.errors import FormulaError
from symbolic.grammar.builder import Builder
from symbolic.grammar.functions import Expr
from symbolic.grammar.indices import size_of as size_of
from symbolic.grammar.names import Names
from symbolic.grammar.text import to_text as to_text

MAX_LENGTH: Final = 10_000
MAX_NESTING: Final = 64
MAX_NAME: Final = 64

_WORD: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*|\*\*|[<>=!]=|\S")
_ENDS_CHAIN: Final = {"+", "-", "*", "/", ",", "and", "or"}
_BEFORE_OPERAND: Final = _ENDS_CHAIN | {"(", "[", "**", "<", "<=", ">", ">=", "==", "!=", "=", "not"}

_OPERANDS: Final = {"INTEGER", "DECIMAL", "NAME", "PRIMED", "WHERE", "SUM", "LARGEST", "PLACE", "_LPAR"}
_EXPECTED: Final = (
    ("a number", "INTEGER"),
    ("a name", "NAME"),
    ("'('", "_LPAR"),
    ("'+'", "PLUS"),
    ("'-'", "MINUS"),
    ("'*'", "STAR"),
    ("an operator", "SLASH"),
    ("a comparison", "COMPARISON"),
    ("','", "_COMMA"),
    ("':'", "_COLON"),
    ("')'", "_RPAR"),
    ("']'", "_RSQB"),
    ("'='", "EQUALS"),
    ("the end", "$END"),
)


@dataclass(frozen=True, slots=True)
class ParsedEquation:
    """target = value, as the text says it; the target is an `Indexed` or a scalar symbol."""

    target: Expr
    value: Expr
    text: str


def parse_scalar(text: str, *, names: Collection[str], functions: Collection[str] = ()) -> Expr:
    """Read a formula in the real variables `names`; `functions` are undefined, of any arity up to nine.

    Raises FormulaError at the character where the text is no formula, names something unknown, or holds a
    constant that is not a finite real number.

    >>> parse_scalar("g'(z)*(a - 0.1)**2", names=("z", "a"), functions=("g",))
    (a - 1/10)**2*g'(z)
    """
    return _read(text, "formula", Names(text, frozenset(names), frozenset(functions)))


def parse_equation(
    text: str,
    *,
    scalars: Collection[str] = (),
    functions: Collection[str] = (),
    options: Collection[str] = (),
) -> ParsedEquation:
    """Read an equation between arrays; a name without brackets is one of `scalars` or `options` (whole
    numbers), an index or a size.

    Raises FormulaError as `parse_scalar` does, and for an index that is bound twice or not at all, an array
    with two ranks, and a target that occurs in its own value.

    >>> parse_equation("Z[i,q] = Sum(W[i,k]*A[q+k], k)").value
    Sum(A[k + q]*W[i, k], (k, 1, N_k))
    """
    names = Names(text, frozenset(scalars), frozenset(functions), frozenset(options), arrays=True)
    target, value = _read(text, "equation", names)
    return ParsedEquation(target, value, text)


def _read(text: str, start: str, names: Names) -> Any:
    _measure(text)
    try:
        tree = _parser().parse(text, start=start)
    except UnexpectedCharacters as error:
        raise _unknown_character(text, error) from None
    except UnexpectedToken as error:
        raise _unexpected_token(text, error.token, error.accepts) from None
    names.check(tree)
    try:
        return Builder(names).transform(tree)
    except VisitError as error:
        raise error.orig_exc from None


@cache
def _parser() -> Lark:
    starts = ["formula", "equation"]
    return Lark.open(
        "formula.lark", rel_to=__file__, parser="lalr", lexer="basic", start=starts, maybe_placeholders=False
    )


def _measure(text: str) -> None:
    """Refuse what is too long or too deep; minus signs, `**` and `not` in a row nest like brackets."""
    if len(text) > MAX_LENGTH:
        problem = f"this has {len(text):,} characters; a formula has at most {MAX_LENGTH:,}"
        raise FormulaError(problem, text, MAX_LENGTH)
    chains, depth, before_operand = [0], 0, True
    for match in _WORD.finditer(text):
        word = match[0]
        if word in ("(", "["):
            chains.append(0)
            depth += 1
        elif word in (")", "]") and len(chains) > 1:
            depth -= 1 + chains.pop()
        elif word in ("**", "not") or (word == "-" and before_operand):
            chains[-1] += 1
            depth += 1
        elif word in _ENDS_CHAIN:
            depth -= chains[-1]
            chains[-1] = 0
        elif len(word) > MAX_NAME:
            problem = f"this name has {len(word):,} characters; a name has at most {MAX_NAME}"
            raise FormulaError(problem, text, match.start())
        if depth > MAX_NESTING:
            raise FormulaError(f"this is nested more than {MAX_NESTING} deep", text, match.start())
        before_operand = word in _BEFORE_OPERAND


def _unknown_character(text: str, error: UnexpectedCharacters) -> FormulaError:
    position = error.pos_in_stream
    assert position is not None
    character = text[position]
    hints = {"^": "use ** for powers", "_": "a name begins with a letter"}
    code = "" if character.isascii() and character.isprintable() else f" (U+{ord(character):04X})"
    hint = hints.get(character, "it has no meaning in a formula")
    return FormulaError(f"found {character!r}{code}; {hint}", text, position)


def _unexpected_token(text: str, token: Token, accepted: Collection[str]) -> FormulaError:
    """The parser's error in words of the formula: what was found, what was expected."""
    hidden = {"_LPAR"} if "SLASH" in accepted else set()
    if "SLASH" in accepted or "NAME" in accepted:
        hidden |= {"PLUS", "MINUS", "STAR"}
    words = [word for word, terminal in _EXPECTED if terminal in accepted and terminal not in hidden]
    expected = " or ".join(filter(None, (", ".join(words[:-1]), words[-1])))
    found = "the end" if token.type == "$END" else f"'{token}'" if len(token) < 20 else f"'{token[:20]}…'"
    position = len(text) if token.type == "$END" else token.start_pos
    assert position is not None
    return FormulaError(f"found {found}, expected {expected}{_hint(token, accepted)}", text, position)


def _hint(token: Token, accepted: Collection[str]) -> str:
    if "SLASH" in accepted and token.type in _OPERANDS:
        return "; a product is written with *"
    if token.type == "EQUALS" and "COMPARISON" in accepted:
        return "; == compares"
    if token.type != "COMPARISON":
        return ""
    return "; comparisons are joined by and" if "_AND" in accepted else "; only where(...) compares"
