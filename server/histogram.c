#include "server/histogram.h"

#include <stdbool.h>

/* In the unit that is observed. Times: fine around the targets of an image (100 ms) and an answer (50 ms). */
static const int64_t bounds[][HISTOGRAM_BUCKETS_MAX] = {
    [HISTOGRAM_TIME] = {1000, 2500, 5000, 10000, 25000, 50000, 75000, 100000, 250000, 500000, 1000000,
                        2500000, 5000000, 10000000, 30000000},
    [HISTOGRAM_COUNT] = {1, 2, 4, 8, 16, 32, 64, 128},
};

static double shown(const struct srv_histogram *histogram, double value)
{
    return histogram->scale == HISTOGRAM_TIME ? value / 1e6 : value;
}

/* The table's rows end with zeros. */
static bool is_bound(const struct srv_histogram *histogram, int i)
{
    return i < HISTOGRAM_BUCKETS_MAX && bounds[histogram->scale][i] > 0;
}

void srv_histogram_observe(struct srv_histogram *histogram, int64_t value)
{
    if (!histogram) return;
    if (value < 0) value = 0;
    int i = 0;
    while (is_bound(histogram, i) && value > bounds[histogram->scale][i]) i++;
    if (!is_bound(histogram, i)) i = HISTOGRAM_BUCKETS_MAX;
    atomic_fetch_add_explicit(&histogram->buckets[i], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&histogram->sum, (unsigned long long)value, memory_order_relaxed);
}

uint64_t srv_histogram_total(const struct srv_histogram *histogram)
{
    uint64_t total = 0;
    for (int i = 0; i <= HISTOGRAM_BUCKETS_MAX; i++) total += atomic_load(&histogram->buckets[i]);
    return total;
}

void srv_histogram_print(const struct srv_histogram *histogram, FILE *out, const char *name,
                         const char *labels)
{
    const char *comma = *labels ? "," : "", *open = *labels ? "{" : "", *close = *labels ? "}" : "";
    uint64_t below = 0;
    double sum = (double)atomic_load(&histogram->sum);
    for (int i = 0; is_bound(histogram, i); i++) {
        below += atomic_load(&histogram->buckets[i]);
        fprintf(out, "%s_bucket{%s%sle=\"%g\"} %llu\n", name, labels, comma,
                shown(histogram, (double)bounds[histogram->scale][i]), (unsigned long long)below);
    }
    below += atomic_load(&histogram->buckets[HISTOGRAM_BUCKETS_MAX]);
    fprintf(out, "%s_bucket{%s%sle=\"+Inf\"} %llu\n", name, labels, comma, (unsigned long long)below);
    fprintf(out, "%s_sum%s%s%s %.15g\n", name, open, labels, close, shown(histogram, sum));
    fprintf(out, "%s_count%s%s%s %llu\n", name, open, labels, close, (unsigned long long)below);
}
