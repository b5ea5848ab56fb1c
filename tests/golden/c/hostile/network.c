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
static void network_layers(
    const double *params,
    const double *while_1,
    const double *m_2,
    const double *state_1,
    const double *c_2,
    const size_t m,
    double *work)
{
    const double *const int_W = &params[NETWORK_INT_W];
    const double *const int_b = &params[NETWORK_INT_B];
    const double *const sigma_W = &params[NETWORK_SIGMA_W];
    const double *const sigma_b = &params[NETWORK_SIGMA_B];
    const double *const w_W = &params[NETWORK_W_W];
    double *const int_1 = &work[0u];
    double *const work_1 = &work[4u];
    double *const a_b = &work[8u];
    double *const sigma = &work[11u];
    double *const W = &work[14u];
    double *const w = &work[17u];
    double *const its_network_square = &work[19u];
    double *const k_2 = &work[21u];
    /* * / int[i,c] = Σ_j * / int.W[i,j]·while[j,c] + * / int.b[i] */
    for (size_t i = 0u; i < 4u; i++)
    {
        double sum = 0.0;
        for (size_t j = 0u; j < 3u; j++)
        {
            sum += while_1[j * m] * int_W[i * 3u + j];
        }
        int_1[i] = int_b[i] + sum;
    }
    /* work[i,c] = tanh(* / int[i,c]) */
    for (size_t i = 0u; i < 4u; i++)
    {
        work_1[i] = tanh(int_1[i]);
    }
    /* a/ *b? ?/[i,c] = while[i,c] + m[i,c] */
    for (size_t i = 0u; i < 3u; i++)
    {
        a_b[i] = while_1[i * m] + m_2[i * m];
    }
    /* Σ[i,c] = Σ_j Σ.W[i,j]·work[j,c] + Σ.b[i] */
    for (size_t i = 0u; i < 3u; i++)
    {
        double sum = 0.0;
        for (size_t j = 0u; j < 4u; j++)
        {
            sum += work_1[j] * sigma_W[i * 4u + j];
        }
        sigma[i] = sigma_b[i] + sum;
    }
    /* W[i,c] = Σ[i,c]·a/ *b? ?/[i,c] */
    for (size_t i = 0u; i < 3u; i++)
    {
        W[i] = sigma[i] * a_b[i];
    }
    /* w[i,c] = Σ_j w.W[i,j]·W[j,c] */
    for (size_t i = 0u; i < 2u; i++)
    {
        double sum = 0.0;
        for (size_t j = 0u; j < 3u; j++)
        {
            sum += W[j] * w_W[i * 3u + j];
        }
        w[i] = sum;
    }
    /* network_square[i,c] = state[i,c]·c[i,c] */
    for (size_t i = 0u; i < 2u; i++)
    {
        its_network_square[i] = state_1[i * m] * c_2[i * m];
    }
    /* k[i,c] = w[i,c] + network_square[i,c] */
    for (size_t i = 0u; i < 2u; i++)
    {
        k_2[i] = w[i] + its_network_square[i];
    }
}

/* The part of E that one sample adds. */
static double network_error(const double *double_1, const size_t m, double *work)
{
    const double *const k_2 = &work[21u];
    double error = 0.0;
    /* E = (1/(2·m))·Σ_c Σ_i (k[i,c] − double[i,c])² */
    {
        double sum = 0.0;
        for (size_t i = 0u; i < 2u; i++)
        {
            sum += 0.5 * network_square(k_2[i] - double_1[i * m]);
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
    const double *while_1,
    const double *double_1,
    const size_t m,
    double *grad,
    double *work)
{
    const double *const sigma_W = &params[NETWORK_SIGMA_W];
    const double *const w_W = &params[NETWORK_W_W];
    double *const d_int_W = &grad[NETWORK_INT_W];
    double *const d_int_b = &grad[NETWORK_INT_B];
    double *const dsigma_W = &grad[NETWORK_SIGMA_W];
    double *const dsigma_b = &grad[NETWORK_SIGMA_B];
    double *const dw_W = &grad[NETWORK_W_W];
    const double *const int_1 = &work[0u];
    const double *const work_1 = &work[4u];
    const double *const a_b = &work[8u];
    const double *const W = &work[14u];
    const double *const k_2 = &work[21u];
    double *const dw = &work[17u];
    double *const dsigma = &work[11u];
    double *const d_int = &work[23u];
    /* ∂E/∂w[i,c] = (1/m)·(k[i,c] − double[i,c]) */
    for (size_t i = 0u; i < 2u; i++)
    {
        dw[i] = 1.0 / (double)m * (k_2[i] - double_1[i * m]);
    }
    /* ∂E/∂w.W[i,j] = Σ_c W[j,c]·∂E/∂w[i,c] */
    for (size_t i = 0u; i < 2u; i++)
    {
        for (size_t j = 0u; j < 3u; j++)
        {
            dw_W[i * 3u + j] += W[j] * dw[i];
        }
    }
    /* ∂E/∂Σ[i,c] = a/ *b? ?/[i,c]·Σ_k w.W[k,i]·∂E/∂w[k,c] */
    for (size_t i = 0u; i < 3u; i++)
    {
        double sum = 0.0;
        for (size_t k = 0u; k < 2u; k++)
        {
            sum += w_W[k * 3u + i] * dw[k];
        }
        dsigma[i] = a_b[i] * sum;
    }
    /* ∂E/∂Σ.W[i,j] = Σ_c work[j,c]·∂E/∂Σ[i,c] */
    for (size_t i = 0u; i < 3u; i++)
    {
        for (size_t j = 0u; j < 4u; j++)
        {
            dsigma_W[i * 4u + j] += work_1[j] * dsigma[i];
        }
    }
    /* ∂E/∂Σ.b[i] = Σ_c ∂E/∂Σ[i,c] */
    for (size_t i = 0u; i < 3u; i++)
    {
        dsigma_b[i] += dsigma[i];
    }
    /* ∂E/∂* / int[i,c] = tanh′(* / int[i,c])·Σ_k Σ.W[k,i]·∂E/∂Σ[k,c] */
    for (size_t i = 0u; i < 4u; i++)
    {
        d_int[i] = 0.0;
    }
    for (size_t k = 0u; k < 3u; k++)
    {
        for (size_t i = 0u; i < 4u; i++)
        {
            d_int[i] += sigma_W[k * 4u + i] * dsigma[k];
        }
    }
    for (size_t i = 0u; i < 4u; i++)
    {
        d_int[i] = d_int[i] * network_tanh_slope(int_1[i], work_1[i]);
    }
    /* ∂E/∂* / int.W[i,j] = Σ_c while[j,c]·∂E/∂* / int[i,c] */
    for (size_t i = 0u; i < 4u; i++)
    {
        for (size_t j = 0u; j < 3u; j++)
        {
            d_int_W[i * 3u + j] += while_1[j * m] * d_int[i];
        }
    }
    /* ∂E/∂* / int.b[i] = Σ_c ∂E/∂* / int[i,c] */
    for (size_t i = 0u; i < 4u; i++)
    {
        d_int_b[i] += d_int[i];
    }
}

void network_forward_batch(
    const double *params, const double *while_1, const double *m_2, const double *state_1,
    const double *c_2, size_t m, double *out_k, double *work)
{
    for (size_t c = 0u; c < m; c++)
    {
        network_layers(params, &while_1[c], &m_2[c], &state_1[c], &c_2[c], m, work);
        for (size_t k = 0u; k < 2u; k++)
        {
            out_k[(k * m) + c] = work[21u + k];
        }
    }
}

double network_loss_batch(
    const double *params, const double *while_1, const double *m_2, const double *state_1,
    const double *c_2, const double *double_1, size_t m, double *work)
{
    double error = 0.0;
    for (size_t c = 0u; c < m; c++)
    {
        network_layers(params, &while_1[c], &m_2[c], &state_1[c], &c_2[c], m, work);
        error += network_error(&double_1[c], m, work);
    }
    return error;
}

void network_gradient_batch(
    const double *params, const double *while_1, const double *m_2, const double *state_1,
    const double *c_2, const double *double_1, size_t m, double *grad, double *work)
{
    network_start_backward(grad);
    for (size_t c = 0u; c < m; c++)
    {
        network_layers(params, &while_1[c], &m_2[c], &state_1[c], &c_2[c], m, work);
        network_backward(params, &while_1[c], &double_1[c], m, grad, work);
    }
}

double network_loss_and_gradient_batch(
    const double *params, const double *while_1, const double *m_2, const double *state_1,
    const double *c_2, const double *double_1, size_t m, double *grad, double *work)
{
    double error = 0.0;
    network_start_backward(grad);
    for (size_t c = 0u; c < m; c++)
    {
        network_layers(params, &while_1[c], &m_2[c], &state_1[c], &c_2[c], m, work);
        error += network_error(&double_1[c], m, work);
        network_backward(params, &while_1[c], &double_1[c], m, grad, work);
    }
    return error;
}
