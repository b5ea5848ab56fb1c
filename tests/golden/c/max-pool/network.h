/*
 * Loss and gradient of a network.
 *
 * Equations, in the order of computation:
 *
 *   y.Y_place[i,q,c] = argmax_k x1[i,2·q + k − 1,c]
 *   y[i,q,c] = x1[i,2·q + y.Y_place[i,q,c] − 1,c]
 *   E = (1/(2·m))·Σ_c Σ_t Σ_i (y[i,t,c] − t[i,t,c])²
 *
 * Numbers are double, row by row, the last index running fastest.
 *
 *   params   the parameters, one after the other; grad, v and product alike
 *   x1       2 x 7 x m
 *   t        2 x 4 x m
 *   m        the number of samples, from 1
 *   work     memory to work in, NETWORK_WORK(m) numbers
 *
 * Buffers need the alignment of their type and no more, and must not overlap. Nothing is kept
 * between calls. What exceeds the range of the type becomes infinite.
 */

#ifndef NETWORK_H
#define NETWORK_H

#include <stddef.h>

#define NETWORK_PARAMETERS 0u /* numbers in params, grad, v and product */
#define NETWORK_WORK(m) (16u) /* numbers in work */

#ifdef __cplusplus
extern "C" {
#endif

/* The outputs: what no other node reads. */
void network_forward_batch(const double *x1, size_t m, double *out_y, double *work);

/* The error E. */
double network_loss_batch(const double *x1, const double *t, size_t m, double *work);

#ifdef __cplusplus
}
#endif

#endif /* NETWORK_H */
