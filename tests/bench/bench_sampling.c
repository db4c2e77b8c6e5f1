/* Sampling at full width, batch after batch on command, for gpu_bench.py, which interleaves it with
 * PyTorch's. Prints; asserts nothing.
 *
 *     bench_sampling SIDE FMAP_BASE FMAP_MAX DEVICE WEIGHTS
 *
 * makes a generator with random weights for two classes, writes them to WEIGHTS as raw f32 in the order of
 * the lines that it prints first (`NAME O I KH KW`, stored O,KH,KW,I, then `end`), and answers each line of
 * stdin: run N      N samples of seeds 0..N-1:     SECONDS image F    the first sample to file F, its input
 * to F.input: 8-bit pixels, f32; and `done` */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/device.h"
#include "engine/sampler.h"

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

int main(int argc, char **argv)
{
    if (argc != 6) {
        fprintf(stderr, "usage: bench_sampling SIDE FMAP_BASE FMAP_MAX DEVICE WEIGHTS\n");
        return 2;
    }
    struct nn_error err;
    struct nn_device device;
    struct nn_network net;
    struct nn_sampler *sampler;
    struct nn_gan_config config = {.label_count = CLASSES, .fmap_base = atoi(argv[2]), .mbstd_group = 4};
    config.fmap_max = atoi(argv[3]);
    while (config.resolution_log2 < NN_RESOLUTION_LOG2_MAX && 1 << config.resolution_log2 < atoi(argv[1]))
        config.resolution_log2++;
    check(nn_device_open(&device, argv[4], NN_PRECISION_BEST, &err), &err);
    check(nn_network_init(&net, &config, NN_GENERATOR, &err), &err);
    size_t pixels = (size_t)1 << (2 * config.resolution_log2);
    float *values = malloc(net.value_count * sizeof *values), *inputs = make_inputs(&config);
    uint8_t *grey = malloc(BATCH_MAX * pixels);
    if (!values || !grey) abort();
    nn_network_init_values(&net, 1, values);
    write_file(argv[5], values, net.value_count * sizeof *values);
    check(nn_sampler_new(&sampler, device.backend, &net, values, &err), &err);
    describe(&net);
    char line[1024], word[16], rest[1000];
    while (fgets(line, sizeof line, stdin) && sscanf(line, "%15s %999s", word, rest) == 2) {
        int count = strcmp(word, "run") == 0 ? atoi(rest) : 1;
        double start = seconds();
        if (count < 1 || count > BATCH_MAX) return 2;
        check(nn_sampler_run_grey(sampler, inputs, count, grey, &err), &err);
        if (strcmp(word, "run") == 0) {
            printf("%.9f\n", seconds() - start);
        } else {
            char input_path[1024];
            snprintf(input_path, sizeof input_path, "%s.input", rest);
            write_file(rest, grey, pixels);
            write_file(input_path, inputs, (size_t)(nn_gan_latent_size(&config) + CLASSES) * sizeof *inputs);
            printf("done\n");
        }
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
