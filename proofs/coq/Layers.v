(** What it means that a layer's backward rule is right, and the affine layer.

    Everything that may vary (weights, biases, inputs) is a differentiable curve in one real t, so that the
    derivative of one real function of one real variable is all the calculus needed.

    A map Y = g(θ, Z) with parameters θ and adjoint Ȳ ↦ (θ̄, Z̄) is *right at (θ, Z)* if for every curve
    through (θ, Z) that is differentiable at t the image is differentiable at t, and
    <Ȳ, Ẏ> = <θ̄, θ̇> + <Z̄, Ż> for all Ȳ.  Right maps compose ([compose_right]).  A cost C with gradient G is
    *right at Y* if d/dt C = <G(Y), Ẏ> along every such curve through Y.

    Affine layer Z = W A + b 1ᵀ: it is differentiable with Ż = Ẇ A + W Ȧ + ḃ 1ᵀ, and
      <δ, Ż> = <δ 1, ḃ> + <δ Aᵀ, Ẇ> + <Wᵀ δ, Ȧ>. *)

From Backproof Require Export Sums.

(** The entries of the p × q matrix M have at t the derivatives M'. *)
Definition moves (p q : nat) (M : R -> matrix) (t : R) (M' : matrix) : Prop :=
  forall i j, (i < p)%nat -> (j < q)%nat -> is_derive (fun s => M s i j) t (M' i j).

Definition vector_moves (k : nat) (v : R -> vector) (t : R) (v' : vector) : Prop :=
  forall i, (i < k)%nat -> is_derive (fun s => v s i) t (v' i).

(** Y = value θ Z;  Z̄ = adjoint θ Z Ȳ;  θ̄ = own θ Z Ȳ. *)
Record map := Map {
  value : vector -> matrix -> matrix;
  adjoint : vector -> matrix -> matrix -> matrix;
  own : vector -> matrix -> matrix -> vector
}.

(** k parameters, n units, m samples *)
Definition right (k n m : nat) (g : map) (theta : vector) (Z : matrix) : Prop :=
  forall (t : R) (v : R -> vector) (v' : vector) (M : R -> matrix) (M' : matrix),
    v t = theta -> M t = Z -> vector_moves k v t v' -> moves n m M t M' ->
    exists Y', moves n m (fun s => value g (v s) (M s)) t Y' /\
      forall Ybar, inner n m Ybar Y' =
        dot k (own g theta Z Ybar) v' + inner n m (adjoint g theta Z Ybar) M'.

(** h after g, both with the parameters θ. *)
Definition compose (g h : map) : map :=
  Map
    (fun theta Z => value h theta (value g theta Z))
    (fun theta Z Ybar => adjoint g theta Z (adjoint h theta (value g theta Z) Ybar))
    (fun theta Z Ybar i =>
      own g theta Z (adjoint h theta (value g theta Z) Ybar) i + own h theta (value g theta Z) Ybar i).

Theorem compose_right k n m g h theta Z :
  right k n m g theta Z -> right k n m h theta (value g theta Z) -> right k n m (compose g h) theta Z.
Proof.
  intros Hg Hh t v v' M M' <- <- Hv HM.
  destruct (Hg t v v' M M' eq_refl eq_refl Hv HM) as [Y' [HY Hgadj]].
  destruct (Hh t v v' (fun s => value g (v s) (M s)) Y' eq_refl eq_refl Hv HY) as [U' [HU Hhadj]].
  exists U'. split; [exact HU|]. intros Ubar. rewrite Hhadj, Hgadj. simpl. unfold dot.
  rewrite <- Rplus_assoc, <- sum_plus. f_equal. apply sum_ext. intros. ring.
Qed.

Definition right_cost (n m : nat) (C : matrix -> R) (G : matrix -> matrix) (Y : matrix) : Prop :=
  forall (t : R) (M : R -> matrix) (M' : matrix),
    M t = Y -> moves n m M t M' -> is_derive (fun s => C (M s)) t (inner n m (G Y) M').

Definition affine (n : nat) (W : matrix) (b : vector) (A : matrix) : matrix :=
  fun i c => mul n W A i c + b i.

Lemma affine_moves n p m W W' b b' A A' t :
  moves n p W t W' -> vector_moves n b t b' -> moves p m A t A' ->
  moves n m (fun s => affine p (W s) (b s) (A s)) t
    (fun i c => mul p W' (A t) i c + mul p (W t) A' i c + b' i).
Proof.
  intros HW Hb HA i c Hi Hc. unfold affine, mul. rewrite <- sum_plus.
  apply derive_plus; [|now apply Hb].
  apply (derive_sum p (fun s j => W s i j * A s j c)). intros j Hj. apply derive_mult; auto.
Qed.

Lemma affine_adjoint n p m D W W' b' A A' :
  inner n m D (fun i c => mul p W' A i c + mul p W A' i c + b' i) =
  dot n (fun i => sum m (D i)) b' + inner n p (mul m D (transpose A)) W' +
  inner p m (mul n (transpose W) D) A'.
Proof. rewrite !inner_plus, inner_rows, inner_mul_left, inner_mul_right. ring. Qed.
