#include "engine/cpu/cpu_generator.h"

#include <stdlib.h>
#include <string.h>

#include "engine/cpu/cpu.h"
#include "engine/cpu/dense.h"
#include "engine/cpu/onednn.h"
#include "engine/cpu/planar.h"
#include "engine/cpu/wide_finish.h"

enum { WIDE_MAX = 32, PLANAR_OUT_BEST = 16 /* from so few channels on planes are faster */ };

struct wide_layer {
    struct onednn_prepared *conv; /* NULL for the first, which is `dense` */
    float *bias;                  /* NULL where the convolution has added it */
    float slope, epsilon;
    struct nn_shape shape;
};

struct nn_prepared {
    struct dense_layer *dense;
    struct wide_layer wide[WIDE_MAX];
    int wide_count;
    struct planar_chain *chain;
    struct nn_tensor map[2]; /* ping and pong; the shapes change */
    planar_unit *source;     /* of the chain */
    size_t bytes;
};

/* ---- what goes where -------------------------------------------------------------------------------------
 */

/* A stage with nearest up-sampling before it is, its taps folded, one with the fused. */
static bool folds(const struct nn_stage *s)
{
    return s->doubled && s->geometry.kernel == 3;
}

static struct nn_stage folded_shape(const struct nn_stage *s)
{
    struct nn_stage up = *s;
    if (!folds(s)) return up;
    up.doubled = false;
    up.transposed = true;
    up.geometry = (struct nn_conv){.kernel = 4, .stride = 2, .pad = 1, .scale = s->geometry.scale};
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
    return count >= 5 && count < WIDE_MAX && chain_start(stages, count) > 0 && last->geometry.kernel == 1 &&
           last->shape.c == 1 && stages[0].shape.c % 4 == 0;
}

/* ---- preparing -------------------------------------------------------------------------------------------
 */

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

static nn_status prepare_wide(struct nn_backend *be, struct nn_prepared *g, const struct nn_stage *s,
                              struct nn_error *err)
{
    struct wide_layer *layer = &g->wide[g->wide_count++];
    *layer = (struct wide_layer){.slope = s->slope, .epsilon = s->epsilon, .shape = s->shape};
    if (s->transposed) { /* oneDNN's transposed pass takes no epilogue */
        layer->bias = aligned_zeros(nn_tensor_bytes(&s->bias));
        if (!layer->bias) return nn_fail(err, NN_ERR_MEMORY, "out of memory for a bias");
        memcpy(layer->bias, s->bias.data, nn_tensor_bytes(&s->bias));
    }
    if (g->wide_count == 1) {
        nn_status status = dense_new(&g->dense, be->map_type, s, err);
        if (status == NN_OK) g->bytes += dense_bytes(g->dense);
        return status;
    }
    struct nn_tensor from = {.shape = s->shape, .type = be->map_type}, to = from;
    from.shape.c = s->transposed ? s->weight.shape.n : s->weight.shape.c;
    if (s->transposed) from.shape.h /= 2, from.shape.w /= 2;
    struct nn_epilogue epilogue = {.bias = s->transposed ? NULL : &s->bias,
                                   .slope = s->transposed ? 1 : s->slope};
    nn_status status = s->transposed ? onednn_prepare(cpu_of(be), ONEDNN_BACKWARD_DATA, &s->geometry, to,
                                                      s->weight, from, epilogue, &layer->conv, err)
                                     : onednn_prepare(cpu_of(be), ONEDNN_FORWARD, &s->geometry, from,
                                                      s->weight, to, epilogue, &layer->conv, err);
    if (status == NN_OK) g->bytes += onednn_prepared_bytes(layer->conv);
    return status;
}

static nn_status allocate(struct nn_backend *be, struct nn_prepared *g, struct nn_error *err)
{
    size_t largest = 0;
    for (int i = 0; i < g->wide_count; i++)
        if (nn_count(g->wide[i].shape) > largest) largest = nn_count(g->wide[i].shape);
    const struct planar_stage *first = &g->chain->stages[0];
    size_t map_bytes = largest * nn_type_size(be->map_type),
           source_bytes = (size_t)first->height * (size_t)first->planes_in * planar_pitch(first->width) *
                          sizeof *g->source;
    for (int k = 0; k < 2; k++) {
        g->map[k].type = be->map_type;
        g->map[k].data = aligned_zeros(map_bytes);
    }
    g->source = aligned_zeros(source_bytes);
    g->bytes += g->chain->bytes + 2 * map_bytes + source_bytes;
    if (g->map[0].data && g->map[1].data && g->source) return NN_OK;
    return nn_fail(err, NN_ERR_MEMORY, "out of memory for feature maps of %zu MiB", map_bytes >> 20);
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

static void generator_release(struct nn_prepared *g)
{
    if (!g) return;
    dense_free(g->dense);
    for (int i = 0; i < g->wide_count; i++) {
        onednn_prepared_free(g->wide[i].conv);
        free(g->wide[i].bias);
    }
    planar_free(g->chain);
    free(g->map[0].data);
    free(g->map[1].data);
    free(g->source);
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
    nn_status status = fold_all(stages, count, plan, made, err);
    for (int i = 0; status == NN_OK && i < start; i++) status = prepare_wide(be, g, &plan[i], err);
    if (status == NN_OK)
        status = planar_new(&g->chain, planar_type(be->map_type), &plan[start], count - 1 - start,
                            &plan[count - 1], err);
    if (status == NN_OK) status = allocate(be, g, err);
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

/* ---- running ---------------------------------------------------------------------------------------------
 */

static nn_status generator_run(struct nn_backend *be, struct nn_prepared *g, const float *input, float *image,
                               uint8_t *grey, struct nn_error *err)
{
    struct nn_tensor *from = &g->map[0], *to = &g->map[1];
    for (int i = 0; i < g->wide_count; i++) {
        const struct wide_layer *layer = &g->wide[i];
        to->shape = layer->shape;
        if (i == 0) {
            dense_run(g->dense, input, to);
        } else {
            nn_status status = onednn_run(cpu_of(be), layer->conv, from->data, to->data, err);
            if (status != NN_OK) return status;
        }
        wide_finish(to, layer->bias, layer->slope, layer->epsilon);
        struct nn_tensor *made = to;
        to = from;
        from = made;
    }
    wide_to_planes(from, g->chain->narrow, g->source);
    planar_run(g->chain, g->source, image, grey);
    return NN_OK;
}

const struct nn_generator cpu_generator = {
    .fits = generator_fits,
    .prepare = generator_prepare,
    .release = generator_release,
    .memory_bytes = generator_bytes,
    .run = generator_run,
};
