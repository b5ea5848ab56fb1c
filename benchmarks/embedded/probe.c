/* What net_loss_and_gradient takes of the memory: its work and, painted before the call, its stack; in bytes. */

#include <stdint.h>
#include <stdio.h>

#include "net.h"

#define DEEP 4096 /* words: deeper than any of them */
#define PAINT 0xA5A5A5A5U

static float params[NET_PARAMETERS], grad[NET_PARAMETERS], x[NET_INPUTS], t[NET_OUTPUTS], work[NET_WORK];

int main(void)
{
    uint32_t *top;
    __asm volatile("mov %0, sp" : "=r"(top));
    volatile uint32_t *const bottom = top - DEEP;
    for (unsigned i = 0U; i < NET_PARAMETERS; ++i) {
        params[i] = ((float)(i % 7U) - 3.0F) / 4.0F;
    }
    for (int i = 0; i < DEEP; ++i) {
        bottom[i] = PAINT;
    }
    const float error = net_loss_and_gradient(params, x, t, grad, work);
    int clean = 0;
    while (bottom[clean] == PAINT) {
        ++clean;
    }
    printf("%u %u\n", (unsigned)sizeof work, 4U * (unsigned)(DEEP - clean));
    return error >= 0.0F ? 0 : 1;
}
