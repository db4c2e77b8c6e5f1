#include "trainer/experiments/cell.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/file.h"
#include "trainer/text_file.h"

enum { FILE_LIMIT = 64 << 20 };

nn_status tr_cell_key(const struct tr_lab *lab, const struct tr_recipe *recipe, uint64_t seed, char key[65],
                      struct nn_error *err)
{
    struct tr_classify_settings settings = lab->settings.classify;
    struct nn_sha256 hash;
    char text[700], set[65];
    settings.seed = seed;
    settings.augment = recipe->augment;
    nn_sha256_init(&hash);
    int length =
        snprintf(text, sizeof text, "roentgym cell 2\n%s\n%s\n%s\nside %d, validation %d %d\nreal %d\n",
                 lab->device.name, lab->test.sha256, lab->test.finding, lab->test.side, TR_VALIDATION_PERCENT,
                 TR_VALIDATION_MIN, recipe->real_percent);
    nn_sha256_add(&hash, text, (size_t)length);
    for (int k = 0; k < TR_SAMPLE_SETS; k++) {
        if (!recipe->samples[k]) continue;
        tr_lab_sample_key(lab, k, set);
        nn_sha256_add(&hash, set, sizeof set);
    }
    nn_status status = tr_classify_settings_hash(&settings, &hash, err);
    if (status == NN_OK) nn_sha256_finish(&hash, key);
    return status;
}

static void cell_path(const struct tr_lab *lab, const struct tr_cell *cell, char *path, size_t size)
{
    snprintf(path, size, "%s/cells/%.16s.json", lab->settings.folder, cell->key);
}

void tr_cell_state_path(const struct tr_lab *lab, const struct tr_cell *cell, char *path, size_t size)
{
    snprintf(path, size, "%s/cells/%.16s.state", lab->settings.folder, cell->key);
}

/* False: it is no cell of that key, or memory is out. */
static bool take(struct tr_cell *cell, const json_t *root, int count)
{
    const char *key = json_string_value(json_object_get(root, "key"));
    const json_t *scores = json_object_get(root, "scores"), *auc = json_object_get(root, "validation_auc");
    const json_t *images = json_object_get(root, "images"), *epochs = json_object_get(root, "epochs");
    const json_t *seconds = json_object_get(root, "seconds");
    if (!key || strcmp(key, cell->key) != 0 || json_array_size(scores) != (size_t)count ||
        !json_is_integer(images) || !json_is_integer(epochs) || !json_is_number(seconds))
        return false;
    cell->images = (int)json_integer_value(images);
    cell->epochs = (int)json_integer_value(epochs);
    cell->auc = json_is_number(auc) ? json_number_value(auc) : NAN;
    cell->seconds = json_number_value(seconds);
    cell->scores = malloc((size_t)count * sizeof *cell->scores);
    bool good = cell->scores != NULL;
    for (int i = 0; i < count && good; i++) {
        const json_t *score = json_array_get(scores, (size_t)i);
        cell->scores[i] = json_number_value(score);
        good = json_is_number(score) && cell->scores[i] >= 0 && cell->scores[i] <= 1;
    }
    return good;
}

nn_status tr_cell_read(const struct tr_lab *lab, struct tr_cell *cell, struct nn_error *err)
{
    char path[PATH_MAX];
    uint8_t *bytes;
    size_t size;
    cell_path(lab, cell, path, sizeof path);
    if (access(path, F_OK) != 0 && errno == ENOENT) return NN_OK;
    nn_status status = nn_file_read(path, FILE_LIMIT, &bytes, &size, err);
    if (status != NN_OK) return status;
    json_t *root = json_loadb((const char *)bytes, size, 0, NULL);
    free(bytes);
    bool good = take(cell, root, lab->test.count);
    json_decref(root);
    if (good) return NN_OK;
    tr_cell_release(cell);
    return nn_fail(err, NN_ERR_FORMAT, "%s: does not hold the scores of %d test images; remove it", path,
                   lab->test.count);
}

nn_status tr_cell_write(const struct tr_lab *lab, const struct tr_cell *cell, const char *what,
                        struct nn_error *err)
{
    char path[PATH_MAX];
    json_t *scores = json_array();
    for (int i = 0; i < lab->test.count; i++) json_array_append_new(scores, json_real(cell->scores[i]));
    json_t *root =
        json_pack("{s:s,s:s,s:i,s:i,s:o?,s:f,s:o}", "key", cell->key, "what", what, "images", cell->images,
                  "epochs", cell->epochs, "validation_auc", isfinite(cell->auc) ? json_real(cell->auc) : NULL,
                  "seconds", cell->seconds, "scores", scores);
    cell_path(lab, cell, path, sizeof path);
    return tr_text_file_json(path, root, 17, err);
}

void tr_cell_release(struct tr_cell *cell)
{
    free(cell->scores);
    cell->scores = NULL;
}
