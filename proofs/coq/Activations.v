(** Layer maps without parameters: elementwise activations, each with its own derivative, and softmax.

    Elementwise Y_ic = σ(Z_ic): Z̄_ic = σ′(Z_ic) Ȳ_ic, right at Z if σ has the derivative σ′ at the entries of
    Z (there alone: nothing is asked of σ elsewhere).  Hence sigmoid, tanh everywhere, ReLU where no unit is
    at its kink z = 0.

    Softmax Y_ic = exp Z_ic / Σ_r exp Z_rc: Z̄_ic = Y_ic (Ȳ_ic − Σ_r Ȳ_rc Y_rc), right everywhere. *)

From Backproof Require Export Layers.

Definition plain (g : matrix -> matrix) (adj : matrix -> matrix -> matrix) : map :=
  Map (fun _ => g) (fun _ => adj) (fun _ _ _ _ => 0).

Lemma plain_right k n m g adj theta Z :
  (forall t M M', M t = Z -> moves n m M t M' ->
    exists Y', moves n m (fun s => g (M s)) t Y' /\
      forall Ybar, inner n m Ybar Y' = inner n m (adj Z Ybar) M') ->
  right k n m (plain g adj) theta Z.
Proof.
  intros H t v v' M M' _ HZ _ HM. destruct (H t M M' HZ HM) as [Y' [HY Hadj]].
  exists Y'. split; [exact HY|]. intros Ybar. rewrite Hadj. simpl.
  unfold dot. rewrite sum_0; [ring|]. intros. ring.
Qed.

Definition elementwise (sigma slope : R -> R) : map :=
  plain (fun Z i c => sigma (Z i c)) (fun Z Ybar i c => slope (Z i c) * Ybar i c).

Theorem elementwise_right k n m sigma slope theta Z :
  (forall i c, (i < n)%nat -> (c < m)%nat -> is_derive sigma (Z i c) (slope (Z i c))) ->
  right k n m (elementwise sigma slope) theta Z.
Proof.
  intros H. apply plain_right. intros t M M' <- HM. exists (fun i c => slope (M t i c) * M' i c). split.
  - intros i c Hi Hc. apply (derive_comp sigma (fun s => M s i c)); auto.
  - intros Ybar. apply sum_ext. intros. apply sum_ext. intros. ring.
Qed.

Definition sigmoid (z : R) : R := / (1 + exp (- z)).
Definition sigmoid_slope (z : R) : R := sigmoid z * (1 - sigmoid z).

Lemma sigmoid_derive z : is_derive sigmoid z (sigmoid_slope z).
Proof.
  assert (0 < exp (- z)) by apply exp_pos. eapply derives.
  - apply (is_derive_inv (fun z => 1 + exp (- z))); [|lra].
    apply derive_plus; [apply derive_const|]. apply derive_comp; [apply is_derive_exp|].
    apply (is_derive_opp (K := R_AbsRing) (V := R_NormedModule)), derive_id.
  - unfold sigmoid_slope, sigmoid, opp. simpl. field. lra.
Qed.

Definition tanh_slope (z : R) : R := 1 - tanh z ^ 2.

Lemma tanh_derive z : is_derive tanh z (tanh_slope z).
Proof.
  assert (0 < cosh z) by (pose proof (exp_pos z); pose proof (exp_pos (- z)); unfold cosh; lra).
  eapply derives.
  - apply is_derive_div; [apply is_derive_Reals, derivable_pt_lim_sinh |
      apply is_derive_Reals, derivable_pt_lim_cosh | lra].
  - unfold tanh_slope, tanh. field. lra.
Qed.

Definition relu (z : R) : R := Rmax 0 z.
Definition relu_slope (z : R) : R := if Rlt_dec 0 z then 1 else 0.

Lemma relu_derive z : z <> 0 -> is_derive relu z (relu_slope z).
Proof.
  intros Hz. unfold relu_slope, relu. destruct (Rlt_dec 0 z) as [H|H].
  - apply (is_derive_ext_loc (fun s => s)); [|apply derive_id].
    apply (filter_imp (fun s => 0 < s)); [|now apply open_gt]. intros s Hs. now rewrite Rmax_right by lra.
  - apply (is_derive_ext_loc (fun s => 0)); [|apply derive_const].
    apply (filter_imp (fun s => s < 0)); [|apply open_lt; lra]. intros s Hs. now rewrite Rmax_left by lra.
Qed.

Theorem sigmoid_right k n m theta Z : right k n m (elementwise sigmoid sigmoid_slope) theta Z.
Proof. apply elementwise_right. intros. apply sigmoid_derive. Qed.

Theorem tanh_right k n m theta Z : right k n m (elementwise tanh tanh_slope) theta Z.
Proof. apply elementwise_right. intros. apply tanh_derive. Qed.

Theorem relu_right k n m theta Z :
  (forall i c, (i < n)%nat -> (c < m)%nat -> Z i c <> 0) ->
  right k n m (elementwise relu relu_slope) theta Z.
Proof. intros H. apply elementwise_right. intros. apply relu_derive. auto. Qed.

Definition softmax_value (n : nat) (Z : matrix) : matrix :=
  fun i c => exp (Z i c) / sum n (fun r => exp (Z r c)).

Definition softmax (n : nat) : map :=
  plain (softmax_value n)
    (fun Z Ybar i c =>
      softmax_value n Z i c * (Ybar i c - sum n (fun r => Ybar r c * softmax_value n Z r c))).

Lemma exps_positive n (z : vector) : (0 < n)%nat -> 0 < sum n (fun r => exp (z r)).
Proof. intros. apply sum_positive; auto. intros. apply exp_pos. Qed.

Lemma softmax_positive n Z i c : (i < n)%nat -> 0 < softmax_value n Z i c.
Proof.
  intros. apply Rdiv_lt_0_compat; [apply exp_pos|]. apply (exps_positive n (fun r => Z r c)). lia.
Qed.

Theorem softmax_right k n m theta Z : right k n m (softmax n) theta Z.
Proof.
  apply plain_right. intros t M M' <- HM. set (Y := softmax_value n (M t)).
  exists (fun i c => Y i c * (M' i c - sum n (fun r => Y r c * M' r c))). split.
  - intros i c Hi Hc. assert (HS : 0 < sum n (fun r => exp (M t r c)))
      by (apply (exps_positive n (fun r => M t r c)); lia).
    assert (He : forall r, (r < n)%nat -> is_derive (fun s => exp (M s r c)) t (exp (M t r c) * M' r c))
      by (intros; apply (derive_comp exp (fun s => M s r c)); [apply is_derive_exp | auto]).
    eapply derives.
    + apply (is_derive_div (fun s => exp (M s i c)) (fun s => sum n (fun r => exp (M s r c))));
        [now apply He | | lra].
      apply (derive_sum n (fun s r => exp (M s r c))). exact He.
    + subst Y. rewrite (sum_ext n (fun r => softmax_value n (M t) r c * M' r c)
        (fun r => / sum n (fun r => exp (M t r c)) * (exp (M t r c) * M' r c))).
      * rewrite sum_scal. unfold softmax_value. field. lra.
      * intros. unfold softmax_value. field. lra.
  - intros Ybar. unfold inner, dot. simpl. fold Y. rewrite (sum_swap n m), (sum_swap n m).
    apply sum_ext. intros c _. set (s := sum n (fun r => Ybar r c * Y r c)).
    set (u := sum n (fun r => Y r c * M' r c)).
    rewrite (sum_ext n _ (fun i => Y i c * Ybar i c * M' i c - u * (Ybar i c * Y i c))) by (intros; ring).
    rewrite sum_minus, sum_scal. fold s.
    rewrite (sum_ext n (fun i => Y i c * (Ybar i c - s) * M' i c)
      (fun i => Y i c * Ybar i c * M' i c - s * (Y i c * M' i c))) by (intros; ring).
    rewrite sum_minus, sum_scal. fold u. ring.
Qed.
