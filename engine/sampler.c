#include "engine/sampler_plan.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/rng.h"

/* ---- building ----------------------------------------------------------------------------------- */

struct plan_builder {
    struct nn_sampler *s;
    const struct nn_network *net;
    struct nn_error *err;
    nn_status status;
};

static struct nn_tensor param_tensor(const struct plan_builder *p, int index)
{
    const struct nn_param *param = &p->net->params[index];
    char *data = (char *)p->s->weights + param->offset * sizeof(float);
    return (struct nn_tensor){.shape = param->shape, .type = NN_F32, .data = data};
}

static void *take(struct nn_sampler *s, size_t size_bytes)
{
    void *data = s->backend->alloc(s->backend, size_bytes);
    if (data) s->memory_bytes += size_bytes;
    return data;
}

static void add_stage(struct plan_builder *p, const char *layer, struct nn_stage stage)
{
    char name[40];
    snprintf(name, sizeof name, "%s/weight", layer);
    int i = nn_network_find(p->net, name);
    stage.weight = param_tensor(p, i);
    stage.bias = param_tensor(p, i + 1);
    stage.geometry.scale = p->net->params[i].scale;
    p->s->stages[p->s->stage_count++] = stage;
}

/* Replaces the last stage's 3x3 weight by the 4x4 kernel of the fused up-sampling. */
static void fold_last(struct plan_builder *p, int res)
{
    struct nn_sampler *s = p->s;
    struct nn_stage *stage = &s->stages[s->stage_count - 1];
    struct nn_tensor folded = {.shape = stage->weight.shape, .type = NN_F32};
    folded.shape.h = folded.shape.w = 4;
    folded.data = s->folded[res] = take(s, nn_tensor_bytes(&folded));
    if (!folded.data)
        p->status = nn_fail(p->err, NN_ERR_MEMORY, "out of memory for the folded weights");
    else if (p->status == NN_OK)
        p->status = s->backend->taps_spread(s->backend, &stage->weight, &folded, p->err);
    stage->weight = folded;
}

static void build_plan(struct plan_builder *p)
{
    const struct nn_gan_config *c = &p->s->config;
    const struct nn_conv dense = NN_SQUARE_CONV(4, 1, 0, 0), same = NN_SQUARE_CONV(3, 1, 1, 0),
                         twice = NN_SQUARE_CONV(4, 2, 1, 0), point = NN_SQUARE_CONV(1, 1, 0, 0);
    const float epsilon = nn_gan_pixel_norm_epsilon(c);
    char layer[32];
    for (int res = 2; res <= c->resolution_log2; res++) {
        int side = 1 << res;
        struct nn_shape shape = nn_shape(1, nn_gan_channels(c, res), side, side);
        struct nn_stage stage = {.slope = NN_LRELU_SLOPE, .epsilon = epsilon, .shape = shape};
        bool plain = res > 2 && c->unfused;
        stage.doubled = plain;
        stage.transposed = !plain;
        stage.geometry = res == 2 ? dense : plain ? same : twice;
        snprintf(layer, sizeof layer, "%dx%d/%s", side, side,
                 res == 2 ? "Dense"
                 : plain  ? "Conv0"
                          : "Conv0_up");
        add_stage(p, layer, stage);
        if (res > 2 && !plain) fold_last(p, res);
        stage.doubled = stage.transposed = false;
        stage.geometry = same;
        snprintf(layer, sizeof layer, "%dx%d/%s", side, side, res == 2 ? "Conv" : "Conv1");
        add_stage(p, layer, stage);
    }
    int side = 1 << c->resolution_log2;
    add_stage(p, "ToRGB_lod0",
              (struct nn_stage){.geometry = point, .slope = 1, .shape = nn_shape(1, 1, side, side)});
}

size_t sampler_largest_map(const struct nn_sampler *s)
{
    size_t largest = (size_t)(nn_gan_latent_size(&s->config) + s->config.label_count);
    for (int i = 0; i < s->stage_count; i++) {
        const struct nn_stage *stage = &s->stages[i];
        size_t doubled = (size_t)stage->weight.shape.c * stage->shape.h * stage->shape.w;
        if (nn_count(stage->shape) > largest) largest = nn_count(stage->shape);
        if (stage->doubled && doubled > largest) largest = doubled;
    }
    return largest;
}

static nn_status allocate(struct nn_sampler *s, struct nn_error *err)
{
    size_t map_bytes = sampler_largest_map(s) * sizeof(float),
           pixels = (size_t)1 << (2 * s->config.resolution_log2);
    s->map[0] = take(s, map_bytes);
    s->map[1] = take(s, map_bytes);
    s->input = take(s, map_bytes);
    s->image = take(s, pixels * sizeof(float));
    if (s->map[0] && s->map[1] && s->input && s->image) return NN_OK;
    return nn_fail(err, NN_ERR_MEMORY, "out of memory for feature maps of %zu MiB", map_bytes >> 20);
}

/* The weights and the maps. */
static void give_back(struct nn_sampler *s)
{
    struct nn_backend *be = s->backend;
    void **all[] = {&s->weights, &s->map[0], &s->map[1], &s->input, &s->image};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (*all[i]) be->free(be, *all[i]);
        *all[i] = NULL;
    }
    for (int res = 0; res <= NN_RESOLUTION_LOG2_MAX; res++) {
        if (s->folded[res]) be->free(be, s->folded[res]);
        s->folded[res] = NULL;
    }
    s->memory_bytes = 0;
}

/* The whole plan by the backend, whose memory is the host's: the weights are read where they lie. Leaves
 * s->prepared NULL where the backend does not take it. */
static nn_status prepare_whole(struct nn_sampler *s, const struct nn_network *net, const float *values,
                               struct nn_error *err)
{
    struct nn_backend *be = s->backend;
    struct plan_builder p = {.s = s, .net = net, .err = err};
    s->weights = (void *)(uintptr_t)values;
    build_plan(&p);
    nn_status status = p.status;
    if (status == NN_OK && be->generator->fits(s->stages, s->stage_count))
        status = be->generator->prepare(be, s->stages, s->stage_count, &s->prepared, err);
    s->weights = NULL;
    give_back(s);
    if (!s->prepared) s->stage_count = 0;
    for (int i = 0; i < s->stage_count; i++) s->stages[i].weight.data = s->stages[i].bias.data = NULL;
    return status;
}

/* The plan for the backend's table. */
static nn_status prepare_stages(struct nn_sampler *s, const struct nn_network *net, const float *values,
                                struct nn_error *err)
{
    struct nn_backend *be = s->backend;
    size_t weight_bytes = net->value_count * sizeof *values;
    struct plan_builder p = {.s = s, .net = net, .err = err};
    s->weights = take(s, weight_bytes);
    if (!s->weights)
        return nn_fail(err, NN_ERR_MEMORY, "out of memory for %zu MiB of weights", weight_bytes >> 20);
    nn_status status = be->upload(be, s->weights, values, weight_bytes, err);
    if (status != NN_OK) return status;
    build_plan(&p);
    status = p.status;
    if (status == NN_OK) status = allocate(s, err);
    return status == NN_OK && be->inference ? sampler_batch_new(s, err) : status;
}

nn_status nn_sampler_new(struct nn_sampler **sampler, struct nn_backend *be, const struct nn_network *net,
                         const float *values, struct nn_error *err)
{
    struct nn_sampler *s = calloc(1, sizeof *s);
    if (!s) return nn_fail(err, NN_ERR_MEMORY, "out of memory for a sampler");
    s->backend = be;
    s->config = net->config;
    nn_status status = be->generator ? prepare_whole(s, net, values, err) : NN_OK;
    if (status == NN_OK && !s->prepared) status = prepare_stages(s, net, values, err);
    if (status != NN_OK) {
        nn_sampler_free(s);
        return status;
    }
    *sampler = s;
    return NN_OK;
}

void nn_sampler_free(struct nn_sampler *s)
{
    if (!s) return;
    sampler_batch_free(s);
    if (s->prepared) s->backend->generator->release(s->prepared);
    give_back(s);
    free(s);
}

size_t nn_sampler_memory_bytes(const struct nn_sampler *s)
{
    if (s->prepared) return s->backend->generator->memory_bytes(s->prepared);
    if (!s->batch) return s->memory_bytes;
    return sampler_batch_host_bytes(s) + s->backend->inference->memory_bytes(s->backend);
}

static size_t kernel_taps(const struct nn_param *p)
{
    return (size_t)p->shape.h * (size_t)p->shape.w;
}

/* Values that a sampler on the CPU holds of each of a parameter's kernels: those of up-sampling are folded,
 * and where maps are large, channels many and the type bf16, both kinds are transformed. */
static size_t sampled_taps(const struct nn_param *p)
{
    bool up = strstr(p->name, "/Conv0"), same = strstr(p->name, "/Conv1");
    if (p->shape.h != 3 || !(up || same)) return kernel_taps(p);
    bool transformed = nn_cpu_has_bf16() && p->shape.n % 32 == 0 && p->shape.c % 32 == 0 &&
                       strtol(p->name, NULL, 10) >= (up ? 32 : 16);
    return up ? transformed ? 36 : 16 : transformed ? 16 : 9;
}

/* Packed weights, the largest maps before the last levels, and some rows of the last levels' maps. */
size_t nn_sampler_memory_estimate(const struct nn_network *net)
{
    const struct nn_gan_config *c = &net->config;
    size_t values = 0, largest = 0, rows = 0;
    for (int i = 0; i < net->param_count; i++) {
        const struct nn_param *p = &net->params[i];
        bool head = strncmp(p->name, "ToRGB", 5) == 0;
        if (!head) values += nn_count(p->shape) / kernel_taps(p) * sampled_taps(p);
    }
    for (int res = 2; res <= c->resolution_log2; res++) {
        size_t row = (size_t)nn_gan_channels(c, res) * (((size_t)1 << res) + 32), map = row << res;
        bool last = res == c->resolution_log2 || (res > 4 && nn_gan_channels(c, res) <= 16);
        if (last)
            rows += 8 * row;
        else if (map > largest)
            largest = map;
    }
    return (values + 3 * largest + 2 * rows) * (nn_cpu_has_bf16() ? 2 : sizeof(float));
}

/* ---- running ------------------------------------------------------------------------------------ */

/* Replaces *x by itself at twice the side. */
static nn_status double_side(const struct nn_sampler *s, struct nn_tensor *x, int *spare,
                             struct nn_error *err)
{
    struct nn_tensor y = {.shape = x->shape, .type = x->type, .data = s->map[*spare]};
    y.shape.h *= 2;
    y.shape.w *= 2;
    nn_status status = s->backend->upsample2(s->backend, x, &y, err);
    *spare ^= 1;
    *x = y;
    return status;
}

static nn_status run_stage(const struct nn_sampler *s, const struct nn_stage *stage, struct nn_tensor *x,
                           int *spare, struct nn_error *err)
{
    struct nn_backend *be = s->backend;
    struct nn_epilogue epilogue = {.bias = &stage->bias, .slope = stage->slope};
    nn_status status = stage->doubled ? double_side(s, x, spare, err) : NN_OK;
    if (status != NN_OK) return status;
    struct nn_tensor y = {.shape = stage->shape, .type = be->map_type, .data = s->map[*spare]};
    status = stage->transposed ? be->conv_dx(be, &stage->geometry, x, &stage->weight, epilogue, &y, err)
                               : be->conv(be, &stage->geometry, x, &stage->weight, epilogue, &y, err);
    *spare ^= 1;
    if (status == NN_OK && stage->epsilon > 0) {
        struct nn_tensor normal = y;
        normal.data = s->map[*spare];
        status = be->pixel_norm(be, &y, stage->epsilon, &normal, err);
        *spare ^= 1;
        y = normal;
    }
    *x = y;
    return status;
}

nn_status nn_sampler_run(struct nn_sampler *s, const float *input, float *image, struct nn_error *err)
{
    struct nn_backend *be = s->backend;
    if (s->prepared) return be->generator->run(be, s->prepared, input, 1, image, NULL, err);
    int length = nn_gan_latent_size(&s->config) + s->config.label_count, spare = 0;
    struct nn_tensor x = {.shape = nn_shape(1, length, 1, 1), .type = be->real_type, .data = s->input};
    nn_status status = be->upload(be, s->input, input, (size_t)length * sizeof *input, err);
    if (status == NN_OK && be->map_type != be->real_type) {
        struct nn_tensor narrow = {.shape = x.shape, .type = be->map_type, .data = s->map[1]};
        status = be->cast(be, &x, &narrow, err);
        x = narrow;
    }
    for (int i = 0; status == NN_OK && i < s->stage_count; i++)
        status = run_stage(s, &s->stages[i], &x, &spare, err);
    if (status == NN_OK && x.type != be->real_type) {
        struct nn_tensor wide = {.shape = x.shape, .type = be->real_type, .data = s->image};
        status = be->cast(be, &x, &wide, err);
        x = wide;
    }
    if (status == NN_OK) status = be->download(be, image, x.data, nn_tensor_bytes(&x), err);
    return status;
}

nn_status nn_sampler_run_grey(struct nn_sampler *s, const float *inputs, int count, uint8_t *grey,
                              struct nn_error *err)
{
    if (s->batch) return sampler_batch_run(s, inputs, count, grey, err);
    size_t pixels = (size_t)1 << (2 * s->config.resolution_log2);
    size_t length = (size_t)(nn_gan_latent_size(&s->config) + s->config.label_count);
    nn_status status = NN_OK;
    if (s->prepared)
        return s->backend->generator->run(s->backend, s->prepared, inputs, count, NULL, grey, err);
    float *image = malloc(pixels * sizeof *image);
    if (!image) return nn_fail(err, NN_ERR_MEMORY, "out of memory for an image");
    for (size_t i = 0; status == NN_OK && i < (size_t)count; i++) {
        status = nn_sampler_run(s, inputs + i * length, image, err);
        if (status == NN_OK) nn_sampler_grey(image, pixels, grey + i * pixels);
    }
    free(image);
    return status;
}

int nn_sampler_class_count(const struct nn_gan_config *c)
{
    if (!c->label_count) return 1;
    return c->label_count + (c->label_kind == NN_LABELS_MULTI);
}

void nn_sampler_labels(const struct nn_gan_config *c, int class_index, float strength, float *labels)
{
    float others = c->label_kind == NN_LABELS_MULTI ? 0 : (1 - strength) / (float)c->label_count;
    for (int k = 0; k < c->label_count; k++) labels[k] = others + (k == class_index ? strength : 0);
}

/* Turns `from` towards `to`, in place. In high dimensions a straight line between two normal latents would
 * pass through vectors far shorter than any that training showed. */
static void turn_towards(float *from, const float *to, int size, double blend)
{
    double a = 0, b = 0, product = 0;
    for (int i = 0; i < size; i++) {
        a += (double)from[i] * (double)from[i];
        b += (double)to[i] * (double)to[i];
        product += (double)from[i] * (double)to[i];
    }
    a = sqrt(a), b = sqrt(b);
    double cosine = product / (a * b),
           angle = acos(cosine > 1    ? 1
                        : cosine < -1 ? -1
                                      : cosine),
           length = (1 - blend) * a + blend * b, share_a = (1 - blend) / a, share_b = blend / b;
    if (sin(angle) > 1e-6) {
        share_a = sin((1 - blend) * angle) / sin(angle) / a;
        share_b = sin(blend * angle) / sin(angle) / b;
    }
    for (int i = 0; i < size; i++)
        from[i] = (float)(length * (share_a * (double)from[i] + share_b * (double)to[i]));
}

void nn_sampler_latent(const struct nn_gan_config *c, uint64_t seed, uint64_t seed_to, float blend,
                       float *latent)
{
    float to[NN_FMAP_MAX];
    int size = nn_gan_latent_size(c);
    /* The very ends are copied: blending must not round a seed's own image. */
    nn_random_normals(blend < 1 ? seed : seed_to, NN_STREAM_LATENT, 0, (size_t)size, latent);
    if (blend <= 0 || blend >= 1 || seed == seed_to) return;
    nn_random_normals(seed_to, NN_STREAM_LATENT, 0, (size_t)size, to);
    turn_towards(latent, to, size, (double)blend);
}

static float sum_of_squares(const float *values, int count)
{
    float sum = 0;
    for (int i = 0; i < count; i++) sum += values[i] * values[i];
    return sum;
}

void nn_sampler_input(const struct nn_gan_config *c, const float *latent_values, const float *labels,
                      float truncation, float *input)
{
    int latent = nn_gan_latent_size(c), length = latent + c->label_count;
    float epsilon = nn_gan_pixel_norm_epsilon(c), factor, label_factor = 1;
    memmove(input, latent_values, (size_t)latent * sizeof *input);
    if (c->label_count) memcpy(input + latent, labels, (size_t)c->label_count * sizeof *labels);
    if (c->label_norm == NN_NORM_LATENT_ONLY) {
        factor = 1 / sqrtf(sum_of_squares(input, latent) / (float)latent + epsilon);
    } else {
        /* Latents have a mean square of 1; the mean input must not depend on the seed. */
        float expected = (float)latent + sum_of_squares(input + latent, c->label_count);
        factor = 1 / sqrtf(sum_of_squares(input, length) / (float)length + epsilon);
        label_factor = factor * truncation + (1 - truncation) / sqrtf(expected / (float)length + epsilon);
    }
    for (int i = 0; i < length; i++) input[i] *= i < latent ? factor * truncation : label_factor;
}

void nn_sampler_grey(const float *image, size_t count, uint8_t *grey)
{
    for (size_t i = 0; i < count; i++) {
        float value = image[i] * 127.5f + 128.0f; /* 127.5 and a half for rounding */
        grey[i] = value >= 255 ? 255 : value > 0 ? (uint8_t)value : 0;
    }
}

void nn_sampler_grey16(const float *image, size_t count, uint16_t *grey)
{
    for (size_t i = 0; i < count; i++) {
        float value = image[i] * 32767.5f + 32768.0f;
        grey[i] = value >= 65535 ? 65535 : value > 0 ? (uint16_t)value : 0;
    }
}
