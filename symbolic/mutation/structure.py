"""Wrong shapes of a gradient: axes summed or not, masks, sizes, shared weights, one use for two."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import sympy as sp

from symbolic.expressions import Expr, all_indices, end_of, entry_of, fresh_indices, name_of
from symbolic.grammar.indices import is_index
from symbolic.mutation.places import Edit, Place, entries, scalar
from symbolic.mutation.slopes import to_float32
from symbolic.notation import Array, Binding, size_of
from symbolic.plain import PlainSum


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
    if not place.is_gradient or place.rank < 2 or place.step.equation.scatters:
        return
    axes = place.step.equation.indices
    for term in sp.Add.make_args(place.value):
        for entry in sorted(term.atoms(sp.Indexed), key=str) if len(axes) == 2 else ():
            inner = [index for index in entry.indices if index not in axes]
            if isinstance(term, sp.Sum) and inner and not place.step.array(name_of(entry)).cotangent:
                own, bindings = place.entry(place.of, axes)
                bug = "weights where the activation belongs"
                yield Edit(bug, 15, place.put(entry, own, bindings), str(entry))
        for first, second in combinations(axes, 2) if isinstance(term, sp.Sum) else ():
            is_shared = len([t for t in sp.Add.make_args(place.value) if t.has(sp.Sum)]) > 1
            bug = "shared weights: one use not transposed" if is_shared else "gradient transposed"
            number = None if len(axes) == 2 else 49
            said = "" if len(axes) == 2 else f", axes {first} and {second}"
            turned = term.xreplace({first: second, second: first})
            yield Edit(f"{bug}{said}", number, place.put(term, turned), f"turned {term}")


def uses(place: Place) -> Iterator[Edit]:
    """Half of what comes back to an array that its only reader reads twice alike, as in h∘h and h + h."""
    readers = {id(step): step for step in place.around.readers.get(place.of, ())}
    for step in readers.values() if len(readers) == 1 and not place.is_gradient else ():
        names = [name for name in step.equation.inputs if step.array(name) == place.of]
        bases = [sp.IndexedBase(name, real=True) for name in names]
        if len(names) == 2 and len(step.inputs) == 2:
            turn = dict(zip(bases, reversed(bases), strict=True))
            if step.equation.value.xreplace(turn) == step.equation.value:
                bug = "one contribution overwrites the other (= for +=): factor 2 missing"
                yield Edit(bug, 44, place.times(sp.S.Half))


def summed(place: Place) -> Iterator[Edit]:
    """Σ_i F[i,c] at every i where F[i,c] belongs: a matrix product where all is elementwise."""
    if place.is_gradient or place.step.equation.scatters or place.value.has(sp.Sum):
        return
    other = next(fresh_indices(all_indices(place.value) | set(place.step.equation.indices)))
    for index in place.step.equation.indices:
        if place.value.has(index):
            whole = PlainSum(place.value.xreplace({index: other}), (other, 1, size_of(index)))
            bug = f"summed over the axis {index}, not elementwise"
            yield Edit(bug, 17, place.with_value(whole), str(index))


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
    """A mean over one axis divided by the length of another, or by that of both."""
    own = {str(s): s for s in place.value.free_symbols if str(s).startswith("N_")}
    bounds = {str(limit[2]) for total in place.value.atoms(sp.Sum) for limit in total.limits}
    factors = {str(s): s for part in place.value.atoms(sp.Pow) for s in part.free_symbols if str(s) in own}
    known: dict[Expr, str] = {}
    arrays = (bound for bound in place.step.bindings.values() if isinstance(bound, Array))
    for size in (size for array in arrays for size in array.shape):
        known.setdefault(sp.Integer(0) + size, f"{size}")
    for name, symbol in factors.items():
        usual = place.step.bindings[name]
        wider = {usual * size: f"N·{said}" for size, said in known.items() if size not in (1, usual)}
        for size, said in {**wider, **known}.items():
            if size != usual:
                other = scalar("n")
                swaps = {p: p.xreplace({symbol: other}) for p in place.value.atoms(sp.Pow) if p.has(symbol)}
                step = place.with_value(place.value.xreplace(swaps), {"n": size})
                yield Edit(f"another size for {name}", 43, step, said + "in sum" * (name in bounds))


def narrowed(place: Place) -> Iterator[Edit]:
    """A constant such as ε or 1/10 as a float32 has it."""
    for name, bound in place.step.bindings.items():
        if isinstance(bound, sp.Rational) and not bound.is_Integer and to_float32(bound) != bound:
            yield Edit(f"{name} rounded to float32", 54, place.rebound({name: to_float32(bound)}), name)
