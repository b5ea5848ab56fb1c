"""A sum that stays as it is written."""

from __future__ import annotations

from typing import Any

import sympy as sp


class PlainSum(sp.Sum):  # type: ignore[misc]  # SymPy has no type information
    """Σ over limits; a sum of a sum is one over both indices.

    SymPy's own brings every `Piecewise` in it to the top: that may take minutes, and from a sum within it
    leaves an index free.
    """

    def __new__(cls, summand: Any, *limits: Any) -> Any:
        """The sum as given; that of 0 is 0."""
        if summand == 0:
            return sp.S.Zero
        if isinstance(summand, PlainSum):
            summand, limits = summand.function, (*summand.limits, *limits)
        made = sp.Expr.__new__(cls, summand, *(sp.Tuple(*limit) for limit in limits))
        made.is_commutative = True
        return made
