"""Two bugs in one program.

Where both change one step, the changes are put together: what either leaves alone stays, and each changes a
part of its own. Where they change the same part there is no pair.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import sympy as sp

from symbolic.accumulation import used_of
from symbolic.expressions import Expr
from symbolic.mutation.mutant import Mutant
from symbolic.mutation.places import scalar
from symbolic.notation import Binding, Step
from symbolic.plain import PlainSum

FITTED: Final = "kappa"
_SECOND: Final = "kappa2"


def combined(one: Mutant, other: Mutant) -> Mutant | None:
    """Both bugs at once, or None where they change the same part of a step.

    The second of two constants `kappa` is called `kappa2`.
    """
    other = _with_own_constant(one, other)
    right = {step.target: step for step in (*one.original, *other.original)}
    first = {step.target: step for step in one.changed}
    second = {step.target: step for step in other.changed}
    changed = []
    for target, step in right.items():
        both = _merged(step, first.get(target, step), second.get(target, step))
        if both is None:
            return None
        changed.append(both)
    extra = {step.target: step for step in (*one.extra, *other.extra)}
    return Mutant(
        f"{one.bug}; {other.bug}",
        None,
        one.where if one.where == other.where else f"{one.where}; {other.where}",
        tuple(changed),
        tuple(right.values()),
        tuple(extra.values()),
        tuple(dict.fromkeys((*one.constants, *other.constants))),
    )


def _with_own_constant(one: Mutant, other: Mutant) -> Mutant:
    """The other mutant with a constant to be fitted that is not the first one's."""
    if FITTED not in one.constants or FITTED not in other.constants:
        return other
    own = {scalar(FITTED): scalar(_SECOND)}
    changed = tuple(
        replace(
            step,
            bindings={
                name: bound.xreplace(own) if isinstance(bound, sp.Expr) else bound
                for name, bound in step.bindings.items()
            },
        )
        for step in other.changed
    )
    names = tuple(_SECOND if name == FITTED else name for name in other.constants)
    return replace(other, changed=changed, constants=names)


def _merged(right: Step, one: Step, other: Step) -> Step | None:
    if _same_form(right, one) and _same_form(right, other):
        value: Expr | None = right.equation.value
    elif right.equation.target != one.equation.target or right.equation.target != other.equation.target:
        value = None  # a scatter and what gathers: another form altogether
    else:
        value = merged(right.equation.value, one.equation.value, other.equation.value)
    bindings = _merged_bindings(right.bindings, one.bindings, other.bindings)
    if value is None or bindings is None:
        return None
    equation = replace(right.equation, value=value)
    return replace(right, equation=equation, bindings=used_of(bindings, equation))


def _same_form(right: Step, wrong: Step) -> bool:
    return right.equation == wrong.equation


def _merged_bindings(
    right: Mapping[str, Binding], one: Mapping[str, Binding], other: Mapping[str, Binding]
) -> dict[str, Binding] | None:
    """Each name as the one that changed it has it; None where they do not agree."""
    found = dict(right)
    for name in {**one, **other}:
        here, there, usual = one.get(name), other.get(name), right.get(name)
        changed = [bound for bound in (here, there) if bound is not None and bound != usual]
        if len(changed) == 2 and changed[0] != changed[1]:
            return None
        if changed:
            found[name] = changed[0]
    return found


def merged(right: Expr, one: Expr, other: Expr) -> Expr | None:
    """Both changes of an expression; None where they change the same part of it.

    >>> a, b, c, d = sp.symbols("a b c d")
    >>> merged(a*b + c, a + c, a*b + d)
    a + d
    """
    if one in (right, other):
        return other
    if other == right:
        return one
    for first, second in ((one, other), (other, one)):
        factor = _factor(right, first)
        if factor is not None:
            return sp.Add(*(factor * term for term in sp.Add.make_args(second)))
    for kind in (sp.Add, sp.Mul):
        if any(isinstance(expr, kind) for expr in (right, one, other)):
            return _parts(kind, right, one, other)
    is_sum = all(isinstance(expr, sp.Sum) for expr in (right, one, other))
    if is_sum and right.limits == one.limits == other.limits:
        inner = merged(right.function, one.function, other.function)
        return None if inner is None else PlainSum(inner, *right.limits)
    return None


def _factor(right: Expr, wrong: Expr) -> Expr | None:
    """What a whole expression has been multiplied by, as long as it reads no array."""
    terms, changed = sp.Add.make_args(right), sp.Add.make_args(wrong)
    if len(terms) != len(changed):
        return None
    factors = {new / old for old in terms[:1] for new in changed}
    for factor in sorted(factors, key=str):
        if not factor.has(sp.Indexed, sp.Sum, sp.Add) and sp.Add(*(factor * term for term in terms)) == wrong:
            return factor
    return None


def _parts(kind: type, right: Expr, one: Expr, other: Expr) -> Expr | None:
    """The changes of the terms of a sum, or of the factors of a product."""
    usual, here, there = (_counted(kind, expr) for expr in (right, one, other))
    lost, lost_too = usual - here, usual - there
    new, new_too = here - usual, there - usual
    if not (lost & lost_too):
        return kind(*(usual - lost - lost_too + new + new_too).elements())
    if all(count.total() == 1 for count in (lost, lost_too, new, new_too)) and lost == lost_too:
        ((part,), (first,), (second,)) = (tuple(count) for count in (lost, new, new_too))
        inner = None if part == right else merged(part, first, second)
        return None if inner is None else kind(*(usual - lost).elements(), inner)
    return None


def _counted(kind: type, expr: Expr) -> Counter[Expr]:
    """The terms of a sum, or the factors of a product, each as often as it occurs."""
    is_kind = isinstance(expr, kind)
    return Counter(expr.args if is_kind else (expr,))
