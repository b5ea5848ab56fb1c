"""What is shown of a step, whatever the format: its sides and ranges, E as a whole, what its functions are.

Identity activations, losses and penalties are written out. Other activations keep their names, tanh′(Z), and
are defined beside the formulas; so is a long loss.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Final, TypeAlias

import sympy as sp

from symbolic.activations import Activation
from symbolic.conventions import Layout
from symbolic.expressions import Expr, undefined_at
from symbolic.grammar.functions import FUNCTIONS, absolute, undefined_parts
from symbolic.losses import Loss, Penalty
from symbolic.matrix_form import matrix_form
from symbolic.notation import Slot, Step, size_of
from symbolic.program import plain_identity
from symbolic.slots import SLOT_ARGUMENTS, slot_formula
from symbolic.writing.gathering import factored
from symbolic.writing.index_form import brackets_inside, index_form, numbers_of
from symbolic.writing.matrix_expression import Spread
from symbolic.writing.ordering import term_key
from symbolic.writing.writer import Writer

Write: TypeAlias = Callable[[Step | None, Layout | None], Writer]
LONGEST: Final = 15  # operations of a loss that is written out in an index form: as many as huber has
SHORT: Final = 8  # the same in a matrix form, which has less room: as many as binary cross-entropy has


def sides(write: Write, step: Step, layout: Layout | None = None) -> tuple[str, str]:
    """The left and the right side of a step: in index form, or in matrix form in a layout.

    Raises Unsupported where there is no matrix form.
    """
    if layout is None:
        form = _opened(index_form(step).step, of_matrices=False)
        writer = write(form, None)
        return writer.doprint(form.equation.target), writer.doprint(brackets_inside(form.equation.value))
    writer = write(step, layout)
    target, value = matrix_sides(step, layout)
    return writer.doprint(target), writer.doprint(value)


def terms(write: Write, step: Step) -> list[str]:
    """The right side of an index form, a term each, every term but the first with its sign."""
    form = _opened(index_form(step).step, of_matrices=False)
    writer = write(form, None)
    ordered = sorted(sp.Add.make_args(brackets_inside(form.equation.value)), key=term_key)
    written = [writer.doprint(term) for term in ordered]
    minus = writer.style.minus
    return [written[0], *(term if term.startswith(minus) else f"+ {term}" for term in written[1:])]


def matrix_sides(step: Step, layout: Layout) -> tuple[Expr, Expr]:
    """Target and value of a step over symbols that stand for matrices, as `Spread` writes them."""
    numbers = {symbol: bound for symbol, bound in numbers_of(step).items() if not bound.has(sp.Indexed)}
    value = step.equation.value.xreplace(numbers)
    shown = _opened(replace(step, equation=replace(step.equation, value=value)), of_matrices=True)
    form = matrix_form(shown, layout)
    rows = (shown.equation.name, *shown.equation.inputs) if layout.bias_shape == "1,n" else ()
    spread = Spread(frozenset(name for name in rows if shown.array(name).name == "b"))
    value = spread.expression(form.value, form.axes, flipped=form.target in spread.rows)
    return sp.Symbol(form.target, real=True), value


def equals(write: Write, step: Step) -> str:
    """The sign between the sides of an index form; a scatter adds to its target."""
    return f" {write(None, None).style.adds} " if step.equation.scatters else " = "


def ranges(write: Write, step: Step) -> list[tuple[str, str, str]]:
    """Each free index of a step with its first and last value, "" for the last of N_i values of an index i.

    An index that is a number is none.
    """
    form = index_form(step)
    writer = write(form.step, None)
    return [
        (
            writer.doprint(index),
            str(form.first),
            "" if end == size_of(index) else writer.last(end + form.first - 1),
        )
        for index, end in zip(form.step.equation.indices, form.step.ends, strict=True)
        if isinstance(index, sp.Symbol)
    ]


def runs(found: Iterable[tuple[str, str, str]]) -> Iterator[tuple[list[str], str, str]]:
    """Ranges in order, indices that take N_i values each side by side: `i, c` from 1, then `u` to its end."""
    for (first, is_open), group in groupby(found, key=lambda each: (each[1], not each[2])):
        if is_open:
            yield [index for index, *_ in group], first, ""
        else:
            yield from (([index], first, last) for index, _, last in group)


def error_terms(write: Write, steps: Iterable[Step], layout: Layout | None = None) -> list[str]:
    """The terms of E, each with its sign: all right sides that are numbers, summed over their layers."""
    style = write(None, None).style
    first, *others = [
        (style.over_layers(step.layers) if step.layers else "") + sides(write, step, layout)[1]
        for step in steps
        if not step.target.shape
    ]
    minus = style.minus
    return [
        first,
        *(f"{minus if t.startswith(minus) else '+'} {t.removeprefix(minus)}" for t in others),
    ]


def _opened(step: Step, *, of_matrices: bool) -> Step:
    """The step with identities, losses and penalties written out, common factors in front.

    A loss that is long keeps its name, and so does one with cases where it is taken of matrices. A formula
    has no name where its place has none.
    """
    plain = plain_identity(step)

    def open_slot(node: Expr) -> Expr:
        name, orders = undefined_at(node)
        bound = plain.bindings[name]
        assert isinstance(bound, Slot)
        source = bound.source
        if not _is_written_out(bound, of_matrices=of_matrices):
            return node
        formula = with_absolute(slot_formula(source, orders))
        return formula.xreplace(dict(zip(SLOT_ARGUMENTS[type(source)], node.args, strict=True)))

    value = plain.equation.value.replace(lambda node: undefined_parts(node) is not None, open_slot)
    value = factored(with_absolute(value))
    return replace(plain, equation=replace(plain.equation, value=value))


def _is_written_out(slot: Slot, *, of_matrices: bool) -> bool:
    source = slot.source
    if isinstance(source, Penalty):
        return True
    if isinstance(source, Activation):
        return source.name == "formula" and slot.layer is None
    if source.definition is None:
        return False
    formulas = (with_absolute(source.definition), with_absolute(source.slope))
    if of_matrices:
        return all(formula.count_ops() <= SHORT and not formula.has(sp.Piecewise) for formula in formulas)
    return all(formula.count_ops() <= LONGEST for formula in formulas)


def with_absolute(expr: Expr) -> Expr:
    """The expression with |x| and sign(x) for the `Piecewise` that they stand for.

    >>> w = sp.Symbol("w", real=True)
    >>> with_absolute(absolute(w).diff(w))
    sign(w)
    """
    if not expr.has(sp.Piecewise):
        return expr
    if isinstance(expr, sp.Piecewise):
        value, condition = expr.args[0]
        if expr == absolute(value):
            return sp.Abs(with_absolute(value))
        inside = condition.gts - condition.lts if isinstance(condition, sp.Gt | sp.Lt) else None
        if inside is not None and expr == FUNCTIONS["sign"].build(inside):
            return sp.sign(with_absolute(inside))
    return expr.func(*map(with_absolute, expr.args))


@dataclass(frozen=True, slots=True)
class Definition:
    """What a function is, or its slope (`order` 1): formulas in its arguments, or another g it equals."""

    slot: Slot
    order: int
    formulas: tuple[Expr, ...] = ()
    same: Slot | None = None

    def chain(self, write: Write) -> list[str]:
        """The function and the formulas that it equals, as written."""
        writer = write(None, None)
        style = writer.style
        variables = SLOT_ARGUMENTS[type(self.slot.source)]
        orders = (self.order, *[0] * (len(variables) - 1))
        if self.same:
            return [style.slot(self.slot, orders), style.slot(self.same, orders)]
        arguments = style.group(", ".join(map(writer.doprint, variables)))
        head = style.slot(self.slot, orders) + arguments
        written = [writer.doprint(with_absolute(formula)) for formula in self.formulas]
        if len(written) > 1:
            written[-1] += style.where % (style.slot(self.slot, (0,)) + arguments)
        return [head, *(formula for formula in written if formula != head)]


def definition(slot: Slot) -> list[Definition]:
    """The value and the slope of an activation or a loss that has a formula."""
    source = slot.source
    assert not isinstance(source, Penalty)
    by_value = source.slope_by_value if isinstance(source, Activation) else None
    slopes = tuple(slope for slope in (source.slope, by_value) if slope is not None)
    return [Definition(slot, 0, (source.definition,)), Definition(slot, 1, slopes)]


def definitions(steps: Iterable[Step]) -> list[Definition]:
    """What the functions written by name are; a second g with the same formula is said to be the first."""
    bindings = (bound for step in steps for bound in step.bindings.values())
    found: list[Definition] = []
    first: dict[Activation | Loss, Slot] = {}
    for slot in dict.fromkeys(bound for bound in bindings if isinstance(bound, Slot)):
        source = slot.source
        if isinstance(source, Penalty) or source.definition is None or source.name == "identity":
            continue
        if _is_written_out(slot, of_matrices=True):
            continue
        if source not in first:
            first[source] = slot
            found += definition(slot)
        elif source.name == "formula":
            found.append(Definition(slot, 0, same=first[source]))
    return found
