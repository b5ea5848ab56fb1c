/*
 * Loss and gradient of a network.
 *
 * Equations, in the order of computation:
 *
 *   * / int[i,c] = Σ_j * / int.W[i,j]·while[j,c] + * / int.b[i]
 *   work[i,c] = tanh(* / int[i,c])
 *   a/ *b? ?/[i,c] = while[i,c] + m[i,c]
 *   Σ[i,c] = Σ_j Σ.W[i,j]·work[j,c] + Σ.b[i]
 *   W[i,c] = Σ[i,c]·a/ *b? ?/[i,c]
 *   w[i,c] = Σ_j w.W[i,j]·W[j,c]
 *   network_square[i,c] = state[i,c]·c[i,c]
 *   k[i,c] = w[i,c] + network_square[i,c]
 *   E = (1/(2·m))·Σ_c Σ_i (k[i,c] − double[i,c])²
 *   ∂E/∂w[i,c] = (1/m)·(k[i,c] − double[i,c])
 *   ∂E/∂w.W[i,j] = Σ_c W[j,c]·∂E/∂w[i,c]
 *   ∂E/∂Σ[i,c] = a/ *b? ?/[i,c]·Σ_k w.W[k,i]·∂E/∂w[k,c]
 *   ∂E/∂Σ.W[i,j] = Σ_c work[j,c]·∂E/∂Σ[i,c]
 *   ∂E/∂Σ.b[i] = Σ_c ∂E/∂Σ[i,c]
 *   ∂E/∂* / int[i,c] = tanh′(* / int[i,c])·Σ_k Σ.W[k,i]·∂E/∂Σ[k,c]
 *   ∂E/∂* / int.W[i,j] = Σ_c while[j,c]·∂E/∂* / int[i,c]
 *   ∂E/∂* / int.b[i] = Σ_c ∂E/∂* / int[i,c]
 *
 * Numbers are double, row by row, the last index running fastest.
 *
 *   params   the parameters, one after the other; grad, v and product alike
 *   while_1  3 x m
 *   m_2      3 x m
 *   state_1  2 x m
 *   c_2      2 x m
 *   double_1 2 x m
 *   m        the number of samples, from 1
 *   work     memory to work in, NETWORK_WORK(m) numbers
 *
 * Buffers need the alignment of their type and no more, and must not overlap. Nothing is kept
 * between calls. What exceeds the range of the type becomes infinite.
 */

#ifndef NETWORK_H
#define NETWORK_H

#include <stddef.h>

#define NETWORK_PARAMETERS 37u /* numbers in params, grad, v and product */
#define NETWORK_INT_W 0u       /* where int_W begins: 4 x 3 */
#define NETWORK_INT_B 12u      /* where int_b begins: 4 */
#define NETWORK_SIGMA_W 16u    /* where sigma_W begins: 3 x 4 */
#define NETWORK_SIGMA_B 28u    /* where sigma_b begins: 3 */
#define NETWORK_W_W 31u        /* where w_W begins: 2 x 3 */
#define NETWORK_WORK(m) (27u)  /* numbers in work */

#ifdef __cplusplus
extern "C" {
#endif

/* The outputs: what no other node reads. */
void network_forward_batch(
    const double *params, const double *while_1, const double *m_2, const double *state_1,
    const double *c_2, size_t m, double *out_k, double *work);

/* The error E. */
double network_loss_batch(
    const double *params, const double *while_1, const double *m_2, const double *state_1,
    const double *c_2, const double *double_1, size_t m, double *work);

/* ∂E/∂params. */
void network_gradient_batch(
    const double *params, const double *while_1, const double *m_2, const double *state_1,
    const double *c_2, const double *double_1, size_t m, double *grad, double *work);

/* E, and ∂E/∂params. */
double network_loss_and_gradient_batch(
    const double *params, const double *while_1, const double *m_2, const double *state_1,
    const double *c_2, const double *double_1, size_t m, double *grad, double *work);

#ifdef __cplusplus
}
#endif

#endif /* NETWORK_H */
