/* Sampling, batch after batch on command, for bench_sample.py and gpu_bench.py, which interleave it with
 * PyTorch's. Prints; asserts nothing.
 *
 *     bench_sampling SIDE FMAP_BASE FMAP_MAX DEVICE WEIGHTS
 *     bench_sampling CHECKPOINT DEVICE WEIGHTS
 *
 * takes a generator of two classes, the first form one with random weights, and writes these to WEIGHTS as
 * raw f32 in the order of the lines that it prints first (`NAME O I KH KW`, stored O,KH,KW,I, then `end`). It
 * answers each line of stdin.
 *
 * run N: N samples of seeds 0..N-1; SECONDS, and of processor time.
 *
 * floor N: the plan's convolutions of N samples, each alone and warm; SECONDS, the sum of their shortest.
 *
 * image F: the first sample to file F, its input to F.input: 8-bit pixels, f32; and `done`.
 *
 * bytes 0: the memory that the sampler holds. */
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/checkpoint.h"
#include "engine/cpu/onednn.h"
#include "engine/cpu/winograd.h"
#include "engine/device.h"
#include "engine/sampler_plan.h"

enum { CLASSES = 2, BATCH_MAX = 1024 };

static void check(nn_status status, const struct nn_error *err)
{
    if (status == NN_OK) return;
    fprintf(stderr, "bench_sampling: %s\n", err->text);
    exit(1);
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double processor_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void write_file(const char *path, const void *data, size_t size)
{
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(data, 1, size, file) != size || fclose(file) != 0) {
        perror(path);
        exit(1);
    }
}

static void describe(const struct nn_network *net)
{
    for (int i = 0; i < net->param_count; i++) {
        const struct nn_param *p = &net->params[i];
        printf("%s %d %d %d %d\n", p->name, p->shape.n, p->shape.c, p->shape.h, p->shape.w);
    }
    printf("end\n");
    fflush(stdout);
}

/* Inputs as from seeds 0, 1, ... and one-hot labels of alternating classes. */
static float *make_inputs(const struct nn_gan_config *config)
{
    size_t length = (size_t)(nn_gan_latent_size(config) + CLASSES);
    float *inputs = malloc(BATCH_MAX * length * sizeof *inputs);
    if (!inputs) abort();
    for (size_t i = 0; i < BATCH_MAX; i++) {
        float labels[CLASSES] = {i % 2 ? 0.0f : 1.0f, i % 2 ? 1.0f : 0.0f};
        nn_sampler_latent(config, i, i, 0, inputs + i * length);
        nn_sampler_input(config, inputs + i * length, labels, 1, inputs + i * length);
    }
    return inputs;
}

/* The generator of the command line; returns its values. */
static float *make_network(int argc, char **argv, struct nn_network *net)
{
    struct nn_error err;
    float *values;
    if (argc == 4) {
        struct nn_checkpoint info;
        char sha256[65];
        check(nn_checkpoint_read(argv[1], &info, net, &values, sha256, &err), &err);
        if (net->config.label_count == CLASSES) return values;
        fprintf(stderr, "bench_sampling: %s: not a model of two classes\n", argv[1]);
        exit(1);
    }
    struct nn_gan_config config = {.label_count = CLASSES, .fmap_base = atoi(argv[2]), .mbstd_group = 4};
    config.fmap_max = atoi(argv[3]);
    while (config.resolution_log2 < NN_RESOLUTION_LOG2_MAX && 1 << config.resolution_log2 < atoi(argv[1]))
        config.resolution_log2++;
    check(nn_network_init(net, &config, NN_GENERATOR, &err), &err);
    values = malloc(net->value_count * sizeof *values);
    if (!values) abort();
    nn_network_init_values(net, 1, values);
    return values;
}

static struct nn_tensor filled(struct nn_shape shape, enum nn_type type)
{
    struct nn_tensor t = {.shape = shape, .type = NN_F32};
    float *values = t.data = aligned_alloc(64, (nn_tensor_bytes(&t) + 63) / 64 * 64);
    if (!values) abort();
    for (size_t i = 0; i < nn_count(shape); i++) values[i] = 0.01f;
    t.type = type;
    if (type == NN_BF16) memset(values, 0, nn_tensor_bytes(&t));
    return t;
}

/* One convolution, in what the tables of the backends have, or in what a plan prepares. */
struct lone {
    struct nn_backend *be;
    const struct nn_stage *stage;
    struct nn_tensor from, to, w, bias;
    struct winograd *winograd;
    struct onednn_prepared *prepared; /* both NULL: the table's */
    void *scratchpad;
};

/* One sample after another, as the plan has them. */
static void run_winograd(const struct lone *c)
{
    size_t from = nn_count(c->from.shape) / (size_t)c->from.shape.n,
           to = nn_count(c->to.shape) / (size_t)c->to.shape.n;
    for (size_t i = 0; i < (size_t)c->from.shape.n; i++)
        winograd_run(c->winograd, (const uint16_t *)c->from.data + i * from, (uint16_t *)c->to.data + i * to,
                     c->scratchpad, omp_get_max_threads());
}

static double run_lone(struct lone *c)
{
    struct nn_error err;
    struct nn_epilogue epilogue = {.bias = &c->bias, .slope = c->stage->slope};
    const struct nn_conv *geometry = &c->stage->geometry;
    double start = seconds();
    if (c->winograd)
        run_winograd(c);
    else if (c->prepared)
        check(onednn_run(cpu_of(c->be), c->prepared, c->from.data, c->to.data, c->scratchpad, &err), &err);
    else if (c->stage->transposed)
        check(c->be->conv_dx(c->be, geometry, &c->from, &c->w, epilogue, &c->to, &err), &err);
    else
        check(c->be->conv(c->be, geometry, &c->from, &c->w, epilogue, &c->to, &err), &err);
    return seconds() - start;
}

static double shortest(struct lone *c)
{
    enum { REPEATS = 6 };
    double best = 1e9;
    for (int r = 0; r < REPEATS; r++) best = fmin(best, run_lone(c));
    return best;
}

static void *scratchpad_of(size_t size_bytes)
{
    void *data = aligned_alloc(64, size_bytes / 64 * 64 + 64);
    if (!data) abort();
    return data;
}

/* The shortest of what a plan on the CPU prepares; Winograd's includes activation and pixel norm. */
static double prepared_seconds(struct lone *c)
{
    struct nn_error err;
    struct nn_stage stage = *c->stage;
    struct nn_epilogue none = {.slope = 1};
    bool up = stage.transposed;
    check(onednn_prepare(cpu_of(c->be), up ? ONEDNN_BACKWARD_DATA : ONEDNN_FORWARD, &stage.geometry,
                         up ? c->to : c->from, c->w, up ? c->from : c->to, none, NULL, &c->prepared, &err),
          &err);
    c->scratchpad = scratchpad_of(onednn_scratchpad_bytes(c->prepared));
    double best = shortest(c);
    onednn_prepared_free(c->prepared);
    free(c->scratchpad);
    if (!winograd_fits(&stage, c->from.type)) return best;
    stage.weight = c->w;
    stage.bias = c->bias;
    check(winograd_new(&c->winograd, &stage, &err), &err);
    c->scratchpad = scratchpad_of((size_t)omp_get_max_threads() * winograd_scratch_bytes(c->winograd));
    best = fmin(best, shortest(c));
    winograd_free(c->winograd);
    free(c->scratchpad);
    return best;
}

/* The convolutions of the plan by themselves: of each the fastest that there is, its weights packed. */
static double floor_seconds(const struct nn_sampler *s, int count)
{
    double sum = 0;
    for (int i = 0; i < s->stage_count; i++) {
        const struct nn_stage *stage = &s->stages[i];
        enum nn_type type = s->backend->map_type;
        struct nn_shape to = stage->shape, from = to, w = stage->weight.shape;
        int shrink = i == 0 ? to.h : stage->transposed ? 2 : 1;
        to.n = from.n = count;
        from.c = stage->transposed ? w.n : w.c;
        from.h /= shrink, from.w /= shrink;
        struct lone c = {.be = s->backend,
                         .stage = stage,
                         .from = filled(from, type),
                         .to = filled(to, type),
                         .w = filled(w, NN_F32),
                         .bias = filled(nn_shape(1, to.c, 1, 1), NN_F32)};
        double best = shortest(&c);
        if (strcmp(s->backend->name, "cpu") == 0) best = fmin(best, prepared_seconds(&c));
        sum += best;
        void *all[] = {c.from.data, c.to.data, c.w.data, c.bias.data};
        for (size_t k = 0; k < sizeof all / sizeof *all; k++) free(all[k]);
    }
    return sum;
}

static void answer(struct nn_sampler *s, const char *word, const char *rest, const float *inputs,
                   uint8_t *grey)
{
    struct nn_error err;
    size_t pixels = (size_t)1 << (2 * s->config.resolution_log2);
    int count = strcmp(word, "image") == 0 ? 1 : atoi(rest);
    if (strcmp(word, "bytes") == 0) {
        printf("%zu\n", nn_sampler_memory_bytes(s));
        return;
    }
    if (count < 1 || count > BATCH_MAX) exit(2);
    if (strcmp(word, "floor") == 0) {
        printf("%.9f\n", floor_seconds(s, count));
        return;
    }
    double start = seconds(), processor = processor_seconds();
    check(nn_sampler_run_grey(s, inputs, count, grey, &err), &err);
    if (strcmp(word, "run") == 0) {
        printf("%.9f %.9f\n", seconds() - start, processor_seconds() - processor);
        return;
    }
    char input_path[1024];
    snprintf(input_path, sizeof input_path, "%s.input", rest);
    write_file(rest, grey, pixels);
    write_file(input_path, inputs, (size_t)(nn_gan_latent_size(&s->config) + CLASSES) * sizeof *inputs);
    printf("done\n");
}

int main(int argc, char **argv)
{
    if (argc != 6 && argc != 4) {
        fprintf(stderr, "usage: bench_sampling SIDE FMAP_BASE FMAP_MAX DEVICE WEIGHTS\n"
                        "       bench_sampling CHECKPOINT DEVICE WEIGHTS\n");
        return 2;
    }
    struct nn_error err;
    struct nn_device device;
    struct nn_network net;
    struct nn_sampler *sampler;
    check(nn_device_open(&device, argv[argc - 2], NN_PRECISION_BEST, &err), &err);
    float *values = make_network(argc, argv, &net), *inputs = make_inputs(&net.config);
    uint8_t *grey = malloc((size_t)BATCH_MAX << (2 * net.config.resolution_log2));
    if (!grey) abort();
    write_file(argv[argc - 1], values, net.value_count * sizeof *values);
    check(nn_sampler_new(&sampler, device.backend, &net, values, &err), &err);
    describe(&net);
    char line[1024], word[16], rest[1000];
    while (fgets(line, sizeof line, stdin) && sscanf(line, "%15s %999s", word, rest) == 2) {
        answer(sampler, word, rest, inputs, grey);
        fflush(stdout);
    }
    nn_sampler_free(sampler);
    nn_network_release(&net);
    device.backend->close(device.backend);
    free(values);
    free(inputs);
    free(grey);
    return 0;
}
