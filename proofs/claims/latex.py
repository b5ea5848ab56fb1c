r"""LaTeX of a claim, read into the same trees as text is.

    \delta_j^l = \sigma'(z_j^l) \sum_k \delta_k^{l+1} w_{kj}^{l+1}

What a superscript is, a layer, a power or the transposition, and which subscripts are indices follows from
what is given. Where mathematicians do not agree how tightly an operation binds, every reading is made.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from itertools import pairwise, product
from typing import Final

import sympy as sp

from proofs.claims.formula import (
    Binary,
    Call,
    Claim,
    Formula,
    Negative,
    Number,
    Power,
    Reference,
    Total,
    Transpose,
)
from proofs.claims.given import Given
from proofs.claims.kinds import ARRAYS, NUMBERS
from proofs.claims.latex_binding import OPERATORS, WORDS, Binding, Joiner, Operator
from proofs.claims.latex_items import Item, Sum, parsed
from proofs.claims.latex_matrices import matrix
from proofs.claims.latex_names import Names
from proofs.claims.latex_scripts import scripts_of
from proofs.claims.latex_slopes import fraction, gradient, slope
from proofs.claims.latex_text import bare, place_of
from symbolic.errors import FormulaError

BOUND: Final = re.compile(r"([A-Za-z])(?:=(.+))?")


@dataclass(frozen=True, slots=True)
class Reading:
    """What a text may mean; `words` say how operations bind, "" where there is nothing to choose."""

    words: str
    claims: tuple[Claim, ...]


def readings(latex: str, given: Given) -> tuple[Reading, ...]:
    r"""Every reading of the equations of a LaTeX text. Raises FormulaError at the character where it is none.

    >>> from proofs.claims.given import given
    >>> context = given(sizes={"n": False}, arrays={"W": "n, n", "x": "n", "v": "n"})
    >>> [reading.words for reading in readings(r"v = W^T x \circ v", context)]
    ['products before ∘ and ⊗', '∘ and ⊗ before products']
    """
    sides, ranges = parsed(latex)
    choices = [WORDS[field.name] for field in fields(Binding)]
    made: dict[Binding, tuple[Claim, ...]] = {}
    for chosen in product(*choices):
        binding = Binding(*chosen)  # type: ignore[arg-type]  # the rows of WORDS are its literals
        reader = Reader(Names(latex, given), binding)
        formulas = [reader.sum(side) for side in sides]
        made[binding] = tuple(Claim(left, right, ranges, latex) for left, right in pairwise(formulas))
    matters = [
        name
        for name, choice in WORDS.items()
        if any(made[b] != made[_with(b, name, next(iter(choice)))] for b in made)
    ]
    found: dict[tuple[Claim, ...], str] = {}
    for binding, claims in made.items():
        found.setdefault(claims, "; ".join(WORDS[name][getattr(binding, name)] for name in matters))
    return tuple(Reading(words, claims) for claims, words in found.items())


def _with(binding: Binding, name: str, choice: str) -> Binding:
    chosen = {field.name: getattr(binding, field.name) for field in fields(Binding)} | {name: choice}
    return Binding(**chosen)


@dataclass(frozen=True, slots=True)
class Reader:
    """Items as formulas, in one binding."""

    names: Names
    binding: Binding

    def sum(self, terms: Sum) -> Formula:
        """Signed terms; where sums go on beyond + and -, the rest belongs to the first that has one."""
        made: Formula | None = None
        for number, (sign, items) in enumerate(terms):
            ends = self.binding.total == "term" or not any(item.kind == "total" for item in items)
            term = self.term(items, () if ends else terms[number + 1 :])
            if made is None:
                made = Negative(term, at=term.at) if sign == "-" else term
            else:
                made = Binary(sign, made, term, at=items[0].at)  # type: ignore[arg-type]  # + or -
            if not ends:
                break
        assert made is not None, "a sum has a term"
        return made

    def term(self, items: Sequence[Item], after: Sum = ()) -> Formula:
        items = self.words(items)
        factors: list[tuple[Operator, Formula]] = []
        number, operator = 0, None
        while number < len(items):
            item = items[number]
            if item.kind == "operator":
                if operator is not None or not factors:
                    raise self.names.error(f"{item.text} has nothing on its left", item.at)
                operator, number = OPERATORS[item.text], number + 1
                continue
            factor, number = self.factor(items, number, after)
            factors.append((operator or "product", factor))
            operator = None
        if operator is not None:
            raise self.names.error(f"{items[-1].text} has nothing on its right", items[-1].at)
        return Joiner(self.names.given, self.binding).joined(factors)

    def words(self, items: Sequence[Item]) -> list[Item]:
        """Letters side by side that are one name which is given, such as MSE, put together."""
        known = self.names.known
        longest = max(map(len, known), default=1)
        made: list[Item] = []
        number = 0
        while number < len(items):
            length = 1
            for end in range(min(len(items), number + longest), number + 1, -1):
                run = items[number:end]
                plain = all(i.kind == "name" and len(i.text) == 1 for i in run)
                if plain and not any(i.scripts for i in run[:-1]) and "".join(i.text for i in run) in known:
                    length = end - number
                    break
            run = items[number : number + length]
            joined = replace(run[-1], text="".join(item.text for item in run), at=run[0].at)
            made.append(joined if length > 1 else run[0])
            number += length
        return made

    def factor(self, items: Sequence[Item], number: int, after: Sum = ()) -> tuple[Formula, int]:
        """The factor that begins at an item, and the number of the item behind it."""
        item, rest = items[number], items[number + 1 :]
        match item.kind:
            case "total":
                if not rest:
                    raise self.names.error("a sum has a body", item.at)
                body = self.sum((("+", tuple(rest)), *after)) if after else self.term(rest)
                return self._total(item, body), len(items)
            case "partial":
                return (gradient if item.scripts else slope)(self, items, number)
            case "nabla":
                return gradient(self, items, number)
            case "fraction":
                return fraction(self, items, number)
            case "kronecker":
                return self.names.indicator(item), number + 1
            case "dots":
                raise self.names.error("dots stand in a matrix only", item.at)
            case "bracket":
                return self.scripted(self._inner(item), item), number + 1
            case "matrix":
                return self.scripted(matrix(self, item), item), number + 1
            case "norm":
                return self._norm(item), number + 1
            case "absolute":
                return self.scripted(Call("abs", (self.sum(item.parts[0]),), at=item.at), item), number + 1
            case "inner":
                return Call("dot", tuple(map(self.sum, item.parts)), at=item.at), number + 1
            case "number":
                return self.scripted(Number(sp.Rational(item.text), at=item.at), item), number + 1
        if self._is_function(item):
            return self._call(items, number)
        found = self.reference(item)
        if rest and rest[0].kind == "bracket":
            whole = self.names.argument_of(found, rest[0])
            argument = whole != found or len(rest[0].parts) > 1 or self.binding.argument == "dropped"
            if whole is not None and argument:
                return whole, number + 2
        return found, number + 1

    def _norm(self, item: Item) -> Formula:
        """‖v‖ and ‖v‖²."""
        inside = self.sum(item.parts[0])
        square = Call("dot", (inside, inside), at=item.at)
        scripts = scripts_of(item, self.names.text)
        if scripts.below not in ("", "2", "F") or scripts.above not in ("", "2"):
            raise self.names.error("of norms, ‖v‖ and its square are read", item.at)
        return square if scripts.above else Call("sqrt", (square,), at=item.at)

    def _inner(self, item: Item) -> Formula:
        if len(item.parts) != 1:
            raise self.names.error("a bracket without a function before it holds one formula", item.at)
        return self.sum(item.parts[0])

    def _total(self, item: Item, body: Formula) -> Formula:
        below = [bare(script) for script, _ in item.scripts if script.startswith("_")]
        above = [bare(script) for script, _ in item.scripts if script.startswith("^")]
        names = below[0].split(",") if below else []
        for name in reversed(names):
            found = BOUND.fullmatch(name)
            if found is None or (found[2] and len(names) > 1):
                raise self.names.error(
                    "below a sum stands an index, or an index and where it begins", item.at
                )
            first = last = None
            if found[2] and above:
                try:
                    first, last = place_of(found[2]), place_of(above[0])
                except ValueError:
                    raise self.names.error(
                        "the ends of a sum are numbers, sizes or indices that are moved by a number", item.at
                    ) from None
            body = Total(body, found[1], first, last, at=item.at)
        if not names:
            raise self.names.error("a sum says over which index", item.at)
        return body

    def _is_function(self, item: Item) -> bool:
        special = item.text in ARRAYS | NUMBERS and item.kind == "word"
        return special or (item.text not in self.names.given.arrays and self.names.function(item) is not None)

    def _call(self, items: Sequence[Item], number: int) -> tuple[Formula, int]:
        """A function with its argument in brackets; for log and the like the next factor may be it."""
        item, rest = items[number], items[number + 1 :]
        scripts = scripts_of(item, self.names.text)
        function = self.names.function(item) or item.text
        bracket = bool(rest) and rest[0].kind == "bracket"
        if scripts.below or not (bracket or (rest and item.kind == "command")):
            raise self.names.error(
                f"{item.text} is a function; its argument stands in brackets behind it", item.at
            )
        if bracket:
            arguments, end = tuple(map(self.sum, rest[0].parts)), number + 2
        else:
            argument, end = self.factor(items, number + 1)
            arguments = (argument,)
            if end < len(items) and items[end].kind != "operator":
                raise self.names.error(f"what {item.text} is of is not plain; put it in brackets", item.at)
        layer = self.names.at(scripts.layer or scripts.above, item)
        made: Formula = Call(function + "'" * scripts.primes, arguments, layer, at=item.at)
        made = self.scripted(made, rest[0]) if bracket else made
        return Transpose(made, at=item.at) if scripts.transposed else made, end

    def reference(self, item: Item) -> Formula:
        """A name with what stands above and below it."""
        scripts = scripts_of(item, self.names.text)
        if item.text == "e" and scripts.above and "e" not in self.names.known:
            return Call("exp", (self.sum(self.within(scripts.above, item)),), at=item.at)
        named = self.names.named(item)
        return named.turned(self._power(named.formula, named.power, item) if named.power else named.formula)

    def scripted(self, made: Formula, item: Item) -> Formula:
        """A bracket or a number with what stands above it, and with indices: (W a)_j."""
        scripts = scripts_of(item, self.names.text)
        if scripts.layer or scripts.primes or (scripts.below and item.kind == "number"):
            raise self.names.error("only names have layers and slopes", item.at)
        made = Transpose(made, at=item.at) if scripts.transposed else made
        places = self.names.places(scripts.below, item, 2)
        if len(places) > 2 or any(place.name is None or place.offset for place in places):
            raise self.names.error("an index of a bracket is a name, as in (W a)_j", item.at)
        for function, place in zip(("row", "col")[: len(places)][::-1], places[::-1], strict=True):
            made = Call(function, (made, Reference(str(place.name), at=item.at)), at=item.at)
        return self._power(made, scripts.above, item) if scripts.above else made

    def _power(self, made: Formula, exponent: str, item: Item) -> Formula:
        return Power(made, self.sum(self.within(exponent, item)), at=item.at)

    def within(self, script: str, item: Item) -> Sum:
        """What a script says where it is a formula."""
        try:
            (side, _), _ = parsed(f"{script}=0")
        except (FormulaError, ValueError):
            raise self.names.error(f"{script!r} is no formula", item.at) from None
        return side
