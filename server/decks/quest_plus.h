/* A staircase on strength: QUEST+ (Watson 2017, Journal of Vision 17(3):10) for answers that are right or
 * wrong. What the learner can see is a Weibull function of the strength x,
 *
 *     p(right) = guess + (1 - guess - lapse) (1 - exp(-(x / threshold)^slope)),
 *
 * whose threshold, slope and lapse rate are not known: a table holds the posterior of each combination, even
 * at first. The next strength is the one after whose answer the table's expected entropy is least. Pure: the
 * same answers give the same strengths on every machine with the same mathematical library. */
#ifndef SRV_QUEST_PLUS_H
#define SRV_QUEST_PLUS_H

#include <stdbool.h>

enum {
    QUEST_STRENGTHS_MAX = 40,
    QUEST_THRESHOLDS_MAX = 80,
    QUEST_SLOPES_MAX = 8,
    QUEST_LAPSES_MAX = 4,
};

struct srv_quest_settings {
    double low, high;          /* 0 < low < high: both grids go from here to there in even steps */
    int strengths, thresholds; /* grid points, 2 or more */
    double slopes[QUEST_SLOPES_MAX], lapses[QUEST_LAPSES_MAX];
    int slope_count, lapse_count; /* 1 or more */
    double guess;                 /* guess + lapse < 1 */
};

/* 20 strengths, 39 thresholds, slopes 1, 2, 3.5, 6 and 10, lapses 0.02 and 0.06, guess 0.5; the range is
 * the caller's. */
extern const struct srv_quest_settings srv_quest_defaults;

double srv_quest_strength(const struct srv_quest_settings *settings, int i); /* grid point i, from 0 */

struct srv_quest_plus; /* one thread's */

struct srv_quest_plus *srv_quest_plus_new(const struct srv_quest_settings *settings); /* NULL: no memory */
void srv_quest_plus_free(struct srv_quest_plus *quest);                               /* NULL is harmless */

/* Takes an answer at grid point i of the strengths; one that no combination allows changes nothing. */
void srv_quest_plus_answer(struct srv_quest_plus *quest, int i, bool right);

/* In nats, after the next answer if that is at grid point i. */
double srv_quest_plus_expected_entropy(const struct srv_quest_plus *quest, int i);
/* The grid point to ask at next; the lowest among equals. */
int srv_quest_plus_next(const struct srv_quest_plus *quest);

/* The threshold by its posterior, over slopes and lapses: the mean, and the grid points at which its sum
 * comes to 2.5 % and to 97.5 %. */
struct srv_quest_estimate {
    double value, low, high;
};
struct srv_quest_estimate srv_quest_plus_threshold(const struct srv_quest_plus *quest);

#endif
