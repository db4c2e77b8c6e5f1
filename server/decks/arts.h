/* Which sub-category comes next, by errors and response times: adaptive response-time-based sequencing,
 * ARTS (Mettler, Massey & Kellman 2011; Mettler & Kellman 2014, Vision Research 99:111-123), in the form that
 * two public re-implementations share:
 *
 *     P = a (N - D) [ b (1 - alpha) ln(RT / r) + alpha W ]
 *
 * N trials since the category was last shown (1: it was the last), alpha 1 after a wrong answer and 0 after a
 * right one, RT the seconds that the last answer took. The highest P comes next. For a right answer faster
 * than r the bracket is negative, and so P would be positive before the delay D is over: the delay is
 * therefore held to by itself. Pure functions. */
#ifndef SRV_ARTS_H
#define SRV_ARTS_H

#include <stdbool.h>

#include "engine/rng.h"

struct srv_arts {
    double a, b, r, w; /* r in seconds */
    int d;             /* so many other trials lie between two of a category, where there is a choice */
    double unseen;     /* P of a category that has not been shown */
};

/* a = 0.1, D = 2, b = 1.1, r = 1.7 s, W = 20, as an open re-implementation gives those of 2014. With unseen =
 * 1 whoever erred sees the category again before a new one is begun, and whoever was right after it. */
extern const struct srv_arts srv_arts_defaults;

/* What is known of a category. */
struct srv_arts_category {
    bool usable; /* it has an image to show */
    int since;   /* N; 0: not shown yet */
    bool wrong;  /* alpha */
    double response_s;
};

/* P. A response below 0.1 s, which nobody who has looked can give, counts as that. */
double srv_arts_priority(const struct srv_arts *arts, const struct srv_arts_category *category);

/* The place of the usable category that comes next: of those never shown or with N > D the one of the highest
 * P, else the one shown longest ago; `rng` decides among equals. -1: none is usable. */
int srv_arts_next(const struct srv_arts *arts, const struct srv_arts_category *categories, int count,
                  struct nn_rng *rng);

#endif
