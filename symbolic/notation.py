"""Equations in index notation, and steps: equations whose local names are bound to the arrays of one network.

An equation speaks of local arrays, `Z[i,c] = Sum(W[i,j]*A[j,c], j) + b[i]`. A step says which arrays these
are here: Z is z^[2], A is a^[1]. So a rule is derived once and holds for every layer, for the generic layer l
as well as for layer 2. Sizes such as N_i are local names as well.

A position may be computed, `X[i, s*q + k - p]`; an entry outside its array is 0. A target with a computed
position is a scatter: it adds up what lands there, and what lands outside is dropped. Within expressions
every index runs from 1 (`grammar.indices.from_zero` is how such an equation is written).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import TypeAlias

import sympy as sp
from sympy.concrete.expr_with_limits import ExprWithLimits

from symbolic.activations import Activation
from symbolic.expressions import (
    Expr,
    name_of,
    scalars_of,
)
from symbolic.grammar.formula import parse_equation
from symbolic.grammar.functions import undefined_parts
from symbolic.grammar.indices import Holds, calculates, from_one, is_index, positions
from symbolic.grammar.indices import size_of as size_of
from symbolic.losses import Loss, Penalty
from symbolic.writing.jupyter import ShowsLatex

Layer: TypeAlias = int | sp.Expr | None


@dataclass(frozen=True, slots=True)
class Array:
    """An array of a network, such as W^[2] of shape (3, 2); a cotangent is ∂E/∂(the array).

    A `part` is one of several summands of a cotangent, counted from 1.
    """

    name: str
    layer: Layer = None
    shape: tuple[int | Expr, ...] = ()
    cotangent: bool = False
    part: int = 0

    @property
    def bar(self) -> Array:
        return replace(self, cotangent=True)

    @property
    def label(self) -> str:
        """`W2`, and `dW2` for its cotangent; `W[l]` in a generic layer."""
        plain = self.layer is None or isinstance(self.layer, int)
        place = "" if self.layer is None else self.layer if plain else f"[{self.layer}]"
        return f"{'d' * self.cotangent}{self.name}{place}{'′' * self.part}"


@dataclass(frozen=True, slots=True)
class Slot:
    """What an undefined function of an equation stands for here: an activation, loss or penalty."""

    name: str
    layer: Layer
    source: Activation | Loss | Penalty


Binding: TypeAlias = Array | Slot | sp.Expr


@dataclass(frozen=True, slots=True)
class Equation:
    """target = value, over local arrays, index symbols, undefined functions and scalars; `rule` says where it
    comes from.

    A scatter has `loops`, the indices that its value is added up over, with their last values.
    """

    target: Expr
    value: Expr
    rule: str
    loops: tuple[tuple[sp.Symbol, Expr], ...] = ()

    @property
    def name(self) -> str:
        return name_of(self.target)

    @property
    def indices(self) -> tuple[sp.Symbol, ...]:
        """The free indices, in the order of the target's axes, or of a scatter's loops."""
        return tuple(index for index, _ in self.loops) if self.scatters else self.positions

    @property
    def positions(self) -> tuple[Expr, ...]:
        """What stands in the target's axes: indices, or for a scatter anything computed from them."""
        return tuple(self.target.indices) if isinstance(self.target, sp.Indexed) else ()

    @property
    def scatters(self) -> bool:
        """Whether the value is added up over loops, at an entry that is computed or that data decide."""
        return bool(self.loops)

    @property
    def inputs(self) -> tuple[str, ...]:
        """Local names of the arrays that are read, in alphabetical order."""
        return _inputs(self.value, self.positions)

    def entries(self, name: str) -> list[sp.Indexed]:
        """The entries of a local array that occur in the value, those at the target's own indices first."""
        found = [entry for entry in self.value.atoms(sp.Indexed) if name_of(entry) == name]
        return sorted(found, key=lambda entry: (not set(entry.indices) <= set(self.indices), str(entry)))

    def reads_once(self, name: str) -> bool:
        """Whether a local array is read in one place only, each entry for one entry of the target."""
        reads = _reads(self.value, name)
        own = set(self.indices)
        return len(reads) == 1 and len(reads[0]) == len(own) and set(reads[0]) == own and reads[0] != ()


@dataclass(frozen=True)
class Step(ShowsLatex):
    """An equation at its place in a network: local names bound, its role, and the layers it holds for."""

    equation: Equation
    bindings: Mapping[str, Binding]
    role: str
    rule: str = ""
    layers: str = ""

    def __str__(self) -> str:
        return self._text

    @cached_property  # each function of generated code shows the formulas of the steps that it shares
    def _text(self) -> str:
        from symbolic.writing.text import index_text  # the writer knows steps; they need not know it before

        return index_text(self)

    @cached_property  # a mutant's steps are gone through again for every one of hundreds of mutants
    def target(self) -> Array:
        return self.array(self.equation.name)

    def array(self, name: str) -> Array:
        bound = self.bindings[name]
        assert isinstance(bound, Array), f"{name} is bound to {bound}, not to an array"
        return bound

    def slot(self, name: str) -> Slot:
        bound = self.bindings[name]
        assert isinstance(bound, Slot), f"{name} is bound to {bound}, not to a function"
        return bound

    @cached_property
    def inputs(self) -> tuple[Array, ...]:
        return tuple(self.array(name) for name in self.equation.inputs)

    def size(self, index: sp.Symbol) -> int | Expr:
        """How many values an index takes."""
        for total in self.equation.value.atoms(ExprWithLimits):
            for bound, _, end in total.limits:
                if bound == index:
                    return self.extent(end)
        return dict(zip(self.equation.indices, self.ends, strict=True))[index]

    @property
    def ends(self) -> tuple[int | Expr, ...]:
        """How many values each free index takes."""
        return tuple(self.extent(end) for _, end in self.equation.loops) or self.target.shape

    def extent(self, size: Expr) -> int | Expr:
        """A size of the equation, such as N_j, as a number or in the symbols of the network."""
        value = size.xreplace({symbol: self.bindings[symbol.name] for symbol in size.free_symbols})
        return int(value) if value.is_Integer else value


def placed(equation: Equation, bindings: Mapping[str, Binding], role: str) -> Step:
    """A forward equation at its place: sizes are read off the arrays that have an index for an axis."""
    sizes: dict[str, Binding] = {}
    for size, (name, axis) in plain_axes(equation).items():
        bound = bindings[name]
        assert isinstance(bound, Array), f"{name} is bound to {bound}, not to an array"
        sizes[size] = sp.Integer(0) + bound.shape[axis]
    return Step(equation, sizes | dict(bindings), role, "definition")


@cache
def plain_axes(equation: Equation) -> dict[str, tuple[str, int]]:
    """For each size N_i that an array has, the array and its axis along which the index i runs by itself."""
    entries = sorted(equation.value.atoms(sp.Indexed) | equation.target.atoms(sp.Indexed), key=str)
    return {
        size_of(place).name: (name_of(entry), axis)
        for entry in entries
        for axis, place in enumerate(entry.indices)
        if is_index(place)
    }


@cache
def equation(
    text: str,
    *,
    scalars: tuple[str, ...] = (),
    functions: tuple[str, ...] = (),
    options: tuple[str, ...] = (),
) -> Equation:
    """Read a forward equation; `rule` is its text. Where it computes with indices, they count from 0."""
    parsed = parse_equation(text, scalars=scalars, functions=functions, options=options)
    target, value = parsed.target, parsed.value
    if calculates(target, value):
        target, value = from_one(target), from_one(value)
    value = value.replace(lambda node: isinstance(node, sp.Sum), _within_range)
    return Equation(target, value, text, _loops(target))


def _within_range(total: Expr) -> Expr:
    """A sum over a part of an axis, such as X[k] with k ≤ 3, with a bracket that stays when k is solved."""
    along = set(positions(total.function))
    brackets = [
        Holds(sp.Le(index, end)) for index, _, end in total.limits if index in along and end != size_of(index)
    ]
    return total.func(sp.Mul(total.function, *brackets), *total.limits)


def _loops(target: Expr) -> tuple[tuple[sp.Symbol, Expr], ...]:
    """The indices of a target with a computed position, each with its size."""
    places = target.indices if isinstance(target, sp.Indexed) else ()
    if all(map(is_index, places)):
        return ()
    symbols = [node for place in places for node in sp.preorder_traversal(place) if is_index(node)]
    return tuple((index, size_of(index)) for index in dict.fromkeys(symbols))


@cache
def _inputs(value: Expr, positions: tuple[Expr, ...]) -> tuple[str, ...]:
    read = (expr.atoms(sp.Indexed) for expr in (value, *positions))
    return tuple(sorted({name_of(entry) for entries in read for entry in entries}))


@cache
def _reads(value: Expr, name: str) -> list[tuple[Expr, ...]]:
    nodes = sp.preorder_traversal(value)
    return [tuple(node.indices) for node in nodes if isinstance(node, sp.Indexed) and name_of(node) == name]


@cache
def local_names(equation: Equation) -> frozenset[str]:
    """Names of the arrays, scalars and undefined functions of an equation, its target's included."""
    value = equation.value
    arrays = {name_of(entry) for entry in value.atoms(sp.Indexed)}
    arrays |= {name_of(entry) for entry in equation.target.atoms(sp.Indexed)}
    scalars = {str(symbol) for symbol in scalars_of(value) | scalars_of(equation.target)}
    functions = {slot[0] for node in value.atoms(sp.Function) if (slot := undefined_parts(node))}
    ends = [end for _, end in equation.loops] or map(size_of, filter(is_index, equation.positions))
    sizes = {symbol.name for end in ends for symbol in end.free_symbols}
    return frozenset(arrays | scalars | functions | sizes | {equation.name})
