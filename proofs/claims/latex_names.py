r"""Names in LaTeX with what stands above and below them, as references to what is given.

W_{jk}^l, W_{jk}^{[l]}    W[l][j,k]        x^2           a power, where x is not one for each layer
x_j^{(i)}, x^{(i)}        x[j,i], col(x, i), where x has an axis more than indices: the sample i
y_k(x_m), E(w)            y[k,m], where y has an axis more; E, which depends on w
I_{jk}, \delta_{jk}       delta(j, k), where nothing of this name is given
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final

from proofs.claims.formula import Call, Formula, Place, Reference, Transpose
from proofs.claims.given import Given
from proofs.claims.latex_items import Item, Sum
from proofs.claims.latex_scripts import Scripts, scripts_of
from proofs.claims.latex_text import LAYERED_SIZE, made_place, place_of
from symbolic.errors import FormulaError
from symbolic.grammar.functions import FUNCTIONS

ENTRY: Final = re.compile(r"(\\[A-Za-z]+|[A-Za-zα-ωΑ-Ω]|[0-9]+)(?:([-+])([0-9]+))?")
KRONECKER: Final = re.compile(r"\\?([A-Za-z0-9]+)=\\?([A-Za-z0-9]+)")
ALIASES: Final = {"ln": "log", "arctan": "atan"}


@dataclass(frozen=True, slots=True)
class Named:
    """A name with its layer and indices, and the power that it is to, as text."""

    formula: Formula
    power: str = ""
    transposed: bool = False

    def turned(self, formula: Formula) -> Formula:
        """A formula, transposed where that is said."""
        return Transpose(formula, at=formula.at) if self.transposed else formula


@dataclass(frozen=True, slots=True)
class Names:
    """Reads names of a text about what is given."""

    text: str
    given: Given

    def error(self, problem: str, at: int) -> FormulaError:
        return FormulaError(problem, self.text, at)

    @property
    def known(self) -> frozenset[str]:
        """Everything that is given."""
        given = self.given
        return frozenset({*given.arrays, *given.functions, *given.constants, *given.sizes})

    def function(self, item: Item) -> str | None:
        """The function that an item is; None where it is something else."""
        if item.text in self.given.functions:
            return item.text
        name = ALIASES.get(item.text, item.text)
        return name if name in FUNCTIONS and item.text not in self.known else None

    def named(self, item: Item) -> Named:
        """What a name with its scripts refers to. Raises FormulaError."""
        scripts = scripts_of(item, self.text)
        name = self._name(item) + "'" * scripts.primes
        longer = f"{name}_{scripts.below}"
        if scripts.below and longer in self.given.arrays:
            scripts, name = replace(scripts, below=""), longer
        array = self.given.arrays.get(name)
        kronecker = self._kronecker(name, scripts, item)
        if kronecker is not None:
            return Named(kronecker)
        layer, power, sample = scripts.layer, scripts.above, scripts.sample
        if array is not None and array.layers is not None and not layer:
            layer, power = power, ""
        elif array is not None and array.layers is None and layer:
            layer, sample = "", layer
        places = self.places(scripts.below, item, len(array.axes) if array else 2)
        above = self.at(layer, item)
        group: tuple[Place, ...] = () if above is None else (above,)
        if array is not None and array.layers is not None and not layer and places:
            group, places = places[:1], places[1:]
        reference = Reference(name, tuple(filter(None, (group, places))), at=item.at)
        formula = self._of_sample(reference, sample, item)
        return Named(formula, power, scripts.transposed)

    def _name(self, item: Item) -> str:
        r"""The name of an item; `\mathcal E` is E where no Ecal is given."""
        plain = item.text.removesuffix("cal")
        if item.text not in self.known and plain in self.known:
            return plain
        if item.text.isdigit():
            raise self.error("a column of ones is written \\mathrm{ones}(m), with its size", item.at)
        if item.kind == "command" and item.text not in self.known:
            raise self.error(f"\\{item.text} is not read here, nor is it a name that is given", item.at)
        return item.text

    def _of_sample(self, reference: Reference, sample: str, item: Item) -> Formula:
        """What a reference is where a sample stands above it."""
        place = self.at(sample, item)
        if place is None:
            return reference
        found = self._sampled(reference, place)
        if found is None:
            raise self.error(
                f"{reference.name} is not one for each layer, and has no axis for a sample {sample}", item.at
            )
        return found

    def _sampled(self, reference: Reference, place: Place) -> Formula | None:
        """The entry of one sample where an index is missing, the column where both are."""
        array = self.given.arrays.get(reference.name)
        if array is None:
            return None
        head = reference.groups[:1] if array.layers is not None else ()
        places = next(iter(reference.groups[len(head) :]), ())
        if len(array.axes) == len(places) + 1:
            return replace(reference, groups=(*head, (*places, place)))
        if len(array.axes) == 2 and not places:
            return Call("col", (reference, Reference(str(place), at=reference.at)), at=reference.at)
        return None

    def argument_of(self, named: Formula, bracket: Item) -> Formula | None:
        r"""An array with what it depends on in brackets: y_k(x_m, w) is an entry for the sample m. None where
        something else stands in the brackets.
        """
        if not isinstance(named, Reference) or named.name not in self.given.arrays or bracket.scripts:
            return None
        if not all(map(self._is_array, bracket.parts)):
            return None
        items = [part[0][1][0] for part in bracket.parts]
        indexed = [item for item in items if item.scripts]
        if not indexed:
            return named
        place = self.at(scripts_of(indexed[0], self.text).below, bracket)
        return self._sampled(named, place) if place is not None and len(indexed) == 1 else None

    def _is_array(self, part: Sum) -> bool:
        (sign, items), *others = part
        plain = not others and sign == "+" and len(items) == 1 and items[0].kind in ("name", "word")
        return plain and items[0].text in self.given.arrays

    def _kronecker(self, name: str, scripts: Scripts, item: Item) -> Formula | None:
        taken = self.given.arrays if name == "delta" else self.known
        if name not in ("delta", "I") or name in taken or not scripts.below:
            return None
        places = self.places(scripts.below, item, 2)
        if len(places) != 2 or not all(place.name and not place.offset for place in places):
            return None
        return Call("delta", tuple(Reference(str(p.name), at=item.at) for p in places), at=item.at)

    def indicator(self, item: Item) -> Formula:
        r"""`\mathbb{1}[i = j]`."""
        found = KRONECKER.search(re.sub(r"\s", "", item.text))
        assert found, "the grammar says so"
        return Call("delta", tuple(Reference(name, at=item.at) for name in found.groups()), at=item.at)

    def places(self, below: str, item: Item, axes: int) -> tuple[Place, ...]:
        """Indices: `ij`, `i,j`, `k+1`; digits without commas are one index each where there are two axes."""
        found: list[Place] = []
        below = below[1:-1] if re.fullmatch(r"[\[(][^()\[\]]*[\])]", below) else below
        for part in below.split(",") if below else []:
            if "," in below or len(part) == 1 or self._is_size(part):
                pieces = [self.at(part, item)]
            else:
                split = list(ENTRY.finditer(part))
                if "".join(each[0] for each in split) != part:
                    raise self.error(f"{part!r} is no index", item.at)
                pieces = []
                for each in split:
                    digits = each[1].isdigit() and len(each[1]) == axes == 2 and not each[2]
                    pieces += (
                        [Place(None, int(d)) for d in each[1]] if digits else [made_place(*each.groups())]
                    )
            found += [place for place in pieces if place is not None]
        return tuple(found)

    def _is_size(self, part: str) -> bool:
        """Whether a part of an index is the size of a layer, as n_l."""
        found = LAYERED_SIZE.fullmatch(part)
        return found is not None and self.given.sizes.get(found[1], False)

    def at(self, text: str, item: Item) -> Place | None:
        """A layer or an index; None where nothing is written."""
        if not text:
            return None
        try:
            return place_of(text)
        except ValueError:
            raise self.error(
                f"{text!r} is no layer, index or power; these are l, l+1 or 3", item.at
            ) from None
