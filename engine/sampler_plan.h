/* Inside the sampler: its plan. sampler.c makes it and runs it; sampler_batch.c runs it on a device that
 * works while the host goes on. */
#ifndef NN_SAMPLER_PLAN_H
#define NN_SAMPLER_PLAN_H

#include "engine/sampler.h"

enum { STAGES_MAX = 2 * NN_RESOLUTION_LOG2_MAX + 1 };

struct sampler_batch;

struct nn_sampler {
    struct nn_backend *backend;
    struct nn_gan_config config;
    struct nn_stage stages[STAGES_MAX];
    int stage_count;
    void *weights;                            /* the flat buffer */
    void *folded[NN_RESOLUTION_LOG2_MAX + 1]; /* 4x4 kernels of Conv0_up */
    void *map[2];                             /* ping and pong */
    void *input, *image;                      /* real_type */
    size_t memory_bytes;                      /* of the above */
    struct sampler_batch *batch;              /* NULL where backend->inference is */
    struct nn_prepared *prepared; /* not NULL where backend->generator takes the plan; then what is above it
                                     from `weights` on is NULL */
};

/* Elements of the largest feature map of one sample. */
size_t sampler_largest_map(const struct nn_sampler *s);

/* Makes s->batch and copies the weights in the form that the device takes. On failure sampler_batch_free. */
nn_status sampler_batch_new(struct nn_sampler *s, struct nn_error *err) NN_MUST_CHECK;
void sampler_batch_free(struct nn_sampler *s);
size_t sampler_batch_host_bytes(const struct nn_sampler *s);
nn_status sampler_batch_run(struct nn_sampler *s, const float *inputs, int count, uint8_t *grey,
                            struct nn_error *err) NN_MUST_CHECK;

#endif
