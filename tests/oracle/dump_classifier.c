/* What a classifier of trainer/classify computes, for test_torchvision.py to compare.
 *
 *   dump_classifier ARCHITECTURE SIDE OUTPUTS WEIGHTS IN OUT BACKEND
 *
 * WEIGHTS has torchvision's names. IN has "images" (N,3,side,side) and "cotangent" (N,outputs). Writes
 * OUT.logits: "inference" and "training" (N,outputs); OUT.gradient: of <training logits, cotangent>, in the
 * form of a network whose running moments are those after that pass. BACKEND is cpu, reference, or
 * reference64 in f64 (written as f32).
 * Without WEIGHTS and what follows it, prints what the layout holds. Exits 1 with the engine's text when
 * something is refused. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/safetensors.h"
#include "trainer/classify/classifier.h"

static void check(nn_status status, const struct nn_error *err)
{
    if (status == NN_OK) return;
    fprintf(stderr, "dump_classifier: %s\n", err->text);
    exit(1);
}

static void *allocate(size_t count, size_t size)
{
    void *data = calloc(count, size);
    if (!data) abort();
    return data;
}

/* Images as the engine has them, (N,H,W,3), of a file's (N,3,H,W). */
static float *images_of(const struct nn_st_tensor *file, struct nn_shape *shape)
{
    *shape = nn_shape((int)file->dims[0], 3, (int)file->dims[2], (int)file->dims[3]);
    size_t pixels = (size_t)shape->h * (size_t)shape->w;
    float *to = allocate(nn_count(*shape), sizeof *to);
    const float *from = file->data;
    for (size_t n = 0; n < (size_t)shape->n; n++)
        for (size_t c = 0; c < 3; c++)
            for (size_t p = 0; p < pixels; p++) to[(n * pixels + p) * 3 + c] = from[(n * 3 + c) * pixels + p];
    return to;
}

struct subject {
    struct tr_classifier net;
    struct nn_backend *be;
    struct nn_tape *t;
    float *values, *moments;
    void *device;
    nn_id *leaves;
};

static void open_subject(struct subject *s, char **argv)
{
    struct nn_error err;
    const char *backend = argv[7];
    s->values = allocate(s->net.value_count, sizeof *s->values);
    s->moments = allocate(s->net.moment_count + 1, sizeof *s->moments);
    s->leaves = allocate((size_t)s->net.entry_count, sizeof *s->leaves);
    check(tr_classifier_load(&s->net, argv[4], false, s->values, s->moments, &err), &err);
    check(
        strcmp(backend, "cpu") == 0
            ? nn_backend_open_cpu(&s->be, NN_F32, &err)
            : nn_backend_open_reference(&s->be, strcmp(backend, "reference64") == 0 ? NN_F64 : NN_F32, &err),
        &err);
    check(nn_tape_new(&s->t, s->be, &err), &err);
    size_t bytes = s->net.value_count * nn_type_size(s->be->real_type);
    double *wide = allocate(s->net.value_count, sizeof *wide);
    for (size_t i = 0; i < s->net.value_count; i++) wide[i] = (double)s->values[i];
    s->device = s->be->alloc(s->be, bytes);
    if (!s->device) abort();
    const void *from = s->be->real_type == NN_F64 ? (void *)wide : s->values;
    check(s->be->upload(s->be, s->device, from, bytes, &err), &err);
    free(wide);
}

/* A real_type value as floats. */
static void read_floats(const struct subject *s, nn_id id, size_t count, float *to)
{
    struct nn_error err;
    check(nn_tape_status(s->t, &err), &err);
    double *wide = allocate(count, sizeof *wide);
    check(nn_read(s->t, id, s->be->real_type == NN_F64 ? (void *)wide : to, &err), &err);
    for (size_t i = 0; s->be->real_type == NN_F64 && i < count; i++) to[i] = (float)wide[i];
    free(wide);
}

static nn_id forward(struct subject *s, struct tr_norm_use *uses, const float *images, struct nn_shape shape)
{
    struct tr_pass pass = {.leaves = s->leaves, .moments = s->moments, .uses = uses};
    nn_tape_reset(s->t);
    tr_classifier_leaves(s->t, &s->net, s->device, s->leaves);
    return tr_classifier_logits(s->t, &s->net, &pass, nn_from_host(s->t, images, shape));
}

/* The values become their gradients, zeros where there is none. */
static void read_gradients(struct subject *s, const nn_id *gradients)
{
    for (int k = 0; k < s->net.entry_count; k++) {
        const struct tr_entry *e = &s->net.entries[k];
        if (tr_entry_is_running(e)) continue;
        memset(s->values + e->offset, 0, nn_count(e->shape) * sizeof *s->values);
        if (gradients[k].index) read_floats(s, gradients[k], nn_count(e->shape), s->values + e->offset);
    }
}

static void run(struct subject *s, char **argv)
{
    struct nn_error err;
    struct nn_st_file *in;
    struct nn_shape shape;
    char path[4096];
    check(nn_st_open(&in, argv[5], &err), &err);
    float *images = images_of(nn_st_find(in, "images"), &shape);
    struct nn_shape out = nn_shape(shape.n, s->net.outputs, 1, 1);
    float *inference = allocate(nn_count(out), sizeof *inference), *training = allocate(nn_count(out), 4);
    struct tr_norm_use *uses = allocate((size_t)s->net.norm_count + 1, sizeof *uses);
    nn_id *gradients = allocate((size_t)s->net.entry_count, sizeof *gradients);

    read_floats(s, forward(s, NULL, images, shape), nn_count(out), inference);
    nn_id logits = forward(s, uses, images, shape);
    read_floats(s, logits, nn_count(out), training);
    nn_id cotangent = nn_from_host(s->t, nn_st_find(in, "cotangent")->data, out);
    nn_gradient(s->t, logits, cotangent, s->leaves, s->net.entry_count, gradients);
    check(nn_tape_status(s->t, &err), &err);
    check(tr_classifier_update_moments(s->t, &s->net, uses, 0.1f, s->moments, &err), &err);
    read_gradients(s, gradients);

    struct nn_st_tensor tensors[] = {
        {.name = "inference", .type = NN_ST_F32, .rank = 2, .dims = {out.n, out.c}, .data = inference},
        {.name = "training", .type = NN_ST_F32, .rank = 2, .dims = {out.n, out.c}, .data = training}};
    snprintf(path, sizeof path, "%s.logits", argv[6]);
    check(nn_st_write(path, tensors, 2, NULL, 0, &err), &err);
    snprintf(path, sizeof path, "%s.gradient", argv[6]);
    check(tr_classifier_save(&s->net, path, s->values, s->moments, NULL, 0, &err), &err);
    nn_st_close(in);
    free(gradients);
    free(uses);
    free(training);
    free(inference);
    free(images);
}

int main(int argc, char **argv)
{
    struct nn_error err;
    struct subject s = {0};
    int architecture = 0;
    if (argc != 4 && argc != 8) {
        fprintf(stderr, "usage: dump_classifier ARCHITECTURE SIDE OUTPUTS [WEIGHTS IN OUT BACKEND]\n");
        return 2;
    }
    while (tr_architecture_words[architecture] && strcmp(tr_architecture_words[architecture], argv[1]) != 0)
        architecture++;
    if (!tr_architecture_words[architecture]) return 2;
    check(tr_classifier_init(&s.net, (enum tr_architecture)architecture, atoi(argv[2]), atoi(argv[3]), &err),
          &err);
    if (argc == 4) {
        printf("%d entries, %d norms, %zu values, %zu moments\n", s.net.entry_count, s.net.norm_count,
               s.net.value_count, s.net.moment_count);
        tr_classifier_release(&s.net);
        return 0;
    }
    open_subject(&s, argv);
    run(&s, argv);
    nn_tape_free(s.t);
    s.be->free(s.be, s.device);
    s.be->close(s.be);
    free(s.leaves);
    free(s.moments);
    free(s.values);
    tr_classifier_release(&s.net);
    return 0;
}
