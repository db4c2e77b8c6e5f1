/* Which item a session shows next, where that is decided after the answer before (srv_deck_stepwise): a pure
 * function of the deck, the session's key and what has been answered, so that a log can be played again.
 *
 * Whether the next image shows the finding never depends on the answers: the truths of all places are drawn
 * with the key, in the deck's share. Adaptive chooses among the sub-categories of that truth, a staircase the
 * strength. So an answer, right or wrong, tells a learner nothing about the truth of the image after it. */
#ifndef SRV_NEXT_ITEM_H
#define SRV_NEXT_ITEM_H

#include <stdbool.h>
#include <stdint.h>

#include "server/decks/deck.h"
#include "server/decks/draw.h"

enum { NEXT_STATE_TEXT = 256 };

/* One answered item, in the order of answering. */
struct srv_past {
    int category, pick; /* as srv_next_item gave them */
    double strength;
    double response_ms;
    bool correct;
};

/* Whether the image of answer i was answered before in the session: only the first time counts. */
bool srv_past_again(const struct srv_past *past, int i);

/* How many sub-categories there are to choose from: classes of a source, of a list those that it shows. */
int srv_deck_categories(const struct srv_deck *deck);

/* One image of each sub-category of an adaptive deck without a list. Their number. */
int srv_draw_categories(const struct srv_deck *deck, uint64_t key, struct srv_drawn_item *items);

/* Of the last mastery.of answers that count, how many are right and in time. */
int srv_mastery_hits(const struct srv_deck *deck, const struct srv_past *past, int count);
/* Whether the deck's rule of mastery is fulfilled; false without one. */
bool srv_mastered(const struct srv_deck *deck, const struct srv_past *past, int count);

/* The learner's threshold by a staircase's answers. False when memory ran out. */
bool srv_staircase_threshold(const struct srv_deck *deck, const struct srv_past *past, int count,
                             struct srv_quest_estimate *estimate) NN_MUST_CHECK;

struct srv_next_item {
    struct srv_drawn_item drawn;
    int category;                /* the place of its source and class among all; -1 unless adaptive */
    int pick;                    /* its place in the list; -1 without list or unless adaptive */
    char state[NEXT_STATE_TEXT]; /* JSON: what it was chosen by, or "" for an order that does not adapt */
};

enum srv_next_result { NEXT_ITEM, NEXT_END, NEXT_NO_MEMORY };

/* The item after `count` answered ones. `gone[c]` tells that category c has no image left. The end comes with
 * mastery, with the last of the deck's items, and when all categories of the place's truth are gone. */
enum srv_next_result srv_next_item(const struct srv_deck *deck, uint64_t key, const struct srv_past *past,
                                   int count, const bool gone[DECK_CATEGORIES_MAX],
                                   struct srv_next_item *next) NN_MUST_CHECK;

#endif
