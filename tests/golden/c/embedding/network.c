/*
 * A network: network.h says what is computed.
 * Form: loops, one sample after the other: every graph is written so.
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

/* Forward pass of one sample. */
static void network_layers(const double *params, const int *x1, const size_t m, double *work)
{
    const double *const y_W = &params[NETWORK_Y_W];
    double *const y = &work[0u];
    /* y[d,t,c] = y.W[d,x1[t,c]] */
    for (size_t d = 0u; d < 3u; d++)
    {
        for (size_t t_2 = 0u; t_2 < 4u; t_2++)
        {
            const size_t at = (size_t)x1[t_2 * m];
            y[d * 4u + t_2] = (at < 5u) ? y_W[d * 5u + at] : 0.0;
        }
    }
}

/* The part of E that one sample adds. */
static double network_error(const double *t, const size_t m, double *work)
{
    const double *const y = &work[0u];
    double error = 0.0;
    /* E = (1/(2·m))·Σ_c Σ_t Σ_i (y[i,t,c] − t[i,t,c])² */
    {
        double sum = 0.0;
        for (size_t i = 0u; i < 3u; i++)
        {
            for (size_t t_2 = 0u; t_2 < 4u; t_2++)
            {
                sum += 0.5 * network_square(y[i * 4u + t_2] - t[(i * 4u + t_2) * m]);
            }
        }
        error += 1.0 / (double)m * sum;
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
    const int *x1,
    const double *t,
    const size_t m,
    double *grad,
    double *work)
{
    double *const dy_W = &grad[NETWORK_Y_W];
    const double *const y = &work[0u];
    /* ∂E/∂y.W[d,x1[t,c]] += (1/m)·(y[d,t,c] − t[d,t,c]) */
    for (size_t d = 0u; d < 3u; d++)
    {
        for (size_t t_2 = 0u; t_2 < 4u; t_2++)
        {
            const size_t at = (size_t)x1[t_2 * m];
            if (at < 5u)
            {
                dy_W[d * 5u + at] += 1.0 / (double)m * (y[d * 4u + t_2] - t[(d * 4u + t_2) * m]);
            }
        }
    }
}

void network_forward_batch(const double *params, const int *x1, size_t m, double *out_y, double *work)
{
    for (size_t c = 0u; c < m; c++)
    {
        network_layers(params, &x1[c], m, work);
        for (size_t k = 0u; k < 12u; k++)
        {
            out_y[(k * m) + c] = work[k];
        }
    }
}

double network_loss_batch(const double *params, const int *x1, const double *t, size_t m, double *work)
{
    double error = 0.0;
    for (size_t c = 0u; c < m; c++)
    {
        network_layers(params, &x1[c], m, work);
        error += network_error(&t[c], m, work);
    }
    return error;
}

void network_gradient_batch(
    const double *params, const int *x1, const double *t, size_t m, double *grad, double *work)
{
    network_start_backward(grad);
    for (size_t c = 0u; c < m; c++)
    {
        network_layers(params, &x1[c], m, work);
        network_backward(&x1[c], &t[c], m, grad, work);
    }
}

double network_loss_and_gradient_batch(
    const double *params, const int *x1, const double *t, size_t m, double *grad, double *work)
{
    double error = 0.0;
    network_start_backward(grad);
    for (size_t c = 0u; c < m; c++)
    {
        network_layers(params, &x1[c], m, work);
        error += network_error(&t[c], m, work);
        network_backward(&x1[c], &t[c], m, grad, work);
    }
    return error;
}

void network_sgd_step(double *params, const double *grad, double eta)
{
    for (size_t i = 0u; i < NETWORK_PARAMETERS; i++)
    {
        params[i] = params[i] - eta * grad[i];
    }
}
