"""Wrong slopes of losses and of a softmax, and fused forms where they do not hold."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import sympy as sp

from symbolic.activations import Activation
from symbolic.expressions import Expr, all_indices, fresh_indices, name_of
from symbolic.losses import LOSSES, PENALTIES, Loss, Penalty, loss
from symbolic.mutation.places import Call, Edit, Place, scalar
from symbolic.notation import Step, size_of
from symbolic.plain import PlainSum

_SOFTMAX: Final = re.compile(r"exp\(.*/Sum\(.*exp\(|N\[.*/Sum\(")
_LOGARITHM: Final = "log("
_EPSILON: Final = "epsilon"


def other_losses(place: Place) -> Iterator[Edit]:
    """The slope of another loss, such as cross-entropy's without the label smoothing."""
    for call in place.calls(Loss):
        slot = place.step.slot(call.name)
        for name in LOSSES:
            other = loss(name).of_outputs(call.source.outputs or _outputs(place, call))
            if other.row == call.source.row:
                continue
            smooth = call.source.name == "label-smoothing" and name == "cross-entropy"
            bug = "label smoothing in the loss only" if smooth else f"slope of the loss {name}"
            yield Edit(bug, None, place.rebound({call.name: replace(slot, source=other)}))


def fused(place: Place) -> Iterator[Edit]:
    """A - T for ∂E/∂z, whatever loss and output; A - T for the slope of the loss; either of them alone."""
    for call in place.calls(Loss):
        a, t = call.node.args
        square = call.source.name in ("squared", "half-squared")
        slopes = {inner.node: sp.S.One for inner in place.calls(Activation)}
        outputs = [inner.source.name for inner in place.calls(Activation)]
        if slopes and not _is_fused(call.source, outputs):
            value = place.value.xreplace({call.node: a - t, **slopes})
            yield Edit("A − T for ∂E/∂z, f′ missing", 10 if square else None, place.with_value(value))
        for said, new in (("A − T", a - t), ("A", a), ("T", -t)):
            yield Edit(f"{said} for the slope of the loss", None, place.put(call.node, new), said)


def guarded(place: Place) -> Iterator[Edit]:
    """ε added to a, or a kept above ε, in the slope of a loss that takes the logarithm of a."""
    for call in place.calls(Loss):
        source = call.source
        if source.definition is None or not source.definition.has(sp.log):
            continue
        a, t = call.node.args
        epsilon = scalar(_EPSILON)
        for said, inside in (("added to a", a + epsilon), ("as the least a", _at_least(a, epsilon))):
            step = place.put(call.node, call.node.func(inside, t), {_EPSILON: epsilon})
            yield Edit(f"ε {said} in the slope of the loss", 36, step, said, constants=(_EPSILON,))


def spread(place: Place) -> Iterator[Edit]:
    """(m,1) - (m) is m×m: every output of one unit meets every target."""
    for call in place.calls(Loss):
        a, t = call.node.args
        if len(a.indices) != 2 or place.step.array(name_of(a)).shape[0] != 1:
            continue
        unit, sample = a.indices
        index = next(fresh_indices(all_indices(place.value) | set(place.step.equation.indices)))
        pairs = call.node.func(a, t.base[unit, index])
        total = PlainSum(pairs, (index, 1, size_of(sample)))
        yield Edit("(m,1) − (m) spread to m×m", 50, place.put(call.node, total), "outputs")
        turned = PlainSum(call.node.func(a.base[unit, index], t), (index, 1, size_of(sample)))
        yield Edit("(m,1) − (m) spread to m×m, the other axis", 50, place.put(call.node, turned), "targets")


def softmax(place: Place) -> Iterator[Edit]:
    """The slope of a softmax left out, or a(1 - a) beside it."""
    if not is_softmax(place.step):
        return
    terms = sp.Add.make_args(sp.expand_mul(place.value))
    own = [term for term in terms if not term.has(sp.Sum)]
    if len(terms) != 2 or len(own) != 1:
        return
    found = [part for part in sp.Mul.make_args(own[0]) if isinstance(part, sp.Indexed)]
    values = [entry for entry in found if not place.step.array(name_of(entry)).cotangent]
    if len(values) == 1 and len(found) == 2:
        (a,) = values
        upstream = own[0] / a
        yield Edit("slope of the softmax missing", 10, place.with_value(upstream), "none")
        extra = sp.Add(*(a * (1 - a) * term for term in terms))
        yield Edit("extra slope a(1 − a) after the softmax", 11, place.with_value(extra), "extra")


def other_penalties(place: Place) -> Iterator[Edit]:
    """The slope of the other norm: 2w for sign(w), with or without its 2."""
    for call in place.calls(Penalty):
        slot = place.step.slot(call.name)
        for norm in PENALTIES:
            if norm != call.source.norm:
                other = place.rebound({call.name: replace(slot, source=replace(call.source, norm=norm))})
                yield Edit(f"slope of the {norm} penalty", 21, other, norm)
                share = sp.S.Half if norm == "l2" else sp.Integer(2)
                value = other.equation.value.xreplace({call.node: share * call.node})
                step = replace(other, equation=replace(other.equation, value=value))
                yield Edit(f"slope of the {norm} penalty, times {share}", 21, step, norm)


def is_softmax(step: Step) -> bool:
    """Whether a step goes back through a softmax."""
    return bool(_SOFTMAX.search(step.equation.rule))


def is_log_softmax(step: Step) -> bool:
    """Whether a step goes back through log Σ exp."""
    return f"{_LOGARITHM}Sum(exp(" in step.equation.rule


def _is_fused(source: Loss, outputs: list[str]) -> bool:
    """Whether a - t is the slope in z by right."""
    heads = source.row.heads if source.row else ()
    return any(head.output in outputs and "a - t" in head.error_forms for head in heads)


def _outputs(place: Place, call: Call[Loss]) -> int | sp.Expr:
    return place.step.array(name_of(call.node.args[0])).shape[0]


def _at_least(a: Expr, least: Expr) -> Expr:
    return sp.Piecewise((a, sp.Gt(a, least)), (least, True))
