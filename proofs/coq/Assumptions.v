(** What the theorems rest on, printed when this file is compiled: the axioms of the standard library's real
    numbers and functional extensionality; where the logarithm occurs, classical logic too, by which the
    library defines ln. *)

From Backproof Require Import Examples Costs BatchNorm.

Definition theorems :=
  (right_network, backpropagation, output_error, recursion, shared_parameters, weight_gradient,
   bias_gradient, own_gradient, input_gradient, compose_right, elementwise_right, sigmoid_right,
   tanh_right, relu_right, softmax_right, batch_norm_right, scaled_right, outputwise_right,
   squared_error_mean_right, squared_error_output, softmax_cross_entropy, weight_gradient_penalised, right_off_kinks,
   relu_example, derivative_is_two).

Definition theorems_with_logarithm := (cross_entropy_mean_right, right_at_every_point).

Print Assumptions theorems.
Print Assumptions theorems_with_logarithm.
