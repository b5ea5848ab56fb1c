"""Functions of whole columns in C: softmax and its logarithm, for samples side by side.

Unit r of sample c is at r·stride + c; `top` and `sum` hold one number for each sample.
"""

from __future__ import annotations

from typing import Final

_TOPS: Final = """\
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
}"""

SOFTMAX: Final = f"""\
{_TOPS}

/* a = exp(z - top) / sum of exp(z - top) */
INLINE void softmax(size_t units, size_t samples, size_t stride, const real *z, real *a, real *top, real *sum)
{{
    column_tops(units, samples, stride, z, top, sum);
    for (size_t c = 0; c < samples; ++c)
    {{
        sum[c] = 0;
    }}
    for (size_t r = 0; r < units; ++r)
    {{
        for (size_t c = 0; c < samples; ++c)
        {{
            a[r * stride + c] = fast_exp_below(z[r * stride + c] - top[c]);
            sum[c] += a[r * stride + c];
        }}
    }}
    for (size_t r = 0; r < units; ++r)
    {{
        for (size_t c = 0; c < samples; ++c)
        {{
            a[r * stride + c] /= sum[c];
        }}
    }}
}}"""

LOG_SOFTMAX: Final = """\
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
}"""
