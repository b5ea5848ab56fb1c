"""The program: a network's steps in the order of computation, in the forms that are safe to evaluate.

What the derivation says is kept; what changes is how it is evaluated. Where a loss has a pole in the output
(cross-entropy), its slope and the activation's are multiplied out, so that the pole cancels: δ = (a − t)/m.
An identity activation disappears.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import sympy as sp

from symbolic import chain_rule
from symbolic.activations import VALUE, Activation
from symbolic.derivation import Derivation, derive
from symbolic.errors import Unsupported
from symbolic.expressions import Expr, entry_of, name_of, undefined_at
from symbolic.grammar.functions import undefined_parts
from symbolic.losses import A, Loss, T
from symbolic.network import Network
from symbolic.notation import Array, Slot, Step, local_names
from symbolic.plain import PlainSum
from symbolic.slots import SLOT_ARGUMENTS, slot_formula
from symbolic.unification import unify


@dataclass(frozen=True)
class Program:
    """Forward and backward steps of one network with fixed widths, each safe to evaluate."""

    derivation: Derivation
    forward: tuple[Step, ...]
    backward: tuple[Step, ...]

    @property
    def network(self) -> Network:
        assert isinstance(self.derivation.chain, Network)
        return self.derivation.chain

    @cached_property
    def parameters(self) -> tuple[tuple[Array, Array | None], ...]:
        """W and b of each layer, b None where it has no bias."""
        dense = [step for step in self.forward if step.role == "pre-activation"]
        return tuple((step.array("W"), step.array("b") if "b" in step.bindings else None) for step in dense)


def program(network: Network) -> Program:
    """The program of a network. Raises Unsupported for open widths, undefined functions, and poles that do
    not cancel.
    """
    refuse_undefined(network)
    derivation = derive(network)
    forward = tuple(plain_identity(step) for step in derivation.forward)
    return Program(
        derivation, forward, tuple(plain_identity(step) for step in _fused(derivation.backward, network))
    )


def refuse_undefined(network: Network) -> None:
    """Raise Unsupported for open widths and undefined functions, which have no numbers."""
    if network.is_symbolic:
        raise Unsupported(
            f"numbers need fixed widths, but {network.shape} leaves some open; write numbers for them"
        )
    for number, layer in enumerate(network.layers, start=1):
        if layer.activation.undefined:
            option = "--output" if number == network.depth else "--hidden"
            raise Unsupported(
                f"layer {number} has an undefined g, which has no numbers; give {option}, such as tanh"
            )
    if network.objective.loss.undefined:
        raise Unsupported("the loss E is undefined and has no numbers; give --loss, such as half-squared")


def plain_identity(step: Step) -> Step:
    """The step with identity activations written out: g(z) = z, g'(z) = 1."""
    slots = {
        name: bound
        for name, bound in step.bindings.items()
        if isinstance(bound, Slot)
        and isinstance(bound.source, Activation)
        and bound.source.name == "identity"
    }
    return expanded(step, slots.__contains__) if slots else step


def expanded(step: Step, which: Callable[[str], bool]) -> Step:
    """The step with the slots that `which` holds for replaced by their formulas."""

    def open_slot(node: Expr) -> Expr:
        name, orders = undefined_at(node)
        source = step.slot(name).source
        formula = slot_formula(source, orders)
        assert formula is not None, f"{source.text} is undefined"
        return formula.xreplace(dict(zip(SLOT_ARGUMENTS[type(source)], node.args, strict=True)))

    value = step.equation.value.replace(
        lambda node: (slot := undefined_parts(node)) is not None and which(slot[0]), open_slot
    )
    return _with_value(step, value)


def with_slopes(step: Step) -> Step:
    """The step with slopes of activations read from arrays, `slope2` for g'(z) of layer 2, in place of g'(z)
    itself.
    """
    bindings = dict(step.bindings)

    def read(node: Expr) -> Expr:
        local, _ = undefined_at(node)
        (entry,) = node.args
        bindings[f"slope_{local}"] = Array("slope", step.slot(local).layer, step.array(name_of(entry)).shape)
        return entry_of(f"slope_{local}", entry.indices)

    value = step.equation.value.replace(lambda node: (undefined_parts(node) or ("", ()))[1] == (1,), read)
    return _with_value(replace(step, bindings=bindings), value)


def in_logarithms(step: Step, output: Activation) -> Step:
    """The loss step with log a and log(1 − a) read from arrays, where the output activation has stable forms
    of them.
    """
    opened = expanded(step, lambda name: True)
    if not output.has_logs:
        return opened
    (entry,) = opened.equation.entries("A")
    array = opened.array("A")
    swaps = {sp.log(entry): "log_a", sp.log(1 - entry): "log_1_minus_a"}
    found = {node: name for node, name in swaps.items() if opened.equation.value.has(node)}
    value = opened.equation.value.xreplace(
        {node: entry_of(name, entry.indices) for node, name in found.items()}
    )
    arrays = {name: replace(array, name=name) for name in found.values()}
    return _with_value(replace(opened, bindings={**opened.bindings, **arrays}), value)


def _fused(steps: tuple[Step, ...], network: Network) -> tuple[Step, ...]:
    """Multiply out the output error where the loss has a pole in the output, so that the pole cancels."""
    if not _has_edge_pole(network.objective.loss):
        return steps
    error = next(step for step in steps if step.role == "output error")
    before = [step for step in steps if step.target in error.inputs and step.target.cotangent]
    whole = error
    for producer in before:
        equation, bindings = unify(whole, producer)
        name = next(local for local, bound in bindings.items() if bound == producer.target)
        whole = replace(whole, equation=chain_rule.inline(whole.equation, equation, name), bindings=bindings)
    output = next(name for name in whole.equation.inputs if whole.array(name).label == f"A{network.depth}")
    opened = expanded(whole, lambda name: isinstance(whole.slot(name).source, Loss))
    value = sp.factor(_split_sums(opened, sp.cancel(_slope_by_value(opened, output))))
    if _has_pole(value, set(opened.equation.entries(output))):
        raise Unsupported(
            f"{network.layers[-1].activation.text} with {network.objective.loss.text}: the pole of the loss "
            "at the edge of (0, 1) does not cancel, so no stable code is known; use cross-entropy with "
            "softmax or sigmoid, or binary-cross-entropy with sigmoid"
        )
    fused = _with_value(opened, value)
    return tuple(fused if step is error else step for step in steps if step not in before)


def _split_sums(step: Step, value: Expr) -> Expr:
    """A value with Σ (c f + d) over one index as c Σ f + d n, for numbers c and d."""

    def split(body: Expr, limit: Any) -> Expr:
        terms = [term.as_coeff_Mul() for term in sp.Add.make_args(sp.expand(body))]
        count = sp.Integer(step.size(limit[0]))
        return sp.Add(*(number * (count if f == 1 else PlainSum(f, limit)) for number, f in terms))

    return value.replace(
        lambda node: isinstance(node, sp.Sum) and len(node.limits) == 1, lambda node: split(*node.args)
    )


def _has_edge_pole(loss: Loss) -> bool:
    """Whether ∂e/∂a is infinite at an edge that outputs come close to: −1, 0 or 1."""
    assert loss.slope is not None, "undefined losses have been refused"
    at = [loss.slope.xreplace({A: sp.Integer(edge), T: sp.Rational(1, 3)}) for edge in (-1, 0, 1)]
    return any(value.has(sp.zoo, sp.oo, -sp.oo, sp.nan) for value in at)


def _has_pole(value: Expr, variables: set[Expr]) -> bool:
    """Whether the value divides by something made of these variables."""
    return any(
        power.exp.could_extract_minus_sign() and variables & power.atoms(*map(type, variables))
        for power in value.atoms(sp.Pow)
    )


def _slope_by_value(step: Step, output: str) -> Expr:
    """The step's value with the output activation's slope written in the output: a(1 − a) for sigmoid."""

    def in_value(node: Expr) -> Expr:
        source = step.slot(undefined_at(node)[0]).source
        formula = source.slope_by_value if isinstance(source, Activation) else None
        if formula is None:
            raise Unsupported(
                "the loss has a pole in the output, which the activation there does not cancel; "
                "choose the output sigmoid or softmax"
            )
        return formula.xreplace({VALUE: entry_of(output, node.args[0].indices)})

    return step.equation.value.replace(lambda node: undefined_parts(node) is not None, in_value)


def _with_value(step: Step, value: Expr) -> Step:
    equation = replace(step.equation, value=value)
    used = {name: bound for name, bound in step.bindings.items() if name in local_names(equation)}
    return replace(step, equation=equation, bindings=used)
