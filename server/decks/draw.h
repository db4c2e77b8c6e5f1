/* Which images a session shows, in which order: a pure function of the deck and one key, so that the same
 * key gives the same items in the same order on every machine. */
#ifndef SRV_DRAW_H
#define SRV_DRAW_H

#include <stdint.h>

#include "server/decks/deck.h"

struct srv_drawn_item {
    int truth;              /* DECK_NO or DECK_YES */
    const char *class_name; /* borrowed from the deck */
    uint64_t seed;
    double strength, truncation;
    int pair;                             /* items of the same latent have the same number, from 1; 0: none */
    const struct srv_deck_source *source; /* borrowed too */
    const char *file;                     /* likewise: of the source's collection, by a list; else NULL */
};

/* Fills srv_draw_count items. Exactly round(prevalence * items) of them are DECK_YES, or what the list has.
 * What an exclusion takes out is drawn again, and all else stays as it was. Items of a pair are at least a
 * quarter of the items apart. With DECK_EASY_FIRST the order is by falling strength, by chance among equals.
 */
void srv_draw(const struct srv_deck *deck, uint64_t key, struct srv_drawn_item *items);

/* How many those are: of a list its length, also where its images come back. */
int srv_draw_count(const struct srv_deck *deck);

/* Fills the place (from 0) of a session, unlike any other place of the same key, with class `i` of that
 * choice in one of the deck's sources. An exclusion is drawn again. */
void srv_draw_class(const struct srv_deck *deck, uint64_t key, int place,
                    const struct srv_deck_source *source, int truth, int i, struct srv_drawn_item *item);

/* Fills the place of a list. */
void srv_draw_pick(const struct srv_deck *deck, int place, struct srv_drawn_item *item);

/* An order of `count` places by the key, another for each `round`. */
void srv_draw_order(uint64_t key, int round, int *places, int count);

#endif
