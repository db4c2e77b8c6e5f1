/* A part for validation, whole patients at a time. */
#include <stdlib.h>

#include "engine/rng.h"
#include "trainer/classify/cases.h"

enum { SPLIT_STREAM = 0x7c01 };

/* The cases of one patient. */
struct party {
    int patient, first, count; /* in the list sorted by patient */
    int kinds;                 /* bit 0: some do not show the finding, bit 1: some do */
    uint32_t order;
    bool moved;
};

struct splitting {
    const struct tr_cases *cases;
    int *list; /* all cases, those of a patient together */
    struct party *parties;
    int party_count;
};

static int by_patient(const void *a, const void *b, void *context)
{
    const int *patient = context;
    int i = *(const int *)a, k = *(const int *)b;
    if (patient[i] != patient[k]) return patient[i] < patient[k] ? -1 : 1;
    return (i > k) - (i < k);
}

/* The order depends on the seed and on the patient's first case. */
static void gather(struct splitting *s, uint64_t seed)
{
    const struct tr_cases *c = s->cases;
    for (int i = 0; i < c->count; i++) s->list[i] = i;
    qsort_r(s->list, (size_t)c->count, sizeof *s->list, by_patient, c->patient);
    for (int i = 0; i < c->count; i++) {
        int at = s->list[i], patient = c->patient[at];
        if (i == 0 || patient < 0 || patient != s->parties[s->party_count - 1].patient)
            s->parties[s->party_count++] = (struct party){
                .patient = patient, .first = i, .order = nn_random_u32(seed, SPLIT_STREAM, (uint64_t)at)};
        struct party *p = &s->parties[s->party_count - 1];
        p->count++;
        p->kinds |= 1 << c->truth[at];
    }
}

static int by_order(const void *a, const void *b)
{
    const struct party *x = a, *y = b;
    if (x->kinds != y->kinds) return x->kinds - y->kinds;
    if (x->order != y->order) return x->order < y->order ? -1 : 1;
    return x->first - y->first;
}

/* A patient moves while the middle of theirs lies within the share; of one kind alone at least one does, and
 * one stays. */
static void share_out(struct party *parties, int count, double share)
{
    double total = 0, before = 0;
    int moved = 0;
    for (int i = 0; i < count; i++) total += parties[i].count;
    for (; moved < count && before + parties[moved].count / 2.0 <= share * total; moved++)
        before += parties[moved].count;
    if (count >= 2 && moved == 0 && parties->kinds < 3) moved = 1;
    if (count >= 2 && moved == count) moved = count - 1;
    for (int i = 0; i < moved; i++) parties[i].moved = true;
}

/* The cases that move, or that stay, in their old order. */
static nn_status take(const struct splitting *s, bool moved, struct tr_cases *part, struct nn_error *err)
{
    int *chosen = malloc(((size_t)s->cases->count + 1) * sizeof *chosen), count = 0;
    bool *in = calloc((size_t)s->cases->count + 1, sizeof *in);
    nn_status status = NN_ERR_MEMORY;
    if (!chosen || !in) {
        nn_fail(err, status, "out of memory to split %d images", s->cases->count);
        goto out;
    }
    for (int p = 0; p < s->party_count; p++)
        for (int i = 0; i < s->parties[p].count; i++)
            in[s->list[s->parties[p].first + i]] = s->parties[p].moved == moved;
    for (int i = 0; i < s->cases->count; i++)
        if (in[i]) chosen[count++] = i;
    status = tr_cases_select(part, s->cases, chosen, count, err);
out:
    free(in);
    free(chosen);
    return status;
}

static bool has_both(const struct tr_cases *c)
{
    int positive = tr_cases_positive(c);
    return positive > 0 && positive < c->count;
}

nn_status tr_cases_split(struct tr_cases *cases, double share, uint64_t seed, struct tr_cases *validation,
                         struct nn_error *err)
{
    struct splitting s = {.cases = cases};
    struct tr_cases rest = {0};
    nn_status status = NN_ERR_MEMORY;
    *validation = (struct tr_cases){0};
    s.list = malloc(((size_t)cases->count + 1) * sizeof *s.list);
    s.parties = malloc(((size_t)cases->count + 1) * sizeof *s.parties);
    if (!s.list || !s.parties) {
        nn_fail(err, status, "out of memory to split %d images", cases->count);
        goto out;
    }
    gather(&s, seed);
    qsort(s.parties, (size_t)s.party_count, sizeof *s.parties, by_order);
    for (int first = 0, next; first < s.party_count; first = next) {
        for (next = first; next < s.party_count && s.parties[next].kinds == s.parties[first].kinds;) next++;
        share_out(s.parties + first, next - first, share);
    }
    status = take(&s, true, validation, err);
    if (status == NN_OK) status = take(&s, false, &rest, err);
    if (status == NN_OK && (!has_both(validation) || !has_both(&rest)))
        status = nn_fail(err, NN_ERR_ARGUMENT,
                         "%s: too few patients with and without %s to split off a part for validation",
                         cases->source, cases->finding);
    if (status == NN_OK) {
        tr_cases_release(cases);
        *cases = rest;
        rest = (struct tr_cases){0};
    }
out:
    if (status != NN_OK) tr_cases_release(validation);
    tr_cases_release(&rest);
    free(s.parties);
    free(s.list);
    return status;
}
