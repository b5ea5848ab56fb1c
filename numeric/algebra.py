"""What `numeric.arrays` computes with: NumPy arrays, or anything else that has an algebra of its own.

An algebra says how entries are added up and multiplied, raised, put through functions and chosen by
conditions; + and * are the operators of its arrays. `Plain` computes in floats; `numeric.envelope` carries
error bounds along.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Literal, Protocol, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from symbolic.activations import Activation

Array: TypeAlias = npt.NDArray[Any]
N = TypeVar("N", bound=Any)
Mask: TypeAlias = npt.NDArray[np.bool_] | Literal[False]
Formula: TypeAlias = Callable[[str, Any], Any]  # "value" or "slope" of an activation, by its stable lines

_ERF: Final = np.frompyfunc(math.erf, 1, 1)
_ERFC: Final = np.frompyfunc(math.erfc, 1, 1)
_FUNCTIONS: Final[Mapping[str, Callable[[Array], Array]]] = {
    "atan": np.arctan,
    "erf": lambda x: np.asarray(_ERF(x), float),
    "erfc": lambda x: np.asarray(_ERFC(x), float),
}


class Algebra(Protocol[N]):
    """Arrays N, which have + and *, a shape and a number of dimensions."""

    def lift(self, array: Array) -> N:
        """Numbers that are known exactly."""

    def constant(self, value: float, *, is_exact: bool) -> N:
        """A number without dimensions; one that is not exact is rounded by whoever computes with it."""

    def raw(self, array: N) -> Array:
        """The numbers themselves."""

    def spread(self, array: N) -> Array | float:
        """How far the numbers may be off."""

    def map(self, change: Callable[[Array], Array], array: N) -> N:
        """Entries moved, repeated or left out, such as by `reshape`."""

    def call(self, name: str, array: N) -> N:
        """A scalar function, by its name in the grammar."""

    def power(self, base: N, exponent: float) -> N: ...

    def where(self, held: Array, unsure: Mask, then: N, otherwise: N) -> N:
        """By cases; `unsure` where rounding may decide either way."""

    def einsum(self, subscripts: str, operands: Sequence[N], terms: int) -> N:
        """A sum of products of so many terms."""

    def add_at(self, shape: Sequence[int], at: tuple[Array, ...], values: N) -> N:
        """Zeros of a shape with values added up at places."""

    def doubt(self, array: N, unsure: Array) -> N:
        """The array, nothing known of the entries that are unsure."""

    def activation(self, source: Activation, wanted: str, z: N, stable: Formula) -> N:
        """The value or the slope of an activation."""


def function(name: str, x: Array) -> Array:
    """A scalar function of the grammar, entry by entry."""
    known = _FUNCTIONS.get(name)
    return np.asarray((known or getattr(np, name))(x))


class Plain:
    """NumPy's own arrays, in floats."""

    def lift(self, array: Array) -> Array:
        return array

    def constant(self, value: float, *, is_exact: bool) -> Array:
        return np.asarray(value)

    def raw(self, array: Array) -> Array:
        return array

    def spread(self, array: Array) -> float:
        return 0.0

    def map(self, change: Callable[[Array], Array], array: Array) -> Array:
        return change(array)

    def call(self, name: str, array: Array) -> Array:
        return function(name, array)

    def power(self, base: Array, exponent: float) -> Array:
        return power(base, exponent)

    def where(self, held: Array, unsure: Mask, then: Array, otherwise: Array) -> Array:
        return np.where(held, then, otherwise)

    def einsum(self, subscripts: str, operands: Sequence[Array], terms: int) -> Array:
        return contracted(subscripts, operands)

    def add_at(self, shape: Sequence[int], at: tuple[Array, ...], values: Array) -> Array:
        result = np.zeros(shape, values.dtype)
        np.add.at(result, at, values)
        return result

    def doubt(self, array: Array, unsure: Array) -> Array:
        return array

    def activation(self, source: Activation, wanted: str, z: Array, stable: Formula) -> Array:
        return np.broadcast_to(stable(wanted, z), z.shape)


def power(base: Array, exponent: float) -> Array:
    """base ** exponent, by the operations that round least."""
    if exponent == 0.5:
        return np.asarray(np.sqrt(base))
    if exponent == -0.5:
        return np.asarray(1 / np.sqrt(base))
    if exponent == -1:
        return np.asarray(1 / base)
    return np.asarray(base ** (int(exponent) if exponent == int(exponent) else exponent))


def contracted(subscripts: str, operands: Sequence[Array]) -> Array:
    """`einsum`; two operands by matrix products where they are matrices, more than two in pairs."""
    matrices = _matrices(subscripts)
    if matrices is not None:
        return matrices.product(*operands)
    return np.asarray(np.einsum(subscripts, *operands, optimize=len(operands) > 2))


@dataclass(frozen=True, slots=True)
class _Matrices:
    """How two operands are stacks of matrices: the order of each one's axes, stack first, and of the result's
    axes; how many axes are the stack's, the rows', the columns'.
    """

    first: tuple[int, ...]
    second: tuple[int, ...]
    result: tuple[int, ...]
    stack: int
    rows: int
    columns: int

    def product(self, x: Array, y: Array) -> Array:
        x, y = x.transpose(self.first), y.transpose(self.second)
        stack, rows = x.shape[: self.stack], x.shape[self.stack : self.stack + self.rows]
        columns = y.shape[y.ndim - self.columns :]
        matrix = x.reshape(*stack, math.prod(rows), -1) @ y.reshape(*stack, -1, math.prod(columns))
        return np.asarray(matrix.reshape(*stack, *rows, *columns).transpose(self.result))


@lru_cache(maxsize=4096)
def _matrices(subscripts: str) -> _Matrices | None:
    """The reading of a sum of products of two as a product of matrices, if it is one."""
    inputs, _, out = subscripts.partition("->")
    if inputs.count(",") != 1:
        return None
    x, y = inputs.split(",")
    stack, summed = (
        [letter for letter in x if letter in y and (letter in out) == kept] for kept in (True, False)
    )
    rows, columns = [each for each in x if each not in y], [each for each in y if each not in x]
    if not summed or not (rows or columns) or not set(rows + columns) <= set(out):
        return None
    order = [*stack, *rows, *columns]
    return _Matrices(
        tuple(map(x.index, [*stack, *rows, *summed])),
        tuple(map(y.index, [*stack, *summed, *columns])),
        tuple(map(order.index, out)),
        len(stack),
        len(rows),
        len(columns),
    )


PLAIN: Final = Plain()
