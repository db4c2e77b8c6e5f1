/* Cases that a generator draws. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trainer/classify/cases_build.h"

enum { DRAWN_AT_ONCE = 32 };

/* of[k]: the model's label that is class k of `like`; every class that occurs there must be one. */
static nn_status match_classes(const struct nn_model_info *info, const char *path,
                               const struct tr_cases *like, int of[NN_CLASSES_MAX], struct nn_error *err)
{
    uint64_t used = 0;
    bool any = false;
    for (int i = 0; i < like->count; i++) {
        used |= like->labels[i];
        any |= like->labels[i] == 0 || (like->labels[i] & (like->labels[i] - 1));
    }
    if (info->label_count == 0) return nn_fail(err, NN_ERR_ARGUMENT, "%s: makes images without labels", path);
    if (any && !info->multi_label)
        return nn_fail(err, NN_ERR_ARGUMENT, "%s: makes images of one class each, %s has several or none",
                       path, like->source);
    for (int k = 0; k < like->class_count; k++) {
        of[k] = 0;
        while (of[k] < info->label_count && strcmp(info->classes[of[k]], like->classes[k]) != 0) of[k]++;
        if (of[k] == info->label_count && (used >> k & 1))
            return nn_fail(err, NN_ERR_ARGUMENT, "%s: does not know %s, which %s has", path, like->classes[k],
                           like->source);
    }
    return NN_OK;
}

static nn_status draw_all(struct tr_cases *c, struct nn_model *model, const int of[NN_CLASSES_MAX],
                          tr_cases_progress *progress, void *context, struct nn_error *err)
{
    int own = nn_model_info(model)->resolution, from = tr_cases_source_side(own, c->side);
    size_t raw_size = (size_t)from * (size_t)from, size = (size_t)c->side * (size_t)c->side;
    uint8_t *raw = malloc(DRAWN_AT_ONCE * raw_size);
    nn_status status = raw ? NN_OK : nn_fail(err, NN_ERR_MEMORY, "out of memory for samples");
    for (int first = 0; first < c->count && status == NN_OK; first += DRAWN_AT_ONCE) {
        struct nn_sample_point points[DRAWN_AT_ONCE];
        int some = c->count - first < DRAWN_AT_ONCE ? c->count - first : DRAWN_AT_ONCE;
        for (int i = 0; i < some; i++) {
            points[i] = (struct nn_sample_point){.seed = c->seed[first + i], .truncation = 1};
            for (int k = 0; k < c->class_count; k++)
                if (c->labels[first + i] >> k & 1) points[i].labels[of[k]] = 1;
        }
        status = nn_model_draw(model, points, some, from, 8, raw, err);
        const struct nn_model_info *by = nn_model_info(model);
        if (status == NN_OK && strcmp(by->device, c->device) != 0)
            status = nn_fail(err, NN_ERR_DEVICE, "%s; the samples were begun on %s and are of one device",
                             by->device_note, c->device);
        for (int i = 0; i < some && status == NN_OK; i++)
            tr_cases_resample(raw + (size_t)i * raw_size, from, c->pixels + (size_t)(first + i) * size,
                              c->side);
        if (status == NN_OK && progress && !progress(context, first + some, c->count))
            status = nn_fail(err, NN_STOPPED, "stopped");
    }
    free(raw);
    return status;
}

/* seeds: NULL: first_seed + i. */
static nn_status draw(struct tr_cases *cases, const char *model_path, const char *device,
                      const struct tr_cases *like, int count, const uint64_t *seeds, uint64_t first_seed,
                      int side, tr_cases_progress *progress, void *context, struct nn_error *err)
{
    struct nn_model *model = NULL;
    int of[NN_CLASSES_MAX];
    *cases = (struct tr_cases){0};
    if (side < TR_CASES_SIDE_MIN || side > TR_CASES_SIDE_MAX || !like->truth || like->count < 1)
        return nn_fail(err, NN_ERR_ARGUMENT, "samples of side %d like %d images", side, like->count);
    nn_status status = nn_model_open(&model, model_path, device, err);
    if (status != NN_OK) return status;
    const struct nn_model_info *info = nn_model_info(model);
    status = match_classes(info, model_path, like, of, err);
    if (status == NN_OK) status = tr_cases_make(cases, count, side, true, err);
    if (status != NN_OK) goto out;
    tr_cases_copy_facts(cases, like);
    snprintf(cases->source, sizeof cases->source, "%s", info->name);
    strcpy(cases->sha256, info->sha256);
    strcpy(cases->device, info->device);
    for (int i = 0; i < count; i++) {
        cases->seed[i] = seeds ? seeds[i] : first_seed + (uint64_t)i;
        cases->labels[i] = like->labels[i % like->count];
    }
    tr_cases_judge(cases);
    status = draw_all(cases, model, of, progress, context, err);
out:
    if (status != NN_OK) tr_cases_release(cases);
    nn_model_close(model);
    return status;
}

nn_status tr_cases_draw(struct tr_cases *cases, const char *model_path, const char *device,
                        const struct tr_cases *like, int count, uint64_t first_seed, int side,
                        tr_cases_progress *progress, void *context, struct nn_error *err)
{
    return draw(cases, model_path, device, like, count, NULL, first_seed, side, progress, context, err);
}

nn_status tr_cases_draw_seeds(struct tr_cases *cases, const char *model_path, const char *device,
                              const struct tr_cases *like, const uint64_t *seeds, int side,
                              tr_cases_progress *progress, void *context, struct nn_error *err)
{
    return draw(cases, model_path, device, like, like->count, seeds, 0, side, progress, context, err);
}

nn_status tr_cases_check_drawn(const struct tr_cases *drawn, const char *sha256, const char *model_path,
                               struct nn_error *err)
{
    if (!strcmp(drawn->sha256, sha256)) return NN_OK;
    return nn_fail(err, NN_ERR_ARGUMENT,
                   "%s: was replaced meanwhile; while its training goes on, evaluate a copy of it",
                   model_path);
}
