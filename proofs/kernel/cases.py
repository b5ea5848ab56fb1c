"""Case distinctions: two sides with `Piecewise` in them, cell by cell, until none is left.

The conditions ask for the signs of polynomials, and these for the cells in which polynomials ℓ lie (see
`signs`). One ℓ after the other is put in each of its cells. At a point, ℓ = r eliminates a symbol that
occurs linearly in ℓ; where there is none, the point is left out, and the statement is off that kink. Cells
of different ℓ that do not meet by exact linear arithmetic (see `affine`) are left out; where that is not
seen, a proof covers them too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import sympy as sp
from sympy.core.relational import Relational

from proofs.kernel.affine import exclude_each_other
from proofs.kernel.polynomials import Expr, Quotient
from proofs.kernel.reading import Assumption, Reader
from proofs.kernel.signs import COMPARE, Cell, Cells, Sign, cell_of, cell_text, inside, sign_of, split


@dataclass(frozen=True, slots=True)
class Case:
    """Two sides where each ℓ lies in a cell of its own; `values` are symbols chosen to lie there."""

    left: Expr
    right: Expr
    conditions: tuple[tuple[Quotient, Cell], ...] = ()
    values: tuple[tuple[Expr, Expr], ...] = ()
    cells: Cells = field(default_factory=dict)

    def __str__(self) -> str:
        return ", ".join(cell_text(line, cell) for line, cell in self.conditions)

    def put(self, values: Mapping[Any, Expr]) -> Case:
        return replace(self, left=self.left.xreplace(values), right=self.right.xreplace(values))


@dataclass(frozen=True, slots=True)
class Solution:
    """ℓ is at a given place where `symbol` is `value`, if `slope`, its coefficient in ℓ, is not 0."""

    symbol: Expr
    value: Expr
    slope: Quotient


def holds(assumption: Assumption, case: Case) -> bool | None:
    """Whether an assumption holds in a case; None where its cells leave that open."""
    quotient = assumption.quotient
    sign = sign_of(quotient - quotient.ring.constant(assumption.bound)).within(case.cells)
    return None if sign is None else bool(COMPARE[assumption.relation](sign, 0))


class Cases:
    """Takes cases apart; what it reads on the way it reads once, and what that assumes the reader keeps."""

    def __init__(self, read: Reader) -> None:
        self.read = read
        self._signs: dict[Relational, Sign] = {}

    def cells(self, case: Case) -> Iterator[Case]:
        """Every cell of a case; a `Piecewise` that is left depends on the index of a sum."""
        signs = {condition: self._sign(condition) for condition in _conditions(case.left, case.right)}
        truths, factors = {}, []
        for condition, sign in signs.items():
            known = sign.within(case.cells)
            if known is None:
                factors += [factor for factor in sign.factors if factor.sign(case.cells) is None]
            else:
                truths[condition] = sp.true if COMPARE[condition.rel_op](known, 0) else sp.false
        if truths:
            yield from self.cells(case.put(truths))
        elif not factors:
            yield case
        else:
            line = factors[0].line
            thresholds = [factor.threshold for factor in factors if factor.line.key == line.key]
            for cell in split(cell_of(line, case.cells), thresholds):
                yield from self._in_cell(case, line, cell)

    def _sign(self, condition: Relational) -> Sign:
        if condition not in self._signs:
            self._signs[condition] = sign_of(self.read(condition.lhs - condition.rhs))
        return self._signs[condition]

    def _in_cell(self, case: Case, line: Quotient, cell: Cell) -> Iterator[Case]:
        """The cells of a case with ℓ in one: none where an assumption excludes it, or must."""
        low, high = cell
        solved = _solved(line, inside(cell))
        moved = replace(
            case, cells={**case.cells, line.key: cell}, conditions=(*case.conditions, (line, cell))
        )
        if solved is not None:
            moved = replace(moved, values=(*case.values, (solved.symbol, solved.value)))
        if any(holds(assumption, moved) is False for assumption in self.read.assumptions):
            return
        if exclude_each_other(moved.conditions):
            return
        if low < high:
            yield from self.cells(moved)
        elif solved is None:
            self.read.assume(line, "!=", low)
        else:
            if not solved.slope.nonzero:
                self.read.assume(solved.slope, "!=")
            yield from self.cells(moved.put({solved.symbol: solved.value}))


def _conditions(*sides: Expr) -> list[Relational]:
    """Each comparison that does not depend on the index of a sum; SymPy takes a `Piecewise` out of it."""
    found: dict[Relational, None] = {}
    bound: set[Expr] = set()
    seen: set[Expr] = set()
    stack = list(sides)
    while stack:
        node = stack.pop()
        if node in seen:
            continue
        seen.add(node)
        if isinstance(node, sp.Sum):
            bound |= {limit[0] for limit in node.limits}
        if isinstance(node, Relational):
            found[node] = None
        stack += node.args[::-1]
    return [condition for condition in found if not condition.free_symbols & bound]


def _solved(line: Quotient, at: sp.Rational) -> Solution | None:
    """By a symbol that occurs in ℓ linearly and alone, best with a coefficient that is not 0."""
    ring = line.ring
    parts = [(place, ring.collected(line.num, [place])) for place in _eliminable(line)]
    if not parts:
        return None
    place, terms = min(parts, key=lambda part: not ring.whole(part[1][1,]).nonzero)
    slope, rest = ring.whole(terms[1,]), ring.whole(terms.get((0,), ring.zero.num))
    symbol = ring.generators[place].symbol
    return Solution(symbol, ring.expression((ring.constant(at) - rest) / slope), slope)


def _eliminable(line: Quotient) -> list[int]:
    """Places of the symbols, other than whole numbers, that occur linearly and in no other generator of ℓ."""
    generators, degrees = line.ring.generators, line.num.degrees()
    occurring = line.ring.occurring(line.num)
    found = []
    for place in occurring:
        symbol = generators[place].symbol
        others = (generators[other].within for other in occurring if other != place)
        if symbol is None or symbol.is_integer or any(symbol in within for within in others):
            continue
        if degrees[place] == 1:
            found.append(place)
    return found
