#include "server/statistics/normal.h"

#include <math.h>

double srv_stat_normal_density(double x)
{
    return exp(-x * x / 2) / sqrt(2 * acos(-1));
}

/* Bisection on erfc: no table of coefficients to mistype, and a summary asks only twice. In the lower half,
 * where small p keep their digits. */
double srv_stat_normal_quantile(double p)
{
    if (p > 0.5) return -srv_stat_normal_quantile(1 - p);
    double low = -40, high = 0;
    for (int i = 0; i < 100; i++) {
        double middle = (low + high) / 2;
        if (0.5 * erfc(-middle / sqrt(2)) < p)
            low = middle;
        else
            high = middle;
    }
    return (low + high) / 2;
}
