/* What the statistics are made from, and how they say that something cannot be told. The functions of this
 * folder are pure, know nothing of sessions or decks, and take the trials of a learner, a deck or an arm
 * alike: any number of them, in the order of answering where the order matters. */
#ifndef SRV_STATISTICS_TRIAL_H
#define SRV_STATISTICS_TRIAL_H

#include <math.h>
#include <stdbool.h>

/* One answered item. A rating of SRV_STAT_YES and above means "yes"; a drill's run from 1 to 6. */
struct srv_stat_trial {
    bool signal; /* the truth: the finding is there */
    double rating;
    double response_ms;
};

#define SRV_STAT_YES 4.0

static inline bool srv_stat_correct(const struct srv_stat_trial *trial)
{
    return (trial->rating >= SRV_STAT_YES) == trial->signal;
}

/* Why an estimate is not whole. */
enum srv_stat_gap {
    SRV_STAT_WHOLE,
    /* the value is there, its standard error and interval are not: */
    SRV_STAT_NO_SPREAD, /* the data do not vary (all told apart, or all rated alike): the error comes out as 0
                         */
    SRV_STAT_ONE_OF_A_KIND, /* the error takes at least two trials of each kind, or two readers */
    /* there is no value either: */
    SRV_STAT_TOO_FEW,  /* trials */
    SRV_STAT_ONE_KIND, /* only signals, or only noises */
    SRV_STAT_FLAT,     /* a learning curve that one steady rate explains as well */
    SRV_STAT_NOT_FINITE,
    SRV_STAT_NO_MEMORY,
};

/* The gap in one snake_case word for machines; NULL for SRV_STAT_WHOLE. */
const char *srv_stat_gap_name(enum srv_stat_gap gap);

/* A value with its standard error and 95 % interval. */
struct srv_stat_estimate {
    enum srv_stat_gap gap;
    double value, se, low, high;
};

static inline bool srv_stat_has_value(const struct srv_stat_estimate *e)
{
    return e->gap <= SRV_STAT_ONE_OF_A_KIND;
}

#endif
