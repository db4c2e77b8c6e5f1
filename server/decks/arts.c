#include "server/decks/arts.h"

#include <math.h>

#define ARTS_RESPONSE_MIN_S 0.1

const struct srv_arts srv_arts_defaults = {.a = 0.1, .b = 1.1, .r = 1.7, .w = 20, .d = 2, .unseen = 1};

double srv_arts_priority(const struct srv_arts *arts, const struct srv_arts_category *category)
{
    if (category->since == 0) return arts->unseen;
    double response_s = fmax(category->response_s, ARTS_RESPONSE_MIN_S);
    return arts->a * (category->since - arts->d) *
           (category->wrong ? arts->w : arts->b * log(response_s / arts->r));
}

/* The first number orders those that may be shown before those that may not yet. */
struct rank {
    bool due;
    double priority;
};

static struct rank rank_of(const struct srv_arts *arts, const struct srv_arts_category *category)
{
    bool due = category->since == 0 || category->since > arts->d;
    return (struct rank){due, due ? srv_arts_priority(arts, category) : category->since};
}

static int compare(struct rank a, struct rank b)
{
    if (a.due != b.due) return a.due ? 1 : -1;
    return (a.priority > b.priority) - (a.priority < b.priority);
}

int srv_arts_next(const struct srv_arts *arts, const struct srv_arts_category *categories, int count,
                  struct nn_rng *rng)
{
    int best = -1;
    uint32_t equals = 0;
    struct rank highest = {false, 0};
    for (int i = 0; i < count; i++) {
        if (!categories[i].usable) continue;
        struct rank rank = rank_of(arts, &categories[i]);
        int order = best < 0 ? 1 : compare(rank, highest);
        if (order < 0) continue;
        equals = order > 0 ? 1 : equals + 1;
        if (order > 0) highest = rank;
        if (order > 0 || nn_rng_below(rng, equals) == 0) best = i;
    }
    return best;
}
