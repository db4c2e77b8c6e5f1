#include "trainer/neighbours/nearness.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/cluster.h"
#include "engine/roc.h"

enum { DRAWS = 2000, BOOTSTRAP_SEED = 1 };

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
        if (in->training_patient[t] != in->training_patient[best.training])
            next = fmin(next, fmin(own[t], mirrored[t]));
    if (isfinite(next) && next > 0) best.ratio = best.distance / next;
    return best;
}

/* ---- all ---------------------------------------------------------------------------------------------- */

/* Below which a ratio is a copy's; of `count` rising ones of held-out images. */
static double threshold_of(const double *sorted, int count)
{
    return fmin(sorted[(int)(TR_COPY_QUANTILE * count)], TR_COPY_RATIO);
}

/* Of held-out images by the threshold of the others. `sorted` has room for their ratios, twice; `hit` for all
 * queries. */
static void flag_held_out(const struct tr_nearness *r, const struct tr_nearness_input *in, double *sorted,
                          int8_t *hit)
{
    int samples = in->queries - in->held_out, n = in->held_out;
    const struct tr_copy_score *held_out = r->copy + samples;
    for (int i = 0; i < n; i++) {
        double *others = sorted + n;
        int at = 0;
        hit[samples + i] = 0;
        if (n == 1) break;
        while (sorted[at] < held_out[i].ratio) at++;
        memcpy(others, sorted, (size_t)at * sizeof *others);
        memcpy(others + at, sorted + at + 1, (size_t)(n - 1 - at) * sizeof *others);
        hit[samples + i] = held_out[i].ratio < threshold_of(others, n - 1);
    }
}

static nn_status flag(struct tr_nearness *r, const struct tr_nearness_input *in, double *sorted, int8_t *hit,
                      struct nn_error *err)
{
    int samples = in->queries - in->held_out, n = in->held_out;
    for (int i = 0; i < n; i++) sorted[i] = r->copy[samples + i].ratio;
    qsort(sorted, (size_t)n, sizeof *sorted, rising);
    r->threshold = threshold_of(sorted, n);
    r->chance = (floor(TR_COPY_QUANTILE * n) + 1) / (n + 1);
    for (int q = 0; q < in->queries; q++) hit[q] = r->copy[q].flagged = r->copy[q].ratio < r->threshold;
    nn_status status = nn_wilson_clustered(hit, in->query_patient, samples, &r->flagged_samples, err);
    if (status != NN_OK) return status;
    flag_held_out(r, in, sorted, hit);
    return nn_wilson_clustered(hit + samples, in->query_patient + samples, n, &r->flagged_held_out, err);
}

/* ---- samples beside held-out images ------------------------------------------------------------------- */

/* One comparison a layer, one of the distances over all layers, one of their ratios. */
struct comparing {
    const struct tr_nearness_input *in;
    uint8_t *truth; /* of each query: 1, held-out: it is farther */
    int8_t *hit;    /* of each query, whether it is flagged */
    struct nn_roc *rocs;
    struct tr_layer_nearness **into;
    int count;
};

/* Values of samples stand before those of held-out images. `scratch` has room for all. */
static nn_status compare(struct comparing *c, const double *values, double *scratch,
                         struct tr_layer_nearness *into, struct nn_error *err)
{
    int samples = c->in->queries - c->in->held_out;
    into->samples_median = median(values, samples, scratch);
    into->held_out_median = median(values + samples, c->in->held_out, scratch);
    nn_status status = nn_roc_init(&c->rocs[c->count], c->truth, values, c->in->queries, err);
    if (status == NN_OK) c->into[c->count++] = into;
    return status;
}

static void effects(const void *context, const int *weight, double *values)
{
    const struct comparing *c = context;
    for (int k = 0; k < c->count; k++) values[k] = nn_roc_auc(&c->rocs[k], weight);
}

static nn_status find_effects(const struct comparing *c, struct nn_error *err)
{
    int patients[2] = {0}; /* with samples, which are patients of their own, and with held-out images */
    struct nn_interval *intervals = calloc((size_t)c->count, sizeof *intervals);
    if (!intervals) return nn_fail(err, NN_ERR_MEMORY, "out of memory for %d intervals", c->count);
    nn_status status = nn_bootstrap(c->in->query_patient, c->in->queries, DRAWS, BOOTSTRAP_SEED, effects, c,
                                    c->count, intervals, err);
    if (status == NN_OK)
        status = nn_cluster_kinds(c->truth, c->in->query_patient, c->in->queries, patients, err);
    for (int k = 0; k < c->count && status == NN_OK; k++) {
        struct tr_layer_nearness *to = c->into[k];
        to->effect = nn_roc_auc(&c->rocs[k], NULL);
        to->interval = nn_bootstrap_share(to->effect, intervals[k], nn_cluster_rarer(patients));
    }
    free(intervals);
    return status;
}

static nn_status compare_all(struct tr_nearness *r, struct comparing *c, double *values, double *scratch,
                             struct nn_error *err)
{
    const struct tr_nearness_input *in = c->in;
    nn_status status = NN_OK;
    for (int l = 0; l < in->layers && status == NN_OK; l++) {
        struct tr_nearest *nearest = r->nearest + (size_t)l * (size_t)in->queries;
        for (int q = 0; q < in->queries; q++) {
            nearest[q] = nearest_in(row(in, l, q, TR_AS_IT_IS), in->trainings);
            values[q] = nearest[q].distance;
        }
        status = compare(c, values, scratch, &r->layers[l], err);
    }
    if (status != NN_OK) return status;
    for (int q = 0; q < in->queries; q++) r->copy[q] = score_copy(in, r->layers, q, scratch);
    status = flag(r, in, scratch, c->hit, err);
    for (int q = 0; q < in->queries; q++) values[q] = r->copy[q].distance;
    if (status == NN_OK) status = compare(c, values, scratch, &r->all, err);
    for (int q = 0; q < in->queries; q++) values[q] = r->copy[q].ratio;
    if (status == NN_OK) status = compare(c, values, scratch, &r->ratios, err);
    return status == NN_OK ? find_effects(c, err) : status;
}

nn_status tr_nearness(struct tr_nearness *result, const struct tr_nearness_input *in, struct nn_error *err)
{
    size_t queries = (size_t)in->queries, layers = (size_t)in->layers;
    *result = (struct tr_nearness){0};
    if (in->held_out < 1 || in->queries <= in->held_out || in->trainings < 2 || in->layers < 1)
        return nn_fail(err, NN_ERR_ARGUMENT, "nearness of %d samples and %d held-out to %d training images",
                       in->queries - in->held_out, in->held_out, in->trainings);
    struct comparing c = {.in = in,
                          .truth = calloc(queries, 1),
                          .hit = calloc(queries, 1),
                          .rocs = calloc(layers + 2, sizeof *c.rocs),
                          .into = calloc(layers + 2, sizeof(struct tr_layer_nearness *))};
    double *values = malloc(queries * sizeof *values);
    double *scratch = malloc(2 * (queries + (size_t)in->trainings) * sizeof *scratch);
    result->nearest = malloc(layers * queries * sizeof *result->nearest);
    result->copy = malloc(queries * sizeof *result->copy);
    result->layers = malloc(layers * sizeof *result->layers);
    nn_status status = NN_ERR_MEMORY;
    if (c.truth && c.hit && c.rocs && c.into && values && scratch && result->nearest && result->copy &&
        result->layers) {
        memset(c.truth + in->queries - in->held_out, 1, (size_t)in->held_out);
        status = compare_all(result, &c, values, scratch, err);
    } else {
        nn_fail(err, status, "out of memory for the distances of %d images", in->queries);
    }
    for (int k = 0; k < c.count; k++) nn_roc_release(&c.rocs[k]);
    free(c.into);
    free(c.rocs);
    free(c.hit);
    free(c.truth);
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
