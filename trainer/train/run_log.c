#include "trainer/train/run_log.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/file.h"

#define LOG_LIMIT ((size_t)256 << 20)

static double number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : (double)NAN;
}

static double at(const json_t *list, size_t index)
{
    const json_t *value = json_array_get(list, index);
    return json_is_number(value) ? json_number_value(value) : (double)NAN;
}

static void take_swd(struct tr_log_entry *e, const json_t *swd)
{
    const json_t *sides = json_object_get(swd, "sides");
    size_t levels = json_array_size(sides);
    e->swd_mean = number(swd, "mean");
    e->swd_floor_mean = number(swd, "floor_mean");
    e->swd_images = (int)json_integer_value(json_object_get(swd, "images"));
    if (!isfinite(e->swd_mean) || levels > TR_SWD_LEVELS_MAX) return;
    e->swd_levels = (int)levels;
    for (size_t k = 0; k < levels; k++) {
        e->swd_sides[k] = (int)json_integer_value(json_array_get(sides, k));
        e->swd[k] = at(json_object_get(swd, "distance"), k);
        e->swd_floor[k] = at(json_object_get(swd, "floor"), k);
    }
}

/* False: not an entry; *why says so. */
static bool take_line(struct tr_log_entry *e, const char *text, size_t size, char why[100])
{
    json_error_t problem;
    json_t *root = json_loadb(text, size, JSON_REJECT_DUPLICATES, &problem);
    double side = number(root, "side");
    *e = (struct tr_log_entry){.kimg = number(root, "kimg"), .lod = number(root, "lod")};
    e->real = number(root, "real"), e->fake = number(root, "fake"), e->penalty = number(root, "penalty");
    e->label = number(root, "label"), e->generator = number(root, "generator");
    e->real_sign = number(root, "real_sign"), e->augment_p = number(root, "augment_p");
    e->skipped = number(root, "skipped"), e->images_per_s = number(root, "images_per_s");
    e->elapsed_s = number(root, "elapsed_s");
    bool good = e->kimg >= 0 && e->kimg < 1e9 && side >= 4 && side <= 1024;
    if (good) e->side = (int)side;
    if (good) take_swd(e, json_object_get(root, "swd"));
    if (!root)
        snprintf(why, 100, "%.80s", problem.text);
    else if (!good)
        snprintf(why, 100, "has no \"kimg\" and \"side\" in their range");
    json_decref(root);
    return good;
}

static bool add(struct tr_run_log *log, const struct tr_log_entry *e, int *room)
{
    while (log->count > 0 && log->entries[log->count - 1].kimg >= e->kimg) log->count--;
    if (log->count == *room) {
        *room = *room ? 2 * *room : 256;
        struct tr_log_entry *more = realloc(log->entries, (size_t)*room * sizeof *more);
        if (!more) return false;
        log->entries = more;
    }
    log->entries[log->count++] = *e;
    return true;
}

nn_status tr_run_log_read(struct tr_run_log *log, const char *path, struct nn_error *err)
{
    uint8_t *bytes;
    size_t size;
    int room = 0, line = 0;
    *log = (struct tr_run_log){0};
    nn_status status = nn_file_read(path, LOG_LIMIT, &bytes, &size, err);
    if (status != NN_OK) return status;
    for (char *from = (char *)bytes, *end = from + size; from < end && status == NN_OK;) {
        char *stop = memchr(from, '\n', (size_t)(end - from)), why[100] = "";
        struct tr_log_entry e;
        if (!stop) stop = end;
        line++;
        if (stop > from && take_line(&e, from, (size_t)(stop - from), why)) {
            if (!add(log, &e, &room)) status = nn_fail(err, NN_ERR_MEMORY, "%s: out of memory", path);
        } else if (stop > from) {
            if (log->bad_count < TR_LOG_BAD_NAMED) {
                log->bad[log->bad_count].line = line;
                memcpy(log->bad[log->bad_count].why, why, sizeof why);
            }
            log->bad_count++;
        }
        from = stop + 1;
    }
    free(bytes);
    if (status != NN_OK) tr_run_log_release(log);
    return status;
}

void tr_run_log_release(struct tr_run_log *log)
{
    free(log->entries);
    *log = (struct tr_run_log){0};
}
