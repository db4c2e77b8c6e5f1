#include "engine/tape.h"

#include <stdlib.h>
#include <string.h>

#include "engine/vjp.h"

struct nn_tape {
    struct nn_backend *backend;
    struct nn_arena arena;
    struct nn_node *nodes; /* nodes[0] is the invalid one */
    int count, capacity;
    struct nn_error error; /* sticky; status NN_OK while all is well */
};

nn_status nn_tape_new(struct nn_tape **tape, struct nn_backend *backend, struct nn_error *err)
{
    struct nn_tape *t = calloc(1, sizeof *t);
    if (!t) return nn_fail(err, NN_ERR_MEMORY, "out of memory for a tape");
    t->backend = backend;
    t->count = 1;
    nn_arena_init(&t->arena, backend);
    *tape = t;
    return NN_OK;
}

void nn_tape_free(struct nn_tape *t)
{
    if (!t) return;
    nn_arena_release(&t->arena);
    free(t->nodes);
    free(t);
}

void nn_tape_reset(struct nn_tape *t)
{
    nn_arena_reset(&t->arena);
    t->count = 1;
    t->error.status = NN_OK;
}

nn_status nn_tape_status(const struct nn_tape *t, struct nn_error *err)
{
    if (t->error.status != NN_OK && err) *err = t->error;
    return t->error.status;
}

struct nn_backend *nn_tape_backend(const struct nn_tape *t)
{
    return t->backend;
}

size_t nn_tape_peak_bytes(const struct nn_tape *t)
{
    return t->arena.peak_bytes;
}

struct nn_error *nn_tape_error(struct nn_tape *t)
{
    return &t->error;
}

const struct nn_node *nn_tape_node(const struct nn_tape *t, nn_id id)
{
    return id.index > 0 && id.index < t->count ? &t->nodes[id.index] : NULL;
}

void *nn_tape_alloc(struct nn_tape *t, size_t size_bytes)
{
    void *data = nn_arena_alloc(&t->arena, size_bytes);
    if (!data)
        nn_fail(&t->error, NN_ERR_MEMORY, "out of %s memory: %zu MiB in use, %zu MiB more wanted",
                t->backend->name, t->arena.used_bytes >> 20, size_bytes >> 20);
    return data;
}

nn_id nn_tape_record(struct nn_tape *t, const struct nn_node *node)
{
    if (t->count >= t->capacity) {
        int capacity = t->capacity ? 2 * t->capacity : 256;
        struct nn_node *nodes = realloc(t->nodes, (size_t)capacity * sizeof *nodes);
        if (!nodes) {
            nn_fail(&t->error, NN_ERR_MEMORY, "out of memory for %d tape nodes", capacity);
            return nn_none;
        }
        t->nodes = nodes;
        t->capacity = capacity;
    }
    t->nodes[t->count] = *node;
    return (nn_id){t->count++};
}

nn_id nn_leaf(struct nn_tape *t, const struct nn_tensor *value)
{
    if (t->error.status != NN_OK) return nn_none;
    return nn_tape_record(t, &(struct nn_node){.op = NN_OP_LEAF, .value = *value});
}

static nn_status upload_real(struct nn_tape *t, const float *host, const struct nn_tensor *to)
{
    size_t count = nn_count(to->shape);
    if (to->type == NN_F32)
        return t->backend->upload(t->backend, to->data, host, count * sizeof *host, &t->error);
    double *wide = malloc(count * sizeof *wide);
    if (!wide) return nn_fail(&t->error, NN_ERR_MEMORY, "out of memory for %zu doubles", count);
    for (size_t i = 0; i < count; i++) wide[i] = (double)host[i];
    nn_status status = t->backend->upload(t->backend, to->data, wide, count * sizeof *wide, &t->error);
    free(wide);
    return status;
}

nn_id nn_from_host(struct nn_tape *t, const float *host, struct nn_shape shape)
{
    if (t->error.status != NN_OK) return nn_none;
    struct nn_tensor value = {.shape = shape, .type = t->backend->real_type};
    value.data = nn_tape_alloc(t, nn_tensor_bytes(&value));
    if (!value.data || upload_real(t, host, &value) != NN_OK) return nn_none;
    return nn_leaf(t, &value);
}

nn_id nn_detach(struct nn_tape *t, nn_id x)
{
    const struct nn_node *node = nn_tape_node(t, x);
    if (!node) return nn_none;
    struct nn_tensor value = node->value;
    return nn_leaf(t, &value);
}

const struct nn_tensor *nn_value(const struct nn_tape *t, nn_id id)
{
    const struct nn_node *node = nn_tape_node(t, id);
    return node ? &node->value : NULL;
}

nn_status nn_read(const struct nn_tape *t, nn_id id, void *host, struct nn_error *err)
{
    nn_status status = nn_tape_status(t, err);
    if (status != NN_OK) return status;
    const struct nn_tensor *value = nn_value(t, id);
    if (!value) return nn_fail(err, NN_ERR_ARGUMENT, "reading a value that is not on the tape");
    return t->backend->download(t->backend, host, value->data, nn_tensor_bytes(value), err);
}

/* ---- gradients ---------------------------------------------------------------------------------- */

/* on_path[i]: node i is some wrt, or has an input that is on the path. */
static void mark_paths(const struct nn_tape *t, nn_id y, const nn_id *wrt, int count, bool *on_path)
{
    for (int k = 0; k < count; k++)
        if (wrt[k].index <= y.index) on_path[wrt[k].index] = true;
    on_path[0] = false;
    for (int i = 1; i <= y.index; i++)
        for (int k = 0; k < NN_OP_INPUTS_MAX; k++)
            if (on_path[t->nodes[i].in[k].index]) on_path[i] = true;
}

static void add_cotangent(struct nn_tape *t, nn_id *total, nn_id part)
{
    *total = total->index == 0 ? part : nn_axpby(t, 1, *total, 1, part);
}

static bool seed_fits(const struct nn_tape *t, nn_id y, nn_id seed)
{
    const struct nn_tensor *a = nn_value(t, y), *b = nn_value(t, seed);
    return a && b && nn_same_shape(a->shape, b->shape) && a->type == b->type;
}

void nn_gradient(struct nn_tape *t, nn_id y, nn_id seed, const nn_id *wrt, int count, nn_id *out)
{
    for (int k = 0; k < count; k++) out[k] = nn_none;
    if (t->error.status != NN_OK) return;
    if (!seed_fits(t, y, seed)) {
        nn_fail(&t->error, NN_ERR_ARGUMENT, "gradient of a value with a seed of another shape or type");
        return;
    }
    size_t nodes = (size_t)y.index + 1; /* the new ones come after y and are not visited */
    bool *on_path = calloc(nodes, sizeof *on_path);
    nn_id *cotangent = calloc(nodes, sizeof *cotangent);
    if (!on_path || !cotangent) {
        nn_fail(&t->error, NN_ERR_MEMORY, "out of memory for the gradient of %zu nodes", nodes);
        goto out;
    }
    mark_paths(t, y, wrt, count, on_path);
    cotangent[y.index] = seed;
    for (int i = y.index; i > 0; i--) {
        if (!on_path[i] || cotangent[i].index == 0) continue;
        nn_id in[NN_OP_INPUTS_MAX], part[NN_OP_INPUTS_MAX] = {{0}};
        bool needed[NN_OP_INPUTS_MAX], any = false;
        memcpy(in, t->nodes[i].in, sizeof in); /* t->nodes moves when the rule records new nodes */
        for (int k = 0; k < NN_OP_INPUTS_MAX; k++) any |= needed[k] = on_path[in[k].index];
        if (!any) continue;
        nn_vjp(t, (nn_id){i}, cotangent[i], needed, part);
        if (t->error.status != NN_OK) goto out;
        for (int k = 0; k < NN_OP_INPUTS_MAX; k++)
            if (part[k].index != 0) add_cotangent(t, &cotangent[in[k].index], part[k]);
    }
    for (int k = 0; k < count; k++)
        if (wrt[k].index <= y.index) out[k] = cotangent[wrt[k].index];
out:
    free(cotangent);
    free(on_path);
}
