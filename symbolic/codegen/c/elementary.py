"""Elementary functions in C without branches and calls: a compiler makes vector code of loops over them.

    exp x     = 2ⁿ e^r,  n = round(x/ln 2), r = x − n ln 2 in two parts, e^r − 1 = r + r² p(r), p by Taylor
    expm1 x   = 2ⁿ (e^r − 1) + (2ⁿ − 1)
    log x     = k ln 2 + log f,  x = 2ᵏ f, f in [√½, √2),  log f = 2 artanh s,  s = (f − 1)/(f + 1), by Taylor
    log1p x   = log u + (x − (u − 1))/u,  u = 1 + x   (Kahan)
    tanh z    = −sign(z) q/(2 + q),  q = expm1(−2|z|)

The remainders of the Taylor polynomials on the reduced range are below a tenth of a unit roundoff. Bounds of
the whole error, with and without fused multiply-add, are proved in proofs/elementary/. Results
below the smallest normal number keep what digits there are; nan stays nan.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import factorial
from typing import Final

import sympy as sp

from symbolic.codegen.request import Dtype
from symbolic.expressions import Expr


@dataclass(frozen=True, slots=True)
class Binary:
    """A binary floating-point type: its words, and where the polynomials end."""

    bits: str
    fraction: int
    bias: int
    suffix: str
    digits: int
    log2_high: sp.Rational
    exp_terms: int
    log_terms: int
    largest: sp.Rational  # exp of it is infinite; exp of its negative is 0
    lowest: sp.Rational  # of its negative, n = −bias: one below the exponents of normal numbers

    def literal(self, number: Expr) -> str:
        """The nearest number of the type."""
        text = f"{float(number):.{self.digits}g}"
        return f"{text if any(mark in text for mark in '.en') else text + '.0'}{self.suffix}"

    def word(self, bits: int) -> str:
        """An integer constant of the type's word."""
        return f"(({self.bits})0x{bits:x}u)" if self.suffix else f"(({self.bits})0x{bits:x}ull)"


# ln 2 in two parts: the first with so few bits that its product with n is exact
_DOUBLE_HIGH: Final = sp.Rational(int(sp.floor(sp.log(2) * 2**33)), 2**33)
_FLOAT_HIGH: Final = sp.Rational(355, 512)
BINARY: Final[dict[Dtype, Binary]] = {
    "float64": Binary("uint64_t", 52, 1023, "", 17, _DOUBLE_HIGH, 13, 10, sp.Integer(760), sp.Integer(709)),
    "float32": Binary("uint32_t", 23, 127, "f", 9, _FLOAT_HIGH, 8, 4, sp.Integer(110), sp.Integer(88)),
}

FAST: Final = {name: f"fast_{name}" for name in ("exp", "expm1", "log", "log1p", "tanh")}

_EXPONENTIAL: Final = """\
    const real shifted = y * {inverse} + {shift};
    const real n = shifted - {shift};
    const real r = (y - n * {high}) - n * {low};
    real p = {first};
{steps}
    const real q = r + r * r * p;"""

_EXP: Final = """\
/* 2^k, for the k whose bits were shifted into the fraction of a number */
INLINE real power_of_two(real shifted)
{{
    {bits} bits;
    real power;
    (void)memcpy(&bits, &shifted, sizeof bits);
    bits = (bits << {fraction}) + (({bits}){bias} << {fraction});
    (void)memcpy(&power, &bits, sizeof power);
    return power;
}}

/* exp x and exp x - 1 */
INLINE void exponential(real x, real *value, real *less_one)
{{
    real y = x > {largest} ? {largest} : x;
    y = y < -{largest} ? -{largest} : y;
{exponential}
    /* 2^n in two factors, as it may exceed the range where the result does not */
    const real half_shifted = n * {half} + {shift};
    const real half = half_shifted - {shift};
    const real some = power_of_two(half_shifted);
    const real rest = power_of_two((n - half) + {shift});
    const real scale = some * rest;
    *value = (some + some * q) * rest;
    *less_one = n > {most} ? *value : scale * q + (scale - {one});
}}

/* exp x and exp x - 1 for x <= 0; where 2^n would be no normal number, its bits are those of 0 */
INLINE void exponential_below(real x, real *value, real *less_one)
{{
    const real y = x < -{lowest} ? -{lowest} : x;
{exponential}
    const real scale = power_of_two(shifted);
    *value = scale + scale * q;
    *less_one = scale * q + (scale - {one});
}}

INLINE real fast_exp(real x)
{{
    real value;
    real less_one;
    exponential(x, &value, &less_one);
    return value;
}}

INLINE real fast_expm1(real x)
{{
    real value;
    real less_one;
    exponential(x, &value, &less_one);
    return less_one;
}}

INLINE real fast_exp_below(real x)
{{
    real value;
    real less_one;
    exponential_below(x, &value, &less_one);
    return value;
}}

INLINE real fast_tanh(real x)
{{
    real e;
    real q;
    exponential_below(x < {zero} ? {two} * x : -{two} * x, &e, &q);
    const real size = q / ({two} + q);
    return x < {zero} ? size : {zero} - size;
}}"""

_LOG: Final = """\
INLINE real fast_log(real x)
{{
    /* numbers below the smallest normal one are scaled up */
    const real y = x < {smallest} ? x * {scaling} : x;
    const real scaled = x < {smallest} ? {scaled} : {zero};
    {bits} bits;
    (void)memcpy(&bits, &y, sizeof bits);
    bits += {offset};
    const {bits} counted = (bits >> {fraction}) | {count_bits};
    bits = (bits & {mask}) + {root_bits};
    real f;
    real k;
    (void)memcpy(&f, &bits, sizeof f);
    (void)memcpy(&k, &counted, sizeof k);
    k = (k - {count}) - scaled;
    const real less = f - {one};
    const real s = less / ({two} + less);
    const real square = s * s;
    real p = {first};
{steps}
    const real half_square = {half} * less * less;
    real value = k * {high} - ((half_square - (s * (half_square + square * p) + k * {low})) - less);
    value = x < (real)INFINITY ? value : x;
    value = x > {zero} ? value : (real)NAN;
    return x == {zero} ? -(real)INFINITY : value;
}}

INLINE real fast_log1p(real x)
{{
    const real u = {one} + x;
    const real value = fast_log(u);
    const real rest = (x - (u - {one})) / u;
    return u > {zero} && u < (real)INFINITY ? value + rest : value;
}}"""


def elementary(dtype: Dtype) -> str:
    """The functions `fast_exp`, `fast_expm1`, `fast_tanh`, `fast_log` and `fast_log1p`."""
    binary = BINARY[dtype]
    numbers = _exp_numbers(binary)
    exponential = _EXPONENTIAL.format(**numbers)
    return f"{_EXP.format(exponential=exponential, **numbers)}\n\n{_LOG.format(**_log_numbers(binary))}"


# value and slope of one z, with one division: tanh z = −sign(z) q/(2 + q) and tanh' z = 4e/(2 + q)², where
# e = exp(−2|z|), q = e − 1; σ(z) and σ(−z) are 1/(1 + e) and e/(1 + e) with e = exp(−|z|)
ROWS: Final = {
    "tanh": """\
        const real x = z < 0 ? z + z : -z - z;
        real e;
        real q;
        exponential_below(x, &e, &q);
        const real r = 1 / (2 + q);
        value[at] = z < 0 ? q * r : 0 - q * r;
        slope[at] = 4 * e * r * r;""",
    "sigmoid": """\
        const real e = fast_exp_below(z < 0 ? z : -z);
        const real r = 1 / (1 + e);
        value[at] = z < 0 ? e * r : r;
        slope[at] = e * r * r;""",
}


def _exp_numbers(binary: Binary) -> dict[str, object]:
    coefficients = [sp.Rational(1, factorial(n)) for n in range(binary.exp_terms, 1, -1)]
    return _shared(binary) | {
        "shift": binary.literal(sp.Integer(3) * 2 ** (binary.fraction - 1)),
        "largest": binary.literal(binary.largest),
        "lowest": binary.literal(binary.lowest),
        "most": binary.literal(sp.Integer(binary.bias - 1)),
        "inverse": binary.literal(1 / sp.log(2)),
        "first": binary.literal(coefficients[0]),
        "steps": _horner("r", coefficients[1:], binary),
    }


def _log_numbers(binary: Binary) -> dict[str, object]:
    coefficients = [sp.Rational(2, 2 * n + 1) for n in range(binary.log_terms, 0, -1)]
    fraction, bias = binary.fraction, binary.bias
    # the bits of √½, the lower half of them 0
    root = int(sp.floor(sp.sqrt(2) / 2 * 2 ** (fraction + 1))) - 2**fraction
    root_bits = ((bias - 1) << fraction) + (root >> fraction // 2 << fraction // 2)
    return _shared(binary) | {
        "smallest": binary.literal(sp.Rational(1, 2 ** (bias - 1))),
        "scaling": binary.literal(sp.Integer(2) ** (fraction + 2)),
        "scaled": binary.literal(sp.Integer(fraction + 2)),
        "offset": binary.word((bias << fraction) - root_bits),
        "count_bits": binary.word((bias + fraction) << fraction),
        "mask": binary.word(2**fraction - 1),
        "root_bits": binary.word(root_bits),
        "count": binary.literal(sp.Integer(2) ** fraction + bias),
        "first": binary.literal(coefficients[0]),
        "steps": _horner("square", coefficients[1:], binary),
    }


def _shared(binary: Binary) -> dict[str, object]:
    numbers = {"zero": sp.Integer(0), "half": sp.Rational(1, 2), "one": sp.Integer(1), "two": sp.Integer(2)}
    return {
        "bits": binary.bits,
        "fraction": binary.fraction,
        "bias": binary.bias,
        "high": binary.literal(binary.log2_high),
        "low": binary.literal(sp.log(2) - binary.log2_high),
        **{name: binary.literal(number) for name, number in numbers.items()},
    }


def _horner(variable: str, coefficients: list[sp.Rational], binary: Binary) -> str:
    return "\n".join(f"    p = p * {variable} + {binary.literal(each)};" for each in coefficients)
