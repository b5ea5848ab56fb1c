"""What can go wrong in any formula, whatever it is of.

    a + b    one term missing, of the wrong sign, counted twice
    a·b      one factor missing
    Σ_k F    the mean for the sum, the last term alone, the term at an index of the target for the sum, the
             sum over another axis, Σ F·Σ G for Σ F·G
    X[i,j]   X[j,i]
    a²       a, a³;  1/√a: one root more or less;  1/N: 1/(N - 1)
    [p]      [not p]

A rewriting has a name in the names of the formula, so that it means the same in every layer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from typing import Final

import sympy as sp

from symbolic.expressions import Expr, end_of, name_of, peeled
from symbolic.grammar.functions import undefined_parts
from symbolic.grammar.indices import Holds, is_index, size_of
from symbolic.notation import Equation
from symbolic.plain import PlainSum

Rewriting = tuple[str, Expr]
_NUMBERED: Final = re.compile(r"_\d+$")
_GREEK: Final = {"gamma": "γ", "beta": "β", "g": "f", "Z_bar": "δ"}


@cache
def rewritten(equation: Equation) -> tuple[tuple[str, Equation], ...]:
    """Every rewriting of an equation's value, by name; those of one name are numbered."""
    seen: dict[str, int] = {}
    found = []
    for name, value in rewritings(equation.value, equation.indices):
        seen[name] = seen.get(name, 0) + 1
        label = name if seen[name] == 1 else f"{name} ({seen[name]})"
        found.append((label, replace(equation, value=value)))
    return tuple(found)


def rewritings(expr: Expr, free: Sequence[sp.Symbol]) -> Iterator[Rewriting]:
    """Every expression that differs from this one by one mistake, here or further inside."""
    yield from _here(expr, free)
    match expr:
        case sp.Add() | sp.Mul():
            for number, part in enumerate(expr.args):
                others = expr.args[:number] + expr.args[number + 1 :]
                yield from ((name, expr.func(*others, new)) for name, new in rewritings(part, free))
        case sp.Pow() if not expr.base.is_Symbol and expr.exp.is_Rational:
            yield from ((name, new**expr.exp) for name, new in rewritings(expr.base, free) if new != 0)
        case sp.Sum():
            for name, new in rewritings(expr.function, free):
                yield name, PlainSum(new, *expr.limits)
        case sp.Piecewise():
            for number, (value, condition) in enumerate(expr.args):
                for name, new in rewritings(value, free):
                    cases = list(expr.args)
                    cases[number] = (new, condition)
                    yield name, sp.Piecewise(*cases)


def _here(expr: Expr, free: Sequence[sp.Symbol]) -> Iterator[Rewriting]:
    match expr:
        case sp.Add():
            for number, term in enumerate(expr.args):
                rest, name = sp.Add(*expr.args[:number], *expr.args[number + 1 :]), said(term)
                yield f"term {name} missing", rest
                yield f"sign of the term {name}", rest - term
                yield f"term {name} counted twice", rest + 2 * term
        case sp.Mul():
            for number, factor in enumerate(expr.args):
                if factor != -1:
                    others = expr.args[:number] + expr.args[number + 1 :]
                    yield f"factor {said(factor)} missing", sp.Mul(*others)
        case sp.Sum():
            yield from _of_sum(expr, free)
        case sp.Piecewise() if len(expr.args) == 2:
            (value, condition), (otherwise, always) = expr.args
            yield "cases swapped", sp.Piecewise((otherwise, condition), (value, always))
        case sp.Indexed() if len(expr.indices) > 1:
            for axis, (first, second) in enumerate(zip(expr.indices, expr.indices[1:], strict=False)):
                if is_index(first) and is_index(second) and first != second:
                    turned = [*expr.indices[:axis], second, first, *expr.indices[axis + 2 :]]
                    yield f"{said(expr)} not transposed", expr.base[tuple(turned)]
        case sp.Pow() if expr.exp.is_Rational and expr.exp not in (-1, 1):
            whole = expr.exp.is_Integer
            power = expr.exp - sp.sign(expr.exp) if whole else expr.exp * 2
            yield f"{'power' if whole else 'root'} of {said(expr.base)} forgotten", expr.base**power
            if whole and expr.exp.is_positive:
                yield f"power of {said(expr.base)} not reduced", expr.base ** (expr.exp + 1)
            elif not whole and expr.exp.is_negative:
                root = said(sp.sqrt(expr.base))
                yield f"1/{root} once more", expr.base ** (expr.exp - sp.S.Half)
                yield f"1/{root} once less", expr.base ** (expr.exp + sp.S.Half)
        case sp.Pow() if expr.exp == -1 and expr.base.is_Symbol and expr.base.name.startswith("N_"):
            yield "N − 1 for N", 1 / (expr.base - 1)
        case Holds():
            yield "[condition] the wrong way round", Holds(~expr.args[0])


def _of_sum(total: sp.Sum, free: Sequence[sp.Symbol]) -> Iterator[Rewriting]:
    inside, index = peeled(total)
    end, first = end_of(total), total.limits[-1][1]
    yield f"mean over {index} for the sum", total / end
    yield from _apart(total)
    yield f"last {index} alone for the sum", inside.xreplace({index: end})
    for own in free:
        if inside.has(own):
            continue
        yield f"{own} for the sum over {index}", inside.xreplace({index: own})
        for other in free:
            if inside.has(other):
                axis = PlainSum(inside.xreplace({index: own, other: index}), (index, first, size_of(other)))
                yield f"sum over the axis {other}, not {index}", axis


def _apart(total: sp.Sum) -> Iterator[Rewriting]:
    """Σ F·Σ G for Σ F·G, where each has the index."""
    inside, index = peeled(total)
    factors = sp.Mul.make_args(inside)
    own = [factor for factor in factors if factor.has(index)]
    if len(own) > 1 and not inside.has(sp.Sum):
        sums = [PlainSum(factor, total.limits[-1]) for factor in own]
        others = [factor for factor in factors if not factor.has(index)]
        yield f"product of sums over {index} for the sum of products", sp.Mul(*others, *sums)


def said(expr: Expr) -> str:
    """A term or a factor in a few words."""
    match expr:
        case sp.Indexed():
            return _name(name_of(expr))
        case sp.Symbol():
            return "N" if expr.name.startswith("N_") else _GREEK.get(expr.name, expr.name)
        case sp.Sum():
            return f"Σ {said(expr.function)}"
        case sp.Mul():
            above, below = expr.as_numer_denom()
            parts = [said(part) for part in sp.Mul.make_args(above) if abs(part) != 1]
            under = f"/{said(below)}" if below != 1 else ""
            return ("·".join(sorted(parts)) or "1") + under
        case sp.Pow():
            if expr.exp.is_negative:
                return f"1/{said(expr.base**-expr.exp)}"
            return f"√{said(expr.base)}" if expr.exp == sp.S.Half else f"{said(expr.base)}^{expr.exp}"
        case sp.Number():
            return str(expr)
        case Holds():
            return "[condition]"
        case sp.Add():
            return f"({' + '.join(sorted(map(said, expr.args)))})"
    called = undefined_parts(expr)
    return f"{_GREEK.get(called[0], called[0])}′" if called else type(expr).__name__


def _name(name: str) -> str:
    plain = _NUMBERED.sub("", name)
    if plain in _GREEK:
        return _GREEK[plain]
    return f"∂E/∂{plain.removesuffix('_bar')}" if plain.endswith("_bar") else plain
