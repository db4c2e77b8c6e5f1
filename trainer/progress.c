#include "trainer/progress.h"

#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "trainer/interrupt.h"

void tr_progress_start(struct tr_progress *p, const char *things)
{
    *p = (struct tr_progress){.things = things, .started_s = tr_now_s(), .first = -1};
}

void tr_progress_show(struct tr_progress *p, int done, int total)
{
    double now = tr_now_s();
    int terminal = isatty(STDOUT_FILENO);
    if (p->first < 0) p->first = done - 1;
    if (done < total && now - p->shown_s <= (terminal ? 0.2 : 10)) return;
    double rate = (done - p->first) / (now - p->started_s);
    printf("%s%d of %d %s  %.1f %s/s  %.0f s left%s", terminal ? "\r" : "", done, total, p->things, rate,
           p->things, (total - done) / rate, terminal && done < total ? "  " : "\n");
    fflush(stdout);
    p->shown_s = now;
}

const char *tr_duration_text(double seconds, char text[32])
{
    long minutes = lround(seconds / 60);
    if (seconds < 90)
        snprintf(text, 32, "%.0f s", seconds);
    else if (minutes < 120)
        snprintf(text, 32, "%ld min", minutes);
    else if (minutes < 48 * 60)
        snprintf(text, 32, "%ld h %02ld min", minutes / 60, minutes % 60);
    else
        snprintf(text, 32, "%ld d %ld h", minutes / 1440, minutes / 60 % 24);
    return text;
}
