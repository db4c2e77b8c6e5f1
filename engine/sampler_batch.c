/* The sampler's plan on a device that works while the host goes on: several samples at once, every size of
 * batch recorded once and replayed, 8-bit images made on the device. While it computes one batch, the host
 * hands out the one before. */
#include <stdlib.h>
#include <string.h>

#include "engine/sampler_plan.h"

enum { SIZES = 7, BATCH_MAX = 1 << (SIZES - 1), SLOTS = 2 };

struct sampler_batch {
    void *weights; /* of all stages, in map_type and scaled */
    struct nn_tensor packed[STAGES_MAX];
    int limit;                   /* samples at once: BATCH_MAX, or what there was memory for */
    int capacity;                /* samples that the buffers below hold; a power of two */
    void *map[2], *input, *grey; /* device */
    struct {
        float *input;
        uint8_t *grey;
        uint8_t *to; /* where the samples under way go, count of them */
        int count;
    } slot[SLOTS]; /* input, grey: host memory of the device */
    bool ran[SIZES];
    struct nn_recording *recording[SIZES]; /* of 2^k samples */
    bool unrecorded;                       /* recording has failed: each run calls its kernels */
};

static size_t input_length(const struct nn_sampler *s)
{
    return (size_t)(nn_gan_latent_size(&s->config) + s->config.label_count);
}

static size_t pixel_count(const struct nn_sampler *s)
{
    return (size_t)1 << (2 * s->config.resolution_log2);
}

/* ---- memory ------------------------------------------------------------------------------------- */

static void release_buffers(struct nn_sampler *s)
{
    struct nn_backend *be = s->backend;
    struct sampler_batch *b = s->batch;
    void **all[] = {&b->map[0], &b->map[1], &b->input, &b->grey};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (*all[i]) be->free(be, *all[i]);
        *all[i] = NULL;
    }
    for (int k = 0; k < SLOTS; k++) {
        be->inference->host_free(be, b->slot[k].input);
        be->inference->host_free(be, b->slot[k].grey);
        b->slot[k].input = NULL;
        b->slot[k].grey = NULL;
    }
    for (int k = 0; k < SIZES; k++) {
        be->inference->recording_free(b->recording[k]);
        b->recording[k] = NULL;
        b->ran[k] = false;
    }
    b->capacity = 0;
}

static bool allocate(struct nn_sampler *s, int capacity)
{
    struct nn_backend *be = s->backend;
    struct sampler_batch *b = s->batch;
    size_t n = (size_t)capacity, map_bytes = n * sampler_largest_map(s) * nn_type_size(be->map_type);
    size_t input_bytes = n * input_length(s) * sizeof(float), grey_bytes = n * pixel_count(s);
    release_buffers(s);
    b->map[0] = be->alloc(be, map_bytes);
    b->map[1] = be->alloc(be, map_bytes);
    b->input = be->alloc(be, input_bytes);
    b->grey = be->alloc(be, grey_bytes);
    bool all = b->map[0] && b->map[1] && b->input && b->grey;
    for (int k = 0; k < SLOTS; k++) {
        b->slot[k].input = be->inference->host_alloc(be, input_bytes);
        b->slot[k].grey = be->inference->host_alloc(be, grey_bytes);
        all = all && b->slot[k].input && b->slot[k].grey;
    }
    b->capacity = capacity;
    if (!all) release_buffers(s);
    return all;
}

/* Room for `count` samples at once, or for as many as there is memory for. */
static nn_status reserve(struct nn_sampler *s, int count, struct nn_error *err)
{
    struct sampler_batch *b = s->batch;
    int wanted = 1;
    while (wanted < count && wanted < b->limit) wanted *= 2;
    if (b->capacity >= wanted) return NN_OK;
    for (; wanted > 0; wanted /= 2) {
        if (allocate(s, wanted)) return NN_OK;
        b->limit = wanted / 2; /* or each call would try, and lose its recordings, again */
    }
    return nn_fail(err, NN_ERR_MEMORY, "out of %s memory for a sample", s->backend->name);
}

nn_status sampler_batch_new(struct nn_sampler *s, struct nn_error *err)
{
    struct nn_backend *be = s->backend;
    struct sampler_batch *b = s->batch = calloc(1, sizeof *b);
    size_t size_bytes = 0;
    if (!b) return nn_fail(err, NN_ERR_MEMORY, "out of memory for a sampler");
    b->limit = BATCH_MAX;
    for (int i = 0; i < s->stage_count; i++) {
        b->packed[i] = s->stages[i].weight;
        b->packed[i].type = be->map_type;
        size_bytes += (nn_tensor_bytes(&b->packed[i]) + 63) / 64 * 64;
    }
    b->weights = be->alloc(be, size_bytes);
    if (!b->weights)
        return nn_fail(err, NN_ERR_MEMORY, "out of %s memory for %zu MiB of weights", be->name,
                       size_bytes >> 20);
    char *at = b->weights;
    for (int i = 0; i < s->stage_count; i++) {
        b->packed[i].data = at;
        at += (nn_tensor_bytes(&b->packed[i]) + 63) / 64 * 64;
        nn_status status =
            be->inference->pack(be, s->stages[i].geometry.scale, &s->stages[i].weight, &b->packed[i], err);
        if (status != NN_OK) return status;
    }
    return NN_OK;
}

void sampler_batch_free(struct nn_sampler *s)
{
    if (!s->batch) return;
    release_buffers(s);
    if (s->batch->weights) s->backend->free(s->backend, s->batch->weights);
    free(s->batch);
    s->batch = NULL;
}

size_t sampler_batch_host_bytes(const struct nn_sampler *s)
{
    return (size_t)SLOTS * (size_t)s->batch->capacity * (input_length(s) * sizeof(float) + pixel_count(s));
}

/* ---- running ------------------------------------------------------------------------------------ */

/* The tensor that the next kernel writes, in the buffer that the last one did not. */
static struct nn_tensor next_map(const struct nn_sampler *s, const struct nn_tensor *x, struct nn_shape shape)
{
    const struct sampler_batch *b = s->batch;
    void *data = x->data == b->map[0] ? b->map[1] : b->map[0];
    return (struct nn_tensor){.shape = shape, .type = s->backend->map_type, .data = data};
}

static nn_status run_stage(const struct nn_sampler *s, int index, struct nn_tensor *x, struct nn_error *err)
{
    struct nn_backend *be = s->backend;
    const struct nn_stage *stage = &s->stages[index];
    struct nn_conv geometry = stage->geometry;
    struct nn_epilogue epilogue = {.bias = &stage->bias, .slope = stage->slope};
    nn_status status = NN_OK;
    geometry.scale = 1; /* the packed weights have it */
    if (stage->doubled) {
        struct nn_shape twice = nn_shape(x->shape.n, x->shape.c, 2 * x->shape.h, 2 * x->shape.w);
        struct nn_tensor y = next_map(s, x, twice);
        status = be->upsample2(be, x, &y, err);
        *x = y;
    }
    struct nn_shape shape = stage->shape;
    shape.n = x->shape.n;
    struct nn_tensor y = next_map(s, x, shape);
    if (status == NN_OK)
        status = be->inference->conv(be, &geometry, stage->transposed, x, &s->batch->packed[index], epilogue,
                                     stage->epsilon, &y, err);
    *x = y;
    return status;
}

/* From the inputs on the device to the images there. */
static nn_status run_kernels(struct nn_sampler *s, int count, struct nn_error *err)
{
    struct nn_backend *be = s->backend;
    struct nn_shape shape = nn_shape(count, (int)input_length(s), 1, 1);
    struct nn_tensor x = {.shape = shape, .type = be->real_type, .data = s->batch->input};
    nn_status status = NN_OK;
    if (be->map_type != be->real_type) {
        struct nn_tensor narrow = next_map(s, &x, shape);
        status = be->cast(be, &x, &narrow, err);
        x = narrow;
    }
    for (int i = 0; status == NN_OK && i < s->stage_count; i++) status = run_stage(s, i, &x, err);
    return status == NN_OK ? be->inference->grey(be, &x, s->batch->grey, err) : status;
}

static nn_status record_kernels(struct nn_sampler *s, int size, struct nn_error *err)
{
    struct nn_backend *be = s->backend;
    struct sampler_batch *b = s->batch;
    be->inference->recording_free(b->recording[size]);
    b->recording[size] = NULL;
    nn_status status = be->inference->record(be, err);
    if (status != NN_OK) return status;
    nn_status kernels = run_kernels(s, 1 << size, err);
    status = be->inference->record_end(be, &b->recording[size], kernels == NN_OK ? err : NULL);
    return kernels != NN_OK ? kernels : status;
}

/* The first run calls the kernels, which makes their plans and workspaces; the second records them. */
static nn_status run_or_replay(struct nn_sampler *s, int size, struct nn_error *err)
{
    const struct nn_inference *inference = s->backend->inference;
    struct sampler_batch *b = s->batch;
    struct nn_recording **recording = &b->recording[size];
    bool wanted = b->ran[size] && !b->unrecorded;
    if (wanted && (!*recording || inference->stale(s->backend, *recording)))
        b->unrecorded = record_kernels(s, size, NULL) != NN_OK;
    b->ran[size] = true;
    return *recording && !b->unrecorded ? inference->replay(s->backend, *recording, err)
                                        : run_kernels(s, 1 << size, err);
}

/* Hands out the samples that a slot has under way. */
static nn_status deliver(struct nn_sampler *s, int k, struct nn_error *err)
{
    struct sampler_batch *b = s->batch;
    if (!b->slot[k].count) return NN_OK;
    nn_status status = s->backend->inference->wait(s->backend, k, err);
    if (status == NN_OK) memcpy(b->slot[k].to, b->slot[k].grey, (size_t)b->slot[k].count * pixel_count(s));
    b->slot[k].count = 0;
    return status;
}

static nn_status start(struct nn_sampler *s, int k, int size, const float *inputs, uint8_t *grey,
                       struct nn_error *err)
{
    struct nn_backend *be = s->backend;
    struct sampler_batch *b = s->batch;
    size_t n = (size_t)1 << size, input_bytes = n * input_length(s) * sizeof *inputs;
    memcpy(b->slot[k].input, inputs, input_bytes);
    nn_status status = be->inference->upload_later(be, b->input, b->slot[k].input, input_bytes, err);
    if (status == NN_OK) status = run_or_replay(s, size, err);
    if (status == NN_OK)
        status = be->inference->download_later(be, b->slot[k].grey, b->grey, n * pixel_count(s), k, err);
    if (status == NN_OK) {
        b->slot[k].to = grey;
        b->slot[k].count = (int)n;
    }
    return status;
}

nn_status sampler_batch_run(struct nn_sampler *s, const float *inputs, int count, uint8_t *grey,
                            struct nn_error *err)
{
    struct sampler_batch *b = s->batch;
    nn_status status = reserve(s, count, err);
    int k = 0;
    for (int done = 0; status == NN_OK && done < count; k = (k + 1) % SLOTS) {
        int size = SIZES - 1;
        while (1 << size > count - done || 1 << size > b->capacity) size--;
        status = deliver(s, k, err);
        if (status == NN_OK)
            status = start(s, k, size, inputs + (size_t)done * input_length(s),
                           grey + (size_t)done * pixel_count(s), err);
        done += 1 << size;
    }
    for (int i = 0; i < SLOTS; i++, k = (k + 1) % SLOTS) {
        nn_status late = deliver(s, k, status == NN_OK ? err : NULL);
        if (status == NN_OK) status = late;
    }
    return status;
}
