#include "server/decks/next_item.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/rng.h"

/* Ties of priorities are decided in a stream of each place, far from those of draw.c. */
#define TIE_STREAM (UINT64_C(1) << 32)

/* ---- sub-categories ---- */

struct category {
    int source, truth, class_index;
    bool shown; /* there are images of it */
};

struct categories {
    int count;
    struct category all[DECK_CATEGORIES_MAX];
};

static const char *class_of(const struct srv_deck *deck, const struct category *c)
{
    return deck->sources[c->source].classes[c->truth][c->class_index].name;
}

static bool is_picks(const struct srv_deck *deck, const struct category *c, const struct srv_deck_pick *pick)
{
    return pick->source == c->source && !strcmp(class_of(deck, c), pick->class_name);
}

/* Of a pick; -1 for none. */
static int find(const struct srv_deck *deck, const struct categories *categories,
                const struct srv_deck_pick *pick)
{
    for (int c = 0; c < categories->count; c++)
        if (is_picks(deck, &categories->all[c], pick)) return c;
    return -1;
}

static void list_categories(const struct srv_deck *deck, struct categories *categories)
{
    categories->count = 0;
    for (int s = 0; s < deck->source_count; s++)
        for (int truth = 0; truth < DECK_CHOICES; truth++)
            for (int i = 0; i < deck->sources[s].class_count[truth]; i++)
                categories->all[categories->count++] = (struct category){s, truth, i, deck->list_count == 0};
    for (int i = 0; i < deck->list_count; i++) {
        int c = find(deck, categories, &deck->list[i]);
        if (c >= 0) categories->all[c].shown = true;
    }
}

int srv_deck_categories(const struct srv_deck *deck)
{
    struct categories categories;
    int shown = 0;
    list_categories(deck, &categories);
    for (int c = 0; c < categories.count; c++) shown += categories.all[c].shown;
    return shown;
}

int srv_draw_categories(const struct srv_deck *deck, uint64_t key, struct srv_drawn_item *items)
{
    struct categories categories;
    list_categories(deck, &categories);
    for (int i = 0; i < categories.count; i++) {
        const struct category *c = &categories.all[i];
        srv_draw_class(deck, key, i, &deck->sources[c->source], c->truth, c->class_index, &items[i]);
    }
    return categories.count;
}

/* ---- mastery ---- */

/* Only images of a list come back. */
bool srv_past_again(const struct srv_past *past, int i)
{
    for (int k = 0; k < i && past[i].pick >= 0; k++)
        if (past[k].pick == past[i].pick) return true;
    return false;
}

int srv_mastery_hits(const struct srv_deck *deck, const struct srv_past *past, int count)
{
    const struct srv_deck_mastery *m = &deck->mastery;
    int hits = 0, seen = 0;
    for (int i = count - 1; i >= 0 && seen < m->of; i--) {
        if (srv_past_again(past, i)) continue;
        seen++;
        hits += past[i].correct && (m->within_s == 0 || past[i].response_ms <= m->within_s * 1000);
    }
    return hits;
}

bool srv_mastered(const struct srv_deck *deck, const struct srv_past *past, int count)
{
    return deck->mastery.of > 0 && srv_mastery_hits(deck, past, count) >= deck->mastery.correct;
}

/* ---- staircase ---- */

static struct srv_quest_plus *play(const struct srv_deck *deck, const struct srv_past *past, int count)
{
    const struct srv_quest_settings *s = &deck->staircase;
    struct srv_quest_plus *quest = srv_quest_plus_new(s);
    for (int i = 0; quest && i < count; i++) {
        long point = lround((past[i].strength - s->low) / (s->high - s->low) * (s->strengths - 1));
        if (!srv_past_again(past, i)) srv_quest_plus_answer(quest, (int)point, past[i].correct);
    }
    return quest;
}

bool srv_staircase_threshold(const struct srv_deck *deck, const struct srv_past *past, int count,
                             struct srv_quest_estimate *estimate)
{
    struct srv_quest_plus *quest = play(deck, past, count);
    if (!quest) return false;
    *estimate = srv_quest_plus_threshold(quest);
    srv_quest_plus_free(quest);
    return true;
}

static enum srv_next_result ask_at_strength(const struct srv_deck *deck, const struct srv_past *past,
                                            int count, struct srv_next_item *next)
{
    struct srv_quest_plus *quest = play(deck, past, count);
    if (!quest) return NEXT_NO_MEMORY;
    int point = srv_quest_plus_next(quest);
    struct srv_quest_estimate e = srv_quest_plus_threshold(quest);
    next->drawn.strength = srv_quest_strength(&deck->staircase, point);
    snprintf(next->state, sizeof next->state,
             "{\"threshold\":%.6g,\"low\":%.6g,\"high\":%.6g,\"expected_entropy\":%.6g}", e.value, e.low,
             e.high, srv_quest_plus_expected_entropy(quest, point));
    srv_quest_plus_free(quest);
    return NEXT_ITEM;
}

/* ---- adaptive ---- */

/* A list's truths come in its own share, each round through it in another order. */
static int truth_of_place(const struct srv_deck *deck, uint64_t key, int place)
{
    int places[DECK_ITEMS_MAX];
    struct srv_drawn_item drawn[DECK_ITEMS_MAX];
    if (deck->list_count) {
        srv_draw_order(key, place / deck->list_count, places, deck->list_count);
        return deck->list[places[place % deck->list_count]].truth;
    }
    srv_draw(deck, key, drawn);
    return drawn[place].truth;
}

/* Of a category's images the first by the key that has not been shown, else the one shown longest ago. */
static int pick_of(const struct srv_deck *deck, uint64_t key, const struct categories *categories,
                   int category, const struct srv_past *past, int count)
{
    int places[DECK_ITEMS_MAX], best = -1, best_at = count;
    srv_draw_order(key, 0, places, deck->list_count);
    for (int i = 0; i < deck->list_count; i++) {
        int at = -1;
        if (find(deck, categories, &deck->list[places[i]]) != category) continue;
        for (int k = 0; k < count; k++)
            if (past[k].pick == places[i]) at = k;
        if (at >= best_at) continue;
        best = places[i];
        best_at = at;
    }
    return best;
}

/* What the answers say of each category of that truth. */
static void judge(const struct categories *categories, int truth, const bool *gone,
                  const struct srv_past *past, int count, struct srv_arts_category *judged)
{
    for (int c = 0; c < categories->count; c++)
        judged[c] = (struct srv_arts_category){.usable = categories->all[c].truth == truth &&
                                                         categories->all[c].shown && !gone[c]};
    for (int i = 0; i < count; i++) {
        if (past[i].category < 0 || past[i].category >= categories->count) continue;
        struct srv_arts_category *last = &judged[past[i].category];
        last->since = count - i;
        last->wrong = !past[i].correct;
        last->response_s = past[i].response_ms / 1000;
    }
}

static void note_priority(const struct srv_deck *deck, const struct srv_arts_category *chosen,
                          struct srv_next_item *next)
{
    char since[16] = "null", pick[32] = "";
    if (chosen->since) snprintf(since, sizeof since, "%d", chosen->since);
    if (next->pick >= 0) snprintf(pick, sizeof pick, ",\"list\":%d", next->pick);
    snprintf(next->state, sizeof next->state, "{\"category\":%d,\"trials_since\":%s,\"priority\":%.6g%s}",
             next->category, since, srv_arts_priority(&deck->arts, chosen), pick);
}

static enum srv_next_result ask_category(const struct srv_deck *deck, uint64_t key,
                                         const struct srv_past *past, int count, const bool *gone,
                                         struct srv_next_item *next)
{
    struct categories categories;
    struct srv_arts_category judged[DECK_CATEGORIES_MAX];
    struct nn_rng ties = {key, TIE_STREAM + (uint64_t)count, 0};
    list_categories(deck, &categories);
    judge(&categories, truth_of_place(deck, key, count), gone, past, count, judged);
    int chosen = srv_arts_next(&deck->arts, judged, categories.count, &ties);
    if (chosen < 0) return NEXT_END;
    const struct category *c = &categories.all[chosen];
    next->category = chosen;
    if (deck->list_count) {
        next->pick = pick_of(deck, key, &categories, chosen, past, count);
        srv_draw_pick(deck, next->pick, &next->drawn);
    } else {
        srv_draw_class(deck, key, count, &deck->sources[c->source], c->truth, c->class_index, &next->drawn);
    }
    note_priority(deck, &judged[chosen], next);
    return NEXT_ITEM;
}

enum srv_next_result srv_next_item(const struct srv_deck *deck, uint64_t key, const struct srv_past *past,
                                   int count, const bool gone[DECK_CATEGORIES_MAX],
                                   struct srv_next_item *next)
{
    struct srv_drawn_item drawn[DECK_ITEMS_MAX];
    if (count >= deck->items || srv_mastered(deck, past, count)) return NEXT_END;
    *next = (struct srv_next_item){.category = -1, .pick = -1};
    if (deck->order == DECK_ADAPTIVE) return ask_category(deck, key, past, count, gone, next);
    srv_draw(deck, key, drawn);
    next->drawn = drawn[count];
    return deck->order == DECK_STAIRCASE ? ask_at_strength(deck, past, count, next) : NEXT_ITEM;
}
