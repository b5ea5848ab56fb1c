"""A sum that stays as it is written."""

from __future__ import annotations

from typing import Any

import sympy as sp


class PlainSum(sp.Sum):  # type: ignore[misc]  # SymPy has no type information
    """Σ over limits; SymPy's own brings every `Piecewise` in it to the top, which may take minutes."""

    def __new__(cls, summand: Any, *limits: Any) -> PlainSum:
        made = sp.Expr.__new__(cls, summand, *(sp.Tuple(*limit) for limit in limits))
        made.is_commutative = True
        return made  # type: ignore[no-any-return]
