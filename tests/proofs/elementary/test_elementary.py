"""Error bounds of the elementary functions: proved, measured on what a compiler makes, refused if wrong."""

from __future__ import annotations

import ctypes
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy as sp
from flint import arb, ctx, fmpq
from hypothesis import given
from hypothesis import strategies as st

from proofs.elementary.bounds import BOUNDS, PRECISION, NotBounded, proved_bounds
from proofs.elementary.rounding import Rounded, Unclear, between, binade
from proofs.elementary.text import Run, functions
from proofs.kernel.theorem import NotProved
from symbolic.codegen.c.elementary import BINARY, ROWS, Binary, elementary
from symbolic.codegen.request import Dtype

Array = Any  # of NumPy
DTYPES: tuple[Dtype, ...] = ("float64", "float32")
REAL = {"float64": "double", "float32": "float"}
SINGLE = ("exp", "expm1", "exp_below", "tanh", "log", "log1p")
FLAGS = {"unfused": ("-ffp-contract=off",), "fused": ("-march=native", "-ffp-contract=fast")}
CLAIMED = {bound.function: bound.ulps for bound in BOUNDS}
EXACT: dict[str, Callable[[Any], Any]] = {
    "exp": arb.exp,
    "expm1": arb.expm1,
    "log": arb.log,
    "log1p": arb.log1p,
    "tanh": arb.tanh,
    "tanh row: value": arb.tanh,
    "tanh row: slope": lambda z: arb.sech(z) ** 2,
    "sigmoid row: value": lambda z: 1 / (1 + arb.exp(-z)),
    "sigmoid row: slope": lambda z: arb.sech(z / 2) ** 2 / 4,
}

proofs = cache(proved_bounds)


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_claimed_bound_is_proved(dtype: Dtype) -> None:
    found = proofs(dtype)
    assert found.keys() == CLAIMED.keys()
    assert all(CLAIMED[name] / 1.1 < proved <= CLAIMED[name] for name, proved in found.items())


# what of the text is changed, and the first function whose bound no longer follows
WRONG_TEXT: dict[str, tuple[str, str, str]] = {
    "coefficient of exp": (r"(p \* r \+ 0\.16666)\d+", r"\g<1>", "exp"),
    "coefficient of log": (r"(p \* square \+ 0\.6666)\d+", r"\g<1>", "log"),
    "step left out": (r"    p = p \* r \+ [\d.e-]+f?;\n", "", "exp"),
    "low part of ln 2": (r"(n) \* (7\.44|-0\.00021)\d+", r"\1 * \g<2>", "exp"),
    "r by the high part alone": (r" - n \* (?:7\.44|-0\.00021)[\d.e-]+f?;", ";", "exp"),
    "ln 2 in one part": (r"(y - n \* 0\.69\d\d)\d+", r"\g<1>", "exp"),
}


# what of the text is changed, and the step that then is no identity
WRONG_FORMULA = {
    "another power": ("r + r * r * p", "r + r * p", "q in exponential"),
    "another scale": ("scale + scale * q", "scale + q", "value of exponential_below"),
    "another sum": ("half_square + square * p", "half_square - square * p", "log"),
    "half of less": (" * less * less", " * less", "log"),
    "rest of another u": ("(x - (u - 1.0", "(x + (u - 1.0", "log1p"),
    "another quotient": ("q / (2.0", "q / (1.0", "tanh w"),
    "another sign": ("? size :", "? -size :", "tanh -w"),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", WRONG_FORMULA)
def test_a_wrong_formula_is_refused(name: str, dtype: Dtype) -> None:
    old, new, step = WRONG_FORMULA[name]
    assert old in elementary(dtype)
    with pytest.raises(NotProved, match=f": {step} is different"):
        proved_bounds(dtype, functions(dtype, replaced={old: new}))


def test_functions_that_reduce_differently_are_refused() -> None:
    text = functions("float64")
    other = functions("float64", replaced={"0.16666666666666666": "0.16666666666666"})
    mixed = text | {"exponential_below": other["exponential_below"]}
    with pytest.raises(Unclear, match="differently"):
        proved_bounds("float64", mixed)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", WRONG_TEXT)
def test_wrong_text_is_refused(name: str, dtype: Dtype) -> None:
    pattern, put, first = WRONG_TEXT[name]
    text = elementary(dtype)
    wrong = re.sub(pattern, put, text)
    assert wrong != text
    with pytest.raises(NotBounded) as found:
        proved_bounds(dtype, functions(dtype, replaced={text: wrong}))
    assert found.value.bound.function == first


def more_bits(row: Binary) -> Binary:
    """The high part of ln 2 as the nearest number: its product with n is not exact."""
    bits = 2**row.fraction
    return replace(row, log2_high=sp.Rational(int(sp.log(2) * bits), bits))


WRONG_TABLE: dict[str, tuple[Callable[[Binary], Binary], str]] = {
    "a term of exp less": (lambda row: replace(row, exp_terms=row.exp_terms - 1), "exp"),
    "two terms of log less": (lambda row: replace(row, log_terms=row.log_terms - 2), "log"),
    "more bits of ln 2": (more_bits, "exp"),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", WRONG_TABLE)
def test_a_wrong_table_is_refused(name: str, dtype: Dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    change, first = WRONG_TABLE[name]
    monkeypatch.setitem(BINARY, dtype, change(BINARY[dtype]))
    with pytest.raises(NotBounded, match=f"^{first} in {dtype}: claimed .* ulp, proved only .* ulp; "):
        proved_bounds(dtype)


@dataclass(frozen=True, slots=True)
class Floats:
    """NumPy's floats and words of one type: every operation is rounded by itself."""

    dtype: Dtype

    def literal(self, text: str) -> Any:
        """A word, a whole number of any type, or a float."""
        number, word = np.dtype(self.dtype).type, {"float64": np.uint64, "float32": np.uint32}[self.dtype]
        if text.startswith("0x"):
            return word(int(text, 16))
        return int(text) if text.isdigit() else number(text)

    def chosen(self, condition: Any, then: Any, otherwise: Any) -> Any:
        return np.where(condition, then, otherwise)

    def copied(self, bits: Any) -> Any:
        """A word has the size of its float."""
        return bits.view(f"{'u' if bits.dtype.kind == 'f' else 'f'}{bits.dtype.itemsize}")


@dataclass(frozen=True, slots=True)
class Compiled:
    """The functions of one type as a compiler makes them."""

    dtype: Dtype
    library: ctypes.CDLL

    def __call__(self, name: str, x: Array) -> Array:
        """The results of a function or of one part of a row, by its name in BOUNDS."""
        row, _, part = name.partition(" row: ")
        outputs = [np.empty_like(x) for _ in (("value", "slope") if part else ("return",))]
        addresses = [ctypes.c_void_p(each.ctypes.data) for each in (x, *outputs)]
        self.library[f"row_{row}" if part else f"all_{name}"](*addresses, ctypes.c_size_t(x.size))
        return outputs[part == "slope"]


def source(dtype: Dtype) -> str:
    """Loops over each function and row."""
    heads = [f"#include <{name}.h>" for name in ("math", "stddef", "stdint", "string")]
    loops = [
        f"void all_{name}(const real *x, real *y, size_t n);\n"
        f"void all_{name}(const real *x, real *y, size_t n)\n"
        f"{{\n    for (size_t i = 0; i < n; ++i)\n        y[i] = fast_{name}(x[i]);\n}}"
        for name in SINGLE
    ]
    for name, body in ROWS.items():
        index = re.findall(r"value\[(\w+)\]", body)[0]
        loops.append(
            f"void row_{name}(const real *zs, real *value, real *slope, size_t n)\n"
            f"{{\n    for (size_t {index} = 0; {index} < n; ++{index}) {{\n"
            f"        const real z = zs[{index}];\n{body}\n    }}\n}}"
        )
    types = ["#define INLINE static inline", f"typedef {REAL[dtype]} real;"]
    return "\n".join([*heads, *types, elementary(dtype), *loops]) + "\n"


@pytest.fixture(scope="module")
def compiled(
    require: Callable[[str], None], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Dtype, str], Compiled]:
    require("gcc")

    @cache
    def build(dtype: Dtype, flags: str) -> Compiled:
        folder: Path = tmp_path_factory.mktemp("elementary")
        (folder / "functions.c").write_text(source(dtype), encoding="ascii")
        command = ["gcc", "-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-O1", *FLAGS[flags]]
        command += ["-shared", "-fPIC", "functions.c", "-o", "functions.so"]
        subprocess.run(command, cwd=folder, check=True, timeout=120)
        return Compiled(dtype, ctypes.CDLL(str(folder / "functions.so")))

    return build


@cache
def arguments(name: str, dtype: Dtype) -> Array:
    """Everywhere, near 0, and where the largest errors are."""
    draw, some = np.random.default_rng(0), 300
    wide = 700 if dtype == "float64" else 86
    tiny = np.exp(draw.uniform(-35 if dtype == "float64" else -15, 0, some))
    parts = {
        "exp": [draw.uniform(-wide, wide, some), draw.uniform(-1, 1, some)],
        "expm1": [draw.uniform(-wide, wide, some), tiny, -tiny, draw.uniform(0.34, 0.42, 2 * some)],
        "log": [
            np.exp(draw.uniform(-wide, wide, some)),
            draw.uniform(0.7, 0.72, some),
            1 + tiny,
            1 - tiny / 2,
        ],
        "log1p": [np.exp(draw.uniform(-wide, wide, some)), tiny, -tiny / 2, draw.uniform(-0.31, 0.42, some)],
    }
    curve = [draw.uniform(-1, 1, some), draw.uniform(-5, 5, some), draw.uniform(-20, 20, some), tiny, -tiny]
    return np.concatenate(parts.get(name, curve)).astype(dtype)


@cache
def exact(name: str, dtype: Dtype) -> list[Any]:
    with ctx.workprec(PRECISION):
        return [EXACT[name](arb(float(x))) for x in arguments(name, dtype)]


def largest_error(found: Array, meant: list[Any], digits: int) -> float:
    """In units in the last place of what is meant."""
    with ctx.workprec(PRECISION):
        errors = (
            abs(arb(float(y)) - value) * arb(2) ** (digits - 1 - binade(value.abs_lower()))
            for y, value in zip(found, meant, strict=True)
        )
        return max(map(float, errors))


@pytest.mark.parametrize("flags", FLAGS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", CLAIMED)
def test_measured_errors_are_below_the_proved_bound_and_not_far(
    name: str, dtype: Dtype, flags: str, compiled: Callable[[Dtype, str], Compiled]
) -> None:
    found = compiled(dtype, flags)(name, arguments(name, dtype))
    error = largest_error(found, exact(name, dtype), BINARY[dtype].fraction + 1)
    assert proofs(dtype)[name] / 3 < error <= proofs(dtype)[name]


def special(dtype: Dtype) -> Array:
    """Ends of the ranges, and the numbers next to them."""
    kind = np.finfo(dtype)
    ends = [
        0,
        1,
        0.5,
        2,
        kind.max,
        kind.tiny,
        kind.smallest_subnormal,
        7 * kind.smallest_subnormal,
        kind.eps,
        np.inf,
    ]
    largest, normal = float(BINARY[dtype].largest), float(BINARY[dtype].lowest)
    ends += [
        largest,
        normal,
        np.log(kind.max),
        -np.log(kind.tiny),
        -np.log(kind.smallest_subnormal),
        0.5 * normal,
    ]
    both = np.concatenate([ends, np.negative(ends)]).astype(dtype)
    return np.concatenate([both, np.nextafter(both, kind.dtype.type(-9)), np.full(1, np.nan, dtype)])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", [*SINGLE, *(name for name in CLAIMED if "row" in name)])
def test_the_text_run_in_floats_is_what_is_compiled_bit_for_bit(
    name: str, dtype: Dtype, compiled: Callable[[Dtype, str], Compiled]
) -> None:
    x = np.concatenate([arguments(name, dtype), special(dtype)])
    row, _, part = name.partition(" row: ")
    with np.errstate(all="ignore"):
        run = Run(functions(dtype), Floats(dtype))
        meant = run(f"row {row}", {"z": x})[part] if part else run(f"fast_{name}", {"x": x})["return"]
    found = compiled(dtype, "unfused")(name, x)
    assert meant.dtype == found.dtype == np.dtype(dtype)
    same = (meant == found) & (np.signbit(meant) == np.signbit(found)) | np.isnan(meant) & np.isnan(found)
    assert same.all(), (x[~same], meant[~same], found[~same])


@pytest.mark.parametrize("flags", FLAGS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["exp", "expm1", "log", "log1p", "tanh"])
def test_special_values_are_those_of_the_function(
    name: str, dtype: Dtype, flags: str, compiled: Callable[[Dtype, str], Compiled]
) -> None:
    x = special(dtype)
    found = compiled(dtype, flags)(name, x)
    with np.errstate(all="ignore"):
        meant = getattr(np, name)(x.astype(np.longdouble)).astype(dtype)
        step = np.spacing(np.abs(meant))
        near = np.abs(found - meant) <= np.ceil(CLAIMED[name]) * np.where(np.isfinite(step), step, 0)
    # one step below the largest number may be infinite
    edge = np.isinf(found) & (meant >= np.nextafter(np.finfo(dtype).max, np.zeros(1, dtype)))
    same = near | edge | (found == meant) | np.isnan(found) & np.isnan(meant)
    assert same.all(), (x[~same], found[~same], meant[~same])


@pytest.mark.parametrize("flags", FLAGS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_rows_saturate_and_keep_nan(
    dtype: Dtype, flags: str, compiled: Callable[[Dtype, str], Compiled]
) -> None:
    run = compiled(dtype, flags)
    x = np.array([0, -0.0, np.inf, -np.inf, 2000, -2000, np.nan], dtype)
    assert np.array_equal(run("tanh row: value", x), np.array([0, 0, 1, -1, 1, -1, np.nan]), equal_nan=True)
    assert np.array_equal(run("tanh row: slope", x), np.array([1, 1, 0, 0, 0, 0, np.nan]), equal_nan=True)
    assert np.array_equal(
        run("sigmoid row: value", x), np.array([0.5, 0.5, 1, 0, 1, 0, np.nan]), equal_nan=True
    )
    assert np.array_equal(
        run("sigmoid row: slope", x), np.array([0.25, 0.25, 0, 0, 0, 0, np.nan]), equal_nan=True
    )


numbers = st.floats(2.0**-20, 2.0**20, width=32).flatmap(lambda x: st.sampled_from([x, -x]))
OPERATIONS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "a + b c": lambda a, b, c: a + b * c,
    "a - b / c": lambda a, b, c: a - b / c,
    "(a - b) c": lambda a, b, c: (a - b) * c,
    "a (b c) + c": lambda a, b, c: a * (b * c) + c,
    "2 a - (b + c)": lambda a, b, c: (a + a) - (b + c),
}


@given(st.sampled_from(sorted(OPERATIONS)), numbers, numbers, numbers, st.floats(0, 0.3))
def test_what_floats_compute_is_within_the_bounds(
    name: str, a: float, b: float, c: float, width: float
) -> None:
    """The floats are somewhere in the balls, which need not be points."""
    operation = OPERATIONS[name]
    exact_value = operation(*(fmpq(*each.as_integer_ratio()) for each in (a, b, c)))
    computed = operation(*map(np.float32, (a, b, c)))
    with ctx.workprec(PRECISION):
        balls = (
            Rounded.given(24, between(arb(each) * (1 - width), arb(each) * (1 + width))) for each in (a, b, c)
        )
        found = operation(*balls)
        assert abs(arb(float(computed)) - arb(exact_value)) <= found.error
        assert found.exact.overlaps(arb(exact_value))
        if found.grid is not None and not found.fusible:
            assert (arb(float(computed)) / arb(2) ** found.grid).is_integer()
