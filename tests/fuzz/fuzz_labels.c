/* Any bytes as a labels.csv: refused in one line, or a table that keeps its promises. */
#include <stdlib.h>
#include <string.h>

#include "trainer/data/labels.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int holds)
{
    if (!holds) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tr_labels table = {0};
    struct nn_error err = {0};
    if (tr_labels_parse(&table, (const char *)data, size, "fuzz", &err)) {
        must(!table.rows && err.status && !strchr(err.text, '\n') && !strncmp(err.text, "fuzz:", 5));
        return 0;
    }
    int training = 0;
    must(table.class_count >= 1 && table.class_count <= NN_CLASSES_MAX);
    for (int i = 0; i < table.row_count; i++) {
        const struct tr_label_row *row = &table.rows[i];
        must(table.class_count == 64 || row->labels >> table.class_count == 0);
        must(table.multi || (row->labels && !(row->labels & (row->labels - 1))));
        must(*row->file && *row->file != '/' && *row->patient);
        must(i == 0 || row->line > table.rows[i - 1].line);
        training += row->train;
    }
    must(table.row_count >= 1 && training == table.train_count);
    tr_labels_release(&table);
    return 0;
}
