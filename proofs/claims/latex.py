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
    Partial,
    Place,
    Power,
    Reference,
    Total,
    Transpose,
)
from proofs.claims.given import Given
from proofs.claims.kinds import ARRAYS, NUMBERS
from proofs.claims.latex_binding import OPERATORS, WORDS, Binding, Joiner, Operator
from proofs.claims.latex_items import FULL_PLACE, Item, Sum, bare, made_place, parsed, place_of
from proofs.claims.latex_scripts import scripts_of
from symbolic.errors import FormulaError
from symbolic.grammar.functions import FUNCTIONS

BOUND: Final = re.compile(r"([A-Za-z])(?:=(.+))?")
ENTRY: Final = re.compile(r"(\\[A-Za-z]+|[A-Za-zα-ωΑ-Ω]|[0-9]+)(?:([-+])([0-9]+))?")


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
        reader = _Reader(latex, given, binding)
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
class _Reader:
    """Items as formulas, in one binding."""

    text: str
    given: Given
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
        items = self._words(items)
        factors: list[tuple[Operator, Formula]] = []
        number, operator = 0, None
        while number < len(items):
            item = items[number]
            if item.kind == "operator":
                if operator is not None or not factors:
                    raise self._error(f"{item.text} has nothing on its left", item.at)
                operator, number = OPERATORS[item.text], number + 1
                continue
            factor, number = self._factor(items, number, after)
            factors.append((operator or "product", factor))
            operator = None
        if operator is not None:
            raise self._error(f"{items[-1].text} has nothing on its right", items[-1].at)
        return Joiner(self.given, self.binding).joined(factors)

    def _words(self, items: Sequence[Item]) -> list[Item]:
        """Letters side by side that are one name which is given, such as MSE, put together."""
        known = {*self.given.arrays, *self.given.functions, *self.given.constants, *self.given.sizes}
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

    def _factor(self, items: Sequence[Item], number: int, after: Sum) -> tuple[Formula, int]:
        """The factor that begins at an item, and the number of the item behind it."""
        item, rest = items[number], items[number + 1 :]
        match item.kind:
            case "total":
                if not rest:
                    raise self._error("a sum has a body", item.at)
                body = self.sum((("+", tuple(rest)), *after)) if after else self.term(rest)
                return self._total(item, body), len(items)
            case "partial":
                return self._slope(items, number)
            case "nabla":
                by = self._by_script(item)
                of, end = self._factor(items, number + 1, ()) if rest else (None, 0)
                if of is None:
                    raise self._error("∇ stands before what it is the slope of", item.at)
                return Partial(of, by, at=item.at), end
            case "fraction":
                return self._fraction(items, number)
            case "bracket":
                return self._scripted(self._inner(item), item), number + 1
            case "number":
                return self._scripted(Number(sp.Rational(item.text), at=item.at), item), number + 1
        if self._is_function(item):
            return self._call(item, rest), number + 2
        return self._reference(item), number + 1

    def _inner(self, item: Item) -> Formula:
        if len(item.parts) != 1:
            raise self._error("a bracket without a function before it holds one formula", item.at)
        return self.sum(item.parts[0])

    def _total(self, item: Item, body: Formula) -> Formula:
        below = [bare(script) for script, _ in item.scripts if script.startswith("_")]
        above = [bare(script) for script, _ in item.scripts if script.startswith("^")]
        names = below[0].split(",") if below else []
        for name in reversed(names):
            found = BOUND.fullmatch(name)
            if found is None or (found[2] and len(names) > 1):
                raise self._error("below a sum stands an index, or an index and where it begins", item.at)
            first = last = None
            if found[2] and above:
                try:
                    first, last = place_of(found[2]), place_of(above[0])
                except ValueError:
                    raise self._error(
                        "the ends of a sum are numbers, sizes or indices that are moved by a number", item.at
                    ) from None
            body = Total(body, found[1], first, last, at=item.at)
        if not names:
            raise self._error("a sum says over which index", item.at)
        return body

    def _slope(self, items: Sequence[Item], number: int) -> tuple[Formula, int]:
        r"""`\partial E/\partial w`."""
        at = items[number].at
        kinds = [item.kind if item.kind != "operator" else item.text for item in items[number : number + 5]]
        if len(kinds) < 5 or kinds[2:4] != ["/", "partial"]:
            raise self._error(
                r"\partial stands in \frac{\partial …}{\partial …} or \partial …/\partial …", at
            )
        of, _ = self._factor(items[: number + 2], number + 1, ())
        return Partial(of, self._by(items[number + 4]), at=at), number + 5

    def _fraction(self, items: Sequence[Item], number: int) -> tuple[Formula, int]:
        item = items[number]
        above, below = (self._words(part[0][1]) if len(part) == 1 else [] for part in item.parts)
        if not below or below[0].kind != "partial":
            made = Binary("/", *(self.sum(part) for part in item.parts), at=item.at)
            return self._scripted(made, item), number + 1
        if len(below) != 2 or not above or above[0].kind != "partial":
            raise self._error(r"a slope is \frac{\partial …}{\partial …}", item.at)
        by = self._by(below[1])
        if len(above) > 1:
            return Partial(self.term(above[1:]), by, at=item.at), number + 1
        rest = items[number + 1 :]
        if not rest:
            raise self._error("this stands before what it is the slope of", item.at)
        if rest[0].kind == "bracket":
            return Partial(self._scripted(self._inner(rest[0]), rest[0]), by, at=item.at), number + 2
        return Partial(self.term(rest), by, at=item.at), len(items)

    def _by(self, item: Item) -> Reference:
        by = self._reference(item) if item.kind in ("name", "word") else None
        if not isinstance(by, Reference):
            raise self._error("a slope is by a quantity with a name", item.at)
        return by

    def _by_script(self, item: Item) -> Reference:
        r"""The W of `\nabla_{W^l}`."""
        if len(item.scripts) != 1:
            raise self._error(r"\nabla says by what: \nabla_{W}", item.at)
        script, at = item.scripts[0]
        side = self._within(bare(script), item)
        if len(side) != 1 or len(side[0][1]) != 1:
            raise self._error("a slope is by a quantity with a name", at)
        return replace(self._by(side[0][1][0]), at=at)

    def _is_function(self, item: Item) -> bool:
        if item.text in ARRAYS | NUMBERS and item.kind == "word":
            return True
        known = item.text in self.given.functions or item.text in FUNCTIONS
        return known and item.text not in self.given.arrays

    def _call(self, item: Item, rest: Sequence[Item]) -> Formula:
        scripts = scripts_of(item, self.text)
        if not rest or rest[0].kind != "bracket" or scripts.below:
            raise self._error(
                f"{item.text} is a function; its argument stands in brackets behind it", item.at
            )
        arguments = tuple(map(self.sum, rest[0].parts))
        layer = self._at(scripts.layer or scripts.above, item)
        made: Formula = Call(item.text + "'" * scripts.primes, arguments, layer, at=item.at)
        made = self._scripted(made, rest[0])
        return Transpose(made, at=item.at) if scripts.transposed else made

    def _is_kronecker(self, item: Item) -> bool:
        return item.text == "delta" and any(script.startswith("_") for script, _ in item.scripts)

    def _reference(self, item: Item) -> Formula:
        scripts, name = scripts_of(item, self.text), item.text + "'" * scripts_of(item, self.text).primes
        longer = f"{name}_{scripts.below}"
        if longer in self.given.arrays:
            scripts, name = replace(scripts, below=""), longer
        array = self.given.arrays.get(name)
        if name == "e" and scripts.above and array is None and name not in self.given.constants:
            return Call("exp", (self.sum(self._within(scripts.above, item)),), at=item.at)
        if array is None and self._is_kronecker(item):
            places = self._places(scripts.below, item, 2)
            if len(places) == 2 and all(place.name and not place.offset for place in places):
                indices = tuple(Reference(str(place.name), at=item.at) for place in places)
                return Call("delta", indices, at=item.at)
        layer, power = scripts.layer, scripts.above
        if array is not None and array.layers is not None and not layer:
            layer, power = power, ""
        places = self._places(scripts.below, item, len(array.axes) if array else 2)
        above = self._at(layer, item)
        group: tuple[Place, ...] = () if above is None else (above,)
        if array is not None and array.layers is not None and not layer and places:
            group, places = places[:1], places[1:]
        groups = tuple(each for each in (group, places) if each)
        made: Formula = Reference(name, groups, at=item.at)
        if power:
            made = self._power(made, power, item)
        return Transpose(made, at=item.at) if scripts.transposed else made

    def _scripted(self, made: Formula, item: Item) -> Formula:
        """A bracket or a number with what stands above it."""
        scripts = scripts_of(item, self.text)
        if scripts.below or scripts.layer or scripts.primes:
            raise self._error("only names have indices, layers and slopes", item.at)
        if scripts.above:
            made = self._power(made, scripts.above, item)
        return Transpose(made, at=item.at) if scripts.transposed else made

    def _power(self, made: Formula, exponent: str, item: Item) -> Formula:
        return Power(made, self.sum(self._within(exponent, item)), at=item.at)

    def _within(self, script: str, item: Item) -> Sum:
        """What a script says where it is a formula."""
        try:
            (side, _), _ = parsed(f"{script}=0")
        except (FormulaError, ValueError):
            raise self._error(f"{script!r} is no formula", item.at) from None
        return side

    def _places(self, below: str, item: Item, axes: int) -> tuple[Place, ...]:
        """Indices: `ij`, `i,j`, `k+1`; digits without commas are one index each where there are two axes."""
        found: list[Place] = []
        for part in below.split(",") if below else []:
            if "," in below or (
                FULL_PLACE.fullmatch(part) and part.lstrip("\\").isidentifier() and len(part) == 1
            ):
                pieces = [self._at(part, item)]
            else:
                split = list(ENTRY.finditer(part))
                if "".join(each[0] for each in split) != part:
                    raise self._error(f"{part!r} is no index", item.at)
                pieces = []
                for each in split:
                    digits = each[1].isdigit() and len(each[1]) == axes == 2 and not each[2]
                    pieces += (
                        [Place(None, int(d)) for d in each[1]] if digits else [made_place(*each.groups())]
                    )
            found += [place for place in pieces if place is not None]
        return tuple(found)

    def _at(self, text: str, item: Item) -> Place | None:
        if not text:
            return None
        try:
            return place_of(text)
        except ValueError:
            raise self._error(
                f"{text!r} is no layer, index or power; these are l, l+1 or 3", item.at
            ) from None

    def _error(self, problem: str, at: int) -> FormulaError:
        return FormulaError(problem, self.text, at)
