"""The chain rule over index equations.

For an input array P of a forward equation V[i…] = f(…, P[p…], …) with the cotangent V̄ = ∂E/∂V,

    P̄[q…] = Σ_{i…} V̄[i…] · ∂f[i…]/∂P[q…]

SymPy differentiates f by the entry P[q…]; the Kronecker deltas this gives are contracted by our own rules.
The rule of an equation is derived once per process, with symbolic sizes, whatever network it stands in.
"""

from __future__ import annotations

from collections import Counter
from functools import cache

import sympy as sp

from symbolic.contraction import contract
from symbolic.notation import (
    Equation,
    Expr,
    all_indices,
    bound_indices,
    entry_of,
    fresh_indices,
    peeled,
    rename_indices,
    size_of,
)

BAR = "_bar"


@cache
def cotangent_rule(forward: Equation, name: str) -> Equation:
    """The equation of ∂E/∂`name`, from ∂E/∂(the target) and the forward arrays; a scalar target has the
    cotangent 1.

    >>> from symbolic.layers import LAYERS
    >>> (dense,) = LAYERS["dense"].equations
    >>> cotangent_rule(dense, "b").value
    Sum(Z_bar[i, c], (c, 1, N_c))
    """
    taken = all_indices(forward.value) | set(forward.indices)
    fresh = fresh_indices(taken)
    sample = forward.entries(name)[0]
    axes = tuple(next(fresh) for _ in sample.indices)
    taken |= set(axes)
    upstream = entry_of(forward.name + BAR, forward.indices) if forward.indices else sp.Integer(1)
    slope = forward.value.diff(entry_of(name, axes))
    value = reuse(contract(upstream * slope, forward.indices, taken), forward)
    tidy = _tidy_names(value, dict(zip(axes, sample.indices, strict=True)))
    return Equation(
        entry_of(name + BAR, (tidy[axis] for axis in axes)), rename_indices(value, tidy), forward.rule
    )


def reuse(value: Expr, forward: Equation) -> Expr:
    """Write a quotient that the forward pass has computed, N[i]/D, as the array that holds it.

    >>> from symbolic.layers import LAYERS
    >>> (softmax,) = LAYERS["softmax"].equations
    >>> reuse(3 * softmax.value, softmax)
    3*A[i, c]
    """
    numerator, denominator = forward.value.as_numer_denom()
    if denominator.is_number or not numerator.has(sp.Indexed):
        return value
    pattern = {index: sp.Wild(f"{index}_") for index in forward.indices}
    wild_numerator = numerator.xreplace(pattern)

    def fold(product: Expr) -> Expr:
        powers = _powers(product)
        for factor in list(powers):
            found = factor.match(wild_numerator)
            at = {index: found[wild] for index, wild in pattern.items() if wild in found} if found else {}
            here = denominator.xreplace(at)
            count = min(powers[factor], -powers[here]) if found else 0
            if count > 0:
                powers[factor] -= count
                powers[here] += count
                powers[entry_of(forward.name, (at[index] for index in forward.indices))] += count
        for total in [base for base in powers if isinstance(base, sp.Sum) and powers[base] == 1]:
            inside, index = peeled(total)
            for here in [base for base in powers if powers[base] < 0 and index not in base.free_symbols]:
                inner = fold(inside / here)  # Σ N F / D = Σ (N/D) F, as D does not depend on the index
                if not inner.has(here):
                    powers[total] -= 1
                    powers[here] += 1
                    powers[sp.Sum(inner, (index, 1, size_of(index)))] += 1
        return sp.Mul(*(base**power for base, power in powers.items()))

    return value.replace(lambda node: isinstance(node, sp.Mul), fold)


def _powers(product: Expr) -> Counter[Expr]:
    powers: Counter[Expr] = Counter()
    for part in sp.Mul.make_args(product):
        base, power = (part.base, part.exp) if isinstance(part, sp.Pow) else (part, 1)
        powers[base] += power
    return powers


def inline(consumer: Equation, producer: Equation, name: str) -> Equation:
    """The consumer with every entry of `name` replaced by the producer's value; other local names are already
    unified.
    """
    value = consumer.value
    taken = all_indices(value) | all_indices(producer.value) | set(consumer.indices) | set(producer.indices)
    for entry in consumer.entries(name):
        bound = bound_indices(producer.value)
        fresh = fresh_indices(taken)
        names: dict[sp.Symbol, Expr] = {index: next(fresh) for index in sorted(bound, key=str)}
        taken |= set(names.values())
        moved = rename_indices(producer.value, names).xreplace(
            dict(zip(producer.indices, entry.indices, strict=True))
        )
        value = value.xreplace({entry: moved})
    return Equation(consumer.target, value, consumer.rule)


def added(first: Equation, second: Equation) -> Equation:
    """The sum of two contributions to one cotangent, local names already unified."""
    names = dict(zip(second.indices, first.indices, strict=True))
    clash = bound_indices(second.value) & set(first.indices)
    fresh = fresh_indices(all_indices(first.value) | all_indices(second.value) | set(first.indices))
    safe = rename_indices(second.value, {index: next(fresh) for index in sorted(clash, key=str)})
    return Equation(first.target, first.value + safe.xreplace(names), first.rule)


def _tidy_names(value: Expr, wanted: dict[sp.Symbol, sp.Symbol]) -> dict[sp.Symbol, Expr]:
    """The free indices get the names they have in the forward equation; bound ones keep theirs or move out of
    the way.
    """
    names: dict[sp.Symbol, Expr] = dict(wanted)
    taken = set(wanted.values()) | all_indices(value)
    fresh = fresh_indices(taken)
    for index in sorted(bound_indices(value), key=str):
        if index in wanted.values():
            names[index] = next(fresh)
    return names
