#include "trainer/neighbours/nearness.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/roc.h"

static int rising(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(const double *values, int count, double *scratch)
{
    memcpy(scratch, values, (size_t)count * sizeof *scratch);
    qsort(scratch, (size_t)count, sizeof *scratch, rising);
    return (scratch[(count - 1) / 2] + scratch[count / 2]) / 2;
}

nn_status tr_mann_whitney(const double *x, int x_count, const double *y, int y_count, double *effect,
                          double *p, struct nn_error *err)
{
    int count = x_count + y_count;
    size_t room = (size_t)count;
    uint8_t *truth = calloc(room, 1);
    double *both = malloc(room * sizeof *both);
    struct nn_roc_point *points = malloc(room * sizeof *points);
    struct nn_roc roc = {0};
    nn_status status = NN_ERR_MEMORY;
    if (!truth || !both || !points) {
        nn_fail(err, status, "out of memory for a test of %d values", count);
        goto out;
    }
    memcpy(both, x, (size_t)x_count * sizeof *both);
    memcpy(both + x_count, y, (size_t)y_count * sizeof *both);
    memset(truth + x_count, 1, (size_t)y_count);
    status = nn_roc_init(&roc, truth, both, count, err);
    if (status != NN_OK) goto out;
    *effect = nn_roc_auc(&roc, NULL);
    double ties = 0, n = count, pairs = (double)x_count * (double)y_count;
    int levels = nn_roc_curve(&roc, points);
    for (int i = 0, before = 0; i < levels; i++) {
        int upto = points[i].findings + points[i].others;
        double same = upto - before;
        ties += same * same * same - same;
        before = upto;
    }
    double deviation = sqrt(pairs / 12 * (n + 1 - ties / (n * (n - 1))));
    double z = deviation > 0 ? ((*effect - 0.5) * pairs - 0.5) / deviation : 0;
    *p = deviation > 0 ? 0.5 * erfc(z / sqrt(2)) : 1;
out:
    nn_roc_release(&roc);
    free(points);
    free(both);
    free(truth);
    return status;
}

/* ---- one query ---------------------------------------------------------------------------------------- */

static const float *row(const struct tr_nearness_input *in, int layer, int query, int variant)
{
    size_t at = ((size_t)layer * (size_t)in->queries + (size_t)query) * TR_VARIANTS + (size_t)variant;
    return in->value + at * (size_t)in->trainings;
}

static struct tr_nearest nearest_in(const float *distances, int count)
{
    int best = 0;
    for (int t = 1; t < count; t++)
        if (distances[t] < distances[best]) best = t;
    return (struct tr_nearest){best, (double)distances[best]};
}

/* Over all layers, of each training image; `scale` is each layer's. */
static void joint_distances(const struct tr_nearness_input *in, const struct tr_layer_nearness *layers,
                            int query, int variant, double *out)
{
    for (int t = 0; t < in->trainings; t++) out[t] = 0;
    for (int l = 0; l < in->layers; l++) {
        const float *distances = row(in, l, query, variant);
        double scale = layers[l].held_out_median;
        for (int t = 0; t < in->trainings && scale > 0; t++)
            out[t] += (double)distances[t] / scale / in->layers;
    }
}

static struct tr_copy_score score_copy(const struct tr_nearness_input *in,
                                       const struct tr_layer_nearness *layers, int query, double *scratch)
{
    struct tr_copy_score best = {.distance = INFINITY, .ratio = 1};
    double *own = scratch, *mirrored = scratch + in->trainings, next = INFINITY;
    joint_distances(in, layers, query, TR_AS_IT_IS, own);
    joint_distances(in, layers, query, TR_MIRRORED, mirrored);
    for (int t = 0; t < in->trainings; t++) {
        double distance = fmin(own[t], mirrored[t]);
        if (distance < best.distance) {
            best.training = t;
            best.distance = distance;
            best.mirrored = mirrored[t] < own[t];
        }
    }
    for (int t = 0; t < in->trainings; t++)
        if (in->patient[t] != in->patient[best.training]) next = fmin(next, fmin(own[t], mirrored[t]));
    if (isfinite(next) && next > 0) best.ratio = best.distance / next;
    return best;
}

/* ---- all ---------------------------------------------------------------------------------------------- */

/* Below which a ratio is a copy's; of `count` rising ones of held-out images. */
static double threshold_of(const double *sorted, int count)
{
    return fmin(sorted[(int)(TR_COPY_QUANTILE * count)], TR_COPY_RATIO);
}

/* `sorted` has room for the held-out images' ratios, twice. */
static void flag(struct tr_nearness *r, const struct tr_nearness_input *in, double *sorted)
{
    int samples = in->queries - in->held_out, n = in->held_out;
    const struct tr_copy_score *held_out = r->copy + samples;
    for (int i = 0; i < n; i++) sorted[i] = held_out[i].ratio;
    qsort(sorted, (size_t)n, sizeof *sorted, rising);
    r->threshold = threshold_of(sorted, n);
    r->chance = (floor(TR_COPY_QUANTILE * n) + 1) / (n + 1);
    for (int q = 0; q < in->queries; q++) r->copy[q].flagged = r->copy[q].ratio < r->threshold;
    for (int q = 0; q < samples; q++) r->flagged_samples += r->copy[q].flagged;
    for (int i = 0; i < n && n > 1; i++) {
        double *others = sorted + n;
        int at = 0;
        while (sorted[at] < held_out[i].ratio) at++;
        memcpy(others, sorted, (size_t)at * sizeof *others);
        memcpy(others + at, sorted + at + 1, (size_t)(n - 1 - at) * sizeof *others);
        r->flagged_held_out += held_out[i].ratio < threshold_of(others, n - 1);
    }
}

/* Samples' values stand before those of held-out images. `scratch` has room for all. */
static nn_status compare(const struct tr_nearness_input *in, const double *values, double *scratch,
                         struct tr_layer_nearness *out, struct nn_error *err)
{
    int samples = in->queries - in->held_out;
    out->samples_median = median(values, samples, scratch);
    out->held_out_median = median(values + samples, in->held_out, scratch);
    return tr_mann_whitney(values, samples, values + samples, in->held_out, &out->effect, &out->p, err);
}

static nn_status compare_all(struct tr_nearness *r, const struct tr_nearness_input *in, double *values,
                             double *scratch, struct nn_error *err)
{
    nn_status status = NN_OK;
    for (int l = 0; l < in->layers && status == NN_OK; l++) {
        struct tr_nearest *nearest = r->nearest + (size_t)l * (size_t)in->queries;
        for (int q = 0; q < in->queries; q++) {
            nearest[q] = nearest_in(row(in, l, q, TR_AS_IT_IS), in->trainings);
            values[q] = nearest[q].distance;
        }
        status = compare(in, values, scratch, &r->layers[l], err);
    }
    if (status != NN_OK) return status;
    for (int q = 0; q < in->queries; q++) r->copy[q] = score_copy(in, r->layers, q, scratch);
    flag(r, in, scratch);
    for (int q = 0; q < in->queries; q++) values[q] = r->copy[q].distance;
    status = compare(in, values, scratch, &r->all, err);
    for (int q = 0; q < in->queries; q++) values[q] = r->copy[q].ratio;
    return status == NN_OK ? compare(in, values, scratch, &r->ratios, err) : status;
}

nn_status tr_nearness(struct tr_nearness *result, const struct tr_nearness_input *in, struct nn_error *err)
{
    size_t queries = (size_t)in->queries, layers = (size_t)in->layers;
    *result = (struct tr_nearness){0};
    if (in->held_out < 1 || in->queries <= in->held_out || in->trainings < 2 || in->layers < 1)
        return nn_fail(err, NN_ERR_ARGUMENT, "nearness of %d samples and %d held-out to %d training images",
                       in->queries - in->held_out, in->held_out, in->trainings);
    double *values = malloc(queries * sizeof *values);
    double *scratch = malloc(2 * (queries + (size_t)in->trainings) * sizeof *scratch);
    result->nearest = malloc(layers * queries * sizeof *result->nearest);
    result->copy = malloc(queries * sizeof *result->copy);
    result->layers = malloc(layers * sizeof *result->layers);
    nn_status status = NN_ERR_MEMORY;
    if (values && scratch && result->nearest && result->copy && result->layers)
        status = compare_all(result, in, values, scratch, err);
    else
        nn_fail(err, status, "out of memory for the distances of %d images", in->queries);
    free(scratch);
    free(values);
    if (status != NN_OK) tr_nearness_release(result);
    return status;
}

void tr_nearness_release(struct tr_nearness *result)
{
    free(result->nearest);
    free(result->copy);
    free(result->layers);
    *result = (struct tr_nearness){0};
}
