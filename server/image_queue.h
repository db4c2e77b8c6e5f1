/* The one thread that owns the model, and the queue before it. Whatever wants an image asks here.
 *
 * Equal requests are computed once: those that come while one is under way wait for it, later ones find
 * the encoded file in a small cache. The queue is bounded; when it is full the asker is told at once. */
#ifndef SRV_IMAGE_QUEUE_H
#define SRV_IMAGE_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/engine.h"
#include "engine/error.h"
#include "server/blob.h"
#include "server/image_request.h"

enum {
    QUEUE_SLOTS = 64,       /* files kept, under way and queued together; at 1024x1024 about 64 MB */
    QUEUE_WAITING_MAX = 24, /* requests waiting; one more is refused */
    QUEUE_AHEAD_MAX = 8,    /* read-ahead is dropped when more than this wait */
    QUEUE_SIZES_MAX = 3,
    QUEUE_WAIT_MS = 30000, /* longest time that an asker waits */
};

enum srv_queue_result {
    QUEUE_OK,
    QUEUE_LOADING, /* no model yet */
    QUEUE_BUSY,    /* the queue is full, or the wait was too long */
    QUEUE_FAILED,  /* the engine refused; logged */
};

struct srv_image_queue;
struct srv_queue_counts {
    uint64_t made, failed, from_cache, refused;
    double seconds; /* spent sampling and encoding */
    int waiting;
};

/* Starts the thread, which opens the checkpoint. `path` and `device` are borrowed until srv_queue_stop. */
nn_status srv_queue_start(struct srv_image_queue **queue, const char *path, const char *device,
                          struct nn_error *err) NN_MUST_CHECK;
/* Waits until the model is open or has been refused; `err` then says why. */
nn_status srv_queue_wait_open(struct srv_image_queue *queue, struct nn_error *err) NN_MUST_CHECK;
/* Lets the image under way finish, refuses the rest, frees. NULL is harmless. */
void srv_queue_stop(struct srv_image_queue *queue);

/* NULL while loading. Any thread; valid until srv_queue_stop. */
const struct nn_model_info *srv_queue_model(struct srv_image_queue *queue);

/* The sides that are served, ascending: the resolution, its half and its quarter, if 64 or more. */
int srv_queue_sizes(const struct nn_model_info *model, int sizes[QUEUE_SIZES_MAX]);

/* Waits for the encoded file. On QUEUE_OK gives *png, which the caller releases. Any thread. */
enum srv_queue_result srv_queue_get(struct srv_image_queue *queue, const struct srv_image_request *request,
                                    struct srv_blob **png) NN_MUST_CHECK;

/* Asks for a file that will be wanted soon; served after all that is wanted now. Never waits. */
void srv_queue_read_ahead(struct srv_image_queue *queue, const struct srv_image_request *request);

void srv_queue_count(struct srv_image_queue *queue, struct srv_queue_counts *counts);

#endif
