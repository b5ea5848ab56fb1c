"""One network as a Coq file: for every parameter w, is_derive (fun w => E …) w (the derived ∂E/∂w).

The forward and backward equations are definitions in index form, as derived, and E is what the forward ones
say. Each lemma is proved by the rules of differentiation, applied to E written out, and by `ring`; that the
slope of an activation or loss is its derivative, by `auto_derive` and `field`.

Scope. Every batch size m, all real parameters, inputs and targets. Of an undefined g or e the derivative is a
hypothesis. Softmax, logarithms of the output and functions with kinks are left to the theorem for every
network (`proofs/coq/`).
"""

from __future__ import annotations

from typing import Final

import sympy as sp

from proofs.coq.functions import TACTICS, function_text
from proofs.coq.terms import Names, slot_name, term
from symbolic.closed_form import Weight, weights
from symbolic.derivation import Derivation
from symbolic.errors import Unsupported
from symbolic.losses import LAMBDA, SAMPLES
from symbolic.network import Network
from symbolic.notation import Array, Slot, Step
from symbolic.slots import SLOT_ARGUMENTS

HEADER: Final = f"""From Coq Require Import Reals Lra Arith Bool.
From Coquelicot Require Import Coquelicot.
Open Scope R_scope.

(** Σ_{{i=1..n}} f i *)
Fixpoint sum (n : nat) (f : nat -> R) : R :=
  match n with
  | O => 0
  | S k => sum k f + f (S k)
  end.

Lemma sum_ext n f g : (forall i, f i = g i) -> sum n f = sum n g.
Proof. intros H. induction n; simpl; [easy | now rewrite IHn, H]. Qed.

Lemma sum_scal n a f : a * sum n f = sum n (fun i => a * f i).
Proof. induction n; simpl; [|rewrite <- IHn]; ring. Qed.

Lemma derives (f : R -> R) (t d d' : R) : is_derive f t d -> d = d' -> is_derive f t d'.
Proof. now intros H <-. Qed.

Lemma derive_const (a t : R) : is_derive (fun _ => a) t 0.
Proof. apply (is_derive_const (K := R_AbsRing) (V := R_NormedModule) a t). Qed.

Lemma derive_id (t : R) : is_derive (fun s => s) t 1.
Proof. apply (is_derive_id (K := R_AbsRing) t). Qed.

Lemma derive_plus (f g : R -> R) (t f' g' : R) :
  is_derive f t f' -> is_derive g t g' -> is_derive (fun s => f s + g s) t (f' + g').
Proof. apply (is_derive_plus (K := R_AbsRing) (V := R_NormedModule)). Qed.

Lemma derive_scal (a : R) (f : R -> R) (t f' : R) :
  is_derive f t f' -> is_derive (fun s => a * f s) t (a * f').
Proof. apply is_derive_scal. Qed.

Lemma derive_mult (f g : R -> R) (t f' g' : R) :
  is_derive f t f' -> is_derive g t g' -> is_derive (fun s => f s * g s) t (f' * g t + f t * g').
Proof. apply Derive.is_derive_mult. Qed.

Lemma derive_comp (f g : R -> R) (t f' g' : R) :
  is_derive f (g t) f' -> is_derive g t g' -> is_derive (fun s => f (g s)) t (f' * g').
Proof. intros Hf Hg. rewrite Rmult_comm. now apply (is_derive_comp f g). Qed.

Lemma derive_sum n (f : R -> nat -> R) (t : R) (f' : nat -> R) :
  (forall i, is_derive (fun s => f s i) t (f' i)) -> is_derive (fun s => sum n (f s)) t (sum n f').
Proof.
  intros H. induction n; simpl; [apply derive_const|].
  apply (derive_plus (fun s => sum n (f s)) (fun s => f s (S n))); auto.
Qed.

Record parameters := Parameters {{ W : nat -> nat -> nat -> R; b : nat -> nat -> R }}.
Definition with_W (p : parameters) (l i j : nat) (w : R) : parameters :=
  Parameters (fun l' i' j' => if (l' =? l) && (i' =? i) && (j' =? j) then w else W p l' i' j') (b p).
Definition with_b (p : parameters) (l i : nat) (w : R) : parameters :=
  Parameters (W p) (fun l' i' => if (l' =? l) && (i' =? i) then w else b p l' i').
{TACTICS}
(** Equal sums of equal terms, whatever the order of their factors. *)
Ltac agree := rewrite ?sum_scal; try ring;
  match goal with
  | |- ?u = ?v =>
    match u with context [sum ?n ?F] =>
      match v with context [sum n ?G] =>
        tryif constr_eq F G then fail
        else (replace (sum n F) with (sum n G) by (apply sum_ext; intros; ring)); agree
      end
    end
  end.
"""
RULES: Final = """Ltac differentiate :=
  match goal with
  | |- is_derive (fun _ => ?a) _ _ => apply derive_const
  | |- is_derive (fun w => w) _ _ => apply derive_id
  | |- is_derive (fun w => @?u w + @?v w) _ _ => apply (derive_plus u v); differentiate
  | |- is_derive (fun w => ?a * @?u w) _ _ => apply (derive_scal a u); differentiate
  | |- is_derive (fun w => @?u w * @?v w) _ _ => apply (derive_mult u v); differentiate
  | |- is_derive (fun w => sum m (fun c => @?u w c)) _ _ =>
    apply (derive_sum m u); intro; cbv beta; differentiate
{rules}
  end.
Ltac derivative :=
  cbv beta delta [{defined}with_W with_b]; cbn [W b sum andb Nat.eqb];
  eapply derives; [differentiate | agree].
"""
RULE: Final = """  | |- is_derive (fun w => {name} (@?u w){any}) _ _ =>
    apply (derive_comp (fun a => {name} a{others}) u); [apply D_{name} | differentiate]"""


def network_file(network: Network, derivation: Derivation) -> str:
    """The file for a network, whose lemmas `coqc` checks with Coquelicot alone.

    Raises Unsupported where an equation has no word in it.
    """
    _refuse(network)
    functions = {_name(slot): slot for step in derivation.steps for slot in _slots(step)}
    defined = [_word(step.target) for step in derivation.steps]
    whole = " + ".join(_word(step.target) for step in derivation.forward if not step.target.shape)
    rules = "\n".join(_rule(name, slot) for name, slot in functions.items())
    parts = [
        f"(** {network}: every derived ∂E/∂w is the derivative of E. *)",
        HEADER,
        "Section Network.\n",
        "Variable m : nat.\nVariables X T : nat -> nat -> R.\nVariable lambda : R.\n",
        *map(function_text, functions.values()),
        "Section Equations.\n\nVariable P : parameters.\n",
        *map(_definition, derivation.forward),
        f"Definition E : R := {whole}.",
        *map(_definition, derivation.backward),
        "\nEnd Equations.\n",
        RULES.format(rules=rules, defined="".join(f"{name} " for name in ("E", *defined))),
        *map(_lemma, weights(network)),
        "\nEnd Network.",
    ]
    return "\n".join(parts) + "\n"


def _refuse(network: Network) -> None:
    for number, layer in enumerate(network.layers, start=1):
        formula = layer.activation.definition
        if layer.activation.layer == "softmax" or (formula is not None and formula.has(sp.Piecewise)):
            raise Unsupported(
                f"layer {number} is {layer.activation.text}, but --coq takes activations of single units "
                "that have a slope everywhere; use --json"
            )
    loss = network.objective.loss.definition
    if loss is not None and loss.has(sp.log):
        raise Unsupported(
            f"{network.objective.loss.text} takes logarithms, but --coq takes losses without; use --json"
        )


def _rule(name: str, slot: Slot) -> str:
    count = len(SLOT_ARGUMENTS[type(slot.source)]) - 1
    return RULE.format(name=name, any=" ?t" * count, others=" t" * count)


def _definition(step: Step) -> str:
    indices = step.equation.indices
    bound = f" ({' '.join(map(str, indices))} : nat)" if indices else ""
    return f"Definition {_word(step.target)}{bound} : R :=\n  {term(step.equation.value, NAMES, step)}."


def _lemma(weight: Weight) -> str:
    place = f"{weight.layer} {' '.join(map(str, weight.indices))}"
    return (
        f"Lemma {weight.name}{place.replace(' ', '_')} P :\n"
        f"  is_derive (fun w => E (with_{weight.name} P {place} w)) ({weight.name} P {place}) "
        f"(d{weight.name}{weight.layer} P {' '.join(map(str, weight.indices))}).\n"
        "Proof. derivative. Qed."
    )


def _slots(step: Step) -> list[Slot]:
    return [bound for bound in step.bindings.values() if isinstance(bound, Slot)]


def _name(slot: Slot) -> str:
    return slot_name(slot, (0,) * len(SLOT_ARGUMENTS[type(slot.source)]))


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
    size=lambda size: "m" if size == SAMPLES else str(size),
    scalars={SAMPLES: "(INR m)", LAMBDA: "lambda"},
)
