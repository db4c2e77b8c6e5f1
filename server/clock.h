/* Time: the calendar for records, a steady clock for durations. */
#ifndef SRV_CLOCK_H
#define SRV_CLOCK_H

#include <stdint.h>

enum { SRV_TIME_TEXT = 25 }; /* "2026-01-05T10:00:00.000Z" and the NUL */

int64_t srv_clock_utc_ms(void);       /* since 1970, may jump */
int64_t srv_clock_monotonic_us(void); /* never jumps; the origin means nothing */

/* UTC, RFC 3339, with milliseconds. Years 1970 to 9999. */
void srv_clock_format(int64_t utc_ms, char text[SRV_TIME_TEXT]);
/* What srv_clock_format has written; 0 for any other text. */
int64_t srv_clock_parse(const char *text);

#endif
