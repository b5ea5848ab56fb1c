"""Hessians and Jacobians as matrices, column by column from the derived products."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import prod

import numpy as np
import sympy as sp

from numeric.arrays import Array, evaluate_arrays
from symbolic.derivation import Derivation
from symbolic.evaluate import shape_of
from symbolic.notation import Array as Name
from symbolic.second_order import hessian_vector, vector_jacobian


def hessian(
    derivation: Derivation,
    values: Mapping[Name, Array],
    scalars: Mapping[sp.Symbol, float],
    *,
    wrt: Iterable[Name] = (),
) -> Array:
    """∂²E/∂w², of shape (n, n), for all parameters or the arrays `wrt`, row-major and laid end to end."""
    products = hessian_vector(derivation, wrt)
    names = list(products.directions)
    blocks = [values[name] for name in names]
    columns = []
    for unit in np.eye(sum(block.size for block in blocks)):
        pieces = np.split(unit, np.cumsum([block.size for block in blocks])[:-1])
        directions = {
            products.directions[name]: piece.reshape(block.shape)
            for name, piece, block in zip(names, pieces, blocks, strict=True)
        }
        found = evaluate_arrays(products.steps, {**values, **directions}, scalars)
        parts = [found.get(products.products[name], np.zeros(values[name].shape)) for name in names]
        columns.append(np.concatenate([part.ravel() for part in parts]))
    return np.stack(columns, axis=1)


def jacobian(
    derivation: Derivation,
    output: Name,
    source: Name,
    values: Mapping[Name, Array],
    scalars: Mapping[sp.Symbol, float],
) -> Array:
    """∂y/∂u of shape (*shape of y, *shape of u), for the array `output` and an array it is computed from."""
    products = vector_jacobian(derivation, output, [source])
    shape = shape_of(output, {symbol: int(value) for symbol, value in scalars.items()})
    nothing = np.zeros(values[source].shape)  # where the output does not depend on the source
    found = (
        evaluate_arrays(products.steps, {**values, products.seed: unit.reshape(shape)}, scalars)
        for unit in np.eye(prod(shape))
    )
    return np.stack([each.get(source.bar, nothing) for each in found]).reshape(*shape, *nothing.shape)
