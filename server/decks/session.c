#include "server/decks/session.h"

#include "server/decks/next_item.h"

uint64_t srv_session_key(const struct srv_deck *deck)
{
    return deck->fixed ? deck->seed : srv_random_u64();
}

int srv_session_draw(const struct srv_deck *deck, uint64_t key, struct srv_session_item *items)
{
    struct srv_drawn_item drawn[DECK_ITEMS_MAX];
    bool example = deck->order == DECK_ADAPTIVE && deck->list_count == 0;
    int count = example ? srv_draw_categories(deck, key, drawn) : srv_draw_count(deck);
    if (!example) srv_draw(deck, key, drawn);
    for (int i = 0; i < count; i++) {
        items[i] = (struct srv_session_item){.drawn = drawn[i]};
        srv_random_hex(items[i].image, sizeof items[i].image);
    }
    return count;
}

bool srv_session_item_open(const bool *answered, int items, int n)
{
    int done = 0;
    for (int i = 0; i < items; i++) done += answered[i];
    return n <= items && n <= done + SESSION_READ_AHEAD;
}

int srv_session_rating(int choice, int confidence)
{
    return choice == DECK_YES ? SESSION_CONFIDENCE_MAX + confidence : SESSION_CONFIDENCE_MAX + 1 - confidence;
}
