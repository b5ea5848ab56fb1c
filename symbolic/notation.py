"""Equations in index notation, and steps: equations whose local names are bound to the arrays of one network.

An equation speaks of local arrays, `Z[i,c] = Sum(W[i,j]*A[j,c], j) + b[i]`. A step says which arrays these
are here: Z is z^[2], A is a^[1]. So a rule is derived once and holds for every layer, for the generic layer l
as well as for layer 2.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Final, TypeAlias

import sympy as sp

from symbolic.activations import Activation
from symbolic.grammar.formula import parse_equation
from symbolic.grammar.formula import size_of as size_of
from symbolic.grammar.functions import undefined, undefined_parts
from symbolic.losses import Loss, Penalty
from symbolic.writing.jupyter import ShowsLatex

Expr: TypeAlias = sp.Expr
Layer: TypeAlias = int | sp.Expr | None
LETTERS: Final = "kruvqhij"


@dataclass(frozen=True, slots=True)
class Array:
    """An array of a network, such as W^[2] of shape (3, 2); a cotangent is ∂E/∂(the array)."""

    name: str
    layer: Layer = None
    shape: tuple[int | Expr, ...] = ()
    cotangent: bool = False

    @property
    def bar(self) -> Array:
        return replace(self, cotangent=True)

    @property
    def label(self) -> str:
        """`W2`, and `dW2` for its cotangent; `W[l]` in a generic layer."""
        plain = self.layer is None or isinstance(self.layer, int)
        place = "" if self.layer is None else self.layer if plain else f"[{self.layer}]"
        return f"{'d' * self.cotangent}{self.name}{place}"


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
    """

    target: Expr
    value: Expr
    rule: str

    @property
    def name(self) -> str:
        return name_of(self.target)

    @property
    def indices(self) -> tuple[sp.Symbol, ...]:
        """The free indices, in the order of the target's axes."""
        return tuple(self.target.indices) if isinstance(self.target, sp.Indexed) else ()

    @property
    def inputs(self) -> tuple[str, ...]:
        """Local names of the arrays in the value, in alphabetical order."""
        return _inputs(self.value)

    def entries(self, name: str) -> list[sp.Indexed]:
        """The entries of a local array that occur in the value, those at the target's own indices first."""
        found = [entry for entry in self.value.atoms(sp.Indexed) if name_of(entry) == name]
        return sorted(found, key=lambda entry: (not set(entry.indices) <= set(self.indices), str(entry)))

    def reads_once(self, name: str) -> bool:
        """Whether a local array is read in one place only, at the target's own indices."""
        return _reads(self.value, name) == [self.indices]


@dataclass(frozen=True, slots=True)
class Step(ShowsLatex):
    """An equation at its place in a network: local names bound, its role, and the layers it holds for."""

    equation: Equation
    bindings: Mapping[str, Binding]
    role: str
    rule: str = ""
    layers: str = ""

    @property
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

    @property
    def inputs(self) -> tuple[Array, ...]:
        return tuple(self.array(name) for name in self.equation.inputs)

    def size(self, index: sp.Symbol) -> int | Expr:
        """How many values an index takes, read off the array that has it for an axis."""
        for entry in (self.equation.target, *sorted(self.equation.value.atoms(sp.Indexed), key=str)):
            if isinstance(entry, sp.Indexed) and index in entry.indices:
                return self.array(name_of(entry)).shape[entry.indices.index(index)]
        raise KeyError(f"index {index} runs along no array of {self.equation}")


@cache
def equation(text: str, *, scalars: tuple[str, ...] = (), functions: tuple[str, ...] = ()) -> Equation:
    """Read a forward equation; `rule` is its text."""
    parsed = parse_equation(text, scalars=scalars, functions=functions)
    return Equation(parsed.target, parsed.value, text)


@cache
def _inputs(value: Expr) -> tuple[str, ...]:
    return tuple(sorted({name_of(entry) for entry in value.atoms(sp.Indexed)}))


@cache
def _reads(value: Expr, name: str) -> list[tuple[Expr, ...]]:
    nodes = sp.preorder_traversal(value)
    return [tuple(node.indices) for node in nodes if isinstance(node, sp.Indexed) and name_of(node) == name]


def name_of(entry: Expr) -> str:
    """The local name of an array's entry, or of a scalar."""
    return str(entry.base.label) if isinstance(entry, sp.Indexed) else str(entry)


def entry_of(name: str, indices: Iterable[Expr]) -> Expr:
    """`name[indices]`, or the scalar `name` without indices."""
    axes = tuple(indices)
    return sp.IndexedBase(name, real=True)[axes] if axes else sp.Symbol(name, real=True)


def peeled(total: sp.Sum) -> tuple[Expr, sp.Symbol]:
    """The outermost index of a sum and what is summed over it, which may be a sum again (SymPy merges nested
    sums).
    """
    *inner, (index, *_) = total.limits
    return (sp.Sum(total.function, *inner) if inner else total.function), index


def bound_indices(value: Expr) -> set[sp.Symbol]:
    """The indices that sums in a value run over."""
    return {limit[0] for total in value.atoms(sp.Sum) for limit in total.limits}


def all_indices(value: Expr) -> set[sp.Symbol]:
    """Every index in a value, free or bound."""
    free = {
        symbol for entry in value.atoms(sp.Indexed) for axis in entry.indices for symbol in axis.free_symbols
    }
    return free | bound_indices(value)


def fresh_indices(taken: Iterable[sp.Symbol]) -> Iterator[sp.Symbol]:
    """Index symbols that no formula in `taken` uses, single letters first."""
    used = {str(symbol) for symbol in taken}
    pool = [*LETTERS, *(f"{letter}{number}" for number in range(1, 100) for letter in LETTERS)]
    return (sp.Symbol(name, integer=True) for name in pool if name not in used)


def rename_indices(value: Expr, names: Mapping[sp.Symbol, Expr]) -> Expr:
    """Rename indices, bound ones and the sizes of their ranges included; the new names must be unused in the
    value.
    """
    sizes = {size_of(old): size_of(new) for old, new in names.items() if isinstance(new, sp.Symbol)}
    return value.xreplace({**names, **sizes})


def undefined_at(node: Expr) -> tuple[str, tuple[int, ...]]:
    """Local name and orders of the undefined function that is applied at a node."""
    parts = undefined_parts(node)
    assert parts is not None, f"{node} is no undefined function"
    return parts


@cache
def local_names(equation: Equation) -> frozenset[str]:
    """Names of the arrays, scalars and undefined functions of an equation, its target's included."""
    value = equation.value
    arrays = {name_of(entry) for entry in value.atoms(sp.Indexed)}
    scalars = {str(symbol) for symbol in value.free_symbols if symbol in scalars_of(value)}
    functions = {slot[0] for node in value.atoms(sp.Function) if (slot := undefined_parts(node))}
    return frozenset(arrays | scalars | functions | {equation.name})


def scalars_of(value: Expr) -> set[sp.Symbol]:
    """The scalar symbols of a value: real, and no index or size."""
    return {
        symbol for symbol in value.free_symbols if isinstance(symbol, sp.Symbol) and not symbol.is_integer
    } - {entry.base.label for entry in value.atoms(sp.Indexed)}


@cache
def renamed(equation: Equation, names: frozenset[tuple[str, str]]) -> Equation:
    """The equation with other names for its local arrays, scalars and undefined functions."""
    table = dict(names)
    swaps: dict[Expr, Expr] = {
        entry.base: sp.IndexedBase(table.get(name_of(entry), name_of(entry)), real=True)
        for entry in (*equation.value.atoms(sp.Indexed), equation.target)
        if isinstance(entry, sp.Indexed)
    }
    swaps |= {
        symbol: sp.Symbol(table.get(str(symbol), str(symbol)), real=True)
        for symbol in scalars_of(equation.value)
    }

    def rename_function(node: Expr) -> Expr:
        name, orders = undefined_at(node)
        return undefined(table.get(name, name), len(node.args), orders)(*node.args)

    value = equation.value.xreplace(swaps).replace(
        lambda node: undefined_parts(node) is not None, rename_function
    )
    return replace(equation, target=equation.target.xreplace(swaps), value=value)


def unify(first: Step, second: Step) -> tuple[Equation, dict[str, Binding]]:
    """The second step's equation in names that fit the first's: one name for one array; and the bindings of
    both.
    """
    names = {bound: name for name, bound in first.bindings.items()}
    taken = set(first.bindings)
    moved: dict[str, str] = {}
    for name, bound in second.bindings.items():
        if bound not in names:
            names[bound] = next(
                new for new in (name, *(f"{name}_{i}" for i in range(2, 99))) if new not in taken
            )
            taken.add(names[bound])
        moved[name] = names[bound]
    changed = frozenset((old, new) for old, new in moved.items() if old != new)
    return renamed(second.equation, changed), {name: bound for bound, name in names.items()}
