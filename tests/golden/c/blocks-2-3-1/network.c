/*
 * 2-3-1, tanh then identity, half-squared/m: network.h says what is computed.
 * Form: blocks of 128 samples, vectors over samples; one sample alone: vectors over weights: as asked.
 *
 * Each step stands under its index equation. Derived and written by backproof.
 */

#include "network.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

typedef double real;

/* numbers from one unit's samples to the next one's; samples of a block */
#define STRIDE 136u
#define BLOCK 128u

#if defined(__cplusplus)
#define RESTRICT __restrict
#else
#define RESTRICT restrict
#endif

/* A vector of LANES numbers where the compiler knows vectors, one number elsewhere; tiles have ROWS rows. */
#if defined(__GNUC__) && !defined(NO_VECTORS)
#define INLINE static inline __attribute__((always_inline))
#if defined(__AVX512F__)
#define VECTOR_BYTES 64u
#define ROWS 12u
#elif defined(__AVX__)
#define VECTOR_BYTES 32u
#define ROWS 6u
#else
#define VECTOR_BYTES 16u
#define ROWS 4u
#endif
typedef real vec __attribute__((vector_size(VECTOR_BYTES), aligned(sizeof(real)), may_alias));
#define LANES (VECTOR_BYTES / sizeof(real))
INLINE vec splat(real x)
{
    vec zero = {0};
    return zero + x;
}
INLINE real total(vec v)
{
    real sum = v[0];
    for (size_t k = 1; k < LANES; ++k)
    {
        sum += v[k];
    }
    return sum;
}
#else
#define INLINE static inline
#define ROWS 4u
#define LANES ((size_t)1)
typedef real vec;
INLINE vec splat(real x)
{
    return x;
}
INLINE real total(vec v)
{
    return v;
}
#endif
#define STEP (2u * LANES)
INLINE vec load(const real *at)
{
    return *(const vec *)at;
}
INLINE void store(real *at, vec v)
{
    *(vec *)at = v;
}

/* 2^k, for the k whose bits were shifted into the fraction of a number */
INLINE real power_of_two(real shifted)
{
    uint64_t bits;
    real power;
    (void)memcpy(&bits, &shifted, sizeof bits);
    bits = (bits << 52) + ((uint64_t)1023 << 52);
    (void)memcpy(&power, &bits, sizeof power);
    return power;
}

/* exp x and exp x - 1 for x <= 0; where 2^n would be no normal number, its bits are those of 0 */
INLINE void exponential_below(real x, real *value, real *less_one)
{
    const real y = x < -709.0 ? -709.0 : x;
    const real shifted = y * 1.4426950408889634 + 6755399441055744.0;
    const real n = shifted - 6755399441055744.0;
    const real r = (y - n * 0.69314718048553914) - n * 7.4406171100123968e-11;
    real p = 1.6059043836821613e-10;
    p = p * r + 2.08767569878681e-09;
    p = p * r + 2.505210838544172e-08;
    p = p * r + 2.7557319223985888e-07;
    p = p * r + 2.7557319223985893e-06;
    p = p * r + 2.4801587301587302e-05;
    p = p * r + 0.00019841269841269841;
    p = p * r + 0.0013888888888888889;
    p = p * r + 0.0083333333333333332;
    p = p * r + 0.041666666666666664;
    p = p * r + 0.16666666666666666;
    p = p * r + 0.5;
    const real q = r + r * r * p;
    const real scale = power_of_two(shifted);
    *value = scale + scale * q;
    *less_one = scale * q + (scale - 1.0);
}

/* acc(i, x) = sum over k of p(i, k) q(k, x) for a few rows i and STEP columns x, kept in registers. */
INLINE void tile(size_t rows, size_t depth, const real *RESTRICT p, size_t pi, size_t pk,
                 const real *RESTRICT q, size_t qk, vec (*RESTRICT acc)[2])
{
    for (size_t i = 0; i < rows; ++i)
    {
        acc[i][0] = splat(0);
        acc[i][1] = splat(0);
    }
    for (size_t k = 0; k < depth; ++k)
    {
        const vec low = load(q + k * qk);
        const vec high = load(q + k * qk + LANES);
        for (size_t i = 0; i < rows; ++i)
        {
            const real factor = p[i * pi + k * pk];
            acc[i][0] += factor * low;
            acc[i][1] += factor * high;
        }
    }
}

INLINE void product_rows(size_t rows, size_t depth, const real *p, size_t pi, size_t pk, const real *q,
                         const real *bias, const real *factor, real *out)
{
    vec acc[ROWS][2];
    tile(rows, depth, p, pi, pk, q, STRIDE, acc);
    for (size_t i = 0; i < rows; ++i)
    {
        if (bias != NULL)
        {
            acc[i][0] += bias[i];
            acc[i][1] += bias[i];
        }
        if (factor != NULL)
        {
            acc[i][0] *= load(factor + i * STRIDE);
            acc[i][1] *= load(factor + i * STRIDE + LANES);
        }
        store(out + i * STRIDE, acc[i][0]);
        store(out + i * STRIDE + LANES, acc[i][1]);
    }
}

/* out(i, x) = (sum over k of p(i, k) q(k, x) + bias(i)) factor(i, x), bias and factor where there are any;
   columns is a multiple of STEP */
INLINE void product(size_t rows, size_t columns, size_t depth, const real *p, size_t pi, size_t pk,
                    const real *q, const real *bias, const real *factor, real *out)
{
    const size_t whole = rows / ROWS * ROWS;
    for (size_t x = 0; x < columns; x += STEP)
    {
        for (size_t i = 0; i < whole; i += ROWS)
        {
            product_rows(ROWS, depth, p + i * pi, pi, pk, q + x, bias == NULL ? NULL : bias + i,
                         factor == NULL ? NULL : factor + i * STRIDE + x, out + i * STRIDE + x);
        }
        if (whole < rows)
        {
            product_rows(rows - whole, depth, p + whole * pi, pi, pk, q + x,
                         bias == NULL ? NULL : bias + whole,
                         factor == NULL ? NULL : factor + whole * STRIDE + x, out + whole * STRIDE + x);
        }
    }
}

/* the sum of a row */
INLINE real row_total(size_t count, const real *row)
{
    const size_t whole = count / LANES * LANES;
    vec sums = splat(0);
    for (size_t c = 0; c < whole; c += LANES)
    {
        sums += load(row + c);
    }
    real sum = total(sums);
    for (size_t c = whole; c < count; ++c)
    {
        sum += row[c];
    }
    return sum;
}

/* sums(i) += d(i, c), a vector for each row. */
INLINE void row_sums(size_t rows, size_t samples, const real *RESTRICT d, real *RESTRICT sums)
{
    for (size_t i = 0; i < rows; ++i)
    {
        vec acc = load(sums + i * LANES);
        for (size_t c = 0; c < samples; c += LANES)
        {
            acc += load(d + i * STRIDE + c);
        }
        store(sums + i * LANES, acc);
    }
}

INLINE void pairs_tile(size_t rows, size_t columns, size_t samples, const real *RESTRICT d,
                       const real *RESTRICT a, real *RESTRICT sums, size_t si)
{
    vec acc[4][4];
    for (size_t i = 0; i < rows; ++i)
    {
        for (size_t j = 0; j < columns; ++j)
        {
            acc[i][j] = load(sums + (i * si + j) * LANES);
        }
    }
    for (size_t c = 0; c < samples; c += LANES)
    {
        for (size_t i = 0; i < rows; ++i)
        {
            const vec left = load(d + i * STRIDE + c);
            for (size_t j = 0; j < columns; ++j)
            {
                acc[i][j] += left * load(a + j * STRIDE + c);
            }
        }
    }
    for (size_t i = 0; i < rows; ++i)
    {
        for (size_t j = 0; j < columns; ++j)
        {
            store(sums + (i * si + j) * LANES, acc[i][j]);
        }
    }
}

INLINE void pairs_row(size_t rows, size_t columns, size_t samples, const real *d, const real *a, real *sums)
{
    const size_t fours = columns / 4u * 4u;
    for (size_t j = 0; j < fours; j += 4u)
    {
        pairs_tile(rows, 4u, samples, d, a + j * STRIDE, sums + j * LANES, columns);
    }
    if (fours < columns)
    {
        pairs_tile(rows, columns - fours, samples, d, a + fours * STRIDE, sums + fours * LANES, columns);
    }
}

/* sums(i, j) += d(i, c) a(j, c), a vector for each pair. */
INLINE void pairs(size_t rows, size_t columns, size_t samples, const real *d, const real *a, real *sums)
{
    const size_t fours = rows / 4u * 4u;
    for (size_t i = 0; i < fours; i += 4u)
    {
        pairs_row(4u, columns, samples, d + i * STRIDE, a, sums + i * columns * LANES);
    }
    if (fours < rows)
    {
        pairs_row(rows - fours, columns, samples, d + fours * STRIDE, a, sums + fours * columns * LANES);
    }
}

/* out(i) = sum over k of w(i, k) a(k), rows of w side by side. */
INLINE void rows_by_vector(size_t rows, size_t columns, const real *RESTRICT w, const real *RESTRICT a,
                           real *RESTRICT out)
{
    const size_t whole = columns / LANES * LANES;
    const size_t fours = whole > 0 ? rows / 4u * 4u : 0u;
    for (size_t i = 0; i < fours; i += 4u)
    {
        vec acc[4];
        for (size_t r = 0; r < 4u; ++r)
        {
            acc[r] = splat(0);
        }
        for (size_t k = 0; k < whole; k += LANES)
        {
            const vec right = load(a + k);
            for (size_t r = 0; r < 4u; ++r)
            {
                acc[r] += load(w + (i + r) * columns + k) * right;
            }
        }
        for (size_t r = 0; r < 4u; ++r)
        {
            real sum = total(acc[r]);
            for (size_t k = whole; k < columns; ++k)
            {
                sum += w[(i + r) * columns + k] * a[k];
            }
            out[i + r] = sum;
        }
    }
    for (size_t i = fours; i < rows; ++i)
    {
        real sum = w[i * columns] * a[0];
        for (size_t k = 1; k < columns; ++k)
        {
            sum += w[i * columns + k] * a[k];
        }
        out[i] = sum;
    }
}

INLINE void vector_columns(size_t vectors, size_t rows, size_t columns, const real *RESTRICT w,
                           const real *RESTRICT d, real *RESTRICT out)
{
    vec acc[4];
    for (size_t v = 0; v < vectors; ++v)
    {
        acc[v] = splat(0);
    }
    for (size_t i = 0; i < rows; ++i)
    {
        for (size_t v = 0; v < vectors; ++v)
        {
            acc[v] += d[i] * load(w + i * columns + v * LANES);
        }
    }
    for (size_t v = 0; v < vectors; ++v)
    {
        store(out + v * LANES, acc[v]);
    }
}

/* out(k) = sum over i of d(i) w(i, k). */
INLINE void vector_by_rows(size_t rows, size_t columns, const real *w, const real *d, real *out)
{
    const size_t fours = columns / (4u * LANES) * (4u * LANES);
    const size_t whole = columns / LANES * LANES;
    for (size_t k = 0; k < fours; k += 4u * LANES)
    {
        vector_columns(4u, rows, columns, w + k, d, out + k);
    }
    for (size_t k = fours; k < whole; k += LANES)
    {
        vector_columns(1u, rows, columns, w + k, d, out + k);
    }
    for (size_t k = whole; k < columns; ++k)
    {
        real sum = d[0] * w[k];
        for (size_t i = 1; i < rows; ++i)
        {
            sum += d[i] * w[i * columns + k];
        }
        out[k] = sum;
    }
}

/* grad(i, k) = d(i) a(k). */
INLINE void outer(size_t rows, size_t columns, const real *RESTRICT d, const real *RESTRICT a,
                  real *RESTRICT grad)
{
    for (size_t i = 0; i < rows; ++i)
    {
        for (size_t k = 0; k < columns; ++k)
        {
            grad[i * columns + k] = d[i] * a[k];
        }
    }
}

/* x² */
static inline double network_square(const double x)
{
    return x * x;
}

/* g(z) = tanh and g'(z) */
static void row_tanh(size_t count, const real *RESTRICT row, real *RESTRICT value, real *RESTRICT slope)
{
    for (size_t at = 0; at < count; ++at)
    {
        const real z = row[at];
        const real x = z < 0 ? z + z : -z - z;
        real e;
        real q;
        exponential_below(x, &e, &q);
        const real r = 1 / (2 + q);
        value[at] = z < 0 ? q * r : 0 - q * r;
        slope[at] = 4 * e * r * r;
    }
}

/* Values and slopes of every layer. */
static void block_forward(const real *params, const real *x, size_t m, size_t first, size_t count, real *work)
{
    const real *const w1 = params + 0u;
    const real *const b1 = params + 6u;
    const real *const w2 = params + 9u;
    const real *const b2 = params + 12u;
    real *const x_block = work + 0u;
    real *const z1 = work + 272u;
    real *const a1 = work + 680u;
    real *const slope1 = work + 1088u;
    real *const a2 = work + 1496u;
    const size_t lanes = (count + STEP - 1u) / STEP * STEP;
    for (size_t i = 0; i < 2u; ++i)
    {
        for (size_t c = 0; c < lanes; ++c)
        {
            x_block[i * STRIDE + c] = x[i * m + first + (c < count ? c : count - 1u)];
        }
    }
    /* Z1[i,c] = Σ_j W1[i,j]·X[j,c] + b1[i] */
    product(3u, lanes, 2u, w1, 2u, 1u, x_block, b1, NULL, z1);
    for (size_t i = 0; i < 3u; ++i)
    {
        row_tanh(lanes, z1 + i * STRIDE, a1 + i * STRIDE, slope1 + i * STRIDE);
    }
    /* Z2[i,c] = Σ_j W2[i,j]·A1[j,c] + b2[i] */
    product(1u, lanes, 3u, w2, 3u, 1u, a1, b2, NULL, a2);
}

/* The targets, where the backward pass reads them. */
static void block_target(const real *t, size_t m, size_t first, size_t count, real *work)
{
    real *const t_block = work + 1632u;
    const size_t lanes = (count + STEP - 1u) / STEP * STEP;
    for (size_t i = 0; i < 1u; ++i)
    {
        for (size_t c = 0; c < lanes; ++c)
        {
            t_block[i * STRIDE + c] = t[i * m + first + (c < count ? c : count - 1u)];
        }
    }
}

/* The share of E. */
static real block_loss(size_t m, size_t count, real *work)
{
    real *const a2 = work + 1496u;
    real *const t_block = work + 1632u;
    real *const part1 = work + 1768u;
    real *const part2 = work + 1904u;
    const real samples = (real)m;
    const size_t lanes = (count + STEP - 1u) / STEP * STEP;
    real error = 0;
    /* D = (1/(2·m))·Σ_c Σ_i (A2[i,c] − T[i,c])² */
    for (size_t c = 0; c < lanes; ++c)
    {
        part2[c] = 0;
    }
    for (size_t i = 0; i < 1u; ++i)
    {
        for (size_t c = 0; c < lanes; ++c)
        {
            part2[c] += 0.5 * network_square(a2[i * STRIDE + c] - t_block[i * STRIDE + c]);
        }
    }
    for (size_t c = 0; c < lanes; ++c)
    {
        part1[c] = part2[c];
    }
    error += 1.0 / samples * row_total(count, part1);
    return error;
}

/* Cotangents, and what they add to the gradient. */
static void block_backward(const real *params, size_t m, size_t count, real *grad, real *work)
{
    (void)grad;
    const real *const w2 = params + 9u;
    real *const x_block = work + 0u;
    real *const a1 = work + 680u;
    real *const slope1 = work + 1088u;
    real *const a2 = work + 1496u;
    real *const t_block = work + 1632u;
    real *const delta2 = work + 2040u;
    real *const dw2_sums = work + 2176u;
    real *const db2_sums = work + 2200u;
    real *const delta1 = work + 2208u;
    real *const dw1_sums = work + 2616u;
    real *const db1_sums = work + 2664u;
    const real samples = (real)m;
    const size_t lanes = (count + STEP - 1u) / STEP * STEP;
    /* δ2[i,c] = (1/m)·(A2[i,c] − T[i,c]) */
    for (size_t i = 0; i < 1u; ++i)
    {
        for (size_t c = 0; c < lanes; ++c)
        {
            delta2[i * STRIDE + c] = 1.0 / samples * (a2[i * STRIDE + c] - t_block[i * STRIDE + c]);
        }
    }
    for (size_t i = 0; i < 1u; ++i)
    {
        for (size_t c = count; c < lanes; ++c)
        {
            delta2[i * STRIDE + c] = 0;
        }
    }
    /* ∂E/∂W2[i,j] = Σ_c δ2[i,c]·A1[j,c] */
    pairs(1u, 3u, lanes, delta2, a1, dw2_sums);
    /* ∂E/∂b2[i] = Σ_c δ2[i,c] */
    row_sums(1u, lanes, delta2, db2_sums);
    /* δ1[i,c] = slope1[i,c]·Σ_k W2[k,i]·δ2[k,c] */
    product(3u, lanes, 1u, w2, 1u, 3u, delta2, NULL, slope1, delta1);
    /* ∂E/∂W1[i,j] = Σ_c δ1[i,c]·X[j,c] */
    pairs(3u, 2u, lanes, delta1, x_block, dw1_sums);
    /* ∂E/∂b1[i] = Σ_c δ1[i,c] */
    row_sums(3u, lanes, delta1, db1_sums);
}

/* Gradients out of their sums, and the penalties' slopes. */
static void block_finish(const real *params, size_t m, real *grad, real *work)
{
    (void)params;
    (void)m;
    real *const dw1 = grad + 0u;
    real *const db1 = grad + 6u;
    real *const dw2 = grad + 9u;
    real *const db2 = grad + 12u;
    real *const dw2_sums = work + 2176u;
    real *const db2_sums = work + 2200u;
    real *const dw1_sums = work + 2616u;
    real *const db1_sums = work + 2664u;
    for (size_t k = 0; k < 3u; ++k)
    {
        dw2[k] = total(load(dw2_sums + k * LANES));
    }
    for (size_t k = 0; k < 1u; ++k)
    {
        db2[k] = total(load(db2_sums + k * LANES));
    }
    for (size_t k = 0; k < 6u; ++k)
    {
        dw1[k] = total(load(dw1_sums + k * LANES));
    }
    for (size_t k = 0; k < 3u; ++k)
    {
        db1[k] = total(load(db1_sums + k * LANES));
    }
}

/* Values and slopes of every layer. */
static void one_forward(const real *params, const real *x, real *work)
{
    const real *const w1 = params + 0u;
    const real *const b1 = params + 6u;
    const real *const w2 = params + 9u;
    const real *const b2 = params + 12u;
    real *const z1 = work + 0u;
    real *const a1 = work + 3u;
    real *const slope1 = work + 6u;
    real *const a2 = work + 9u;
    /* Z1[i,c] = Σ_j W1[i,j]·X[j,c] + b1[i] */
    rows_by_vector(3u, 2u, w1, x, z1);
    for (size_t i = 0; i < 3u; ++i)
    {
        z1[i] += b1[i];
    }
    row_tanh(3u, z1, a1, slope1);
    /* Z2[i,c] = Σ_j W2[i,j]·A1[j,c] + b2[i] */
    rows_by_vector(1u, 3u, w2, a1, a2);
    for (size_t i = 0; i < 1u; ++i)
    {
        a2[i] += b2[i];
    }
}

/* The share of E. */
static real one_loss(size_t m, const real *t, real *work)
{
    (void)m;
    real *const a2 = work + 9u;
    real *const part1 = work + 10u;
    real *const part2 = work + 11u;
    real error = 0;
    /* D = (1/(2·m))·Σ_c Σ_i (A2[i,c] − T[i,c])² */
    part2[0] = 0;
    for (size_t i = 0; i < 1u; ++i)
    {
        part2[0] += 0.5 * network_square(a2[i] - t[i]);
    }
    part1[0] = part2[0];
    error += 1.0 / 1.0 * part1[0];
    return error;
}

/* Cotangents, and what they add to the gradient. */
static void one_backward(const real *params, size_t m, const real *x, const real *t, real *grad, real *work)
{
    (void)m;
    real *const dw1 = grad + 0u;
    real *const db1 = grad + 6u;
    const real *const w2 = params + 9u;
    real *const dw2 = grad + 9u;
    real *const db2 = grad + 12u;
    real *const a1 = work + 3u;
    real *const slope1 = work + 6u;
    real *const a2 = work + 9u;
    real *const delta2 = work + 12u;
    real *const delta1 = work + 13u;
    /* δ2[i,c] = (1/m)·(A2[i,c] − T[i,c]) */
    for (size_t i = 0; i < 1u; ++i)
    {
        delta2[i] = 1.0 / 1.0 * (a2[i] - t[i]);
    }
    /* ∂E/∂W2[i,j] = Σ_c δ2[i,c]·A1[j,c] */
    outer(1u, 3u, delta2, a1, dw2);
    /* ∂E/∂b2[i] = Σ_c δ2[i,c] */
    for (size_t i = 0; i < 1u; ++i)
    {
        db2[i] = delta2[i];
    }
    /* δ1[i,c] = slope1[i,c]·Σ_k W2[k,i]·δ2[k,c] */
    vector_by_rows(1u, 3u, w2, delta2, delta1);
    for (size_t i = 0; i < 3u; ++i)
    {
        delta1[i] *= slope1[i];
    }
    /* ∂E/∂W1[i,j] = Σ_c δ1[i,c]·X[j,c] */
    outer(3u, 2u, delta1, x, dw1);
    /* ∂E/∂b1[i] = Σ_c δ1[i,c] */
    for (size_t i = 0; i < 3u; ++i)
    {
        db1[i] = delta1[i];
    }
}

void network_forward(const double *params, const double *x, double *a, double *work)
{
one_forward(params, x, work);
for (size_t i = 0; i < 1u; ++i)
{
    a[i] = work[9u + i];
}
}

double network_loss(const double *params, const double *x, const double *t, double *work)
{
one_forward(params, x, work);
return one_loss(1u, t, work);
}

void network_gradient(const double *params, const double *x, const double *t, double *grad, double *work)
{
one_forward(params, x, work);
one_backward(params, 1u, x, t, grad, work);
}

double network_loss_and_gradient(
    const double *params, const double *x, const double *t, double *grad, double *work)
{
one_forward(params, x, work);
one_backward(params, 1u, x, t, grad, work);
return one_loss(1u, t, work);
}

void network_forward_batch(const double *params, const double *x, size_t m, double *a, double *work)
{
for (size_t first = 0; first < m; first += BLOCK)
{
    const size_t count = m - first < BLOCK ? m - first : BLOCK;
    block_forward(params, x, m, first, count, work);
    for (size_t i = 0; i < 1u; ++i)
    {
        for (size_t c = 0; c < count; ++c)
        {
            a[i * m + first + c] = work[1496u + i * STRIDE + c];
        }
    }
}
}

double network_loss_batch(const double *params, const double *x, const double *t, size_t m, double *work)
{
real error = 0;
for (size_t first = 0; first < m; first += BLOCK)
{
    const size_t count = m - first < BLOCK ? m - first : BLOCK;
    block_forward(params, x, m, first, count, work);
    block_target(t, m, first, count, work);
    error += block_loss(m, count, work);
}
return error;
}

void network_gradient_batch(
    const double *params, const double *x, const double *t, size_t m, double *grad, double *work)
{
for (size_t k = 0; k < 13u; ++k)
{
    grad[k] = 0;
}
for (size_t k = 0; k < 24u; ++k)
{
    work[2176u + k] = 0;
}
for (size_t k = 0; k < 8u; ++k)
{
    work[2200u + k] = 0;
}
for (size_t k = 0; k < 48u; ++k)
{
    work[2616u + k] = 0;
}
for (size_t k = 0; k < 24u; ++k)
{
    work[2664u + k] = 0;
}
for (size_t first = 0; first < m; first += BLOCK)
{
    const size_t count = m - first < BLOCK ? m - first : BLOCK;
    block_forward(params, x, m, first, count, work);
    block_target(t, m, first, count, work);
    block_backward(params, m, count, grad, work);
}
block_finish(params, m, grad, work);
}

double network_loss_and_gradient_batch(
    const double *params, const double *x, const double *t, size_t m, double *grad, double *work)
{
real error = 0;
for (size_t k = 0; k < 13u; ++k)
{
    grad[k] = 0;
}
for (size_t k = 0; k < 24u; ++k)
{
    work[2176u + k] = 0;
}
for (size_t k = 0; k < 8u; ++k)
{
    work[2200u + k] = 0;
}
for (size_t k = 0; k < 48u; ++k)
{
    work[2616u + k] = 0;
}
for (size_t k = 0; k < 24u; ++k)
{
    work[2664u + k] = 0;
}
for (size_t first = 0; first < m; first += BLOCK)
{
    const size_t count = m - first < BLOCK ? m - first : BLOCK;
    block_forward(params, x, m, first, count, work);
    block_target(t, m, first, count, work);
    error += block_loss(m, count, work);
    block_backward(params, m, count, grad, work);
}
block_finish(params, m, grad, work);
return error;
}
