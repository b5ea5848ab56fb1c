"""Training steps: how a parameter changes, given its gradient.

A row says which arrays are kept beside the parameters (zero at first), which numbers are given, and the new
values in the order in which they are computed; each line reads what the lines before it have written. Every
line holds entry by entry.

Sources: momentum as in Polyak (1964) in the form of Sutskever et al. (2013) without their η before g; Adam:
Kingma and Ba (2015), algorithm 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import sympy as sp

from symbolic.expressions import Expr

W, G, STEP = sp.symbols("w g step", real=True)
ETA, MU, BETA1, BETA2, EPS = sp.symbols("eta mu beta1 beta2 eps", positive=True)
V, FIRST, SECOND = sp.symbols("v first second", real=True)


@dataclass(frozen=True, slots=True)
class Optimizer:
    """A row: `states` are kept from step to step, `settings` have defaults; `counts` where a formula reads
    `step`, the number of the step, from 1.
    """

    name: str
    text: str
    states: tuple[sp.Symbol, ...]
    settings: Mapping[sp.Symbol, sp.Rational]
    updates: tuple[tuple[sp.Symbol, Expr], ...]

    @property
    def counts(self) -> bool:
        return any(value.has(STEP) for _, value in self.updates)


OPTIMIZERS: Final[Mapping[str, Optimizer]] = {
    row.name: row
    for row in (
        Optimizer("sgd", "w := w − ηg", (), {ETA: sp.Rational(1, 10)}, ((W, W - ETA * G),)),
        Optimizer(
            "momentum",
            "v := μv + g;  w := w − ηv",
            (V,),
            {ETA: sp.Rational(1, 100), MU: sp.Rational(9, 10)},
            ((V, MU * V + G), (W, W - ETA * V)),
        ),
        Optimizer(
            "adam",
            "s := β₁s + (1 − β₁)g;  r := β₂r + (1 − β₂)g²;  w := w − η (s/(1 − β₁ⁿ)) / (√(r/(1 − β₂ⁿ)) + ε)",
            (FIRST, SECOND),
            {
                ETA: sp.Rational(1, 1000),
                BETA1: sp.Rational(9, 10),
                BETA2: sp.Rational(999, 1000),
                EPS: sp.Rational(1, 10**8),
            },
            (
                (FIRST, BETA1 * FIRST + (1 - BETA1) * G),
                (SECOND, BETA2 * SECOND + (1 - BETA2) * G**2),
                (
                    W,
                    W - ETA * FIRST / (1 - BETA1**STEP) / (sp.sqrt(SECOND / (1 - BETA2**STEP)) + EPS),
                ),
            ),
        ),
    )
}
