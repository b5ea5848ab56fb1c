/*
 * Loss and gradient of the network 3-4-2, softmax then softmax, cross-entropy/m + lambda/m Σw² + 1/10 Σ|w|.
 *
 * Formulas, with δ = ∂E/∂Z:
 *
 *   Z1 = X W1 + 𝟏 b1ᵀ
 *   A1 = exp(Z1) ⊘ (exp(Z1) 𝟏 𝟏ᵀ)
 *   Z2 = A1 W2 + 𝟏 b2ᵀ
 *   A2 = exp(Z2) ⊘ (exp(Z2) 𝟏 𝟏ᵀ)
 *   E = −(1/m)·Σ_c Σ_i T[i,c]·log(A2[i,c]) + (λ/m)·Σ_i Σ_j W1[i,j]² + (1/10)·Σ_i Σ_j |W1[i,j]| + (λ/m)·Σ_i Σ_j W2[i,j]² + (1/10)·Σ_i Σ_j |W2[i,j]|
 *   ∂E/∂A2 = −(1/m)·T ⊘ A2
 *   δ2 = A2 ∘ (∂E/∂A2 − (A2 ∘ ∂E/∂A2) 𝟏 𝟏ᵀ)
 *   ∂E/∂W2 = A1ᵀ δ2 + (1/10)·sign(W2) + (2·λ/m)·W2
 *   ∂E/∂b2 = δ2ᵀ 𝟏
 *   ∂E/∂A1 = δ2 W2ᵀ
 *   δ1 = A1 ∘ (∂E/∂A1 − (A1 ∘ ∂E/∂A1) 𝟏 𝟏ᵀ)
 *   ∂E/∂W1 = Xᵀ δ1 + (1/10)·sign(W1) + (2·λ/m)·W1
 *   ∂E/∂b1 = δ1ᵀ 𝟏
 *
 * Layout: weights in-out, samples as rows, bias (n,), integer labels. Numbers are float, row by row.
 *
 *   params   W, then b where there is one, of each layer in turn; grad, v and product alike
 *   x        inputs; of m samples, x[c*3 + j] is input j of sample c
 *   t        class numbers from 0, one for each sample
 *   a        outputs, in the order of inputs
 *   lam      λ
 *   m        the number of samples, from 1
 *   work     memory to work in, NETWORK_WORK numbers, NETWORK_BATCH_WORK for batch functions
 *
 * Buffers need the alignment of their type and no more, and must not overlap. Nothing is kept
 * between calls. What exceeds the range of the type becomes infinite.
 */

#ifndef NETWORK_H
#define NETWORK_H

#include <stddef.h>

#define NETWORK_INPUTS 3u        /* numbers in x of one sample */
#define NETWORK_OUTPUTS 2u       /* numbers in a of one sample */
#define NETWORK_PARAMETERS 26u   /* numbers in params, grad, v and product */
#define NETWORK_W1 0u            /* where w1 begins: 3 x 4 */
#define NETWORK_B1 12u           /* where b1 begins: 4 */
#define NETWORK_W2 16u           /* where w2 begins: 4 x 2 */
#define NETWORK_B2 24u           /* where b2 begins: 2 */
#define NETWORK_WORK (21u)       /* numbers in work */
#define NETWORK_BATCH_WORK (21u) /* numbers in work of batch functions */

#ifdef __cplusplus
extern "C" {
#endif

/* The output a. */
void network_forward(const float *params, const float *x, float *a, float *work);

/* The error E. */
float network_loss(const float *params, const float *x, const int *t, float lam, float *work);

/* ∂E/∂params. */
void network_gradient(
    const float *params, const float *x, const int *t, float lam, float *grad, float *work);

/* E, and ∂E/∂params. */
float network_loss_and_gradient(
    const float *params, const float *x, const int *t, float lam, float *grad, float *work);

/* The output a. Of m samples. */
void network_forward_batch(const float *params, const float *x, size_t m, float *a, float *work);

/* The error E. Of m samples. */
float network_loss_batch(
    const float *params, const float *x, const int *t, size_t m, float lam, float *work);

/* ∂E/∂params. Of m samples. */
void network_gradient_batch(
    const float *params, const float *x, const int *t, size_t m, float lam, float *grad, float *work);

/* E, and ∂E/∂params. Of m samples. */
float network_loss_and_gradient_batch(
    const float *params, const float *x, const int *t, size_t m, float lam, float *grad, float *work);

#ifdef __cplusplus
}
#endif

#endif /* NETWORK_H */
