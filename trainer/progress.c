#include "trainer/progress.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "trainer/interrupt.h"

void tr_progress_start(struct tr_progress *p, const char *things)
{
    *p = (struct tr_progress){.things = things, .first_s = tr_now_s(), .first = -1};
}

void tr_progress_show(struct tr_progress *p, int done, int total)
{
    double now = tr_now_s();
    int terminal = isatty(STDOUT_FILENO);
    bool first = p->first < 0;
    if (first) {
        p->first = done;
        p->first_s = now;
    }
    if (!first && done < total && now - p->shown_s <= (terminal ? 0.2 : 10)) return;
    printf("%s%d of %d %s", terminal ? "\r" : "", done, total, p->things);
    if (done > p->first && now > p->first_s) {
        char left[32];
        double rate = (done - p->first) / (now - p->first_s);
        printf("  %.1f %s/s  %s left", rate, p->things, tr_duration_text((total - done) / rate, left));
    }
    fputs(!terminal ? "\n" : done < total ? "    " : "    \n", stdout);
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
