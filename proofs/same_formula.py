"""Whether a mutant of a derivation is the same gradient after all: a proof by normal form, for one network.

A factor 1/k where k = 1, a transpose of one row, a slope of 1 dropped: some wrong formulas are right in a
family. Proved for the widths of one network, any differentiable activations, every batch size, all real
parameters, inputs and targets: activations are undefined functions here. Where they matter, nothing is
decided.
"""

from __future__ import annotations

import time
from dataclasses import replace
from functools import lru_cache
from typing import Final

import sympy as sp
from sympy.core.function import AppliedUndef

from proofs.closed_equals_derived import Entries, written_out
from proofs.kernel.normal_form import decide
from symbolic.activations import Activation, Z, activation
from symbolic.derivation import Derivation, derive
from symbolic.errors import Unsupported
from symbolic.expressions import Expr, name_of
from symbolic.mutation import Mutant, mutated
from symbolic.network import Network
from symbolic.notation import Array, Binding, Slot, Step
from symbolic.program import expanded

SECONDS: Final = 0.2  # for each entry
LARGEST: Final = 32  # parameters of a network that is written out
UNDEFINED: Final = activation("g")


def is_same(mutant: Mutant, derivation: Derivation, *, deadline: float) -> bool:
    """Whether the mutant's gradient is proved to be the right one before the deadline."""
    network = derivation.chain
    if not isinstance(network, Network) or int(network.parameter_count) > LARGEST or mutant.constants:
        return False
    if all(map(_is_same_step, mutant.original, mutant.changed)) and not mutant.extra:
        return True
    known = {slot for step in mutant.original for slot in step.bindings.values() if isinstance(slot, Slot)}
    steps = mutated(derivation.backward, mutant)
    used = {slot for step in mutant.changed for slot in step.bindings.values() if isinstance(slot, Slot)}
    if time.monotonic() > deadline or used - known:
        return False
    try:
        right, wrong = _right(network), written_out(_opened(replace(derivation, backward=steps)))
    except Unsupported:
        return False
    pairs = (
        (value, wrong[step.target][place])
        for step in derivation.backward
        if step.target.name in ("W", "b")
        for place, value in right[step.target].items()
    )
    return all(one == other or _equal(one, other, deadline) for one, other in pairs)


def _is_same_step(right: Step, wrong: Step) -> bool:
    """Whether two equations are the same by what a = f(z) is: f′(a) = f′(z) for a rectifier."""
    generators: dict[Expr, Expr] = {}
    left, other = (_scalar(step, generators) for step in (right, wrong))
    if left is None or other is None:
        return False
    return bool(left == other) or decide(left, other, seconds=SECONDS).answer == "equal"


def _scalar(step: Step, generators: dict[Expr, Expr]) -> Expr | None:
    """The value with functions written out, a as f(z), and sums and other entries as symbols; None where an
    activation is not one of single units.
    """
    layers = {
        bound.layer: bound.source
        for bound in step.bindings.values()
        if isinstance(bound, Slot) and isinstance(bound.source, Activation) and bound.source.definition
    }

    def entry(node: Expr) -> Expr:
        array = step.array(name_of(node))
        source = layers.get(array.layer) if array.name == "A" and not array.cotangent else None
        if source is not None:
            z = replace(array, name="Z")
            assert source.definition is not None
            return source.definition.xreplace({Z: symbol((z, node.indices))})
        return symbol((array, node.indices))

    def symbol(key: object) -> Expr:
        return generators.setdefault(key, sp.Symbol(f"u{len(generators)}", real=True))

    value = expanded(step, lambda name: isinstance(step.slot(name).source, Activation)).equation.value
    value = value.replace(lambda node: isinstance(node, sp.Sum), lambda *parts: symbol(("sum", str(parts))))
    value = value.replace(lambda node: isinstance(node, sp.Indexed), entry)
    return None if value.has(sp.Indexed, sp.Sum) or value.atoms(AppliedUndef) else value


def _equal(one: Expr, other: Expr, deadline: float) -> bool:
    left = min(SECONDS, deadline - time.monotonic())
    return left > 0 and decide(one, other, seconds=left).answer == "equal"


@lru_cache(maxsize=4)
def _right(network: Network) -> dict[Array, Entries]:
    return written_out(_opened(derive(network)))


def _opened(derivation: Derivation) -> Derivation:
    """The derivation with activations left undefined."""
    forward, backward = (tuple(map(_undefined, steps)) for steps in (derivation.forward, derivation.backward))
    return replace(derivation, forward=forward, backward=backward)


def _undefined(step: Step) -> Step:
    bindings: dict[str, Binding] = {
        name: replace(bound, source=UNDEFINED)
        if isinstance(bound, Slot)
        and isinstance(bound.source, Activation)
        and bound.source.name != "identity"
        else bound
        for name, bound in step.bindings.items()
    }
    return replace(step, bindings=bindings)
