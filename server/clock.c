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

int64_t srv_clock_parse(const char *text)
{
    struct tm t = {0};
    int ms, end = 0;
    int read = sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ%n", &t.tm_year, &t.tm_mon, &t.tm_mday, &t.tm_hour,
                      &t.tm_min, &t.tm_sec, &ms, &end);
    if (read != 7 || end != SRV_TIME_TEXT - 1 || text[end]) return 0;
    t.tm_year -= 1900;
    t.tm_mon -= 1;
    return (int64_t)timegm(&t) * 1000 + ms;
}
