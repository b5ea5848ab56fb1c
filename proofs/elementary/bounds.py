"""Bounds of the rounding errors of the elementary functions that generated C brings.

Statement. For each row of BOUNDS |computed − exact| ≤ ulps · ulp(exact) + η, whether or not the compiler
fuses any a·b + c; ulp(y) = 2ᵉ⁻ᵖ⁺¹ for 2ᵉ ≤ |y| < 2ᵉ⁺¹, p the digits of the type.

Assumptions. IEEE 754 arithmetic, rounding to nearest; formulas are compiled as they are written but for
fusing (no -ffast-math). Arguments are normal numbers or 0; those of log may be subnormal where nothing is
flushed to zero. η is 0 but for results of exp and of the rows below 2ᵖ times the smallest normal number:
there it is five halves of the smallest subnormal number, or five times the smallest normal one if flushed.

Scope. Every argument whose result does not overflow. The rows take exp x for 0 where it rounds to less than
2ⁿ for the smallest normal n, x < −708.7 (float32: −87.6), with x = −2|z| for tanh and −|z| for sigmoid; what
is lost there is below eight smallest normal numbers.

Proof. The text of the generated file is run over numbers with error bounds (elementary_text and
elementary_rounding), piece by piece (elementary_exponential and elementary_logarithm). Brought in are:

1. x = n ln 2 + r. That n·high and x − n·high are exact is found from the bits of their factors; the error
   of r is that of n·low, of the parts of ln 2, and its last rounding.
2. A polynomial of the text is compared, coefficient by coefficient, with the series it is to be; the tail of
   that is bounded.
3. The theorem `formulas`, decided by the normal form: what the formulas of the text are in real numbers.

For |x| < 2⁻ᵖ⁻⁷ every error relative to x is smaller still: r² p, even if it underflows, rounds away beside r.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from flint import arb, ctx

from proofs.elementary.exponential import Exponential
from proofs.elementary.formulas import formulas
from proofs.elementary.logarithm import Logarithm
from proofs.elementary.rounding import Ball
from proofs.elementary.text import Function, functions
from symbolic.codegen.request import Dtype

PRECISION: Final = 160  # of the balls: a number next to 1, less 1, still has the digits of float64


@dataclass(frozen=True, slots=True)
class ErrorBound:
    """No result of a function is farther than `ulps` units in the last place from the exact value."""

    function: str
    ulps: float
    proved: Callable[[Exponential, Logarithm], Ball]


BOUNDS: Final = (
    ErrorBound("exp", 1.1, lambda exponential, _: exponential.exp()),
    ErrorBound("log", 1.25, lambda _, logarithm: logarithm.log()),
    ErrorBound("log1p", 2.5, lambda _, logarithm: logarithm.log1p()),
    ErrorBound("expm1", 3.2, lambda exponential, _: exponential.expm1()),
    ErrorBound("tanh", 3.7, lambda exponential, _: exponential.tanh()),
    ErrorBound("tanh row: value", 4.8, lambda exponential, _: exponential.tanh_row["value"]),
    ErrorBound("tanh row: slope", 8.2, lambda exponential, _: exponential.tanh_row["slope"]),
    ErrorBound("sigmoid row: value", 4.1, lambda exponential, _: exponential.sigmoid_row["value"]),
    ErrorBound("sigmoid row: slope", 6.5, lambda exponential, _: exponential.sigmoid_row["slope"]),
)


class NotBounded(Exception):
    """The proof gives less than what is claimed of a function."""

    def __init__(self, bound: ErrorBound, dtype: Dtype, proved: float) -> None:
        super().__init__(
            f"{bound.function} in {dtype}: claimed {bound.ulps} ulp, proved only {proved:.3g} ulp; "
            "a constant or an operation of its text is not what the claim was made for"
        )
        self.bound, self.proved = bound, proved


def proved_bounds(dtype: Dtype, text: Mapping[str, Function] | None = None) -> dict[str, float]:
    """The proved bound in ulp of every function of a type, in the text of the generated file or another one.

    Raises NotProved where a formula of the text is not the function in real numbers, and NotBounded at the
    first bound above its claim.
    """
    text = text or functions(dtype)
    formulas(dtype, text).qed()
    found = {}
    with ctx.workprec(PRECISION):
        exponential, logarithm = Exponential(dtype, text), Logarithm(dtype, text)
        for bound in BOUNDS:
            proved = bound.proved(exponential, logarithm)
            if not proved <= arb(bound.ulps):
                raise NotBounded(bound, dtype, float(proved))
            found[bound.function] = float(proved)
    return found
