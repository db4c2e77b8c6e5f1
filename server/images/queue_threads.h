/* The inside of the queue: what the askers (image_queue.c) share with the threads that make the images. */
#ifndef SRV_QUEUE_THREADS_H
#define SRV_QUEUE_THREADS_H

#include "server/images/queue_jobs.h"

/* Images that are sampled in one call, from their sampling until the last of them is encoded. The buffer is
 * kept from batch to batch and grows to what the largest one needed. */
struct srv_batch {
    struct srv_batch *next; /* in the list of free ones, or of those to be encoded */
    struct srv_job *jobs[QUEUE_BATCH_MAX];
    enum srv_priority priority;
    int count, begun, left; /* images; whose encoding has begun; whose encoding has not ended */
    const struct nn_model_info *info;
    size_t image_bytes, room_bytes;
    uint8_t *pixels;
};

struct srv_image_queue {
    const struct srv_sampler *sampler;
    struct srv_image_cache *cache;
    pthread_t engine, encoders[QUEUE_ENCODERS_MAX];
    int encoder_count;

    pthread_mutex_t mutex;     /* guards all below */
    pthread_cond_t work;       /* for the engine: a job waits and a batch is free, or stop */
    pthread_cond_t sampled;    /* for the encoders: a batch is to be encoded, or the engine has ended */
    pthread_cond_t answered;   /* for the one who stops: the last asker has gone */
    pthread_condattr_t steady; /* of the waiters' conditions */
    bool stop, engine_ended;
    int askers;
    struct srv_jobs jobs;
    struct srv_batch batches[QUEUE_BATCHES], *free_batches;
    struct srv_batch *to_encode;    /* by priority, then in order of sampling */
    double seconds_per_image;       /* recent; 0 until there is a first one */
    uint64_t ended;                 /* jobs, whatever became of them */
    struct srv_queue_counts counts; /* but for what is counted in `jobs` */
};

/* Starts the engine's thread and the encoders. On failure none runs. */
nn_status srv_queue_threads_start(struct srv_image_queue *queue, struct nn_error *err) NN_MUST_CHECK;
/* Waits until the images under way are done and the threads have ended; `stop` is set. */
void srv_queue_threads_join(struct srv_image_queue *queue);

#endif
