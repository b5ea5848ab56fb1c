"""All mutants of a derivation: every operator at every step, in one layer and in all of them alike."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import Final, TypeAlias

import sympy as sp

from symbolic.accumulation import used_of
from symbolic.derivation import Derivation
from symbolic.expressions import Expr, name_of, scalars_of
from symbolic.grammar.functions import undefined_parts
from symbolic.losses import OUTPUTS
from symbolic.mutation import landing, neighbours, outputs, scaling, slopes, structure
from symbolic.mutation.clipping import clipped
from symbolic.mutation.forwards import forwards
from symbolic.mutation.joined import joined, restated
from symbolic.mutation.mutant import Mutant
from symbolic.mutation.naming import named
from symbolic.mutation.places import IN_TIME, Edit, Place, Surroundings, fits
from symbolic.mutation.rewriting import rewritten
from symbolic.notation import Array, Binding, Equation, Slot, Step
from symbolic.slots import SLOT_ARGUMENTS, slot_formula

Operator: TypeAlias = Callable[[Place], Iterable[Edit]]
Found: TypeAlias = tuple[Place, Edit]
Group: TypeAlias = tuple[list[str], list[Found]]


def rewritings(place: Place) -> Iterator[Edit]:
    """What can go wrong in any formula."""
    for name, equation in rewritten(place.step.equation):
        bug, number = named(place, name)
        step = replace(place.step, equation=equation, bindings=used_of(place.step.bindings, equation))
        yield Edit(bug, number, step, name)


OPERATORS: Final[tuple[Operator, ...]] = (
    structure.uses,
    structure.biases,
    scaling.factors,
    scaling.halves,
    scaling.places_in_time,
    slopes.moved,
    slopes.other_functions,
    slopes.formulas,
    slopes.dotted,
    outputs.softmax,
    outputs.other_losses,
    outputs.fused,
    outputs.guarded,
    outputs.spread,
    outputs.other_penalties,
    structure.weights,
    landing.scatters,
    landing.overlaps,
    landing.maxima,
    landing.repeats,
    landing.windows,
    structure.masks,
    structure.sizes,
    structure.summed,
    structure.narrowed,
    neighbours.raw_errors,
    neighbours.reused,
    neighbours.updated,
    neighbours.shifted,
    neighbours.in_time,
    neighbours.factors_swapped,
    neighbours.across,
    joined,
    restated,
    rewritings,  # last, as the first of equal mutants gives the name
)


def mutants(derivation: Derivation) -> tuple[Mutant, ...]:
    """Every single bug, none of them equal to the right equations and no two alike.

    >>> from symbolic.network import mlp
    >>> from symbolic.derivation import derive
    >>> found = mutants(derive(mlp(2, 2, 2, hidden="tanh")))
    >>> print(*(m for m in found if m.number == 9))
    W for Wᵀ (layer 1)
    """
    around = Surroundings(derivation)
    right = {place.step.target: _meaning(place.step) for place in around.places}
    seen: set[object] = set()
    found = []
    for group in _groups(around):
        mutant = _mutant(group, around)
        wrong = frozenset(
            meaning for step in mutant.changed if (meaning := _meaning(step)) != right[step.target]
        )
        told = wrong, frozenset(map(_meaning, mutant.extra))
        if len(wrong) == len(mutant.changed) and told not in seen:
            seen.add(told)
            found.append(mutant)
    return tuple(_told_apart([*found, *clipped(around), *forwards(around)]))


def _told_apart(found: list[Mutant]) -> Iterator[Mutant]:
    """Different mutants of one bug at one place are numbered."""
    count: Counter[tuple[str, str]] = Counter()
    for mutant in found:
        name = mutant.bug, mutant.where
        count[name] += 1
        yield replace(mutant, bug=f"{mutant.bug} ({count[name]})") if count[name] > 1 else mutant


def _groups(around: Surroundings) -> Iterator[Group]:
    """Edits that are one bug: in all the places that have it, in parts of them, in each by itself."""
    for operator in OPERATORS:
        bugs: dict[tuple[str, str], list[Found]] = {}
        for place in around.places:
            for edit in operator(place):
                bugs.setdefault((edit.bug, edit.variant), []).append((place, edit))
        for proposals in bugs.values():
            yield from _parts(proposals, around.depth)


def _parts(proposals: list[Found], depth: int) -> list[Group]:
    """The parts of the places that one mistake in a program may touch, none of which makes it crash."""
    chosen = [
        ("everywhere", proposals),
        ("hidden layers", [each for each in proposals if depth and each[0].layer != depth]),
        ("output layer", [each for each in proposals if depth and each[0].layer == depth]),
        *_alike(proposals, depth),
        ("weights", [each for each in proposals if each[0].is_gradient and each[0].rank == 2]),
        ("biases", [each for each in proposals if each[0].is_gradient and each[0].rank == 1]),
        *((_place_name(each[0], depth), [each]) for each in proposals if _is_likely_alone(*each)),
    ]
    parts: dict[tuple[Array, ...], Group] = {}
    for name, found in chosen:
        targets = tuple(place.step.target for place, _ in found)
        if targets in parts:
            parts[targets][0].append(name)
        elif targets and len(set(targets)) == len(targets) and all(fits(edit.step) for _, edit in found):
            parts[targets] = ([name], found)
    return list(parts.values())


def _alike(proposals: list[Found], depth: int) -> Iterator[tuple[str, list[Found]]]:
    """In a graph: one array in every step of a cell that is unrolled, and all statistics of one layer."""
    groups: dict[str, list[Found]] = defaultdict(list)
    for place, edit in () if depth else proposals:
        groups[f"everywhere in {IN_TIME.sub('', place.of.name)}"].append((place, edit))
        node, _, local = place.of.name.rpartition(".")
        if not place.is_gradient and local and place.rank < place.around.ranks.get(node, 0):
            groups[f"statistics of {node}"].append((place, edit))
    yield from ((name, found) for name, found in groups.items() if len(found) > 1)


def _is_likely_alone(place: Place, edit: Edit) -> bool:
    """In the midst of an unrolled cell only a path can be missing: one that is cut every few steps."""
    return not place.is_between or edit.number in _PATHS


def _place_name(place: Place, depth: int) -> str:
    if not depth:
        return _plain(place)
    layer = "output layer" if place.layer == depth else f"layer {place.layer}"
    return f"{_KIND.get(place.rank, '')}{layer}" if place.is_gradient else layer


def _plain(place: Place) -> str:
    """The array whose cotangent is wrong, or the part of it."""
    return replace(place.step.target, cotangent=False).label


_PATHS: Final = frozenset({44, 55})
_KIND: Final = {2: "weights, ", 1: "biases, "}


def _mutant(group: Group, around: Surroundings) -> Mutant:
    scopes, found = group
    _, first = found[0]
    return Mutant(
        first.bug,
        first.number,
        _where([place for place, _ in found], around),
        tuple(edit.step for _, edit in found),
        tuple(place.step for place, _ in found),
        tuple({step.target: step for _, edit in found for step in edit.extra}.values()),
        tuple(dict.fromkeys(name for _, edit in found for name in edit.constants)),
        tuple(scopes),
    )


def _where(places: list[Place], around: Surroundings) -> str:
    """The layers whose steps are changed, and which of their gradients, where both could be."""
    depth = around.depth
    if not depth:
        whole = len(places) > 1 and len(places) == len(around.places)
        return "everywhere" if whole else ", ".join(map(_plain, places))
    ranks = {place.rank for place in places if place.is_gradient}
    part = _KIND.get(max(ranks), "") if len(ranks) == 1 else ""
    layers = sorted({place.layer for place in places}, key=str)
    if layers == [depth]:
        return f"{part}output layer"
    if layers == list(range(1, depth + 1)):
        return f"{part}all layers"
    if layers == list(range(1, depth)) and depth > 2:
        return f"{part}hidden layers"
    return f"{part}layer{'s' * (len(layers) > 1)} {', '.join(map(str, layers))}"


def _meaning(step: Step) -> tuple[Array, Expr]:
    """What a step says, whatever its local names: arrays, numbers and formulas put in."""
    bound = tuple((name, _token(step.bindings[name])) for name in sorted(step.bindings))
    return step.target, _meant(step.equation, bound)


def _token(bound: Binding) -> object:
    return bound.label if isinstance(bound, Array) else bound.source if isinstance(bound, Slot) else bound


@cache
def _meant(equation: Equation, bound: tuple[tuple[str, object], ...]) -> Expr:
    known: Mapping[str, object] = dict(bound)
    value = sp.Tuple(equation.value, *equation.positions) if equation.scatters else equation.value
    for node in value.atoms(sp.Function):
        parts = undefined_parts(node)
        formula = _formula(known[parts[0]], parts[1]) if parts else None
        if parts and formula is not None:
            arguments = SLOT_ARGUMENTS[type(known[parts[0]])]
            value = value.xreplace({node: formula.xreplace(dict(zip(arguments, node.args, strict=True)))})
    swaps: dict[Expr, Expr] = {
        entry.base: sp.IndexedBase(known[name_of(entry)], real=True) for entry in value.atoms(sp.Indexed)
    }
    swaps |= {
        symbol: number
        for symbol in scalars_of(value)
        if isinstance(number := known.get(symbol.name), sp.Expr) and not _is_count(symbol, number)
    }
    names = {index: sp.Symbol(f"i{n}", integer=True) for n, index in enumerate(equation.indices)}
    return value.xreplace({**swaps, **names})


def _is_count(symbol: sp.Symbol, number: Expr) -> bool:
    """Whether a name counts something, so that two formulas with equal numbers are two formulas."""
    return bool(number.is_Integer) and number != 1 and (symbol.name.startswith("N_") or symbol == OUTPUTS)


def _formula(source: object, orders: tuple[int, ...]) -> Expr | None:
    return slot_formula(source, orders)
