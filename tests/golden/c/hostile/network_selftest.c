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
    static double test_while_1[9];
    static double test_m_2[9];
    static double test_state_1[6];
    static double test_c_2[6];
    static double test_double_1[6];
    static double test_out_k[6];
    static double params[NETWORK_PARAMETERS];
    static double grad[NETWORK_PARAMETERS];
    static double work[NETWORK_WORK(3u)];
    int failed = 0;
    int number = 0;

    state = 1u;
    fill(&params[NETWORK_INT_W], 12u, -127.5, 1.0);
    fill(&params[NETWORK_INT_B], 4u, -127.5, 1.0);
    fill(&params[NETWORK_SIGMA_W], 12u, -127.5, 1.0);
    fill(&params[NETWORK_SIGMA_B], 3u, -127.5, 1.0);
    fill(&params[NETWORK_W_W], 6u, -127.5, 1.0);
    fill(test_while_1, 9u, -127.5, 2.0);
    fill(test_m_2, 9u, -127.5, 2.0);
    fill(test_state_1, 6u, -127.5, 2.0);
    fill(test_c_2, 6u, -127.5, 2.0);
    fill(test_double_1, 6u, 0.5, 1.0);
    network_forward_batch(params, test_while_1, test_m_2, test_state_1, test_c_2, 3u, test_out_k, work);
    number++;
    failed = ((failed == 0) && (is_near(test_out_k[0], 0.40980768709232984, 4.3e-15) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(test_out_k[1], 0.10397174710618162, 1.2e-15) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(test_out_k[2], -0.20893674076624533, 2.5e-15) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(test_out_k[3], -0.14896143287615587, 1.2e-15) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(test_out_k[4], -0.621131080247593, 1.9e-15) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(test_out_k[5], -0.5723094992984803, 2.2e-15) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(network_loss_batch(params, test_while_1, test_m_2, test_state_1, test_c_2, test_double_1, 3u, work), 0.8172076977479419, 1.6e-14) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(network_loss_and_gradient_batch(params, test_while_1, test_m_2, test_state_1, test_c_2, test_double_1, 3u, grad, work), 0.8172076977479419, 1.6e-14) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[0], 0.007426031788301862, 1.6e-15) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[2], -0.034827663668549176, 1.1e-15) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[4], 0.020957220853507236, 1.5e-15) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[6], 0.036091892197521354, 1.4e-15) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[8], -0.035319476896265245, 1e-15) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[10], -0.007751579378447433, 5.9e-16) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[12], 0.03386214384379166, 2.3e-15) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[13], 0.030203729362568595, 1.7e-15) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[14], 0.059342885389304253, 2e-15) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[15], 0.005712481503000807, 6.9e-16) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[16], 0.008257123675518995, 5e-16) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[18], 0.007461853649394624, 5.7e-16) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[20], 0.006090110367230405, 6.4e-16) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[22], -0.02117024997455351, 6.9e-16) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[24], -0.017175400692939942, 4.9e-16) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[26], 0.004388763383542466, 3.4e-16) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[28], 0.08986340317243773, 2.3e-15) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[29], -0.09054138678611627, 2.8e-15) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[30], 0.0680865231396603, 1.3e-15) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[31], 0.02900845584407872, 2.3e-15) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[32], -0.15278510932104913, 6.2e-15) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[33], 0.06955419352297562, 1.6e-15) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[34], 0.14627573671069868, 2.8e-15) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[35], -0.2539132138472124, 7.6e-15) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[36], -0.041266053139663396, 1.6e-15) == 0)) ? number : failed;
    return failed;
}

#ifndef NETWORK_SELFTEST_NO_MAIN
int main(void)
{
    return (network_selftest() == 0) ? 0 : 1;
}
#endif
