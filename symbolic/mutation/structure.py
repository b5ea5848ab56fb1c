"""Wrong shapes of a gradient: axes summed or not, windows and repeated indices, masks, sizes, shared
weights.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce

import sympy as sp
from sympy.logic.boolalg import Boolean

from symbolic.expressions import Expr, all_indices, end_of, entry_of, fresh_indices, name_of
from symbolic.grammar.indices import Holds, calculates, is_index
from symbolic.mutation.places import Edit, Place, entries, scalar
from symbolic.mutation.slopes import to_float32
from symbolic.notation import Array, Binding, Equation, Step, local_names, size_of
from symbolic.plain import PlainSum
from symbolic.unification import sized


def biases(place: Place) -> Iterator[Edit]:
    """∂E/∂b as a mean, summed over the units too, multiplied by the input, or with a penalty that is only the
    weights'.
    """
    if not place.is_gradient or len(place.step.target.shape) != 1:
        return
    (unit,) = place.step.equation.indices
    terms = sp.Add.make_args(place.value)
    sums = [term for term in terms if isinstance(term, sp.Sum) and term.has(unit)]
    pool = fresh_indices(all_indices(place.value) | {unit})
    other = next(pool)
    for total in sums:
        yield Edit("bias gradient: mean for sum", 4, place.put(total, total / end_of(total)))
        whole = PlainSum(total.xreplace({unit: other}), (other, 1, size_of(unit)))
        yield Edit("bias gradient summed over the units too", 5, place.put(total, whole))
        yield from _with_input(place, total, other)
    yield from _with_penalty(place, unit)


def _with_input(place: Place, total: Expr, other: sp.Symbol) -> Iterator[Edit]:
    """Σ_c D[i,c]·Σ_j A[j,c] and Σ_c D[i,c]·A[i,c] for Σ_c D[i,c]."""
    sibling = _weights(place)
    found = [a for a in sibling.step.inputs if not a.cotangent and len(a.shape) == 2] if sibling else []
    errors = [entry for entry in total.atoms(sp.Indexed) if len(entry.indices) == 2]
    (unit,) = place.step.equation.indices
    for array in found:
        if sibling is None or array == sibling.of or len(errors) != 1 or errors[0].indices[0] != unit:
            continue
        sample = errors[0].indices[1]
        name, bindings = place.named(array)
        size: dict[str, Binding] = {str(size_of(other)): sp.Integer(0) + array.shape[0]}
        inputs = PlainSum(entry_of(name, (other, sample)), (other, 1, size_of(other)))
        wrong = total.xreplace({errors[0]: errors[0] * inputs})
        yield Edit(
            "bias gradient multiplied by the input", 6, place.put(total, wrong, bindings | size), "sum"
        )
        wrong = total.xreplace({errors[0]: errors[0] * entry_of(name, (unit, sample))})
        yield Edit("bias gradient multiplied by the input", 6, place.put(total, wrong, bindings), "own")


def _with_penalty(place: Place, unit: sp.Symbol) -> Iterator[Edit]:
    """λ b in the gradient, where the loss has a penalty on the weights only."""
    sibling, factor = _weights(place), scalar("f")
    if sibling is None or place.value.has(factor):
        return
    terms = [term for term in sp.Add.make_args(sibling.value) if term.has(factor)]
    if terms:
        name, bindings = place.named(place.of)
        own = {e: entry_of(name, (unit,)) for term in terms for e in term.atoms(sp.Indexed)}
        value = sp.Add(place.value, *(term.xreplace(own) for term in terms))
        known = dict(sibling.step.bindings) | dict(place.step.bindings) | bindings
        yield Edit("biases regularised in the gradient only", 23, place.with_value(value, known))


def _weights(place: Place) -> Place | None:
    """The gradient of the weights beside a bias."""
    array = place.step.target
    for other in place.around.places:
        same = other.layer == place.layer and other.is_gradient and len(other.step.target.shape) == 2
        if same and other.step.target.name.rpartition(".")[0] == array.name.rpartition(".")[0]:
            return other
    return None


def weights(place: Place) -> Iterator[Edit]:
    """W ∘ δ for A δᵀ; the gradient transposed; in a shared array's, one use as the other."""
    if not place.is_gradient or len(place.step.target.shape) != 2 or place.step.equation.scatters:
        return
    first, second = place.step.equation.indices
    turn = {first: second, second: first}
    for term in sp.Add.make_args(place.value):
        for entry in sorted(term.atoms(sp.Indexed), key=str):
            inner = [index for index in entry.indices if index not in (first, second)]
            if isinstance(term, sp.Sum) and inner and not place.step.array(name_of(entry)).cotangent:
                own, bindings = place.entry(place.of, (first, second))
                bug = "weights where the activation belongs"
                yield Edit(bug, 15, place.put(entry, own, bindings), str(entry))
        if isinstance(term, sp.Sum):
            is_shared = len([t for t in sp.Add.make_args(place.value) if t.has(sp.Sum)]) > 1
            bug = "shared weights: one use not transposed" if is_shared else "gradient transposed"
            yield Edit(bug, None, place.put(term, term.xreplace(turn)), f"turned {term}")


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
    bindings = {name: bound for name, bound in place.step.bindings.items() if name in local_names(wrong)}
    step = sized(Step(wrong, bindings, place.step.role, place.step.rule))
    given = {e for p in equation.positions for e in p.atoms(sp.Indexed)}
    is_data = any(place.step.array(name_of(entry)) not in place.around.makers for entry in given)
    bug, number = ("repeated indices", 47) if is_data else ("overlapping windows", 48)
    yield Edit(f"{bug}: the last one overwrites", number, step)


def _number(indices: list[sp.Symbol], ends: list[Expr]) -> Expr:
    """The place of a tuple of indices in row-major order."""
    return reduce(lambda number, at: number * at[1] + at[0], zip(indices, ends, strict=True), sp.S.Zero)


def _holds(conditions: list[Boolean]) -> Expr:
    return sp.Mul(*(Holds(condition) for condition in conditions))


def windows(place: Place) -> Iterator[Edit]:
    """A convolution whose stride, dilation or padding is forgotten, or whose kernel is turned round."""
    equation = place.step.equation
    if not calculates(equation.target, place.value):
        return
    options = {"s": ("stride", 1), "z": ("stride", 1), "d": ("dilation", 1), "n": ("dilation", 1)}
    for symbol, (said, usual) in (options | {"p": ("padding", 0)}).items():
        bound = place.step.bindings.get(symbol)
        if isinstance(bound, sp.Integer) and bound != usual and symbol in map(str, place.value.free_symbols):
            step = place.rebound({symbol: sp.Integer(usual)})
            yield Edit(f"{said} dropped", 49, step, symbol)
    computed = {p for e in entries(equation) for p in e.indices if not is_index(p)} | place.value.atoms(Holds)
    moving = {index for position in computed for index in position.free_symbols if is_index(index)}
    for entry in entries(equation):
        for axis, index in enumerate(entry.indices):
            if index in moving and index not in equation.indices and entry.base.name.startswith("W"):
                turned = entry.xreplace({index: _size(place, index) + 1 - index})
                yield Edit("kernel flipped", 49, place.put(entry, turned), f"{entry} {axis}")
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


def masks(place: Place) -> Iterator[Edit]:
    """A mask that is read off what it let through: where that is not 0."""
    for entry in entries(place.step.equation):
        mask = place.step.array(name_of(entry))
        if mask not in place.around.constants:
            continue
        for reader in place.around.readers[mask]:
            if reader.target.shape == mask.shape and all(map(is_index, entry.indices)):
                left, bindings = place.entry(reader.target, entry.indices)
                seen = sp.Piecewise((sp.S.One, sp.Ne(left, 0)), (sp.S.Zero, True))
                yield Edit("mask inferred from what is not 0", 39, place.put(entry, seen, bindings))


def sizes(place: Place) -> Iterator[Edit]:
    """A mean over one axis divided by the length of another."""
    own = {str(s): s for s in place.value.free_symbols if str(s).startswith("N_")}
    bounds = {str(limit[2]) for total in place.value.atoms(sp.Sum) for limit in total.limits}
    factors = {str(s): s for part in place.value.atoms(sp.Pow) for s in part.free_symbols if str(s) in own}
    known: dict[Expr, str] = {}
    arrays = (bound for bound in place.step.bindings.values() if isinstance(bound, Array))
    for size in (size for array in arrays for size in array.shape):
        known.setdefault(sp.Integer(0) + size, f"{size}")
    for name, symbol in factors.items():
        for size, said in known.items():
            if size != place.step.bindings[name]:
                other = scalar("n")
                swaps = {p: p.xreplace({symbol: other}) for p in place.value.atoms(sp.Pow) if p.has(symbol)}
                step = place.with_value(place.value.xreplace(swaps), {"n": size})
                yield Edit(f"another size for {name}", 43, step, said + "in sum" * (name in bounds))


def narrowed(place: Place) -> Iterator[Edit]:
    """A constant such as ε or 1/10 as a float32 has it."""
    for name, bound in place.step.bindings.items():
        if isinstance(bound, sp.Rational) and not bound.is_Integer and to_float32(bound) != bound:
            yield Edit(f"{name} rounded to float32", 54, place.rebound({name: to_float32(bound)}), name)
