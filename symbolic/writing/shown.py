"""What is shown of a step, whatever the format: its sides and ranges, E as a whole, what its functions are.

Identity activations, losses and penalties are written out. Other activations keep their names, tanh′(Z), and
are defined beside the formulas; so is a long loss.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

import sympy as sp

from symbolic.activations import Activation
from symbolic.conventions import Layout
from symbolic.evaluate import SLOT_ARGUMENTS, slot_formula
from symbolic.grammar.functions import FUNCTIONS, absolute, undefined_parts
from symbolic.losses import Loss, Penalty
from symbolic.matrix_form import matrix_form
from symbolic.notation import Expr, Slot, Step, size_of, undefined_at
from symbolic.program import plain_identity
from symbolic.writing.matrix_expression import Spread
from symbolic.writing.writer import Writer

Write: TypeAlias = Callable[[Step | None, Layout | None], Writer]
LONGEST: Final = 15  # operations of a loss that is written out in an index form: as many as huber has
SHORT: Final = 8  # the same in a matrix form, which has less room: as many as binary cross-entropy has


def sides(write: Write, step: Step, layout: Layout | None = None) -> tuple[str, str]:
    """The left and the right side of a step: in index form, or in matrix form in a layout.

    Raises Unsupported where there is no matrix form.
    """
    writer = write(step, layout)
    if layout is None:
        equation = written_out(step).equation
        return writer.doprint(equation.target), writer.doprint(equation.value)
    target, value = matrix_sides(step, layout)
    return writer.doprint(target), writer.doprint(value)


def matrix_sides(step: Step, layout: Layout) -> tuple[Expr, Expr]:
    """Target and value of a step over symbols that stand for matrices, as `Spread` writes them."""
    shown = written_out(step, of_matrices=True)
    form = matrix_form(shown, layout)
    rows = (shown.equation.name, *shown.equation.inputs) if layout.bias_shape == "1,n" else ()
    spread = Spread(frozenset(name for name in rows if shown.array(name).name == "b"))
    value = spread.expression(form.value, form.axes, flipped=form.target in spread.rows)
    return sp.Symbol(form.target, real=True), value


def ranges(write: Write, step: Step) -> list[tuple[str, str]]:
    """Each free index of a step and its last value; an index that is a number is none."""
    writer = write(step, None)
    free = (index for index in step.equation.indices if isinstance(index, sp.Symbol))
    return [(writer.doprint(index), writer.last(index, size_of(index))) for index in free]


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


def written_out(step: Step, *, of_matrices: bool = False) -> Step:
    """The step with identities, losses and penalties written out and its scalars put in.

    A loss that is long keeps its name, and so does one with cases where it is taken of matrices.
    """
    plain = plain_identity(step)

    def open_slot(node: Expr) -> Expr:
        name, orders = undefined_at(node)
        bound = plain.bindings[name]
        assert isinstance(bound, Slot)
        source = bound.source
        if isinstance(source, Activation) or not _is_written_out(source, of_matrices=of_matrices):
            return node
        formula = with_absolute(slot_formula(source, orders))
        return formula.xreplace(dict(zip(SLOT_ARGUMENTS[type(source)], node.args, strict=True)))

    scalars = {
        sp.Symbol(name, real=True): bound
        for name, bound in plain.bindings.items()
        if isinstance(bound, sp.Expr)
    }
    value = plain.equation.value.replace(lambda node: undefined_parts(node) is not None, open_slot)
    return replace(plain, equation=replace(plain.equation, value=sp.factor_terms(value.xreplace(scalars))))


def _is_written_out(source: Loss | Penalty, *, of_matrices: bool) -> bool:
    if isinstance(source, Penalty):
        return True
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
        if isinstance(source, Loss) and _is_written_out(source, of_matrices=True):
            continue
        if source not in first:
            first[source] = slot
            found += definition(slot)
        elif source.name == "formula":
            found.append(Definition(slot, 0, same=first[source]))
    return found
