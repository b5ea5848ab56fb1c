"""Whether affine conditions can hold together, by exact linear arithmetic (Fourier 1826, Motzkin 1936).

Each condition puts a polynomial ℓ without a constant term into a cell. Its monomials are taken as reals that
have nothing to do with one another, but for signs that are known: where even that leaves no point, the cells
do not meet. For linear ℓ in symbols the answer is exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import sympy as sp
from flint import fmpq

from proofs.kernel.polynomials import Monomial, Quotient
from proofs.kernel.signs import Cell, cell_of

MAX_ROWS: Final = 400  # beyond that nothing is said


@dataclass(frozen=True, slots=True)
class Row:
    """Σ coefficients · monomials + constant > 0, or ≥ 0."""

    coefficients: tuple[tuple[Monomial, Any], ...]
    constant: Any
    is_strict: bool

    def plus(self, other: Row, times: Any) -> Row:
        total = dict(self.coefficients)
        for monomial, coefficient in other.coefficients:
            total[monomial] = total.get(monomial, fmpq(0)) + times * coefficient
        kept = tuple(sorted((monomial, value) for monomial, value in total.items() if value != 0))
        return Row(kept, self.constant + times * other.constant, self.is_strict or other.is_strict)

    @property
    def fails(self) -> bool:
        """Whether it is a false statement about numbers."""
        return not self.coefficients and (self.constant < 0 or (self.is_strict and self.constant == 0))


def exclude_each_other(conditions: Sequence[tuple[Quotient, Cell]]) -> bool:
    """Whether no point lies in all of the cells; False where that is not seen."""
    powers = [
        line.ring.whole(line.ring.context.from_dict({monomial: 1}))
        for line, _ in conditions
        for monomial in line.num.monoms()
    ]
    known = (*conditions, *((power, cell_of(power, {})) for power in powers))
    rows = {row for line, cell in known for row in _rows(line, cell)}
    for monomial in sorted({monomial for row in rows for monomial, _ in row.coefficients}):
        rows = _without(rows, monomial)
        if any(row.fails for row in rows):
            return True
        if len(rows) > MAX_ROWS:
            return False
    return False


def _rows(line: Quotient, cell: Cell) -> list[Row]:
    """low < ℓ < high, or ℓ = low as two inequalities."""
    low, high = cell
    above = tuple(sorted((tuple(map(int, monomial)), value) for monomial, value in line.num.terms()))
    below = tuple((monomial, -value) for monomial, value in above)
    found = []
    if low != -sp.oo:
        found.append(Row(above, fmpq(-low.p, low.q), low != high))
    if high != sp.oo:
        found.append(Row(below, fmpq(high.p, high.q), low != high))
    return found


def _without(rows: set[Row], monomial: Monomial) -> set[Row]:
    """What the rows say about the other monomials."""
    signs = {row: dict(row.coefficients).get(monomial, fmpq(0)) for row in rows}
    kept = {row for row, sign in signs.items() if sign == 0}
    lower = [(row, sign) for row, sign in signs.items() if sign > 0]
    upper = [(row, sign) for row, sign in signs.items() if sign < 0]
    return kept | {up.plus(low, -sign / slope) for up, sign in upper for low, slope in lower}
