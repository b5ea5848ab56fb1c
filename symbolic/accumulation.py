"""Reverse accumulation over the steps of a forward pass: the chain rule, step by step from the loss back.

Cotangents of an array that is used more than once add up. A cotangent that is read once, entry by entry, is
put into its reader, so that δ = (Wᵀδ) ∘ g'(z) is one equation.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Final

import sympy as sp

from symbolic import chain_rule
from symbolic.chain_rule import BAR, cotangent_rules
from symbolic.expressions import LETTERS, entry_of
from symbolic.grammar.indices import Place
from symbolic.notation import Array, Binding, Equation, Step, local_names
from symbolic.unification import sized, unify

CONSTANTS: Final = frozenset({"X", "T"})
ROLES: Final = {"Z": "recursion", "W": "weight gradient", "b": "bias gradient", "X": "input gradient"}


def backward(
    steps: Sequence[Step],
    *,
    seeds: Collection[Array] = (),
    constants: Callable[[Array], bool] | None = None,
    roles: Mapping[str, str] = ROLES,
    by_module: bool = False,
) -> tuple[Step, ...]:
    """Reverse accumulation over forward steps in order; E is the sum of their scalar targets.

    `seeds` are arrays whose cotangent is given from outside; nothing is differentiated by an array that
    `constants` holds for (default: inputs and targets). `roles` say what the cotangents of arrays are called.
    `by_module` keeps a step for every array, as modules pass cotangents on to each other.
    """
    is_constant = constants or (lambda array: array.name in CONSTANTS)
    contributions: dict[Array, list[Step]] = defaultdict(list)
    found: list[Step] = []
    for step in reversed(steps):
        if step.target.shape and step.target not in seeds:
            if step.target not in contributions:
                continue
            found += _sum(contributions.pop(step.target))
        for name in step.equation.inputs:
            array = step.array(name)
            if not is_constant(array):
                contributions[array] += _cotangents(step, name, roles.get(array.name, "cotangent"))
    for parts in contributions.values():
        found += _sum(parts)
    return _in_order(found if by_module else _eliminate(found))


def varying(steps: Iterable[Step], sources: Iterable[Array]) -> frozenset[Array]:
    """The sources and all that is computed from them; the places of maxima are not differentiated."""
    found = set(sources)
    for step in steps:
        if not isinstance(step.equation.value, Place) and found.intersection(step.inputs):
            found.add(step.target)
    return frozenset(found)


def _cotangents(step: Step, name: str, role: str) -> list[Step]:
    """The contributions of one step to ∂E/∂(its input `name`)."""
    array = step.array(name)
    bindings: dict[str, Binding] = dict(step.bindings) | {name + BAR: array.bar}
    if step.target.shape:
        bindings[step.equation.name + BAR] = step.target.bar
    rule = f"chain rule through the {step.role}"
    return [
        sized(Step(equation, used_of(bindings, equation), role, rule))
        for equation in cotangent_rules(step.equation, name)
    ]


def used_of(bindings: Mapping[str, Binding], equation: Equation) -> dict[str, Binding]:
    """The bindings of the names that an equation has."""
    names = local_names(equation)
    return {local: bound for local, bound in bindings.items() if local in names}


def _sum(parts: Sequence[Step]) -> list[Step]:
    """Several contributions to one cotangent, added up, that sum last.

    A scatter that is not the only contribution has an array of its own, which is added entry by entry.
    """
    if len(parts) == 1 or not any(part.equation.scatters for part in parts):
        return [_total(parts)]
    steps, terms = [], []
    for number, part in enumerate(parts, start=1):
        if not part.equation.scatters:
            terms.append(part)
            continue
        own = replace(part.target, part=number)
        steps.append(replace(part, bindings={**part.bindings, part.equation.name: own}, role="cotangent"))
        terms.append(_entry_by_entry(part, own))
    return [*steps, _total(terms)]


def _entry_by_entry(part: Step, own: Array) -> Step:
    """The cotangent equals its part, for `_total` to add."""
    indices = [sp.Symbol(letter, integer=True) for letter in islice(LETTERS, len(own.shape))]
    name = part.equation.name
    equation = Equation(entry_of(name, indices), entry_of("V", indices), part.rule)
    return sized(Step(equation, {name: part.target, "V": own}, part.role, part.rule))


def _total(parts: Sequence[Step]) -> Step:
    *rest, total = parts  # the earliest use is the definition's own, whose index names are kept
    for part in reversed(rest):
        equation, bindings = unify(total, part)
        rule = f"{total.rule} and the {part.rule.removeprefix('chain rule through the ')}"
        whole = chain_rule.added(total.equation, equation)
        total = replace(total, equation=whole, bindings=used_of(bindings, whole), rule=rule)
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
    for target in tuple(kept):
        producer = kept[target]
        if len(readers[producer.target]) != 1:
            continue
        reader = kept[readers[producer.target][0]]
        name = next(local for local in reader.equation.inputs if reader.array(local) == producer.target)
        if producer.equation.scatters or not reader.equation.reads_once(name):
            continue
        equation, bindings = unify(reader, producer)
        inlined = chain_rule.inline(reader.equation, equation, name)
        used = used_of(bindings, inlined)
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
