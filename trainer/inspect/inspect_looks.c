#include "trainer/inspect/inspect_looks.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { NAMED_MAX = 5, LABELS_MAX = 64 };

/* Pairs of one kind. */
struct pairs {
    int count;
    json_t *named;
};

static void add(struct pairs *pairs, const struct tr_look *a, const struct tr_look *b)
{
    char text[256];
    if (pairs->count++ >= NAMED_MAX) return;
    snprintf(text, sizeof text, "%.120s and %.120s", a->file, b->file);
    json_array_append_new(pairs->named, json_string(text));
}

static void put(json_t *facts, const char *count_key, const char *list_key, struct pairs *pairs)
{
    json_object_set_new(facts, count_key, json_integer(pairs->count));
    if (pairs->count) json_object_set(facts, list_key, pairs->named);
    json_decref(pairs->named);
}

static void put_pairs(json_t *facts, const struct tr_look *looks, int count)
{
    struct pairs alike = {.named = json_array()}, other_labels = {.named = json_array()},
                 splits = {.named = json_array()};
    for (int i = 0; i < count; i++)
        for (int k = i + 1; k < count; k++) {
            if (tr_picture_distance(&looks[i].hash, &looks[k].hash) > TR_PICTURE_HASH_NEAR) continue;
            add(&alike, &looks[i], &looks[k]);
            if (strcmp(looks[i].label, looks[k].label) != 0) add(&other_labels, &looks[i], &looks[k]);
            if (strcmp(looks[i].split, looks[k].split) != 0) add(&splits, &looks[i], &looks[k]);
        }
    put(facts, "pairs_that_look_alike", "alike", &alike);
    put(facts, "alike_with_other_labels", "contradicting", &other_labels);
    put(facts, "alike_in_both_splits", "leaking_looks", &splits);
}

static json_t *mean_greys(const struct tr_look *looks, int count)
{
    struct {
        const char *label;
        double sum;
        int images;
    } means[LABELS_MAX];
    int labels = 0;
    json_t *facts = json_object();
    for (int i = 0; i < count; i++) {
        int k = 0;
        while (k < labels && strcmp(means[k].label, looks[i].label) != 0) k++;
        if (k == LABELS_MAX) continue;
        if (k == labels) {
            means[labels].label = looks[i].label;
            means[labels].sum = 0;
            means[labels++].images = 0;
        }
        means[k].sum += looks[i].mean;
        means[k].images++;
    }
    for (int k = 0; k < labels; k++) /* a label that is no UTF-8 is no key, and named elsewhere */
        json_object_set_new(facts, *means[k].label ? means[k].label : "(empty)",
                            json_real(round(100 * means[k].sum / means[k].images) / 100));
    return facts;
}

void tr_inspect_looks(json_t *facts, const struct tr_look *looks, int count)
{
    put_pairs(facts, looks, count);
    json_object_set_new(facts, "mean_grey_by_label", mean_greys(looks, count));
}

json_t *tr_inspect_histogram(const uint64_t bins[256])
{
    uint64_t total = 0;
    json_t *facts = json_object();
    for (int b = 0; b < 256; b++) total += bins[b];
    for (int step = 0; step < 256 && total; step += 16) {
        uint64_t part = 0;
        char range[32];
        for (int b = step; b < step + 16; b++) part += bins[b];
        snprintf(range, sizeof range, "%d-%d", step, step + 15);
        json_object_set_new(facts, range, json_real(round(1e4 * (double)part / (double)total) / 1e4));
    }
    return facts;
}
