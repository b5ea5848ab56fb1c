"""Reverse mode over a tape: from the last row to the first, with v̄ = ∂E/∂v,

    v = f(…, u, …)   gives   ū += v̄ · ∂f/∂u,

each row once, so that E and its whole gradient take a small multiple of the operations of E (Baur and
Strassen 1983, The complexity of partial derivatives). Slopes of scalar functions are SymPy's.

A condition sends v̄ to the side that holds and 0 to the other. There 0 must stay 0 even if a slope is
infinite or nan, so a product with it goes inside: (v̄ where p else 0)·s is v̄·s where p else 0.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from functools import cache, partial
from typing import Final

import sympy as sp

from symbolic.activations import Z
from symbolic.closures import compiled
from symbolic.frame import Compiled, Frame
from symbolic.grammar.functions import FUNCTIONS
from symbolic.tape import LEAVES, RELATIONS, Row, Scalar, Tape, live

TOTAL: Final = frozenset({"+", "*", *RELATIONS, *LEAVES})


def derivatives(tape: Tape, value: int, leaves: Sequence[int]) -> list[int]:
    """The rows of ∂(value)/∂(leaf) for every leaf; it writes them on the tape."""
    back = _Reverse(tape, value, leaves)
    for number in range(value, -1, -1):
        if number in back.cotangents and tape.rows[number][0] != "input":
            back.send(number)
    return [back.summed(back.cotangents[leaf]) for leaf in leaves]


class _Reverse:
    """Contributions to the cotangent of every row that varies with a leaf."""

    def __init__(self, tape: Tape, value: int, leaves: Collection[int]) -> None:
        self.tape, self.rows = tape, tape.rows
        self.varies = _varying(tape.rows, leaves)
        self.fragile = _fragile(tape.rows, value)
        self.zero = tape.exact(sp.Integer(0))
        self.cotangents: dict[int, list[int]] = defaultdict(list)
        self.cotangents[value].append(tape.exact(sp.Integer(1)))

    def send(self, number: int) -> None:
        """Send a row's cotangent to the rows that it reads."""
        varies, cotangents = self.varies, self.cotangents
        row, cotangent = self.rows[number], self.summed(cotangents.pop(number))
        times = self._inside if number in self.fragile else self.tape.product
        match row:
            case ("*", x, y):
                if varies[x]:
                    cotangents[x].append(times(cotangent, y))
                if varies[y]:
                    cotangents[y].append(times(cotangent, x))
            case ("+", *terms):
                for term in terms:
                    if varies[term]:
                        cotangents[term].append(cotangent)
            case ("power", x, order):
                if varies[x]:
                    slope = self.tape.raised(x, self.tape.constants[order] - 1)
                    cotangents[x].append(times(times(cotangent, order), slope))
            case (relation, left, right, then, otherwise) if relation in RELATIONS:
                select = partial(self.tape.select, relation, left, right)
                if varies[then]:
                    cotangents[then].append(select(cotangent, self.zero))
                if varies[otherwise]:
                    cotangents[otherwise].append(select(self.zero, cotangent))
            case (name, *arguments):
                for place, argument in enumerate(arguments):
                    if varies[argument]:
                        slope = self._slope(name, place, arguments)
                        cotangents[argument].append(times(cotangent, slope))

    def _inside(self, cotangent: int, slope: int) -> int:
        """Their product, where cases of the cotangent that are 0 stay 0 whatever the slope."""
        row = self.rows[cotangent]
        if row[0] in RELATIONS:
            relation, left, right, *sides = row
            then, otherwise = (self._inside(side, slope) for side in sides)
            return self.tape.select(relation, left, right, then, otherwise)
        return self.tape.product(cotangent, slope)

    def _slope(self, name: str, place: int, arguments: list[int]) -> int:
        """The derivative of a function by one of its arguments."""
        if name in self.tape.functions:
            slot, orders = self.tape.functions[name]
            raised = tuple(order + (at == place) for at, order in enumerate(orders))
            return self.tape.applied(slot, raised, arguments)
        slope: Scalar = _slope_of(name)(Frame(self.tape, scalars={Z: Scalar(self.tape, arguments[0])}))
        return slope.number

    def summed(self, terms: Sequence[int]) -> int:
        """The row of a sum of contributions, those under one condition together."""
        if len(terms) == 1:
            return terms[0]
        cases: dict[Row, list[Row]] = defaultdict(list)
        plain = []
        for term in terms:
            row = self.rows[term]
            if row[0] in RELATIONS:
                cases[row[:3]].append(row[3:])
            else:
                plain.append(term)
        for condition, sides in cases.items():
            plain.append(self.tape.select(*condition, *map(self.summed, zip(*sides, strict=True))))
        return self.tape.total(plain)


@cache
def _slope_of(name: str) -> Compiled:
    """The slope of a function of the table."""
    return compiled(FUNCTIONS[name].build(Z).diff(Z))


def _varying(rows: Sequence[Row], leaves: Collection[int]) -> bytearray:
    """For each row whether it varies with a leaf."""
    varies = bytearray(len(rows))
    for leaf in leaves:
        varies[leaf] = 1
    for number, (_, *operands) in enumerate(rows):
        for operand in operands:
            if varies[operand]:
                varies[number] = 1
                break
    return varies


def _fragile(rows: Sequence[Row], value: int) -> frozenset[int]:
    """Rows that only a condition asks for, and that may have no value where it does not hold."""
    if RELATIONS.keys().isdisjoint(row[0] for row in rows):
        return frozenset()
    always = live(rows, [value], sides=False)
    found: set[int] = set()
    for number, (operation, *operands) in enumerate(rows):
        partial = operation not in TOTAL or not found.isdisjoint(operands)
        if partial and not always[number]:
            found.add(number)
    return frozenset(found)
