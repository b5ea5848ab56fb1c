"""Einsum form: a step that is a sum of products of plainly indexed arrays.

    Σ_i Σ_k W[i,j,k] X[k,c] D[i,c]      is      einsum("ijk,kc,ic->jc", W, X, D)

What has a matrix form has an einsum form as well, functions of entries apart; computed positions, brackets,
maxima and quotients of arrays have neither. A term without some of the target's axes is repeated along them.
"""

from __future__ import annotations

import string
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import sympy as sp

from symbolic.errors import Unsupported
from symbolic.expressions import Expr, name_of
from symbolic.grammar.indices import is_index
from symbolic.notation import Step


@dataclass(frozen=True, slots=True)
class EinsumTerm:
    """coefficient · einsum(subscripts, operands), whose result has the target's axes where `axes` says so."""

    coefficient: Expr
    subscripts: str
    operands: tuple[str, ...]
    axes: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class EinsumForm:
    """target = the sum of the terms, over local names of arrays."""

    target: str
    terms: tuple[EinsumTerm, ...]


@dataclass(slots=True)
class _Product:
    """A coefficient, and entries by name and indices; each summed index is a letter of its own."""

    coefficient: Expr
    entries: list[tuple[str, tuple[Expr, ...]]]
    summed: set[Expr]


def einsum_form(step: Step) -> EinsumForm:
    """The einsum form of a step. Raises Unsupported where it has none.

    >>> from symbolic.derivation import derive_layer
    >>> from symbolic.layers import LAYERS
    >>> einsum_form(derive_layer(LAYERS["bilinear"])[2]).terms[0].subscripts
    'ijq,qc,ic->jc'
    """
    equation = step.equation
    if equation.scatters or not all(map(is_index, equation.positions)):
        raise Unsupported(f"{equation.target} is a computed place; einsum has none")
    products = [_product(term) for term in sp.Add.make_args(equation.value)]
    for product in products:
        product.entries.sort(key=lambda entry: _place(step, entry[0]))
    products.sort(key=lambda product: [_place(step, name) for name, _ in product.entries])
    return EinsumForm(equation.name, tuple(_term(product, equation.positions, step) for product in products))


def _place(step: Step, name: str) -> tuple[bool, int, str]:
    """Where an array stands in the definition; cotangents do not."""
    found = step.equation.rule.find(f"{name}[")
    return found < 0, found, name


def _product(term: Expr) -> _Product:
    """A term as one product, sums within it opened."""
    product = _Product(sp.S.One, [], set())
    for factor in _factors(term, product.summed):
        if isinstance(factor, sp.Indexed):
            if not all(map(is_index, factor.indices)):
                raise Unsupported(f"{factor} is read at a computed position; einsum has none")
            product.entries.append((name_of(factor), tuple(factor.indices)))
        elif factor.has(sp.Indexed) or any(map(is_index, factor.free_symbols)):
            raise Unsupported(f"{factor} is no product of plainly indexed arrays; einsum has no other")
        else:
            product.coefficient *= factor
    return product


def _factors(expr: Expr, summed: set[Expr]) -> Iterator[Expr]:
    """All factors, those within sums too; two sums may bear the same index."""
    for factor in sp.Mul.make_args(expr):
        if isinstance(factor, sp.Sum):
            moved = {limit[0]: sp.Dummy(limit[0].name, integer=True) for limit in factor.limits}
            summed |= set(moved.values())
            yield from _factors(factor.function.xreplace(moved), summed)
        elif (
            factor.is_Pow and isinstance(factor.base, sp.Indexed) and factor.exp.is_Integer and factor.exp > 0
        ):
            yield from [factor.base] * int(factor.exp)
        else:
            yield factor


def _term(product: _Product, target: Sequence[Expr], step: Step) -> EinsumTerm:
    read = {index for _, indices in product.entries for index in indices}
    if not product.summed <= read:
        raise Unsupported(f"a sum of {step.equation.target} adds up what does not depend on its index")
    letters = _letters([*target, *(index for _, indices in product.entries for index in indices)])
    inputs = ("".join(letters[index] for index in indices) for _, indices in product.entries)
    result = "".join(letters[index] for index in target if index in read)
    subscripts = f"{','.join(inputs)}->{result}"
    names = tuple(name for name, _ in product.entries)
    return EinsumTerm(product.coefficient, subscripts, names, tuple(index in read for index in target))


def _letters(indices: Sequence[Expr]) -> dict[Expr, str]:
    """A letter for each index: its own name where that is one letter and free."""
    found: dict[Expr, str] = {}
    pool = [*"kruvqhij", *string.ascii_letters]
    free = [index for index in indices if not isinstance(index, sp.Dummy)]
    for index in dict.fromkeys([*free, *indices]):
        own = [index.name] if len(index.name) == 1 else []
        found[index] = next(letter for letter in [*own, *pool] if letter not in found.values())
    return found
