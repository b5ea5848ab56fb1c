(** Finite sums and matrices.

    A matrix is a function of two indices counted from 0; its sizes are given where it is summed over, and
    entries beyond them are never used.  <A, B> = Σ_ij A_ij B_ij.  Stated here, for matrices of all sizes:

      <D, U V> = <D Vᵀ, U>,   <D, U V> = <Uᵀ D, V>,   Σ_ij Σ_kl = Σ_kl Σ_ij,   d/dt Σ = Σ d/dt. *)

From Coq Require Export Reals Lra Lia Arith Bool.
From Coquelicot Require Export Coquelicot.
Open Scope R_scope.

Definition vector := nat -> R.
Definition matrix := nat -> nat -> R.

(** Σ_{i<n} f i *)
Fixpoint sum (n : nat) (f : nat -> R) : R :=
  match n with
  | O => 0
  | S n' => sum n' f + f n'
  end.

Definition dot (n : nat) (a b : vector) : R := sum n (fun i => a i * b i).
Definition inner (p q : nat) (A B : matrix) : R := sum p (fun i => dot q (A i) (B i)).
Definition transpose (A : matrix) : matrix := fun i j => A j i.
Definition mul (n : nat) (A B : matrix) : matrix := fun i j => sum n (fun k => A i k * B k j).

Lemma sum_ext n f g : (forall i, (i < n)%nat -> f i = g i) -> sum n f = sum n g.
Proof. induction n; simpl; intros H; [|rewrite IHn, H]; auto. Qed.

Lemma sum_0 n f : (forall i, (i < n)%nat -> f i = 0) -> sum n f = 0.
Proof. induction n; simpl; intros H; [|rewrite IHn, H]; auto; lra. Qed.

Lemma zeros n : sum n (fun _ => 0) = 0.
Proof. now apply sum_0. Qed.

Lemma sum_plus n f g : sum n (fun i => f i + g i) = sum n f + sum n g.
Proof. induction n; simpl; [|rewrite IHn]; lra. Qed.

Lemma sum_minus n f g : sum n (fun i => f i - g i) = sum n f - sum n g.
Proof. induction n; simpl; [|rewrite IHn]; lra. Qed.

Lemma sum_scal n a f : sum n (fun i => a * f i) = a * sum n f.
Proof. induction n; simpl; [|rewrite IHn]; lra. Qed.

Lemma sum_const n a : sum n (fun _ => a) = INR n * a.
Proof. induction n; [|rewrite S_INR]; simpl; lra. Qed.

Lemma sum_swap p q f : sum p (fun i => sum q (fun j => f i j)) = sum q (fun j => sum p (fun i => f i j)).
Proof. induction p; simpl; [rewrite sum_0; auto | rewrite sum_plus, IHp; auto]. Qed.

Lemma sum_app p q f : sum (p + q) f = sum p f + sum q (fun i => f (p + i)%nat).
Proof. induction q; [rewrite Nat.add_0_r | rewrite Nat.add_succ_r]; simpl; lra. Qed.

Lemma sum_only n k f : (k < n)%nat -> (forall i, i <> k -> f i = 0) -> sum n f = f k.
Proof.
  intros Hk H. induction n; simpl; [lia|]. destruct (Nat.eq_dec n k) as [->|].
  - rewrite sum_0; [lra|]. intros i Hi. apply H. lia.
  - rewrite IHn, (H n); auto; try lia; lra.
Qed.

Lemma sum_nonneg n f : (forall i, (i < n)%nat -> 0 <= f i) -> 0 <= sum n f.
Proof. induction n; simpl; intros H; [lra|]. apply Rplus_le_le_0_compat; auto. Qed.

Lemma sum_positive n f : (0 < n)%nat -> (forall i, (i < n)%nat -> 0 < f i) -> 0 < sum n f.
Proof.
  induction n as [|n IH]; [lia|]; intros _ H; simpl; assert (0 < f n) by auto.
  destruct n; [simpl; lra|]. assert (0 < sum (S n) f) by (apply IH; auto with arith). lra.
Qed.

Lemma dot_ext n a a' b b' :
  (forall i, (i < n)%nat -> a i = a' i) -> (forall i, (i < n)%nat -> b i = b' i) -> dot n a b = dot n a' b'.
Proof. intros Ha Hb. apply sum_ext. intros. now rewrite Ha, Hb. Qed.

Lemma inner_ext p q A A' B B' :
  (forall i j, (i < p)%nat -> (j < q)%nat -> A i j = A' i j) ->
  (forall i j, (i < p)%nat -> (j < q)%nat -> B i j = B' i j) -> inner p q A B = inner p q A' B'.
Proof. intros HA HB. apply sum_ext. intros. apply dot_ext; auto. Qed.

Lemma inner_plus p q D A B : inner p q D (fun i j => A i j + B i j) = inner p q D A + inner p q D B.
Proof.
  unfold inner. rewrite <- sum_plus. apply sum_ext. intros. unfold dot. rewrite <- sum_plus.
  apply sum_ext. intros. ring.
Qed.

(** <D, b 1ᵀ> = <D 1, b> *)
Lemma inner_rows p m D b : inner p m D (fun i _ => b i) = dot p (fun i => sum m (D i)) b.
Proof.
  apply sum_ext. intros. unfold dot. rewrite Rmult_comm, <- sum_scal. apply sum_ext. intros. ring.
Qed.

(** <D, U V> = <D Vᵀ, U> *)
Lemma inner_mul_left p n m D U V : inner p m D (mul n U V) = inner p n (mul m D (transpose V)) U.
Proof.
  apply sum_ext. intros i _. unfold dot, mul, transpose.
  transitivity (sum m (fun c => sum n (fun j => D i c * V j c * U i j))).
  - apply sum_ext. intros. rewrite <- sum_scal. apply sum_ext. intros. ring.
  - rewrite sum_swap. apply sum_ext. intros. rewrite Rmult_comm, <- sum_scal. apply sum_ext. intros. ring.
Qed.

(** <D, U V> = <Uᵀ D, V> *)
Lemma inner_mul_right p n m D U V : inner p m D (mul n U V) = inner n m (mul p (transpose U) D) V.
Proof.
  unfold inner, dot, mul, transpose.
  transitivity (sum p (fun i => sum n (fun j => sum m (fun c => U i j * D i c * V j c)))).
  - apply sum_ext. intros. rewrite sum_swap. apply sum_ext. intros. rewrite <- sum_scal.
    apply sum_ext. intros. ring.
  - rewrite sum_swap. apply sum_ext. intros. rewrite sum_swap. apply sum_ext. intros.
    rewrite Rmult_comm, <- sum_scal. apply sum_ext. intros. ring.
Qed.

(** is_derive for a derivative that is only equal, not convertible, to the one found. *)
Lemma derives (f : R -> R) (t d d' : R) : is_derive f t d -> d = d' -> is_derive f t d'.
Proof. now intros H <-. Qed.

Lemma derive_const (a t : R) : is_derive (fun _ => a) t 0.
Proof. apply (is_derive_const (K := R_AbsRing) (V := R_NormedModule) a t). Qed.

Lemma derive_id (t : R) : is_derive (fun s => s) t 1.
Proof. apply (is_derive_id (K := R_AbsRing) t). Qed.

Lemma derive_plus (f g : R -> R) (t f' g' : R) :
  is_derive f t f' -> is_derive g t g' -> is_derive (fun s => f s + g s) t (f' + g').
Proof. apply (is_derive_plus (K := R_AbsRing) (V := R_NormedModule)). Qed.

Lemma derive_mult (f g : R -> R) (t f' g' : R) :
  is_derive f t f' -> is_derive g t g' -> is_derive (fun s => f s * g s) t (f' * g t + f t * g').
Proof. apply Derive.is_derive_mult. Qed.

Lemma derive_comp (f g : R -> R) (t f' g' : R) :
  is_derive f (g t) f' -> is_derive g t g' -> is_derive (fun s => f (g s)) t (f' * g').
Proof. intros Hf Hg. rewrite Rmult_comm. now apply (is_derive_comp f g). Qed.

Lemma derive_sum n (f : R -> nat -> R) (t : R) (f' : nat -> R) :
  (forall i, (i < n)%nat -> is_derive (fun s => f s i) t (f' i)) ->
  is_derive (fun s => sum n (f s)) t (sum n f').
Proof.
  induction n; intros H; simpl; [apply derive_const|].
  apply (derive_plus (fun s => sum n (f s)) (fun s => f s n)); auto.
Qed.
