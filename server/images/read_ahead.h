/* Which images of running sessions are made before they are asked for. Here is only kept how far each
 * session has come, since when, and how far has been asked for it; the images are asked for by who calls.
 *
 * A learner takes seconds for an image that takes a fraction of one to make, so that one image ahead would do
 * if all learners kept step; READ_AHEAD_MAX of them also cover learners who press on while others' images
 * are made. All that is ahead must fit into memory together until it is fetched, so with many learners or
 * large images there is less for each, but always one: what memory lost is on disk, or is made again. A
 * session that has been silent for READ_AHEAD_SILENT_MS no longer counts. */
#ifndef SRV_READ_AHEAD_H
#define SRV_READ_AHEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/error.h"

enum { READ_AHEAD_MAX = 3, READ_AHEAD_SILENT_MS = 120000 };

struct srv_read_ahead; /* any thread may call what takes it */

/* `memory_bytes`: what the images ahead of all sessions may take together. */
nn_status srv_read_ahead_open(struct srv_read_ahead **ahead, size_t memory_bytes,
                              struct nn_error *err) NN_MUST_CHECK;
void srv_read_ahead_close(struct srv_read_ahead *ahead); /* NULL is harmless */

/* Items first .. last, none when first > last. */
struct srv_ahead_span {
    int first, last;
    int size; /* that the session has its images in; 0 when that is not known yet */
};

/* The session has come to item `at`, 0 when it starts: gives the items after it that nobody has asked for
 * yet, which now count as asked for, and may be more than it has. `size` is what its images are
 * expected in, 0 for as before; `image_bytes` what one takes at most. */
struct srv_ahead_span srv_read_ahead_move(struct srv_read_ahead *ahead, const char *session_id, int at,
                                          int size, size_t image_bytes, int64_t now_us);

/* Item `n` is not decided yet: it and those after it do not count as asked for. */
void srv_read_ahead_undecided(struct srv_read_ahead *ahead, const char *session_id, int n);

/* So many items of the session are answered: its learner is at the one after them, since now unless that or
 * more was known before. */
void srv_read_ahead_answered(struct srv_read_ahead *ahead, const char *session_id, int answered,
                             int64_t now_us);
/* How long the learner has been at the item at hand by now, in ms; NaN when nothing is known of the session.
 */
double srv_read_ahead_at_item_ms(struct srv_read_ahead *ahead, const char *session_id, int64_t now_us);
/* Whether the learner waits for item `n` rather than that their page asks for it early; true when nothing is
 * known of the session. */
bool srv_read_ahead_waits(struct srv_read_ahead *ahead, const char *session_id, int n);

/* The session has ended. */
void srv_read_ahead_end(struct srv_read_ahead *ahead, const char *session_id);

#endif
