/* Steps of training a classifier, one for each "step" on standard input: forward, backward, running moments.
 * Prints seconds of wall and processor time for each; "peak" prints the largest memory in bytes, on a GPU the
 * device's.
 *
 *   bench_classifier ARCHITECTURE SIDE MINIBATCH f32|bf16 [cpu|cuda] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "engine/device.h"
#include "engine/rng.h"
#include "trainer/classify/classifier.h"

enum { OUTPUTS = 1000 };

static void check(nn_status status, const struct nn_error *err)
{
    if (status == NN_OK) return;
    fprintf(stderr, "bench_classifier: %s\n", err->text);
    exit(1);
}

static void *allocate(size_t count, size_t size)
{
    void *data = calloc(count, size);
    if (!data) abort();
    return data;
}

static double now(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

struct training {
    struct tr_classifier net;
    struct nn_backend *be;
    struct nn_tape *t;
    float *moments;
    struct nn_tensor images; /* device memory */
    void *values;            /* likewise */
    nn_id *leaves, *gradients;
    struct tr_norm_use *uses;
    int n;
};

static void step(struct training *s)
{
    struct nn_error err;
    struct tr_pass pass = {.leaves = s->leaves, .uses = s->uses, .dropout = true};
    nn_tape_reset(s->t);
    tr_classifier_leaves(s->t, &s->net, s->values, s->leaves);
    nn_id logits = tr_classifier_logits(s->t, &s->net, &pass, nn_leaf(s->t, &s->images));
    nn_id log_p = nn_log_softmax(s->t, logits);
    check(tr_classifier_update_moments(s->t, &s->net, s->uses, 0.1f, s->moments, &err), &err);
    nn_id seed = nn_affine(s->t, 0, log_p, -1 / (float)s->n);
    nn_gradient_last(s->t, log_p, seed, s->leaves, s->net.entry_count, s->gradients);
    check(nn_tape_status(s->t, &err), &err);
    float last; /* reading waits for a device that works beside the host */
    check(s->be->download(s->be, &last, s->values, sizeof last, &err), &err);
}

/* `count` values in device memory; frees `host`. */
static void *send(struct nn_backend *be, float *host, size_t count)
{
    struct nn_error err;
    void *data = be->alloc(be, count * sizeof *host);
    if (!data) abort();
    check(be->upload(be, data, host, count * sizeof *host, &err), &err);
    free(host);
    return data;
}

static void open_training(struct training *s, char **argv, const char *name)
{
    struct nn_error err;
    struct nn_device device;
    bool narrow = strcmp(argv[4], "bf16") == 0;
    int architecture = 0;
    while (tr_architecture_words[architecture] && strcmp(tr_architecture_words[architecture], argv[1]) != 0)
        architecture++;
    if (!tr_architecture_words[architecture]) exit(2);
    s->n = atoi(argv[3]);
    check(tr_classifier_init(&s->net, (enum tr_architecture)architecture, atoi(argv[2]), OUTPUTS, &err),
          &err);
    check(nn_device_open(&device, name, narrow ? NN_PRECISION_BF16 : NN_PRECISION_F32, &err), &err);
    s->be = device.backend;
    check(nn_tape_new(&s->t, s->be, &err), &err);
    s->moments = allocate(s->net.moment_count + 1, sizeof *s->moments);
    float *values = allocate(s->net.value_count, sizeof *values);
    tr_classifier_init_values(&s->net, 1, values, s->moments);
    s->values = send(s->be, values, s->net.value_count);
    s->leaves = allocate((size_t)s->net.entry_count, sizeof *s->leaves);
    s->gradients = allocate((size_t)s->net.entry_count, sizeof *s->gradients);
    s->uses = allocate((size_t)s->net.norm_count + 1, sizeof *s->uses);
    s->images = (struct nn_tensor){.shape = nn_shape(s->n, 3, s->net.side, s->net.side), .type = NN_F32};
    size_t pixels = nn_count(s->images.shape);
    float *images = allocate(pixels, sizeof *images);
    nn_random_normals(1, 2, 0, pixels, images);
    s->images.data = send(s->be, images, pixels);
}

int main(int argc, char **argv)
{
    struct training s = {0};
    char line[16];
    if (argc != 5 && argc != 6) {
        fprintf(stderr, "usage: bench_classifier ARCHITECTURE SIDE MINIBATCH f32|bf16 [cpu|cuda]\n");
        return 2;
    }
    open_training(&s, argv, argc == 6 ? argv[5] : "cpu");
    while (fgets(line, sizeof line, stdin)) {
        struct rusage use;
        double wall = now(CLOCK_MONOTONIC), cpu = now(CLOCK_PROCESS_CPUTIME_ID);
        if (strcmp(line, "step\n") == 0) {
            step(&s);
            printf("%.6f %.6f\n", now(CLOCK_MONOTONIC) - wall, now(CLOCK_PROCESS_CPUTIME_ID) - cpu);
        } else if (s.be->inference) {
            printf("%zu\n", s.be->inference->memory_bytes(s.be));
        } else {
            getrusage(RUSAGE_SELF, &use);
            printf("%ld\n", use.ru_maxrss * 1024);
        }
        fflush(stdout);
    }
    return 0;
}
