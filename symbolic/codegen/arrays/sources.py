"""Source of functions of whole columns (softmax) and of functions that a language lacks.

In these templates {axis} is the axis of units, and whatever differs between languages has a name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from symbolic.codegen.arrays.dialect import Dialect

_SOFTMAX: Final = '''def _softmax(z):
    """exp(z_i) / Σ_r exp(z_r) for each sample."""
    exponential, _ = _shifted_exp(z)
    return exponential / {np}.sum(exponential, {over})'''

# log of a sum of one 1 and smaller terms: log1p of the smaller ones keeps all digits when they are tiny
_LOG_SOFTMAX: Final = '''def _log_softmax(z):
    """log softmax(z) for each sample: (z_i - max z) - log(1 + Σ of exp(z_r - max z) over the units but the
    largest).
    """
    exponential, difference = _shifted_exp(z)
    {without_largest}
    return difference - {np}.log1p({np}.sum(exponential, {over}))'''

_SHIFTED_EXP: Final = '''def _shifted_exp(z):
    """exp(z - max z) for each sample, and z - max z; the digits that rounding the difference loses are put
    back.

    Halves keep the difference of any two floats finite.
    """
    half, top = 0.5 * z, 0.5 * {largest}
    difference = half - top
    back = difference - half
    lost = (half - (difference - back)) - (top + back)
    exponential = {np}.exp(2.0 * {at_least_400})
    return exponential + exponential * (2.0 * lost), 2.0 * {at_least_lowest}'''

_ERFC: Final = '''def _erfc(x):
    """The complementary error function, entry by entry."""
    return {erfc}'''

_ERF: Final = '''def _erf(x):
    """The error function, entry by entry."""
    return {erf}'''

_READ: Final = '''def _read(array, *places):
    """The entries at places along the axes, 0 where one lies outside; None stands for a whole axis."""
    given = [n for n, place in enumerate(places) if place is not None]
    inside, at = True, [slice(None)] * array.ndim
    for n in given:
        inside = inside & (0 <= places[n]) & (places[n] < array.shape[n])
        at[n] = {np}.clip(places[n], 0, array.shape[n] - 1)
    are_neighbours = given[-1] - given[0] == len(given) - 1
    after = array.ndim - (given[-1] + 1 if are_neighbours else len(given))
    return {np}.where(inside[(..., *[None] * after)], array[tuple(at)], 0)'''

_SCATTERED: Final = '''def _scattered(value, shape, *places):
    """An array of this shape where what lands at each place is added up; what lands outside is dropped."""
    inside, at = True, []
    for place, size in zip({broadcast}(value, *places)[1:], shape):
        inside = inside & (0 <= place) & (place < size)
        at.append({np}.clip(place, 0, size - 1))
    {added}'''

SOURCES: Final[Mapping[str, str]] = {
    "_softmax": _SOFTMAX,
    "_log_softmax": _LOG_SOFTMAX,
    "_shifted_exp": _SHIFTED_EXP,
    "_erf": _ERF,
    "_erfc": _ERFC,
    "_read": _READ,
    "_scattered": _SCATTERED,
}


def array_sources(dialect: Dialect, unit: int) -> dict[str, str]:
    """Each of these functions, with the units along an axis."""
    over = dialect.over(unit, kept=True)
    parts = {
        "np": dialect.np,
        "over": over,
        "largest": dialect.text("largest", what="z", over=over),
        "without_largest": dialect.text(
            "without largest", place=dialect.text("place", what="z", over=over), unit=unit
        ),
        "at_least_400": dialect.pair("maximum", "difference", "-400.0", (False, True)),
        "at_least_lowest": dialect.pair("maximum", "difference", dialect.texts["lowest"], (False, True)),
        "broadcast": dialect.text("broadcast arrays"),
        "added": dialect.texts["added"],
        "erf": dialect.text("vectorized", name="erf"),
        "erfc": dialect.text("vectorized", name="erfc"),
    }
    return {name: source.format(**parts) for name, source in SOURCES.items()}
