/* How often something took how long: fixed buckets, counted without locks by any thread. Zeroed is ready for
 * use as a histogram of times. Printed for Prometheus; a reader adds up buckets of many daemons and estimates
 * quantiles from them. */
#ifndef SRV_HISTOGRAM_H
#define SRV_HISTOGRAM_H

#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>

enum { HISTOGRAM_BUCKETS_MAX = 16 };

enum srv_histogram_scale {
    HISTOGRAM_TIME,  /* observed in microseconds, printed in seconds: buckets from 1 ms to 30 s */
    HISTOGRAM_COUNT, /* pieces: 1, 2, 4, .. 128 */
};

struct srv_histogram {
    enum srv_histogram_scale scale;
    atomic_ullong buckets[HISTOGRAM_BUCKETS_MAX + 1]; /* the last: above all bounds */
    atomic_ullong sum;
};

/* A histogram of NULL is harmless; a negative value counts as 0. Any thread. */
void srv_histogram_observe(struct srv_histogram *histogram, int64_t value);

/* All observations. */
uint64_t srv_histogram_total(const struct srv_histogram *histogram);

/* The lines NAME_bucket, NAME_sum and NAME_count, without HELP and TYPE. `labels` is "" or like
 * `route="/x"`. What is observed meanwhile may be in some lines and not in others, but the buckets and the
 * count agree. */
void srv_histogram_print(const struct srv_histogram *histogram, FILE *out, const char *name,
                         const char *labels);

#endif
