"""Theorem: the formulas of the elementary functions, as the generated file has them, are what they stand for.

The text is run over expressions, with its own constants and without rounding. Constants that are to be ln 2
or its inverse, and polynomials that are to be series, stay open here: the error bounds account for them.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import sympy as sp

from proofs.elementary.rounding import Analysis, constant
from proofs.elementary.text import Function, Run
from proofs.kernel.polynomials import Expr
from proofs.kernel.theorem import Step, Theorem
from symbolic.codegen.request import Dtype

_OUTPUTS: Final = {"value": "copied(x)", "less_one": "copied(x) - '1'"}
EXPONENTIAL: Final = Function(
    "x", tuple((name, ast.parse(formula, mode="eval").body) for name, formula in _OUTPUTS.items())
)
r, y, n, p, q, k = sp.symbols("r y n p q k", real=True)
x, w, u, c, d, less = sp.symbols("x w u c d l", positive=True)


@dataclass(frozen=True, slots=True)
class Symbolic:
    """Expressions with the constants of a type."""

    digits: int

    def literal(self, text: str) -> Expr:
        """A constant of the text."""
        if text in ("INFINITY", "NAN"):
            return sp.oo if text == "INFINITY" else sp.nan
        number = constant(self.digits, text)
        return sp.Rational(int(number.p), int(number.q))

    def chosen(self, condition: Expr, then: Expr, otherwise: Expr) -> Expr:
        """The branch for the signs that the symbols have."""
        return then if condition else otherwise

    def copied(self, bits: Expr) -> Expr:
        """In EXPONENTIAL only."""
        return sp.exp(bits)


def formulas(dtype: Dtype, text: Mapping[str, Function]) -> Theorem:
    """One theorem for all functions of a text."""
    numbers = Symbolic(Analysis(dtype, text).digits)
    return Theorem(
        name=f"formulas of the elementary functions in {dtype}",
        statement="The formulas of the text are the functions they stand for",
        assumptions=("where tanh and sigmoid call it, exponential_below gives exp x and exp x - 1",),
        scope="all real r, y, n, q, k, p and all positive c, d, l, u, w, x; real numbers, not floats",
        steps=(
            *_exponential(Run(text, numbers)),
            *_logarithm(Run(text, numbers)),
            *_curves(Run({**text, "exponential_below": EXPONENTIAL}, numbers)),
        ),
        source="the text that symbolic/codegen/c/elementary.py writes",
    )


def _exponential(run: Run) -> Iterator[Step]:
    for name, scale in (("exponential", c * d), ("exponential_below", c)):
        given = {"y": y, "n": n, "r": r, "q": q, "x": x, "some": c, "rest": d, "scale": scale, "value": y}

        def found(target: str, given: Mapping[str, Expr] = given, name: str = name, **known: Expr) -> Expr:
            return run(name, {**given, **known}, only=(target,))[target]

        count = run(name, given, only=("shifted", "n"))["n"]
        yield Step(f"n in {name}", count, y * sp.diff(count, y), "a multiple of y, rounded")
        yield Step(f"r in {name}", found("r"), y + n * sp.diff(found("r"), n), "y less a multiple of n")
        series = (sp.exp(r) - 1 - r) / r**2
        yield Step(f"q in {name}", found("q", p=series), sp.exp(r) - 1, "p = (exp(r) - 1 - r)/r**2")
        yield Step(f"value of {name}", found("value"), scale * (1 + q), "2**n = c d, or c")
        yield Step(
            f"less_one of {name}", found("less_one", n=sp.S.Zero), scale * (1 + q) - 1, "2**n = c d, or c"
        )


def _logarithm(run: Run) -> Iterator[Step]:
    names = ("less", "s", "square", "half_square", "value")
    value = run("fast_log", {"f": 1 + less, "p": p, "k": k, "x": x}, only=names)["value"]
    s = less / (2 + less)
    yield Step(
        "log", value, 2 * s + s**3 * p + k * sp.diff(value, k), "2 artanh s, s = l/(2 + l), and k ln 2"
    )
    yield Step("u in log1p", run("fast_log1p", {"x": x}, only=("u",))["u"], 1 + x, "to be rounded")
    given = {"x": x, "u": u, "value": y}
    found = run("fast_log1p", given, only=("rest", "return"))["return"]
    yield Step("log1p", found, y + (1 + x - u) / u, "y = log u")


def _curves(run: Run) -> Iterator[Step]:
    for z in (w, -w):
        tanh = (sp.exp(z) - sp.exp(-z)) / (sp.exp(z) + sp.exp(-z))
        yield Step(f"tanh {z}", run("fast_tanh", {"x": z})["return"], tanh, "its definition")
        for name, value, slope in (
            ("tanh", tanh, 1 - tanh**2),
            ("sigmoid", 1 / (1 + sp.exp(-z)), sp.exp(-z) / (1 + sp.exp(-z)) ** 2),
        ):
            found = run(f"row {name}", {"z": z})
            yield Step(f"value of the row {name}, {z}", found["value"], value, "its definition")
            yield Step(f"slope of the row {name}, {z}", found["slope"], slope, "its derivative")
