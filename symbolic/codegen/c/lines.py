"""Lines of C, and where arrays lie: what the writers of loops share."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import sympy as sp

from symbolic.codegen.c.scalar import ADD, MUL, Source, bracket
from symbolic.expressions import Expr
from symbolic.losses import SAMPLES

MANY: Final = 10**6  # stands for m where strides are compared


@dataclass(frozen=True, slots=True)
class Location:
    """Where an array lies: a name in C and, for each axis, how far apart neighbours are.

    `drops` is the axis that is left out, as its index is fixed. `kind` is "real", "whole" for arrays of int,
    "label" for one int that says which entry of a one-hot array is 1.
    """

    name: str
    shape: tuple[int | Expr, ...]
    strides: tuple[Expr, ...]
    drops: int | None = None
    kind: str = "real"


@dataclass(slots=True)
class Lines:
    """Lines of C, indented."""

    found: list[str] = field(default_factory=list)
    depth: int = 0

    def add(self, line: str) -> None:
        self.found.append(f"{'    ' * self.depth}{line}" if line else "")

    @property
    def words(self) -> set[str]:
        """The identifiers of the code, comments aside."""
        code = "\n".join(line for line in self.found if not line.lstrip().startswith("/*"))
        return set(re.findall(r"\b[A-Za-z_]\w*", code))

    @contextmanager
    def block(self, head: str = "") -> Iterator[None]:
        if head:
            self.add(head)
        self.add("{")
        self.depth += 1
        yield
        self.depth -= 1
        self.add("}")

    @contextmanager
    def nest(self, heads: Sequence[str]) -> Iterator[None]:
        """Blocks within blocks."""
        if not heads:
            yield
            return
        with self.block(heads[0]), self.nest(heads[1:]):
            yield


def loop(index: str, size: str) -> str:
    """The head of a loop from 0."""
    return f"for (size_t {index} = 0u; {index} < {size}; {index}++)"


def count(sizes: Sequence[int | Expr]) -> str:
    """How many entries arrays of this shape have."""
    total = sp.Mul(*sizes)
    number, rest = total.as_coeff_Mul()
    if rest == 1:
        return f"{int(number)}u"
    samples = " * ".join([SAMPLES.name] * int(sp.degree(rest, SAMPLES)))
    return samples if number == 1 else f"{int(number)}u * {samples}"


def all_of(conditions: Sequence[str]) -> str:
    """Conditions, all of which hold."""
    return conditions[0] if len(conditions) == 1 else " && ".join(f"({each})" for each in conditions)


def if_all(conditions: Sequence[str]) -> list[str]:
    """The head of a block for which conditions have to hold; none without conditions."""
    return [f"if ({all_of(conditions)})"] if conditions else []


def steps(stride: Expr) -> int:
    """How far apart neighbours are, as a number that strides are compared by."""
    return int((sp.S.Zero + stride).xreplace({SAMPLES: sp.Integer(MANY)}))


def offset(terms: Sequence[tuple[Source, Expr]]) -> str:
    """Σ position · stride, m factored out where every stride has it."""
    if not terms:
        return "0"
    if len(terms) > 1 and all(stride.has(SAMPLES) for _, stride in terms):
        return f"({offset([(source, stride / SAMPLES) for source, stride in terms])}) * m"
    parts = []
    for source, stride in terms:
        if stride == 1:
            parts.append(bracket(source, ADD))
        else:
            parts.append(f"{bracket(source, MUL)} * {count([stride])}")
    return " + ".join(parts)
