#include "trainer/ingest/copies.h"

#include <stdlib.h>
#include <string.h>

enum { PAIRS_MAX = 1 << 20, NOTE_MAX = 300 };

struct list {
    struct tr_ingest_table *table;
    int *items, count, room; /* taken and done; room of the pairs */
};

static nn_status add_pair(struct tr_copies *c, struct list *l, struct tr_copy_pair pair, struct nn_error *err)
{
    if (c->count == PAIRS_MAX) {
        c->more = true;
        return NN_OK;
    }
    if (c->count == l->room) {
        int room = l->room ? 2 * l->room : 64;
        struct tr_copy_pair *more = realloc(c->pairs, (size_t)room * sizeof *more);
        if (!more) return nn_fail(err, NN_ERR_MEMORY, "out of memory for a list of copies");
        c->pairs = more;
        l->room = room;
    }
    c->pairs[c->count++] = pair;
    return NN_OK;
}

static nn_status gather(struct list *l, struct tr_ingest_table *table, struct nn_error *err)
{
    *l = (struct list){.table = table, .items = malloc(((size_t)table->count + 1) * sizeof *l->items)};
    if (!l->items) return nn_fail(err, NN_ERR_MEMORY, "out of memory to look for copies");
    for (int i = 0; i < table->count; i++)
        if (table->items[i].done && table->items[i].verdict == TR_INGEST_TAKEN) l->items[l->count++] = i;
    return NN_OK;
}

/* ---- equal ---------------------------------------------------------------------------------------- */

static int by_pixels(const void *a, const void *b, void *items)
{
    const struct tr_ingest_item *list = items;
    int i = *(const int *)a, k = *(const int *)b;
    int order = strcmp(list[i].facts.sha256, list[k].facts.sha256);
    return order ? order : (i > k) - (i < k);
}

static nn_status judge_equal(struct tr_copies *c, struct list *l, const int *group, int count,
                             struct nn_error *err)
{
    struct tr_ingest_item *items = l->table->items, *first = &items[group[0]];
    bool agree = true;
    nn_status status = NN_OK;
    for (int i = 1; i < count; i++) agree &= !strcmp(items[group[i]].label, first->label);
    for (int i = 1; i < count && status == NN_OK; i++) {
        if (agree)
            tr_ingest_judge(&items[group[i]], TR_INGEST_COPY, "is the same picture as %s", first->file);
        else
            tr_ingest_judge(&items[group[i]], TR_INGEST_REFUSED,
                            "is the same picture as %s; their labels contradict", first->file);
        status = add_pair(c, l, (struct tr_copy_pair){group[0], group[i], 0, true}, err);
    }
    if (!agree)
        tr_ingest_judge(first, TR_INGEST_REFUSED, "is the same picture as %s; their labels contradict",
                        items[group[1]].file);
    return status;
}

static nn_status find_equal(struct tr_copies *c, struct list *l, struct nn_error *err)
{
    struct tr_ingest_item *items = l->table->items;
    nn_status status = NN_OK;
    qsort_r(l->items, (size_t)l->count, sizeof *l->items, by_pixels, items);
    for (int i = 0, next; i < l->count && status == NN_OK; i = next) {
        for (next = i + 1; next < l->count; next++)
            if (strcmp(items[l->items[i]].facts.sha256, items[l->items[next]].facts.sha256) != 0) break;
        if (next - i > 1) status = judge_equal(c, l, l->items + i, next - i, err);
    }
    return status;
}

/* ---- alike ---------------------------------------------------------------------------------------- */

/* Not without end, of a picture that is everywhere. */
static bool has_room(const struct tr_ingest_item *item)
{
    return !item->note || strlen(item->note) < NOTE_MAX;
}

static void note_pair(struct tr_ingest_table *table, const struct tr_copy_pair *pair)
{
    struct tr_ingest_item *a = &table->items[pair->a], *b = &table->items[pair->b];
    const char *labels = strcmp(a->label, b->label) != 0 ? ", whose label is another" : "";
    if (has_room(a)) tr_ingest_note(a, "looks like %s%s", b->file, labels);
    if (has_room(b)) tr_ingest_note(b, "looks like %s%s", a->file, labels);
}

/* Every pair: a distance is a few instructions, so that reading the pictures takes far longer. */
static nn_status find_alike(struct tr_copies *c, struct list *l, struct nn_error *err)
{
    struct tr_ingest_item *items = l->table->items;
    nn_status status = NN_OK;
    struct tr_picture_hash *hashes = malloc(((size_t)l->count + 1) * sizeof *hashes); /* close together */
    if (!hashes) return nn_fail(err, NN_ERR_MEMORY, "out of memory to look for copies");
    for (int i = 0; i < l->count; i++) hashes[i] = items[l->items[i]].facts.hash;
    for (int i = 0; i < l->count && status == NN_OK; i++)
        for (int k = i + 1; k < l->count && status == NN_OK; k++) {
            int bits = tr_picture_distance(&hashes[i], &hashes[k]);
            if (bits > TR_PICTURE_HASH_NEAR) continue;
            struct tr_copy_pair pair = {l->items[i], l->items[k], bits, false};
            status = add_pair(c, l, pair, err);
            if (!c->more) note_pair(l->table, &pair);
        }
    free(hashes);
    return status;
}

nn_status tr_copies_find(struct tr_copies *copies, struct tr_ingest_table *table, struct nn_error *err)
{
    struct list l;
    *copies = (struct tr_copies){0};
    nn_status status = gather(&l, table, err);
    if (status != NN_OK) return status;
    status = find_equal(copies, &l, err);
    int room = l.room;
    free(l.items);
    if (status == NN_OK) status = gather(&l, table, err); /* what is left, in the table's order */
    if (status != NN_OK) return status;
    l.room = room;
    status = find_alike(copies, &l, err);
    free(l.items);
    return status;
}

void tr_copies_release(struct tr_copies *copies)
{
    free(copies->pairs);
    *copies = (struct tr_copies){0};
}
