"""Two steps of one layer as the one that people write, and what goes wrong in the sum that is put in.

    ∂E/∂L[c] = -Σ_i ∂E/∂a[i,c],  ∂E/∂z[r,c] = ∂E/∂a[r,c] + s[r,c]·∂E/∂L[c]

are two steps of a log-softmax, and g - s·g for g - s·Σ g is a mistake in neither of them alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import sympy as sp

from symbolic.accumulation import used_of
from symbolic.expressions import Expr, all_indices, bound_indices, fresh_indices, name_of, rename_indices
from symbolic.mutation.naming import named
from symbolic.mutation.places import Edit, Place, entries, scalar
from symbolic.mutation.rewriting import rewritings
from symbolic.notation import Step
from symbolic.unification import sized, unify


def joined(place: Place) -> Iterator[Edit]:
    """Another axis, or none, for a sum that a statistic of the layer brings in."""
    if place.is_gradient or place.step.equation.scatters:
        return
    for entry in entries(place.step.equation):
        source = place.around.statistic(place.step.array(name_of(entry)))
        if source:
            yield from _of_sums(place, _put(place.step, entry, source))


def _of_sums(place: Place, step: Step) -> Iterator[Edit]:
    for name, value in rewritings(step.equation.value, step.equation.indices):
        if "the sum over" in name or "sum over the axis" in name:
            bug, number = named(place, name)
            equation = replace(step.equation, value=value)
            wrong = replace(step, equation=equation, bindings=used_of(step.bindings, equation))
            yield Edit(bug, number, wrong, f"joined {name}")


def _put(reader: Step, entry: Expr, source: Step) -> Step:
    """The reader with the source's value for its entry."""
    equation, bindings = unify(reader, source)
    taken = all_indices(reader.equation.value) | all_indices(equation.value) | set(reader.equation.indices)
    pool = fresh_indices(taken | set(equation.indices))
    value = rename_indices(equation.value, {index: next(pool) for index in bound_indices(equation.value)})
    value = value.xreplace(dict(zip(equation.indices, entry.indices, strict=True)))
    put = replace(reader.equation, value=reader.equation.value.xreplace({entry: value}))
    return sized(replace(reader, equation=put, bindings=used_of(bindings, put)))


def restated(place: Place) -> Iterator[Edit]:
    """A small constant forgotten where what the forward pass has of it is kept: x̂ has its ε, 1/s has none.

    With x - μ written as x̂·s, as it is in (g - mean(g) - x̂·mean(g∘x̂))/s.
    """
    numbers = {name: n for name, n in place.step.bindings.items() if isinstance(n, sp.Rational)}
    small = [name for name, n in numbers.items() if not n.is_Integer and place.value.has(scalar(name))]
    for name in small if place.around.quotients and not place.is_gradient else ():
        step = place.step
        for source in place.around.quotients:
            equation, bindings = unify(step, source)
            for part in (part for part in equation.value.args if isinstance(part, sp.Add)):
                value = step.equation.value.xreplace({part: equation.target * part / equation.value})
                step = replace(step, equation=replace(step.equation, value=value), bindings=bindings)
        value = step.equation.value.xreplace({scalar(name): sp.S.Zero})
        equation = replace(step.equation, value=value)
        wrong = replace(step, equation=equation, bindings=used_of(step.bindings, equation))
        yield Edit(f"{name} forgotten on the way back", 41, wrong, name)
