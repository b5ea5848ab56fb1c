"""Factors: a gradient, its data term or its penalty multiplied by what should not be there, or should.

`m` is the number of samples, `k` that of outputs, `eta` a step size, `kappa` any number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import sympy as sp

from symbolic.expressions import Expr
from symbolic.grammar.formula import parse_scalar
from symbolic.graph import Graph
from symbolic.losses import OUTPUTS, Loss
from symbolic.mutation.naming import named
from symbolic.mutation.places import Edit, Place, scalar
from symbolic.notation import Array, Step

FREE: Final = ("eta", "kappa")
_SCALE, _PENALTY = scalar("s"), scalar("f")


@dataclass(frozen=True, slots=True)
class Factor:
    """A factor that `part` of a step is multiplied by."""

    bug: str
    number: int | None
    factor: str
    part: str


_ROWS: Final = (
    Factor("missing 1/m", 1, "m", "loss"),
    Factor("1/m twice", 2, "1/m", "loss"),
    Factor("mean over the outputs too", None, "1/k", "loss"),
    Factor("sum, not mean, over the outputs", None, "k", "loss"),
    Factor("sign of the error", 19, "-1", "loss"),
    Factor("step size in the error", 25, "eta", "loss"),
    Factor("constant factor", None, "kappa", "loss"),
    Factor("1/m again at each layer", 2, "1/m", "recursion"),
    Factor("m again at each layer", 2, "m", "recursion"),
    Factor("sign of the error passed back", 19, "-1", "recursion"),
    Factor("step size in the error passed back", 25, "eta", "recursion"),
    Factor("constant factor at each layer", None, "kappa", "recursion"),
    Factor("no error passed back", 55, "0", "recursion"),
    Factor("missing 1/m", 1, "m", "data"),
    Factor("1/m twice", 2, "1/m", "data"),
    Factor("constant factor of the data term", None, "kappa", "data"),
    Factor("1/m again on the whole gradient", 2, "1/m", "gradient"),
    Factor("missing 1/m on the whole gradient", 1, "m", "gradient"),
    Factor("sign of the gradient", 19, "-1", "gradient"),
    Factor("step size in the gradient", 25, "eta", "gradient"),
    Factor("constant factor of the gradient", None, "kappa", "gradient"),
    Factor("gradient missing", 55, "0", "gradient"),
    Factor("sign of the penalty", 20, "-1", "penalty"),
    Factor("penalty halved", 21, "1/2", "penalty"),
    Factor("penalty doubled", 21, "2", "penalty"),
    Factor("penalty without 1/m", 21, "m", "penalty"),
    Factor("penalty with 1/m", 21, "1/m", "penalty"),
    Factor("penalty without 1/(2m)", 21, "2*m", "penalty"),
    Factor("step size in the penalty", 25, "eta", "penalty"),
    Factor("constant factor of the penalty", None, "kappa", "penalty"),
    Factor("penalty missing in the gradient", 22, "0", "penalty"),
)


def factors(place: Place) -> Iterator[Edit]:
    """Every row whose part this step has."""
    for row in _ROWS:
        factor = _read(row.factor, place)
        step = None if factor is None or factor == 1 else _PARTS[row.part](place, factor)
        if step is not None:
            free = tuple(name for name in FREE if name == row.factor)
            bug, number = named(place, row.bug) if row.factor == "0" else (row.bug, None)
            yield Edit(bug, number or row.number, step, row.part, constants=free)


def halves(place: Place) -> Iterator[Edit]:
    """The 2 of a square forgotten, or not cancelled by the half before it."""
    for call in place.calls(Loss):
        source = call.source
        is_square = source.name in ("squared", "half-squared")
        for bug, factor in (("half", sp.S.Half), ("twice", sp.Integer(2))):
            name = f"{bug} the slope of the squared error" if is_square else f"{bug} the slope of the loss"
            number = 24 if is_square else 34 if source.name == "cross-entropy" else None
            yield Edit(name, number, place.put(call.node, factor * call.node), bug)


def places_in_time(place: Place) -> Iterator[Edit]:
    """The mean over an axis between the outputs and the samples, or over losses, where E is the sum."""
    chain = place.around.derivation.chain
    terms = sum(1 for each in chain.losses.values() if each.arrays) if isinstance(chain, Graph) else 1
    if terms > 1 and place.calls(Loss):
        mean = _of_scalar(place, _SCALE, sp.Rational(1, terms))
        if mean is not None:
            yield Edit(f"1/T twice: mean over the {terms} losses too", 3, mean, "losses")
    target = place.step.bindings.get("T")
    if isinstance(target, Array) and place.calls(Loss):
        for axis, size in enumerate(target.shape[1:-1], start=1):
            step = _of_scalar(place, _SCALE, sp.S.One / size)
            if step is not None:
                yield Edit("1/T twice: mean over time too", 3, step, str(axis))


def _read(text: str, place: Place) -> Expr | None:
    """A factor; None where it names k and there is but one output, or none that is known."""
    target = place.step.bindings.get("T")
    factor = parse_scalar(text, names=("m", "k", *FREE))
    has_outputs = isinstance(target, Array) and target.shape[0] != 1
    return None if factor.has(OUTPUTS) and not has_outputs else factor


def _of_scalar(place: Place, symbol: Expr, factor: Expr) -> Step | None:
    """The step with a factor in what one of its scalars stands for."""
    bound = place.step.bindings.get(symbol.name)
    if symbol not in place.value.free_symbols or not isinstance(bound, sp.Expr):
        return None
    if factor == 0:
        return place.with_value(place.value.xreplace({symbol: sp.S.Zero}))
    if factor.has(OUTPUTS) and isinstance(place.around.derivation.chain, Graph):  # whose scalars have no k
        count = sp.Integer(0) + place.step.array("T").shape[0]
        return place.with_value(place.value.xreplace({symbol: symbol * factor}), {OUTPUTS.name: count})
    return place.rebound({symbol.name: bound * factor})


def _times(place: Place, factor: Expr) -> Step:
    """The whole step; m, eta and kappa become names of its equation."""
    return place.times(factor, {str(symbol): symbol for symbol in factor.free_symbols})


def _data(place: Place, factor: Expr) -> Step | None:
    if not place.is_gradient:
        return None
    terms = sp.Add.make_args(place.value)
    scaled = (term if term.has(_PENALTY) else factor * term for term in terms)
    return place.with_value(sp.Add(*scaled), {str(symbol): symbol for symbol in factor.free_symbols})


_PARTS: Final[Mapping[str, Callable[[Place, Expr], Step | None]]] = {
    "loss": lambda place, factor: _of_scalar(place, _SCALE, factor),
    "penalty": lambda place, factor: _of_scalar(place, _PENALTY, factor),
    "recursion": lambda place, factor: (
        None if place.is_gradient or place.value.has(_SCALE) else _times(place, factor)
    ),
    "data": _data,
    "gradient": lambda place, factor: _times(place, factor) if place.is_gradient else None,
}
