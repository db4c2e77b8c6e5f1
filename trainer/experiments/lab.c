#include "trainer/experiments/lab.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/file.h"
#include "trainer/data/dataset.h"
#include "trainer/interrupt.h"
#include "trainer/parts/part_file.h"
#include "trainer/progress.h"

enum { KEPT_HEADER = 64 + 1 + 64 + 1 }; /* of a set: key, hash of the pixels, a line each */

static bool show_progress(void *context, int done, int total)
{
    tr_progress_show(context, done, total);
    return !tr_interrupted();
}

/* ---- opening ------------------------------------------------------------------------------------ */

static nn_status choose_side(struct tr_lab_settings *s, struct nn_error *err)
{
    struct tr_dataset *data;
    struct tr_progress progress;
    if (s->side) return NN_OK;
    tr_progress_start(&progress, "images");
    nn_status status = tr_dataset_open(&data, s->data, show_progress, &progress, err);
    if (status != NN_OK) return status;
    s->side = tr_classify_usual_side(s->classify.architecture, tr_dataset_side(data));
    tr_dataset_close(data);
    return NN_OK;
}

struct digest {
    char hex[65];
    const char *file;
    bool train;
};

static int by_hex(const void *a, const void *b)
{
    const struct digest *x = a, *y = b;
    int order = strcmp(x->hex, y->hex);
    return order ? order : x->train - y->train;
}

/* That no test image is a training image under another name, as far as the network could see. */
static nn_status check_leak(const struct tr_cases *train, const struct tr_cases *test, const char *folder,
                            struct nn_error *err)
{
    int count = train->count + test->count;
    size_t size = (size_t)train->side * (size_t)train->side;
    nn_status status = NN_OK;
    struct digest *all = malloc(((size_t)count + 1) * sizeof *all);
    if (!all) return nn_fail(err, NN_ERR_MEMORY, "out of memory for the hashes of %d images", count);
    for (int i = 0; i < count; i++) {
        bool learnt = i < train->count;
        const struct tr_cases *from = learnt ? train : test;
        int k = learnt ? i : i - train->count;
        nn_sha256_hex(from->pixels + (size_t)k * size, size, all[i].hex);
        all[i].file = from->file[k];
        all[i].train = learnt;
    }
    qsort(all, (size_t)count, sizeof *all, by_hex);
    for (int i = 1; i < count && status == NN_OK; i++)
        if (all[i].train && !all[i - 1].train && strcmp(all[i].hex, all[i - 1].hex) == 0)
            status = nn_fail(err, NN_ERR_FORMAT, "%s: the split leaks: test image %s is training image %s",
                             folder, all[i - 1].file, all[i].file);
    free(all);
    return status;
}

static nn_status read_splits(struct tr_lab *lab, struct nn_error *err)
{
    const struct tr_lab_settings *s = &lab->settings;
    struct tr_progress progress;
    tr_progress_start(&progress, "training images");
    nn_status status =
        tr_cases_read(&lab->train, s->data, true, s->finding, s->side, show_progress, &progress, err);
    tr_progress_start(&progress, "test images");
    if (status == NN_OK)
        status =
            tr_cases_read(&lab->test, s->data, false, s->finding, s->side, show_progress, &progress, err);
    if (status == NN_OK) status = check_leak(&lab->train, &lab->test, s->data, err);
    return status;
}

/* Opens it for a moment: that it knows the classes is to be told before hours of training. */
static nn_status check_model(struct tr_lab *lab, struct nn_error *err)
{
    struct tr_cases none;
    const struct tr_lab_settings *s = &lab->settings;
    nn_status status = tr_cases_draw(&none, s->model, s->device, &lab->train, 0, 0, s->side, NULL, NULL, err);
    if (status != NN_OK) return status;
    snprintf(lab->model_name, sizeof lab->model_name, "%s", none.source);
    memcpy(lab->model_sha256, none.sha256, sizeof none.sha256);
    memcpy(lab->model_device, none.device, sizeof none.device);
    tr_cases_release(&none);
    return NN_OK;
}

/* A sound size for the network is to be told now, too. */
static nn_status check_network(const struct tr_lab_settings *s, struct nn_error *err)
{
    struct tr_classifier net;
    nn_status status = tr_classifier_init(&net, s->classify.architecture, s->side, 1, err);
    if (status == NN_OK) tr_classifier_release(&net);
    return status;
}

static nn_status make_folders(struct tr_lab *lab, struct nn_error *err)
{
    char path[PATH_MAX];
    const char *folder = lab->settings.folder;
    nn_status status = tr_part_lock(folder, &lab->lock, err);
    snprintf(path, sizeof path, "%s/sets", folder);
    if (status == NN_OK) status = tr_part_folder(path, err);
    snprintf(path, sizeof path, "%s/cells", folder);
    return status == NN_OK ? tr_part_folder(path, err) : status;
}

static nn_status open_device(struct tr_lab *lab, struct nn_error *err)
{
    nn_status status = tr_classify_open_device(&lab->device, lab->settings.device, lab->settings.side, err);
    if (status == NN_OK && lab->device.note[0]) fprintf(stderr, "roentgym evaluate: %s\n", lab->device.note);
    return status;
}

nn_status tr_lab_open(struct tr_lab *lab, const struct tr_lab_settings *settings, struct nn_error *err)
{
    *lab = (struct tr_lab){.settings = *settings, .lock = -1};
    nn_status status = choose_side(&lab->settings, err);
    if (status == NN_OK) status = check_network(&lab->settings, err);
    if (status == NN_OK) status = read_splits(lab, err);
    if (status == NN_OK) status = check_model(lab, err);
    if (status == NN_OK) status = open_device(lab, err);
    if (status == NN_OK) status = make_folders(lab, err);
    if (status != NN_OK) tr_lab_close(lab);
    return status;
}

void tr_lab_close(struct tr_lab *lab)
{
    if (!lab->settings.folder) return; /* zeroed, or closed */
    for (int k = 0; k < TR_SAMPLE_SETS; k++) tr_cases_release(&lab->samples[k]);
    tr_cases_release(&lab->train);
    tr_cases_release(&lab->test);
    if (lab->device.backend) lab->device.backend->close(lab->device.backend);
    if (lab->lock >= 0) close(lab->lock);
    *lab = (struct tr_lab){.lock = -1};
}

/* ---- sets of samples ---------------------------------------------------------------------------- */

static uint64_t first_seed(int k)
{
    return (uint64_t)(k + 1) << 32;
}

void tr_lab_sample_key(const struct tr_lab *lab, int k, char key[65])
{
    struct nn_sha256 hash;
    char text[500];
    int length =
        snprintf(text, sizeof text, "roentgym samples 2\n%s\n%s\n%s\n%d images from seed %llu, side %d\n",
                 lab->model_sha256, lab->model_device, lab->train.finding, lab->train.count,
                 (unsigned long long)first_seed(k), lab->train.side);
    nn_sha256_init(&hash);
    nn_sha256_add(&hash, text, (size_t)length);
    for (int c = 0; c < lab->train.class_count; c++)
        nn_sha256_add(&hash, lab->train.classes[c], strlen(lab->train.classes[c]) + 1);
    nn_sha256_add(&hash, lab->train.labels, (size_t)lab->train.count * sizeof *lab->train.labels);
    nn_sha256_finish(&hash, key);
}

static void set_path(const struct tr_lab *lab, const char *key, char *path, size_t size)
{
    snprintf(path, size, "%s/sets/%.16s.u8", lab->settings.folder, key);
}

/* False: it is not there, or not whole; it is then drawn again. */
static bool read_set(const char *path, const char *key, size_t size, uint8_t *pixels)
{
    uint8_t *bytes;
    size_t count;
    char hex[65];
    if (nn_file_read(path, KEPT_HEADER + size, &bytes, &count, NULL) != NN_OK) return false;
    bool good = count == KEPT_HEADER + size && memcmp(bytes, key, 64) == 0;
    if (good) nn_sha256_hex(bytes + KEPT_HEADER, size, hex);
    good = good && memcmp(bytes + 65, hex, 64) == 0;
    if (good) memcpy(pixels, bytes + KEPT_HEADER, size);
    free(bytes);
    return good;
}

static nn_status keep_set(const char *path, const char *key, size_t size, const uint8_t *pixels,
                          struct nn_error *err)
{
    struct nn_replace file;
    char hex[65], header[KEPT_HEADER + 1];
    nn_sha256_hex(pixels, size, hex);
    snprintf(header, sizeof header, "%s\n%s\n", key, hex);
    nn_status status = nn_replace_open(&file, path, err);
    if (status != NN_OK) return status;
    status = nn_replace_write(&file, header, KEPT_HEADER, err);
    if (status == NN_OK) status = nn_replace_write(&file, pixels, size, err);
    if (status == NN_OK) return nn_replace_commit(&file, err);
    nn_replace_abandon(&file);
    return status;
}

/* What tr_cases_draw would give, but for the pixels, which are those of the training images. */
static nn_status frame_of_set(struct tr_lab *lab, int k, struct tr_cases *set, struct nn_error *err)
{
    nn_status status = tr_cases_select(set, &lab->train, NULL, lab->train.count, err);
    if (status != NN_OK) return status;
    for (int i = 0; i < set->count; i++) {
        free(set->file[i]);
        set->file[i] = NULL;
        set->patient[i] = -1;
        set->seed[i] = first_seed(k) + (uint64_t)i;
    }
    memcpy(set->source, lab->model_name, sizeof set->source);
    memcpy(set->sha256, lab->model_sha256, sizeof set->sha256);
    memcpy(set->device, lab->model_device, sizeof set->device);
    return NN_OK;
}

nn_status tr_lab_check_drawn(const struct tr_lab *lab, const struct tr_cases *drawn, struct nn_error *err)
{
    if (strcmp(drawn->device, lab->model_device) != 0)
        return nn_fail(err, NN_ERR_DEVICE, "the first samples were drawn on %s, and now there is only %s",
                       lab->model_device, drawn->device);
    return tr_cases_check_drawn(drawn, lab->model_sha256, lab->settings.model, err);
}

nn_status tr_lab_sample(struct tr_lab *lab, int k, struct nn_error *err)
{
    char key[65], path[PATH_MAX], things[32];
    struct tr_cases *set = &lab->samples[k];
    size_t size = (size_t)lab->train.count * (size_t)lab->train.side * (size_t)lab->train.side;
    struct tr_progress progress;
    if (set->count > 0) return NN_OK;
    tr_lab_sample_key(lab, k, key);
    set_path(lab, key, path, sizeof path);
    nn_status status = frame_of_set(lab, k, set, err);
    if (status != NN_OK) return status;
    if (read_set(path, key, size, set->pixels)) return NN_OK;
    tr_cases_release(set);
    snprintf(things, sizeof things, "images of GAN-sample%d", k + 1);
    tr_progress_start(&progress, things);
    status = tr_cases_draw(set, lab->settings.model, lab->settings.device, &lab->train, lab->train.count,
                           first_seed(k), lab->train.side, show_progress, &progress, err);
    if (status != NN_OK) return status;
    status = tr_lab_check_drawn(lab, set, err);
    if (status == NN_OK) status = keep_set(path, key, size, set->pixels, err);
    if (status != NN_OK) tr_cases_release(set);
    return status;
}
