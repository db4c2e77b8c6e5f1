/* How often a measured value was in which range, as Prometheus shows it. The caller guards it. */
#ifndef SRV_HISTOGRAM_H
#define SRV_HISTOGRAM_H

#include <stdint.h>

enum { HISTOGRAM_BOUNDS = 13 };

/* Zeroed is empty. */
struct srv_histogram {
    uint64_t
        counts[HISTOGRAM_BOUNDS + 1]; /* [i]: values <= bounds[i] and above the bound before; then the rest */
    uint64_t total;
    double sum;
};

/* Upper bounds, ascending: of durations in seconds, 1 ms to 10 s, and of counts, 1 to 4096. */
extern const double srv_histogram_seconds[HISTOGRAM_BOUNDS];
extern const double srv_histogram_powers[HISTOGRAM_BOUNDS];

/* `bounds`: always the same for one histogram. */
void srv_histogram_add(struct srv_histogram *histogram, const double *bounds, double value);

#endif
