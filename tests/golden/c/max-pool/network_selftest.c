/*
 * Self-test of network.c. network_selftest() returns 0, or the number of the first check that failed; main
 * does the same. With NETWORK_SELFTEST_NO_MAIN there is no main; with NETWORK_SELFTEST_PRINT
 * every check is printed.
 *
 * What is expected was computed in 50 digits from the definitions. A tolerance is eight times a bound on
 * rounding: of every operation one unit roundoff, of library functions four, carried on to the result.
 */

#include "network.h"

#include <stdint.h>
#ifdef NETWORK_SELFTEST_PRINT
#include <stdio.h>
#endif

static uint32_t state = 1u;

/* A whole number from 0 to 255, the next of a recurrence. */
static unsigned int next_number(void)
{
    state = (state * 1664525u) + 1013904223u;
    return (unsigned int)(state >> 24);
}

/* Numbers (k + offset)/256·scale, k from the recurrence. */
static void fill(double *to, const size_t count, const double offset, const double scale)
{
    for (size_t i = 0u; i < count; i++)
    {
        to[i] = ((((double)next_number()) + offset) / 256.0) * scale;
    }
}

/* Whether a number is within a tolerance of what is expected; nan is not. */
static int is_near(const double found, const double expected, const double tolerance)
{
    const double difference = (found > expected) ? (found - expected) : (expected - found);
    int within = 0;
    if (difference <= tolerance)
    {
        within = 1;
    }
#ifdef NETWORK_SELFTEST_PRINT
    (void)printf("%s %.17g, expected %.17g to within %.2g\n", (within == 1) ? "ok  " : "FAIL",
                 (double)found, (double)expected, (double)tolerance);
#endif
    return within;
}

int network_selftest(void);

int network_selftest(void)
{
    static double test_x1[42];
    static double test_t[24];
    static double test_out_y[24];
    static double work[NETWORK_WORK(3u)];
    int failed = 0;
    int number = 0;

    state = 1u;
    fill(test_x1, 42u, -127.5, 2.0);
    fill(test_t, 24u, 0.5, 1.0);
    network_forward_batch(test_x1, 3u, test_out_y, work);
    number++;
    failed = ((failed == 0) && (is_near(test_out_y[0], 0.41015625, 3.7e-16) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(test_out_y[1], -0.26171875, 2.4e-16) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(test_out_y[2], 0.01171875, 1.1e-17) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(test_out_y[3], 0.55078125, 4.9e-16) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(test_out_y[4], 0.11328125, 1.1e-16) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(test_out_y[5], -0.15234375, 1.4e-16) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(network_loss_batch(test_x1, test_t, 3u, work), 1.2136383056640625, 2.1e-14) == 0)) ? number : failed;
    return failed;
}

#ifndef NETWORK_SELFTEST_NO_MAIN
int main(void)
{
    return (network_selftest() == 0) ? 0 : 1;
}
#endif
