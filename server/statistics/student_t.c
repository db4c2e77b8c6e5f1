#include "server/statistics/student_t.h"

#include <math.h>
#include <stdbool.h>

enum { TERMS_MAX = 100000 };
#define TINY 1e-300

/* lgamma of the C library writes a global: threads would race. */
static double log_gamma(double x)
{
    int sign;
    return lgamma_r(x, &sign);
}

/* One step of Lentz' method with the numerator `a` and the denominator 1; true when nothing changes any more.
 */
static bool lentz(double a, double *c, double *d, double *fraction)
{
    *d = 1 + a * *d;
    *c = 1 + a / *c;
    if (fabs(*d) < TINY) *d = TINY;
    if (fabs(*c) < TINY) *c = TINY;
    *d = 1 / *d;
    *fraction *= *c * *d;
    return fabs(*c * *d - 1) < 1e-15;
}

/* The continued fraction converges fast for x < (a + 1) / (a + b + 2). */
static double beta_fraction(double a, double b, double x)
{
    double c = 1, d = 1 - (a + b) * x / (a + 1);
    d = 1 / (fabs(d) < TINY ? TINY : d);
    double fraction = d;
    for (int i = 1; i <= TERMS_MAX; i++) {
        double m = i;
        lentz(m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)), &c, &d, &fraction);
        if (lentz(-(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)), &c, &d, &fraction)) break;
    }
    return fraction;
}

/* I_x(a, b); `rest` is 1 - x, given apart as it may be tiny. */
static double incomplete_beta(double a, double b, double x, double rest)
{
    if (x <= 0 || rest <= 0) return x <= 0 ? 0 : 1;
    double front = exp(log_gamma(a + b) - log_gamma(a) - log_gamma(b) + a * log(x) + b * log(rest));
    if (x < (a + 1) / (a + b + 2)) return front * beta_fraction(a, b, x) / a;
    return 1 - front * beta_fraction(b, a, rest) / b;
}

double srv_stat_student_above(double t, double df)
{
    double square = t * t;
    double tail = incomplete_beta(df / 2, 0.5, df / (df + square), square / (df + square)) / 2;
    return t >= 0 ? tail : 1 - tail;
}

double srv_stat_student_quantile(double p, double df)
{
    if (p < 0.5) return -srv_stat_student_quantile(1 - p, df);
    double low = 0, high = 1;
    while (srv_stat_student_above(high, df) > 1 - p && high < 1e300) high *= 2;
    for (int i = 0; i < 100; i++) {
        double middle = (low + high) / 2;
        if (srv_stat_student_above(middle, df) > 1 - p)
            low = middle;
        else
            high = middle;
    }
    return (low + high) / 2;
}
