/* A sampler for tests of the queue: a small model without weights, whose images are of one grey each, and a
 * gate before each of them. */
#ifndef TESTS_FAKE_SAMPLER_H
#define TESTS_FAKE_SAMPLER_H

#include <pthread.h>

#include "server/images/image_queue.h"

enum { FAKE_SIDE = 64, FAKE_LOG_MAX = 4096 };

struct fake_sampler {
    struct srv_sampler sampler;         /* for the queue */
    struct nn_model_info info, instead; /* on the device; on "cpu (fake)" after that has failed */
    pthread_mutex_t mutex;              /* guards all below */
    pthread_cond_t turned;
    bool shut, fails, moves, moved; /* moves: amid the next call, to `instead` */
    int calls, at_gate;             /* made; of those, waiting before the gate: 0 or 1 */
    int drawn;                      /* images whose sampling has begun */
    uint64_t seeds[FAKE_LOG_MAX];   /* theirs, in order */
    int batches[FAKE_LOG_MAX];      /* images of each call */
};

/* Of a model on "cpu" or "cuda"; the gate is open. */
void fake_sampler_init(struct fake_sampler *fake, const char *device);
void fake_sampler_release(struct fake_sampler *fake);

void fake_sampler_shut(struct fake_sampler *fake);
void fake_sampler_open(struct fake_sampler *fake);
/* Waits until a call stands before the shut gate. */
void fake_sampler_wait(struct fake_sampler *fake);

/* A request of a learner's image, which is grey `fake_grey(seed)` all over. */
struct srv_image_request fake_request(uint64_t seed);
uint8_t fake_grey(uint64_t seed);
bool fake_image_right(const struct srv_blob *png, uint64_t seed);

#endif
