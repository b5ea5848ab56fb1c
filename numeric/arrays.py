"""Steps evaluated over NumPy arrays: every index is an axis, and nothing is looped over in Python.

A sum of products is one `einsum`; a computed position reads by arrays of indices, and what lies outside is 0;
a scatter is `np.add.at`. Each equation is read once for its shapes (`numeric.reading`). This is for real
layers; `symbolic.evaluate`, which loops over every index, is what it is held against.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
import sympy as sp

from numeric.algebra import PLAIN, Algebra
from numeric.reading import formula_value as formula_value
from numeric.reading import is_exact, step_tape
from numeric.reading import stable_form as stable_form
from numeric.tape import Array as Array
from numeric.tape import Shape
from symbolic.errors import InvalidNetwork
from symbolic.expressions import Expr
from symbolic.notation import Array as Name
from symbolic.notation import Slot, Step

Values: TypeAlias = dict[Name, Any]
Sizes: TypeAlias = tuple[tuple[sp.Symbol, int], ...]


def evaluate_arrays(
    steps: Iterable[Step],
    values: Mapping[Name, Any],
    scalars: Mapping[sp.Symbol, Any],
    *,
    algebra: Algebra[Any] = PLAIN,
    batch: int | None = None,
) -> Values:
    """Run steps in order; the given values with every step's target added, each of its array's shape.

    `scalars` gives m, k as integers and lambda. Arrays of places hold whole numbers counted from 0. With
    `batch`, every array has as many points along a first axis of its own, and lambda may have as many values.
    """
    known: Values = dict(values)
    sizes: Sizes = tuple((symbol, int(value)) for symbol, value in scalars.items() if isinstance(value, int))
    points = () if batch is None else (batch,)
    for name, given in known.items():
        if np.shape(algebra.raw(given)) != points + _shape(name.shape, sizes):
            raise InvalidNetwork(
                f"{name.label} is of shape {_shape(name.shape, sizes)}, but values of shape "
                f"{np.shape(algebra.raw(given))[len(points) :]} are given"
            )
    with np.errstate(
        all="ignore"
    ):  # cases are taken on whole arrays; the case that does not hold may overflow
        for step in steps:
            known[step.target] = _run(step, known, sizes, scalars, algebra, points)
    return known


def _run(
    step: Step,
    known: Values,
    sizes: Sizes,
    scalars: Mapping[sp.Symbol, Any],
    algebra: Algebra[Any],
    points: Shape,
) -> Any:
    """The value of a step's target, from what its names are bound to."""
    given: dict[str, Any] = {}
    whole: list[tuple[str, int]] = []
    for name, bound in step.bindings.items():
        if isinstance(bound, Slot):
            given[name] = bound.source
        elif isinstance(bound, Name):
            if bound in known:
                given[name] = known[bound]
        elif name.startswith("N_") or bound.is_Integer:
            number = _whole(bound, sizes)
            whole.append((name, number))
            given[name] = algebra.constant(float(number), is_exact=True)
        else:
            given[name] = _scalar(bound, scalars, algebra)
    shapes = tuple((name, getattr(each, "shape", ())) for name, each in given.items())  # a function has none
    tape = step_tape(step.equation, shapes, tuple(whole), points, _shape(step.target.shape, sizes))
    return tape.run(given, algebra)


@lru_cache(maxsize=4096)
def _shape(shape: tuple[int | Expr, ...], sizes: Sizes) -> Shape:
    return tuple(size if isinstance(size, int) else _whole(size, sizes) for size in shape)


@lru_cache(maxsize=4096)
def _whole(size: Expr, sizes: Sizes) -> int:
    return int(size.xreplace(dict(sizes)))


def _scalar(bound: Expr, scalars: Mapping[sp.Symbol, Any], algebra: Algebra[Any]) -> Any:
    """A formula in m, k and lambda as a number, or as one for each point."""
    named = {symbol: scalars[symbol] for symbol in bound.free_symbols if symbol in scalars}
    if not any(map(np.ndim, named.values())):
        number = _number(bound, tuple((symbol, float(value)) for symbol, value in named.items()))
        return algebra.constant(number, is_exact=is_exact(bound))
    numbers = {symbol.name: algebra.lift(np.asarray(value, float)) for symbol, value in named.items()}
    return formula_value(bound, numbers, algebra)


@lru_cache(maxsize=4096)
def _number(formula: Expr, scalars: tuple[tuple[sp.Symbol, float], ...]) -> float:
    return float(formula.xreplace({symbol: sp.Float(value, 20) for symbol, value in scalars}))
