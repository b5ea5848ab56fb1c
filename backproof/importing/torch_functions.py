"""The functions and methods of torch that can be read, one row each, by their names.

`torch.relu(x)`, `F.relu(x)` and `x.relu()` are one row. A row is called with the reader and the arguments as
the model gives them; sizes that depend on the samples are expressions in m.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from backproof.importing import layers, operations
from backproof.importing.builder import Weight
from backproof.importing.formulas import FORMULAS
from backproof.importing.imported import Value
from backproof.importing.torch_modules import flattened, pair, symmetric
from backproof.importing.torch_reader import Reader, Row
from symbolic.errors import Unsupported


def _formula(name: str) -> Row:
    def row(read: Reader, x: Any, *rest: Any, **named: Any) -> Value:
        return operations.activation(read.build, x, FORMULAS[name](*rest, **named))

    return row


def _binary(kind: str, *, swapped: bool = False) -> Row:
    def row(read: Reader, left: Any, right: Any, *, alpha: float = 1, rounding_mode: None = None) -> Value:
        if rounding_mode is not None:
            raise Unsupported(f"rounding_mode={rounding_mode!r}")
        if alpha != 1:
            right = operations.binary(read.build, "mul", right, alpha)
        return operations.binary(read.build, kind, *((right, left) if swapped else (left, right)))

    return row


def _reduced(row_name: str) -> Row:
    def row(read: Reader, x: Any, dim: Any = None, keepdim: bool = False, **_: Any) -> Value:  # noqa: FBT001, FBT002
        axes = [dim] if isinstance(dim, int) else dim
        return operations.reduced(read.build, row_name, x, axes, keep=keepdim)

    return row


def _along(row_name: str) -> Row:
    def row(read: Reader, x: Any, dim: Any = None, *_: Any, **named: Any) -> Value:
        if dim is None:
            raise Unsupported("dim=None; say along which axis")
        return operations.along(read.build, row_name, x, dim)

    return row


def _linear(read: Reader, x: Any, weight: Any, bias: Any = None) -> Value:
    if isinstance(weight, Weight):
        return layers.dense(read.build, x, weight, bias)
    product = operations.matmul(read.build, x, operations.exchanged(weight, 0, 1))
    return product if bias is None else operations.binary(read.build, "add", product, bias)


def _convolution(rank: int, *, transposed: bool = False) -> Row:
    def row(
        read: Reader,
        x: Any,
        weight: Any,
        bias: Any = None,
        stride: Any = 1,
        padding: Any = 0,
        *rest: Any,
        **named: Any,
    ) -> Value:
        names = ("output_padding", "groups", "dilation") if transposed else ("dilation", "groups")
        options = (
            {"output_padding": 0, "groups": 1, "dilation": 1} | dict(zip(names, rest, strict=False)) | named
        )
        if not isinstance(weight, Weight):
            raise Unsupported("weights that are computed; there are parameters")
        if any(pair(options["output_padding"], rank)):
            raise Unsupported(f"output_padding={options['output_padding']}; there is only 0")
        dilation = pair(options["dilation"], rank)
        return layers.convolution(
            read.build,
            x,
            weight,
            bias,
            stride=pair(stride, rank),
            padding=symmetric(padding, weight.shape[2:], dilation),
            dilation=dilation,
            groups=options["groups"],
            transposed=transposed,
        )

    return row


def _pool(name: str, rank: int) -> Row:
    every: dict[str, dict[str, Any]] = {  # after padding, in order, with the only value that can be read
        "max": {"dilation": 1, "ceil_mode": False, "return_indices": False},
        "average": {"ceil_mode": False, "count_include_pad": True, "divisor_override": None},
    }
    after = every[name]

    def row(
        read: Reader, x: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, *rest: Any, **named: Any
    ) -> Value:
        for option, given in {**dict(zip(after, rest, strict=False)), **named}.items():
            if given != after[option]:
                raise Unsupported(f"{option}={given}; there is only {after[option]}")
        kernel = pair(kernel_size, rank)
        step = kernel if stride in (None, []) else pair(stride, rank)
        return layers.pool(read.build, name, x, kernel, step, pair(padding, rank))

    return row


def _layer_norm(
    read: Reader, x: Any, normalized_shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> Value:
    return layers.norm(read.build, "layer-norm", x, normalized_shape, eps, gamma=weight, beta=bias)


def _dropout(read: Reader, x: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:  # noqa: FBT001, FBT002
    if training and p:
        raise Unsupported("it draws a mask; use nn.Dropout, whose mask can be given, or training=False")
    return x


def _attention(
    read: Reader,
    query: Any,
    key: Any,
    value: Any,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,  # noqa: FBT001, FBT002  # torch's own signature
    scale: float | None = None,
    enable_gqa: bool = False,  # noqa: FBT001, FBT002
) -> Value:
    if dropout_p or enable_gqa:
        raise Unsupported(f"dropout_p={dropout_p}, enable_gqa={enable_gqa}; there is neither")
    mask = None
    if is_causal:
        mask = np.tril(np.ones((query.sizes[-2], key.sizes[-2])))
    if attn_mask is not None:
        if not isinstance(attn_mask, Weight) or attn_mask.trained:
            raise Unsupported("a mask that is computed; there are constant ones")
        mask = layers.multiplied(attn_mask.numbers)
    return layers.attention(read.build, query, key, value, mask, scale)


def _item(read: Reader, x: Any, index: Any) -> Any:
    """Indexing by whole numbers, slices, None, an ellipsis, and lists of places."""
    if isinstance(x, tuple | list):
        return x[index]
    value = read.build.lifted(x)
    picks = list(index) if isinstance(index, tuple) else [index]
    if Ellipsis in [pick for pick in picks if not isinstance(pick, Weight)]:
        at = next(place for place, pick in enumerate(picks) if pick is Ellipsis)
        named = sum(pick is not None for pick in picks) - 1
        picks[at : at + 1] = [slice(None)] * (value.rank - named)
    axis = 0
    for pick in picks:
        if isinstance(pick, int):
            value = operations.taken(read.build, value, axis, pick)
            continue
        if pick is None:
            value = operations.insert(read.build, value, axis)
        elif isinstance(pick, slice):
            value = operations.sliced(read.build, value, axis, pick.start, pick.stop, pick.step)
        elif isinstance(pick, Weight) and pick.numbers.ndim == 1 and pick.numbers.dtype.kind == "i":
            value = operations.gathered(read.build, value, axis, pick.numbers)
        else:
            raise Unsupported(
                f"indexing by {type(pick).__name__}; there are numbers, slices and lists of places"
            )
        axis += 1
    return value


def _parts(read: Reader, x: Any, sizes: Sequence[int], dim: int) -> tuple[Value, ...]:
    value, start, found = read.build.lifted(x), 0, []
    for size in sizes:
        found.append(operations.sliced(read.build, value, dim, start, start + size, None))
        start += size
    return tuple(found)


def _split(read: Reader, x: Any, split_size: Any, dim: int = 0) -> tuple[Value, ...]:
    length = int(x.sizes[dim])
    if isinstance(split_size, int):
        split_size = [min(split_size, length - start) for start in range(0, length, split_size)]
    return _parts(read, x, split_size, dim)


def _chunk(read: Reader, x: Any, chunks: int, dim: int = 0) -> tuple[Value, ...]:
    return _split(read, x, -(-int(x.sizes[dim]) // chunks), dim)


def _unbind(read: Reader, x: Any, dim: int = 0) -> tuple[Value, ...]:
    return tuple(operations.taken(read.build, x, dim, place) for place in range(int(x.sizes[dim])))


def _attribute(read: Reader, x: Any, name: str) -> Any:
    if name not in ATTRIBUTES:
        raise Unsupported(f"the attribute {name}; there are {', '.join(ATTRIBUTES)}")
    return ATTRIBUTES[name](x)


def _size(read: Reader, x: Any, dim: int | None = None) -> Any:
    return tuple(x.sizes) if dim is None else x.sizes[dim]


def _shape(row: Callable[[Reader, Any, Sequence[Any]], Any]) -> Row:
    """A row whose last arguments are one list, or several numbers."""

    def either(read: Reader, x: Any, *sizes: Any, **named: Any) -> Any:
        given = named.get("shape", named.get("size", named.get("dims", sizes)))
        flat = given[0] if len(given) == 1 and isinstance(given[0], tuple | list) else given
        return row(read, x, tuple(flat))

    return either


def _expanded(read: Reader, x: Any, sizes: Sequence[Any]) -> Value:
    value = read.build.lifted(x)
    if value.samples is None or len(sizes) != value.rank:
        raise Unsupported("expand of what has no samples; arithmetic stretches it by itself")
    for axis, (old, new) in enumerate(zip(value.sizes, sizes, strict=True)):
        if new not in (-1, old):
            value = operations.expanded(
                read.build, operations.taken(read.build, value, axis, 0), axis, int(new)
            )
    return value


def _zeros(read: Reader, *sizes: Any, **_: Any) -> Value:
    flat = sizes[0] if len(sizes) == 1 and isinstance(sizes[0], tuple | list) else sizes
    return read.build.fill(read.build.name, tuple(flat), 0.0)


def _squeeze(read: Reader, x: Any, dim: Any = None) -> Value:
    value = read.build.lifted(x)
    every = [axis for axis in range(value.rank) if axis != value.samples]
    axes = every if dim is None else [dim] if isinstance(dim, int) else dim
    return operations.squeezed(read.build, value, axes)


def _joined(read: Reader, tensors: Sequence[Any], dim: int = 0) -> Value:
    return operations.joined(read.build, tensors, dim)


def _stacked(read: Reader, tensors: Sequence[Any], dim: int = 0) -> Value:
    values = [read.build.lifted(each) for each in tensors]
    return operations.stacked(read.build, values, dim % (values[0].rank + 1))


def _einsum(read: Reader, equation: str, *tensors: Any) -> Value:
    flat = tensors[0] if isinstance(tensors[0], tuple | list) else tensors
    return operations.einsum(read.build, equation, *flat)


def _embedding(read: Reader, places: Any, weight: Any, padding_idx: None = None, **_: Any) -> Value:
    if padding_idx is not None or not isinstance(weight, Weight):
        raise Unsupported("padding_idx, or weights that are computed")
    return layers.embedding(read.build, places, weight)


def _permuted(read: Reader, x: Any, order: Sequence[int]) -> Value:
    return operations.permuted(read.build.lifted(x), order)


def _reshaped(read: Reader, x: Any, sizes: Sequence[Any]) -> Value:
    return operations.reshaped(read.build, x, sizes)


def _same(read: Reader, x: Any, *_: Any, **named: Any) -> Any:
    return x


def _nothing(read: Reader, *_: Any, **named: Any) -> None:
    """What tracing leaves behind and computes nothing."""


ATTRIBUTES: Final[Mapping[str, Callable[[Value], Any]]] = {
    "shape": lambda x: tuple(x.sizes),
    "ndim": lambda x: x.rank,
    "device": lambda x: None,  # what is made there is real, and in memory
    "dtype": lambda x: None,
    "T": lambda x: operations.exchanged(x, -1, -2),
    "mT": lambda x: operations.exchanged(x, -1, -2),
}
ALIASES: Final[Mapping[str, str]] = {  # as torch and Python's operators call the same
    "truediv": "div",
    "true_divide": "div",
    "divide": "div",
    "subtract": "sub",
    "multiply": "mul",
    "iadd": "add",
    "isub": "sub",
    "imul": "mul",
    "itruediv": "div",
    "concat": "cat",
    "concatenate": "cat",
    "swapaxes": "transpose",
    "swapdims": "transpose",
    "view": "reshape",
    "view_as": "reshape_as",
    "absolute": "abs",
    "negative": "neg",
    "clip": "clamp",
    "arctan": "atan",
    "bmm": "matmul",
    "mm": "matmul",
    "special_expit": "sigmoid",
}
FUNCTIONS: Final[Mapping[str, Callable[..., Any]]] = {
    **{name: _formula(name) for name in FORMULAS},
    **{name: _binary(name) for name in operations.BINARY},
    "rsub": _binary("sub", swapped=True),
    "sum": _reduced("sum"),
    "mean": _reduced("mean"),
    "softmax": _along("softmax"),
    "log_softmax": _along("log-softmax"),
    "linear": _linear,
    **{f"conv{rank}d": _convolution(rank) for rank in (1, 2)},
    **{f"conv_transpose{rank}d": _convolution(rank, transposed=True) for rank in (1, 2)},
    **{
        f"{short}_pool{rank}d": _pool(name, rank)
        for rank in (1, 2)
        for short, name in (("avg", "average"), ("max", "max"))
    },
    "layer_norm": _layer_norm,
    "dropout": _dropout,
    "embedding": _embedding,
    "scaled_dot_product_attention": _attention,
    "prelu": lambda read, x, slope: layers.prelu(read.build, x, slope),
    "matmul": lambda read, left, right: operations.matmul(read.build, left, right),
    "einsum": _einsum,
    "getitem": _item,
    "getattr": _attribute,
    "size": _size,
    "dim": lambda read, x: x.rank,
    "reshape": _shape(_reshaped),
    "reshape_as": lambda read, x, other: operations.reshaped(read.build, x, other.sizes),
    "flatten": flattened,
    "permute": _shape(_permuted),
    "transpose": lambda read, x, dim0, dim1: operations.exchanged(read.build.lifted(x), dim0, dim1),
    "t": lambda read, x: operations.exchanged(read.build.lifted(x), 0, 1),
    "unsqueeze": lambda read, x, dim: operations.insert(read.build, read.build.lifted(x), dim),
    "squeeze": _squeeze,
    "expand": _shape(_expanded),
    "cat": _joined,
    "stack": _stacked,
    "split": _split,
    "chunk": _chunk,
    "unbind": _unbind,
    "zeros": _zeros,
    "contiguous": _same,
    "clone": _same,
    "to": _same,
    "float": _same,
    "double": _same,
    "_assert": _nothing,
    "_assert_is_none": _nothing,
}
