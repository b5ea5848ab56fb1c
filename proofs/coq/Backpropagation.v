(** The backpropagation theorem, for every depth, every widths, every batch size.

    A network of L layers on a batch of m samples (columns), layer l = 1..L with n_l units:

      A⁰ = X,   Z^l = W^l A^{l-1} + b^l 1ᵀ,   A^l = f_l(θ^l, Z^l),   E = C(A^L).

    The f_l are any maps (elementwise activations, softmax, batch norm, …, each layer its own) and C any cost.
    The backward pass from the cotangent Ȳ of A^L is

      Ā^L = Ȳ,   δ^l = adjoint of f_l at (θ^l, Z^l) applied to Ā^l,   Ā^{l-1} = (W^l)ᵀ δ^l

    ([output_error], [recursion]); θ̄^l is the cotangent of f_l's own parameters.

    Theorem [backpropagation].  Let parameters and input be curves differentiable at t, every f_l right at
    (θ^l, Z^l) and C right at A^L (Layers.v).  Then E is differentiable at t, and with Ȳ = ∇C(A^L)

      dE/dt = Σ_{l=1..L} (<δ^l 1, ḃ^l> + <δ^l (A^{l-1})ᵀ, Ẇ^l> + <θ̄^l, θ̇^l>) + <Ā⁰, Ẋ>.

    Corollaries: [weight_gradient] ∂E/∂W^l_ij = (δ^l (A^{l-1})ᵀ)_ij; [bias_gradient] ∂E/∂b^l_i = Σ_c δ^l_ic;
    [own_gradient] ∂E/∂θ^l_i = θ̄^l_i; [input_gradient] ∂E/∂X_ic = Ā⁰_ic; [shared_parameters] where one number
    stands in many places, of one layer (a convolution) or of several, its derivative is the sum of theirs. *)

From Coq Require Import FunctionalExtensionality.
From Backproof Require Export Layers.

Record parameters := Parameters {
  W : nat -> matrix;
  b : nat -> vector;
  theta : nat -> vector
}.

Definition nothing : parameters := Parameters (fun _ _ _ => 0) (fun _ _ => 0) (fun _ _ => 0).

(** The places of the entries that stand for one and the same number, and the network in which it is w. *)
Record places := Places {
  weights : nat -> nat -> nat -> bool;
  biases : nat -> nat -> bool;
  owned : nat -> nat -> bool
}.

Definition set (s : places) (p : parameters) (w : R) : parameters :=
  Parameters
    (fun l i j => if weights s l i j then w else W p l i j)
    (fun l i => if biases s l i then w else b p l i)
    (fun l i => if owned s l i then w else theta p l i).

Lemma derive_place (here : bool) (a w : R) :
  is_derive (fun u => if here then u else a) w (if here then 1 else 0).
Proof. destruct here; [apply derive_id | apply derive_const]. Qed.

Definition at2 (l i l' i' : nat) : bool := ((l' =? l) && (i' =? i))%nat.
Definition weight (l i j : nat) : places :=
  Places (fun l' i' j' => at2 l i l' i' && (j' =? j)%nat) (fun _ _ => false) (fun _ _ => false).
Definition bias (l i : nat) : places := Places (fun _ _ _ => false) (at2 l i) (fun _ _ => false).
Definition own_parameter (l i : nat) : places := Places (fun _ _ _ => false) (fun _ _ => false) (at2 l i).

Lemma at2_true l i l' i' : at2 l i l' i' = true -> l' = l /\ i' = i.
Proof. intros [? ?]%andb_prop. now split; apply Nat.eqb_eq. Qed.

Lemma set_weight p l i j : set (weight l i j) p (W p l i j) = p.
Proof.
  destruct p as [W b theta]. unfold set; simpl. f_equal. do 3 (apply functional_extensionality; intro).
  destruct (_ && _) eqn:H; [|easy]. apply andb_prop in H as [[-> ->]%at2_true ->%Nat.eqb_eq]. easy.
Qed.

Lemma set_bias p l i : set (bias l i) p (b p l i) = p.
Proof.
  destruct p as [W b theta]. unfold set; simpl. f_equal. do 2 (apply functional_extensionality; intro).
  destruct (at2 _ _ _ _) eqn:H; [|easy]. apply at2_true in H as [-> ->]. easy.
Qed.

Lemma set_own p l i : set (own_parameter l i) p (theta p l i) = p.
Proof.
  destruct p as [W b theta]. unfold set; simpl. f_equal. do 2 (apply functional_extensionality; intro).
  destruct (at2 _ _ _ _) eqn:H; [|easy]. apply at2_true in H as [-> ->]. easy.
Qed.

Section Network.

Variable m : nat.
Variable n : nat -> nat.
Variable k : nat -> nat.
Variable f : nat -> map.

Section Passes.

Variable p : parameters.
Variable X : matrix.

Fixpoint A (l : nat) : matrix :=
  match l with
  | O => X
  | S l' => value (f l) (theta p l) (affine (n l') (W p l) (b p l) (A l'))
  end.

Definition Z (l : nat) : matrix := affine (n (pred l)) (W p l) (b p l) (A (pred l)).

(** Cotangents of Z^l, A^{l-1} from the cotangent of A^l. *)
Definition through (l : nat) (Abar : matrix) : matrix := adjoint (f l) (theta p l) (Z l) Abar.
Definition back (l : nat) (Abar : matrix) : matrix := mul (n l) (transpose (W p l)) (through l Abar).

(** Ā^l in the network of the first L layers whose output has the cotangent Ybar. *)
Fixpoint Abar (L : nat) (Ybar : matrix) (l : nat) : matrix :=
  match L with
  | O => Ybar
  | S L' => if (l =? L)%nat then Ybar else Abar L' (back L Ybar) l
  end.

Definition delta (L : nat) (Ybar : matrix) (l : nat) : matrix := through l (Abar L Ybar l).
Definition Wbar (L : nat) (Ybar : matrix) (l : nat) : matrix :=
  mul m (delta L Ybar l) (transpose (A (pred l))).
Definition bbar (L : nat) (Ybar : matrix) (l : nat) : vector := fun i => sum m (delta L Ybar l i).
Definition thetabar (L : nat) (Ybar : matrix) (l : nat) : vector :=
  own (f l) (theta p l) (Z l) (Abar L Ybar l).

(** δ^L = adjoint of f_L applied to ∇C *)
Theorem output_error L Ybar : delta L Ybar L = through L Ybar.
Proof. unfold delta. destruct L; simpl; now rewrite ?Nat.eqb_refl. Qed.

Lemma Abar_recursion L Ybar l : (l < L)%nat -> Abar L Ybar l = back (S l) (Abar L Ybar (S l)).
Proof.
  revert Ybar. induction L as [|L IH]; intros Ybar H; [lia|]. simpl.
  destruct (Nat.eqb_spec l (S L)); [lia|]. destruct (Nat.eqb_spec l L) as [->|].
  - destruct L; simpl; now rewrite ?Nat.eqb_refl.
  - apply IH. lia.
Qed.

(** δ^l = adjoint of f_l applied to (W^{l+1})ᵀ δ^{l+1} *)
Theorem recursion L Ybar l : (l < L)%nat ->
  delta L Ybar l = through l (mul (n (S l)) (transpose (W p (S l))) (delta L Ybar (S l))).
Proof. intros H. unfold delta at 1. now rewrite Abar_recursion. Qed.

End Passes.

Definition parameters_move (L : nat) (p : R -> parameters) (t : R) (p' : parameters) : Prop :=
  forall l, (l < L)%nat ->
    moves (n (S l)) (n l) (fun s => W (p s) (S l)) t (W p' (S l)) /\
    vector_moves (n (S l)) (fun s => b (p s) (S l)) t (b p' (S l)) /\
    vector_moves (k (S l)) (fun s => theta (p s) (S l)) t (theta p' (S l)).

Lemma set_moves L s p w : parameters_move L (set s p) w (set s nothing 1).
Proof. intros l _. split; [|split]; intros i; intros; apply derive_place. Qed.

(** Only the entry at the place contributes. *)
Lemma sum_weight L l i j (G : nat -> matrix) : (l < L)%nat -> (i < n (S l))%nat -> (j < n l)%nat ->
  sum L (fun l' => sum (n (S l')) (fun i' => sum (n l') (fun j' =>
    if weights (weight (S l) i j) (S l') i' j' then G (S l') i' j' else 0))) = G (S l) i j.
Proof.
  intros Hl Hi Hj. unfold weight, at2. simpl. rewrite (sum_only L l); auto.
  - rewrite (sum_only (n (S l)) i), (sum_only (n l) j); auto.
    + now rewrite !Nat.eqb_refl.
    + intros j' ->%Nat.eqb_neq. now rewrite andb_false_r.
    + intros i' ->%Nat.eqb_neq. rewrite andb_false_r. apply zeros.
  - intros l' ->%Nat.eqb_neq. simpl. now rewrite !zeros.
Qed.

Definition right_layers (L : nat) (p : parameters) (X : matrix) : Prop :=
  forall l, (l < L)%nat -> right (k (S l)) (n (S l)) m (f (S l)) (theta p (S l)) (Z p X (S l)).

(** Σ_l (<δ^l 1, ḃ^l> + <δ^l (A^{l-1})ᵀ, Ẇ^l> + <θ̄^l, θ̇^l>) *)
Definition pairing (L : nat) (p : parameters) (X : matrix) (Ybar : matrix) (p' : parameters) : R :=
  sum L (fun l =>
    dot (n (S l)) (bbar p X L Ybar (S l)) (b p' (S l)) +
    inner (n (S l)) (n l) (Wbar p X L Ybar (S l)) (W p' (S l)) +
    dot (k (S l)) (thetabar p X L Ybar (S l)) (theta p' (S l))).

Lemma pairing_S L p X Ybar p' :
  pairing (S L) p X Ybar p' =
  pairing L p X (back p X (S L) Ybar) p' +
  (dot (n (S L)) (fun i => sum m (through p X (S L) Ybar i)) (b p' (S L)) +
   inner (n (S L)) (n L) (mul m (through p X (S L) Ybar) (transpose (A p X L))) (W p' (S L)) +
   dot (k (S L)) (own (f (S L)) (theta p (S L)) (Z p X (S L)) Ybar) (theta p' (S L))).
Proof.
  unfold pairing, bbar, Wbar, thetabar, delta. simpl sum. f_equal.
  - apply sum_ext. intros l Hl. simpl. destruct (Nat.eqb_spec l L); [lia|easy].
  - simpl. now rewrite Nat.eqb_refl.
Qed.

(** The network itself is a right map of its parameters and its input. *)
Theorem right_network L p p' X X' t :
  parameters_move L p t p' -> moves (n 0) m X t X' -> right_layers L (p t) (X t) ->
  exists Y', moves (n L) m (fun s => A (p s) (X s) L) t Y' /\
    forall Ybar, inner (n L) m Ybar Y' =
      pairing L (p t) (X t) Ybar p' + inner (n 0) m (Abar (p t) (X t) L Ybar 0) X'.
Proof.
  intros Hp HX. induction L as [|L IH]; intros Hf.
  - exists X'. split; [exact HX|]. intros. unfold pairing. simpl. ring.
  - destruct IH as [A' [HA Hadj]]; try (intros l Hl; first [apply Hp | apply Hf]; lia).
    destruct (Hp L) as [HW [Hb Htheta]]; [lia|].
    destruct (Hf L (Nat.lt_succ_diag_r L) t (fun s => theta (p s) (S L)) (theta p' (S L))
      (fun s => Z (p s) (X s) (S L)) _ eq_refl eq_refl Htheta (affine_moves _ _ _ _ _ _ _ _ _ _ HW Hb HA))
      as [Y' [HY HYadj]].
    exists Y'. split; [exact HY|]. intros Ybar. rewrite HYadj, affine_adjoint.
    change (inner (n L) m _ A') with (inner (n L) m (back (p t) (X t) (S L) Ybar) A').
    rewrite Hadj, pairing_S. unfold through. simpl. ring.
Qed.

Section Cost.

Variable L : nat.
Variable C : matrix -> R.
Variable G : matrix -> matrix.

Definition E (p : parameters) (X : matrix) : R := C (A p X L).
Definition Ybar (p : parameters) (X : matrix) : matrix := G (A p X L).

Definition right_everywhere (p : parameters) (X : matrix) : Prop :=
  right_layers L p X /\ right_cost (n L) m C G (A p X L).

Theorem backpropagation p p' X X' t :
  parameters_move L p t p' -> moves (n 0) m X t X' -> right_everywhere (p t) (X t) ->
  is_derive (fun s => E (p s) (X s)) t
    (pairing L (p t) (X t) (Ybar (p t) (X t)) p' +
     inner (n 0) m (Abar (p t) (X t) L (Ybar (p t) (X t)) 0) X').
Proof.
  intros Hp HX [Hf HC]. destruct (right_network L p p' X X' t Hp HX Hf) as [Y' [HY Hadj]].
  unfold Ybar. rewrite <- Hadj. now apply (HC t (fun s => A (p s) (X s) L)).
Qed.

(** The gradient with respect to one number w that stands at all the places s. *)
Definition shared_gradient (s : places) (p : parameters) (X : matrix) : R :=
  sum L (fun l =>
    sum (n (S l)) (fun i => if biases s (S l) i then bbar p X L (Ybar p X) (S l) i else 0) +
    sum (n (S l)) (fun i => sum (n l) (fun j =>
      if weights s (S l) i j then Wbar p X L (Ybar p X) (S l) i j else 0)) +
    sum (k (S l)) (fun i => if owned s (S l) i then thetabar p X L (Ybar p X) (S l) i else 0)).

Theorem shared_parameters s p X w : set s p w = p -> right_everywhere p X ->
  is_derive (fun u => E (set s p u) X) w (shared_gradient s p X).
Proof.
  intros Hw H.
  eapply derives.
  - apply (backpropagation (set s p) (set s nothing 1) (fun _ => X) (fun _ _ => 0)); [| |now rewrite Hw].
    + apply set_moves.
    + intros i c _ _. apply derive_const.
  - rewrite Hw. unfold pairing, shared_gradient. rewrite <- (Rplus_0_r (sum L (fun l => sum _ _ + _ + _))).
    f_equal.
    + apply sum_ext. intros l _. unfold inner, dot. simpl. f_equal; [f_equal|];
        repeat (apply sum_ext; intros); destruct (_ : bool); ring.
    + apply sum_0. intros. apply sum_0. intros. ring.
Qed.

Theorem weight_gradient p X l i j :
  (l < L)%nat -> (i < n (S l))%nat -> (j < n l)%nat -> right_everywhere p X ->
  is_derive (fun w => E (set (weight (S l) i j) p w) X) (W p (S l) i j)
    (sum m (fun c => delta p X L (Ybar p X) (S l) i c * A p X l j c)).
Proof.
  intros Hl Hi Hj H. eapply derives; [apply shared_parameters; [apply set_weight | exact H]|].
  unfold shared_gradient. rewrite !sum_plus, sum_weight, !(sum_0 L); simpl; auto using zeros.
  unfold Wbar, mul, transpose. simpl. ring.
Qed.

Theorem bias_gradient p X l i :
  (l < L)%nat -> (i < n (S l))%nat -> right_everywhere p X ->
  is_derive (fun w => E (set (bias (S l) i) p w) X) (b p (S l) i)
    (sum m (fun c => delta p X L (Ybar p X) (S l) i c)).
Proof.
  intros Hl Hi H. eapply derives; [apply shared_parameters; [apply set_bias | exact H]|].
  unfold shared_gradient, weight, bias, own_parameter, at2. simpl. rewrite (sum_only L l), !zeros; auto.
  - rewrite (sum_only (n (S l)) i); auto.
    + rewrite !Nat.eqb_refl. simpl. now rewrite !Rplus_0_r.
    + intros i' ->%Nat.eqb_neq. now rewrite andb_false_r.
  - intros l' ->%Nat.eqb_neq. simpl. rewrite !zeros. ring.
Qed.

Theorem own_gradient p X l i :
  (l < L)%nat -> (i < k (S l))%nat -> right_everywhere p X ->
  is_derive (fun w => E (set (own_parameter (S l) i) p w) X) (theta p (S l) i)
    (thetabar p X L (Ybar p X) (S l) i).
Proof.
  intros Hl Hi H. eapply derives; [apply shared_parameters; [apply set_own | exact H]|].
  unfold shared_gradient, weight, bias, own_parameter, at2. simpl. rewrite (sum_only L l), !zeros; auto.
  - rewrite (sum_only (k (S l)) i); auto.
    + rewrite !Nat.eqb_refl. simpl. ring.
    + intros i' ->%Nat.eqb_neq. now rewrite andb_false_r.
  - intros l' ->%Nat.eqb_neq. simpl. rewrite !zeros. ring.
Qed.

Theorem input_gradient p X i c :
  (i < n 0)%nat -> (c < m)%nat -> right_everywhere p X ->
  is_derive (fun x => E p (fun i' c' => if at2 i c i' c' then x else X i' c')) (X i c)
    (Abar p X L (Ybar p X) 0 i c).
Proof.
  intros Hi Hc H. set (X' := fun i' c' => if at2 i c i' c' then 1 else 0).
  assert (HX : (fun i' c' => if at2 i c i' c' then X i c else X i' c') = X).
  { do 2 (apply functional_extensionality; intro).
    destruct (at2 _ _ _ _) eqn:Here; [|easy]. now apply at2_true in Here as [-> ->]. }
  eapply derives.
  - apply (backpropagation (fun _ => p) nothing _ X'); [| |now rewrite HX].
    + intros l _. split; [|split]; intros i'; intros; apply derive_const.
    + intros i' c' _ _. apply derive_place.
  - cbv beta. rewrite HX. unfold pairing, inner, dot, X', at2. simpl.
    rewrite sum_0, (sum_only (n 0) i), (sum_only m c); auto.
    + rewrite !Nat.eqb_refl. simpl. ring.
    + intros c' ->%Nat.eqb_neq. rewrite andb_false_r. ring.
    + intros i' ->%Nat.eqb_neq. apply sum_0. intros. simpl. ring.
    + intros l _. rewrite !sum_0; intros; try apply sum_0; intros; ring.
Qed.

End Cost.
End Network.
