/*
 * 2-3-1, tanh then identity, half-squared/m: network.h says what is computed.
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

/* x to the power of 3 */
static inline double network_power3(const double x)
{
    return x * x * x;
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

/* g′′(z), g(z) = tanh(z) */
static inline double network_tanh_bend(const double z)
{
    const double e = exp(-2.0 * ((z >= 0.0) ? z : -z));
    const double e_z = -2.0 * ((z >= 0.0) ? 1.0 : -1.0) * exp(-2.0 * ((z >= 0.0) ? z : -z));
    return e_z * (4.0 / network_square(e + 1.0) - 8.0 * e / network_power3(e + 1.0));
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

/* What is there before any sample. */
static void network_start_second(double *grad)
{
    for (size_t k = 0u; k < NETWORK_PARAMETERS; k++)
    {
        grad[k] = 0.0;
    }
}

/* Second-order pass of one sample, added to the product. */
static void network_second(
    const double *params,
    const double *x,
    const double *t,
    const size_t m,
    const double *v,
    double *grad,
    double *work)
{
    const double *const w2 = &params[NETWORK_W2];
    const double *const sum_v_w1 = &v[NETWORK_W1];
    const double *const sum_v_b1 = &v[NETWORK_B1];
    const double *const sum_v_w2 = &v[NETWORK_W2];
    const double *const sum_v_b2 = &v[NETWORK_B2];
    double *const dw1 = &grad[NETWORK_W1];
    double *const db1 = &grad[NETWORK_B1];
    double *const dw2 = &grad[NETWORK_W2];
    double *const db2 = &grad[NETWORK_B2];
    const double *const z1 = &work[0u];
    const double *const a1 = &work[3u];
    const double *const z2 = &work[6u];
    double *const Z2 = &work[7u];
    double *const d_Z1 = &work[8u];
    double *const delta2 = &work[11u];
    double *const delta1 = &work[12u];
    /* ∂Z2[i,c] = (1/m)·(A2[i,c] − T[i,c]) */
    for (size_t i = 0u; i < 1u; i++)
    {
        Z2[i] = 1.0 / (double)m * (z2[i] - t[i * m]);
    }
    /* ∂E/∂∂Z1[i,c] = Σ_j X[j,c]·∂E/∂∂W1[i,j] + ∂E/∂∂b1[i] */
    for (size_t i = 0u; i < 3u; i++)
    {
        double sum = 0.0;
        for (size_t j = 0u; j < 2u; j++)
        {
            sum += x[j * m] * sum_v_w1[i * 2u + j];
        }
        d_Z1[i] = sum_v_b1[i] + sum;
    }
    /* δ2[i,c] = (1/m)·(Σ_j A1[j,c]·∂E/∂∂W2[i,j] + Σ_k W2[i,k]·∂E/∂∂Z1[k,c]·tanh′(Z1[k,c]) + ∂E/∂∂b2[i]) */
    for (size_t i = 0u; i < 1u; i++)
    {
        double sum = 0.0;
        for (size_t r = 0u; r < 3u; r++)
        {
            sum += a1[r] * sum_v_w2[i * 3u + r];
        }
        double sum_2 = 0.0;
        for (size_t v_2 = 0u; v_2 < 3u; v_2++)
        {
            sum_2 += network_tanh_slope(z1[v_2], a1[v_2]) * w2[i * 3u + v_2] * d_Z1[v_2];
        }
        delta2[i] = 1.0 / (double)m * (sum_v_b2[i] + sum + sum_2) * 1.0;
    }
    /* ∂E/∂W2[i,j] = Σ_c δ2[i,c]·A1[j,c] + Σ_c ∂Z2[i,c]·∂E/∂∂Z1[j,c]·tanh′(Z1[j,c]) */
    for (size_t i = 0u; i < 1u; i++)
    {
        for (size_t j = 0u; j < 3u; j++)
        {
            dw2[i * 3u + j] += network_tanh_slope(z1[j], a1[j]) * Z2[i] * d_Z1[j] + a1[j] * delta2[i];
        }
    }
    /* ∂E/∂b2[i] = Σ_c δ2[i,c] */
    for (size_t i = 0u; i < 1u; i++)
    {
        db2[i] += delta2[i];
    }
    /* δ1[i,c] = ∂E/∂∂Z1[i,c]·tanh′′(Z1[i,c])·Σ_k W2[k,i]·∂Z2[k,c] + (Σ_k W2[k,i]·δ2[k,c] + Σ_k ∂Z2[k,c]·∂E/∂∂W2[k,i])·tanh′(Z1[i,c]) */
    for (size_t i = 0u; i < 3u; i++)
    {
        double sum = 0.0;
        for (size_t r = 0u; r < 1u; r++)
        {
            sum += w2[r * 3u + i] * delta2[r];
        }
        double sum_2 = 0.0;
        for (size_t r = 0u; r < 1u; r++)
        {
            sum_2 += sum_v_w2[r * 3u + i] * Z2[r];
        }
        double sum_3 = 0.0;
        for (size_t k = 0u; k < 1u; k++)
        {
            sum_3 += w2[k * 3u + i] * Z2[k];
        }
        delta1[i] = (sum + sum_2) * network_tanh_slope(z1[i], a1[i]) + network_tanh_bend(z1[i]) * d_Z1[i] * sum_3;
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

void network_hvp(
    const double *params, const double *x, const double *t, const double *v, double *product,
    double *work)
{
    network_hvp_batch(params, x, t, 1u, v, product, work);
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

void network_hvp_batch(
    const double *params, const double *x, const double *t, size_t m, const double *v, double *product,
    double *work)
{
    network_start_second(product);
    for (size_t c = 0u; c < m; c++)
    {
        network_layers(params, &x[c], m, work);
        network_second(params, &x[c], &t[c], m, v, product, work);
    }
}

void network_adam_step(
    double *params, const double *grad, double *first, double *second, double eta, double beta1,
    double beta2, double eps, size_t step)
{
    const double beta1_n = pow(beta1, (double)step);
    const double beta2_n = pow(beta2, (double)step);
    for (size_t i = 0u; i < NETWORK_PARAMETERS; i++)
    {
        first[i] = beta1 * first[i] + grad[i] * (1.0 - beta1);
        second[i] = beta2 * second[i] + grad[i] * grad[i] * (1.0 - beta2);
        params[i] = params[i] - eta * first[i] / ((1.0 - beta1_n) * (eps + sqrt(second[i] / (1.0 - beta2_n))));
    }
}
