#include "engine/tape.h"

#include <stdlib.h>
#include <string.h>

#include "engine/vjp.h"

struct nn_tape {
    struct nn_backend *backend;
    struct nn_arena arena;
    struct nn_node *nodes; /* nodes[0] is the invalid one */
    int count, capacity;
    struct nn_arena_piece *taken; /* by the operation under way */
    struct nn_error error;        /* sticky; status NN_OK while all is well */
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
    t->taken = NULL;
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

nn_id nn_tape_find(const struct nn_tape *t, enum nn_op op, nn_id in)
{
    for (int i = t->count - 1; i > in.index && in.index > 0; i--)
        if (t->nodes[i].op == op && t->nodes[i].in[0].index == in.index && t->nodes[i].value.data)
            return (nn_id){i};
    return nn_none;
}

void *nn_tape_alloc(struct nn_tape *t, size_t size_bytes)
{
    t->taken = nn_arena_take(&t->arena, size_bytes);
    if (t->taken) return t->taken->data;
    nn_fail(&t->error, NN_ERR_MEMORY, "out of %s memory: %zu MiB in use, %zu MiB more wanted",
            t->backend->name, t->arena.used_bytes >> 20, size_bytes >> 20);
    return NULL;
}

/* Records a value that lies in `piece`, of which the node is a user; NULL: memory that is not the tape's. */
static nn_id record_in(struct nn_tape *t, const struct nn_node *node, struct nn_arena_piece *piece)
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
    t->nodes[t->count].piece = piece;
    return (nn_id){t->count++};
}

nn_id nn_tape_record(struct nn_tape *t, const struct nn_node *node)
{
    if (node->op != NN_OP_RESHAPE) return record_in(t, node, t->taken);
    struct nn_arena_piece *piece = t->nodes[node->in[0].index].piece; /* a view */
    if (piece) piece->users++;
    return record_in(t, node, piece);
}

nn_id nn_leaf(struct nn_tape *t, const struct nn_tensor *value)
{
    if (t->error.status != NN_OK) return nn_none;
    return record_in(t, &(struct nn_node){.op = NN_OP_LEAF, .value = *value}, NULL);
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
    return record_in(t, &(struct nn_node){.op = NN_OP_LEAF, .value = value}, t->taken);
}

nn_id nn_detach(struct nn_tape *t, nn_id x)
{
    const struct nn_node *node = nn_tape_node(t, x);
    if (!node || t->error.status != NN_OK) return nn_none;
    struct nn_node leaf = {.op = NN_OP_LEAF, .value = node->value};
    if (node->piece) node->piece->users++;
    return record_in(t, &leaf, node->piece);
}

const struct nn_tensor *nn_value(const struct nn_tape *t, nn_id id)
{
    const struct nn_node *node = nn_tape_node(t, id);
    return node && node->value.data ? &node->value : NULL;
}

/* Gives back the memory of a value, unless it is not the tape's. */
static void drop_value(struct nn_tape *t, int index)
{
    struct nn_node *node = &t->nodes[index];
    if (!node->piece) return;
    nn_arena_drop(&t->arena, node->piece);
    node->piece = NULL;
    node->value.data = NULL;
}

int nn_tape_mark(const struct nn_tape *t)
{
    return t->count;
}

void nn_tape_keep_only(struct nn_tape *t, int mark, nn_id keep)
{
    for (int i = mark; i < t->count; i++)
        if (i != keep.index) drop_value(t, i);
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

/* What a node is to a gradient. */
enum { ON_PATH = 1, WANTED = 2 };

/* A gradient being made, from y down to the first node. */
struct sweep {
    struct nn_tape *t;
    nn_id y;
    unsigned char *role; /* of the nodes up to y */
    nn_id *cotangent;
    bool last;  /* gives back what only this gradient needed */
    int passed; /* nodes from here to y have been dealt with */
};

/* On the path: every wrt, and what has an input that is on the path. */
static void mark_paths(const struct sweep *s, const nn_id *wrt, int count)
{
    const struct nn_tape *t = s->t;
    for (int k = 0; k < count; k++)
        if (wrt[k].index <= s->y.index) s->role[wrt[k].index] = ON_PATH | WANTED;
    s->role[0] = 0;
    for (int i = 1; i <= s->y.index; i++)
        for (int k = 0; k < NN_OP_INPUTS_MAX; k++)
            if (s->role[t->nodes[i].in[k].index]) s->role[i] |= ON_PATH;
}

/* A value that neither cotangents nor rules will ask for again. */
static void drop_if_dead(struct sweep *s, int index)
{
    bool new = index > s->y.index, done = index >= s->passed && !(s->role[new ? 0 : index] & WANTED);
    if (s->last && (new || done) && s->t->nodes[index].held == 0) drop_value(s->t, index);
}

static void hold(struct sweep *s, nn_id *cotangent, nn_id value)
{
    nn_id old = *cotangent;
    *cotangent = value;
    if (value.index) s->t->nodes[value.index].held++;
    if (!old.index) return;
    s->t->nodes[old.index].held--;
    drop_if_dead(s, old.index);
}

static void add_cotangent(struct sweep *s, nn_id *total, nn_id part)
{
    hold(s, total, total->index == 0 ? part : nn_axpby(s->t, 1, *total, 1, part));
}

/* The cotangents of node i's inputs. */
static void pass_on(struct sweep *s, int i)
{
    nn_id in[NN_OP_INPUTS_MAX], part[NN_OP_INPUTS_MAX] = {{0}};
    bool needed[NN_OP_INPUTS_MAX], any = false;
    memcpy(in, s->t->nodes[i].in, sizeof in); /* t->nodes moves when the rule records new nodes */
    for (int k = 0; k < NN_OP_INPUTS_MAX; k++) any |= needed[k] = s->role[in[k].index] & ON_PATH;
    if (!any) return;
    nn_vjp(s->t, (nn_id){i}, s->cotangent[i], needed, part);
    if (s->t->error.status != NN_OK) return;
    for (int k = 0; k < NN_OP_INPUTS_MAX; k++)
        if (part[k].index != 0) add_cotangent(s, &s->cotangent[in[k].index], part[k]);
}

static void visit(struct sweep *s, int i)
{
    int first_new = s->t->count;
    bool reached = s->role[i] & ON_PATH && s->cotangent[i].index != 0;
    if (reached) pass_on(s, i);
    if (s->t->error.status != NN_OK) return;
    s->passed = i;
    if (reached && !(s->role[i] & WANTED)) hold(s, &s->cotangent[i], nn_none);
    for (int k = first_new; k < s->t->count; k++) drop_if_dead(s, k);
    drop_if_dead(s, i);
}

static bool seed_fits(const struct nn_tape *t, nn_id y, nn_id seed)
{
    const struct nn_tensor *a = nn_value(t, y), *b = nn_value(t, seed);
    return a && b && nn_same_shape(a->shape, b->shape) && a->type == b->type;
}

static void gradient(struct nn_tape *t, nn_id y, nn_id seed, const nn_id *wrt, int count, nn_id *out,
                     bool last)
{
    for (int k = 0; k < count; k++) out[k] = nn_none;
    if (t->error.status != NN_OK) return;
    if (!seed_fits(t, y, seed)) {
        nn_fail(&t->error, NN_ERR_ARGUMENT, "gradient of a value with a seed of another shape or type");
        return;
    }
    size_t nodes = (size_t)y.index + 1; /* the new ones come after y and are not visited */
    struct sweep s = {.t = t, .y = y, .last = last, .passed = (int)nodes};
    s.role = calloc(nodes, sizeof *s.role);
    s.cotangent = calloc(nodes, sizeof *s.cotangent);
    if (!s.role || !s.cotangent) {
        nn_fail(&t->error, NN_ERR_MEMORY, "out of memory for the gradient of %zu nodes", nodes);
        goto out;
    }
    mark_paths(&s, wrt, count);
    hold(&s, &s.cotangent[y.index], seed);
    for (int i = y.index; i > 0 && t->error.status == NN_OK; i--) visit(&s, i);
    if (t->error.status != NN_OK) goto out;
    for (int k = 0; k < count; k++)
        if (wrt[k].index <= y.index) out[k] = s.cotangent[wrt[k].index];
    for (size_t i = 1; i < nodes; i++) /* what was asked for is held by nobody any more, but stays */
        if (s.cotangent[i].index) t->nodes[s.cotangent[i].index].held--;
out:
    free(s.cotangent);
    free(s.role);
}

void nn_gradient(struct nn_tape *t, nn_id y, nn_id seed, const nn_id *wrt, int count, nn_id *out)
{
    gradient(t, y, seed, wrt, count, out, false);
}

void nn_gradient_last(struct nn_tape *t, nn_id y, nn_id seed, const nn_id *wrt, int count, nn_id *out)
{
    gradient(t, y, seed, wrt, count, out, true);
}
