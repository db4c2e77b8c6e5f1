#include "trainer/ingest/ingest_labels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/engine.h"
#include "trainer/data/csv_cell.h"
#include "trainer/data/labels.h"

static int by_name(const void *a, const void *b)
{
    const struct tr_ingest_item *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

static void put_row(FILE *to, const struct tr_ingest_table *table, const struct tr_ingest_item *item)
{
    fprintf(to, "images/%s.png,", item->name);
    tr_csv_write_cell(to, item->label);
    fprintf(to, ",%s,%s,%s,%s,%s", item->patient_name, *item->side ? item->side : item->facts.side,
            item->test ? "test" : "train", item->facts.modality, item->facts.view);
    for (int k = 0; k < table->keep_count; k++) {
        putc(',', to);
        tr_csv_write_cell(to, item->keep[k]);
    }
    putc('\n', to);
}

nn_status tr_ingest_labels_text(const struct tr_ingest_table *table, char **text, size_t *size_bytes,
                                struct nn_error *err)
{
    int count = 0;
    const struct tr_ingest_item **list = malloc(((size_t)table->count + 1) * sizeof *list);
    *text = NULL;
    FILE *to = list ? open_memstream(text, size_bytes) : NULL;
    if (!to) {
        free(list);
        return nn_fail(err, NN_ERR_MEMORY, "out of memory for labels.csv");
    }
    for (int i = 0; i < table->count; i++)
        if (table->items[i].verdict == TR_INGEST_TAKEN) list[count++] = &table->items[i];
    qsort(list, (size_t)count, sizeof *list, by_name);
    fprintf(to, "file,%s,patient_id,side,split,modality,view", table->multi ? "labels" : "label");
    for (int k = 0; k < table->keep_count; k++) {
        putc(',', to);
        tr_csv_write_cell(to, table->keep[k]);
    }
    putc('\n', to);
    for (int i = 0; i < count; i++) put_row(to, table, list[i]);
    free(list);
    if (fclose(to) == 0) return NN_OK;
    free(*text);
    *text = NULL;
    return nn_fail(err, NN_ERR_MEMORY, "out of memory for labels.csv");
}

/* ---- that training and testing have every class ------------------------------------------------- */

struct class
{
    const char *name;
    int length, images[2];
};

static struct class *find_class(struct class *classes, int *count, int most, const char *name, int length)
{
    for (int k = 0; k < *count; k++)
        if (classes[k].length == length && !strncmp(classes[k].name, name, (size_t)length))
            return &classes[k];
    if (*count == most) return NULL;
    classes[*count] = (struct class){.name = name, .length = length};
    return &classes[(*count)++];
}

void tr_ingest_labels_check(const struct tr_ingest_table *table, char *fault, size_t fault_size)
{
    struct class classes[NN_CLASSES_MAX];
    int count = 0, most = table->multi ? NN_CLASSES_MAX - 1 : NN_CLASSES_MAX; /* none is one, too */
    *fault = '\0';
    for (int i = 0; i < table->count; i++) {
        const struct tr_ingest_item *item = &table->items[i];
        if (item->verdict != TR_INGEST_TAKEN) continue;
        for (const char *label = tr_labels_of(item->label, table->multi), *next; label; label = next) {
            int length;
            next = tr_label_next(label, table->multi, &length);
            struct class *class = find_class(classes, &count, most, label, length);
            if (class)
                class->images[item->test]++;
            else
                snprintf(fault, fault_size, "there are more than %d different labels", most);
        }
    }
    if (count == 0) snprintf(fault, fault_size, "no image has a label but \"" NN_CLASS_NONE "\"");
    for (int k = 0; k < count && !*fault; k++)
        for (int test = 0; test < 2 && !*fault; test++)
            if (classes[k].images[test] == 0)
                snprintf(fault, fault_size, "class %.*s has no image %s", classes[k].length, classes[k].name,
                         test ? "in the test split" : "to train with");
}
