/*
 * A network: network.h says what is computed.
 * Form: loops, one sample after the other: every graph is written so.
 *
 * Each step stands under its index equation. Derived and written by backproof.
 */

#include "network.h"

#include <math.h>

/* x² */
static inline float network_square(const float x)
{
    return x * x;
}

/* Forward pass of one sample. */
static void network_layers(const float *params, const float *x1, const size_t m, float *work)
{
    const float *const y_W = &params[NETWORK_Y_W];
    const float *const y_b = &params[NETWORK_Y_B];
    float *const y = &work[0u];
    /* y[o,q,c] = Σ_k Σ_h y.W[o,h,k]·x1[h,2·q + 2·k − 3,c] + y.b[o] */
    for (size_t o = 0u; o < 3u; o++)
    {
        for (size_t q = 0u; q < 5u; q++)
        {
            float sum = 0.0f;
            for (size_t h = 0u; h < 2u; h++)
            {
                for (size_t k = 0u; k < 3u; k++)
                {
                    const size_t at = k * 2u + q * 2u - 3u;
                    if (at < 7u)
                    {
                        sum += x1[(h * 7u + at) * m] * y_W[o * 6u + h * 3u + k];
                    }
                }
            }
            y[o * 5u + q] = y_b[o] + sum;
        }
    }
}

/* The part of E that one sample adds. */
static float network_error(const float *t, const size_t m, float *work)
{
    const float *const y = &work[0u];
    float error = 0.0f;
    /* E = (1/(2·m))·Σ_c Σ_t Σ_i (y[i,t,c] − t[i,t,c])² */
    {
        float sum = 0.0f;
        for (size_t i = 0u; i < 3u; i++)
        {
            for (size_t t_2 = 0u; t_2 < 5u; t_2++)
            {
                sum += 0.5f * network_square(y[i * 5u + t_2] - t[(i * 5u + t_2) * m]);
            }
        }
        error += 1.0f / (float)m * sum;
    }
    return error;
}

/* What is there before any sample. */
static void network_start_backward(float *grad)
{
    for (size_t k = 0u; k < NETWORK_PARAMETERS; k++)
    {
        grad[k] = 0.0f;
    }
}

/* Backward pass of one sample, added to the gradient. */
static void network_backward(
    const float *x1,
    const float *t,
    const size_t m,
    float *grad,
    float *work)
{
    float *const dy_W = &grad[NETWORK_Y_W];
    float *const dy_b = &grad[NETWORK_Y_B];
    const float *const y = &work[0u];
    float *const dy = &work[15u];
    /* ∂E/∂y[i,t,c] = (1/m)·(y[i,t,c] − t[i,t,c]) */
    for (size_t i = 0u; i < 3u; i++)
    {
        for (size_t t_2 = 0u; t_2 < 5u; t_2++)
        {
            dy[i * 5u + t_2] = 1.0f / (float)m * (y[i * 5u + t_2] - t[(i * 5u + t_2) * m]);
        }
    }
    /* ∂E/∂y.W[o,h,k] = Σ_q Σ_c x1[h,2·q + 2·k − 3,c]·∂E/∂y[o,q,c] */
    for (size_t o = 0u; o < 3u; o++)
    {
        for (size_t h = 0u; h < 2u; h++)
        {
            for (size_t k = 0u; k < 3u; k++)
            {
                float sum = 0.0f;
                for (size_t q = 0u; q < 5u; q++)
                {
                    const size_t at = k * 2u + q * 2u - 3u;
                    if (at < 7u)
                    {
                        sum += x1[(h * 7u + at) * m] * dy[o * 5u + q];
                    }
                }
                dy_W[o * 6u + h * 3u + k] += sum;
            }
        }
    }
    /* ∂E/∂y.b[o] = Σ_q Σ_c ∂E/∂y[o,q,c] */
    for (size_t o = 0u; o < 3u; o++)
    {
        float sum = 0.0f;
        for (size_t q = 0u; q < 5u; q++)
        {
            sum += dy[o * 5u + q];
        }
        dy_b[o] += sum;
    }
}

void network_forward_batch(const float *params, const float *x1, size_t m, float *out_y, float *work)
{
    for (size_t c = 0u; c < m; c++)
    {
        network_layers(params, &x1[c], m, work);
        for (size_t k = 0u; k < 15u; k++)
        {
            out_y[(k * m) + c] = work[k];
        }
    }
}

float network_loss_batch(const float *params, const float *x1, const float *t, size_t m, float *work)
{
    float error = 0.0f;
    for (size_t c = 0u; c < m; c++)
    {
        network_layers(params, &x1[c], m, work);
        error += network_error(&t[c], m, work);
    }
    return error;
}

void network_gradient_batch(
    const float *params, const float *x1, const float *t, size_t m, float *grad, float *work)
{
    network_start_backward(grad);
    for (size_t c = 0u; c < m; c++)
    {
        network_layers(params, &x1[c], m, work);
        network_backward(&x1[c], &t[c], m, grad, work);
    }
}

float network_loss_and_gradient_batch(
    const float *params, const float *x1, const float *t, size_t m, float *grad, float *work)
{
    float error = 0.0f;
    network_start_backward(grad);
    for (size_t c = 0u; c < m; c++)
    {
        network_layers(params, &x1[c], m, work);
        error += network_error(&t[c], m, work);
        network_backward(&x1[c], &t[c], m, grad, work);
    }
    return error;
}
