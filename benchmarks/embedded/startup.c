/* A Cortex-M4F from reset to main, for qemu's mps2-an386 with semihosting: `exit` ends qemu with main's status. */

#include <stdint.h>
#include <stdlib.h>

extern uint32_t bss_begin[], bss_end[], stack_top[];
extern void initialise_monitor_handles(void); /* newlib's rdimon: standard output by semihosting */
extern int main(void);
void reset(void);
static void stop(void);

__attribute__((section(".vectors"), used)) static const uintptr_t vectors[16] = {
    (uintptr_t)stack_top, (uintptr_t)reset, (uintptr_t)stop, (uintptr_t)stop,
    (uintptr_t)stop,      (uintptr_t)stop,  (uintptr_t)stop,
};

static void stop(void) /* at a fault */
{
    exit(2);
}

void reset(void)
{
    volatile uint32_t *const cpacr = (volatile uint32_t *)0xE000ED88U;
    *cpacr |= 0xFU << 20; /* the floating point unit is off at reset */
    __asm volatile("dsb\n\tisb" ::: "memory");
    for (volatile uint32_t *word = bss_begin; word < bss_end; ++word) {
        *word = 0U;
    }
    initialise_monitor_handles();
    exit(main());
}
