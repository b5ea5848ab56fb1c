(** By what the equations that the library derives are proved to be the theorem's.  `tie.py` prints them as
    lemmas, for one family at a time.

    - [agree]  Both sides are sums of the same terms.
    - [slope]  A function given by a formula, perhaps by cases, has the derivative given by another.
    - [of_batch_norm], [in_each_sample], [of_sums]  The same for batch norm's value and adjoint. *)

From Backproof Require Export BatchNorm Costs.

(** Equal sums of equal terms, whatever the order of their factors. *)
Ltac agree := cbv beta; try ring; try solve [field];
  match goal with
  | |- ?u = ?v =>
    match u with context [sum ?n ?F] =>
      match v with context [sum n ?G] =>
        tryif constr_eq F G then fail
        else (replace (sum n F) with (sum n G) by (apply sum_ext; intros; agree)); agree
      end
    end
  end.

Lemma Abar_last n f p X L Y : Abar n f p X L Y L = Y.
Proof. destruct L; simpl; now rewrite ?Nat.eqb_refl. Qed.

Lemma softmax_A n f p X l : f (S l) = softmax (n (S l)) ->
  A n f p X (S l) = softmax_value (n (S l)) (Z n f p X (S l)).
Proof. intros H. simpl. now rewrite H. Qed.

Ltac of_layer :=
  match goal with
  | H : _ = elementwise _ _ |- _ => rewrite H
  | H : _ = softmax _ |- _ => rewrite ?(softmax_A _ _ _ _ _ H), H
  end; cbn [value adjoint elementwise plain softmax].
Ltac without_bias := try match goal with H : forall i, b _ _ i = 0 |- _ => rewrite H end.
Ltac cost_unfolded := unfold Ybar, scaled_gradient, outputwise_slope, column.

(** Where u ≠ v, only one of two cases holds nearby. *)
Lemma locally_less (u v : R -> R) (t : R) : ex_derive u t -> ex_derive v t -> u t < v t ->
  locally t (fun s => u s < v s).
Proof.
  intros Hu Hv H. apply (filter_imp (fun s => 0 < v s - u s)); [intros; lra|].
  apply (ex_derive_continuous (fun s => v s - u s)); [|apply open_gt; lra].
  now apply (ex_derive_minus (V := R_NormedModule)).
Qed.

Section Cases.

Variables (P : R -> R -> Prop) (decide : forall x y, {P x y} + {~ P x y}).
Hypothesis below : forall x y, x < y -> P x y.
Hypothesis above : forall x y, y < x -> ~ P x y.

Lemma derive_cases (u v f g : R -> R) (t d : R) : u t <> v t -> ex_derive u t -> ex_derive v t ->
  (u t < v t -> is_derive f t d) -> (v t < u t -> is_derive g t d) ->
  is_derive (fun s => if decide (u s) (v s) then f s else g s) t d.
Proof.
  intros H Hu Hv Hf Hg. destruct (Rdichotomy _ _ H).
  - apply (is_derive_ext_loc f); [|auto]. apply (filter_imp (fun s => u s < v s)).
    + intros s Hs%below. now destruct (decide _ _).
    + now apply locally_less.
  - apply (is_derive_ext_loc g); [|auto]. apply (filter_imp (fun s => v s < u s)).
    + intros s Hs%above. now destruct (decide _ _).
    + now apply locally_less.
Qed.

End Cases.

Definition less_cases := derive_cases Rlt Rlt_dec (fun x y H => H) (fun x y => Rlt_asym y x).
Definition at_most_cases := derive_cases Rle Rle_dec Rlt_le (fun x y => Rlt_not_le x y).

(** Exponentials are positive, roots where what is under them is. *)
Ltac positive := repeat match goal with
  | |- context [exp ?u] =>
    lazymatch goal with H : 0 < exp u |- _ => fail | _ => pose proof (exp_pos u) end
  | |- context [sqrt ?u] =>
    lazymatch goal with H : 0 < sqrt u |- _ => fail | _ => assert (0 < sqrt u) by (apply sqrt_lt_R0; nra) end
  end.
Ltac same_arguments := repeat
  match goal with |- context [?g ?u] => match g with exp => idtac | sqrt => idtac end;
    match goal with |- context [g ?v] =>
      tryif constr_eq u v then fail else replace (g u) with (g v) by (f_equal; ring)
    end
  end.
Ltac decided := repeat
  match goal with |- context [if ?D then _ else _] => destruct D; try (exfalso; lra) end.
Ltac side := repeat split; positive; first [easy | lra | nra].
Ltac slope :=
  intros; cbv beta;
  lazymatch goal with
  | |- is_derive (fun _ => if Rlt_dec ?u ?v then _ else _) _ _ => destruct (Rlt_dec u v); slope
  | |- is_derive (fun _ => if Rle_dec ?u ?v then _ else _) _ _ => destruct (Rle_dec u v); slope
  | |- is_derive (fun s => if Rlt_dec (@?u s) (@?v s) then @?f s else @?g s) ?t _ =>
    apply (less_cases u v f g); cbv beta; [side | auto_derive; easy | auto_derive; easy | slope | slope]
  | |- is_derive (fun s => if Rle_dec (@?u s) (@?v s) then @?f s else @?g s) ?t _ =>
    apply (at_most_cases u v f g); cbv beta; [side | auto_derive; easy | auto_derive; easy | slope | slope]
  | |- _ => decided; unfold tanh, sinh, cosh; auto_derive;
    first [ring | field; side | side | same_arguments; field; side]
  end.

(** The cotangents between that of a batch norm's output and that of its input: of the normalised values, of
    the variances and of the means. *)
Definition normal_bar (theta : vector) (Ybar : matrix) : matrix := fun i c => theta i * Ybar i c.
Definition variance_bar (m : nat) (eps : R) (theta : vector) (Z Ybar : matrix) : vector :=
  fun i => - (theta i / (2 * deviation m eps (Z i) ^ 2)) * sum m (fun c => Ybar i c * normal m eps (Z i) c).
Definition mean_bar (m : nat) (eps : R) (theta : vector) (Z Ybar : matrix) : vector :=
  fun i => - (theta i / deviation m eps (Z i)) * sum m (Ybar i).

(** To the terms of unit i alone, γ_i and s_i by their names. *)
Ltac of_batch_norm m eps z :=
  cbn [value adjoint own batch_norm];
  repeat match goal with |- context [(?i <? ?n)%nat] =>
    first [rewrite (proj2 (Nat.ltb_lt i n)) by lia | rewrite (proj2 (Nat.ltb_ge i n)) by lia]
  end; cbv beta iota;
  repeat match goal with |- context [(?n + ?i - ?n)%nat] => replace (n + i - n)%nat with i by lia end;
  unfold normal_bar, variance_bar, mean_bar; rewrite ?(Rplus_comm eps); fold (deviation m eps z);
  try match goal with Hm : (0 < m)%nat, Heps : 0 < eps |- _ =>
    pose proof (deviation_positive m eps Hm Heps z); pose proof (lt_0_INR m Hm); pose proof (average_centred m Hm z)
  end.
(** A sum over samples of what is centred is 0. *)
Ltac centred_sums m :=
  try match goal with H : average m ?u = 0, Hm : 0 < INR m |- context [sum m ?F] =>
    replace (sum m F) with (INR m * average m u)
      by (unfold average; rewrite <- Rmult_assoc, Rinv_r, Rmult_1_l by lra;
          apply sum_ext; intros; unfold centred, average; ring);
    rewrite H, ?Rmult_0_r, ?Rplus_0_r
  end.
Ltac in_each_sample := rewrite <- ?sum_scal; apply sum_ext; intros; unfold normal, centred; field; lra.
Ltac of_sums m eps z c :=
  change (normal m eps z c) with ((z c - average m z) / deviation m eps z); unfold average;
  repeat match goal with |- context [sum m ?F] => generalize (sum m F); intro end; field; lra.
