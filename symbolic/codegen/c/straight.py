"""The form "straight-line": every scalar of a tiny network a constant of its own, no loops and no memory.

The steps are those of the other forms, written out for one sample; batches are looped over as elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import reduce
from itertools import product
from typing import Any

import sympy as sp

from symbolic.activations import Activation
from symbolic.codegen.c.file_scope import FileScope
from symbolic.codegen.c.plan import kept
from symbolic.codegen.c.scalar import ATOM, Source
from symbolic.codegen.names import comment
from symbolic.expressions import Expr, name_of
from symbolic.grammar.functions import undefined_parts
from symbolic.grammar.indices import Largest, Place
from symbolic.losses import LAMBDA, SAMPLES
from symbolic.notation import Array, Step
from symbolic.slots import SLOT_ARGUMENTS, slot_formula


@dataclass(slots=True)
class Straight:
    """Writes the body of one function of a single sample."""

    scope: FileScope
    product: str  # what the gradient is called: grad, or product
    lines: list[str] = field(default_factory=list)
    text: dict[tuple[Array, tuple[int, ...]], Source] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)

    def body(self, name: str) -> tuple[str, ...]:
        """The lines of `forward`, `loss`, `gradient`, `loss_and_gradient` or `hvp`."""
        plan = self.scope.plan
        gradients = {array.bar for array in plan.parameters}
        tails = {"forward": (), "loss": plan.error, "gradient": plan.backward, "hvp": plan.second}
        tail = tails.get(name, (*plan.error, *plan.backward))
        wanted = set(plan.outputs) if name == "forward" else gradients
        if name == "loss":
            wanted = set()
        for step in kept((*plan.layers, *tail), wanted, plan.place)[0]:
            self._step(step)
        if name == "forward":
            (output,) = plan.outputs
            for at in range(int(self.scope.size(output))):
                self.lines.append(f"a[{at}] = {self._entry(output, (at + 1, 1))[0]};")
        if self.errors:
            self.lines.append(f"return {' + '.join(self.errors)};")
        return tuple(f"    {line}" for line in self.lines)

    def _step(self, step: Step) -> None:
        shape = [1 if size == SAMPLES else int(size) for size in step.target.shape]
        number = self.scope.number
        self.lines.append(f"/* {comment(str(step), 'c')} */")
        numbers = {
            sp.Symbol(name, real=True): found
            for name, bound in step.bindings.items()
            if isinstance(bound, sp.Expr) and (found := bound.xreplace({SAMPLES: sp.S.One})).is_number
        }
        target = self.scope.plan.place(step.target)
        for place in product(*(range(1, size + 1) for size in shape)):
            fixed = dict(zip(step.equation.indices, map(sp.Integer, place), strict=True))
            value = _One(self, step).write(_spread(step, step.equation.value.xreplace(numbers | fixed)))[0]
            if target in self.scope.given:
                self.lines.append(f"{self._given(target, place)[0]} = {value};")
                continue
            axes = [str(at - 1) for at, size in zip(place, step.target.shape, strict=True) if size != SAMPLES]
            own = self.scope.name(target)
            name = self.scope.names.of((target, place), "_".join([own, *axes])) if axes else own
            self.lines.append(f"const {number} {name} = {value};")
            self.text[target, place] = (name, ATOM)
            if not step.target.shape:
                self.errors.append(name)

    def _entry(self, array: Array, place: tuple[int, ...]) -> Source:
        array = self.scope.plan.place(array)
        return self.text[array, place] if (array, place) in self.text else self._given(array, place)

    def _given(self, array: Array, place: tuple[int, ...]) -> Source:
        """An entry of a buffer."""
        scope, location = self.scope, self.scope.location(array)
        strides = (int((sp.S.Zero + stride).xreplace({SAMPLES: sp.S.One})) for stride in location.strides)
        at = sum((one - 1) * stride for one, stride in zip(place, strides, strict=True))
        if location.kind == "label":
            one, zero = (scope.scalars.literal(each)[0] for each in (sp.S.One, sp.S.Zero))
            return f"((t[0] == {place[0] - 1}) ? {one} : {zero})", ATOM
        for parameter in scope.plan.parameters:
            buffers = {parameter: "params", parameter.bar: self.product}
            buffers |= (
                {scope.plan.directions.get(parameter, parameter.bar): "v"} if scope.plan.directions else {}
            )
            if array in buffers:
                return f"{buffers[array]}[{scope.offsets[parameter][1] + at}]", ATOM
        return f"{location.name}[{at}]", ATOM


@dataclass(frozen=True, slots=True)
class _One:
    """One value as it is being written."""

    straight: Straight
    step: Step

    def write(self, expr: Expr) -> Source:
        return self.straight.scope.scalars.write(expr, self._leaf)

    def _leaf(self, node: Any) -> Source | None:
        match node:
            case sp.Indexed():
                return self.straight._entry(self.step.array(name_of(node)), tuple(map(int, node.indices)))
            case sp.Max():
                return reduce(self._larger, map(self.write, node.args))
            case sp.Symbol():
                bound = self.step.bindings.get(node.name)
                if isinstance(bound, sp.Expr):
                    return self.straight.scope.scalars.write(bound.xreplace({SAMPLES: sp.S.One}), _setting)
                return None
        slot = undefined_parts(node) if isinstance(node, sp.Function) else None
        return None if slot is None else self._slot(*slot, node.args)

    def _larger(self, one: Source, other: Source) -> Source:
        return self.straight.scope.scalars.call("fmax", one[0], other[0])

    def _slot(self, name: str, orders: tuple[int, ...], arguments: tuple[Expr, ...]) -> Source:
        source = self.step.slot(name).source
        given = [self.write(argument) for argument in arguments]
        scope = self.straight.scope
        if isinstance(source, Activation):
            (z,) = arguments
            held = scope.plan.values.get((source, scope.plan.place(self.step.array(name_of(z)))))
            if orders == (1,) and held is not None:
                a = self.straight._entry(held, tuple(map(int, z.indices)))
                return scope.functions.slope(source, given[0], a)
            return scope.functions.of(source, orders[0], given[0])
        formula = slot_formula(source, orders)
        assert formula is not None, f"{source.text} is undefined"
        return scope.scalars.write(formula, dict(zip(SLOT_ARGUMENTS[type(source)], given, strict=True)).get)


def _setting(node: Any) -> Source | None:
    return ("lam", ATOM) if node == LAMBDA else None


def _spread(step: Step, expr: Expr) -> Expr:
    """The expression with sums and maxima written out, sizes put in, all indices being numbers."""
    if isinstance(expr, sp.Sum | Largest | Place):
        terms = [expr.function]
        for index, _, end in expr.limits:
            size = step.extent(end)
            last = 1 if size == SAMPLES else int(size)
            terms = [term.xreplace({index: sp.Integer(at)}) for term in terms for at in range(1, last + 1)]
        spread = [_spread(step, term) for term in terms]
        if isinstance(expr, Place):
            return _place(spread)
        return sp.Add(*spread) if isinstance(expr, sp.Sum) else sp.Max(*spread, evaluate=False)
    if isinstance(expr, sp.Indexed) or not expr.args:
        return expr
    return expr.func(*(_spread(step, part) for part in expr.args))


def _place(terms: list[Expr]) -> Expr:
    """The first place of the largest of some terms, from 0."""
    cases = [
        (sp.Integer(at), sp.And(*(term >= other for other in terms[at + 1 :])))
        for at, term in enumerate(terms[:-1])
    ]
    return sp.Piecewise(*cases, (sp.Integer(len(terms) - 1), True))
