#include "trainer/ingest/ingest_data.h"

#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/file.h"
#include "engine/sha256.h"
#include "trainer/data/labels.h"
#include "trainer/folder_lock.h"
#include "trainer/ingest/ingest_journal.h"
#include "trainer/ingest/ingest_labels.h"
#include "trainer/ingest/ingest_report.h"
#include "trainer/ingest/worker_pool.h"

#define TEXT_LIMIT ((size_t)16 << 20)

enum { FILE_LIMIT_S = 300 };

static const char FINISHED[] = "dataset.json", UNFINISHED[] = "dataset.json.unfinished";

struct maker {
    const struct tr_ingest_wish *w;
    struct tr_ingest_table *table;
    tr_ingest_progress *progress;
    void *context;
    struct tr_ingest_outcome *outcome;
    char images[PATH_MAX], tiles[PATH_MAX]; /* folders */
    char style[200];                        /* what is the same for all images, as text */
    int folder;                             /* descriptor of `out`, locked while it is open; -1 */
    int *todo, todo_count, done;            /* items to read */
    FILE *journal;
    nn_status failed; /* of the disk, while files are read */
    struct nn_error *err;
};

static nn_status io_failed(const struct maker *m, const char *path)
{
    return nn_fail(m->err, NN_ERR_IO, "%s: %s", path, strerror(errno));
}

/* wish checks that the folders leave room in a path */
static void in_folder(const char *folder, const char *file, char path[PATH_MAX])
{
    snprintf(path, PATH_MAX, "%s/%s", folder, file);
}

/* ---- the folder ----------------------------------------------------------------------------------- */

static json_t *ingest_facts(const struct maker *m)
{
    return json_pack("{s:i, s:i, s:i, s:b, s:s}", "format", 1, "side", m->w->style.side, "depth",
                     m->w->style.depth, "keep_margins", m->w->style.keep_margins, "key", m->w->key.name);
}

/* Whether `file` is there; that the same wish could have made it is checked. */
static nn_status look_for(const struct maker *m, const char *file, bool *there)
{
    char path[PATH_MAX];
    uint8_t *bytes;
    size_t size;
    in_folder(m->w->out, file, path);
    *there = access(path, F_OK) == 0;
    if (!*there) return NN_OK;
    nn_status status = nn_file_read(path, TEXT_LIMIT, &bytes, &size, m->err);
    if (status != NN_OK) return status;
    json_t *root = json_loadb((const char *)bytes, size, 0, NULL), *wanted = ingest_facts(m);
    const json_t *found = json_object_get(root, "ingest");
    if (!found)
        status = nn_fail(m->err, NN_ERR_ARGUMENT, "%s: holds a data set that ingest has not made", m->w->out);
    else if (!json_equal(found, wanted))
        status = nn_fail(m->err, NN_ERR_ARGUMENT,
                         "%s: was made with another key, size, depth or margins; another --out starts anew",
                         m->w->out);
    json_decref(root);
    json_decref(wanted);
    free(bytes);
    return status;
}

static nn_status make_folder(const struct maker *m, const char *path)
{
    return mkdir(path, 0777) == 0 || errno == EEXIST ? NN_OK : io_failed(m, path);
}

static char *description(const struct maker *m, const char *labels_sha256);

static nn_status open_folder(struct maker *m)
{
    const char *out = m->w->out;
    bool finished, begun = false;
    char path[PATH_MAX];
    nn_status status = make_folder(m, out);
    if (status != NN_OK) return status;
    status = tr_folder_lock(out, "process is writing this data set", &m->folder, m->err);
    if (status == NN_OK) status = look_for(m, FINISHED, &finished);
    if (status == NN_OK) status = look_for(m, UNFINISHED, &begun);
    if (status != NN_OK) return status;
    if (!finished && !begun && !nn_folder_is_empty(out))
        return nn_fail(m->err, NN_ERR_ARGUMENT, "%s: is neither empty nor a data set that ingest has made",
                       out);
    if ((status = make_folder(m, m->w->report)) != NN_OK || (status = make_folder(m, m->images)) != NN_OK ||
        (status = make_folder(m, m->tiles)) != NN_OK)
        return status;
    in_folder(out, UNFINISHED, path);
    if (begun || finished) return NN_OK;
    char *text = description(m, NULL);
    if (!text) return nn_fail(m->err, NN_ERR_MEMORY, "%s: out of memory, or a name that is not UTF-8", out);
    status = nn_file_replace(path, text, strlen(text), m->err);
    free(text);
    return status;
}

/* From now on until it is finished nobody takes it for whole. */
static nn_status reopen_description(const struct maker *m)
{
    char finished[PATH_MAX], unfinished[PATH_MAX];
    in_folder(m->w->out, FINISHED, finished);
    in_folder(m->w->out, UNFINISHED, unfinished);
    if (rename(finished, unfinished) != 0 && errno != ENOENT) return io_failed(m, finished);
    return NN_OK;
}

/* ---- reading the files ---------------------------------------------------------------------------- */

/* What a worker sends back. */
struct result {
    nn_status status;
    struct nn_error err;
    struct tr_ingest_facts facts;
};
_Static_assert(sizeof(struct result) <= TR_WORKER_RESULT_MAX, "it is one message");

static void read_one(void *context, int job, void *out)
{
    const struct maker *m = context;
    struct result *result = out;
    const struct tr_ingest_item *item = &m->table->items[m->todo[job]];
    char source[PATH_MAX], image[PATH_MAX + 32], tile[PATH_MAX + 32];
    in_folder(m->w->source, item->file, source);
    snprintf(image, sizeof image, "%s/%s.png", m->images, item->name);
    snprintf(tile, sizeof tile, "%s/%s.png", m->tiles, item->name);
    result->status =
        tr_ingest_one(source, image, tile, &m->w->style, &item->change, &result->facts, &result->err);
}

static void take_result(struct maker *m, struct tr_ingest_item *item, const struct result *result)
{
    char patient[TR_PSEUDONYM_SIZE] = "";
    item->facts = result->facts;
    if (*result->facts.patient_id) tr_pseudonym(&m->w->key, 'p', result->facts.patient_id, patient);
    strcpy(item->facts.patient_id, patient);
    item->done = result->status == NN_OK || result->status == NN_ERR_FORMAT;
    if (result->status != NN_OK) tr_ingest_judge(item, TR_INGEST_REFUSED, "%s", result->err.text);
    if (result->status == NN_ERR_IO && result->facts.width > 0)
        m->failed = nn_fail(m->err, NN_ERR_IO, "%s", result->err.text);
}

static bool take_job(void *context, int job, enum tr_worker_end end, const void *result)
{
    struct maker *m = context;
    struct tr_ingest_item *item = &m->table->items[m->todo[job]];
    if (end == TR_WORKER_DONE) {
        take_result(m, item, result);
    } else if (end == TR_WORKER_CRASHED) {
        tr_ingest_judge(item, TR_INGEST_REFUSED, "its decoder crashed");
        item->done = true;
    } else if (end == TR_WORKER_KILLED) {
        tr_ingest_judge(item, TR_INGEST_REFUSED, "its decoder was killed; the same command tries again");
    } else {
        tr_ingest_judge(item, TR_INGEST_REFUSED, "takes longer than %d s to decode", FILE_LIMIT_S);
    }
    if (item->done) tr_ingest_journal_put(m->journal, item);
    if (ferror(m->journal))
        m->failed = nn_fail(m->err, NN_ERR_IO, "%s: its progress cannot be written", m->w->report);
    if (++m->done == m->todo_count) return true; /* told when the data set is whole */
    return m->progress(m->context, m->done, m->todo_count) && m->failed == NN_OK;
}

static nn_status list_work(struct maker *m)
{
    m->todo = malloc(((size_t)m->table->count + 1) * sizeof *m->todo);
    if (!m->todo) return nn_fail(m->err, NN_ERR_MEMORY, "out of memory for a list of files");
    for (int i = 0; i < m->table->count; i++)
        if (m->table->items[i].verdict == TR_INGEST_TAKEN && !m->table->items[i].done)
            m->todo[m->todo_count++] = i;
    return NN_OK;
}

static nn_status read_files(struct maker *m)
{
    char path[PATH_MAX];
    in_folder(m->w->report, "progress.csv", path);
    for (int i = 0; i < m->table->count; i++)
        tr_pseudonym(&m->w->key, 'i', m->table->items[i].file, m->table->items[i].name);
    nn_status status =
        tr_ingest_journal_read(path, m->style, m->w->source, m->images, m->tiles, m->table, m->err);
    if (status == NN_OK) status = list_work(m);
    if (status == NN_OK && m->todo_count > 0) status = reopen_description(m);
    if (status == NN_OK) status = tr_ingest_journal_open(&m->journal, path, m->style, m->table, m->err);
    if (status != NN_OK || m->todo_count == 0) return status;
    const struct tr_worker_pool pool = {.workers = m->w->workers,
                                        .count = m->todo_count,
                                        .limit_s = FILE_LIMIT_S,
                                        .result_bytes = sizeof(struct result),
                                        .work = read_one,
                                        .done = take_job,
                                        .context = m};
    status = tr_worker_pool_run(&pool, m->err);
    return status == NN_OK ? m->failed : status;
}

/* ---- judging them --------------------------------------------------------------------------------- */

static void name_patients(struct maker *m)
{
    for (int i = 0; i < m->table->count; i++) {
        struct tr_ingest_item *item = &m->table->items[i];
        if (item->verdict != TR_INGEST_TAKEN) continue;
        if (*item->patient)
            tr_pseudonym(&m->w->key, 'p', item->patient, item->patient_name);
        else
            snprintf(item->patient_name, sizeof item->patient_name, "%.17s", item->facts.patient_id);
        if (!*item->patient_name)
            tr_ingest_judge(item, TR_INGEST_REFUSED, "has no patient_id, in labels.csv or in itself");
    }
}

static void note_looks(struct maker *m)
{
    for (int i = 0; i < m->table->count; i++) {
        struct tr_ingest_item *item = &m->table->items[i];
        const struct tr_burnt_in *writing = &item->facts.writing;
        if (item->verdict != TR_INGEST_TAKEN) continue;
        if (writing->glyphs > 0)
            tr_ingest_note(item, "letters in the picture (%d marks, columns %d-%d, rows %d-%d)",
                           writing->glyphs, writing->area.left, writing->area.right, writing->area.top,
                           writing->area.bottom);
        if (item->facts.looks_inverted) tr_ingest_note(item, "black and white may be exchanged");
    }
}

static void count(struct maker *m, const struct tr_copies *copies)
{
    struct tr_ingest_outcome *o = m->outcome;
    for (int i = 0; i < m->table->count; i++) {
        const struct tr_ingest_item *item = &m->table->items[i];
        bool taken = item->verdict == TR_INGEST_TAKEN;
        o->taken += taken;
        o->tests += taken && item->test;
        o->copies += item->verdict == TR_INGEST_COPY;
        o->left_out += item->verdict == TR_INGEST_LEFT;
        o->refused += item->verdict == TR_INGEST_REFUSED;
        o->written_on += taken && item->facts.writing.glyphs > 0;
    }
    for (int i = 0; i < copies->count; i++) {
        const struct tr_copy_pair *pair = &copies->pairs[i];
        o->alike += !pair->equal;
        o->contradicting += strcmp(m->table->items[pair->a].label, m->table->items[pair->b].label) != 0;
    }
}

/* ---- writing what it is --------------------------------------------------------------------------- */

static char *description(const struct maker *m, const char *labels_sha256)
{
    json_t *root = json_pack("{s:s, s:b, s:s}", "name", m->w->name, "simulated", 0, "provenance",
                             "radiographs of patients, de-identified by roentgym ingest");
    json_object_set_new(root, "ingest", ingest_facts(m));
    if (labels_sha256) {
        json_object_set_new(root, "images", json_integer(m->outcome->taken));
        json_object_set_new(root, "test_images", json_integer(m->outcome->tests));
        json_object_set_new(root, "labels_sha256", json_string(labels_sha256));
    }
    char *text = root ? json_dumps(root, JSON_INDENT(1)) : NULL;
    json_decref(root);
    return text;
}

/* All images on disk, before the files that declare them complete. */
static nn_status write_data_set(struct maker *m)
{
    char path[PATH_MAX], labels_sha256[65], *labels, *text = NULL;
    size_t size;
    nn_status status = tr_ingest_labels_text(m->table, &labels, &size, m->err);
    if (status != NN_OK) return status;
    nn_sha256_hex(labels, size, labels_sha256);
    if (!(text = description(m, labels_sha256)))
        status = nn_fail(m->err, NN_ERR_MEMORY, "out of memory for dataset.json");
    if (status == NN_OK && syncfs(m->folder) != 0) status = io_failed(m, m->w->out);
    if (status == NN_OK) status = reopen_description(m);
    in_folder(m->w->out, "labels.csv", path);
    if (status == NN_OK) status = nn_file_replace(path, labels, size, m->err);
    in_folder(m->w->out, FINISHED, path);
    if (status == NN_OK) status = nn_file_replace(path, text, strlen(text), m->err);
    in_folder(m->w->out, UNFINISHED, path);
    if (status == NN_OK) unlink(path);
    free(labels);
    free(text);
    return status;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Images, or tiles, of an earlier run, or of copies, that no row of labels.csv names. Only what is named as
 * ours are. */
static nn_status remove_unnamed(const struct maker *m, const char *folder)
{
    int taken = 0;
    const char **names = malloc(((size_t)m->table->count + 1) * sizeof *names);
    DIR *dir = names ? opendir(folder) : NULL;
    if (!names) return nn_fail(m->err, NN_ERR_MEMORY, "out of memory for a list of images");
    for (int i = 0; i < m->table->count; i++)
        if (m->table->items[i].verdict == TR_INGEST_TAKEN) names[taken++] = m->table->items[i].name;
    qsort(names, (size_t)taken, sizeof *names, by_name);
    for (const struct dirent *entry; dir && (entry = readdir(dir));) {
        char name[TR_PSEUDONYM_SIZE];
        const char *key = name, *end = entry->d_name + TR_PSEUDONYM_SIZE - 1;
        if (strlen(entry->d_name) < TR_PSEUDONYM_SIZE ||
            (strcmp(end, ".png") != 0 && strcmp(end, ".png.tmp") != 0))
            continue;
        snprintf(name, sizeof name, "%.17s", entry->d_name);
        if (name[0] != 'i' || strspn(name + 1, "0123456789abcdef") != TR_PSEUDONYM_SIZE - 2) continue;
        if (!bsearch(&key, names, (size_t)taken, sizeof *names, by_name) || !strcmp(end, ".png.tmp"))
            unlinkat(dirfd(dir), entry->d_name, 0);
    }
    if (dir) closedir(dir);
    free(names);
    return NN_OK;
}

static nn_status report(struct maker *m, const struct tr_copies *copies)
{
    char path[PATH_MAX];
    const struct tr_ingest_wish *w = m->w;
    in_folder(w->report, "copies.csv", path);
    nn_status status = tr_ingest_report_copies(path, m->table, copies, m->err);
    in_folder(w->report, "report.csv", path);
    if (status == NN_OK)
        status = tr_ingest_report_files(path, m->table, w->source, w->out, w->report, w->labels_path,
                                        &m->outcome->unlisted, m->err);
    if (status == NN_OK) status = tr_ingest_review(w->report, m->table, &m->outcome->pages, m->err);
    return status;
}

static nn_status conclude(struct maker *m)
{
    struct tr_copies copies = {0};
    struct tr_ingest_outcome *o = m->outcome;
    name_patients(m);
    nn_status status = tr_copies_find(&copies, m->table, m->err);
    if (status == NN_OK)
        status = tr_patient_split(m->table, &copies, m->w->test_share, m->w->seed, &o->split, m->err);
    if (status == NN_OK) {
        note_looks(m);
        count(m, &copies);
        tr_ingest_labels_check(m->table, o->fault, sizeof o->fault);
        status = report(m, &copies);
    }
    if (status == NN_OK && o->taken == 0)
        status = nn_fail(m->err, NN_ERR_FORMAT, "%s: not one image could be taken; %s/report.csv says why",
                         m->w->source, m->w->report);
    if (status == NN_OK) status = write_data_set(m);
    if (status == NN_OK) status = remove_unnamed(m, m->images);
    if (status == NN_OK) status = remove_unnamed(m, m->tiles);
    tr_copies_release(&copies);
    return status;
}

nn_status tr_ingest_data_make(const struct tr_ingest_wish *wish, struct tr_ingest_table *table,
                              tr_ingest_progress *progress, void *context, struct tr_ingest_outcome *outcome,
                              struct nn_error *err)
{
    struct maker m = {.w = wish,
                      .table = table,
                      .progress = progress,
                      .context = context,
                      .outcome = outcome,
                      .folder = -1,
                      .err = err};
    *outcome = (struct tr_ingest_outcome){0};
    if (strlen(wish->source) + strlen(wish->out) + strlen(wish->report) + 200 > PATH_MAX)
        return nn_fail(err, NN_ERR_ARGUMENT, "the folders' paths are too long");
    in_folder(wish->out, "images", m.images);
    in_folder(wish->report, "tiles", m.tiles);
    snprintf(m.style, sizeof m.style, "roentgym ingest 1 side %d depth %d margins %d key %s",
             wish->style.side, wish->style.depth, wish->style.keep_margins, wish->key.name);
    nn_status status = open_folder(&m);
    if (status == NN_OK) status = read_files(&m);
    if (m.journal && fclose(m.journal) != 0 && status == NN_OK) status = io_failed(&m, wish->report);
    if (status == NN_OK && m.done < m.todo_count) status = nn_fail(err, NN_STOPPED, "stopped");
    if (status == NN_OK) status = conclude(&m);
    if (status == NN_OK && m.done > 0) progress(context, m.done, m.todo_count);
    if (m.folder >= 0) close(m.folder);
    free(m.todo);
    return status;
}
