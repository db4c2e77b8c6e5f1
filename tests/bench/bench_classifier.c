/* Steps of training a classifier, one for each "step" on standard input: forward, backward, running moments.
 * Prints seconds of wall and processor time for each; "peak" prints the largest memory in bytes.
 *
 *   bench_classifier ARCHITECTURE SIDE MINIBATCH f32|bf16 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

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
    float *moments, *images;
    void *device;
    nn_id *leaves, *gradients;
    struct tr_norm_use *uses;
    int n;
};

static void step(struct training *s)
{
    struct nn_error err;
    struct nn_shape shape = nn_shape(s->n, 3, s->net.side, s->net.side);
    struct tr_pass pass = {.leaves = s->leaves, .uses = s->uses, .dropout = true};
    nn_tape_reset(s->t);
    tr_classifier_leaves(s->t, &s->net, s->device, s->leaves);
    nn_id logits = tr_classifier_logits(s->t, &s->net, &pass, nn_from_host(s->t, s->images, shape));
    nn_id log_p = nn_log_softmax(s->t, logits);
    check(tr_classifier_update_moments(s->t, &s->net, s->uses, 0.1f, s->moments, &err), &err);
    nn_id seed = nn_affine(s->t, 0, log_p, -1 / (float)s->n);
    nn_gradient_last(s->t, log_p, seed, s->leaves, s->net.entry_count, s->gradients);
    check(nn_tape_status(s->t, &err), &err);
}

static void open_training(struct training *s, char **argv)
{
    struct nn_error err;
    int architecture = 0;
    while (tr_architecture_words[architecture] && strcmp(tr_architecture_words[architecture], argv[1]) != 0)
        architecture++;
    if (!tr_architecture_words[architecture]) exit(2);
    s->n = atoi(argv[3]);
    check(tr_classifier_init(&s->net, (enum tr_architecture)architecture, atoi(argv[2]), OUTPUTS, &err),
          &err);
    check(nn_backend_open_cpu(&s->be, strcmp(argv[4], "bf16") == 0 ? NN_BF16 : NN_F32, &err), &err);
    check(nn_tape_new(&s->t, s->be, &err), &err);
    s->device = s->be->alloc(s->be, s->net.value_count * sizeof(float));
    if (!s->device) abort();
    s->moments = allocate(s->net.moment_count + 1, sizeof *s->moments);
    tr_classifier_init_values(&s->net, 1, s->device, s->moments); /* the cpu backend's memory is the host's */
    s->leaves = allocate((size_t)s->net.entry_count, sizeof *s->leaves);
    s->gradients = allocate((size_t)s->net.entry_count, sizeof *s->gradients);
    s->uses = allocate((size_t)s->net.norm_count + 1, sizeof *s->uses);
    size_t pixels = nn_count(nn_shape(s->n, 3, s->net.side, s->net.side));
    s->images = allocate(pixels, sizeof *s->images);
    nn_random_normals(1, 2, 0, pixels, s->images);
}

int main(int argc, char **argv)
{
    struct training s = {0};
    char line[16];
    if (argc != 5) {
        fprintf(stderr, "usage: bench_classifier ARCHITECTURE SIDE MINIBATCH f32|bf16\n");
        return 2;
    }
    open_training(&s, argv);
    while (fgets(line, sizeof line, stdin)) {
        struct rusage use;
        double wall = now(CLOCK_MONOTONIC), cpu = now(CLOCK_PROCESS_CPUTIME_ID);
        if (strcmp(line, "step\n") == 0) {
            step(&s);
            printf("%.6f %.6f\n", now(CLOCK_MONOTONIC) - wall, now(CLOCK_PROCESS_CPUTIME_ID) - cpu);
        } else {
            getrusage(RUSAGE_SELF, &use);
            printf("%ld\n", use.ru_maxrss * 1024);
        }
        fflush(stdout);
    }
    return 0;
}
