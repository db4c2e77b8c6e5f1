/* What several readers' answers say about them together: a class of learners, an arm of a study in a phase.
 *
 * Answers of one reader are alike, so they are never thrown into one pot: a measure is worked out for each
 * reader, and mean and interval are taken over the readers, each counting the same. Intervals are Student's,
 * mean -+ t se with n - 1 degrees of freedom; two groups are compared as Welch (1947) does, without taking
 * their spreads as equal, with Satterthwaite's degrees of freedom. They speak of other readers like these
 * with the same images; that other images might be harder is not in them (the iMRMC export is for that). */
#ifndef SRV_STATISTICS_READERS_H
#define SRV_STATISTICS_READERS_H

#include "server/statistics/learning_curve.h"
#include "server/statistics/trial.h"

/* One reader's trials in the order of answering; borrowed. */
struct srv_stat_reader {
    const struct srv_stat_trial *trials;
    int count;
};

enum srv_stat_measure {
    SRV_STAT_ACCURACY,
    SRV_STAT_SENSITIVITY,
    SRV_STAT_SPECIFICITY,
    SRV_STAT_AUC,
    SRV_STAT_D_PRIME,
    SRV_STAT_CRITERION,
    SRV_STAT_MEDIAN_MS, /* of the response times */
    SRV_STAT_MEASURES
};

/* "accuracy", "median_response_ms" */
const char *srv_stat_measure_name(enum srv_stat_measure measure);

/* NAN when it cannot be told. */
double srv_stat_measure(const struct srv_stat_reader *reader, enum srv_stat_measure measure);

/* Mean over readers. `gap` is TOO_FEW without readers, ONE_OF_A_KIND for one, NO_SPREAD when all are alike:
 * the last two have a value without an interval. `sd` is that of single readers (n - 1), with the interval.
 */
struct srv_stat_mean {
    struct srv_stat_estimate estimate;
    int readers;
    double sd;
};

/* Values that are not finite are left out, and not counted. */
struct srv_stat_mean srv_stat_mean(const double *values, int count);

/* Of each measure, over the readers of whom it can be told; `means` has SRV_STAT_MEASURES. False without
 * memory. */
bool srv_stat_means(const struct srv_stat_reader *readers, int count, struct srv_stat_mean *means);

/* `first` less `second`. The gap is the worse of the two: a spread of 0 on one side would make any difference
 * look sure. df, and the test of no difference t and p (two-sided), are 0 where the interval is absent. */
struct srv_stat_welch {
    struct srv_stat_estimate difference;
    double df, t, p;
};
struct srv_stat_welch srv_stat_welch(const struct srv_stat_mean *first, const struct srv_stat_mean *second);

/* Whether a measure of which more is better is not worse in `first` than in `second` by `margin` (> 0) or
 * more: the one-sided test at 0.025, which the two-sided 95 % interval's lower end decides, low > -margin.
 * The p is one-sided; 1 without an interval. */
struct srv_stat_non_inferiority {
    bool shown;
    double p;
};
struct srv_stat_non_inferiority srv_stat_non_inferior(const struct srv_stat_welch *welch, double margin);

/* The mean curve: at each rating, from the surest yes down, the mean over readers of their shares of noises
 * and of signals rated that or more (threshold averaging, Fawcett 2006). Readers who answered one kind alone
 * are left out; *used is how many are not. Writes SRV_STAT_ROC_POINTS points, from (0, 0) to (1, 1), and
 * returns their number, 0 when no reader is left. Ratings are 1 .. SRV_STAT_RATINGS. */
enum { SRV_STAT_RATINGS = 6, SRV_STAT_ROC_POINTS = SRV_STAT_RATINGS + 1 };
struct srv_stat_mean_point {
    double rating, false_alarms, hits; /* the first point's rating is INFINITY */
};
int srv_stat_mean_roc(const struct srv_stat_reader *readers, int count,
                      struct srv_stat_mean_point points[SRV_STAT_ROC_POINTS], int *used);

/* curve[i] is the mean, over the readers who came as far, of the share right among the SRV_STAT_CURVE_WINDOW
 * trials that end with trial i + WINDOW; readers with fewer than SRV_STAT_CURVE_TRIALS are left out. `fit` is
 * learning_curve.h's, by least squares over the answers of all readers. Returns how many there are, and takes
 * room for the longest reader's trials; -1 without memory. */
int srv_stat_mean_curve(const struct srv_stat_reader *readers, int count, struct srv_stat_mean *curve,
                        struct srv_stat_curve_fit *fit);

#endif
