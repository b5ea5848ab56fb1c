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

/* Whole numbers from 0 to one less than `below`. */
static void fill_whole(int *to, const size_t count, const unsigned int below)
{
    for (size_t i = 0u; i < count; i++)
    {
        to[i] = (int)(next_number() % below);
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
    static float test_x[9];
    static int test_t[3];
    static float test_a[6];
    static float params[NETWORK_PARAMETERS];
    static float grad[NETWORK_PARAMETERS];
    static float work[(NETWORK_WORK > NETWORK_BATCH_WORK) ? NETWORK_WORK : NETWORK_BATCH_WORK];
    int failed = 0;
    int number = 0;

    state = 1u;
    fill(&params[NETWORK_W1], 12u, -127.5f, 1.0f);
    fill(&params[NETWORK_B1], 4u, -127.5f, 1.0f);
    fill(&params[NETWORK_W2], 8u, -127.5f, 1.0f);
    fill(&params[NETWORK_B2], 2u, -127.5f, 2.0f);
    fill(test_x, 3u, -127.5f, 2.0f);
    fill_whole(test_t, 1u, 2u);
    network_forward(params, test_x, test_a, work);
    number++;
    failed = ((failed == 0) && (is_near(test_a[0], 0.26235944944040346f, 3.3e-06f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(test_a[1], 0.7376405505595965f, 8.2e-06f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(network_loss(params, test_x, test_t, 0.25f, work), 2.1374256047881244f, 2.6e-05f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(network_loss_and_gradient(params, test_x, test_t, 0.25f, grad, work), 2.1374256047881244f, 2.6e-05f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[0], -0.24594086915077093f, 3e-06f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[1], -0.16623043706016483f, 1.9e-06f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[2], 0.10310381460919875f, 1.5e-06f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[3], 0.217270616601737f, 3.2e-06f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[4], -0.3055766158558831f, 4.3e-06f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[5], -0.16429374044953363f, 2.4e-06f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[6], 0.23744829497299713f, 2.6e-06f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[7], 0.1074220613324196f, 3.9e-06f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[8], -0.3015203158780632f, 7.2e-06f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[9], 0.17158920951813822f, 4.2e-06f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[10], -0.22451342308634997f, 4.1e-06f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[11], -0.17953984555372504f, 7.4e-06f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[12], -0.08397354657203157f, 1.3e-05f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[13], -0.004767253195399841f, 7.6e-06f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[14], 0.0010366637198809146f, 6.9e-06f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[15], 0.0877041360475505f, 1.5e-05f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[16], 0.07716454019704855f, 1.4e-05f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[17], 0.016585459802951452f, 1.1e-05f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[18], 0.006959787949621866f, 1.2e-05f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[19], 0.30046208705037813f, 9.5e-06f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[20], -0.3539452381251359f, 8e-06f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[21], -0.1858985118748641f, 6.6e-06f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[22], -0.551804015581131f, 1.7e-05f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[23], 0.04711651558113105f, 1.3e-05f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[24], -0.7376405505595965f, 4e-05f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[25], 0.7376405505595965f, 3.1e-05f) == 0)) ? number : failed;
    fill(test_x, 9u, -127.5f, 2.0f);
    fill_whole(test_t, 3u, 2u);
    network_forward_batch(params, test_x, 3u, test_a, work);
    number++;
    failed = ((failed == 0) && (is_near(test_a[0], 0.2582773182193648f, 3.3e-06f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(test_a[1], 0.7417226817806353f, 8.3e-06f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(test_a[2], 0.24987786717740842f, 3.2e-06f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(test_a[3], 0.7501221328225915f, 8.3e-06f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(test_a[4], 0.24671436078300088f, 3.1e-06f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(test_a[5], 0.7532856392169991f, 8.4e-06f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(network_loss_batch(params, test_x, test_t, 3u, 0.25f, work), 1.20823950278531f, 2e-05f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(network_loss_and_gradient_batch(params, test_x, test_t, 3u, 0.25f, grad, work), 1.20823950278531f, 2e-05f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[0], -0.16113365806653457f, 5.8e-06f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[1], -0.12251355236731319f, 4.3e-06f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[2], 0.10122375999098894f, 4.1e-06f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[3], 0.15182449210952548f, 9.5e-06f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[4], -0.15427895716379655f, 4.7e-06f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[5], -0.11759260193062179f, 4.3e-06f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[6], 0.14715401817744947f, 4.8e-06f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[7], 0.08305087425030222f, 8.4e-06f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[8], -0.1669102666799363f, 3e-06f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[9], 0.12641520006614082f, 2.9e-06f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[10], -0.14026193201929155f, 3.3e-06f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[11], -0.13057112636691298f, 5.4e-06f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[12], -0.015726914995117504f, 7e-06f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[13], 0.0020201345613741657f, 6.2e-06f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[14], 0.0014644522925990296f, 6.6e-06f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[15], 0.012242328141144308f, 1.4e-05f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[16], 0.12105387702388373f, 6e-06f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[17], -0.08980387702388373f, 9.6e-06f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[18], 0.11798652290797969f, 6.8e-06f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[19], 0.11782076875868698f, 1.5e-05f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[20], -0.1518466657387405f, 4.1e-06f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[21], -0.1614345842612595f, 8.9e-06f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[22], -0.19689867713319822f, 9.7e-06f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[23], -0.10466382286680177f, 2e-05f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[24], -0.08171015127340865f, 2.1e-05f) == 0)) ? number : failed;
    number++;
    failed = ((failed == 0) && (is_near(grad[25], 0.08171015127340865f, 4.9e-05f) == 0)) ? number : failed;
    return failed;
}

#ifndef NETWORK_SELFTEST_NO_MAIN
int main(void)
{
    return (network_selftest() == 0) ? 0 : 1;
}
#endif
