"""Which wrong formula a subject has: the mutants of the derivation whose gradient is the subject's.

Singles come first (`matching`), and pairs only where no single operator explains (`pairing`). What is found
is put in order, and written down with its formula.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Final

from backproof.evidence import Group
from backproof.factors import short_number
from backproof.matching import Candidate, Forms, aligned, explains, wrong_arrays
from backproof.pairing import pairs
from backproof.report import Explanation
from symbolic.notation import Step
from symbolic.writing.latex import index_latex

SHOWN: Final = 4
COPIED: Final = 32  # of the catalogue: another function's slope, of which one is always alike


def explanations(groups: Sequence[Group], *, deadline: float) -> tuple[Explanation, ...]:
    """What explains the subject, the best first; nothing where no mutant does, or none in time."""
    if not any(group.wrong.any() for group in groups):
        return ()  # a constant that is 1 explains nothing
    rows = aligned(groups, deadline=deadline)
    found = list(_singles(rows, groups, deadline)) or pairs(rows, groups, deadline)
    return tuple(_written(found, groups))


def _singles(rows: Sequence[Forms], groups: Sequence[Group], deadline: float) -> Iterator[Candidate]:
    for forms in rows:
        if time.monotonic() > deadline:
            return
        if found := explains(forms, groups):
            yield found


def _written(found: Sequence[Candidate], groups: Sequence[Group]) -> Iterator[Explanation]:
    """Explanations, the best first: fewest operators, fewest constants, a row of the catalogue, the most
    general place, the smallest residual.
    """
    ordered = sorted(
        found,
        key=lambda c: (
            c.operators,
            len(c.shown.constants),
            c.shown.number is None,
            c.shown.number == COPIED,
            len(c.shown.changed),
            len(_lines(c.shown.changed)),
            c.residual,
        ),
    )
    plain = [each for each in ordered if not each.shown.constants]
    ordered = plain or ordered  # a constant that is fitted to a formula's own says nothing new
    names = [str(each.shown) for each in ordered]
    for place, each in enumerate(ordered[:SHOWN]):
        yield _explanation(each, groups, tuple(n for n in names if n != names[place]) if place == 0 else ())


def _explanation(found: Candidate, groups: Sequence[Group], others: tuple[str, ...]) -> Explanation:
    form, seen = found.shown, [g for f, g in zip(found.forms, groups, strict=True) if f is not None]
    wrong = [name for name in seen[0].blocks if name in wrong_arrays(seen[0])]
    return Explanation(
        bug=form.bug + (f", {form.where}" if form.where else ""),
        number=form.number,
        derived=_lines(form.original),
        formula=_lines((*form.changed, *form.extra)),
        derived_latex=_latex(form.original),
        latex=_latex((*form.changed, *form.extra)),
        parameters=tuple(name.label for name in wrong),
        residual=found.residual,
        entries=sum(int(group.counted.sum()) for group in seen),
        networks=len({str(group.problem.network) for group in seen}),
        operators=found.operators,
        constants=tuple(f"{name} = {short_number(value)}" for name, value in found.constants.items()),
        equivalents=others,
    )


def _lines(steps: Sequence[Step]) -> str:
    return "\n".join(map(str, steps))


def _latex(steps: Sequence[Step]) -> str:
    return " \\\\\n".join(map(index_latex, steps))
