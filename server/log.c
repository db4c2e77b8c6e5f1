#include "server/log.h"

#include <stdarg.h>
#include <stdio.h>

#include "server/clock.h"

void srv_log(const char *format, ...)
{
    char time[SRV_TIME_TEXT], line[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    for (char *c = line; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f) *c = '?';
    srv_clock_format(srv_clock_utc_ms(), time);
    fprintf(stderr, "%s %s\n", time, line); /* one call: stdio locks the stream, lines stay whole */
}
