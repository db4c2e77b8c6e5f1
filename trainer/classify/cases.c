#include "trainer/classify/cases.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trainer/classify/cases_build.h"

/* ---- memory ------------------------------------------------------------------------------------------- */

static size_t pixels_of(const struct tr_cases *c)
{
    return (size_t)c->side * (size_t)c->side;
}

nn_status tr_cases_make(struct tr_cases *cases, int count, int side, bool known, struct nn_error *err)
{
    size_t n = (size_t)count + 1; /* none is no special case */
    *cases = (struct tr_cases){.side = side, .count = count};
    cases->pixels = malloc(n * pixels_of(cases));
    cases->truth = known ? calloc(n, sizeof *cases->truth) : NULL;
    cases->labels = calloc(n, sizeof *cases->labels);
    cases->patient = malloc(n * sizeof *cases->patient);
    cases->file = calloc(n, sizeof *cases->file);
    cases->seed = calloc(n, sizeof *cases->seed);
    if (!cases->pixels || (known && !cases->truth) || !cases->labels || !cases->patient || !cases->file ||
        !cases->seed) {
        cases->count = 0;
        tr_cases_release(cases);
        return nn_fail(err, NN_ERR_MEMORY, "out of memory for %d images of side %d", count, side);
    }
    for (int i = 0; i < count; i++) cases->patient[i] = -1;
    return NN_OK;
}

void tr_cases_release(struct tr_cases *cases)
{
    for (int i = 0; i < cases->count; i++) free(cases->file[i]);
    free(cases->pixels);
    free(cases->truth);
    free(cases->labels);
    free(cases->patient);
    free(cases->file);
    free(cases->seed);
    *cases = (struct tr_cases){0};
}

/* ---- pixels ------------------------------------------------------------------------------------------- */

int tr_cases_source_side(int own, int side)
{
    while (own / 2 >= side && own > TR_CASES_SIDE_MIN) own /= 2;
    return own;
}

enum { TAPS = 4 }; /* a source is less than twice as fine */

/* The weights of TAPS source pixels around the centre of the result's pixel `at`; returns the first. */
static int tent(int from_side, int to_side, int at, float weights[TAPS])
{
    double step = (double)from_side / to_side, width = fmax(1, step);
    double centre = (at + 0.5) * step - 0.5, sum = 0;
    int first = (int)ceil(centre - width);
    if (first < 0) first = 0;
    for (int k = 0; k < TAPS; k++) {
        double weight = first + k < from_side ? fmax(0, 1 - fabs(first + k - centre) / width) : 0;
        weights[k] = (float)weight;
        sum += weight;
    }
    for (int k = 0; k < TAPS; k++) weights[k] /= (float)sum;
    return first;
}

void tr_cases_resample(const uint8_t *from, int from_side, uint8_t *to, int to_side)
{
    if (from_side == to_side) {
        memcpy(to, from, (size_t)to_side * (size_t)to_side);
        return;
    }
    for (int y = 0; y < to_side; y++) {
        float rows[TAPS], columns[TAPS];
        int top = tent(from_side, to_side, y, rows);
        for (int x = 0; x < to_side; x++) {
            int left = tent(from_side, to_side, x, columns);
            float sum = 0;
            for (int r = 0; r < TAPS && top + r < from_side; r++)
                for (int c = 0; c < TAPS && left + c < from_side; c++)
                    sum += rows[r] * columns[c] *
                           (float)from[(size_t)(top + r) * (size_t)from_side + (size_t)(left + c)];
            to[(size_t)y * (size_t)to_side + (size_t)x] = (uint8_t)lrintf(sum);
        }
    }
}

/* ---- facts -------------------------------------------------------------------------------------------- */

void tr_cases_judge(struct tr_cases *cases)
{
    int k = 0;
    while (strcmp(cases->classes[k], cases->finding) != 0) k++;
    for (int i = 0; i < cases->count; i++) cases->truth[i] = cases->labels[i] >> k & 1;
}

void tr_case_classes(const struct tr_cases *cases, int i, char *text, size_t size)
{
    size_t used = 0;
    snprintf(text, size, "%s", NN_CLASS_NONE);
    for (int k = 0; k < cases->class_count && used < size; k++)
        if (cases->labels[i] >> k & 1)
            used += (size_t)snprintf(text + used, size - used, "%s%s", used ? "|" : "", cases->classes[k]);
}

int tr_cases_positive(const struct tr_cases *cases)
{
    int count = 0;
    for (int i = 0; cases->truth && i < cases->count; i++) count += cases->truth[i];
    return count;
}

int tr_cases_patients(const struct tr_cases *cases)
{
    int end = 0;
    for (int i = 0; i < cases->count; i++)
        if (cases->patient[i] >= end) end = cases->patient[i] + 1;
    return end;
}

int tr_cases_patients_of_both(const struct tr_cases *cases)
{
    int patients = tr_cases_patients(cases), both = 0;
    uint8_t *kinds = calloc((size_t)patients + 1, 1);
    for (int i = 0; kinds && cases->truth && i < cases->count; i++)
        if (cases->patient[i] >= 0) kinds[cases->patient[i]] |= (uint8_t)(1 << cases->truth[i]);
    for (int p = 0; kinds && p < patients; p++) both += kinds[p] == 3;
    free(kinds);
    return both;
}

/* ---- copies ------------------------------------------------------------------------------------------- */

static nn_status copy_case(struct tr_cases *to, int at, const struct tr_cases *from, int index,
                           struct nn_error *err)
{
    size_t size = pixels_of(from);
    memcpy(to->pixels + (size_t)at * size, from->pixels + (size_t)index * size, size);
    if (from->truth) to->truth[at] = from->truth[index];
    to->labels[at] = from->labels[index];
    to->patient[at] = from->patient[index];
    to->seed[at] = from->seed[index];
    if (from->file[index] && !(to->file[at] = strdup(from->file[index])))
        return nn_fail(err, NN_ERR_MEMORY, "out of memory for the names of images");
    return NN_OK;
}

void tr_cases_copy_facts(struct tr_cases *to, const struct tr_cases *from)
{
    to->class_count = from->class_count;
    memcpy(to->classes, from->classes, sizeof to->classes);
    to->multi_label = from->multi_label;
    strcpy(to->finding, from->finding);
    strcpy(to->source, from->source);
    strcpy(to->sha256, from->sha256);
    strcpy(to->device, from->device);
}

nn_status tr_cases_select(struct tr_cases *chosen, const struct tr_cases *cases, const int *indices,
                          int count, struct nn_error *err)
{
    nn_status status = tr_cases_make(chosen, count, cases->side, cases->truth != NULL, err);
    if (status != NN_OK) return status;
    tr_cases_copy_facts(chosen, cases);
    for (int i = 0; i < count && status == NN_OK; i++)
        status = copy_case(chosen, i, cases, indices ? indices[i] : i, err);
    if (status != NN_OK) tr_cases_release(chosen);
    return status;
}

static bool alike(const struct tr_cases *a, const struct tr_cases *b)
{
    bool same = a->side == b->side && a->class_count == b->class_count && a->multi_label == b->multi_label &&
                !a->truth == !b->truth && !strcmp(a->finding, b->finding);
    for (int k = 0; same && k < a->class_count; k++) same = !strcmp(a->classes[k], b->classes[k]);
    return same;
}

nn_status tr_cases_join(struct tr_cases *cases, const struct tr_cases *more, struct nn_error *err)
{
    struct tr_cases both;
    if (!alike(cases, more))
        return nn_fail(err, NN_ERR_ARGUMENT, "images of %s and %s differ in side, classes or finding",
                       cases->source, more->source);
    nn_status status =
        tr_cases_make(&both, cases->count + more->count, cases->side, cases->truth != NULL, err);
    if (status != NN_OK) return status;
    tr_cases_copy_facts(&both, cases);
    int shift = tr_cases_patients(cases);
    for (int i = 0; i < both.count && status == NN_OK; i++) {
        bool own = i < cases->count;
        status = copy_case(&both, i, own ? cases : more, own ? i : i - cases->count, err);
        if (!own && both.patient[i] >= 0) both.patient[i] += shift;
    }
    if (status == NN_OK) tr_cases_release(cases);
    if (status == NN_OK)
        *cases = both;
    else
        tr_cases_release(&both);
    return status;
}
