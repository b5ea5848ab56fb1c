"""Array languages as rows: what NumPy, JAX and PyTorch call the same things.

A printer asks its dialect; it never asks which one that is. Strategies are small functions on source text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias, get_args

from symbolic.codegen.request import Dtype
from symbolic.errors import InvalidNetwork

Target: TypeAlias = Literal["numpy", "jax", "torch"]
TARGETS: Final[tuple[Target, ...]] = get_args(Target)


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one language of arrays writes what they all have.

    `pair` writes a maximum or minimum of two sources, told which of them are numbers; `pieces` writes a
    choice between two numbers in the precision of the array `like`. `texts` are what else differs, by name.
    """

    target: Target
    np: str
    imports: Mapping[str, str]
    decorator: str
    axis: str
    keep: str
    pair: Callable[[str, str, str, tuple[bool, bool]], str]
    pieces: Callable[[str, str, str, str], str]
    texts: Mapping[str, str]
    dtype: Dtype = "float64"

    def text(self, name: str, /, **parts: object) -> str:
        """One of the texts with its parts put in."""
        return self.texts[name].format(np=self.np, axis=self.axis, keep=self.keep, **parts)

    def over(self, axis: object, *, kept: bool = False) -> str:
        """The arguments of a reduction: `axis=1, keepdims=True`."""
        return f"{self.axis}={axis}{f', {self.keep}=True' * kept}"

    def header(self, code: str) -> str:
        """The imports that code needs, standard library first."""
        needed = [line for mark, line in self.imports.items() if mark in code]
        return "\n\n".join(["import math"] * ("math." in code) + ["\n".join(needed)])


def _numpy_pair(name: str, left: str, right: str, _: tuple[bool, bool]) -> str:
    return f"np.{name}({left}, {right})"


def _jax_pair(name: str, left: str, right: str, _: tuple[bool, bool]) -> str:
    return f"jnp.{name}({left}, {right})"


def _torch_pair(name: str, left: str, right: str, are_numbers: tuple[bool, bool]) -> str:
    """torch.maximum takes tensors alone."""
    bound = {"maximum": "min", "minimum": "max"}[name]
    if are_numbers[0]:
        left, right = right, left
    return f"torch.clamp({left}, {bound}={right})" if any(are_numbers) else f"torch.{name}({left}, {right})"


def _numpy_pieces(condition: str, value: str, otherwise: str, _: str) -> str:
    return f"np.where({condition}, {value}, {otherwise})"


def _float32_pieces(condition: str, value: str, otherwise: str, like: str) -> str:
    """The result of two numbers would be of float64."""
    return f"{_numpy_pieces(condition, value, otherwise, like)}.astype(np.float32)"


def _jax_pieces(condition: str, value: str, otherwise: str, _: str) -> str:
    return f"jnp.where({condition}, {value}, {otherwise})"


def _torch_pieces(condition: str, value: str, otherwise: str, like: str) -> str:
    """The result of two numbers would be of torch's default precision."""
    return f"torch.where({condition}, torch.full_like({like}, {value}), {otherwise})"


_SHARED: Final = {
    "clip": "{np}.clip({what}, {low}, {high})",
    "largest": "{np}.max({what}, {over})",
    "place": "{np}.argmax({what}, {over})",
    "lowest": "-8e307",
    "opaque": "{value}",
    "digits": "24",
    "cast": "{what}.astype({like}.dtype)",
    "whole": "{what}.astype(int)",
    "permute": "{what}.transpose({order})",
    "arange": "{np}.arange({count})",
    "broadcast": "{np}.broadcast_to({what}, {shape})",
    "broadcast arrays": "{np}.broadcast_arrays",
    "zeros": "{np}.zeros({shape}, {like}.dtype)",
    "filled": "{np}.full({shape}, {what}, {like}.dtype)",
}

NUMPY: Final = Dialect(
    "numpy",
    "np",
    {"np.": "import numpy as np"},
    '@np.errstate(over="ignore")\n',
    "axis",
    "keepdims",
    _numpy_pair,
    _numpy_pieces,
    {
        **_SHARED,
        "erf": "_erf",
        "erfc": "_erfc",
        "vectorized": "np.vectorize(math.{name}, otypes=[float])(x)",
        "full": "np.full(z.shape, {value})",
        "one-hot": "np.eye({count})[{labels}]",
        "added": (
            "total = np.zeros(shape, value.dtype)\n"
            "    np.add.at(total, tuple(at), np.where(inside, value, 0))\n"
            "    return total"
        ),
        "without largest": "np.put_along_axis(exponential, {place}, 0.0, axis={unit})",
    },
)
_NUMPY32: Final = replace(
    NUMPY,
    dtype="float32",
    pieces=_float32_pieces,
    texts={
        **NUMPY.texts,
        "vectorized": "np.vectorize(math.{name}, otypes=[np.float32])(x)",
        "full": "np.full(z.shape, {value}, np.float32)",
        "one-hot": "np.eye({count}, dtype=np.float32)[{labels}]",
        "lowest": "-1.5e38",
    },
)
JAX: Final = Dialect(
    "jax",
    "jnp",
    {"jax.": "import jax", "jnp.": "import jax.numpy as jnp"},
    "",
    "axis",
    "keepdims",
    _jax_pair,
    _jax_pieces,
    {
        **_SHARED,
        "erf": "jax.scipy.special.erf",
        "erfc": "jax.scipy.special.erfc",
        "vectorized": "jax.scipy.special.{name}(x)",
        "full": "jnp.full(z.shape, {value}, z.dtype)",
        # XLA would make z - (c + d) of (z - c) - d, and exp(x + y) of exp(x) exp(y)
        "opaque": "jax.lax.optimization_barrier({value})",
        # its erfc takes exp(-x²), which is exact only if x² is
        "digits": "21",
        "one-hot": "jax.nn.one_hot({labels}, {count}, dtype=x.dtype)",
        "added": "return jnp.zeros(shape, value.dtype).at[tuple(at)].add(jnp.where(inside, value, 0))",
        "without largest": (
            "exponential = jnp.put_along_axis(exponential, {place}, 0.0, axis={unit}, inplace=False)"
        ),
    },
)
TORCH: Final = Dialect(
    "torch",
    "torch",
    {"torch.": "import torch"},
    "",
    "dim",
    "keepdim",
    _torch_pair,
    _torch_pieces,
    {
        **_SHARED,
        "erf": "torch.erf",
        "erfc": "torch.erfc",
        "vectorized": "torch.{name}(x)",
        "full": "torch.full_like(z, {value})",
        "one-hot": "torch.nn.functional.one_hot({labels}, {count}).to(x.dtype)",
        "broadcast arrays": "torch.broadcast_tensors",
        "filled": "torch.full({shape}, {what}, dtype={like}.dtype, device={like}.device)",
        "zeros": "torch.zeros({shape}, dtype={like}.dtype, device={like}.device)",
        "added": (
            "total = torch.zeros(shape, dtype=value.dtype, device=value.device)\n"
            "    return total.index_put(tuple(at), torch.where(inside, value, 0), accumulate=True)"
        ),
        "without largest": "exponential = exponential.scatter({unit}, {place}, 0.0)",
        "largest": "torch.amax({what}, {over})",
        "lowest": "torch.finfo(z.dtype).min / 2.25",
        "cast": "{what}.to({like}.dtype)",
        "whole": "{what}.long()",
        "permute": "{what}.permute({order})",
        "arange": "torch.arange({count}, device={like}.device)",
    },
)
_ROWS: Final[Mapping[Target, Mapping[Dtype, Dialect]]] = {
    "numpy": {"float64": NUMPY, "float32": _NUMPY32},
    "jax": {
        "float64": JAX,
        "float32": replace(JAX, dtype="float32", texts={**JAX.texts, "lowest": "-1.5e38"}),
    },
    "torch": {"float64": TORCH, "float32": replace(TORCH, dtype="float32")},
}


def dialect(target: Target, dtype: Dtype) -> Dialect:
    """The row of a target in a precision. Raises InvalidNetwork for another target."""
    if target not in _ROWS:
        raise InvalidNetwork(f"no array target {target!r}; choose from {', '.join(TARGETS)}")
    return _ROWS[target][dtype]
