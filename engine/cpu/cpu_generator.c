#include "engine/cpu/cpu_generator.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "engine/cpu/cpu.h"
#include "engine/cpu/dense.h"
#include "engine/cpu/onednn.h"
#include "engine/cpu/planar.h"
#include "engine/cpu/wide_finish.h"
#include "engine/cpu/winograd.h"

enum {
    WIDE_MAX = 32,
    PLANAR_OUT_BEST = 16, /* from so few channels on planes are faster */
    WORKERS_MAX = 16,
    WORKER_BYTES_MAX = 8 << 20 /* of larger maps more than one sample's would not stay in the cache */
};

/* The first is `dense`; of the others each has either `winograd` or `conv`. */
struct wide_layer {
    struct winograd *winograd;                /* with bias, activation and pixel norm */
    struct onednn_prepared *conv;             /* for all threads together */
    struct onednn_prepared *own[WORKERS_MAX]; /* for one thread alone */
    float *bias;                              /* NULL where the convolution has added it */
    float slope, epsilon;
    struct nn_shape shape;
};

/* What one sample on its way needs. */
struct worker {
    struct nn_tensor map[2]; /* ping and pong; the shapes change */
    planar_unit *source;     /* of the chain */
    float *units;            /* of the dense layer */
    void *scratchpad;        /* of the convolutions */
};

struct nn_prepared {
    struct dense_layer *dense;
    struct wide_layer wide[WIDE_MAX];
    int wide_count;
    struct planar_chain *chain;
    struct worker worker[WORKERS_MAX];
    int threads;
    int workers; /* samples at once, each on one thread; the first worker also serves all threads together */
    size_t bytes;
};

/* ---- what goes where ------------------------------------------------------------------------- */

/* A stage with nearest up-sampling before it is, its taps folded, one with the fused. */
static bool folds(const struct nn_stage *s)
{
    return s->doubled && s->geometry.kernel_h == 3;
}

static struct nn_stage folded_shape(const struct nn_stage *s)
{
    struct nn_stage up = *s;
    if (!folds(s)) return up;
    up.doubled = false;
    up.transposed = true;
    up.geometry = (struct nn_conv)NN_SQUARE_CONV(4, 2, 1, s->geometry.scale);
    up.weight.shape = nn_shape(s->weight.shape.c, s->weight.shape.n, 4, 4);
    return up;
}

static bool chain_fits(const struct nn_stage *s)
{
    struct nn_stage up = folded_shape(s);
    return planar_fits(&up);
}

/* The first stage of the chain: an up-sampling from which on all fit, and have few channels as far as
 * possible. 0: there is none. */
static int chain_start(const struct nn_stage *stages, int count)
{
    int start = 0;
    for (int i = count - 3; i > 1; i -= 2) {
        if (!chain_fits(&stages[i]) || !chain_fits(&stages[i + 1])) break;
        if (start && stages[i].shape.c > PLANAR_OUT_BEST) break;
        start = i;
    }
    return start;
}

static bool generator_fits(const struct nn_stage *stages, int count)
{
    const struct nn_stage *last = &stages[count - 1];
    return count >= 5 && count < WIDE_MAX && chain_start(stages, count) > 0 && last->geometry.kernel_h == 1 &&
           last->shape.c == 1 && stages[0].shape.c % 4 == 0;
}

/* ---- preparing ------------------------------------------------------------------------------- */

/* (O,I,3,3) turned by half, with O and I exchanged, then spread as taps_spread does. The caller frees. */
static float *folded_weights(const struct nn_stage *s, struct nn_error *err)
{
    size_t outputs = (size_t)s->weight.shape.n, inputs = (size_t)s->weight.shape.c;
    float *turned = malloc(outputs * inputs * 9 * sizeof *turned),
          *made = malloc(outputs * inputs * 16 * sizeof *made);
    if (!turned || !made) {
        nn_fail(err, NN_ERR_MEMORY, "out of memory for folded weights");
        free(made);
        free(turned);
        return NULL;
    }
    const float *w = s->weight.data;
    for (size_t o = 0; o < outputs; o++)
        for (size_t t = 0; t < 9; t++)
            for (size_t i = 0; i < inputs; i++)
                turned[(i * 9 + 8 - t) * outputs + o] = w[(o * 9 + t) * inputs + i];
    struct nn_tensor w3 = {nn_shape((int)inputs, (int)outputs, 3, 3), NN_F32, turned};
    struct nn_tensor w4 = {nn_shape((int)inputs, (int)outputs, 4, 4), NN_F32, made};
    nn_status status = cpu_taps_spread(NULL, &w3, &w4, err);
    free(turned);
    if (status == NN_OK) return made;
    free(made);
    return NULL;
}

static void *aligned_zeros(size_t size_bytes)
{
    size_bytes = (size_bytes + 63) / 64 * 64;
    void *data = aligned_alloc(64, size_bytes);
    return data ? memset(data, 0, size_bytes) : NULL;
}

/* One layer's convolution for all threads, and for each worker by itself. */
static nn_status prepare_convolutions(struct nn_backend *be, struct nn_prepared *g, const struct nn_stage *s,
                                      struct wide_layer *layer, struct nn_error *err)
{
    struct nn_tensor from = {.shape = s->shape, .type = be->map_type}, to = from;
    from.shape.c = s->transposed ? s->weight.shape.n : s->weight.shape.c;
    if (s->transposed) from.shape.h /= 2, from.shape.w /= 2;
    struct nn_epilogue epilogue = {.bias = s->transposed ? NULL : &s->bias,
                                   .slope = s->transposed ? 1 : s->slope};
    enum onednn_pass pass = s->transposed ? ONEDNN_BACKWARD_DATA : ONEDNN_FORWARD;
    struct nn_tensor x = s->transposed ? to : from, y = s->transposed ? from : to;
    nn_status status = NN_OK;
    int threads = omp_get_max_threads();
    for (int k = -1; status == NN_OK && k < (g->workers > 1 ? g->workers : 0); k++) {
        struct onednn_prepared **one = k < 0 ? &layer->conv : &layer->own[k];
        omp_set_num_threads(k < 0 ? threads : 1); /* oneDNN prepares for as many as there are now */
        status = onednn_prepare(cpu_of(be), pass, &s->geometry, x, s->weight, y, epilogue,
                                k > 0   ? layer->own[0]
                                : k < 0 ? NULL
                                        : layer->conv,
                                one, err);
        if (status == NN_OK) g->bytes += onednn_prepared_bytes(*one);
    }
    omp_set_num_threads(threads);
    return status;
}

static nn_status prepare_wide(struct nn_backend *be, struct nn_prepared *g, const struct nn_stage *s,
                              struct nn_error *err)
{
    struct wide_layer *layer = &g->wide[g->wide_count++];
    *layer = (struct wide_layer){.slope = s->slope, .epsilon = s->epsilon, .shape = s->shape};
    if (winograd_fits(s, be->map_type)) {
        nn_status made = winograd_new(&layer->winograd, s, err);
        if (made == NN_OK) g->bytes += winograd_bytes(layer->winograd);
        return made;
    }
    if (s->transposed) { /* oneDNN's transposed pass takes no epilogue */
        layer->bias = aligned_zeros(nn_tensor_bytes(&s->bias));
        if (!layer->bias) return nn_fail(err, NN_ERR_MEMORY, "out of memory for a bias");
        memcpy(layer->bias, s->bias.data, nn_tensor_bytes(&s->bias));
    }
    if (g->wide_count > 1) return prepare_convolutions(be, g, s, layer, err);
    nn_status status = dense_new(&g->dense, be->map_type, s, err);
    if (status == NN_OK) g->bytes += dense_bytes(g->dense);
    return status;
}

static enum nn_type planar_type(enum nn_type map_type)
{
#ifdef __AVX512BF16__
    return map_type;
#else
    (void)map_type;
    return NN_F32; /* a build for older CPUs that runs on one which oneDNN finds to have bf16 */
#endif
}

/* Bytes of a worker's map and of its source of the chain, which begins at the stage `start`. */
static void worker_sizes(const struct nn_stage *stages, int start, enum nn_type map_type, bool narrow,
                         size_t *map_bytes, size_t *source_bytes)
{
    size_t largest = 0;
    for (int i = 0; i < start; i++)
        if (nn_count(stages[i].shape) > largest) largest = nn_count(stages[i].shape);
    struct nn_shape last = stages[start - 1].shape;
    *map_bytes = largest * nn_type_size(map_type);
    *source_bytes =
        (size_t)last.h * (size_t)planar_planes(last.c, narrow) * planar_pitch(last.w) * sizeof(planar_unit);
}

static size_t scratchpad_bytes(const struct nn_prepared *g, int worker)
{
    size_t most = 64;
    for (int i = 1; i < g->wide_count; i++) {
        const struct winograd *w = g->wide[i].winograd;
        size_t tiles = w ? (size_t)(worker ? 1 : g->threads) * winograd_scratch_bytes(w) : 0;
        if (tiles > most) most = tiles;
        const struct onednn_prepared *both[] = {g->wide[i].own[worker], worker ? NULL : g->wide[i].conv};
        for (int k = 0; k < 2; k++)
            if (both[k] && onednn_scratchpad_bytes(both[k]) > most) most = onednn_scratchpad_bytes(both[k]);
    }
    return most;
}

static nn_status allocate(struct nn_backend *be, struct nn_prepared *g, size_t map_bytes, size_t source_bytes,
                          struct nn_error *err)
{
    for (int k = 0; k < g->workers; k++) {
        struct worker *w = &g->worker[k];
        size_t scratch_bytes = scratchpad_bytes(g, k);
        for (int i = 0; i < 2; i++) {
            w->map[i].type = be->map_type;
            w->map[i].data = aligned_zeros(map_bytes);
        }
        w->source = aligned_zeros(source_bytes);
        w->units = aligned_zeros(dense_inputs(g->dense) * sizeof *w->units);
        w->scratchpad = aligned_zeros(scratch_bytes);
        if (!w->map[0].data || !w->map[1].data || !w->source || !w->units || !w->scratchpad)
            return nn_fail(err, NN_ERR_MEMORY, "out of memory for feature maps of %zu MiB", map_bytes >> 20);
        g->bytes += 2 * map_bytes + source_bytes + scratch_bytes;
    }
    g->bytes += g->chain->bytes;
    return NN_OK;
}

static void generator_release(struct nn_prepared *g)
{
    if (!g) return;
    dense_free(g->dense);
    for (int i = 0; i < g->wide_count; i++) {
        for (int k = WORKERS_MAX - 1; k >= 0; k--) onednn_prepared_free(g->wide[i].own[k]);
        onednn_prepared_free(g->wide[i].conv);
        winograd_free(g->wide[i].winograd);
        free(g->wide[i].bias);
    }
    planar_free(g->chain);
    for (int k = 0; k < WORKERS_MAX; k++) {
        struct worker *w = &g->worker[k];
        void *all[] = {w->map[0].data, w->map[1].data, w->source, w->units, w->scratchpad};
        for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
    }
    free(g);
}

/* The stages with their weights folded where that is due; `made` holds what is to be freed. */
static nn_status fold_all(const struct nn_stage *stages, int count, struct nn_stage *plan, float **made,
                          struct nn_error *err)
{
    for (int i = 0; i < count; i++) {
        plan[i] = folded_shape(&stages[i]);
        if (!folds(&stages[i])) continue;
        plan[i].weight.data = made[i] = folded_weights(&stages[i], err);
        if (!made[i]) return NN_ERR_MEMORY;
    }
    return NN_OK;
}

static nn_status generator_prepare(struct nn_backend *be, const struct nn_stage *stages, int count,
                                   struct nn_prepared **prepared, struct nn_error *err)
{
    struct nn_stage plan[WIDE_MAX];
    float *made[WIDE_MAX] = {NULL};
    int start = chain_start(stages, count);
    struct nn_prepared *g = calloc(1, sizeof *g);
    if (!g) return nn_fail(err, NN_ERR_MEMORY, "out of memory for a sampler");
    size_t map_bytes, source_bytes;
    worker_sizes(stages, start, be->map_type, planar_type(be->map_type) == NN_BF16, &map_bytes,
                 &source_bytes);
    g->threads = omp_get_max_threads();
    g->workers = 2 * map_bytes + source_bytes > WORKER_BYTES_MAX ? 1
                 : g->threads < WORKERS_MAX                      ? g->threads
                                                                 : WORKERS_MAX;
    nn_status status = fold_all(stages, count, plan, made, err);
    for (int i = 0; status == NN_OK && i < start; i++) status = prepare_wide(be, g, &plan[i], err);
    if (status == NN_OK)
        status = planar_new(&g->chain, planar_type(be->map_type), &plan[start], count - 1 - start,
                            &plan[count - 1], err);
    if (status == NN_OK) status = allocate(be, g, map_bytes, source_bytes, err);
    for (int i = 0; i < count; i++) free(made[i]);
    if (status == NN_OK)
        *prepared = g;
    else
        generator_release(g);
    return status;
}

static size_t generator_bytes(const struct nn_prepared *g)
{
    return g->bytes;
}

/* ---- running --------------------------------------------------------------------------------- */

/* One sample by all threads, or by the calling one `alone` as that worker. */
static nn_status run_one(struct nn_backend *be, struct nn_prepared *g, int worker, bool alone,
                         const float *input, float *image, uint8_t *grey, struct nn_error *err)
{
    struct worker *w = &g->worker[worker];
    struct nn_tensor *from = &w->map[0], *to = &w->map[1];
    for (int i = 0; i < g->wide_count; i++) {
        const struct wide_layer *layer = &g->wide[i];
        to->shape = layer->shape;
        if (layer->winograd) {
            winograd_run(layer->winograd, from->data, to->data, w->scratchpad, alone ? 1 : g->threads);
        } else if (i == 0) {
            dense_run(g->dense, input, w->units, to);
        } else {
            nn_status status = onednn_run(cpu_of(be), alone ? layer->own[worker] : layer->conv, from->data,
                                          to->data, w->scratchpad, err);
            if (status != NN_OK) return status;
        }
        if (!layer->winograd) wide_finish(to, layer->bias, layer->slope, layer->epsilon);
        struct nn_tensor *made = to;
        to = from;
        from = made;
    }
    wide_to_planes(from, g->chain->narrow, w->source);
    if (alone)
        planar_run_alone(g->chain, worker, w->source, image, grey);
    else
        planar_run(g->chain, w->source, image, grey);
    return NN_OK;
}

/* As many samples at once as there are workers wait for each other less often than threads that share each;
 * what is left over is shared. Loops within are of one thread then, since they are nested. */
static nn_status generator_run(struct nn_backend *be, struct nn_prepared *g, const float *inputs, int count,
                               float *images, uint8_t *grey, struct nn_error *err)
{
    const struct planar_stage *last = &g->chain->stages[g->chain->count - 1];
    size_t pixels = (size_t)last->height * (size_t)last->width, length = dense_inputs(g->dense);
    int at_once = g->workers > 1 ? count / g->workers * g->workers : 0;
    nn_status status = NN_OK;
#pragma omp parallel for schedule(dynamic, 1) num_threads(g->workers) if (at_once)
    for (int i = 0; i < at_once; i++) {
        struct nn_error why;
        nn_status own = run_one(be, g, omp_get_thread_num(), true, inputs + (size_t)i * length,
                                images ? images + (size_t)i * pixels : NULL,
                                grey ? grey + (size_t)i * pixels : NULL, &why);
        if (own == NN_OK) continue;
#pragma omp critical(generator_failure)
        status = nn_fail(err, own, "%s", why.text);
    }
    for (int i = at_once; status == NN_OK && i < count; i++)
        status =
            run_one(be, g, 0, false, inputs + (size_t)i * length, images ? images + (size_t)i * pixels : NULL,
                    grey ? grey + (size_t)i * pixels : NULL, err);
    return status;
}

const struct nn_generator cpu_generator = {
    .fits = generator_fits,
    .prepare = generator_prepare,
    .release = generator_release,
    .memory_bytes = generator_bytes,
    .run = generator_run,
};
