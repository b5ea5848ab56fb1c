"""Matrix form: recognising contractions in an index equation.

    Σ_j W[i,j] A[j,c]   is W A          Σ_i W[i,j] D[i,c]   is Wᵀ D
    Σ_c D[i,c] A[j,c]   is D Aᵀ         F[i,c] G[i,c]       is F ∘ G
    Σ_c D[i,c]          is D 𝟏          b[i] beside Z[i,c]  is b 𝟏ᵀ

A layout is a permutation of axes, done before recognising, so that the formulas of every convention come from
one equation.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

import sympy as sp

from symbolic.conventions import INTERNAL, Layout
from symbolic.errors import Unsupported
from symbolic.expressions import Expr, entry_of, name_of, peeled
from symbolic.grammar.indices import Holds, Largest, Place, calculates, is_index
from symbolic.notation import Equation, Step

Axes: TypeAlias = tuple[sp.Symbol, ...]


@dataclass(frozen=True, slots=True)
class Node:
    """A matrix expression; `axes` are the indices its rows and columns stand for (one for a vector, none for
    a number).
    """

    axes: Axes


@dataclass(frozen=True, slots=True)
class Leaf(Node):
    """An array, by its local name; transposed where its axes run the other way."""

    name: str
    transposed: bool = False


@dataclass(frozen=True, slots=True)
class Constant(Node):
    """A scalar expression in sizes and local scalars."""

    value: Expr


@dataclass(frozen=True, slots=True)
class Product(Node):
    """A matrix product."""

    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Hadamard(Node):
    """An entry-by-entry product; factors with fewer axes are repeated along the others."""

    factors: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Total(Node):
    """A sum of matrices; terms with fewer axes are repeated along the others."""

    terms: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class SumOver(Node):
    """The sum over one axis of a matrix, or over the only one of a vector."""

    body: Node
    axis: int


@dataclass(frozen=True, slots=True)
class Apply(Node):
    """A function of scalars, entry by entry: `function` applied to symbols x0, x1, … that stand for the
    arguments.
    """

    function: Expr
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class MatrixEquation:
    """target = value in a layout; `axes` are the target's, in stored order."""

    target: str
    axes: Axes
    value: Node


def matrix_form(step: Step, layout: Layout = INTERNAL) -> MatrixEquation:
    """The matrix form of a step. Raises Unsupported where an index is shared by more factors than a product
    can hold, and where positions are computed or conditions on indices decide.
    """
    whole = step.equation.value.atoms(Holds, Largest, Place)
    if step.equation.scatters or calculates(step.equation.target, step.equation.value) or whole:
        raise Unsupported(f"{step.equation.target} has no matrix form: its equation computes with indices")
    if step.equation.scatters:
        raise Unsupported(
            f"{step.equation.rule} has no matrix form: it adds up what lands at computed positions"
        )
    equation = stored(step, layout)
    axes = equation.indices
    return MatrixEquation(equation.name, axes, _recognise(equation.value, axes))


def stored(step: Step, layout: Layout) -> Equation:
    """The step's equation with every array's axes in the order in which the layout stores them."""
    turned = {
        name: len(bound.shape) == 2
        and (layout.weights == "in-out" if bound.name == "W" else layout.samples == "rows")
        for name, bound in ((name, step.array(name)) for name in (*step.equation.inputs, step.equation.name))
    }

    def turn(entry: Expr) -> Expr:
        name = name_of(entry)
        return (
            entry_of(name, entry.indices[::-1]) if turned[name] and isinstance(entry, sp.Indexed) else entry
        )

    swaps = {entry: turn(entry) for entry in step.equation.value.atoms(sp.Indexed)}
    return replace(
        step.equation, target=turn(step.equation.target), value=step.equation.value.xreplace(swaps)
    )


def _recognise(value: Expr, axes: Axes) -> Node:
    if not value.atoms(sp.Indexed):
        return Constant((), _without_indices(value))
    match value:
        case sp.Indexed():
            indices = tuple(value.indices)
            if not set(indices) <= set(axes) or len(set(indices)) < len(indices) or len(axes) > 2:
                raise Unsupported(f"{value} has no place in a matrix with the axes {axes}")
            kept = tuple(axis for axis in axes if axis in indices)
            return Leaf(kept, name_of(value), transposed=indices != kept)
        case sp.Add():
            terms = tuple(_recognise(term, axes) for term in _ordered(value.args, axes))
            return Total(_common_axes(terms, axes), terms)
        case sp.Mul():
            return _product(value, axes)
        case sp.Sum():
            return _sum(value, axes)
    arguments: dict[Expr, Node] = {}
    function = _elementwise(value, axes, arguments)
    nodes = tuple(arguments.values())
    return Apply(_common_axes(nodes, axes), function, nodes)


def _product(value: sp.Mul, axes: Axes) -> Node:
    plain = [_without_indices(factor) for factor in value.args if not factor.atoms(sp.Indexed)]
    rest = [factor for factor in value.args if factor.atoms(sp.Indexed)]
    nodes = tuple(_recognise(factor, axes) for factor in _ordered(rest, axes))
    if plain:
        nodes = (Constant((), sp.Mul(*plain)), *nodes)
    return nodes[0] if len(nodes) == 1 else Hadamard(_common_axes(nodes, axes), nodes)


def _sum(value: sp.Sum, axes: Axes) -> Node:
    summand, index = peeled(value)
    factors = sp.Mul.make_args(summand)
    free = tuple(axis for axis in axes if any(axis in factor.free_symbols for factor in factors))
    if len(free) < 2:
        order = _stored_order(summand, {*free, index}) or (*free, index)
        return SumOver(free, _recognise(summand, order), axis=order.index(index))
    if len(free) > 2:
        raise Unsupported(f"{value} has no matrix form: {len(free)} indices are free")
    row, column = free
    left = [factor for factor in factors if column not in factor.free_symbols]
    right = [factor for factor in factors if column in factor.free_symbols]
    if any(row in factor.free_symbols for factor in right):
        raise Unsupported(f"{value} has no matrix form: a factor has both {row} and {column}")
    if not all(index in sp.Mul(*side).free_symbols for side in (left, right)):
        raise Unsupported(f"{value} has no matrix form: {index} is not on both sides of a product")
    return Product(free, _recognise(sp.Mul(*left), (row, index)), _recognise(sp.Mul(*right), (index, column)))


def _stored_order(value: Expr, axes: set[sp.Symbol]) -> Axes | None:
    """The order in which some array of the value has exactly these axes: summing it needs no transpose."""
    entries = sorted(value.atoms(sp.Indexed), key=str)
    return next((tuple(entry.indices) for entry in entries if set(entry.indices) == axes), None)


def _elementwise(value: Expr, axes: Axes, arguments: dict[Expr, Node]) -> Expr:
    """The value as a function of scalars: each array entry or sum in it becomes a symbol, its matrix goes to
    `arguments`.
    """
    if not value.atoms(sp.Indexed):
        return _without_indices(value)
    if isinstance(value, sp.Indexed | sp.Sum):
        arguments.setdefault(value, _recognise(value, axes))
        return sp.Symbol(f"x{list(arguments).index(value)}", real=True)
    return value.func(*(_elementwise(part, axes, arguments) for part in value.args))


def _without_indices(value: Expr) -> Expr:
    """A value without arrays; an index in it would be a number, or decide a bracket."""
    if any(map(is_index, value.free_symbols)):
        raise Unsupported(f"{value} has no matrix form: an index stands for a number")
    return value


def _ordered(factors: tuple[Expr, ...] | list[Expr], axes: Axes) -> list[Expr]:
    """More axes before fewer, plus before minus, products before entries before functions: (Wᵀδ) ∘ g'(Z), W A
    + b.
    """

    def key(factor: Expr) -> tuple[int, bool, int, str]:
        rank = sum(axis in factor.free_symbols for axis in axes)
        kind = 0 if factor.has(sp.Sum) else 1 if isinstance(factor, sp.Indexed) else 2
        return -rank, factor.could_extract_minus_sign(), kind, str(factor)

    return sorted(factors, key=key)


def _common_axes(nodes: tuple[Node, ...], axes: Axes) -> Axes:
    present = {axis for node in nodes for axis in node.axes}
    return tuple(axis for axis in axes if axis in present)
