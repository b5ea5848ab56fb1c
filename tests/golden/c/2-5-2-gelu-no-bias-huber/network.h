/*
 * Loss and gradient of the network 2-5-2, gelu then identity, no bias, huber/(m k).
 *
 * Formulas, with δ = ∂E/∂Z:
 *
 *   Z1 = W1 X
 *   A1 = gelu(Z1)
 *   Z2 = W2 A1
 *   A2 = Z2
 *   E = (1/(m·n[L]))·Σ_c Σ_i {(1/2)·(A2[i,c] − T[i,c])² if |A2[i,c] − T[i,c]| ≤ 1, |A2[i,c] − T[i,c]| − 1/2 otherwise}
 *   δ2 = (1/(m·n[L]))·∂e/∂a(A2, T)
 *   ∂E/∂W2 = δ2 A1ᵀ
 *   δ1 = (W2ᵀ δ2) ∘ gelu′(Z1)
 *   ∂E/∂W1 = δ1 Xᵀ
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
#define NETWORK_OUTPUTS 2u       /* numbers in a of one sample */
#define NETWORK_PARAMETERS 20u   /* numbers in params, grad, v and product */
#define NETWORK_W1 0u            /* where w1 begins: 5 x 2 */
#define NETWORK_W2 10u           /* where w2 begins: 2 x 5 */
#define NETWORK_WORK (19u)       /* numbers in work */
#define NETWORK_BATCH_WORK (19u) /* numbers in work of batch functions */

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
