"""Activations, losses and penalties as definitions of Coq, each with a proof of its slope.

An undefined g is a variable, its derivative a hypothesis.
"""

from __future__ import annotations

from proofs.coq.terms import Names, slot_name, term
from symbolic.notation import Slot
from symbolic.slots import SLOT_ARGUMENTS, slot_formula

TACTICS = r"""
(** Exponentials are positive; so are sums of them, and what is divided by. *)
Ltac positive := repeat match goal with
  | |- context [exp ?u] =>
    lazymatch goal with H : 0 < exp u |- _ => fail | _ => pose proof (exp_pos u) end
  end.
Ltac side := repeat split; positive; try lra; try nra.
Ltac slope := intros; unfold tanh, sinh, cosh; auto_derive; [side | field; side].
"""


def function_text(slot: Slot) -> str:
    """A slot's function and its slope: definitions and the lemma `D_g`, or variables and a hypothesis."""
    arguments = SLOT_ARGUMENTS[type(slot.source)]
    orders = (0,) * len(arguments)
    first = (1, *orders[1:])
    name, slope = slot_name(slot, orders), slot_name(slot, first)
    formula, derived = slot_formula(slot.source, orders), slot_formula(slot.source, first)
    variable, *others = map(str, arguments)
    rest = "".join(f" {other}" for other in others)
    claim = (
        f"forall {variable}{rest}, "
        f"is_derive (fun {variable} => {name} {variable}{rest}) {variable} ({slope} {variable}{rest})"
    )
    if formula is None or derived is None:
        kind = " -> ".join(["R"] * (len(arguments) + 1))
        return f"Variables {name} {slope} : {kind}.\nHypothesis D_{name} : {claim}.\n"
    names = Names(scalars={symbol: str(symbol) for symbol in arguments})
    bound = " ".join(map(str, arguments))
    return (
        f"Definition {name} ({bound} : R) : R := {term(formula, names)}.\n"
        f"Definition {slope} ({bound} : R) : R := {term(derived, names)}.\n"
        f"Lemma D_{name} : {claim}.\nProof. unfold {name}, {slope}. slope. Qed.\n"
    )
