#include "server/decks/draw.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "engine/rng.h"

/* Streams of the key. An item's own is ITEM_STREAM plus ATTEMPTS times its place plus the attempt, so that
 * drawing one of them again shifts no other. */
enum { ORDER_STREAM = 0, ROUND_STREAM = 1, ITEM_STREAM = 1 << 20, ATTEMPTS = 256 };

/* The place of one of `count` weights that lie `stride` bytes apart. */
static int pick_weighted(struct nn_rng *rng, const void *first, size_t stride, int count)
{
    double sum = 0, at = 0;
    const char *weight = first;
    for (int i = 0; i < count; i++) sum += *(const double *)(const void *)(weight + (size_t)i * stride);
    double point = nn_rng_uniform(rng) * sum;
    for (int i = 0; i < count - 1; i++) {
        at += *(const double *)(const void *)(weight + (size_t)i * stride);
        if (point < at) return i;
    }
    return count - 1;
}

static uint64_t draw_seed(struct nn_rng *rng)
{
    uint64_t seed = 0;
    for (int i = 0; i < 4; i++) seed = seed << 16 | nn_rng_below(rng, 1 << 16);
    return seed;
}

/* One image for each choice: the same latent, strength and truncation, of one source. Both are drawn always,
 * so that the share of a class moves nothing else. */
static void draw_both(const struct srv_deck *deck, struct nn_rng *rng,
                      struct srv_drawn_item both[DECK_CHOICES])
{
    const struct srv_deck_source *source = &deck->sources[pick_weighted(
        rng, &deck->sources[0].weight, sizeof *deck->sources, deck->source_count)];
    double strength = nn_rng_range(rng, source->strength.low, source->strength.high);
    double truncation = nn_rng_range(rng, source->truncation.low, source->truncation.high);
    uint64_t seed = draw_seed(rng);
    for (int truth = 0; truth < DECK_CHOICES; truth++) {
        const struct srv_deck_class *classes = source->classes[truth];
        int i = pick_weighted(rng, &classes[0].share, sizeof *classes, source->class_count[truth]);
        both[truth] = (struct srv_drawn_item){.truth = truth,
                                              .class_name = classes[i].name,
                                              .source = source,
                                              .seed = seed,
                                              .strength = strength,
                                              .truncation = truncation};
    }
}

static bool excluded(const struct srv_deck *deck, const struct srv_drawn_item *item)
{
    for (int i = 0; i < deck->exclude_count; i++)
        if (!*deck->exclude[i].file && deck->exclude[i].seed == item->seed && !*item->source->collection &&
            deck->sources[deck->exclude[i].source].model == item->source->model &&
            !strcmp(deck->exclude[i].class_name, item->class_name))
            return true;
    return false;
}

/* Of the two images those from `first` to `last` are shown, and therefore must not be excluded. There are
 * more attempts than there can be exclusions. */
static void draw_place(const struct srv_deck *deck, uint64_t key, int place, int first, int last,
                       struct srv_drawn_item both[DECK_CHOICES])
{
    _Static_assert((int)ATTEMPTS > (int)DECK_EXCLUDED_MAX, "one attempt is not excluded");
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        struct nn_rng rng = {key, ITEM_STREAM + (uint64_t)(place * ATTEMPTS + attempt), 0};
        draw_both(deck, &rng, both);
        if (!excluded(deck, &both[first]) && !excluded(deck, &both[last])) return;
    }
}

static void shuffle(struct nn_rng *rng, struct srv_drawn_item *items, int count)
{
    for (int i = count - 1; i > 0; i--) {
        int j = (int)nn_rng_below(rng, (uint32_t)i + 1);
        struct srv_drawn_item item = items[i];
        items[i] = items[j];
        items[j] = item;
    }
}

/* Stable, so that what a shuffle has put before stays before among equals. */
static void sort_by_strength(struct srv_drawn_item *items, int count)
{
    for (int i = 1; i < count; i++) {
        struct srv_drawn_item item = items[i];
        int at = i;
        for (; at > 0 && items[at - 1].strength < item.strength; at--) items[at] = items[at - 1];
        items[at] = item;
    }
}

/* The first half shows one of each pair, by chance which, the second half the others. Both halves are
 * shuffled in two blocks that hold the same pairs, so that no pair is nearer than a block. */
static void draw_pairs(const struct srv_deck *deck, uint64_t key, struct nn_rng *order,
                       struct srv_drawn_item *items)
{
    int half = deck->items / 2, block = half / 2;
    for (int i = 0; i < half; i++) {
        struct srv_drawn_item both[DECK_CHOICES];
        draw_place(deck, key, i, DECK_NO, DECK_YES, both);
        both[DECK_NO].pair = both[DECK_YES].pair = i + 1;
        int first = (int)nn_rng_below(order, DECK_CHOICES);
        items[i] = both[first];
        items[half + i] = both[DECK_CHOICES - 1 - first];
    }
    for (int start = 0; start < deck->items; start += half) {
        shuffle(order, items + start, block);
        shuffle(order, items + start + block, half - block);
    }
}

/* The number of fractures is fixed rather than drawn item by item: in ten independent draws at one half,
 * two sessions in a thousand hold one class only and have no AUC, and learners' scores would differ by
 * the luck of the mix. The price is that someone who knows the share and keeps count can infer the last
 * item; prevalence is therefore not part of the public deck. */
static void draw_singles(const struct srv_deck *deck, uint64_t key, struct srv_drawn_item *items)
{
    int yes = (int)lround(deck->prevalence * deck->items);
    for (int i = 0; i < deck->items; i++) {
        struct srv_drawn_item both[DECK_CHOICES];
        int truth = i < yes ? DECK_YES : DECK_NO;
        draw_place(deck, key, i, truth, truth, both);
        items[i] = both[truth];
    }
}

void srv_draw_pick(const struct srv_deck *deck, int place, struct srv_drawn_item *item)
{
    const struct srv_deck_pick *pick = &deck->list[place];
    *item = (struct srv_drawn_item){.truth = pick->truth,
                                    .class_name = pick->class_name,
                                    .seed = pick->seed,
                                    .strength = pick->strength,
                                    .truncation = pick->truncation,
                                    .source = &deck->sources[pick->source],
                                    .file = *pick->file ? pick->file : NULL};
}

void srv_draw(const struct srv_deck *deck, uint64_t key, struct srv_drawn_item *items)
{
    struct nn_rng order = {key, ORDER_STREAM, 0};
    if (deck->pairs) {
        draw_pairs(deck, key, &order, items);
        return;
    }
    int count = srv_draw_count(deck);
    for (int i = 0; i < deck->list_count; i++) srv_draw_pick(deck, i, &items[i]);
    if (deck->list_count == 0) draw_singles(deck, key, items);
    if (deck->order != DECK_GIVEN) shuffle(&order, items, count);
    if (deck->order == DECK_EASY_FIRST) sort_by_strength(items, count);
}

int srv_draw_count(const struct srv_deck *deck)
{
    return deck->list_count ? deck->list_count : deck->items;
}

void srv_draw_class(const struct srv_deck *deck, uint64_t key, int place,
                    const struct srv_deck_source *source, int truth, int i, struct srv_drawn_item *item)
{
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        struct nn_rng rng = {key, ITEM_STREAM + (uint64_t)(place * ATTEMPTS + attempt), 0};
        *item = (struct srv_drawn_item){
            .truth = truth, .class_name = source->classes[truth][i].name, .source = source};
        item->strength = nn_rng_range(&rng, source->strength.low, source->strength.high);
        item->truncation = nn_rng_range(&rng, source->truncation.low, source->truncation.high);
        item->seed = draw_seed(&rng);
        if (!excluded(deck, item)) return;
    }
}

void srv_draw_order(uint64_t key, int round, int *places, int count)
{
    struct nn_rng rng = {key, ROUND_STREAM + (uint64_t)round, 0};
    for (int i = 0; i < count; i++) {
        int j = (int)nn_rng_below(&rng, (uint32_t)i + 1);
        places[i] = places[j];
        places[j] = i;
    }
}
