"""One network as a Coq file: for every parameter w, is_derive (fun w => E …) w (the derived ∂E/∂w).

The forward and backward equations are definitions in index form, as derived, and E is what the forward ones
say. Each lemma is proved by the rules of differentiation and by `ring`; that the slope of an activation or
loss is its derivative, by the same rules and by `field`.

Scope. Every batch size m, all real parameters, inputs and targets. Of an undefined g or e the derivative is a
hypothesis. So is what a slope needs and Coq cannot derive: that a function defined by cases is not at a place
where cases meet, that what a logarithm is taken of is positive. Each lemma states these hypotheses.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import sympy as sp

from proofs.coq.calculus import calculus
from proofs.coq.functions import (
    Range,
    arguments_of,
    conditions_of,
    formulas_of,
    function_text,
    name_of,
    range_of,
    range_text,
)
from proofs.coq.tactics import PARAMETERS, tactics
from proofs.coq.terms import Names, term
from proofs.coq.words import NAMES_OF_WORDS, words_of
from symbolic.closed_form import Weight, weights
from symbolic.derivation import Derivation
from symbolic.errors import Unsupported
from symbolic.grammar.functions import undefined_parts
from symbolic.losses import LAMBDA, SAMPLES, Loss
from symbolic.network import Network
from symbolic.notation import Array, Slot, Step


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A condition on an array's entries, for all values of their indices."""

    condition: str
    ends: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        names = " ".join(name for name, _ in self.ends)
        ranges = "".join(f"(1 <= {name} <= {end})%nat -> " for name, end in self.ends)
        return f"(forall {names}, {ranges}{self.condition})"

    @property
    def words(self) -> str:
        """The same in a comment."""
        ends = ", ".join(f"{name} = 1…{end}" if end != "1" else f"{name} = 1" for name, end in self.ends)
        return f"{self.condition} for {ends}"


def network_file(network: Network, derivation: Derivation) -> str:
    """The file for a network, whose lemmas `coqc` checks with Coquelicot alone.

    Raises Unsupported where an equation has no word in it, and where two functions have one name.
    """
    slots = _slots(derivation)
    formulas = [formula for slot in slots.values() for formula in formulas_of(slot) or ()]
    words = words_of([*formulas, *(step.equation.value for step in derivation.forward)])
    output = range_of(network.layers[-1].activation)
    hypotheses = [each for step in derivation.forward for each in _hypotheses(step, output)]
    whole = " + ".join(_word(step.target) for step in derivation.forward if not step.target.shape)
    parts = [
        f"(** {network}: every derived ∂E/∂w is the derivative of E{_where(hypotheses)}. *)",
        calculus(words, by_cases=any(formula.has(sp.Piecewise) for formula in formulas)),
        PARAMETERS,
        "Section Network.\n",
        "Variable m : nat.\nVariables X T : nat -> nat -> R.\nVariable lambda : R.\n",
        *map(function_text, slots.values()),
        *(range_text(slot) for slot in slots.values() if slot.layer == network.depth),
        "Section Equations.\n\nVariable P : parameters.\n",
        *map(_definition, derivation.forward),
        f"Definition E : R := {whole}.",
        *map(_definition, derivation.backward),
        "\nEnd Equations.\n",
        tactics(network, derivation, slots.values()),
        *(_lemma(weight, hypotheses) for weight in weights(network)),
        "\nEnd Network.",
    ]
    return "\n".join(parts) + "\n"


def _where(hypotheses: list[Hypothesis]) -> str:
    said = ",\n    and ".join(each.words for each in hypotheses)
    return f",\n    where {said}" if said else ""


def _hypotheses(step: Step, output: Range | None) -> Iterator[Hypothesis]:
    """What the slopes of the functions in a forward equation need, beyond what is known of the output."""
    for applied in sorted(step.equation.value.atoms(sp.Function), key=str):
        parts = undefined_parts(applied)
        if parts is None:
            continue
        slot = step.slot(parts[0])
        form = output.form if output and isinstance(slot.source, Loss) else None
        entries = {
            argument: term(entry, AT_P, step)
            for argument, entry in zip(arguments_of(slot), applied.args, strict=True)
        }
        indices = dict.fromkeys(index for entry in applied.args for index in entry.indices)
        ends = tuple((str(index), NAMES.size(step.size(index))) for index in indices)
        for condition in conditions_of(slot, form):
            yield Hypothesis(condition.text(Names(scalars=entries, words=NAMES_OF_WORDS)), ends)


def _definition(step: Step) -> str:
    indices = step.equation.indices
    bound = f" ({' '.join(map(str, indices))} : nat)" if indices else ""
    return f"Definition {_word(step.target)}{bound} : R :=\n  {term(step.equation.value, NAMES, step)}."


def _lemma(weight: Weight, hypotheses: list[Hypothesis]) -> str:
    place = f"{weight.layer} {' '.join(map(str, weight.indices))}"
    given = "".join(f"  {text} ->\n" for text in hypotheses)
    return (
        f"Lemma {weight.name}{place.replace(' ', '_')} P :\n{given}"
        f"  is_derive (fun w => E (with_{weight.name} P {place} w)) ({weight.name} P {place}) "
        f"(d{weight.name}{weight.layer} P {' '.join(map(str, weight.indices))}).\n"
        f"Proof. derivative. Qed."
    )


def _slots(derivation: Derivation) -> dict[str, Slot]:
    found: dict[str, Slot] = {}
    for step in derivation.steps:
        for slot in step.bindings.values():
            if isinstance(slot, Slot) and found.setdefault(name_of(slot), slot) != slot:
                raise Unsupported(
                    f"{name_of(slot)} is {found[name_of(slot)].source.text} in one equation and "
                    f"{slot.source.text} in another"
                )
    return found


def _word(array: Array) -> str:
    return array.label


def _array(array: Array) -> str:
    """Entries of parameters are those of P; x and t are given; the rest is defined."""
    if array.name in ("X", "T"):
        return array.name
    return (
        _word(array) if array.cotangent or array.name not in ("W", "b") else f"{array.name} P {array.layer}"
    )


NAMES: Final = Names(
    array=_array,
    function=name_of,
    size=lambda size: "m" if size == SAMPLES else str(size),
    scalars={SAMPLES: "(INR m)", LAMBDA: "lambda"},
)
AT_P: Final = replace(
    NAMES,
    array=lambda array: _array(array) if array.name in ("X", "T", "W", "b") else f"{_word(array)} P",
)
