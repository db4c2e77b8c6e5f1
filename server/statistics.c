#include "server/statistics.h"

#include <math.h>
#include <stdlib.h>

enum { YES_RATING = 4 };

struct srv_stat_counts srv_stat_count(const struct srv_stat_trial *trials, int count)
{
    struct srv_stat_counts c = {0};
    for (int i = 0; i < count; i++) {
        bool yes = trials[i].rating >= YES_RATING;
        if (trials[i].signal)
            yes ? c.hits++ : c.misses++;
        else
            yes ? c.false_alarms++ : c.correct_rejections++;
    }
    return c;
}

/* All pairs: a session has at most a few hundred trials, so a sort would save nothing worth its lines. */
bool srv_stat_auc(const struct srv_stat_trial *trials, int count, double *auc)
{
    double won = 0;
    long pairs = 0;
    for (int i = 0; i < count; i++) {
        for (int j = 0; j < count && trials[i].signal; j++) {
            if (trials[j].signal) continue;
            pairs++;
            if (trials[i].rating > trials[j].rating) won += 1;
            if (trials[i].rating == trials[j].rating) won += 0.5;
        }
    }
    if (pairs == 0) return false;
    *auc = won / (double)pairs;
    return true;
}

bool srv_stat_detection(struct srv_stat_counts c, double *d_prime, double *criterion)
{
    int signals = c.hits + c.misses, noises = c.false_alarms + c.correct_rejections;
    if (signals == 0 || noises == 0) return false;
    double z_hit = srv_stat_normal_quantile((c.hits + 0.5) / (signals + 1));
    double z_false = srv_stat_normal_quantile((c.false_alarms + 0.5) / (noises + 1));
    *d_prime = z_hit - z_false;
    *criterion = -(z_hit + z_false) / 2;
    return true;
}

/* Bisection on erfc: no table of coefficients to mistype, and a summary asks only twice. */
double srv_stat_normal_quantile(double p)
{
    double low = -40, high = 40;
    for (int i = 0; i < 100; i++) {
        double middle = (low + high) / 2;
        if (0.5 * erfc(-middle / sqrt(2)) < p)
            low = middle;
        else
            high = middle;
    }
    return (low + high) / 2;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double srv_stat_median(double *values, int count)
{
    if (count == 0) return 0;
    qsort(values, (size_t)count, sizeof *values, ascending);
    return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}
