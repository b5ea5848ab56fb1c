"""Values of index equations in C: entries, sums, maxima, conditions, functions.

An entry outside its array is 0; a bounds test is written only where a position can lie outside. What takes
statements, such as a sum, is written before the line that reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Self, TypeAlias

import sympy as sp
from sympy.core.relational import Relational

from symbolic.activations import Activation
from symbolic.codegen.c.functions import Functions
from symbolic.codegen.c.indices import Wholes
from symbolic.codegen.c.lines import Lines, Location, all_of, count, if_all, loop, offset, steps
from symbolic.codegen.c.names import Names
from symbolic.codegen.c.scalar import ADD, ATOM, COND, MUL, Scalars, Source, bracket
from symbolic.codegen.names import comment
from symbolic.errors import Unsupported
from symbolic.expressions import Expr, name_of
from symbolic.grammar.functions import undefined_parts
from symbolic.grammar.indices import Holds, Largest, Place, from_zero, is_index
from symbolic.losses import LAMBDA, SAMPLES
from symbolic.notation import Array, Step
from symbolic.slots import SLOT_ARGUMENTS, slot_formula

Picked: TypeAlias = "sp.Sum | Largest | Place"


@dataclass(slots=True)
class Context:
    """What the writers of one function share.

    `locate` says where arrays lie, `value_of` which array holds g(Z); `written` collects the names of arrays
    that are written to, `helpers` functions of whole numbers. `in_sample` where the axis of samples is left
    out.
    """

    scalars: Scalars
    functions: Functions
    names: Names
    locate: Callable[[Array], Location]
    in_sample: bool
    value_of: Callable[[Activation, Array], Array | None]
    written: set[str] = field(default_factory=set)
    helpers: dict[str, str] = field(default_factory=dict)
    lines: Lines = field(default_factory=Lines)


@dataclass(slots=True)
class Values:
    """The value of one step as it is being written."""

    nests: Context
    step: Step
    value: Expr
    wholes: Wholes
    fixed: set[sp.Symbol]
    temporaries: int = 0

    @classmethod
    def of(cls, nests: Context, step: Step, value: Expr | None = None, *, noted: bool = True) -> Self:
        numbers = {
            symbol: bound
            for name, bound in step.bindings.items()
            if isinstance(bound, sp.Expr) and (bound.is_Integer or name.startswith("N_"))
            for symbol in _whole_symbols(step, name)
        }
        if noted:
            nests.lines.add(f"/* {comment(str(step), 'c')} */")
        wholes = Wholes(nests.scalars.prefix, lambda entry: "", numbers=numbers, functions=nests.helpers)
        own = from_zero(step.equation.value if value is None else value)
        writing = cls(nests, step, own, wholes, set())
        wholes.data = writing._data
        for index, end in zip(step.equation.indices, step.ends, strict=True):
            writing.bind(index, end)
        return writing

    def bind(self, index: sp.Symbol, end: int | Expr) -> bool:
        """Make an index known; False where it is fixed, as the sample's is."""
        if self.nests.in_sample and end == SAMPLES:
            self.fixed.add(index)
            return False
        self.wholes.sizes[index] = end if isinstance(end, int) else None
        self.wholes.names[index] = self.nests.names.of_user(("index", index.name), index.name)
        return True

    @property
    def lines(self) -> Lines:
        return self.nests.lines

    def added(self, text: str, sign: str, value: Expr) -> None:
        """One entry; what brackets exclude is not computed."""
        inside, factors = self.guards(value) if sign == "+=" else ([], [value])
        with self.lines.nest(if_all(inside)):
            self.lines.add(f"{text} {sign} {self.text(sp.Mul(*factors))};")

    def loops(self, indices: Sequence[sp.Symbol]) -> list[str]:
        heads = []
        for index in indices:
            size = self.wholes.sizes[index]
            heads.append(loop(self.wholes.names[index], "m" if size is None else f"{size}u"))
        return heads

    def heads(self, indices: list[sp.Symbol], entries: list[sp.Indexed]) -> list[str]:
        """Loops with the index of the widest steps outermost."""

        def widest(index: sp.Symbol) -> int:
            found = [1]
            for entry in entries:
                strides = self.nests.locate(self.step.array(name_of(entry))).strides
                found += [
                    steps(stride)
                    for place, stride in zip(entry.indices, strides, strict=True)
                    if index in place.free_symbols
                ]
            return max(found)

        return self.loops(sorted(indices, key=lambda index: -widest(index)))

    def text(self, expr: Expr, first: Callable[[Any], Source | None] = lambda _: None) -> str:
        return self.nests.scalars.write(expr, lambda node: first(node) or self._leaf(node))[0]

    def source(self, expr: Expr) -> Source:
        return self.nests.scalars.write(expr, self._leaf)

    def _leaf(self, node: Any) -> Source | None:
        """Entries, sums, functions and whole numbers as C has them."""
        match node:
            case sp.Indexed():
                return self._entry(node)
            case sp.Sum():
                return self._sum(node)
            case Largest() | Place():
                return self._picked(node)
            case Holds():
                return self._cases([(sp.S.One, node.args[0]), (sp.S.Zero, sp.true)])
            case sp.Mul() if brackets := [factor for factor in node.args if isinstance(factor, Holds)]:
                rest = sp.Mul(*(factor for factor in node.args if factor not in brackets))
                condition = sp.And(*(each.args[0] for each in brackets))
                return self._cases([(rest, condition), (sp.S.Zero, sp.true)])
            case sp.Piecewise() if any(
                self._decided(condition) is not None for _, condition in node.args[:-1]
            ):
                return self._cases(node.args)
            case Relational() if _is_whole(node):
                return self.wholes.relation(node)
            case sp.Symbol():
                return self._symbol(node)
            case sp.Function() if node.is_integer and undefined_parts(node) is None:
                return self._real(node)
            case sp.Function() if (slot := undefined_parts(node)) is not None:
                return self._slot(*slot, node.args)
        return None

    def _real(self, whole: Expr) -> Source:
        """A whole number as a real one."""
        known = self.wholes.known(whole)
        low, _ = self.wholes.bounds(known)
        signed = low is None or low < 0
        return (
            f"({self.nests.scalars.number}){bracket(self.wholes.write(known, signed=signed), ATOM)}",
            MUL + 1,
        )

    def _symbol(self, symbol: sp.Symbol) -> Source | None:
        bound = self.step.bindings.get(symbol.name)
        if is_index(symbol):
            return self._real(symbol)
        if isinstance(bound, Array):
            location = self.nests.locate(bound)
            return f"{location.name}[0]", ATOM
        if isinstance(bound, sp.Expr):
            return self.nests.scalars.write(bound, self._setting)
        return None

    def _setting(self, node: Any) -> Source | None:
        """m and λ in a formula that a step was given."""
        if node == SAMPLES:
            return f"({self.nests.scalars.number})m", MUL + 1
        if node == LAMBDA:
            return "lam", ATOM
        return None

    def _slot(self, name: str, orders: tuple[int, ...], arguments: tuple[Expr, ...]) -> Source:
        source = self.step.slot(name).source
        if isinstance(source, Activation):
            (z,) = arguments
            given = self._simple(z)
            held = (
                self.nests.value_of(source, self.step.array(name_of(z)))
                if isinstance(z, sp.Indexed)
                else None
            )
            if orders == (1,) and held is not None:
                text, inside = self.place(self.nests.locate(held), z.indices)
                if not inside:
                    return self.nests.functions.slope(source, given, (text, ATOM))
            return self.nests.functions.of(source, orders[0], given)
        formula = slot_formula(source, orders)
        if formula is None:
            raise Unsupported(f"{self.step.role}: {source.text} is undefined and has no numbers; name one")
        pairs = zip(SLOT_ARGUMENTS[type(source)], arguments, strict=True)
        names = {symbol: self._simple(argument) for symbol, argument in pairs if formula.has(symbol)}
        return self.nests.scalars.write(formula, names.get)

    def _simple(self, expr: Expr) -> Source:
        """The source of an argument, in a local constant unless it is short."""
        source = self.source(expr)
        if source[1] == ATOM and "?" not in source[0]:
            return source
        return self._kept(self.nests.scalars.number, "value", source[0])

    def _kept(self, kind: str, wanted: str, text: str) -> Source:
        name = self._temporary(wanted)
        self.lines.add(f"const {kind} {name} = {text};")
        return name, ATOM

    def _temporary(self, wanted: str) -> str:
        self.temporaries += 1
        return self.nests.names.of(("temporary", wanted, self.temporaries), wanted)

    def _entry(self, entry: sp.Indexed) -> Source:
        text, inside = self._read(entry)
        if not inside:
            return text
        zero = self.nests.scalars.literal(sp.S.Zero)[0]
        return f"({all_of(inside)}) ? {text[0]} : {zero}", COND

    def _read(self, entry: sp.Indexed) -> tuple[Source, list[str]]:
        """An entry, and the conditions under which it lies inside its array."""
        location = self.nests.locate(self.step.array(name_of(entry)))
        positions = entry.indices
        number = self.nests.scalars.number
        if location.kind == "label":
            (unit,) = (place for axis, place in enumerate(positions) if axis != location.drops)
            one, zero = (self.nests.scalars.literal(each)[0] for each in (sp.S.One, sp.S.Zero))
            at = bracket(self.wholes.write(self.wholes.known(unit)), ATOM)
            return (f"({location.name}[0] == (int){at}) ? {one} : {zero}", COND), []
        text, inside = self.place(location, positions)
        return ((f"({number}){text}", MUL + 1) if location.kind == "whole" else (text, ATOM)), inside

    def _data(self, entry: sp.Indexed) -> str:
        """An entry of whole numbers in a position."""
        location = self.nests.locate(self.step.array(name_of(entry)))
        text, _ = self.place(location, entry.indices)
        return text if location.kind == "whole" else f"(ptrdiff_t){text}"

    def place(self, location: Location, positions: Sequence[Expr]) -> tuple[str, list[str]]:
        """`name[offset]`, with conditions on the positions that can lie outside."""
        inside: list[str] = []
        terms: list[tuple[Source, Expr]] = []
        axes = zip(positions, location.shape, location.strides, strict=True)
        for axis, (raw, size, stride) in enumerate(axes):
            if axis == location.drops:
                continue
            position = sp.expand(self.wholes.known(raw))
            source = self.wholes.write(position)
            if not self._is_inside(position, size):
                if source[1] != ATOM:
                    source = self._kept("size_t", "at", source[0])
                inside.append(f"{source[0]} < {count([size])}")
            if position != 0 or inside:
                terms.append((source, stride))
        return f"{location.name}[{offset(terms)}]", inside

    def _is_inside(self, position: Expr, size: int | Expr) -> bool:
        low, high = self.wholes.bounds(position)
        if not isinstance(size, int):
            return position in self.wholes.sizes and self.wholes.sizes[position] is None
        return low is not None and low >= 0 and high is not None and high < size

    def guards(self, value: Expr) -> tuple[list[str], list[Expr]]:
        """The conditions under which a product is not 0 for its brackets or for entries outside their array,
        and its other factors.
        """
        conditions: list[str] = []
        factors: list[Expr] = []
        for factor in sp.Mul.make_args(value):
            if isinstance(factor, Holds):
                condition = factor.args[0]
                if self._decided(condition) is not True:
                    conditions.append(self.source(condition)[0])
                continue
            if isinstance(factor, sp.Indexed):
                text, inside = self._read(factor)
                conditions += [each for each in inside if each not in conditions]
                factor = _Written(text[0], real=True) if inside else factor
            factors.append(factor)
        return conditions, factors

    def _sum(self, total: sp.Sum) -> Source:
        name = self._temporary("sum")
        self.lines.add(f"{self.nests.scalars.number} {name} = {self.nests.scalars.literal(sp.S.Zero)[0]};")
        limits = [(index, self.step.extent(end)) for index, _, end in total.limits]
        free = [index for index, end in limits if self.bind(index, end)]
        with self.lines.nest(self.heads(free, entries_of(total.function))):
            self.added(name, "+=", total.function)
        return name, ATOM

    def _picked(self, picked: Picked) -> Source:
        """The largest value, or the first place of it, over the places that lie inside."""
        (index, _, end) = picked.limits[0]
        number = self.nests.scalars.number
        largest, at = self._temporary("largest"), self._temporary("place")
        wants_place = isinstance(picked, Place)
        self.lines.add(f"{number} {largest} = -HUGE_VAL{'F' if number == 'float' else ''};")
        if wants_place:
            self.lines.add(f"size_t {at} = 0u;")
        self.bind(index, self.step.extent(end))
        with self.lines.nest(self.loops([index])):
            bound = {limit[0] for node in picked.function.atoms(sp.Sum, Largest) for limit in node.limits}
            inside: list[str] = []
            for entry in entries_of(picked.function):
                if not bound & entry.free_symbols:
                    inside += [each for each in self._read(entry)[1] if each not in inside]
            with self.lines.nest(if_all(inside)):
                value = self._kept(number, "candidate", self.text(picked.function))[0]
                with self.lines.block(f"if ({value} > {largest})"):
                    self.lines.add(f"{largest} = {value};")
                    if wants_place:
                        self.lines.add(f"{at} = {self.wholes.names[index]};")
        return (f"({number}){at}", MUL + 1) if wants_place else (largest, ATOM)

    def _cases(self, cases: Sequence[Any]) -> Source:
        """Cases without those that are decided already."""
        kept = []
        for value, condition in cases:
            held = self._decided(condition)
            if held is not False:
                kept.append((value, sp.true if held else condition))
            if held:
                break
        (value, condition), *rest = kept
        if condition == sp.true:
            return self.source(value)
        test, otherwise = self.source(condition)[0], bracket(self._cases(rest), ADD)
        return f"({test}) ? {bracket(self.source(value), ADD)} : {otherwise}", COND

    def _decided(self, condition: Any) -> bool | None:
        match condition:
            case Relational() if _is_whole(condition):
                return self.wholes.decided(condition)
            case sp.And():
                found = [self._decided(part) for part in condition.args]
                return False if False in found else True if set(found) == {True} else None
        return bool(condition) if condition in (sp.true, sp.false) else None


class _Written(sp.Symbol):  # type: ignore[misc]  # SymPy has no type information
    """A part that is written already, under its text."""


def _whole_symbols(step: Step, name: str) -> list[sp.Symbol]:
    """The symbols of this name in an equation."""
    equation = step.equation
    sides = (equation.value, equation.target, *(end for _, end in equation.loops))
    return sorted({s for side in sides for s in side.atoms(sp.Symbol) if s.name == name}, key=str)


def _is_whole(relation: Relational) -> bool:
    return all(side.is_integer for side in relation.args)


def entries_of(expr: Expr) -> list[sp.Indexed]:
    """The entries of arrays that are read, in one order always."""
    return sorted(expr.atoms(sp.Indexed), key=str)
