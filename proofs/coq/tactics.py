"""The tactic that differentiates E of one network, array by array.

An array of a layer before the parameter's is a constant; of any other the definition is put in. So E is
written out only as far as it depends on the parameter, and in what is left to `ring` pre-activations stand
for themselves.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from proofs.coq.functions import arguments_of, conditions_of, name_of, range_of
from symbolic.derivation import Derivation
from symbolic.network import Network
from symbolic.notation import Array, Slot

PARAMETERS: Final = """Record parameters := Parameters { W : nat -> nat -> nat -> R; b : nat -> nat -> R }.
Definition with_W (p : parameters) (l i j : nat) (w : R) : parameters :=
  Parameters (fun l' i' j' => if (l' =? l) && (i' =? i) && (j' =? j) then w else W p l' i' j') (b p).
Definition with_b (p : parameters) (l i : nat) (w : R) : parameters :=
  Parameters (W p) (fun l' i' => if (l' =? l) && (i' =? i) then w else b p l' i').

Ltac entry := apply FunctionalExtensionality.functional_extensionality.

Lemma with_W_same p l i j : with_W p l i j (W p l i j) = p.
Proof.
  destruct p as [W b]. unfold with_W. f_equal. cbn. entry; intros l'; entry; intros i'; entry; intros j'.
  now destruct (Nat.eqb_spec l' l) as [->|], (Nat.eqb_spec i' i) as [->|], (Nat.eqb_spec j' j) as [->|].
Qed.

Lemma with_b_same p l i : with_b p l i (b p l i) = p.
Proof.
  destruct p as [W b]. unfold with_b. f_equal. cbn. entry; intros l'; entry; intros i'.
  now destruct (Nat.eqb_spec l' l) as [->|], (Nat.eqb_spec i' i) as [->|].
Qed.
"""
_DERIVATIVE: Final = """Ltac computed := cbn [W b with_W with_b sum andb Nat.eqb].
Ltac here := rewrite ?with_W_same, ?with_b_same.
(** What a slope needs is a hypothesis, or follows from where the output's values lie. *)
Ltac ranges := {ranges}.
Ltac known :=
  here; first [match goal with H : forall _, _ |- _ => apply H; lia end | ranges; first [lra | intro; lra]].
(** An entry of layer n, where the parameter is of layer l. *)
Ltac array name n value l :=
  lazymatch eval cbv in (Nat.ltb n l) with
  | true => apply (derive_const value)
  | false => unfold name; computed; differentiate
  end.
Ltac applied ::=
  match goal with
  | |- is_derive (fun w => sum m (fun c => @?u w c)) _ _ =>
    apply (derive_sum m u); intros ? ?; cbv beta; differentiate
{rules}  end.
Ltac derivative :=
  intros; unfold E{scalars}; computed; eapply derives;
  [differentiate | here; cbv beta delta [{unfolded}]; cbn [sum]; agree].
"""
_FUNCTION: Final = """  | |- is_derive (fun w => {name} (@?u w){any}) _ _ =>
    apply (derive_comp (fun a => {name} a{others}) u); [apply D_{name}{known} | differentiate]
"""
_ARRAY: Final = """  | |- is_derive (fun w => {name} (with_W ?p ?l _ _ w) ?i ?c) _ _ =>
    array {name} constr:({layer}%nat) ({name} p i c) l
  | |- is_derive (fun w => {name} (with_b ?p ?l _ w) ?i ?c) _ _ =>
    array {name} constr:({layer}%nat) ({name} p i c) l
"""
_RANGE: Final = """unfold {array}; cbn [sum]; repeat match goal with
  | |- context [{pattern}] =>
    lazymatch goal with H : {claim} |- _ => fail | _ => assert ({claim}) by ({proof}) end
  end"""


def tactics(network: Network, derivation: Derivation, slots: Iterable[Slot]) -> str:
    """The tactic `derivative`, for the equations and the functions of a network."""
    forward = [step.target for step in derivation.forward]
    arrays = [array for array in forward if array.shape]
    scalars = [array.label for array in forward if not array.shape]
    unfolded = [array for array in arrays if array.name == "A"]
    unfolded += [step.target for step in derivation.backward]
    return _DERIVATIVE.format(
        ranges=_ranges(network),
        rules="".join([*map(_function, slots), *map(_array, arrays)]),
        scalars="".join(f", {name}" for name in scalars),
        unfolded=" ".join(array.label for array in unfolded),
    )


def _function(slot: Slot) -> str:
    count = len(arguments_of(slot)) - 1
    known = "; known" * bool(conditions_of(slot))
    return _FUNCTION.format(name=name_of(slot), any=" ?t" * count, others=" t" * count, known=known)


def _array(array: Array) -> str:
    return _ARRAY.format(name=array.label, layer=array.layer)


def _ranges(network: Network) -> str:
    """Where the output's values lie: of softmax as they are written, of a function by its lemma `R_g`."""
    activation = network.layers[-1].activation
    known = range_of(activation)
    if known is None:
        return "idtac"
    name = f"g{network.depth}"
    pattern, proof = (
        ("/ ?s * exp ?z", f"facts; {known.proof}")
        if activation.layer == "softmax"
        else (f"{name} ?z", f"apply R_{name}")
    )
    claim = known.claim.format(pattern.replace("?", ""))
    return _RANGE.format(array=f"A{network.depth}", pattern=pattern, claim=claim, proof=proof)
