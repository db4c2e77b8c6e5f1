/* Looks at each tick of a run whether it still learns, remembers which state was the best, and says when to
 * stop. Part of the training's state: a resumed run decides as the undisturbed one would.
 *
 * Four things end a run (NN_ERR_NUMERIC, with a text that says what was seen and what to change):
 *   - TR_WATCH_SKIPS steps in a row left an update out because a gradient was not finite;
 *   - the metric was more than TR_WATCH_METRIC_FACTOR times its best of this level at TR_WATCH_METRIC_TICKS
 *     ticks in a row;
 *   - the discriminator's mean margin was beyond its limit at TR_WATCH_MARGIN_TICKS ticks in a row;
 *   - all images of a class were the same image at TR_WATCH_ALIKE_TICKS ticks in a row. */
#ifndef TR_WATCH_H
#define TR_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/error.h"

enum {
    TR_WATCH_SKIPS = 10,
    TR_WATCH_METRIC_FACTOR = 3,
    TR_WATCH_METRIC_TICKS = 5,
    TR_WATCH_MARGIN_TICKS = 3,
    TR_WATCH_ALIKE_TICKS = 2,
};

/* Zeroed: nothing seen yet. */
struct tr_watch {
    double best;          /* lowest metric of the level best_side, at best_images */
    uint64_t best_images; /* 0: no metric yet */
    int best_side;
    int worse, beyond, alike; /* ticks in a row until now */
    uint64_t good_images;     /* at the last tick at which nothing looked wrong; 0: never */
};

/* What a tick saw. */
struct tr_sighting {
    uint64_t images;     /* shown so far */
    int side;            /* of the level in training */
    double metric;       /* lower is better; NAN: not measured, as during a fade */
    double margin;       /* mean D(real) - D(fake) since the last tick */
    double margin_limit; /* beyond which, up or down, the discriminator says nothing any more */
    bool alike;          /* samples of one class do not differ in any pixel */
};

/* Takes one tick into account. */
nn_status tr_watch_tick(struct tr_watch *watch, const struct tr_sighting *seen,
                        struct nn_error *err) NN_MUST_CHECK;

/* After each step: how many in a row have left an update out. */
nn_status tr_watch_step(int skipped_in_a_row, struct nn_error *err) NN_MUST_CHECK;

/* To one line of text and back, without loss. tr_watch_parse returns false for any other text. */
enum { TR_WATCH_TEXT = 160 };
void tr_watch_text(const struct tr_watch *watch, char text[TR_WATCH_TEXT]);
bool tr_watch_parse(struct tr_watch *watch, const char *text) NN_MUST_CHECK;

#endif
