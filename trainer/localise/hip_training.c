#include "trainer/localise/hip_training.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/rng.h"
#include "engine/safetensors.h"
#include "trainer/data/image_split.h"

enum { WARM_UP = 50, SETTINGS_SIZE = 400, SIZES = 2 * TR_HIPS };

static const float SIZE_WEIGHT = 10;

nn_status tr_hip_training_init(struct tr_hip_training *tr, const struct tr_hip_settings *s,
                               const struct tr_hip_films *films, struct nn_error *err)
{
    *tr = (struct tr_hip_training){.settings = *s, .films = films};
    nn_status status = tr_hip_net_init(&tr->net, s->side, s->seed, err);
    if (status == NN_OK) status = tr_hip_finder_open(&tr->finder, &tr->net, err);
    struct nn_backend *be = tr->finder.backend;
    size_t count = tr->net.value_count;
    float *zeros = calloc(count, sizeof *zeros);
    if (status == NN_OK && !(zeros && (tr->m = be->alloc(be, count * sizeof(float))) &&
                             (tr->v = be->alloc(be, count * sizeof(float)))))
        status = nn_fail(err, NN_ERR_MEMORY, "out of memory for a training");
    if (status == NN_OK) status = be->upload(be, tr->m, zeros, count * sizeof *zeros, err);
    if (status == NN_OK) status = be->upload(be, tr->v, zeros, count * sizeof *zeros, err);
    free(zeros);
    if (status != NN_OK) tr_hip_training_release(tr);
    return status;
}

void tr_hip_training_release(struct tr_hip_training *tr)
{
    struct nn_backend *be = tr->finder.backend;
    if (tr->m) be->free(be, tr->m);
    if (tr->v) be->free(be, tr->v);
    tr_hip_finder_close(&tr->finder);
    tr_hip_net_release(&tr->net);
    *tr = (struct tr_hip_training){0};
}

/* ---- one step ----------------------------------------------------------------------------------------- */

/* What a minibatch is to give: `where` as tr_hip_maps has it, `sizes` and how much each weighs (N,4,c,c). */
struct targets {
    float *views, *where[TR_HIPS], *sizes, *weights, *memory;
};

static nn_status targets_init(struct targets *t, const struct tr_hip_net *net, int n, struct nn_error *err)
{
    size_t cells = (size_t)net->cells * (size_t)net->cells, each = (size_t)net->side * (size_t)net->side;
    size_t where = (cells + 1) * (size_t)n, sizes = SIZES * cells * (size_t)n;
    t->memory = calloc((size_t)n * each + TR_HIPS * where + 2 * sizes, sizeof *t->memory);
    if (!t->memory) return nn_fail(err, NN_ERR_MEMORY, "out of memory for a minibatch");
    t->views = t->memory;
    t->where[0] = t->views + (size_t)n * each;
    t->where[1] = t->where[0] + where;
    t->sizes = t->where[1] + where;
    t->weights = t->sizes + sizes;
    return NN_OK;
}

/* A bell around the box's middle, its sum 1. */
static void ring_bell(const struct tr_hip_net *net, const struct tr_place *p, int hip, float *where,
                      float *sizes, float *weights)
{
    int cells = net->cells;
    double x = (p->x + p->width / 2) * cells - 0.5, y = (p->y + p->height / 2) * cells - 0.5, sum = 0;
    for (int i = 0; i < cells * cells; i++) {
        double dx = i % cells - x, dy = i / cells - y, bell = exp(-(dx * dx + dy * dy) / 2);
        where[i] = (float)bell;
        sum += bell;
    }
    for (int i = 0; i < cells * cells; i++) {
        where[i] /= (float)sum;
        for (int k = 0; k < 2; k++) {
            sizes[SIZES * i + 2 * hip + k] = (float)log(k ? p->height : p->width);
            weights[SIZES * i + 2 * hip + k] = where[i];
        }
    }
}

/* View `number` of the training: every film once in each round, in an order of its own. */
static void fill(const struct tr_hip_training *tr, const int *films, int i, struct targets *t)
{
    const struct tr_hip_net *net = &tr->net;
    size_t cells = (size_t)net->cells * (size_t)net->cells, at = (size_t)i;
    uint64_t number = (uint64_t)tr->step * (uint64_t)tr->settings.minibatch + (uint64_t)i;
    struct tr_hip_view view;
    tr_hip_view_draw(&tr->films->films[films[i]], tr->films->side, tr->settings.seed, number, net->side,
                     t->views + at * (size_t)net->side * (size_t)net->side, &view);
    for (int hip = 0; hip < TR_HIPS; hip++) {
        float *where = t->where[hip] + at * (cells + 1);
        if (view.truth[hip] == TR_HIP_NOWHERE) where[cells] = 1;
        if (view.truth[hip] == TR_HIP_THERE)
            ring_bell(net, &view.place[hip], hip, where, t->sizes + at * SIZES * cells,
                      t->weights + at * SIZES * cells);
    }
}

static nn_status fill_minibatch(const struct tr_hip_training *tr, struct targets *t, struct nn_error *err)
{
    int n = tr->settings.minibatch, count = tr->films->train_count;
    int *order = malloc((size_t)count * sizeof *order), *films = malloc((size_t)n * sizeof *films);
    uint64_t first = (uint64_t)tr->step * (uint64_t)n, round = UINT64_MAX;
    for (int i = 0; order && films && i < n; i++) {
        uint64_t at = first + (uint64_t)i;
        if (at / (uint64_t)count != round) {
            round = at / (uint64_t)count;
            tr_image_split(tr->settings.seed + round, count, order);
        }
        films[i] = order[at % (uint64_t)count];
    }
    if (order && films)
#pragma omp parallel for schedule(dynamic)
        for (int i = 0; i < n; i++) fill(tr, films, i, t);
    bool done = order && films;
    free(order);
    free(films);
    return done ? NN_OK : nn_fail(err, NN_ERR_MEMORY, "out of memory for an order");
}

/* The loss, a scalar, of what is on the tape. */
static nn_id loss_of(struct nn_tape *t, const struct tr_hip_net *net, const struct tr_hip_maps *maps,
                     const struct targets *to, int n)
{
    const struct nn_shape one = nn_shape(1, 1, 1, 1), sizes = nn_shape(n, SIZES, net->cells, net->cells);
    nn_id total = nn_none;
    for (int hip = 0; hip < TR_HIPS; hip++) {
        nn_id target = nn_from_host(t, to->where[hip], nn_shape(n, net->cells * net->cells + 1, 1, 1));
        nn_id sum = nn_sum_to(t, nn_mul(t, target, maps->where[hip]), one);
        total = hip ? nn_axpby(t, 1, total, -1 / (float)n, sum) : nn_affine(t, -1 / (float)n, sum, 0);
    }
    nn_id error = nn_axpby(t, 1, maps->sizes, -1, nn_from_host(t, to->sizes, sizes));
    nn_id weighted = nn_mul(t, nn_from_host(t, to->weights, sizes), nn_mul(t, error, error));
    return nn_axpby(t, 1, total, SIZE_WEIGHT / (float)n, nn_sum_to(t, weighted, one));
}

static float step_size(const struct tr_hip_training *tr)
{
    double done = (double)tr->step / tr->settings.steps, rise = fmin((tr->step + 1.0) / WARM_UP, 1);
    return (float)(tr->settings.step_size * rise * 0.5 * (1 + cos(acos(-1) * done)));
}

static nn_status descend(struct tr_hip_training *tr, nn_id loss, const nn_id *leaves, struct nn_error *err)
{
    struct nn_tape *t = tr->finder.tape;
    struct nn_backend *be = tr->finder.backend;
    nn_id gradients[TR_HIP_NET_PARAMS];
    const float one = 1;
    float value;
    nn_gradient(t, loss, nn_from_host(t, &one, nn_shape(1, 1, 1, 1)), leaves, TR_HIP_NET_PARAMS, gradients);
    nn_status status = nn_tape_status(t, err);
    if (status == NN_OK) status = nn_read(t, loss, &value, err);
    if (status != NN_OK) return status;
    if (!isfinite(value))
        return nn_fail(err, NN_ERR_ARGUMENT,
                       "the loss is not finite any more; a smaller --step-size may help");
    tr->loss += (double)value;
    const struct nn_adam adam = {step_size(tr), 0.9f, 0.99f, 1e-8f, tr->step + 1};
    for (int k = 0; k < TR_HIP_NET_PARAMS && status == NN_OK; k++) {
        const struct nn_tensor *g = nn_value(t, gradients[k]);
        size_t at = tr->net.params[k].offset * sizeof(float);
        status = be->adam(be, &adam, nn_count(g->shape), (char *)tr->finder.values + at, g->data,
                          (char *)tr->m + at, (char *)tr->v + at, err);
    }
    return status;
}

nn_status tr_hip_training_step(struct tr_hip_training *tr, struct nn_error *err)
{
    int n = tr->settings.minibatch, side = tr->net.side;
    struct nn_tape *t = tr->finder.tape;
    struct targets to = {0};
    nn_id leaves[TR_HIP_NET_PARAMS];
    nn_status status = targets_init(&to, &tr->net, n, err);
    if (status == NN_OK) status = fill_minibatch(tr, &to, err);
    if (status == NN_OK) {
        nn_tape_reset(t);
        nn_id images = nn_from_host(t, to.views, nn_shape(n, 1, side, side));
        struct tr_hip_maps maps = tr_hip_net_maps(t, &tr->net, tr->finder.values, images, leaves);
        status = descend(tr, loss_of(t, &tr->net, &maps, &to, n), leaves, err);
    }
    if (status == NN_OK) tr->step++;
    free(to.memory);
    return status;
}

nn_status tr_hip_training_values(struct tr_hip_training *tr, struct nn_error *err)
{
    struct nn_backend *be = tr->finder.backend;
    return be->download(be, tr->net.values, tr->finder.values, tr->net.value_count * sizeof(float), err);
}

/* ---- the state ---------------------------------------------------------------------------------------- */

static const char *const state_names[] = {"values", "m", "v"};
enum { STATE_TENSORS = 3 };

static void settings_text(const struct tr_hip_training *tr, char text[SETTINGS_SIZE])
{
    const struct tr_hip_settings *s = &tr->settings;
    snprintf(text, SETTINGS_SIZE,
             "localise 1 side %d minibatch %d steps %d step size %.9g seed %llu data %s boxes %s", s->side,
             s->minibatch, s->steps, (double)s->step_size, (unsigned long long)s->seed,
             tr_dataset_sha256(tr->films->data), tr->films->boxes_sha256);
}

nn_status tr_hip_training_save(struct tr_hip_training *tr, const char *path, struct nn_error *err)
{
    struct nn_backend *be = tr->finder.backend;
    size_t count = tr->net.value_count;
    void *const from[STATE_TENSORS] = {tr->finder.values, tr->m, tr->v};
    struct nn_st_tensor tensors[STATE_TENSORS];
    char settings[SETTINGS_SIZE], step[16];
    float *host = malloc(STATE_TENSORS * count * sizeof *host);
    nn_status status = host ? NN_OK : nn_fail(err, NN_ERR_MEMORY, "%s: out of memory", path);
    for (int k = 0; k < STATE_TENSORS && status == NN_OK; k++) {
        float *to = host + (size_t)k * count;
        status = be->download(be, to, from[k], count * sizeof *host, err);
        tensors[k] = (struct nn_st_tensor){state_names[k], NN_ST_F32, 1, {(int64_t)count}, to};
    }
    settings_text(tr, settings);
    snprintf(step, sizeof step, "%d", tr->step);
    const struct nn_st_text texts[] = {{"settings", settings}, {"step", step}};
    if (status == NN_OK) status = nn_st_write(path, tensors, STATE_TENSORS, texts, 2, err);
    free(host);
    return status;
}

nn_status tr_hip_training_load(struct tr_hip_training *tr, const char *path, struct nn_error *err)
{
    struct nn_backend *be = tr->finder.backend;
    int64_t count = (int64_t)tr->net.value_count;
    void *const to[STATE_TENSORS] = {tr->finder.values, tr->m, tr->v};
    const void *data[STATE_TENSORS];
    char settings[SETTINGS_SIZE];
    struct nn_st_file *file;
    nn_status status = nn_st_open(&file, path, err);
    if (status != NN_OK) return status;
    const char *text = nn_st_metadata(file, "settings"), *step = nn_st_metadata(file, "step");
    int made = step ? atoi(step) : -1;
    settings_text(tr, settings);
    if (!text || strcmp(text, settings) != 0)
        status = nn_fail(err, NN_ERR_ARGUMENT,
                         "%s: is of a training with other settings or data; choose another --out", path);
    else if (made < 0 || made > tr->settings.steps)
        status = nn_fail(err, NN_ERR_FORMAT, "%s: is at step '%.20s'", path, step ? step : "");
    for (int k = 0; k < STATE_TENSORS && status == NN_OK; k++)
        status = nn_st_get(file, state_names[k], NN_ST_F32, 1, &count, &data[k], err);
    for (int k = 0; k < STATE_TENSORS && status == NN_OK; k++)
        status = be->upload(be, to[k], data[k], (size_t)count * sizeof(float), err);
    if (status == NN_OK) tr->step = made;
    nn_st_close(file);
    return status;
}
