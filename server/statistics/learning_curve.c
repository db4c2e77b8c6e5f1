#include "server/statistics/learning_curve.h"

#include <stdlib.h>

enum { GRID = 64, REFINEMENTS = 60 };

int srv_stat_moving_average(const struct srv_stat_trial *trials, int count, double *average)
{
    if (count < SRV_STAT_CURVE_TRIALS) return 0;
    int right = 0, used = 0;
    for (int i = 0; i < count; i++) {
        right += srv_stat_correct(&trials[i]);
        if (i >= SRV_STAT_CURVE_WINDOW) right -= srv_stat_correct(&trials[i - SRV_STAT_CURVE_WINDOW]);
        if (i >= SRV_STAT_CURVE_WINDOW - 1) average[used++] = (double)right / SRV_STAT_CURVE_WINDOW;
    }
    return used;
}

/* With the rate given, y = start e + asymptote (1 - e), e = exp(-rate n), is linear. These are the sums that
 * its least squares need. */
struct normal_equations {
    double ss, sa, aa; /* sums of e^2, e (1 - e), (1 - e)^2 */
    double sy, ay, yy; /* of e y, (1 - e) y, y^2 */
};

static struct normal_equations sums(const struct srv_stat_place *places, int count, double rate)
{
    struct normal_equations q = {0};
    double e = 1, fade = exp(-rate);
    for (int i = 0; i < count; i++, e *= fade) {
        double rest = 1 - e, all = places[i].answered, right = places[i].right;
        q.ss += all * e * e, q.sa += all * e * rest, q.aa += all * rest * rest;
        q.sy += right * e, q.ay += right * rest, q.yy += right;
    }
    return q;
}

static double squares(const struct normal_equations *q, double start, double asymptote)
{
    return q->yy - 2 * (start * q->sy + asymptote * q->ay) + start * start * q->ss +
           2 * start * asymptote * q->sa + asymptote * asymptote * q->aa;
}

static double clamp(double x)
{
    return fmin(fmax(x, 0), 1);
}

static void keep_better(const struct normal_equations *q, double start, double asymptote,
                        struct srv_stat_curve_fit *best)
{
    double sum = squares(q, start, asymptote);
    if (sum < best->squares) best->start = start, best->asymptote = asymptote, best->squares = sum;
}

/* The best start and asymptote within the unit square: the free minimum if it lies inside, else the lowest
 * point of the four edges. */
static struct srv_stat_curve_fit fit_at(const struct srv_stat_place *places, int count, double rate)
{
    struct normal_equations q = sums(places, count, rate);
    struct srv_stat_curve_fit fit = {.rate = rate, .squares = INFINITY};
    double determinant = q.ss * q.aa - q.sa * q.sa;
    double start = (q.sy * q.aa - q.ay * q.sa) / determinant;
    double asymptote = (q.ay * q.ss - q.sy * q.sa) / determinant;
    if (start >= 0 && start <= 1 && asymptote >= 0 && asymptote <= 1) {
        keep_better(&q, start, asymptote, &fit);
        return fit;
    }
    for (double edge = 0; edge <= 1; edge++) {
        keep_better(&q, edge, clamp((q.ay - edge * q.sa) / q.aa), &fit);
        keep_better(&q, clamp((q.sy - edge * q.sa) / q.ss), edge, &fit);
    }
    return fit;
}

static double rate_at(double place, int count)
{
    return pow(count, place - 1); /* from 1 / count to 1, even in the logarithm */
}

/* Over the rate the sum may have several dips: a grid finds the lowest, ternary search its bottom. */
static struct srv_stat_curve_fit fit_rate(const struct srv_stat_place *places, int count)
{
    int best_place = 0;
    struct srv_stat_curve_fit best = {.squares = INFINITY};
    for (int i = 0; i <= GRID; i++) {
        struct srv_stat_curve_fit fit = fit_at(places, count, rate_at((double)i / GRID, count));
        if (fit.squares < best.squares) best = fit, best_place = i;
    }
    double low = fmax(best_place - 1, 0) / GRID, high = fmin(best_place + 1, GRID) / GRID;
    for (int i = 0; i < REFINEMENTS; i++) {
        double third = (high - low) / 3;
        struct srv_stat_curve_fit left = fit_at(places, count, rate_at(low + third, count));
        struct srv_stat_curve_fit right = fit_at(places, count, rate_at(high - third, count));
        if (left.squares <= right.squares)
            high -= third;
        else
            low += third;
        if (left.squares < best.squares) best = left;
        if (right.squares < best.squares) best = right;
    }
    return best;
}

/* Whether three parameters are worth it: n log(steady / fitted) against 2 log n. A fit without any error is.
 */
static bool beats_one_steady_share(const struct srv_stat_curve_fit *fit, const struct srv_stat_place *places,
                                   int count)
{
    double right = 0, all = 0;
    for (int i = 0; i < count; i++) right += places[i].right, all += places[i].answered;
    double steady = right * (1 - right / all), fitted = fmax(fit->squares, 1e-12);
    return steady > 0 && all * log(steady / fitted) > 2 * log(all);
}

struct srv_stat_curve_fit srv_stat_fit_places(const struct srv_stat_place *places, int count)
{
    if (count < SRV_STAT_CURVE_TRIALS) return (struct srv_stat_curve_fit){.gap = SRV_STAT_TOO_FEW};
    struct srv_stat_curve_fit fit = fit_rate(places, count);
    fit.last = fit.asymptote - (fit.asymptote - fit.start) * exp(-fit.rate * (count - 1));
    if (!beats_one_steady_share(&fit, places, count)) fit.gap = SRV_STAT_FLAT;
    return fit;
}

struct srv_stat_curve_fit srv_stat_fit_curve(const struct srv_stat_trial *trials, int count)
{
    struct srv_stat_place *places = malloc(((size_t)count + 1) * sizeof *places);
    if (!places) return (struct srv_stat_curve_fit){.gap = SRV_STAT_NO_MEMORY};
    for (int i = 0; i < count; i++) places[i] = (struct srv_stat_place){1, srv_stat_correct(&trials[i])};
    struct srv_stat_curve_fit fit = srv_stat_fit_places(places, count);
    free(places);
    return fit;
}
