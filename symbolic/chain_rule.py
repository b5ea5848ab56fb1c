"""The chain rule over index equations.

For an input array P of a forward equation V[i…] = f(…, P[p…], …) with the cotangent V̄ = ∂E/∂V,

    P̄[q…] = Σ_{i…} V̄[i…] · ∂f[i…]/∂P[q…]

SymPy differentiates f by the entry P[q…]; the Kronecker deltas this gives are contracted by our own rules.
The rule of an equation is derived once per process, with symbolic sizes, whatever network it stands in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import sympy as sp

from symbolic.contraction import Term, contract
from symbolic.expressions import (
    Expr,
    all_indices,
    bound_indices,
    entry_of,
    fresh_indices,
    peeled,
    rename_indices,
)
from symbolic.grammar.indices import is_index
from symbolic.notation import Equation, size_of
from symbolic.plain import PlainSum

BAR = "_bar"


@cache
def cotangent_rules(forward: Equation, name: str) -> tuple[Equation, ...]:
    """The equations whose sum is ∂E/∂`name`, from ∂E/∂(the target) and the forward arrays: one, but for
    scatters; a scalar target has the cotangent 1.

    >>> from symbolic.layers import LAYERS
    >>> (dense,) = LAYERS["dense"].equations()
    >>> cotangent_rules(dense, "b")[0].value
    Sum(Z_bar[i, c], (c, 1, N_c))
    """
    loops = forward.loops or tuple((index, size_of(index)) for index in forward.indices)
    taken = all_indices(forward.value) | set(forward.indices)
    fresh = fresh_indices(taken)
    sample = forward.entries(name)[0]
    axes = tuple(next(fresh) for _ in sample.indices)
    taken |= set(axes)
    upstream = entry_of(forward.name + BAR, forward.positions) if forward.indices else sp.Integer(1)
    slope = forward.value.diff(entry_of(name, axes))
    terms = contract(upstream * slope, axes, loops, taken)
    return tuple(_equation(term, name, sample.indices, forward) for term in terms)


def _equation(term: Term, name: str, sample: Sequence[Expr], forward: Equation) -> Equation:
    """A term as an equation; the free indices of a gathered one get their names in the forward equation."""
    value = reuse(term.value, forward)
    if term.loops:
        return Equation(entry_of(name + BAR, term.places), value, forward.rule, term.loops)
    wanted = {axis: place for axis, place in zip(term.places, sample, strict=True) if is_index(place)}
    is_clear = len(set(wanted.values())) == len(wanted)
    tidy = _tidy_names(value, wanted if is_clear else {})
    return Equation(
        entry_of(name + BAR, (tidy.get(axis, axis) for axis in term.places)),
        rename_indices(value, tidy),
        forward.rule,
    )


def reuse(value: Expr, forward: Equation) -> Expr:
    """Write what the forward pass has computed as the array that holds it: a quotient N[i]/D, and 1/D where
    that array is log D.

    >>> from symbolic.layers import LAYERS
    >>> (softmax,) = LAYERS["softmax"].equations()
    >>> reuse(3 * softmax.value, softmax)
    3*A[i, c]
    """
    if not forward.value.has(sp.Indexed) or forward.scatters:
        return value
    if isinstance(forward.value, sp.log):
        return _reuse_logarithm(value, forward)
    numerator, denominator = forward.value.as_numer_denom()
    if denominator.is_number or not numerator.has(sp.Indexed):
        return value
    lead, *others = sorted(sp.Mul.make_args(numerator), key=lambda part: isinstance(part, sp.Indexed))
    wilds = {index: sp.Wild(f"{index}_") for index in forward.indices}
    pattern = lead.xreplace(wilds)

    def fold(product: Expr) -> Expr:
        powers = _powers(product)
        for factor in list(powers):
            found = factor.match(pattern)
            at = {index: found[wild] for index, wild in wilds.items() if wild in found} if found else {}
            here = denominator.xreplace(at)
            whole = [factor, *(other.xreplace(at) for other in others)]
            count = min(*(powers[part] for part in whole), -powers[here]) if found else 0
            if count > 0:
                powers.subtract(dict.fromkeys(whole, count))
                powers[here] += count
                powers[entry_of(forward.name, (at[index] for index in forward.indices))] += count
        for total in [base for base in powers if isinstance(base, sp.Sum) and powers[base] == 1]:
            inside, index = peeled(total)
            for here in [base for base in powers if powers[base] < 0 and index not in base.free_symbols]:
                inner = fold(inside / here)  # Σ N F / D = Σ (N/D) F, as D does not depend on the index
                if not inner.has(here):
                    powers[total] -= 1
                    powers[here] += 1
                    powers[PlainSum(inner, total.limits[-1])] += 1
        return sp.Mul(*(base**power for base, power in powers.items()))

    return value.replace(lambda node: isinstance(node, sp.Mul), fold)


def _reuse_logarithm(value: Expr, forward: Equation) -> Expr:
    """exp(z)/D is exp(z - L) where the forward pass has computed L = log D: nothing overflows."""
    wilds = {index: sp.Wild(f"{index}_") for index in forward.indices}
    pattern = forward.value.args[0].xreplace(wilds)

    def read(product: Expr) -> Expr:
        exponents, others = [], []
        for factor in sp.Mul.make_args(product):
            base, power = factor.as_base_exp() if isinstance(factor, sp.Pow) else (factor, sp.S.One)
            found = base.match(pattern) if power.is_Integer and power < 0 else None
            if found is not None:
                indices = (found.get(wilds[index], index) for index in forward.indices)
                exponents.append(power * entry_of(forward.name, indices))
            elif isinstance(factor, sp.exp):
                exponents.append(factor.args[0])
            else:
                others.append(factor)
        return sp.Mul(*others, sp.exp(sp.Add(*exponents)))

    return value.replace(lambda node: isinstance(node, sp.Mul) and node.has(sp.exp), read)


def _powers(product: Expr) -> Counter[Expr]:
    powers: Counter[Expr] = Counter()
    for part in sp.Mul.make_args(product):
        base, power = (part.base, part.exp) if isinstance(part, sp.Pow) else (part, 1)
        powers[base] += power
    return powers


@cache
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
    return replace(consumer, value=value)


@cache
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
