/* The real training step, one at a time on command, for bench_train.py, which interleaves it with PyTorch's.
 * Prints; asserts nothing.
 *
 *     bench_training SIDE FMAP_BASE FMAP_MAX MINIBATCH bf16|f32 DATASET [cpu|cuda]
 *
 * Reads words from stdin and answers each with one line:
 *     step     one tr_training_step:             WALL_SECONDS CPU_SECONDS
 *     ceiling  a convolution of 256 channels:    GFLOP in a second, on a CPU of processor time
 *     peak     the most memory held so far:      BYTES, on a GPU those of the device */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/device.h"
#include "trainer/train/training.h"

static void check(nn_status status, const struct nn_error *err)
{
    if (status == NN_OK) return;
    fprintf(stderr, "bench_training: %s\n", err->text);
    exit(1);
}

static double seconds(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void step(struct tr_training *tr)
{
    struct tr_losses losses = {0};
    struct nn_error err;
    double wall = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
    check(tr_training_step(tr, &losses, &err), &err);
    printf("%.6f %.6f\n", seconds(CLOCK_MONOTONIC) - wall, seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu);
}

/* The fastest of ten forward passes of a layer that suits every library: what the arithmetic can reach. */
static void ceiling(struct nn_backend *be)
{
    enum { CHANNELS = 256, SIDE = 32, BATCH = 8 };
    const struct nn_conv geometry = NN_SQUARE_CONV(3, 1, 1, 0.02f);
    struct nn_shape maps = nn_shape(BATCH, CHANNELS, SIDE, SIDE), taps = nn_shape(CHANNELS, CHANNELS, 3, 3);
    struct nn_tensor x = {maps, be->map_type, NULL}, y = x, w = {taps, NN_F32, NULL};
    struct nn_tensor *all[] = {&x, &y, &w};
    struct nn_error err;
    clockid_t clock = strcmp(be->name, "cpu") == 0 ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC;
    double best = 1e30;
    for (int i = 0; i < 3; i++) {
        void *zeros = calloc(1, nn_tensor_bytes(all[i]));
        if (!zeros || !(all[i]->data = be->alloc(be, nn_tensor_bytes(all[i])))) abort();
        check(be->upload(be, all[i]->data, zeros, nn_tensor_bytes(all[i]), &err), &err);
        free(zeros);
    }
    for (int i = 0; i < 10; i++) {
        double start = seconds(clock);
        check(be->conv(be, &geometry, &x, &w, (struct nn_epilogue){NULL, 1}, &y, &err), &err);
        char last[2]; /* reading waits for a device that works beside the host */
        check(be->download(be, last, y.data, sizeof last, &err), &err);
        double took = seconds(clock) - start;
        if (took < best) best = took;
    }
    for (int i = 0; i < 3; i++) be->free(be, all[i]->data);
    printf("%.1f\n", 2e-9 * (double)nn_count(maps) * CHANNELS * 9 / best);
}

/* getrusage would count what the parent held when it started this process. */
static size_t peak_bytes(void)
{
    FILE *file = fopen("/proc/self/status", "r");
    char line[128];
    size_t kib = 0;
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "VmHWM: %zu", &kib) == 1) break;
    if (file) fclose(file);
    return kib * 1024;
}

static void answer(struct tr_training *tr, const char *word)
{
    if (strcmp(word, "step") == 0) {
        step(tr);
    } else if (strcmp(word, "ceiling") == 0) {
        ceiling(tr->backend);
    } else if (strcmp(word, "peak") == 0) {
        const struct nn_inference *device = tr->backend->inference;
        printf("%zu\n", device ? device->memory_bytes(tr->backend) : peak_bytes());
    } else {
        printf("unknown word\n");
    }
    fflush(stdout);
}

static int log2_of(int side)
{
    int log2 = 0;
    while (1 << log2 < side) log2++;
    return log2;
}

int main(int argc, char **argv)
{
    if (argc != 7 && argc != 8) {
        fprintf(stderr,
                "usage: bench_training SIDE FMAP_BASE FMAP_MAX MINIBATCH bf16|f32 DATASET [cpu|cuda]\n");
        return 2;
    }
    struct nn_error err;
    struct nn_device device;
    struct tr_dataset *data;
    struct tr_train_config config;
    struct tr_training tr;
    int resolution_log2 = log2_of(atoi(argv[1]));
    enum nn_precision precision = strcmp(argv[5], "f32") == 0 ? NN_PRECISION_F32 : NN_PRECISION_BF16;
    check(nn_device_open(&device, argc == 8 ? argv[7] : "cpu", precision, &err), &err);
    check(tr_dataset_open(&data, argv[6], NULL, NULL, &err), &err);
    check(tr_train_config_init(&config, "v2", resolution_log2, &err), &err);
    config.gan.fmap_base = atoi(argv[2]);
    config.gan.fmap_max = atoi(argv[3]);
    config.gan.label_count = tr_dataset_class_count(data);
    config.seed = 1;
    for (int k = 0; k < config.schedule.level_count; k++) { /* fully grown from the first image on */
        struct tr_level *level = &config.schedule.levels[k];
        bool top = k == config.schedule.level_count - 1;
        level->minibatch = atoi(argv[4]);
        level->fade_kimg = 0;
        level->train_kimg = top ? 1 : 0;
    }
    check(tr_training_init(&tr, &config, device.backend, data, &err), &err);
    char word[16];
    while (scanf("%15s", word) == 1) answer(&tr, word);
    tr_training_release(&tr);
    tr_dataset_close(data);
    device.backend->close(device.backend);
    return 0;
}
