/* The rules of a session, apart from where it is stored: which images it shows, in which order it may be
 * walked, and what an answer is worth. */
#ifndef SRV_SESSION_H
#define SRV_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "server/decks/deck.h"
#include "server/decks/draw.h"
#include "server/secrets.h"

enum { SESSION_CONFIDENCE_MAX = 3, SESSION_READ_AHEAD = 2 };

struct srv_session_item {
    char image[SRV_IMAGE_TEXT]; /* the name the learner sees, of the kernel's random numbers */
    struct srv_drawn_item drawn;
    int64_t library_image; /* its row, when its source is a collection; 0: srv_store_library_give has not
                              chosen */
};

/* What a session is drawn by: the deck's seed when it is fixed, else a fresh one of the kernel's random
 * numbers. Of 2^64 seeds no learner is shown one twice. */
uint64_t srv_session_key(const struct srv_deck *deck);

/* Draws a session's items, as srv_draw does: their number. Where they are decided one at a time these are an
 * example, of an adaptive deck that draws one image of each sub-category. */
int srv_session_draw(const struct srv_deck *deck, uint64_t key, struct srv_session_item *items);

/* Whether item n (1-based) may be looked at and answered: it is one of the `items` that are decided, and
 * among the first `answers + 2`, so that the next image can load while this one is read. The item after an
 * answered one always is. `answered[k]` tells of item k+1. */
bool srv_session_item_open(const bool *answered, int items, int n);

/* 1..6 from surely not to surely: confidence 3,2,1 in "no" are 1,2,3; 1,2,3 in "yes" are 4,5,6. */
int srv_session_rating(int choice, int confidence);

#endif
