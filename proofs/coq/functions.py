"""Activations, losses and penalties as definitions of Coq, each with a proof of its slope.

An undefined g is a variable, its derivative a hypothesis. Where a slope needs a condition, such as 0 < a for
log a or z <> 0 for relu, the lemma `D_g` has it as a hypothesis.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import sympy as sp
from sympy.codegen.cfunctions import expm1, log1p

from proofs.coq.conditions import ANY_POSITIVE, ANY_SHARE, Condition, conditions
from proofs.coq.terms import Names, slot_name, term
from proofs.coq.words import NAMES_OF_WORDS
from symbolic.activations import Activation
from symbolic.expressions import Expr
from symbolic.losses import Penalty
from symbolic.notation import Slot
from symbolic.slots import SLOT_ARGUMENTS, slot_formula


@dataclass(frozen=True, slots=True)
class Range:
    """Where the values of an activation lie: as Coq says it of a term, how it proves that, and their form."""

    claim: str
    proof: str
    form: Expr


RANGES: Final = {
    "sigmoid": Range("0 < {} < 1", "rewrite <- (Rmult_1_r (/ _)); apply share; lra", ANY_SHARE),
    "exp": Range("0 < {}", "lra", ANY_POSITIVE),
    "softplus": Range("0 < {}", "rewrite <- ln_1; apply ln_increasing; lra", ANY_POSITIVE),
    "softmax": Range("0 < {} < 1", "apply share; lra", ANY_SHARE),
}


def name_of(slot: Slot, orders: tuple[int, ...] = ()) -> str:
    """g2 and g2' of layer 2; e and e_1 of a loss; p_l1 of a penalty, as there may be two."""
    penalty = slot.source.norm if isinstance(slot.source, Penalty) else ""
    named = Slot(f"{slot.name}_{penalty}", None, slot.source) if penalty else slot
    return slot_name(named, orders or (0,) * len(arguments_of(slot)))


def arguments_of(slot: Slot) -> tuple[sp.Symbol, ...]:
    """z of an activation; a and t of a loss; w of a penalty. The slope is that in the first."""
    return SLOT_ARGUMENTS[type(slot.source)]


def formulas_of(slot: Slot) -> tuple[Expr, Expr] | None:
    """A function and its slope in the functions that Coq has; None where undefined."""
    orders = (0,) * (len(arguments_of(slot)) - 1)
    value, slope = (slot_formula(slot.source, (order, *orders)) for order in (0, 1))
    return None if value is None or slope is None else (_in_words(value), _in_words(slope))


def _in_words(formula: Expr) -> Expr:
    return formula.rewrite(sp.erfc, sp.erf).rewrite(expm1, sp.exp).rewrite(log1p, sp.log)


def conditions_of(slot: Slot, form: Expr | None = None) -> tuple[Condition, ...]:
    """What the slope needs, beyond what holds for all arguments, the first of which has a general form."""
    formulas = formulas_of(slot)
    return conditions(formulas[0], arguments_of(slot)[0], form) if formulas else ()


def range_of(activation: Activation) -> Range | None:
    """What is known of the values, of an activation that has a row."""
    return RANGES.get(activation.row.name) if activation.row else None


def function_text(slot: Slot) -> str:
    """A slot's function and its slope: definitions and the lemma `D_g`, or variables and a hypothesis."""
    arguments = arguments_of(slot)
    name, slope = name_of(slot), name_of(slot, (1, *(0,) * (len(arguments) - 1)))
    formulas = formulas_of(slot)
    variable, *others = map(str, arguments)
    rest = "".join(f" {other}" for other in others)
    names = Names(scalars={symbol: str(symbol) for symbol in arguments}, words=NAMES_OF_WORDS)
    premises = "".join(f"{each.text(names)} -> " for each in conditions_of(slot))
    claim = (
        f"forall {variable}{rest}, {premises}"
        f"is_derive (fun {variable} => {name} {variable}{rest}) {variable} ({slope} {variable}{rest})"
    )
    if formulas is None:
        kind = " -> ".join(["R"] * (len(arguments) + 1))
        return f"Variables {name} {slope} : {kind}.\nHypothesis D_{name} : {claim}.\n"
    value, derived = (term(formula, names) for formula in formulas)
    bound = " ".join(map(str, arguments))
    return (
        f"Definition {name} ({bound} : R) : R := {value}.\n"
        f"Definition {slope} ({bound} : R) : R := {derived}.\n"
        f"Lemma D_{name} : {claim}.\nProof. unfold {name}, {slope}. slope. Qed.\n"
    )


def range_text(slot: Slot) -> str:
    """The lemma `R_g` of an activation: where its values lie, if that is known."""
    known = range_of(slot.source) if isinstance(slot.source, Activation) else None
    if known is None:
        return ""
    name = name_of(slot)
    return (
        f"Lemma R_{name} : forall z, {known.claim.format(f'({name} z)')}.\n"
        f"Proof. intros z. unfold {name}. facts. {known.proof}. Qed.\n"
    )
