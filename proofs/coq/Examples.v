(** Networks that meet every hypothesis: the theorems are not vacuous.

    - [right_at_every_point]  2-3-3-2 on 4 samples, tanh, then batch norm followed by sigmoid, then softmax
      with cross-entropy against one-hot labels: right at all parameters and inputs.
    - [right_off_kinks]  A network of ReLU layers is right where no unit is at its kink: all Z^l_ic ≠ 0.
    - [derivative_is_two]  2-2-1 on 1 sample, ReLU (one unit on, one off) and a linear output with ½ squared
      error: at X = (1, 1), W = 1, b¹ = (1, −5), b² = 0, t = 1 the theorem gives ∂E/∂W¹_00 = 2. *)

From Backproof Require Import BatchNorm Costs.

Section Smooth.

Let widths (l : nat) : nat := match l with 0 | 3 => 2 | _ => 3 end.
Let slots (l : nat) : nat := match l with 2 => 6 | _ => 0 end.
Let maps (l : nat) : map :=
  match l with
  | 1 => elementwise tanh tanh_slope
  | 2 => compose (batch_norm 3 4 (/ 100000)) (elementwise sigmoid sigmoid_slope)
  | _ => softmax 2
  end.
Let label (i c : nat) : R := if (i =? c mod 2)%nat then 1 else 0.

Theorem right_at_every_point p X :
  right_everywhere 4 widths slots maps 3
    (mean 4 (cross_entropy 2 label)) (mean_gradient 4 (cross_entropy_slope label)) p X.
Proof.
  split.
  - intros [|[|[|l]]] Hl; [apply tanh_right | | apply softmax_right | lia].
    apply compose_right; [apply (batch_norm_right 3); [lia|lra] | apply sigmoid_right].
  - apply cross_entropy_mean_right.
Qed.

End Smooth.

Theorem right_off_kinks m n k f L p X :
  (forall l, (l < L)%nat -> f (S l) = elementwise relu relu_slope) ->
  (forall l i c, (l < L)%nat -> (i < n (S l))%nat -> (c < m)%nat -> Z n f p X (S l) i c <> 0) ->
  right_layers m n k f L p X.
Proof. intros Hf HZ l Hl. rewrite Hf by exact Hl. apply relu_right. auto. Qed.

Section Relu.

Let widths (l : nat) : nat := match l with 2 => 1 | _ => 2 end.
Let slots (l : nat) : nat := 0%nat.
Let maps (l : nat) : map :=
  match l with 1 => elementwise relu relu_slope | _ => elementwise (fun z => z) (fun _ => 1) end.
Let point : parameters :=
  Parameters (fun _ _ _ => 1) (fun l i => match l, i with 1, 0 => 1 | 1, _ => -5 | _, _ => 0 end)
    (fun _ _ => 0).
Let input (i c : nat) : R := 1.
Let label (i c : nat) : R := 1.
Let error : parameters -> matrix -> R := E widths maps 2 (mean 1 (squared_error 1 label)).

Theorem relu_example :
  right_everywhere 1 widths slots maps 2
    (mean 1 (squared_error 1 label)) (mean_gradient 1 (squared_error_slope label)) point input.
Proof.
  split.
  - intros [|[|l]] Hl; [| |lia].
    + apply relu_right. intros [|[|i]] c Hi Hc; [| |simpl in Hi; lia];
        unfold Z, affine, mul, input; simpl; lra.
    + apply elementwise_right. intros. apply derive_id.
  - apply squared_error_mean_right.
Qed.

Theorem derivative_is_two : is_derive (fun w => error (set (weight 1 0 0) point w) input) 1 2.
Proof.
  eapply derives.
  - apply (weight_gradient 1 widths slots maps 2 _
      (mean_gradient 1 (squared_error_slope label)) point input 0 0 0);
      try (simpl; lia). exact relu_example.
  - unfold delta, through, Ybar, mean_gradient, scaled_gradient, squared_error_slope, column. simpl.
    unfold back, through, mul, Z, affine, mul, transpose, input, label, relu_slope, relu. simpl.
    destruct (Rlt_dec _ _); [|lra]. rewrite Rmax_right, Rmax_left by lra. lra.
Qed.

End Relu.
