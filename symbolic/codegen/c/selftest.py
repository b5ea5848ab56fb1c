"""A self-test in C that runs on the target; the result is the number of the first check that failed, or 0."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import ROUND_UP, Context, Decimal
from math import prod
from typing import Final

from symbolic.codegen.c.file_scope import FileScope
from symbolic.codegen.c.parts import Signature
from symbolic.codegen.c.reference import precise
from symbolic.codegen.c.vectors import INCREMENT, MULTIPLIER, SEED, Vectors
from symbolic.evaluate import shape_of
from symbolic.losses import SAMPLES

LARGEST: Final = Decimal(10) ** 30
SLACK: Final = 8  # other orders of addition and other forms of the same function
ROUNDOFF: Final = {"double": Decimal(2) ** -53, "float": Decimal(2) ** -24}

FILL: Final = """\
static uint32_t state = {seed}u;

/* A whole number from 0 to 255, the next of a recurrence. */
static unsigned int next_number(void)
{{
    state = (state * {multiplier}u) + {increment}u;
    return (unsigned int)(state >> 24);
}}

/* Numbers (k + offset)/256·scale, k from the recurrence. */
static void fill({number} *to, const size_t count, const {number} offset, const {number} scale)
{{
    for (size_t i = 0u; i < count; i++)
    {{
        to[i] = (((({number})next_number()) + offset) / 256.0{suffix}) * scale;
    }}
}}
"""
WHOLE: Final = """
/* Whole numbers from 0 to one less than `below`. */
static void fill_whole(int *to, const size_t count, const unsigned int below)
{
    for (size_t i = 0u; i < count; i++)
    {
        to[i] = (int)(next_number() % below);
    }
}
"""
NEAR: Final = """\

/* Whether a number is within a tolerance of what is expected; nan is not. */
static int is_near(const {number} found, const {number} expected, const {number} tolerance)
{{
    const {number} difference = (found > expected) ? (found - expected) : (expected - found);
    int within = 0;
    if (difference <= tolerance)
    {{
        within = 1;
    }}
#ifdef {macro}_SELFTEST_PRINT
    (void)printf("%s %.17g, expected %.17g to within %.2g\\n", (within == 1) ? "ok  " : "FAIL",
                 (double)found, (double)expected, (double)tolerance);
#endif
    return within;
}}
"""


HEAD: Final = """\
/*
 * Self-test of {name}.c. {name}_selftest() returns 0, or the number of the first check that failed; main
 * does the same. With {macro}_SELFTEST_NO_MAIN there is no main; with {macro}_SELFTEST_PRINT
 * every check is printed.
 *
 * What is expected was computed in 50 digits from the definitions. A tolerance is eight times a bound on
 * rounding: of every operation one unit roundoff, of library functions four, carried on to the result.
 */

#include "{name}.h"

#include <stdint.h>
#ifdef {macro}_SELFTEST_PRINT
#include <stdio.h>
#endif

{fills}
int {name}_selftest(void);

int {name}_selftest(void)
{{
{buffers}
    int failed = 0;
    int number = 0;

    state = 1u;
{body}
    return failed;
}}

#ifndef {macro}_SELFTEST_NO_MAIN
int main(void)
{{
    return ({name}_selftest() == 0) ? 0 : 1;
}}
#endif
"""


def selftest(scope: FileScope, functions: Sequence[Signature]) -> str:
    """The source of NAME_selftest.c."""
    with precise():
        vectors = Vectors(scope, {each.name: each for each in functions})
        if not all(math.isfinite(float(each.value)) for run in vectors.runs for each in run.expected):
            vectors = replace(vectors, is_positive=True)  # somewhere it takes the logarithm of an input
        return _source(vectors)


def _source(vectors: Vectors) -> str:
    scope = vectors.scope
    name, macro = scope.request.name, scope.request.name.upper()
    most = max(samples for samples, _ in vectors.batches)
    kinds = {"label": "int", "whole": "int", "real": scope.number}
    places = {array: scope.location(array) for array in scope.plan.inputs}
    buffers = [
        f"static {kinds[place.kind]} {vectors.named(array)}"
        f"[{most if place.kind == 'label' else prod(shape_of(array, {SAMPLES: most}))}];"
        for array, place in places.items()
    ]
    buffers += [
        f"static {scope.number} {vectors.output(array)}[{prod(shape_of(array, {SAMPLES: most}))}];"
        for array in scope.plan.outputs
    ]
    if vectors.count:
        buffers += [f"static {scope.number} {each}[{macro}_PARAMETERS];" for each in ("params", "grad")]
    if scope.is_chain:
        size = f"({macro}_WORK > {macro}_BATCH_WORK) ? {macro}_WORK : {macro}_BATCH_WORK"
    else:
        size = f"{macro}_WORK({most}u)"
    buffers.append(f"static {scope.number} work[{size}];")
    fills = FILL.format(
        number=scope.number,
        suffix=scope.scalars.suffix,
        seed=SEED,
        multiplier=MULTIPLIER,
        increment=INCREMENT,
    )
    if any(scope.location(array).kind != "real" for array in scope.plan.inputs):
        fills += WHOLE
    return HEAD.format(
        name=name,
        macro=macro,
        buffers="\n".join(f"    {line}" for line in buffers),
        fills=fills + NEAR.format(number=scope.number, macro=macro),
        body="\n".join(f"    {line}" for line in _checks(vectors)),
    )


def _checks(vectors: Vectors) -> Iterator[str]:
    for run in vectors.runs:
        yield from run.data
        yield from run.calls
        for text, expected in run.checks:
            if not abs(expected.value) + expected.size < LARGEST:
                continue  # beyond the range of float
            tolerance = (expected.size + abs(expected.value)) * ROUNDOFF[vectors.scope.number] * SLACK
            numbers = f"{vectors.literal(expected.value)}, {vectors.literal(_up(tolerance))}"
            yield "number++;"
            yield f"failed = ((failed == 0) && (is_near({text}, {numbers}) == 0)) ? number : failed;"


def _up(tolerance: Decimal) -> Decimal:
    """Two digits, rounded up."""
    return Context(prec=2, rounding=ROUND_UP).plus(tolerance)
