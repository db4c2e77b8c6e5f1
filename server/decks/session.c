#include "server/decks/session.h"

void srv_session_draw(const struct srv_deck *deck, struct srv_session_item *items)
{
    struct srv_drawn_item drawn[DECK_ITEMS_MAX];
    srv_draw(deck, deck->fixed ? deck->seed : srv_random_u64(), drawn);
    for (int i = 0; i < srv_draw_count(deck); i++) {
        items[i] = (struct srv_session_item){.drawn = drawn[i]};
        srv_random_hex(items[i].image, sizeof items[i].image);
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
