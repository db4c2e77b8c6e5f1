#include "trainer/ingest/ingest_journal.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/csv_reader.h"
#include "engine/file.h"
#include "trainer/data/csv_cell.h"

#define JOURNAL_LIMIT ((size_t)1 << 31)

/* Of one line; the numbers stand together in one cell, as nobody reads them but this file. */
enum cell {
    FILE_CELL,
    SOURCE,
    CHANGE,
    PROBLEM,
    FORMAT,
    SYNTAX,
    PATIENT,
    MODALITY,
    VIEW,
    SIDE,
    SHA256,
    HASH,
    NUMBERS,
    CELLS
};

/* ---- writing -------------------------------------------------------------------------------------- */

static void change_text(const struct tr_ingest_item *item, char text[32])
{
    snprintf(text, 32, "%d %d %d", item->change.turn, item->change.mirror, item->change.invert);
}

void tr_ingest_journal_put(FILE *journal, const struct tr_ingest_item *item)
{
    const struct tr_ingest_facts *f = &item->facts;
    const struct tr_rectangle *a = &f->field, *b = &f->writing.area;
    const uint64_t *h = f->hash.bits;
    char change[32];
    change_text(item, change);
    tr_csv_write_cell(journal, item->file);
    fprintf(journal, ",%" PRId64 " %" PRId64 ",%s,", item->source_bytes, item->source_time_ns, change);
    tr_csv_write_cell(journal, item->verdict == TR_INGEST_REFUSED && item->reason ? item->reason : "");
    fprintf(journal, ",%s,%s,%s,%s,%s,%s,%s,", f->format, f->syntax, f->patient_id, f->modality, f->view,
            f->side, f->sha256);
    fprintf(journal, "%016" PRIx64 " %016" PRIx64 " %016" PRIx64 " %016" PRIx64 ",", h[0], h[1], h[2], h[3]);
    fprintf(journal, "%d %d %d %d %d %d %d %d %d %d %d %d %ld\n", f->width, f->height, a->left, a->top,
            a->right, a->bottom, f->writing.glyphs, b->left, b->top, b->right, b->bottom, f->looks_inverted,
            f->size_bytes);
    fflush(journal);
}

nn_status tr_ingest_journal_open(FILE **journal, const char *path, const char *style,
                                 const struct tr_ingest_table *table, struct nn_error *err)
{
    *journal = fopen(path, "w");
    if (!*journal) return nn_fail(err, NN_ERR_IO, "%s: %s", path, strerror(errno));
    fprintf(*journal, "%s\n", style);
    for (int i = 0; i < table->count; i++)
        if (table->items[i].done) tr_ingest_journal_put(*journal, &table->items[i]);
    return NN_OK;
}

/* ---- reading -------------------------------------------------------------------------------------- */

static bool image_is_there(const char *images, const char *tiles, const struct tr_ingest_item *item)
{
    char path[PATH_MAX], tile[PATH_MAX];
    struct stat info;
    return snprintf(path, sizeof path, "%s/%s.png", images, item->name) < (int)sizeof path &&
           snprintf(tile, sizeof tile, "%s/%s.png", tiles, item->name) < (int)sizeof tile &&
           stat(path, &info) == 0 && item->facts.size_bytes > 0 && info.st_size == item->facts.size_bytes &&
           stat(tile, &info) == 0 && info.st_size > 0;
}

#define TAKE(field, text) (snprintf(field, sizeof field, "%s", text) < (int)sizeof field)

static bool read_facts(char *const *cells, struct tr_ingest_facts *f)
{
    struct tr_rectangle *a = &f->field, *b = &f->writing.area;
    uint64_t *h = f->hash.bits;
    int inverted = 0;
    bool fits = TAKE(f->format, cells[FORMAT]) && TAKE(f->syntax, cells[SYNTAX]) &&
                TAKE(f->patient_id, cells[PATIENT]) && TAKE(f->modality, cells[MODALITY]) &&
                TAKE(f->view, cells[VIEW]) && TAKE(f->side, cells[SIDE]) && TAKE(f->sha256, cells[SHA256]);
    fits = fits && sscanf(cells[HASH], "%" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64, &h[0], &h[1], &h[2],
                          &h[3]) == 4;
    fits = fits && sscanf(cells[NUMBERS], "%d %d %d %d %d %d %d %d %d %d %d %d %ld", &f->width, &f->height,
                          &a->left, &a->top, &a->right, &a->bottom, &f->writing.glyphs, &b->left, &b->top,
                          &b->right, &b->bottom, &inverted, &f->size_bytes) == 13;
    f->looks_inverted = inverted;
    return fits;
}

static void take_line(char *const *cells, const char *images, const char *tiles, struct tr_ingest_item *item)
{
    char change[32];
    int64_t bytes, time_ns;
    struct tr_ingest_facts facts = {0};
    change_text(item, change);
    if (item->verdict == TR_INGEST_REFUSED || strcmp(cells[CHANGE], change) != 0 ||
        sscanf(cells[SOURCE], "%" SCNd64 " %" SCNd64, &bytes, &time_ns) != 2 || bytes != item->source_bytes ||
        time_ns != item->source_time_ns || !read_facts(cells, &facts))
        return;
    item->facts = facts;
    if (!*cells[PROBLEM] && !image_is_there(images, tiles, item)) return;
    if (*cells[PROBLEM]) tr_ingest_judge(item, TR_INGEST_REFUSED, "%s", cells[PROBLEM]);
    item->done = true;
}

/* Says what the source's files are now. */
static void look_at_files(const char *source, struct tr_ingest_table *table)
{
    for (int i = 0; i < table->count; i++) {
        struct tr_ingest_item *item = &table->items[i];
        char path[PATH_MAX];
        struct stat info;
        if (item->verdict != TR_INGEST_TAKEN) continue;
        if (snprintf(path, sizeof path, "%s/%s", source, item->file) >= (int)sizeof path)
            tr_ingest_judge(item, TR_INGEST_REFUSED, "its path is too long");
        else if (stat(path, &info) != 0)
            tr_ingest_judge(item, TR_INGEST_REFUSED, "%s",
                            errno == ENOENT ? "there is no such file" : strerror(errno));
        else if (!S_ISREG(info.st_mode))
            tr_ingest_judge(item, TR_INGEST_REFUSED, "is no file");
        else
            item->source_bytes = info.st_size,
            item->source_time_ns = (int64_t)info.st_mtim.tv_sec * 1000000000 + info.st_mtim.tv_nsec;
    }
}

static nn_status take_lines(const char *path, const char *style, const char *images, const char *tiles,
                            struct tr_ingest_table *table, struct nn_error *err)
{
    uint8_t *bytes;
    size_t size, length = strlen(style);
    char *cells[NN_CSV_FIELDS_MAX];
    int count;
    struct nn_csv csv;
    nn_status status = nn_file_read(path, JOURNAL_LIMIT, &bytes, &size, err);
    if (status != NN_OK) return status;
    struct tr_ingest_item **sorted = tr_ingest_table_by_file(table);
    if (!sorted) status = nn_fail(err, NN_ERR_MEMORY, "%s: out of memory", path);
    if (status == NN_OK && size > length && !memcmp(bytes, style, length) && bytes[length] == '\n') {
        nn_csv_init(&csv, (char *)bytes + length + 1, size - length - 1, path);
        while (nn_csv_next(&csv, cells, &count, NULL) == NN_OK && count > 0) {
            int at = count == CELLS ? tr_ingest_table_find(sorted, table->count, cells[FILE_CELL]) : -1;
            if (at >= 0) take_line(cells, images, tiles, sorted[at]);
        }
    }
    free(sorted);
    free(bytes);
    return status;
}

nn_status tr_ingest_journal_read(const char *path, const char *style, const char *source, const char *images,
                                 const char *tiles, struct tr_ingest_table *table, struct nn_error *err)
{
    struct stat info;
    look_at_files(source, table);
    return stat(path, &info) == 0 ? take_lines(path, style, images, tiles, table, err) : NN_OK;
}
