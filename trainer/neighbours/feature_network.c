#include "trainer/neighbours/feature_network.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "trainer/classify/trained_file.h"
#include "trainer/data/image_split.h"
#include "trainer/interrupt.h"
#include "trainer/neighbours/layer_distances.h"
#include "trainer/progress.h"

static const double VALIDATION_SHARE = 0.15;

/* ---- weights ------------------------------------------------------------------------------------------ */

nn_status tr_feature_network_hash(const struct tr_feature_choice *choice, const struct tr_cases *train,
                                  char hex[65], struct nn_error *err)
{
    struct nn_sha256 hash;
    char text[300];
    nn_sha256_init(&hash);
    nn_status status = tr_classify_settings_hash(&choice->training, &hash, err);
    if (status != NN_OK) return status;
    bool own = choice->training.pretrained == NULL;
    int length =
        snprintf(text, sizeof text, " features %d %d %s %s %s", choice->side, own ? choice->images : -1,
                 own ? train->finding : "", own ? train->sha256 : "", own ? choice->device->name : "");
    nn_sha256_add(&hash, text, (size_t)length);
    nn_sha256_finish(&hash, hex);
    return NN_OK;
}

static bool show(void *context, const struct tr_classify_progress *p)
{
    tr_progress_show(context, p->step, p->steps);
    if (p->epoch_done)
        printf("epoch %d: loss %.3f, AUC %.3f on the validation part%s\n", p->epoch, p->loss, p->auc,
               p->best ? ", the best so far" : "");
    fflush(stdout);
    return !tr_interrupted();
}

/* The first of a random order. */
static nn_status choose_images(const struct tr_cases *train, int wanted, uint64_t seed, struct tr_cases *some,
                               struct nn_error *err)
{
    int *order = malloc((size_t)train->count * sizeof *order);
    if (!order) return nn_fail(err, NN_ERR_MEMORY, "out of memory for %d images", train->count);
    tr_image_split(seed, train->count, order);
    int count = wanted && wanted < train->count ? wanted : train->count;
    nn_status status = tr_cases_select(some, train, order, count, err);
    free(order);
    return status;
}

static nn_status train_weights(struct tr_feature_network *n, const struct tr_feature_choice *choice,
                               const struct tr_cases *train, const char *hash, const char *path,
                               struct nn_error *err)
{
    char state[PATH_MAX + 8];
    struct tr_cases some = {0}, validation = {0};
    struct tr_trained *trained = calloc(1, sizeof *trained); /* its history is long */
    struct tr_progress progress;
    const char *word = tr_architecture_words[choice->training.architecture];
    if (!trained) return nn_fail(err, NN_ERR_MEMORY, "out of memory for %s", word);
    snprintf(state, sizeof state, "%s.state", path);
    nn_status status = choose_images(train, choice->images, choice->training.seed, &some, err);
    if (status == NN_OK)
        status = tr_cases_split(&some, VALIDATION_SHARE, choice->training.seed, &validation, err);
    if (status != NN_OK) goto out;
    printf("training %s at %d pixels on %d real images, at most %d epochs (--weights takes another's)\n",
           word, choice->side, some.count, choice->training.epochs);
    tr_progress_start(&progress, "steps");
    status = tr_classify_train(trained, &some, &validation, &choice->training, n->device, state, show,
                               &progress, err);
    if (status == NN_OK) status = tr_trained_save(trained, hash, path, err);
    if (status == NN_OK) unlink(state);
out:
    tr_trained_release(trained);
    free(trained);
    tr_cases_release(&validation);
    tr_cases_release(&some);
    return status;
}

static nn_status load_weights(struct tr_feature_network *n, const struct tr_feature_choice *choice,
                              const struct tr_cases *train, const char *hash, struct nn_error *err)
{
    char own[PATH_MAX];
    const char *path = choice->training.pretrained, *word = tr_architecture_words[n->net.architecture];
    nn_status status = NN_OK;
    n->auc = NAN;
    if (!path) {
        path = own;
        snprintf(own, sizeof own, "%s/%s-%.12s.safetensors", choice->folder, word, hash);
        if (access(own, F_OK) != 0) status = train_weights(n, choice, train, hash, own, err);
        if (status == NN_OK) status = tr_trained_auc(own, &n->auc, err);
    }
    if (status != NN_OK) return status;
    n->values = calloc(n->net.value_count, sizeof *n->values); /* the head, which is not used, stays 0 */
    n->moments = calloc(n->net.moment_count + 1, sizeof *n->moments);
    if (!n->values || !n->moments) return nn_fail(err, NN_ERR_MEMORY, "%s: out of memory", path);
    return tr_classifier_load(&n->net, path, true, n->values, n->moments, err);
}

/* ---- features ----------------------------------------------------------------------------------------- */

static nn_status list_layers(struct tr_feature_network *n, struct nn_error *err)
{
    for (int k = 0; k < n->net.entry_count; k++) {
        const struct tr_entry *e = &n->net.entries[k];
        if (e->role != TR_CONV_WEIGHT) continue;
        if (n->layer_count == TR_FEATURE_LAYERS_MAX)
            return nn_fail(err, NN_ERR_ARGUMENT, "a network of more than %d convolutions",
                           TR_FEATURE_LAYERS_MAX);
        struct tr_feature_layer *layer = &n->layers[n->layer_count++];
        snprintf(layer->name, sizeof layer->name, "%.*s", (int)(strlen(e->name) - strlen(".weight")),
                 e->name);
    }
    return NN_OK;
}

static nn_status pass(struct tr_feature_network *n, const struct tr_cases *cases, int first, int count,
                      struct nn_error *err)
{
    int indices[TR_FEATURE_BATCH];
    for (int i = 0; i < count; i++) indices[i] = first + i;
    tr_classify_device_begin(&n->run);
    tr_classify_device_logits(&n->run, tr_classify_device_grey(&n->run, cases, indices, count), false, 0);
    return nn_tape_status(n->run.t, err);
}

/* One black image tells the shapes. */
static nn_status find_shapes(struct tr_feature_network *n, struct nn_error *err)
{
    struct tr_cases black = {.side = n->net.side, .count = 1};
    black.pixels = calloc((size_t)black.side * (size_t)black.side, 1);
    if (!black.pixels) return nn_fail(err, NN_ERR_MEMORY, "out of memory for an image");
    nn_status status = pass(n, &black, 0, 1, err);
    free(black.pixels);
    for (int l = 0; l < n->layer_count && status == NN_OK; l++) {
        n->layers[l].shape = nn_value(n->run.t, n->ids[l])->shape;
        n->values_per_image += nn_count(n->layers[l].shape);
    }
    if (status == NN_OK) n->width = (int)nn_count(nn_value(n->run.t, n->last)->shape);
    return status;
}

nn_status tr_feature_network_open(struct tr_feature_network *n, const struct tr_feature_choice *choice,
                                  const struct tr_cases *train, const char *hash, struct nn_error *err)
{
    *n = (struct tr_feature_network){.device = choice->device};
    nn_status status = tr_classifier_init(&n->net, choice->training.architecture, choice->side, 1, err);
    if (status == NN_OK) status = list_layers(n, err);
    if (status == NN_OK) status = load_weights(n, choice, train, hash, err);
    if (status == NN_OK)
        status = tr_classify_device_open(&n->run, &n->net, n->device->backend, n->values, n->moments,
                                         TR_FEATURE_BATCH, err);
    if (status == NN_OK) {
        n->run.convolutions = n->ids;
        n->run.features = &n->last;
        status = find_shapes(n, err);
    }
    if (status != NN_OK) tr_feature_network_close(n);
    return status;
}

void tr_feature_network_close(struct tr_feature_network *n)
{
    tr_classify_device_close(&n->run);
    free(n->values);
    free(n->moments);
    tr_classifier_release(&n->net);
    *n = (struct tr_feature_network){0};
}

/* Reads `id` as bf16. */
static nn_status read_narrow(const struct tr_feature_network *n, nn_id id, uint16_t *to, struct nn_error *err)
{
    const struct nn_tensor *value = nn_value(n->run.t, id);
    if (value->type == NN_BF16) return nn_read(n->run.t, id, to, err);
    size_t count = nn_count(value->shape);
    float *wide = malloc(count * sizeof *wide);
    nn_status status = wide ? nn_read(n->run.t, id, wide, err)
                            : nn_fail(err, NN_ERR_MEMORY, "out of memory for feature maps");
    if (status == NN_OK) tr_to_bf16(wide, count, to);
    free(wide);
    return status;
}

nn_status tr_feature_maps(struct tr_feature_network *n, const struct tr_cases *cases, int first, int count,
                          uint16_t *const *maps, size_t at, struct nn_error *err)
{
    nn_status status = pass(n, cases, first, count, err);
    for (int l = 0; l < n->layer_count && status == NN_OK; l++)
        status = read_narrow(n, n->ids[l], maps[l] + at * nn_count(n->layers[l].shape), err);
    return status;
}

nn_status tr_feature_last(struct tr_feature_network *n, const struct tr_cases *cases, int first, int count,
                          float *out, struct nn_error *err)
{
    nn_status status = pass(n, cases, first, count, err);
    if (status != NN_OK) return status;
    nn_id wide = nn_cast(n->run.t, n->last, n->device->backend->real_type);
    status = nn_tape_status(n->run.t, err);
    return status == NN_OK ? nn_read(n->run.t, wide, out, err) : status;
}
