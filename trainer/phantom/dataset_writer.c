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
#include "trainer/contact_sheet.h"
#include "trainer/phantom/phantom_image.h"

enum { SHEET_TILES = 32, SHEET_COLUMNS = 8, ROW_MAX = 512 };
static const double TEST_SHARE = 0.15;
static const char header[] =
    "file,label,patient_id,side,split,fracture_type,displacement,visibility,mask,sex,age_years,"
    "head_diameter_mm,neck_shaft_deg,version_deg,singh,lookalikes\n";

/* One image to make. */
struct item {
    uint64_t patient;
    int hip;
    char *row; /* its line of labels.csv once it is made; heap */
};

struct writer {
    const struct phantom_dataset_options *o;
    struct item *items;
    int count, done;
    FILE *journal;
    phantom_progress *progress;
    void *context;
    bool stopped;
    nn_status status;
    struct nn_error *err;
};

/* ---- folder and journal ------------------------------------------------------------------------- */

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
    static const char *const folders[] = {"", "images", "masks"};
    bool fresh = mkdir(w->o->out, 0777) == 0 || is_empty_folder(w->o->out);
    if (!fresh && exists(w, "dataset.json"))
        return nn_fail(w->err, NN_ERR_ARGUMENT, "%s: holds a complete data set already", w->o->out);
    if (!fresh && access(w->o->out, F_OK) == 0 && !exists(w, "journal.csv"))
        return nn_fail(w->err, NN_ERR_ARGUMENT, "%s: is neither empty nor an unfinished phantom data set",
                       w->o->out);
    for (int i = 0; i < 3; i++) {
        char path[PATH_MAX];
        in_folder(w, folders[i], path);
        if (mkdir(path, 0777) != 0 && errno != EEXIST)
            return nn_fail(w->err, NN_ERR_IO, "%s: %s", path, strerror(errno));
    }
    return NN_OK;
}

static struct item *find_item(const struct writer *w, const char *file)
{
    uint64_t patient;
    int hip;
    if (sscanf(file, "images/p%" SCNu64 "_%d.png", &patient, &hip) != 2) return NULL;
    for (int i = 0; i < w->count; i++)
        if (w->items[i].patient == patient && w->items[i].hip == hip) return &w->items[i];
    return NULL;
}

/* What an earlier run has finished. Its first line must be this run's parameters. */
static nn_status read_journal(struct writer *w, const char *path, const char *parameters)
{
    char line[ROW_MAX];
    FILE *file = fopen(path, "r");
    if (!file) return NN_OK;
    bool same = fgets(line, sizeof line, file) && strcmp(line, parameters) == 0;
    while (same && fgets(line, sizeof line, file)) {
        struct item *item = strchr(line, '\n') ? find_item(w, line) : NULL;
        if (!item || item->row) continue; /* the last line of a killed run may be cut off */
        item->row = strdup(line);
        w->done++;
    }
    fclose(file);
    if (same) return NN_OK;
    return nn_fail(w->err, NN_ERR_ARGUMENT, "%s: was begun with another seed, size or number of patients",
                   w->o->out);
}

static nn_status open_journal(struct writer *w)
{
    char path[PATH_MAX], parameters[128];
    in_folder(w, "journal.csv", path);
    snprintf(parameters, sizeof parameters, "seed %" PRIu64 " patients %d size %d\n", w->o->seed,
             w->o->patients, w->o->size);
    bool begun = access(path, F_OK) == 0;
    nn_status status = read_journal(w, path, parameters);
    if (status != NN_OK) return status;
    w->journal = fopen(path, "a");
    if (!w->journal || (!begun && fputs(parameters, w->journal) < 0) || fflush(w->journal) != 0)
        return nn_fail(w->err, NN_ERR_IO, "%s: %s", path, strerror(errno));
    return NN_OK;
}

/* ---- one image ---------------------------------------------------------------------------------- */

static bool is_test_patient(const struct writer *w, uint64_t patient)
{
    struct nn_rng r = {.seed = w->o->seed, .stream = phantom_stream(patient, 0, PHANTOM_STREAM_SPLIT)};
    return nn_rng_uniform(&r) < TEST_SHARE;
}

static void format_row(const struct writer *w, const struct phantom_patient *p, float visibility,
                       char row[ROW_MAX])
{
    bool fractured = p->fracture.type != PHANTOM_FRACTURE_NONE;
    char mask[64] = "";
    if (fractured) snprintf(mask, sizeof mask, "masks/p%06" PRIu64 "_%d.png", p->index, p->hip);
    snprintf(row, ROW_MAX,
             "images/p%06" PRIu64 "_%d.png,%s,p%06" PRIu64
             ",%s,%s,%s,%s,%.2f,%s,%s,%.0f,%.1f,%.1f,%.1f,%d,%u\n",
             p->index, p->hip, fractured ? "fracture" : "no_fracture", p->index, p->left ? "left" : "right",
             is_test_patient(w, p->index) ? "test" : "train", phantom_fracture_name(p->fracture.type),
             phantom_grade_name(p->fracture.grade), (double)visibility, mask,
             p->sex == PHANTOM_MALE ? "m" : "f", (double)p->age_years, (double)p->head_mm,
             (double)p->neck_shaft_deg, (double)p->version_deg, p->singh, p->lookalikes);
}

/* Not synchronised to disk one by one, which would cost more than the picture: `finish` does it for all. A
 * picture that a killed run left half written is not in the journal and is made again. */
static nn_status write_png(const struct writer *w, const char *name, const struct nn_image *image,
                           struct nn_error *err)
{
    const struct nn_png_text simulated = {"Comment", "simulated radiograph, not a patient"};
    char path[PATH_MAX];
    uint8_t *bytes;
    size_t size_bytes;
    nn_status status = nn_png_encode(image, &simulated, 1, &bytes, &size_bytes, err);
    if (status != NN_OK) return status;
    in_folder(w, name, path);
    FILE *file = fopen(path, "wb");
    bool written = file && fwrite(bytes, 1, size_bytes, file) == size_bytes;
    if (file && fclose(file) != 0) written = false;
    if (!written) status = nn_fail(err, NN_ERR_IO, "%s: %s", path, strerror(errno));
    free(bytes);
    return status;
}

static nn_status make_image(const struct writer *w, const struct item *item, char row[ROW_MAX],
                            struct nn_error *err)
{
    struct phantom_patient patient;
    struct phantom_picture picture;
    char name[64];
    phantom_patient_draw(w->o->seed, item->patient, item->hip, &patient);
    nn_status status = phantom_picture_make(&patient, w->o->size, &picture, err);
    if (status != NN_OK) return status;
    snprintf(name, sizeof name, "images/p%06" PRIu64 "_%d.png", patient.index, patient.hip);
    status = write_png(w, name, &picture.film, err);
    if (status == NN_OK && picture.mask.pixels) {
        snprintf(name, sizeof name, "masks/p%06" PRIu64 "_%d.png", patient.index, patient.hip);
        status = write_png(w, name, &picture.mask, err);
    }
    format_row(w, &patient, picture.visibility, row);
    phantom_picture_release(&picture);
    return status;
}

/* Called by many threads; what they share is touched in one place at a time. */
static void work_on(struct writer *w, struct item *item)
{
    char row[ROW_MAX];
    struct nn_error err = {.status = NN_OK};
    nn_status status = make_image(w, item, row, &err);
#pragma omp critical(phantom_dataset)
    {
        if (status == NN_OK && (fputs(row, w->journal) < 0 || fflush(w->journal) != 0))
            status = nn_fail(&err, NN_ERR_IO, "%s/journal.csv: %s", w->o->out, strerror(errno));
        if (status == NN_OK && !(item->row = strdup(row)))
            status = nn_fail(&err, NN_ERR_MEMORY, "out of memory");
        if (status != NN_OK && w->status == NN_OK) {
            w->status = status;
            if (w->err) *w->err = err;
        }
        w->done += status == NN_OK;
        if (status == NN_OK && w->progress && !w->progress(w->context, w->done, w->count)) w->stopped = true;
    }
}

/* ---- the end ------------------------------------------------------------------------------------ */

static nn_status write_text(const struct writer *w, const char *file, const char *text)
{
    char path[PATH_MAX];
    struct nn_replace replace;
    in_folder(w, file, path);
    nn_status status = nn_replace_open(&replace, path, w->err);
    if (status != NN_OK) return status;
    status = nn_replace_write(&replace, text, strlen(text), w->err);
    if (status == NN_OK) return nn_replace_commit(&replace, w->err);
    nn_replace_abandon(&replace);
    return status;
}

static nn_status write_labels(const struct writer *w)
{
    size_t size = sizeof header, used = 0;
    for (int i = 0; i < w->count; i++) size += strlen(w->items[i].row);
    char *text = malloc(size);
    if (!text) return nn_fail(w->err, NN_ERR_MEMORY, "out of memory for labels.csv");
    used = strlen(strcpy(text, header));
    for (int i = 0; i < w->count; i++) used += strlen(strcpy(text + used, w->items[i].row));
    nn_status status = write_text(w, "labels.csv", text);
    free(text);
    return status;
}

static nn_status write_description(const struct writer *w)
{
    char text[1024];
    snprintf(text, sizeof text,
             "{\n"
             "  \"name\": \"hip-phantom-%d\",\n"
             "  \"simulated\": true,\n"
             "  \"provenance\": \"virtual patients and simulated X-ray projection; no real radiograph\",\n"
             "  \"command\": \"roentgym phantom --patients %d --seed %" PRIu64 " --size %d\",\n"
             "  \"seed\": %" PRIu64 ",\n"
             "  \"patients\": %d,\n"
             "  \"images\": %d,\n"
             "  \"size\": %d,\n"
             "  \"classes\": [\"no_fracture\", \"fracture\"]\n"
             "}\n",
             w->o->size, w->o->patients, w->o->seed, w->o->size, w->o->seed, w->o->patients, w->count,
             w->o->size);
    return write_text(w, "dataset.json", text);
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
        snprintf(name, sizeof name, "images/p%06" PRIu64 "_%d.png", w->items[i].patient, w->items[i].hip);
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

static nn_status finish(const struct writer *w)
{
    char journal[PATH_MAX];
    nn_status status = synchronise(w);
    if (status == NN_OK) status = write_labels(w);
    if (status == NN_OK) status = write_description(w);
    in_folder(w, "journal.csv", journal);
    if (status == NN_OK) unlink(journal);
    if (status == NN_OK && w->o->sheet) status = write_sheet(w);
    return status;
}

static nn_status list_items(struct writer *w)
{
    w->items = calloc((size_t)w->o->patients * 2, sizeof *w->items);
    if (!w->items) return nn_fail(w->err, NN_ERR_MEMORY, "out of memory for %d patients", w->o->patients);
    for (int i = 0; i < w->o->patients; i++) {
        int hips = phantom_hip_count(w->o->seed, (uint64_t)i);
        for (int hip = 0; hip < hips; hip++)
            w->items[w->count++] = (struct item){.patient = (uint64_t)i, .hip = hip};
    }
    return NN_OK;
}

nn_status phantom_dataset_write(const struct phantom_dataset_options *o, phantom_progress *progress,
                                void *context, bool *complete, struct nn_error *err)
{
    struct writer w = {.o = o, .progress = progress, .context = context, .err = err};
    w.status = list_items(&w);
    if (w.status == NN_OK) w.status = make_folders(&w);
    if (w.status == NN_OK) w.status = open_journal(&w);
    if (w.status == NN_OK) {
#pragma omp parallel for schedule(dynamic)
        for (int i = 0; i < w.count; i++)
            if (!w.items[i].row && !w.stopped && w.status == NN_OK) work_on(&w, &w.items[i]);
    }
    if (w.journal) fclose(w.journal);
    *complete = w.status == NN_OK && w.done == w.count;
    if (*complete) w.status = finish(&w);
    for (int i = 0; i < w.count; i++) free(w.items[i].row);
    free(w.items);
    return w.status;
}
