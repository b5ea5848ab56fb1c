"""What a check would have seen: which wrong formulas differ from the right one at a counted entry.

A mutant M is seen at an entry if |g_M − g| > bound + bound_M: no subject that is M could have passed there.
Mutants never seen are decided, if they can be, by the normal form: the same formula in this family, which is
proved, or another one that these points do not show.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from math import inf
from typing import Final

import numpy as np

from backproof.evidence import Group, Rows
from backproof.matching import aligned, largest
from backproof.report import Power
from numeric.mutants import gradient_of, ground
from proofs.same_formula import is_same
from symbolic.mutation import Mutant

KINK: Final = 27  # of the catalogue: a convention, which points of its own tell (`kinks`)
SECONDS: Final = 2.0  # for the normal form
FAR: Final = 4.0  # times the weights and inputs of a generic point
CERTAIN: Final = 1e-6  # of the largest entry: what rounding there does not reach


def power(groups: Sequence[Group], *, seconds: float = SECONDS, deadline: float = inf) -> Power:
    """The mutants that these points would have shown, and what is known of the others; those that are not
    tried before the deadline are undecided.
    """
    proving = min(deadline, time.monotonic() + seconds)
    seen, others, untried = [], [], []
    for forms in aligned(groups, deadline=deadline):
        if any(form and form.number == KINK for form in forms):
            continue
        name = next(str(form) for form in forms if form is not None)
        if time.monotonic() > deadline:
            untried.append(name)
        elif any(form and _is_seen(form, group) for form, group in zip(forms, groups, strict=True)):
            seen.append(name)
        else:
            others.append((name, forms))
    same, not_seen, undecided = [], [], untried
    for name, forms in others:
        pairs = [(f, g) for f, g in zip(forms, groups, strict=True) if f is not None]
        form, group = min(pairs, key=lambda pair: pair[1].exact.shape[1])
        if is_same(form, group.problem.derivation, deadline=proving):
            same.append(name)
        elif any(_differs(form, group) for form, group in pairs):
            not_seen.append(name)
        else:
            undecided.append(name)
    return Power(*(tuple(dict.fromkeys(names)) for names in (seen, same, not_seen, undecided)))


def _differs(form: Mutant, group: Group) -> bool:
    """Whether the mutant is another formula: far out, where units are saturated, if not here."""
    far = {name: FAR * values if name.name in "WX" else values for name, values in group.values.items()}
    at = ground(group.problem, far, group.samples, group.lam)
    found, right = group.flat(gradient_of(form, at)), group.flat({a: at.known[a.bar] for a in group.blocks})
    with np.errstate(invalid="ignore"):
        return bool((np.abs(found - right) > CERTAIN * np.abs(right).max(initial=0.0)).any())


def _is_seen(form: Mutant, group: Group) -> bool:
    """Whether some counted entry would have disagreed."""
    found = group.flat(gradient_of(form, group.ground))
    with np.errstate(invalid="ignore", over="ignore"):
        beyond = np.abs(found - group.exact) > group.worst + group.worst * _growth(found, group)
    return bool((beyond & group.counted & np.isfinite(found)).any())


def _growth(found: Rows, group: Group) -> Rows:
    """How much larger the mutant's own bound may be: as its entries are against the right ones."""
    return np.asarray(np.maximum(1.0, largest(found) / np.maximum(largest(group.exact), 1e-300)))
