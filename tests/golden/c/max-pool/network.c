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
static void network_layers(const double *x1, const size_t m, double *work)
{
    double *const y_Y_place = &work[0u];
    double *const y = &work[8u];
    /* y.Y_place[i,q,c] = argmax_k x1[i,2·q + k − 1,c] */
    for (size_t i = 0u; i < 2u; i++)
    {
        for (size_t q = 0u; q < 4u; q++)
        {
            double largest = -HUGE_VAL;
            size_t place = 0u;
            for (size_t k = 0u; k < 3u; k++)
            {
                const size_t at = k + q * 2u - 1u;
                if (at < 7u)
                {
                    const size_t at_2 = k + q * 2u - 1u;
                    const double candidate = (at_2 < 7u) ? x1[(i * 7u + at_2) * m] : 0.0;
                    if (candidate > largest)
                    {
                        largest = candidate;
                        place = k;
                    }
                }
            }
            y_Y_place[i * 4u + q] = (double)place;
        }
    }
    /* y[i,q,c] = x1[i,2·q + y.Y_place[i,q,c] − 1,c] */
    for (size_t i = 0u; i < 2u; i++)
    {
        for (size_t q = 0u; q < 4u; q++)
        {
            const size_t at_3 = q * 2u + (size_t)(ptrdiff_t)y_Y_place[i * 4u + q] - 1u;
            y[i * 4u + q] = (at_3 < 7u) ? x1[(i * 7u + at_3) * m] : 0.0;
        }
    }
}

/* The part of E that one sample adds. */
static double network_error(const double *t, const size_t m, double *work)
{
    const double *const y = &work[8u];
    double error = 0.0;
    /* E = (1/(2·m))·Σ_c Σ_t Σ_i (y[i,t,c] − t[i,t,c])² */
    {
        double sum = 0.0;
        for (size_t i = 0u; i < 2u; i++)
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

void network_forward_batch(const double *x1, size_t m, double *out_y, double *work)
{
    for (size_t c = 0u; c < m; c++)
    {
        network_layers(&x1[c], m, work);
        for (size_t k = 0u; k < 8u; k++)
        {
            out_y[(k * m) + c] = work[8u + k];
        }
    }
}

double network_loss_batch(const double *x1, const double *t, size_t m, double *work)
{
    double error = 0.0;
    for (size_t c = 0u; c < m; c++)
    {
        network_layers(&x1[c], m, work);
        error += network_error(&t[c], m, work);
    }
    return error;
}
