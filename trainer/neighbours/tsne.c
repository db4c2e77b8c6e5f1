#include "trainer/neighbours/tsne.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { EXAGGERATED_STEPS = 250, BISECTIONS = 100, SHOWN_EVERY = 25 };
static const double EXAGGERATION = 12, START_DEVIATION = 1e-4, STEP_LEAST = 50, GAIN_LEAST = 0.01;

static double squared_distance(const double *a, const double *b, int width)
{
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int i = 0; i < width; i++) sum += (a[i] - b[i]) * (a[i] - b[i]);
    return sum;
}

/* ---- similarities of the points ------------------------------------------------------------------------ */

/* Row i of P_j|i for a precision: exp(-precision d^2), their sum 1. Returns its entropy in nats. */
static double conditional_row(const double *squares, int count, int i, double precision, double *row)
{
    double least = INFINITY, sum = 0, mean = 0;
    for (int k = 0; k < count; k++)
        if (k != i) least = fmin(least, squares[k]);
    for (int k = 0; k < count; k++) {
        row[k] = k == i ? 0 : exp(-precision * (squares[k] - least));
        sum += row[k];
        mean += row[k] * (squares[k] - least);
    }
    for (int k = 0; k < count; k++) row[k] /= sum;
    return log(sum) + precision * mean / sum;
}

/* The precision whose row has the perplexity, by bisection. */
static void fit_row(const double *squares, int count, int i, double perplexity, double *row)
{
    double low = 0, high = INFINITY, precision = 1, wanted = log(perplexity);
    for (int k = 0; k < BISECTIONS; k++) {
        double entropy = conditional_row(squares, count, i, precision, row);
        if (fabs(entropy - wanted) < 1e-7) break;
        if (entropy > wanted)
            low = precision;
        else
            high = precision;
        precision = isinf(high) ? 2 * precision : (low + high) / 2;
    }
}

/* Of all pairs, symmetric, sum 1; `squares` is scratch of the same size. */
static void similarities(const double *points, int count, int width, double perplexity, double *squares,
                         double *p)
{
    size_t n = (size_t)count;
#pragma omp parallel for schedule(dynamic)
    for (int i = 0; i < count; i++) {
        double *own = squares + (size_t)i * n;
        for (int k = 0; k < count; k++)
            own[k] = squared_distance(points + (size_t)i * (size_t)width, points + (size_t)k * (size_t)width,
                                      width);
        fit_row(own, count, i, perplexity, p + (size_t)i * n);
    }
    memcpy(squares, p, n * n * sizeof *p);
#pragma omp parallel for
    for (int i = 0; i < count; i++)
        for (size_t k = 0; k < n; k++)
            p[(size_t)i * n + k] =
                fmax((squares[(size_t)i * n + k] + squares[k * n + (size_t)i]) / (2 * count), 1e-300);
}

/* ---- descent --------------------------------------------------------------------------------------------
 */

struct descent {
    int count;
    const double *p;
    double *x, *y;             /* places */
    double *force_x, *force_y; /* of the gradient */
    double *speed, *gain;      /* 2 count: of x, then of y */
    double *row_sums;          /* scratch: of the kernel */
    double *away;              /* scratch, 2 count: the part that sets points apart, before it is scaled */
};

/* The gradient of the Kullback-Leibler divergence: 4 sum_k (c p_ik - q_ik) w_ik (y_i - y_k), with
 * w_ik = 1/(1 + |y_i - y_k|^2), q = w / sum w. The sum is only known after all rows, so the two terms are
 * kept apart until then. */
static void find_forces(const struct descent *d, double exaggeration)
{
    int n = d->count;
    const double *x = d->x, *y = d->y;
#pragma omp parallel for schedule(static)
    for (int i = 0; i < n; i++) {
        const double *p = d->p + (size_t)i * (size_t)n;
        double near_x = 0, near_y = 0, away_x = 0, away_y = 0, sum = 0, xi = x[i], yi = y[i];
#pragma omp simd reduction(+ : near_x, near_y, away_x, away_y, sum)
        for (int k = 0; k < n; k++) {
            double dx = xi - x[k], dy = yi - y[k], w = 1 / (1 + dx * dx + dy * dy);
            sum += w;
            near_x += p[k] * w * dx;
            near_y += p[k] * w * dy;
            away_x += w * w * dx;
            away_y += w * w * dy;
        }
        d->row_sums[i] = sum - 1; /* without itself */
        d->force_x[i] = near_x;
        d->force_y[i] = near_y;
        d->away[i] = away_x;
        d->away[n + i] = away_y;
    }
    double total = 0;
    for (int i = 0; i < n; i++) total += d->row_sums[i];
    for (int i = 0; i < n; i++) {
        d->force_x[i] = 4 * (exaggeration * d->force_x[i] - d->away[i] / total);
        d->force_y[i] = 4 * (exaggeration * d->force_y[i] - d->away[n + i] / total);
    }
}

/* Gains grow where a force keeps its direction against the speed (Jacobs 1988). */
static void move(int count, const double *force, double step, double momentum, double *speed, double *gain,
                 double *place)
{
    for (int i = 0; i < count; i++) {
        gain[i] = force[i] * speed[i] < 0 ? gain[i] + 0.2 : fmax(gain[i] * 0.8, GAIN_LEAST);
        speed[i] = momentum * speed[i] - step * gain[i] * force[i];
        place[i] += speed[i];
    }
}

static nn_status descend(struct descent *d, int steps, tr_tsne_progress *progress, void *context,
                         struct nn_error *err)
{
    double step = fmax(d->count / EXAGGERATION / 4, STEP_LEAST);
    for (int i = 0; i < 2 * d->count; i++) d->gain[i] = 1;
    for (int k = 0; k < steps; k++) {
        bool early = k < EXAGGERATED_STEPS;
        if (k == EXAGGERATED_STEPS) { /* as another descent, from where the first came to */
            memset(d->speed, 0, 2 * (size_t)d->count * sizeof *d->speed);
            for (int i = 0; i < 2 * d->count; i++) d->gain[i] = 1;
        }
        find_forces(d, early ? EXAGGERATION : 1);
        double momentum = early ? 0.5 : 0.8;
        move(d->count, d->force_x, step, momentum, d->speed, d->gain, d->x);
        move(d->count, d->force_y, step, momentum, d->speed + d->count, d->gain + d->count, d->y);
        bool shown = progress && ((k + 1) % SHOWN_EVERY == 0 || k + 1 == steps);
        if (shown && !progress(context, k + 1, steps)) return nn_fail(err, NN_STOPPED, "stopped");
    }
    return NN_OK;
}

static void start(const double *points, int count, int width, double *x, double *y)
{
    double mean = 0, squares = 0;
    for (int i = 0; i < count; i++) mean += points[(size_t)i * (size_t)width] / count;
    for (int i = 0; i < count; i++) squares += pow(points[(size_t)i * (size_t)width] - mean, 2) / count;
    double scale = squares > 0 ? START_DEVIATION / sqrt(squares) : 0;
    for (int i = 0; i < count; i++) {
        x[i] = scale * points[(size_t)i * (size_t)width];
        y[i] = scale * points[(size_t)i * (size_t)width + 1];
    }
}

nn_status tr_tsne(const double *points, int count, int width, const struct tr_tsne_settings *settings,
                  double *places, tr_tsne_progress *progress, void *context, struct nn_error *err)
{
    size_t n = (size_t)count;
    if (width < 2 || !(settings->perplexity >= 1 && 3 * settings->perplexity < count))
        return nn_fail(err, NN_ERR_ARGUMENT, "a perplexity of %g needs more than %g points, here are %d",
                       settings->perplexity, 3 * settings->perplexity, count);
    double *pairs = malloc(2 * n * n * sizeof *pairs), *rest = calloc(11 * n, sizeof *rest);
    nn_status status = NN_ERR_MEMORY;
    if (!pairs || !rest) {
        nn_fail(err, status, "out of memory for the pairs of %d points", count);
        goto out;
    }
    struct descent d = {.count = count,
                        .p = pairs,
                        .x = rest,
                        .y = rest + n,
                        .force_x = rest + 2 * n,
                        .force_y = rest + 3 * n,
                        .speed = rest + 4 * n,
                        .gain = rest + 6 * n,
                        .row_sums = rest + 8 * n,
                        .away = rest + 9 * n};
    similarities(points, count, width, settings->perplexity, pairs + n * n, pairs);
    start(points, count, width, d.x, d.y);
    status = descend(&d, settings->steps, progress, context, err);
    for (size_t i = 0; i < n && status == NN_OK; i++) {
        places[2 * i] = d.x[i];
        places[2 * i + 1] = d.y[i];
    }
out:
    free(rest);
    free(pairs);
    return status;
}
