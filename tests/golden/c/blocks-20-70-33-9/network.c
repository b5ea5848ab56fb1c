/*
 * 20-70-33-9, tanh, relu then softmax, cross-entropy/m + 1/(50*m) Σw²: network.h says what is computed.
 * Form: blocks of 64 samples, vectors over samples; one sample alone: vectors over weights: batches of 64, widths up to 70.
 *
 * Each step stands under its index equation. Derived and written by backproof.
 */

#include "network.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

typedef float real;

/* numbers from one unit's samples to the next one's; samples of a block */
#define STRIDE 80u
#define BLOCK 64u

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
    uint32_t bits;
    real power;
    (void)memcpy(&bits, &shifted, sizeof bits);
    bits = (bits << 23) + ((uint32_t)127 << 23);
    (void)memcpy(&power, &bits, sizeof power);
    return power;
}

/* exp x and exp x - 1 for x <= 0; where 2^n would be no normal number, its bits are those of 0 */
INLINE void exponential_below(real x, real *value, real *less_one)
{
    const real y = x < -88.0f ? -88.0f : x;
    const real shifted = y * 1.44269504f + 12582912.0f;
    const real n = shifted - 12582912.0f;
    const real r = (y - n * 0.693359375f) - n * -0.00021219444f;
    real p = 2.48015873e-05f;
    p = p * r + 0.000198412698f;
    p = p * r + 0.00138888889f;
    p = p * r + 0.00833333333f;
    p = p * r + 0.0416666667f;
    p = p * r + 0.166666667f;
    p = p * r + 0.5f;
    const real q = r + r * r * p;
    const real scale = power_of_two(shifted);
    *value = scale + scale * q;
    *less_one = scale * q + (scale - 1.0f);
}

INLINE real fast_exp_below(real x)
{
    real value;
    real less_one;
    exponential_below(x, &value, &less_one);
    return value;
}

INLINE real fast_log(real x)
{
    /* numbers below the smallest normal one are scaled up */
    const real y = x < 1.17549435e-38f ? x * 33554432.0f : x;
    const real scaled = x < 1.17549435e-38f ? 25.0f : 0.0f;
    uint32_t bits;
    (void)memcpy(&bits, &y, sizeof bits);
    bits += ((uint32_t)0x4b0000u);
    const uint32_t counted = (bits >> 23) | ((uint32_t)0x4b000000u);
    bits = (bits & ((uint32_t)0x7fffffu)) + ((uint32_t)0x3f350000u);
    real f;
    real k;
    (void)memcpy(&f, &bits, sizeof f);
    (void)memcpy(&k, &counted, sizeof k);
    k = (k - 8388735.0f) - scaled;
    const real less = f - 1.0f;
    const real s = less / (2.0f + less);
    const real square = s * s;
    real p = 0.222222222f;
    p = p * square + 0.285714286f;
    p = p * square + 0.4f;
    p = p * square + 0.666666667f;
    const real half_square = 0.5f * less * less;
    real value = k * 0.693359375f - ((half_square - (s * (half_square + square * p) + k * -0.00021219444f)) - less);
    value = x < (real)INFINITY ? value : x;
    value = x > 0.0f ? value : (real)NAN;
    return x == 0.0f ? -(real)INFINITY : value;
}

INLINE real fast_log1p(real x)
{
    const real u = 1.0f + x;
    const real value = fast_log(u);
    const real rest = (x - (u - 1.0f)) / u;
    return u > 0.0f && u < (real)INFINITY ? value + rest : value;
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

INLINE void gradient_rows(size_t rows, size_t columns, size_t samples, const real *d, const real *q,
                          size_t qk, real *grad)
{
    for (size_t x = 0; x < columns; x += STEP)
    {
        vec acc[ROWS][2];
        tile(rows, samples, d, STRIDE, 1u, q + x, qk, acc);
        if (x + STEP <= columns)
        {
            for (size_t i = 0; i < rows; ++i)
            {
                real *at = grad + i * columns + x;
                store(at, load(at) + acc[i][0]);
                store(at + LANES, load(at + LANES) + acc[i][1]);
            }
        }
        else
        {
            for (size_t i = 0; i < rows; ++i)
            {
                real part[STEP];
                store(part, acc[i][0]);
                store(part + LANES, acc[i][1]);
                for (size_t k = 0; k < columns - x; ++k)
                {
                    grad[i * columns + x + k] += part[k];
                }
            }
        }
    }
}

/* grad(i, x) += sum over samples c of d(i, c) q(c, x), with q padded to a multiple of STEP. */
INLINE void gradient(size_t rows, size_t columns, size_t samples, const real *d, const real *q, size_t qk,
                     real *grad)
{
    const size_t whole = rows / ROWS * ROWS;
    for (size_t i = 0; i < whole; i += ROWS)
    {
        gradient_rows(ROWS, columns, samples, d + i * STRIDE, q, qk, grad + i * columns);
    }
    if (whole < rows)
    {
        gradient_rows(rows - whole, columns, samples, d + whole * STRIDE, q, qk, grad + whole * columns);
    }
}

/* out(c, j) = a(j, c): units side by side. */
INLINE void turned(size_t units, size_t samples, const real *RESTRICT a, real *RESTRICT out, size_t oc)
{
    for (size_t first = 0; first < units; first += 8u)
    {
        const size_t some = units - first < 8u ? units - first : 8u;
        for (size_t c = 0; c < samples; ++c)
        {
            for (size_t j = 0; j < some; ++j)
            {
                out[c * oc + first + j] = a[(first + j) * STRIDE + c];
            }
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

/* the largest z of each sample, and the unit that has it */
INLINE void column_tops(size_t units, size_t samples, size_t stride, const real *z, real *top, real *place)
{
    for (size_t c = 0; c < samples; ++c)
    {
        top[c] = z[c];
        place[c] = 0;
    }
    for (size_t r = 1; r < units; ++r)
    {
        for (size_t c = 0; c < samples; ++c)
        {
            const real here = z[r * stride + c];
            place[c] = here > top[c] ? (real)r : place[c];
            top[c] = here > top[c] ? here : top[c];
        }
    }
}

/* a = exp(z - top) / sum of exp(z - top) */
INLINE void softmax(size_t units, size_t samples, size_t stride, const real *z, real *a, real *top, real *sum)
{
    column_tops(units, samples, stride, z, top, sum);
    for (size_t c = 0; c < samples; ++c)
    {
        sum[c] = 0;
    }
    for (size_t r = 0; r < units; ++r)
    {
        for (size_t c = 0; c < samples; ++c)
        {
            a[r * stride + c] = fast_exp_below(z[r * stride + c] - top[c]);
            sum[c] += a[r * stride + c];
        }
    }
    for (size_t r = 0; r < units; ++r)
    {
        for (size_t c = 0; c < samples; ++c)
        {
            a[r * stride + c] /= sum[c];
        }
    }
}

/* log a = (z - top) - log(1 + sum of exp(z - top) over the units but the largest) */
INLINE void log_softmax(size_t units, size_t samples, size_t stride, const real *z, real *log_a, real *top,
                        real *sum, real *place)
{
    column_tops(units, samples, stride, z, top, place);
    for (size_t c = 0; c < samples; ++c)
    {
        sum[c] = 0;
    }
    for (size_t r = 0; r < units; ++r)
    {
        for (size_t c = 0; c < samples; ++c)
        {
            const real here = fast_exp_below(z[r * stride + c] - top[c]);
            sum[c] += (real)r == place[c] ? (real)0 : here;
        }
    }
    for (size_t c = 0; c < samples; ++c)
    {
        sum[c] = fast_log1p(sum[c]);
    }
    for (size_t r = 0; r < units; ++r)
    {
        for (size_t c = 0; c < samples; ++c)
        {
            log_a[r * stride + c] = (z[r * stride + c] - top[c]) - sum[c];
        }
    }
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

/* g(z) = relu and g'(z) */
static void row_relu(size_t count, const real *RESTRICT row, real *RESTRICT value, real *RESTRICT slope)
{
    for (size_t at = 0; at < count; ++at)
    {
        const real z = row[at];
        value[at] = ((z > 0.0f) ? z : 0.0f);
        slope[at] = ((z > 0.0f) ? 1.0f : 0.0f);
    }
}

/* Values and slopes of every layer. */
static void block_forward(const real *params, const real *x, size_t m, size_t first, size_t count, real *work)
{
    (void)m;
    const real *const w1 = params + 0u;
    const real *const b1 = params + 1400u;
    const real *const w2 = params + 1470u;
    const real *const b2 = params + 3780u;
    const real *const w3 = params + 3813u;
    const real *const b3 = params + 4110u;
    real *const x_block = work + 0u;
    real *const z1 = work + 1600u;
    real *const a1 = work + 7200u;
    real *const slope1 = work + 12800u;
    real *const z2 = work + 18400u;
    real *const a2 = work + 21040u;
    real *const slope2 = work + 23680u;
    real *const z3 = work + 26320u;
    real *const a3 = work + 27040u;
    real *const tops = work + 27760u;
    real *const sums = work + 27840u;
    const size_t lanes = (count + STEP - 1u) / STEP * STEP;
    for (size_t i = 0; i < 20u; ++i)
    {
        for (size_t c = 0; c < lanes; ++c)
        {
            x_block[i * STRIDE + c] = x[(first + (c < count ? c : count - 1u)) * 20u + i];
        }
    }
    /* Z1[i,c] = Σ_j W1[i,j]·X[j,c] + b1[i] */
    product(70u, lanes, 20u, w1, 1u, 70u, x_block, b1, NULL, z1);
    for (size_t i = 0; i < 70u; ++i)
    {
        row_tanh(lanes, z1 + i * STRIDE, a1 + i * STRIDE, slope1 + i * STRIDE);
    }
    /* Z2[i,c] = Σ_j W2[i,j]·A1[j,c] + b2[i] */
    product(33u, lanes, 70u, w2, 1u, 33u, a1, b2, NULL, z2);
    for (size_t i = 0; i < 33u; ++i)
    {
        row_relu(lanes, z2 + i * STRIDE, a2 + i * STRIDE, slope2 + i * STRIDE);
    }
    /* Z3[i,c] = Σ_j W3[i,j]·A2[j,c] + b3[i] */
    product(9u, lanes, 33u, w3, 1u, 9u, a2, b3, NULL, z3);
    softmax(9u, lanes, STRIDE, z3, a3, tops, sums);
}

/* The targets, where the backward pass reads them. */
static void block_target(const real *t, size_t m, size_t first, size_t count, real *work)
{
    (void)m;
    real *const t_block = work + 27920u;
    const size_t lanes = (count + STEP - 1u) / STEP * STEP;
    for (size_t i = 0; i < 9u; ++i)
    {
        for (size_t c = 0; c < lanes; ++c)
        {
            t_block[i * STRIDE + c] = t[(first + (c < count ? c : count - 1u)) * 9u + i];
        }
    }
}

/* The share of E. */
static real block_loss(size_t m, size_t count, real *work)
{
    real *const z3 = work + 26320u;
    real *const tops = work + 27760u;
    real *const sums = work + 27840u;
    real *const t_block = work + 27920u;
    real *const log_a3 = work + 28640u;
    real *const places = work + 29360u;
    real *const part1 = work + 29440u;
    real *const part2 = work + 29520u;
    const real samples = (real)m;
    const size_t lanes = (count + STEP - 1u) / STEP * STEP;
    real error = 0;
    /* D = −(1/m)·Σ_c Σ_i T[i,c]·log(A3[i,c]) */
    log_softmax(9u, lanes, STRIDE, z3, log_a3, tops, sums, places);
    for (size_t c = 0; c < lanes; ++c)
    {
        part2[c] = 0;
    }
    for (size_t i = 0; i < 9u; ++i)
    {
        for (size_t c = 0; c < lanes; ++c)
        {
            part2[c] += -t_block[i * STRIDE + c] * log_a3[i * STRIDE + c];
        }
    }
    for (size_t c = 0; c < lanes; ++c)
    {
        part1[c] = part2[c];
    }
    error += 1.0f / samples * row_total(count, part1);
    return error;
}

/* Cotangents, and what they add to the gradient. */
static void block_backward(const real *params, size_t m, size_t count, real *grad, real *work)
{
    const real *const w2 = params + 1470u;
    real *const dw2 = grad + 1470u;
    const real *const w3 = params + 3813u;
    real *const x_block = work + 0u;
    real *const a1 = work + 7200u;
    real *const slope1 = work + 12800u;
    real *const a2 = work + 21040u;
    real *const slope2 = work + 23680u;
    real *const a3 = work + 27040u;
    real *const t_block = work + 27920u;
    real *const delta3 = work + 29600u;
    real *const part3 = work + 30320u;
    real *const dw3_sums = work + 30400u;
    real *const db3_sums = work + 35152u;
    real *const delta2 = work + 35296u;
    real *const turned64 = work + 37936u;
    real *const db2_sums = work + 42032u;
    real *const delta1 = work + 42560u;
    real *const dw1_sums = work + 48160u;
    real *const db1_sums = work + 70560u;
    const real samples = (real)m;
    const size_t lanes = (count + STEP - 1u) / STEP * STEP;
    /* δ3[i,c] = (1/m)·(A3[i,c]·Σ_r T[r,c] − T[i,c]) */
    for (size_t c = 0; c < lanes; ++c)
    {
        part3[c] = 0;
    }
    for (size_t r = 0; r < 9u; ++r)
    {
        for (size_t c = 0; c < lanes; ++c)
        {
            part3[c] += t_block[r * STRIDE + c];
        }
    }
    for (size_t i = 0; i < 9u; ++i)
    {
        for (size_t c = 0; c < lanes; ++c)
        {
            delta3[i * STRIDE + c] = 1.0f / samples * (a3[i * STRIDE + c] * part3[c] - t_block[i * STRIDE + c]);
        }
    }
    for (size_t i = 0; i < 9u; ++i)
    {
        for (size_t c = count; c < lanes; ++c)
        {
            delta3[i * STRIDE + c] = 0;
        }
    }
    /* ∂E/∂W3[i,j] = Σ_c δ3[i,c]·A2[j,c] + (1/(25·m))·W3[i,j] */
    pairs(33u, 9u, lanes, a2, delta3, dw3_sums);
    /* ∂E/∂b3[i] = Σ_c δ3[i,c] */
    row_sums(9u, lanes, delta3, db3_sums);
    /* δ2[i,c] = slope2[i,c]·Σ_k W3[k,i]·δ3[k,c] */
    product(33u, lanes, 9u, w3, 9u, 1u, delta3, NULL, slope2, delta2);
    /* ∂E/∂W2[i,j] = Σ_c δ2[i,c]·A1[j,c] + (1/(25·m))·W2[i,j] */
    turned(33u, count, delta2, turned64, 64u);
    gradient(70u, 33u, count, a1, turned64, 64u, dw2);
    /* ∂E/∂b2[i] = Σ_c δ2[i,c] */
    row_sums(33u, lanes, delta2, db2_sums);
    /* δ1[i,c] = slope1[i,c]·Σ_k W2[k,i]·δ2[k,c] */
    product(70u, lanes, 33u, w2, 33u, 1u, delta2, NULL, slope1, delta1);
    /* ∂E/∂W1[i,j] = Σ_c δ1[i,c]·X[j,c] + (1/(25·m))·W1[i,j] */
    pairs(20u, 70u, lanes, x_block, delta1, dw1_sums);
    /* ∂E/∂b1[i] = Σ_c δ1[i,c] */
    row_sums(70u, lanes, delta1, db1_sums);
}

/* Gradients out of their sums, and the penalties' slopes. */
static void block_finish(const real *params, size_t m, real *grad, real *work)
{
    const real *const w1 = params + 0u;
    real *const dw1 = grad + 0u;
    real *const db1 = grad + 1400u;
    const real *const w2 = params + 1470u;
    real *const dw2 = grad + 1470u;
    real *const db2 = grad + 3780u;
    const real *const w3 = params + 3813u;
    real *const dw3 = grad + 3813u;
    real *const db3 = grad + 4110u;
    real *const dw3_sums = work + 30400u;
    real *const db3_sums = work + 35152u;
    real *const db2_sums = work + 42032u;
    real *const dw1_sums = work + 48160u;
    real *const db1_sums = work + 70560u;
    const real samples = (real)m;
    for (size_t k = 0; k < 297u; ++k)
    {
        dw3[k] = total(load(dw3_sums + k * LANES));
    }
    /* ∂E/∂W3[i,j] = Σ_c δ3[i,c]·A2[j,c] + (1/(25·m))·W3[i,j] */
    for (size_t i = 0; i < 9u; ++i)
    {
        for (size_t j = 0; j < 33u; ++j)
        {
            dw3[j * 9u + i] = dw3[j * 9u + i] + 2.0f * 0.02f / samples * w3[j * 9u + i];
        }
    }
    for (size_t k = 0; k < 9u; ++k)
    {
        db3[k] = total(load(db3_sums + k * LANES));
    }
    /* ∂E/∂W2[i,j] = Σ_c δ2[i,c]·A1[j,c] + (1/(25·m))·W2[i,j] */
    for (size_t i = 0; i < 33u; ++i)
    {
        for (size_t j = 0; j < 70u; ++j)
        {
            dw2[j * 33u + i] = dw2[j * 33u + i] + 2.0f * 0.02f / samples * w2[j * 33u + i];
        }
    }
    for (size_t k = 0; k < 33u; ++k)
    {
        db2[k] = total(load(db2_sums + k * LANES));
    }
    for (size_t k = 0; k < 1400u; ++k)
    {
        dw1[k] = total(load(dw1_sums + k * LANES));
    }
    /* ∂E/∂W1[i,j] = Σ_c δ1[i,c]·X[j,c] + (1/(25·m))·W1[i,j] */
    for (size_t i = 0; i < 70u; ++i)
    {
        for (size_t j = 0; j < 20u; ++j)
        {
            dw1[j * 70u + i] = dw1[j * 70u + i] + 2.0f * 0.02f / samples * w1[j * 70u + i];
        }
    }
    for (size_t k = 0; k < 70u; ++k)
    {
        db1[k] = total(load(db1_sums + k * LANES));
    }
}

/* The penalties' share of E. */
static real block_penalties(const real *params, size_t m)
{
    const real *const w1 = params + 0u;
    const real *const w2 = params + 1470u;
    const real *const w3 = params + 3813u;
    const real samples = (real)m;
    real error = 0;
    /* R₂(W1) = (1/(50·m))·Σ_i Σ_j W1[i,j]² */
    {
        real sum = 0;
        for (size_t k = 0; k < 1400u; ++k)
        {
            sum += w1[k] * w1[k];
        }
        error += 0.02f / samples * sum;
    }
    /* R₂(W2) = (1/(50·m))·Σ_i Σ_j W2[i,j]² */
    {
        real sum = 0;
        for (size_t k = 0; k < 2310u; ++k)
        {
            sum += w2[k] * w2[k];
        }
        error += 0.02f / samples * sum;
    }
    /* R₂(W3) = (1/(50·m))·Σ_i Σ_j W3[i,j]² */
    {
        real sum = 0;
        for (size_t k = 0; k < 297u; ++k)
        {
            sum += w3[k] * w3[k];
        }
        error += 0.02f / samples * sum;
    }
    return error;
}

/* Values and slopes of every layer. */
static void one_forward(const real *params, const real *x, real *work)
{
    const real *const w1 = params + 0u;
    const real *const b1 = params + 1400u;
    const real *const w2 = params + 1470u;
    const real *const b2 = params + 3780u;
    const real *const w3 = params + 3813u;
    const real *const b3 = params + 4110u;
    real *const z1 = work + 0u;
    real *const a1 = work + 70u;
    real *const slope1 = work + 140u;
    real *const z2 = work + 210u;
    real *const a2 = work + 243u;
    real *const slope2 = work + 276u;
    real *const z3 = work + 309u;
    real *const a3 = work + 318u;
    real *const tops = work + 327u;
    real *const sums = work + 328u;
    /* Z1[i,c] = Σ_j W1[i,j]·X[j,c] + b1[i] */
    vector_by_rows(20u, 70u, w1, x, z1);
    for (size_t i = 0; i < 70u; ++i)
    {
        z1[i] += b1[i];
    }
    row_tanh(70u, z1, a1, slope1);
    /* Z2[i,c] = Σ_j W2[i,j]·A1[j,c] + b2[i] */
    vector_by_rows(70u, 33u, w2, a1, z2);
    for (size_t i = 0; i < 33u; ++i)
    {
        z2[i] += b2[i];
    }
    row_relu(33u, z2, a2, slope2);
    /* Z3[i,c] = Σ_j W3[i,j]·A2[j,c] + b3[i] */
    vector_by_rows(33u, 9u, w3, a2, z3);
    for (size_t i = 0; i < 9u; ++i)
    {
        z3[i] += b3[i];
    }
    softmax(9u, 1u, 1u, z3, a3, tops, sums);
}

/* The share of E. */
static real one_loss(size_t m, const real *t, real *work)
{
    (void)m;
    real *const z3 = work + 309u;
    real *const tops = work + 327u;
    real *const sums = work + 328u;
    real *const log_a3 = work + 329u;
    real *const places = work + 338u;
    real *const part1 = work + 339u;
    real *const part2 = work + 340u;
    real error = 0;
    /* D = −(1/m)·Σ_c Σ_i T[i,c]·log(A3[i,c]) */
    log_softmax(9u, 1u, 1u, z3, log_a3, tops, sums, places);
    part2[0] = 0;
    for (size_t i = 0; i < 9u; ++i)
    {
        part2[0] += -t[i] * log_a3[i];
    }
    part1[0] = part2[0];
    error += 1.0f / 1.0f * part1[0];
    return error;
}

/* Cotangents, and what they add to the gradient. */
static void one_backward(const real *params, size_t m, const real *x, const real *t, real *grad, real *work)
{
    (void)m;
    real *const dw1 = grad + 0u;
    real *const db1 = grad + 1400u;
    const real *const w2 = params + 1470u;
    real *const dw2 = grad + 1470u;
    real *const db2 = grad + 3780u;
    const real *const w3 = params + 3813u;
    real *const dw3 = grad + 3813u;
    real *const db3 = grad + 4110u;
    real *const a1 = work + 70u;
    real *const slope1 = work + 140u;
    real *const a2 = work + 243u;
    real *const slope2 = work + 276u;
    real *const a3 = work + 318u;
    real *const delta3 = work + 341u;
    real *const part3 = work + 350u;
    real *const delta2 = work + 351u;
    real *const delta1 = work + 384u;
    /* δ3[i,c] = (1/m)·(A3[i,c]·Σ_r T[r,c] − T[i,c]) */
    part3[0] = 0;
    for (size_t r = 0; r < 9u; ++r)
    {
        part3[0] += t[r];
    }
    for (size_t i = 0; i < 9u; ++i)
    {
        delta3[i] = 1.0f / 1.0f * (a3[i] * part3[0] - t[i]);
    }
    /* ∂E/∂W3[i,j] = Σ_c δ3[i,c]·A2[j,c] + (1/(25·m))·W3[i,j] */
    outer(33u, 9u, a2, delta3, dw3);
    /* ∂E/∂b3[i] = Σ_c δ3[i,c] */
    for (size_t i = 0; i < 9u; ++i)
    {
        db3[i] = delta3[i];
    }
    /* δ2[i,c] = slope2[i,c]·Σ_k W3[k,i]·δ3[k,c] */
    rows_by_vector(33u, 9u, w3, delta3, delta2);
    for (size_t i = 0; i < 33u; ++i)
    {
        delta2[i] *= slope2[i];
    }
    /* ∂E/∂W2[i,j] = Σ_c δ2[i,c]·A1[j,c] + (1/(25·m))·W2[i,j] */
    outer(70u, 33u, a1, delta2, dw2);
    /* ∂E/∂b2[i] = Σ_c δ2[i,c] */
    for (size_t i = 0; i < 33u; ++i)
    {
        db2[i] = delta2[i];
    }
    /* δ1[i,c] = slope1[i,c]·Σ_k W2[k,i]·δ2[k,c] */
    rows_by_vector(70u, 33u, w2, delta2, delta1);
    for (size_t i = 0; i < 70u; ++i)
    {
        delta1[i] *= slope1[i];
    }
    /* ∂E/∂W1[i,j] = Σ_c δ1[i,c]·X[j,c] + (1/(25·m))·W1[i,j] */
    outer(20u, 70u, x, delta1, dw1);
    /* ∂E/∂b1[i] = Σ_c δ1[i,c] */
    for (size_t i = 0; i < 70u; ++i)
    {
        db1[i] = delta1[i];
    }
}

/* Gradients out of their sums, and the penalties' slopes. */
static void one_finish(const real *params, size_t m, real *grad, real *work)
{
    (void)m;
    (void)work;
    const real *const w1 = params + 0u;
    real *const dw1 = grad + 0u;
    const real *const w2 = params + 1470u;
    real *const dw2 = grad + 1470u;
    const real *const w3 = params + 3813u;
    real *const dw3 = grad + 3813u;
    /* ∂E/∂W3[i,j] = Σ_c δ3[i,c]·A2[j,c] + (1/(25·m))·W3[i,j] */
    for (size_t i = 0; i < 9u; ++i)
    {
        for (size_t j = 0; j < 33u; ++j)
        {
            dw3[j * 9u + i] = dw3[j * 9u + i] + 2.0f * 0.02f / 1.0f * w3[j * 9u + i];
        }
    }
    /* ∂E/∂W2[i,j] = Σ_c δ2[i,c]·A1[j,c] + (1/(25·m))·W2[i,j] */
    for (size_t i = 0; i < 33u; ++i)
    {
        for (size_t j = 0; j < 70u; ++j)
        {
            dw2[j * 33u + i] = dw2[j * 33u + i] + 2.0f * 0.02f / 1.0f * w2[j * 33u + i];
        }
    }
    /* ∂E/∂W1[i,j] = Σ_c δ1[i,c]·X[j,c] + (1/(25·m))·W1[i,j] */
    for (size_t i = 0; i < 70u; ++i)
    {
        for (size_t j = 0; j < 20u; ++j)
        {
            dw1[j * 70u + i] = dw1[j * 70u + i] + 2.0f * 0.02f / 1.0f * w1[j * 70u + i];
        }
    }
}

/* The penalties' share of E. */
static real one_penalties(const real *params, size_t m)
{
    (void)m;
    const real *const w1 = params + 0u;
    const real *const w2 = params + 1470u;
    const real *const w3 = params + 3813u;
    real error = 0;
    /* R₂(W1) = (1/(50·m))·Σ_i Σ_j W1[i,j]² */
    {
        real sum = 0;
        for (size_t k = 0; k < 1400u; ++k)
        {
            sum += w1[k] * w1[k];
        }
        error += 0.02f / 1.0f * sum;
    }
    /* R₂(W2) = (1/(50·m))·Σ_i Σ_j W2[i,j]² */
    {
        real sum = 0;
        for (size_t k = 0; k < 2310u; ++k)
        {
            sum += w2[k] * w2[k];
        }
        error += 0.02f / 1.0f * sum;
    }
    /* R₂(W3) = (1/(50·m))·Σ_i Σ_j W3[i,j]² */
    {
        real sum = 0;
        for (size_t k = 0; k < 297u; ++k)
        {
            sum += w3[k] * w3[k];
        }
        error += 0.02f / 1.0f * sum;
    }
    return error;
}

void network_forward(const float *params, const float *x, float *a, float *work)
{
one_forward(params, x, work);
for (size_t i = 0; i < 9u; ++i)
{
    a[i] = work[318u + i];
}
}

float network_loss(const float *params, const float *x, const float *t, float *work)
{
one_forward(params, x, work);
return one_loss(1u, t, work) + one_penalties(params, 1u);
}

void network_gradient(const float *params, const float *x, const float *t, float *grad, float *work)
{
one_forward(params, x, work);
one_backward(params, 1u, x, t, grad, work);
one_finish(params, 1u, grad, work);
}

float network_loss_and_gradient(
    const float *params, const float *x, const float *t, float *grad, float *work)
{
one_forward(params, x, work);
one_backward(params, 1u, x, t, grad, work);
one_finish(params, 1u, grad, work);
return one_loss(1u, t, work) + one_penalties(params, 1u);
}

void network_forward_batch(const float *params, const float *x, size_t m, float *a, float *work)
{
for (size_t first = 0; first < m; first += BLOCK)
{
    const size_t count = m - first < BLOCK ? m - first : BLOCK;
    block_forward(params, x, m, first, count, work);
    for (size_t i = 0; i < 9u; ++i)
    {
        for (size_t c = 0; c < count; ++c)
        {
            a[(first + c) * 9u + i] = work[27040u + i * STRIDE + c];
        }
    }
}
}

float network_loss_batch(const float *params, const float *x, const float *t, size_t m, float *work)
{
real error = 0;
for (size_t first = 0; first < m; first += BLOCK)
{
    const size_t count = m - first < BLOCK ? m - first : BLOCK;
    block_forward(params, x, m, first, count, work);
    block_target(t, m, first, count, work);
    error += block_loss(m, count, work);
}
error += block_penalties(params, m);
return error;
}

void network_gradient_batch(
    const float *params, const float *x, const float *t, size_t m, float *grad, float *work)
{
for (size_t k = 0; k < 4119u; ++k)
{
    grad[k] = 0;
}
for (size_t k = 0; k < 4752u; ++k)
{
    work[30400u + k] = 0;
}
for (size_t k = 0; k < 144u; ++k)
{
    work[35152u + k] = 0;
}
for (size_t k = 0; k < 528u; ++k)
{
    work[42032u + k] = 0;
}
for (size_t k = 0; k < 22400u; ++k)
{
    work[48160u + k] = 0;
}
for (size_t k = 0; k < 1120u; ++k)
{
    work[70560u + k] = 0;
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

float network_loss_and_gradient_batch(
    const float *params, const float *x, const float *t, size_t m, float *grad, float *work)
{
real error = 0;
for (size_t k = 0; k < 4119u; ++k)
{
    grad[k] = 0;
}
for (size_t k = 0; k < 4752u; ++k)
{
    work[30400u + k] = 0;
}
for (size_t k = 0; k < 144u; ++k)
{
    work[35152u + k] = 0;
}
for (size_t k = 0; k < 528u; ++k)
{
    work[42032u + k] = 0;
}
for (size_t k = 0; k < 22400u; ++k)
{
    work[48160u + k] = 0;
}
for (size_t k = 0; k < 1120u; ++k)
{
    work[70560u + k] = 0;
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
error += block_penalties(params, m);
return error;
}
