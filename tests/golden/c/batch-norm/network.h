/*
 * Loss and gradient of a network.
 *
 * Equations, in the order of computation:
 *
 *   y.M[i] = (1/m)·Σ_c x1[i,c]
 *   y.V[i] = (1/m)·Σ_c (x1[i,c] − y.M[i])²
 *   y.H[i,c] = (x1[i,c] − y.M[i])/√(1/100000 + y.V[i])
 *   y[i,c] = y.γ[i]·y.H[i,c] + y.β[i]
 *   E = (1/(2·m))·Σ_c Σ_i (y[i,c] − t[i,c])²
 *   ∂E/∂y[i,c] = (1/m)·(y[i,c] − t[i,c])
 *   ∂E/∂y.β[i] = Σ_c ∂E/∂y[i,c]
 *   ∂E/∂y.γ[i] = Σ_c y.H[i,c]·∂E/∂y[i,c]
 *
 * Numbers are double, row by row, the last index running fastest.
 *
 *   params   the parameters, one after the other; grad, v and product alike
 *   x1       3 x m
 *   t        3 x m
 *   m        the number of samples, from 1
 *   work     memory to work in, NETWORK_WORK(m) numbers
 *
 * Buffers need the alignment of their type and no more, and must not overlap. Nothing is kept
 * between calls. What exceeds the range of the type becomes infinite.
 */

#ifndef NETWORK_H
#define NETWORK_H

#include <stddef.h>

#define NETWORK_PARAMETERS 6u           /* numbers in params, grad, v and product */
#define NETWORK_Y_GAMMA 0u              /* where y_gamma begins: 3 */
#define NETWORK_Y_BETA 3u               /* where y_beta begins: 3 */
#define NETWORK_WORK(m) (6u + (9u * m)) /* numbers in work */

#ifdef __cplusplus
extern "C" {
#endif

/* The outputs: what no other node reads. */
void network_forward_batch(const double *params, const double *x1, size_t m, double *out_y, double *work);

/* The error E. */
double network_loss_batch(const double *params, const double *x1, const double *t, size_t m, double *work);

/* ∂E/∂params. */
void network_gradient_batch(
    const double *params, const double *x1, const double *t, size_t m, double *grad, double *work);

/* E, and ∂E/∂params. */
double network_loss_and_gradient_batch(
    const double *params, const double *x1, const double *t, size_t m, double *grad, double *work);

/* (∂²E/∂params²) v. */
void network_hvp_batch(
    const double *params, const double *x1, const double *t, size_t m, const double *v, double *product,
    double *work);

#ifdef __cplusplus
}
#endif

#endif /* NETWORK_H */
