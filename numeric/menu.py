"""How far the formulas that people use for an activation and its slope may round, and how steep they are.

Each activation lists its forms (`symbolic.activation_rows`): σ as 1/(1 + e^-z), as e^z/(1 + e^z), as
(1 + tanh(z/2))/2; its slope as a(1 − a), a − a², e^-z/(1 + e^-z)². A bound that allows for one alone calls
the others wrong: 1 − a² has lost every digit of tanh' at z = 20, and is right. So the rounding is the largest
over all forms that are finite there, each bounded by running error analysis at an exact z; a form in which
1/∞ = 0 is off by what it then leaves out. It is tabulated once for each activation and precision, cell by
cell of width 1/64 for |z| ≤ 64; farther out every z is looked at by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np

from numeric.algebra import Array, Mask, Plain
from symbolic.activations import ALPHA, Activation
from symbolic.expressions import Expr
from symbolic.grammar.formula import parse_scalar

if TYPE_CHECKING:
    from numeric.envelope import Precision

REACH: Final = 64.0
CELLS: Final = 64  # per unit of z
CURVED: Final = 1.05  # the most that |g''| exceeds its mean over a cell by, and over those beside it
SHIFT: Final = 0.37  # of a cell: no kink lies on a point of the grid


@dataclass(frozen=True, slots=True, eq=False)
class Menu:
    """Bounds on rounding, and on the slope, for the cells of a grid; `kinks` make a slope jump."""

    source: Activation
    wanted: str
    precision: Precision
    roundings: Array
    slopes: Array
    kinks: tuple[float, ...]

    def rounding(self, z: Array) -> Array:
        """How far any form may be off at exact z."""
        return _looked_up(self.roundings, z, self._far_rounding)

    def steepness(self, z: Array, error: Array) -> Array:
        """A bound on the slope over [z − error, z + error]."""
        slopes = _looked_up(self.slopes, z, self._far_steepness)
        wide = error * CELLS > 1 / 4  # of a cell: the neighbours reach no farther
        if not wide.any():
            return slopes
        steepest = np.where(np.abs(z) <= REACH, np.max(self.slopes), np.inf)
        return np.where(wide, steepest, slopes)

    def _far_rounding(self, z: Array) -> Array:
        return _rounding(self.source, self.wanted, z, self.precision)

    def _far_steepness(self, z: Array) -> Array:
        around = z[:, None] + np.arange(-2, 3) / CELLS
        return np.asarray(_steepness(self.source, self.wanted, around).max(axis=-1))


def _looked_up(table: Array, z: Array, far: Callable[[Array], Array]) -> Array:
    """The table's entries, beyond its reach those of `far`; nothing is known of what is no number."""
    cell = np.floor((np.nan_to_num(np.clip(z, -REACH, REACH)) + REACH) * CELLS).astype(int) + 1
    found = np.asarray(table[np.clip(cell, 0, len(table) - 1)])
    outside = ~(np.abs(z) <= REACH)
    if outside.any():
        with np.errstate(all="ignore"):
            found = np.where(np.isfinite(z), found, np.inf)
            found[outside & np.isfinite(z)] = far(z[outside & np.isfinite(z)])
    return found


@cache
def menu(source: Activation, wanted: str, precision: Precision) -> Menu:
    """The table of an activation's value or slope. Raises Unsupported for an undefined g."""
    z = (np.arange(-1, 2 * REACH * CELLS + 2) + SHIFT) / CELLS - REACH
    with np.errstate(all="ignore"):
        roundings = _widest(_rounding(source, wanted, z, precision))
        slopes = _widest(_widest(_steepness(source, wanted, z)))  # an error reaches into the next cell
    kinks = tuple(float(kink) for kink in source.kinks) if wanted == "slope" else ()
    return Menu(source, wanted, precision, roundings, slopes, kinks)


def _widest(values: Array) -> Array:
    """The largest of each point and its two neighbours."""
    padded = np.pad(values, 1, mode="edge")
    return np.asarray(np.maximum(np.maximum(padded[:-2], padded[1:-1]), padded[2:]))


def _rounding(source: Activation, wanted: str, z: Array, precision: Precision) -> Array:
    """The largest error at these z among the forms that have a finite value; infinite if none has."""
    errors = np.array([np.broadcast_to(error, z.shape) for error in _errors(source, wanted, z, precision)])
    known = np.isfinite(errors)
    return np.where(known.any(axis=0), np.where(known, errors, 0.0).max(axis=0), np.inf)


def _errors(source: Activation, wanted: str, z: Array, precision: Precision) -> Iterator[Array]:
    """The bound of every form at these z, nan where its value is no number."""
    from numeric.arrays import formula_value, stable_form
    from numeric.envelope import Envelope, Envelopes

    class Decided(Envelopes):
        """A case is that of the exact value; kinks, where a rounded one may take another, are apart."""

        def where(self, held: Array, unsure: Mask, then: Envelope, otherwise: Envelope) -> Envelope:
            return super().where(held, False, then, otherwise)

    algebra, narrow = Decided(precision), Narrow(precision)
    exact = Envelope(z, np.zeros_like(z), np.zeros_like(z), precision)

    def off(formula: Expr, numbers: Mapping[str, Envelope], true: Array) -> Array:
        bounded = formula_value(formula, numbers, algebra)
        rounded = {name: number.value.astype(narrow.dtype) for name, number in numbers.items()}
        left = formula_value(formula, rounded, narrow).astype(float)
        overflown = np.where(np.isfinite(left), 2 * np.abs(left - true), np.nan)
        return np.where(np.isfinite(bounded.value + bounded.worst), bounded.worst, overflown)

    value = stable_form(source, "value", exact, algebra)
    errors = [value.worst, *(off(form, {"z": exact}, value.value) for form in _value_forms(source))]
    if wanted == "value":
        yield from errors
        return
    worst = np.max([np.where(np.isfinite(error), error, 0.0) for error in errors], axis=0)
    a = Envelope(value.value, worst, worst * worst, precision)
    slope = stable_form(source, "slope", exact, algebra)
    yield slope.worst
    for formula in _slope_forms(source):
        yield off(formula, {"z": exact, "a": a}, slope.value)


class Narrow(Plain):
    """NumPy's arrays in the type of a precision."""

    def __init__(self, precision: Precision) -> None:
        types = (np.float16, np.float32, np.float64)
        self.dtype = next(np.dtype(t) for t in types if float(np.finfo(t).max) >= precision.huge)

    def constant(self, value: float, *, is_exact: bool) -> Array:
        return np.asarray(value, self.dtype)

    def call(self, name: str, array: Array) -> Array:
        return np.asarray(super().call(name, array), self.dtype)


@cache
def _value_forms(source: Activation) -> tuple[Expr, ...]:
    row = source.row
    written = row.forms if row else ()
    read = (parse_scalar(form, names=("z", "alpha")) for form in written)
    return (source.definition, *(_with_alpha(source, form) for form in read))


@cache
def _slope_forms(source: Activation) -> tuple[Expr, ...]:
    row = source.row
    written = [*row.slope_forms, *([row.slope_by_value] if row.slope_by_value else [])] if row else []
    read = (parse_scalar(form, names=("z", "a", "alpha")) for form in written)
    return (source.slope, *(_with_alpha(source, form) for form in read))


def _with_alpha(source: Activation, form: Expr) -> Expr:
    return form if source.alpha is None else form.xreplace({ALPHA: source.alpha})


def _steepness(source: Activation, wanted: str, z: Array) -> Array:
    """|g'|, or a bound on |g''| by differences of the slope over a cell; along the last axis of z."""
    from numeric.arrays import stable_form

    slope = np.broadcast_to(stable_form(source, "slope", z), z.shape)
    if wanted == "value":
        return np.asarray(np.abs(slope))
    gaps = np.abs(np.diff(slope)) * CELLS * CURVED
    for kink in source.kinks:  # a jump is no slope: what lies this close has an infinite bound of its own
        gaps[(z[..., :-1] < float(kink)) & (z[..., 1:] > float(kink))] = 0.0
    return np.asarray(np.concatenate([gaps, gaps[..., -1:]], axis=-1))
