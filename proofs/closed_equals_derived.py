"""Theorem: the closed form of every ∂E/∂w of a network equals its derivation.

Statement. Write E out as one scalar expression in the parameters, inputs and targets, and let SymPy
differentiate it by w. Run the derived backward equations on symbols instead of numbers. Both give the same
function, for every parameter w.

Assumptions. Activations and losses are differentiable; at a kink of a piecewise one the slope is that of the
piece which holds there, on both sides.

Scope. One network with fixed widths; every batch size m, all real parameters, inputs and targets, and every
function in the place of an undefined activation or loss. A sum over samples stays a sum: the term of a sample
is proved equal.

The two sides share the definitions of activations and losses and nothing else: there is no chain rule over
indices on the left, and E is not differentiated on the right.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import sympy as sp

from proofs.kernel.theorem import Proof, Step, Theorem
from symbolic import notation
from symbolic.accumulation import CONSTANTS
from symbolic.closed_form import BATCH, SAMPLE, ClosedForm, weights
from symbolic.derivation import Derivation, derive
from symbolic.errors import Unsupported
from symbolic.expressions import Expr, name_of, peeled
from symbolic.grammar.functions import Undefined, undefined
from symbolic.losses import OUTPUTS, SAMPLES
from symbolic.network import Network
from symbolic.notation import Array, Slot
from symbolic.plain import PlainSum
from symbolic.slots import SLOT_ARGUMENTS, slot_formula

Entries = dict[tuple[int, ...], Expr]  # of one array, by its indices without the sample's


def prove_network(network: Network) -> Proof:
    """Prove the theorem for one network. Raises NotProved at the first parameter for which it cannot be.

    >>> from symbolic.network import mlp
    >>> print(prove_network(mlp(1, 1, output="g", loss="E")))
    Theorem: closed form = derivation.
    For 1-1, g, E/m: E written out and differentiated by w is the derived ∂E/∂w.
    Assume: activations and the loss are differentiable; at a kink the slope is that of the piece there.
    Scope: its 2 parameters w; every batch size m, all real parameters, inputs and targets.
    Proof.
      1. ∂E/∂W1[1,1]: chain rule through the pre-activation; the difference reduces to 0.
      2. ∂E/∂b1[1]: chain rule through the pre-activation; the difference reduces to 0.
    QED. Source: left: sympy.diff of E; right: the chain rule over the forward equations.
    """
    return closed_form_theorem(network).qed()


def closed_form_theorem(network: Network) -> Theorem:
    """The theorem for one network, a step for each parameter, not yet proved.

    Raises Unsupported for open widths, and with an estimate where a closed form would swell beyond reason.
    """
    closed, derivation = ClosedForm(network), derive(network)
    derived = written_out(derivation)
    gradients = {(step.target.name, step.target.layer): step for step in derivation.backward}
    steps = []
    for weight in weights(network):
        gradient = gradients[weight.name, weight.layer]
        left = closed.derivative(weight)
        right = derived[gradient.target][weight.indices]
        steps.append(Step(f"∂E/∂{weight}", left, right, gradient.rule))
    return Theorem(
        name="closed form = derivation",
        statement=f"For {network}: E written out and differentiated by w is the derived ∂E/∂w",
        assumptions=(
            "activations and the loss are differentiable; at a kink the slope is that of the piece there",
        ),
        scope=f"its {len(steps)} parameters w; every batch size m, all real parameters, inputs and targets",
        steps=tuple(steps),
        source="left: sympy.diff of E; right: the chain rule over the forward equations",
    )


def written_out(derivation: Derivation) -> dict[Array, Entries]:
    """Every array that a network's steps compute, as expressions in W, b, and x and t of a sample c.

    A sum over units is written out; one over samples stays a sum over c = 1, …, m.
    """
    network = derivation.chain
    assert isinstance(network, Network)
    scalars = {SAMPLES: BATCH, OUTPUTS: sp.Integer(network.sizes[-1])}
    known: dict[Array, Entries] = {}
    for step in derivation.steps:
        known[step.target] = _Reading(step, known, scalars).target()
    return known


@dataclass(frozen=True, slots=True)
class _Reading:
    """Reads one step, its names replaced by what they stand for."""

    step: notation.Step
    known: Mapping[Array, Entries]
    scalars: Mapping[sp.Symbol, Expr]

    def target(self) -> Entries:
        equation = self.step.equation
        axes = [index for index in equation.indices if self.step.size(index) != SAMPLES]
        places = product(*map(self._positions, axes))
        return {place: self._value(equation.value, dict(zip(axes, place, strict=True))) for place in places}

    def _positions(self, index: sp.Symbol) -> range:
        return range(1, int(self.step.size(index)) + 1)

    def _value(self, value: Any, at: Mapping[sp.Symbol, int]) -> Any:
        match value:
            case sp.Indexed():
                return self._entry(value, at)
            case sp.Sum():
                return self._sum(*peeled(value), at)
            case sp.Symbol():
                scalar: Any = self.step.bindings[value.name]
                return scalar.xreplace(self.scalars)
            case Undefined():
                arguments = [self._value(argument, at) for argument in value.args]
                return _applied(self.step.slot(value.name), value.orders, arguments)
        return value.func(*(self._value(part, at) for part in value.args)) if value.args else value

    def _entry(self, entry: sp.Indexed, at: Mapping[sp.Symbol, int]) -> Expr:
        """What a step has computed; else a symbol of its own: x and t of sample c, and the parameters.

        Where a wrong derivation reads outside an array, that is a symbol which the closed form does not have.
        """
        array = self.step.array(name_of(entry))
        axes = zip(entry.indices, array.shape, strict=True)
        place = tuple(self._place(index, at) for index, size in axes if size != SAMPLES)
        if array.name in CONSTANTS:
            return sp.IndexedBase(array.name, real=True)[(*place, SAMPLE)]
        name = f"{array.label}[{','.join(map(str, place))}]"
        return self.known.get(array, {}).get(place, sp.Symbol(name, real=True))

    def _place(self, index: sp.Symbol, at: Mapping[sp.Symbol, int]) -> int:
        """An index's value; a wrong derivation may stand at the last place for good."""
        return at[index] if index in at else int(self._value(index, at))

    def _sum(self, inside: Expr, index: sp.Symbol, at: Mapping[sp.Symbol, int]) -> Expr:
        if self.step.size(index) != SAMPLES:
            return sp.Add(*(self._value(inside, {**at, index: place}) for place in self._positions(index)))
        if SAMPLES in self.step.target.shape:
            raise Unsupported(f"{self.step.target.label} mixes samples, but the proof takes each by itself")
        return PlainSum(self._value(inside, at), (SAMPLE, 1, BATCH))


def _applied(slot: Slot, orders: tuple[int, ...], arguments: list[Expr]) -> Expr:
    """An activation, loss or penalty, or its derivative of the given orders."""
    formula = slot_formula(slot.source, orders)
    if formula is None:
        return undefined(f"{slot.name}{slot.layer or ''}", len(arguments), orders)(*arguments)
    return formula.xreplace(dict(zip(SLOT_ARGUMENTS[type(slot.source)], arguments, strict=True)))
