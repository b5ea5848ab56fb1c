/*
 * 2-3-1, tanh then identity, half-squared/m: network.h says what is computed.
 * Form: straight-line, with loops for batches: 13 parameters and single samples.
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

/* g′(z), g(z) = tanh(z), given a = g(z); beyond 9/10 the formula in a would cancel */
static inline double network_tanh_slope(const double z, const double a)
{
    double slope = 1.0 - a * a;
    if (fabs(a) > 0.9)
    {
        const double e = exp(-2.0 * fabs(z));
        slope = 4.0 * e / network_square(e + 1.0);
    }
    return slope;
}

/* Forward pass of one sample. */
static void network_layers(const double *params, const double *x, const size_t m, double *work)
{
    const double *const w1 = &params[NETWORK_W1];
    const double *const b1 = &params[NETWORK_B1];
    const double *const w2 = &params[NETWORK_W2];
    const double *const b2 = &params[NETWORK_B2];
    double *const z1 = &work[0u];
    double *const a1 = &work[3u];
    double *const z2 = &work[6u];
    /* Z1[i,c] = Σ_j W1[i,j]·X[j,c] + b1[i] */
    for (size_t i = 0u; i < 3u; i++)
    {
        double sum = 0.0;
        for (size_t j = 0u; j < 2u; j++)
        {
            sum += x[j * m] * w1[i * 2u + j];
        }
        z1[i] = b1[i] + sum;
    }
    /* A1[i,c] = tanh(Z1[i,c]) */
    for (size_t i = 0u; i < 3u; i++)
    {
        a1[i] = tanh(z1[i]);
    }
    /* Z2[i,c] = Σ_j W2[i,j]·A1[j,c] + b2[i] */
    for (size_t i = 0u; i < 1u; i++)
    {
        double sum = 0.0;
        for (size_t j = 0u; j < 3u; j++)
        {
            sum += a1[j] * w2[i * 3u + j];
        }
        z2[i] = b2[i] + sum;
    }
}

/* The part of E that one sample adds. */
static double network_error(const double *t, const size_t m, double *work)
{
    const double *const z2 = &work[6u];
    double error = 0.0;
    /* D = (1/(2·m))·Σ_c Σ_i (A2[i,c] − T[i,c])² */
    {
        double sum = 0.0;
        for (size_t i = 0u; i < 1u; i++)
        {
            sum += 0.5 * network_square(z2[i] - t[i * m]);
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
    const double *params,
    const double *x,
    const double *t,
    const size_t m,
    double *grad,
    double *work)
{
    const double *const w2 = &params[NETWORK_W2];
    double *const dw1 = &grad[NETWORK_W1];
    double *const db1 = &grad[NETWORK_B1];
    double *const dw2 = &grad[NETWORK_W2];
    double *const db2 = &grad[NETWORK_B2];
    const double *const z1 = &work[0u];
    const double *const a1 = &work[3u];
    const double *const z2 = &work[6u];
    double *const delta2 = &work[7u];
    double *const delta1 = &work[8u];
    /* δ2[i,c] = (1/m)·(A2[i,c] − T[i,c]) */
    for (size_t i = 0u; i < 1u; i++)
    {
        delta2[i] = 1.0 / (double)m * (z2[i] - t[i * m]);
    }
    /* ∂E/∂W2[i,j] = Σ_c δ2[i,c]·A1[j,c] */
    for (size_t i = 0u; i < 1u; i++)
    {
        for (size_t j = 0u; j < 3u; j++)
        {
            dw2[i * 3u + j] += a1[j] * delta2[i];
        }
    }
    /* ∂E/∂b2[i] = Σ_c δ2[i,c] */
    for (size_t i = 0u; i < 1u; i++)
    {
        db2[i] += delta2[i];
    }
    /* δ1[i,c] = tanh′(Z1[i,c])·Σ_k W2[k,i]·δ2[k,c] */
    for (size_t i = 0u; i < 3u; i++)
    {
        double sum = 0.0;
        for (size_t k = 0u; k < 1u; k++)
        {
            sum += w2[k * 3u + i] * delta2[k];
        }
        delta1[i] = network_tanh_slope(z1[i], a1[i]) * sum;
    }
    /* ∂E/∂W1[i,j] = Σ_c δ1[i,c]·X[j,c] */
    for (size_t i = 0u; i < 3u; i++)
    {
        for (size_t j = 0u; j < 2u; j++)
        {
            dw1[i * 2u + j] += x[j * m] * delta1[i];
        }
    }
    /* ∂E/∂b1[i] = Σ_c δ1[i,c] */
    for (size_t i = 0u; i < 3u; i++)
    {
        db1[i] += delta1[i];
    }
}

void network_forward(const double *params, const double *x, double *a, double *work)
{
    (void)work;
    /* Z1[i,c] = Σ_j W1[i,j]·X[j,c] + b1[i] */
    const double z1_0 = x[0] * params[0] + x[1] * params[1] + params[6];
    const double z1_1 = x[0] * params[2] + x[1] * params[3] + params[7];
    const double z1_2 = x[0] * params[4] + x[1] * params[5] + params[8];
    /* A1[i,c] = tanh(Z1[i,c]) */
    const double a1_0 = tanh(z1_0);
    const double a1_1 = tanh(z1_1);
    const double a1_2 = tanh(z1_2);
    /* Z2[i,c] = Σ_j W2[i,j]·A1[j,c] + b2[i] */
    const double z2_0 = a1_0 * params[9] + a1_1 * params[10] + a1_2 * params[11] + params[12];
    a[0] = z2_0;
}

double network_loss(const double *params, const double *x, const double *t, double *work)
{
    (void)work;
    /* Z1[i,c] = Σ_j W1[i,j]·X[j,c] + b1[i] */
    const double z1_0 = x[0] * params[0] + x[1] * params[1] + params[6];
    const double z1_1 = x[0] * params[2] + x[1] * params[3] + params[7];
    const double z1_2 = x[0] * params[4] + x[1] * params[5] + params[8];
    /* A1[i,c] = tanh(Z1[i,c]) */
    const double a1_0 = tanh(z1_0);
    const double a1_1 = tanh(z1_1);
    const double a1_2 = tanh(z1_2);
    /* Z2[i,c] = Σ_j W2[i,j]·A1[j,c] + b2[i] */
    const double z2_0 = a1_0 * params[9] + a1_1 * params[10] + a1_2 * params[11] + params[12];
    /* D = (1/(2·m))·Σ_c Σ_i (A2[i,c] − T[i,c])² */
    const double d = 0.5 * network_square(z2_0 - t[0]);
    return d;
}

void network_gradient(const double *params, const double *x, const double *t, double *grad, double *work)
{
    (void)work;
    /* Z1[i,c] = Σ_j W1[i,j]·X[j,c] + b1[i] */
    const double z1_0 = x[0] * params[0] + x[1] * params[1] + params[6];
    const double z1_1 = x[0] * params[2] + x[1] * params[3] + params[7];
    const double z1_2 = x[0] * params[4] + x[1] * params[5] + params[8];
    /* A1[i,c] = tanh(Z1[i,c]) */
    const double a1_0 = tanh(z1_0);
    const double a1_1 = tanh(z1_1);
    const double a1_2 = tanh(z1_2);
    /* Z2[i,c] = Σ_j W2[i,j]·A1[j,c] + b2[i] */
    const double z2_0 = a1_0 * params[9] + a1_1 * params[10] + a1_2 * params[11] + params[12];
    /* δ2[i,c] = (1/m)·(A2[i,c] − T[i,c]) */
    const double delta2_0 = z2_0 - t[0];
    /* ∂E/∂W2[i,j] = Σ_c δ2[i,c]·A1[j,c] */
    grad[9] = a1_0 * delta2_0;
    grad[10] = a1_1 * delta2_0;
    grad[11] = a1_2 * delta2_0;
    /* ∂E/∂b2[i] = Σ_c δ2[i,c] */
    grad[12] = delta2_0;
    /* δ1[i,c] = tanh′(Z1[i,c])·Σ_k W2[k,i]·δ2[k,c] */
    const double delta1_0 = network_tanh_slope(z1_0, a1_0) * params[9] * delta2_0;
    const double delta1_1 = network_tanh_slope(z1_1, a1_1) * params[10] * delta2_0;
    const double delta1_2 = network_tanh_slope(z1_2, a1_2) * params[11] * delta2_0;
    /* ∂E/∂W1[i,j] = Σ_c δ1[i,c]·X[j,c] */
    grad[0] = x[0] * delta1_0;
    grad[1] = x[1] * delta1_0;
    grad[2] = x[0] * delta1_1;
    grad[3] = x[1] * delta1_1;
    grad[4] = x[0] * delta1_2;
    grad[5] = x[1] * delta1_2;
    /* ∂E/∂b1[i] = Σ_c δ1[i,c] */
    grad[6] = delta1_0;
    grad[7] = delta1_1;
    grad[8] = delta1_2;
}

double network_loss_and_gradient(
    const double *params, const double *x, const double *t, double *grad, double *work)
{
    (void)work;
    /* Z1[i,c] = Σ_j W1[i,j]·X[j,c] + b1[i] */
    const double z1_0 = x[0] * params[0] + x[1] * params[1] + params[6];
    const double z1_1 = x[0] * params[2] + x[1] * params[3] + params[7];
    const double z1_2 = x[0] * params[4] + x[1] * params[5] + params[8];
    /* A1[i,c] = tanh(Z1[i,c]) */
    const double a1_0 = tanh(z1_0);
    const double a1_1 = tanh(z1_1);
    const double a1_2 = tanh(z1_2);
    /* Z2[i,c] = Σ_j W2[i,j]·A1[j,c] + b2[i] */
    const double z2_0 = a1_0 * params[9] + a1_1 * params[10] + a1_2 * params[11] + params[12];
    /* D = (1/(2·m))·Σ_c Σ_i (A2[i,c] − T[i,c])² */
    const double d = 0.5 * network_square(z2_0 - t[0]);
    /* δ2[i,c] = (1/m)·(A2[i,c] − T[i,c]) */
    const double delta2_0 = z2_0 - t[0];
    /* ∂E/∂W2[i,j] = Σ_c δ2[i,c]·A1[j,c] */
    grad[9] = a1_0 * delta2_0;
    grad[10] = a1_1 * delta2_0;
    grad[11] = a1_2 * delta2_0;
    /* ∂E/∂b2[i] = Σ_c δ2[i,c] */
    grad[12] = delta2_0;
    /* δ1[i,c] = tanh′(Z1[i,c])·Σ_k W2[k,i]·δ2[k,c] */
    const double delta1_0 = network_tanh_slope(z1_0, a1_0) * params[9] * delta2_0;
    const double delta1_1 = network_tanh_slope(z1_1, a1_1) * params[10] * delta2_0;
    const double delta1_2 = network_tanh_slope(z1_2, a1_2) * params[11] * delta2_0;
    /* ∂E/∂W1[i,j] = Σ_c δ1[i,c]·X[j,c] */
    grad[0] = x[0] * delta1_0;
    grad[1] = x[1] * delta1_0;
    grad[2] = x[0] * delta1_1;
    grad[3] = x[1] * delta1_1;
    grad[4] = x[0] * delta1_2;
    grad[5] = x[1] * delta1_2;
    /* ∂E/∂b1[i] = Σ_c δ1[i,c] */
    grad[6] = delta1_0;
    grad[7] = delta1_1;
    grad[8] = delta1_2;
    return d;
}

void network_forward_batch(const double *params, const double *x, size_t m, double *a, double *work)
{
    for (size_t c = 0u; c < m; c++)
    {
        network_layers(params, &x[c], m, work);
        for (size_t k = 0u; k < 1u; k++)
        {
            a[(k * m) + c] = work[6u + k];
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
