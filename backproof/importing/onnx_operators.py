"""The operators of ONNX that can be read, one row each.

A row is called with a call: the node's inputs and its attributes. Shapes are lists of numbers, with m where
the samples are, so that the arithmetic of shapes that exporters write out is done here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any, Final, TypeAlias

import numpy as np

from backproof.importing import layers, operations
from backproof.importing.builder import Builder, Weight, refuse_samples
from backproof.importing.formulas import FORMULAS
from backproof.importing.imported import Numbers, Value
from symbolic.errors import Unsupported
from symbolic.losses import SAMPLES


@dataclass(frozen=True, slots=True)
class Call:
    """One node of a model: values, weights, or arrays of sizes and whole numbers; None where left out.

    `fixed` is the number of samples that the model's file names, if it names one.
    """

    build: Builder
    inputs: tuple[Any, ...]
    options: Mapping[str, Any]
    outputs: int
    fixed: int | None = None

    def input(self, place: int) -> Any:
        """An input, None where it is left out."""
        return self.inputs[place] if place < len(self.inputs) else None

    def value(self, place: int = 0) -> Value:
        """An input as a value of the graph. Raises Unsupported for sizes."""
        given = self.inputs[place]
        if isinstance(given, np.ndarray):
            raise Unsupported(f"its input {place + 1} is made of sizes")
        return self.build.lifted(given)

    def weight(self, place: int) -> Weight:
        """An input that must be stored in the model."""
        given = self.inputs[place]
        if not isinstance(given, Weight):
            raise Unsupported(f"its input {place + 1} is computed; there are stored weights")
        return given

    def maybe(self, place: int) -> Weight | None:
        """A weight that may be left out."""
        return None if self.input(place) is None else self.weight(place)

    def whole(self, place: int, option: str) -> list[Any] | None:
        """Whole numbers that are an attribute in some versions and an input in others."""
        given = self.input(place)
        if given is None:
            return self.options.get(option)
        if isinstance(given, Value) or (isinstance(given, Weight) and given.trained):
            raise Unsupported(f"its {option} are computed; there are stored ones")
        numbers = given.numbers if isinstance(given, Weight) else given
        return list(np.ravel(numbers).tolist())

    def demand(self, **expected: Any) -> None:
        """Raise Unsupported where an attribute is not the only one that can be read."""
        for name, only in expected.items():
            if self.options.get(name, only) != only:
                raise Unsupported(f"{name}={self.options[name]!r}; there is only {name}={only!r}")


Row: TypeAlias = Callable[[Call], Any]


def _formula(written: Callable[..., str], **defaults: float | str) -> Row:
    """An elementwise operator with its attributes, whose defaults are in single precision as they are."""

    def row(call: Call) -> Value:
        given = {name: call.options.get(name, single(default)) for name, default in defaults.items()}
        return operations.activation(call.build, call.value(), written(**given))

    return row


def single(default: float | str) -> float | str:
    """The nearest number in single precision."""
    return default if isinstance(default, str) else float(np.float32(default))


def _clip(call: Call) -> Value:
    low, high = ((call.whole(place, name) or [None])[0] for place, name in ((1, "min"), (2, "max")))
    if low is None and high is None:
        return call.value()
    return operations.activation(call.build, call.value(), FORMULAS["clamp"](low, high))


def _binary(kind: str) -> Row:
    """Two operands, or for the largest and the smallest any number; a number stored alone is a number."""

    def row(call: Call) -> Value:
        result, *others = map(_operand, call.inputs)
        for other in others:
            result = operations.binary(call.build, kind, result, other)
        return call.build.lifted(result)

    return row


def _operand(given: Any) -> Any:
    if isinstance(given, np.ndarray):
        return _number(given)
    is_number = isinstance(given, Weight) and not given.trained and given.numbers.size == 1
    return float(given.numbers.item()) if is_number else given


def _number(sizes: Numbers) -> float:
    if sizes.size != 1 or sizes.item() == SAMPLES:
        raise Unsupported("arithmetic of a tensor with sizes")
    return float(sizes.item())


def _gemm(call: Call) -> Value:
    call.demand(transA=0, alpha=1.0, beta=1.0)
    in_out = not call.options.get("transB", 0)
    bias = call.maybe(2)
    if bias is not None and len(bias.shape) != 1:
        raise Unsupported(f"a bias of shape {bias.shape}")
    return layers.dense(call.build, call.value(), call.weight(1), bias, in_out=in_out)


def _matmul(call: Call) -> Value:
    left, right = call.inputs
    if isinstance(right, Weight) and len(right.shape) == 2 and not isinstance(left, Weight):
        return layers.dense(call.build, left, right, None, in_out=True)
    return operations.matmul(call.build, left, right)


def _convolution(*, transposed: bool = False) -> Row:
    def row(call: Call) -> Value:
        weight = call.weight(1)
        rank = len(weight.shape) - 2
        if transposed and (call.options.get("output_shape") or any(call.options.get("output_padding", ()))):
            raise Unsupported("output_shape or output_padding; there are strides and paddings")
        ones = [1] * rank
        return layers.convolution(
            call.build,
            call.value(),
            weight,
            call.maybe(2),
            stride=call.options.get("strides", ones),
            padding=_padding(call, rank),
            dilation=call.options.get("dilations", ones),
            groups=call.options.get("group", 1),
            transposed=transposed,
        )

    return row


def _padding(call: Call, rank: int) -> list[int]:
    if call.options.get("auto_pad", "NOTSET") not in ("NOTSET", "VALID"):
        raise Unsupported(f"auto_pad={call.options['auto_pad']}; write the numbers as pads")
    pads = call.options.get("pads", [0] * 2 * rank)
    if pads[:rank] != pads[rank:]:
        raise Unsupported(f"pads={pads}, which differ between the two sides")
    return list(pads[:rank])


def _pool(kind: str) -> Row:
    def row(call: Call) -> Value:
        kernel = call.options["kernel_shape"]
        rank = len(kernel)
        call.demand(ceil_mode=0, storage_order=0, dilations=[1] * rank)
        padding = _padding(call, rank)
        if kind == "average" and any(padding) and not call.options.get("count_include_pad", 0):
            raise Unsupported("count_include_pad=0 with padding; there is the mean over whole windows")
        if rank > 2 or call.outputs > 1:
            raise Unsupported(
                f"windows in {rank} dimensions, {call.outputs} results; there are 1 or 2, and 1"
            )
        strides = call.options.get("strides", [1] * rank)
        return layers.pool(call.build, kind, call.value(), kernel, strides, padding)

    return row


def _global_average(call: Call) -> Value:
    value = call.value()
    return operations.reduced(call.build, "mean", value, range(2, value.rank), keep=True)


def _batch_norm(call: Call) -> Value:
    """Running statistics are constants, unless the model is in training mode."""
    by_batch = bool(call.options.get("training_mode", 0))
    statistics = None if by_batch else (call.weight(3).numbers, call.weight(4).numbers)
    epsilon = float(call.options.get("epsilon", single(1e-5)))
    return layers.batch_norm(call.build, call.value(), call.weight(1), call.weight(2), epsilon, statistics)


def _layer_norm(call: Call) -> Value:
    value = call.value()
    shape = [int(size) for size in value.sizes[call.options.get("axis", -1) :]]
    weights = {"gamma": call.maybe(1), "beta": call.maybe(2)}
    return layers.norm(
        call.build, "layer-norm", value, shape, float(call.options.get("epsilon", single(1e-5))), **weights
    )


def _along(name: str) -> Row:
    def row(call: Call) -> Value:
        return operations.along(call.build, name, call.value(), call.options.get("axis", -1))

    return row


def _reduced(name: str) -> Row:
    def row(call: Call) -> Any:
        axes, keep = call.whole(1, "axes"), bool(call.options.get("keepdims", 1))
        if not axes and call.options.get("noop_with_empty_axes", 0):
            return call.value()
        return operations.reduced(call.build, name, call.value(), axes or None, keep=keep)

    return row


def _concat(call: Call) -> Any:
    axis = call.options["axis"]
    if all(isinstance(each, np.ndarray) for each in call.inputs):
        return np.concatenate([np.atleast_1d(each) for each in call.inputs])
    return operations.joined(call.build, call.inputs, axis)


def _slice(call: Call) -> Any:
    starts, ends = call.whole(1, "starts"), call.whole(2, "ends")
    assert starts is not None and ends is not None
    axes = call.whole(3, "axes") or list(range(len(starts)))
    steps = call.whole(4, "steps") or [1] * len(starts)
    ranges = list(zip(axes, starts, ends, steps, strict=True))
    if isinstance(call.inputs[0], np.ndarray):
        ((_, start, end, step),) = ranges
        return call.inputs[0][start:end:step]
    value = call.value()
    for axis, start, end, step in ranges:
        value = operations.sliced(call.build, value, axis, start, end, step)
    return value


def _split(call: Call) -> tuple[Value, ...]:
    value, axis = call.value(), call.options.get("axis", 0)
    length = int(value.sizes[refuse_samples(value, axis)])
    each = -(-length // call.outputs)
    sizes = call.whole(1, "split") or [min(each, length - at) for at in range(0, length, each)]
    ends = np.cumsum(sizes).tolist()
    return tuple(
        operations.sliced(call.build, value, axis, end - size, end, 1)
        for end, size in zip(ends, sizes, strict=True)
    )


def _reshape(call: Call) -> Value:
    """A 0 keeps a size; a number of samples that the file has fixed stands for m."""
    value, wanted = call.value(), call.whole(1, "shape")
    assert wanted is not None
    copied = [value.sizes[at] if size == 0 else size for at, size in enumerate(wanted)]
    if value.samples == 0 and copied and copied[0] == call.fixed and SAMPLES not in copied:
        copied[0] = SAMPLES
    return operations.reshaped(call.build, value, copied)


def _flatten(call: Call) -> Value:
    value, axis = call.value(), call.options.get("axis", 1)
    if axis % value.rank != 1 or value.samples != 0:
        raise Unsupported(f"axis={axis}; the samples are axis 0 and stay")
    return operations.reshaped(call.build, value, (SAMPLES, prod(value.sizes[1:])))


def _transpose(call: Call) -> Value:
    value = call.value()
    return operations.permuted(value, call.options.get("perm", range(value.rank)[::-1]))


def _squeeze(call: Call) -> Any:
    axes = call.whole(1, "axes")
    if isinstance(call.inputs[0], np.ndarray):
        return call.inputs[0].reshape(())
    value = call.value()
    ones = [axis for axis, size in enumerate(value.sizes) if size == 1]
    return operations.squeezed(call.build, value, ones if axes is None else axes)


def _unsqueeze(call: Call) -> Any:
    axes = call.whole(1, "axes") or []
    if isinstance(call.inputs[0], np.ndarray):
        return np.atleast_1d(call.inputs[0])
    value = call.value()
    rank = value.rank + len(axes)
    for axis in sorted(axis % rank for axis in axes):
        value = operations.insert(call.build, value, axis)
    return value


def _gather(call: Call) -> Any:
    source, places = call.inputs
    axis = call.options.get("axis", 0)
    if isinstance(source, np.ndarray):
        return np.asarray(np.take(source, np.asarray(places, int), axis))
    if isinstance(places, Value):
        if not isinstance(source, Weight) or len(source.shape) != 2 or axis != 0:
            raise Unsupported("places that are computed are for rows of a stored matrix")
        return layers.embedding(call.build, places, source)
    numbers = np.asarray(places, int)
    if numbers.ndim == 0:
        return operations.taken(call.build, call.value(), axis, int(numbers))
    if numbers.ndim > 1:
        raise Unsupported(f"places with {numbers.ndim} axes")
    return operations.gathered(call.build, call.value(), axis, numbers)


def _dropout(call: Call) -> Any:
    training = call.input(2)
    if training is not None and bool(np.asarray(getattr(training, "numbers", training)).item()):
        raise Unsupported("in training mode it draws a mask; export the model for inference")
    return call.inputs[0]


def _einsum(call: Call) -> Value:
    return operations.einsum(call.build, call.options["equation"], *call.inputs)


def _prelu(call: Call) -> Value:
    slope, value = call.weight(1), call.value()
    if slope.shape not in ((1,), (value.sizes[1], *[1] * (value.rank - 2))):
        raise Unsupported(f"a slope of shape {slope.shape}; there is one, or one for each channel")
    return layers.prelu(call.build, value, slope)


def _sizes(call: Call) -> Numbers:
    return np.array(list(call.value().sizes), dtype=object)


def _same(call: Call) -> Any:
    return call.inputs[0]


def _selu(alpha: float, gamma: float) -> str:
    return f"{operations.number(gamma)}*where(z > 0, z, {operations.number(alpha)}*expm1(z))"


def _hard_sigmoid(alpha: float, beta: float) -> str:
    return f"max(0, min(1, {operations.number(alpha)}*z + {operations.number(beta)}))"


def _thresholded(alpha: float) -> str:
    return f"where(z > {operations.number(alpha)}, z, 0)"


ALIKE: Final = (
    *("Relu", "Tanh", "Sigmoid", "Softsign", "Mish", "HardSwish", "Exp", "Log", "Sqrt"),
    *("Sin", "Cos", "Atan", "Erf", "Abs", "Neg", "Reciprocal"),
)
OPERATORS: Final[Mapping[str, Row]] = {
    **{name: _formula(FORMULAS[name.lower()]) for name in ALIKE},
    "HardSigmoid": _formula(_hard_sigmoid, alpha=0.2, beta=0.5),
    "LeakyRelu": _formula(lambda alpha: f"leaky_relu({alpha!r})", alpha=0.01),
    "Elu": _formula(FORMULAS["elu"], alpha=1.0),
    "Celu": _formula(FORMULAS["celu"], alpha=1.0),
    "Selu": _formula(_selu, alpha=1.6732632423543772, gamma=1.0507009873554805),
    "ThresholdedRelu": _formula(_thresholded, alpha=1.0),
    "Softplus": _formula(lambda: "softplus"),
    "Gelu": _formula(FORMULAS["gelu"], approximate="none"),
    "Clip": _clip,
    "PRelu": _prelu,
    **{name: _binary(name.lower()) for name in ("Add", "Sub", "Mul", "Div", "Pow")},
    "Max": _binary("maximum"),
    "Min": _binary("minimum"),
    "Gemm": _gemm,
    "MatMul": _matmul,
    "Einsum": _einsum,
    "Conv": _convolution(),
    "ConvTranspose": _convolution(transposed=True),
    "MaxPool": _pool("max"),
    "AveragePool": _pool("average"),
    "GlobalAveragePool": _global_average,
    "BatchNormalization": _batch_norm,
    "LayerNormalization": _layer_norm,
    "Softmax": _along("softmax"),
    "LogSoftmax": _along("log-softmax"),
    "ReduceMean": _reduced("mean"),
    "ReduceSum": _reduced("sum"),
    "Concat": _concat,
    "Slice": _slice,
    "Split": _split,
    "Reshape": _reshape,
    "Flatten": _flatten,
    "Transpose": _transpose,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "Gather": _gather,
    "Dropout": _dropout,
    "Shape": _sizes,
    "Cast": _same,
    "Identity": _same,
}
