#include "trainer/ingest/ingest_report.h"

#include <errno.h>
#include <fts.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "trainer/data/csv_cell.h"
#include "trainer/text_file.h"

static const char *const verdicts[] = {"taken", "copy", "left out", "refused"};

/* ---- report.csv ----------------------------------------------------------------------------------- */

static void put_rectangle(FILE *to, bool there, const struct tr_rectangle *r)
{
    if (there) fprintf(to, "%d-%d x %d-%d", r->left, r->right, r->top, r->bottom);
}

static void put_item(FILE *to, const struct tr_ingest_item *item)
{
    const struct tr_ingest_facts *f = &item->facts;
    bool taken = item->verdict == TR_INGEST_TAKEN, read = f->width > 0;
    fprintf(to, "%d,", item->line);
    tr_csv_write_cell(to, item->file);
    fprintf(to, ",%s,", verdicts[item->verdict]);
    tr_csv_write_cell(to, item->reason ? item->reason : "");
    putc(',', to);
    tr_csv_write_cell(to, item->note ? item->note : "");
    putc(',', to);
    tr_csv_write_cell(to, item->label);
    if (taken)
        fprintf(to, ",images/%s.png,%s,%s", item->name, item->patient_name, item->test ? "test" : "train");
    else
        fputs(",,,", to);
    fprintf(to, ",%s,%s,", f->format, f->syntax);
    if (read) fprintf(to, "%dx%d", f->width, f->height);
    putc(',', to);
    put_rectangle(to, read, &f->field);
    fprintf(to, ",%d,", f->writing.glyphs);
    put_rectangle(to, f->writing.glyphs > 0, &f->writing.area);
    putc('\n', to);
}

static bool is_same_file(const char *a, const char *b)
{
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* Files that no row names. */
static int put_unlisted(FILE *to, const struct tr_ingest_table *table, const char *source,
                        const char *const passed_over[3])
{
    int count = 0;
    char *roots[] = {(char *)(uintptr_t)source, NULL};
    struct tr_ingest_item **sorted = tr_ingest_table_by_file(table);
    FTS *walk = sorted ? fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL) : NULL;
    for (const FTSENT *entry; walk && (entry = fts_read(walk));) {
        bool folder = entry->fts_info == FTS_D;
        if (entry->fts_level == 0 || (!folder && entry->fts_info != FTS_F)) continue;
        bool pass = entry->fts_name[0] == '.' || strcmp(entry->fts_name, "DICOMDIR") == 0;
        for (int i = 0; i < 3 && !pass; i++) pass = is_same_file(entry->fts_path, passed_over[i]);
        if (folder && pass) fts_set(walk, (FTSENT *)(uintptr_t)entry, FTS_SKIP);
        if (folder || pass) continue;
        const char *file = entry->fts_path + strlen(source);
        while (*file == '/') file++;
        if (tr_ingest_table_find(sorted, table->count, file) >= 0) continue;
        putc(',', to);
        tr_csv_write_cell(to, file);
        fputs(",not listed,is not in labels.csv,,,,,,,,,,,\n", to);
        count++;
    }
    if (walk) fts_close(walk);
    free(sorted);
    return count;
}

nn_status tr_ingest_report_files(const char *path, const struct tr_ingest_table *table, const char *source,
                                 const char *out, const char *report, const char *labels_path, int *unlisted,
                                 struct nn_error *err)
{
    struct tr_text_file text;
    nn_status status = tr_text_file_begin(&text, path, err);
    if (status != NN_OK) return status;
    fputs("line,file,verdict,reason,note,label,image,patient_id,split,format,transfer_syntax,size,field,"
          "letters,"
          "letters_at\n",
          text.to);
    for (int i = 0; i < table->count; i++) put_item(text.to, &table->items[i]);
    *unlisted = put_unlisted(text.to, table, source, (const char *const[]){out, report, labels_path});
    return tr_text_file_end(&text, NN_OK, err);
}

/* ---- copies.csv ----------------------------------------------------------------------------------- */

nn_status tr_ingest_report_copies(const char *path, const struct tr_ingest_table *table,
                                  const struct tr_copies *copies, struct nn_error *err)
{
    struct tr_text_file text;
    nn_status status = tr_text_file_begin(&text, path, err);
    if (status != NN_OK) return status;
    fputs("file,other_file,kind,bits_apart,label,other_label,labels,patients\n", text.to);
    for (int i = 0; i < copies->count; i++) {
        const struct tr_copy_pair *pair = &copies->pairs[i];
        const struct tr_ingest_item *a = &table->items[pair->a], *b = &table->items[pair->b];
        tr_csv_write_cell(text.to, a->file);
        putc(',', text.to);
        tr_csv_write_cell(text.to, b->file);
        fprintf(text.to, ",%s,%d,", pair->equal ? "equal" : "alike", pair->bits);
        tr_csv_write_cell(text.to, a->label);
        putc(',', text.to);
        tr_csv_write_cell(text.to, b->label);
        fprintf(text.to, ",%s,%s\n", strcmp(a->label, b->label) ? "contradict" : "agree",
                strcmp(a->patient_name, b->patient_name) ? "two" : "one");
    }
    return tr_text_file_end(&text, NN_OK, err);
}
