#include "server/histogram.h"

const double srv_histogram_seconds[HISTOGRAM_BOUNDS] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                                        0.25,  0.5,    1,     2.5,  5,     10};
const double srv_histogram_powers[HISTOGRAM_BOUNDS] = {1,   2,   4,   8,    16,   32,  64,
                                                       128, 256, 512, 1024, 2048, 4096};

void srv_histogram_add(struct srv_histogram *histogram, const double *bounds, double value)
{
    int i = 0;
    while (i < HISTOGRAM_BOUNDS && value > bounds[i]) i++;
    histogram->counts[i]++;
    histogram->total++;
    histogram->sum += value;
}
