#include "server/session.h"

#include <math.h>

/* The number of fractures is fixed rather than drawn item by item: in ten independent draws at one half,
 * two sessions in a thousand hold one class only and have no AUC, and learners' scores would differ by
 * the luck of the mix. The price is that someone who knows the share and keeps count can infer the last
 * item; prevalence is therefore not part of the public deck. */
void srv_session_draw(const struct srv_deck *deck, struct srv_session_item *items)
{
    int yes = (int)lround(deck->prevalence * deck->items);
    for (int i = 0; i < deck->items; i++) {
        items[i].truth = i < yes ? DECK_YES : DECK_NO;
        items[i].seed = srv_random_u64();
        srv_random_hex(items[i].image, sizeof items[i].image);
    }
    for (int i = deck->items - 1; i > 0; i--) { /* Fisher-Yates, on the truths alone: all else is random */
        int j = (int)srv_random_below((uint32_t)i + 1), truth = items[i].truth;
        items[i].truth = items[j].truth;
        items[j].truth = truth;
    }
}

bool srv_session_item_open(const bool *answered, int items, int n)
{
    int done = 0;
    for (int i = 0; i < items; i++) done += answered[i];
    return n <= done + SESSION_READ_AHEAD;
}

int srv_session_rating(int choice, int confidence)
{
    return choice == DECK_YES ? SESSION_CONFIDENCE_MAX + confidence : SESSION_CONFIDENCE_MAX + 1 - confidence;
}
