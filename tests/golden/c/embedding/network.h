/*
 * Loss and gradient of a network.
 *
 * Equations, in the order of computation:
 *
 *   y[d,t,c] = y.W[d,x1[t,c]]
 *   E = (1/(2·m))·Σ_c Σ_t Σ_i (y[i,t,c] − t[i,t,c])²
 *   ∂E/∂y.W[d,x1[t,c]] += (1/m)·(y[d,t,c] − t[d,t,c])
 *
 * Numbers are double, row by row, the last index running fastest.
 *
 *   params   the parameters, one after the other; grad, v and product alike
 *   x1       int, 4 x m
 *   t        3 x 4 x m
 *   m        the number of samples, from 1
 *   work     memory to work in, NETWORK_WORK(m) numbers
 *
 * Buffers need the alignment of their type and no more, and must not overlap. Nothing is kept
 * between calls. What exceeds the range of the type becomes infinite.
 */

#ifndef NETWORK_H
#define NETWORK_H

#include <stddef.h>

#define NETWORK_PARAMETERS 15u /* numbers in params, grad, v and product */
#define NETWORK_Y_W 0u         /* where y_W begins: 3 x 5 */
#define NETWORK_WORK(m) (12u)  /* numbers in work */

#ifdef __cplusplus
extern "C" {
#endif

/* The outputs: what no other node reads. */
void network_forward_batch(const double *params, const int *x1, size_t m, double *out_y, double *work);

/* The error E. */
double network_loss_batch(const double *params, const int *x1, const double *t, size_t m, double *work);

/* ∂E/∂params. */
void network_gradient_batch(
    const double *params, const int *x1, const double *t, size_t m, double *grad, double *work);

/* E, and ∂E/∂params. */
double network_loss_and_gradient_batch(
    const double *params, const int *x1, const double *t, size_t m, double *grad, double *work);

/* w := w − ηg. Usual: eta = 1/10. */
void network_sgd_step(double *params, const double *grad, double eta);

#ifdef __cplusplus
}
#endif

#endif /* NETWORK_H */
