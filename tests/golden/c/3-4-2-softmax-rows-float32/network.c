/*
 * 3-4-2, softmax then softmax, cross-entropy/m + lambda/m Σw² + 1/10 Σ|w|: network.h says what is computed.
 * Form: loops, one sample after the other: as asked.
 *
 * Each step stands under its index equation. Derived and written by backproof.
 */

#include "network.h"

#include <math.h>

/* Forward pass of one sample. */
static void network_layers(const float *params, const float *x, float *work)
{
    const float *const w1 = &params[NETWORK_W1];
    const float *const b1 = &params[NETWORK_B1];
    const float *const w2 = &params[NETWORK_W2];
    const float *const b2 = &params[NETWORK_B2];
    float *const z1 = &work[0u];
    float *const r1 = &work[4u];
    float *const n1 = &work[5u];
    float *const sum_a1_1 = &work[4u];
    float *const a1 = &work[0u];
    float *const z2 = &work[9u];
    float *const r2 = &work[4u];
    float *const n2 = &work[11u];
    float *const sum_a2_1 = &work[13u];
    float *const a2 = &work[14u];
    /* Z1[i,c] = Σ_j W1[i,j]·X[j,c] + b1[i] */
    for (size_t i = 0u; i < 4u; i++)
    {
        z1[i] = 0.0f;
    }
    for (size_t j = 0u; j < 3u; j++)
    {
        for (size_t i = 0u; i < 4u; i++)
        {
            z1[i] += x[j] * w1[i + j * 4u];
        }
    }
    for (size_t i = 0u; i < 4u; i++)
    {
        z1[i] = z1[i] + b1[i];
    }
    /* R1[c] = max_r Z1[r,c] */
    {
        float largest = -HUGE_VALF;
        for (size_t r = 0u; r < 4u; r++)
        {
            const float candidate = z1[r];
            if (candidate > largest)
            {
                largest = candidate;
            }
        }
        r1[0] = largest;
    }
    /* N1[i,c] = exp(Z1[i,c] − R1[c]) */
    for (size_t i = 0u; i < 4u; i++)
    {
        n1[i] = expf(z1[i] - r1[0]);
    }
    /* A1.1[c] = Σ_r N1[r,c] */
    {
        float sum = 0.0f;
        for (size_t r = 0u; r < 4u; r++)
        {
            sum += n1[r];
        }
        sum_a1_1[0] = sum;
    }
    /* A1[i,c] = N1[i,c]/A1.1[c] */
    for (size_t i = 0u; i < 4u; i++)
    {
        a1[i] = n1[i] / sum_a1_1[0];
    }
    /* Z2[i,c] = Σ_j W2[i,j]·A1[j,c] + b2[i] */
    for (size_t i = 0u; i < 2u; i++)
    {
        float sum = 0.0f;
        for (size_t j = 0u; j < 4u; j++)
        {
            sum += a1[j] * w2[i + j * 2u];
        }
        z2[i] = b2[i] + sum;
    }
    /* R2[c] = max_r Z2[r,c] */
    {
        float largest = -HUGE_VALF;
        for (size_t r = 0u; r < 2u; r++)
        {
            const float candidate = z2[r];
            if (candidate > largest)
            {
                largest = candidate;
            }
        }
        r2[0] = largest;
    }
    /* N2[i,c] = exp(Z2[i,c] − R2[c]) */
    for (size_t i = 0u; i < 2u; i++)
    {
        n2[i] = expf(z2[i] - r2[0]);
    }
    /* A2.1[c] = Σ_r N2[r,c] */
    {
        float sum = 0.0f;
        for (size_t r = 0u; r < 2u; r++)
        {
            sum += n2[r];
        }
        sum_a2_1[0] = sum;
    }
    /* A2[i,c] = N2[i,c]/A2.1[c] */
    for (size_t i = 0u; i < 2u; i++)
    {
        a2[i] = n2[i] / sum_a2_1[0];
    }
}

/* The part of E that no sample has a part in. */
static float network_penalty(const float *params, const size_t m, const float lam)
{
    const float *const w1 = &params[NETWORK_W1];
    const float *const w2 = &params[NETWORK_W2];
    float error = 0.0f;
    /* R₂(W1) = (λ/m)·Σ_i Σ_j W1[i,j]² */
    {
        float sum = 0.0f;
        for (size_t j = 0u; j < 3u; j++)
        {
            for (size_t i = 0u; i < 4u; i++)
            {
                sum += w1[i + j * 4u] * w1[i + j * 4u];
            }
        }
        error += lam / (float)m * sum;
    }
    /* R₁(W1) = (1/10)·Σ_i Σ_j |W1[i,j]| */
    {
        float sum = 0.0f;
        for (size_t j = 0u; j < 3u; j++)
        {
            for (size_t i = 0u; i < 4u; i++)
            {
                sum += fabsf(w1[i + j * 4u]);
            }
        }
        error += 0.1f * sum;
    }
    /* R₂(W2) = (λ/m)·Σ_i Σ_j W2[i,j]² */
    {
        float sum = 0.0f;
        for (size_t j = 0u; j < 4u; j++)
        {
            for (size_t i = 0u; i < 2u; i++)
            {
                sum += w2[i + j * 2u] * w2[i + j * 2u];
            }
        }
        error += lam / (float)m * sum;
    }
    /* R₁(W2) = (1/10)·Σ_i Σ_j |W2[i,j]| */
    {
        float sum = 0.0f;
        for (size_t j = 0u; j < 4u; j++)
        {
            for (size_t i = 0u; i < 2u; i++)
            {
                sum += fabsf(w2[i + j * 2u]);
            }
        }
        error += 0.1f * sum;
    }
    return error;
}

/* The part of E that one sample adds. */
static float network_error(const int *t, const size_t m, float *work)
{
    const float *const z2 = &work[9u];
    const float *const r2 = &work[4u];
    const float *const n2 = &work[11u];
    float *const k2 = &work[13u];
    float *const l2 = &work[16u];
    float *const log_a2 = &work[11u];
    float error = 0.0f;
    /* K2[c] = argmax_r Z2[r,c] */
    {
        float largest = -HUGE_VALF;
        size_t place = 0u;
        for (size_t r = 0u; r < 2u; r++)
        {
            const float candidate = z2[r];
            if (candidate > largest)
            {
                largest = candidate;
                place = r;
            }
        }
        k2[0] = (float)place;
    }
    /* L2[c] = log1p(Σ_i {0 if i = K2[c], N2[i,c] otherwise}) */
    {
        float sum = 0.0f;
        for (size_t i = 0u; i < 2u; i++)
        {
            sum += ((float)i == k2[0]) ? 0.0f : n2[i];
        }
        l2[0] = log1pf(sum);
    }
    /* log_a2[i,c] = Z2[i,c] − L2[c] − R2[c] */
    for (size_t i = 0u; i < 2u; i++)
    {
        log_a2[i] = z2[i] - l2[0] - r2[0];
    }
    /* D = −(1/m)·Σ_c Σ_i log_a2[i,c]·T[i,c] */
    {
        float sum = 0.0f;
        for (size_t i = 0u; i < 2u; i++)
        {
            sum += -((t[0] == (int)i) ? 1.0f : 0.0f) * log_a2[i];
        }
        error += 1.0f / (float)m * sum;
    }
    return error;
}

/* What is there before any sample. */
static void network_start_backward(
    const float *params,
    const size_t m,
    const float lam,
    float *grad)
{
    const float *const w1 = &params[NETWORK_W1];
    const float *const w2 = &params[NETWORK_W2];
    float *const dw1 = &grad[NETWORK_W1];
    float *const db1 = &grad[NETWORK_B1];
    float *const dw2 = &grad[NETWORK_W2];
    float *const db2 = &grad[NETWORK_B2];
    for (size_t j = 0u; j < 4u; j++)
    {
        for (size_t i = 0u; i < 2u; i++)
        {
            dw2[i + j * 2u] = lam / (float)m * 2.0f * w2[i + j * 2u] + 0.1f * ((w2[i + j * 2u] > 0.0f) ? 1.0f : ((w2[i + j * 2u] < 0.0f) ? -1.0f : 0.0f));
        }
    }
    for (size_t k = 0u; k < 2u; k++)
    {
        db2[k] = 0.0f;
    }
    for (size_t j = 0u; j < 3u; j++)
    {
        for (size_t i = 0u; i < 4u; i++)
        {
            dw1[i + j * 4u] = lam / (float)m * 2.0f * w1[i + j * 4u] + 0.1f * ((w1[i + j * 4u] > 0.0f) ? 1.0f : ((w1[i + j * 4u] < 0.0f) ? -1.0f : 0.0f));
        }
    }
    for (size_t k = 0u; k < 4u; k++)
    {
        db1[k] = 0.0f;
    }
}

/* Backward pass of one sample, added to the gradient. */
static void network_backward(
    const float *params,
    const float *x,
    const int *t,
    const size_t m,
    float *grad,
    float *work)
{
    const float *const w2 = &params[NETWORK_W2];
    float *const dw1 = &grad[NETWORK_W1];
    float *const db1 = &grad[NETWORK_B1];
    float *const dw2 = &grad[NETWORK_W2];
    float *const db2 = &grad[NETWORK_B2];
    const float *const a1 = &work[0u];
    const float *const a2 = &work[14u];
    float *const sum_dz2_1 = &work[13u];
    float *const delta2 = &work[9u];
    float *const da1 = &work[5u];
    float *const sum_dz1_1 = &work[16u];
    float *const delta1 = &work[17u];
    /* dZ2.1[c] = Σ_i T[i,c] */
    {
        float sum = 0.0f;
        for (size_t r = 0u; r < 2u; r++)
        {
            sum += (t[0] == (int)r) ? 1.0f : 0.0f;
        }
        sum_dz2_1[0] = sum;
    }
    /* δ2[i,c] = (1/m)·(dZ2.1[c]·A2[i,c] − T[i,c]) */
    for (size_t i = 0u; i < 2u; i++)
    {
        delta2[i] = 1.0f / (float)m * (a2[i] * sum_dz2_1[0] - ((t[0] == (int)i) ? 1.0f : 0.0f));
    }
    /* ∂E/∂W2[i,j] = Σ_c δ2[i,c]·A1[j,c] + (1/10)·sign(W2[i,j]) + (2·λ/m)·W2[i,j] */
    for (size_t j = 0u; j < 4u; j++)
    {
        for (size_t i = 0u; i < 2u; i++)
        {
            dw2[i + j * 2u] += a1[j] * delta2[i];
        }
    }
    /* ∂E/∂b2[i] = Σ_c δ2[i,c] */
    for (size_t i = 0u; i < 2u; i++)
    {
        db2[i] += delta2[i];
    }
    /* ∂E/∂A1[j,c] = Σ_i W2[i,j]·δ2[i,c] */
    for (size_t j = 0u; j < 4u; j++)
    {
        float sum = 0.0f;
        for (size_t i = 0u; i < 2u; i++)
        {
            sum += w2[i + j * 2u] * delta2[i];
        }
        da1[j] = sum;
    }
    /* dZ1.1[c] = Σ_i A1[i,c]·∂E/∂A1[i,c] */
    {
        float sum = 0.0f;
        for (size_t r = 0u; r < 4u; r++)
        {
            sum += a1[r] * da1[r];
        }
        sum_dz1_1[0] = sum;
    }
    /* δ1[i,c] = A1[i,c]·(∂E/∂A1[i,c] − dZ1.1[c]) */
    for (size_t i = 0u; i < 4u; i++)
    {
        delta1[i] = a1[i] * da1[i] - a1[i] * sum_dz1_1[0];
    }
    /* ∂E/∂W1[i,j] = Σ_c δ1[i,c]·X[j,c] + (1/10)·sign(W1[i,j]) + (2·λ/m)·W1[i,j] */
    for (size_t j = 0u; j < 3u; j++)
    {
        for (size_t i = 0u; i < 4u; i++)
        {
            dw1[i + j * 4u] += x[j] * delta1[i];
        }
    }
    /* ∂E/∂b1[i] = Σ_c δ1[i,c] */
    for (size_t i = 0u; i < 4u; i++)
    {
        db1[i] += delta1[i];
    }
}

void network_forward(const float *params, const float *x, float *a, float *work)
{
    network_forward_batch(params, x, 1u, a, work);
}

float network_loss(const float *params, const float *x, const int *t, float lam, float *work)
{
    return network_loss_batch(params, x, t, 1u, lam, work);
}

void network_gradient(
    const float *params, const float *x, const int *t, float lam, float *grad, float *work)
{
    network_gradient_batch(params, x, t, 1u, lam, grad, work);
}

float network_loss_and_gradient(
    const float *params, const float *x, const int *t, float lam, float *grad, float *work)
{
    return network_loss_and_gradient_batch(params, x, t, 1u, lam, grad, work);
}

void network_forward_batch(const float *params, const float *x, size_t m, float *a, float *work)
{
    for (size_t c = 0u; c < m; c++)
    {
        network_layers(params, &x[c * 3u], work);
        for (size_t k = 0u; k < 2u; k++)
        {
            a[(c * 2u) + k] = work[14u + k];
        }
    }
}

float network_loss_batch(
    const float *params, const float *x, const int *t, size_t m, float lam, float *work)
{
    float error = network_penalty(params, m, lam);
    for (size_t c = 0u; c < m; c++)
    {
        network_layers(params, &x[c * 3u], work);
        error += network_error(&t[c], m, work);
    }
    return error;
}

void network_gradient_batch(
    const float *params, const float *x, const int *t, size_t m, float lam, float *grad, float *work)
{
    network_start_backward(params, m, lam, grad);
    for (size_t c = 0u; c < m; c++)
    {
        network_layers(params, &x[c * 3u], work);
        network_backward(params, &x[c * 3u], &t[c], m, grad, work);
    }
}

float network_loss_and_gradient_batch(
    const float *params, const float *x, const int *t, size_t m, float lam, float *grad, float *work)
{
    float error = network_penalty(params, m, lam);
    network_start_backward(params, m, lam, grad);
    for (size_t c = 0u; c < m; c++)
    {
        network_layers(params, &x[c * 3u], work);
        error += network_error(&t[c], m, work);
        network_backward(params, &x[c * 3u], &t[c], m, grad, work);
    }
    return error;
}
