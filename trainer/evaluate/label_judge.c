#include "trainer/evaluate/label_judge.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/file.h"
#include "trainer/classify/trained_file.h"
#include "trainer/interrupt.h"
#include "trainer/progress.h"

#define VALIDATION_SHARE 0.15
#define WEIGHTS_BYTES_MAX ((size_t)2 << 30)

static bool show_images(void *context, int done, int total)
{
    tr_progress_show(context, done, total);
    return !tr_interrupted();
}

static bool show_steps(void *context, const struct tr_classify_progress *p)
{
    tr_progress_show(context, p->step, p->steps);
    return !tr_interrupted();
}

/* ---- weights ------------------------------------------------------------------------------------ */

/* Its file is named by all that decides it, so that another judge gets another. */
static nn_status train_or_load(struct tr_label_judge *judge, struct tr_lab *lab, const struct tr_cases *train,
                               const struct tr_cases *validation, char path[PATH_MAX], struct nn_error *err)
{
    char key[65], state[PATH_MAX];
    struct tr_progress progress;
    const struct tr_classify_settings *settings = &lab->settings.classify;
    nn_status status = tr_classify_training_key(train, validation, settings, &lab->device, key, err);
    if (status != NN_OK) return status;
    snprintf(path, PATH_MAX, "%s/judge-%.12s.safetensors", lab->settings.folder, key);
    snprintf(state, sizeof state, "%s/judge-%.12s.state", lab->settings.folder, key);
    if (access(path, F_OK) == 0) return tr_trained_load(&judge->trained, path, err);
    printf("the judge is trained on %d real images; %d others choose its epoch and its threshold\n",
           train->count, validation->count);
    tr_progress_start(&progress, "steps");
    status = tr_classify_train(&judge->trained, train, validation, settings, &lab->device, state, show_steps,
                               &progress, err);
    if (status == NN_OK) status = tr_trained_save(&judge->trained, key, path, err);
    if (status == NN_OK) unlink(state);
    return status;
}

static nn_status load(struct tr_label_judge *judge, const struct tr_lab *lab, const char *weights,
                      struct nn_error *err)
{
    nn_status status = tr_trained_load(&judge->trained, weights, err);
    if (status != NN_OK) return status;
    if (strcmp(judge->trained.finding, lab->train.finding) != 0)
        return nn_fail(err, NN_ERR_ARGUMENT, "%s: tells %s, not %s", weights, judge->trained.finding,
                       lab->train.finding);
    /* With another part left out it would have learnt images that are to choose the threshold. */
    if (!strcmp(judge->trained.sha256, lab->train.sha256) && judge->trained.images != judge->train)
        return nn_fail(err, NN_ERR_ARGUMENT,
                       "%s: was not trained on just the %d images of %s that its seed and the default "
                       "--validation leave",
                       weights, judge->train, lab->train.source);
    return NN_OK;
}

static nn_status hash_file(const char *path, char sha256[65], struct nn_error *err)
{
    uint8_t *bytes;
    size_t size;
    nn_status status = nn_file_read(path, WEIGHTS_BYTES_MAX, &bytes, &size, err);
    if (status != NN_OK) return status;
    nn_sha256_hex(bytes, size, sha256);
    free(bytes);
    return NN_OK;
}

/* ---- judging ------------------------------------------------------------------------------------ */

static nn_status score(const struct tr_label_judge *judge, const struct tr_lab *lab,
                       const struct tr_cases *cases, const char *things, double **scores,
                       struct nn_error *err)
{
    struct tr_progress progress;
    *scores = malloc((size_t)cases->count * sizeof **scores);
    if (!*scores) return nn_fail(err, NN_ERR_MEMORY, "out of memory for %d scores", cases->count);
    tr_progress_start(&progress, things);
    return tr_classify_score(&judge->trained, cases, &lab->device, *scores, show_images, &progress, err);
}

static nn_status split(const struct tr_lab *lab, struct tr_cases *train, struct tr_cases *validation,
                       struct nn_error *err)
{
    nn_status status = tr_cases_select(train, &lab->train, NULL, lab->train.count, err);
    if (status != NN_OK) return status;
    return tr_cases_split(train, VALIDATION_SHARE, lab->settings.classify.seed, validation, err);
}

nn_status tr_label_judge_init(struct tr_label_judge *judge, struct tr_lab *lab, const char *weights,
                              double margin, struct nn_error *err)
{
    char path[PATH_MAX];
    double *scores = NULL;
    struct tr_cases train = {0}, validation = {0};
    *judge = (struct tr_label_judge){0};
    nn_status status = split(lab, &train, &validation, err);
    if (status != NN_OK) goto out;
    judge->train = train.count;
    judge->validation = validation.count;
    status =
        weights ? load(judge, lab, weights, err) : train_or_load(judge, lab, &train, &validation, path, err);
    if (status == NN_OK) status = hash_file(weights ? weights : path, judge->sha256, err);
    if (status == NN_OK) status = score(judge, lab, &validation, "validation images", &scores, err);
    if (status == NN_OK)
        status = tr_label_gate_choose(validation.truth, scores, validation.count, margin, &judge->gate, err);
    if (status == NN_OK) status = score(judge, lab, &lab->test, "held-out images", &judge->test, err);
out:
    free(scores);
    tr_cases_release(&train);
    tr_cases_release(&validation);
    if (status != NN_OK) tr_label_judge_release(judge);
    return status;
}

void tr_label_judge_release(struct tr_label_judge *judge)
{
    tr_trained_release(&judge->trained);
    free(judge->test);
    *judge = (struct tr_label_judge){0};
}
