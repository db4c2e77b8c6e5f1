/* The queue of images to be made. Whatever wants an image asks here.
 *
 * One thread owns the device: it takes a batch of waiting requests, samples them in one call, and hands the
 * pixels to a few threads that encode them while it samples the next ones. What has been made goes into the
 * cache, and whatever is in the cache is not made again. Requests for the same file share one job.
 *
 * Order. A learner who waits goes before what learners' pages ask for early, that before read-ahead, and
 * read-ahead before the atlas; each in the order of asking, but read-ahead by how far the image is from the
 * one that its learner looks at, so that nobody's third next image is made before somebody's next one. A
 * batch holds jobs of one priority, so that nobody waits longer for the sake of less urgent ones. Read-ahead
 * that a learner begins to wait for becomes a learner's. The atlas does not starve: when its oldest request
 * has waited QUEUE_PATIENCE_MS, it gets every QUEUE_ATLAS_TURNth batch.
 *
 * Bounds. Each priority has its own, so that the atlas cannot keep learners out, nor read-ahead anyone. A
 * request that finds its priority full, or so much before it that by the recent rate it would wait longer
 * than QUEUE_ADMIT_MS, is refused at once and told when to come again. Read-ahead that finds no place takes
 * that of one further ahead, or is forgotten. A job is dropped before it is sampled when all who asked for
 * it have left or passed their deadline, and read-ahead when nobody has come for it in QUEUE_AHEAD_MS: its
 * learner has gone silent.
 *
 * Secrecy. Nothing that decides how long a learner's image takes knows its class or source. Order, bounds
 * and batches go by priority, distance, time, model and depth, never by class or seed; the device does the
 * same operations on the same shapes for every class, which is only numbers in its first layer; a learner's
 * file has the same number of bytes whatever it shows, so encoding, hashing, keeping and sending take the
 * same; files are kept by digest and go by age. An image is in the cache because its session came near it,
 * or because it was sent before, and both hold for all classes alike; atlas files have other keys, so
 * looking at the atlas warms up no learner's image.
 *
 * An image of a library is drawn as any other, by the session's model from a seed of its own, with the same
 * turn, batch and device; only then are its pixels put in the place of the drawn ones, while it is encoded.
 * Reading and checking them takes 0.1 to 2 ms that a drawn image does not take. So on a server with a library
 * no learner's image leaves its encoder before QUEUE_HELD_US, whatever its source and that of the rest of its
 * session, which may be one arm of a study. The key of an image of a library holds the seed, so that what
 * another session has been sent is not found made. tests/api/sessions/test_secrecy.py puts this to a
 * statistical test.
 */
#ifndef SRV_IMAGE_QUEUE_H
#define SRV_IMAGE_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/error.h"
#include "server/blob.h"
#include "server/histogram.h"
#include "server/images/image_cache.h"
#include "server/images/image_request.h"

enum srv_priority {
    PRIORITY_LEARNER, /* a learner waits for it now */
    PRIORITY_NEXT,    /* a learner's page has asked for it early, while another one is looked at */
    PRIORITY_AHEAD,
    PRIORITY_ATLAS,
    PRIORITIES
};

enum {
    QUEUE_LEARNERS_MAX = 512, /* jobs that wait, of each priority; a class that starts at once fits */
    QUEUE_NEXT_MAX = 512,
    QUEUE_AHEAD_MAX = 256,
    QUEUE_ATLAS_MAX = 48,
    QUEUE_BATCH_MAX = 16,
    QUEUE_CPU_BATCH_MAX = 2,
    QUEUE_ENCODERS_MAX = 8,
    QUEUE_ADMIT_MS = 10000,
    QUEUE_WAIT_MS = 20000, /* what an asker should wait: twice that, as rates change */
    QUEUE_AHEAD_MS = 60000,
    QUEUE_PATIENCE_MS = 500,
    QUEUE_ATLAS_TURN = 8,
    QUEUE_RETRY_MAX_S = 30,
    QUEUE_HELD_US = 4000,
};

/* What draws. */
struct srv_sampler {
    void *context;
    /* Of the request's model. Any thread. */
    const struct nn_model_info *(*info)(void *context, const struct srv_image_request *request);
    /* Fills `pixels` with `count` images, of requests that differ in nothing but sample, size and labelled.
     * `count` is at most QUEUE_BATCH_MAX, QUEUE_CPU_BATCH_MAX on a CPU. Called by the engine's thread only.
     */
    nn_status (*sample)(void *context, const struct srv_image_request *const *requests, int count,
                        void *pixels, struct nn_error *err);
    /* Puts the pixels of request->library in the place of the drawn ones of one image. Any encoder's thread;
     * NULL where there is no library. */
    nn_status (*replace)(void *context, const struct srv_image_request *request,
                         const struct nn_model_info *info, void *pixels, struct nn_error *err);
};

/* Who asks. */
struct srv_asker {
    int64_t deadline_us; /* on srv_clock_monotonic_us; the answer then is QUEUE_BUSY */
    /* How urgent it is by now, which may only rise; PRIORITIES when the client has left, so that nobody reads
     * the answer. Called at first and then some times a second, on the asker's own thread. */
    enum srv_priority (*urgency)(const void *client);
    const void *client;
};

enum srv_queue_result {
    QUEUE_OK,
    QUEUE_BUSY,   /* refused at once, or the deadline has passed, or the daemon is stopping */
    QUEUE_LEFT,   /* the client has left: nobody reads the answer */
    QUEUE_FAILED, /* the engine refused, or memory ran out; logged */
};

/* Since the start, and now. */
struct srv_queue_counts {
    uint64_t made[PRIORITIES],
        failed;                   /* images sampled and encoded, by the priority that they were made at */
    uint64_t from_cache;          /* askers who found it made */
    uint64_t joined;              /* askers who found it under way */
    uint64_t refused[PRIORITIES]; /* at once */
    uint64_t late;                /* askers whose deadline passed */
    uint64_t dropped[PRIORITIES]; /* jobs that were not made as nobody wanted them any more */
    int waiting[PRIORITIES], under_way;                          /* jobs, now */
    struct srv_histogram batches;                                /* images sampled in one call */
    struct srv_histogram waited[PRIORITIES], sampling, encoding; /* a job, a batch, an image */
};

/* An encoded image. */
struct srv_made {
    struct srv_blob *png;
    const struct nn_model_info *by; /* the request's model as it was when it drew: it may since have gone on
                                       to the CPU. Lasts as long as the model is held. */
};

struct srv_image_queue;

/* Borrows sampler (what it points to) and cache until srv_queue_stop. */
nn_status srv_queue_start(struct srv_image_queue **queue, const struct srv_sampler *sampler,
                          struct srv_image_cache *cache, struct nn_error *err) NN_MUST_CHECK;
/* Lets the images under way finish, refuses the rest, waits until all askers have their answer, frees.
 * NULL is harmless. */
void srv_queue_stop(struct srv_image_queue *queue);

/* Waits for the encoded file. On QUEUE_OK gives *made, whose file the caller releases; on QUEUE_BUSY
 * *retry_after_s, 1 or more. Any thread. */
enum srv_queue_result srv_queue_get(struct srv_image_queue *queue, const struct srv_image_request *request,
                                    const struct srv_asker *asker, struct srv_made *made,
                                    int *retry_after_s) NN_MUST_CHECK;

/* Asks for a file that will be wanted soon, `distance` items after the one its learner is at. Never waits
 * for it. */
void srv_queue_read_ahead(struct srv_image_queue *queue, const struct srv_image_request *request,
                          int distance);

void srv_queue_count(struct srv_image_queue *queue, struct srv_queue_counts *counts);

#endif
