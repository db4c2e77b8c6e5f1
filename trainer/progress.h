/* Progress of long work: one line, rewritten on a terminal; elsewhere a new line every ten seconds. */
#ifndef TR_PROGRESS_H
#define TR_PROGRESS_H

struct tr_progress {
    const char *things;      /* "images" */
    double first_s, shown_s; /* when the rate begins; when it was shown last */
    int first; /* what was done at first_s, so that the rate is of this run; -1 until it is shown */
};

/* A caller that knows how much is done at the start sets `first` to that; otherwise the rate is of what comes
 * after the first line. */
void tr_progress_start(struct tr_progress *progress, const char *things);
/* "12 of 40 images  3.1 images/s  9 s left" on stdout, the first time, now and then, and at the end. */
void tr_progress_show(struct tr_progress *progress, int done, int total);

/* "40 s", "12 min", "3 h 10 min", "2 d 5 h"; returns `text`. */
const char *tr_duration_text(double seconds, char text[32]);

#endif
