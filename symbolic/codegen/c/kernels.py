"""The kernels of the form "blocks": products of small matrices, written so that any C99 compiler takes them
and compilers with vector types (gcc, clang) make vector code of them.

A block of samples is an array with one row for each unit and its samples side by side, so that one vector
holds LANES samples of one unit. One tile is the heart of all matrix products: a few rows times STEP columns
stay in registers while the inner index runs,

    out(i, x) = Σ_k p(i, k) q(k, x),

p read one number at a time at any two strides, q in vectors. Forward: p = W, q = A. Recursion: p = Wᵀ, q = δ.
Weight gradient: p = δ, q = Aᵀ (samples are the inner index), or for narrow layers `pairs`: one vector of
partial sums for each weight, kept over all blocks and added up at the end.
"""

from __future__ import annotations

from typing import Final

VECTORS: Final = """\
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
}"""

TILE: Final = """\
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
}"""

PRODUCT: Final = """\
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
}"""

GRADIENT: Final = """\
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
}"""

TURNED: Final = """\
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
}"""

TOTALS: Final = """\
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
}"""

PAIRS: Final = """\
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
}"""

SINGLE: Final = """\
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
}"""
