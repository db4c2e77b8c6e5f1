#include "server/background.h"

#include <pthread.h>
#include <sys/resource.h>

enum { NICE = 10 };

/* On Linux a priority is a thread's own; raising the number is free to everybody, so a failure has no reason
 * to be, and would cost time only. */
void srv_background(const char *name)
{
    pthread_setname_np(pthread_self(), name);
    setpriority(PRIO_PROCESS, 0, NICE);
}
