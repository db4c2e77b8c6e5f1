#include "trainer/phantom/dataset_writer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/file.h"
#include "engine/rng.h"
#include "engine/sha256.h"
#include "trainer/drawing/contact_sheet.h"
#include "trainer/phantom/dataset_journal.h"
#include "trainer/phantom/dataset_row.h"
#include "trainer/phantom/phantom_image.h"

enum { SHEET_TILES = 32, SHEET_COLUMNS = 8, DESCRIPTION_MAX = 2048 };
#define TEXT_LIMIT ((size_t)1 << 30)

static const double TEST_SHARE = 0.15;
struct writer {
    const struct phantom_dataset_options *o;
    struct phantom_entry *entries; /* sorted by patient and hip */
    int count, done;
    struct phantom_journal journal;
    phantom_progress *progress;
    void *context;
    nn_status status;
    struct nn_error *err;
};

/* ---- the folder --------------------------------------------------------------------------------- */

static void in_folder(const struct writer *w, const char *file, char path[PATH_MAX])
{
    snprintf(path, PATH_MAX, "%s/%s", w->o->out, file);
}

static bool exists(const struct writer *w, const char *file)
{
    char path[PATH_MAX];
    in_folder(w, file, path);
    return access(path, F_OK) == 0;
}

static bool is_empty_folder(const char *path)
{
    DIR *dir = opendir(path);
    int entries = 0;
    if (!dir) return false;
    while (entries <= 2 && readdir(dir)) entries++;
    closedir(dir);
    return entries <= 2; /* . and .. */
}

static nn_status make_folders(struct writer *w)
{
    static const char *const folders[] = {"images", "masks"};
    if (mkdir(w->o->out, 0777) != 0 && errno != EEXIST)
        return nn_fail(w->err, NN_ERR_IO, "%s: %s", w->o->out, strerror(errno));
    if (!is_empty_folder(w->o->out) && !exists(w, "journal.csv"))
        return nn_fail(w->err, NN_ERR_ARGUMENT, "%s: is neither empty nor an unfinished phantom data set",
                       w->o->out);
    for (int i = 0; i < 2; i++) {
        char path[PATH_MAX];
        in_folder(w, folders[i], path);
        if (mkdir(path, 0777) != 0 && errno != EEXIST)
            return nn_fail(w->err, NN_ERR_IO, "%s: %s", path, strerror(errno));
    }
    return NN_OK;
}

static nn_status open_journal(struct writer *w)
{
    char parameters[128];
    snprintf(parameters, sizeof parameters, "seed %" PRIu64 " patients %d size %d%s", w->o->seed,
             w->o->patients, w->o->size, w->o->pelvis ? " view pelvis" : "");
    nn_status status = phantom_journal_open(&w->journal, w->o->out, parameters, w->entries, w->count, w->err);
    for (int i = 0; i < w->count && status == NN_OK; i++) w->done += w->entries[i].made;
    return status;
}

/* ---- one image ---------------------------------------------------------------------------------- */

static bool is_test_patient(const struct writer *w, uint64_t patient)
{
    struct nn_rng r = {.seed = w->o->seed, .stream = phantom_stream(patient, 0, PHANTOM_STREAM_SPLIT)};
    return nn_rng_uniform(&r) < TEST_SHARE;
}

/* Not synchronised to disk one by one, which would cost more than the picture: `finish` does it for all. A
 * picture that a crash left half written is not what the journal says and is made again. */
static nn_status write_png(const struct writer *w, const char *name, const struct nn_image *image,
                           char sha256[65], struct nn_error *err)
{
    const struct nn_png_text simulated = {"Comment", "simulated radiograph, not a patient"};
    char path[PATH_MAX];
    uint8_t *bytes;
    size_t size_bytes;
    nn_status status = nn_png_encode(image, &simulated, 1, &bytes, &size_bytes, err);
    if (status != NN_OK) return status;
    nn_sha256_hex(bytes, size_bytes, sha256);
    in_folder(w, name, path);
    FILE *file = fopen(path, "wb");
    bool written = file && fwrite(bytes, 1, size_bytes, file) == size_bytes;
    if (file && fclose(file) != 0) written = false;
    if (!written) status = nn_fail(err, NN_ERR_IO, "%s: %s", path, strerror(errno));
    free(bytes);
    return status;
}

static nn_status make_image(const struct writer *w, struct phantom_entry *e, struct nn_error *err)
{
    struct phantom_patient hips[2];
    struct phantom_picture picture;
    char name[64];
    nn_status status;
    if (w->o->pelvis) {
        phantom_pelvis_draw(w->o->seed, e->patient, hips);
        status = phantom_pelvis_picture_make(hips, w->o->size, &picture, err);
    } else {
        phantom_patient_draw(w->o->seed, e->patient, e->hip, hips);
        status = phantom_picture_make(hips, w->o->size, &picture, err);
    }
    if (status != NN_OK) return status;
    phantom_entry_file(e, "images", name);
    status = write_png(w, name, &picture.film, e->image_sha256, err);
    phantom_entry_file(e, "masks", name);
    strcpy(e->mask_sha256, "-");
    if (status == NN_OK && picture.mask.pixels)
        status = write_png(w, name, &picture.mask, e->mask_sha256, err);
    const struct phantom_row row = {w->o->size, is_test_patient(w, e->patient), picture.visibility};
    if (status == NN_OK) status = (w->o->pelvis ? phantom_pelvis_row : phantom_hip_row)(hips, &row, e, err);
    phantom_picture_release(&picture);
    return status;
}

/* Called by many threads; what they share is touched in one place at a time. */
static void work_on(struct writer *w, struct phantom_entry *e)
{
    struct nn_error err = {.status = NN_OK};
    nn_status status = make_image(w, e, &err);
#pragma omp critical(phantom_dataset)
    {
        if (status == NN_OK) status = phantom_journal_add(&w->journal, e, &err);
        if (status == NN_OK) {
            e->made = true;
            w->done++;
            if (w->progress && !w->progress(w->context, w->done, w->count) && w->done < w->count)
                status = nn_fail(&err, NN_STOPPED, "stopped");
        }
        if (status != NN_OK && w->status == NN_OK) {
            w->status = status;
            if (w->err) *w->err = err;
        }
    }
}

/* Whether a thread may begin another image. */
static bool goes_on(struct writer *w)
{
    bool yes;
#pragma omp critical(phantom_dataset)
    yes = w->status == NN_OK;
    return yes;
}

/* ---- the end ------------------------------------------------------------------------------------ */

static nn_status write_text(const struct writer *w, const char *file, const char *text)
{
    char path[PATH_MAX];
    in_folder(w, file, path);
    return nn_file_replace(path, text, strlen(text), w->err);
}

static nn_status write_labels(const struct writer *w)
{
    const char *header = w->o->pelvis ? phantom_pelvis_header : phantom_hip_header;
    size_t size = strlen(header) + 1;
    for (int i = 0; i < w->count; i++) size += strlen(w->entries[i].row);
    char *text = malloc(size), *at = text;
    if (!text) return nn_fail(w->err, NN_ERR_MEMORY, "out of memory for labels.csv");
    at = stpcpy(at, header);
    for (int i = 0; i < w->count; i++) at = stpcpy(at, w->entries[i].row);
    nn_status status = write_text(w, "labels.csv", text);
    free(text);
    return status;
}

/* Of a data set of pelves: patients drawn again, which costs next to nothing. */
static nn_status write_boxes(const struct writer *w)
{
    if (!w->o->pelvis) return NN_OK;
    char *text = malloc(strlen(phantom_box_header) + 1 + (size_t)w->count * 2 * PHANTOM_BOX_ROW_MAX),
         *at = text;
    if (!text) return nn_fail(w->err, NN_ERR_MEMORY, "out of memory for boxes.csv");
    at = stpcpy(at, phantom_box_header);
    for (int i = 0; i < w->count; i++) {
        struct phantom_patient hips[2];
        phantom_pelvis_draw(w->o->seed, w->entries[i].patient, hips);
        for (int k = 0; k < 2; k++) at += phantom_box_row(&hips[k], w->o->size, &w->entries[i], at);
    }
    nn_status status = write_text(w, "boxes.csv", text);
    free(text);
    return status;
}

/* In the form that `sha256sum --check` reads. */
static nn_status write_sums(const struct writer *w)
{
    enum { LINE = 64 + 2 + 64 + 1 };
    char *text = malloc((size_t)w->count * 2 * LINE + 1), *at = text, name[64];
    if (!text) return nn_fail(w->err, NN_ERR_MEMORY, "out of memory for sha256sums.txt");
    *at = '\0';
    for (int i = 0; i < w->count; i++) {
        const struct phantom_entry *e = &w->entries[i];
        phantom_entry_file(e, "images", name);
        at += sprintf(at, "%s  %s\n", e->image_sha256, name);
        if (strcmp(e->mask_sha256, "-") == 0) continue;
        phantom_entry_file(e, "masks", name);
        at += sprintf(at, "%s  %s\n", e->mask_sha256, name);
    }
    nn_status status = write_text(w, "sha256sums.txt", text);
    free(text);
    return status;
}

static nn_status hash_file(const struct writer *w, const char *file, char hex[65])
{
    char path[PATH_MAX];
    uint8_t *bytes;
    size_t size;
    in_folder(w, file, path);
    nn_status status = nn_file_read(path, TEXT_LIMIT, &bytes, &size, w->err);
    if (status == NN_OK) nn_sha256_hex(bytes, size, hex);
    free(bytes);
    return status;
}

/* The text of dataset.json, from the options and the files that stand already. */
static nn_status describe(const struct writer *w, char text[DESCRIPTION_MAX])
{
    char labels[65], sums[65], boxes[65], more[96] = "";
    bool pelvis = w->o->pelvis;
    nn_status status = hash_file(w, "labels.csv", labels);
    if (status == NN_OK) status = hash_file(w, "sha256sums.txt", sums);
    if (status == NN_OK && pelvis) status = hash_file(w, "boxes.csv", boxes);
    if (status != NN_OK) return status;
    if (pelvis) snprintf(more, sizeof more, ", \"boxes.csv\": \"%s\"", boxes);
    snprintf(text, DESCRIPTION_MAX,
             "{\n"
             "  \"name\": \"%s-phantom-%d\",\n"
             "  \"simulated\": true,\n"
             "  \"provenance\": \"virtual patients and simulated X-ray projection; no real radiograph\",\n"
             "  \"command\": \"roentgym phantom%s --patients %d --seed %" PRIu64 " --size %d\",\n"
             "  \"seed\": %" PRIu64 ",\n"
             "  \"patients\": %d,\n"
             "  \"images\": %d,\n"
             "  \"size\": %d,\n"
             "  \"classes\": [\"no_fracture\", \"fracture\"],\n"
             "  \"sha256\": {\"labels.csv\": \"%s\", \"sha256sums.txt\": \"%s\"%s}\n"
             "}\n",
             pelvis ? "pelvis" : "hip", w->o->size, pelvis ? " --view pelvis" : "", w->o->patients,
             w->o->seed, w->o->size, w->o->seed, w->o->patients, w->count, w->o->size, labels, sums, more);
    return NN_OK;
}

/* Whether dataset.json stands there and is that of these options. */
static nn_status find_complete(const struct writer *w, bool *complete)
{
    char text[DESCRIPTION_MAX], path[PATH_MAX];
    uint8_t *bytes = NULL;
    size_t size;
    *complete = false;
    in_folder(w, "dataset.json", path);
    if (access(path, F_OK) != 0) return NN_OK;
    *complete = describe(w, text) == NN_OK &&
                nn_file_read(path, TEXT_LIMIT, &bytes, &size, w->err) == NN_OK && size == strlen(text) &&
                memcmp(bytes, text, size) == 0;
    free(bytes);
    return *complete ? NN_OK
                     : nn_fail(w->err, NN_ERR_ARGUMENT, "%s: holds another data set already", w->o->out);
}

static nn_status write_sheet(const struct writer *w)
{
    int tiles = w->count < SHEET_TILES ? w->count : SHEET_TILES;
    size_t pixels = (size_t)w->o->size * (size_t)w->o->size;
    uint8_t *grey = malloc((size_t)tiles * pixels);
    nn_status status = grey ? NN_OK : nn_fail(w->err, NN_ERR_MEMORY, "out of memory for a contact sheet");
    for (int i = 0; i < tiles && status == NN_OK; i++) {
        char name[64], path[PATH_MAX];
        struct nn_image image;
        phantom_entry_file(&w->entries[i], "images", name);
        in_folder(w, name, path);
        status = nn_png_read(path, &image, w->err);
        if (status != NN_OK) break;
        memcpy(grey + (size_t)i * pixels, image.pixels, pixels);
        nn_image_release(&image);
    }
    if (status == NN_OK)
        status = tr_contact_sheet_write(w->o->sheet, grey, tiles, SHEET_COLUMNS, w->o->size, w->err);
    free(grey);
    return status;
}

/* All pictures on disk, before the files that declare them complete. */
static nn_status synchronise(const struct writer *w)
{
    int fd = open(w->o->out, O_RDONLY | O_DIRECTORY);
    nn_status status = NN_OK;
    if (fd < 0 || syncfs(fd) != 0) status = nn_fail(w->err, NN_ERR_IO, "%s: %s", w->o->out, strerror(errno));
    if (fd >= 0) close(fd);
    return status;
}

/* dataset.json comes last: without it nothing takes the folder for a data set. */
static nn_status finish(const struct writer *w)
{
    char text[DESCRIPTION_MAX];
    nn_status status = synchronise(w);
    if (status == NN_OK) status = write_labels(w);
    if (status == NN_OK) status = write_boxes(w);
    if (status == NN_OK) status = write_sums(w);
    if (status == NN_OK) status = describe(w, text);
    if (status == NN_OK) status = write_text(w, "dataset.json", text);
    return status;
}

static nn_status list_entries(struct writer *w)
{
    w->entries = calloc((size_t)w->o->patients * 2, sizeof *w->entries);
    if (!w->entries) return nn_fail(w->err, NN_ERR_MEMORY, "out of memory for %d patients", w->o->patients);
    for (int i = 0; i < w->o->patients; i++) {
        int hips = w->o->pelvis ? 1 : phantom_hip_count(w->o->seed, (uint64_t)i);
        for (int hip = 0; hip < hips; hip++)
            w->entries[w->count++] = (struct phantom_entry){.patient = (uint64_t)i, .hip = hip};
    }
    return NN_OK;
}

static nn_status make_all(struct writer *w)
{
    nn_status status = make_folders(w);
    if (status == NN_OK) status = open_journal(w);
    if (status != NN_OK) return status;
#pragma omp parallel for schedule(dynamic)
    for (int i = 0; i < w->count; i++)
        if (!w->entries[i].made && goes_on(w)) work_on(w, &w->entries[i]);
    if (w->status == NN_OK) w->status = finish(w);
    return w->status;
}

nn_status phantom_dataset_write(const struct phantom_dataset_options *o, phantom_progress *progress,
                                void *context, struct nn_error *err)
{
    struct writer w = {.o = o, .progress = progress, .context = context, .err = err, .journal.fd = -1};
    char journal[PATH_MAX];
    bool there = false;
    nn_status status = o->sheet ? tr_contact_sheet_check_path(o->sheet, err) : NN_OK;
    if (status == NN_OK) status = list_entries(&w);
    if (status == NN_OK) status = find_complete(&w, &there);
    if (status == NN_OK && !there) status = make_all(&w);
    in_folder(&w, "journal.csv", journal);
    if (status == NN_OK) unlink(journal);
    phantom_journal_close(&w.journal);
    if (status == NN_OK && o->sheet) status = write_sheet(&w);
    for (int i = 0; i < w.count; i++) free(w.entries[i].row);
    free(w.entries);
    return status;
}
