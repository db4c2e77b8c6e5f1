#include "trainer/train/metric.h"

#include <math.h>
#include <stdlib.h>

#include "engine/rng.h"
#include "engine/sampler.h"
#include "trainer/data/image_split.h"
#include "trainer/interrupt.h"

enum {
    SET_REAL, /* in the order of tr_swd: the other two are compared with it */
    SET_FAKE,
    SET_FLOOR,
    SETS,
    METRIC_SEED = 1,
    STREAM_MIRROR = 0x6d697272,
    FIRST_LATENT = 1 << 20, /* away from the seeds that people look at */
};

struct measuring {
    struct tr_training *training;
    int side, images;
    int *order;    /* of the training images: the first set's, then the second's */
    float *sample; /* one generated image */
};

bool tr_metric_due(const struct tr_training *tr)
{
    struct tr_phase phase = tr_training_phase(tr);
    const struct tr_train_config *c = &tr->config;
    uint64_t tick = (uint64_t)fmax(c->tick_kimg * 1000, 1);
    uint64_t every = (uint64_t)llround((double)c->metric_kimg * 1000);
    if (every == 0 || c->metric_images < 1 || phase.fading || phase.side < TR_SWD_SIDE_MIN ||
        tr_dataset_train_count(tr->data) < 2)
        return false;
    uint64_t number = tr->images / tick; /* of the tick, not of images, which overshoot by a minibatch */
    return phase.finished || (number > 0 && number * tick / every != (number - 1) * tick / every);
}

static nn_status fake(struct measuring *m, int index, uint8_t *pixels, struct nn_error *err)
{
    float labels[NN_LABELS_MAX];
    tr_dataset_labels(m->training->data, m->order[index], labels);
    nn_status status =
        tr_training_sample(m->training, FIRST_LATENT + (uint64_t)index, 1, labels, m->sample, err);
    if (status == NN_OK) nn_sampler_grey(m->sample, (size_t)m->side * (size_t)m->side, pixels);
    return status;
}

/* Mirrored as often as in training: the generator has learnt both. */
static nn_status real(struct measuring *m, int place, uint8_t *pixels, struct nn_error *err)
{
    const struct tr_training *tr = m->training;
    nn_status status = tr_dataset_image(tr->data, m->side, m->order[place], pixels, err);
    if (tr->config.mirror && nn_random_uniform(METRIC_SEED, STREAM_MIRROR, (uint64_t)place) < 0.5f)
        tr_training_flip(pixels, m->side);
    return status;
}

static nn_status give(void *context, int set, int first, int count, uint8_t *pixels, struct nn_error *err)
{
    struct measuring *m = context;
    size_t area = (size_t)m->side * (size_t)m->side;
    nn_status status = NN_OK;
    for (int i = 0; i < count && status == NN_OK; i++) {
        int index = first + i, place = set == SET_FLOOR ? m->images + index : index;
        uint8_t *to = pixels + (size_t)i * area;
        if (tr_interrupted()) return nn_fail(err, NN_STOPPED, "stopped");
        status = set == SET_FAKE ? fake(m, index, to, err) : real(m, place, to, err);
    }
    return status;
}

static bool go_on(void *context, bool comparing, int done, int total)
{
    (void)context, (void)comparing, (void)done, (void)total;
    return !tr_interrupted();
}

static void take_result(const struct tr_swd_result *result, struct tr_measure *measure)
{
    measure->level_count = result->level_count;
    for (int k = 0; k < result->level_count; k++) {
        measure->sides[k] = result->sides[k];
        measure->distance[k] = result->distance[SET_FAKE - 1][TR_SWD_3X][k];
        measure->floor[k] = result->distance[SET_FLOOR - 1][TR_SWD_3X][k];
    }
    measure->mean = result->mean[SET_FAKE - 1][TR_SWD_3X];
    measure->floor_mean = result->mean[SET_FLOOR - 1][TR_SWD_3X];
}

nn_status tr_metric_measure(struct tr_training *tr, struct tr_measure *measure, struct nn_error *err)
{
    int available = tr_dataset_train_count(tr->data), half = available / 2;
    double started_s = tr_now_s();
    struct measuring m = {.training = tr, .side = tr_training_phase(tr).side};
    struct tr_swd_result result;
    m.images = half < tr->config.metric_images ? half : tr->config.metric_images;
    m.order = malloc((size_t)available * sizeof *m.order);
    m.sample = malloc((size_t)m.side * (size_t)m.side * sizeof *m.sample);
    *measure = (struct tr_measure){0};
    nn_status status =
        m.order && m.sample ? NN_OK : nn_fail(err, NN_ERR_MEMORY, "out of memory for the metric");
    if (status != NN_OK) goto out;
    tr_image_split(METRIC_SEED, available, m.order);
    const struct tr_swd_request request = {.side = m.side,
                                           .images = m.images,
                                           .sets = SETS,
                                           .forms = {[TR_SWD_3X] = true},
                                           .seed = METRIC_SEED,
                                           .source = give,
                                           .progress = go_on,
                                           .context = &m};
    status = tr_swd(&request, &result, err);
    if (status == NN_OK) {
        measure->images = m.images;
        measure->seconds = tr_now_s() - started_s;
        take_result(&result, measure);
    } else if (status == NN_STOPPED) {
        status = NN_OK;
    }
out:
    free(m.order);
    free(m.sample);
    return status;
}
