"""What a row of the table of activations holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import sympy as sp

from symbolic.grammar.formula import parse_scalar

Z: Final = sp.Symbol("z", real=True)


@dataclass(frozen=True, slots=True)
class Root:
    """A constant of stable lines: where `equation` (a formula in z) vanishes, near `start`.

    In floating point it is two numbers, the nearest float and the rest; in exact arithmetic the rest is 0.
    """

    name: str
    equation: str
    start: float

    @property
    def rest(self) -> str:
        return f"{self.name}_rest"

    def floats(self) -> tuple[float, float]:
        """The nearest float and what it misses, so that their sum holds 32 digits."""
        exact = sp.nsolve(parse_scalar(self.equation, names=("z",)), Z, self.start, prec=50)
        return float(exact), float(exact - sp.Float(float(exact), 50))


@dataclass(frozen=True, slots=True)
class ActivationRow:
    """One named activation; `alpha` is the default of its parameter, if it has one.

    `kinks` are the points where the slope jumps; `slope_by_value` writes the slope in the value a; `logs` are
    stable forms of log a and, for a probability, of log(1-a), for losses that take these; `roots` are the
    constants that stable lines name, each with the equation it solves and a starting point.

    `forms` of the value, `slope_forms` and `log_forms` (of log a) are what people write besides the
    definition: in z, slopes in z and a; those of softmax are of unit i, in the array Z and any real s.
    """

    name: str
    definition: str
    stable: tuple[str, ...] = ()
    alpha: sp.Rational | None = None
    kinks: tuple[int, ...] = ()
    slope_by_value: str | None = None
    logs: tuple[str, ...] = ()
    roots: tuple[Root, ...] = ()
    layer: str = "elementwise"
    is_probability: bool = False
    is_positive: bool = False
    forms: tuple[str, ...] = ()
    slope_forms: tuple[str, ...] = ()
    log_forms: tuple[str, ...] = ()

    @property
    def has_logs(self) -> bool:
        return bool(self.logs) or self.layer == "softmax"
