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
static void fill(float *to, const size_t count, const float offset, const float scale)
{
    for (size_t i = 0u; i < count; i++)
    {
        to[i] = ((((float)next_number()) + offset) / 256.0f) * scale;
    }
}

/* Whether a number is within a tolerance of what is expected; nan is not. */
static int is_near(const float found, const float expected, const float tolerance)
{
    const float difference = (found > expected) ? (found - expected) : (expected - found);
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
    static float test_x1[42];
    static float test_t[45];
    static float test_out_y[45];
    static float params[NETWORK_PARAMETERS];
    static float grad[NETWORK_PARAMETERS];
    static float work[NETWORK_WORK(3u)];
    int failed = 0;
    int number = 0;

    state = 1u;
    fill(&params[NETWORK_Y_W], 18u, -127.5f, 1.0f);
    fill(&params[NETWORK_Y_B], 3u, -127.5f, 1.0f);
    fill(test_x1, 42u, -127.5f, 2.0f);
    fill(test_t, 45u, 0.5f, 1.0f);
    network_forward_batch(params, test_x1, 3u, test_out_y, work);
    number++;
    failed = ((failed == 0) && (is_near(test_out_y[0], 0.2657470703125f, 3.8e-07f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(test_out_y[1], 0.1856231689453125f, 1.9e-07f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(test_out_y[2], 0.2679901123046875f, 3.8e-07f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(test_out_y[3], 0.7144622802734375f, 1.7e-06f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(test_out_y[4], 0.0103759765625f, 2.9e-07f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(test_out_y[5], 0.522064208984375f, 1.2e-06f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(network_loss_batch(params, test_x1, test_t, 3u, work), 3.8213594106103606f, 4.6e-05f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(network_loss_and_gradient_batch(params, test_x1, test_t, 3u, grad, work), 3.8213594106103606f, 4.6e-05f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[0], -0.32900428771972656f, 5e-06f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[1], -0.3082501292228699f, 5.3e-06f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[2], 0.006204446156819661f, 4.5e-06f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[3], 0.4040793180465698f, 5.2e-06f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[4], 0.06249382098515829f, 5.9e-06f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[5], 0.18364127477010092f, 5e-06f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[6], -0.2552386522293091f, 5.1e-06f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[7], 0.196612020333608f, 6.1e-06f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[8], -0.9139301776885986f, 8.7e-06f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[9], 0.5999090274175009f, 6.7e-06f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[10], 0.16254224379857382f, 6.1e-06f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[11], 0.845870574315389f, 8.1e-06f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[12], -0.514017383257548f, 7.9e-06f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[13], -0.006904820601145427f, 8.5e-06f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[14], -0.8606263796488444f, 1e-05f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[15], 1.5578503608703613f, 1.2e-05f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[16], 1.3221138914426167f, 1.4e-05f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[17], 1.2397178808848064f, 1.2e-05f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[18], -1.6008961995442708f, 1.6e-05f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[19], -2.682683308919271f, 2.1e-05f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[20], -4.1705474853515625f, 2.9e-05f) == 0)) ? number : failed;
    return failed;
}

#ifndef NETWORK_SELFTEST_NO_MAIN
int main(void)
{
    return (network_selftest() == 0) ? 0 : 1;
}
#endif
