"""NumPy source of functions of whole columns (softmax) and of functions that NumPy lacks; {axis} is the axis
of units.
"""

from __future__ import annotations

from typing import Final

SOFTMAX: Final = '''def _softmax(z):
    """exp(z_i) / Σ_r exp(z_r) for each sample."""
    exponential, _ = _shifted_exp(z)
    return exponential / np.sum(exponential, axis={axis}, keepdims=True)'''

# log of a sum of one 1 and smaller terms: log1p of the smaller ones keeps all digits when they are tiny
LOG_SOFTMAX: Final = '''def _log_softmax(z):
    """log softmax(z) for each sample: (z_i - max z) - log(1 + Σ of exp(z_r - max z) over the units but the
    largest).
    """
    exponential, difference = _shifted_exp(z)
    np.put_along_axis(exponential, np.argmax(z, axis={axis}, keepdims=True), 0.0, axis={axis})
    return difference - np.log1p(np.sum(exponential, axis={axis}, keepdims=True))'''

_SHIFTED_EXP: Final = '''def _shifted_exp(z):
    """exp(z - max z) for each sample, and z - max z; the digits that rounding the difference loses are put
    back.

    Halves keep the difference of any two floats finite.
    """
    half, top = 0.5 * z, 0.5 * np.max(z, axis={axis}, keepdims=True)
    difference = half - top
    back = difference - half
    lost = (half - (difference - back)) - (top + back)
    exponential = np.exp(2.0 * np.maximum(difference, -400.0))
    return exponential + exponential * (2.0 * lost), 2.0 * np.maximum(difference, -8e307)'''

_ERFC: Final = '''def _erfc(x):
    """The complementary error function, entry by entry."""
    return np.vectorize(math.erfc, otypes=[float])(x)'''

_ERF: Final = '''def _erf(x):
    """The error function, entry by entry."""
    return np.vectorize(math.erf, otypes=[float])(x)'''

CALLED: Final = {"_shifted_exp": _SHIFTED_EXP, "_erf": _ERF, "_erfc": _ERFC}
