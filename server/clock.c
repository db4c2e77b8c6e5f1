#include "server/clock.h"

#include <stdio.h>
#include <time.h>

int64_t srv_clock_utc_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t srv_clock_monotonic_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void srv_clock_format(int64_t utc_ms, char text[SRV_TIME_TEXT])
{
    time_t seconds = (time_t)(utc_ms / 1000);
    struct tm t;
    gmtime_r(&seconds, &t);
    size_t length = strftime(text, SRV_TIME_TEXT, "%Y-%m-%dT%H:%M:%S", &t);
    snprintf(text + length, SRV_TIME_TEXT - length, ".%03uZ", (unsigned)(utc_ms % 1000));
}
