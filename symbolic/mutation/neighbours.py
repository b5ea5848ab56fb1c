"""Another array where the right one belongs: of a layer beside it, of the other side of the activation,
updated too early.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Final

import sympy as sp

from symbolic.activations import VALUE, Activation
from symbolic.expressions import Expr, entry_of, fresh_indices, name_of
from symbolic.grammar.indices import is_index
from symbolic.losses import Loss
from symbolic.mutation.outputs import is_softmax
from symbolic.mutation.places import Edit, Place, entries, scalar
from symbolic.notation import Array, Binding, Equation, Step
from symbolic.unification import sized

ETA: Final = "eta"
_MOVES: Final[Mapping[str, Callable[[tuple[Array, ...], int], Array | None]]] = {
    "the step after, for that before": lambda chain, at: chain[at + 1] if at + 1 < len(chain) else None,
    "the step before": lambda chain, at: chain[at - 1] if at else None,
    "the first step": lambda chain, at: chain[0],
}
_INPUT: Final = "X"


def shifted(place: Place) -> Iterator[Edit]:
    """A_l for A_{l-1}, δ_{l+1} for δ_l, W_l for W_{l+1}, and the same two layers off."""
    for entry in _whole_entries(place):
        array = place.step.array(name_of(entry))
        here = _layer(array)
        for other in _candidates(place, array):
            there = _layer(other)
            if here is not None and there is not None and here != there:
                variant = f"{there - here:+d}"
                bug = f"{_said(array)} of layer l{variant}"
                yield Edit(bug, 18, _swapped(place, entry, other), variant + _said(array))


def in_time(place: Place) -> Iterator[Edit]:
    """The state of a cell at another step, wherever it is read: of the next, the one before, the first; and
    f′ at the state before, for a rule in a = f(z).
    """
    states = place.around.states
    read = {e: place.step.array(name_of(e)) for e in _whole_entries(place)}
    known = {entry: chain for entry, array in read.items() if (chain := states.get(array))}
    for said, move in _MOVES.items() if known else ():
        swaps: dict[Expr, Expr] = {}
        bindings: dict[str, Binding] = {}
        for entry, chain in known.items():
            other = move(chain, chain.index(read[entry]))
            if other is None:
                break
            new, own = place.entry(other, entry.indices)
            bindings |= own
            swaps[entry] = new
        else:
            step = place.with_value(place.value.xreplace(swaps), bindings)
            yield Edit(f"state of {said}", 18, step, said)
    for call in place.calls(Activation):
        value = place.around.value_of(place.step.array(name_of(call.node.args[0])))
        chain = states.get(value) if value else None
        formula = call.source.slope_by_value
        other = chain[chain.index(value) - 1] if chain and value in chain[1:] else None
        if other and formula is not None:
            new, own = place.entry(other, call.node.args[0].indices)
            step = place.put(call.node, formula.xreplace({VALUE: new}), own)
            yield Edit("slope f′ at the state of the step before", 13, step, "slope")


def factors_swapped(place: Place) -> Iterator[Edit]:
    """One factor of a product where the other belongs: y = h∘k handed back as g∘h to h."""
    for entry in _whole_entries(place):
        array = place.step.array(name_of(entry))
        for step in place.around.readers.get(array, ()):
            if place.of in step.inputs and place.of != array and array.shape == place.of.shape:
                bug = "a factor's own derivative taken for the other's (product rule)"
                yield Edit(bug, 18, _swapped(place, entry, place.of))
                break


def across(place: Place) -> Iterator[Edit]:
    """z for a, a for z, and in a graph any array that one step separates from the right one."""
    for entry in _whole_entries(place):
        array = place.step.array(name_of(entry))
        if array.cotangent:
            continue
        for other in _beside(place, array):
            bug = f"{_said(other)} for {_said(array)}"
            yield Edit(bug, 18 if array.layer is None else None, _swapped(place, entry, other), bug)


def raw_errors(place: Place) -> Iterator[Edit]:
    """∂E/∂a passed back instead of δ = ∂E/∂a ∘ f′(z), once or all the way, and in the gradients for δ."""
    for entry in _whole_entries(place):
        array = place.step.array(name_of(entry))
        part = "in the gradient" if place.is_gradient else "passed back"
        for other, extra in _before_slope(place, array):
            bug = f"error without f′ {part}"
            yield Edit(bug, 14, _swapped(place, entry, other), part, extra=extra)
            throughout = _all_the_way(place, extra)
            yield Edit(f"{bug}, all the way", 14, _swapped(place, entry, other), "way", extra=throughout)


def reused(place: Place) -> Iterator[Edit]:
    """The next layer's δ, or its error before the slope, where Σ W δ belongs."""
    equation = place.step.equation
    for total in equation.value.atoms(sp.Sum):
        for entry in (e for e in total.atoms(sp.Indexed) if place.step.array(name_of(e)).cotangent):
            delta = place.step.array(name_of(entry))
            raw = (("error reused in place of Σ W δ", *each) for each in _before_slope(place, delta))
            for bug, other, extra in (("δ reused in place of Σ W δ", delta, ()), *raw):
                if other.shape == place.step.target.shape and not place.is_gradient:
                    new, bindings = place.entry(other, equation.positions)
                    yield Edit(bug, 14, place.put(total, new, bindings), bug, extra=extra)


def _before_slope(place: Place, array: Array) -> Iterator[tuple[Array, tuple[Step, ...]]]:
    """∂E/∂a for a δ that is there, with the step that computes it if the right pass has none."""
    if not array.cotangent or not place.is_there(array):
        return
    source = next(p for p in place.around.places if p.step.target == array)
    for other in source.step.inputs:
        if other.cotangent and other.shape == array.shape and is_softmax(source.step):
            yield other, ()
    for call in source.calls(Activation):
        value = place.around.value_of(source.of)
        if value is not None and call.source.name != "identity":
            plain = source.put(call.node, sp.S.One)
            step = replace(
                plain, bindings={**plain.bindings, plain.equation.name: value.bar}, role="cotangent"
            )
            yield value.bar, () if value.bar in place.around.order else (step,)


def _all_the_way(place: Place, steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """The same steps, none of which reads a δ that has an error before its slope."""
    found: list[Step] = []
    for step in steps:
        for name in step.equation.inputs:
            for other, extra in _before_slope(place, step.array(name)):
                step = replace(step, bindings={**step.bindings, name: other})
                found += _all_the_way(place, extra)
        found.append(step)
    return tuple(found)


def updated(place: Place) -> Iterator[Edit]:
    """W - η ∂E/∂W where the backward pass needs W itself, and ∂E/∂W for W."""
    if place.is_gradient:
        return
    for entry in _whole_entries(place):
        weights = place.step.array(name_of(entry))
        gradient = weights.bar
        if weights.cotangent or not place.is_there(gradient) or weights in place.around.makers:
            continue
        yield Edit("∂E/∂W for W", 17, _swapped(place, entry, gradient), "gradient")
        new = replace(weights, name=f"{weights.name}new")
        step = _update(weights, new)
        edit = _swapped(place, entry, new)
        yield Edit("updated W used", 16, edit, "updated", extra=(step,), constants=(ETA,))


def _update(weights: Array, new: Array) -> Step:
    """W′ = W - η ∂E/∂W."""
    pool = fresh_indices(())
    at = tuple(next(pool) for _ in weights.shape)
    value = entry_of("W", at) - scalar(ETA) * entry_of("G", at)
    equation = Equation(entry_of("V", at), value, "V = W - eta*G")
    bindings = {"V": new, "W": weights, "G": weights.bar, ETA: scalar(ETA)}
    return sized(Step(equation, bindings, "update", "sequential update"))


def _whole_entries(place: Place) -> list[Expr]:
    """One entry of each array that is read at plain indices only, the arguments of slopes left out."""
    found = entries(place.step.equation)
    nodes = [call.node for call in place.calls(Activation)] + [call.node for call in place.calls(Loss)]
    inside = {entry for node in nodes for entry in node.atoms(sp.Indexed)}
    return [entry for entry in found if all(map(is_index, entry.indices)) and entry not in inside]


def _swapped(place: Place, entry: Expr, other: Array) -> Step:
    new, bindings = place.entry(other, entry.indices)
    return place.put(entry, new, bindings)


def _candidates(place: Place, array: Array) -> Iterator[Array]:
    """Arrays of the same kind and shape in other layers that are there when the step runs."""
    around = place.around
    if array.cotangent:
        pool = [other for other in around.order if place.is_there(other)]
    else:
        pool = [*around.makers, *(a for step in around.derivation.forward for a in step.inputs)]
    for other in dict.fromkeys(pool):
        is_alike = other.name == array.name or {other.name, array.name} == {"A", _INPUT}
        if is_alike and other.shape == array.shape and other != array and not other.part:
            yield other


def _beside(place: Place, array: Array) -> Iterator[Array]:
    """Arrays of the same shape that the maker of this one reads, or that a reader of it makes."""
    around = place.around
    maker = around.makers.get(array)
    near = [*(maker.inputs if maker else ()), *(step.target for step in around.readers.get(array, ()))]
    for other in dict.fromkeys(near):
        if other.shape == array.shape and other != array:
            yield other


def _layer(array: Array) -> int | None:
    """The layer's number; that of the input is 0."""
    if isinstance(array.layer, int):
        return array.layer
    return 0 if array.name == _INPUT else None


def _said(array: Array) -> str:
    """The array's name in any layer."""
    if array.layer is None and array.name != _INPUT:
        return array.label
    plain = {_INPUT: "A"}.get(array.name, array.name)
    return {"Z": "δ"}.get(plain, f"∂E/∂{plain}") if array.cotangent else plain
