#include "trainer/classify/trained_file.h"

#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/gan.h"

static const char FORMAT[] = "roentgym-classifier";

nn_status tr_trained_save(const struct tr_trained *trained, const char *training, const char *path,
                          struct nn_error *err)
{
    char side[16], seed[24], auc[32] = "", epoch[16], images[16];
    snprintf(side, sizeof side, "%d", trained->net.side);
    snprintf(seed, sizeof seed, "%" PRIu64, trained->seed);
    snprintf(epoch, sizeof epoch, "%d", trained->epoch);
    snprintf(images, sizeof images, "%d", trained->images);
    if (isfinite(trained->auc)) snprintf(auc, sizeof auc, "%.17g", trained->auc);
    const struct nn_st_text texts[] = {
        {"format", FORMAT},
        {"side", side},
        {"finding", trained->finding},
        {"data", trained->source},
        {"data_sha256", trained->sha256},
        {"images", images},
        {"seed", seed},
        {"validation_auc", auc},
        {"epoch", epoch},
        {"training", training},
    };
    return tr_classifier_save(&trained->net, path, trained->values, trained->moments, texts,
                              (int)(sizeof texts / sizeof *texts), err);
}

/* ---- loading ------------------------------------------------------------------------------------------ */

static nn_status text_of(const struct nn_st_file *file, const char *path, const char *key, size_t size,
                         const char **text, struct nn_error *err)
{
    *text = nn_st_metadata(file, key);
    if (*text && strlen(*text) < size) return NN_OK;
    return nn_fail(err, NN_ERR_FORMAT, "%s: the metadata have no '%s'; is it of roentgym classify train?",
                   path, key);
}

static nn_status copy_text(const struct nn_st_file *file, const char *path, const char *key, size_t size,
                           char *to, struct nn_error *err)
{
    const char *text;
    nn_status status = text_of(file, path, key, size, &text, err);
    if (status == NN_OK) strcpy(to, text);
    return status;
}

static nn_status number_of(const struct nn_st_file *file, const char *path, const char *key, double least,
                           double most, double *number, struct nn_error *err)
{
    const char *text;
    char *end;
    nn_status status = text_of(file, path, key, 64, &text, err);
    if (status != NN_OK) return status;
    *number = strtod(text, &end);
    if (end > text && !*end && *number >= least && *number <= most) return NN_OK;
    return nn_fail(err, NN_ERR_FORMAT, "%s: metadata '%s' is '%.40s'", path, key, text);
}

static nn_status check_format(const struct nn_st_file *file, const char *path, struct nn_error *err)
{
    const char *format = nn_st_metadata(file, "format");
    if (format && !strcmp(format, FORMAT)) return NN_OK;
    return nn_fail(err, NN_ERR_FORMAT, "%s: is no classifier of roentgym classify train", path);
}

static nn_status architecture_of(const struct nn_st_file *file, const char *path,
                                 enum tr_architecture *architecture, struct nn_error *err)
{
    const char *word;
    nn_status status = text_of(file, path, "architecture", 64, &word, err);
    if (status != NN_OK) return status;
    int found = nn_word_index(tr_architecture_words, word);
    if (found < 0) return nn_fail(err, NN_ERR_FORMAT, "%s: of an unknown architecture, '%s'", path, word);
    *architecture = (enum tr_architecture)found;
    return NN_OK;
}

static nn_status auc_of(const struct nn_st_file *file, const char *path, double *auc, struct nn_error *err)
{
    const char *text;
    nn_status status = text_of(file, path, "validation_auc", 64, &text, err);
    if (status == NN_OK) *auc = *text ? strtod(text, NULL) : NAN;
    return status;
}

static nn_status take_metadata(struct tr_trained *t, const struct nn_st_file *file, const char *path,
                               struct nn_error *err)
{
    double side = 0, epoch = 0, images = 0;
    enum tr_architecture architecture = TR_RESNET18;
    const char *seed;
    nn_status status = check_format(file, path, err);
    if (status == NN_OK) status = architecture_of(file, path, &architecture, err);
    if (status == NN_OK)
        status = number_of(file, path, "side", TR_CASES_SIDE_MIN, TR_CASES_SIDE_MAX, &side, err);
    if (status == NN_OK) status = number_of(file, path, "epoch", 1, TR_CLASSIFY_EPOCHS_MAX, &epoch, err);
    if (status == NN_OK) status = copy_text(file, path, "finding", sizeof t->finding, t->finding, err);
    if (status == NN_OK) status = copy_text(file, path, "data", sizeof t->source, t->source, err);
    if (status == NN_OK) status = copy_text(file, path, "data_sha256", sizeof t->sha256, t->sha256, err);
    if (status == NN_OK && nn_st_metadata(file, "images"))
        status = number_of(file, path, "images", 1, INT_MAX, &images, err);
    if (status == NN_OK) status = text_of(file, path, "seed", 24, &seed, err);
    if (status == NN_OK) status = auc_of(file, path, &t->auc, err);
    if (status != NN_OK) return status;
    t->epoch = (int)epoch;
    t->images = (int)images;
    t->seed = strtoull(seed, NULL, 10);
    return tr_classifier_init(&t->net, architecture, (int)side, 1, err);
}

nn_status tr_trained_load(struct tr_trained *trained, const char *path, struct nn_error *err)
{
    struct nn_st_file *file;
    *trained = (struct tr_trained){0};
    nn_status status = nn_st_open_header(&file, path, err);
    if (status != NN_OK) return status;
    status = take_metadata(trained, file, path, err);
    nn_st_close(file);
    if (status == NN_OK) {
        trained->values = malloc(trained->net.value_count * sizeof *trained->values);
        trained->moments = malloc((trained->net.moment_count + 1) * sizeof *trained->moments);
        status = trained->values && trained->moments
                     ? tr_classifier_load(&trained->net, path, false, trained->values, trained->moments, err)
                     : nn_fail(err, NN_ERR_MEMORY, "%s: out of memory for its weights", path);
    }
    if (status != NN_OK) tr_trained_release(trained);
    return status;
}

nn_status tr_trained_is_of(const char *path, const char *training, bool *is, struct nn_error *err)
{
    struct nn_st_file *file;
    nn_status status = nn_st_open_header(&file, path, err);
    if (status != NN_OK) return status;
    status = check_format(file, path, err);
    const char *own = status == NN_OK ? nn_st_metadata(file, "training") : NULL;
    *is = own && !strcmp(own, training);
    nn_st_close(file);
    return status;
}

nn_status tr_trained_auc(const char *path, double *auc, struct nn_error *err)
{
    struct nn_st_file *file;
    nn_status status = nn_st_open_header(&file, path, err);
    if (status != NN_OK) return status;
    status = check_format(file, path, err);
    if (status == NN_OK) status = auc_of(file, path, auc, err);
    nn_st_close(file);
    return status;
}
