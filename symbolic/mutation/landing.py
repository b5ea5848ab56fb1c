"""What lands where: repeated indices, overlapping windows, maxima, and convolutions that step amiss."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import reduce

import sympy as sp
from sympy.logic.boolalg import Boolean

from symbolic.accumulation import used_of
from symbolic.expressions import Expr, all_indices, entry_of, fresh_indices, name_of
from symbolic.grammar.indices import Holds, Remainder, calculates, is_index
from symbolic.grammar.indices import Place as PlaceOf
from symbolic.mutation.places import Edit, Place, entries
from symbolic.notation import Binding, Equation, Step, size_of
from symbolic.plain import PlainSum
from symbolic.unification import sized


def scatters(place: Place) -> Iterator[Edit]:
    """The last of what lands on one entry, where all of it adds up: repeated indices, overlapping windows.

    V[v] = Σ_n [p(n) = v]·[no n′ > n has p(n′) = v]·F(n), over the numbers n of the loops.
    """
    equation = place.step.equation
    if not equation.scatters:
        return
    taken = all_indices(place.value) | set(equation.indices) | all_indices(sp.Tuple(*equation.positions))
    pool = fresh_indices(taken)
    loops, ends = equation.indices, dict(equation.loops)
    later = {index: next(pool) for index in loops}
    plain = [p for p in equation.positions if is_index(p)]
    axes = [p if is_index(p) and plain.count(p) == 1 else next(pool) for p in equation.positions]
    run = [index for index in loops if index not in axes]
    lands = [sp.Eq(p, axis) for p, axis in zip(equation.positions, axes, strict=True) if p != axis]
    if not run:
        return
    again = [condition.xreplace({i: later[i] for i in run}) for condition in lands]
    after = sp.Gt(
        _number([later[i] for i in run], [ends[i] for i in run]), _number(run, [ends[i] for i in run])
    )
    limits = [(index, 1, ends[index]) for index in reversed(run)]
    hits = PlainSum(_holds([*again, after]), *((later[index], 1, ends[index]) for index in reversed(run)))
    last = Holds(sp.Eq(hits, 0))
    value = PlainSum(_holds(lands) * last * place.value, *limits)
    wrong = Equation(entry_of(equation.name, axes), value, equation.rule)
    bindings = used_of(place.step.bindings, wrong)
    step = sized(Step(wrong, bindings, place.step.role, place.step.rule))
    given = {e for p in equation.positions for e in p.atoms(sp.Indexed)}
    is_data = any(place.step.array(name_of(entry)) not in place.around.makers for entry in given)
    bug, number = ("repeated indices", 47) if is_data else ("overlapping windows", 48)
    yield Edit(f"{bug}: the last one overwrites", number, step)


def repeats(place: Place) -> Iterator[Edit]:
    """Where data say at which index something lands: the mean of all that does, and nothing at the first."""
    equation = place.step.equation
    given = [p for p in equation.positions if p.atoms(sp.Indexed)]
    if (
        not equation.scatters
        or any(
            place.step.array(name_of(e)) in place.around.makers for p in given for e in p.atoms(sp.Indexed)
        )
        or not given
    ):
        return
    pool = fresh_indices(all_indices(place.value) | set(equation.indices))
    run = [index for index in equation.indices if index not in equation.positions]
    later = {index: next(pool) for index in run}
    again = [Holds(sp.Eq(p.xreplace(later), p)) for p in given]
    ends = dict(equation.loops)
    count = PlainSum(sp.Mul(*again), *((later[index], 1, ends[index]) for index in reversed(run)))
    yield Edit("repeated indices: the mean for the sum", 47, place.times(1 / count))
    kept = sp.Mul(*(Holds(sp.Ne(p, 1)) for p in given))
    yield Edit("gradient missing at index 0, taken for padding", 55, place.times(kept))
    own = [run[0] if len(run) == 1 and p in given else p for p in equation.positions]
    if len(run) == 1 and len(given) == 1:
        value = place.value.xreplace({run[0]: given[0]})
        wrong = Equation(entry_of(equation.name, own), value, equation.rule)
        bindings = used_of(place.step.bindings, wrong)
        step = sized(Step(wrong, bindings, place.step.role, place.step.rule))
        yield Edit("repeated indices: gather for scatter", 47, step)


def maxima(place: Place) -> Iterator[Edit]:
    """What belongs to the place of a maximum handed to its whole window."""
    equation = place.step.equation
    for entry in {e for p in equation.positions for e in p.atoms(sp.Indexed)} if equation.scatters else ():
        maker = place.around.makers.get(place.step.array(name_of(entry)))
        if maker is None or not isinstance(maker.equation.value, PlaceOf):
            continue
        ((_, _, end),) = maker.equation.value.limits
        index = next(fresh_indices(all_indices(place.value) | set(equation.indices)))
        loops = (*equation.loops, (index, size_of(index)))
        wrong = replace(equation, target=equation.target.xreplace({entry: index - 1}), loops=loops)
        bindings = used_of(place.step.bindings, wrong)
        bindings[size_of(index).name] = sp.Integer(0) + maker.extent(end)
        step = replace(place.step, equation=wrong, bindings=bindings)
        yield Edit("maximum: handed to the whole window, not to its place", 48, step)


def overlaps(place: Place) -> Iterator[Edit]:
    """The last of what overlapping windows hand back to one place, where a sum is over those that hit it."""
    if place.step.equation.scatters or place.is_gradient:
        return
    for total in sorted(place.value.atoms(sp.Sum), key=str):
        limits = {index: end for index, _, end in total.limits}
        parts = sp.Mul.make_args(total.function)
        conditions = [part for part in parts if isinstance(part, Holds)]
        for entry in (part for part in parts if isinstance(part, sp.Indexed)):
            moved = [
                (at, size)
                for at, size in zip(entry.indices, place.step.array(name_of(entry)).shape, strict=True)
                if not is_index(at)
            ]
            run = [i for i in limits if any(at.has(i) for at, _ in moved)]
            if not run or not all(isinstance(size, int) for _, size in moved):
                continue
            inside = [Holds(sp.Ge(at, 1)) * Holds(sp.Le(at, size)) for at, size in moved]
            pool = fresh_indices(all_indices(place.value) | set(place.step.equation.indices))
            other = {index: next(pool) for index in run}
            hit = sp.Mul(*conditions, *inside).xreplace(other)
            ends = [limits[index] for index in run]
            here, there = _number(run, ends), _number([other[i] for i in run], ends)
            orders = (("window", sp.Lt(there, here)), ("place of the kernel", sp.Gt(there, here)))
            for said, earlier in orders:
                hits = PlainSum(hit * Holds(earlier), *((other[i], 1, limits[i]) for i in reversed(run)))
                only = PlainSum(total.function * Holds(sp.Eq(hits, 0)), *total.limits)
                bug = f"overlapping windows: the last {said} overwrites, = for +="
                yield Edit(bug, 48, place.put(total, only), f"{said} {entry}")


def _number(indices: list[sp.Symbol], ends: list[Expr]) -> Expr:
    """The place of a tuple of indices in row-major order."""
    return reduce(lambda number, at: number * at[1] + at[0], zip(indices, ends, strict=True), sp.S.Zero)


def _holds(conditions: list[Boolean]) -> Expr:
    return sp.Mul(*(Holds(condition) for condition in conditions))


def windows(place: Place) -> Iterator[Edit]:
    """A convolution whose stride, dilation or padding is forgotten, whose kernel is turned round, or whose
    result is moved on by one place, what leaves at one end coming in at the other.
    """
    equation = place.step.equation
    if not calculates(equation.target, place.value):
        return
    options = {"s": ("stride", 1), "z": ("stride", 1), "d": ("dilation", 1), "n": ("dilation", 1)}
    for symbol, (said, usual) in (options | {"p": ("padding", 0)}).items():
        bound = place.step.bindings.get(symbol)
        named = map(str, place.value.free_symbols | equation.target.free_symbols)
        if isinstance(bound, sp.Integer) and bound != usual and symbol in named:
            step = place.rebound({symbol: sp.Integer(usual)})
            yield Edit(f"{said} dropped", 49, step, symbol)
    computed = {p for e in entries(equation) for p in e.indices if not is_index(p)} | place.value.atoms(Holds)
    moving = {index for position in computed for index in position.free_symbols if is_index(index)}
    for entry in entries(equation):
        for axis, index in enumerate(entry.indices):
            if index in moving and index not in equation.indices and entry.base.name.startswith("W"):
                turned = entry.xreplace({index: _size(place, index) + 1 - index})
                yield Edit("kernel flipped", 49, place.put(entry, turned), f"{entry} {axis}")
    own = () if place.is_gradient or equation.scatters else equation.indices
    for axis, index in enumerate(own):
        length: dict[str, Binding] = {size_of(index).name: sp.Integer(0) + place.step.target.shape[axis]}
        for by in (1, -1) if index in moving else ():
            turned = Remainder(index - 1 - by, size_of(index)) + 1
            step = place.with_value(place.value.xreplace({index: turned}), length)
            yield Edit(f"positions along {index} off by one", 49, step, f"{index} {by:+d}")
    for index in moving.intersection(equation.indices) if place.is_gradient and place.rank > 2 else ():
        found = [e for e in entries(equation) if index in e.free_symbols and index not in e.indices]
        swaps = {e: e.xreplace({index: size_of(index) + 1 - index}) for e in found}
        yield Edit("kernel flipped", 49, place.with_value(place.value.xreplace(swaps)), str(index))


def _size(place: Place, index: sp.Symbol) -> Expr:
    """N of an index, by the name that its sum has for it."""
    for total in place.value.atoms(sp.Sum):
        for bound, _, end in total.limits:
            if bound == index:
                return end
    return size_of(index)
