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
    static double test_x[6];
    static double test_t[3];
    static double test_a[3];
    static double params[NETWORK_PARAMETERS];
    static double grad[NETWORK_PARAMETERS];
    static double work[(NETWORK_WORK > NETWORK_BATCH_WORK) ? NETWORK_WORK : NETWORK_BATCH_WORK];
    int failed = 0;
    int number = 0;

    state = 1u;
    fill(&params[NETWORK_W1], 6u, -127.5, 2.0);
    fill(&params[NETWORK_B1], 3u, -127.5, 1.0);
    fill(&params[NETWORK_W2], 3u, -127.5, 1.0);
    fill(&params[NETWORK_B2], 1u, -127.5, 2.0);
    fill(test_x, 2u, -127.5, 2.0);
    fill(test_t, 1u, 0.5, 1.0);
    network_forward(params, test_x, test_a, work);
    number++;
    failed = ((failed == 0) && (is_near(test_a[0], 0.2853402643516325, 1.4e-15) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(network_loss(params, test_x, test_t, work), 0.24296138595206113, 3.4e-15) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(network_loss_and_gradient(params, test_x, test_t, grad, work), 0.24296138595206113, 3.4e-15) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[0], -0.06511275094588233, 6.6e-16) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[1], 0.05081052819476367, 5.2e-16) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[2], 0.1141991534412561, 1.2e-15) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[3], -0.08911494632699175, 9.3e-16) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[4], 0.016144227790988883, 4.4e-16) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[5], -0.012598096831118491, 3.4e-16) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[6], -0.09635181642858888, 8.9e-16) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[7], 0.16898834266451768, 1.7e-15) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[8], 0.023889724361232104, 6.3e-16) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[9], -0.039716630090005915, 9.1e-16) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[10], 0.10496624864778085, 1.5e-15) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[11], 0.5170083391182856, 6.3e-15) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[12], -0.6970816106483675, 4.5e-15) == 0)) ? number : failed;
    fill(test_x, 6u, -127.5, 2.0);
    fill(test_t, 3u, 0.5, 1.0);
    network_forward_batch(params, test_x, 3u, test_a, work);
    number++;
    failed = ((failed == 0) && (is_near(test_a[0], 0.20610812424468225, 1.1e-15) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(test_a[1], 0.30442361736657975, 1.7e-15) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(test_a[2], 0.32802783583793405, 1.8e-15) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(network_loss_batch(params, test_x, test_t, 3u, work), 0.00949723698234669, 2.8e-16) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(network_loss_and_gradient_batch(params, test_x, test_t, 3u, grad, work), 0.00949723698234669, 2.8e-16) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[0], 0.007607030663332809, 1.8e-16) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[1], -0.005984330163924384, 1.9e-16) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[2], -0.013844347677638492, 3.3e-16) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[3], 0.010703755205189793, 3.5e-16) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[4], -0.002224402695279988, 8.7e-17) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[5], 0.0025417792277128417, 1.1e-16) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[6], 0.014021040429625079, 3.5e-16) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[7], -0.025070982901962136, 6.5e-16) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[8], -0.004320659750834499, 1.9e-16) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[9], 0.010643306757003574, 8.7e-16) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[10], -0.01204533944645315, 5.9e-16) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[11], -0.07183824927479926, 1.6e-15) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[12], 0.10569173414973203, 2.4e-15) == 0)) ? number : failed;
    return failed;
}

#ifndef NETWORK_SELFTEST_NO_MAIN
int main(void)
{
    return (network_selftest() == 0) ? 0 : 1;
}
#endif
