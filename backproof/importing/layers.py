"""Rows of the table of layers as frameworks parametrise them: channels are axis 1 or the last one.

An array that the model has not (a bias) is left out of the row's equations; one that it has but does not
train (running statistics) is a constant.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import prod, sqrt
from typing import Any, Final

import numpy as np

from backproof.importing import operations
from backproof.importing.builder import Builder, Weight, without
from backproof.importing.imported import Numbers, Part, Value
from backproof.importing.operations import Tensor
from symbolic.errors import Unsupported
from symbolic.layer import Layer, real, size
from symbolic.placement import Setting

Maybe = Weight | None
INFERENCE: Final = Layer(
    "batch-norm-inference",
    ("H[i,...] = (X[i,...] - M[i])/sqrt(V[i] + epsilon)", "Y[i,...] = gamma[i]*H[i,...] + beta[i]"),
    constants=("M", "V"),
    settings=(real("epsilon", "0.00001"),),
    note="mean and variance are constants",
)
ONE_SLOPE: Final = Layer(
    "prelu-trained-one",
    ("Y[i,...] = where(X[i,...] > 0, X[i,...], a[0]*X[i,...])",),
    settings=(size("slopes", "n"),),
    shapes=(("a", "n"),),
)


def front(build: Builder, given: Tensor, *axes: int) -> Value:
    """The value with the given axes first and the samples last."""
    value = build.lifted(given)
    first = [axis % value.rank for axis in axes]
    if value.samples in first:
        raise Unsupported("its channels would be the samples; give it one axis more, that of the samples")
    return build.arranged(value, [*first, *(axis for axis in value.axes if axis not in first)])


def spatial(build: Builder, given: Tensor, rank: int) -> Value:
    """Channels, the axes of places, samples."""
    value = build.lifted(given)
    if value.rank != rank + 2 or value.samples != 0:
        raise Unsupported(f"it takes samples, channels and {rank} axes of places, not {value.rank} axes")
    return front(build, value, *range(1, rank + 2))


def whole(build: Builder, **weights: Maybe) -> tuple[list[str], dict[str, tuple[Part, ...]]]:
    """The local names that the model has not, and the parts of those that it has, each a whole weight."""
    missing = [local for local, weight in weights.items() if weight is None]
    parts: dict[str, tuple[Part, ...]] = {
        local: (build.known(weight).part(),) for local, weight in weights.items() if weight is not None
    }
    return missing, parts


def dense(build: Builder, given: Tensor, weight: Weight, bias: Maybe, *, in_out: bool = False) -> Value:
    """Along the last axis; weights of shape (out, in), or (in, out)."""
    value = front(build, given, -1)
    missing, parts = whole(build, W=weight, b=bias)
    if in_out:
        parts["W"] = (weight.part(axes=(1, 0)),)
    row = "dense-no-bias" if missing else "dense"
    return build.add(row, value, axes=value.axes, parts=parts, settings={"units": weight.shape[in_out]})


def bilinear(build: Builder, left: Tensor, right: Tensor, weight: Weight, bias: Maybe) -> Value:
    """Along the last axes; weights of shape (out, left, right)."""
    one = front(build, left, -1)
    other = build.arranged(build.lifted(right), one.axes)
    missing, parts = whole(build, W=weight, b=bias)
    row = without("bilinear", *missing)
    return build.add(row, one, other, axes=one.axes, parts=parts, settings={"units": weight.shape[0]})


def convolution(
    build: Builder,
    given: Tensor,
    weight: Weight,
    bias: Maybe,
    *,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    groups: int = 1,
    transposed: bool = False,
) -> Value:
    """In one or two dimensions; weights of shape (out, in per group, …), transposed (in, out, …)."""
    rank = len(weight.shape) - 2
    if rank not in (1, 2):
        raise Unsupported(f"a convolution in {rank} dimensions; there are those in 1 and 2")
    if transposed and groups > 1:
        raise Unsupported("a transposed convolution in groups")
    value = spatial(build, given, rank)
    missing, parts = whole(build, W=weight, b=bias)
    suffix = "-transposed" if transposed else "-grouped" if groups > 1 else ""
    row = without(f"conv{rank}d{suffix}", *missing)
    channels = weight.shape[1] if transposed else weight.shape[0] // groups
    settings: dict[str, Setting] = {"channels": channels, **_sized("kernel", weight.shape[2:])}
    settings |= {"groups": groups} if groups > 1 else {}
    for name, numbers in (("stride", stride), ("padding", padding), ("dilation", dilation)):
        settings |= _sized(name, numbers)
    return build.add(row, value, axes=value.axes, parts=parts, settings=settings)


def _sized(name: str, numbers: Sequence[int]) -> dict[str, Setting]:
    """A setting for each dimension: `stride`, or `stride_h` and `stride_w`."""
    suffixes = ("",) if len(numbers) == 1 else ("_h", "_w")
    return {f"{name}{suffix}": int(each) for suffix, each in zip(suffixes, numbers, strict=True)}


def pool(
    build: Builder,
    kind: str,
    given: Tensor,
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
) -> Value:
    """`average` or `max` over windows in one or two dimensions."""
    value = spatial(build, given, len(kernel))
    settings = _sized("kernel", kernel) | _sized("stride", stride) | _sized("padding", padding)
    return build.add(f"{kind}-pool{len(kernel)}d", value, axes=value.axes, settings=settings)


def adaptive_average(build: Builder, given: Tensor, wanted: Sequence[int | None]) -> Value:
    """Windows side by side, where the number of places is a multiple of the wanted one."""
    sizes = [int(size) for size in build.lifted(given).sizes[2:]]
    out = [size if number is None else number for size, number in zip(sizes, wanted, strict=True)]
    if any(size % number for size, number in zip(sizes, out, strict=True)):
        raise Unsupported(f"windows of several sizes: {sizes} places do not divide into {out}")
    kernel = [size // number for size, number in zip(sizes, out, strict=True)]
    return pool(build, "average", given, kernel, kernel, [0] * len(kernel))


def batch_norm(
    build: Builder,
    given: Tensor,
    gamma: Maybe,
    beta: Maybe,
    epsilon: float,
    statistics: tuple[Numbers, Numbers] | None = None,
) -> Value:
    """Channels are axis 1; mean and variance are functions of the batch unless statistics are given."""
    value = front(build, given, 1)
    missing, parts = whole(build, gamma=gamma, beta=beta)
    row = without(INFERENCE if statistics else "batch-norm", *missing)
    constants = dict(zip(("M", "V"), statistics, strict=True)) if statistics else {}
    settings = {"epsilon": repr(float(epsilon))}
    return build.add(row, value, axes=value.axes, parts=parts, constants=constants, settings=settings)


def norm(
    build: Builder, row: str, given: Tensor, shape: Sequence[int], epsilon: float, **weights: Maybe
) -> Value:
    """Layer norm or RMS norm over the last axes, which are of the given shape."""
    value, length = build.lifted(given), prod(shape)
    sizes = value.sizes
    flat = operations.reshaped(build, value, (*sizes[: len(sizes) - len(shape)], length))
    flat = front(build, value if len(shape) == 1 else flat, -1)
    missing, parts = whole(build, **weights)
    parts = {local: (replace(part, shape=(length,)),) for local, (part,) in parts.items()}
    settings: dict[str, Setting] = {"epsilon": repr(float(epsilon))}
    result = build.add(without(row, *missing), flat, axes=flat.axes, parts=parts, settings=settings)
    return result if len(shape) == 1 else operations.reshaped(build, result, sizes)


def group_norm(
    build: Builder, given: Tensor, groups: int, gamma: Maybe, beta: Maybe, epsilon: float
) -> Value:
    """Channels are axis 1, the samples axis 0."""
    value = front(build, given, 1)
    missing, parts = whole(build, gamma=gamma, beta=beta)
    row = without("group-norm", *missing)
    settings: dict[str, Setting] = {"groups": groups, "epsilon": repr(float(epsilon))}
    return build.add(row, value, axes=value.axes, parts=parts, settings=settings)


def embedding(build: Builder, places: Tensor, weight: Weight) -> Value:
    """Rows of a weight of shape (vocabulary, width) by whole numbers; the width is the last axis."""
    value = build.lifted(places)
    vocabulary, width = weight.shape
    parts = {"W": (build.known(weight).part(axes=(1, 0)),)}
    axes = (value.rank, *value.axes)
    settings = {"width": width, "vocabulary": vocabulary}
    return build.add("embedding", value, axes=axes, parts=parts, settings=settings)


def dropout(build: Builder, value: Value, mask: Numbers, rate: float) -> Value:
    """With the mask that was drawn, in the framework's layout: 0 or 1 for every entry."""
    drawn, settings = value.arranged(mask), {"rate": repr(float(rate))}
    return build.add("dropout", value, axes=value.axes, constants={"D": drawn}, settings=settings)


def prelu(build: Builder, given: Tensor, slope: Weight) -> Value:
    """One slope for each channel, axis 1, or one for all."""
    count = prod(slope.shape)
    parts = {"a": (build.known(slope).part(shape=(count,)),)}
    if count == 1:
        value = build.lifted(given)
        return build.add(ONE_SLOPE, value, axes=value.axes, parts=parts, settings={"slopes": 1})
    value = front(build, given, 1)
    return build.add("prelu-trained", value, axes=value.axes, parts=parts)


def attention(
    build: Builder,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Numbers | None,
    scale: float | None = None,
) -> Value:
    """Scaled dot product: width last, places last but one; the mask multiplies what is summed."""
    q, k, v = (front(build, each, -1, -2) for each in (query, key, value))
    k, v = (build.arranged(each, q.axes) for each in (k, v))
    width = int(q.shape[0])
    if scale is not None and scale * sqrt(width) != 1:
        factor = {"factor": operations.number(scale * sqrt(width))}
        q = build.add("scale", q, axes=q.axes, settings=factor)
    if mask is None:
        return build.add("attention", q, k, v, axes=q.axes)
    return build.add("masked-attention", q, k, v, axes=q.axes, constants={"M": mask})


def multiplied(mask: Numbers) -> Numbers:
    """A mask that is added to scores, or says where to look, as one that multiplies their exponentials."""
    if mask.ndim != 2:
        raise Unsupported(f"a mask with {mask.ndim} axes; one for all samples and heads has 2")
    return mask.astype(float) if mask.dtype == bool else np.exp(mask)


def self_attention(
    build: Builder, given: Tensor, heads: int, weights: Mapping[str, Any], mask: Numbers | None
) -> Value:
    """Multi-head attention of a value to itself; weights are the layer's WQ, bQ, …, each a part or None.

    The width is the last axis; of the two others the one without the samples is that of the places.
    """
    value = front(build, given, -1)
    missing = [local for local, part in weights.items() if part is None]
    parts = {local: (part,) for local, part in weights.items() if part is not None}
    row = without("masked-multi-head-attention" if mask is not None else "multi-head-attention", *missing)
    units = int(value.shape[0])
    settings = {"heads": heads, "width": units // heads, "units": units}
    constants = {} if mask is None else {"M": mask}
    return build.add(row, value, axes=value.axes, parts=parts, constants=constants, settings=settings)
