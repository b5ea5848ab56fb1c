/*
 * Loss and gradient of a network.
 *
 * Equations, in the order of computation:
 *
 *   y[o,q,c] = Σ_k Σ_h y.W[o,h,k]·x1[h,2·q + 2·k − 3,c] + y.b[o]
 *   E = (1/(2·m))·Σ_c Σ_t Σ_i (y[i,t,c] − t[i,t,c])²
 *   ∂E/∂y[i,t,c] = (1/m)·(y[i,t,c] − t[i,t,c])
 *   ∂E/∂y.W[o,h,k] = Σ_q Σ_c x1[h,2·q + 2·k − 3,c]·∂E/∂y[o,q,c]
 *   ∂E/∂y.b[o] = Σ_q Σ_c ∂E/∂y[o,q,c]
 *
 * Numbers are float, row by row, the last index running fastest.
 *
 *   params   the parameters, one after the other; grad, v and product alike
 *   x1       2 x 7 x m
 *   t        3 x 5 x m
 *   m        the number of samples, from 1
 *   work     memory to work in, NETWORK_WORK(m) numbers
 *
 * Buffers need the alignment of their type and no more, and must not overlap. Nothing is kept
 * between calls. What exceeds the range of the type becomes infinite.
 */

#ifndef NETWORK_H
#define NETWORK_H

#include <stddef.h>

#define NETWORK_PARAMETERS 21u /* numbers in params, grad, v and product */
#define NETWORK_Y_W 0u         /* where y_W begins: 3 x 2 x 3 */
#define NETWORK_Y_B 18u        /* where y_b begins: 3 */
#define NETWORK_WORK(m) (30u)  /* numbers in work */

#ifdef __cplusplus
extern "C" {
#endif

/* The outputs: what no other node reads. */
void network_forward_batch(const float *params, const float *x1, size_t m, float *out_y, float *work);

/* The error E. */
float network_loss_batch(const float *params, const float *x1, const float *t, size_t m, float *work);

/* ∂E/∂params. */
void network_gradient_batch(
    const float *params, const float *x1, const float *t, size_t m, float *grad, float *work);

/* E, and ∂E/∂params. */
float network_loss_and_gradient_batch(
    const float *params, const float *x1, const float *t, size_t m, float *grad, float *work);

#ifdef __cplusplus
}
#endif

#endif /* NETWORK_H */
