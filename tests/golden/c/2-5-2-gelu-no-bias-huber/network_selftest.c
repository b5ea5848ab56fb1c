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
    static double test_t[6];
    static double test_a[6];
    static double params[NETWORK_PARAMETERS];
    static double grad[NETWORK_PARAMETERS];
    static double work[(NETWORK_WORK > NETWORK_BATCH_WORK) ? NETWORK_WORK : NETWORK_BATCH_WORK];
    int failed = 0;
    int number = 0;

    state = 1u;
    fill(&params[NETWORK_W1], 10u, -127.5, 2.0);
    fill(&params[NETWORK_W2], 10u, -127.5, 1.0);
    fill(test_x, 2u, -127.5, 2.0);
    fill(test_t, 2u, 0.5, 1.0);
    network_forward(params, test_x, test_a, work);
    number++;
    failed = ((failed == 0) && (is_near(test_a[0], -0.12812621004624308, 2.6e-15) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(test_a[1], 0.01132687306033901, 3.1e-15) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(network_loss(params, test_x, test_t, work), 0.03360646120013216, 1.4e-15) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(network_loss_and_gradient(params, test_x, test_t, grad, work), 0.03360646120013216, 1.4e-15) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[0], 0.02428429709694776, 1.4e-15) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[1], 0.033998015935726864, 2e-15) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[2], 0.006629853580924695, 3.4e-16) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[3], 0.009281795013294574, 4.7e-16) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[4], -0.009759218095581638, 5.8e-16) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[5], -0.013662905333814292, 8.1e-16) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[6], 0.00685603959769248, 3.5e-16) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[7], 0.009598455436769472, 4.9e-16) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[8], -0.009075880948693826, 4.2e-16) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[9], -0.012706233328171357, 5.8e-16) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[10], -0.03518317613966058, 1.2e-15) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[11], 0.01230325036733881, 4.1e-16) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[12], -0.05499741090791554, 1.8e-15) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[13], 0.013845492828271303, 4.8e-16) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[14], -0.020548783060994787, 6.8e-16) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[15], -0.05390628113092022, 1.7e-15) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[16], 0.018850557166674883, 6e-16) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[17], -0.08426487370288437, 2.7e-15) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[18], 0.02121352051430036, 6.9e-16) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[19], -0.031484038626507095, 9.9e-16) == 0)) ? number : failed;
    fill(test_x, 6u, -127.5, 2.0);
    fill(test_t, 6u, 0.5, 1.0);
    network_forward_batch(params, test_x, 3u, test_a, work);
    number++;
    failed = ((failed == 0) && (is_near(test_a[0], -0.19548636420383955, 3.2e-15) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(test_a[1], 0.08369761082033503, 1.2e-15) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(test_a[2], 0.034372775907347226, 6.6e-16) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(test_a[3], 0.021942374338238924, 2.8e-15) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(test_a[4], -0.01989845958020227, 8.8e-16) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(test_a[5], 0.03400316988503609, 1.1e-15) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(network_loss_batch(params, test_x, test_t, 3u, work), 0.22561327713629054, 5.2e-15) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(network_loss_and_gradient_batch(params, test_x, test_t, 3u, grad, work), 0.22561327713629054, 5.2e-15) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[0], 0.01545969210632108, 1.5e-15) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[1], 0.00816986944434131, 7.7e-16) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[2], 0.007378091483983397, 6.1e-16) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[3], -0.000748999795315593, 4.9e-16) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[4], -0.007355437539409684, 6.2e-16) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[5], -0.002982250228084611, 3e-16) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[6], 0.0029272661437553483, 6.8e-16) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[7], -0.0012193760274454297, 5.2e-16) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[8], -0.02617556403691592, 7.9e-16) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[9], -0.006337936935183591, 3.3e-16) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[10], -0.04551566788936082, 1.2e-15) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[11], 0.0033026513581642237, 3.1e-16) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[12], -0.08602912021807045, 2.2e-15) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[13], 0.01825634019044378, 6.8e-16) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[14], -0.07677337493970803, 1.8e-15) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[15], -0.03790613318406953, 1.5e-15) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[16], 0.0028321360803821617, 5.1e-16) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[17], -0.07308611934015076, 2.7e-15) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[18], 0.009025325171663486, 9e-16) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[19], -0.06491953734228945, 2.3e-15) == 0)) ? number : failed;
    return failed;
}

#ifndef NETWORK_SELFTEST_NO_MAIN
int main(void)
{
    return (network_selftest() == 0) ? 0 : 1;
}
#endif
