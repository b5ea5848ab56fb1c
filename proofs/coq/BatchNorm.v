(** Batch normalisation in training mode: with ε > 0, every unit i is normalised over the m > 0 samples:

      μ_i = 1/m Σ_c Z_ic,  v_i = 1/m Σ_c (Z_ic − μ_i)²,  s_i = √(v_i + ε),  x_ic = (Z_ic − μ_i)/s_i,
      Y_ic = γ_i x_ic + β_i.

    Theorem [batch_norm_right].  With the adjoint, <·> the average over the samples of unit i,

      Z̄_ic = γ_i/s_i (Ȳ_ic − <Ȳ_i> − x_ic <Ȳ_i x_i>),   γ̄_i = Σ_c Ȳ_ic x_ic,   β̄_i = Σ_c Ȳ_ic,

    it is right everywhere.  Its parameters are one vector: γ_i = θ_i, β_i = θ_{n+i}. *)

From Backproof Require Export Layers.

Definition average (m : nat) (z : vector) : R := / INR m * sum m z.
Definition centred (m : nat) (z : vector) : vector := fun c => z c - average m z.
Definition deviation (m : nat) (eps : R) (z : vector) : R :=
  sqrt (average m (fun c => centred m z c ^ 2) + eps).
Definition normal (m : nat) (eps : R) (z : vector) : vector := fun c => centred m z c / deviation m eps z.

Definition batch_norm (n m : nat) (eps : R) : map :=
  Map
    (fun theta Z i c => theta i * normal m eps (Z i) c + theta (n + i)%nat)
    (fun theta Z Ybar i c => theta i / deviation m eps (Z i) *
      (Ybar i c - average m (Ybar i) -
        normal m eps (Z i) c * average m (fun e => Ybar i e * normal m eps (Z i) e)))
    (fun theta Z Ybar i =>
      if (i <? n)%nat then sum m (fun c => Ybar i c * normal m eps (Z i) c) else sum m (Ybar (i - n)%nat)).

Section Row.

Variable m : nat.
Variable eps : R.
Hypothesis Hm : (0 < m)%nat.
Hypothesis Heps : 0 < eps.

Lemma INR_positive : 0 < INR m.
Proof. now apply lt_0_INR. Qed.

Lemma average_centred z : average m (centred m z) = 0.
Proof.
  pose proof INR_positive. unfold average, centred. rewrite sum_minus, sum_const. unfold average. field. lra.
Qed.

Lemma under_root_positive z : 0 < average m (fun c => centred m z c ^ 2) + eps.
Proof.
  apply Rplus_le_lt_0_compat; [|exact Heps].
  apply Rmult_le_pos; [left; apply Rinv_0_lt_compat, INR_positive|].
  apply sum_nonneg. intros. apply pow2_ge_0.
Qed.

Lemma deviation_positive z : 0 < deviation m eps z.
Proof. apply sqrt_lt_R0, under_root_positive. Qed.

Lemma average_moves z t z' : vector_moves m z t z' ->
  is_derive (fun s => average m (z s)) t (average m z').
Proof. intros Hz. apply is_derive_scal, (derive_sum m z). exact Hz. Qed.

Lemma centred_moves z t z' : vector_moves m z t z' ->
  vector_moves m (fun s => centred m (z s)) t (centred m z').
Proof.
  intros Hz c Hc. apply (is_derive_minus (K := R_AbsRing) (V := R_NormedModule)); [auto|].
  now apply average_moves.
Qed.

(** ṡ = <x ż> *)
Lemma deviation_moves z t z' : vector_moves m z t z' ->
  is_derive (fun s => deviation m eps (z s)) t (average m (fun c => normal m eps (z t) c * z' c)).
Proof.
  intros Hz. eapply derives.
  - apply is_derive_sqrt; [|apply under_root_positive].
    apply derive_plus; [|apply derive_const].
    apply (average_moves (fun s c => centred m (z s) c ^ 2) t
      (fun c => 2 * (centred m (z t) c * centred m z' c))).
    intros c Hc. eapply derives; [apply is_derive_pow, centred_moves; eauto|]. simpl. ring.
  - change (sqrt _) with (deviation m eps (z t)). pose proof (deviation_positive (z t)).
    pose proof (average_centred (z t)) as H0. unfold average in H0 |- *.
    rewrite (sum_ext m (fun c => normal m eps (z t) c * z' c)
      (fun c => / deviation m eps (z t) * (centred m (z t) c * z' c))) by (intros; unfold normal; field; lra).
    rewrite (sum_ext m (fun c => 2 * _)
      (fun c => 2 * (centred m (z t) c * z' c) - 2 * average m z' * centred m (z t) c))
      by (intros; unfold centred at 2; ring).
    rewrite sum_minus, !sum_scal, Rmult_minus_distr_l.
    replace (/ INR m * (2 * average m z' * sum m (centred m (z t)))) with 0
      by (rewrite <- (Rmult_0_r (2 * average m z')), <- H0; ring).
    set (d := deviation m eps (z t)) in *. set (w := / INR m). field. lra.
Qed.

Lemma normal_moves z t z' : vector_moves m z t z' ->
  vector_moves m (fun s => normal m eps (z s)) t
    (fun c => / deviation m eps (z t) *
      (z' c - average m z' - normal m eps (z t) c * average m (fun e => normal m eps (z t) e * z' e))).
Proof.
  intros Hz c Hc. pose proof (deviation_positive (z t)). eapply derives.
  - apply (is_derive_div (fun s => centred m (z s) c) (fun s => deviation m eps (z s))).
    + exact (centred_moves z t z' Hz c Hc).
    + exact (deviation_moves z t z' Hz).
    + lra.
  - set (a := average m (fun e => normal m eps (z t) e * z' e)). unfold normal.
    set (d := deviation m eps (z t)) in *. unfold centred. field. lra.
Qed.

(** The derivative of the normalisation is its own adjoint. *)
Lemma normal_adjoint z y z' s :
  dot m y (fun c =>
    s * (z' c - average m z' - normal m eps z c * average m (fun e => normal m eps z e * z' e))) =
  dot m (fun c =>
    s * (y c - average m y - normal m eps z c * average m (fun e => y e * normal m eps z e))) z'.
Proof.
  set (x := normal m eps z). unfold dot.
  set (p := average m (fun e => x e * z' e)). set (q := average m (fun e => y e * x e)).
  rewrite (sum_ext m _ (fun c => s * (y c * z' c) - s * average m z' * y c - s * p * (y c * x c)))
    by (intros; ring).
  rewrite (sum_ext m (fun c => _ * z' c)
    (fun c => s * (y c * z' c) - s * average m y * z' c - s * q * (x c * z' c))) by (intros; ring).
  rewrite !sum_minus, !sum_scal. unfold p, q, average. ring.
Qed.

End Row.

Theorem batch_norm_right n m eps theta Z : (0 < m)%nat -> 0 < eps ->
  right (n + n) n m (batch_norm n m eps) theta Z.
Proof.
  intros Hm Heps t v v' M M' <- <- Hv HM. eexists. split.
  - intros i c Hi Hc. simpl. apply derive_plus; [|apply Hv; lia].
    apply derive_mult; [apply Hv; lia|].
    apply (normal_moves m eps Hm Heps (fun s => M s i) t (M' i)); [|exact Hc].
    intros e He. now apply HM.
  - intros Ybar. unfold inner at 1, dot at 2. rewrite sum_app, <- !sum_plus. unfold inner.
    rewrite <- sum_plus. apply sum_ext. intros i Hi. cbn [own adjoint batch_norm].
    rewrite (proj2 (Nat.ltb_lt i n) Hi), (proj2 (Nat.ltb_ge (n + i) n)) by lia.
    replace (n + i - n)%nat with i by lia. rewrite <- normal_adjoint. unfold dot.
    rewrite !(Rmult_comm (sum _ _)), <- !sum_scal, <- !sum_plus. apply sum_ext. intros. field.
    pose proof (deviation_positive m eps Hm Heps (M t i)). lra.
Qed.
