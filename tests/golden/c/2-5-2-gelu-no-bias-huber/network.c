/*
 * 2-5-2, gelu then identity, no bias, huber/(m k): network.h says what is computed.
 * Form: loops, one sample after the other: as asked.
 *
 * Each step stands under its index equation. Derived and written by backproof.
 */

#include "network.h"

#include <math.h>

/* x² */
static inline double network_square(const double x)
{
    return x * x;
}

/* g(z), g(z) = z*(1 + erf(z/sqrt(2)))/2 */
static inline double network_gelu(const double z)
{
    return 0.5 * z * erfc(-0.7071067811865476 * z);
}

/* g′(z), g(z) = z*(1 + erf(z/sqrt(2)))/2 */
static inline double network_gelu_slope(const double z)
{
    return 0.3989422804014327 * z * exp(-0.5 * z * z) + 0.5 * erfc(-0.7071067811865476 * z);
}

/* Forward pass of one sample. */
static void network_layers(const double *params, const double *x, const size_t m, double *work)
{
    const double *const w1 = &params[NETWORK_W1];
    const double *const w2 = &params[NETWORK_W2];
    double *const z1 = &work[0u];
    double *const a1 = &work[5u];
    double *const z2 = &work[10u];
    /* Z1[i,c] = Σ_j W1[i,j]·X[j,c] */
    for (size_t i = 0u; i < 5u; i++)
    {
        double sum = 0.0;
        for (size_t j = 0u; j < 2u; j++)
        {
            sum += x[j * m] * w1[i * 2u + j];
        }
        z1[i] = sum;
    }
    /* A1[i,c] = gelu(Z1[i,c]) */
    for (size_t i = 0u; i < 5u; i++)
    {
        a1[i] = network_gelu(z1[i]);
    }
    /* Z2[i,c] = Σ_j W2[i,j]·A1[j,c] */
    for (size_t i = 0u; i < 2u; i++)
    {
        double sum = 0.0;
        for (size_t j = 0u; j < 5u; j++)
        {
            sum += a1[j] * w2[i * 5u + j];
        }
        z2[i] = sum;
    }
}

/* The part of E that one sample adds. */
static double network_error(const double *t, const size_t m, double *work)
{
    const double *const z2 = &work[10u];
    double error = 0.0;
    /* D = (1/(2·m))·Σ_c Σ_i {(1/2)·(A2[i,c] − T[i,c])² if |A2[i,c] − T[i,c]| ≤ 1, |A2[i,c] − T[i,c]| − 1/2 otherwise} */
    {
        double sum = 0.0;
        for (size_t i = 0u; i < 2u; i++)
        {
            sum += ((z2[i] - t[i * m] <= 1.0) && (z2[i] - t[i * m] >= -1.0)) ? 0.5 * network_square(z2[i] - t[i * m]) : fabs(z2[i] - t[i * m]) - 0.5;
        }
        error += 0.5 / (double)m * sum;
    }
    return error;
}

/* What is there before any sample. */
static void network_start_backward(double *grad)
{
    for (size_t k = 0u; k < NETWORK_PARAMETERS; k++)
    {
        grad[k] = 0.0;
    }
}

/* Backward pass of one sample, added to the gradient. */
static void network_backward(
    const double *params,
    const double *x,
    const double *t,
    const size_t m,
    double *grad,
    double *work)
{
    const double *const w2 = &params[NETWORK_W2];
    double *const dw1 = &grad[NETWORK_W1];
    double *const dw2 = &grad[NETWORK_W2];
    const double *const z1 = &work[0u];
    const double *const a1 = &work[5u];
    const double *const z2 = &work[10u];
    double *const delta2 = &work[12u];
    double *const delta1 = &work[14u];
    /* δ2[i,c] = (1/(2·m))·{A2[i,c] − T[i,c] if |A2[i,c] − T[i,c]| ≤ 1, sign(A2[i,c] − T[i,c]) otherwise} */
    for (size_t i = 0u; i < 2u; i++)
    {
        delta2[i] = 0.5 / (double)m * (((z2[i] - t[i * m] <= 1.0) && (z2[i] - t[i * m] >= -1.0)) ? z2[i] - t[i * m] : ((z2[i] - t[i * m] > 0.0) ? 1.0 : ((z2[i] - t[i * m] < 0.0) ? -1.0 : 0.0)));
    }
    /* ∂E/∂W2[i,j] = Σ_c δ2[i,c]·A1[j,c] */
    for (size_t i = 0u; i < 2u; i++)
    {
        for (size_t j = 0u; j < 5u; j++)
        {
            dw2[i * 5u + j] += a1[j] * delta2[i];
        }
    }
    /* δ1[i,c] = gelu′(Z1[i,c])·Σ_k W2[k,i]·δ2[k,c] */
    for (size_t i = 0u; i < 5u; i++)
    {
        delta1[i] = 0.0;
    }
    for (size_t k = 0u; k < 2u; k++)
    {
        for (size_t i = 0u; i < 5u; i++)
        {
            delta1[i] += w2[k * 5u + i] * delta2[k];
        }
    }
    for (size_t i = 0u; i < 5u; i++)
    {
        delta1[i] = delta1[i] * network_gelu_slope(z1[i]);
    }
    /* ∂E/∂W1[i,j] = Σ_c δ1[i,c]·X[j,c] */
    for (size_t i = 0u; i < 5u; i++)
    {
        for (size_t j = 0u; j < 2u; j++)
        {
            dw1[i * 2u + j] += x[j * m] * delta1[i];
        }
    }
}

void network_forward(const double *params, const double *x, double *a, double *work)
{
    network_forward_batch(params, x, 1u, a, work);
}

double network_loss(const double *params, const double *x, const double *t, double *work)
{
    return network_loss_batch(params, x, t, 1u, work);
}

void network_gradient(const double *params, const double *x, const double *t, double *grad, double *work)
{
    network_gradient_batch(params, x, t, 1u, grad, work);
}

double network_loss_and_gradient(
    const double *params, const double *x, const double *t, double *grad, double *work)
{
    return network_loss_and_gradient_batch(params, x, t, 1u, grad, work);
}

void network_forward_batch(const double *params, const double *x, size_t m, double *a, double *work)
{
    for (size_t c = 0u; c < m; c++)
    {
        network_layers(params, &x[c], m, work);
        for (size_t k = 0u; k < 2u; k++)
        {
            a[(k * m) + c] = work[10u + k];
        }
    }
}

double network_loss_batch(const double *params, const double *x, const double *t, size_t m, double *work)
{
    double error = 0.0;
    for (size_t c = 0u; c < m; c++)
    {
        network_layers(params, &x[c], m, work);
        error += network_error(&t[c], m, work);
    }
    return error;
}

void network_gradient_batch(
    const double *params, const double *x, const double *t, size_t m, double *grad, double *work)
{
    network_start_backward(grad);
    for (size_t c = 0u; c < m; c++)
    {
        network_layers(params, &x[c], m, work);
        network_backward(params, &x[c], &t[c], m, grad, work);
    }
}

double network_loss_and_gradient_batch(
    const double *params, const double *x, const double *t, size_t m, double *grad, double *work)
{
    double error = 0.0;
    network_start_backward(grad);
    for (size_t c = 0u; c < m; c++)
    {
        network_layers(params, &x[c], m, work);
        error += network_error(&t[c], m, work);
        network_backward(params, &x[c], &t[c], m, grad, work);
    }
    return error;
}
