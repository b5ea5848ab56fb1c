"""Where positions lie: within an axis, in steps along it, or as numbers of several indices in mixed radix.

Indices and positions count from 0; `sizes` says how many values each index takes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any, TypeAlias

import sympy as sp

from symbolic.codegen.arrays.values import Axes
from symbolic.expressions import Expr
from symbolic.grammar.indices import Quotient, Remainder, is_index

Size: TypeAlias = int | Expr
Sizes: TypeAlias = Mapping[sp.Symbol, Size]


def taken_at(n: int, positions: Sequence[Expr], shape: Sequence[Size], sizes: Sizes) -> Any:
    """An index for a whole axis, the text of a slice or of one place, None where an array is needed."""
    position = positions[n]
    others = {symbol for place in (*positions[:n], *positions[n + 1 :]) for symbol in place.free_symbols}
    free = {symbol for symbol in position.free_symbols if is_index(symbol)}
    if is_index(position) and sizes[position] == shape[n]:
        return position if position not in others else None
    if position.atoms(sp.Indexed) or free & others or len(free) > 1:
        return None
    ends = _ends(position, sizes)
    if ends is None or not isinstance(shape[n], int) or not 0 <= ends[0] <= ends[1] < shape[n]:
        return None
    if not free:
        return str(ends[0])
    (index,) = free
    step = position.coeff(index)
    if not step.is_Integer or step < 1 or position != step * index + ends[0]:
        return None
    return f"{ends[0]}:{ends[1] + 1}" + f":{step}" * (step != 1)


def mixed_radix(positions: Sequence[Expr], shape: Sequence[Size], sizes: Sizes) -> Axes | None:
    """The indices whose numbers in mixed radix, in this order, the positions are: those of a reshape."""
    found: list[sp.Symbol] = []
    for position, size in zip(positions, shape, strict=True):
        if is_index(position) and sizes[position] == size:
            found.append(position)
            continue
        if not isinstance(size, int) or _ends(position, sizes) != (0, size - 1):
            return None
        weights = sorted(position.as_coefficients_dict().items(), key=lambda term: -term[1])
        expected = size
        for index, weight in weights:
            if not is_index(index) or weight * sizes[index] != expected:
                return None
            expected = weight
        if expected != 1:
            return None
        found += [index for index, _ in weights]
    return tuple(found) if len(set(found)) == len(found) else None


def is_inside(position: Expr, size: Size, sizes: Sizes) -> bool:
    """Whether a position is known to lie within an axis."""
    if is_index(position) and sizes[position] == size:
        return True
    ends = _ends(position, sizes) if not position.atoms(sp.Indexed) else None
    return ends is not None and isinstance(size, int) and ends[0] >= 0 and ends[1] < size


def _ends(position: Expr, sizes: Sizes) -> tuple[int, int] | None:
    """The least and the largest value of a position that is linear in indices, where sizes are known."""
    free = sorted((symbol for symbol in position.free_symbols), key=str)
    if any(not is_index(symbol) or not isinstance(sizes[symbol], int) for symbol in free):
        return None
    if position.atoms(Quotient, Remainder) or (free and sp.Poly(position, *free).total_degree() > 1):
        return None
    corners = product(*((0, int(sizes[symbol]) - 1) for symbol in free))
    values = [int(position.xreplace(dict(zip(free, map(sp.Integer, c), strict=True)))) for c in corners]
    return min(values), max(values)
