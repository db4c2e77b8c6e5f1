#include "trainer/classify/classify_training.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/file.h"
#include "engine/rng.h"
#include "engine/roc.h"
#include "trainer/classify/classify_device.h"
#include "trainer/classify/classify_state.h"
#include "trainer/train/augment.h"

enum { STREAM_ORDER = 0x7c10, STREAM_DROPOUT, SCORED_AT_ONCE = 32, FAST_SIDE = 128, BF16_SIDE = 96 };

static const float MOMENTUM = 0.1f; /* of the running moments */
static const double AUGMENT_P = 0.3;

#define PRETRAINED_LIMIT ((size_t)4 << 30)

struct training {
    const struct tr_cases *train, *validation;
    const struct tr_classify_settings *settings;
    struct tr_classifier *net; /* borrowed */
    struct tr_classify_device d;
    void *m, *v, *zeros;            /* device memory */
    struct tr_classify_state state; /* as after the last epoch, but for what is on the device */
    int epoch_steps, epoch_images;
    float weight[2]; /* of a case without and one with the finding */
    int *order;      /* of the cases in the pass over them that is under way */
    int64_t pass;    /* -1: none */
    int *indices;    /* of a minibatch */
    float *logits, *slopes, *scratch;
    double loss_sum; /* of the epoch */
    tr_classify_show *show;
    void *context;
};

/* ---- settings ----------------------------------------------------------------------------------------- */

struct tr_classify_settings tr_classify_defaults(enum tr_architecture architecture, bool pretrained)
{
    return (struct tr_classify_settings){.architecture = architecture,
                                         .minibatch = 32,
                                         .epochs = 10,
                                         .steps_least = 16,
                                         .patience = 5,
                                         .step_size = pretrained || architecture == TR_VGG16 ? 1e-4f : 1e-3f,
                                         .weight_decay = 0.01f,
                                         .seed = 1};
}

int tr_classify_usual_side(enum tr_architecture architecture, int own)
{
    if (architecture != TR_RESNET18) return tr_architecture_side(architecture);
    return own < FAST_SIDE ? own : FAST_SIDE;
}

nn_status tr_classify_open_device(struct nn_device *device, const char *name, int side, struct nn_error *err)
{
    nn_status status = nn_device_open(device, name, NN_PRECISION_BEST, err);
    if (status != NN_OK || side >= BF16_SIDE || strcmp(device->backend->name, "cpu") != 0) return status;
    device->backend->close(device->backend);
    return nn_device_open(device, "cpu", NN_PRECISION_F32, err);
}

static nn_status check_settings(const struct tr_classify_settings *s, struct nn_error *err)
{
    if (s->minibatch < 1 || s->minibatch > 4096 || s->epochs < 1 || s->epochs > TR_CLASSIFY_EPOCHS_MAX ||
        s->steps_least < 1 || s->steps_least > 1000000 || s->patience < 0)
        return nn_fail(err, NN_ERR_ARGUMENT, "a training of %d epochs of at least %d steps of %d images",
                       s->epochs, s->steps_least, s->minibatch);
    if (!(s->step_size > 0 && s->step_size <= 1 && s->weight_decay >= 0 && s->weight_decay <= 1))
        return nn_fail(err, NN_ERR_ARGUMENT, "a step of %g and a weight decay of %g", (double)s->step_size,
                       (double)s->weight_decay);
    return NN_OK;
}

static nn_status check_kinds(const struct tr_cases *c, const char *what, struct nn_error *err)
{
    int positive = tr_cases_positive(c);
    if (positive > 0 && positive < c->count) return NN_OK;
    return nn_fail(err, NN_ERR_ARGUMENT, "%s: of %d images for %s %s %s", c->source, c->count, what,
                   positive ? "all show" : "none shows", c->finding);
}

nn_status tr_classify_settings_hash(const struct tr_classify_settings *s, struct nn_sha256 *hash,
                                    struct nn_error *err)
{
    char text[256];
    int length =
        snprintf(text, sizeof text, "%s %d %d %d %d %.9g %.9g %d %llu",
                 tr_architecture_words[s->architecture], s->minibatch, s->epochs, s->steps_least, s->patience,
                 (double)s->step_size, (double)s->weight_decay, s->augment, (unsigned long long)s->seed);
    nn_sha256_add(hash, text, (size_t)length);
    if (!s->pretrained) return NN_OK;
    uint8_t *bytes;
    size_t size;
    nn_status status = nn_file_read(s->pretrained, PRETRAINED_LIMIT, &bytes, &size, err);
    if (status == NN_OK) nn_sha256_add(hash, bytes, size);
    if (status == NN_OK) free(bytes);
    return status;
}

static void hash_cases(const struct tr_cases *c, struct nn_sha256 *hash)
{
    int facts[2] = {c ? c->side : 0, c ? c->count : 0};
    nn_sha256_add(hash, facts, sizeof facts);
    if (!c) return;
    nn_sha256_add(hash, c->truth, (size_t)c->count);
    nn_sha256_add(hash, c->pixels, (size_t)c->count * (size_t)c->side * (size_t)c->side);
}

nn_status tr_classify_training_key(const struct tr_cases *train, const struct tr_cases *validation,
                                   const struct tr_classify_settings *settings,
                                   const struct nn_device *device, char key[65], struct nn_error *err)
{
    struct nn_sha256 hash;
    nn_sha256_init(&hash);
    nn_sha256_add(&hash, device->name, strlen(device->name) + 1);
    hash_cases(train, &hash);
    hash_cases(validation, &hash);
    nn_status status = tr_classify_settings_hash(settings, &hash, err);
    nn_sha256_finish(&hash, key);
    return status;
}

/* ---- life --------------------------------------------------------------------------------------------- */

void tr_trained_release(struct tr_trained *trained)
{
    tr_classifier_release(&trained->net);
    free(trained->values);
    free(trained->moments);
    *trained = (struct tr_trained){0};
}

static void training_close(struct training *t)
{
    struct nn_backend *be = t->d.be;
    if (t->m) be->free(be, t->m);
    if (t->v) be->free(be, t->v);
    if (t->zeros) be->free(be, t->zeros);
    tr_classify_device_close(&t->d);
    tr_classify_state_release(&t->state);
    free(t->order);
    free(t->indices);
    free(t->logits);
    free(t->slopes);
    free(t->scratch);
}

static void plan_epochs(struct training *t)
{
    const struct tr_classify_settings *s = t->settings;
    int64_t least = (int64_t)s->steps_least * s->minibatch, images = t->train->count;
    t->epoch_images = (int)(images < least ? least : images);
    t->epoch_steps = (t->epoch_images + s->minibatch - 1) / s->minibatch;
    double positive = tr_cases_positive(t->train), all = t->train->count;
    t->weight[0] = (float)(all / (2 * (all - positive)));
    t->weight[1] = (float)(all / (2 * positive));
}

static nn_status allocate(struct training *t, struct nn_error *err)
{
    size_t n = (size_t)t->settings->minibatch, bytes = t->net->value_count * sizeof(float);
    struct nn_backend *be = t->d.be;
    t->m = be->alloc(be, bytes);
    t->v = be->alloc(be, bytes);
    t->zeros = be->alloc(be, bytes);
    t->order = malloc((size_t)t->train->count * sizeof *t->order);
    t->indices = malloc(n * sizeof *t->indices);
    t->logits = malloc(n * sizeof *t->logits);
    t->slopes = malloc(n * sizeof *t->slopes);
    t->scratch = malloc(8 * n * sizeof *t->scratch); /* what tr_augment_images wants */
    if (!t->m || !t->v || !t->zeros || !t->order || !t->indices || !t->logits || !t->slopes || !t->scratch)
        return nn_fail(err, NN_ERR_MEMORY, "out of memory to train %s",
                       tr_architecture_words[t->settings->architecture]);
    t->pass = -1;
    return be->upload(be, t->zeros, t->state.adam_m, bytes, err); /* which is still zeros */
}

/* The first weights, or those of the file. */
static nn_status first_weights(struct training *t, struct nn_error *err)
{
    const struct tr_classify_settings *s = t->settings;
    tr_classifier_init_values(t->net, s->seed, t->state.values, t->state.moments);
    return s->pretrained
               ? tr_classifier_load(t->net, s->pretrained, true, t->state.values, t->state.moments, err)
               : NN_OK;
}

static nn_status training_open(struct training *t, const struct nn_device *device, const char *state_path,
                               struct nn_error *err)
{
    bool found = false;
    int room = t->settings->minibatch > SCORED_AT_ONCE ? t->settings->minibatch : SCORED_AT_ONCE;
    nn_status status = tr_classify_state_init(&t->state, t->net, err);
    if (status == NN_OK) status = first_weights(t, err);
    if (status == NN_OK)
        status = tr_classify_device_open(&t->d, t->net, device->backend, t->state.values, t->state.moments,
                                         room, err);
    if (status == NN_OK) status = allocate(t, err);
    if (status == NN_OK && state_path)
        status = tr_classify_training_key(t->train, t->validation, t->settings, device, t->state.key, err);
    if (status == NN_OK && state_path) status = tr_classify_state_read(&t->state, state_path, &found, err);
    struct nn_backend *be = device->backend;
    size_t bytes = t->net->value_count * sizeof(float);
    if (status == NN_OK) status = be->upload(be, t->d.values, t->state.values, bytes, err);
    if (status == NN_OK) status = be->upload(be, t->m, t->state.adam_m, bytes, err);
    if (status == NN_OK) status = be->upload(be, t->v, t->state.adam_v, bytes, err);
    if (status == NN_OK) memcpy(t->d.moments, t->state.moments, t->net->moment_count * sizeof *t->d.moments);
    return status;
}

/* ---- steps -------------------------------------------------------------------------------------------- */

/* The case at `position` of the sequence in which all are shown: a new order each time they have all been. */
static int case_at(struct training *t, int64_t position)
{
    int64_t count = t->train->count, pass = position / count;
    if (pass != t->pass) {
        struct nn_rng rng = {.seed = t->settings->seed, .stream = STREAM_ORDER + ((uint64_t)pass << 16)};
        for (int i = 0; i < (int)count; i++) t->order[i] = i;
        nn_rng_shuffle(&rng, t->order, (int)count);
        t->pass = pass;
    }
    return t->order[position % count];
}

/* Rises over the first epoch, then falls as a cosine. `step` from 0. */
static float step_size(const struct training *t, int64_t step)
{
    double warm = t->epoch_steps, all = warm * t->settings->epochs, at = (double)step + 1;
    double share = at <= warm ? at / warm : 0.5 * (1 + cos(acos(-1) * (at - warm) / (all - warm + 1)));
    return t->settings->step_size * (float)share;
}

/* The weighted cross-entropy of n cases, and in t->slopes its derivative by each logit. */
static double loss_of(struct training *t, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++) {
        int truth = t->train->truth[t->indices[i]];
        double z = (double)t->logits[i], sign = truth ? -1 : 1, weight = (double)t->weight[truth];
        sum += weight * (fmax(0, sign * z) + log1p(exp(-fabs(z))));
        t->slopes[i] = (float)(weight * (1 / (1 + exp(-z)) - truth) / n);
    }
    return sum;
}

static nn_status descend(struct training *t, int64_t step, struct nn_error *err)
{
    struct nn_backend *be = t->d.be;
    const struct nn_adam adam = {
        .lr = step_size(t, step), .beta1 = 0.9f, .beta2 = 0.999f, .epsilon = 1e-8f, .step = step + 1};
    float kept = 1 - adam.lr * t->settings->weight_decay;
    nn_status status = NN_OK;
    for (int k = 0; k < t->net->entry_count && status == NN_OK; k++) {
        const struct tr_entry *e = &t->net->entries[k];
        const struct nn_tensor *g = nn_value(t->d.t, t->d.gradients[k]);
        size_t at = e->offset * sizeof(float), count = nn_count(e->shape);
        if (tr_entry_is_running(e) || !g) continue;
        char *w = (char *)t->d.values + at;
        bool decays = (e->role == TR_CONV_WEIGHT || e->role == TR_DENSE_WEIGHT) && kept < 1;
        if (decays) status = be->ema(be, kept, count, w, t->zeros, err);
        if (status == NN_OK)
            status = be->adam(be, &adam, count, w, g->data, (char *)t->m + at, (char *)t->v + at, err);
    }
    return status;
}

static nn_status train_step(struct training *t, int64_t step, int64_t first, int n, struct nn_error *err)
{
    struct tr_classify_device *d = &t->d;
    for (int i = 0; i < n; i++) t->indices[i] = case_at(t, first + i);
    tr_classify_device_begin(d);
    nn_id grey = tr_classify_device_grey(d, t->train, t->indices, n);
    const struct tr_augment_draw draw = {
        .seed = t->settings->seed, .first = (uint64_t)first, .p = AUGMENT_P, .mirror = true};
    if (t->settings->augment) grey = tr_augment_images(d->t, grey, &draw, t->scratch);
    uint64_t dropout = t->settings->seed ^ ((uint64_t)STREAM_DROPOUT << 48) ^ ((uint64_t)step << 24);
    nn_id y = tr_classify_device_logits(d, grey, true, dropout);
    nn_status status = nn_tape_status(d->t, err);
    if (status == NN_OK) status = nn_read(d->t, y, t->logits, err);
    if (status == NN_OK)
        status = tr_classifier_update_moments(d->t, t->net, d->uses, MOMENTUM, d->moments, err);
    if (status != NN_OK) return status;
    double loss = loss_of(t, n);
    if (!isfinite(loss))
        return nn_fail(err, NN_ERR_NUMERIC, "the loss is no longer a finite number; a smaller step may help");
    t->loss_sum += loss;
    nn_id slopes = nn_from_host(d->t, t->slopes, nn_shape(n, 1, 1, 1));
    nn_gradient_last(d->t, y, slopes, d->leaves, t->net->entry_count, d->gradients);
    status = nn_tape_status(d->t, err);
    return status == NN_OK ? descend(t, step, err) : status;
}

/* ---- epochs ------------------------------------------------------------------------------------------- */

static bool shown(const struct training *t, struct tr_classify_progress *p)
{
    p->epochs = t->settings->epochs;
    p->steps = p->epochs * t->epoch_steps;
    return !t->show || t->show(t->context, p);
}

static nn_status validate(struct training *t, double *auc, struct nn_error *err)
{
    struct nn_roc roc;
    *auc = NAN;
    if (!t->validation) return NN_OK;
    double *logits = malloc((size_t)t->validation->count * sizeof *logits);
    if (!logits) return nn_fail(err, NN_ERR_MEMORY, "out of memory for scores");
    nn_status status = tr_classify_device_score(&t->d, t->validation, logits, NULL, NULL, err);
    if (status == NN_OK) status = nn_roc_init(&roc, t->validation->truth, logits, t->validation->count, err);
    if (status == NN_OK) *auc = nn_roc_auc(&roc, NULL);
    if (status == NN_OK) nn_roc_release(&roc);
    free(logits);
    return status;
}

static nn_status train_epoch(struct training *t, struct nn_error *err)
{
    int epoch = t->state.epochs;
    t->loss_sum = 0;
    for (int k = 0; k < t->epoch_steps; k++) {
        int64_t before = (int64_t)t->epoch_images * k / t->epoch_steps;
        int64_t after = (int64_t)t->epoch_images * (k + 1) / t->epoch_steps;
        int64_t step = (int64_t)epoch * t->epoch_steps + k;
        nn_status status =
            train_step(t, step, (int64_t)epoch * t->epoch_images + before, (int)(after - before), err);
        if (status != NN_OK) return status;
        struct tr_classify_progress p = {
            .epoch = epoch + 1, .step = (int)step + 1, .loss = t->loss_sum / (double)after, .auc = NAN};
        if (!shown(t, &p)) return nn_fail(err, NN_STOPPED, "stopped");
    }
    return NN_OK;
}

/* Takes the weights off the device, as the best ones where they are. */
static nn_status keep_epoch(struct training *t, double auc, bool *best, struct nn_error *err)
{
    struct tr_classify_state *s = &t->state;
    struct nn_backend *be = t->d.be;
    size_t bytes = t->net->value_count * sizeof(float), moment_bytes = t->net->moment_count * sizeof(float);
    nn_status status = be->download(be, s->values, t->d.values, bytes, err);
    if (status == NN_OK) status = be->download(be, s->adam_m, t->m, bytes, err);
    if (status == NN_OK) status = be->download(be, s->adam_v, t->v, bytes, err);
    if (status != NN_OK) return status;
    memcpy(s->moments, t->d.moments, moment_bytes);
    s->history[s->epochs++] = (struct tr_classify_epoch){t->loss_sum / t->epoch_images, auc};
    *best = !t->validation || s->best_epoch == 0 || auc > s->best_auc;
    if (!*best) return NN_OK;
    s->best_epoch = s->epochs;
    s->best_auc = auc;
    memcpy(s->best_values, s->values, bytes);
    memcpy(s->best_moments, s->moments, moment_bytes);
    return NN_OK;
}

static bool is_over(const struct training *t)
{
    const struct tr_classify_state *s = &t->state;
    int patience = t->settings->patience;
    return s->epochs >= t->settings->epochs ||
           (t->validation && patience && s->epochs - s->best_epoch >= patience);
}

static nn_status train_all(struct training *t, const char *state_path, struct nn_error *err)
{
    nn_status status = NN_OK;
    while (status == NN_OK && !is_over(t)) {
        double auc;
        struct tr_classify_progress p = {.epoch_done = true};
        status = train_epoch(t, err);
        if (status == NN_OK) status = validate(t, &auc, err);
        if (status == NN_OK) status = keep_epoch(t, auc, &p.best, err);
        if (status == NN_OK && state_path) status = tr_classify_state_write(&t->state, state_path, err);
        if (status != NN_OK) break;
        p.epoch = t->state.epochs;
        p.step = p.epoch * t->epoch_steps;
        p.loss = t->loss_sum / t->epoch_images;
        p.auc = auc;
        if (!shown(t, &p)) status = nn_fail(err, NN_STOPPED, "stopped");
    }
    return status;
}

static void give(struct training *t, struct tr_trained *trained)
{
    struct tr_classify_state *s = &t->state;
    trained->values = s->best_values;
    trained->moments = s->best_moments;
    s->best_values = s->best_moments = NULL;
    trained->epoch = s->best_epoch;
    trained->auc = s->best_auc;
    trained->seed = t->settings->seed;
    strcpy(trained->finding, t->train->finding);
    strcpy(trained->source, t->train->source);
    strcpy(trained->sha256, t->train->sha256);
    trained->images = t->train->count;
    trained->epochs = s->epochs;
    memcpy(trained->history, s->history, sizeof s->history);
}

nn_status tr_classify_train(struct tr_trained *trained, const struct tr_cases *train,
                            const struct tr_cases *validation, const struct tr_classify_settings *settings,
                            const struct nn_device *device, const char *state_path, tr_classify_show *show,
                            void *context, struct nn_error *err)
{
    struct training t = {.train = train,
                         .validation = validation,
                         .settings = settings,
                         .net = &trained->net,
                         .show = show,
                         .context = context};
    *trained = (struct tr_trained){0};
    nn_status status = check_settings(settings, err);
    if (status == NN_OK) status = check_kinds(train, "training", err);
    if (status == NN_OK && validation) status = check_kinds(validation, "validation", err);
    if (status != NN_OK) return status;
    if (validation && validation->side != train->side)
        return nn_fail(err, NN_ERR_ARGUMENT, "images for validation have side %d, those for training %d",
                       validation->side, train->side);
    status = tr_classifier_init(&trained->net, settings->architecture, train->side, 1, err);
    if (status != NN_OK) return status;
    plan_epochs(&t);
    status = training_open(&t, device, state_path, err);
    if (status == NN_OK) status = train_all(&t, state_path, err);
    if (status == NN_OK) give(&t, trained);
    training_close(&t);
    if (status != NN_OK) tr_trained_release(trained);
    return status;
}

/* ---- scores ------------------------------------------------------------------------------------------- */

nn_status tr_classify_score(const struct tr_trained *trained, const struct tr_cases *cases,
                            const struct nn_device *device, double *scores, tr_cases_progress *progress,
                            void *context, struct nn_error *err)
{
    struct tr_classify_device d = {0};
    if (cases->side != trained->net.side)
        return nn_fail(err, NN_ERR_ARGUMENT, "images of side %d for a network of side %d", cases->side,
                       trained->net.side);
    nn_status status = tr_classify_device_open(&d, &trained->net, device->backend, trained->values,
                                               trained->moments, SCORED_AT_ONCE, err);
    if (status == NN_OK) status = tr_classify_device_score(&d, cases, scores, progress, context, err);
    for (int i = 0; i < cases->count && status == NN_OK; i++) {
        if (isnan(scores[i]))
            status = nn_fail(err, NN_ERR_NUMERIC, "the network of %s gives no number for image %d of %s",
                             trained->finding, i + 1, cases->source);
        scores[i] = 1 / (1 + exp(-scores[i]));
    }
    tr_classify_device_close(&d);
    return status;
}
