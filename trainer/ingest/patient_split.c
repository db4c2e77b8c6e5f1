#include "trainer/ingest/patient_split.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/sha256.h"

enum { RARE = 7, LABELS_TOLD = 63 };

/* Patients who stay together; mostly one. */
struct party {
    int *items, count; /* within the split's list, sorted so */
    int joined;        /* index of another party that it belongs to; its own: to none */
    int images;        /* with those who joined it */
    uint64_t labels;   /* bit k: the k-th label is among its own */
    uint64_t stratum;  /* likewise, with those who joined it */
    bool uncommon;     /* some image has several findings */
    bool test;
    char order[65]; /* hash of seed and patient, by which it is shuffled */
};

struct splitting {
    struct tr_ingest_table *table;
    int *items, count; /* taken */
    int *party_of;     /* of each item of the table; -1 */
    struct party *parties;
    int party_count;
};

/* ---- patients ------------------------------------------------------------------------------------- */

static int by_patient(const void *a, const void *b, void *items)
{
    const struct tr_ingest_item *list = items;
    int i = *(const int *)a, k = *(const int *)b, order = strcmp(list[i].patient_name, list[k].patient_name);
    return order ? order : (i > k) - (i < k);
}

static nn_status gather(struct splitting *s, struct nn_error *err)
{
    size_t room = (size_t)s->table->count + 1;
    struct tr_ingest_item *items = s->table->items;
    s->items = malloc(room * sizeof *s->items);
    s->party_of = malloc(room * sizeof *s->party_of);
    s->parties = calloc(room, sizeof *s->parties);
    if (!s->items || !s->party_of || !s->parties)
        return nn_fail(err, NN_ERR_MEMORY, "out of memory to split");
    for (int i = 0; i < s->table->count; i++) {
        s->party_of[i] = -1;
        if (items[i].verdict == TR_INGEST_TAKEN) s->items[s->count++] = i;
    }
    qsort_r(s->items, (size_t)s->count, sizeof *s->items, by_patient, items);
    for (int i = 0; i < s->count; i++) {
        bool new_one =
            i == 0 || strcmp(items[s->items[i]].patient_name, items[s->items[i - 1]].patient_name) != 0;
        if (new_one) {
            s->parties[s->party_count] = (struct party){.items = s->items + i, .joined = s->party_count};
            s->party_count++;
        }
        s->parties[s->party_count - 1].count++;
        s->parties[s->party_count - 1].images++;
        s->party_of[s->items[i]] = s->party_count - 1;
    }
    return NN_OK;
}

static int root_of(const struct splitting *s, int party)
{
    while (s->parties[party].joined != party) party = s->parties[party].joined;
    return party;
}

/* The one of fewer comes to the other, so that no chain grows long. */
static void join(struct splitting *s, int a, int b)
{
    a = root_of(s, a), b = root_of(s, b);
    if (a == b) return;
    if (s->parties[a].images < s->parties[b].images) {
        int other = a;
        a = b, b = other;
    }
    s->parties[b].joined = a;
    s->parties[a].images += s->parties[b].images;
}

static void join_alike(struct splitting *s, const struct tr_copies *copies)
{
    for (int i = 0; i < copies->count; i++) {
        int a = s->party_of[copies->pairs[i].a], b = s->party_of[copies->pairs[i].b];
        if (a >= 0 && b >= 0) join(s, a, b);
    }
}

/* ---- strata --------------------------------------------------------------------------------------- */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The different cells of the label column, sorted; a list that the caller frees. */
static const char **list_labels(const struct splitting *s, int *count)
{
    const char **labels = malloc(((size_t)s->count + 1) * sizeof *labels);
    *count = 0;
    if (!labels) return NULL;
    for (int i = 0; i < s->count; i++) labels[i] = s->table->items[s->items[i]].label;
    qsort(labels, (size_t)s->count, sizeof *labels, by_text);
    for (int i = 0; i < s->count; i++)
        if (i == 0 || strcmp(labels[i], labels[*count - 1]) != 0) labels[(*count)++] = labels[i];
    return labels;
}

static nn_status describe(struct splitting *s, uint64_t seed, struct nn_error *err)
{
    const struct tr_ingest_item *items = s->table->items;
    int count;
    const char **labels = list_labels(s, &count);
    if (!labels) return nn_fail(err, NN_ERR_MEMORY, "out of memory to split");
    for (int p = 0; p < s->party_count; p++) {
        struct party *party = &s->parties[p], *root = &s->parties[root_of(s, p)];
        char text[64];
        for (int i = 0; i < party->count; i++) {
            const char *const *label =
                bsearch(&items[party->items[i]].label, labels, (size_t)count, sizeof *labels, by_text);
            int place = (int)(label - labels);
            party->labels |= (uint64_t)1 << (place < LABELS_TOLD ? place : LABELS_TOLD);
            root->uncommon |= strchr(*label, '|') != NULL;
        }
        root->stratum |= party->labels;
        snprintf(text, sizeof text, "%" PRIu64 " %s", seed, items[party->items[0]].patient_name);
        nn_sha256_hex(text, strlen(text), party->order);
    }
    free(labels);
    return NN_OK;
}

static int by_stratum(const void *a, const void *b)
{
    const struct party *const *x = a, *const *y = b;
    if ((*x)->stratum != (*y)->stratum) return (*x)->stratum < (*y)->stratum ? -1 : 1;
    return strcmp((*x)->order, (*y)->order);
}

static int stratum_end(struct party *const *roots, int count, int first)
{
    int next = first + 1;
    while (next < count && roots[next]->stratum == roots[first]->stratum) next++;
    return next;
}

/* A party goes to the test while the middle of its images lies within the share. */
static void share_out(struct party *const *stratum, int count, double test_share)
{
    double total = 0, before = 0;
    int tests = 0;
    for (int i = 0; i < count; i++) total += stratum[i]->images;
    for (; tests < count && before + stratum[tests]->images / 2.0 <= test_share * total; tests++)
        before += stratum[tests]->images;
    if (count >= 2 && tests == 0) tests = 1;
    if (count >= 2 && tests == count) tests = count - 1;
    for (int i = 0; i < tests; i++) stratum[i]->test = true;
}

static nn_status draw(struct splitting *s, double test_share, struct nn_error *err)
{
    struct party **roots = malloc(((size_t)s->party_count + 1) * sizeof *roots);
    int count = 0;
    if (!roots) return nn_fail(err, NN_ERR_MEMORY, "out of memory to split");
    for (int p = 0; p < s->party_count; p++)
        if (s->parties[p].joined == p) roots[count++] = &s->parties[p];
    qsort(roots, (size_t)count, sizeof *roots, by_stratum);
    for (int i = 0, next; i < count; i = next) {
        next = stratum_end(roots, count, i);
        bool one_label = !roots[i]->uncommon && (roots[i]->stratum & (roots[i]->stratum - 1)) == 0;
        for (int k = i; k < next && next - i < RARE && !one_label; k++)
            roots[k]->stratum = 0; /* all of them */
    }
    qsort(roots, (size_t)count, sizeof *roots, by_stratum);
    for (int i = 0, next; i < count; i = next) {
        next = stratum_end(roots, count, i);
        share_out(roots + i, next - i, test_share);
    }
    free(roots);
    for (int i = 0; i < s->count; i++)
        s->table->items[s->items[i]].test = s->parties[root_of(s, s->party_of[s->items[i]])].test;
    return NN_OK;
}

/* ---- the whole ------------------------------------------------------------------------------------ */

static void take_told(struct splitting *s)
{
    for (int p = 0; p < s->party_count; p++) {
        struct party *party = &s->parties[p];
        int tests = 0;
        for (int i = 0; i < party->count; i++) {
            struct tr_ingest_item *item = &s->table->items[party->items[i]];
            item->test = !strcmp(item->split, "test");
            tests += item->test;
        }
        for (int i = 0; i < party->count && tests > 0 && tests < party->count; i++)
            tr_ingest_judge(&s->table->items[party->items[i]], TR_INGEST_REFUSED,
                            "its patient is in both splits of labels.csv");
    }
}

static void count_patients(struct splitting *s, struct tr_patient_split *result)
{
    *result = (struct tr_patient_split){.patients = s->party_count};
    for (int p = 0; p < s->party_count; p++) {
        const struct party *party = &s->parties[p];
        if (s->table->multi || (party->labels & (party->labels - 1)) == 0) continue;
        result->of_several_labels++;
        for (int i = 0; i < party->count; i++)
            tr_ingest_note(&s->table->items[party->items[i]], "its patient has images of several labels");
    }
}

nn_status tr_patient_split(struct tr_ingest_table *table, const struct tr_copies *copies, double test_share,
                           uint64_t seed, struct tr_patient_split *result, struct nn_error *err)
{
    struct splitting s = {.table = table};
    nn_status status = gather(&s, err);
    if (status != NN_OK) goto out;
    if (!table->has_split) join_alike(&s, copies);
    status = describe(&s, seed, err);
    if (status != NN_OK) goto out;
    count_patients(&s, result);
    if (table->has_split)
        take_told(&s);
    else
        status = draw(&s, test_share, err);
out:
    free(s.items);
    free(s.party_of);
    free(s.parties);
    return status;
}
