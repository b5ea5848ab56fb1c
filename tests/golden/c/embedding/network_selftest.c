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

/* Whole numbers from 0 to one less than `below`. */
static void fill_whole(int *to, const size_t count, const unsigned int below)
{
    for (size_t i = 0u; i < count; i++)
    {
        to[i] = (int)(next_number() % below);
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
    static int test_x1[12];
    static double test_t[36];
    static double test_out_y[36];
    static double params[NETWORK_PARAMETERS];
    static double grad[NETWORK_PARAMETERS];
    static double work[NETWORK_WORK(3u)];
    int failed = 0;
    int number = 0;

    state = 1u;
    fill(&params[NETWORK_Y_W], 15u, -127.5, 1.0);
    fill_whole(test_x1, 12u, 3u);
    fill(test_t, 36u, 0.5, 1.0);
    network_forward_batch(params, test_x1, 3u, test_out_y, work);
    number++;
    failed = ((failed == 0) && (is_near(test_out_y[0], 0.005859375, 5.3e-18) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(test_out_y[1], -0.130859375, 1.2e-16) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(test_out_y[2], 0.005859375, 5.3e-18) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(test_out_y[3], -0.263671875, 2.4e-16) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(test_out_y[4], -0.130859375, 1.2e-16) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(test_out_y[5], -0.130859375, 1.2e-16) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(network_loss_batch(params, test_x1, test_t, 3u, work), 2.4935480753580728, 4.6e-14) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(network_loss_and_gradient_batch(params, test_x1, test_t, 3u, grad, work), 2.4935480753580728, 4.6e-14) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[0], -1.1302083333333333, 1.1e-14) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[1], -0.7643229166666666, 6.7e-15) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[2], -0.9895833333333334, 9e-15) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[3], 0.0, 0.0) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[4], 0.0, 0.0) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[5], -0.6458333333333334, 5.8e-15) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[6], -0.5963541666666666, 5.9e-15) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[7], -0.6510416666666666, 6.5e-15) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[8], 0.0, 0.0) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[9], 0.0, 0.0) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[10], -1.0364583333333333, 9.5e-15) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[11], -0.69140625, 6.6e-15) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[12], -0.024739583333333332, 7.9e-16) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[13], 0.0, 0.0) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[14], 0.0, 0.0) == 0)) ? number : failed;
    return failed;
}

#ifndef NETWORK_SELFTEST_NO_MAIN
int main(void)
{
    return (network_selftest() == 0) ? 0 : 1;
}
#endif
