"""Evaluating steps over any kind of number: floats, balls, fractions, values with a magnitude, SymPy
expressions.

Every index is looped over and every sum is summed as written, so that this reading of a derivation owes
nothing to matrix forms or generated code. A product with a bracket that does not hold is 0, whatever its
other factors are. A step's equation is compiled to closures once per process.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import product
from math import prod
from typing import Any

import sympy as sp

from symbolic.closures import compiled
from symbolic.frame import Compiled, Frame, N, Numbers, place, whole
from symbolic.notation import Array, Equation, Slot, Step

Values = dict[Array, list[N]]  # entries in row-major order


def evaluate(
    steps: Iterable[Step],
    values: Mapping[Array, list[N]],
    scalars: Mapping[sp.Symbol, N | int],
    numbers: Numbers[N],
) -> Values[N]:
    """Run steps in order and return the given values with every step's target added.

    `values` holds inputs, targets and parameters, row-major; `scalars` gives m and k as integers, lambda as a
    number. The arrays' own shapes say how long each index runs, m that of the samples.
    """
    known: Values[N] = dict(values)
    whole = {symbol: value for symbol, value in scalars.items() if isinstance(value, int)}
    lifted = {s: numbers.constant(sp.Integer(v)) if isinstance(v, int) else v for s, v in scalars.items()}
    for step in steps:
        known[step.target] = _run(step, known, whole, lifted, numbers)
    return known


def shape_of(array: Array, sizes: Mapping[sp.Symbol, int]) -> tuple[int, ...]:
    """The array's shape with m put in."""
    return tuple(size if isinstance(size, int) else int(size.xreplace(dict(sizes))) for size in array.shape)


def _run(
    step: Step,
    known: Values[N],
    sizes: Mapping[sp.Symbol, int],
    scalars: Mapping[sp.Symbol, N],
    numbers: Numbers[N],
) -> list[N]:
    frame = Frame(numbers)
    equation = step.equation
    for name, bound in step.bindings.items():
        if isinstance(bound, Slot):
            frame.slots[name] = bound
        elif isinstance(bound, Array):
            frame.shapes[name] = shape = shape_of(bound, sizes)
            frame.strides[name] = tuple(prod(shape[axis + 1 :]) for axis in range(len(shape)))
            if bound in known:
                frame.entries[name] = known[bound]
                if not shape:
                    frame.scalars[sp.Symbol(name, real=True)] = known[bound][0]
        else:
            number = sp.S.Zero + bound.xreplace(dict(sizes))
            if number.is_Integer:
                frame.whole[name] = int(number)
            value = compiled(number if number.is_Integer else bound)
            frame.scalars[sp.Symbol(name, real=True)] = value(Frame(numbers, scalars=dict(scalars)))
    body = compiled(equation.value)
    names = [str(index) for index in equation.indices]
    ends = [whole(end)(frame) for _, end in equation.loops] or frame.shapes[equation.name]
    ranges = list(map(range, ends))
    if equation.scatters:
        return _scatter(frame, equation, names, ranges, body)
    result = []
    for position in product(*ranges):
        frame.at.update(zip(names, position, strict=True))
        result.append(body(frame))
    return result


def _scatter(
    frame: Frame, equation: Equation, names: list[str], ranges: list[range], body: Compiled
) -> list[Any]:
    """Each value added to the entry it belongs to; dropped where that lies outside the array."""
    shape = frame.shapes[equation.name]
    find = place(equation.positions, equation.name)
    result = [frame.numbers.constant(sp.S.Zero)] * prod(shape)
    for position in product(*ranges):
        frame.at.update(zip(names, position, strict=True))
        at = find(frame)
        if at is not None:
            result[at] = result[at] + body(frame)
    return result
