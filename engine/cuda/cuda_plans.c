/* The plans that were made, one a shape and pass, kept in memory for as long as the backend lives. None are
 * kept on disk, so there is no file that could be damaged or stale. */
#include <stdlib.h>
#include <string.h>

#include "engine/cuda/cudnn_plan.h"

/* What a plan depends on; compared byte by byte, hence no padding. */
struct key {
    int role, kernel_h, kernel_w, stride, pad_h, pad_w;
    int x_type, w_type;
    struct nn_shape x, y;
};

struct entry {
    struct key key;
    struct cudnn_plan plan;
};

struct cuda_plans {
    cudnnHandle_t handle;
    struct entry *entries;
    int count, capacity;
};

nn_status cuda_plans_open(struct cuda_backend *cuda, struct nn_error *err)
{
    cuda->plans = calloc(1, sizeof *cuda->plans);
    if (!cuda->plans) return nn_fail(err, NN_ERR_MEMORY, "no memory for the cuda backend");
    nn_status status = cudnn_check(cudnnCreate(&cuda->plans->handle), "cudnnCreate", err);
    if (!status)
        status = cudnn_check(cudnnSetStream(cuda->plans->handle, cuda->stream), "cudnnSetStream", err);
    return status;
}

void cuda_plans_close(struct cuda_backend *cuda)
{
    struct cuda_plans *plans = cuda->plans;
    if (!plans) return;
    for (int i = 0; i < plans->count; i++) cudnn_plan_release(&plans->entries[i].plan);
    free(plans->entries);
    if (plans->handle) cudnnDestroy(plans->handle);
    free(plans);
}

static struct key key_of(const struct cuda_conv_call *c)
{
    return (struct key){.role = (int)c->role,
                        .kernel_h = c->geometry.kernel_h,
                        .kernel_w = c->geometry.kernel_w,
                        .stride = c->geometry.stride,
                        .pad_h = c->geometry.pad_h,
                        .pad_w = c->geometry.pad_w,
                        .x_type = (int)c->x.type,
                        .w_type = (int)c->w.type,
                        .x = c->x.shape,
                        .y = c->y.shape};
}

static struct entry *find(const struct cuda_plans *plans, const struct key *key)
{
    for (int i = 0; i < plans->count; i++)
        if (memcmp(&plans->entries[i].key, key, sizeof *key) == 0) return &plans->entries[i];
    return NULL;
}

static bool workspace_fits(void *context, size_t size_bytes)
{
    struct cuda_backend *cuda = context;
    return size_bytes == 0 || cuda_scratch(cuda, CUDA_SCRATCH_WORKSPACE, size_bytes, NULL);
}

static nn_status add(struct cuda_backend *cuda, const struct cuda_conv_call *c, struct entry **added,
                     struct nn_error *err)
{
    struct cuda_plans *plans = cuda->plans;
    struct cudnn_target target = {.handle = plans->handle};
    if (plans->count == plans->capacity) {
        int capacity = plans->capacity ? 2 * plans->capacity : 64;
        struct entry *entries = realloc(plans->entries, (size_t)capacity * sizeof *entries);
        if (!entries) return nn_fail(err, NN_ERR_MEMORY, "no memory for %d convolution plans", capacity);
        plans->entries = entries;
        plans->capacity = capacity;
    }
    struct entry *e = &plans->entries[plans->count];
    e->key = key_of(c);
    nn_status status = cudnn_plan_make(&target, c, workspace_fits, cuda, &e->plan, err);
    if (status) return status;
    plans->count++;
    *added = e;
    return NN_OK;
}

nn_status cuda_plans_run(struct cuda_backend *cuda, const struct cuda_conv_call *c, bool *done,
                         struct nn_error *err)
{
    struct key key = key_of(c);
    struct entry *e = find(cuda->plans, &key);
    if (!e) {
        nn_status status = add(cuda, c, &e, err);
        if (status) return status;
    }
    *done = e->plan.plan != NULL;
    if (!*done) return NN_OK;
    void *workspace = NULL;
    if (e->plan.workspace_bytes) {
        workspace = cuda_scratch(cuda, CUDA_SCRATCH_WORKSPACE, e->plan.workspace_bytes, err);
        if (!workspace) return NN_ERR_MEMORY;
    }
    return cudnn_plan_execute(cuda->plans->handle, &e->plan, c, workspace, err);
}
