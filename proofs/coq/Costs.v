(** Costs: the scaled sum over a batch, squared error, cross-entropy, an L2 penalty.

    C(Y) = s Σ_c ℓ_c(Y_·c) is right at Y, with ∂C/∂Y_ic = s (∂ℓ_c/∂y_i)(Y_·c), if every ℓ_c is right at its
    column; the average is s = 1/m.
    - Squared error ℓ_c(y) = ½ Σ_i (y_i − T_ic)²: ∂ℓ_c/∂y_i = y_i − T_ic, everywhere.
    - Cross-entropy ℓ_c(y) = −Σ_i T_ic ln y_i: ∂ℓ_c/∂y_i = −T_ic / y_i, where all y_i > 0.
    - [outputwise_right]  Any loss ℓ_c(y) = Σ_i e(y_i, T_ic) with a slope e′: ∂ℓ_c/∂y_i = e′(y_i, T_ic).
    - [softmax_cross_entropy]  If all columns of T sum to 1, δ^L = (A^L − T)/m for softmax with cross-entropy.
    - [weight_gradient_penalised]  With the penalty λ/2 Σ_l Σ_ij (W^l_ij)² added to E, ∂/∂W^l_ij is
      (δ^l (A^{l-1})ᵀ)_ij + λ W^l_ij. *)

From Backproof Require Export Activations Backpropagation.

Definition column (Y : matrix) (c : nat) : vector := fun i => Y i c.

Definition right_loss (n : nat) (loss : vector -> R) (slope : vector -> vector) (y : vector) : Prop :=
  forall t v v', v t = y -> vector_moves n v t v' -> is_derive (fun s => loss (v s)) t (dot n (slope y) v').

(** Sample c has the loss loss c, which holds its label. *)
Definition scaled (s : R) (m : nat) (loss : nat -> vector -> R) (Y : matrix) : R :=
  s * sum m (fun c => loss c (column Y c)).
Definition scaled_gradient (s : R) (slope : nat -> vector -> vector) (Y : matrix) : matrix :=
  fun i c => s * slope c (column Y c) i.
Definition mean (m : nat) := scaled (/ INR m) m.
Definition mean_gradient (m : nat) := scaled_gradient (/ INR m).

Theorem scaled_right s n m loss slope Y :
  (forall c, (c < m)%nat -> right_loss n (loss c) (slope c) (column Y c)) ->
  right_cost n m (scaled s m loss) (scaled_gradient s slope) Y.
Proof.
  intros H t M M' <- HM. unfold scaled.
  apply (derives _ _ (s * sum m (fun c => dot n (slope c (column (M t) c)) (column M' c)))).
  - apply is_derive_scal, (derive_sum m (fun s c => loss c (column (M s) c))). intros c Hc.
    apply (H c Hc t (fun s => column (M s) c)); [reflexivity|]. intros i Hi. now apply HM.
  - unfold inner, dot. rewrite sum_swap, <- sum_scal. apply sum_ext. intros c _. rewrite <- sum_scal.
    apply sum_ext. intros. unfold scaled_gradient, column. ring.
Qed.

Definition outputwise (n : nat) (e : R -> R -> R) (T : matrix) (c : nat) (y : vector) : R :=
  sum n (fun i => e (y i) (T i c)).
Definition outputwise_slope (e' : R -> R -> R) (T : matrix) (c : nat) (y : vector) : vector :=
  fun i => e' (y i) (T i c).

Theorem outputwise_right s n m e e' T Y :
  (forall i c, (i < n)%nat -> (c < m)%nat -> is_derive (fun a => e a (T i c)) (Y i c) (e' (Y i c) (T i c))) ->
  right_cost n m (scaled s m (outputwise n e T)) (scaled_gradient s (outputwise_slope e' T)) Y.
Proof.
  intros H. apply scaled_right. intros c Hc t v v' Hvt Hv.
  apply (derive_sum n (fun s i => e (v s i) (T i c))). intros i Hi.
  apply (derive_comp (fun a => e a (T i c)) (fun s => v s i)); [|now apply Hv].
  rewrite Hvt. now apply H.
Qed.

Definition squared_error (n : nat) (T : matrix) (c : nat) (y : vector) : R :=
  / 2 * sum n (fun i => (y i - T i c) ^ 2).
Definition squared_error_slope (T : matrix) (c : nat) (y : vector) : vector := fun i => y i - T i c.

Lemma squared_error_right n T c y : right_loss n (squared_error n T c) (squared_error_slope T c) y.
Proof.
  intros t v v' <- Hv. unfold squared_error.
  apply (derives _ _ (/ 2 * sum n (fun i => 2 * ((v t i - T i c) * v' i)))).
  - apply is_derive_scal, (derive_sum n (fun s i => (v s i - T i c) ^ 2)). intros i Hi.
    eapply derives; [apply is_derive_pow, derive_plus; [now apply Hv | apply derive_const]|]. simpl. ring.
  - rewrite sum_scal. unfold dot, squared_error_slope. field.
Qed.

Definition cross_entropy (n : nat) (T : matrix) (c : nat) (y : vector) : R :=
  - sum n (fun i => T i c * ln (y i)).
Definition cross_entropy_slope (T : matrix) (c : nat) (y : vector) : vector := fun i => - (T i c / y i).

Lemma cross_entropy_right n T c y :
  (forall i, (i < n)%nat -> 0 < y i) -> right_loss n (cross_entropy n T c) (cross_entropy_slope T c) y.
Proof.
  intros Hy t v v' Hvt Hv. unfold cross_entropy. subst y.
  apply (derives _ _ (- sum n (fun i => T i c * (/ v t i * v' i)))).
  - apply (is_derive_opp (K := R_AbsRing) (V := R_NormedModule)).
    apply (derive_sum n (fun s i => T i c * ln (v s i))). intros i Hi. apply is_derive_scal.
    apply (derive_comp ln (fun s => v s i)); [apply is_derive_ln|]; auto.
  - rewrite <- (Rmult_1_l (sum _ _)), <- Ropp_mult_distr_l_reverse, <- sum_scal. apply sum_ext. intros i Hi.
    unfold cross_entropy_slope. specialize (Hy i Hi). field. lra.
Qed.

Theorem squared_error_mean_right n m T Y :
  right_cost n m (mean m (squared_error n T)) (mean_gradient m (squared_error_slope T)) Y.
Proof. apply scaled_right. intros. apply squared_error_right. Qed.

Theorem cross_entropy_mean_right n m T Z :
  right_cost n m (mean m (cross_entropy n T)) (mean_gradient m (cross_entropy_slope T)) (softmax_value n Z).
Proof. apply scaled_right. intros. apply cross_entropy_right. intros. now apply softmax_positive. Qed.

Lemma softmax_adjoint_cross_entropy n m T theta Z i c :
  (i < n)%nat -> sum n (fun r => T r c) = 1 ->
  adjoint (softmax n) theta Z (mean_gradient m (cross_entropy_slope T) (softmax_value n Z)) i c =
  / INR m * (softmax_value n Z i c - T i c).
Proof.
  intros Hi HT. simpl. unfold mean_gradient, scaled_gradient, cross_entropy_slope, column.
  rewrite (sum_ext n _ (fun r => - / INR m * T r c)).
  - rewrite sum_scal, HT. pose proof (softmax_positive n Z i c Hi). set (y := softmax_value n Z i c) in *.
    set (w := / INR m). field. lra.
  - intros r Hr. pose proof (softmax_positive n Z r c Hr). set (y := softmax_value n Z r c) in *.
    set (w := / INR m). field. lra.
Qed.

Section Network.

Variable m : nat.
Variable n : nat -> nat.
Variable k : nat -> nat.
Variable f : nat -> map.
Variable L : nat.

(** δ^L = (A^L − T)/m, if Σ_i T_ic = 1 *)
Theorem softmax_cross_entropy T p X i c :
  f (S L) = softmax (n (S L)) -> (i < n (S L))%nat -> sum (n (S L)) (fun r => T r c) = 1 ->
  delta n f p X (S L) (mean_gradient m (cross_entropy_slope T) (A n f p X (S L))) (S L) i c =
  / INR m * (A n f p X (S L) i c - T i c).
Proof.
  intros Hf Hi HT. rewrite output_error. unfold through, Z. simpl. rewrite Hf.
  now apply (softmax_adjoint_cross_entropy _ m T (theta p (S L))).
Qed.

(** δ^L = σ′(Z^L) ∘ (A^L − T)/m *)
Theorem squared_error_output T p X sigma slope i c :
  f (S L) = elementwise sigma slope ->
  delta n f p X (S L) (mean_gradient m (squared_error_slope T) (A n f p X (S L))) (S L) i c =
  slope (Z n f p X (S L) i c) * (/ INR m * (A n f p X (S L) i c - T i c)).
Proof. intros Hf. rewrite output_error. unfold through. now rewrite Hf. Qed.

Definition penalty (lambda : R) (p : parameters) : R :=
  lambda / 2 * sum L (fun l => inner (n (S l)) (n l) (W p (S l)) (W p (S l))).

Lemma penalty_moves lambda p t p' : parameters_move n k L p t p' ->
  is_derive (fun s => penalty lambda (p s)) t
    (sum L (fun l => inner (n (S l)) (n l) (fun i j => lambda * W (p t) (S l) i j) (W p' (S l)))).
Proof.
  intros Hp. unfold penalty, inner, dot.
  eapply derives.
  - apply is_derive_scal. apply (derive_sum L (fun s l => sum (n (S l)) (fun i => sum (n l) (fun j =>
      W (p s) (S l) i j * W (p s) (S l) i j)))). intros l Hl.
    apply (derive_sum (n (S l)) (fun s i => sum (n l) (fun j => W (p s) (S l) i j * W (p s) (S l) i j))).
    intros i Hi.
    apply (derive_sum (n l) (fun s j => W (p s) (S l) i j * W (p s) (S l) i j)). intros j Hj.
    destruct (Hp l Hl) as [HW _]. apply derive_mult; now apply HW.
  - do 3 (rewrite <- sum_scal; apply sum_ext; intros). field.
Qed.

Theorem weight_gradient_penalised C G lambda p X l i j :
  (l < L)%nat -> (i < n (S l))%nat -> (j < n l)%nat -> right_everywhere m n k f L C G p X ->
  is_derive
    (fun w => E n f L C (set (weight (S l) i j) p w) X + penalty lambda (set (weight (S l) i j) p w))
    (W p (S l) i j)
    (sum m (fun c => delta n f p X L (Ybar n f L G p X) (S l) i c * A n f p X l j c) +
      lambda * W p (S l) i j).
Proof.
  intros Hl Hi Hj H. apply derive_plus; [now apply (weight_gradient m n k)|].
  eapply derives; [apply penalty_moves, set_moves|].
  rewrite set_weight, <- (sum_weight n L l i j (fun l i j => lambda * W p l i j)) by auto.
  do 3 (apply sum_ext; intros). simpl. destruct (_ : bool); ring.
Qed.

End Network.
