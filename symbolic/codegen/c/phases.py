"""Which steps can be run sample by sample.

A step is *of one sample* if it reads and writes each sample's entries at that sample alone; *shared* if no
sample has a part in it; *reduced* if it adds up over samples: constants + Σ_c (what sample c adds). If every
step is one of these, and nothing of one sample reads what was reduced, one loop over samples can go around
the whole pass, and the memory it works in does not depend on m. Otherwise (batch norm) the samples are
coupled.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import sympy as sp
from sympy.concrete.expr_with_limits import ExprWithLimits

from symbolic.expressions import Expr, name_of
from symbolic.losses import SAMPLES
from symbolic.notation import Array, Step
from symbolic.plain import PlainSum

Kind: TypeAlias = Literal["sample", "shared", "reduced"]


@dataclass(frozen=True, slots=True)
class Phased:
    """A step with its kind; of a reduced one, the constant part and what each sample adds."""

    step: Step
    kind: Kind
    constant: Expr = sp.S.Zero
    added: Expr | None = None


def sample_axis(array: Array) -> int | None:
    """The axis of samples, None where there is none."""
    return array.shape.index(SAMPLES) if SAMPLES in array.shape else None


def phased(steps: Iterable[Step]) -> tuple[Phased, ...] | None:
    """The steps with their kinds; None where samples are coupled."""
    found: list[Phased] = []
    late: set[Array] = set()
    for step in steps:
        each = _phased(step)
        if each is None:
            return None
        reads_late = not late.isdisjoint(step.inputs)
        if each.kind != "shared" and reads_late:
            return None
        if (each.kind == "reduced" or reads_late) and step.target.shape:
            late.add(step.target)
        found.append(each)
    return tuple(found)


def _phased(step: Step) -> Phased | None:
    equation = step.equation
    arrays = [step.array(name) for name in (*equation.inputs, equation.name)]
    if any(_is_odd(array) for array in arrays):
        return None
    own = [index for index, end in zip(equation.indices, step.ends, strict=True) if end == SAMPLES]
    if len(own) > 1:
        return None
    axis = sample_axis(step.target)
    sides = (equation.value, *equation.positions)
    if axis is not None:
        fits = [equation.positions[axis]] == own and all(_is_at(step, side, own[0]) for side in sides)
        return Phased(step, "sample") if fits and not _limits(step, equation.value) else None
    if equation.scatters and own:
        fits = all(_is_at(step, side, own[0]) for side in sides) and not _limits(step, equation.value)
        return Phased(step, "reduced", sp.S.Zero, equation.value) if fits else None
    constant, added = sp.S.Zero, sp.S.Zero
    for term in _terms(step, equation.value):
        if _is_shared(step, term):
            constant += term
            continue
        inner = _of_one_sample(step, term)
        if inner is None:
            return None
        added += inner
    return Phased(step, "shared") if added == 0 else Phased(step, "reduced", constant, added)


def _terms(step: Step, value: Expr) -> list[Expr]:
    """The summands, with a factor of a sum of sums multiplied in."""
    if isinstance(value, sp.Mul):
        sums = [factor for factor in value.args if isinstance(factor, sp.Add) and _limits(step, factor)]
        if len(sums) == 1:
            rest = sp.Mul(*(factor for factor in value.args if factor is not sums[0]))
            return [rest * term for term in sums[0].args]
    return list(sp.Add.make_args(value))


def _is_odd(array: Array) -> bool:
    """Whether m is in the shape other than once, as the size of an axis."""
    sizes = [size for size in array.shape if isinstance(size, sp.Expr) and size.has(SAMPLES)]
    return sizes not in ([], [SAMPLES])


def _limits(step: Step, expr: Expr) -> list[sp.Symbol]:
    """The indices of sums and maxima that run over the samples."""
    return [
        index
        for total in expr.atoms(ExprWithLimits)
        for index, _, end in total.limits
        if step.extent(end) == SAMPLES
    ]


def _sampled(step: Step, expr: Expr) -> list[tuple[sp.Indexed, int]]:
    """The entries that belong to a sample, with the axis."""
    found = ((entry, sample_axis(step.array(name_of(entry)))) for entry in expr.atoms(sp.Indexed))
    return [(entry, axis) for entry, axis in found if axis is not None]


def _is_at(step: Step, expr: Expr, index: sp.Symbol) -> bool:
    return all(entry.indices[axis] == index for entry, axis in _sampled(step, expr))


def _is_shared(step: Step, expr: Expr) -> bool:
    return not _sampled(step, expr) and not _limits(step, expr)


def _of_one_sample(step: Step, term: Expr) -> Expr | None:
    """What one sample adds to a term c·Σ_c f; None where the term is not of that form."""
    factors = sp.Mul.make_args(term)
    over = [factor for factor in factors if not _is_shared(step, factor)]
    if len(over) != 1 or not isinstance(over[0], sp.Sum):
        return None
    (total,) = over
    kept = [limit for limit in total.limits if step.extent(limit[2]) != SAMPLES]
    samples = [limit[0] for limit in total.limits if step.extent(limit[2]) == SAMPLES]
    body = total.function
    if len(samples) != 1 or _limits(step, body) or not _is_at(step, body, samples[0]):
        return None
    inner = PlainSum(body, *kept) if kept else body
    return sp.Mul(*(factor for factor in factors if factor is not total), inner)
