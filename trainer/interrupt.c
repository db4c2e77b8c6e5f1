#include "trainer/interrupt.h"

#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <time.h>

static atomic_bool wanted; /* free of locks, as a handler needs it, and read by any thread */
_Static_assert(ATOMIC_BOOL_LOCK_FREE == 2, "a handler must not wait");

static void want(int signal_number)
{
    (void)signal_number;
    atomic_store(&wanted, true);
}

void tr_interrupt_catch(void)
{
    struct sigaction action = {.sa_handler = want}, before;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    /* nohup has it ignored, and means it. */
    if (sigaction(SIGHUP, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
        sigaction(SIGHUP, &action, NULL);
}

bool tr_interrupted(void)
{
    return atomic_load(&wanted);
}

double tr_now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}
