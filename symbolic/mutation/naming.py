"""What a rewriting of any formula is called where it is a bug that people know."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from symbolic.graph import Graph
from symbolic.mutation.outputs import is_log_softmax, is_softmax
from symbolic.mutation.places import Place
from symbolic.notation import Array


@dataclass(frozen=True, slots=True)
class Name:
    """A rewriting whose own name matches, at a kind of place."""

    place: str
    rewriting: str
    bug: str
    number: int | None


_ROWS: Final = (
    Name("kernel", r"W\w* not transposed", "{}: two of its axes swapped", 49),
    Name("any", r"W\w* not transposed", "W for Wᵀ", 9),
    Name("any", r"product of sums .*", "{}", 17),
    Name("any", r"\[condition\] the wrong way round", "mask {}", 28),
    Name("gradient", r"factor ∂E/∂\w+ missing", "upstream gradient dropped", 26),
    Name("any", r"factor f′ missing", "f′ missing", 10),
    Name("slope", r"factor (Σ .*|∂E/∂\w+) missing", "upstream gradient dropped", 26),
    Name("penalised", r"sign of the term (p′.*|f·.*|.*·f)", "sign of the penalty", 20),
    Name("penalised", r"term (p′.*|f·.*|.*·f) missing", "penalty missing in the gradient", 22),
    Name("penalised", r"term (p′.*|f·.*|.*·f) counted twice", "penalty doubled", 21),
    Name("penalised", r"sign of the term Σ.*", "sign of the data term", 19),
    Name("penalised", r"factor 2 missing", "penalty halved", 21),
    Name("dropout", r"factor D missing", "dropout: mask missing", 38),
    Name("dropout", r"factor 1/\(.*rate.*\) missing", "dropout: 1/(1 − p) missing", 38),
    Name("norm", r"factor γ missing", "norm: scale γ missing", 42),
    Name("norm", r"factor 1/N missing", "norm: sum for the mean, {}", 43),
    Name("norm", r"N − 1 for N", "norm: {} in a mean or the variance", 41),
    Name("norm", r"1/√.* once (more|less)", "norm: {}, in the power of the variance", 41),
    Name("norm", r"no error passed back", "norm: path through a statistic missing, {}", 41),
    Name("attention", r"factor 1/√N missing", "scale 1/√d missing", None),
    Name("softmax", r"\w+ for the sum over \w+", "softmax: diagonal only", 33),
    Name("softmax", r"factor A missing", "softmax: factor missing in its slope or its sum", 33),
    Name("softmax", r"term .*Σ.* missing", "softmax: sum missing", 33),
    Name("softmax", r"sum over the axis .*", "softmax along the wrong axis", 51),
    Name("log-softmax", r".*", "log-softmax: {}", 34),
    Name("norm", r"(term|sign|factor|mean) .*", "norm: {}", 41),
    Name("fan-out", r"term .* missing", "one contribution overwrites: {}", 44),
    Name("fan-out", r"term .* counted twice", "a contribution counted twice: {}", 45),
)


def named(place: Place, rewriting: str) -> tuple[str, int | None]:
    """The first row that fits, or the rewriting's own name."""
    kinds = frozenset(kind for kind, holds in _KINDS.items() if holds(place))
    return _named(kinds, rewriting)


@cache
def _named(kinds: frozenset[str], rewriting: str) -> tuple[str, int | None]:
    for row in _ROWS:
        if row.place in kinds and re.fullmatch(row.rewriting + r"( \(\d+\))?", rewriting):
            return row.bug.format(rewriting), row.number
    return rewriting, None


def _layer_names(place: Place) -> set[str]:
    """The layers that the arrays of a step belong to."""
    chain = place.around.derivation.chain
    if not isinstance(chain, Graph):
        return set()
    arrays = (bound for bound in place.step.bindings.values() if isinstance(bound, Array))
    owners = {array.name.rpartition(".")[0] or array.name for array in arrays}
    return {chain.nodes[owner].layer.name for owner in owners if owner in chain.nodes}


_KINDS: Final[Mapping[str, Callable[[Place], bool]]] = {
    "any": lambda place: True,
    "slope": lambda place: not place.is_gradient,
    "gradient": lambda place: place.is_gradient,
    "kernel": lambda place: any(
        isinstance(bound, Array) and bound.name.rpartition(".")[2] == "W" and len(bound.shape) > 2
        for bound in place.step.bindings.values()
    ),
    "penalised": lambda place: place.is_gradient and "f" in place.step.bindings,
    "dropout": lambda place: any(name.startswith("rate") for name in place.step.bindings),
    "norm": lambda place: any("norm" in name for name in _layer_names(place)),
    "attention": lambda place: any("attention" in name for name in _layer_names(place)),
    "softmax": lambda place: is_softmax(place.step),
    "log-softmax": lambda place: is_log_softmax(place.step),
    "fan-out": lambda place: len(place.around.readers.get(place.of, ())) > 1,
}
