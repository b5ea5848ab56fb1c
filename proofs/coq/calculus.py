"""The calculus that a network's Coq file starts with: rules of differentiation, and the tactic that applies
them.

Of the functions of `words` a file has those that its formulas use. What is f if u < v, and else g, has the
derivative of the one or the other wherever u ≠ v, since the case that holds there holds around.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from proofs.coq.words import Word

_BASE: Final = """From Coq Require Import Reals Lra Lia Arith Bool.
From Coquelicot Require Import Coquelicot.
Open Scope R_scope.

(** Σ_{i=1..n} f i *)
Fixpoint sum (n : nat) (f : nat -> R) : R :=
  match n with
  | O => 0
  | S k => sum k f + f (S k)
  end.

Lemma sum_ext n f g : (forall i, f i = g i) -> sum n f = sum n g.
Proof. intros H. induction n; simpl; [easy | now rewrite IHn, H]. Qed.

Lemma sum_scal n a f : a * sum n f = sum n (fun i => a * f i).
Proof. induction n; simpl; [|rewrite <- IHn]; ring. Qed.

Lemma sum_scaled n a f g : (forall i, a * f i = g i) -> a * sum n f = sum n g.
Proof. intros H. rewrite sum_scal. now apply sum_ext. Qed.

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

Lemma derive_power (f : R -> R) (t f' : R) n :
  is_derive f t f' -> is_derive (fun s => f s ^ n) t (INR n * f' * f t ^ pred n).
Proof. apply is_derive_pow. Qed.

Lemma derive_comp (f g : R -> R) (t f' g' : R) :
  is_derive f (g t) f' -> is_derive g t g' -> is_derive (fun s => f (g s)) t (f' * g').
Proof. intros Hf Hg. rewrite Rmult_comm. now apply (is_derive_comp f g). Qed.

Lemma derive_Rinv x : x <> 0 -> is_derive Rinv x (- (/ x * / x)).
Proof.
  intros H. apply (derives _ _ (- 1 / x ^ 2)); [|now field].
  apply (is_derive_inv (fun s => s)); [apply derive_id | easy].
Qed.

Lemma share x s : 0 < x -> x < s -> 0 < / s * x < 1.
Proof.
  intros Hx H. split; [apply Rmult_lt_0_compat; [apply Rinv_0_lt_compat|]; lra|].
  apply (Rmult_lt_reg_r s); [lra|]. rewrite Rmult_comm, <- Rmult_assoc, Rinv_r; lra.
Qed.

Lemma derive_sum n (f : R -> nat -> R) (t : R) (f' : nat -> R) :
  (forall i, (1 <= i <= n)%nat -> is_derive (fun s => f s i) t (f' i)) ->
  is_derive (fun s => sum n (f s)) t (sum n f').
Proof.
  induction n; intros H; simpl; [apply derive_const|].
  apply (derive_plus (fun s => sum n (f s)) (fun s => f s (S n))); [apply IHn; intros|]; apply H; lia.
Qed.
"""
_CASES: Final = """(** Where the sides of a comparison differ, it holds around t if it holds at t. *)
Lemma stays u v t : ex_derive u t -> ex_derive v t -> u t < v t -> locally t (fun s => u s < v s).
Proof.
  intros Hu Hv H.
  assert (K : continuous (fun s => v s - u s) t).
  { apply (ex_derive_continuous (K := R_AbsRing) (V := R_NormedModule)). now auto_derive. }
  apply (filter_imp (fun s => 0 < v s - u s)); [intros s; lra|].
  apply (K (fun y => 0 < y)), (open_gt 0). lra.
Qed.

Section Cases.

Variables (A B : R -> R -> Prop) (decide : forall x y, {A x y} + {B x y}).
Hypothesis below : forall x y, x < y -> ~ B x y.
Hypothesis above : forall x y, y < x -> ~ A x y.

Lemma derive_cases (u v f g : R -> R) (t f' g' : R) :
  ex_derive u t -> ex_derive v t -> u t <> v t ->
  (u t < v t -> is_derive f t f') -> (v t < u t -> is_derive g t g') ->
  is_derive (fun s => if decide (u s) (v s) then f s else g s) t (if decide (u t) (v t) then f' else g').
Proof.
  intros Hu Hv H Hf Hg. destruct (Rdichotomy _ _ H) as [L|L].
  - apply (is_derive_ext_loc f).
    + generalize (stays u v t Hu Hv L). apply filter_imp. intros s K.
      destruct (decide (u s) (v s)) as [|N]; [easy | now destruct (below _ _ K)].
    + destruct (decide (u t) (v t)) as [|N]; [auto | now destruct (below _ _ L)].
  - apply (is_derive_ext_loc g).
    + generalize (stays v u t Hv Hu L). apply filter_imp. intros s K.
      destruct (decide (u s) (v s)) as [N|]; [now destruct (above _ _ K) | easy].
    + destruct (decide (u t) (v t)) as [N|]; [now destruct (above _ _ L) | auto].
Qed.

End Cases.

Definition derive_less := derive_cases Rlt (fun x y => ~ x < y) Rlt_dec
  (fun x y H K => K H) (fun x y => Rlt_asym y x).
Definition derive_at_most := derive_cases Rle (fun x y => ~ x <= y) Rle_dec
  (fun x y H K => K (Rlt_le _ _ H)) (fun x y => Rlt_not_le x y).

Lemma derive_given (P Q : Prop) (c : {P} + {Q}) (f g : R -> R) (t f' g' : R) :
  is_derive f t f' -> is_derive g t g' ->
  is_derive (fun s => if c then f s else g s) t (if c then f' else g').
Proof. now destruct c. Qed.
"""
_TACTICS: Final = """(** What is positive of what the goal speaks of; and what a rule needs, case by case. *)
Ltac facts := repeat match goal with
  | |- context [?u ^ 2] =>
    lazymatch goal with H : 0 <= u ^ 2 |- _ => fail | _ => pose proof (pow2_ge_0 u) end
{facts}  end
with side := repeat split; cases; facts; first [assumption | lra | nra | intro; lra | intro; nra]
with cases := repeat match goal with
  | |- context [Rlt_dec ?x ?y] => destruct (Rlt_dec x y)
  | |- context [Rle_dec ?x ?y] => destruct (Rle_dec x y)
  end.
Ltac applied := fail.
Ltac differentiate :=
  match goal with
  | |- is_derive (fun _ => ?a) _ _ => apply derive_const
  | |- is_derive (fun w => w) _ _ => apply derive_id
  | |- is_derive (fun w => @?u w + @?v w) _ _ => apply (derive_plus u v); differentiate
  | |- is_derive (fun w => ?a * @?u w) _ _ => apply (derive_scal a u); differentiate
  | |- is_derive (fun w => @?u w * @?v w) _ _ => apply (derive_mult u v); differentiate
  | |- is_derive (fun w => @?u w ^ ?n) _ _ => apply (derive_power u); differentiate
{rules}  | _ => applied
  end.
(** Arguments of exp that are equal, written alike. *)
Ltac exponents := repeat match goal with
  | |- context [exp ?u] =>
    match goal with
    | |- context [exp ?v] => tryif constr_eq u v then fail else
      replace v with u by (rewrite ?Rpow_mult_distr, ?pow2_sqrt by lra; field)
    end
  end.
Ltac slope := intros; eapply derives; [differentiate | cbn [INR Nat.pred]; exponents; cases; field; side].
(** Equal sums of equal terms, whatever the order of their factors. *)
Ltac agree :=
  first [solve [first [apply sum_ext | apply sum_scaled]; intros; ring] | rewrite ?sum_scal; try ring; sums]
with sums :=
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
_FACT: Final = """  | |- context [{pattern}] =>
    lazymatch goal with H : 0 < {value} |- _ => fail | _ => {fact} end
"""
_FUNCTION: Final = """  | |- is_derive (fun w => {name} (@?u w)) _ _ =>
    apply (derive_comp {name} u); [apply derive_{name}{side} | differentiate]
"""
_IF: Final = """  | |- is_derive (fun w => if {decide} (@?u w) (@?v w) then @?f w else @?g w) _ _ =>
    apply ({lemma} u v f g); [eexists; differentiate | eexists; differentiate | side | |];
    intro; differentiate
"""
_IFS: Final = (
    "  | |- is_derive (fun w => if ?c then @?f w else @?g w) _ _ =>\n"
    "    apply (derive_given _ _ c f g); differentiate\n"
    + _IF.format(decide="Rlt_dec", lemma="derive_less")
    + _IF.format(decide="Rle_dec", lemma="derive_at_most")
)
_INVERSE: Final = Word("Rinv", needs_side=True)


def calculus(words: Iterable[Word], *, by_cases: bool) -> str:
    """The lemmas and tactics for formulas in these words, with functions defined by cases or without."""
    functions = [word for word in words if word.lemma]
    facts = [
        _FACT.format(pattern=word.met, value=word.met.replace("?", ""), fact=word.fact)
        for word in words
        if word.fact
    ]
    rules = [
        _FUNCTION.format(name=word.name, side="; side" * word.needs_side) for word in (_INVERSE, *functions)
    ]
    tactics = _TACTICS.format(facts="".join(facts), rules="".join([*rules, *[_IFS] * by_cases]))
    return "\n".join([_BASE, *(word.lemma for word in functions), *[_CASES] * by_cases, tactics])
