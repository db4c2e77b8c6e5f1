/* Threads that work on buffers while the thread that fills them goes on: PNG files are compressed and written
 * while the next image is sampled.
 *
 * One thread opens, takes, puts and closes; the work runs on the queue's own threads, several at a time. */
#ifndef TR_WORK_QUEUE_H
#define TR_WORK_QUEUE_H

#include <stddef.h>

#include "engine/error.h"

struct tr_work_queue;

/* What is done with a buffer; `index` is whatever came with it. */
typedef nn_status tr_work(void *context, int index, const void *buffer, struct nn_error *err);

/* One thread a processor, at most 16, and twice as many buffers of buffer_bytes each. */
nn_status tr_work_queue_open(struct tr_work_queue **queue, size_t buffer_bytes, tr_work *work, void *context,
                             struct nn_error *err) NN_MUST_CHECK;
/* Waits for a free buffer. NULL once some work has failed; tr_work_queue_close returns why. */
void *tr_work_queue_take(struct tr_work_queue *queue);
/* Gives a taken buffer to the threads. */
void tr_work_queue_put(struct tr_work_queue *queue, int index, void *buffer);
/* Waits until all that was put is done, and frees. Returns the first failure, if any. NULL is harmless. */
nn_status tr_work_queue_close(struct tr_work_queue *queue, struct nn_error *err) NN_MUST_CHECK;

#endif
