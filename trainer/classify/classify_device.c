#include "trainer/classify/classify_device.h"

#include <stdlib.h>

enum { CHANNELS = 3 };

/* Of photographs in 0..1; torchvision's weights are trained so. */
static const float MEAN[CHANNELS] = {0.485f, 0.456f, 0.406f}, DEVIATION[CHANNELS] = {0.229f, 0.224f, 0.225f};

nn_status tr_classify_device_open(struct tr_classify_device *d, const struct tr_classifier *net,
                                  struct nn_backend *be, const float *values, const float *moments, int room,
                                  struct nn_error *err)
{
    size_t entries = (size_t)net->entry_count, pixels = (size_t)net->side * (size_t)net->side;
    *d = (struct tr_classify_device){.net = net, .be = be, .room = room};
    nn_status status = nn_tape_new(&d->t, be, err);
    if (status != NN_OK) goto out;
    d->values = be->alloc(be, net->value_count * sizeof(float));
    d->moments = malloc((net->moment_count + 1) * sizeof *d->moments);
    d->leaves = calloc(entries, sizeof *d->leaves);
    d->gradients = calloc(entries, sizeof *d->gradients);
    d->uses = calloc((size_t)net->norm_count + 1, sizeof *d->uses);
    d->host = malloc((size_t)room * pixels * sizeof *d->host);
    if (!d->values || !d->moments || !d->leaves || !d->gradients || !d->uses || !d->host) {
        status = nn_fail(err, NN_ERR_MEMORY, "out of memory for %s and %d images of side %d",
                         tr_architecture_words[net->architecture], room, net->side);
        goto out;
    }
    for (size_t i = 0; i < net->moment_count; i++) d->moments[i] = moments[i];
    status = be->upload(be, d->values, values, net->value_count * sizeof(float), err);
out:
    if (status != NN_OK) tr_classify_device_close(d);
    return status;
}

void tr_classify_device_close(struct tr_classify_device *d)
{
    if (!d->be) return;
    nn_tape_free(d->t);
    if (d->values) d->be->free(d->be, d->values);
    free(d->moments);
    free(d->leaves);
    free(d->gradients);
    free(d->uses);
    free(d->host);
    *d = (struct tr_classify_device){0};
}

void tr_classify_device_begin(struct tr_classify_device *d)
{
    nn_tape_reset(d->t);
    tr_classifier_leaves(d->t, d->net, d->values, d->leaves);
}

nn_id tr_classify_device_grey(struct tr_classify_device *d, const struct tr_cases *cases, const int *indices,
                              int n)
{
    size_t pixels = (size_t)cases->side * (size_t)cases->side;
    for (int i = 0; i < n; i++) {
        const uint8_t *from = cases->pixels + (size_t)indices[i] * pixels;
        float *to = d->host + (size_t)i * pixels;
        for (size_t k = 0; k < pixels; k++) to[k] = (float)from[k] / 127.5f - 1;
    }
    return nn_from_host(d->t, d->host, nn_shape(n, 1, cases->side, cases->side));
}

nn_id tr_classify_device_logits(struct tr_classify_device *d, nn_id grey, bool training, uint64_t seed)
{
    struct nn_conv point = NN_SQUARE_CONV(1, 1, 0, 1);
    float scale[CHANNELS], shift[CHANNELS];
    for (int c = 0; c < CHANNELS; c++) {
        scale[c] = 0.5f / DEVIATION[c];
        shift[c] = (0.5f - MEAN[c]) / DEVIATION[c];
    }
    nn_id w = nn_from_host(d->t, scale, nn_shape(CHANNELS, 1, 1, 1));
    nn_id b = nn_from_host(d->t, shift, nn_shape(1, CHANNELS, 1, 1));
    struct tr_pass pass = {.leaves = d->leaves,
                           .moments = d->moments,
                           .uses = training ? d->uses : NULL,
                           .dropout = true,
                           .seed = seed,
                           .convolutions = d->convolutions,
                           .features = d->features};
    return tr_classifier_logits(d->t, d->net, &pass, nn_conv(d->t, point, grey, w, b, 1));
}

nn_status tr_classify_device_score(struct tr_classify_device *d, const struct tr_cases *cases, double *logits,
                                   tr_cases_progress *progress, void *context, struct nn_error *err)
{
    int *indices = malloc((size_t)d->room * sizeof *indices);
    float *some_logits = malloc((size_t)d->room * sizeof *some_logits);
    nn_status status = NN_OK;
    if (!indices || !some_logits) status = nn_fail(err, NN_ERR_MEMORY, "out of memory for scores");
    for (int first = 0; first < cases->count && status == NN_OK; first += d->room) {
        int n = cases->count - first < d->room ? cases->count - first : d->room;
        for (int i = 0; i < n; i++) indices[i] = first + i;
        tr_classify_device_begin(d);
        nn_id y = tr_classify_device_logits(d, tr_classify_device_grey(d, cases, indices, n), false, 0);
        status = nn_tape_status(d->t, err);
        if (status == NN_OK) status = nn_read(d->t, y, some_logits, err);
        for (int i = 0; i < n && status == NN_OK; i++) logits[first + i] = (double)some_logits[i];
        if (status == NN_OK && progress && !progress(context, first + n, cases->count))
            status = nn_fail(err, NN_STOPPED, "stopped");
    }
    free(some_logits);
    free(indices);
    return status;
}
