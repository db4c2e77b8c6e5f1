#include "trainer/classify/classify_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/safetensors.h"

static const char FORMAT[] = "roentgym-classifier-state", HISTORY[] = "history";
enum { BUFFERS = 6, TENSORS = BUFFERS + 1, NUMBERS = 2 };

struct buffer {
    const char *name;
    float **data;
    size_t count;
};

static void list_buffers(struct tr_classify_state *s, struct buffer list[BUFFERS])
{
    const struct buffer all[BUFFERS] = {
        {"values", &s->values, s->value_count},    {"adam_m", &s->adam_m, s->value_count},
        {"adam_v", &s->adam_v, s->value_count},    {"best_values", &s->best_values, s->value_count},
        {"moments", &s->moments, s->moment_count}, {"best_moments", &s->best_moments, s->moment_count},
    };
    memcpy(list, all, sizeof all);
}

nn_status tr_classify_state_init(struct tr_classify_state *s, const struct tr_classifier *net,
                                 struct nn_error *err)
{
    struct buffer list[BUFFERS];
    *s = (struct tr_classify_state){.value_count = net->value_count, .moment_count = net->moment_count};
    list_buffers(s, list);
    for (int i = 0; i < BUFFERS; i++)
        if (!(*list[i].data = calloc(list[i].count + 1, sizeof(float)))) {
            tr_classify_state_release(s);
            return nn_fail(err, NN_ERR_MEMORY, "out of memory for the state of a classifier");
        }
    return NN_OK;
}

void tr_classify_state_release(struct tr_classify_state *s)
{
    struct buffer list[BUFFERS];
    list_buffers(s, list);
    for (int i = 0; i < BUFFERS; i++) free(*list[i].data);
    *s = (struct tr_classify_state){0};
}

/* Over the tensors in the file's order: what bad memory or a bad disk has changed is not trained on. */
static void checksum(const struct nn_st_tensor tensors[TENSORS], const char *epochs, char hex[65])
{
    struct nn_sha256 hash;
    nn_sha256_init(&hash);
    nn_sha256_add(&hash, epochs, strlen(epochs));
    for (int i = 0; i < TENSORS; i++) nn_sha256_add(&hash, tensors[i].data, nn_st_tensor_bytes(&tensors[i]));
    nn_sha256_finish(&hash, hex);
}

nn_status tr_classify_state_write(const struct tr_classify_state *s, const char *path, struct nn_error *err)
{
    struct tr_classify_state known = *s;
    struct buffer list[BUFFERS];
    struct nn_st_tensor tensors[TENSORS] = {
        {.name = HISTORY, .type = NN_ST_F64, .rank = 2, .dims = {s->epochs, NUMBERS}, .data = s->history}};
    char epochs[80], sum[65];
    list_buffers(&known, list);
    for (int i = 0; i < BUFFERS; i++)
        tensors[1 + i] = (struct nn_st_tensor){.name = list[i].name,
                                               .type = NN_ST_F32,
                                               .rank = 1,
                                               .dims = {(int64_t)list[i].count},
                                               .data = *list[i].data};
    snprintf(epochs, sizeof epochs, "%d %d %.17g", s->epochs, s->best_epoch, s->best_auc);
    checksum(tensors, epochs, sum);
    const struct nn_st_text texts[] = {
        {"format", FORMAT}, {"key", s->key}, {"epochs", epochs}, {"sha256", sum}};
    return nn_st_write(path, tensors, TENSORS, texts, (int)(sizeof texts / sizeof *texts), err);
}

static nn_status damaged(const char *path, struct nn_error *err)
{
    return nn_fail(err, NN_ERR_FORMAT, "%s: is damaged; remove it to begin anew", path);
}

static nn_status take(struct tr_classify_state *s, const struct nn_st_file *file, const char *path,
                      struct nn_error *err)
{
    const char *format = nn_st_metadata(file, "format"), *key = nn_st_metadata(file, "key");
    const char *numbers = nn_st_metadata(file, "epochs"), *wanted = nn_st_metadata(file, "sha256");
    struct nn_st_tensor tensors[TENSORS];
    struct buffer list[BUFFERS];
    int epochs, best;
    double auc;
    char sum[65];
    if (!format || strcmp(format, FORMAT) != 0 || !key || strcmp(key, s->key) != 0)
        return nn_fail(err, NN_ERR_ARGUMENT,
                       "%s: is not of this training (other data, settings, pretrained weights or device)",
                       path);
    if (!numbers || !wanted || sscanf(numbers, "%d %d %lf", &epochs, &best, &auc) != 3 || epochs < 1 ||
        epochs > TR_CLASSIFY_EPOCHS_MAX || best < 1 || best > epochs || nn_st_count(file) != TENSORS)
        return damaged(path, err);
    list_buffers(s, list);
    for (int i = 0; i < TENSORS; i++) {
        const struct nn_st_tensor *t = nn_st_find(file, i ? list[i - 1].name : HISTORY);
        size_t bytes = i ? list[i - 1].count * sizeof(float) : (size_t)epochs * sizeof *s->history;
        if (!t || nn_st_tensor_bytes(t) != bytes) return damaged(path, err);
        tensors[i] = *t;
    }
    checksum(tensors, numbers, sum);
    if (strcmp(sum, wanted) != 0) return damaged(path, err);
    for (int i = 0; i < BUFFERS; i++)
        memcpy(*list[i].data, tensors[1 + i].data, list[i].count * sizeof(float));
    memcpy(s->history, tensors[0].data, (size_t)epochs * sizeof *s->history);
    s->epochs = epochs;
    s->best_epoch = best;
    s->best_auc = auc;
    return NN_OK;
}

nn_status tr_classify_state_read(struct tr_classify_state *s, const char *path, bool *found,
                                 struct nn_error *err)
{
    struct nn_st_file *file;
    *found = access(path, F_OK) == 0;
    if (!*found) return NN_OK;
    nn_status status = nn_st_open(&file, path, err);
    if (status == NN_OK) status = take(s, file, path, err);
    nn_st_close(file);
    return status;
}
