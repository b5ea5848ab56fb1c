"""How tightly operations between factors bind: every choice a reader may make, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from proofs.claims.formula import Binary, Call, Formula
from proofs.claims.given import Given
from proofs.claims.kinds import is_number

Operator: TypeAlias = Literal["product", "dot", "entries", "outer", "over"]
OPERATORS: Final[dict[str, Operator]] = {
    r"\cdot": "dot",
    "·": "dot",
    r"\times": "product",
    "*": "product",
    r"\odot": "entries",
    r"\circ": "entries",
    r"\bullet": "entries",
    "⊙": "entries",
    "∘": "entries",
    r"\otimes": "outer",
    "⊗": "outer",
    "/": "over",
}


@dataclass(frozen=True, slots=True)
class Binding:
    """How tightly operations bind: one choice in each field, the usual one first."""

    entries: Literal["last", "first", "left"] = "last"
    dot: Literal["product", "inner"] = "product"
    total: Literal["term", "end"] = "term"
    over: Literal["next", "rest"] = "next"
    argument: Literal["dropped", "factor"] = "dropped"


WORDS: Final[dict[str, dict[str, str]]] = {
    "entries": {
        "last": "products before ∘ and ⊗",
        "first": "∘ and ⊗ before products",
        "left": "products, ∘ and ⊗ from left to right",
    },
    "dot": {"product": "· is the product", "inner": "· is the inner product"},
    "total": {"term": "a sum ends before + and -", "end": "a sum goes on beyond + and -"},
    "over": {"next": "/ divides by the next factor", "rest": "/ divides by all that follows"},
    "argument": {"dropped": "E(w) is E, as it depends on w", "factor": "E(w) is a product"},
}


@dataclass(frozen=True, slots=True)
class Joiner:
    """Puts factors together, in one binding."""

    given: Given
    binding: Binding

    def joined(self, factors: list[tuple[Operator, Formula]]) -> Formula:
        """Factors, each with the operation before it, in the order in which operations bind."""
        slashes = [number for number, (operator, _) in enumerate(factors) if operator == "over"]
        if slashes and self.binding.over == "rest":
            first = slashes[0]
            right = self.joined([("product", factors[first][1]), *factors[first + 1 :]])
            return Binary("/", self.joined(factors[:first]), right, at=factors[first][1].at)
        divided: list[tuple[Operator, Formula]] = []
        for operator, factor in factors:
            if operator == "over":
                before, left = divided.pop()
                divided.append((before, Binary("/", left, factor, at=factor.at)))
            else:
                divided.append((operator, factor))
        return self._inner_product(divided)

    def _inner_product(self, factors: list[tuple[Operator, Formula]]) -> Formula:
        dots = [number for number, (operator, _) in enumerate(factors) if operator == "dot"]
        if self.binding.dot == "inner" and len(dots) == 1:
            left = self._products(factors[: dots[0]])
            right = self._products([("product", factors[dots[0]][1]), *factors[dots[0] + 1 :]])
            if not is_number(left, self.given) and not is_number(right, self.given):
                return Call("dot", (left, right), at=right.at)
        return self._products(factors)

    def _products(self, factors: list[tuple[Operator, Formula]]) -> Formula:
        weak = {"last": ("entries", "outer"), "first": ("product", "dot"), "left": ()}[self.binding.entries]
        parts: list[tuple[Operator, Formula]] = []
        for operator, factor in factors:
            if not parts or operator in weak:
                parts.append((operator, factor))
            else:
                before, left = parts[-1]
                parts[-1] = (before, self._join(operator, left, factor))
        (_, made), *rest = parts
        for operator, factor in rest:
            made = self._join(operator, made, factor)
        return made

    def _join(self, operator: Operator, left: Formula, right: Formula) -> Formula:
        if operator == "outer":
            return Call("outer", (left, right), at=left.at)
        numbers = is_number(left, self.given) or is_number(right, self.given)
        return Binary("*" if operator == "entries" or numbers else "@", left, right, at=right.at)
