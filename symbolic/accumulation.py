"""Reverse accumulation over the steps of a forward pass: the chain rule, step by step from the loss back.

Cotangents of an array that is used more than once add up. A cotangent that is read once, entry by entry, is
put into its reader, so that δ = (Wᵀδ) ∘ g'(z) is one equation.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from typing import Final

from symbolic import chain_rule
from symbolic.chain_rule import BAR, cotangent_rule
from symbolic.notation import Array, Binding, Step, local_names, unify

CONSTANTS: Final = frozenset({"X", "T"})
ROLES: Final = {"Z": "recursion", "W": "weight gradient", "b": "bias gradient", "X": "input gradient"}


def backward(
    steps: Sequence[Step], *, seeds: Collection[Array] = (), constants: Callable[[Array], bool] | None = None
) -> tuple[Step, ...]:
    """Reverse accumulation over forward steps in order; E is the sum of their scalar targets.

    `seeds` are arrays whose cotangent is given from outside; nothing is differentiated by an array that
    `constants` holds for (default: inputs and targets).
    """
    is_constant = constants or (lambda array: array.name in CONSTANTS)
    contributions: dict[Array, list[Step]] = defaultdict(list)
    found: list[Step] = []
    for step in reversed(steps):
        if step.target.shape and step.target not in seeds:
            if step.target not in contributions:
                continue
            found.append(_sum(contributions.pop(step.target)))
        for name in step.equation.inputs:
            array = step.array(name)
            if not is_constant(array):
                contributions[array].append(_cotangent(step, name))
    leaves = {array: _sum(parts) for array, parts in contributions.items()}
    return _in_order(_eliminate([*found, *leaves.values()]))


def _cotangent(step: Step, name: str) -> Step:
    """The contribution of one step to ∂E/∂(its input `name`)."""
    rule = cotangent_rule(step.equation, name)
    bindings: dict[str, Binding] = dict(step.bindings) | {name + BAR: step.array(name).bar}
    if step.target.shape:
        bindings[step.equation.name + BAR] = step.target.bar
    used = {local: bound for local, bound in bindings.items() if local in local_names(rule)}
    role = ROLES.get(step.array(name).name, "cotangent")
    return Step(rule, used, role, f"chain rule through the {step.role}")


def _sum(parts: Sequence[Step]) -> Step:
    """Several contributions to one cotangent, added up."""
    total, *rest = parts
    for part in rest:
        equation, bindings = unify(total, part)
        rule = f"{total.rule} and the {part.rule.removeprefix('chain rule through the ')}"
        total = replace(
            total, equation=chain_rule.added(total.equation, equation), bindings=bindings, rule=rule
        )
    return total


def _eliminate(steps: Iterable[Step]) -> list[Step]:
    """Put a cotangent that is read once, at the reader's own indices, into its reader: δ = (Wᵀδ) ∘ g'(z) in
    one line.
    """
    kept = {step.target: step for step in steps}
    readers: dict[Array, list[Array]] = defaultdict(list)
    for step in kept.values():
        for array in step.inputs:
            readers[array].append(step.target)
    for producer in tuple(kept.values()):
        if len(readers[producer.target]) != 1:
            continue
        reader = kept[readers[producer.target][0]]
        name = next(local for local in reader.equation.inputs if reader.array(local) == producer.target)
        if not reader.equation.reads_once(name):
            continue
        equation, bindings = unify(reader, producer)
        inlined = chain_rule.inline(reader.equation, equation, name)
        used = {local: bound for local, bound in bindings.items() if local in local_names(inlined)}
        rule = f"{producer.rule} and the {reader.rule.removeprefix('chain rule through the ')}"
        kept[reader.target] = replace(reader, equation=inlined, bindings=used, rule=rule)
        del kept[producer.target]
    return list(kept.values())


def _in_order(steps: list[Step]) -> tuple[Step, ...]:
    """Each step right after the last one it reads from; an error that comes straight from the loss is the
    output error.
    """
    place = {step.target: number for number, step in enumerate(steps)}
    made = {step.target: step for step in steps}
    read = {array for step in steps for array in step.inputs}

    def key(step: Step) -> tuple[int, int]:
        if step.target in read:
            return place[step.target], 0
        return max((place[array] for array in step.inputs if array in place), default=-1), 1

    def is_output_error(step: Step) -> bool:
        sources = (made[array] for array in step.inputs if array in made and made[array].role == "cotangent")
        return step.role == "recursion" and any("the loss" in source.rule for source in (step, *sources))

    named = (replace(step, role="output error") if is_output_error(step) else step for step in steps)
    return tuple(sorted(named, key=key))
