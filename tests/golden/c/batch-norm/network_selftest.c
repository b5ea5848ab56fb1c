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
    static double test_x1[9];
    static double test_t[9];
    static double test_out_y[9];
    static double params[NETWORK_PARAMETERS];
    static double grad[NETWORK_PARAMETERS];
    static double work[NETWORK_WORK(3u)];
    int failed = 0;
    int number = 0;

    state = 1u;
    fill(&params[NETWORK_Y_GAMMA], 3u, -127.5, 1.0);
    fill(&params[NETWORK_Y_BETA], 3u, -127.5, 1.0);
    fill(test_x1, 9u, -127.5, 2.0);
    fill(test_t, 9u, 0.5, 1.0);
    network_forward_batch(params, test_x1, 3u, test_out_y, work);
    number++;
    failed = ((failed == 0) && (is_near(test_out_y[0], -0.06444111877050825, 4.1e-15) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(test_out_y[1], 0.11667581304327329, 1.8e-15) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(test_out_y[2], 0.5629996807272349, 6.2e-15) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(test_out_y[3], -0.6170279076101522, 3.9e-15) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(test_out_y[4], -0.2971627018620015, 3.2e-15) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(test_out_y[5], -0.43932501552784625, 1.3e-15) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(network_loss_batch(params, test_x1, test_t, 3u, work), 0.8024705485649447, 1.8e-14) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(network_loss_and_gradient_batch(params, test_x1, test_t, 3u, grad, work), 0.8024705485649447, 1.8e-14) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[0], -0.5470745095061975, 1.8e-14) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[1], -0.20310625372621938, 2.4e-14) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[2], 0.11029305331569078, 6.7e-15) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[3], -0.5182291666666666, 9.5e-15) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[4], -0.9283854166666666, 1.1e-14) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[5], -0.2955729166666667, 2.6e-15) == 0)) ? number : failed;
    return failed;
}

#ifndef NETWORK_SELFTEST_NO_MAIN
int main(void)
{
    return (network_selftest() == 0) ? 0 : 1;
}
#endif
