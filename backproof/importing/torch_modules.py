"""The modules of torch.nn that can be read, one row each: the class's name and how to make its nodes.

A row is called with the reader, the module, its path in the model and what it is applied to. Only torch's own
classes are rows; any other module is taken apart by what its `forward` calls.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from backproof.importing import layers, operations, recurrent
from backproof.importing.builder import Weight
from backproof.importing.formulas import FORMULAS
from backproof.importing.imported import Part, Value, plain
from backproof.importing.torch_reader import Reader, Row
from symbolic.errors import Unsupported


def applied(read: Reader, module: Any, path: str, *values: Any, **named: Any) -> Any:
    """What a module makes of values. Raises Unsupported for a module or an option without a row."""
    row = MODULES.get(kind(module))
    if row is None:
        raise Unsupported("it has no equations here")
    return row(read, module, path, *values, **named)


def kind(module: Any) -> str:
    """The name of a class of torch's own; empty for any other."""
    own = type(module)
    return own.__name__ if own.__module__.startswith("torch.nn.modules.") else ""


def demand(module: Any, **options: Any) -> None:
    """Raise Unsupported where an option is not the only one that can be read."""
    for name, expected in options.items():
        if getattr(module, name, expected) != expected:
            raise Unsupported(f"{name}={getattr(module, name)!r}; there is only {name}={expected!r}")


def pair(given: Any, rank: int) -> list[int]:
    """A number for every dimension."""
    return [int(each) for each in given] if isinstance(given, Sequence) else [int(given)] * rank


def _linear(read: Reader, module: Any, path: str, x: Any) -> Value:
    return layers.dense(read.build, x, _weight(read, module.weight), read.weight(module.bias))


def _weight(read: Reader, tensor: Any) -> Weight:
    weight = read.weight(tensor)
    assert weight is not None
    return weight


def _bilinear(read: Reader, module: Any, path: str, left: Any, right: Any) -> Value:
    return layers.bilinear(read.build, left, right, _weight(read, module.weight), read.weight(module.bias))


def _convolution(read: Reader, module: Any, path: str, x: Any) -> Value:
    demand(module, padding_mode="zeros")
    if any(getattr(module, "output_padding", ())):
        raise Unsupported(f"output_padding={module.output_padding}; there is only 0")
    return layers.convolution(
        read.build,
        x,
        _weight(read, module.weight),
        read.weight(module.bias),
        stride=module.stride,
        padding=symmetric(module.padding, module.kernel_size, module.dilation),
        dilation=module.dilation,
        groups=module.groups,
        transposed=module.transposed,
    )


def symmetric(padding: Any, kernel: Sequence[int], dilation: Sequence[int]) -> list[int]:
    """Padding in numbers, the same on both sides; `same` needs an even reach."""
    if padding == "valid":
        return [0] * len(kernel)
    if padding != "same":
        return pair(padding, len(kernel))
    reach = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
    if any(each % 2 for each in reach):
        raise Unsupported("padding='same' with an even kernel pads one side more than the other")
    return [each // 2 for each in reach]


def _pool(name: str, rank: int) -> Row:
    def row(read: Reader, module: Any, path: str, x: Any) -> Value:
        demand(module, ceil_mode=False, return_indices=False, divisor_override=None)
        if any(each != 1 for each in pair(getattr(module, "dilation", 1), rank)):
            raise Unsupported(f"dilation={module.dilation}; there is only 1")
        padding = pair(module.padding, rank)
        if any(padding):
            demand(module, count_include_pad=True)
        kernel, stride = pair(module.kernel_size, rank), pair(module.stride, rank)
        return layers.pool(read.build, name, x, kernel, stride, padding)

    return row


def _adaptive_average(rank: int) -> Row:
    def row(read: Reader, module: Any, path: str, x: Any) -> Value:
        wanted = module.output_size
        return layers.adaptive_average(
            read.build, x, wanted if isinstance(wanted, Sequence) else [wanted] * rank
        )

    return row


def _batch_norm(read: Reader, module: Any, path: str, x: Any) -> Value:
    gamma, beta = read.weight(module.weight), read.weight(module.bias)
    by_batch = module.training or module.running_mean is None
    statistics = None if by_batch else (plain(module.running_mean), plain(module.running_var))
    return layers.batch_norm(read.build, x, gamma, beta, module.eps, statistics)


def _layer_norm(read: Reader, module: Any, path: str, x: Any) -> Value:
    weights = {"gamma": read.weight(module.weight), "beta": read.weight(module.bias)}
    return layers.norm(read.build, "layer-norm", x, module.normalized_shape, module.eps, **weights)


def _rms_norm(read: Reader, module: Any, path: str, x: Any) -> Value:
    epsilon = np.finfo(np.float64).eps if module.eps is None else module.eps
    gamma = read.weight(module.weight)
    return layers.norm(read.build, "rms-norm", x, module.normalized_shape, epsilon, gamma=gamma)


def _group_norm(read: Reader, module: Any, path: str, x: Any) -> Value:
    gamma, beta = read.weight(module.weight), read.weight(module.bias)
    return layers.group_norm(read.build, x, module.num_groups, gamma, beta, module.eps)


def _instance_norm(read: Reader, module: Any, path: str, x: Any) -> Value:
    demand(module, track_running_stats=False)
    gamma, beta = read.weight(module.weight), read.weight(module.bias)
    return layers.group_norm(read.build, x, int(x.sizes[1]), gamma, beta, module.eps)


def _embedding(read: Reader, module: Any, path: str, places: Any) -> Value:
    demand(module, max_norm=None, scale_grad_by_freq=False, sparse=False)
    if module.padding_idx is not None:
        raise Unsupported(
            f"padding_idx={module.padding_idx}: torch leaves this row out of the gradient, which is then not "
            "that of the loss"
        )
    return layers.embedding(read.build, places, _weight(read, module.weight))


def _dropout(read: Reader, module: Any, path: str, x: Any) -> Any:
    if not module.training or module.p == 0:
        return x
    if path not in read.masks:
        raise Unsupported(
            f"in training it draws a mask; give the one that was drawn, masks={{{path!r}: 0 and 1 for every "
            "entry}, or call .eval() first"
        )
    return layers.dropout(read.build, read.build.lifted(x), plain(read.masks[path]), module.p)


def _same(read: Reader, module: Any, path: str, x: Any) -> Any:
    return x


def _activation(function: str, *attributes: str) -> Row:
    def row(read: Reader, module: Any, path: str, x: Any) -> Value:
        options = {name: getattr(module, name) for name in attributes}
        return operations.activation(read.build, x, FORMULAS[function](**options))

    return row


def _prelu(read: Reader, module: Any, path: str, x: Any) -> Value:
    return layers.prelu(read.build, x, _weight(read, module.weight))


def _softmax(row_name: str, sign: int = 1) -> Row:
    def row(read: Reader, module: Any, path: str, x: Any) -> Value:
        if module.dim is None:
            raise Unsupported("dim=None; say along which axis")
        logits = x if sign > 0 else operations.activation(read.build, x, "-z")
        return operations.along(read.build, row_name, logits, module.dim)

    return row


def _flatten(read: Reader, module: Any, path: str, x: Any) -> Value:
    return flattened(read, x, module.start_dim, module.end_dim)


def flattened(read: Reader, x: Any, start_dim: int = 0, end_dim: int = -1) -> Value:
    """Axes from one to another as one."""
    value = read.build.lifted(x)
    first, last = start_dim % value.rank, end_dim % value.rank
    return operations.reshaped(read.build, value, (*value.sizes[:first], -1, *value.sizes[last + 1 :]))


def _unflatten(read: Reader, module: Any, path: str, x: Any) -> Value:
    axis = module.dim % x.rank
    sizes = (*x.sizes[:axis], *module.unflattened_size, *x.sizes[axis + 1 :])
    return operations.reshaped(read.build, x, sizes)


def _attention(
    read: Reader,
    module: Any,
    path: str,
    query: Any,
    key: Any,
    value: Any,
    key_padding_mask: Any = None,
    need_weights: bool = True,  # noqa: FBT001, FBT002  # torch's own signature
    attn_mask: Any = None,
    average_attn_weights: bool = True,  # noqa: FBT001, FBT002
    is_causal: bool = False,  # noqa: FBT001, FBT002
) -> tuple[Value, None]:
    """Attention of a sequence to itself; the weights that torch returns beside it are not offered."""
    if not query == key == value:
        raise Unsupported("query, key and value are not the same; there is attention of a sequence to itself")
    if key_padding_mask is not None:
        raise Unsupported("key_padding_mask differs between samples; there is attn_mask, one for all")
    check_samples(query, batch_first=module.batch_first)
    demand(module, bias_k=None, bias_v=None, add_zero_attn=False)
    if module.training and module.dropout:
        raise Unsupported(f"dropout={module.dropout} in training draws a mask; call .eval(), or set it to 0")
    mask = None if attn_mask is None else layers.multiplied(looked_at(attn_mask))
    made = layers.self_attention(read.build, query, module.num_heads, _projections(read, module), mask)
    return made, None


def looked_at(mask: Weight) -> Any:
    """torch.nn's mask, True where one may not look, as one that is True where one may."""
    numbers = mask.numbers
    return ~numbers if numbers.dtype == bool else numbers


def check_samples(x: Value, *, batch_first: bool) -> None:
    """Raise Unsupported where a sequence has its samples elsewhere than the module takes them to be."""
    if x.rank != 3 or x.samples != 1 - batch_first:
        raise Unsupported(f"batch_first={batch_first}, but the samples are axis {x.samples} of {x.rank}")


def _projections(read: Reader, module: Any) -> dict[str, Part | None]:
    units, heads = module.embed_dim, module.num_heads
    width = units // heads
    weight, bias = _weight(read, module.in_proj_weight), read.weight(module.in_proj_bias)
    out, out_bias = _weight(read, module.out_proj.weight), read.weight(module.out_proj.bias)
    found: dict[str, Part | None] = {}
    for number, name in enumerate("QKV"):
        rows = (number * units, (number + 1) * units)
        found[f"W{name}"] = read.build.known(weight).part(rows=rows, shape=(heads, width, units))
        found[f"b{name}"] = (
            None if bias is None else read.build.known(bias).part(rows=rows, shape=(heads, width))
        )
    found["WO"] = read.build.known(out).part(shape=(units, heads, width))
    found["bO"] = None if out_bias is None else read.build.known(out_bias).part()
    return found


def _encoder_layer(
    read: Reader,
    module: Any,
    path: str,
    src: Any,
    src_mask: Any = None,
    src_key_padding_mask: Any = None,
    is_causal: bool = False,  # noqa: FBT001, FBT002
) -> Any:
    """Attention and a network of two layers, each with a residual connection and a norm before or after."""

    def part(name: str, x: Any, *rest: Any, **named: Any) -> Any:
        read.build.name = f"{path}.{name}"
        return applied(read, getattr(module, name), f"{path}.{name}", x, *rest, **named)

    def attend(x: Any) -> Any:
        options = {"attn_mask": src_mask, "key_padding_mask": src_key_padding_mask}
        return part("dropout1", part("self_attn", x, x, x, **options)[0])

    def feed(x: Any) -> Any:
        hidden = part("linear1", x)
        read.build.name = f"{path}.activation"
        active = operations.activation(read.build, hidden, activation_of(module.activation))
        return part("dropout2", part("linear2", part("dropout", active)))

    def add(x: Any, change: Any) -> Any:
        read.build.name = f"{path}.residual"
        return operations.binary(read.build, "add", x, change)

    for norm, change in (("norm1", attend), ("norm2", feed)):
        src = add(src, change(part(norm, src))) if module.norm_first else part(norm, add(src, change(src)))
    return src


def activation_of(function: Any) -> str:
    """The formula of an activation that is given as a function or a module."""
    name = getattr(function, "__name__", "")
    if name in FORMULAS:
        return FORMULAS[name]()
    if kind(function) in ACTIVATIONS:
        own, *attributes = ACTIVATIONS[kind(function)]
        return FORMULAS[own](**{each: getattr(function, each) for each in attributes})
    raise Unsupported(f"the activation {name or type(function).__name__}")


def _encoder(
    read: Reader, module: Any, path: str, src: Any, mask: Any = None, src_key_padding_mask: Any = None
) -> Any:
    for number, layer in enumerate(module.layers):
        place = f"{path}.layers.{number}"
        src = applied(read, layer, place, src, mask, src_key_padding_mask)
    read.build.name = f"{path}.norm"
    return src if module.norm is None else applied(read, module.norm, f"{path}.norm", src)


def _recurrent(read: Reader, module: Any, path: str, x: Any, before: Any = None) -> tuple[Value, Any]:
    cell = recurrent.CELLS[module.mode.partition("_")[0]]
    demand(module, proj_size=0)
    if module.training and module.dropout and module.num_layers > 1:
        raise Unsupported(f"dropout={module.dropout} in training draws masks; call .eval(), or set it to 0")
    directions = ("", "_reverse") if module.bidirectional else ("",)
    stacks = [
        [_stack(read, module, f"_l{number}{direction}") for direction in directions]
        for number in range(module.num_layers)
    ]
    held = None if before is None else _held(read, before, len(stacks) * len(directions))
    check_samples(x, batch_first=module.batch_first)
    activation = module.mode.partition("_")[2].lower() or "tanh"
    outputs, last = recurrent.unrolled(read.build, cell, stacks, x, int(module.batch_first), held, activation)
    read.build.name = f"{path}_last"
    lasts = [operations.stacked(read.build, each, 0) for each in zip(*last, strict=True)]
    return outputs, tuple(lasts) if cell.state else lasts[0]


def _stack(read: Reader, module: Any, suffix: str = "") -> recurrent.Stack:
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    inputs, states, *biases = (read.weight(getattr(module, f"{name}{suffix}", None)) for name in names)
    assert inputs is not None and states is not None
    return recurrent.Stack(inputs, states, *biases)


def _held(read: Reader, before: Any, count: int) -> list[tuple[Value, ...]]:
    """For every layer and direction its output and state before the first step."""
    kinds = before if isinstance(before, tuple) else (before,)
    values = [read.build.lifted(each) for each in kinds]
    return [
        tuple(operations.taken(read.build, value, 0, place) for value in values) for place in range(count)
    ]


def _cell(name: str) -> Row:
    def row(read: Reader, module: Any, path: str, x: Any, before: Any = None) -> Any:
        cell, stack = recurrent.CELLS[name], _stack(read, module)
        activation = getattr(module, "nonlinearity", "tanh")
        value = layers.front(read.build, x, -1)
        held = recurrent.start(read.build, cell, stack, value) if before is None else before
        held = held if isinstance(held, tuple) else (held,)
        found = recurrent.step(read.build, cell, stack, value, held, activation)
        return found if cell.state else found[0]

    return row


ACTIVATIONS: Final[Mapping[str, tuple[str, ...]]] = {  # the function, and the attributes that it takes
    "ReLU": ("relu",),
    "Tanh": ("tanh",),
    "Sigmoid": ("sigmoid",),
    "GELU": ("gelu", "approximate"),
    "SiLU": ("silu",),
    "ELU": ("elu", "alpha"),
    "CELU": ("celu", "alpha"),
    "SELU": ("selu",),
    "Softplus": ("softplus", "beta", "threshold"),
    "LeakyReLU": ("leaky_relu", "negative_slope"),
    "Mish": ("mish",),
    "Hardtanh": ("hardtanh", "min_val", "max_val"),
    "ReLU6": ("relu6",),
    "Softsign": ("softsign",),
    "Hardsigmoid": ("hardsigmoid",),
    "Hardswish": ("hardswish",),
    "LogSigmoid": ("logsigmoid",),
    "Softshrink": ("softshrink", "lambd"),
    "Hardshrink": ("hardshrink", "lambd"),
    "Tanhshrink": ("tanhshrink",),
    "Threshold": ("threshold", "threshold", "value"),
}
MODULES: Final[Mapping[str, Callable[..., Any]]] = {
    **{name: _activation(*row) for name, row in ACTIVATIONS.items()},
    "Linear": _linear,
    "Bilinear": _bilinear,
    **dict.fromkeys(("Conv1d", "Conv2d", "ConvTranspose1d", "ConvTranspose2d"), _convolution),
    **{f"AvgPool{rank}d": _pool("average", rank) for rank in (1, 2)},
    **{f"MaxPool{rank}d": _pool("max", rank) for rank in (1, 2)},
    **{f"AdaptiveAvgPool{rank}d": _adaptive_average(rank) for rank in (1, 2)},
    **dict.fromkeys(("BatchNorm1d", "BatchNorm2d"), _batch_norm),
    **dict.fromkeys(("InstanceNorm1d", "InstanceNorm2d"), _instance_norm),
    "LayerNorm": _layer_norm,
    "RMSNorm": _rms_norm,
    "GroupNorm": _group_norm,
    "Embedding": _embedding,
    "Dropout": _dropout,
    "Identity": _same,
    "PReLU": _prelu,
    "Softmax": _softmax("softmax"),
    "Softmin": _softmax("softmax", -1),
    "LogSoftmax": _softmax("log-softmax"),
    "Flatten": _flatten,
    "Unflatten": _unflatten,
    "MultiheadAttention": _attention,
    "TransformerEncoderLayer": _encoder_layer,
    "TransformerEncoder": _encoder,
    **dict.fromkeys(("RNN", "LSTM", "GRU"), _recurrent),
    **{f"{name}Cell": _cell(name) for name in ("RNN", "LSTM", "GRU")},
}
