"""An index equation read as source over whole arrays.

Every index is an axis. A value is source with the indices that its dimensions stand for; two values meet by
moving and adding axes. A sum of a product is `@` or one `einsum`, a position that is computed reads by a
slice or a reshape where it can and by arrays of indices elsewhere, 0 outside; a scatter adds up what lands at
each place.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import sympy as sp

from symbolic.codegen.arrays.dialect import Dialect
from symbolic.codegen.arrays.helpers import Helpers
from symbolic.codegen.arrays.places import Size, is_inside, mixed_radix, taken_at
from symbolic.codegen.arrays.scalar import binding, scalar_source
from symbolic.codegen.arrays.values import ATOM, Axes, Value, common, grouped, is_number, letters, rebuilt
from symbolic.expressions import Expr, bound_indices, name_of, peeled, scalars_of
from symbolic.grammar.functions import undefined_parts
from symbolic.grammar.indices import Holds, Largest, Place, Quotient, Remainder, from_zero, is_index
from symbolic.losses import LAMBDA
from symbolic.notation import Array, Slot, Step

LAM: Final = sp.Symbol("lam", real=True)


@dataclass(frozen=True, slots=True)
class Reading:
    """One step: `names` are the variables of its local arrays, `shapes` their sizes, `sizes` those of its
    free indices and of the bound ones around; `like` is an array whose precision and device numbers take;
    `whole` are the local arrays of places.
    """

    helpers: Helpers
    names: Mapping[str, str]
    shapes: Mapping[str, tuple[Size, ...]]
    slots: Mapping[str, Slot]
    sizes: Mapping[sp.Symbol, Size]
    like: str
    whole: frozenset[str]

    @property
    def dialect(self) -> Dialect:
        return self.helpers.dialect

    def value(self, expr: Expr, axes: Axes) -> Value:
        """The value of an expression; its axes are in the order of `axes`, as far as it has them."""
        match expr:
            case sp.Indexed():
                found = self._entry(expr, axes)
                is_whole = name_of(expr) in self.whole
                return replace(found, source=self._cast(found.tight), binds=ATOM) if is_whole else found
            case sp.Sum():
                return self._sum(expr, axes)
            case Largest() | Place():
                return self._picked(expr, axes)
            case Holds():
                held = self._formula(expr.args[0], axes)
                return replace(held, source=self._cast(f"({held.source})"), binds=ATOM)
            case sp.Symbol() if is_index(expr):
                return Value(self._cast(self._arange(expr)), (expr,))
        return self._formula(expr, axes)

    def full(self, value: Value, axes: Axes) -> str:
        """Source with exactly these axes, each at its full length."""
        source = self.aligned(value, axes)
        if set(value.axes) == set(axes):
            return source
        if value.is_number:
            shape = self.shape(self.sizes[i] for i in axes)
            return self.dialect.text("filled", what=source, shape=shape, like=self.like)
        return self.dialect.text("broadcast", what=source, shape=self.shape(self.sizes[i] for i in axes))

    def aligned(self, value: Value, axes: Axes) -> str:
        """Source that broadcasts along these axes."""
        if not value.axes or value.axes == axes:
            return value.source
        order = [value.axes.index(axis) for axis in axes if axis in value.axes]
        source = value.source
        if order == [1, 0]:
            source = f"{value.tight}.T"
        elif order != sorted(order):
            source = self.dialect.text("permute", what=value.tight, order=", ".join(map(str, order)))
        missing = [":" if axis in value.axes else "None" for axis in axes]
        while missing[0] == "None":
            del missing[0]
        while missing[-1] == ":" and "None" in missing:
            del missing[-1]
        if "None" not in missing:
            return source
        return f"{source if source != value.source else value.tight}[{', '.join(missing)}]"

    def shape(self, sizes: Any) -> str:
        """A tuple of sizes."""
        parts = [self.number(size) for size in sizes]
        return f"({', '.join(parts)}{',' * (len(parts) == 1)})"

    def number(self, formula: Size) -> str:
        """Source of a formula in numbers alone."""
        return str(formula) if isinstance(formula, int) else scalar_source(formula, self.dialect)

    def scattered(self, value: Value, positions: Sequence[Expr], axes: Axes, shape: Sequence[Size]) -> str:
        """What lands at each position of an array of this shape, added up."""
        split = mixed_radix(positions, shape, self.sizes)
        if split and set(split) == set(axes):
            whole = self.full(value, split)
            is_plain = whole == value.source and value.binds < ATOM
            return f"{f'({whole})' if is_plain else whole}.reshape({self.shape(shape)})"
        places = [self.aligned(self._whole(position, axes), axes) for position in positions]
        called = self.helpers.brought("_scattered")
        return f"{called}({self.full(value, axes)}, {self.shape(shape)}, {', '.join(places)})"

    def _formula(self, expr: Any, axes: Axes) -> Value:
        """Anything that works entry by entry: what it is made of is put in as variables."""
        parts: dict[Expr, Value] = {}
        self._gather(expr, axes, parts, whole=False)
        own = common(parts.values(), axes)
        terms = {part for part in sp.Add.make_args(expr) if part in parts and expr.count(part) == 1}
        names = {
            part: sp.Symbol(
                self.aligned(value, own) if part in terms and value.binds > 1 else self._tight(value, own),
                real=True,
                integer=part.is_integer or None,
            )
            for part, value in parts.items()
        }
        written = rebuilt(expr, names)
        if expr in parts:
            return parts[expr]
        binds = binding(written) if isinstance(written, sp.Expr) else 0
        source = scalar_source(written, self.dialect, self._call)
        return Value(source, own, binds, is_number=not parts and is_number(expr))

    def _tight(self, value: Value, axes: Axes) -> str:
        source = self.aligned(value, axes)
        return value.tight if source == value.source else source

    def _gather(self, expr: Any, axes: Axes, parts: dict[Expr, Value], *, whole: bool) -> None:
        """The parts that are arrays or local numbers; `whole` numbers stay such."""
        if expr in parts:
            return
        if isinstance(expr, sp.Indexed) and whole:
            parts[expr] = self._place(expr, axes)
        elif isinstance(expr, sp.Indexed | sp.Sum | Largest | Place | Holds):
            parts[expr] = self.value(expr, axes)
        elif isinstance(expr, sp.Symbol):
            if is_index(expr):
                parts[expr] = Value(self._arange(expr), (expr,)) if whole else self.value(expr, axes)
        else:
            integers = isinstance(expr, Quotient | Remainder) or (
                isinstance(expr, sp.Rel) and all(side.is_integer for side in expr.args)
            )
            for part in expr.args:
                self._gather(part, axes, parts, whole=whole or integers)

    def _call(self, node: Any, write: Callable[[Any], str]) -> str:
        """The function that a slot stands for, or a derivative of it."""
        name, (order,) = undefined_parts(node) or ("", (0,))
        written: Callable[..., str] = (self.helpers.value, self.helpers.slope, self.helpers.curvature)[order]
        return written(self.slots[name].source, write(node.args[0]))

    def _entry(self, entry: sp.Indexed, axes: Axes) -> Value:
        name, positions = name_of(entry), tuple(entry.indices)
        array, shape = self.names[name], self.shapes[name]
        at = [taken_at(n, positions, shape, self.sizes) for n in range(len(positions))]
        if all(isinstance(each, sp.Symbol) for each in at):
            return Value(array, positions)
        if all(isinstance(each, str | sp.Symbol) for each in at):
            return self._sliced(array, positions, at)
        if split := mixed_radix(positions, shape, self.sizes):
            return Value(f"{array}.reshape({self.shape(self.sizes[index] for index in split)})", split)
        return self._gathered(array, positions, shape, at, axes)

    def _sliced(self, array: str, positions: Axes, at: Sequence[Any]) -> Value:
        parts = [each if isinstance(each, str) else ":" for each in at]
        while parts[-1] == ":":
            del parts[-1]
        free = (next((s for s in p.free_symbols if is_index(s)), None) for p in positions)
        return Value(f"{array}[{', '.join(parts)}]", tuple(index for index in free if index is not None))

    def _gathered(
        self, array: str, positions: Axes, shape: Sequence[Size], at: Sequence[Any], axes: Axes
    ) -> Value:
        """Entries by arrays of indices, whose axes stand where the first of them does if they are neighbours,
        else first of all; axes that are taken whole stay.
        """
        moved = [n for n, each in enumerate(at) if not isinstance(each, sp.Symbol)]
        values = {n: self._whole(positions[n], axes) for n in moved}
        own = common(values.values(), axes)
        places = {n: self.aligned(value, own) for n, value in values.items()}
        are_neighbours = moved == list(range(moved[0], moved[-1] + 1))
        before = [positions[n] for n in range(moved[0]) if are_neighbours]
        after = [positions[n] for n in range(len(at)) if n not in moved and positions[n] not in before]
        if all(is_inside(positions[n], shape[n], self.sizes) for n in moved):
            parts = [places.get(n, ":") for n in range(len(at))]
            while parts[-1] == ":":
                del parts[-1]
            source = f"{array}[{', '.join(parts)}]"
        else:
            parts = [places.get(n, "None") for n in range(len(at))]
            source = f"{self.helpers.brought('_read')}({array}, {', '.join(parts)})"
        return Value(source, (*before, *own, *after))

    def _whole(self, position: Expr, axes: Axes) -> Value:
        """A position as an array of whole numbers from 0."""
        if is_index(position):
            return Value(self._arange(position), (position,))
        if isinstance(position, sp.Indexed):
            return self._place(position, axes)
        if position.is_Integer:
            return Value(f"{self.dialect.np}.asarray({position})")
        parts: dict[Expr, Value] = {}
        self._gather(position, axes, parts, whole=True)
        own = common(parts.values(), axes)
        names = {part: sp.Symbol(self._tight(value, own), integer=True) for part, value in parts.items()}
        written = rebuilt(position, names)
        return Value(scalar_source(written, self.dialect), own, binding(written))

    def _place(self, entry: sp.Indexed, axes: Axes) -> Value:
        """A place that data give, as a whole number."""
        found = self._entry(entry, axes)
        if name_of(entry) in self.whole:
            return found
        return replace(found, source=self.dialect.text("whole", what=found.tight), binds=ATOM)

    def _arange(self, index: sp.Symbol) -> str:
        return self.dialect.text("arange", count=self.number(self.sizes[index]), like=self.like)

    def _cast(self, source: str) -> str:
        return self.dialect.text("cast", what=source, like=self.like)

    def _sum(self, total: sp.Sum, axes: Axes) -> Value:
        body: Expr = total
        inner, bound = self, []
        while isinstance(body, sp.Sum):
            end = body.limits[-1][2]
            body, index = peeled(body)
            inner = replace(inner, sizes={**inner.sizes, index: _size(end)})
            bound.append(index)
        every = (*axes, *bound)
        arrays, others = [], []
        for factor in grouped(body):
            value = inner.value(factor, every)
            if value.axes:
                arrays.append(value)
            else:
                others.append(factor if is_number(factor) else sp.Symbol(value.tight, real=True))
        if len(arrays) == 1:  # numbers stay with their only array
            arrays, others = [inner.value(body, every)], []
        used = {axis for factor in arrays for axis in factor.axes}
        repeats = [inner.sizes[index] for index in bound if index not in used]
        summed = tuple(index for index in bound if index in used)
        if summed:
            factor = sp.Mul(*others, *repeats)
            found = self._contracted(arrays, summed, tuple(axis for axis in axes if axis in used))
        else:
            factor, found = sp.Mul(*repeats), inner.value(body, every)
        if factor == 1:
            return found
        scaled = factor * sp.Symbol(found.tight, real=True)
        return Value(scalar_source(scaled, self.dialect), found.axes, binding(scaled))

    def _contracted(self, arrays: Sequence[Value], summed: Axes, kept: Axes) -> Value:
        if len(arrays) == 1:
            (array,) = arrays
            places = tuple(array.axes.index(index) for index in summed)
            over = (
                ""
                if set(summed) == set(array.axes)
                else self.dialect.over(places if len(places) > 1 else places[0])
            )
            left = tuple(axis for axis in array.axes if axis not in summed)
            if array.source.isidentifier():
                return Value(f"{array.source}.sum({over})", left)
            return Value(f"{self.dialect.np}.sum({array.source}{', ' * bool(over)}{over})", left)
        if len(arrays) == 2 and len(summed) == 1 and all(len(array.axes) <= 2 for array in arrays):
            product_ = self._matrix_product(arrays, summed[0], kept)
            if product_ is not None:
                return product_
        letter = letters([axis for array in arrays for axis in array.axes])
        subscripts = ",".join("".join(letter[axis] for axis in array.axes) for array in arrays)
        out = "".join(letter[axis] for axis in kept)
        operands = ", ".join(array.source for array in arrays)
        return Value(f'{self.dialect.np}.einsum("{subscripts}->{out}", {operands})', kept)

    def _matrix_product(self, arrays: Sequence[Value], index: sp.Symbol, kept: Axes) -> Value | None:
        """`left @ right`, where the index is the only one that both have."""
        ordered = sorted(arrays, key=lambda array: [axis not in array.axes for axis in kept])
        own = [tuple(axis for axis in array.axes if axis != index) for array in ordered]
        if any(index not in array.axes for array in ordered) or set(own[0]) & set(own[1]):
            return None
        left, right = (
            self._tight(array, axes)
            for array, axes in zip(ordered, ((*own[0], index), (index, *own[1])), strict=True)
        )
        return Value(f"{left} @ {right}", (*own[0], *own[1]), 2)

    def _picked(self, picked: Expr, axes: Axes) -> Value:
        """The largest value over an index, or its place, the first of several; all entries inside."""
        ((index, _, end),) = picked.limits
        inner = replace(self, sizes={**self.sizes, index: _size(end)})
        every = (*axes, index)
        body = inner.value(picked.function, every)
        conditions: dict[str, Value] = {}
        within = bound_indices(picked.function)
        for entry in sorted(picked.function.atoms(sp.Indexed), key=str):
            shape = self.shapes[name_of(entry)]
            for position, size in zip(entry.indices, shape, strict=True):
                if not (within & entry.free_symbols or is_inside(position, size, inner.sizes)):
                    place = inner._whole(position, every)
                    text = f"(0 <= {place.tight}) & ({place.tight} < {self.number(size)})"
                    conditions[text] = Value(text, place.axes, 1)
        own = common([body, *conditions.values(), Value("", (index,))], every)
        source = inner.full(body, own)
        if conditions:
            held = " & ".join(inner._tight(each, own) for each in conditions.values())
            source = f"{self.dialect.np}.where({held}, {source}, -math.inf)"
        rest = tuple(axis for axis in own if axis != index)
        name = "largest" if isinstance(picked, Largest) else "place"
        return Value(self.dialect.text(name, what=source, over=self.dialect.over(own.index(index))), rest)


def reading_of(
    step: Step,
    names: Mapping[Array, str],
    helpers: Helpers,
    *,
    like: str,
    places: Collection[Array],
) -> str:
    """Source of a step's target; `names` are the variables of arrays, `places` those of whole numbers."""
    equation = step.equation
    arrays = {name: step.array(name) for name in equation.inputs}
    local = {name: names[array] for name, array in arrays.items()}
    whole = frozenset(name for name, array in arrays.items() if array in places)
    shapes = {name: array.shape for name, array in arrays.items()}
    target, rhs = (from_zero(_put_in(side, step, names)) for side in (equation.target, equation.value))
    slots = {name: bound for name, bound in step.bindings.items() if isinstance(bound, Slot)}
    sizes = dict(zip(equation.indices, step.ends, strict=True))
    read = Reading(helpers, local, shapes, slots, sizes, like, whole)
    axes = equation.indices
    value = read.value(rhs, axes)
    if equation.scatters:
        return read.scattered(value, target.indices, axes, step.target.shape)
    return read.full(value, axes)


def _put_in(expr: Expr, step: Step, names: Mapping[Array, str]) -> Expr:
    """The expression with the step's own scalars put in: sizes, options, factors in m and λ, arrays without
    axes.
    """
    found = {}
    for symbol in scalars_of(expr):
        bound = step.bindings.get(symbol.name)
        if isinstance(bound, sp.Expr):
            found[symbol] = bound.xreplace({LAMBDA: LAM})
        elif isinstance(bound, Array):
            found[symbol] = sp.Symbol(names[bound], real=True)
    return expr.xreplace(found)


def _size(end: Expr) -> Size:
    return int(end) if end.is_Integer else end
