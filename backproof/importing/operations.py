"""What tensors of any framework do, in nodes of the graph: axes are numbered as the framework numbers them.

A row of the table of layers is used where one fits; where operands differ in their axes, a layer is made from
its equation. What would mix the samples is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from math import prod
from typing import Any, Final, TypeAlias

import sympy as sp

from backproof.importing.builder import LETTERS, Builder, Weight, refuse_samples
from backproof.importing.imported import Numbers, Value
from symbolic.errors import Unsupported
from symbolic.layer import Layer
from symbolic.losses import SAMPLES
from symbolic.placement import Setting
from symbolic.sizes import Shape, Size, shown

Tensor: TypeAlias = Value | Weight
Operand: TypeAlias = Tensor | float
BINARY: Final[Mapping[str, tuple[str, str]]] = {  # the row of the table, if any, and the formula
    "add": ("add", "{0} + {1}"),
    "sub": ("subtract", "{0} - {1}"),
    "mul": ("multiply", "{0}*{1}"),
    "div": ("", "{0}/{1}"),
    "pow": ("", "{0}**{1}"),
    "maximum": ("", "max({0}, {1})"),
    "minimum": ("", "min({0}, {1})"),
}


def number(value: float) -> str:
    """A number as formulas write it, exactly the float that is given."""
    exact = float(value)
    return f"({int(exact)})" if exact.is_integer() and abs(exact) < 1e15 else f"({exact!r})"


def activation(build: Builder, given: Tensor, formula: str) -> Value:
    """An activation of the table, or a formula in z, entry by entry."""
    value = build.lifted(given)
    return build.add("activation", value, axes=value.axes, settings={"activation": formula})


def binary(build: Builder, kind: str, left: Operand, right: Operand) -> Value:
    """Arithmetic of two operands, each a value, a weight or a number; axes of length 1 are stretched."""
    row, formula = BINARY[kind]
    if not isinstance(left, Tensor):
        assert isinstance(right, Tensor)
        return activation(build, right, formula.format(number(left), "z"))
    if not isinstance(right, Tensor):
        return activation(build, left, formula.format("z", number(right)))
    a, b = build.lifted(left), build.lifted(right)
    if row and a.sizes == b.sizes:
        return build.add(row, a, build.arranged(b, a.axes), axes=a.axes)
    return _stretched(build, formula, a, b)


def _stretched(build: Builder, formula: str, *values: Value) -> Value:
    """An equation of values whose axes are aligned at their ends, as frameworks broadcast them."""
    rank = max(value.rank for value in values)
    lengths: dict[int, Size] = {}
    for axis, length in (pair for value in values for pair in _aligned(value, rank)):
        lengths[axis] = length if lengths.get(axis, 1) == 1 else lengths[axis]
    entries = {}
    for place, value in enumerate(values, start=1):
        read = ("0" if n == 1 != lengths[axis] else LETTERS[axis] for axis, n in _aligned(value, rank))
        entries[f"X{place}"] = ",".join(read)
    order = sorted(lengths, key=lambda axis: (lengths[axis] == SAMPLES, axis))
    target = ",".join(LETTERS[axis] for axis in order)
    written = formula.format(*(f"{name}[{entry}]" for name, entry in entries.items()))
    layer = Layer("arithmetic", (f"Y[{target}] = {written}",), tuple(entries))
    return build.add(layer, *values, axes=order)


def _aligned(value: Value, rank: int) -> Iterator[tuple[int, Size]]:
    """The axes of a value as those of a result of higher rank, with their lengths."""
    return ((axis + rank - value.rank, n) for axis, n in zip(value.axes, value.shape, strict=True))


def einsum(build: Builder, equation: str, *tensors: Tensor) -> Value:
    """A sum of products over the letters that the result has not; the samples' letter must stay."""
    letters = dict.fromkeys(letter for letter in equation if letter.isalpha())
    table = {ord(old): new for old, new in zip(letters, LETTERS, strict=False)}
    plain = equation.replace(" ", "").translate(table)
    terms, arrow, result = plain.partition("->")
    if not arrow or "." in plain:
        raise Unsupported(f"einsum '{equation}'; write every index and the result, as in 'nij,njk->nik'")
    values = [build.lifted(tensor) for tensor in tensors]
    written = [
        "".join(term[axis] for axis in value.axes)
        for term, value in zip(terms.split(","), values, strict=True)
    ]
    samples = {term[-1] for term, value in zip(written, values, strict=True) if value.samples is not None}
    if len(samples) > 1 or not samples <= set(result):
        raise Unsupported(f"'{equation}' sums over the samples or pairs different ones")
    order = sorted(range(len(result)), key=lambda axis: (result[axis] in samples, axis))
    summed = sorted(set("".join(written)) - set(result))
    product = "*".join(f"X{place}[{','.join(term)}]" for place, term in enumerate(written, start=1))
    value = f"Sum({product}, {', '.join(summed)})" if summed else product
    inputs = tuple(f"X{place}" for place in range(1, len(values) + 1))
    layer = Layer("einsum", (f"Y[{','.join(result[axis] for axis in order)}] = {value}",), inputs)
    return build.add(layer, *values, axes=order)


def matmul(build: Builder, left: Tensor, right: Tensor) -> Value:
    """The product over the last axis of the one and the last but one of the other, the others aligned."""
    ranks = [len(_sizes(tensor)) for tensor in (left, right)]
    outer = LETTERS[3 : max(3, *(rank + 1 for rank in ranks))]
    one, other = (outer[len(outer) - max(0, rank - 2) :] for rank in ranks)
    rows, columns = "a" * (ranks[0] > 1), "b" * (ranks[1] > 1)
    return einsum(build, f"{one}{rows}c,{other}c{columns}->{outer}{rows}{columns}", left, right)


def _sizes(tensor: Tensor) -> Shape:
    return tensor.sizes if isinstance(tensor, Value) else tensor.shape


def permuted(value: Value, order: Sequence[int]) -> Value:
    """The axes of the result are those of the value in the given order: the graph's array stays as it is."""
    places = [axis % value.rank for axis in order]
    return replace(value, axes=tuple(places.index(axis) for axis in value.axes))


def exchanged(value: Value, first: int, second: int) -> Value:
    """Two axes change places."""
    order = list(range(value.rank))
    order[first], order[second] = order[second], order[first]
    return permuted(value, order)


def insert(build: Builder, value: Value, axis: int) -> Value:
    """A new axis of length 1."""
    axis %= value.rank + 1
    axes = (axis, *(old + (old >= axis) for old in value.axes))
    return build.add("broadcast", value, axes=axes, settings={"size": 1})


def expanded(build: Builder, value: Value, axis: int, length: int) -> Value:
    """A new axis along which the value repeats."""
    axes = (axis, *(old + (old >= axis) for old in value.axes))
    return build.add("broadcast", value, axes=axes, settings={"size": length})


def taken(build: Builder, value: Value, axis: int, place: int) -> Value:
    """One place of an axis, which the result has no more."""
    axis = refuse_samples(value, axis)
    length = value.sizes[axis]
    assert isinstance(length, int)
    if not -length <= place < length:
        raise Unsupported(f"place {place} of an axis of length {length}")
    if stacked := build.stacks.get((value, axis)):
        return stacked[place]
    return _removed(build, "take", value, axis, {"place": place % length})


def squeezed(build: Builder, value: Value, axes: Sequence[int]) -> Value:
    """The value without axes of length 1."""
    for axis in sorted((refuse_samples(value, axis) for axis in axes), reverse=True):
        value = taken(build, value, axis, 0) if value.sizes[axis] == 1 else value
    return value


def _removed(
    build: Builder, row: str, value: Value, axis: int, settings: Mapping[str, Setting] | None = None
) -> Value:
    at = value.axes.index(axis)
    axes = tuple(old - (old > axis) for old in value.axes if old != axis)
    return build.add(row, value, axes=axes, at=at, settings=settings)


def reduced(
    build: Builder, row: str, given: Tensor, axes: Sequence[int] | None, *, keep: bool = False
) -> Value:
    """The sum or the mean over axes."""
    value = build.lifted(given)
    every = range(value.rank) if axes is None else axes
    over = sorted(refuse_samples(value, axis) for axis in every)
    for axis in reversed(over):
        value = _removed(build, row, value, axis)
    for axis in over if keep else ():
        value = insert(build, value, axis)
    return value


def along(build: Builder, row: str, given: Tensor, axis: int) -> Value:
    """A layer along one axis that keeps the shape: softmax, log-softmax."""
    value = build.lifted(given)
    return build.add(row, value, axes=value.axes, at=value.axes.index(refuse_samples(value, axis)))


def sliced(
    build: Builder, value: Value, axis: int, start: int | None, stop: int | None, step: int | None
) -> Value:
    """A range of an axis, as Python's slices count; the whole of an axis is left as it is."""
    if (start or 0, stop, step or 1) == (0, None, 1):
        return value
    axis = refuse_samples(value, axis)
    length = value.sizes[axis]
    assert isinstance(length, int)
    places = range(length)[slice(start, stop, step)]
    if not places or places.step < 0:
        raise Unsupported(f"the slice {start}:{stop}:{step} of an axis of length {length}")
    if places == range(length):
        return value
    at = value.axes.index(axis)
    settings = {"length": len(places), "start": places.start, "step": places.step}
    return build.add("slice", value, axes=value.axes, at=at, settings=settings)


def gathered(build: Builder, value: Value, axis: int, places: Numbers) -> Value:
    """Places of an axis that a list of whole numbers names."""
    at = value.axes.index(refuse_samples(value, axis))
    row = {"J": places % value.shape[at]}
    return build.add("gather", value, axes=value.axes, at=at, constants=row, settings={"length": len(places)})


def joined(build: Builder, tensors: Sequence[Tensor], axis: int) -> Value:
    """Values one after the other along an axis."""
    first, *others = (build.lifted(tensor) for tensor in tensors)
    at = first.axes.index(refuse_samples(first, axis))

    def two(left: Value, right: Value) -> Value:
        return build.add("concatenate", left, build.arranged(right, left.axes), axes=left.axes, at=at)

    return reduce(two, others, first)


def stacked(build: Builder, values: Sequence[Value], axis: int) -> Value:
    """Values one after the other along a new axis; a place of it is the value itself."""
    result = joined(build, [insert(build, value, axis) for value in values], axis)
    build.stacks[result, axis] = tuple(values)
    return result


def reshaped(build: Builder, given: Tensor, sizes: Sequence[Any]) -> Value:
    """Another shape of the same entries in the same order; one size may be -1."""
    value = build.lifted(given)
    wanted = _complete(value.sizes, sizes)
    at, to = (list(each).index(SAMPLES) if SAMPLES in each else None for each in (value.sizes, wanted))
    if (at is None) != (to is None) or prod(value.sizes[:at]) != prod(wanted[:to]):
        raise Unsupported(
            f"the shape {shown(wanted)} of what is of shape {shown(value.sizes)} mixes the samples with "
            "another axis; keep their axis, as in x.flatten(1)"
        )
    order = sorted(range(value.rank), key=lambda axis: (axis == at, axis))
    value, done = build.arranged(value, order), 0
    after = _groups(*_after(value.sizes, at, wanted, to))
    for few, many in (*_groups(value.sizes[:at], wanted[:to]), *after):
        value = _regrouped(build, value, done, few, many)
        done += len(many)
    axes = sorted(range(len(wanted)), key=lambda axis: (axis == to, axis))
    return replace(value, axes=tuple(axes))


def _after(old: Shape, at: int | None, new: Shape, to: int | None) -> tuple[Shape, Shape]:
    return (old[at + 1 :], new[to + 1 :]) if at is not None and to is not None else ((), ())


def _complete(old: Shape, wanted: Sequence[Any]) -> Shape:
    """The wanted sizes with a number for -1."""
    whole = [sp.Integer(size) if isinstance(size, int) else size for size in wanted]
    rest = prod(size for size in whole if size != -1)
    whole = [sp.cancel(prod(old) / rest) if size == -1 else size for size in whole]
    if sp.expand(prod(whole) - prod(old)) != 0 or any(size.is_integer is False for size in whole):
        raise Unsupported(f"{shown(old)} has another number of entries than the shape {shown(wanted)}")
    return tuple(int(size) if size.is_Integer else size for size in whole)


def _groups(old: Sequence[Any], new: Sequence[Any]) -> Iterator[tuple[list[int], list[int]]]:
    """Neighbouring sizes of the one and of the other that have the same product, as few as can be."""
    left, right = list(old), list(new)
    while left or right:
        few, many = [left.pop(0)] if left else [], [right.pop(0)] if right else []
        while prod(few) != prod(many):
            grown, rest = (few, left) if prod(few) < prod(many) else (many, right)
            grown.append(rest.pop(0))
        yield few, many


def _regrouped(build: Builder, value: Value, at: int, few: list[int], many: list[int]) -> Value:
    """A few neighbouring axes of the graph's array, from `at`, as as many others."""
    rank = value.rank
    if not few or not many:
        row, setting = ("take", "place") if few else ("broadcast", "size")
        return build.add(
            row, value, axes=range(rank + len(many) - len(few)), at=at, settings={setting: len(many)}
        )
    if few != many:
        for _ in few[1:]:
            rank -= 1
            value = build.add("flatten", value, axes=range(rank), at=at)
        for place in range(1, len(many)):
            rank += 1
            inner = prod(many[place:])
            value = build.add(
                "unflatten", value, axes=range(rank), at=at + place - 1, settings={"inner": inner}
            )
    return value
