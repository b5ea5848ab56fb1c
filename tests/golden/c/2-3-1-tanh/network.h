/*
 * Loss and gradient of the network 2-3-1, tanh then identity, half-squared/m.
 *
 * Formulas, with δ = ∂E/∂Z:
 *
 *   Z1 = W1 X + b1 𝟏ᵀ
 *   A1 = tanh(Z1)
 *   Z2 = W2 A1 + b2 𝟏ᵀ
 *   A2 = Z2
 *   E = (1/(2·m))·Σ_c Σ_i (A2[i,c] − T[i,c])²
 *   δ2 = (1/m)·(A2 − T)
 *   ∂E/∂W2 = δ2 A1ᵀ
 *   ∂E/∂b2 = δ2 𝟏
 *   δ1 = (W2ᵀ δ2) ∘ tanh′(Z1)
 *   ∂E/∂W1 = δ1 Xᵀ
 *   ∂E/∂b1 = δ1 𝟏
 *
 * Layout: weights out-in, samples as columns, bias (n,), one-hot labels. Numbers are double, row by row.
 *
 *   params   W, then b where there is one, of each layer in turn; grad, v and product alike
 *   x        inputs; of m samples, x[j*m + c] is input j of sample c
 *   t        targets, as a
 *   a        outputs, in the order of inputs
 *   m        the number of samples, from 1
 *   work     memory to work in, NETWORK_WORK numbers, NETWORK_BATCH_WORK for batch functions
 *
 * Buffers need the alignment of their type and no more, and must not overlap. Nothing is kept
 * between calls. What exceeds the range of the type becomes infinite.
 */

#ifndef NETWORK_H
#define NETWORK_H

#include <stddef.h>

#define NETWORK_INPUTS 2u        /* numbers in x of one sample */
#define NETWORK_OUTPUTS 1u       /* numbers in a of one sample */
#define NETWORK_PARAMETERS 13u   /* numbers in params, grad, v and product */
#define NETWORK_W1 0u            /* where w1 begins: 3 x 2 */
#define NETWORK_B1 6u            /* where b1 begins: 3 */
#define NETWORK_W2 9u            /* where w2 begins: 1 x 3 */
#define NETWORK_B2 12u           /* where b2 begins: 1 */
#define NETWORK_WORK (1u)        /* numbers in work */
#define NETWORK_BATCH_WORK (11u) /* numbers in work of batch functions */

#ifdef __cplusplus
extern "C" {
#endif

/* The output a. */
void network_forward(const double *params, const double *x, double *a, double *work);

/* The error E. */
double network_loss(const double *params, const double *x, const double *t, double *work);

/* ∂E/∂params. */
void network_gradient(const double *params, const double *x, const double *t, double *grad, double *work);

/* E, and ∂E/∂params. */
double network_loss_and_gradient(
    const double *params, const double *x, const double *t, double *grad, double *work);

/* The output a. Of m samples. */
void network_forward_batch(const double *params, const double *x, size_t m, double *a, double *work);

/* The error E. Of m samples. */
double network_loss_batch(const double *params, const double *x, const double *t, size_t m, double *work);

/* ∂E/∂params. Of m samples. */
void network_gradient_batch(
    const double *params, const double *x, const double *t, size_t m, double *grad, double *work);

/* E, and ∂E/∂params. Of m samples. */
double network_loss_and_gradient_batch(
    const double *params, const double *x, const double *t, size_t m, double *grad, double *work);

#ifdef __cplusplus
}
#endif

#endif /* NETWORK_H */
