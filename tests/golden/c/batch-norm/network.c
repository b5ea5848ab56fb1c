/*
 * A network: network.h says what is computed.
 * Form: loops, array by array for the whole batch: every graph is written so.
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

/* Forward pass. */
static void network_layers(const double *params, const double *x1, const size_t m, double *work)
{
    const double *const y_gamma = &params[NETWORK_Y_GAMMA];
    const double *const y_beta = &params[NETWORK_Y_BETA];
    double *const y_M = &work[0u];
    double *const y_V = &work[3u];
    double *const y_H = &work[6u];
    double *const y = &work[6u + (3u * m)];
    /* y.M[i] = (1/m)·Σ_c x1[i,c] */
    for (size_t i = 0u; i < 3u; i++)
    {
        double sum = 0.0;
        for (size_t c = 0u; c < m; c++)
        {
            sum += x1[i * m + c];
        }
        y_M[i] = sum / (double)m;
    }
    /* y.V[i] = (1/m)·Σ_c (x1[i,c] − y.M[i])² */
    for (size_t i = 0u; i < 3u; i++)
    {
        double sum = 0.0;
        for (size_t c = 0u; c < m; c++)
        {
            sum += network_square(x1[i * m + c] - y_M[i]);
        }
        y_V[i] = sum / (double)m;
    }
    /* y.H[i,c] = (x1[i,c] − y.M[i])/√(1/100000 + y.V[i]) */
    for (size_t i = 0u; i < 3u; i++)
    {
        for (size_t c = 0u; c < m; c++)
        {
            y_H[i * m + c] = (x1[i * m + c] - y_M[i]) / sqrt(1e-05 + y_V[i]);
        }
    }
    /* y[i,c] = y.γ[i]·y.H[i,c] + y.β[i] */
    for (size_t i = 0u; i < 3u; i++)
    {
        for (size_t c = 0u; c < m; c++)
        {
            y[i * m + c] = y_H[i * m + c] * y_gamma[i] + y_beta[i];
        }
    }
}

/* What the output adds up to. */
static double network_error(const double *t, const size_t m, double *work)
{
    const double *const y = &work[6u + (3u * m)];
    double error = 0.0;
    /* E = (1/(2·m))·Σ_c Σ_i (y[i,c] − t[i,c])² */
    {
        double sum = 0.0;
        for (size_t i = 0u; i < 3u; i++)
        {
            for (size_t c = 0u; c < m; c++)
            {
                sum += 0.5 * network_square(y[i * m + c] - t[i * m + c]);
            }
        }
        error += 1.0 / (double)m * sum;
    }
    return error;
}

/* Backward pass. */
static void network_backward(const double *t, const size_t m, double *grad, double *work)
{
    double *const dy_gamma = &grad[NETWORK_Y_GAMMA];
    double *const dy_beta = &grad[NETWORK_Y_BETA];
    const double *const y_H = &work[6u];
    const double *const y = &work[6u + (3u * m)];
    double *const dy = &work[6u + (6u * m)];
    /* ∂E/∂y[i,c] = (1/m)·(y[i,c] − t[i,c]) */
    for (size_t i = 0u; i < 3u; i++)
    {
        for (size_t c = 0u; c < m; c++)
        {
            dy[i * m + c] = 1.0 / (double)m * (y[i * m + c] - t[i * m + c]);
        }
    }
    /* ∂E/∂y.β[i] = Σ_c ∂E/∂y[i,c] */
    for (size_t i = 0u; i < 3u; i++)
    {
        double sum = 0.0;
        for (size_t c = 0u; c < m; c++)
        {
            sum += dy[i * m + c];
        }
        dy_beta[i] = sum;
    }
    /* ∂E/∂y.γ[i] = Σ_c y.H[i,c]·∂E/∂y[i,c] */
    for (size_t i = 0u; i < 3u; i++)
    {
        double sum = 0.0;
        for (size_t c = 0u; c < m; c++)
        {
            sum += y_H[i * m + c] * dy[i * m + c];
        }
        dy_gamma[i] = sum;
    }
}

/* Second-order pass. */
static void network_second(const size_t m, const double *v, double *grad, double *work)
{
    const double *const v_y_gamma = &v[NETWORK_Y_GAMMA];
    const double *const v_y_beta = &v[NETWORK_Y_BETA];
    double *const dy_gamma = &grad[NETWORK_Y_GAMMA];
    double *const dy_beta = &grad[NETWORK_Y_BETA];
    const double *const y_H = &work[6u];
    double *const dy = &work[6u + (6u * m)];
    /* ∂E/∂y[i,c] = (1/m)·(y.H[i,c]·∂E/∂∂y.γ[i] + ∂E/∂∂y.β[i]) */
    for (size_t i = 0u; i < 3u; i++)
    {
        for (size_t c = 0u; c < m; c++)
        {
            dy[i * m + c] = 1.0 / (double)m * (y_H[i * m + c] * v_y_gamma[i] + v_y_beta[i]) * 1.0;
        }
    }
    /* ∂E/∂y.β[i] = Σ_c ∂E/∂y[i,c] */
    for (size_t i = 0u; i < 3u; i++)
    {
        double sum = 0.0;
        for (size_t c = 0u; c < m; c++)
        {
            sum += dy[i * m + c];
        }
        dy_beta[i] = sum;
    }
    /* ∂E/∂y.γ[i] = Σ_c y.H[i,c]·∂E/∂y[i,c] */
    for (size_t i = 0u; i < 3u; i++)
    {
        double sum = 0.0;
        for (size_t c = 0u; c < m; c++)
        {
            sum += y_H[i * m + c] * dy[i * m + c];
        }
        dy_gamma[i] = sum;
    }
}

void network_forward_batch(const double *params, const double *x1, size_t m, double *out_y, double *work)
{
    network_layers(params, x1, m, work);
    for (size_t k = 0u; k < 3u * m; k++)
    {
        out_y[k] = work[6u + (3u * m) + k];
    }
}

double network_loss_batch(const double *params, const double *x1, const double *t, size_t m, double *work)
{
    double error = 0.0;
    network_layers(params, x1, m, work);
    error += network_error(t, m, work);
    return error;
}

void network_gradient_batch(
    const double *params, const double *x1, const double *t, size_t m, double *grad, double *work)
{
    network_layers(params, x1, m, work);
    network_backward(t, m, grad, work);
}

double network_loss_and_gradient_batch(
    const double *params, const double *x1, const double *t, size_t m, double *grad, double *work)
{
    double error = 0.0;
    network_layers(params, x1, m, work);
    error += network_error(t, m, work);
    network_backward(t, m, grad, work);
    return error;
}

void network_hvp_batch(
    const double *params, const double *x1, const double *t, size_t m, const double *v, double *product,
    double *work)
{
    (void)t;
    network_layers(params, x1, m, work);
    network_second(m, v, product, work);
}
